"""The compiled loops of a scan: every window of the real data, and the best window of each replication.

A *window* is a circle and some days. In every array here days are *columns*, numbered among the days that windows may
have, and a window has a number w in the order of ``spans``. Its expected cases are ``inside @ shares[:, w]``, where
``inside`` is the sum over the circle's places of a row of ``weights`` (n, kinds): one kind, or one for each day of the
week when places may have weekly patterns of their own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ringfence.methods.compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shorts = NDArray[np.int32]
Flags = NDArray[np.bool_]
Counts = NDArray[np.uint8] | NDArray[np.int16] | NDArray[np.int32]

#: Replications that are counted side by side: 16 counts of 16 bits are one register, and two registers go at once.
SIDE = 32

#: Two log-likelihood ratios that differ by less than this share differ by rounding, and one that is less than this is none.
ROUNDING = 1e-9


@compiled
def log_likelihood_ratio(observed: float, expected: float, total: float) -> float:
    """Kulldorff 1997: c ln(c/e) + (C - c) ln((C - c)/(C - e)) where more are observed than expected, else 0."""
    if not observed > expected:
        return 0.0
    ratio: float = observed * np.log(observed / expected)
    if total > observed:
        ratio += (total - observed) * np.log((total - observed) / (total - expected))
    return ratio


@compiled
def most_expected(needed: float, least: int, total: int, enough: float) -> Floats:
    """For c = 0, 1, ...: below how many expected cases c observed ones have a ratio over ``needed``.

    Ends with the first c that is good for ``enough`` expected cases, or with ``total``. ``least``: the fewest cases.
    """
    room = 1024
    found = np.empty(room)
    c = 0
    while True:
        if c == room:
            room *= 2
            grown = np.empty(room)
            for k in range(c):
                grown[k] = found[k]
            found = grown
        if c < least or c == 0:
            found[c] = -1.0
        elif needed <= 0:
            found[c] = c
        else:
            low, high = max(found[c - 1], 0.0), float(c)
            for _ in range(60):
                middle = (low + high) / 2
                if middle <= 0 or log_likelihood_ratio(c, middle, total) > needed:
                    low = middle
                else:
                    high = middle
                if high - low <= 1e-10 * high:
                    break
            found[c] = high * (1 + 1e-9)
        if c == total or found[c] > enough:
            return found[: c + 1].copy()
        c += 1


@compiled
def fewest(bar: Floats, expected: Floats, highest: int) -> Ints:
    """For each expected number the fewest cases that are over the ``bar`` of ``most_expected``; infinity is never."""
    fine = 16.0
    guide = np.empty(int(np.sqrt(bar[-1]) * fine) + 2 if bar[-1] > 0 else 2, dtype=np.int64)
    c = 0
    for k in range(len(guide)):
        while c < len(bar) and bar[c] <= (k / fine) ** 2:
            c += 1
        guide[k] = c
    found = np.empty(expected.shape, dtype=np.int64)
    for b in range(expected.shape[0]):
        for w in range(expected.shape[1]):
            e = expected[b, w]
            if not e < bar[-1]:
                found[b, w] = highest
                continue
            c = guide[int(np.sqrt(e) * fine)]
            while bar[c] <= e:
                c += 1
            found[b, w] = min(c, highest)
    return found


@compiled
def real(
    first: int,
    until: int,
    starts: Ints,
    members: Shorts,
    whole: Flags,
    weights: Floats,
    counts: Shorts,
    shares: Floats,
    oldest_end: int,
    longest: int,
    total: int,
    least: int,
) -> tuple[Floats, Ints, Ints]:
    """The best window round each place ``first`` to ``until``: its ratio, how many places, and its number w.

    ``counts`` (n, columns). Windows end in column ``oldest_end`` or later and have up to ``longest`` columns. Of windows
    that are equally good the first is taken: the smaller circle, the later end, the shorter window.
    """
    columns, kinds = counts.shape[1], weights.shape[1]
    best = np.zeros(until - first)
    size = np.zeros(until - first, dtype=np.int64)
    which = np.zeros(until - first, dtype=np.int64)
    held = np.empty(columns, dtype=np.int64)
    inside = np.empty(kinds)
    for i in range(first, until):
        held[:] = 0
        inside[:] = 0.0
        top = 0.0
        for each in range(starts[i], starts[i + 1]):
            j = members[each]
            for d in range(columns):
                held[d] += counts[j, d]
            for s in range(kinds):
                inside[s] += weights[j, s]
            if not whole[each]:
                continue
            w = 0
            for end in range(columns - 1, oldest_end - 1, -1):
                c = 0
                for begin in range(end, max(end - longest, -1), -1):
                    c += held[begin]
                    if c >= least:
                        e = 0.0
                        for s in range(kinds):
                            e += inside[s] * shares[s, w]
                        # The ratio is at most the left side here, which needs no logarithm.
                        if c > e and (c == total or (c - e) * (c - e) * (1 / e + 1 / (total - c)) > 2 * top):
                            ratio = log_likelihood_ratio(c, e, total)
                            if ratio > top * (1 + ROUNDING):
                                top = ratio
                                size[i - first] = each + 1 - starts[i]
                                which[i - first] = w
                    w += 1
        best[i - first] = top
    return best, size, which


@compiled
def _next(state: NDArray[np.uint64]) -> float:
    """A number in [0, 1) of SplitMix64 (Steele, Lea and Flood 2014, doi 10.1145/2714064.2660195)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@compiled
