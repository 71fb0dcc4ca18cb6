"""Open traces follow the people whom a newer result shows elsewhere, and closed ones come back with a number to call.

A trace that somebody has open at that moment follows as soon as nobody has: when a try is recorded, when it is put back,
or when the claim lapses.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from ringfence.accounts import walls
from ringfence.partnerships.clock import hold_still
from ringfence.queries.allocation import Allocation, allocation
from ringfence.rules import allocation as rules
from ringfence.rules.access import Scope, system_scope
from ringfence.rules.allocation import Owned, Placement, Residence
from ringfence.rules.handover import TeamKind

INTAKE = system_scope("intake")

#: A trace, the authority to which it goes, and its place there.
_Move = tuple[int, str, Placement]

_OPEN = """
SELECT t.id, t.person_id, t.authority, t.team_id, k.kind, t.created_at, t.claimed_by IS NOT NULL
FROM traces t JOIN teams k ON k.id = t.team_id
WHERE t.person_id = ANY (%s) AND t.reason = 'case' AND t.closed_at IS NULL
ORDER BY t.id FOR UPDATE OF t
"""

_WAIT = """
WITH asked AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(authorities)s::text[], %(whys)s::text[]) AS a (id, authority, why)
), settled AS (
    DELETE FROM moves_due WHERE trace_id = ANY (%(asked)s::bigint[]) AND NOT trace_id = ANY (%(ids)s::bigint[])
)
INSERT INTO moves_due (trace_id, authority, why, at) SELECT id, authority, left(why, 300), %(now)s FROM asked
ON CONFLICT (trace_id) DO UPDATE SET authority = excluded.authority, why = excluded.why, at = excluded.at
"""

_FREE = """
SELECT t.id, t.person_id, t.authority, t.team_id, k.kind, t.created_at, t.closed_at IS NULL, d.authority, d.why
FROM moves_due d JOIN traces t ON t.id = d.trace_id JOIN teams k ON k.id = t.team_id
WHERE t.claimed_by IS NULL OR t.ready_at <= %s
ORDER BY t.id FOR UPDATE OF t SKIP LOCKED
"""

# What waits for its next try goes on waiting with the other team: its home was just called, or asked to be called then.
_RELOCATE = """
WITH moves AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(authorities)s::text[], %(teams)s::bigint[], %(areas)s::text[],
        %(nationals)s::bigint[], %(passes)s::bigint[], %(due_ats)s::timestamptz[], %(due_whys)s::text[], %(whys)s::text[])
        AS m (id, authority, team, area, national, passes_to, due_at, due_why, why)
), before AS (
    SELECT t.id, t.team_id, t.person_id, t.owned_since, t.handovers, greatest(%(now)s, t.owned_since) AS at,
        CASE WHEN NOT t.queued AND t.claimed_by IS NULL AND t.ready_at > %(now)s THEN t.ready_at END AS waits_until
    FROM traces t JOIN moves m ON m.id = t.id
), moved AS (
    UPDATE traces t
    SET authority = m.authority, team_id = m.team, area = m.area, national_team_id = m.national, from_team_id = b.team_id,
        passes_to_id = m.passes_to, owned_since = b.at, due_at = m.due_at, due_why = m.due_why,
        queued = b.waits_until IS NULL, ready_at = b.waits_until, claimed_by = NULL, claimed_at = NULL,
        handovers = b.handovers + 1, version = t.version + 1
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

# A number learnt late is the one to call; who has the trace open at this moment is not disturbed.
_TELL_TRACES = """
UPDATE traces t SET phone = CASE WHEN t.phone = '' THEN coalesce(nullif(p.phone, ''), p.phone_other) ELSE t.phone END,
    household = coalesce(p.household, t.household), version = t.version + 1
FROM people p
WHERE p.id = ANY(%s) AND t.person_id = p.id AND t.closed_at IS NULL AND t.claimed_by IS NULL
    AND (t.phone = '' AND (p.phone <> '' OR p.phone_other <> '') OR t.household IS DISTINCT FROM p.household)
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
        asked: list[int] = []
        moves: list[_Move] = []
        waiting: list[tuple[int, Residence]] = []
        for trace, person, authority, team, kind, created_at, busy in cursor.fetchall():
            home = homes[person]
            owned = Owned(authority, team, TeamKind(kind), created_at, busy)
            placed = rules.relocate(owned, home, teams.authorities, teams.pool_team, now)
            asked.append(trace)
            if isinstance(placed, Placement):
                moves.append((trace, home.utla, placed))
            elif placed.until_free:
                waiting.append((trace, home))
        if not asked:
            return
        cursor.execute(
            _WAIT,
            {
                "now": now,
                "asked": asked,
                "ids": [trace for trace, _ in waiting],
                "authorities": [home.utla for _, home in waiting],
                "whys": [home.why for _, home in waiting],
            },
        )
    _move(moves, now)


def follow(*, by: Scope, now: datetime) -> int:
    """Move the traces whose people moved while somebody had them open, as soon as nobody has. Returns how many.

    Before what else the clock does, so that they do not go to another team of the authority that the person has left.
    """
    with walls.transaction(by), connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM moves_due)")
        if not (cursor.fetchone() or (True,))[0]:
            return 0
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        hold_still()
        cursor.execute(_FREE, [now])
        rows: list[Any] = cursor.fetchall()
        if not rows:
            return 0
        teams = allocation(now)
        moves: list[_Move] = []
        people: list[int] = []
        for trace, person, authority, team, kind, created_at, is_open, there, why in rows:
            owned = Owned(authority, team, TeamKind(kind), created_at, busy=False)
            placed = rules.relocate(owned, Residence("", there, why), teams.authorities, teams.pool_team, now)
            if is_open and isinstance(placed, Placement):
                moves.append((trace, there, placed))
                people.append(person)
        cursor.execute("DELETE FROM moves_due WHERE trace_id = ANY (%s)", [[row[0] for row in rows]])
        _move(moves, now)
        tell(people)
    return len(moves)


def _move(moves: Sequence[_Move], now: datetime) -> None:
    if not moves:
        return
    placements = [placed for _, _, placed in moves]
    with connection.cursor() as cursor:
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


def tell(people: Sequence[int]) -> None:
    """Tell open traces of these people, but those that somebody has open, of their home and of a first number to call."""
    with connection.cursor() as cursor:
        cursor.execute(_TELL_TRACES, [list(people)])


def reopen(brought: Collection[tuple[int, int]], now: datetime) -> None:
    """Traces closed for want of a number come back, of people (by id, with a case) to whom a result has brought one."""
    people, cases = zip(*brought, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_REOPEN, {"now": now, "people": list(people), "cases": list(cases)})
