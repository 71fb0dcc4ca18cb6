"""The clock: when a trace passes from the ring-fenced national team to the local team, and what else may move it.

The meaning of `due`. A trace that a national team holds passes at the first moment at which all of this is true, by the
partnership policy in force *at that moment*: the model is a timed hand-over; the policy's set period, in elapsed hours,
has gone by since the trace was transferred; the policy has begun; the local team has gone live; and the local team is
at work. Until then the national team keeps trying.

So a policy recorded in advance counts from the moment it begins and not before, a shorter period never passes a trace
before the policy that shortened it, and the answer at any moment before the hand-over is the same: it is a cache that
needs to be made new only when a policy is recorded, a team goes live, or the trace is given back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from ringfence.rules.calendar import aware, london_date, next_open, next_working_day_end, spoken
from ringfence.rules.plural import counted
from ringfence.rules.policy import Model, PartnershipPolicy

NATIONAL_TARGET = timedelta(hours=24)
"""What a team aims for where the clock passes nothing on; it orders the queue by urgency."""


GIVEN_BACK = (
    "The local team gave it back: the clock passes it on no more, and the aim is to reach them within 24 hours of that."
)
"""Why a trace that was given back is due, on the national team's pages."""


class TeamKind(StrEnum):
    """The kinds of team that can own a trace."""

    NATIONAL = "national"
    LOCAL = "local"
    HEALTH_PROTECTION = "health_protection"
    POOL = "pool"


class Due(NamedTuple):
    """When a trace is due (UTC), whether the clock then passes it on, and the reason in one sentence of at most 200
    characters."""

    at: datetime
    passes: bool
    why: str


class Decision(NamedTuple):
    """Yes or no, with the reason in one sentence; a refusal says what can be done instead."""

    allowed: bool
    why: str


@lru_cache(maxsize=4096)
def _timeline(history: tuple[PartnershipPolicy, ...]) -> tuple[PartnershipPolicy, ...]:
    """The policies in the order in which they begin; of several that begin together only the one recorded last."""
    return tuple(sorted({policy.from_at: policy for policy in history}.values(), key=lambda policy: policy.from_at))


def _set_period(timeline: Sequence[PartnershipPolicy], index: int, transferred_at: datetime) -> timedelta | None:
    """The set period that a policy gives a trace held by the national team, or None when it passes nothing."""
    policy = timeline[index]
    if policy.model is Model.LOCAL_FIRST and transferred_at < policy.from_at:
        # Placed before the local team worked cases from the start: the clock that was running runs on.
        timed = [earlier for earlier in timeline[:index] if earlier.model is Model.TIMED]
        policy = timed[-1] if timed else policy
    if policy.model is not Model.TIMED or policy.set_period_hours is None:
        return None
    return timedelta(hours=policy.set_period_hours)


def due(
    transferred_at: datetime,
    history: Sequence[PartnershipPolicy],
    *,
    local_team_live_from: datetime | None,
    now: datetime,
    given_back_at: datetime | None = None,
) -> Due:
    """When a trace that a national team holds is due, and whether the clock then passes it to the local team.

    `history` is every policy of the one authority, in the order of recording; none means national only.
    `local_team_live_from` is None when there is no local team. `given_back_at` is when the local team that had the trace
    gave it back: the clock does not pass it a second time, and the national team's target counts from then. Where the
    clock passes nothing, `at` is a target of 24 hours, from transfer unless it was given back. Raises ValueError for a
    moment without a time zone.
    """
    start = aware(transferred_at)
    target = start + NATIONAL_TARGET
    if given_back_at is not None:
        return Due(aware(given_back_at) + NATIONAL_TARGET, False, GIVEN_BACK)
    if not history:
        return Due(target, False, "No partnership policy is recorded, so the national team keeps it.")
    if local_team_live_from is None:
        return Due(target, False, "There is no local team yet, so the national team keeps it.")
    return _due(start, _timeline(tuple(history)), aware(local_team_live_from), aware(now))


@lru_cache(maxsize=8192)
def _due(start: datetime, timeline: tuple[PartnershipPolicy, ...], live_from: datetime, now: datetime) -> Due:
    """`due` with a local team. Cached, because a batch of results is transferred at one moment."""
    begun = sum(policy.from_at <= now for policy in timeline)
    for index in range(max(begun - 1, 0), len(timeline)):
        policy = timeline[index]
        period = _set_period(timeline, index, start)
        if period is None:
            continue
        floor = max(start + period, aware(policy.from_at), live_from)
        at = next_open(policy, floor)
        if index + 1 == len(timeline) or at < timeline[index + 1].from_at:
            return Due(at, True, _due_why(start, period, floor, at, live_from))
    target = start + NATIONAL_TARGET
    if timeline[-1].model is Model.LOCAL_FIRST:
        return Due(target, False, "The local team works cases from the start; the clock passes nothing on.")
    return Due(target, False, "The policy is national only, so the national team keeps it.")


