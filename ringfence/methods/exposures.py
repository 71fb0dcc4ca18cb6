"""Common exposures and postcode coincidences: cases who were at the same place within days of each other.

A common exposure is two or more cases, of different households, who report the same postcode and event category within
a rolling window of seven days (Packer et al. 2024, PLOS Digital Health, doi 10.1371/journal.pdig.0000485). A postcode
coincidence is cases of different households who live at one postcode within fourteen days.

The window rolls: an event belongs to a cluster when it lies within the window of any other event of it, so a cluster may
last longer than the window.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from scipy.special import gammainc

from ringfence.methods.tails import negative_binomial_from

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
    households = {_home(each) for each in run}
    if len(cases) >= 2 and len(households) >= 2:
        start, end = min(each.first for each in run), max(each.last for each in run)
        found.append(Cluster(postcode, category, start, end, tuple(cases), len(households), len(run)))


def _home(event: Event) -> tuple[str, Hashable]:
    return ("household", event.household) if event.household else ("case", event.case)


def busiest(events: Sequence[Event], since: date, window: int = WINDOW) -> tuple[int, date]:
    """The most households of ``events`` in one window that ends on ``since`` or later, and its last day.

    A cluster may last longer than a window, and how unusual it is is asked of a window.
    """
    reach = timedelta(days=window - 1)
    return max(
        (len({_home(each) for each in events if each.first <= last and each.last >= last - reach}), last)
        for last in {max(each.first, since) for each in events}
    )


def coincidences(
    cases: Iterable[tuple[Hashable, Hashable, str, date]], window: int = COINCIDENCE_WINDOW
) -> list[Cluster]:
    """Clusters of cases by where they live: (case, household, postcode, specimen date) of each."""
    return clusters((Event(case, home, postcode, "", on, on) for case, home, postcode, on in cases), window)


#: Days before a window that say how often a place is usually named.
HISTORY = 28

#: Residents to each place that cases may name, and how unequal such places are: shape of a gamma distribution.
RESIDENTS_PER_PLACE, SHAPE = 500, 0.5


def false_alarms(
    households: int, before: int, in_window: int, in_history: int, places: int, *, window: int = WINDOW
) -> float:
    """How many clusters a year as unusual for their place as this one an area would have by chance.

    ``households`` that named the place within one window, and ``before``, in the history before it; ``in_window`` and
    ``in_history``: visits to any place that the area's cases named in these; ``places`` that they may name.

    A place's share of the visits is unknown: gamma distributed over the places, and by what was seen before (the gamma-Poisson
    model of DuMouchel 1999, doi 10.1080/00031305.1999.10474456). So a place that is always busy raises no alarm, nor
    does a week in which every place is named more often. Raises ValueError without a place.
    """
    if places < 1:
        raise ValueError(f"{places} places: give 1 or more")
    weight = in_history + SHAPE * places
    chance = float(negative_binomial_from(households, before + SHAPE, weight / (weight + max(in_window, households))))
    return places * chance * 365 / window


def coincidences_by_chance(households: int, cases: int, postcodes: int, *, window: int = COINCIDENCE_WINDOW) -> float:
    """How many postcodes a year would have so many households with cases in a window, were cases spread evenly.

    ``cases``: households with a case in the area in the window; ``postcodes``: of the area. Cases are not spread evenly, as
    postcodes hold one to a hundred addresses: ``rules.alerts.simulated`` says how often as much comes where they do.
    """
    if postcodes < 1:
        return float("inf")
    mean = cases / postcodes
    return float(postcodes * gammainc(households, mean) * 365 / window) if households > 0 else float("inf")
