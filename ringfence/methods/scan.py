"""Kulldorff's space-time scan statistic: where and when are there more cases than chance would bring?

A window is a circle round a place and some days; every window is compared with what is expected of it, and the one with
the largest log-likelihood ratio is the most likely cluster. How often chance alone would bring one as large is found
from replications without any cluster, which are searched in the same way.

- Kulldorff 1997 (doi 10.1080/03610929708831995): the ratio, the circles, Monte Carlo p-values.
- Kulldorff 2001 (doi 10.1111/1467-985X.00186): prospective: windows that reach into the last day.
- Kulldorff et al. 2005 (doi 10.1371/journal.pmed.0020059): permutation, when populations are not known.
- Abrams, Kleinman and Kulldorff 2010 (doi 10.1186/1476-072X-9-61): Gumbel p-values.
- Besag and Clifford 1991 (doi 10.1093/biomet/78.2.301): stopping when the p-value is plainly not small.

Conventions are SaTScan's: circles round the places themselves; a share of the population (Poisson) or of the cases
(permutation) as the largest circle; at least two cases; for each place only its best window, and of those the ones that
share no place with a better one. ``docs/methods/scan.md`` has the formulas and what was compared.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ringfence.methods import bounds as bounding
from ringfence.methods import circles as geometry
from ringfence.methods import windows as loops
from ringfence.methods.chance import Dealer, counted, expectation
from ringfence.methods.chance import Settings as Settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EARTH = 6371.0088
"""Mean radius in kilometres (IUGG)."""

EULER = 0.5772156649015329

#: Expected cases in the longest window of a group of places whose circles are bounded together; and how many standard
#: deviations of its cases a block is wide. With these it was fastest, where cases are few and where they are many.
TOGETHER = 0.4
GRAIN = 1.0

#: Cases of a circle up to which counts fit into 16 bits.
SHORT = 32_000


class Cluster(NamedTuple):
    """A window with more cases than expected.

    ``places``: nearest the centre first. ``first_day`` and ``last_day``: counted from the study's first, 0.
    ``relative_risk``: observed over expected inside, over the same outside; None where every case is inside.
    ``centre``: the place in the middle; ``radius``: to the farthest. ``rank``: 1 + the replications that had a window at
    least as good. ``p_value``: rank / (replications + 1). ``gumbel``: the same from a Gumbel distribution fitted to the
    replications. Each with its standard error; all are None without replications. p-values of every cluster but the
    first are conservative.
    """

    places: tuple[int, ...]
    first_day: int
    last_day: int
    observed: int
    expected: float
    relative_risk: float | None
    log_likelihood_ratio: float
    centre: int
    radius: float
    rank: int | None = None
    p_value: float | None = None
    p_value_error: float | None = None
    gumbel: float | None = None
    gumbel_error: float | None = None


class Found(NamedTuple):
    """Clusters, best first; and the largest ratio of each replication that was made, in their order."""

    clusters: list[Cluster]
    maxima: Floats


def on_earth(latitude: Floats, longitude: Floats) -> Floats:
    """Points (n, 3) in kilometres from the earth's centre; straight distances order places as distances on it do."""
    up, round_ = np.radians(latitude), np.radians(longitude)
    return EARTH * np.column_stack([np.cos(up) * np.cos(round_), np.cos(up) * np.sin(round_), np.sin(up)])


def chord(kilometres: float) -> float:
    """The straight distance between points so far apart on the earth's surface."""
    return 2 * EARTH * float(np.sin(min(kilometres / (2 * EARTH), np.pi / 2)))


def scan(
    points: Floats,
    place: Ints,
    day: Ints,
    count: Ints,
    days: int,
    settings: Settings,
    population: Floats | None = None,
    weekday: int = 0,
) -> Found:
    """The clusters of ``count`` cases at ``place`` on ``day`` (three arrays side by side), in a study of ``days`` days.

    ``points`` (n, 2), or (n, 3) from ``on_earth``. ``population`` (n,) is needed by Poisson; a place without any must
    have no cases. ``weekday``: of the study's first day. Raises ``ValueError`` where there is nothing to compute.
    """
    counts = counted(len(points), place, day, count, days)
    with Scanner(points, counts, settings, population, weekday) as scanner:
        clusters = scanner.clusters()
        if not clusters or not settings.replications:
            return Found(clusters, np.empty(0))
        maxima = scanner.maxima(clusters[0].log_likelihood_ratio)
    first, *others = [_tested(each, maxima, settings) for each in clusters]
    # A further one that every replication surpassed is none (SaTScan does not list it either).
    return Found([first, *(each for each in others if each.p_value != 1)], maxima)


