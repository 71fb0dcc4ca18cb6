"""Common exposures against every pair looked at, and the edges of the window."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.methods.exposures import (
    HISTORY,
    SHAPE,
    WINDOW,
    Event,
    busiest,
    clusters,
    coincidences,
    coincidences_by_chance,
    false_alarms,
)

DAY = date(2020, 8, 3)


def event(case: str, home: str, day: int = 0, days: int = 1, postcode: str = "LE5 4PW", category: str = "gym") -> Event:
    first = DAY + timedelta(days=day)
    return Event(case, home, postcode, category, first, first + timedelta(days=days - 1))


def test_two_households_in_one_week_are_a_cluster_and_the_eighth_day_is_too_late() -> None:
    assert [each.cases for each in clusters([event("1", "a"), event("2", "b", 6)])] == [("1", "2")]
    assert clusters([event("1", "a"), event("2", "b", 7)]) == []
    assert [each.cases for each in clusters([event("1", "a", days=2), event("2", "b", 7)])] == [("1", "2")]


def test_one_household_is_none_and_one_case_twice_is_none() -> None:
    assert clusters([event("1", "a"), event("2", "a")]) == []
    assert clusters([event("1", "a"), event("1", "b")]) == []


def test_people_without_a_household_are_each_their_own() -> None:
    assert clusters([event("1", ""), event("2", "")])[0].households == 2


def test_another_postcode_or_another_kind_of_place_is_another_place() -> None:
    assert clusters([event("1", "a"), event("2", "b", postcode="LE5 4PX")]) == []
    assert clusters([event("1", "a"), event("2", "b", category="shop")]) == []
    assert clusters([event("1", "a", postcode=""), event("2", "b", postcode="")]) == []


def test_the_window_rolls() -> None:
    found = clusters([event("1", "a"), event("2", "b", 5), event("3", "c", 10), event("4", "d", 30)])
    assert [(each.cases, each.start, each.end) for each in found] == [(("1", "2", "3"), DAY, DAY + timedelta(days=10))]


def test_an_event_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="event of case 1 ends on 2020-08-02, before it begins on 2020-08-03"):
        clusters([event("1", "a", days=0)])
    with pytest.raises(ValueError, match="window of 0 days"):
        clusters([], 0)


def test_coincidences_look_at_fourteen_days() -> None:
    cases = [("1", "a", "LE5 4PW", DAY), ("2", "b", "LE5 4PW", DAY + timedelta(days=13)), ("3", "c", "LE5 4PX", DAY)]
    assert [each.cases for each in coincidences(cases)] == [("1", "2")]


events = st.lists(
    st.builds(
        event,
        case=st.sampled_from("123456"),
        home=st.sampled_from(["a", "b", "c"]),
        day=st.integers(0, 40),
        days=st.integers(1, 4),
        postcode=st.sampled_from(["LE5 4PW", "LE5 4PX"]),
        category=st.sampled_from(["gym", "shop"]),
    ),
    max_size=14,
)


@given(events, st.integers(1, 9))
def test_it_is_what_linking_every_pair_gives(those: list[Event], window: int) -> None:
    groups = [{at} for at in range(len(those))]
    for i, one in enumerate(those):
        for j, other in enumerate(those):
            gap = max((one.first - other.last).days, (other.first - one.last).days)
            if (one.postcode, one.category) == (other.postcode, other.category) and gap < window:
                joined = next(each for each in groups if i in each) | next(each for each in groups if j in each)
                groups = [each for each in groups if not each & joined] + [joined]
    expected = set()
    for each in groups:
        cases = {those[at].case for at in each}
        if len(cases) >= 2 and len({those[at].household for at in each}) >= 2:
            expected.add((frozenset(cases), min(those[at].first for at in each), len(each)))
    assert {(frozenset(each.cases), each.start, each.events) for each in clusters(those, window)} == expected


def test_the_busiest_window_counts_households_and_not_their_cases() -> None:
    those = [event("1", "a"), event("2", "a", 1), event("3", "b", 6), event("4", "c", 7), event("5", "d", 8)]
    assert busiest(those, DAY) == (3, DAY + timedelta(days=8))
    assert busiest(those, DAY, 3) == (3, DAY + timedelta(days=8))
    assert busiest(those, DAY, 2) == (2, DAY + timedelta(days=8))
    assert busiest(those, DAY + timedelta(days=12), 5) == (1, DAY + timedelta(days=12))


def test_what_a_window_is_asked_of_chance() -> None:
    alarms = lambda k, before=0, now=40, history=160, places=300: false_alarms(k, before, now, history, places)  # noqa: E731
    # By hand: a share of 40 / (310 + 40) of a gamma with shape 1/2, so that one visit or more has 1 - sqrt(310 / 350).
    assert alarms(1) == pytest.approx(300 * 365 / 7 * (1 - (310 / 350) ** 0.5))
    assert alarms(3) > alarms(4) > alarms(5)
    assert alarms(5) < alarms(5, before=20), "a place that is always busy"
    assert alarms(5, now=20) < alarms(5, now=80), "a week in which all are named more often"
    assert alarms(5, now=0) == alarms(5, now=5), "visits of the area are at least those of the place"
    with pytest.raises(ValueError, match="0 places"):
        alarms(5, places=0)


def test_so_many_places_are_as_unusual_by_chance_as_it_says() -> None:
    """Places as unequal as the model says, named by chance: how often one is so unusual, beside what was said."""
    random, places, weeks = np.random.default_rng(2), 300, 2000
    shares = random.dirichlet(np.full(places, SHAPE), weeks)
    before, now = (np.array([random.multinomial(10 * days, each) for each in shares]) for days in (HISTORY, WINDOW))
    said = np.array(
        [
            [false_alarms(k, h, 10 * WINDOW, 10 * HISTORY, places) for k in range(now.max() + 1)]
            for h in range(before.max() + 1)
        ]
    )[before, now]
    for a_year in (50.0, 5.0):
        # Visits are whole numbers, so that it is at most what is said.
        assert 0.25 * a_year < (said <= a_year).sum() / weeks * 365 / WINDOW < 1.1 * a_year


def test_coincidences_by_chance_are_those_of_cases_spread_evenly() -> None:
    random, postcodes, cases = np.random.default_rng(3), 500, 60
    twice = np.mean([(np.bincount(random.integers(0, postcodes, cases)) >= 2).sum() for _ in range(2000)])
    assert coincidences_by_chance(2, cases, postcodes) == pytest.approx(twice * 365 / 14, rel=0.05)
    assert coincidences_by_chance(2, cases, 0) == coincidences_by_chance(0, cases, postcodes) == float("inf")
