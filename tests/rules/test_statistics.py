from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.rules.attempts import TraceOutcome
from ringfence.rules.handover import TeamKind
from ringfence.rules.statistics import DEFINITIONS, Figures, TraceFacts, figures, overview, percent

START = datetime(2026, 8, 3, tzinfo=UTC)
NOW = START + timedelta(days=30)
HOUR = timedelta(hours=1)
waits = st.integers(0, 5 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))


@st.composite
def traces(draw):
    """A trace of the fortnight after START that can be."""
    created_at = START + draw(waits) * 3
    first = draw(st.sampled_from(TeamKind))
    handed = draw(st.booleans()) and first in (TeamKind.NATIONAL, TeamKind.POOL)
    outcome = draw(st.none() | st.sampled_from(TraceOutcome))
    reached = outcome is TraceOutcome.REACHED
    ended = created_at + draw(waits)
    return TraceFacts(
        created_at=created_at,
        first_kind=first,
        authority=draw(st.sampled_from(["E06000008", "E06000032", "E06000016", None])),
        due_at=created_at + draw(waits),
        passes=draw(st.booleans()),
        owned_since=created_at + draw(waits),
        reason=draw(st.sampled_from(["case", "contact", "followup"])),
        reached_at=ended if reached else None,
        reached_by_kind=draw(st.sampled_from(TeamKind)) if reached else None,
        closed_at=ended if outcome else None,
        outcome=outcome,
        handed_over_at=created_at + (ended - created_at) * draw(st.floats(0, 1)) if handed else None,
        handovers=1 if handed else 0,
        claimed=draw(st.booleans()),
    )


towns = st.lists(traces(), max_size=30)


@given(towns)
def test_every_trace_is_in_one_authority_and_one_kind(town):
    answer = overview(town, START, NOW, NOW)
    for parts in (answer.by_authority.values(), answer.by_first_kind.values()):
        for name in ("transferred", "reached", "waiting", "overdue", "handed_over", "reached_after_hand_over", "other"):
            assert sum(getattr(part, name) for part in parts) == getattr(answer.total, name)
    cases = [trace for trace in town if trace.reason == "case"]
    contacts = [trace for trace in town if trace.reason == "contact"]
    assert (answer.total.transferred, answer.contacts.transferred) == (len(cases), len(contacts))
    assert set(answer.by_authority) == {trace.authority for trace in cases}
    assert sum(each.reached for each in answer.contacts_by_authority.values()) == answer.contacts.reached


@given(towns, st.integers(0, 20), st.integers(0, 20))
def test_a_period_takes_its_first_moment_and_leaves_its_last(town, day, length):
    from_at, to_at = START + timedelta(days=day), START + timedelta(days=day + length)
    chosen = [trace for trace in town if from_at <= trace.created_at < to_at]
    answer = overview(town, from_at, to_at, NOW)
    assert answer.total == figures([trace for trace in chosen if trace.reason == "case"], NOW)
    assert answer.contacts == figures([trace for trace in chosen if trace.reason == "contact"], NOW)


@given(towns, st.integers(1, 20))
def test_periods_side_by_side_add_up(town, day):
    middle = START + timedelta(days=day)
    before, after = overview(town, START, middle, NOW).total, overview(town, middle, NOW, NOW).total
    whole = overview(town, START, NOW, NOW).total
    assert before.transferred + after.transferred == whole.transferred
    assert before.within_24 + after.within_24 == whole.within_24


@given(towns)
def test_the_order_of_traces_does_not_matter(town):
    assert figures(town, NOW) == figures(reversed(town), NOW)


@given(towns)
def test_figures_are_within_their_bounds(town):
    answer = figures(town, NOW)
    assert 0 <= answer.within_24 <= answer.within_48 <= answer.within_72 <= answer.reached
    assert answer.reached_after_hand_over <= min(answer.handed_over, answer.reached_by[TeamKind.LOCAL])
    assert answer.overdue <= answer.waiting
    assert (answer.median_hours is None) == (answer.reached == 0)
    assert (answer.oldest_waiting_hours is None) == (answer.waiting == 0)
    assert (answer.reached_percent is None) == (answer.transferred == 0)
    if answer.reached_percent is not None:
        assert 0 <= answer.added_points <= answer.reached_percent <= 100


