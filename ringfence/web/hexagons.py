"""The hexagon map of authorities as an SVG drawing made on the server: one cell for each, all of one size."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from ringfence.rules.plural import counted

FEW = 10
"""Traces of which a share says nothing yet: one reached of one is no better than forty of fifty."""

SIZE = 20.0  # from a cell's middle to its corner, in the drawing's units
_WIDTH = math.sqrt(3) * SIZE


class Cell(NamedTuple):
    """An authority of the map: axial coordinates (pointy tops), a name, and its figure, None when there is none.

    ``of``: of how many traces a share is, None where the figure is a number of its own.
    """

    q: int
    r: int
    name: str
    value: float | None
    of: int | None = None


class Band(NamedTuple):
    """A step of the scale: its number, and what it holds, in words."""

    step: int
    words: str


class Hexagon(NamedTuple):
    """A cell as it is drawn: the polygon's corners, its middle, the step of its colour, text, title."""

    points: str
    x: str
    y: str
    step: int
    text: str
    title: str


class Drawing(NamedTuple):
    """The whole map: the SVG's view box and its hexagons."""

    view_box: str
    hexagons: tuple[Hexagon, ...]


def corners(x: float, y: float, size: float = SIZE) -> str:
    """The six corners of a hexagon around a point, for ``<polygon points>``."""
    found = []
    for corner in range(6):
        angle = math.radians(60 * corner - 30)
        found.append(f"{x + size * math.cos(angle):.1f},{y + size * math.sin(angle):.1f}")
    return " ".join(found)


def step_of(value: float | None, limits: Sequence[float]) -> int:
    """0 for no figure, then 1 below the first limit, and one more at each limit reached."""
    return 0 if value is None else 1 + sum(value >= limit for limit in limits)


def bands(limits: Sequence[float], unit: str) -> list[Band]:
    """The scale in words, from no figure to the highest; a figure with a unit is a share."""
    found = [
        Band(0, f"Fewer than {FEW} traces in the period" if unit else "No traces in the period"),
        Band(1, f"Under {limits[0]:g}{unit}"),
    ]
    for step, (low, high) in enumerate(pairwise(limits), start=2):
        found.append(Band(step, f"{low:g}{unit} to under {high:g}{unit}"))
    found.append(Band(len(limits) + 1, f"{limits[-1]:g}{unit} or more"))
    return found


def _few(cell: Cell) -> bool:
    return cell.of is not None and cell.of < FEW


def _told(cell: Cell, unit: str) -> str:
    if cell.value is None:
        return "no traces"
    if cell.of is None:
        return f"{cell.value:.1f}{unit}"
    return f"{cell.value:.1f}{unit} of {counted(cell.of, 'trace')}"


def draw(cells: Iterable[Cell], limits: Sequence[float], unit: str) -> Drawing:
    """Lay the cells out. ``r`` grows southwards; the figure stands rounded in the cell."""
    placed = [(cell, _WIDTH * (cell.q + cell.r / 2), 1.5 * SIZE * cell.r) for cell in cells]
    if not placed:
        return Drawing("0 0 10 10", ())
    left, right = min(x for _, x, _ in placed) - SIZE, max(x for _, x, _ in placed) + SIZE
    top, bottom = min(y for _, _, y in placed) - SIZE - 2, max(y for _, _, y in placed) + SIZE + 2
    hexagons = [
        Hexagon(
            corners(x - left, y - top),
            f"{x - left:.1f}",
            f"{y - top:.1f}",
            step_of(None if _few(cell) else cell.value, limits),
            "" if cell.value is None or _few(cell) else f"{cell.value:.0f}",
            f"{cell.name}: {_told(cell, unit)}",
        )
        for cell, x, y in placed
    ]
    return Drawing(f"0 0 {right - left:.0f} {bottom - top:.0f}", tuple(hexagons))
