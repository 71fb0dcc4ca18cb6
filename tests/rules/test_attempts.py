from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.rules.attempts import (
    LONGEST_CALL_BACK,
    POSSIBLE,
    Action,
    AttemptError,
    Facts,
    GuardianMissing,
    Kind,
    Made,
    Next,
    Outcome,
    TraceOutcome,
    calling_time,
    count,
    next,
)
from ringfence.rules.calendar import LONDON, london_date
from ringfence.rules.policy import EXERCISE
from tests.rules.strategies import moments

AT = datetime(2026, 8, 3, 9, tzinfo=UTC)

paces = st.builds(
    lambda attempts, per_day, gap: replace(
        EXERCISE, max_attempts=attempts, attempts_per_day=per_day, retry_gap_minutes=gap
    ),
    st.integers(1, 12),
    st.integers(1, 6),
    st.integers(1, 2000),
)


ANSWERED = (Outcome.REACHED, Outcome.REFUSED)


@st.composite
def situations(draw):
    """An outcome, facts that fit it, and now."""
    outcome, now = draw(st.sampled_from(Outcome)), draw(moments)
    attempts = draw(st.integers(1, 15))
    ahead = st.timedeltas(timedelta(microseconds=1), LONGEST_CALL_BACK)
    facts = Facts(
        attempts=attempts,
        attempts_today=draw(st.integers(1, attempts)),
        another_number=draw(st.booleans()),
        call_back_at=now + draw(ahead) if outcome is Outcome.CALL_BACK else None,
        local_from=draw(st.none() | ahead.map(lambda wait: now + wait) | ahead.map(lambda past: now - past)),
        under_18=draw(st.booleans()),
        spoke_to_guardian=outcome in ANSWERED or draw(st.booleans()),
    )
    return outcome, facts, now


@given(situations(), paces)
def test_every_situation_has_an_answer_with_its_reason(situation, policy):
    outcome, facts, now = situation
    answer = next(outcome, facts, policy, now)
    assert answer.why.endswith(".") and len(answer.why) <= 200
    if answer.ready_at is not None:
        assert answer.ready_at >= now


@given(situations(), paces)
def test_a_new_try_is_within_calling_hours(situation, policy):
    answer = next(*situation[:2], policy, situation[2])
    if answer.action is Action.RETRY:
        assert policy.calls_from <= answer.ready_at.astimezone(LONDON).time() < policy.calls_until


@given(situations(), paces)
def test_nobody_is_called_more_often_than_the_policy_allows(situation, policy):
    outcome, facts, now = situation
    answer = next(outcome, facts, policy, now)
    if answer.action is Action.RETRY and outcome is not Outcome.CALL_BACK:
        assert facts.attempts < policy.max_attempts
        if facts.attempts_today >= policy.attempts_per_day:
            assert london_date(answer.ready_at) > london_date(now)
    if answer.action is Action.RETRY and outcome in (Outcome.NO_ANSWER, Outcome.VOICEMAIL, Outcome.LANGUAGE):
        assert answer.ready_at >= now + timedelta(minutes=policy.retry_gap_minutes)


@given(situations(), paces)
def test_nothing_is_closed_unreached_while_a_local_team_is_ahead(situation, policy):
    outcome, facts, now = situation
    answer = next(outcome, facts, policy, now)
    if facts.local_from is not None:
        assert answer.outcome not in (TraceOutcome.NOT_REACHED, TraceOutcome.NO_DETAILS)
    else:
        assert answer.action is not Action.HAND_OVER
    if answer.action is Action.HAND_OVER:
        assert answer.ready_at == max(now, facts.local_from)


@given(situations(), paces, st.sampled_from(ANSWERED))
def test_a_child_is_never_reached_without_a_parent_or_guardian(situation, policy, outcome):
    _, facts, now = situation
    facts = replace(facts, call_back_at=None, under_18=True, spoke_to_guardian=False)
    with pytest.raises(GuardianMissing, match="tick that you did; if not, choose what came of it"):
        next(outcome, facts, policy, now)


