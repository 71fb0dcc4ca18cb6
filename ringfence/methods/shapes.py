"""Areas from points: the cells of a Voronoi diagram, put together by label, without any boundary file.

Each place belongs to the point that is nearest to it (Voronoi 1908; the diagram is Qhull's, Barber, Dobkin and Huhdanpaa
1996), and so to that point's label. Where no point is near, nobody lives: empty points on a lattice, farther than ``reach``
from every point, take that ground, so that the outline follows what is lived in and every cell is bounded.

A border is drawn once, as the line between two labels from one junction to the next, and made simpler as a line (Douglas
and Peucker 1973): the shapes of neighbours keep the same border, without gap or overlap along it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Voronoi, cKDTree

Points = NDArray[np.float64]
Numbers = NDArray[np.int64]

#: Metres from the nearest point at which nobody lives any more, and between the empty points that say so.
REACH, STEP = 1_000.0, 400.0

#: The label of points that only bound the others: those of neighbours.
OUTSIDE = -1


class Shapes(NamedTuple):
    """What ``draw`` made, in the unit of the points.

    ``rings`` are the borders of each label, ``outline`` those of all labels together: what they enclose lies on their left,
    so a hole runs clockwise. A ring's last point is joined to its first. ``cells`` has a ring for each
    spot with a label; ``spot_of`` the row in ``cells`` for each point, -1 for points outside.
    """

    rings: dict[int, list[Points]]
    outline: list[Points]
    cells: list[Points]
    spot_of: Numbers


def draw(points: Points, labels: Numbers, reach: float = REACH, step: float = STEP, tolerance: float = 0.0) -> Shapes:
    """Shapes of the labels, and the cell of each spot.

    ``points`` (n, 2) in metres, ``labels`` (n,) of 0 and more, or OUTSIDE. Several points may lie at one spot: it has the
    label that most of them have, one inside before one outside. ``tolerance``: how far a border may be moved to make it
    simpler; cells stay as they are. Raises ValueError where no point has a label.
    """
    # As complex numbers, which sort far quicker than rows.
    found, spot_of = np.unique(points[:, 0] + 1j * points[:, 1], return_inverse=True)
    spots = np.stack([found.real, found.imag], axis=1)
    kinds = _labels_of_spots(spot_of, labels)
    mine = kinds >= 0
    if not mine.any():
        raise ValueError("no point has a label: give at least one of 0 or more")
    empty, near = _empty(spots[mine], spots[~mine], reach, step)
    every = np.concatenate([spots[mine], spots[~mine][near], empty])
    kind = np.concatenate([kinds[mine], np.full(len(every) - int(mine.sum()), OUTSIDE)])
    diagram = Voronoi(every)
    sides = np.asarray(diagram.ridge_points, dtype=np.int64)
    ends = np.asarray(diagram.ridge_vertices, dtype=np.int64)
    inside = (kind[sides] >= 0).any(axis=1)
    sides, ends = sides[inside], ends[inside]
    row_of = np.full(len(spots), -1)
    row_of[mine] = np.arange(int(mine.sum()))
    of_label: dict[int, list[Points]] = defaultdict(list)
    for left, right, arc in _arcs(every, kind, diagram.vertices, sides, ends, tolerance):
        of_label[left].append(arc)
        of_label[right].append(arc[::-1])
    outline = [ring[::-1] for ring in _rings(of_label.pop(OUTSIDE, []))]
    return Shapes(
        {label: _rings(its) for label, its in sorted(of_label.items())},
        outline,
        _cells(every, diagram.vertices, sides, ends, int(mine.sum())),
        row_of[spot_of],
    )


def _labels_of_spots(spot_of: Numbers, labels: Numbers) -> Numbers:
    """The label that most points of each spot have; of the points with a label, if there is one."""
    kinds = int(labels.max()) + 2
    keys, counts = np.unique(spot_of * kinds + labels + 1, return_counts=True)
    spots, each = np.divmod(keys, kinds)
    order = np.lexsort((each, -counts, each == 0, spots))
    found: Numbers = each[order][np.unique(spots[order], return_index=True)[1]] - 1
    return found


def _empty(mine: Points, others: Points, reach: float, step: float) -> tuple[Points, NDArray[np.bool_]]:
    """The empty points round ``mine``, and which of ``others`` are near enough to bound a cell.

    A ring two steps wide is enough: straight on from a point there is an empty one within less than a step of the place
    at ``reach`` and one step from it, so no cell goes farther, and nothing beyond twice that can bound it.
    """
    tree = cKDTree(mine)
    low, high = mine.min(axis=0) - reach - 3 * step, mine.max(axis=0) + reach + 3 * step
    # Not quite square, so that no four empty points lie on a circle.
    east, north = np.meshgrid(np.arange(low[0], high[0], step), np.arange(low[1], high[1], step * 0.98))
    east[1::2] += step / 2
    lattice = np.stack([east.ravel(), north.ravel()], axis=1)
    away = tree.query(lattice, distance_upper_bound=reach + 2 * step)[0]
    if len(others):
        near = np.isfinite(tree.query(others, distance_upper_bound=2 * (reach + step))[0])
    else:
        near = np.zeros(0, dtype=np.bool_)
    return lattice[np.isfinite(away) & (away > reach)], near


def _cells(every: Points, vertices: Points, sides: Numbers, ends: Numbers, count: int) -> list[Points]:
    """The corners of the first ``count`` cells, anticlockwise; a cell is convex, so they are sorted by direction."""
    owner = np.concatenate([sides[:, 0], sides[:, 0], sides[:, 1], sides[:, 1]])
    corner = np.concatenate([ends[:, 0], ends[:, 1]] * 2)
    here = owner < count
    owner, corner = np.divmod(np.unique(owner[here] * len(vertices) + corner[here]), len(vertices))
    away = vertices[corner] - every[owner]
    order = np.lexsort((np.arctan2(away[:, 1], away[:, 0]), owner))
    return np.split(vertices[corner[order]], np.searchsorted(owner, np.arange(1, count)))


def _arcs(
    every: Points, kind: Numbers, vertices: Points, sides: Numbers, ends: Numbers, tolerance: float
) -> list[tuple[int, int, Points]]:
    """Each border between two labels, from junction to junction or all round: the labels left and right of it, its points."""
    border = kind[sides[:, 0]] != kind[sides[:, 1]]
    sides, ends = sides[border], ends[border]
    at: dict[int, list[int]] = defaultdict(list)
    edges: list[list[int]] = ends.tolist()
    for number, (one, other) in enumerate(edges):
        at[one].append(number)
        at[other].append(number)
    pair = [tuple(each) for each in np.sort(kind[sides], axis=1).tolist()]
    # Three labels meet, or two touch across a corner.
    junction = {vertex for vertex, its in at.items() if len(its) != 2 or pair[its[0]] != pair[its[1]]}
    length = ((vertices[ends[:, 0]] - vertices[ends[:, 1]]) ** 2).sum(axis=1)
    used = bytearray(len(edges))
    found = []

    def walk(start: int, edge: int) -> tuple[list[int], list[int]]:
        path, along = [start], list[int]()
        while True:
            used[edge] = 1
            along.append(edge)
            one, other = edges[edge]
            vertex = other if path[-1] == one else one
            path.append(vertex)
            if vertex in junction or vertex == start:
                return path, along
            first, second = at[vertex]
            edge = second if first == edge else first

    starts = [(vertex, edge) for vertex in sorted(junction) for edge in at[vertex]]
    for vertex, edge in (*starts, *((edges[edge][0], edge) for edge in range(len(edges)))):
        if used[edge]:
            continue
        path, along = walk(vertex, edge)
        # On which side a label lies, the longest part says most surely.
        most = int(np.argmax(length[along]))
        (x1, y1), (x2, y2) = vertices[path[most]], vertices[path[most + 1]]
        one, other = sides[along[most]]
        x, y = every[one] - every[other]
        left, right = (one, other) if (x2 - x1) * y - (y2 - y1) * x > 0 else (other, one)
        found.append((int(kind[left]), int(kind[right]), vertices[path]))
    ways = Counter(frozenset((_key(line[0]), _key(line[-1]))) for _, _, line in found)
    return [
        (left, right, _simpler(line, tolerance, ways[frozenset((_key(line[0]), _key(line[-1])))] > 1))
        for left, right, line in found
    ]


def _simpler(line: Points, tolerance: float, bowed: bool) -> Points:
    """A line through fewer of its points, none of those left out farther than ``tolerance`` from it; its ends stay.

    What lies between two lines with the same ends (``bowed``), or within a ring, keeps some width.
    """
    last = len(line) - 1
    if tolerance <= 0 or last < 2:
        return line
    marks = [0, last]
    if bowed or (line[0] == line[-1]).all():
        far = int(np.argmax(((line - line[0]) ** 2).sum(axis=1) + ((line - line[-1]) ** 2).sum(axis=1)))
        far = min(max(far, 1), last - 1)
        marks = sorted({0, far // 2 or far, far, (far + last) // 2, last})
    keep = np.zeros(len(line), dtype=np.bool_)
    keep[marks] = True
    waiting = list(pairwise(marks))
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        way = line[last] - line[first]
        rest = line[first + 1 : last] - line[first]
        length = float(way @ way)
        share = np.clip(rest @ way / length, 0, 1) if length else np.zeros(len(rest))
        gap = ((rest - share[:, None] * way) ** 2).sum(axis=1)
        worst = int(np.argmax(gap))
        if gap[worst] > tolerance**2:
            middle = first + 1 + worst
            keep[middle] = True
            waiting += [(first, middle), (middle, last)]
    return line[keep]


def _rings(arcs: Sequence[Points]) -> list[Points]:
    """Arcs joined end to end into rings, the largest extent first."""
    leaving: dict[tuple[float, float], list[int]] = defaultdict(list)
    for number, arc in enumerate(arcs):
        leaving[_key(arc[0])].append(number)
    found = []
    for first in list(leaving):
        while leaving[first]:
            parts, end = list[Points](), first
            while not parts or end != first:
                arc = arcs[leaving[end].pop()]
                parts.append(arc[:-1])
                end = _key(arc[-1])
            ring = np.concatenate(parts)
            if len(ring) > 2:
                found.append(ring)
    return sorted(found, key=lambda ring: -float(np.ptp(ring, axis=0).sum()))


def _key(point: Points) -> tuple[float, float]:
    return float(point[0]), float(point[1])
