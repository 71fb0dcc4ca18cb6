"""Common exposures against every pair looked at, and the edges of the window."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.methods.exposures import Event, clusters, coincidences

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