def _tested(cluster: Cluster, maxima: Floats, settings: Settings) -> Cluster:
    ratio = cluster.log_likelihood_ratio
    above = int((maxima >= ratio * (1 - loops.ROUNDING)).sum())
    made = len(maxima)
    if settings.enough and above >= settings.enough:
        # Besag and Clifford: h among l, when the h-th came with the l-th. Another cluster may have had more by then.
        p_value, error = above / made, float(above / made * np.sqrt(max(0.0, 1 - above / made) / above))
    else:
        p_value = (above + 1) / (made + 1)
        error = float(np.sqrt(p_value * (1 - p_value) / made))
    approximate, its_error = gumbel(maxima, ratio)
    return cluster._replace(
        rank=above + 1, p_value=p_value, p_value_error=error, gumbel=approximate, gumbel_error=its_error
    )


def gumbel(maxima: Floats, ratio: float) -> tuple[float | None, float | None]:
    """How probable a maximum of ``ratio`` or more is under a Gumbel distribution with the moments of ``maxima``.

    And its standard error, from that of the moments (delta method); nothing is known of how well the distribution fits
    further out than the maxima reach.
    """
    if len(maxima) < 2 or not np.var(maxima) > 0:
        return None, None
    scale = float(np.std(maxima, ddof=1)) * np.sqrt(6) / np.pi
    far = (ratio - float(np.mean(maxima))) / scale + EULER
    p_value = float(-np.expm1(-np.exp(-far)))
    # Variances and covariance of location and scale by moments are 1.168, 1.1 and 0.096 times scale^2 / replications.
    slope = float(np.exp(-far - np.exp(-far)))
    return p_value, slope * float(np.sqrt((1.168 + 2 * 0.096 * far + 1.1 * far * far) / len(maxima)))


class Scanner:
    """A study made ready: its circles, what is expected in them, and replications without clusters.

    Inside, places stand in another order (``order``), in which those that lie together stand together.
    """

    def __init__(
        self,
        points: Floats,
        counts: NDArray[np.int32],
        settings: Settings,
        population: Floats | None = None,
        weekday: int = 0,
    ) -> None:
        places, days = counts.shape
        self.settings, self.points = settings, np.ascontiguousarray(points, dtype=np.float64)
        self.total = int(counts.sum())
        self.workers = settings.workers or len(os.sched_getaffinity(0))
        self.null = expectation(counts, settings, population, weekday)
        self.window = min(settings.longest, days)
        self.columns = days if settings.retrospective else self.window
        self.before = days - self.columns
        self.oldest_end = 0 if settings.retrospective else self.columns - 1
        self.spans = np.array(
            [
                (begin, end)
                for end in range(self.columns - 1, self.oldest_end - 1, -1)
                for begin in range(end, max(end - self.window, -1), -1)
            ]
        )
        shares = self.null.days[:, self.before :]
        self.shares = np.column_stack([shares[:, begin : end + 1].sum(1) for begin, end in self.spans.tolist()])
        # How many cases the longest window has on average, and so how many places are best bounded together.
        self.usual = self.total * float(self.null.time[self.before :].sum()) * self.window / self.columns
        self.together = int(np.clip(TOGETHER * places / max(self.usual, 1e-9), 1, 64))
        self.order = geometry.in_leaves(self.points, self.together)
        self.near = np.ascontiguousarray(counts[self.order][:, self.before :])
        self.weights = np.ascontiguousarray(self.null.weights[self.order])
        self.pool = ThreadPoolExecutor(self.workers)
        measure = self.null.measure[self.order]
        self.circles = geometry.around(
            self.points[self.order],
            measure,
            settings.largest * float(measure.sum()),
            settings.farthest,
            self.pool,
            self.workers,
        )
        self.dealer = Dealer(self.null, self.near, self.order, settings)

    def __enter__(self) -> Scanner:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown()

    def clusters(self) -> list[Cluster]:
        """For each place its best window; of these, best first, those that share no place with one before."""
        if self.total < max(self.settings.least, 1):
            return []
        circles, places = self.circles, len(self.order)
        cuts = np.linspace(0, places, 4 * self.workers + 1).astype(np.int64).tolist()
        parts = list(
            self.pool.map(
                lambda cut: loops.real(
                    cut[0], cut[1], *circles, self.weights, self.near, self.shares, self.oldest_end, self.window,
                    self.total, self.settings.least,
                ),
                [(low, high) for low, high in pairwise(cuts) if high > low],
            )
        )  # fmt: skip
        best, size, which = (np.concatenate([part[k] for part in parts]) for k in range(3))
        # Equally good: the one with fewer places, then the one whose centre was named first; not the one rounded up.
        rounded = np.array([float(f"{value:.10e}") for value in best])
        found: list[Cluster] = []
        taken = np.zeros(places, dtype=bool)
        for i in np.lexsort((self.order, size, -rounded)).tolist():
            if best[i] <= loops.ROUNDING or len(found) == self.settings.clusters:
                break
            members = circles.members[circles.starts[i] : circles.starts[i] + size[i]]
            if not taken[members].any():
                taken[members] = True
                found.append(self._cluster(i, members, int(which[i]), float(best[i])))
        return found

    def _cluster(self, centre: int, members: NDArray[np.int32], which: int, ratio: float) -> Cluster:
        begin, end = self.spans[which].tolist()
        places = self.order[members]
        away = np.sqrt(((self.points[places] - self.points[self.order[centre]]) ** 2).sum(1))
        observed = int(self.near[members, begin : end + 1].sum())
        expected = float((self.weights[members].sum(0) * self.shares[:, which]).sum())
        outside = self.total - observed
        return Cluster(
            places=tuple(places[np.lexsort((places, np.round(away, 9)))].tolist()),
            first_day=self.before + begin,
            last_day=self.before + end,
            observed=observed,
            expected=expected,
            relative_risk=observed / expected / (outside / (self.total - expected)) if outside else None,
            log_likelihood_ratio=ratio,
            centre=int(self.order[centre]),
            radius=float(away.max()),
        )

    def replication(self, number: int) -> NDArray[np.int32]:
        """Cases by place and column in a replication, places in the order of ``points``."""
        table = np.zeros((len(self.order), self.columns * loops.SIDE), dtype=np.int32)
        self.dealer.deal(table, 0, number)
        found = np.empty((len(self.order), self.columns), dtype=np.int32)
        found[self.order] = table[:, :: loops.SIDE]
        return found

    def maxima(self, target: float = np.inf) -> Floats:
        """The largest ratio of each replication, up to the one with which enough were as large as ``target``."""
        settings = self.settings
        grain = GRAIN / np.sqrt(max(self.usual / max(self.total, 1), 1e-9))
        bounds = bounding.bounds(self.circles, self.weights, self.together, grain, self.pool, self.workers)
        most = self.dealer.most()
        if self.dealer.permutation and self.together == 1:
            # Cases keep their places, so that no circle has more than fit into the largest.
            most = min(most, settings.largest * self.total)
        bars = _Bars(bounds, self.shares, settings.least, self.total, np.int16 if most <= SHORT else np.int32)

        def batch(numbers: range, floor: float) -> Floats:
            table: NDArray[Any] = np.zeros((len(self.order), self.columns * loops.SIDE), dtype=bars.kind)
            for side, number in enumerate(numbers):
                self.dealer.deal(table, side, number)
            loops.from_the_end(table)
            # Most of the time is reading it. Where some place has more, a compiled loop less is worth more than half of that.
            few = table.max() < 256
            table = table.astype(np.uint8 if few else np.int32, copy=False)
            best = np.zeros(loops.SIDE)
            while True:
                needed = bars.over(floor) if few else bars.over(floor).astype(np.int32, copy=False)
                loops.greatest(
                    table, best, floor, needed, *bounds, *self.circles, self.weights, self.shares, self.spans,
                    self.total, settings.least,
                )  # fmt: skip
                done = best[: len(numbers)]
                if floor <= 0 or (done > floor).all():
                    return done
                # One has its largest under the floor: again with a lower one, and what was found stays.
                floor = floor * 0.6 if floor > 1 else 0.0

        # By chance a window is over x with a probability near exp(-x): the largest of many is rarely under half of this.
        floor = 0.5 * float(np.log(len(self.order) * len(self.spans) + 1.0))
        maxima = np.empty(0)
        for some in _in_turns(settings.replications, self.workers):
            maxima = np.concatenate([maxima, *self.pool.map(lambda numbers, bar=floor: batch(numbers, bar), some)])
            as_large = np.flatnonzero(maxima >= target * (1 - loops.ROUNDING))
            if settings.enough and len(as_large) >= settings.enough:
                return maxima[: as_large[settings.enough - 1] + 1]
            if len(maxima) <= self.workers * loops.SIDE:
                # Of a thousand maxima the least is hardly 1 under that of the first few dozen.
                floor = max(floor, float(maxima.min()) - 1)
        return maxima


