"""What leads chose and changed at once: which traces match, and the changes that can be undone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from ringfence.accounts import walls
from ringfence.queries.lines import must_lead
from ringfence.rules.access import Scope
from ringfence.rules.bulk import MOST, What


@dataclass(frozen=True, slots=True)
class Filter:
    """Which open, free traces of a team: by urgency, those overdue, those older than so many hours since they were made;
    ``later`` means those that wait for their next try, in place of those in the queue."""

    priority: int | None = None
    overdue: bool = False
    hours: int | None = None
    later: bool = False

    @property
    def any(self) -> bool:
        """Whether anything is filtered."""
        return self != Filter()

    def condition(self) -> str:
        """SQL on ``t``; values are those of ``arguments``."""
        parts = ["true"]
        if self.priority is not None:
            parts.append("t.priority = %(only_priority)s")
        if self.overdue:
            parts.append("t.due_at <= %(now)s")
        if self.hours is not None:
            parts.append("t.created_at <= %(made_before)s")
        return " AND ".join(parts)

    def arguments(self, now: datetime) -> dict[str, Any]:
        made_before = now - timedelta(hours=self.hours) if self.hours is not None else None
        return {"only_priority": self.priority, "now": now, "made_before": made_before}

    @property
    def place(self) -> str:
        """Which part of the team's traces, on ``t``, as the indexes have it."""
        return "NOT t.queued AND t.closed_at IS NULL AND t.claimed_by IS NULL" if self.later else "t.queued"


#: Traces that a count looks at.
COUNTED = 20_000


def count(*, scope: Scope, team: int, now: datetime, chosen: Filter) -> tuple[int, bool]:
    """How many traces of the team match, and whether there are more than that. Raises Refused."""
    must_lead(scope, team)
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM traces t WHERE t.team_id = %(team)s AND {chosen.place}"
            f" AND {chosen.condition()} LIMIT %(limit)s) n",
            {"team": team, "limit": COUNTED + 1, **chosen.arguments(now)},
        )
        row = cursor.fetchone()
    found = int(row[0]) if row else 0
    return min(found, COUNTED), found > COUNTED


def matching(*, scope: Scope, team: int, now: datetime, chosen: Filter) -> tuple[tuple[int, int], ...]:
    """Number and version of the traces that match, the most urgent first, at most five thousand. Raises Refused."""
    must_lead(scope, team)
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.id, t.version FROM traces t WHERE t.team_id = %(team)s AND {chosen.place}"
            f" AND {chosen.condition()} ORDER BY t.priority, t.due_at, t.id LIMIT %(limit)s",
            {"team": team, "limit": MOST, **chosen.arguments(now)},
        )
        return tuple(cursor.fetchall())


@dataclass(frozen=True, slots=True)
class Change:
    """A change that a lead made. ``to`` and ``why`` are words; ``undone_at`` is None while it can be undone."""

    ref: str
    at: datetime
    by_name: str
    what: What
    to: str
    why: str
    traces: int
    undone_at: datetime | None
    undone_by: str


_CHANGES = """
SELECT c.ref, c.at, coalesce(u.name, ''), c.what, c.detail->>'to', c.detail->>'why', c.traces, c.undone_at,
    coalesce(o.name, '')
FROM bulk_changes c LEFT JOIN users u ON u.id = c.user_id LEFT JOIN users o ON o.id = c.undone_by
WHERE c.team_id = %s ORDER BY c.at DESC, c.id DESC LIMIT %s
"""


def changes(*, scope: Scope, team: int, now: datetime, limit: int = 50) -> tuple[Change, ...]:
    """What was changed at once in the team, the newest first, for its leads. No trace is named. Raises Refused."""
    must_lead(scope, team)
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(_CHANGES, [team, limit])
        rows: list[Any] = cursor.fetchall()
    return tuple(
        Change(ref, at, by_name, What(what), to or "", why or "", traces, undone_at, undone_by)
        for ref, at, by_name, what, to, why, traces, undone_at, undone_by in rows
    )
