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
Counts = NDArray[np.int16] | NDArray[np.int32]

#: Replications that are counted side by side: 16 counts of 16 bits are one register.
SIDE = 16

#: Two log-likelihood ratios that differ by less than this share differ by rounding.
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
            grown[:c] = found
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

    ``table`` (n, columns, SIDE) gets them at ``side``. ``cumulative`` (n): the shares added up; ``guide[int(u * m)]`` is
    where in it to begin looking for u (indexed search, Chen and Asau 1974).
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
            table[j, column, side] += 1


@compiled
def shuffle(table: Counts, side: int, seed: int, daily: Ints, owners: Shorts, strata: Ints) -> None:
    """A replication under permutation: the cases keep their places, and their days are dealt out anew.

    ``owners`` (cases,): their places, stratum by stratum, where stratum s is ``strata[s]:strata[s + 1]``;
    ``daily[s, d]``: how many cases of the stratum fall into column d.
    """
    state = np.empty(1, dtype=np.uint64)
    state[0] = np.uint64(seed)
    spare = owners.copy()
    for s in range(len(strata) - 1):
        low, high = strata[s], strata[s + 1]
        for column in range(daily.shape[1]):
            for _ in range(daily[s, column]):
                drawn = low + int(_next(state) * (high - low))
                table[spare[drawn], column, side] += 1
                spare[drawn] = spare[low]
                low += 1


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
    oldest_end: int,
    longest: int,
    total: int,
    least: int,
) -> None:
    """Raise ``best`` (SIDE,) to the largest ratio of each replication in ``table`` (n, columns, SIDE).

    Ratios up to ``floor`` may be missed, and none above it. ``needed[b, w]``: the fewest cases with which a window w of
    block b can come over the floor (``most_expected``). A group of circles is looked at one by one only for those
    replications and windows in which its bound is over the floor and over the best so far.
    """
    columns, kinds = table.shape[1], weights.shape[1]
    held = np.empty((columns, SIDE), dtype=table.dtype)
    run = np.empty(SIDE, dtype=table.dtype)
    inside = np.empty(kinds)
    number = len(spans)
    first_block = np.empty((number, SIDE), dtype=np.int64)
    last_block = np.empty((number, SIDE), dtype=np.int64)
    marked = np.zeros(number, dtype=np.bool_)
    for g in range(len(groups) - 1):
        held[:] = 0
        any_marked = False
        each = group_starts[g]
        for b in range(blocks[g], blocks[g + 1]):
            while each < ends[b]:
                row = table[group_members[each]]
                for d in range(columns):
                    for r in range(SIDE):
                        held[d, r] += row[d, r]
                each += 1
            w = 0
            for end in range(columns - 1, oldest_end - 1, -1):
                run[:] = 0
                for begin in range(end, max(end - longest, -1), -1):
                    fewest = needed[b, w]
                    over = False
                    for r in range(SIDE):
                        run[r] += held[begin, r]
                        over |= run[r] >= fewest
                    if over:
                        e = 0.0
                        for s in range(kinds):
                            e += least_weight[b, s] * shares[s, w]
                        for r in range(SIDE):
                            if run[r] >= fewest and log_likelihood_ratio(run[r], e, total) > best[r]:
                                if not marked[w]:
                                    marked[w] = True
                                    any_marked = True
                                    first_block[w, :] = -1
                                if first_block[w, r] < 0:
                                    first_block[w, r] = b
                                last_block[w, r] = b
                    w += 1
        if not any_marked:
            continue
        for w in range(number):
            if not marked[w]:
                continue
            marked[w] = False
            for r in range(SIDE):
                if first_block[w, r] < 0:
                    continue
                for i in range(groups[g], groups[g + 1]):
                    nearest = 0
                    if first_block[w, r] > blocks[g]:
                        nearest = last[first_block[w, r] - 1, i - groups[g]]
                    farthest = last[last_block[w, r], i - groups[g]]
                    c = 0
                    inside[:] = 0.0
                    for k in range(farthest):
                        j = members[starts[i] + k]
                        for d in range(spans[w, 0], spans[w, 1] + 1):
                            c += table[j, d, r]
                        for s in range(kinds):
                            inside[s] += weights[j, s]
                        if k < nearest or c < least or not whole[starts[i] + k]:
                            continue
                        e = 0.0
                        for s in range(kinds):
                            e += inside[s] * shares[s, w]
                        if c > e and (c == total or (c - e) * (c - e) * (1 / e + 1 / (total - c)) > 2 * best[r]):
                            ratio = log_likelihood_ratio(c, e, total)
                            if ratio > best[r]:
                                best[r] = ratio
