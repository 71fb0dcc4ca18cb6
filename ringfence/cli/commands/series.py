"""``ringfence growth``, ``exceedance``, ``nowcast`` and ``exposures``: the methods on plain files, without the record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from ringfence.cli.answers import about, say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ringfence.methods.exceedance import Exceedance, Farrington

FILE = typer.Argument(..., exists=True, dir_okay=False, readable=True, help="A CSV file; `-` is not read.")
JSON = typer.Option(False, "--json", help="As JSON.")

DAY, WEEK = timedelta(days=1), timedelta(days=7)


class Method(StrEnum):
    """What ``exceedance`` can do."""

    FLEXIBLE = "farrington-flexible"
    FARRINGTON = "farrington"
    C1 = "ears-c1"
    C2 = "ears-c2"
    C3 = "ears-c3"


class Threshold(StrEnum):
    """How Farrington flexible draws its line."""

    DELTA = "delta"
    NEGATIVE_BINOMIAL = "nbPlugin"
    MUAN = "muan"


class Series(NamedTuple):
    """Counts (areas, times), the areas' names in order of first appearance, and the date of each time."""

    areas: list[str]
    dates: list[date]
    counts: NDArray[np.float64]


def read(path: Path, step: timedelta | None = None) -> Series:
    """The series of a file with the columns area, date and cases; rows of one area and date are added up.

    A date that is not in the file is a zero. ``step``: the time between two dates; found from the dates when not given.
    """
    import numpy as np

    from ringfence.feeds import series

    rows = series.table(path, {"area": series.a_name, "date": series.a_date, "cases": series.a_count})
    if len(set(rows["date"])) > 2 and len({each.day for each in rows["date"]}) == 1:
        raise series.Unusable(f"{path}: the series goes by months; give one date a day or one a week")
    if step == DAY and len(set(rows["date"])) > 2 and _step(rows["date"]) == WEEK:
        # Weeks among days without cases would give figures that mean nothing.
        raise series.Unusable(f"{path}: the series goes by weeks; give cases by day")
    sums = series.summed(zip(rows["area"], rows["date"], strict=True), rows["cases"])
    areas = list(dict.fromkeys(rows["area"]))
    every = step or _step(rows["date"])
    first, last = min(rows["date"]), max(rows["date"])
    times = (last - first) // every + 1
    place = {area: at for at, area in enumerate(areas)}
    counts = np.zeros((len(areas), times))
    for (area, on), cases in sums.items():
        time, rest = divmod(on - first, every)
        if rest:
            raise series.Unusable(
                f"{path}: {on} lies between two dates of a series that goes by {every.days} days from {first}; give one date a "
                "day or one a week"
            )
        counts[place[area], time] += cases
    return Series(areas, [first + at * every for at in range(times)], counts)


def _step(dates: Iterable[date]) -> timedelta:
    """A week when all dates are whole weeks apart and there are several, else a day."""
    days = {each.toordinal() for each in dates}
    first = min(days)
    weekly = len(days) > 1 and all((each - first) % 7 == 0 for each in days)
    return WEEK if weekly else DAY


def weekly(given: Series) -> Series:
    """Days added up to weeks that end on the last date; days before the first whole week are left out."""
    weeks = len(given.dates) // 7
    spare = len(given.dates) - weeks * 7
    counts = given.counts[:, spare:].reshape(len(given.areas), weeks, 7).sum(axis=2)
    return Series(given.areas, given.dates[spare + 6 :: 7], counts)


