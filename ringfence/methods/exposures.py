"""Common exposures and postcode coincidences: cases who were at the same place within days of each other.

A common exposure is two or more cases, of different households, who report the same postcode and event category within
a rolling window of seven days (Packer et al. 2024, PLOS Digital Health, doi 10.1371/journal.pdig.0000485). A postcode
coincidence is cases of different households who live at one postcode within fourteen days.

The window rolls: an event belongs to a cluster when it lies within the window of any other event of it, so a cluster may
last longer than the window.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import gammainc

WINDOW, COINCIDENCE_WINDOW = 7, 14


class Event(NamedTuple):
    """A case was at a place from ``first`` to ``last``, both included. ``household`` "" stands for one of its own."""

    case: Hashable
    household: Hashable
    postcode: str
    category: str
    first: date
    last: date


class Cluster(NamedTuple):
    """Cases at one place; ``start`` and ``end`` are the first and the last day of its events."""

    postcode: str
    category: str
    start: date
    end: date
    cases: tuple[Hashable, ...]
    households: int
    events: int


def clusters(events: Iterable[Event], window: int = WINDOW) -> list[Cluster]:
    """Every cluster, the one with most households first, then most cases, then the latest.

    Two events are linked when a day of the one and a day of the other lie in one window of ``window`` days. Raises
    ValueError for a window below one day and for an event that ends before it begins.
    """
    if window < 1:
        raise ValueError(f"a window of {window} days: give 1 or more")
    places: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        if event.last < event.first:
            raise ValueError(f"an event of case {event.case} ends on {event.last}, before it begins on {event.first}")
        if event.postcode:
            places.setdefault((event.postcode, event.category), []).append(event)
    found: list[Cluster] = []
    reach = timedelta(days=window - 1)
    for (postcode, category), those in places.items():
        those.sort(key=lambda each: (each.first, each.last))
        run: list[Event] = []
        until = date.min
        for event in those:
            if run and event.first > until + reach:
                _keep(found, postcode, category, run)
                run = []
            until = max(until, event.last) if run else event.last
            run.append(event)
        _keep(found, postcode, category, run)
    found.sort(
        key=lambda each: (-each.households, -len(each.cases), -each.end.toordinal(), each.postcode, each.category)
    )
    return found


def _keep(found: list[Cluster], postcode: str, category: str, run: list[Event]) -> None:
    """The run, if its cases are of at least two households."""
    cases = dict.fromkeys(each.case for each in run)
    households = {("household", each.household) if each.household else ("case", each.case) for each in run}
    if len(cases) >= 2 and len(households) >= 2:
        start, end = min(each.first for each in run), max(each.last for each in run)
        found.append(Cluster(postcode, category, start, end, tuple(cases), len(households), len(run)))


def coincidences(
    cases: Iterable[tuple[Hashable, Hashable, str, date]], window: int = COINCIDENCE_WINDOW
) -> list[Cluster]:
    """Clusters of cases by where they live: (case, household, postcode, specimen date) of each."""
    return clusters((Event(case, home, postcode, "", on, on) for case, home, postcode, on in cases), window)


#: Days of history over which the visits to a place are thought to be spread by chance.
HISTORY = 28

_DRAWS = 4_000


@lru_cache(maxsize=512)
def _most_in_a_window(visits: int, window: int, days: int) -> tuple[float, ...]:
    """For k = 0 ... visits: the chance that some window of days has k or more of the visits spread evenly over the days.

    By simulation, with a fixed seed: the discrete scan statistic (Naus 1965, doi 10.2307/2283053).
    """
    random = np.random.default_rng(visits)
    counts = random.multinomial(visits, np.full(days, 1 / days), size=_DRAWS)
    sums = np.cumsum(np.concatenate([np.zeros((_DRAWS, 1), dtype=np.int64), counts], axis=1), axis=1)
    most = (sums[:, window:] - sums[:, :-window]).max(axis=1) if window < days else counts.sum(axis=1)
    reached = np.bincount(most, minlength=visits + 1)[::-1].cumsum()[::-1] / _DRAWS
    return tuple(float(each) for each in reached)


def false_alarms(households: int, visits: Iterable[int], *, window: int = WINDOW, days: int = HISTORY) -> float:
    """How many clusters a year of so many households or more an area would have if visits were spread by chance.

    ``visits``: of every place that was named in the last ``days`` days, how many households named it. Each place keeps
    its visits; only the days are left to chance. So a place that is always busy raises no alarm, and a new one with all
    its visits in a week does. A simulation has 4,000 draws: a chance below 1 in 4,000 for a place counts as half of that.
    """
    expected = 0.0
    for number in visits:
        if number >= households:
            expected += max(_most_in_a_window(number, window, days)[households], 0.5 / _DRAWS)
    return expected * 365 / days


def coincidences_by_chance(households: int, cases: int, postcodes: int, *, window: int = COINCIDENCE_WINDOW) -> float:
    """How many postcodes a year would have so many households with cases in a window, were cases spread evenly.

    ``cases``: households with a case in the area in the window; ``postcodes``: of the area. Households of one postcode
    are alike in much that matters, so chance is a lower bound and an alert a question, not an answer.
    """
    if postcodes < 1:
        return float("inf")
    mean = cases / postcodes
    return float(postcodes * gammainc(households, mean) * 365 / window) if households > 0 else float("inf")
