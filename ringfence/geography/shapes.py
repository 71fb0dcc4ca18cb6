"""What an authority's map is drawn with: its outline, its postcode sectors, and the cell of each postcode.

No boundary file comes with Ringfence. Sectors and outline are worked out from the postcodes' own grid references
(``methods.shapes``), and an authority's residents are apportioned among its sectors by the number of postcodes; an
authority may give its own of both (``geography.boundaries``), which go before.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from ringfence.geography import resolve

COMPUTED = "computed from postcodes"
APPORTIONED = "apportioned by postcodes"

#: The drawing's width is some thousand steps of this: a border is as simple as the eye allows.
STEPS = 1_500

#: Metres round the authority in which neighbours' postcodes bound its own: twice as far as a cell can reach.
AROUND = 2_800

#: Postcodes at one spot, of which more are no homes but boxes of a sorting office: those of large users are all put there.
AT_ONE_SPOT = 16

Ring = list[int]


@dataclass(frozen=True, slots=True)
class Shape:
    """An authority, or the part of a sector in it. ``rings``: flat, metres east and north in turn, to fill by even and odd.

    ``source`` says where the shape is from, ``counted`` where the population is.
    """

    level: str
    code: str
    rings: tuple[Ring, ...]
    population: float | None
    source: str
    counted: str


class Cell(NamedTuple):
    """The postcodes at one spot, and the ground that is nearer to it than to any other."""

    postcodes: tuple[str, ...]
    ring: Ring


def sector_of(postcode: str) -> str:
    """The sector of a canonical postcode: "LE5 4" of "LE5 4PW"."""
    return postcode[:-2]


_STORED = """
SELECT s.level, s.code, coalesce(g.rings, s.rings)::text, coalesce(g.population, s.population),
    CASE WHEN g.rings IS NULL THEN s.source ELSE g.source END,
    CASE WHEN g.population IS NULL THEN %(counted)s ELSE g.source END
FROM geography.shapes s
LEFT JOIN geography.shapes g ON g.authority = s.authority AND g.level = s.level AND g.code = s.code AND g.given
WHERE s.authority = %(area)s AND NOT s.given
    AND s.fingerprint = (SELECT fingerprint FROM geography.loads WHERE what = 'postcodes')
    AND (s.code = %(sector)s OR %(sector)s = '')
ORDER BY s.level, s.code
"""


def stored(area: str, sector: str = "") -> list[Shape]:
    """The authority first, then its sectors by code, or one of them; empty until computed from the present postcodes."""
    with connection.cursor() as cursor:
        cursor.execute(_STORED, {"area": area, "sector": sector, "counted": APPORTIONED})
        return [
            Shape(level, code, tuple(json.loads(rings)), population, source, counted if level == "sector" else source)
            for level, code, rings, population, source, counted in cursor.fetchall()
        ]


def count(area: str) -> int:
    """How many shapes of an authority are computed from the present postcodes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM geography.shapes JOIN geography.loads USING (fingerprint)"
            " WHERE authority = %s AND NOT given AND what = 'postcodes'",
            [area],
        )
        return int(cursor.fetchone()[0])


def cells(area: str, sector: str) -> list[Cell]:
    """The cells of a sector's postcodes in the authority; empty for one that it has not, or before they are computed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT cells::text FROM geography.shapes WHERE authority = %s AND level = 'sector' AND code = %s AND NOT given",
            [area, sector],
        )
        row = cursor.fetchone()
    return [Cell(tuple(codes), ring) for codes, ring in json.loads(row[0])] if row else []


_NEAR = """
WITH own AS (SELECT code, area, easting, northing FROM geography.postcodes
    WHERE area = ANY (%(areas)s) AND easting IS NOT NULL AND terminated IS NULL),
box AS (SELECT min(easting) - %(around)s AS west, max(easting) + %(around)s AS east, min(northing) - %(around)s AS south,
    max(northing) + %(around)s AS north FROM own)