def scatter(table: Counts, side: int, seed: int, daily: Ints, cumulative: Floats, guide: Ints) -> None:
    """A replication under Poisson: ``daily[d]`` cases in column d fall on places by their share of the population.

    ``table`` (n, columns * SIDE) gets those of column d at ``d * SIDE + side``. ``cumulative`` (n): the shares added up;
    ``guide[int(u * m)]`` is where in it to begin looking for u (indexed search, Chen and Asau 1974).
    """
    state = np.empty(1, dtype=np.uint64)
    state[0] = np.uint64(seed)
    final = len(cumulative) - 1
    for column in range(len(daily)):
        for _ in range(daily[column]):
            u = _next(state)
            j = guide[int(u * len(guide))]
            while j < final and cumulative[j] <= u:
                j += 1
            table[j, column * SIDE + side] += 1


@compiled
def shuffle(table: Counts, side: int, seed: int, daily: Ints, owners: Shorts, strata: Ints) -> None:
    """A replication under permutation: the cases keep their places, and their days are dealt out anew.

    ``owners`` (cases,): their places, stratum by stratum, where stratum s is ``strata[s]:strata[s + 1]``;
    ``daily[s, d]``: how many cases of the stratum fall into column d. ``table`` as in ``scatter``.
    """
    state = np.empty(1, dtype=np.uint64)
    state[0] = np.uint64(seed)
    spare = owners.copy()
    for s in range(len(strata) - 1):
        low, high = strata[s], strata[s + 1]
        for column in range(daily.shape[1]):
            for _ in range(daily[s, column]):
                drawn = low + int(_next(state) * (high - low))
                table[spare[drawn], column * SIDE + side] += 1
                spare[drawn] = spare[low]
                low += 1


@compiled
def from_the_end(table: Counts) -> None:
    """Make of each column's cases those of it and all later ones: a window is then the difference of two columns."""
    for j in range(table.shape[0]):
        for k in range(table.shape[1] - SIDE - 1, -1, -1):
            table[j, k] += table[j, k + SIDE]


@compiled
def one(
    table: Counts,
    begin: int,
    end: int,
    nearest: int,
    farthest: int,
    best: float,
    start: int,
    members: Shorts,
    whole: Flags,
    weights: Floats,
    shares: Floats,
    w: int,
    total: int,
    least: int,
) -> float:
    """The larger of ``best`` and the largest ratio of circles of one place with ``nearest + 1`` to ``farthest`` places."""
    kinds = weights.shape[1]
    inside = np.zeros(kinds)
    c = 0
    for k in range(farthest):
        j = members[start + k]
        c += table[j, begin]
        if end < table.shape[1]:
            c -= table[j, end]
        for s in range(kinds):
            inside[s] += weights[j, s]
        if k < nearest or c < least or not whole[start + k]:
            continue
        e = 0.0
        for s in range(kinds):
            e += inside[s] * shares[s, w]
        if c > e and (c == total or (c - e) * (c - e) * (1 / e + 1 / (total - c)) > 2 * best):
            best = max(best, log_likelihood_ratio(c, e, total))
    return best


