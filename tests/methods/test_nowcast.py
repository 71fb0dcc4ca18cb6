"""The nowcast: what it says when all is known, and how often its interval holds what came."""

from __future__ import annotations

import numpy as np
import pytest

from ringfence.methods.nowcast import completeness, nowcast


def test_days_that_are_complete_are_what_they_are() -> None:
    triangle = np.array([[5, 3], [4, 4], [6, 0]], dtype=float)
    found = nowcast(triangle)
    assert found.expected[:2].tolist() == [8, 8]
    assert found.lower[:2].tolist() == found.upper[:2].tolist() == [8, 8]
    assert found.complete.tolist() == pytest.approx([1, 1, 9 / 16])
    assert found.expected[2] == pytest.approx(6 / (9 / 16))
    assert found.lower[2] >= 6 and found.lower[2] < found.expected[2] < found.upper[2]


def test_completeness_looks_only_at_days_old_enough() -> None:
    """The last day's zero reports with a delay of a day have not happened; they are no evidence."""
    triangle = np.array([[10, 10, 0], [10, 10, 0], [10, 10, 99], [10, 99, 99]], dtype=float)
    assert completeness(triangle).tolist() == [0.5, 1.0, 1.0]


def test_without_delay_nothing_is_expected() -> None:
    found = nowcast(np.array([[5.0], [0.0], [7.0]]))
    assert found.expected.tolist() == found.lower.tolist() == found.upper.tolist() == [5, 0, 7]


def test_a_day_of_which_nothing_is_known_yet_may_still_bring_some() -> None:
    found = nowcast(np.array([[6, 6], [5, 7], [7, 5], [0, 0]], dtype=float))
    assert found.expected[-1] == found.lower[-1] == 0 < found.upper[-1]


def test_where_nothing_is_reported_on_the_day_itself_nothing_is_said_of_it() -> None:
    found = nowcast(np.array([[0.0, 5.0, 5.0], [0.0, 5.0, 5.0], [0.0, 6.0, 0.0], [0.0, 0.0, 0.0]]))
    assert found.complete.tolist() == [1, 1, 0.5, 0]
    assert found.expected[:3].tolist() == [10, 10, 12] and found.reported[-1] == 0
    assert np.isnan([found.expected[-1], found.lower[-1], found.upper[-1]]).all()


@pytest.mark.parametrize("overdispersed", [False, True])
def test_the_interval_holds_what_comes_about_as_often_as_it_says(overdispersed: bool) -> None:
    random = np.random.default_rng(7)
    chance = np.array([0.2, 0.3, 0.25, 0.15, 0.1])
    held = []
    for _ in range(300):
        mean = np.full(40, 60.0)
        totals = random.poisson(mean)
        shares = random.dirichlet(chance * 60, 40) if overdispersed else np.tile(chance, (40, 1))
        triangle = np.array([random.multinomial(n, p) for n, p in zip(totals, shares, strict=True)], dtype=float)
        found = nowcast(triangle)
        held.append((found.lower[-4:] <= totals[-4:]) & (totals[-4:] <= found.upper[-4:]))
    assert 0.90 < float(np.mean(held)) <= 0.995


def test_what_cannot_be_asked() -> None:
    with pytest.raises(ValueError, match="negative or missing count"):
        nowcast(np.array([[1.0, -1.0]]))
    with pytest.raises(ValueError, match="triangle of days by delays"):
        nowcast(np.zeros((0, 3)))
    with pytest.raises(ValueError, match="level of 2"):
        nowcast(np.array([[1.0]]), level=2)
