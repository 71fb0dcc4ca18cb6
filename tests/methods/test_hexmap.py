"""The hexagon map: every area one cell, near its place and beside its neighbours."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.geography import atlas, prepare
from ringfence.methods import hexmap
from tests.examples import examples

points = st.lists(st.tuples(st.integers(80_000, 655_000), st.integers(5_000, 657_000)), min_size=1, max_size=25).map(
    lambda listed: np.array(listed, dtype=float)
)


@given(points)
@settings(max_examples=examples(8))
def test_every_area_has_a_cell_of_its_own_and_the_same_one_again(where):
    cells, quality = hexmap.layout(where)
    assert cells.shape == (len(where), 2)
    assert len({tuple(cell) for cell in cells.tolist()}) == len(where)
    assert cells.min() >= 0
    again, _ = hexmap.layout(where)
    assert (cells == again).all()
    assert quality.kept <= quality.near <= 1


def test_a_hexagonal_lattice_comes_back_as_it_is():
    cells = np.array([(q, r) for r in range(6) for q in range(6)])
    found, quality = hexmap.layout(hexmap.centres(cells) * 10_000)
    assert quality.kept == 1
    apart = hexmap.cell_distance(cells[:, None], cells[None, :])
    assert (hexmap.cell_distance(found[:, None], found[None, :]) == apart).all()


def test_neighbours_are_joined_when_no_third_lies_between():
    assert hexmap.neighbours(np.array([(0.0, 0.0), (2.0, 0.0), (1.0, 0.2)])).tolist() == [[0, 2], [1, 2]]
    assert hexmap.neighbours(np.array([(0.0, 0.0), (2.0, 0.0), (1.0, 1.8)])).tolist() == [[0, 1], [0, 2], [1, 2]]


@pytest.mark.parametrize(
    ("first", "second", "steps"),
    [((0, 0), (0, 0), 0), ((0, 0), (1, -1), 1), ((0, 0), (1, 1), 2), ((2, -1), (-1, 3), 4)],
)
def test_cell_distance(first, second, steps):
    assert hexmap.cell_distance(np.array(first), np.array(second)) == steps
    gap = hexmap.centres(np.array([first])) - hexmap.centres(np.array([second]))
    assert np.hypot(*gap[0]) <= steps + 1e-9


@pytest.mark.parametrize("bad", [np.zeros(4), np.zeros((4, 3)), np.array([(0, np.nan), (1, 1), (2, 2)])])
def test_points_that_are_no_points_are_refused(bad):
    with pytest.raises(ValueError, match="easting"):
        hexmap.layout(bad)


@pytest.mark.parametrize(("tier", "count"), [("upper", 153), pytest.param("lower", 296, marks=pytest.mark.nightly)])
def test_the_map_of_england_is_recognisable(tier, count):
    england = atlas.packaged()
    areas = england.upper_tier() if tier == "upper" else england.lower_tier()
    cells = [getattr(area, f"{tier}_cell") for area in areas]
    assert len(areas) == len(set(cells)) == count
    quality = hexmap.quality(np.array([(a.easting, a.northing) for a in areas], dtype=float), np.array(cells))
    assert quality.kept > 0.78
    assert quality.near > 0.95
    assert quality.displacement < 0.6
    assert quality.west_east > 0.95
    assert quality.north_south > 0.97


@pytest.mark.nightly
def test_the_map_in_the_file_is_what_the_method_makes_of_the_centroids():
    areas = atlas.packaged().upper_tier()
    cells, quality = prepare.cells(areas)
    stored = hexmap.quality(
        np.array([(a.easting, a.northing) for a in areas], dtype=float), np.array([a.upper_cell for a in areas])
    )
    assert len(set(cells.values())) == len(areas)
    assert quality.kept == pytest.approx(stored.kept, abs=0.02)
    assert quality.displacement == pytest.approx(stored.displacement, abs=0.05)


def test_no_area_out_of_force_has_a_cell():
    for area in atlas.packaged():
        assert (area.upper_cell is not None) == (area.upper_tier and area.closed is None)
        assert (area.lower_cell is not None) == (area.lower_tier and area.closed is None)
