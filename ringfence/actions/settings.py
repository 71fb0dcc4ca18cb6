"""Two places that are one: joined, and parted again; how many people a place has. What each case said stays as it was said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.actions.errors import Invalid, NotFound
from ringfence.base.references import tidy
from ringfence.rules.access import Refused, Scope
from ringfence.rules.settings import MOST_PEOPLE


@dataclass(frozen=True, slots=True)
class Merged:
    """The setting that is kept, and the one that turned out to be it."""

    keep: int
    keep_ref: str
    merge: int
    merge_ref: str


class _Row(NamedTuple):
    id: int
    ref: str
    name: str
    authority: str
    merged_into: int | None


def _hold(refs: list[str], by: Scope) -> dict[str, _Row]:
    """The settings, locked; raises NotFound for one that is not there, Refused for one outside the person's areas."""
    wanted = [tidy(ref) for ref in refs]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, ref, name, authority, merged_into_id FROM settings WHERE ref = ANY (%s) ORDER BY id FOR UPDATE",
            [wanted],
        )
        found = {row[1]: _Row(*row) for row in cursor.fetchall()}
    for ref in wanted:
        if ref not in found:
            raise NotFound(f"There is no place {ref} that you may change.")
        if found[ref].authority not in by.standing:
            raise Refused("This place lies in another area; only people there can change it.")
    return found


def merge(*, keep: str, merge: str, by: Scope, now: datetime) -> Merged:
    """Say that the setting ``merge`` is the setting ``keep`` (references). What was named as the one counts for the other.

    Places that were merged into it before follow. Raises Refused, NotFound, Invalid.
    """
    by.require("settings")
    if tidy(keep) == tidy(merge):
        raise Invalid("keep", "Choose two different places.")
    with walls.transaction(by):
        found = _hold([keep, merge], by)
        kept, gone = found[tidy(keep)], found[tidy(merge)]
        for each in (kept, gone):
            if each.merged_into is not None:
                raise Invalid("keep", f"{each.name} has been merged already; open the place that it is now.")
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE settings SET merged_into_id = %s, merged_at = %s, merged_by = %s"
                " WHERE id = %s OR merged_into_id = %s",
                [kept.id, now, by.user, gone.id, gone.id],
            )
        detail = {"keep": kept.id, "merge": gone.id}
        auditing.record("setting.merged", by=by, now=now, area=kept.authority, detail=detail)
    return Merged(kept.id, kept.ref, gone.id, gone.ref)


def part(*, setting: str, by: Scope, now: datetime) -> Merged:
    """Undo a merge: the setting is one of its own again. Raises Refused, NotFound, Invalid."""
    by.require("settings")
    with walls.transaction(by):
        gone = _hold([setting], by)[tidy(setting)]
        if gone.merged_into is None:
            raise Invalid("setting", f"{gone.name} is not merged into another place.")
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, ref FROM settings WHERE id = %s", [gone.merged_into])
            kept, kept_ref = cursor.fetchone()
            cursor.execute(
                "UPDATE settings SET merged_into_id = NULL, merged_at = NULL, merged_by = NULL WHERE id = %s", [gone.id]
            )
        auditing.record("setting.parted", by=by, now=now, area=gone.authority, detail={"keep": kept, "merge": gone.id})
    return Merged(kept, kept_ref, gone.id, gone.ref)


def set_size(*, setting: str, people: int | None, by: Scope, now: datetime) -> int | None:
    """Say how many people work, learn or live at a setting (its reference); None when it is not known. What it was before.

    Raises Refused, NotFound, Invalid.
    """
    by.require("settings")
    if people is not None and not 1 <= people <= MOST_PEOPLE:
        raise Invalid("people", f"The number of people must be a whole number from 1 to {MOST_PEOPLE:,}.")
    with walls.transaction(by), connection.cursor() as cursor:
        found = _hold([setting], by)[tidy(setting)]
        cursor.execute("SELECT size FROM settings WHERE id = %s", [found.id])
        before: int | None = cursor.fetchone()[0]
        cursor.execute("UPDATE settings SET size = %s WHERE id = %s", [people, found.id])
        detail = {"setting": found.id, "people": people, "before": before}
        auditing.record("setting.sized", by=by, now=now, area=found.authority, detail=detail)
    return before
