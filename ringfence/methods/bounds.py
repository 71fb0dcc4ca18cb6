"""Upper bounds for many circles of a scan at once, so that most of them need not be looked at.

The idea of bounding many regions together is Neill and Moore's (2004, doi 10.1145/1014052.1014082); here for circles
round places in order of their radii, and for those of neighbouring places together.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ringfence.methods.circles import Circles
from ringfence.methods.compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shorts = NDArray[np.int32]
Flags = NDArray[np.bool_]


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
def _longer(array: NDArray[Any], used: int) -> NDArray[Any]:
    """Twice as much room; by hand, because compiling an assignment of slices takes seconds."""
    grown = np.empty(2 * len(array), dtype=array.dtype)
    for k in range(used):
        grown[k] = array[k]
    return grown


@compiled
def _taller(array: NDArray[Any], used: int) -> NDArray[Any]:
    """``_longer`` for a table."""
    grown = np.empty((2 * len(array), array.shape[1]), dtype=array.dtype)
    for k in range(used):
        for column in range(array.shape[1]):
            grown[k, column] = array[k, column]
    return grown


@compiled
def _sort(keys: Floats, items: Shorts, until: int) -> None:
    """Order ``items`` and ``keys`` before ``until`` by the keys (Shell 1959, doi 10.1145/368370.368387).

    By hand: compiling numpy's takes longer than all the sorting.
    """
    gap = 1
    while gap < until:
        gap = 3 * gap + 1
    while gap > 1:
        gap //= 3
        for k in range(gap, until):
            key, item, at = keys[k], items[k], k
            while at >= gap and keys[at - gap] > key:
                keys[at], items[at] = keys[at - gap], items[at - gap]
                at -= gap
            keys[at], items[at] = key, item


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
    # Numbers of a fixed kind: a plain 0 is a type of its own, and what takes it is compiled twice.
    used: Any = np.int64(0)
    cut: Any = np.int64(0)
    entry = np.empty(count)
    entry[:] = np.inf
    place = np.empty(count, dtype=np.int64)
    inside = np.empty(kinds)
    for g in range(first, until):
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
        most = 0
        for i in range(groups[g], groups[g + 1]):
            most += starts[i + 1] - starts[i]
        seen, keys = np.empty(most, dtype=np.int32), np.empty(most)
        found: Any = np.int64(0)
        for i in range(groups[g], groups[g + 1]):
            for each in range(starts[i], starts[i + 1]):
                j = members[each]
                if entry[j] < np.inf:
                    seen[found], keys[found] = j, entry[j]
                    entry[j] = np.inf
                    found += 1
        _sort(keys, seen, found)
        while used + found > room:
            room *= 2
            joined = _longer(joined, used)
        for k in range(found):
            joined[used + k] = seen[k]
            place[seen[k]] = k
        # Blocks grow with the square root of what they hold: chance does the same.
        low = 0
        begun = cut
        block_of = np.empty(found, dtype=np.int64)
        while low < found:
            key = keys[low]
            high = low + 1
            while high < found and keys[high] <= key + grain * np.sqrt(max(key, grain * grain)):
                high += 1
            if cut == blocked:
                blocked *= 2
                ends, least, last = _longer(ends, cut), _taller(least, cut), _taller(last, cut)
            ends[cut] = used + high
            for s in range(kinds):
                least[cut, s] = np.inf
            for i in range(widest):
                last[cut, i] = 0
            for k in range(low, high):
                block_of[k] = cut
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
    cut: Any = np.int64(0)
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
                    ends, least, last = _longer(ends, cut), _taller(least, cut), _taller(last, cut)
                for s in range(kinds):
                    least[cut, s] = inside[s]
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
