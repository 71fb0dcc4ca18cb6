"""Rounds of visits against trying every order, and what holds for any."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.methods.rounds import GAP, LARGEST, length, rounds
from tests.examples import examples

START = (371_000.0, 428_000.0)
near = st.tuples(st.integers(368_000, 374_000), st.integers(425_000, 431_000)).map(
    lambda point: (float(point[0]), float(point[1]))
)


@settings(max_examples=examples(15))
@given(st.lists(near, max_size=6))
def test_one_round_is_the_shortest_of_every_order(stops):
    (found,) = rounds(START, stops, 1)
    assert sorted(found.stops) == list(range(len(stops)))
    assert found.metres == pytest.approx(length(START, [stops[place] for place in found.stops]))
    shortest = min(length(START, list(order)) for order in permutations(stops))
    assert found.metres <= shortest * (1 + GAP) + 0.01


@settings(max_examples=examples(12))
@given(st.lists(near, max_size=14), st.integers(1, 4))
def test_several_rounds_share_every_stop_evenly(stops, visitors):
    found = rounds(START, stops, visitors)
    assert len(found) == visitors
    assert sorted(place for each in found for place in each.stops) == list(range(len(stops)))
    sizes = [len(each.stops) for each in found]
    assert max(sizes) - min(sizes) <= 1
    for each in found:
        assert each.metres == pytest.approx(length(START, [stops[place] for place in each.stops]))
    assert rounds(START, stops, visitors) == found


def test_two_villages_are_two_rounds():
    east = [(380_000.0 + step, 428_000.0 + step % 3) for step in range(0, 500, 100)]
    west = [(360_000.0 - step, 428_000.0 + step % 3) for step in range(0, 500, 100)]
    mixed = [point for pair in zip(east, west, strict=True) for point in pair]
    found = rounds(START, mixed, 2)
    assert [{place % 2 for place in each.stops} for each in found] in ([{0}, {1}], [{1}, {0}])


def test_the_cut_lies_where_it_makes_the_ways_short():
    """Two neighbours of the base on either side of it, and two far away: nobody goes far for one."""
    found = rounds((0.0, 0.0), [(-100.0, 0.0), (10_000.0, 100.0), (100.0, 0.0), (10_000.0, -100.0)], 2)
    assert {frozenset(each.stops) for each in found} == {frozenset({0, 2}), frozenset({1, 3})}


def test_neighbours_are_visited_together_and_the_nearer_end_comes_first():
    (found,) = rounds((0.0, 0.0), [(0.0, 300.0), (100.0, 0.0), (0.0, 300.0)], 1)
    assert found.stops == (1, 0, 2)


@pytest.mark.nightly
def test_the_largest_plan_is_solved():
    stops = [(370_000.0 + (place * 7919) % 5000, 430_000.0 + (place * 104_729) % 5000) for place in range(LARGEST)]
    found = rounds(START, stops, 3)
    assert [len(each.stops) for each in found] == [14, 13, 13]


@pytest.mark.parametrize(("stops", "visitors", "says"), [(1, 0, "needs a visitor"), (LARGEST + 1, 1, "or fewer")])
def test_what_cannot_be_asked(stops, visitors, says):
    with pytest.raises(ValueError, match=says):
        rounds(START, [START] * stops, visitors)
