"""Daily counts of cases as the health agency published them, read from a file.

The format is that of the daily tables of confirmed cases (Public Health England, 2020-2021): columns ``Area code``,
``Area name``, ``Area type``, ``Specimen date``, ``Daily lab-confirmed cases``, and others that are left alone. Days
without a case may be absent. Numbers may be padded with spaces or written "1,234" or "29.0". A file may hold several
levels; only the rows of lower-tier authorities are counted, because the others are sums of them.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from ringfence.geography.atlas import Atlas, UnknownArea
from ringfence.rules.plural import counted

AREA, NAME, TYPE, DAY, COUNT = "area code", "area name", "area type", "specimen date", "daily lab-confirmed cases"
LOWER = frozenset(("ltla", "lower tier local authority", "lower-tier local authority"))

#: More on one day in one authority is a slip: London's largest had some 5,000 on its worst day.
MOST = 100_000

_WHOLE = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(?:\.0+)?")


class CountsProblem(Exception):
    """The file cannot be used; the message says which file, which row, what is there and what to do."""


class Moved(NamedTuple):
    """A code of the file that counts under another one today, and why; ``cases`` is how many."""

    old: str
    new: str
    cases: int
    why: str


@dataclass(frozen=True)
class Counts:
    """What a file says: cases by lower-tier authority of today and specimen date, none of them 0.

    ``areas`` is how many areas the file has, ``left_out`` how many rows of other levels were left out, by their level.
    """

    cases: Mapping[tuple[str, date], int]
    areas: int
    moved: tuple[Moved, ...]
    left_out: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.cases.values())

    @property
    def days(self) -> list[date]:
        return sorted({day for _, day in self.cases})


def read(path: Path, atlas: Atlas, *, today: date) -> Counts:
    """Read the file, plain or gzip. Raises CountsProblem."""
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except OSError as problem:
        raise CountsProblem(f"{path.name} cannot be read: {problem.strerror or 'it is a damaged gzip file'}.") from None
    except EOFError:
        raise CountsProblem(f"{path.name} is a gzip file that is cut off; fetch it again.") from None
    if content[:2] == b"PK" or b"\0" in content[:4096]:
        raise CountsProblem(f"{path.name} is a spreadsheet or another binary file; save it as CSV.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    return parse(text, path.name, atlas, today=today)


def parse(text: str, name: str, atlas: Atlas, *, today: date) -> Counts:
    """``read`` for the text of a file called ``name``."""
    rows = csv.reader(io.StringIO(text, newline=""))
    header = [each.strip().lower() for each in next(rows, [])]
    place = {title: at for at, title in enumerate(header)}
    missing = [title for title in (AREA, DAY, COUNT) if title not in place]
    if missing:
        raise CountsProblem(
            f"{name}: no column {', '.join(repr(each) for each in missing)}. The first row has:"
            f" {', '.join(repr(each) for each in header[:12]) or 'nothing'}. Wanted is the daily table of confirmed"
            " cases with 'Area code', 'Area name', 'Area type', 'Specimen date' and 'Daily lab-confirmed cases'."
        )
    reader = _Reader(name, atlas, today)
    for number, row in enumerate(rows, start=2):
        if any(cell.strip() for cell in row):
            if len(row) != len(header):
                raise CountsProblem(f"{name}, row {number}: {len(row)} fields where the header has {len(header)}.")
            cells = {title: row[at].strip() for title, at in place.items()}
            reader.row(number, cells)
    return reader.conclude()


class _Reader:
    def __init__(self, name: str, atlas: Atlas, today: date) -> None:
        self.name, self.atlas, self.today = name, atlas, today
        self.cases: Counter[tuple[str, date]] = Counter()
        self.seen: dict[tuple[str, date], int] = {}
        self.stands: dict[tuple[str, str], tuple[str, str]] = {}
        self.moved: Counter[tuple[str, str]] = Counter()
        self.left_out: Counter[str] = Counter()

    def row(self, number: int, cells: Mapping[str, str]) -> None:
        level = cells.get(TYPE, "ltla")
        if level.lower() not in LOWER:
            self.left_out[level] += 1
            return
        where = f"{self.name}, row {number}"
        code = cells[AREA]
        area, _ = self._stands_for(code, cells.get(NAME, ""), where)
        day = self._day(cells[DAY], where)
        count = self._count(cells[COUNT], where)
        earlier = self.seen.setdefault((code, day), number)
        if earlier != number:
            raise CountsProblem(f"{where}: {code} on {day} was given in row {earlier} already; leave one of them out.")
        if count:
            self.cases[area, day] += count
            self.moved[code, cells.get(NAME, "")] += count

    def _stands_for(self, code: str, name: str, where: str) -> tuple[str, str]:
        """The lower-tier authority of today under which a code counts, and why."""
        known = self.stands.get((code, name))
        if known is None:
            try:
                current = self.atlas.current(code, None, name)
                area = self.atlas.area(current.codes[0])
            except UnknownArea:
                raise CountsProblem(f"{where}: {code!r} is not the code of an area that Ringfence knows.") from None
            if not area.lower_tier:
                raise CountsProblem(f"{where}: {code} ({area.name}) is no lower-tier authority of England.")
            why = current.why
            if len(current.codes) > 1:
                why += f" The file does not divide it, so all of it counts in {area.name}."
            known = self.stands[code, name] = (area.code, why)
        return known

    def _day(self, text: str, where: str) -> date:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise CountsProblem(f"{where}: {text!r} is no date such as 2020-08-03.") from None
        if not date(2020, 1, 1) <= day < self.today:
            raise CountsProblem(f"{where}: {text} is not a day from 1 January 2020 to yesterday.")
        return day

    def _count(self, text: str, where: str) -> int:
        whole = _WHOLE.fullmatch(text)
        if whole is None:
            said = repr(text) if text else "an empty cell"
            raise CountsProblem(f"{where}: {said} is no whole number of cases; hidden counts cannot be played.")
        count = int(whole[1].replace(",", ""))
        if count > MOST:
            raise CountsProblem(f"{where}: {text} cases on one day in one authority; at most {MOST:,} are believed.")
        return count

    def conclude(self) -> Counts:
        if not self.stands:
            levels = ", ".join(repr(each) for each in self.left_out) or "none"
            raise CountsProblem(
                f"{self.name} has no row of a lower-tier authority ('Area type' ltla); the levels in it are: {levels}."
                " Give the table by lower-tier authority."
            )
        moved = tuple(
            Moved(code, self.stands[code, name][0], self.moved[code, name], self.stands[code, name][1])
            for code, name in sorted(self.stands)
            if self.stands[code, name][0] != code or "together" in self.stands[code, name][1]
        )
        return Counts(dict(self.cases), len(self.stands), moved, dict(self.left_out))


def per_day(cases: Mapping[tuple[str, date], int]) -> dict[date, list[tuple[str, int]]]:
    """The counts of each day, in order of day and area."""
    found: dict[date, list[tuple[str, int]]] = {}
    for (area, day), count in sorted(cases.items(), key=lambda item: (item[0][1], item[0][0])):
        found.setdefault(day, []).append((area, count))
    return found


def differences(
    wanted: Mapping[tuple[str, date], int], held: Mapping[tuple[str, date], tuple[int, int]]
) -> Iterable[str]:
    """Sentences about every count that is not met: by authority and day, positives and the cases that began."""
    for area, day in sorted(set(wanted) | set(held), key=lambda each: (each[1], each[0])):
        want = wanted.get((area, day), 0)
        positives, cases = held.get((area, day), (0, 0))
        if (positives, cases) != (want, want):
            yield f"{area} on {day}: {want} wanted, {counted(positives, 'positive')} and {counted(cases, 'case')} in the record"
