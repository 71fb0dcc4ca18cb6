"""The line that a count must pass to be an exceedance: Farrington's (counts raised to a power) and Noufaily's (counts).

Farrington et al. 1996 (doi 10.2307/2983331), Noufaily et al. 2013 (doi 10.1002/sim.5595); as R's package surveillance has
them. Arrays are (areas,); NaN means: cannot be said.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from ringfence.methods import tails

Floats = NDArray[np.float64]


def by_power(mean: Floats, error: Floats, phi: Floats, power: str, tail: float, now: Floats) -> tuple[Floats, Floats]:
    """Farrington's threshold on counts raised to a power, and the chance of the count or more."""
    tau = phi + error**2 / mean
    if power == "2/3":
        exponent, sd = 2 / 3, np.sqrt(4 / 9 * np.cbrt(mean) * tau)
    elif power == "1/2":
        exponent, sd = 1 / 2, np.sqrt(tau / 4)
    else:
        exponent, sd = 1.0, np.sqrt(mean * tau)
    centre = mean**exponent
    z = float(ndtri(1 - tail))
    upper = (centre + z * sd) ** (1 / exponent)
    lower = (centre - z * sd) ** (1 / exponent)
    # Of the two ends R takes the larger.
    upper = np.fmax(upper, lower)
    return upper, np.asarray(ndtr((centre - now**exponent) / sd))


def by_count(
    eta: Floats, error: Floats, phi: Floats, cautious: bool, alpha: float, now: Floats
) -> tuple[Floats, Floats]:
    """Noufaily's threshold: a quantile of a negative binomial (Poisson without overdispersion), and the chance of so many or more.

    ``eta``, the linear predictor, with its standard ``error``; ``cautious``: of a mean that is itself a quantile.
    """
    mean = np.exp(eta + error * ndtri(1 - alpha)) if cautious else np.exp(eta)
    over = phi > 1
    size = np.where(over, mean / np.where(over, phi - 1, 1), 1)
    share = np.where(over, 1 / phi, 0.5)
    upper = np.where(
        over, tails.negative_binomial_quantile(1 - alpha, size, share), tails.poisson_quantile(1 - alpha, mean)
    )
    p_value = np.where(over, tails.negative_binomial_from(now, size, share), tails.poisson_from(now, mean))
    bad = ~np.isfinite(mean)
    return np.where(bad, np.nan, upper), np.where(bad, np.nan, p_value)
