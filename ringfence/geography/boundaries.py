"""An authority's own boundaries and populations: GeoJSON and CSV files as values.

GeoJSON (RFC 7946): a feature for the authority or a postcode sector, named by its property ``code`` or ``sector``.
Coordinates are longitude and latitude (WGS84), as the standard has it, or metres of the British National Grid where the
file says so in ``crs`` (EPSG:27700).
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringfence.geography.shapes import Ring
from ringfence.rules import places

NAMES = ("code", "sector")

# Metres: the grid of Great Britain.
_EAST, _NORTH = 700_000, 1_300_000


class BoundaryProblem(Exception):
    """A file of boundaries or populations cannot be used; the message says what, where and what to do."""


@dataclass(frozen=True, slots=True)
class Given:
    """What was given: rings and residents by code. ``fingerprint`` changes when a file does."""

    rings: dict[str, list[Ring]]
    people: dict[str, float]
    source: str
    fingerprint: str


def read(boundaries: Path | None, populations: Path | None) -> Given:
    """What the files say. Raises BoundaryProblem."""
    files = [path for path in (boundaries, populations) if path is not None]
    contents = {path: _bytes(path) for path in files}
    digest = hashlib.sha256(b"".join(hashlib.sha256(contents[path]).digest() for path in files))
    digest.update(f"{boundaries is not None} {populations is not None}".encode())
    return Given(
        _rings(boundaries, contents[boundaries]) if boundaries else {},
        _people(populations, contents[populations]) if populations else {},
        " and ".join(path.name for path in files)[:200],
        digest.hexdigest(),
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise BoundaryProblem(f"{path} cannot be read: {problem.strerror}.") from problem


def _code(text: object, at: str) -> str:
    """ "le54" and "LE5 4" are the sector LE5 4; an authority's code is itself."""
    code = " ".join(str(text or "").upper().split())
    if code[:1] == "E" and code[1:].isdigit() and len(code) == 9:
        return code
    spelling = places.read(f"{code}AA")
    if not code or spelling.postcode is None or spelling.corrected:
        raise BoundaryProblem(
            f"{at}: {code[:20]!r} is neither a postcode sector, such as LE5 4, nor an authority's code, such as E06000016."
        )
    return spelling.postcode[:-2]


def _rings(path: Path, content: bytes) -> dict[str, list[Ring]]:
    try:
        whole = json.loads(content)
        features = whole["features"]
        metres = "27700" in json.dumps(whole.get("crs", ""))
        assert isinstance(features, list) and features
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError):
        raise BoundaryProblem(
            f"{path.name} is not a GeoJSON FeatureCollection with features. Export the boundaries as GeoJSON."
        ) from None
    found: dict[str, list[Ring]] = {}
    for number, feature in enumerate(features, 1):
        at = f"{path.name}, feature {number}"
        try:
            named = {key.casefold(): value for key, value in (feature["properties"] or {}).items()}
            kind, coordinates = feature["geometry"]["type"], feature["geometry"]["coordinates"]
        except (KeyError, TypeError, AttributeError):
            raise BoundaryProblem(f"{at} has no properties or no geometry.") from None
        name = next((named[name] for name in NAMES if named.get(name)), None)
        if name is None:
            raise BoundaryProblem(f"{at} has no property 'code' or 'sector' that says what it is.")
        code = _code(name, at)
        if kind not in ("Polygon", "MultiPolygon"):
            raise BoundaryProblem(f"{at} ({code}) is a {kind}; a boundary is a Polygon or a MultiPolygon.")
        if code in found:
            raise BoundaryProblem(f"{at}: {code} is there twice. Join its parts as one MultiPolygon.")
        polygons = [coordinates] if kind == "Polygon" else coordinates
        found[code] = [_ring(ring, metres, f"{at} ({code})") for polygon in polygons for ring in polygon]
    return found


def _ring(ring: Any, metres: bool, at: str) -> Ring:
    import numpy as np

    from ringfence.methods import grid

    try:
        points = np.array([[float(each[0]), float(each[1])] for each in ring])
        assert points.shape[0] >= 4 and points.shape[1] == 2
    except (ValueError, TypeError, IndexError, KeyError, AssertionError):
        raise BoundaryProblem(f"{at} has a ring that is not four or more pairs of numbers.") from None
    if not metres:
        if not ((abs(points[:, 0]) <= 180) & (abs(points[:, 1]) <= 90)).all():
            raise BoundaryProblem(
                f"{at} has coordinates that are no degrees. For metres of the British National Grid, let the file say"
                ' "crs": {"type": "name", "properties": {"name": "EPSG:27700"}}.'
            )
        points = np.stack(grid.from_degrees(points[:, 0], points[:, 1]), axis=1)
    if not ((points >= 0) & (points <= (_EAST, _NORTH))).all():
        raise BoundaryProblem(
            f"{at} does not lie in Great Britain. Longitude comes before latitude, east before north."
        )
    flat: Ring = np.rint(points[:-1] if (points[0] == points[-1]).all() else points).astype(int).ravel().tolist()
    return flat


def _people(path: Path, content: bytes) -> dict[str, float]:
    try:
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        names = {name.strip().casefold(): name for name in rows.fieldnames or ()}
        key = next((names[name] for name in NAMES if name in names), None)
        if key is None or "population" not in names:
            raise BoundaryProblem(f"{path.name} has no header with the columns code and population.")
        found: dict[str, float] = {}
        for row in rows:
            at = f"{path.name}, line {rows.line_num}"
            code, text = _code(row[key], at), (row[names["population"]] or "").strip().replace(",", "")
            if not text.isascii() or not text.replace(".", "", 1).isdigit() or len(text) > 12:
                raise BoundaryProblem(f"{at}: {text[:20]!r} is not a number of people.")
            if code in found:
                raise BoundaryProblem(f"{at}: {code} is there twice.")
            found[code] = float(text)
    except (UnicodeDecodeError, csv.Error) as problem:
        raise BoundaryProblem(f"{path.name} is not a CSV file in UTF-8: {problem}.") from problem
    if not found:
        raise BoundaryProblem(f"{path.name} has no line with a population.")
    return found
