"""Power: of outbreaks planted in real counts, how many are found and how soon, by the alert list and by exceedance alone?

An authority's published daily counts are spread over its postcodes, with households, reporting delays and what cases
say in interviews; an outbreak is planted in them or not; and every day is looked at as it was known that evening. Every
way of detecting gets a threshold of its own with which it raises the same number of false alarms where nothing is
planted. ``docs/methods/power.md`` has the design, its limits and the figures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ringfence.methods import exceedance, exposures, scan
from ringfence.rules.alerts import QUIET_DAYS
from ringfence.simulation.asat import REPORTED
from ringfence.simulation.lands import Land

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Days of a study before the first that is judged, and after the first case of an outbreak until which it may be found.
HISTORY, HORIZON = 52, 21

#: Alarm days of an authority among days on which nothing is planted.
RATE = 0.01

#: Chance that a case belongs to the household of a case of the last week; that one is interviewed, the day after the
#: report; that one who was infected at a place names it; places that an interviewed case names on average.
TOGETHER, INTERVIEWED, NAMES_IT, NAMED = 0.3, 0.75, 0.6, 1.2

#: Shares of households of one, two, ... six people and more (Office for National Statistics, families and households, 2020,
#: rounded); and of how many of the last week's cases the household is tried.
PEOPLE, TRIES = (0.29, 0.35, 0.16, 0.14, 0.04, 0.02), 5

#: How unequal the sectors of an authority are: standard deviation of the logarithm of their risk.
UNEQUAL = 0.5

#: Days of visits that are looked at, as detection does.
VISITS_DAYS = exposures.HISTORY + exposures.WINDOW + QUIET_DAYS

STUDY_DAYS, LAG = 28, 3

#: Replications of a scan, to which a Gumbel distribution is fitted.
SCANS = 32

#: The exceedance that is part of the alert list.
EXCEEDING = "C2 authority by specimen"

EXTENTS = ("setting", "postcode", "sector", "circle", "authority")
SIZES = (6, 10, 20)

#: What the alert list puts together.
COMBINED = ("exposures", "coincidences", "scan", "exceedance")


@dataclass
class Play:
    """Cases with the day of the specimen, of the report and of the interview (-1: none), postcode and household; and
    visits: of which case, to which place, on which day."""

    day: Ints
    reported: Ints
    asked: Ints
    home: Ints
    household: Ints
    visitor: Ints
    place: Ints
    on: Ints


class Outcome(NamedTuple):
    """Of the outbreaks of one kind: days from the first case to the first alarm, ``HORIZON`` + 1 where there was none."""

    extent: str
    size: int
    days: Mapping[str, Ints]


class Study(NamedTuple):
    """``rates``: alarm days a day on replications that the thresholds were not made from. ``seen``: for each part of the
    alert list, pairs of how many alerts a year it says that chance brings, and alarm days a year where nothing is planted."""

    thresholds: Mapping[str, float]
    rates: Mapping[str, float]
    outcomes: tuple[Outcome, ...]
    seen: Mapping[str, tuple[tuple[float, float], ...]]


def _cases(days: Ints, home: Ints, household: Ints, random: np.random.Generator) -> tuple[Ints, Ints]:
    """Days of report and of interview."""
    late = np.searchsorted(np.array(REPORTED), random.random(len(days)), side="right")
    reported = days + late
    return reported, np.where(random.random(len(days)) < INTERVIEWED, reported + 1, -1)


def play(land: Land, random: np.random.Generator) -> Play:
    """The authority's counts spread over the people at its addresses, without an outbreak."""
    day = np.repeat(np.arange(len(land.counts)), land.counts)
    risk = np.exp(random.normal(0, UNEQUAL, land.sector.max() + 1))[land.sector]
    postcode = np.repeat(np.arange(len(land.points)), land.addresses)
    people = random.choice(len(PEOPLE), len(postcode), p=PEOPLE) + 1
    exposed = np.cumsum(people * risk[postcode])
    household = np.searchsorted(exposed, random.random(len(day)) * exposed[-1], side="right")
    joins = random.random(len(day)) < TOGETHER
    ill: dict[int, int] = defaultdict(int)
    for each in range(len(day)):
        low = int(np.searchsorted(day, day[each] - 7))
        if joins[each] and low < each:
            # A household that lives alone, or is ill already, has nobody to infect: another one is tried.
            for other in random.integers(low, each, TRIES).tolist():
                if ill[int(household[other])] < people[household[other]]:
                    household[each] = household[other]
                    break
        ill[int(household[each])] += 1
    home = postcode[household]
    reported, asked = _cases(day, home, household, random)
    places = _places(land)
    busy = np.arange(1, places + 1) ** -0.8
    named = np.where(asked >= 0, random.poisson(NAMED, len(day)), 0)
    visitor = np.repeat(np.arange(len(day)), named)
    place = random.choice(places, len(visitor), p=busy / busy.sum())
    on = day[visitor] - random.integers(0, 8, len(visitor))
    return Play(day, reported, asked, home, household, visitor, place, on)


