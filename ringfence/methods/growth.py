"""How fast an epidemic grows: the reproduction number, the growth rate and the doubling time of many areas at once.

The reproduction number is that of Cori et al. 2013 (doi 10.1093/aje/kwt133): cases of a day are Poisson with mean
R times the total infectiousness of the cases before them; over a window of days R is constant and has a gamma prior, so
that its posterior is a gamma as well. Figures agree with R's EpiEstim (`parametric_si`). The growth rate is the slope of
a log-linear quasi-Poisson regression on the last days; the doubling time follows from it.

Arrays are (areas, days) with one column a day; days without cases are zeros. Nothing here corrects for delay in
reporting: give days that are complete, or the centre of ``methods.nowcast``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, gammaincinv, stdtrit

from ringfence.methods.loglinear import fit

Floats = NDArray[np.float64]

#: The prior of R: mean and standard deviation (EpiEstim's own, wide and high, so that a small R is found by data alone).
PRIOR = (5.0, 5.0)

#: Days over which R is taken as constant, and over which the growth rate is measured.
WINDOW, GROWTH_WINDOW = 7, 14


class Reproduction(NamedTuple):
    """R for windows of days, each an array (areas, windows); NaN while the epidemic is younger than a serial interval.

    ``ends`` has the column of each window's last day. ``lower``, ``median`` and ``upper`` are quantiles of the
    posterior: 2.5, 50 and 97.5 per cent.
    """

    ends: NDArray[np.int64]
    mean: Floats
    sd: Floats
    lower: Floats
    median: Floats
    upper: Floats


def serial_interval(mean: float, sd: float, days: int) -> Floats:
    """Chance (days,) that a case infects another after 0, 1, 2 ... days: a gamma shifted by one day, made discrete.

    The interval of 0 days has none. Cori et al. 2013, web appendix 11. ``mean`` and ``sd`` are in days. Raises
    ValueError for a mean of one day or less, or a standard deviation that is not positive.
    """
    if not mean > 1:
        raise ValueError(f"a serial interval of {mean:g} days on average: give more than 1 day")
    if not sd > 0:
        raise ValueError(f"a serial interval with a standard deviation of {sd:g} days: give more than 0")
    shape, scale = ((mean - 1) / sd) ** 2, sd**2 / (mean - 1)
    on = np.arange(days, dtype=float)

    def below(at: Floats, extra: int = 0) -> Floats:
        return np.asarray(gammainc(shape + extra, np.maximum(at, 0) / scale), dtype=float)

    chance = on * below(on) + (on - 2) * below(on - 2) - 2 * (on - 1) * below(on - 1)
    chance += shape * scale * (2 * below(on - 1, 1) - below(on - 2, 1) - below(on, 1))
    return np.maximum(chance, 0)


def infectiousness(cases: Floats, interval: Floats) -> Floats:
    """Total infectiousness (areas, days) on each day of the cases before it, by the serial interval (days,)."""
    days = cases.shape[1]
    weights = np.zeros(days)
    weights[: min(days, len(interval))] = interval[:days]
    lag = np.arange(days)[None, :] - np.arange(days)[:, None]
    return np.asarray(cases @ np.where(lag >= 0, weights[np.abs(lag)], 0.0))


def reproduction(
    cases: Floats, interval: Floats, *, window: int = WINDOW, prior: tuple[float, float] = PRIOR
) -> Reproduction:
    """R over every window of ``window`` days that ends on the second day of the window's length or later.

    ``cases`` (areas, days) of each day, the first day's taken as brought from elsewhere; ``interval`` is the chance of
    each serial interval (``serial_interval``). Raises ValueError when there are fewer days than a window and one, or a
    count is negative.
    """
    areas, days = cases.shape
    if days < window + 1:
        raise ValueError(
            f"R over a window of {window} needs at least {window + 1} days of cases; the series has {days}: give a longer one"
        )
    if window < 1:
        raise ValueError(f"a window of {window} days: give 1 or more")
    if np.any(cases < 0) or not np.all(np.isfinite(cases)):
        raise ValueError("a negative or missing count of cases: give 0 or more for every day")
    weights = np.zeros(days + 1)
    weights[: min(len(interval), days + 1)] = interval[: days + 1]
    mean_interval = float(weights @ np.arange(days + 1))
    force = infectiousness(cases, interval)
    ends = np.arange(window, days)
    sums = [np.concatenate([np.zeros((areas, 1)), np.cumsum(each[:, 1:], axis=1)], axis=1) for each in (cases, force)]
    seen, pressure = (each[:, ends] - each[:, ends - window] for each in sums)
    mean, sd = prior
    shape = (mean / sd) ** 2 + seen
    scale = 1 / (mean / sd**2 + pressure)
    # Days are counted from 1 here, as in the paper.
    shape[:, ends + 1 <= mean_interval] = np.nan
    # Shapes are the prior's and a whole number of cases: there are far fewer of them than windows.
    shapes, which = np.unique(shape, return_inverse=True)
    lower, median, upper = (
        gammaincinv(shapes, share)[which].reshape(shape.shape) * scale for share in (0.025, 0.5, 0.975)
    )
    return Reproduction(ends, shape * scale, np.sqrt(shape) * scale, lower, median, upper)


class Growth(NamedTuple):
    """The growth rate a day of each area (areas,), with its 95 % interval; NaN where nothing can be told."""

    rate: Floats
    lower: Floats
    upper: Floats

    @property
    def doubling_days(self) -> Floats:
        """Days in which cases double; negative: days in which they halve. Infinite when they do neither."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(2) / self.rate)


def growth(cases: Floats, *, window: int = GROWTH_WINDOW) -> Growth:
    """The growth rate over the last ``window`` days of ``cases`` (areas, days).

    A quasi-Poisson regression of the counts on the day; where the window is a week or more and the counts allow it, the
    overdispersion widens the interval. Fewer than two days with cases give NaN.
    """
    if cases.shape[1] < window:
        raise ValueError(f"growth over {window} days needs as many days of cases; the series has {cases.shape[1]}")
    last = np.asarray(cases[:, -window:], dtype=float)
    day = np.arange(window) - (window - 1) / 2
    design = np.broadcast_to(np.stack([np.ones(window), day], axis=1), (len(last), window, 2))
    found = fit(design, last)
    rate = found.coefficients[:, 1]
    error = np.sqrt(np.maximum(found.dispersion, 1) * found.covariance[:, 1, 1])
    wide = stdtrit(window - 2, 0.975) * error
    enough = found.converged & ((last > 0).sum(axis=1) >= 2)
    return Growth(*(np.where(enough, each, np.nan) for each in (rate, rate - wide, rate + wide)))
