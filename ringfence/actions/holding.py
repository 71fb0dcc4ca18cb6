"""What every verb on one trace begins with: the row, locked, as the page knew it; and how a trace changes hands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions.errors import NotFound, Stale
from ringfence.partnerships import clock as policies
from ringfence.queries.policy import local_teams, partnership_histories
from ringfence.queries.renewal import GIVEN_BACK_AT
from ringfence.rules.access import Refused, Scope
from ringfence.rules.attempts import Outcome, TraceOutcome
from ringfence.rules.calendar import spoken
from ringfence.rules.followups import FOLLOW_UP
from ringfence.rules.handover import Due, TeamKind, after_move


@dataclass(frozen=True, slots=True)
class Held:
    """A trace as the database has it now, locked until the end of the transaction."""

    id: int
    ref: str
    person_id: int
    team_id: int
    kind: TeamKind
    team_name: str
    area: str
    authority: str
    national_team_id: int | None
    from_team_id: int | None
    owned_since: datetime
    created_at: datetime
    priority: int
    due_at: datetime
    due_why: str
    passes_to_id: int | None
    queued: bool
    ready_at: datetime | None
    claimed_by: int | None
    phone: str
    closed_at: datetime | None
    outcome: str
    handovers: int
    version: int
    attempts: int
    reason: str
    claimed_name: str | None

    def claim_lives(self, now: datetime) -> bool:
        """Whether somebody has it open at ``now``."""
        return self.claimed_by is not None and self.ready_at is not None and now < self.ready_at


_HOLD = """
SELECT t.id, t.ref, t.person_id, t.team_id, k.kind, k.name, t.area, t.authority, t.national_team_id, t.from_team_id,
    t.owned_since, t.created_at, t.priority, t.due_at, t.due_why, t.passes_to_id, t.queued, t.ready_at, t.claimed_by,
    t.phone, t.closed_at, t.outcome, t.handovers, t.version, t.attempts, t.reason, u.name