def _places(land: Land) -> int:
    return max(30, land.population // exposures.RESIDENTS_PER_PLACE)


def planted(land: Land, quiet: Play, extent: str, size: int, start: int, random: np.random.Generator) -> Play:
    """An outbreak of ``size`` cases from day ``start`` on, over one to two weeks, in addition."""
    lasts = int(random.integers(7, 15))
    day = start + np.sort(np.append(0, random.integers(0, lasts, size - 1)))
    at = int(random.choice(len(land.points), p=land.addresses / land.addresses.sum()))
    away = ((land.points - land.points[at]) ** 2).sum(1)
    if extent == "postcode":
        inside = np.array([at])
    elif extent == "sector":
        inside = np.flatnonzero(land.sector == land.sector[at])
    elif extent == "circle":
        # The nearest postcodes, as many as five sectors have on average.
        inside = np.argsort(away)[: max(2, 5 * len(land.points) // (int(land.sector.max()) + 1))]
    else:
        inside = np.arange(len(land.points))
    home = random.choice(inside, size, p=land.addresses[inside] / land.addresses[inside].sum())
    # Two households at least, and no more than there are addresses.
    household = 10_000_000 + np.arange(size) % max(2, int(land.addresses[inside].sum()))
    for each in np.flatnonzero(random.random(size) < TOGETHER).tolist():
        if each:
            other = int(random.integers(each))
            home[each], household[each] = home[other], household[other]
    reported, asked = _cases(day, home, household, random)
    before = len(quiet.day)
    named = np.flatnonzero((asked >= 0) & (random.random(size) < NAMES_IT)) if extent == "setting" else np.arange(0)
    place = np.full(len(named), int(random.integers(_places(land))))
    on = day[named] - random.integers(2, 8, len(named))
    return Play(
        *(
            np.concatenate(pair)
            for pair in (
                (quiet.day, day), (quiet.reported, reported), (quiet.asked, asked), (quiet.home, home),
                (quiet.household, household), (quiet.visitor, before + named), (quiet.place, place), (quiet.on, on),
            )
        )
    )  # fmt: skip


def scores(land: Land, now: Play, days: Sequence[int], seed: int) -> dict[str, Floats]:
    """How unusual each way of looking finds each of ``days``, as known on its evening; larger is more unusual."""
    found = {**_exceeding(land, now, days)}
    found["exposures"] = np.array([_exposures(land, now, day) for day in days])
    found["coincidences"] = np.array([_coincidences(land, now, day) for day in days])
    found["scan"] = np.array([_scanned(land, now, day) for day in days])
    # What is equal is told apart by lot, so that every way can keep exactly to its rate.
    random = np.random.default_rng([seed, 99])
    return {name: each + 1e-6 * random.random(len(days)) for name, each in found.items()}


_MOST = 30.0


def _exceeding(land: Land, now: Play, days: Sequence[int]) -> dict[str, Floats]:
    """EARS for the authority and for its sectors, by day of report (the day itself) and of specimen (3 days before)."""
    sectors = int(land.sector.max()) + 1
    width = STUDY_DAYS
    by_report, by_specimen = (np.zeros((len(days), sectors, width)) for _ in range(2))
    sector = land.sector[now.home]
    for row, day in enumerate(days):
        for table, when, last in ((by_report, now.reported, day), (by_specimen, now.day, day - LAG)):
            seen = (now.reported <= day) & (when <= last) & (when > last - width)
            np.add.at(table[row], (sector[seen], when[seen] - (last - width + 1)), 1)
    found = {}
    for dated, table in (("report", by_report), ("specimen", by_specimen)):
        for level, counts in (("authority", table.sum(1, keepdims=True)), ("sectors", table)):
            for method in ("C1", "C2", "C3"):
                each = exceedance.ears(
                    counts.reshape(-1, width), method, least_sd=1.0 if level == "authority" else 0.5, at=[width - 1]
                ).score
                found[f"{method} {level} by {dated}"] = each.reshape(len(days), -1).max(1)
    return found


_EPOCH = date(2020, 1, 1)


def _exposures(land: Land, now: Play, day: int) -> float:
    asked = now.asked[now.visitor]
    known = (asked >= 0) & (asked <= day) & (now.on > day - VISITS_DAYS)
    fresh = set(now.place[known & (asked == day)].tolist())
    visits: dict[int, list[exposures.Event]] = defaultdict(list)
    for at in np.flatnonzero(known).tolist():
        case, place = int(now.visitor[at]), int(now.place[at])
        if place in fresh:
            on = _EPOCH + timedelta(days=int(now.on[at]))
            visits[place].append(exposures.Event(case, int(now.household[case]) + 1, str(place), "", on, on))
    most = -_MOST
    for events in visits.values():
        if exposures.clusters(events):
            households, last = exposures.busiest(events, _EPOCH + timedelta(days=day - QUIET_DAYS))
            begun = (last - _EPOCH).days - exposures.WINDOW + 1
            before = {e.household for e in events if begun - exposures.HISTORY <= (e.first - _EPOCH).days < begun}
            days = now.on[known]
            most = max(
                most,
                _rare(
                    exposures.false_alarms(
                        households,
                        len(before),
                        int(((days >= begun) & (days < begun + exposures.WINDOW)).sum()),
                        int(((days < begun) & (days >= begun - exposures.HISTORY)).sum()),
                        _places(land),
                    )
                ),
            )
    return most


def _rare(a_year: float) -> float:
    return -float(np.log10(max(a_year, 1e-30)))


def _coincidences(land: Land, now: Play, day: int) -> float:
    known = (now.reported <= day) & (now.day > day - exposures.COINCIDENCE_WINDOW)
    fresh = set(now.home[known & (now.reported == day)].tolist())
    homes: dict[int, set[int]] = defaultdict(set)
    for at in np.flatnonzero(known).tolist():
        homes[int(now.home[at])].add(int(now.household[at]))
    households = len(set().union(*homes.values())) if homes else 0
    most = max((len(homes[each]) for each in fresh), default=0)
    if most < 2:
        return -_MOST
    return _rare(exposures.coincidences_by_chance(most, households, len(land.points)))


def _scanned(land: Land, now: Play, day: int) -> float:
    """As detection does it for the record: the permutation over postcodes with cases."""
    seen = np.flatnonzero((now.reported <= day) & (now.day > day - STUDY_DAYS) & (now.day <= day))
    codes, at = np.unique(now.home[seen], return_inverse=True)
    if len(codes) < 2:
        return -_MOST
    settings = scan.Settings(model="permutation", longest=7, largest=0.25, replications=SCANS, clusters=1, workers=1)
    on = now.day[seen] - (day - STUDY_DAYS + 1)
    clusters = scan.scan(land.points[codes], at, on, np.ones(len(at), dtype=np.int64), STUDY_DAYS, settings).clusters
    return _rare(clusters[0].gumbel or 1e-30) if clusters and clusters[0].gumbel is not None else -_MOST


def thresholds(quiet: Mapping[str, Floats], rate: float = RATE) -> dict[str, float]:
    """For each way its threshold; ``combined``: the share of ``rate`` that each part of it gets, so that all together
    keep to it. A part's threshold is under ``combined PART``."""
    found = {name: float(np.quantile(each, 1 - rate)) for name, each in quiet.items()}
    low, high = rate / len(COMBINED), rate
    for _ in range(30):
        share = (low + high) / 2
        parts = {name: float(np.quantile(quiet[name], 1 - share)) for name in COMBINED}
        together = np.mean(np.any([quiet[name] > parts[name] for name in COMBINED], axis=0))
        low, high = (share, high) if together <= rate else (low, share)
    parts = {name: float(np.quantile(quiet[name], 1 - low)) for name in COMBINED}
    return found | {"combined": low} | {f"combined {name}": each for name, each in parts.items()}


def alarms(found: Mapping[str, Floats], limits: Mapping[str, float]) -> dict[str, NDArray[np.bool_]]:
    """On which days each way raises an alarm, ``combined`` among them."""
    raised = {name: each > limits[name] for name, each in found.items()}
    raised["combined"] = np.any([found[name] > limits[f"combined {name}"] for name in COMBINED], axis=0)
    return raised


def study(
    lands: Sequence[Land],
    *,
    quiet: int = 4,
    outbreaks: int = 60,
    seed: int = 1,
    sizes: Sequence[int] = SIZES,
) -> Iterator[str | Study]:
    """Says how far it is, and at the end the figures. ``quiet`` replications of every authority to make the thresholds
    and half as many to see the rates; so many ``outbreaks`` of each extent and size."""
    parts: list[dict[str, Floats]] = []
    turns = quiet + max(1, quiet // 2)
    for turn in range(turns):
        of_turn = []
        for number, land in enumerate(lands):
            now = play(land, np.random.default_rng([seed, 1, turn, number]))
            each = scores(land, now, range(HISTORY, len(land.counts)), seed + 1000 * turn + number)
            of_turn.append(each | {"exceedance": each[EXCEEDING]})
        parts.append({name: np.concatenate([each[name] for each in of_turn]) for name in of_turn[0]})
        yield f"nothing planted: {turn + 1} of {turns}"
    learnt, seen = (
        {name: np.concatenate([part[name] for part in some]) for name in parts[0]}
        for some in (parts[:quiet], parts[quiet:])
    )
    limits = thresholds(learnt)
    rates = {name: float(each.mean()) for name, each in alarms(seen, limits).items()}
    outcomes = []
    for which, (extent, size) in enumerate([(e, s) for e in EXTENTS for s in sizes] + [("nothing", 0)]):
        days: dict[str, list[int]] = defaultdict(list)
        for number in range(outbreaks):
            random = np.random.default_rng([seed, 2, which, number])
            land = lands[int(random.integers(len(lands)))]
            now = play(land, random)
            start = int(random.integers(HISTORY, len(land.counts) - HORIZON))
            if size:
                now = planted(land, now, extent, size, start, random)
            each = scores(land, now, range(start, start + HORIZON + 1), seed + 77 * which + number)
            for name, raised in alarms(each | {"exceedance": each[EXCEEDING]}, limits).items():
                days[name].append(int(np.argmax(raised)) if raised.any() else HORIZON + 1)
        outcomes.append(Outcome(extent, size, {name: np.array(each) for name, each in days.items()}))
        yield f"{size} cases, {extent}"
    every = {name: np.concatenate([part[name] for part in parts]) for name in COMBINED}
    said = {
        name: tuple((each, 365 * float((scored >= _said(name, each)).mean())) for each in SAID)
        for name, scored in every.items()
    }
    yield Study(limits, rates, tuple(outcomes), said)


#: Alerts a year of which it is looked how often they come.
SAID = (50.0, 20.0, 10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1)


def _said(name: str, a_year: float) -> float:
    """The score with which an alert says that chance brings as much so often a year."""
    if name == "exceedance":
        return float(-ndtri(min(a_year / 365, 0.5)))
    return -float(np.log10(a_year / 365 if name == "scan" else a_year))
