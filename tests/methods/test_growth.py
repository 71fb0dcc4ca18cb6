"""The reproduction number against R's EpiEstim 2.2, whose figures stand here, and growth against what was put in."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import gammainc

from ringfence.methods import growth


def daily(area: int) -> list[int]:
    """Fifty days of cases by a formula."""
    start = [4, 1][area]
    return [max(0, round(start * math.exp(0.04 * day) + ((day * 7919 + area * 17) % 7 - 3))) for day in range(50)]


CASES = np.array([daily(0), daily(1)], dtype=float)

#: estimate_R(method = "parametric_si", mean_si = 5.2, std_si = 2.8): last day of the window counted from 1, then mean,
#: standard deviation, and the quantiles at 2.5, 50 and 97.5 per cent.
EPIESTIM = {
    (0, 12): (1.449102502127, 0.2291232234885, 1.035260072876, 1.437044701732, 1.931446553727),
    (0, 13): (1.345632055911, 0.2101524202895, 0.9656487957726, 1.334707911236, 1.787677009679),
    (0, 50): (1.22019624892, 0.09197575291519, 1.046580708777, 1.217886050898, 1.406939509219),
    (1, 12): (1.394750073247, 0.4026296651206, 0.7206877155884, 1.356204196865, 2.287627054839),
    (1, 13): (1.422381666884, 0.394497694864, 0.7573583324806, 1.386081289619, 2.293490329336),
    (1, 50): (1.260342734743, 0.1858273982362, 0.9227292852406, 1.251221675362, 1.649776049968),
}


@pytest.mark.parametrize(("area", "end"), EPIESTIM)
def test_it_agrees_with_epiestim(area: int, end: int) -> None:
    found = growth.reproduction(CASES, growth.serial_interval(5.2, 2.8, 50))
    window = list(found.ends).index(end - 1)
    told = [each[area, window] for each in (found.mean, found.sd, found.lower, found.median, found.upper)]
    assert told == pytest.approx(EPIESTIM[area, end], rel=1e-11)


def test_nothing_is_said_before_a_serial_interval_has_passed() -> None:
    found = growth.reproduction(CASES, growth.serial_interval(9.5, 2.8, 50))
    said = ~np.isnan(found.mean[0])
    assert [int(end) + 1 for end in found.ends[~said]] == [8, 9]
    assert said[2:].all()


def slowly(cases: np.ndarray, weights: np.ndarray, window: int) -> list[tuple[float, float]]:
    """The paper's formula, a day at a time: shape and scale of the posterior."""
    found = []
    for end in range(window, len(cases)):
        shape, rate = 1.0, 1 / 5
        for day in range(end - window + 1, end + 1):
            shape += cases[day]
            rate += sum(cases[day - lag] * weights[lag] for lag in range(1, day + 1) if lag < len(weights))
        found.append((shape, 1 / rate))
    return found


@given(arrays(np.int64, st.integers(4, 40), elements=st.integers(0, 50)), st.integers(1, 3), st.floats(1.5, 9))
def test_it_is_the_paper_s_posterior(cases: np.ndarray, window: int, mean: float) -> None:
    weights = growth.serial_interval(mean, 2.0, len(cases))
    found = growth.reproduction(cases[None].astype(float), weights, window=window)
    for at, (shape, scale) in enumerate(slowly(cases, weights, window)):
        if np.isnan(found.mean[0, at]):
            assert found.ends[at] + 1 <= mean + 0.01
            continue
        assert found.mean[0, at] == pytest.approx(shape * scale, rel=1e-9)
        assert gammainc(shape, found.upper[0, at] / scale) == pytest.approx(0.975, rel=1e-9)
        assert gammainc(shape, found.lower[0, at] / scale) == pytest.approx(0.025, rel=1e-9)


@given(st.floats(1.1, 20), st.floats(0.5, 8))
def test_a_serial_interval_is_a_distribution_with_its_mean(mean: float, sd: float) -> None:
    days = 20_000  # A short mean with a large deviation has a long tail.
    weights = growth.serial_interval(mean, sd, days)
    assert weights[0] == pytest.approx(0, abs=1e-9)
    assert weights.sum() == pytest.approx(1, abs=1e-6)
    assert weights @ np.arange(days) == pytest.approx(mean, abs=1e-3)


@pytest.mark.parametrize(
    ("mean", "sd", "said"), [(1, 2, "more than 1 day"), (5, 0, "more than 0"), (math.nan, 1, "day")]
)
def test_a_serial_interval_that_cannot_be(mean: float, sd: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        growth.serial_interval(mean, sd, 10)


@pytest.mark.parametrize("wrong", [-1.0, math.nan, math.inf])
def test_a_count_that_cannot_be(wrong: float) -> None:
    cases = CASES.copy()
    cases[0, 3] = wrong
    with pytest.raises(ValueError, match="negative or missing count"):
        growth.reproduction(cases, growth.serial_interval(5, 2, 50))


def test_too_few_days_are_said_to_be() -> None:
    with pytest.raises(ValueError, match="needs at least 8 days of cases; the series has 7"):
        growth.reproduction(CASES[:, :7], growth.serial_interval(5, 2, 50))
    with pytest.raises(ValueError, match="growth over 14 days"):
        growth.growth(CASES[:, :10])


def test_growth_is_what_was_put_in() -> None:
    days = np.arange(14)
    cases = np.round(np.array([1e6 * np.exp(0.1 * days), 1e6 * np.exp(-0.05 * days), np.full(14, 1e6)]))
    found = growth.growth(cases)
    assert found.rate == pytest.approx([0.1, -0.05, 0], abs=1e-5)
    assert found.doubling_days[:2] == pytest.approx([math.log(2) / 0.1, -math.log(2) / 0.05], rel=1e-3)
    assert np.all(found.lower <= found.rate) and np.all(found.rate <= found.upper)


def test_growth_of_large_counts_is_found_however_well_they_fit() -> None:
    rates = np.linspace(-0.2, 0.2, 400)
    found = growth.growth(np.round(1e8 * np.exp(np.outer(rates, np.arange(14)))))
    assert found.rate == pytest.approx(rates, abs=1e-6)


def test_growth_of_nothing_cannot_be_told() -> None:
    cases = np.zeros((2, 14))
    cases[1, 5] = 4
    found = growth.growth(cases)
    assert np.isnan(found.rate).all() and np.isnan(found.upper).all()


def test_the_interval_of_growth_holds_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(3)
    cases = random.poisson(50 * np.exp(0.03 * np.arange(14)), (4000, 14)).astype(float)
    found = growth.growth(cases)
    held = float(((found.lower <= 0.03) & (found.upper >= 0.03)).mean())
    assert 0.94 < held < 0.99


def test_counts_that_vary_more_widen_the_interval_of_growth() -> None:
    random = np.random.default_rng(4)
    mean = np.broadcast_to(50 * np.exp(0.03 * np.arange(14)), (4000, 14))
    found = growth.growth(random.poisson(random.gamma(8, mean / 8)).astype(float))
    held = float(((found.lower <= 0.03) & (found.upper >= 0.03)).mean())
    assert 0.92 < held < 0.98
