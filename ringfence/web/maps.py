"""An authority or a sector as an SVG drawing made on the server: its parts, numbers where there is room, clusters' circles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ringfence.geography.shapes import Ring

#: Units of the drawing's longer side; the edge round it, and the foot for the scale; the least radius of a cluster's circle.
SIDE, EDGE, FOOT, LEAST = 1_000, 20, 40, 18

#: Half of the mark for what is too small to be drawn.
MARK = 4

#: Heights of the numbers: at a desk, and on a phone, where the drawing is half as wide.
TEXT, PHONE_TEXT = 22, 42


class Part(NamedTuple):
    """What is to be drawn: rings in metres, the step of its colour, the number in it, where it leads, what it says."""

    rings: Sequence[Ring]
    step: str
    text: str
    href: str
    label: str
    weight: float


class Drawn(NamedTuple):
    """A part as it is drawn: an SVG path, and the number's place; ``room``: "" for none, "desk", or "phone" for both."""

    path: str
    step: str
    text: str
    href: str
    label: str
    x: int
    y: int
    room: str


class Circle(NamedTuple):
    """A cluster: its letter, a circle, where it leads, what it says."""

    letter: str
    x: int
    y: int
    radius: int
    href: str
    label: str


class Drawing(NamedTuple):
    """The whole: the SVG's view box, its parts, its circles, and metres of the line that gives the scale, with its length."""

    width: int
    height: int
    parts: tuple[Drawn, ...]
    circles: tuple[Circle, ...]
    metres: int
    line: int


class _Frame:
    """From metres on the grid to units of the drawing, whose y runs down."""

    def __init__(self, rings: Iterable[Ring]) -> None:
        easts: list[int] = []
        norths: list[int] = []
        for ring in rings:
            easts += ring[::2]
            norths += ring[1::2]
        self.west, self.north = min(easts), max(norths)
        wide, high = max(easts) - self.west, self.north - min(norths)
        self.scale = (SIDE - 2 * EDGE) / max(wide, high, 1)
        self.width, self.height = round(wide * self.scale) + 2 * EDGE, round(high * self.scale) + 2 * EDGE + FOOT

    def at(self, east: float, north: float) -> tuple[int, int]:
        return round((east - self.west) * self.scale) + EDGE, round((self.north - north) * self.scale) + EDGE

    def path(self, rings: Sequence[Ring]) -> str:
        """Moves from corner to corner; those that fall together are left out. What has no size left is a small mark."""
        found = []
        scale, west, north = self.scale, self.west, self.north
        for ring in rings:
            corners = zip(
                [round((east - west) * scale) + EDGE for east in ring[::2]],
                [round((north - each) * scale) + EDGE for each in ring[1::2]],
                strict=True,
            )
            x, y = next(corners)
            steps = [f"M{x} {y}l"]
            for x2, y2 in corners:
                if x2 != x or y2 != y:
                    steps.append(f"{x2 - x} {y2 - y}")
                    x, y = x2, y2
            if len(steps) > 2:
                found.append(" ".join(steps) + "z")
        if rings and not found:
            x, y = self.at(*rings[0][:2])
            found.append(f"M{x - MARK} {y}l{MARK} -{MARK} {MARK} {MARK} -{MARK} {MARK}z")
        return "".join(found)


def draw(parts: Sequence[Part], clusters: Iterable[tuple[float, float, float, str, str]]) -> Drawing:
    """The drawing of parts and of clusters: east, north, reach in metres, where it leads, what it says."""
    frame = _Frame(ring for part in _worth_a_look(parts) for ring in part.rings)
    places = [_middle(part.rings, frame) for part in parts]
    heaviest = sorted(range(len(parts)), key=lambda at: -parts[at].weight)
    desk = _with_room(heaviest, parts, places, TEXT)
    phone = _with_room([at for at in heaviest if at in desk], parts, places, PHONE_TEXT)
    drawn = tuple(
        Drawn(
            frame.path(part.rings),
            part.step,
            part.text,
            part.href,
            part.label,
            *places[at],
            "phone" if at in phone else "desk" if at in desk else "",
        )
        for at, part in enumerate(parts)
    )
    circles = tuple(_circles(frame, clusters))
    metres = _round(SIDE / 5 / frame.scale)
    return Drawing(frame.width, frame.height, drawn, circles, metres, round(metres * frame.scale))


def _worth_a_look(parts: Sequence[Part]) -> Sequence[Part]:
    """The parts that the frame holds: of many small ones, a stray one far from the rest only when it has something."""
    if len(parts) < 50 or any(len(part.rings) > 1 for part in parts):
        return parts
    easts, norths = (sorted(part.rings[0][axis] for part in parts) for axis in (0, 1))
    low, high = len(parts) // 50, len(parts) - 1 - len(parts) // 50
    return [
        part
        for part in parts
        if part.weight
        or (
            easts[low] <= part.rings[0][0] <= easts[high] and norths[low] <= part.rings[0][1] <= norths[high]
        )
    ]  # fmt: skip


def _circles(frame: _Frame, clusters: Iterable[tuple[float, float, float, str, str]]) -> Iterator[Circle]:
    for number, (east, north, reach, href, label) in enumerate(clusters):
        x, y = frame.at(east, north)
        # A cluster named by people who live here may lie elsewhere.
        if 0 <= x <= frame.width and 0 <= y <= frame.height:
            yield Circle(chr(65 + number), x, y, max(LEAST, round(reach * frame.scale)), href, label)


def _middle(rings: Sequence[Ring], frame: _Frame) -> tuple[int, int]:
    """The centre of gravity of the largest ring."""
    if not rings:
        return 0, 0
    ring = max(rings, key=len)
    east, north = ring[0], ring[1]
    twice = xs = ys = 0.0
    for x1, y1, x2, y2 in zip(ring[::2], ring[1::2], ring[2::2] + ring[:1], ring[3::2] + ring[1:2], strict=True):
        cross = (x1 - east) * (y2 - north) - (x2 - east) * (y1 - north)
        twice += cross
        xs += cross * (x1 + x2 - 2 * east)
        ys += cross * (y1 + y2 - 2 * north)
    if not twice:
        return frame.at(east, north)
    return frame.at(east + xs / (3 * twice), north + ys / (3 * twice))


def _with_room(order: Sequence[int], parts: Sequence[Part], places: Sequence[tuple[int, int]], high: int) -> set[int]:
    """Those whose number overlaps none that was placed before it."""
    placed: list[tuple[float, float, float]] = []
    found = set()
    for at in order:
        text, (x, y) = parts[at].text, places[at]
        half = 0.32 * high * len(text)
        if text and all(abs(x - a) > half + b or abs(y - c) > high for a, c, b in placed):
            placed.append((x, y, half))
            found.add(at)
    return found


def _round(metres: float) -> int:
    """The greatest of 1, 2, 5, 10, 20 ... that is not more."""
    best = power = 1
    while power <= metres:
        best = max(each * power for each in (1, 2, 5) if each * power <= metres)
        power *= 10
    return best


def scaled(limits: Sequence[float], days: int) -> tuple[int, ...]:
    """Limits of a week's rate for a window of other days."""
    return tuple(max(1, round(limit * days / 7)) for limit in limits)
