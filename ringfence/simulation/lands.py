"""Authorities for a study of power: published counts and the postcodes of the directory, or made up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ringfence.geography import atlas, directory

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Land(NamedTuple):
    """An authority: its postcodes (n, 2) in metres, the number of each one's sector, its residents and daily counts; and
    how many addresses each postcode has."""

    name: str
    points: Floats
    sector: Ints
    population: int
    counts: Ints
    addresses: Ints


#: Addresses of a postcode: 15 on average, 1 to 100 (Royal Mail's bounds); that they are as unequal as a gamma distribution
#: of this shape is an assumption.
ADDRESSES, LEAST, MOST, SHAPE = 15, 1, 100, 1.0


def addresses(postcodes: int, random: np.random.Generator) -> Ints:
    """How many addresses each of so many postcodes has."""
    drawn = random.gamma(SHAPE, ADDRESSES / SHAPE, postcodes)
    return np.clip(np.round(drawn), LEAST, MOST).astype(np.int64)


def generated(seed: int, days: int = 120, population: int = 150_000) -> Land:
    """An authority that does not exist, with sectors of some 200 postcodes and counts that drift."""
    random = np.random.default_rng([seed, 7])
    sectors = max(4, population * 3 // 100 // 200)
    middles = random.uniform(0, 12_000, (sectors, 2))
    sector = np.repeat(np.arange(sectors), 200)
    points = middles[sector] + random.normal(0, 500, (len(sector), 2))
    held = addresses(len(points), np.random.default_rng([seed, 8]))
    level = 4 * np.exp(np.cumsum(random.normal(0, 0.05, days)))
    return Land(f"generated {seed}", points, sector, population, random.poisson(np.clip(level, 1, 15)), held)


def real(counts: Mapping[tuple[str, date], int], first: date, last: date, authorities: int, seed: int) -> list[Land]:
    """Some authorities by lot, with published counts from ``first`` to ``last`` and the postcodes of the directory.

    Larger and smaller ones alike: one from each of as many groups by population.
    """
    held = {code for code, _ in counts}
    known = sorted(
        (area for area in atlas.packaged().lower_tier() if area.population and area.code in held),
        key=lambda area: area.population or 0,
    )
    random = np.random.default_rng([seed, 3])
    groups = np.array_split(np.arange(len(known)), min(authorities, len(known)))
    chosen = {area.code: area for area in (known[int(random.choice(each))] for each in groups)}
    found: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
    for chunk in directory.packaged().chunks():
        for line in chunk.data.decode().splitlines():
            code, area, easting, northing, _ = line.split("\t")
            if area in chosen and easting != r"\N":
                found[area].append((code, float(easting), float(northing)))
    span = [first + timedelta(days=each) for each in range((last - first).days + 1)]
    lands: list[Land] = []
    for code, authority in chosen.items():
        if rows := sorted(found[code]):
            _, sector = np.unique([row[0][:-2] for row in rows], return_inverse=True)
            lands.append(
                Land(
                    authority.name,
                    np.array([row[1:] for row in rows]),
                    sector.astype(np.int64),
                    authority.population or 0,
                    np.array([counts.get((code, day), 0) for day in span]),
                    addresses(len(rows), np.random.default_rng([seed, 8, len(lands)])),
                )
            )
    return lands
