"""Tails and quantiles beside the same by adding up each count's chance."""

from math import exp, lgamma, log, log1p

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.methods import tails

LEVELS = st.sampled_from([0.025, 0.05, 0.5, 0.95, 0.975, 0.995])
MEANS = st.floats(0.01, 60)
SIZES = st.floats(0.2, 40)
SHARES = st.floats(0.2, 0.98)


def poisson(mean):
    return lambda count: exp(count * log(mean) - mean - lgamma(count + 1))


def negative_binomial(size, share):
    return lambda count: exp(
        lgamma(count + size) - lgamma(size) - lgamma(count + 1) + size * log(share) + count * log1p(-share)
    )


def is_least(found, level, chance):
    """Whether ``found`` is the least count with ``level`` or more of the chances at or below it."""
    below = sum(chance(count) for count in range(int(found)))
    return below < level + 1e-12 and below + chance(int(found)) >= level - 1e-12


@given(LEVELS, MEANS, st.integers(0, 80))
def test_of_poisson(level, mean, count):
    chance = poisson(mean)
    assert is_least(tails.poisson_quantile(level, mean), level, chance)
    assert tails.poisson_from(count, mean) == pytest.approx(1 - sum(map(chance, range(count))), abs=1e-10)


@given(LEVELS, SIZES, SHARES, st.integers(0, 80))
def test_of_the_negative_binomial(level, size, share, count):
    chance = negative_binomial(size, share)
    assert is_least(tails.negative_binomial_quantile(level, size, share), level, chance)
    rest = 1 - sum(map(chance, range(count)))
    assert tails.negative_binomial_from(count, size, share) == pytest.approx(rest, abs=1e-10)


def test_arrays_and_what_is_not_known():
    """The negative binomial is geometric for one success: half of it at 0, a quarter at 1."""
    assert tails.negative_binomial_quantile(0.5, np.array([1.0, np.nan]), 0.5) == pytest.approx(
        [0, np.nan], nan_ok=True
    )
    assert tails.negative_binomial_quantile(0.75, 1.0, 0.5) == 1
    assert tails.poisson_quantile(0.95, np.array([0.0, np.nan])) == pytest.approx([0, np.nan], nan_ok=True)
    assert list(tails.poisson_from(np.array([-3, 0]), 2.0)) == [1, 1]