class _Bars:
    """The fewest cases with which a window of a block can come over a floor: (blocks, windows), for each floor once."""

    def __init__(
        self, bounds: bounding.Bounds, shares: Floats, least: int, total: int, kind: type[np.int16] | type[np.int32]
    ) -> None:
        self.kind = kind
        self.least, self.total = least, total
        # A block without a circle has infinite weight, and times a share of 0 that is no number: neither is ever over.
        with np.errstate(invalid="ignore"):
            self.expected = bounds.least @ shares
        self.known: dict[float, NDArray[Any]] = {}

    def over(self, floor: float) -> NDArray[Any]:
        if floor not in self.known:
            # One block at least has a circle, and a bar that no circle reaches is as good as none.
            most = float(self.expected.max(where=np.isfinite(self.expected), initial=0.0))
            bar = loops.most_expected(floor, self.least, self.total, most)
            self.known[floor] = loops.fewest(bar, self.expected, np.iinfo(self.kind).max).astype(self.kind)
        return self.known[floor]


def _in_turns(replications: int, workers: int) -> Iterator[list[range]]:
    """One turn to learn the floor from, then turns of a few batches for each worker."""
    batches = [range(low, min(low + loops.SIDE, replications)) for low in range(0, replications, loops.SIDE)]
    yield batches[:workers]
    for low in range(workers, len(batches), 4 * workers):
        yield batches[low : low + 4 * workers]
