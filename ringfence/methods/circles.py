"""The circles of a scan: round each place, its neighbours by distance until there are too many people in them.

Places are first put into an order in which those that lie together stand together (a k-d tree's leaves), and a leaf is a
*group*: what its places' circles have in common is worked out once, as upper bounds for all of them (``Bounds``; the
idea of bounding many regions at once is Neill and Moore's, 2004, doi 10.1145/1014052.1014082, here for circles round
places and all their radii).
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


class Bounds(NamedTuple):
    """Upper bounds for all circles of a group of places that stand together.

    Group g has the places ``groups[g]:groups[g + 1]`` as centres. ``members`` from ``starts[g]`` to ``starts[g + 1]`` is
    every place of its circles, in an order that is cut into blocks ``blocks[g]:blocks[g + 1]``; block b ends before
    ``ends[b]``. Each circle belongs to one block: all its places stand before the block's end, and each of its weights
    is at least ``least[b]`` (infinite where no circle belongs to the block). ``last[b, k]`` says how many neighbours
    the circle of the group's k-th place has at most in blocks up to b, counted from ``Circles.starts``.
    """

    groups: Ints
    starts: Ints
    members: Shorts
    blocks: Ints
    ends: Ints
    least: Floats
    last: Shorts


@compiled
def in_leaves(points: Floats, size: int) -> Ints:
    """An order of ``points`` (n, d) in which each run of ``size`` is a leaf of a k-d tree."""
    count, dimensions = points.shape
    order = np.arange(count)
    stack = [(0, count)]
    while len(stack) > 0:
        low, high = stack.pop()
        if high - low <= size:
            continue
        widest, width = 0, -1.0
        for axis in range(dimensions):
            smallest, largest = np.inf, -np.inf
            for i in range(low, high):
                value = points[order[i], axis]
                smallest, largest = min(smallest, value), max(largest, value)
            if largest - smallest > width:
                widest, width = axis, largest - smallest
        part = order[low:high].copy()
        values = np.empty(high - low)
        for i in range(high - low):
            values[i] = points[part[i], widest]
        order[low:high] = part[np.argsort(values, kind="mergesort")]
        leaves = (high - low + size - 1) // size
        middle = low + (leaves // 2) * size
        stack.append((low, middle))
        stack.append((middle, high))
    return order


@compiled
def _around(
    first: int, until: int, size: int, points: Floats, weight: Floats, most: float, farthest: float
) -> tuple[Ints, Shorts, Flags]:
    """Counts, members and ends of the circles of places ``first`` to ``until``; ``farthest`` is squared."""
    count, dimensions = points.shape
    counts = np.zeros(until - first, dtype=np.int64)
    room = 1 << 16
    members = np.empty(room, dtype=np.int32)
    whole = np.empty(room, dtype=np.bool_)
    used = 0
    away = np.empty(count)
    bins = 4096
    heaps = np.empty(bins)
    middle = np.empty(dimensions)
    for low in range(first, until, size):
        high = min(low + size, until)
        for axis in range(dimensions):
            middle[axis] = points[low:high, axis].mean()
        largest = 0.0
        for j in range(count):
            squared = 0.0
            for axis in range(dimensions):
                gap = points[j, axis] - middle[axis]
                squared += gap * gap
            away[j] = np.sqrt(squared)
            largest = max(largest, away[j])
        spread = 0.0
        for j in range(low, high):
            spread = max(spread, away[j])
        # A circle round a place of the leaf that holds the ball below is too heavy already.
        heaps[:] = 0.0
        step = largest / (bins - 1) if largest > 0 else 1.0
        for j in range(count):
            heaps[int(away[j] / step)] += weight[j]
        reach, total = 0, 0.0
        while reach < bins and total <= most:
            total += heaps[reach]
            reach += 1
        ball = min((reach + 1) * step, np.sqrt(farthest)) + 2 * spread
        ball += 1e-6 * (ball + largest)
        near = 0
        for j in range(count):
            if away[j] <= ball:
                near += 1
        candidates = np.empty(near, dtype=np.int32)
        near = 0
        for j in range(count):
            if away[j] <= ball:
                candidates[near] = j
                near += 1
        squares = np.empty(near)
        nearer = np.empty(near, dtype=np.int32)
        for i in range(low, high):
            limit = min((reach + 1) * step + away[i], np.sqrt(farthest))
            limit = (limit * (1 + 1e-6)) ** 2 + 1e-12 * largest * largest
            found = 0
            for k in range(near):
                squared = 0.0
                for axis in range(dimensions):
                    gap = points[candidates[k], axis] - points[i, axis]
                    squared += gap * gap
                if squared <= limit:
                    squares[found], nearer[found] = squared, candidates[k]
                    found += 1
            order = np.argsort(squares[:found])
            while used + found > room:
                room *= 2
                grown, ends = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.bool_)
                grown[:used], ends[:used] = members[:used], whole[:used]
                members, whole = grown, ends
            inside, k = 0.0, 0
            while k < found:
                distance = squares[order[k]]
                tied = k
                heavier = inside
                while tied < found and squares[order[tied]] <= distance * (1 + SAME):
                    heavier += weight[nearer[order[tied]]]
                    tied += 1
                if heavier > most or distance > farthest:
                    break
                for each in range(k, tied):
                    members[used] = nearer[order[each]]
                    whole[used] = each == tied - 1
                    used += 1
                counts[i - first] += tied - k
                inside, k = heavier, tied
    return counts, members[:used].copy(), whole[:used].copy()


def around(
    points: Floats, weight: Floats, most: float, farthest: float, pool: ThreadPoolExecutor, parts: int
) -> Circles:
    """The circles round ``points`` (n, d), of which those that lie together stand together.

    A circle grows while its ``weight`` is not over ``most`` and its radius not over ``farthest``.
    """
    count = len(points)
    leaves = -(-count // LEAF)
    # A look at some places first, so that too much is refused before it is computed.
    looked = np.unique(np.linspace(0, count - 1, 16).astype(np.int64))
    squared = farthest * farthest * (1 + SAME)
    most = most * (1 + 1e-12)
    sample = sum(int(_around(i, i + 1, 1, points, weight, most, squared)[0][0]) for i in looked.tolist())
    if sample / len(looked) * count > MOST:
        raise TooLarge(
            f"The circles round {count:,} places hold about {sample // len(looked):,} places each: more than fit into "
            "memory. Choose a smaller --max-population or a --max-radius."
        )
    cuts = [min(part * leaves // parts * LEAF, count) for part in range(parts)] + [count]
    found = list(
        pool.map(
            lambda cut: _around(cut[0], cut[1], LEAF, points, weight, most, squared),
            [(a, b) for a, b in pairwise(cuts) if b > a],
        )
    )
    starts = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.concatenate([each[0] for each in found]), out=starts[1:])
    return Circles(starts, np.concatenate([each[1] for each in found]), np.concatenate([each[2] for each in found]))


@compiled
def _bounds(
    first: int, until: int, groups: Ints, starts: Ints, members: Shorts, whole: Flags, weights: Floats, grain: float
) -> tuple[Ints, Shorts, Ints, Ints, Floats, Shorts]:
    count, kinds = weights.shape
    total = np.zeros(count)
    for j in range(count):
        for s in range(kinds):
            total[j] += weights[j, s]
    widest = 1
    for g in range(first, until):
        widest = max(widest, groups[g + 1] - groups[g])
    sizes = np.zeros(until - first, dtype=np.int64)
    blocks = np.zeros(until - first, dtype=np.int64)
    room, blocked = 1 << 14, 1 << 12
    joined = np.empty(room, dtype=np.int32)
    ends = np.empty(blocked, dtype=np.int64)
    least = np.empty((blocked, kinds))
    last = np.empty((blocked, widest), dtype=np.int32)
    used = cut = 0
    entry = np.full(count, np.inf)
    place = np.empty(count, dtype=np.int64)
    inside = np.empty(kinds)
    for g in range(first, until):
        seen = np.empty(0, dtype=np.int32)
        for i in range(groups[g], groups[g + 1]):
            heavy, k = 0.0, starts[i]
            while k < starts[i + 1]:
                tied = k
                while not whole[tied]:
                    tied += 1
                for each in range(k, tied + 1):
                    heavy += total[members[each]]
                for each in range(k, tied + 1):
                    entry[members[each]] = min(entry[members[each]], heavy)
                k = tied + 1
        found = 0
        for i in range(groups[g], groups[g + 1]):
            found += starts[i + 1] - starts[i]
        seen = np.empty(found, dtype=np.int32)
        keys = np.empty(found)
        found = 0
        for i in range(groups[g], groups[g + 1]):
            for each in range(starts[i], starts[i + 1]):
                j = members[each]
                if entry[j] < np.inf:
                    seen[found], keys[found] = j, entry[j]
                    entry[j] = np.inf
                    found += 1
        order = np.argsort(keys[:found])
        while used + found > room:
            room *= 2
            grown = np.empty(room, dtype=np.int32)
            grown[:used] = joined[:used]
            joined = grown
        for k in range(found):
            joined[used + k] = seen[order[k]]
            place[seen[order[k]]] = k
        # Blocks grow with the square root of what they hold: chance does the same.
        low = 0
        begun = cut
        block_of = np.empty(found, dtype=np.int64)
        while low < found:
            key = keys[order[low]]
            high = low + 1
            while high < found and keys[order[high]] <= key + grain * np.sqrt(max(key, grain * grain)):
                high += 1
            if cut == blocked:
                blocked *= 2
                more_ends, more_least = np.empty(blocked, dtype=np.int64), np.empty((blocked, kinds))
                more_last = np.empty((blocked, widest), dtype=np.int32)
                more_ends[:cut], more_least[:cut], more_last[:cut] = ends[:cut], least[:cut], last[:cut]
                ends, least, last = more_ends, more_least, more_last
            ends[cut] = used + high
            least[cut] = np.inf
            last[cut] = 0
            block_of[low:high] = cut
            cut += 1
            low = high
        for i in range(groups[g], groups[g + 1]):
            inside[:] = 0.0
            farthest = begun
            for each in range(starts[i], starts[i + 1]):
                j = members[each]
                farthest = max(farthest, block_of[place[j]])
                for s in range(kinds):
                    inside[s] += weights[j, s]
                if whole[each]:
                    for s in range(kinds):
                        least[farthest, s] = min(least[farthest, s], inside[s])
                    last[farthest, i - groups[g]] = each + 1 - starts[i]
            for b in range(begun + 1, cut):
                last[b, i - groups[g]] = max(last[b, i - groups[g]], last[b - 1, i - groups[g]])
        sizes[g - first] = found
        blocks[g - first] = cut - begun
        used += found
    return sizes, joined[:used].copy(), blocks, ends[:cut].copy(), least[:cut].copy(), last[:cut].copy()


@compiled
def _blocks(
    first: int, until: int, starts: Ints, members: Shorts, whole: Flags, weights: Floats, grain: float
) -> tuple[Ints, Ints, Floats, Shorts]:
    """``_bounds`` of groups of one place, whose order is that of its circles."""
    kinds = weights.shape[1]
    blocks = np.zeros(until - first, dtype=np.int64)
    room = 1 << 12
    ends, least = np.empty(room, dtype=np.int64), np.empty((room, kinds))
    last = np.empty((room, 1), dtype=np.int32)
    cut = 0
    inside = np.empty(kinds)
    for i in range(first, until):
        inside[:] = 0.0
        limit, begun = -1.0, cut
        for each in range(starts[i], starts[i + 1]):
            heavy = 0.0
            for s in range(kinds):
                inside[s] += weights[members[each], s]
                heavy += inside[s]
            if not whole[each]:
                continue
            if heavy > limit or cut == begun:
                if cut == room:
                    room *= 2
                    more_ends, more_least = np.empty(room, dtype=np.int64), np.empty((room, kinds))
                    more_last = np.empty((room, 1), dtype=np.int32)
                    more_ends[:cut], more_least[:cut], more_last[:cut] = ends, least, last
                    ends, least, last = more_ends, more_least, more_last
                least[cut] = inside
                limit = heavy + grain * np.sqrt(max(heavy, grain * grain))
                cut += 1
            ends[cut - 1] = each + 1
            last[cut - 1, 0] = each + 1 - starts[i]
        blocks[i - first] = cut - begun
    return blocks, ends[:cut].copy(), least[:cut].copy(), last[:cut].copy()


def bounds(circles: Circles, weights: Floats, size: int, grain: float, pool: ThreadPoolExecutor, parts: int) -> Bounds:
    """Bounds of the circles for groups of ``size`` places, with ``weights`` (n, kinds).

    ``grain``: a block that ends at weight w holds about ``grain * sqrt(w)`` of it; finer blocks bound better, and there
    are more of them to look at.
    """
    count = len(weights)
    groups = np.append(np.arange(0, count, size), count)
    if size == 1:
        # Most of the memory is the circles' members, and they are in order already.
        singles = [(low, high) for low, high in pairwise(np.linspace(0, count, parts + 1).astype(np.int64).tolist())]
        made = list(
            pool.map(
                lambda cut: _blocks(cut[0], cut[1], circles.starts, circles.members, circles.whole, weights, grain),
                singles,
            )
        )
        counted = np.concatenate([[0], np.cumsum(np.concatenate([each[0] for each in made]))])
        ends, least, last = (np.concatenate([each[k] for each in made]) for k in (1, 2, 3))
        return Bounds(groups, circles.starts, circles.members, counted, ends, least, last)
    cuts = np.linspace(0, len(groups) - 1, parts + 1).astype(np.int64).tolist()
    found = list(
        pool.map(
            lambda cut: _bounds(cut[0], cut[1], groups, circles.starts, circles.members, circles.whole, weights, grain),
            [(a, b) for a, b in pairwise(cuts) if b > a],
        )
    )
    starts = np.concatenate([[0], np.cumsum(np.concatenate([each[0] for each in found]))])
    blocks = np.concatenate([[0], np.cumsum(np.concatenate([each[2] for each in found]))])
    before = np.cumsum([0] + [len(each[1]) for each in found])
    width = max(each[5].shape[1] for each in found)
    return Bounds(
        groups,
        starts,
        np.concatenate([each[1] for each in found]),
        blocks,
        np.concatenate([each[3] + shift for each, shift in zip(found, before[:-1], strict=True)]),
        np.concatenate([each[4] for each in found]),
        np.concatenate([np.pad(each[5], ((0, 0), (0, width - each[5].shape[1]))) for each in found]),
    )
