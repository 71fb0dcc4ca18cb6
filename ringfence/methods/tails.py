"""Tails and quantiles of the distributions of counts, element by element.

From scipy.special: scipy.stats has the same and takes a second to import, in every process that starts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammainc, gammaincc, nbdtrik, pdtrik

Floats = NDArray[np.float64]


def poisson_from(count: Floats | float, mean: Floats | float) -> Floats:
    """The chance of ``count`` or more of a Poisson variable."""
    count = np.asarray(count, float)
    return np.where(count > 0, gammainc(np.maximum(count, 1), mean), 1.0)


def negative_binomial_from(count: Floats | float, size: Floats | float, share: Floats | float) -> Floats:
    """The chance of ``count`` or more failures before the ``size``-th success, each try succeeding with ``share``."""
    count = np.asarray(count, float)
    return np.where(count > 0, betainc(np.maximum(count, 1), size, 1 - np.asarray(share, float)), 1.0)


def poisson_quantile(level: float, mean: Floats | float) -> Floats:
    """The least count whose Poisson distribution function reaches ``level``; NaN where the mean is."""
    found = np.maximum(np.ceil(pdtrik(level, mean)), 0)
    below = np.maximum(found - 1, 0)
    return np.where((found > 0) & (gammaincc(below + 1, mean) >= level), below, found)


def negative_binomial_quantile(level: float, size: Floats | float, share: Floats | float) -> Floats:
    """The least count whose negative binomial distribution function reaches ``level``; NaN where size or share is."""
    found = np.maximum(np.ceil(nbdtrik(level, size, share)), 0)
    below = np.maximum(found - 1, 0)
    return np.where((found > 0) & (betainc(size, below + 1, share) >= level), below, found)
