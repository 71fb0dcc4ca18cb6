"""An area's figures by day: what is counted, which days are complete, and which counts of a neighbour may be shown."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

#: Days of the curve, and the last of them whose cases have mostly not been reported yet.
CURVE_DAYS, INCOMPLETE_DAYS = 56, 3

#: Days over which ages and the way of testing are counted, and over which tracing is.
RECENT_DAYS, TRACED_DAYS = 28, 14

#: Age groups, from and to; the last is open.
AGES = ((0, 4), (5, 11), (12, 17), (18, 29), (30, 49), (50, 64), (65, 79), (80, 200))

#: Of another authority's people no count from 1 to this is told: it may be a household that somebody knows.
SMALL = 4

CASES, CARE_HOME = "cases", "care_home"
TRANSFERRED, REACHED, WITHIN_24, ENDED = "transferred", "reached", "within_24", "ended"
TRACING = (TRANSFERRED, REACHED, WITHIN_24, ENDED)


class Count(NamedTuple):
    """So many of a measure on a day."""

    measure: str
    on: date
    number: int


def age_measure(age: int | None) -> str:
    """The measure under which cases of an age are counted: "age:" and the first year of its group."""
    group = None if age is None else next((first for first, last in AGES if first <= age <= last), None)
    return f"age:{'unknown' if group is None else group}"


def result_measure(result: str, test_type: str) -> str:
    """The measure under which results are counted: how they came out, and by which test."""
    return f"{result}:{test_type.upper()}"


def shared(count: int) -> int | None:
    """A count of another authority as it may be told: None for one that is small and not none."""
    return None if 0 < count <= SMALL else count


class Tests(NamedTuple):
    """Results of one way of testing, or of all."""

    name: str
    positive: int
    negative: int
    void: int

    @property
    def positivity(self) -> float | None:
        """Per cent of the results that could be read which are positive."""
        read = self.positive + self.negative
        return 100 * self.positive / read if read else None


def tests(counts: Iterable[Count], first: date, last: date) -> tuple[Tests, ...]:
    """The results of the days from first to last by way of testing, the most used first."""
    found: dict[str, dict[str, int]] = {}
    for each in counts:
        result, colon, name = each.measure.partition(":")
        if colon and result in ("positive", "negative", "void") and first <= each.on <= last:
            of = found.setdefault(name, {"positive": 0, "negative": 0, "void": 0})
            of[result] += max(0, each.number)
    lines = [Tests(name, **of) for name, of in found.items()]
    return tuple(sorted(lines, key=lambda each: (-(each.positive + each.negative + each.void), each.name)))


def together(lines: Iterable[Tests]) -> Tests:
    """All ways of testing as one."""
    several = list(lines)
    return Tests("", *(sum(getattr(each, name) for each in several) for name in ("positive", "negative", "void")))


class Tracing(NamedTuple):
    """Traces of cases that began in some days: how many, reached, of those within 24 hours, ended without, and still open."""

    transferred: int
    reached: int
    within_24: int
    ended: int

    @property
    def waiting(self) -> int:
        return max(0, self.transferred - self.reached - self.ended)

    def percent(self, count: int) -> float | None:
        return 100 * count / self.transferred if self.transferred else None
