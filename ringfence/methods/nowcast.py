"""Nowcast: how many cases of the last days there will be when all of them have been reported.

The delay from specimen to report is estimated from what has been reported so far, by reverse hazards (Lawless 1994,
doi 10.2307/3315820): of the cases with a delay of at most d days, the share whose delay is d, among days old enough to
tell. What is still to come is negative binomial around the days' own counts; the overdispersion is that of the whole
triangle of counts (England and Verrall 2002, doi 10.1017/S1357321800003809). Delays are taken to be the same on all
days of the week and in the window of days looked at; where they are not, the interval is too narrow.

The triangle (days, delays): cases of each day by how many days later they were reported; the last row is today.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ringfence.methods.tails import negative_binomial_quantile

Floats = NDArray[np.float64]


class Nowcast(NamedTuple):
    """For each day (days,): cases reported so far, expected in the end with a 95 % interval, and the share reported.

    NaN: nothing is ever reported of a day so young.
    """

    reported: Floats
    expected: Floats
    lower: Floats
    upper: Floats
    complete: Floats


def completeness(triangle: Floats) -> Floats:
    """Share (delays,) of a day's cases that are reported within 0, 1, 2 ... days, of those within the longest delay.

    Cells that have not happened yet are not looked at. A delay at which nothing could be seen has the next one's share.
    """
    days, delays = triangle.shape
    hazard = np.zeros(delays)
    for delay in range(1, delays):
        old = max(0, days - delay)
        total = triangle[:old, : delay + 1].sum()
        hazard[delay] = triangle[:old, delay].sum() / total if total else 0.0
    later = np.append(np.cumprod((1 - hazard[1:])[::-1])[::-1], 1.0)
    return np.asarray(later)


def nowcast(triangle: Floats, share: Floats | None = None, level: float = 0.95) -> Nowcast:
    """The cases of each day of ``triangle`` in the end. ``share``: completeness by delay, found elsewhere.

    Of a day so young that nothing is ever reported so soon all but ``reported`` and ``complete``, which is 0, are NaN.
    Raises ValueError for negative or missing counts.
    """
    counts = np.asarray(triangle, dtype=float)
    if counts.ndim != 2 or not counts.size:
        raise ValueError("a triangle of days by delays is needed, with at least one of each")
    if np.any(~np.isfinite(counts)) or np.any(counts < 0):
        raise ValueError("a negative or missing count of cases: give 0 or more for every cell")
    if not 0 < level < 1:
        raise ValueError(f"a level of {level:g}: give a share between 0 and 1")
    days, delays = counts.shape
    age = np.arange(days)[::-1]
    seen = np.arange(delays)[None, :] <= age[:, None]
    counts = np.where(seen, counts, 0)
    within = completeness(counts) if share is None else np.asarray(share, dtype=float)
    complete = within[np.minimum(age, delays - 1)]
    told = complete > 0
    complete = np.where(told, complete, 1.0)
    reported = counts.sum(axis=1)
    phi = _dispersion(counts, seen, within, reported / complete)
    left = 1 - complete
    # Half a case more: a day of which nothing is reported yet may still bring some (Jeffreys' prior).
    mean = (reported + 0.5) * left / complete
    variance = np.maximum(phi * mean / complete, mean * (1 + 1e-9))
    tails = (1 - level) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        size = mean**2 / (variance - mean)
        chance = mean / variance
        low, high = (
            np.where(mean > 0, negative_binomial_quantile(each, size, chance), 0.0) for each in (tails, 1 - tails)
        )
    open_days = left > 1e-12
    expected = np.where(open_days, reported + reported * left / complete, reported)
    lower, upper = (reported + np.where(open_days, np.nan_to_num(each), 0) for each in (low, high))
    expected, lower, upper = (np.where(told, each, np.nan) for each in (expected, lower, upper))
    return Nowcast(reported, expected, lower, upper, np.where(told, complete, 0.0))


def _dispersion(counts: Floats, seen: NDArray[np.bool_], within: Floats, expected: Floats) -> float:
    """Pearson's overdispersion of the triangle about day's total times delay's share; at least 1."""
    chance = np.diff(within, prepend=0)
    mean = expected[:, None] * chance[None, :]
    used = seen & (mean > 0)
    free = int(used.sum()) - counts.shape[0] - int((chance > 0).sum()) + 1
    if free < 1:
        return 1.0
    return max(1.0, float((((counts - mean) ** 2)[used] / mean[used]).sum() / free))
