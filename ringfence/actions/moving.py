"""Open traces follow the people whom a newer result shows elsewhere, and closed ones come back with a number to call."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import connection

from ringfence.queries.allocation import Allocation
from ringfence.rules import allocation as rules
from ringfence.rules.allocation import Owned, Placement, Residence
from ringfence.rules.handover import TeamKind

_OPEN = """
SELECT t.id, t.person_id, t.authority, t.team_id, k.kind, t.created_at, t.claimed_by IS NOT NULL
FROM traces t JOIN teams k ON k.id = t.team_id
WHERE t.person_id = ANY (%s) AND t.reason = 'case' AND t.closed_at IS NULL
ORDER BY t.id FOR UPDATE OF t
"""

_RELOCATE = """
WITH moves AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(authorities)s::text[], %(teams)s::bigint[], %(areas)s::text[],
        %(nationals)s::bigint[], %(passes)s::bigint[], %(due_ats)s::timestamptz[], %(due_whys)s::text[], %(whys)s::text[])
        AS m (id, authority, team, area, national, passes_to, due_at, due_why, why)
), before AS (
    SELECT t.id, t.team_id, t.person_id, t.owned_since, t.handovers, greatest(%(now)s, t.owned_since) AS at
    FROM traces t JOIN moves m ON m.id = t.id
), moved AS (
    UPDATE traces t
    SET authority = m.authority, team_id = m.team, area = m.area, national_team_id = m.national, from_team_id = b.team_id,
        passes_to_id = m.passes_to, owned_since = b.at, due_at = m.due_at, due_why = m.due_why, queued = true,
        ready_at = NULL, handovers = b.handovers + 1, version = t.version + 1
    FROM moves m JOIN before b ON b.id = m.id
    WHERE t.id = m.id
), told AS (
    INSERT INTO audit.events (at, scope, verb, person_id, trace_id, team_id, area)
    SELECT %(now)s, 'intake', 'trace.moved', b.person_id, b.id, m.team, m.area FROM before b JOIN moves m ON m.id = b.id
)
INSERT INTO handovers (trace_id, seq, previous, from_team_id, since, to_team_id, at, reason, why, recorded_at)
SELECT b.id, b.handovers + 1, nullif(b.handovers, 0), b.team_id, b.owned_since, m.team, b.at, 'moved', m.why, %(now)s
FROM before b JOIN moves m ON m.id = b.id
"""

# The same trace, so that one person waits once in the figures, from the day on which they were transferred.
_REOPEN = """
WITH reopened AS (
    UPDATE traces t
    SET closed_at = NULL, outcome = '', queued = true, ready_at = NULL, version = t.version + 1,
        phone = coalesce(nullif(p.phone, ''), p.phone_other)
    FROM unnest(%(people)s::bigint[], %(cases)s::bigint[]) AS b (person, case_id) JOIN people p ON p.id = b.person
    WHERE t.person_id = b.person AND t.case_id = b.case_id AND t.reason = 'case' AND t.closed_at IS NOT NULL
        AND t.outcome = 'no_details' AND coalesce(nullif(p.phone, ''), p.phone_other) NOT IN ('', t.phone)
        AND NOT EXISTS (SELECT 1 FROM traces o WHERE o.person_id = t.person_id AND o.reason = 'case'
            AND (o.closed_at IS NULL OR o.id > t.id))
    RETURNING t.id, t.person_id, t.team_id, t.area
)
INSERT INTO audit.events (at, scope, verb, person_id, trace_id, team_id, area)
SELECT %(now)s, 'intake', 'trace.reopened', person_id, id, team_id, area FROM reopened
"""


def relocate(homes: Mapping[int, Residence], teams: Allocation, now: datetime) -> None:
    """Give the open traces of these people (by id, with where they live now) to the teams of their new authorities.

    In the caller's transaction, which holds the policies still.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [list(homes)])
        moves: list[tuple[int, str, Placement]] = []
        for trace, person, authority, team, kind, created_at, busy in cursor.fetchall():
            home = homes[person]
            owned = Owned(authority, team, TeamKind(kind), created_at, busy)
            placed = rules.relocate(owned, home, teams.authorities, teams.pool_team, now)
            if isinstance(placed, Placement):
                moves.append((trace, home.utla, placed))
        if not moves:
            return
        placements = [placed for _, _, placed in moves]
        cursor.execute(
            _RELOCATE,
            {
                "now": now,
                "ids": [trace for trace, _, _ in moves],
                "authorities": [authority for _, authority, _ in moves],
                "teams": [each.team for each in placements],
                "areas": [each.area for each in placements],
                "nationals": [each.national_team for each in placements],
                "passes": [each.passes_to for each in placements],
                "due_ats": [each.due_at for each in placements],
                "due_whys": [each.due_why for each in placements],
                "whys": [each.why for each in placements],
            },
        )


def reopen(brought: Mapping[int, int], now: datetime) -> None:
    """Traces closed for want of a number come back, of people (by id, with the case) to whom a result has brought one."""
    with connection.cursor() as cursor:
        cursor.execute(_REOPEN, {"now": now, "people": list(brought), "cases": list(brought.values())})
