"""Who did and opened what: for those who answer for every record opened. The audit itself names no person traced."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from ringfence.accounts import walls
from ringfence.base.references import tidy
from ringfence.rules.access import Scope, system_scope


@dataclass(frozen=True, slots=True)
class Event:
    """One act. ``trace`` is a reference, "" for an act that is about no single trace; ``who`` is "" for the clock."""

    id: int
    at: datetime
    who: str
    scope: str
    verb: str
    opened: bool
    trace: str
    team: str
    area: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of events, the newest first; ``before`` gives the next one, None on the last."""

    events: tuple[Event, ...]
    before: int | None


_EVENTS = """
SELECT e.id, e.at, coalesce(u.name, ''), e.scope, e.verb, e.opened, e.trace_id, coalesce(k.name, ''),
    coalesce(a.name, ''), e.detail::text
FROM audit.events e
LEFT JOIN users u ON u.id = e.user_id LEFT JOIN teams k ON k.id = e.team_id LEFT JOIN areas a ON a.code = e.area
WHERE (%(before)s::bigint IS NULL OR e.id < %(before)s) AND (NOT %(opened)s OR e.opened)
    AND (%(who)s::bigint[] IS NULL OR e.user_id = ANY (%(who)s::bigint[]))
    AND (%(trace)s::bigint IS NULL OR e.trace_id = %(trace)s)
ORDER BY e.id DESC LIMIT %(limit)s
"""


def recent(
    *,
    scope: Scope,
    now: datetime,
    opened: bool = True,
    who: str = "",
    ref: str = "",
    before: int | None = None,
    limit: int = 50,
) -> Page:
    """Events, the newest first. ``opened``: only those that showed a record. ``who``: part of a name or the e-mail
    address of somebody who signs in. ``ref``: of one trace. Raises Refused without the permission.
    """
    scope.require("audit")
    with walls.transaction(system_scope("statistics")):
        trace = _number(ref) if ref.strip() else None
        if ref.strip() and trace is None:
            return Page((), None)
    arguments: dict[str, Any] = {"before": before, "opened": opened, "trace": trace, "limit": limit + 1}
    with walls.transaction(system_scope("audit")), connection.cursor() as cursor:
        arguments["who"] = _people(who) if who.strip() else None
        cursor.execute(_EVENTS, arguments)
        rows = cursor.fetchall()
    more = len(rows) > limit
    following = rows[limit - 1][0] if more else None
    # Several processes number their events side by side; whoever reads wants the order of the day.
    shown = sorted(rows[:limit], key=lambda row: (row[1], row[0]), reverse=True)
    refs = _refs([row[6] for row in shown if row[6] is not None])
    events = tuple(
        Event(number, at, name, kind, verb, shows, refs.get(trace_id, ""), team, area, _detail(detail))
        for number, at, name, kind, verb, shows, trace_id, team, area, detail in shown
    )
    return Page(events, following)


def _detail(text: str | None) -> dict[str, Any]:
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}


def _people(who: str) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM users WHERE strpos(lower(name), %(who)s) > 0 OR email = %(who)s",
            {"who": who.strip().lower()},
        )
        return [row[0] for row in cursor.fetchall()]


def _number(ref: str) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM traces WHERE ref = %s", [tidy(ref)])
        row = cursor.fetchone()
    return row[0] if row else None


def _refs(traces: list[int]) -> dict[int, str]:
    with walls.transaction(system_scope("statistics")), connection.cursor() as cursor:
        cursor.execute("SELECT id, ref FROM traces WHERE id = ANY (%s)", [sorted(set(traces))])
        return dict(cursor.fetchall())