def register(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command()
    def growth(
        file: Path = FILE,
        serial_interval: str = typer.Option(
            ..., "--serial-interval", metavar="MEAN,SD", help="Must be given: in days, such as 5.2,2.8."
        ),
        window: int = typer.Option(7, "--window", min=1, help="Days over which R is taken as constant."),
        growth_window: int = typer.Option(14, "--growth-window", min=3, help="Days over which growth is measured."),
        last: bool = typer.Option(False, "--last", help="The latest estimate of each area alone."),
        as_json: bool = JSON,
    ) -> None:
        """The reproduction number (Cori), growth rate and doubling time of each AREA. Columns: area, date, cases."""
        from ringfence.methods import growth as method

        mean, sd = _interval(serial_interval)
        given = read(file, DAY)
        weights = method.serial_interval(mean, sd, len(given.dates))
        with about(file):
            found = method.reproduction(given.counts, weights, window=window)
        grown = method.growth(given.counts, window=growth_window) if len(given.dates) >= growth_window else None
        estimates = [
            {
                "area": area,
                "start": given.dates[end - window + 1],
                "end": given.dates[end],
                "mean": found.mean[a, w],
                "sd": found.sd[a, w],
                "lower": found.lower[a, w],
                "median": found.median[a, w],
                "upper": found.upper[a, w],
            }
            for a, area in enumerate(given.areas)
            for w, end in _ends(found.ends, last)
        ]
        areas = [
            {
                "area": area,
                "days": growth_window,
                "growth_rate": grown.rate[a] if grown else None,
                "growth_lower": grown.lower[a] if grown else None,
                "growth_upper": grown.upper[a] if grown else None,
                "doubling_days": grown.doubling_days[a] if grown else None,
            }
            for a, area in enumerate(given.areas)
        ]
        say(
            {"serial_interval": {"mean": mean, "sd": sd}, "window": window, "estimates": estimates, "growth": areas},
            as_json,
            estimates if not last else [{**a, **b} for a, b in zip(estimates, areas, strict=True)],
        )

    @app.command()
    def exceedance(
        file: Path = FILE,
        method: Method = typer.Option(Method.FLEXIBLE, "--method"),
        alpha: float | None = typer.Option(
            None, "--alpha", min=0, max=1, help="Chance of a false alarm; the method's own when not given."
        ),
        baseline: int = typer.Option(7, "--baseline", min=3, help="EARS: times before."),
        years: int = typer.Option(5, "--years", min=1, help="Farrington: years of history."),
        half_window: int = typer.Option(3, "--half-window", min=0, help="Farrington: weeks before and after the week."),
        periods: int = typer.Option(
            1, "--periods", min=1, help="Flexible: seasonal groups of a year; 10 in routine use."
        ),
        excluded: int | None = typer.Option(
            None, "--exclude", min=0, help="Flexible: last weeks left out; 26 in routine use."
        ),
        residual: float | None = typer.Option(
            None, "--residual", help="Residual from which an outbreak is weighed down."
        ),
        trend_p: float = typer.Option(
            0.05, "--trend-p", help="Flexible: from what significance a trend counts; 1 for always."
        ),
        threshold: Threshold = typer.Option(Threshold.DELTA, "--threshold", help="Flexible: how the line is drawn."),
        calendar: bool = typer.Option(
            False, "--calendar-years", help="Farrington: the same week of years of the calendar, not 52 weeks before."
        ),
        reweight: bool = typer.Option(True, "--reweight/--no-reweight", help="Weigh past outbreaks down."),
        last: bool = typer.Option(False, "--last", help="The last time of each area alone."),
        as_json: bool = JSON,
    ) -> None:
        """Whether there are more cases than expected. Columns: area, date, cases; Farrington's methods go by weeks."""
        from ringfence.methods import exceedance as methods

        given = read(file)
        ears = method in (Method.C1, Method.C2, Method.C3)
        if not ears and _every(given) == DAY:
            given = weekly(given)
        at = [len(given.dates) - 1] if last else None
        if method is Method.C1 or method is Method.C2 or method is Method.C3:
            name: Any = method.value[-2:].upper()
            with about(file):
                found = methods.ears(given.counts, name, baseline=baseline, alpha=alpha, at=at)
        else:
            base = methods.Farrington() if method is Method.FLEXIBLE else methods.FARRINGTON
            settings: Farrington = replace(
                base,
                years=years,
                half_window=half_window,
                periods=periods,
                excluded=excluded,
                trend_p=trend_p,
                reweight=reweight,
                threshold=threshold.value,
                alpha=base.alpha if alpha is None else alpha,
                residual=base.residual if residual is None else residual,
            )
            judge = methods.farrington_flexible if method is Method.FLEXIBLE else methods.farrington
            with about(file):
                found = judge(given.counts, settings, at=at, dates=given.dates if calendar else None)
        results = _exceedances(given, found)
        say({"method": method.value, "results": results}, as_json, results)

    @app.command()
    def nowcast(
        file: Path = FILE,
        as_at: str | None = typer.Option(
            None, "--as-at", metavar="DATE", help="By what had been reported by then; by the last report if not given."
        ),
        window: int = typer.Option(42, "--window", min=2, help="Days looked at."),
        longest: int = typer.Option(14, "--longest-delay", min=0, help="Days after which a case is taken as reported."),
        as_json: bool = JSON,
    ) -> None:
        """Cases of the last days when all are reported. Columns: area, date (of the specimen), reported (date), cases."""
        from ringfence.feeds import series

        try:
            until = series.a_date(as_at) if as_at else None
        except series.Unusable as problem:
            raise ValueError(f"--as-at {as_at}: {problem}") from None
        results = _nowcasts(file, until, window, longest)
        say({"as_at": results[0]["as_at"] if results else None, "nowcast": results}, as_json, results)

    @app.command()
    def exposures(
        file: Path = FILE,
        window: int = typer.Option(7, "--window", min=1, help="Days of the rolling window."),
        as_json: bool = JSON,
    ) -> None:
        """Common exposures: cases of different households at one place. Columns: case, household, postcode, category, from, to."""
        from ringfence.feeds import series
        from ringfence.methods.exposures import Event, clusters
        from ringfence.rules.places import canonical

        rows = series.table(
            file,
            {
                "case": series.a_name,
                "household": series.a_text,
                "postcode": series.a_text,
                "category": series.a_text,
                "from": series.a_date,
                "to": series.a_date,
            },
        )
        # Who writes "Gym" and who writes "gym" were at one place; it is told as it was written first.
        spelt: dict[str, str] = {}
        events = [
            Event(
                case,
                home,
                canonical(postcode) or postcode.upper(),
                spelt.setdefault(category.casefold(), category),
                first,
                last,
            )
            for case, home, postcode, category, first, last in zip(
                *(rows[name] for name in ("case", "household", "postcode", "category", "from", "to")), strict=True
            )
        ]
        with about(file):
            every = clusters(events, window)
        found: list[dict[str, Any]] = [
            {
                "postcode": each.postcode,
                "category": each.category,
                "start": each.start,
                "end": each.end,
                "cases": list(each.cases),
                "households": each.households,
                "events": each.events,
            }
            for each in every
        ]
        say(
            {"window_days": window, "clusters": found},
            as_json,
            [{**each, "cases": len(each["cases"])} for each in found],
        )


def _interval(given: str) -> tuple[float, float]:
    try:
        mean, sd = (float(each) for each in given.split(","))
        if not isfinite(mean + sd):
            raise ValueError
    except ValueError:
        raise ValueError(
            f"--serial-interval {given}: give the mean and the standard deviation in days, such as 5.2,2.8"
        ) from None
    return mean, sd


def _ends(ends: Sequence[int] | NDArray[np.int64], last: bool) -> list[tuple[int, int]]:
    pairs = [(at, int(end)) for at, end in enumerate(ends)]
    return pairs[-1:] if last else pairs


def _every(given: Series) -> timedelta:
    return given.dates[1] - given.dates[0] if len(given.dates) > 1 else WEEK


def _exceedances(given: Series, found: Exceedance) -> list[dict[str, Any]]:
    return [
        {
            "area": area,
            "date": given.dates[time],
            "observed": int(given.counts[a, time]),
            "expected": found.expected[a, t],
            "threshold": found.threshold[a, t],
            "score": found.score[a, t],
            "p_value": found.p_value[a, t],
            "alarm": bool(found.alarm[a, t]),
        }
        for a, area in enumerate(given.areas)
        for t, time in enumerate(found.at)
    ]


def _nowcasts(file: Path, until: date | None, window: int, longest: int) -> list[dict[str, Any]]:
    import numpy as np

    from ringfence.feeds import series
    from ringfence.methods.nowcast import completeness
    from ringfence.methods.nowcast import nowcast as estimate

    rows = series.table(
        file,
        {"area": series.a_name, "date": series.a_date, "reported": series.a_date, "cases": series.a_count},
        others={"reported": ("report date",), "date": ("specimen date",)},
    )
    first, last = min(rows["date"]), until or max(rows["reported"])
    if until and not first <= until <= max(rows["reported"]) + window * DAY:
        raise ValueError(
            f"--as-at {until}: the file has days from {first}, reported until {max(rows['reported'])}; give one of those"
        )
    triangles: dict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros((window, longest + 1)))
    for area, on, reported, cases in zip(*(rows[name] for name in ("area", "date", "reported", "cases")), strict=True):
        if reported < on:
            raise series.Unusable(
                f"{file}: cases of {area} of {on} are reported on {reported}, before they were tested"
            )
        triangle = triangles[area]
        day, delay = window - 1 - (last - on).days, min((reported - on).days, longest)
        if reported <= last and 0 <= day < window:
            triangle[day, delay] += cases
    if not triangles:
        return []
    # What is reported late at all is the service's doing: the delay is estimated from all areas together.
    share = completeness(sum(triangles.values(), start=np.zeros((window, longest + 1))))
    results = []
    for area, triangle in triangles.items():
        found = estimate(triangle, share)
        results += [
            {
                "as_at": last,
                "area": area,
                "date": last - timedelta(days=window - 1 - day),
                "reported": int(found.reported[day]),
                "expected": found.expected[day],
                "lower": found.lower[day],
                "upper": found.upper[day],
                "complete": found.complete[day],
            }
            for day in range(window)
            if last - timedelta(days=window - 1 - day) >= first
        ]
    return results
