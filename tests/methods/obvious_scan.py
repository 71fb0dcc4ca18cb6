"""The space-time scan as its papers define it, one window after the other in plain Python: slow, and plainly right."""

from __future__ import annotations

from itertools import groupby
from math import log
from typing import NamedTuple


class Window(NamedTuple):
    ratio: float
    places: tuple[int, ...]
    first: int
    last: int
    observed: int
    expected: float


def ratio(c, e, total):
    if c <= e:
        return 0.0
    return c * log(c / e) + ((total - c) * log((total - c) / (total - e)) if total > c else 0.0)


def expected_poisson(counts, population, time):
    total = sum(map(sum, counts))
    return [[total * p / sum(population) * t / sum(time) for t in time] for p in population]


def expected_permutation(counts, kinds):
    """Kulldorff et al. 2005: cases of the place times cases of the day over all cases, within each kind of day."""
    days = len(counts[0])
    out = []
    for row in counts:
        out.append([])
        for d in range(days):
            alike = [x for x in range(days) if kinds[x] == kinds[d]]
            of_kind = sum(other[x] for other in counts for x in alike)
            here = sum(row[x] for x in alike)
            out[-1].append(here * sum(other[d] for other in counts) / of_kind if of_kind else 0.0)
    return out


def circles(points, measure, largest, farthest, centre):
    """Sets of places, growing: those at one distance come in together or end the circle."""

    def away(i):
        return sum((a - b) ** 2 for a, b in zip(points[i], points[centre], strict=True))

    inside = []
    for squared, tied in groupby(sorted(range(len(points)), key=away), key=away):
        tied = list(tied)
        weight = sum(measure[i] for i in inside + tied)
        if weight > largest * sum(measure) * (1 + 1e-12) or squared > farthest**2 * (1 + 1e-9):
            return
        inside = inside + tied
        yield tuple(inside)


def windows(
    points, counts, expected, measure, *, longest, largest, farthest=float("inf"), retrospective, least, total=None
):
    """For each place, every window round it."""
    total, days = total or sum(map(sum, counts)), len(counts[0])
    for centre in range(len(points)):
        found = []
        for inside in circles(points, measure, largest, farthest, centre):
            for last in range(days) if retrospective else [days - 1]:
                for first in range(max(0, last - longest + 1), last + 1):
                    c = sum(counts[i][d] for i in inside for d in range(first, last + 1))
                    e = sum(expected[i][d] for i in inside for d in range(first, last + 1))
                    if c >= least:
                        found.append(Window(ratio(c, e, total), inside, first, last, c, e))
        yield found


def greatest(*args, **settings):
    return max((each.ratio for found in windows(*args, **settings) for each in found), default=0.0)


def clusters(*args, **settings):
    """Of each place the best window; of these, best first, those that share no place with a better one."""
    best = [max(found, key=lambda each: each.ratio) for found in windows(*args, **settings) if found]
    taken, chosen = set(), []
    for each in sorted(best, key=lambda each: -each.ratio):
        if each.ratio > 0 and not taken & set(each.places):
            taken |= set(each.places)
            chosen.append(each)
    return chosen
