from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.rules.isolation import (
    Isolation,
    Window,
    backward_window,
    exemptions,
    for_case,
    for_contact,
    infectious_window,
)
from ringfence.rules.policy import ENGLAND, EXERCISE, Exemption, PolicyError, in_force

DAY = timedelta(days=1)
days = st.dates(date(2020, 5, 28), date(2022, 6, 30))
some_exemptions = st.frozensets(st.sampled_from(Exemption))


@given(days, st.none() | st.integers(-14, 5), st.integers(0, 40))
def test_a_case_isolates_from_day_0_for_no_longer_than_ten_days(specimen, before, later):
    onset = None if before is None else specimen + before * DAY
    answer = for_case(specimen, onset, ENGLAND, specimen + later * DAY)
    assert answer.day_0 == (onset or specimen) and answer.why.endswith(".")
    if answer.from_date:
        assert answer.from_date == answer.day_0
        assert DAY * 0 <= answer.until_date - answer.from_date <= 10 * DAY


@given(days, days, st.integers(0, 60), some_exemptions)
def test_a_contact_isolates_for_no_longer_than_fourteen_days(last_contact, household, later, held):
    answer = for_contact(
        last_contact, last_contact, ENGLAND, last_contact + later * DAY, household_day_0=household, exemptions=held
    )
    if answer.from_date:
        assert answer.from_date == household
        assert answer.until_date - answer.from_date <= 14 * DAY


@given(days, st.integers(0, 30), st.integers(0, 30), some_exemptions)
def test_what_has_ended_stays_ended(last_contact, first, more, held):
    """A later look never moves the end of an isolation that was over, nor ends one on a day that had passed."""
    on = last_contact + first * DAY
    early = for_contact(last_contact, last_contact, ENGLAND, on, exemptions=held)
    late = for_contact(last_contact, last_contact, ENGLAND, on + more * DAY, exemptions=held)
    if early.until_date and early.until_date < on:
        assert late.until_date == early.until_date
    if early.until_date and early.from_date <= on <= early.until_date and more:
        assert late.until_date >= on


@given(days, st.integers(0, 30), some_exemptions)
def test_an_exemption_never_makes_it_longer(last_contact, later, held):
    on = last_contact + later * DAY
    plain = for_contact(last_contact, last_contact, ENGLAND, on)
    exempt = for_contact(last_contact, last_contact, ENGLAND, on, exemptions=held)
    assert not exempt.until_date or exempt.until_date <= plain.until_date
    assert held or exempt == plain


@given(days)
def test_windows_lie_around_day_0(specimen):
    policy = in_force(ENGLAND, specimen)
    isolation = for_case(specimen, None, ENGLAND, specimen)
    infectious, backward = infectious_window(isolation, policy), backward_window(specimen, policy)
    assert specimen in infectious and specimen not in backward
    assert backward.last < infectious.first
    assert infectious.last == (isolation.until_date or specimen)


@given(st.dates(date(1930, 1, 1), date(2021, 8, 16)), st.dates(date(2021, 8, 16), date(2022, 2, 1)))
def test_the_young_are_those_under_eighteen_and_a_half(born, on):
    young = Exemption.UNDER_18_AND_A_HALF in exemptions(on, born)
    assert young or on >= born + timedelta(days=18.49 * 365)
    assert not young or on <= born + timedelta(days=18.53 * 365.25)


def test_the_exempt_are_asked_to_test_daily_in_the_omicron_wave():
    on = date(2021, 12, 25)
    answer = for_contact(on, on, ENGLAND, on, exemptions=[Exemption.VACCINATED])
    assert answer.conditions == ("Asked to take a lateral-flow test every day.",) and not answer.from_date
    assert for_contact(on, on, ENGLAND, on).conditions == ()


def test_a_day_before_it_was_known_is_refused():
    with pytest.raises(ValueError, match="after 2020-08-02"):
        for_case(date(2020, 8, 3), None, ENGLAND, date(2020, 8, 2))
    with pytest.raises(ValueError, match="identified on 2020-08-03"):
        for_contact(date(2020, 8, 1), date(2020, 8, 3), ENGLAND, date(2020, 8, 2))


def test_a_day_without_a_policy_is_refused():
    with pytest.raises(PolicyError, match="no service policy"):
        for_case(date(2020, 5, 1), None, ENGLAND, date(2020, 6, 1))


def test_real_changes_do_not_touch_an_exercise():
    exercise = replace(EXERCISE, from_date=date(2022, 1, 1))
    on = date(2022, 2, 20)
    assert for_case(on, None, [exercise, *ENGLAND], on + 5 * DAY).until_date == on + 10 * DAY


@pytest.mark.parametrize(
    ("from_date", "until_date"),
    [(date(2020, 8, 3), None), (None, date(2020, 8, 3)), (date(2020, 8, 3), date(2020, 8, 2))],
)
def test_an_isolation_that_cannot_be(from_date, until_date):
    with pytest.raises(ValueError, match="isolation"):
        Isolation(date(2020, 8, 3), from_date, until_date, "A policy", (), "Because.")


def test_a_window_holds_days_only():
    assert "2020-08-03" not in Window(date(2020, 8, 1), date(2020, 8, 5))