@given(situations(), paces)
def test_the_tries_come_to_an_end(situation, policy):
    """Trying again and again without an answer reaches the greatest number, and then moves on."""
    _, facts, now = situation
    facts = replace(facts, attempts=1, attempts_today=1, call_back_at=None)
    for made in range(1, policy.max_attempts + 1):
        answer = next(Outcome.NO_ANSWER, facts, policy, now)
        if made == policy.max_attempts:
            assert answer.action is (Action.CLOSE if facts.local_from is None else Action.HAND_OVER)
            break
        assert answer.action is Action.RETRY and answer.ready_at > now
        same_day = london_date(answer.ready_at) == london_date(now)
        facts = replace(facts, attempts=made + 1, attempts_today=facts.attempts_today + 1 if same_day else 1)
        now = answer.ready_at


@given(moments)
def test_calling_time_is_the_first_one(at):
    ready = calling_time(EXERCISE, at)
    assert ready >= at and calling_time(EXERCISE, ready) == ready
    if ready > at:
        assert ready.astimezone(LONDON).time() == time(8)
        assert ready - at <= timedelta(hours=13)


@given(st.lists(st.builds(Made, moments, st.sampled_from(Kind), st.booleans())), moments)
def test_system_messages_never_count(made, now):
    by_people = [each for each in made if not each.by_system]
    assert count(made, now) == count(by_people, now)
    assert count(made, now).total == len(by_people)
    assert count([*made, Made(now, Kind.TEXT, by_system=True)], now) == count(made, now)
    assert count([*made, Made(now, Kind.TEXT)], now) == (len(by_people) + 1, count(made, now).today + 1)


def test_a_time_to_call_back_without_a_wish_is_refused():
    with pytest.raises(AttemptError, match="leave it out"):
        next(Outcome.NO_ANSWER, Facts(1, 1, call_back_at=AT + timedelta(hours=1)), EXERCISE, AT)


@pytest.mark.parametrize(("attempts", "today"), [(0, 0), (1, 0), (1, 2)])
def test_attempts_that_do_not_add_up(attempts, today):
    with pytest.raises(AttemptError, match="both count this one"):
        Facts(attempts, today)


@pytest.mark.parametrize("name", ["call_back_at", "local_from"])
def test_facts_without_a_time_zone_are_refused(name):
    with pytest.raises(ValueError, match="no time zone"):
        Facts(1, 1, **{name: datetime(2026, 8, 3)})


@pytest.mark.parametrize(
    ("action", "ready_at", "outcome"),
    [
        (Action.RETRY, None, None),
        (Action.HAND_OVER, None, None),
        (Action.ESCALATE, AT, None),
        (Action.CLOSE, None, None),
        (Action.CLOSE, None, TraceOutcome.REACHED),
        (Action.COMPLETE, None, TraceOutcome.DIED),
        (Action.RETRY, AT, TraceOutcome.DIED),
    ],
)
def test_an_answer_that_cannot_be(action, ready_at, outcome):
    with pytest.raises(ValueError, match="with"):
        Next(action, "Because.", ready_at, outcome)


def test_the_words_of_the_screen_are_complete_and_different():
    assert len({outcome.label for outcome in Outcome}) == len(Outcome) == len({outcome.hint for outcome in Outcome})
    assert len({kind.words for kind in Kind}) == len(Kind)
    assert len({outcome.words for outcome in TraceOutcome}) == len(TraceOutcome)
    assert set(POSSIBLE) == set(Kind) and all(Outcome.REACHED in outcomes for outcomes in POSSIBLE.values())
    assert [kind for kind in Kind if Outcome.VOICEMAIL in POSSIBLE[kind]] == [Kind.CALL]
    assert all(len(outcome) <= 20 for outcome in (*Outcome, *TraceOutcome)) and all(len(kind) <= 8 for kind in Kind)
