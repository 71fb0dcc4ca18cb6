"""Chains of infection: what is likely, and that a chain is one."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringfence.rules.incidents import Link, certainty, chain, quiet_days

DAY = date(2026, 11, 1)


def on(days: int) -> date:
    return DAY + timedelta(days=days)


def link(source: int, case: int, household: bool = False) -> Link:
    return Link(source, case, DAY, DAY, household)


@pytest.mark.parametrize(
    ("days", "said"), [(5, "likely"), (2, "likely"), (9, "likely"), (1, "possible"), (14, "possible"), (15, "unlikely")]
)
def test_how_certain_an_infection_is(days: int, said: str) -> None:
    found, why = certainty(Link(1, 2, DAY, on(days), False))
    assert (found, ("1 day" if days == 1 else f"{days} days") in why) == (said, True)
    assert ("in one household" in certainty(Link(1, 2, DAY, on(days), True))[1]) is True


def test_a_chain_of_three_generations() -> None:
    members = chain({1: on(0), 2: on(5), 3: on(10), 4: on(3)}, [link(1, 2), link(2, 3), link(1, 4), link(1, 3)])
    assert [(each.case, each.generation, each.infector, each.certainty) for each in members] == [
        (1, 0, None, ""),
        (4, 1, 1, "likely"),
        (2, 1, 1, "likely"),
        (3, 2, 2, "likely"),
    ]


def test_nobody_infects_whoever_was_ill_first() -> None:
    assert [each.infector for each in chain({1: on(0), 2: on(5)}, [link(2, 1)])] == [None, None]


def test_of_two_on_one_day_the_lower_number_came_first() -> None:
    members = chain({1: on(0), 2: on(0)}, [link(1, 2), link(2, 1)])
    assert [(each.case, each.infector) for each in members] == [(1, None), (2, 1)]


def test_what_is_outside_the_incident_is_left_out() -> None:
    assert [each.infector for each in chain({2: on(5)}, [link(1, 2), link(2, 2)])] == [None]


cases = st.dictionaries(st.integers(1, 12), st.integers(0, 30).map(on), max_size=10)
links = st.lists(st.builds(link, st.integers(1, 12), st.integers(1, 12), st.booleans()), max_size=30)


# Two ways between the same two: the order in which they are named tells nothing.
@example({1: on(0), 8: on(0)}, [link(1, 8, False), link(1, 8, True)])
@given(cases, links)
def test_every_case_is_in_it_once_and_there_is_no_circle(those: dict[int, date], named: list[Link]) -> None:
    members = chain(those, named)
    assert sorted(each.case for each in members) == sorted(those)
    generation = {each.case: each.generation for each in members}
    for each in members:
        if each.infector is None:
            assert each.generation == 0
        else:
            assert generation[each.infector] == each.generation - 1
            assert those[each.infector] <= those[each.case]
            assert any((one.source, one.case) == (each.infector, each.case) for one in named)
    assert members == chain(dict(reversed(those.items())), reversed(named))


def test_quiet_days() -> None:
    assert quiet_days([on(1), on(4)], on(10)) == 6
    assert quiet_days([], on(10)) is None
