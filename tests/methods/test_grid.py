"""The Ordnance Survey's own worked example, and a place whose grid reference it publishes."""

import numpy as np
import pytest

from ringfence.methods import grid


def degrees(whole: int, minutes: int, seconds: float) -> float:
    return whole + minutes / 60 + seconds / 3600


def test_the_projection_is_that_of_the_guides_example() -> None:
    longitude, latitude = np.radians([degrees(1, 43, 4.5177)]), np.radians([degrees(52, 39, 27.2531)])
    east, north = grid.project(longitude, latitude)
    assert (east[0], north[0]) == (pytest.approx(651409.903, abs=0.001), pytest.approx(313177.270, abs=0.001))


def test_satellite_coordinates_come_within_five_metres() -> None:
    east, north = grid.from_degrees(np.array([degrees(1, 42, 57.8663)]), np.array([degrees(52, 39, 28.8282)]))
    assert (east[0], north[0]) == (pytest.approx(651409.8, abs=5), pytest.approx(313177.4, abs=5))
