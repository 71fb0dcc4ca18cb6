"""``ringfence scan``: the space-time scan on plain files."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from ringfence.rules.plural import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ringfence.methods.scan import Cluster, Found, Settings

LONGEST_STUDY = 3660
"""Days; a longer one is a mistyped year."""


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def scan(
        cases: Path = typer.Argument(help="CSV with place, date, cases; rows for one place and date are added up."),
        places: Path = typer.Argument(help="CSV with place, x, y (or latitude, longitude) and, if known, population."),
        model: str = typer.Option("", help="poisson or permutation; without it poisson where populations are given."),
        max_days: int = typer.Option(7, help="Days of the longest window."),
        max_population: float = typer.Option(
            0.5, help="Share of the population (permutation: of the cases) in the largest circle."
        ),
        max_radius: float = typer.Option(
            math.inf, help="Largest radius: kilometres for latitude and longitude, otherwise in the units of x and y."
        ),
        retrospective: bool = typer.Option(
            False, "--retrospective", help="Also windows that ended before the last day."
        ),
        from_date: datetime | None = typer.Option(
            None, "--from", formats=["%Y-%m-%d"], help="The study's first day; without it that of the cases."
        ),
        to_date: datetime | None = typer.Option(
            None, "--to", formats=["%Y-%m-%d"], help="The study's last day; without it that of the cases."
        ),
        weekday: bool = typer.Option(False, "--weekday", help="Expect of each day what its day of the week brings."),
        day_totals: bool = typer.Option(
            False, "--day-totals", help="Poisson: expect of each day what it brought everywhere; only where counts."
        ),
        reported: str = typer.Option(
            "", help="Poisson: shares of a day's cases known after 0, 1, 2, ... days, as 0.2,0.7,0.95."
        ),
        min_cases: int = typer.Option(2, help="Fewest cases of a cluster."),
        max_clusters: int = typer.Option(20, help="How many clusters are listed at most."),
        replications: int = typer.Option(999, help="Replications without clusters for the p-values; 0 for none."),
        stop_after: int = typer.Option(
            0, help="Stop when so many replications were as extreme as the first cluster (Besag and Clifford); 0 never."
        ),
        p_value: str = typer.Option("monte-carlo", help="monte-carlo or gumbel."),
        seed: int = typer.Option(1, help="The same seed gives the same replications."),
        leave_out_unknown: bool = typer.Option(
            False, "--leave-out-unknown", help="Leave cases out whose place is not in PLACES."
        ),
        details: bool = typer.Option(
            False, "--details", help="JSON also with centres, radii, errors, what was compared."
        ),
        as_json: bool = typer.Option(False, "--json", help="As JSON."),
    ) -> None:
        """Find where and when there are more cases than chance would bring (Kulldorff's space-time scan)."""
        _within("--max-days", max_days, 1, LONGEST_STUDY)
        _within("--max-population", max_population, 0, 1, "a share, as 0.25 for a quarter")
        _within("--max-radius", max_radius, 0, math.inf)
        if max_population <= 0 or max_radius <= 0:
            _wrong("--max-population" if max_population <= 0 else "--max-radius", "is to be more than 0")
        _within("--min-cases", min_cases, 1, math.inf)
        _within("--max-clusters", max_clusters, 1, math.inf)
        _within("--replications", replications, 0, 1_000_000)
        _within("--stop-after", stop_after, 0, math.inf)
        _within("--seed", seed, 0, 2**63 - 1)
        _one_of("--model", model, ("", "poisson", "permutation"))
        _one_of("--p-value", p_value, ("monte-carlo", "gumbel"))
        known = _shares(reported)
        import numpy as np

        from ringfence.feeds import series
        from ringfence.methods import scan as method

        names, points, population, round_earth = _places(places)
        if model == "poisson" and population is None:
            raise series.Unusable(
                f"{places}: Poisson needs a column population with a number in each row; "
                "without populations there is --model permutation"
            )
        chosen: Literal["poisson", "permutation"] = "poisson"
        if model == "permutation" or population is None:
            chosen = "permutation"
        if chosen == "permutation" and (known or day_totals):
            _wrong(
                "--reported" if known else "--day-totals",
                "is for Poisson; a permutation keeps each day's total as it is",
            )
        if day_totals and (known or weekday):
            _wrong("--day-totals", "already expects of each day what it brought; leave --reported and --weekday away")
        first, last, (place, day, count), left_out = _cases(
            cases, places, names, from_date and from_date.date(), to_date and to_date.date(), leave_out_unknown
        )
        days = (last - first).days + 1
        if chosen == "poisson":
            assert population is not None
            at_each = np.zeros(len(names))
            np.add.at(at_each, place, count)
            _refuse_cases_without_people(places, names, population, at_each)
        settings = method.Settings(
            model=chosen,
            longest=max_days,
            largest=max_population,
            farthest=method.chord(max_radius) if round_earth else max_radius,
            retrospective=retrospective,
            least=min_cases,
            weekday=weekday,
            daily=day_totals,
            reported=known,
            replications=replications,
            enough=stop_after,
            seed=seed,
            clusters=max_clusters,
        )
        found = method.scan(points, place, day, count, days, settings, population, first.weekday())
        told = to_json(found, settings, names, first, p_value == "gumbel", details)
        if details:
            told |= {
                "model": chosen,
                "from": first.isoformat(),
                "to": last.isoformat(),
                "places": len(names),
                "cases": int(count.sum()),
                "cases_left_out": left_out,
                "replications": len(found.maxima),
                "seed": seed,
            }
        if as_json or details:
            import json

            typer.echo(json.dumps(told, indent=1, ensure_ascii=False))
            return
        for line in to_lines(told["clusters"], chosen, first, last, int(count.sum()), len(names), left_out):
            typer.echo(line)


def to_json(
    found: Found, settings: Settings, names: list[str], first: date, by_gumbel: bool, details: bool
) -> dict[str, Any]:
    """The clusters, best first. Recurrence is in days, for a scan made once a day; only where it is prospective."""
    listed = []
    for each in found.clusters:
        p_value = each.gumbel if by_gumbel else each.p_value
        told: dict[str, Any] = {
            "places": [names[i] for i in each.places],
            "start": (first + timedelta(each.first_day)).isoformat(),
            "end": (first + timedelta(each.last_day)).isoformat(),
            "observed": each.observed,
            "expected": each.expected,
            "relative_risk": each.relative_risk,
            "log_likelihood_ratio": each.log_likelihood_ratio,
            "p_value": p_value,
            "recurrence_days": None if settings.retrospective or not p_value else 1 / p_value,
        }
        if details:
            told |= _details(each, names)
        listed.append(told)
    return {"clusters": listed}


def _details(each: Cluster, names: list[str]) -> dict[str, Any]:
    return {
        "centre": names[each.centre],
        "radius": each.radius,
        "monte_carlo_p_value": each.p_value,
        "monte_carlo_standard_error": each.p_value_error,
        "gumbel_p_value": each.gumbel,
        "gumbel_standard_error": each.gumbel_error,
    }


def to_lines(
    clusters: list[dict[str, Any]], model: str, first: date, last: date, cases: int, places: int, left_out: int
) -> list[str]:
    """The clusters as a table for the terminal."""
    lines = [f"{counted(cases, 'case')} at {counted(places, 'place')} from {first} to {last}, {model}."]
    if left_out:
        lines.append(f"{counted(left_out, 'case is', 'cases are')} left out: the place is not known.")
    if not clusters:
        return [*lines, "No window has more cases than expected."]
    lines.append(
        f"{'':4}{'from':10}  {'to':10}  {'cases':>7} {'expected':>9} {'risk':>7} {'ratio':>9} {'p':>9}  places"
    )
    for number, each in enumerate(clusters, 1):
        risk = "-" if each["relative_risk"] is None else f"{each['relative_risk']:.2f}"
        p_value = "-" if each["p_value"] is None else f"{each['p_value']:.3g}"
        some = each["places"][:4]
        more = f" and {len(each['places']) - 4:,} more" if len(each["places"]) > 4 else ""
        lines.append(
            f"{number:<4}{each['start']}  {each['end']}  {each['observed']:>7,} {each['expected']:>9.2f} {risk:>7} "
            f"{each['log_likelihood_ratio']:>9.3f} {p_value:>9}  {', '.join(some)}{more}"
        )
    return lines


def _wrong(option: str, what: str) -> None:
    raise typer.BadParameter(what, param_hint=option)


def _within(option: str, value: float, low: float, high: float, what: str = "") -> None:
    if not low <= value <= high:
        _wrong(
            option, f"is to be {what or f'{low} or more' if high == math.inf else what or f'from {low} to {high:,}'}"
        )


def _one_of(option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        _wrong(option, f"is to be {' or '.join(filter(None, known))}, not {value}")


def _shares(raw: str) -> tuple[float, ...]:
    try:
        shares = tuple(float(each) for each in raw.split(",")) if raw.strip() else ()
    except ValueError:
        shares = (0.0,)
    if any(not 0 < share <= 1 for share in shares) or list(shares) != sorted(shares):
        _wrong("--reported", "is to be shares over 0 and up to 1, none smaller than the one before, as 0.2,0.7,0.95")
    return shares


def _places(path: Path) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64] | None, bool]:
    """Names, points, populations if there are any, and whether the points are on the round earth."""
    import numpy as np

    from ringfence.feeds import series
    from ringfence.methods.scan import on_earth

    optional = {
        "x": series.a_number,
        "y": series.a_number,
        "latitude": _degrees(90),
        "longitude": _degrees(180),
        "population": lambda given: series.a_share(given) if given.strip() else None,
    }
    others = {"latitude": ("lat",), "longitude": ("long", "lon"), "population": ("pop",)}
    read = series.table(path, {"place": series.a_name}, optional, others)
    names = read["place"]
    if len(set(names)) < len(names):
        twice = next(name for at, name in enumerate(names) if name in names[:at])
        raise series.Unusable(f"{path}: the place {twice} is listed twice; name each place once")
    flat = "x" in read and "y" in read
    if flat:
        points = np.column_stack([read["x"], read["y"]])
    elif "latitude" in read and "longitude" in read:
        points = on_earth(np.array(read["latitude"]), np.array(read["longitude"]))
    else:
        raise series.Unusable(f"{path}: there are no columns x and y, and no columns latitude and longitude; add them")
    people = read.get("population", [None])
    if all(value is None for value in people):
        return names, points, None, not flat
    if None in people:
        raise series.Unusable(
            f"{path}: the place {names[people.index(None)]} has no population; write a number for each place, or for none"
        )
    return names, points, np.array(people, dtype=np.float64), not flat


