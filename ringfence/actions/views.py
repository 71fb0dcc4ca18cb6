"""Views of a line list that somebody saves under a name, for themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.actions.checks import words
from ringfence.actions.errors import Invalid, NotFound
from ringfence.rules import line_list as rules
from ringfence.rules.access import Scope


def save(*, area: str, name: str, view: Mapping[str, Sequence[str]], by: Scope, now: datetime) -> int:
    """Save a view of the area's line list under a name, in place of one of that name; its number.

    ``view``: field of the list's form -> values. Raises Refused, NotFound, Invalid.
    """
    by.require("line list")
    told = words("view_name", name, rules.LONGEST_NAME, needed="Give the view a name, such as Under 18 this week.")
    if area not in by.areas:
        raise NotFound(f"There is no area {area} that you answer for.")
    with walls.transaction(by), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM saved_views WHERE user_id = %s AND area = %s AND name <> %s", [by.user, area, told]
        )
        if cursor.fetchone()[0] >= rules.MOST_VIEWS:
            raise Invalid("view_name", f"You have {rules.MOST_VIEWS} views of this list; delete one first.")
        cursor.execute(
            "INSERT INTO saved_views (user_id, area, name, filters, saved_at) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (user_id, area, name) DO UPDATE SET filters = excluded.filters, saved_at = excluded.saved_at"
            " RETURNING id",
            [by.user, area, told, json.dumps(rules.kept(view)), now],
        )
        number = int(cursor.fetchone()[0])
        auditing.record("view.saved", by=by, now=now, area=area, detail={"view": number})
    return number


def delete(*, view: int, by: Scope, now: datetime) -> None:
    """Delete a view of one's own. Raises Refused, NotFound."""
    by.require("line list")
    with walls.transaction(by), connection.cursor() as cursor:
        cursor.execute("DELETE FROM saved_views WHERE id = %s AND user_id = %s RETURNING area", [view, by.user])
        row = cursor.fetchone()
        if row is None:
            raise NotFound("There is no such view of yours.")
        auditing.record("view.deleted", by=by, now=now, area=row[0], detail={"view": view})
