"""Who infected whom as a drawing: days from left to right, each case a numbered dot, a line from who infected to who was.

The list beside it says the same, case by case, under the same numbers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from ringfence.queries.incidents import Case

RADIUS, ROW, HEAD, SIDE = 9, 22, 26, 14

#: The least width of the drawing, and how far apart two dots of one row are at least.
LEAST, APART = 620, 2 * RADIUS + 6


class Dot(NamedTuple):
    """A case: its number in the list, whether nobody of the incident infected it, and what is said of it."""

    x: float
    y: float
    number: int
    first: bool
    label: str


class Line(NamedTuple):
    """From who infected, down, and to who was infected."""

    path: str
    likely: bool


class Drawing(NamedTuple):
    """The drawing, the days along its top, how many cases each generation has, and how many are linked to no other."""

    width: int
    height: int
    dots: tuple[Dot, ...]
    lines: tuple[Line, ...]
    days: tuple[tuple[float, str], ...]
    generations: tuple[int, ...]
    apart: int


def draw(cases: Sequence[Case], names: Mapping[int, str]) -> Drawing | None:
    """The drawing of linked cases in the order of their list; None when no case of them is known to have infected another."""
    number = {each.case: at for at, each in enumerate(cases, 1)}
    by_case = {each.case: each for each in cases}
    infected: dict[int, list[int]] = defaultdict(list)
    for each in sorted(cases, key=lambda each: (each.day, number[each.case])):
        if each.member and each.member.infector is not None:
            infected[each.member.infector].append(each.case)
    if not infected:
        return None
    linked = [each for each in cases if each.case in infected or (each.member and each.member.infector is not None)]
    first = min(each.day for each in linked)
    span = max((each.day for each in linked), default=first) - first
    unit = max((LEAST - 2 * SIDE) / max(span.days, 1), APART / 2)
    place: dict[int, tuple[float, int]] = {}
    rows = 0
    for root in linked:
        if root.member is None or root.member.infector is not None:
            continue
        # One of those infected goes on in the row of who infected them, the first with room; each other has a row below.
        waiting: list[tuple[int, float, int | None]] = [(root.case, SIDE + unit * (root.day - first).days, None)]
        while waiting:
            case, x, row = waiting.pop()
            if row is None:
                row, rows = rows, rows + 1
            place[case] = x, row
            # Who fell ill the same day stands a little to the right, so that the line between them is seen.
            right = {
                each: max(SIDE + unit * (by_case[each].day - first).days, x + RADIUS) for each in infected.get(case, [])
            }
            beside = next((each for each in right if right[each] - x >= APART), None)
            waiting += [(each, right[each], None) for each in reversed(right) if each != beside]
            if beside is not None:
                waiting.append((beside, right[beside], row))
    at = {case: (round(x, 1), HEAD + ROW * row + RADIUS + 4) for case, (x, row) in place.items()}
    dots, lines = [], []
    for each in linked:
        member = each.member
        if member is None:
            continue
        x, y = at[each.case]
        by = f", infected by {names[member.infector]}, {member.certainty}" if member.infector is not None else ""
        label = f"{number[each.case]}. {names[each.case]}, ill {each.day.day} {each.day:%b}, generation {member.generation}{by}"
        dots.append(Dot(x, y, number[each.case], member.infector is None, label))
        if member.infector is not None:
            from_x, from_y = at[member.infector]
            lines.append(Line(f"M{from_x} {from_y}V{y}H{x}", member.certainty == "likely"))
    weeks = [first + timedelta(days=days) for days in range(0, span.days + 1, 7)]
    told = Counter(each.member.generation for each in linked if each.member)
    return Drawing(
        round(max(x for x, _ in at.values()) + SIDE),
        HEAD + ROW * rows + 8,
        tuple(dots),
        tuple(lines),
        tuple((round(SIDE + unit * (on - first).days, 1), _short(on)) for on in weeks),
        tuple(told[generation] for generation in range(max(told) + 1)),
        len(cases) - len(linked),
    )


def _short(on: date) -> str:
    return f"{on.day} {on:%b}"
