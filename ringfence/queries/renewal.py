"""Due times by policies that have changed: what is to be worked out anew, and what a proposed policy would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ringfence.accounts import walls
from ringfence.queries.partnerships import require_view
from ringfence.queries.policy import local_teams, partnership_histories
from ringfence.rules.access import Scope, system_scope
from ringfence.rules.handover import Due
from ringfence.rules.policy import PartnershipPolicy
from ringfence.rules.renewal import due_anew


@dataclass(frozen=True, slots=True)
class Clockwork:
    """What the clock goes by for one authority: its policies as recorded, and its local team."""

    area: str
    policies: tuple[PartnershipPolicy, ...]
    local_team: int | None
    live_from: datetime | None


@dataclass(frozen=True, slots=True)
class Passing:
    """How many open traces pass to the local team: at once, within hours (cumulative, those at once included), later,
    or not by the clock."""

    at_once: int
    within_1: int
    within_6: int
    within_24: int
    later: int
    never: int


@dataclass(frozen=True, slots=True)
class Example:
    """One open trace, by its times alone: when it passes before and after the change (None: not by the clock)."""

    transferred_at: datetime
    before_at: datetime | None
    after_at: datetime | None
    after_why: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a policy would do to the open traces that the national team has now; nothing is written."""

    proposed: PartnershipPolicy
    open_traces: int
    before: Passing
    after: Passing
    sooner: int
    later: int
    begin_to_pass: int
    no_longer_pass: int
    unchanged: int
    examples: tuple[Example, ...]


def clockwork(areas: Iterable[str], now: datetime) -> dict[str, Clockwork]:
    """What the clock goes by, for each of ``areas``; inside a transaction that the caller has opened."""
    wanted = list(areas)
    histories, teams = partnership_histories(wanted), local_teams(now, wanted)
    works = {}
    for area in wanted:
        team = teams.get(area)
        works[area] = Clockwork(
            area, histories.get(area, ()), team.id if team else None, team.live_from if team else None
        )
    return works


def changed_since() -> frozenset[str]:
    """Authorities whose partnership changed since their traces' due times were worked out.

    Inside a transaction that the caller has opened.
    """
    return frozenset(area for (area,) in walls.fetch("SELECT area FROM partnerships WHERE applied <> revision"))


#: When trace ``t``, which a local team of its authority had, came back from there, or from who it was escalated to; null
#: for one that no local team had.
GIVEN_BACK_AT = """CASE WHEN t.handovers > 0 THEN (
    SELECT max(h.at) FROM handovers h JOIN teams f ON f.id = h.from_team_id AND f.kind IN ('local', 'health_protection')
    WHERE h.trace_id = t.id AND h.reason <> 'undone'
        AND NOT EXISTS (SELECT 1 FROM handovers m WHERE m.trace_id = t.id AND m.reason = 'moved' AND m.seq >= h.seq)
    HAVING bool_or(f.kind = 'local')) END"""

#: A trace of the authority that a national team has: what the rule asks of it, with what it was due by before.
OPEN_WITH_NATIONAL = f"""
SELECT t.id, t.authority, t.created_at, t.due_at, t.due_why, t.passes_to_id IS NOT NULL, {GIVEN_BACK_AT}
FROM traces t JOIN teams o ON o.id = t.team_id AND o.kind = 'national'
WHERE t.authority = ANY (%s) AND t.closed_at IS NULL AND t.reason <> 'followup'
ORDER BY t.id
"""

EXAMPLES = 6


def preview(*, scope: Scope, proposed: PartnershipPolicy, now: datetime) -> Preview | None:
    """What ``proposed`` would do to its authority's open traces, against the policies recorded so far.

    Worked out by the rule itself and not from its cache. None when there is no such partnership.
    """
    require_view(scope)
    with walls.transaction(system_scope("statistics")):
        if not walls.fetch("SELECT 1 FROM partnerships WHERE area = %s", [proposed.area]):
            return None
        works = clockwork([proposed.area], now)[proposed.area]
        rows = walls.fetch(OPEN_WITH_NATIONAL, [[proposed.area]])

    def decide(history: Sequence[PartnershipPolicy]) -> list[Due]:
        return [
            due_anew(
                Due(due_at, passes, why),
                transferred_at,
                history,
                local_team_live_from=works.live_from,
                now=now,
                given_back_at=given_back_at,
            )
            for _, _, transferred_at, due_at, why, passes, given_back_at in rows
        ]

    before, after = decide(works.policies), decide((*works.policies, proposed))
    return compare(proposed, [row[2] for row in rows], before, after, now)


def compare(
    proposed: PartnershipPolicy,
    transferred: Sequence[datetime],
    before: Sequence[Due],
    after: Sequence[Due],
    now: datetime,
) -> Preview:
    """Count what became of each open trace; ``before`` and ``after`` are the rule's answers in the same order.

    What is due already passes at the next sweep, so of two moments in the past neither is sooner.
    """
    change: Counter[str] = Counter()
    examples: dict[str, list[Example]] = {}
    for at, old, new in zip(transferred, before, after, strict=True):
        old_at = max(old.at, now) if old.passes else None
        new_at = max(new.at, now) if new.passes else None
        kind = _change(old_at, new_at)
        change[kind] += 1
        examples.setdefault(kind, []).append(Example(at, old_at, new_at, new.why))
    chosen: list[Example] = []
    for kind in ("begin", "sooner", "later", "stop", "same"):
        chosen += examples.get(kind, [])[:2]
    return Preview(
        proposed=proposed,
        open_traces=len(transferred),
        before=_passing(before, now),
        after=_passing(after, now),
        sooner=change["sooner"],
        later=change["later"],
        begin_to_pass=change["begin"],
        no_longer_pass=change["stop"],
        unchanged=change["same"],
        examples=tuple(chosen[:EXAMPLES]),
    )


def _change(old: datetime | None, new: datetime | None) -> str:
    if old == new:
        return "same"
    if old is None:
        return "begin"
    if new is None:
        return "stop"
    return "sooner" if new < old else "later"


def _passing(decisions: Sequence[Due], now: datetime) -> Passing:
    waits = [decision.at - now for decision in decisions if decision.passes]

    def within(hours: int) -> int:
        return sum(wait <= timedelta(hours=hours) for wait in waits)

    return Passing(within(0), within(1), within(6), within(24), len(waits) - within(24), len(decisions) - len(waits))
