"""More cases than expected: the EARS methods on days, Farrington's and Farrington flexible on weeks.

EARS C1, C2, C3: Fricker, Hegler and Dunfee 2008 (doi 10.1002/sim.3197). The count of a day beside the mean and standard
deviation of the days before it (C2: with two days between; C3: also of the two days before).

Farrington: Farrington et al. 1996 (doi 10.2307/2983331). A quasi-Poisson regression on the same weeks of earlier years
gives what was to be expected this week; past outbreaks are weighed down; the threshold is that of counts raised to two
thirds. Farrington flexible: Noufaily et al. 2013 (doi 10.1002/sim.5595): all weeks of the earlier years, in seasonal
groups; outbreaks weighed down from a higher residual on; the last weeks left out; thresholds of a negative binomial.

Figures agree with ``earsC``, ``farrington`` and ``farringtonFlexible`` of R's package surveillance (Salmon, Schumacher and
Hoehle 2016, doi 10.18637/jss.v070.i10), whose default settings are the defaults here. Where that package takes the
standard error of its prediction with the outbreak weights in the place of the regression's, so does this.

Arrays are (areas, times); times without cases are zeros. NaN means: cannot be said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr

from ringfence.methods.loglinear import Fit, fit
from ringfence.methods.thresholds import by_count, by_power

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

YEAR = 52

#: Growth of the logarithm over all weeks looked at below which a trend is rounding: counts that never change have none.
NO_TREND = 1e-9

#: Of one time: expected, threshold, score, p value and alarm of every area.
Columns = tuple[Floats, Floats, Floats, Floats, Bools]


class Exceedance(NamedTuple):
    """For the times ``at`` (columns of the counts), arrays (areas, times).

    ``expected`` cases; ``threshold`` above which a count is an alarm; ``score``, how far the count is on its way from
    expected (0) to the threshold (1) or, for EARS, standard deviations above the mean; ``p_value`` of so many or more,
    NaN where the method gives none; ``alarm``.
    """

    at: Ints
    expected: Floats
    threshold: Floats
    score: Floats
    p_value: Floats
    alarm: Bools


_GAP = {"C1": 0, "C2": 2, "C3": 2}
_ALPHA = {"C1": 0.001, "C2": 0.001, "C3": 0.025}


def ears(
    counts: Floats,
    method: Literal["C1", "C2", "C3"] = "C1",
    *,
    baseline: int = 7,
    alpha: float | None = None,
    least_sd: float = 0.0,
    at: Sequence[int] | None = None,
) -> Exceedance:
    """EARS on the times ``at``, or on all that have a baseline of ``baseline`` times before them.

    ``alpha`` is the chance of a false alarm on one time (0.001; C3 0.025), ``least_sd`` the least standard deviation
    that is believed. Raises ValueError for a baseline below 3, and for a series without one time that can be judged.
    """
    if baseline < 3:
        raise ValueError(f"a baseline of {baseline} times: give 3 or more")
    if least_sd < 0:
        raise ValueError(f"a least standard deviation of {least_sd:g}: give 0 or more")
    level = _ALPHA[method] if alpha is None else _alpha(alpha)
    first = baseline + _GAP[method] + (2 if method == "C3" else 0)
    times = _times(counts, first, at, "times (days, or weeks)", "a shorter baseline")
    z = float(ndtri(1 - level))
    mean, sd = _before(counts, times, baseline, _GAP[method], least_sd)
    now = counts[:, times]
    with np.errstate(divide="ignore", invalid="ignore"):
        score = (now - mean) / sd
        if method != "C3":
            threshold = mean + z * sd
        else:
            # A flat baseline with the same count after it is 0 / 0: nothing is said of the two days after, as in R.
            before = np.zeros_like(mean)
            for lag in (1, 2):
                m, s = _before(counts, times - lag, baseline, 2, least_sd)
                before = before + np.maximum(0, (counts[:, times - lag] - m) / s - 1)
            score = score + before
            threshold = np.maximum(0, now + sd * (z - before))
    return Exceedance(times, mean, threshold, score, np.full(mean.shape, np.nan), now > threshold)


def _before(counts: Floats, times: Ints, baseline: int, gap: int, least_sd: float) -> tuple[Floats, Floats]:
    """Mean and standard deviation (areas, times) of the baseline before each time."""
    index = times[:, None] - gap - np.arange(baseline, 0, -1)[None, :]
    values = counts[:, index]
    return values.mean(axis=2), np.maximum(values.std(axis=2, ddof=1), least_sd)


def _times(counts: Floats, first: int, at: Sequence[int] | None, unit: str, instead: str) -> Ints:
    last = counts.shape[1]
    if last <= first:
        raise ValueError(
            f"this method needs at least {first + 1} {unit} of counts and the series has {last}; "
            f"give a longer series, or {instead}"
        )
    if at is None:
        return np.arange(first, last)
    times = np.array(sorted(at), dtype=np.int64)
    if len(times) and (times[0] < first or times[-1] >= last):
        raise ValueError(
            f"times {first} to {last - 1} of the series can be judged; {times[0]} to {times[-1]} were asked for"
        )
    return times


def _alpha(alpha: float) -> float:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha of {alpha:g}: give a chance between 0 and 1")
    return alpha


@dataclass(frozen=True, slots=True)
class Farrington:
    """Settings of Farrington's methods; the defaults are those of R's ``farringtonFlexible``.

    ``years`` of history; ``half_window``, weeks before and after the same week of those years; ``periods``, seasonal
    groups of the year (1: the windows alone); ``excluded``, last weeks that are left out (None: ``half_window``);
    ``reweight`` past outbreaks from a residual of ``residual`` on; ``alpha``; ``trend_p``, the significance from which a
    trend is believed; ``least_cases`` in the last ``least_weeks`` weeks, below which nothing is said; ``threshold``.
    """

    years: int = 5
    half_window: int = 3
    periods: int = 1
    excluded: int | None = None
    reweight: bool = True
    residual: float = 2.58
    alpha: float = 0.05
    trend: bool = True
    trend_p: float = 0.05
    least_cases: int = 5
    least_weeks: int = 4
    power: Literal["2/3", "1/2", "none"] = "2/3"
    threshold: Literal["delta", "nbPlugin", "muan"] = "delta"

    def __post_init__(self) -> None:
        _alpha(self.alpha)
        for name, least in (("years", 1), ("half_window", 0), ("periods", 1), ("least_weeks", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}: give {least} or more")

    @property
    def history(self) -> int:
        """Weeks that must lie before a week that is judged."""
        return self.years * YEAR + self.half_window


#: The settings that Noufaily et al. recommend for routine use, with a half window of 3 weeks.
NOUFAILY = Farrington(periods=10, excluded=26, trend_p=1.0, alpha=0.01, threshold="nbPlugin")


def farrington_flexible(
    counts: Floats,
    settings: Farrington | None = None,
    *,
    at: Sequence[int] | None = None,
    dates: Sequence[date] | None = None,
) -> Exceedance:
    """Farrington flexible on the weeks ``at`` of ``counts`` (areas, weeks), or on all with enough history.

    ``dates`` of the weeks: years by the calendar, not of 52 weeks. Raises ValueError when no week has enough history.
    """
    given = settings or Farrington()
    weeks, middles = _years(counts, given, at, dates)
    columns = [_flexible(counts, week, middles[week], given) for week in weeks.tolist()]
    return _put_together(weeks, columns, len(counts))


def _years(
    counts: Floats, given: Farrington, at: Sequence[int] | None, dates: Sequence[date] | None
) -> tuple[Ints, dict[int, list[int]]]:
    """The weeks to judge, and for each the same week of the years before, the latest first."""
    spare = 0
    if dates is not None:
        # Five years of the calendar are 261 weeks.
        spare = -(-given.years * 366 // 7) - given.years * YEAR
    weeks = _times(counts, given.history + spare, at, "weeks", "fewer years of history")
    if dates is None:
        return weeks, {week: [week - YEAR * year for year in range(1, given.years + 1)] for week in weeks.tolist()}
    return weeks, {
        week: [week - round((dates[week] - _earlier(dates[week], year)).days / 7) for year in range(1, given.years + 1)]
        for week in weeks.tolist()
    }


def _earlier(on: date, years: int) -> date:
    """The same date some years before; of 29 February the day after where there is none, as R has it."""
    try:
        return on.replace(year=on.year - years)
    except ValueError:
        return date(on.year - years, 3, 1)


def _put_together(times: Ints, columns: list[Columns], areas: int) -> Exceedance:
    if not columns:
        empty = np.empty((areas, 0))
        return Exceedance(times, empty, empty, empty, empty, empty.astype(bool))
    expected, threshold, score, p_value, alarm = (np.stack(each, axis=1) for each in zip(*columns, strict=True))
    return Exceedance(times, expected, threshold, score, p_value, alarm.astype(bool))


def _groups(week: int, middles: Sequence[int], total: int, given: Farrington) -> Ints:
    """The seasonal group (1 to ``periods``) of every week; 0 for weeks that are not used.

    The windows of the same week (``middles``) are the last group; the weeks between two windows are cut into the others.
    """
    w, p = given.half_window, given.periods
    groups = np.zeros(total, dtype=np.int64)
    groups[week - w : week + 1] = p
    for later, middle in pairwise([week, *middles]):
        groups[middle - w : middle + w + 1] = p
        if p > 1:
            between = later - middle - 2 * w - 1
            if between < p - 1:
                raise ValueError(f"{p} periods of a year with {between} weeks outside the windows: give fewer")
            lengths = np.full(p - 1, between // (p - 1))
            lengths[: between % (p - 1)] += 1
            start = middle + w + 1
            groups[start : start + between] = np.repeat(np.arange(1, p), lengths)
    excluded = w if given.excluded is None else given.excluded
    groups[week - excluded :] = 0
    return groups


def _flexible(counts: Floats, week: int, middles: Sequence[int], given: Farrington) -> Columns:
    groups = _groups(week, middles, counts.shape[1], given)
    used = np.flatnonzero(groups)
    response = counts[:, used]
    # Where the time begins decides nothing; near zero the normal equations keep their digits.
    middle = used.mean()
    dummies = [(groups[used] == each).astype(float) for each in range(1, given.periods)]
    seasonal = np.stack([np.ones(len(used)), *dummies], axis=1)
    design = np.concatenate([seasonal[:, :1], (used - middle)[:, None], seasonal[:, 1:]], axis=1)
    here = np.zeros(design.shape[1])
    here[:2] = 1, week - middle
    flat = np.delete(here, 1)

    chosen = _model(seasonal, response, given)
    eta, error, phi = _predict(chosen, flat)
    ok = chosen.fit.converged.copy()
    if given.trend:
        trended = _model(design, response, given)
        with np.errstate(all="ignore"):
            scale = _scale(trended)
            slope = np.abs(trended.fit.coefficients[:, 1])
            t = slope / np.sqrt(scale * trended.fit.covariance[:, 1, 1])
            significant = (2 * stdtr(trended.fit.degrees, -t) < given.trend_p) & (slope * len(used) > NO_TREND)
            eta_t, error_t, phi_t = _predict(trended, here)
            inside = np.exp(eta_t) <= response.max(axis=1)
        keep = trended.fit.converged & significant & inside & (given.years >= 3)
        eta, error, phi = (np.where(keep, a, b) for a, b in ((eta_t, eta), (error_t, error), (phi_t, phi)))
        ok |= keep
    now = counts[:, week]
    enough = counts[:, week - given.least_weeks + 1 : week + 1].sum(axis=1) >= given.least_cases
    with np.errstate(all="ignore"):
        mean = np.exp(eta)
        if given.threshold == "delta":
            upper, p_value = by_power(mean, mean * error, phi, given.power, given.alpha, now)
            centre = mean
        else:
            upper, p_value = by_count(eta, error, phi, given.threshold == "muan", given.alpha, now)
            # R measures the score from the linear predictor here; the alarm is the same.
            centre = eta
        score = np.where(ok, (now - centre) / (upper - centre), np.nan)
        told = ok & enough
        alarm = told & (score > 1) & (now != 0)
    return (
        np.where(told & np.isfinite(upper), mean, np.nan),
        np.where(told, upper, np.nan),
        score,
        np.where(ok, p_value, np.nan),
        alarm,
    )


class _Model(NamedTuple):
    fit: Fit
    phi: Floats
    #: Weights that stand in the place of the regression's when the dispersion of a prediction is taken.
    weights: Floats


def _model(design: Floats, response: Floats, given: Farrington) -> _Model:
    """The regression of every area on one design, with past outbreaks weighed down."""
    full = np.broadcast_to(design, (len(response), *design.shape))
    found = fit(full, response)
    phi = np.fmax(found.dispersion, 1)
    if not given.reweight:
        return _Model(found, phi, found.working)
    omega = _omega(found, response, phi, given.residual)
    again = fit(full, response, omega)
    # What did not converge the first time is not mended by weights.
    again = again._replace(converged=again.converged & found.converged)
    return _Model(again, np.fmax(again.dispersion, 1), omega)


def _omega(found: Fit, response: Floats, phi: Floats, limit: float) -> Floats:
    """Weights by Anscombe residuals: 1 up to the limit, falling with the square beyond it; they add up to n."""
    with np.errstate(all="ignore"):
        mu = found.fitted
        s = 1.5 * (np.cbrt(response) ** 2 * mu ** (-1 / 6) - np.sqrt(mu)) / np.sqrt(phi[:, None] * (1 - found.hat))
        raw = np.where(s > limit, s**-2.0, 1.0)
        omega = raw * (response.shape[1] / raw.sum(axis=1))[:, None]
    return np.where(np.isfinite(omega) & (omega > 0), omega, 1.0)


def _scale(model: _Model) -> Floats:
    found = model.fit
    return np.asarray((model.weights * found.residuals**2).sum(axis=1) / found.degrees)


def _predict(model: _Model, here: Floats) -> tuple[Floats, Floats, Floats]:
    """The linear predictor of each area, its standard error, and the overdispersion."""
    found = model.fit
    with np.errstate(all="ignore"):
        error = np.sqrt(np.einsum("p,mpq,q->m", here, found.covariance, here) * _scale(model))
    return found.coefficients @ here, error, model.phi


#: The settings of R's ``farrington``, the method of 1996.
FARRINGTON = Farrington(residual=1.0)


def farrington(
    counts: Floats,
    settings: Farrington | None = None,
    *,
    at: Sequence[int] | None = None,
    dates: Sequence[date] | None = None,
) -> Exceedance:
    """The method of 1996 on the weeks ``at`` of ``counts`` (areas, weeks), or on all with enough history.

    ``alpha`` is two-sided here, as in the paper. Of the settings ``periods``, ``excluded``, ``trend_p`` and ``threshold``
    are not of this method. ``dates`` as for ``farrington_flexible``. Raises ValueError when no week has enough history.
    """
    given = settings or FARRINGTON
    weeks, middles = _years(counts, given, at, dates)
    columns = [_classic(counts, week, middles[week], given) for week in weeks.tolist()]
    return _put_together(weeks, columns, len(counts))


def _classic(counts: Floats, week: int, middles: Sequence[int], given: Farrington) -> Columns:
    offsets = np.arange(-given.half_window, given.half_window + 1)
    used = np.concatenate([middle + offsets for middle in reversed(middles)])
    response = counts[:, used]
    middle = used.mean()
    design = np.stack([np.ones(len(used)), used - middle], axis=1)
    level = _model(design[:, :1], response, given)
    eta, error, phi = _predict_classic(level, np.ones(1))
    ok = level.fit.converged.copy()
    if given.trend:
        here = np.array([1.0, week - middle])
        trended = _model(design, response, given)
        with np.errstate(all="ignore"):
            slope = np.abs(trended.fit.coefficients[:, 1])
            t = slope / np.sqrt(trended.fit.dispersion * trended.fit.covariance[:, 1, 1])
            significant = (2 * stdtr(trended.fit.degrees, -t) < 0.05) & (slope * len(used) > NO_TREND)
            eta_t, error_t, phi_t = _predict_classic(trended, here)
            inside = np.exp(eta_t) <= response.max(axis=1)
        keep = trended.fit.converged & significant & inside & (given.years >= 3)
        eta, error, phi = (np.where(keep, a, b) for a, b in ((eta_t, eta), (error_t, error), (phi_t, phi)))
        ok |= keep
    now = counts[:, week]
    enough = counts[:, week - given.least_weeks + 1 : week + 1].sum(axis=1) >= given.least_cases
    with np.errstate(all="ignore"):
        mean = np.exp(eta)
        upper, p_value = by_power(mean, mean * error, phi, given.power, given.alpha / 2, now)
        score = np.where(ok & enough, (now - mean) / (upper - mean), 0.0)
    alarm = score > 1
    return np.where(ok, mean, np.nan), np.where(enough, upper, 0.0), score, np.where(ok, p_value, np.nan), alarm


def _predict_classic(model: _Model, here: Floats) -> tuple[Floats, Floats, Floats]:
    found = model.fit
    with np.errstate(all="ignore"):
        error = np.sqrt(np.einsum("p,mpq,q->m", here, found.covariance, here) * model.phi)
    return found.coefficients @ here, error, model.phi
