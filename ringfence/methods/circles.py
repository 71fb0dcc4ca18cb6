"""The circles of a scan: round each place, its neighbours by distance until there are too many people in them.

Places are first put into an order in which those that lie together stand together: a k-d tree's leaves.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ringfence.methods.compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shorts = NDArray[np.int32]
Flags = NDArray[np.bool_]

#: Squared distances that differ by less than this share are the same distance: coordinates are rounded.
SAME = 1e-9

#: Places whose neighbours are looked for together.
LEAF = 16

#: Neighbours of all circles together that are still kept in memory (1.5 GB).
MOST = 300_000_000


class TooLarge(ValueError):
    """The circles do not fit into memory; the message says what to do."""


class Circles(NamedTuple):
    """Circles round n places, each place's neighbours nearest first, itself among them.

    The neighbours of place i are ``members[starts[i]:starts[i + 1]]``. ``whole`` (beside ``members``) is true where a
    circle may end: places at the same distance are in it together or not at all.
    """

    starts: Ints
    members: Shorts
    whole: Flags


def in_leaves(points: Floats, size: int) -> Ints:
    """An order of ``points`` (n, d) in which each run of ``size`` is a leaf of a k-d tree; all of a level at once."""
    order = np.arange(len(points))
    edges = np.array([0, len(points)])
    while (wide := np.diff(edges)).max() > size:
        low, high = (each.reduceat(points[order], edges[:-1]) for each in (np.minimum, np.maximum))
        node = np.repeat(np.arange(len(wide)), wide)
        order = order[np.lexsort((points[order, (high - low).argmax(1)[node]], node))]
        leaves = -(-wide // size)
        edges = np.unique(np.concatenate([edges, (edges[:-1] + leaves // 2 * size)[leaves > 1]]))
    return order


#: A key is a squared distance in whole numbers before it, and a candidate's number in its last bits.
_BITS = 22
_FINE = float(1 << 40)
_NEVER = np.uint64((1 << 64) - 1)


class _Leaves(NamedTuple):
    """The boxes round runs of ``LEAF`` places (leaves, d), and the weight in each."""

    low: Floats
    high: Floats
    weight: Floats


@compiled
def _near(
    low: int,
    high: int,
    points: Floats,
    most: float,
    farthest: float,
    box_low: Floats,
    box_high: Floats,
    box_weight: Floats,
) -> tuple[Shorts, NDArray[np.uint64]]:
    """Candidates for the circles of places ``low`` to ``high``, and for each of these a row of keys to sort them by."""
    count, dimensions = points.shape
    middle = np.zeros(dimensions)
    for j in range(low, high):
        for axis in range(dimensions):
            middle[axis] += points[j, axis] / (high - low)
    away = np.empty(high - low)
    spread = 0.0
    for j in range(low, high):
        squared = 0.0
        for axis in range(dimensions):
            gap = points[j, axis] - middle[axis]
            squared += gap * gap
        away[j - low] = np.sqrt(squared)
        spread = max(spread, away[j - low])
    boxes = len(box_weight)
    within, beyond = np.empty(boxes), np.empty(boxes)
    largest = 0.0
    for h in range(boxes):
        least, most_away = 0.0, 0.0
        for axis in range(dimensions):
            before, after = box_low[h, axis] - middle[axis], middle[axis] - box_high[h, axis]
            gap = max(0.0, before, after)
            least += gap * gap
            gap = max(-before, -after, before, after)
            most_away += gap * gap
        beyond[h], within[h] = np.sqrt(least), np.sqrt(most_away)
        largest = max(largest, within[h])
    # A ball round the middle that is too heavy: a circle round a place of the leaf that holds it is so too.
    bins = 4096
    heaps = np.zeros(bins)
    step = largest / (bins - 1) if largest > 0 else 1.0
    for h in range(boxes):
        heaps[int(within[h] / step)] += box_weight[h]
    reach, total = 0, 0.0
    while reach < bins and total <= most:
        total += heaps[reach]
        reach += 1
    ball = (min((reach + 1) * step + spread, np.sqrt(farthest)) + spread) * (1 + 1e-6) + 1e-6 * largest
    near = 0
    for h in range(boxes):
        if beyond[h] <= ball:
            near += min((h + 1) * LEAF, count) - h * LEAF
    candidates = np.empty(near, dtype=np.int32)
    near = 0
    for h in range(boxes):
        if beyond[h] <= ball:
            for j in range(h * LEAF, min((h + 1) * LEAF, count)):
                squared = 0.0
                for axis in range(dimensions):
                    gap = points[j, axis] - middle[axis]
                    squared += gap * gap
                if squared <= ball * ball:
                    candidates[near] = j
                    near += 1
    keys = np.empty((high - low, near), dtype=np.uint64)
    for i in range(low, high):
        limit = min((reach + 1) * step + away[i - low], np.sqrt(farthest)) * (1 + 1e-6) + 1e-6 * largest
        limit = limit * limit
        for k in range(near):
            squared = 0.0
            for axis in range(dimensions):
                gap = points[candidates[k], axis] - points[i, axis]
                squared += gap * gap
            if squared <= limit:
                distance = squared / limit if limit > 0 else 0.0
                keys[i - low, k] = (np.uint64(distance * _FINE) << np.uint64(_BITS)) | np.uint64(k)
            else:
                keys[i - low, k] = _NEVER
    return candidates, keys


@compiled
def _grown(
    low: int,
    candidates: Shorts,
    keys: NDArray[np.uint64],
    points: Floats,
    weight: Floats,
    most: float,
    farthest: float,
) -> tuple[Ints, Shorts, Flags]:
    """How many places, which, and where circles may end, round places from ``low`` on, whose keys are sorted."""
    rows, near = keys.shape
    dimensions = points.shape[1]
    counts = np.zeros(rows, dtype=np.int64)
    room = max(1, rows * near)
    members, whole = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.bool_)
    used = 0
    squares, nearer = np.empty(near), np.empty(near, dtype=np.int32)
    for row in range(rows):
        found = 0
        for k in range(near):
            if keys[row, k] == _NEVER:
                break
            j = candidates[keys[row, k] & np.uint64((1 << _BITS) - 1)]
            squared = 0.0
            for axis in range(dimensions):
                gap = points[j, axis] - points[low + row, axis]
                squared += gap * gap
            # Keys are rounded: the last few may still have to change places.
            at = found
            while at > 0 and squares[at - 1] > squared:
                squares[at], nearer[at] = squares[at - 1], nearer[at - 1]
                at -= 1
            squares[at], nearer[at] = squared, j
            found += 1
        inside, k = 0.0, 0
        while k < found:
            distance = squares[k]
            tied = k
            heavier = inside
            while tied < found and squares[tied] <= distance * (1 + SAME):
                heavier += weight[nearer[tied]]
                tied += 1
            if heavier > most or distance > farthest:
                break
            for each in range(k, tied):
                members[used] = nearer[each]
                whole[used] = each == tied - 1
                used += 1
            counts[row] += tied - k
            inside, k = heavier, tied
    return counts, members[:used].copy(), whole[:used].copy()


def _around(
    first: int, until: int, size: int, points: Floats, weight: Floats, most: float, farthest: float, leaves: _Leaves
) -> tuple[Ints, Shorts, Flags]:
    """Counts, members and ends of the circles of places ``first`` to ``until``; ``farthest`` is squared."""
    parts = []
    for low in range(first, until, size):
        candidates, keys = _near(low, min(low + size, until), points, most, farthest, *leaves)
        # NumPy sorts in vector instructions, without the interpreter's lock.
        keys.sort(axis=1)
        parts.append(_grown(low, candidates, keys, points, weight, most, farthest))
    counts, members, whole = (np.concatenate([part[k] for part in parts]) for k in range(3))
    return counts, members, whole


def around(
    points: Floats, weight: Floats, most: float, farthest: float, pool: ThreadPoolExecutor, parts: int
) -> Circles:
    """The circles round ``points`` (n, d), of which those that lie together stand together.

    A circle grows while its ``weight`` is not over ``most`` and its radius not over ``farthest``.
    """
    count = len(points)
    leaves = -(-count // LEAF)
    edges = np.arange(0, count, LEAF)
    boxes = _Leaves(
        np.minimum.reduceat(points, edges), np.maximum.reduceat(points, edges), np.add.reduceat(weight, edges)
    )
    # A look at some places first, so that too much is refused before it is computed.
    looked = np.unique(np.linspace(0, count - 1, 16).astype(np.int64))
    squared = farthest * farthest * (1 + SAME)
    most = most * (1 + 1e-12)
    sample = sum(int(_around(i, i + 1, 1, points, weight, most, squared, boxes)[0][0]) for i in looked.tolist())
    if sample / len(looked) * count > MOST:
        raise TooLarge(
            f"The circles round {count:,} places hold about {sample // len(looked):,} places each: more than fit into "
            "memory. Choose a smaller --max-population or a --max-radius."
        )
    cuts = [min(part * leaves // parts * LEAF, count) for part in range(parts)] + [count]
    found = list(
        pool.map(
            lambda cut: _around(cut[0], cut[1], LEAF, points, weight, most, squared, boxes),
            [(a, b) for a, b in pairwise(cuts) if b > a],
        )
    )
    starts = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.concatenate([each[0] for each in found]), out=starts[1:])
    return Circles(starts, np.concatenate([each[1] for each in found]), np.concatenate([each[2] for each in found]))
