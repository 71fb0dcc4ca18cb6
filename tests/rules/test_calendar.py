from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.rules.calendar import (
    LONDON,
    bank_holidays,
    closes_after,
    is_open,
    london_date,
    london_moment,
    next_open,
    next_working_day_end,
    spoken,
    works_on,
)
from ringfence.rules.policy import Model, PartnershipPolicy, PolicyError
from tests.rules.strategies import moments, policies

CLOSED = PartnershipPolicy(
    area="E06000008",
    from_at=datetime(2020, 7, 1, tzinfo=UTC),
    model=Model.NATIONAL_ONLY,
    working_days=frozenset(),
)


@given(st.integers(1990, 2100))
def test_every_year_has_at_least_eight_holidays_on_weekdays_in_order(year):
    days = list(bank_holidays(year))
    assert len(days) == 8 + {1999: 1, 2002: 1, 2011: 1, 2012: 1, 2022: 2, 2023: 1}.get(year, 0)
    assert days == sorted(days)
    assert all(day.year == year and day.weekday() < 5 for day in days)


@pytest.mark.parametrize("year", [1989, 2101])
def test_years_that_nobody_knows(year):
    with pytest.raises(ValueError, match=f"not for {year}"):
        bank_holidays(year)


@pytest.mark.parametrize(
    ("year", "sunday"), [(1990, (4, 15)), (2000, (4, 23)), (2008, (3, 23)), (2020, (4, 12)), (2038, (4, 25))]
)
def test_easter(year, sunday):
    assert bank_holidays(year)[date(year, *sunday) + timedelta(days=1)] == "Easter Monday"


@given(policies(), moments)
def test_next_open_is_the_first_open_moment(policy, at):
    opening = next_open(policy, at)
    assert opening >= at
    assert is_open(policy, opening)
    assert is_open(policy, at) == (opening == at)
    if opening > at:
        assert not is_open(policy, opening - timedelta(microseconds=1))


@given(policies(), moments, st.floats(0, 1))
def test_closed_until_it_opens_and_open_until_it_closes(policy, at, share):
    opening, closing = next_open(policy, at), closes_after(policy, at)
    assert opening < closing
    assert is_open(policy, opening + (closing - opening) * share * 0.999)
    assert not is_open(policy, closing) or is_open(policy, closing - timedelta(microseconds=1))
    if opening > at:
        assert not is_open(policy, at + (opening - at) * share * 0.999)


@given(policies(), moments)
def test_a_team_is_at_work_by_londons_clock(policy, at):
    opening, closing = next_open(policy, at).astimezone(LONDON), closes_after(policy, at).astimezone(LONDON)
    assert opening.date() == closing.date()
    assert works_on(policy, opening.date())


@given(policies(), moments)
def test_the_end_of_the_next_working_day(policy, at):
    end = next_working_day_end(policy, london_date(at))
    assert end > at
    assert london_date(end) > london_date(at)
    between = [london_date(at) + timedelta(days=n) for n in range(1, (london_date(end) - london_date(at)).days)]
    assert not any(works_on(policy, day) for day in between)


def test_hours_that_the_spring_change_leaves_out_are_closed():
    night = replace(CLOSED, working_days=frozenset({6}), opens=time(1, 30), closes=time(2))
    sunday = datetime(2021, 3, 28, tzinfo=UTC)
    assert next_open(night, sunday) == datetime(2021, 4, 4, 0, 30, tzinfo=UTC)


def test_a_team_with_no_working_days_never_opens():
    at = datetime(2020, 8, 3, tzinfo=UTC)
    assert not is_open(CLOSED, at)
    for question in (next_open, closes_after):
        with pytest.raises(PolicyError, match="give it working days"):
            question(CLOSED, at)


@pytest.mark.parametrize("question", [is_open, next_open, closes_after])
@given(policy=policies())
def test_moments_without_a_time_zone_are_refused(question, policy):
    with pytest.raises(ValueError, match="no time zone"):
        question(policy, datetime(2020, 8, 3, 12))


@given(st.dates(date(1990, 1, 1), date(2037, 12, 31)), st.times())
def test_london_moments_come_back(on, clock):
    moment = london_moment(on, clock)
    local = moment.astimezone(LONDON)
    assert moment.tzinfo is UTC
    # Only the hour that the spring change leaves out comes back an hour later.
    skipped = (local.date(), local.time().replace(fold=0)) != (on, clock.replace(fold=0))
    assert not skipped or (on.month == 3 and on.weekday() == 6 and clock.hour == 1 and local.hour == 2)


def test_spoken():
    assert spoken(datetime(2020, 8, 3, 13, 5, tzinfo=UTC)) == "14:05 on Monday 3 August"
    assert spoken(datetime(2020, 12, 24, 9, tzinfo=UTC)) == "09:00 on Thursday 24 December"