SELECT code, area, easting, northing FROM own
UNION ALL
SELECT '', '', p.easting, p.northing FROM box, geography.postcodes p
WHERE p.easting BETWEEN west AND east AND p.northing BETWEEN south AND north AND p.terminated IS NULL
    AND (p.area IS NULL OR p.area <> ALL (%(areas)s))
"""

_KEEP = """
INSERT INTO geography.shapes (authority, level, code, given, rings, cells, population, source, fingerprint)
SELECT %(area)s, level, code, false, rings, cells, population, %(source)s, l.fingerprint
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (level text, code text, rings jsonb, cells jsonb, population float8),
    geography.loads l
WHERE l.what = 'postcodes'
"""


def compute(area: str) -> int:
    """Work the shapes of an authority out and keep them, in the caller's transaction; how many.

    None where it has no postcodes, or where another transaction has done so while this one waited for it.
    """
    codes = [each.code for each in resolve.children(area) if each.lower_tier] or [area]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('shapes ' || %s))", [area])
        if count(area):
            return 0
        cursor.execute(_NEAR, {"areas": codes, "around": AROUND})
        near = cursor.fetchall()
        rows = _rows(area, near)
        cursor.execute("DELETE FROM geography.shapes WHERE authority = %s AND NOT given", [area])
        cursor.execute(_KEEP, {"area": area, "rows": json.dumps(rows), "source": COMPUTED})
    return len(rows)


def flat(rings: Sequence[NDArray[np.float64]]) -> list[Ring]:
    """Rings as they are kept, to the metre."""
    if not rings:
        return []
    numbers = np.rint(np.concatenate(rings)).astype(np.int64).ravel().tolist()
    ends = list(accumulate(2 * len(ring) for ring in rings))
    return [numbers[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _rows(area: str, near: list[tuple[str, str, int, int]]) -> list[dict[str, Any]]:
    from ringfence.methods import shapes

    sectors = {sector: number for number, sector in enumerate(sorted({sector_of(each[0]) for each in near if each[0]}))}
    if not sectors:
        return []
    points = np.array([each[2:] for each in near], dtype=np.float64)
    labels = np.array([sectors[sector_of(each[0])] if each[0] else shapes.OUTSIDE for each in near])
    mine = points[labels >= 0]
    extent = float((mine.max(axis=0) - mine.min(axis=0)).max())
    drawn = shapes.draw(points, labels, tolerance=extent / STEPS)
    at_spot: dict[int, list[str]] = defaultdict(list)
    for (code, *_), spot in zip(near, drawn.spot_of.tolist(), strict=True):
        if code:
            at_spot[spot].append(code)
    rings = flat(drawn.cells)
    cells: dict[str, list[tuple[list[str], Ring]]] = defaultdict(list)
    for spot, postcodes in at_spot.items():
        for sector in set(map(sector_of, postcodes)):
            cells[sector].append((sorted(postcodes), rings[spot]))
    people = _apportioned(near)

    whole = resolve.area(area).population
    return [
        {"level": "authority", "code": area, "rings": flat(drawn.outline), "cells": None, "population": whole},
        *(
            {
                "level": "sector",
                "code": sector,
                "rings": flat(drawn.rings.get(number, [])),
                "cells": cells[sector],
                "population": people.get(sector),
            }
            for sector, number in sectors.items()
        ),
    ]


def _apportioned(near: list[tuple[str, str, int, int]]) -> dict[str, float]:
    """Residents by sector: of each lower-tier authority in proportion to its postcodes, but for those of sorting offices. None
    where they are not known."""
    at_spot = Counter(each[2:] for each in near if each[0])
    counted: dict[tuple[str, str], int] = defaultdict(int)
    totals: dict[str, int] = defaultdict(int)
    for code, area, east, north in near:
        if code:
            home = at_spot[east, north] <= AT_ONE_SPOT
            counted[sector_of(code), area] += home
            totals[area] += home
    people: dict[str, float] = defaultdict(float)
    for (sector, area), postcodes in counted.items():
        population = resolve.area(area).population
        if population is None:
            return {}
        people[sector] += population * postcodes / max(1, totals[area])
    return people
