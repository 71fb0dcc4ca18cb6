"""A curve of cases by day as a drawing: bars, with the days that are not complete marked, and a nowcast where there is one. The
table beside it says the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from ringfence.queries.areas import Day
from ringfence.queries.today import Range

WIDTH, HEIGHT, FOOT = 680, 180, 22

NAME = 72
"""Room for a name, in the size that it has on a phone."""

#: Days that a curve has at least.
LEAST_DAYS = 28


class Bar(NamedTuple):
    """One day's bar in the drawing's units."""

    x: float
    y: float
    width: float
    height: float
    complete: bool
    label: str


class Whisker(NamedTuple):
    """What a day is expected to have in the end: the middle of its bar, the expected height, and the interval's ends."""

    x: float
    left: float
    width: float
    expected: float
    lower: float
    upper: float
    label: str


class Drawing(NamedTuple):
    """The bars, the lines of the scale (height, what it stands for), the names below, and the nowcast.

    A name has its place and whether it ends there; the others begin there.
    """

    width: int
    height: int
    bars: tuple[Bar, ...]
    scale: tuple[tuple[float, int], ...]
    names: tuple[tuple[float, str, bool], ...]
    whiskers: tuple[Whisker, ...] = ()


def since_the_first(days: Sequence[Day]) -> Sequence[Day]:
    """The days from the first with a case on, and four weeks at least: what was before the record began is no curve."""
    first = next((at for at, day in enumerate(days) if day.cases), len(days))
    return days[max(0, min(first, len(days) - LEAST_DAYS)) :]


def draw(days: Sequence[Day], expected: Mapping[date, Range] | None = None) -> Drawing:
    """The drawing of some days in a row; ``expected``: of days that are not complete, cases once all are reported."""
    told = expected or {}
    most = max((day.cases for day in days), default=0)
    # An interval that reaches far beyond what was seen must not flatten the curve.
    most = max(most, min(2 * most, round(max((each.upper for each in told.values()), default=0))))
    top = _round_up(most)
    step = WIDTH / max(len(days), 1)
    full = HEIGHT - FOOT - 16
    bars = tuple(
        Bar(
            round(at * step + 1, 1),
            round(HEIGHT - FOOT - full * day.cases / top, 1),
            round(step - 2, 1),
            round(full * day.cases / top, 1),
            day.complete,
            f"{day.on.day} {day.on:%b}: {day.cases}",
        )
        for at, day in enumerate(days)
    )
    scale = tuple((round(HEIGHT - FOOT - full * mark / top, 1), mark) for mark in dict.fromkeys((top // 2 or 1, top)))
    names = tuple(
        _named(at * step, f"{day.on.day} {day.on:%b}") for at, day in enumerate(days) if day.on.weekday() == 0
    )
    return Drawing(
        WIDTH,
        HEIGHT,
        bars,
        scale,
        names[:: 2 if len(days) > LEAST_DAYS else 1],
        _whiskers(days, told, step, full / top),
    )


def _named(x: float, name: str) -> tuple[float, str, bool]:
    return (round(x, 1), name, False) if x + NAME <= WIDTH else (WIDTH, name, True)


def _whiskers(days: Sequence[Day], told: Mapping[date, Range], step: float, unit: float) -> tuple[Whisker, ...]:
    def height(cases: float) -> float:
        return round(max(HEIGHT - FOOT - unit * cases, 2), 1)

    return tuple(
        Whisker(
            round((at + 0.5) * step, 1),
            round(at * step + 1, 1),
            round(step - 2, 1),
            height(each.value),
            height(each.lower),
            height(each.upper),
            f"{day.on.day} {day.on:%b}: {each.value:.0f} expected, {each.lower:.0f} to {each.upper:.0f}",
        )
        for at, day in enumerate(days)
        for each in [told.get(day.on)]
        if each is not None
    )


def _round_up(most: int) -> int:
    """The least of 1, 2, 5, 10, 20, 50 ... that is not less, so that the scale is read at a glance."""
    top = 2
    while top < most:
        for factor in (2.5, 2, 2):
            top = int(top * factor)
            if top >= most:
                break
    return top
