"""Shapes from points: each point lies in its own, none overlap, the areas add up, and neighbours keep one border."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ringfence.methods import shapes
from ringfence.methods.shapes import OUTSIDE, Numbers, Points, Shapes, draw
from tests.examples import examples

REACH, STEP = 60.0, 25.0


@st.composite
def towns(draws: st.DrawFn) -> tuple[Points, Numbers]:
    """Points on a coarse grid, so that some share a spot and many lie on one circle; districts, and some neighbours."""
    count = draws(st.integers(1, 30))
    spots = draws(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=count, max_size=count))
    labels = draws(st.lists(st.integers(-1, 3), min_size=count, max_size=count).filter(lambda some: max(some) >= 0))
    return np.array(spots, dtype=float) * draws(st.sampled_from([1.0, 7.0, 40.0])), np.array(labels)


def holds(rings: Sequence[Points], points: Points) -> NDArray[np.bool_]:
    """Which points lie inside: a line to the east of them crosses the rings an odd number of times."""
    starts, ends = np.concatenate(rings), np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
    x, y = points[:, :1], points[:, 1:]
    crosses = (starts[:, 1] > y) != (ends[:, 1] > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = (ends[:, 0] - starts[:, 0]) * (y - starts[:, 1]) / (ends[:, 1] - starts[:, 1]) + starts[:, 0]
    inside: NDArray[np.bool_] = (crosses & (x < at)).sum(axis=1) % 2 == 1
    return inside


def area(rings: Sequence[Points]) -> float:
    """What lies on the left of the rings, less what lies on their right."""
    total = 0.0
    for ring in rings:
        x, y = (ring - ring[0]).T
        total += float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
    return total


def drawn(town: tuple[Points, Numbers], tolerance: float = 0.0) -> Shapes:
    return draw(*town, reach=REACH, step=STEP, tolerance=tolerance)


@given(towns())
@settings(max_examples=examples(8))
def test_each_point_lies_in_its_own_shape_and_no_other(town: tuple[Points, Numbers]) -> None:
    points, labels = town
    made = drawn(town)
    labels_at: dict[tuple[float, float], list[int]] = {}
    for point, label in zip(points.tolist(), labels.tolist(), strict=True):
        labels_at.setdefault((point[0], point[1]), []).append(label)
    for label, rings in made.rings.items():
        inside = holds(rings, points)
        for point, within in zip(points.tolist(), inside, strict=True):
            here = labels_at[point[0], point[1]]
            if len(set(here)) == 1:
                assert within == (here[0] == label)
            else:
                assert not within or label in here
    # A spot with several labels is in the shape of one of them.
    shared = np.sum([holds(rings, points) for rings in made.rings.values()], axis=0)
    assert (shared == (made.spot_of >= 0)).all()


@given(towns())
@settings(max_examples=examples(8))
def test_what_is_near_a_point_belongs_to_the_nearest_alone_and_the_areas_add_up(town: tuple[Points, Numbers]) -> None:
    points, labels = town
    made = drawn(town)
    somewhere = np.random.default_rng(1).uniform(points.min(axis=0) - 120, points.max(axis=0) + 120, (100, 2))
    away = np.sqrt(((somewhere[:, None] - points[None]) ** 2).sum(axis=2))
    nearest, second = np.argmin(away, axis=1), np.sort(away, axis=1)
    inside = {label: holds(rings, somewhere) for label, rings in made.rings.items()}
    together: Numbers = np.sum(list(inside.values()), axis=0)
    assert (together == holds(made.outline, somewhere)).all() and together.max() <= 1
    for at, label in enumerate(labels[nearest]):
        tie = len({int(labels[one]) for one in np.nonzero(away[at] <= second[at, 0] + 1e-9)[0]}) > 1
        if second[at, 0] < (REACH - STEP) / 2 and not tie:
            assert label == OUTSIDE or inside[int(label)][at]
        mine = away[at][labels >= 0].min()
        if mine > REACH + STEP:
            assert not together[at]
    whole = area(made.outline)
    assert sum(area(rings) for rings in made.rings.values()) == pytest.approx(whole)
    assert sum(area([cell]) for cell in made.cells) == pytest.approx(whole)


@given(towns(), st.sampled_from([1.0, 5.0]))
@settings(max_examples=examples(8))
def test_a_simpler_border_is_the_same_on_both_sides(town: tuple[Points, Numbers], tolerance: float) -> None:
    made, plain = drawn(town, tolerance), drawn(town)
    assert list(made.rings) == list(plain.rings)

    def sides(rings: list[Points]) -> list[frozenset[tuple[float, float]]]:
        return [
            frozenset(((one[0], one[1]), (other[0], other[1])))
            for ring in rings
            for one, other in zip(ring.tolist(), np.roll(ring, -1, axis=0).tolist(), strict=True)
        ]

    every = [side for rings in made.rings.values() for side in sides(rings)]
    # Each side of a shape is the side of one neighbour too, or of the outline: no gap, nothing twice.
    assert set(Counter(every + sides(made.outline)).values()) == {2}
    assert all(made.rings.values())
    assert sum(len(ring) for rings in made.rings.values() for ring in rings) <= sum(
        len(ring) for rings in plain.rings.values() for ring in rings
    )


def test_an_island_within_a_shape_is_a_hole_of_it() -> None:
    points = np.array([(x, y) for x in range(5) for y in range(5)], dtype=float) * 10
    labels = (np.abs(points - 20).max(axis=1) > 5).astype(np.int64)
    made = drawn((points, labels))
    assert area(made.rings[0]) == pytest.approx(100)
    assert len(made.rings[1]) == 2
    assert not holds(made.rings[1], np.array([[20.0, 20.0]]))[0]


def test_points_without_a_label_have_no_shape() -> None:
    with pytest.raises(ValueError, match="no point has a label"):
        shapes.draw(np.zeros((2, 2)), np.array([OUTSIDE, OUTSIDE]))