NATIONAL = TraceFacts(
    created_at=START,
    first_kind=TeamKind.NATIONAL,
    authority="E06000008",
    due_at=START + 24 * HOUR,
    passes=True,
    owned_since=START,
    reason="case",
)


def reached(hours: float, by: TeamKind, **more: object) -> TraceFacts:
    at = START + hours * HOUR
    return replace(NATIONAL, reached_at=at, reached_by_kind=by, closed_at=at, outcome=TraceOutcome.REACHED, **more)


HANDED = {"handed_over_at": START + 24 * HOUR, "handovers": 1}


def test_a_town_counted_by_hand():
    town = [
        reached(1, TeamKind.NATIONAL),
        reached(24, TeamKind.NATIONAL),
        reached(30, TeamKind.LOCAL, **HANDED),
        reached(48, TeamKind.LOCAL, **HANDED),
        reached(80, TeamKind.NATIONAL, **HANDED),
        replace(NATIONAL, closed_at=NOW, outcome=TraceOutcome.NOT_REACHED, **HANDED),
        replace(NATIONAL, closed_at=NOW, outcome=TraceOutcome.NO_DETAILS),
        replace(NATIONAL, closed_at=NOW, outcome=TraceOutcome.DIED),
        NATIONAL,
        replace(NATIONAL, created_at=START + 10 * HOUR, owned_since=NOW, due_at=NOW + HOUR),
    ]
    answer = figures(town, START + 26 * HOUR)
    assert answer == Figures(
        transferred=10,
        reached=5,
        reached_by={
            TeamKind.NATIONAL: 3,
            TeamKind.LOCAL: 2,
            TeamKind.HEALTH_PROTECTION: 0,
            TeamKind.POOL: 0,
        },
        within_24=2,
        within_48=4,
        within_72=4,
        over_72=1,
        not_reached=1,
        no_details=1,
        other=1,
        waiting=2,
        overdue=1,
        oldest_waiting_hours=26.0,
        handed_over=4,
        reached_after_hand_over=2,
        median_hours=30.0,
    )
    assert (answer.reached_percent, answer.added_points) == (50.0, 20.0)
    assert answer.reached_of_handed_over_percent == 50.0


def test_nothing_gives_no_percentages():
    answer = overview([], START, NOW, NOW)
    assert answer.total.transferred == 0 and not answer.by_authority and not answer.by_first_kind
    assert answer.total.reached_percent is None and answer.total.added_points is None
    assert percent(0, 0) is None and percent(1, 4) == 25


def test_due_at_this_very_moment_is_overdue():
    assert figures([NATIONAL], NATIONAL.due_at).overdue == 1
    assert figures([NATIONAL], NATIONAL.due_at - timedelta(microseconds=1)).overdue == 0


def test_a_period_that_ends_before_it_begins():
    with pytest.raises(ValueError, match="before it begins"):
        overview([], NOW, START, NOW)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"reached_at": NOW}, "or neither"),
        ({"closed_at": NOW}, "an open one neither"),
        ({"closed_at": NOW, "outcome": TraceOutcome.REACHED}, "exactly when"),
        ({"reached_at": NOW, "reached_by_kind": TeamKind.LOCAL}, "closes the trace"),
        ({"owned_since": START - HOUR}, "owned_since .* is before"),
        ({"closed_at": START, "outcome": TraceOutcome.DIED, "handed_over_at": NOW, "handovers": 1}, "not handed over"),
        ({"handed_over_at": NOW}, "was with a national team"),
        ({"handed_over_at": NOW, "handovers": 1, "first_kind": TeamKind.LOCAL}, "was with a national team"),
    ],
)
def test_a_trace_that_cannot_be(change, says):
    with pytest.raises(ValueError, match=says):
        replace(NATIONAL, **change)


def test_figures_that_do_not_add_up():
    with pytest.raises(ValueError, match="the parts add up to 0"):
        replace(figures([], NOW), transferred=1)
    with pytest.raises(ValueError, match="1 reached"):
        replace(figures([], NOW), transferred=1, reached=1)


def test_every_figure_has_a_definition():
    shown = set(Figures.__slots__) | {"reached_percent", "added_points", "reached_of_handed_over_percent"}
    assert {definition.id for definition in DEFINITIONS} == shown
    assert all(definition.words.endswith(".") for definition in DEFINITIONS)
