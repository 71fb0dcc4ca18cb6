"""The figures of the service, by their meaning: slow, obvious Python that the SQL of the overview must agree with.

A figure is about the traces that were transferred in a period, and about them alone, so that every trace is in exactly
one place: transferred = reached + not reached + no contact details + other outcomes + waiting. `DEFINITIONS` says in
dated words what each figure counts; show the words beside the number, and never join two definitions in one line.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from ringfence.rules.attempts import TraceOutcome
from ringfence.rules.handover import TeamKind

HOUR = timedelta(hours=1)


class Definition(NamedTuple):
    """What a figure counts, in words, from a date on."""

    id: str
    from_date: date
    words: str


_FIRST = date(2026, 1, 1)

DEFINITIONS = (
    Definition(
        "transferred",
        _FIRST,
        "Traces of cases opened in the period, by the resident's authority; contacts have figures of their own.",
    ),
    Definition(
        "reached",
        _FIRST,
        "Of those transferred, the person, or under 18 their parent or guardian, answered and was asked for contacts"
        " or told to isolate.",
    ),
    Definition("reached_percent", _FIRST, "Reached, as a share of transferred."),
    Definition("reached_by", _FIRST, "Reached, by the kind of team that had the trace when the person was reached."),
    Definition("within_24", _FIRST, "Reached no more than 24 hours after transfer."),
    Definition("within_48", _FIRST, "Reached no more than 48 hours after transfer, those within 24 included."),
    Definition("within_72", _FIRST, "Reached no more than 72 hours after transfer, those within 48 included."),
    Definition("over_72", _FIRST, "Reached more than 72 hours after transfer."),
    Definition("not_reached", _FIRST, "Closed as not reached, after every attempt that the policy allows."),
    Definition("no_details", _FIRST, "Closed because there was no number or address left to try."),
    Definition("other", _FIRST, "Closed for another reason: refused, in hospital, died."),
    Definition("waiting", _FIRST, "Still open."),
    Definition("overdue", _FIRST, "Still open at or after the time it was due to pass on or to be reached."),
    Definition("oldest_waiting_hours", _FIRST, "Hours since the transfer of the oldest trace still open."),
    Definition(
        "handed_over",
        _FIRST,
        "Passed at least once from a national team or the pool to the local team, by the clock or by a person.",
    ),
    Definition("reached_after_hand_over", _FIRST, "Handed over, and reached by the local team after that."),
    Definition(
        "added_points",
        _FIRST,
        "What the local hand-over added: reached after hand-over, in percentage points of transferred.",
    ),
    Definition("reached_of_handed_over_percent", _FIRST, "Reached after hand-over, as a share of those handed over."),
    Definition("median_hours", _FIRST, "Half of those reached were reached within this many hours of transfer."),
)


CONTACT_DEFINITIONS = (
    Definition("identified", _FIRST, "Contacts for whom a trace was opened in the period, each person once."),
    Definition(
        "reached", _FIRST, "Of those identified, told to isolate, also in a call to somebody else of their home."
    ),
    Definition("within_24", _FIRST, "Reached no more than 24 hours after they were identified."),
    Definition(
        "of_household", _FIRST, "Of those identified, who live with a case that named them; all others live elsewhere."
    ),
    Definition(
        "other", _FIRST, "Closed for another reason: tested positive, no contact after all, refused, in hospital, died."
    ),
)
"""The figures of contacts are the same figures, of the traces of contacts; in these the words differ."""

CASE, CONTACT = "case", "contact"


@dataclass(frozen=True, slots=True)
class TraceFacts:
    """One trace as the figures see it: no person in it. Moments are aware.

    `authority` is None when no authority is known. `first_kind` is the kind of the first owner
    team. `handed_over_at` is when it first passed from a national team or the pool to a local team.
    `household` says of a contact that a case who lives with them named them.
    `passes` is that of `handover.due`; `owned_since`, `handovers`, `claimed` and `reason` are as in the record.
    """

    created_at: datetime
    first_kind: TeamKind
    authority: str | None
    due_at: datetime
    passes: bool
    owned_since: datetime
    reason: str
    reached_at: datetime | None = None
    reached_by_kind: TeamKind | None = None
    closed_at: datetime | None = None
    outcome: TraceOutcome | None = None
    handed_over_at: datetime | None = None
    handovers: int = 0
    claimed: bool = False
    household: bool = False

    def __post_init__(self) -> None:
        if (self.reached_at is None) != (self.reached_by_kind is None):
            raise ValueError("a trace has both the time and the kind of team that reached the person, or neither")
        if (self.closed_at is None) != (self.outcome is None):
            raise ValueError("a closed trace has both a time and an outcome, an open one neither")
        if self.closed_at is not None and (self.reached_at is not None) != (self.outcome is TraceOutcome.REACHED):
            raise ValueError("a closed trace has the outcome reached exactly when the person was reached")
        if self.reached_at is not None and self.closed_at is None:
            raise ValueError("reaching the person closes the trace")
        for name in ("reached_at", "closed_at", "handed_over_at", "owned_since"):
            at = getattr(self, name)
            if at is not None and at < self.created_at:
                raise ValueError(f"{name} {at} is before the trace was opened at {self.created_at}")
        if self.closed_at is not None and self.handed_over_at is not None and self.closed_at < self.handed_over_at:
            raise ValueError("a closed trace is not handed over")
        # One that began elsewhere must first have come to a national team or the pool.
        moves = 1 if self.first_kind in (TeamKind.NATIONAL, TeamKind.POOL) else 2
        if self.handed_over_at is not None and self.handovers < moves:
            raise ValueError("a trace handed over to a local team was with a national team or the pool, and moved")


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one group of traces. Counts are of traces; percentages, points and hours are None when there is
    nothing to divide by or to measure. Within-hours counts are cumulative."""

    transferred: int
    reached: int
    reached_by: Mapping[TeamKind, int]
    within_24: int
    within_48: int
    within_72: int
    over_72: int
    not_reached: int
    no_details: int
    other: int
    waiting: int
    overdue: int
    oldest_waiting_hours: float | None
    handed_over: int
    reached_after_hand_over: int
    median_hours: float | None

    def __post_init__(self) -> None:
        parts = self.reached + self.not_reached + self.no_details + self.other + self.waiting
        if parts != self.transferred:
            raise ValueError(f"{self.transferred} transferred, but the parts add up to {parts}")
        if sum(self.reached_by.values()) != self.reached or self.within_72 + self.over_72 != self.reached:
            raise ValueError(f"{self.reached} reached, but by team {dict(self.reached_by)} or by hours it is not")

    @property
    def reached_percent(self) -> float | None:
        """Reached, in per cent of transferred."""
        return percent(self.reached, self.transferred)

    @property
    def added_points(self) -> float | None:
        """What the local hand-over added, in percentage points of transferred."""
        return percent(self.reached_after_hand_over, self.transferred)

    @property
    def reached_of_handed_over_percent(self) -> float | None:
        """Reached after hand-over, in per cent of handed over."""
        return percent(self.reached_after_hand_over, self.handed_over)


