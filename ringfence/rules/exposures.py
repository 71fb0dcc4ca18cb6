"""Where a case was and when: in the days when it was most likely infected, or when it could infect others.

A place is known by its postcode and the category of what happened there: together with a rolling week they make a
common exposure (Packer et al. 2024, PLOS Digital Health, doi 10.1371/journal.pdig.0000485). Events of the backward window
(days 7 to 3 before day 0) and forward ones (from 2 days before it on) both count; the days are those of the dated policy.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from ringfence.rules.isolation import (
    Isolation,
    Window,
    backward_window,
    for_case,
    infectious_window,
    spoken_date,
)
from ringfence.rules.policy import ServicePolicy, in_force

LONGEST_FROM_TEST = 31
"""Days."""


class Category(StrEnum):
    """What somebody did at a place."""

    WORK = "work"
    EDUCATION = "education"
    VISITING = "visiting"
    EATING_OUT = "eating_out"
    SHOPPING = "shopping"
    SPORT = "sport"
    LEISURE = "leisure"
    PERSONAL_CARE = "personal_care"
    WORSHIP = "worship"
    HEALTH_CARE = "health_care"
    CARE_HOME = "care_home"
    TRAVEL = "travel"
    OTHER = "other"

    @property
    def words(self) -> str:
        """The category as it is asked for."""
        return CATEGORY_WORDS[self]


CATEGORY_WORDS = {
    Category.WORK: "Worked there",
    Category.EDUCATION: "School, college or nursery",
    Category.VISITING: "Visited somebody at home",
    Category.EATING_OUT: "Ate or drank there",
    Category.SHOPPING: "Shopped there",
    Category.SPORT: "Sport or exercise",
    Category.LEISURE: "Leisure, an event or a celebration",
    Category.PERSONAL_CARE: "Hairdresser or other close service",
    Category.WORSHIP: "Worship",
    Category.HEALTH_CARE: "Doctor, dentist or hospital",
    Category.CARE_HOME: "Lived in or visited a care home",
    Category.TRAVEL: "Travelled on it or through it",
    Category.OTHER: "Something else",
}


class Windows(NamedTuple):
    """The days that matter around one infection, and the isolation that they follow from."""

    infectious: Window
    backward: Window
    isolation: Isolation


class Seen(NamedTuple):
    """Which window a stay falls into (``backward``, ``infectious``, ``both``, ``outside``), with the reason."""

    window: str
    why: str


def windows(specimen: date, onset: date | None, policies: Iterable[ServicePolicy], on: date) -> Windows:
    """Both windows of a case as they stand on a day; raises what ``isolation.for_case`` raises."""
    known = tuple(policies)
    isolation = for_case(specimen, onset, known, max(on, specimen))
    policy = in_force(known, specimen)
    return Windows(infectious_window(isolation, policy), backward_window(isolation.day_0, policy), isolation)


def plausible_onset(onset: date, specimen: date, on: date) -> bool:
    """Whether symptoms that belong to this infection can have begun on a day: not after today, and no more than a month
    before or after the test [B]."""
    return onset <= on and abs((onset - specimen).days) <= LONGEST_FROM_TEST


def overlaps(first: date, last: date, window: Window) -> bool:
    """Whether a stay from one day to another has a day in the window."""
    return first <= window.last and window.first <= last


def seen(first: date, last: date, days: Windows) -> Seen:
    """Which window a stay from ``first`` to ``last``, both included, falls into. Raises ValueError for days in disorder."""
    if last < first:
        raise ValueError(f"a stay until {last} ends before it begins on {first}")
    could_infect, was_infected = overlaps(first, last, days.infectious), overlaps(first, last, days.backward)
    told = {
        (True, True): Seen("both", "in the days when they were most likely infected and when they could infect others"),
        (True, False): Seen("infectious", f"they could infect others {_words(days.infectious)}"),
        (False, True): Seen("backward", f"they were most likely infected {_words(days.backward)}"),
        (False, False): Seen("outside", f"outside {_words(days.backward)} and {_words(days.infectious)}"),
    }
    return told[could_infect, was_infected]


def _words(window: Window) -> str:
    return f"from {spoken_date(window.first)} to {spoken_date(window.last)}"