def _due_why(start: datetime, period: timedelta, floor: datetime, at: datetime, live_from: datetime) -> str:
    hours = counted(int(period / timedelta(hours=1)), "hour")
    if floor == start + period:
        begin = f"The set period of {hours} ends at {spoken(floor)}"
    elif floor == live_from:
        begin = f"The set period of {hours} ends before the local team starts at {spoken(floor)}"
    else:
        begin = f"The set period of {hours} is over already when its policy begins at {spoken(floor)}"
    if at == floor:
        return f"{begin}; it then passes to the local team."
    return f"{begin}; the local team is closed, so it passes at {spoken(at)}."


def first_open(history: Sequence[PartnershipPolicy], since: datetime) -> datetime | None:
    """The first moment from `since` on at which a local team that may be given traces is at work (UTC).

    By the policy in force at that moment: a door that the present one opens later may be another's by then. None where
    every policy from then on is national only, or none is recorded. Raises PolicyError for a team with no working days.
    """
    timeline = _timeline(tuple(history))
    begun = sum(policy.from_at <= since for policy in timeline)
    for index in range(max(begun - 1, 0), len(timeline)):
        policy = timeline[index]
        if policy.model is Model.NATIONAL_ONLY:
            continue
        at = next_open(policy, max(aware(since), policy.from_at))
        if index + 1 == len(timeline) or at < timeline[index + 1].from_at:
            return at
    return None


class SetPeriod(NamedTuple):
    """A span of moments, from `from_at` up to but not including `until_at` (None: for ever), and the set period in
    hours that a trace which falls due within it had."""

    from_at: datetime
    until_at: datetime | None
    hours: int