FROM traces t JOIN teams k ON k.id = t.team_id LEFT JOIN users u ON u.id = t.claimed_by
WHERE t.id = ANY (%s)
ORDER BY t.id
"""


def hold_many(traces: Sequence[int], *, lock: bool = True) -> list[Held]:
    """The traces that may be seen of those named, locked in order of their number; the rest is left out.

    Policies stand still from here on, so that where a trace goes and when it is due there are by the same policy.
    Without ``lock`` they are only looked at.
    """
    policies.hold_still()
    rows = walls.rows(_HOLD + ("FOR UPDATE OF t" if lock else ""), [list(traces)])
    names = [each.name for each in fields(Held)]
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [Held(**{**each, "kind": TeamKind(each["kind"])}) for each in found]


def hold(trace: int, version: int, now: datetime) -> Held:
    """The trace, locked. Raises NotFound when there is none to be seen, Stale when it changed since ``version``."""
    found = hold_many([trace])
    if not found:
        raise NotFound(f"There is no trace {trace} that you may see.")
    held = found[0]
    if held.version != version:
        raise Stale("This record has changed since you opened it. Nothing was saved.", changes(held, version, now))
    return held


def must_own(held: Held, by: Scope) -> None:
    """Raise Refused unless the person works in the team that has the trace."""
    by.require("trace")
    if held.team_id not in by.teams:
        raise Refused(f"{held.team_name} has this trace; only its members can do this.")


def must_be_free(held: Held, by: Scope, now: datetime) -> None:
    """Raise Refused when somebody else has the trace open."""
    if held.claim_lives(now) and held.claimed_by != by.user:
        assert held.ready_at is not None
        raise Refused(f"{held.claimed_name or 'Somebody'} has this trace open until {spoken(held.ready_at)}.")


def concerned(held: Held) -> list[int]:
    """The teams that work on a trace, the owner first, each once."""
    return list(dict.fromkeys(each for each in (held.team_id, held.national_team_id, held.from_team_id) if each))


_CHANGES = """
SELECT at, told, who FROM (
    (SELECT a.recorded_at AS at, 'attempt:' || a.outcome AS told, u.name AS who
     FROM attempts a LEFT JOIN users u ON u.id = a.user_id
     WHERE a.trace_id = %(id)s ORDER BY a.id DESC LIMIT 3)
    UNION ALL
    (SELECT h.at, 'handover:' || k.name, u.name
     FROM handovers h JOIN teams k ON k.id = h.to_team_id LEFT JOIN users u ON u.id = h.user_id
     WHERE h.trace_id = %(id)s ORDER BY h.seq DESC LIMIT 3)
    UNION ALL
    (SELECT t.claimed_at, 'claim:', u.name FROM traces t JOIN users u ON u.id = t.claimed_by WHERE t.id = %(id)s)
) acts
ORDER BY at DESC LIMIT %(limit)s
"""


def changes(held: Held, version: int, now: datetime) -> tuple[str, ...]:
    """What happened to the trace since ``version``, newest first, at most three sentences."""
    since = min(3, max(1, held.version - version))
    with connection.cursor() as cursor:
        cursor.execute(_CHANGES, {"id": held.id, "limit": since})
        rows: list[tuple[datetime, str, str | None]] = cursor.fetchall()
    told = []
    if held.closed_at is not None:
        told.append(f"It was closed at {spoken(held.closed_at)}: {TraceOutcome(held.outcome).words.lower()}.")
    for at, what, who in rows:
        kind, _, about = what.partition(":")
        name = who or "The clock"
        if kind == "attempt":
            told.append(f"{name} recorded {Outcome(about).label.lower()!r} at {spoken(at)}.")
        elif kind == "handover":
            told.append(f"{name} passed it to {about} at {spoken(at)}.")
        elif held.claim_lives(now):
            told.append(f"{name} took it at {spoken(at)}.")
    return tuple(told[:3]) or ("It went back to the queue or its place in the queue changed.",)


def clock(held: Held, to_team: int, to_kind: TeamKind, to_area: str, now: datetime) -> tuple[Due, int | None]:
    """When the trace is due with a team that gets it now, and the team that the clock then passes it to."""
    return clocks([held], to_team, to_kind, to_area, now)[0]


def clocks(
    held: Sequence[Held], to_team: int, to_kind: TeamKind, to_area: str, now: datetime
) -> list[tuple[Due, int | None]]:
    """``clock`` for each of many traces that go to one team."""
    homes = [to_area if to_kind is TeamKind.LOCAL else (each.authority or to_area) for each in held]
    areas = sorted(set(homes))
    histories, locals_ = partnership_histories(areas), local_teams(now, areas)
    nationally = to_kind in (TeamKind.NATIONAL, TeamKind.POOL)
    back = _given_back([each.id for each in held], now) if nationally else {}
    found: list[tuple[Due, int | None]] = []
    for each, area in zip(held, homes, strict=True):
        if each.reason == FOLLOW_UP:
            # Who calls again is the policy's matter, and not the clock's.
            found.append((Due(each.due_at, False, each.due_why), None))
            continue
        local = locals_.get(area)
        due = after_move(
            to_kind,
            each.created_at,
            histories.get(area, ()),
            local_team_live_from=local.live_from if local else None,
            now=now,
            given_back_at=back.get(each.id),
        )
        found.append((due, local.id if local and due.passes and local.id != to_team else None))
    return found


# Who has it now gives it back now.
_GIVEN_BACK = f"""
SELECT t.id, CASE WHEN k.kind = 'local' OR k.kind = 'health_protection' AND b.at IS NOT NULL THEN %(now)s ELSE b.at END
FROM traces t JOIN teams k ON k.id = t.team_id CROSS JOIN LATERAL (SELECT {GIVEN_BACK_AT} AS at) b
WHERE t.id = ANY (%(traces)s)
"""


def _given_back(traces: Sequence[int], now: datetime) -> dict[int, datetime | None]:
    """When a local team that had the trace gave it back, which is now while it still has it; None where none had it."""
    with connection.cursor() as cursor:
        cursor.execute(_GIVEN_BACK, {"traces": list(traces), "now": now})
        return dict(cursor.fetchall())


@dataclass(frozen=True, slots=True)
class Move:
    """One trace that changes hands."""

    held: Held
    to_team: int
    to_area: str
    due: Due
    passes_to: int | None
    why: str


_MOVE = """
WITH moves AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(to_teams)s::bigint[], %(areas)s::text[], %(due_ats)s::timestamptz[],
        %(due_whys)s::text[], %(passes)s::bigint[], %(whys)s::text[])
        AS m (id, to_team, area, due_at, due_why, passes_to, why)
), before AS (
    SELECT t.id, t.team_id, t.area, t.person_id, t.owned_since, t.handovers, greatest(%(now)s, t.owned_since) AS at
    FROM traces t JOIN moves m ON m.id = t.id
), moved AS (
    UPDATE traces t
    SET team_id = m.to_team, area = m.area, from_team_id = b.team_id, owned_since = b.at, due_at = m.due_at,
        due_why = m.due_why, passes_to_id = m.passes_to, queued = true, ready_at = NULL, claimed_by = NULL,
        claimed_at = NULL, handovers = b.handovers + 1, version = t.version + 1
    FROM moves m JOIN before b ON b.id = m.id
    WHERE t.id = m.id
)
INSERT INTO handovers (trace_id, seq, previous, from_team_id, since, to_team_id, at, reason, why, user_id, recorded_at)
SELECT b.id, b.handovers + 1, nullif(b.handovers, 0), b.team_id, b.owned_since, m.to_team, b.at, %(reason)s,
    left(m.why, 300), %(user)s, %(now)s
FROM before b JOIN moves m ON m.id = b.id
"""

_KNOWN = """
INSERT INTO standings (person_id, area, why, from_at)
SELECT DISTINCT p.person, p.area, 'handed', %(now)s::timestamptz
FROM unnest(%(people)s::bigint[], %(areas)s::text[]) AS p (person, area)
ON CONFLICT DO NOTHING
"""


def move(moves: Sequence[Move], reason: str, by: Scope, now: datetime) -> None:
    """Give traces to other teams: owner, clock, queue, the finished ownership, and the standing of a new area."""
    if not moves:
        return
    known = [each for each in moves if each.to_area != each.held.area and each.to_area != each.held.authority]
    with connection.cursor() as cursor:
        if known:
            # Before the trace leaves the sight of the one who passes it on.
            cursor.execute(
                _KNOWN,
                {
                    "people": [each.held.person_id for each in known],
                    "areas": [each.to_area for each in known],
                    "now": now,
                },
            )
        arguments: dict[str, Any] = {
            "ids": [each.held.id for each in moves],
            "to_teams": [each.to_team for each in moves],
            "areas": [each.to_area for each in moves],
            "due_ats": [each.due.at for each in moves],
            "due_whys": [each.due.why for each in moves],
            "passes": [each.passes_to for each in moves],
            "whys": [each.why for each in moves],
            "reason": reason,
            "user": by.user or None,
            "now": now,
        }
        cursor.execute(_MOVE, arguments)
