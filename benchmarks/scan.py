"""The space-time scan, beside a plain one in the same run: the same circles and windows, every one looked at.

The plain one is numba too, on as many threads, with the neighbours sorted once and a logarithm taken only where it can
matter: what one writes first. It makes fewer replications, and its time is that of one times their number (``--full``:
all of them for the areas). Where the goal speaks of SaTScan or of R, the figure beside is the one that was recorded
(2 cores, November 2026): SaTScan 10.3 took 81 s for the areas, R's ``scanstatistics`` about 160 s for a thousand.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from benchmarks.harness import Figure, alternate, at_most, say, under
from ringfence.methods import scan

SATSCAN = 81.0
R_THOUSAND = 160.0

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def country(places: int, cases: int, days: int, seed: int) -> tuple[Floats, NDArray[np.int32], Floats]:
    """Points in settlements, in metres; cases by place and day, with an outbreak in the last days; populations."""
    generator = np.random.default_rng(seed)
    middles = generator.uniform(0, 500_000, (places // 60 + 1, 2))
    points = middles[generator.integers(0, len(middles), places)] + generator.normal(0, 7_000, (places, 2))
    population = generator.integers(5_000, 12_000, places).astype(float)
    share = np.repeat(population / population.sum() / days, days)
    counts = generator.multinomial(cases, share).reshape(places, days).astype(np.int32)
    nearest = np.argsort(((points - points[0]) ** 2).sum(1))[:15]
    counts[nearest, -4:] += generator.poisson(0.6, (15, 4)).astype(np.int32)
    return points, counts, population


def plain_circles(points: Floats, measure: Floats, most: float) -> tuple[Ints, NDArray[np.int32]]:
    """Each place's neighbours, nearest first, until they are too heavy."""
    tree = cKDTree(points)
    wanted = min(len(points), int(3 * len(points) * most / measure.sum()) + 50)
    sizes, members = [], []
    for low in range(0, len(points), 2_000):
        _, near = tree.query(points[low : low + 2_000], wanted, workers=-1)
        inside = np.cumsum(measure[near], axis=1) <= most
        if inside[:, -1].any() and wanted < len(points):
            raise AssertionError("more neighbours are needed")
        sizes.append(inside.sum(1))
        members.append(near[inside].astype(np.int32))
    return np.concatenate([[0], np.cumsum(np.concatenate(sizes))]), np.concatenate(members)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def plain_greatest(
    starts: Ints, members: NDArray[np.int32], weight: Floats, share: Floats, counts: NDArray[np.int32], total: int
) -> float:
    """The largest ratio; ``counts`` (n, windows) and ``share`` (windows,) are of the last 1, 2, 3, ... days."""
    windows = counts.shape[1]
    held = np.empty(windows, dtype=np.int64)
    best = 0.0
    for i in range(len(starts) - 1):
        held[:] = 0
        inside = 0.0
        for each in range(starts[i], starts[i + 1]):
            j = members[each]
            inside += weight[j]
            for w in range(windows):
                held[w] += counts[j, w]
                c, e = held[w], inside * share[w]
                if c > e and c > 1 and (c - e) * (c - e) * (total - c + e) >= 2 * best * e * (total - c):
                    ratio = c * np.log(c / e)
                    if total > c:
                        ratio += (total - c) * np.log((total - c) / (total - e))
                    best = max(best, ratio)
    return best


def compared(
    points: Floats,
    counts: NDArray[np.int32],
    population: Floats | None,
    settings: scan.Settings,
    few: int,
    rounds: int = 3,
) -> tuple[float, float]:
    """Seconds of ours and of the plain one, which makes ``few`` of the replications; both find the same."""
    place, day = np.nonzero(counts)
    cases, days = counts[place, day], counts.shape[1]

    def whole() -> scan.Found:
        return scan.scan(points, place, day, cases, days, settings, population)

    # Compiled before the clock starts, as it is when the command is given for the second time.
    found = whole()
    with scan.Scanner(points, counts, settings, population) as scanner:
        first = [scanner.replication(number) for number in range(few)]
        weight, measure, share = scanner.null.weights[:, 0], scanner.null.measure, scanner.shares[0]
    most = settings.largest * float(measure.sum()) * (1 + 1e-12)
    plain_greatest(np.zeros(1, dtype=np.int64), np.empty(0, dtype=np.int32), weight, share, first[0], 1)

    def ours() -> float:
        began = time.perf_counter()
        whole()
        return time.perf_counter() - began

    def plain() -> float:
        began = time.perf_counter()
        starts, members = plain_circles(points, measure, most)
        prepared = time.perf_counter() - began
        total = int(counts.sum())
        near = [counts[:, -len(share) :], *first]
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            began = time.perf_counter()
            maxima = list(
                pool.map(
                    lambda one: plain_greatest(
                        starts,
                        members,
                        weight,
                        share,
                        np.ascontiguousarray(np.cumsum(one[:, ::-1], axis=1, dtype=np.int32)),
                        total,
                    ),
                    near,
                )
            )
            each = (time.perf_counter() - began) / len(near)
        if not np.allclose(maxima[1:], found.maxima[:few], rtol=1e-9):
            raise AssertionError("the replications' largest ratios differ")
        if not np.isclose(maxima[0], found.clusters[0].log_likelihood_ratio, rtol=1e-9):
            raise AssertionError("the clusters differ")
        return prepared + each * (settings.replications + 1)

    took = alternate({"ours": ours, "plain": plain}, rounds)
    return took["ours"], took["plain"]


def run(full: bool) -> list[Figure]:
    """Areas of England, a thousand areas, and the postcodes that had cases in a national week."""
    figures = []
    for_areas = scan.Settings(longest=7, largest=0.1, replications=999)
    say("  6,791 areas x 28 days:")
    ours, plain = compared(*country(6_791, 20_000, 28, 3), for_areas, 999 if full else 64)
    figures.append(under(10.0, "scan", "6,791 areas x 28 days, 999 replications", ours, "s", "plain numba", plain))
    figures.append(at_most(1 / 8, "scan", "the same", ours, "s", "SaTScan 10.3 (recorded)", SATSCAN))
    say("  1,000 areas x 28 days:")
    ours, plain = compared(*country(1_000, 3_000, 28, 4), for_areas, 999 if full else 200)
    figures.append(under(5.0, "scan", "1,000 areas x 28 days, 999 replications", ours, "s", "plain numba", plain))
    figures.append(at_most(1 / 200, "scan", "the same", ours, "s", "R scanstatistics (recorded)", R_THOUSAND))
    say("  100,000 postcodes with cases in a week, permutation:")
    points, counts, _ = country(100_000, 50_000, 7, 5)
    counts[counts.sum(1) == 0, np.arange((counts.sum(1) == 0).sum()) % 7] = 1
    week = scan.Settings(model="permutation", longest=3, largest=0.01, replications=999)
    ours, plain = compared(points, counts, None, week, 32 if full else 2, rounds=1)
    figures.append(
        at_most(
            1 / 8, "scan", "100,000 postcodes with cases in a week, 999 permutations", ours, "s", "plain numba", plain
        )
    )
    return figures