def set_periods(history: Sequence[PartnershipPolicy]) -> tuple[SetPeriod, ...]:
    """The set period by the moment at which a trace was due, in order; moments at which none can be are left out.

    What `due` decided for one trace, told for all of an authority's: the moment a trace was due gives the set period
    that it had, whatever the moment at which it was transferred.
    """
    timeline = _timeline(tuple(history))
    found = []
    for index, policy in enumerate(timeline):
        # Under a local-first policy only traces from before it can be due, so that is the moment to ask about.
        period = _set_period(timeline, index, policy.from_at - timedelta(microseconds=1))
        if period is not None:
            until = timeline[index + 1].from_at if index + 1 < len(timeline) else None
            found.append(SetPeriod(policy.from_at, until, period // timedelta(hours=1)))
    return tuple(found)


def reason(*, transferred_at: datetime, set_period_hours: int, due_at: datetime) -> str:
    """Why the clock handed a trace over, in the past tense, for its history: at most 300 characters.

    "Handed over because 24 hours passed without contact; the set period ended at 14:05 on Monday 3 August."
    """
    ended = aware(transferred_at) + timedelta(hours=set_period_hours)
    told = (
        f"Handed over because {counted(set_period_hours, 'hour')} passed without contact;"
        f" the set period ended at {spoken(ended)}"
    )
    if aware(due_at) <= ended:
        return f"{told}."
    return f"{told}, and the local team could first take it at {spoken(due_at)}."


@lru_cache(maxsize=65_536)
def _local_target_on(policy: PartnershipPolicy, on: date) -> Due:
    at = next_working_day_end(policy, on)
    return Due(at, False, f"The local team aims to reach them by {spoken(at)}, the end of its next working day.")


def local_target(policy: PartnershipPolicy, at: datetime) -> Due:
    """What the local team aims for with a trace it got at a moment: closing time on its next working day.

    The next working day is the first one after the London day on which the trace came. Never passes on by the clock.
    Raises PolicyError for a team with no working days.
    """
    return _local_target_on(policy, london_date(at))


def after_move(
    kind: TeamKind,
    transferred_at: datetime,
    history: Sequence[PartnershipPolicy],
    *,
    local_team_live_from: datetime | None,
    now: datetime,
    given_back_at: datetime | None = None,
) -> Due:
    """When a trace is due that a team of `kind` gets now, by a person's act or by the clock. Arguments as for `due`.

    A local team for which no policy with working days is in force, a health protection team and the pool aim for 24
    hours: from now, or in the pool from transfer or from when it was given back.
    """
    if kind is TeamKind.NATIONAL:
        return due(
            transferred_at,
            history,
            local_team_live_from=local_team_live_from,
            now=now,
            given_back_at=given_back_at,
        )
    if kind is TeamKind.POOL:
        return Due(aware(given_back_at or transferred_at) + NATIONAL_TARGET, False, "A pool trace is due in 24 hours.")
    if kind is TeamKind.HEALTH_PROTECTION:
        return Due(
            aware(now) + NATIONAL_TARGET, False, "The health protection team aims to look at it within 24 hours."
        )
    begun = [policy for policy in _timeline(tuple(history)) if policy.from_at <= now]
    if begun and begun[-1].working_days:
        return local_target(begun[-1], now)
    return Due(aware(now) + NATIONAL_TARGET, False, "The local team aims to reach them within 24 hours.")


class Group(StrEnum):
    """The groups of the local team's list, most urgent first."""

    OVERDUE = "overdue"
    TODAY = "today"
    TOMORROW = "tomorrow"
    LATER = "later"

    @property
    def words(self) -> str:
        """The heading of the group."""
        return self.value.capitalize()


def group(due_at: datetime, now: datetime) -> Group:
    """Which group of the local list a trace belongs to. Days are London days; due at this very moment is overdue."""
    if due_at <= now:
        return Group.OVERDUE
    days = (london_date(due_at) - london_date(now)).days
    return {0: Group.TODAY, 1: Group.TOMORROW}.get(days, Group.LATER)


@dataclass(frozen=True, slots=True)
class Held:
    """A trace as the clock sees it.

    `passes` is that of `due`; `local_team_live` says that the team it passes to takes traces now; `claimed_until` is
    when the claim of the tracer who has it open lapses, None when nobody has.
    """

    is_open: bool
    due_at: datetime
    passes: bool
    local_team_live: bool
    claimed_until: datetime | None = None

    def __post_init__(self) -> None:
        aware(self.due_at)
        if self.claimed_until is not None:
            aware(self.claimed_until)


def may_pass(held: Held, now: datetime) -> Decision:
    """Whether the clock may pass a trace to the local team now. A call in progress is never taken from a tracer."""
    if not held.is_open:
        return Decision(False, "The trace is closed.")
    if not held.passes:
        return Decision(False, "The policy in force does not pass it to a local team.")
    if now < held.due_at:
        return Decision(False, f"The set period runs until {spoken(held.due_at)}.")
    if not held.local_team_live:
        return Decision(False, "The local team does not take traces at present; the national team keeps trying.")
    if held.claimed_until is not None and now < held.claimed_until:
        return Decision(False, "A tracer has it open and may be on the call; it passes when that ends.")
    return Decision(True, f"It was due to pass at {spoken(held.due_at)}.")


def give_back(*, owner: TeamKind, back_to: TeamKind | None, is_open: bool, in_owner_team: bool, why: str) -> Decision:
    """Whether somebody may give a trace back to the team it came from.

    A local team gives back to the national team, or to the pool; a health protection team gives back to the team that
    escalated. `back_to` is the kind of that team, None when the trace began here. `in_owner_team` says that the person
    is a tracer or lead of the owner team. `why` is their reason: it is needed, and the other team reads it.
    """
    if not is_open:
        return Decision(False, "The trace is closed; there is nothing to give back.")
    if not in_owner_team:
        return Decision(False, "Only the team that has the trace can give it back.")
    if owner not in (TeamKind.LOCAL, TeamKind.HEALTH_PROTECTION):
        return Decision(False, "A national team cannot give a trace back; it passes to the local team by the clock.")
    if back_to is None or back_to is owner:
        return Decision(False, "The trace began with this team, so there is no team to give it back to.")
    if not why.strip():
        return Decision(False, "Say why you are giving it back; the other team needs to know.")
    return Decision(True, f"Given back: {why.strip()}")


def escalate(*, owner: TeamKind, is_open: bool, in_owner_team: bool, health_protection: bool, why: str) -> Decision:
    """Whether somebody may escalate a trace to the region's health protection team.

    Any tracer or lead of the owner team may, at any time. `health_protection` says that there is such a team for the
    region. `why` is the complex setting or other reason: it is needed.
    """
    if not is_open:
        return Decision(False, "The trace is closed; there is nothing to escalate.")
    if not in_owner_team:
        return Decision(False, "Only the team that has the trace can escalate it.")
    if owner is TeamKind.HEALTH_PROTECTION:
        return Decision(False, "The health protection team already has it.")
    if not health_protection:
        return Decision(False, "There is no health protection team for this area; ask your team lead.")
    if not why.strip():
        return Decision(False, "Say why it needs the health protection team, for example the care home or school.")
    return Decision(True, f"Escalated: {why.strip()}")