@compiled
def greatest(
    table: Counts,
    best: Floats,
    floor: float,
    needed: Counts,
    groups: Ints,
    group_starts: Ints,
    group_members: Shorts,
    blocks: Ints,
    ends: Ints,
    least_weight: Floats,
    last: Shorts,
    starts: Ints,
    members: Shorts,
    whole: Flags,
    weights: Floats,
    shares: Floats,
    spans: Ints,
    total: int,
    least: int,
) -> None:
    """Raise ``best`` (SIDE,) to the largest ratio of each replication in ``table``, which is counted ``from_the_end``.

    Ratios up to ``floor`` may be missed, and none above it. ``needed[b, w]``: the fewest cases with which a window w of
    block b can come over the floor (``most_expected``). A group of circles is looked at one by one only for those
    replications and windows in which its bound is over the floor and over the best so far.
    """
    across, kinds = table.shape[1], weights.shape[1]
    number = len(spans)
    held = np.empty(across, dtype=needed.dtype)
    run = np.empty(SIDE, dtype=needed.dtype)
    bar = np.empty(across, dtype=needed.dtype)
    prospective = number * SIDE == across
    first_block, last_block = np.empty((number, SIDE), dtype=np.int64), np.empty((number, SIDE), dtype=np.int64)
    first_block[:] = -1
    marks = np.empty((number * SIDE, 2), dtype=np.int64)
    for g in range(len(groups) - 1):
        held[:] = 0
        marked = 0
        low = group_starts[g]
        for b in range(blocks[g], blocks[g + 1]):
            # Flat loops over neighbouring counts, which the compiler turns into vector instructions, four places at a time.
            while low + 3 < ends[b]:
                j0, j1 = group_members[low], group_members[low + 1]
                j2, j3 = group_members[low + 2], group_members[low + 3]
                for k in range(across):
                    held[k] += (table[j0, k] + table[j1, k]) + (table[j2, k] + table[j3, k])
                low += 4
            while low < ends[b]:
                j0 = group_members[low]
                for k in range(across):
                    held[k] += table[j0, k]
                low += 1
            if prospective:
                # All windows at once: mostly none is over, and then that is all.
                for w in range(number):
                    for k in range(spans[w, 0] * SIDE, spans[w, 0] * SIDE + SIDE):
                        bar[k] = needed[b, w]
                over = False
                for k in range(across):
                    over |= held[k] >= bar[k]
                if not over:
                    continue
            for w in range(number):
                begin, end = spans[w, 0] * SIDE, spans[w, 1] * SIDE + SIDE
                fewest = needed[b, w]
                over = False
                if end == across:
                    for r in range(SIDE):
                        over |= held[begin + r] >= fewest
                else:
                    for r in range(SIDE):
                        over |= held[begin + r] - held[end + r] >= fewest
                if not over:
                    continue
                for r in range(SIDE):
                    run[r] = held[begin + r] - (0 if end == across else held[end + r])
                e = 0.0
                for s in range(kinds):
                    e += least_weight[b, s] * shares[s, w]
                for r in range(SIDE):
                    if run[r] >= fewest and log_likelihood_ratio(run[r], e, total) > best[r]:
                        if first_block[w, r] < 0:
                            first_block[w, r] = b
                            marks[marked, 0], marks[marked, 1] = w, r
                            marked += 1
                        last_block[w, r] = b
        for m in range(marked):
            w, r = marks[m, 0], marks[m, 1]
            begin, end = spans[w, 0] * SIDE + r, spans[w, 1] * SIDE + SIDE + r
            for i in range(groups[g], groups[g + 1]):
                nearest = last[first_block[w, r] - 1, i - groups[g]] if first_block[w, r] > blocks[g] else 0
                farthest = last[last_block[w, r], i - groups[g]]
                best[r] = one(
                    table,
                    begin,
                    end,
                    nearest,
                    farthest,
                    best[r],
                    starts[i],
                    members,
                    whole,
                    weights,
                    shares,
                    w,
                    total,
                    least,
                )
            first_block[w, r] = -1
