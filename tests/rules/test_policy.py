from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.rules.policy import (
    ENGLAND,
    EXERCISE,
    EarlyRelease,
    Exemption,
    Model,
    PartnershipPolicy,
    PolicyError,
    in_force,
    policy_at,
)
from tests.rules.strategies import histories, moments, policies

LAUNCH = date(2020, 5, 28)


@given(st.dates(LAUNCH, date(2040, 1, 1)))
def test_england_has_exactly_one_policy_on_every_day_since_the_launch(on):
    assert [policy for policy in ENGLAND if policy.covers(on)] == [in_force(ENGLAND, on)]


def test_england_before_the_launch_has_none():
    with pytest.raises(PolicyError, match="no service policy is in force on 2020-05-27"):
        in_force(ENGLAND, LAUNCH - timedelta(days=1))


@given(st.dates(date(2022, 2, 24), date(2090, 1, 1)))
def test_the_exercise_decides_where_it_is_played(on):
    assert in_force((*ENGLAND, EXERCISE), on) is EXERCISE
    assert EXERCISE.exercise and EXERCISE.tracing_on and "Exercise" in EXERCISE.name


def test_the_exercise_leaves_history_alone():
    assert in_force((*ENGLAND, EXERCISE), date(2020, 8, 3)) is ENGLAND[1]
    assert not any(policy.exercise for policy in ENGLAND)


def test_routine_tracing_stopped_in_february_2022():
    assert [policy.tracing_on for policy in ENGLAND] == [True] * 6 + [False]
    assert [policy.from_date for policy in ENGLAND if "from_date" in policy.assumed] == [date(2020, 12, 14)]
    assert "case_isolation_days" in ENGLAND[1].assumed - ENGLAND[0].assumed


def test_two_of_a_kind_are_refused():
    with pytest.raises(PolicyError, match="both in force"):
        in_force((EXERCISE, replace(EXERCISE, name="Another")), date(2026, 8, 3))


def test_a_moment_is_no_date():
    with pytest.raises(PolicyError, match="London date"):
        in_force(ENGLAND, datetime(2020, 8, 3, tzinfo=UTC))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": " "}, "the name is empty"),
        ({"source": ""}, "no source"),
        ({"until_date": date(2022, 2, 24)}, "not after its first day"),
        ({"case_isolation_days": 0}, "case_isolation_days is 0"),
        ({"contact_isolation_days": 61}, "contact_isolation_days is 61"),
        ({"max_attempts": 0}, "max_attempts is 0"),
        ({"attempts_per_day": 0}, "attempts_per_day is 0"),
        ({"retry_gap_minutes": 0}, "retry_gap_minutes is 0"),
        ({"claim_lapse_minutes": 0}, "claim_lapse_minutes is 0"),
        ({"reinfection_days": 0}, "reinfection_days is 0"),
        ({"infectious_days_before": -1}, "infectious_days_before is -1"),
        ({"backward_window": (3, 7)}, "backward window"),
        ({"calls_from": time(20)}, "calls end at"),
        ({"case_isolation_days": None, "early_release": EarlyRelease((6, 7))}, "early release"),
        ({"assumed": frozenset({"colour"})}, "do not exist"),
    ],
)
def test_a_service_policy_that_cannot_be(change, says):
    with pytest.raises(PolicyError, match=says):
        replace(EXERCISE, **change)


@pytest.mark.parametrize("days", [(7, 6), (6, 6), (0, 1)])
def test_an_early_release_that_cannot_be(days):
    with pytest.raises(PolicyError, match="test days"):
        EarlyRelease(days)


def test_tests_apart_by_no_time_are_refused():
    with pytest.raises(PolicyError, match="0 hours between tests"):
        EarlyRelease((6, 7), hours_between=0)


GOOD = PartnershipPolicy(area="E06000008", from_at=datetime(2020, 7, 1, tzinfo=UTC), model=Model.TIMED)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"area": "Blackburn"}, "no area code"),
        ({"area": "E060000081"}, "no area code"),
        ({"from_at": datetime(2020, 7, 1)}, "no time zone"),
        ({"model": "timed"}, "model 'timed'"),
        ({"contacts_by": "nobody"}, "contacts_by 'nobody'"),
        ({"set_period_hours": None}, "needs a set period"),
        ({"set_period_hours": 0}, "set period of 0 hours"),
        ({"set_period_hours": 337}, "set period of 337 hours"),
        ({"working_days": frozenset({7})}, "give 0 for Monday"),
        ({"working_days": frozenset()}, "no working days"),
        ({"working_days": frozenset(), "model": Model.LOCAL_FIRST}, "no working days"),
        ({"opens": time(9, tzinfo=UTC)}, "plain London opening times"),
        ({"follow_up_days": (8, 4)}, "give rising days"),
        ({"follow_up_days": (4, 4)}, "give rising days"),
        ({"follow_up_days": (0,)}, "from 1 to 14"),
        ({"follow_up_days": (15,)}, "from 1 to 14"),
        ({"opens": time(17)}, "not after it opens"),
    ],
)
def test_a_partnership_policy_that_cannot_be(change, says):
    with pytest.raises(PolicyError, match=says):
        replace(GOOD, **change)


def test_a_national_only_policy_needs_no_local_days():
    assert replace(GOOD, model=Model.NATIONAL_ONLY, working_days=frozenset(), set_period_hours=None)


@given(policies())
def test_equal_policies_have_one_hash(policy):
    assert hash(replace(policy)) == hash(policy) and replace(policy) == policy
    longer = replace(policy, set_period_hours=policy.set_period_hours + 1)
    assert longer != policy


@given(histories, moments)
def test_the_policy_in_force_began_last(history, at):
    begun = [policy for policy in history if policy.from_at <= at]
    if not begun:
        with pytest.raises(PolicyError, match="no partnership policy had begun"):
            policy_at(history, at)
    else:
        found = policy_at(history, at)
        assert found in begun and all(policy.from_at <= found.from_at for policy in begun)


def test_the_later_record_corrects_the_earlier():
    corrected = replace(GOOD, set_period_hours=48)
    assert policy_at([GOOD, corrected], GOOD.from_at) is corrected


def test_every_model_and_exemption_has_words():
    assert all(model.words for model in Model) and all(exemption.words for exemption in Exemption)
