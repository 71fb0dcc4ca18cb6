"""What chance alone would bring: how many cases are expected where and when, and replications drawn from that.

Kulldorff 1997 for Poisson, Kulldorff et al. 2005 for the permutation; docs/methods/scan.md has the formulas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ringfence.methods import windows as loops

#: Cases up to which a replication deals them out one by one: of more, how many each place has is drawn at once.
ONE_BY_ONE = 1_000_000

#: So many cases are not counted: no study has them, and it would take hours.
MOST = 100_000_000

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shorts = NDArray[np.int32]


@dataclass(frozen=True)
class Settings:
    """What to look for.

    ``longest``: days of the longest window. ``largest``: share of the population (permutation: of the cases) in the
    largest circle. ``farthest``: the largest radius, in the units of the points. ``least``: the fewest cases of a
    cluster. ``weekday``: expect what each day of the week usually brings (permutation: to each place). ``daily``
    (Poisson): expect of each day what it brought, so that only where counts, and days are kept in replications.
    ``reported`` (Poisson): the share of a day's cases known 0, 1, 2, ... days later; then all.
    ``enough``: stop when so many replications were as large as the most likely cluster (Besag and Clifford); 0 never.
    """

    model: Literal["poisson", "permutation"] = "poisson"
    longest: int = 7
    largest: float = 0.5
    farthest: float = float("inf")
    retrospective: bool = False
    least: int = 2
    weekday: bool = False
    daily: bool = False
    reported: tuple[float, ...] = ()
    replications: int = 999
    enough: int = 0
    seed: int = 1
    clusters: int = 20
    workers: int = 0


def counted(places: int, place: Ints, day: Ints, count: Ints, days: int) -> NDArray[np.int32]:
    """Cases by place and day (places, days); what is listed twice is added up."""
    if count.sum() >= MOST:
        raise ValueError(
            f"There are {count.sum():,} cases, and {MOST:,} are more than can be counted: correct the counts."
        )
    added = np.bincount(np.asarray(place) * days + np.asarray(day), np.asarray(count), places * days)
    return added.reshape(places, days).astype(np.int32)


class Null(NamedTuple):
    """What is expected without clusters: of place i on day d, the sum over kinds s of ``weights[i, s] * days[s, d]``.

    ``time`` (days,): each day's share of all cases. ``measure`` (n,): what limits a circle. ``kind`` (days,): of each day.
    """

    weights: Floats
    days: Floats
    time: Floats
    measure: Floats
    kind: Ints


def expectation(
    counts: NDArray[np.int32], settings: Settings, population: Floats | None = None, weekday: int = 0
) -> Null:
    """What ``counts`` (n, days) would be without clusters, by the settings' model and adjustments."""
    days = counts.shape[1]
    weekdays = (np.arange(days) + weekday) % 7
    total = float(counts.sum())
    daily = counts.sum(0).astype(np.float64)
    if settings.model == "permutation":
        kind = weekdays if settings.weekday else np.zeros(days, dtype=np.int64)
        kinds = int(kind.max()) + 1
        weights = np.column_stack([counts[:, kind == s].sum(1) for s in range(kinds)]).astype(np.float64)
        shares = np.zeros((kinds, days))
        shares[kind, np.arange(days)] = daily / np.maximum(weights.sum(0), 1.0)[kind]
        return Null(weights, shares, daily / max(total, 1.0), weights.sum(1), kind)
    if population is None:
        raise ValueError("Poisson needs populations; without them there is the permutation.")
    if not population.sum() > 0:
        raise ValueError("The populations are all 0.")
    if (counts.sum(1)[population <= 0] > 0).any():
        raise ValueError("A place has cases and no population.")
    if settings.daily:
        time = daily / max(total, 1.0)
    else:
        time = np.ones(days)
        time[::-1][: len(settings.reported)] = settings.reported[:days]
        if settings.weekday and total:
            # A day's cases over how many of its kind there were, of which a late one counts as what is known of it.
            time = (
                time * (np.bincount(weekdays, daily, 7) / np.maximum(np.bincount(weekdays, time, 7), 1e-12))[weekdays]
            )
        time = time / time.sum()
    weights = (population / population.sum() * total)[:, None]
    return Null(weights, time[None, :], time, population.astype(np.float64), np.zeros(days, dtype=np.int64))


class Dealer:
    """Makes replications: the same ones for the same seed, however they are divided among threads."""

    def __init__(self, null: Null, near: NDArray[np.int32], order: Ints, settings: Settings) -> None:
        columns = near.shape[1]
        before = len(null.time) - columns
        self.seed = settings.seed
        self.total = round(float(null.weights.sum()))
        self.permutation = settings.model == "permutation"
        self.fixed = near.sum(0).astype(np.int64) if settings.daily else None
        self.time = np.append(null.time[before:], max(0.0, 1 - float(null.time[before:].sum())))
        if self.permutation:
            owned = np.round(null.weights[order]).astype(np.int64)
            kinds = owned.shape[1]
            self.strata = np.concatenate([[0], np.cumsum(owned.sum(0))])
            self.owned = owned if self.total > ONE_BY_ONE else None
            if self.owned is None:
                owners = [np.repeat(np.arange(len(order)), owned[:, s]) for s in range(kinds)]
                self.owners = np.concatenate(owners).astype(np.int32)
            self.daily = np.zeros((kinds, columns), dtype=np.int64)
            self.daily[null.kind[before:], np.arange(columns)] = near.sum(0)
        else:
            self.share = null.measure[order] / null.measure.sum()
            self.cumulative = np.cumsum(null.measure[order]) / null.measure.sum()
            self.guide = np.searchsorted(self.cumulative, np.arange(len(order)) / len(order), "right")

    def most(self) -> float:
        """Cases that all days of the windows together never have more of."""
        if self.permutation:
            return float(self.daily.sum())
        if self.fixed is not None:
            return float(self.fixed.sum())
        # Twelve standard deviations over the mean: not once in 10^30 draws.
        mean = self.total * float(1 - self.time[-1] / self.time.sum())
        return mean + 12 * float(np.sqrt(mean)) + 100

    def deal(self, table: loops.Counts, side: int, number: int) -> None:
        generator = np.random.default_rng([self.seed, number])
        seed = int(generator.integers(1 << 62))
        if self.permutation and self.owned is not None:
            self._shuffle_many(table, side, generator)
            return
        if self.permutation:
            loops.shuffle(table, side, seed, self.daily, self.owners, self.strata)
            return
        daily = self.fixed
        if daily is None:
            daily = generator.multinomial(self.total, self.time / self.time.sum())[:-1]
        many = daily > ONE_BY_ONE
        for column in np.flatnonzero(many).tolist():
            table[:, column * loops.SIDE + side] += generator.multinomial(daily[column], self.share)
        loops.scatter(table, side, seed, np.where(many, 0, daily), self.cumulative, self.guide)

    def _shuffle_many(self, table: loops.Counts, side: int, generator: np.random.Generator) -> None:
        """What ``loops.shuffle`` does, by the number of each place's cases that fall on a day."""
        assert self.owned is not None
        for s in range(self.owned.shape[1]):
            left = self.owned[:, s].copy()
            for column, cases in enumerate(self.daily[s].tolist()):
                drawn = generator.multivariate_hypergeometric(left, cases, method="marginals")
                table[:, column * loops.SIDE + side] += drawn
                left -= drawn
