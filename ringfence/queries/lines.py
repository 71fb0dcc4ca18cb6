"""One line of a list of traces, and the SQL that every such list shares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ringfence.accounts import walls
from ringfence.rules.access import Refused, Scope


@dataclass(frozen=True, slots=True)
class Line:
    """A trace in a list.

    ``name`` and ``postcode`` are "" when the person may not be seen. ``with_user`` and ``with_name`` say who has it
    open until ``ready_at``; without them ``ready_at`` is when the next try may be made. ``came_why`` is the sentence of
    the last hand-over, ``came_reason`` its kind, ``came_from`` the team that had it before; ``why`` is why it was placed at first.
    """

    trace: int
    ref: str
    version: int
    reason: str
    priority: int
    created_at: datetime
    owned_since: datetime
    due_at: datetime
    due_why: str
    why: str
    attempts: int
    last_attempt_at: datetime | None
    last_outcome: str
    queued: bool
    ready_at: datetime | None
    with_user: int | None
    with_name: str
    name: str
    postcode: str
    birth_date: date | None
    care_home: bool
    came_why: str
    came_reason: str
    came_from: str
    unseen: bool


#: Wraps a selection of trace ids, ``picked(id, place)``; the lines come in the order of ``place``.
LINES = """
SELECT t.id, t.ref, t.version, t.reason, t.priority, t.created_at, t.owned_since, t.due_at, t.due_why, t.why,
    t.attempts, t.last_attempt_at, coalesce(a.outcome, ''), t.queued, t.ready_at, t.claimed_by, coalesce(u.name, ''),
    coalesce(p.given_name || ' ' || p.family_name, ''), coalesce(p.postcode, ''), p.birth_date,
    coalesce(p.care_home, false), coalesce(h.why, ''), coalesce(h.reason, ''), coalesce(f.name, ''),
    coalesce(h.seen_at IS NULL AND h.at IS NOT NULL, false)
FROM picked
JOIN traces t ON t.id = picked.id
LEFT JOIN people p ON p.id = t.person_id
LEFT JOIN users u ON u.id = t.claimed_by
LEFT JOIN LATERAL (
    SELECT l.at, l.reason, l.why, l.from_team_id, l.seen_at FROM handovers l
    WHERE l.trace_id = t.id AND l.seq = t.handovers) h ON t.handovers > 0
LEFT JOIN teams f ON f.id = h.from_team_id
LEFT JOIN LATERAL (
    SELECT l.outcome FROM attempts l WHERE l.trace_id = t.id ORDER BY l.at DESC, l.id DESC LIMIT 1) a ON t.attempts > 0
ORDER BY picked.place
"""


def lines(picked: str, arguments: dict[str, Any]) -> tuple[Line, ...]:
    """The lines of the traces that ``picked`` selects: SQL for rows ``(id, place)``."""
    return tuple(Line(*row) for row in walls.rows(f"WITH picked AS MATERIALIZED ({picked}) {LINES}", arguments))


_OPENED = """
INSERT INTO audit.events (at, user_id, scope, verb, opened, team_id, detail)
VALUES (%s, %s, %s, 'list.opened', true, %s, jsonb_build_object('list', %s::text, 'traces', %s::int))
"""


def opened_list(name: str, team: int | None, count: int, scope: Scope, now: datetime) -> None:
    """Log that a list of people was shown."""
    if count:
        walls.rows(_OPENED, [now, scope.user or None, scope.name, team, name, count])


def must_be_member(scope: Scope, team: int) -> None:
    """Raise Refused unless the person works in the team."""
    scope.require("trace")
    if team not in scope.teams:
        raise Refused("You do not work in this team.")


def must_lead(scope: Scope, team: int) -> None:
    """Raise Refused unless the person leads the team."""
    scope.require("lead")
    if team not in scope.lead_of:
        raise Refused("You do not lead this team.")
