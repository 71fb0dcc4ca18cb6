"""A hexagon map: every area a cell of one size, near where it lies and beside its neighbours.

Areas differ a thousandfold in size: on a true map London's boroughs cannot be seen. Here each is one hexagon. The
layout is computed in three steps, each deterministic:

1. Neighbours: the Gabriel graph of the centroids (Gabriel and Sokal 1969, doi 10.2307/2412323), which joins two points
   when no third lies in the circle between them.
2. Spreading: positions in which each neighbour lies one cell away in its true direction, as nearly as least squares can
   (a Laplacian system), then overlaps are pushed apart (proximity stress, after Gansner and Hu 2010,
   doi 10.7155/jgaa.00198).
3. Assignment: the areas are given to cells of a hexagonal lattice so that the sum of squared displacements is the least
   possible (``scipy.optimize.linear_sum_assignment``; Crouse 2016, doi 10.1109/TAES.2016.140952), for several positions
   and of the lattice under the map. The best by kept neighbours is taken, and cells are exchanged while that gains.

Cells are axial coordinates (q, r) of pointy-topped hexagons, r growing southwards: the centre lies at
x = q + r / 2, y = r * sqrt(3) / 2 in units of the distance between neighbouring centres.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_HEIGHT = float(np.sqrt(3) / 2)
_COMPACT = 0.3
_AROUND = np.array([(1, 0), (1, -1), (0, -1), (-1, 0), (-1, 1), (0, 1)])


class Quality(NamedTuple):
    """How good a layout is.

    ``kept``: share of neighbouring areas whose cells touch. ``near``: share whose cells touch or have one cell between
    them. ``displacement``: mean distance of a cell from the place that step 2 gave it, in cells. ``west_east`` and
    ``north_south``: rank correlation (Spearman) of the cells' order with the areas' order.
    """

    kept: float
    near: float
    displacement: float
    west_east: float
    north_south: float


def neighbours(points: Floats) -> Ints:
    """The edges (m, 2) of the Gabriel graph of ``points`` (n, 2), each with the smaller index first, sorted."""
    first, second = np.triu_indices(len(points), 1)
    if not len(first):
        return np.empty((0, 2), dtype=np.int64)
    middle = (points[first] + points[second]) / 2
    radius = np.hypot(*(points[first] - points[second]).T) / 2
    nearest, _ = cKDTree(points).query(middle)
    # Both ends lie on the circle; a third point nearer to its middle lies inside.
    edges: Ints = np.column_stack([first, second])[nearest >= radius * (1 - 1e-9)]
    return edges


def spread(points: Floats, edges: Ints, rounds: int = 60) -> Floats:
    """Positions (n, 2), y northwards: neighbours about one apart in their true direction, few overlapping."""
    step = points[edges[:, 1]] - points[edges[:, 0]]
    step = step / np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-9)[:, None]
    places = _least_squares(len(points), edges, step, np.ones(len(edges)))
    for _ in range(rounds):
        gap = places[:, None, :] - places[None, :, :]
        distance = np.hypot(gap[..., 0], gap[..., 1])
        close = np.argwhere(np.triu(distance < 0.98, 1))
        if not len(close):
            break
        apart = places[close[:, 1]] - places[close[:, 0]]
        length = np.hypot(apart[:, 0], apart[:, 1])
        # Two areas on one spot are parted along their true direction.
        true = points[close[:, 1]] - points[close[:, 0]]
        true = true / np.maximum(np.hypot(true[:, 0], true[:, 1]), 1e-9)[:, None]
        apart = np.where(length[:, None] > 0.05, apart / np.maximum(length, 1e-9)[:, None], true)
        apart = apart * np.minimum(1.0, length * 1.4 + 0.1)[:, None]
        now = places[edges[:, 1]] - places[edges[:, 0]]
        long = np.maximum(np.hypot(now[:, 0], now[:, 1]), 1e-9)[:, None]
        held = 0.5 * now / long * np.clip(long, 1.0, 1.25) + 0.5 * step
        places = _least_squares(
            len(points),
            np.vstack([edges, close]),
            np.vstack([held, apart]),
            np.concatenate([np.ones(len(edges)), np.full(len(close), 4.0)]),
        )
    return places


def _least_squares(count: int, edges: Ints, steps: Floats, weights: Floats) -> Floats:
    """Positions about the origin that minimise the weighted sum of |x_j - x_i - step|^2 over the edges (i, j)."""
    first, second = edges[:, 0], edges[:, 1]
    matrix = np.zeros((count, count))
    np.add.at(matrix, (first, first), weights)
    np.add.at(matrix, (second, second), weights)
    np.add.at(matrix, (first, second), -weights)
    np.add.at(matrix, (second, first), -weights)
    right = np.zeros((count, 2))
    np.add.at(right, first, -steps * weights[:, None])
    np.add.at(right, second, steps * weights[:, None])
    # The system says nothing of where the whole lies; this puts its middle at the origin.
    return np.asarray(np.linalg.solve(matrix + 1.0 / count, right), dtype=np.float64)


def centres(cells: Ints) -> Floats:
    """The centres (n, 2), y northwards, of axial ``cells`` (n, 2)."""
    return np.column_stack([cells[:, 0] + cells[:, 1] / 2, -cells[:, 1] * _HEIGHT])


def cell_distance(first: Ints, second: Ints) -> Ints:
    """Steps from cell to cell on the lattice, element by element; 1 means they touch."""
    q, r = (first - second)[..., 0], (first - second)[..., 1]
    return np.asarray((np.abs(q) + np.abs(r) + np.abs(q + r)) // 2, dtype=np.int64)


def layout(points: Floats) -> tuple[Ints, Quality]:
    """Cells (n, 2), axial and all different, and how good they are.

    ``points`` (n, 2) are centroids in metres, east and north. The smallest q and r are 0. The same points
    always give the same cells.
    """
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1:] != (2,) or not np.isfinite(points).all():
        raise ValueError("points is not an array of finite (easting, northing) pairs")
    if len(points) < 3:
        return np.column_stack([np.arange(len(points)), np.zeros(len(points), dtype=np.int64)]), Quality(1, 1, 0, 1, 1)
    edges = neighbours(points)
    places = spread(points, edges)
    best: tuple[float, Ints] | None = None
    for shift_x in (0.0, 0.25, 0.5, 0.75):
        for shift_y in (0.0, 0.25, 0.5, 0.75):
            moved = places + np.array([shift_x, shift_y * _HEIGHT])
            cells = _improve(_assign(moved), moved, edges)
            score = _score(cells, moved, edges)
            if best is None or score > best[0] + 1e-9:
                best = (score, cells)
    assert best is not None
    cells = best[1] - best[1].min(0)
    return cells, quality(points, cells)


def _assign(places: Floats) -> Ints:
    low, high = places.min(0) - 1.5, places.max(0) + 1.5
    rows = np.arange(-int(np.ceil(high[1] / _HEIGHT)), -int(np.floor(low[1] / _HEIGHT)) + 1)
    lattice = np.array(
        [(q, r) for r in rows for q in range(int(np.floor(low[0] - r / 2)), int(np.ceil(high[0] - r / 2)) + 1)]
    )
    gap = places[:, None, :] - centres(lattice)[None, :, :]
    cost = (gap**2).sum(2)
    # A cell far from every area is never the best one.
    used = np.flatnonzero(cost.min(0) < 4)
    _, chosen = linear_sum_assignment(cost[:, used])
    return np.asarray(lattice[used[chosen]], dtype=np.int64)


def _score(cells: Ints, places: Floats, edges: Ints) -> float:
    apart = cell_distance(cells[edges[:, 0]], cells[edges[:, 1]])
    away = ((centres(cells) - places) ** 2).sum()
    return float((apart == 1).sum() - 0.5 * np.maximum(apart - 2, 0).sum() - 0.35 * away)


def _improve(cells: Ints, places: Floats, edges: Ints) -> Ints:
    """Exchange an area's cell with one beside it, empty or not, while that gains; areas in order, first gain taken."""
    cells = cells.copy()
    at = {(int(q), int(r)): i for i, (q, r) in enumerate(cells)}
    beside: list[list[int]] = [[] for _ in cells]
    for a, b in edges.tolist():
        beside[a].append(b)
        beside[b].append(a)

    def worth(area: int, cell: tuple[int, int], moved: dict[int, tuple[int, int]]) -> float:
        total = 0.0
        for other in beside[area]:
            q, r = moved.get(other, (int(cells[other, 0]), int(cells[other, 1])))
            apart = (abs(cell[0] - q) + abs(cell[1] - r) + abs(cell[0] - q + cell[1] - r)) // 2
            total += (1.0 if apart == 1 else 0.0) - 0.5 * max(apart - 2, 0)
        x, y = cell[0] + cell[1] / 2 - places[area, 0], -cell[1] * _HEIGHT - places[area, 1]
        return total - 0.35 * float(x * x + y * y)

    def touching(cell: tuple[int, int]) -> int:
        return sum((cell[0] + q, cell[1] + r) in at for q, r in around)

    around = _AROUND.tolist()
    for _ in range(12):
        gained = False
        for area in range(len(cells)):
            home = (int(cells[area, 0]), int(cells[area, 1]))
            for dq, dr in around:
                there = (home[0] + dq, home[1] + dr)
                other = at.get(there)
                moved = {area: there} if other is None else {area: there, other: home}
                before = worth(area, home, {}) + (0.0 if other is None else worth(other, there, {}))
                after = worth(area, there, moved) + (0.0 if other is None else worth(other, home, moved))
                if other is None:
                    # A move into an empty cell that more areas surround fills a hole.
                    after += _COMPACT * (touching(there) - 1 - touching(home))
                if after > before + 1e-9:
                    cells[area] = there
                    at[there] = area
                    if other is None:
                        del at[home]
                    else:
                        cells[other] = home
                        at[home] = other
                    home, gained = there, True
        if not gained:
            break
    return cells


def quality(points: Floats, cells: Ints) -> Quality:
    """How good ``cells`` are for centroids ``points``."""
    edges = neighbours(points)
    apart = cell_distance(cells[edges[:, 0]], cells[edges[:, 1]])
    places, where = spread(points, edges), centres(cells)
    away = where - where.mean(0) - (places - places.mean(0))
    return Quality(
        float((apart == 1).mean()),
        float((apart <= 2).mean()),
        float(np.hypot(away[:, 0], away[:, 1]).mean()),
        _rank_correlation(points[:, 0], where[:, 0]),
        _rank_correlation(points[:, 1], where[:, 1]),
    )


def _rank_correlation(first: Floats, second: Floats) -> float:
    ranks = [np.searchsorted(np.sort(v), v, "left") + np.searchsorted(np.sort(v), v, "right") for v in (first, second)]
    if any((rank == rank[0]).all() for rank in ranks):
        return 1.0  # all at one place: no order to keep
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