class Contacts(NamedTuple):
    """The figures of some of the contacts, in total and by authority."""

    total: Figures
    by_authority: Mapping[str | None, Figures]


class Overview(NamedTuple):
    """The figures of cases in total, by authority (None for no known authority), and by the kind of team each trace began
    with; and those of contacts in total and by authority, of them those who live with a case, and those who do not.

    Groups with no trace in the period are left out. Follow-ups are in none."""

    total: Figures
    by_authority: Mapping[str | None, Figures]
    by_first_kind: Mapping[TeamKind, Figures]
    contacts: Figures
    contacts_by_authority: Mapping[str | None, Figures]
    of_household: Contacts
    elsewhere: Contacts


def percent(part: int, whole: int) -> float | None:
    """A share in per cent, None of nothing."""
    return None if whole == 0 else 100 * part / whole


def hours_between(start: datetime, end: datetime) -> float:
    """Elapsed hours."""
    return (end - start) / HOUR


def overview(traces: Iterable[TraceFacts], from_at: datetime, to_at: datetime, now: datetime) -> Overview:
    """The figures of the traces transferred from `from_at` up to, but not including, `to_at`, as they stand at `now`.

    `now` decides only what is overdue and how old a waiting trace is. Raises ValueError for a period that ends before
    it begins.
    """
    if to_at < from_at:
        raise ValueError(f"the period ends at {to_at}, before it begins at {from_at}")
    chosen = [trace for trace in traces if from_at <= trace.created_at < to_at]
    cases = [trace for trace in chosen if trace.reason == CASE]
    contacts = [trace for trace in chosen if trace.reason == CONTACT]
    home, elsewhere = ([trace for trace in contacts if trace.household is there] for there in (True, False))
    kinds = [kind for kind in TeamKind if any(trace.first_kind is kind for trace in cases)]
    return Overview(
        figures(cases, now),
        _by_authority(cases, now),
        {kind: figures([trace for trace in cases if trace.first_kind is kind], now) for kind in kinds},
        figures(contacts, now),
        _by_authority(contacts, now),
        Contacts(figures(home, now), _by_authority(home, now)),
        Contacts(figures(elsewhere, now), _by_authority(elsewhere, now)),
    )


def _by_authority(group: list[TraceFacts], now: datetime) -> dict[str | None, Figures]:
    codes = sorted({trace.authority for trace in group}, key=lambda code: (code is None, code or ""))
    return {code: figures([trace for trace in group if trace.authority == code], now) for code in codes}


def figures(traces: Iterable[TraceFacts], now: datetime) -> Figures:
    """The figures of one group of traces, as they stand at `now`."""
    group = list(traces)
    hours = [hours_between(trace.created_at, trace.reached_at) for trace in group if trace.reached_at is not None]
    outcomes = [trace.outcome for trace in group]
    waiting = [trace for trace in group if trace.closed_at is None]
    ended = (TraceOutcome.REACHED, TraceOutcome.NOT_REACHED, TraceOutcome.NO_DETAILS)
    return Figures(
        transferred=len(group),
        reached=len(hours),
        reached_by={kind: sum(trace.reached_by_kind is kind for trace in group) for kind in TeamKind},
        within_24=sum(each <= 24 for each in hours),
        within_48=sum(each <= 48 for each in hours),
        within_72=sum(each <= 72 for each in hours),
        over_72=sum(each > 72 for each in hours),
        not_reached=outcomes.count(TraceOutcome.NOT_REACHED),
        no_details=outcomes.count(TraceOutcome.NO_DETAILS),
        other=sum(outcome is not None and outcome not in ended for outcome in outcomes),
        waiting=len(waiting),
        overdue=sum(trace.due_at <= now for trace in waiting),
        oldest_waiting_hours=max((hours_between(trace.created_at, now) for trace in waiting), default=None),
        handed_over=sum(trace.handed_over_at is not None for trace in group),
        reached_after_hand_over=sum(_added_by_hand_over(trace) for trace in group),
        median_hours=statistics.median(hours) if hours else None,
    )


def _added_by_hand_over(trace: TraceFacts) -> bool:
    return trace.handed_over_at is not None and trace.reached_by_kind is TeamKind.LOCAL