def _degrees(most: float) -> Callable[[str], float]:
    def degrees(given: str) -> float:
        from ringfence.feeds import series

        value = series.a_number(given)
        if abs(value) > most:
            raise series.Unusable(f"is not on the earth; write degrees from -{most:g} to {most:g}, or use x and y")
        return value

    return degrees


def _cases(
    path: Path, places: Path, names: list[str], first: date | None, last: date | None, leave_out: bool
) -> tuple[date, date, tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], int]:
    """The study's first and last day; places, days and counts of cases side by side; and how many were left out."""
    import numpy as np

    from ringfence.feeds import series

    read = series.table(path, {"place": series.a_name, "date": series.a_date, "cases": series.a_count})
    at, dates, counts = read["place"], read["date"], read["cases"]
    number = {name: at for at, name in enumerate(names)}
    unknown = list(dict.fromkeys(name for name in at if name not in number))
    if unknown and not leave_out:
        others = f" and {counted(len(unknown) - 1, 'other place')} of it are" if len(unknown) > 1 else " is"
        raise series.Unusable(
            f"{path}: the place {unknown[0]}{others} not in {places}; add what is missing, "
            "or leave such cases out with --leave-out-unknown"
        )
    first, last = first or min(dates), last or max(dates)
    if last < first:
        raise series.Unusable(
            f"{path}: the study would end on {last}, before it begins on {first}; look at --from and --to"
        )
    if (last - first).days >= LONGEST_STUDY:
        raise series.Unusable(
            f"{path}: from {first} to {last} is longer than {LONGEST_STUDY:,} days; "
            "correct the date that is wrong, or choose a part with --from and --to"
        )
    days = {when: (when - first).days for when in set(dates) if first <= when <= last}
    place = np.array([number.get(name, -1) for name in at], dtype=np.int64)
    day = np.array([days.get(when, -1) for when in dates], dtype=np.int64)
    count = np.array(counts, dtype=np.int64)
    inside = (place >= 0) & (day >= 0) & (count > 0)
    left_out = int(count[(place < 0) & (day >= 0)].sum())
    return first, last, (place[inside], day[inside], count[inside]), left_out


def _refuse_cases_without_people(
    places: Path, names: list[str], population: NDArray[np.float64], cases: NDArray[np.float64]
) -> None:
    import numpy as np

    from ringfence.feeds import series

    if not population.sum() > 0:
        raise series.Unusable(f"{places}: every population is 0; give them, or use --model permutation")
    without = np.flatnonzero((cases > 0) & (population == 0))
    if len(without):
        at = int(without[0])
        raise series.Unusable(
            f"{places}: the place {names[at]} has a population of 0 and {counted(int(cases[at]), 'case')}; correct the population, "
            "leave the place and its cases out, or use --model permutation"
        )
