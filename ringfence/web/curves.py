"""A curve of cases by day as a drawing: bars, with the days that are not complete marked. The table beside it says the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ringfence.queries.areas import Day

WIDTH, HEIGHT, FOOT = 680, 180, 22


class Bar(NamedTuple):
    """One day's bar in the drawing's units."""

    x: float
    y: float
    width: float
    height: float
    complete: bool
    label: str


class Drawing(NamedTuple):
    """The bars, the lines of the scale (height, what it stands for) and the names below."""

    width: int
    height: int
    bars: tuple[Bar, ...]
    scale: tuple[tuple[float, int], ...]
    names: tuple[tuple[float, str], ...]


def draw(days: Sequence[Day]) -> Drawing:
    """The drawing of some days in a row."""
    most = max((day.cases for day in days), default=0)
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
    scale = tuple((round(HEIGHT - FOOT - full * part, 1), round(top * part)) for part in (0.5, 1.0))
    names = tuple(
        (round(at * step, 1), f"{day.on.day} {day.on:%b}") for at, day in enumerate(days) if day.on.weekday() == 0
    )
    return Drawing(WIDTH, HEIGHT, bars, scale, names[::2])


def _round_up(most: int) -> int:
    """The least of 1, 2, 5, 10, 20, 50 ... that is not less, so that the scale is read at a glance."""
    top = 2
    while top < most:
        for factor in (2.5, 2, 2):
            top = int(top * factor)
            if top >= most:
                break
    return top
