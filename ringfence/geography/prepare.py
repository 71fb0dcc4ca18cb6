"""Work out what ``data/areas.csv`` holds beside facts: centroids and the cells of the two hexagon maps.

``python -m ringfence.geography.prepare`` reads the packaged postcode directory and writes the file again. Needed when
authorities change or a new directory comes; the result is committed.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np

from ringfence.geography import atlas, directory
from ringfence.methods import hexmap

FILE = Path(__file__).parent / "data" / "areas.csv"


def centroids(found: directory.Directory, areas: atlas.Atlas) -> dict[str, tuple[int, int]]:
    """The mean easting and northing, to 100 m, of the postcodes in each area in force, at every level, by code."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for chunk in found.chunks():
        for line in chunk.data.decode().splitlines():
            _, code, east, north, _ = line.split("\t")
            if east != r"\N" and code != r"\N":
                for total, value in enumerate((1, int(east), int(north))):
                    sums[code][total] += value
    whole: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for code, part in sums.items():
        step: str | None = code
        while step is not None:
            whole[step] = [a + b for a, b in zip(whole[step], part, strict=True)]
            step = areas.area(step).parent
    return {code: (round(e / n / 100) * 100, round(m / n / 100) * 100) for code, (n, e, m) in whole.items()}


def cells(areas: list[atlas.Area]) -> tuple[dict[str, tuple[int, int]], hexmap.Quality]:
    """A cell for each of ``areas`` by code, and how good the map is."""
    ordered = sorted(areas, key=lambda area: area.code)
    points = np.array([(area.easting, area.northing) for area in ordered], dtype=np.float64)
    found, quality = hexmap.layout(points)
    return {area.code: (int(q), int(r)) for area, (q, r) in zip(ordered, found, strict=True)}, quality


def main() -> None:
    """Write the centroids, then the cells."""
    found = centroids(directory.packaged(), atlas.packaged())
    _write({code: dict(zip(("easting", "northing"), where, strict=True)) for code, where in found.items()})
    areas = atlas.packaged()
    values: dict[str, dict[str, int]] = defaultdict(dict)
    for tier, listed in (("upper", areas.upper_tier()), ("lower", areas.lower_tier())):
        layout, quality = cells(listed)
        print(f"{tier} tier, {len(listed)} areas: {quality}")
        for code, (q, r) in layout.items():
            values[code] |= {f"{tier}_q": q, f"{tier}_r": r}
    _write(values)


def _write(values: dict[str, dict[str, int]]) -> None:
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | values.get(row["code"], {}) for row in rows)


if __name__ == "__main__":
    main()
