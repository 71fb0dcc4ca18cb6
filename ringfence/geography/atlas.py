"""The areas as plain values: read from the packaged file or from the database, asked without either.

A few hundred areas fit in memory and change once a year, so a process reads them once.

Sources (Office for National Statistics, Open Government Licence v3.0): names and codes of the Register of Geographic
Codes; mid-2019 population estimates; centroids from the postcode directory. Dates of change: the orders that made them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib.resources import files
from typing import NamedTuple

from ringfence.rules import places

POPULATION_YEAR = 2019


class UnknownArea(LookupError):
    """A code that no area has, or had, in this record."""


@dataclass(frozen=True, slots=True)
class Area:
    """One area. ``parent`` is the county of a district, else the region, else the nation; dates are half open."""

    code: str
    name: str
    kind: str
    parent: str | None
    opened: date | None = None
    closed: date | None = None
    population: int | None = None
    easting: int | None = None
    northing: int | None = None
    upper_cell: tuple[int, int] | None = None
    lower_cell: tuple[int, int] | None = None

    @property
    def lower_tier(self) -> bool:
        return self.kind in ("unitary", "metropolitan", "london", "district")

    @property
    def upper_tier(self) -> bool:
        return self.kind in ("unitary", "metropolitan", "london", "county")

    def in_force(self, on: date | None) -> bool:
        """True when the code is in force on the date; None means today's codes: those never closed."""
        if on is None:
            return self.closed is None
        return (self.opened is None or self.opened <= on) and (self.closed is None or on < self.closed)


class Change(NamedTuple):
    """On ``on`` the code ``old`` gave way to ``new``, which took ``share`` of its people."""

    old: str
    new: str
    on: date
    share: float


class Current(NamedTuple):
    """The codes that stand for a code on a date, the largest share first, and a sentence why.

    ``shares`` sums to 1 when the code was divided; going back in time, a share is the part of today's people.
    """

    codes: tuple[str, ...]
    shares: tuple[float, ...]
    why: str


class Lineage(NamedTuple):
    """An area with what it lies in: ``ltla`` and ``utla`` are codes or None, ``region`` and ``nation`` likewise."""

    code: str
    ltla: str | None
    utla: str | None
    region: str | None
    nation: str | None


TOGETHER = {
    "Hackney and City of London": ("E09000012", "E09000001"),
    "Cornwall and Isles of Scilly": ("E06000052", "E06000053"),
}
"""Areas that the health agency published as one, under the code of the first."""


class Atlas:
    """Every area by code. Immutable."""

    def __init__(self, areas: Iterable[Area], changes: Iterable[Change]) -> None:
        self.areas: Mapping[str, Area] = {area.code: area for area in areas}
        self.changes = tuple(sorted(changes, key=lambda change: (change.on, change.old, change.new)))

    def __iter__(self) -> Iterator[Area]:
        return iter(self.areas.values())

    def __len__(self) -> int:
        return len(self.areas)

    def area(self, code: str) -> Area:
        """The area, in force or not. Raises UnknownArea."""
        try:
            return self.areas[code]
        except KeyError:
            raise UnknownArea(
                f"{code!r} is not the code of an area that Ringfence knows, of today or since 2012."
            ) from None

    def upper_tier(self, on: date | None = None) -> list[Area]:
        """England's upper-tier authorities on a date (None: today's), by name."""
        return sorted((a for a in self if a.upper_tier and a.in_force(on)), key=lambda a: a.name)

    def lower_tier(self, on: date | None = None) -> list[Area]:
        """England's lower-tier authorities on a date (None: today's), by name."""
        return sorted((a for a in self if a.lower_tier and a.in_force(on)), key=lambda a: a.name)

    def regions(self) -> list[Area]:
        """England's nine regions, by name."""
        return sorted((a for a in self if a.kind == "region"), key=lambda a: a.name)

    def children(self, code: str, on: date | None = None) -> list[Area]:
        """What lies directly in an area on a date: a county's districts, a region's authorities, a nation's regions."""
        self.area(code)
        return sorted((a for a in self._children.get(code, ()) if a.in_force(on)), key=lambda a: a.name)

    def lineage(self, code: str) -> Lineage:
        """What an area lies in, or lay in when it closed. Raises UnknownArea."""
        area = self.area(code)
        found: dict[str, str] = {}
        step: Area | None = area
        while step is not None:
            for tier, holds in (
                ("ltla", step.lower_tier),
                ("utla", step.upper_tier),
                ("region", step.kind == "region"),
                ("nation", step.kind == "nation"),
            ):
                if holds:
                    found.setdefault(tier, step.code)
            step = self.areas[step.parent] if step.parent else None
        return Lineage(code, found.get("ltla"), found.get("utla"), found.get("region"), found.get("nation"))

    def current(self, code: str, on: date | None = None, name: str | None = None) -> Current:
        """The codes that stand for ``code`` on a date (None: today's codes), and why. Raises UnknownArea.

        A closed code gives its successors; a code not yet open gives those that it replaced. ``name`` matters only
        where a publisher put two areas under one code ("Cornwall and Isles of Scilly"): then both are given.
        """
        area = self.area(code)
        together = TOGETHER.get(name or "")
        if together and together[0] == code:
            return self._together(together, name or "")
        if area.in_force(on):
            return Current((code,), (1.0,), f"{area.name} ({code}) is in force.")
        forward = area.closed is not None and (on is None or on >= area.closed)
        shares, steps = self._follow(code, on, forward)
        ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
        names = " and ".join(f"{self.areas[c].name} ({c})" for c, _ in ranked)
        when = max(steps) if forward else min(steps)
        day = f"{when.day} {when:%B %Y}"
        if forward:
            divided = ", in parts," if len(ranked) > 1 else ""
            why = f"{area.name} ({code}) became{divided} {names}, by {day}."
        else:
            why = f"{area.name} ({code}) did not exist yet; its people were then in {names}, until {day}."
            if len(ranked) > 1 and any(self.areas[c].population is None for c, _ in ranked):
                why += " Their parts are not known here and taken as equal."
        return Current(tuple(c for c, _ in ranked), tuple(share for _, share in ranked), why)

    def named(self, name: str, on: date | None = None) -> list[Area]:
        """Areas in force on a date whose name this is, whatever the case, '&' for 'and', and 'City of' left out."""
        for plain in (_alike, _plain):
            wanted = plain(name)
            for together, codes in TOGETHER.items():
                if plain(together) == wanted:
                    return [self.area(code) for code in codes]
            found = [area for area in self if plain(area.name) == wanted and area.in_force(on)]
            if found:
                return found
        return []

    @cached_property
    def authorities(self) -> dict[str, places.Authority]:
        """What ``rules.places.decide`` needs, by code, for every authority a postcode may lie in."""
        found = {}
        for area in self:
            if area.kind in ("region", "county") or (area.kind == "nation" and area.code[0] not in "LM"):
                continue
            utla = self.lineage(area.code).utla
            found[area.code] = places.authority(area.code, area.name, utla, self.areas[utla].name if utla else None)
        return found

    @cached_property
    def _children(self) -> dict[str, list[Area]]:
        found: dict[str, list[Area]] = {}
        for area in self:
            if area.parent:
                found.setdefault(area.parent, []).append(area)
        return found

    def _together(self, codes: tuple[str, ...], name: str) -> Current:
        people = [self.areas[code].population or 0 for code in codes]
        names = " and ".join(f"{self.areas[code].name} ({code})" for code in codes)
        return Current(
            codes,
            tuple(n / sum(people) for n in people),
            f"'{name}' is how the health agency published {names} together, under the code of the first.",
        )

    def _follow(self, code: str, on: date | None, forward: bool) -> tuple[dict[str, float], list[date]]:
        """Shares by code of those in force on the date, reached by steps forward or back, and the days of the steps."""
        waiting, done, steps = {code: 1.0}, dict[str, float](), list[date]()
        while waiting:
            at, share = waiting.popitem()
            if self.areas[at].in_force(on):
                done[at] = done.get(at, 0.0) + share
                continue
            for other, part, day in self._forward(at) if forward else self._back(at):
                waiting[other] = waiting.get(other, 0.0) + share * part
                steps.append(day)
        if not done:
            raise UnknownArea(f"{self.areas[code].name} ({code}) has no code in force on {on}.")
        return done, steps

    def _forward(self, code: str) -> list[tuple[str, float, date]]:
        return [(c.new, c.share, c.on) for c in self.changes if c.old == code]

    def _back(self, code: str) -> list[tuple[str, float, date]]:
        county = self.areas[code].kind == "county"
        olds = [c for c in self.changes if c.new == code and (self.areas[c.old].kind == "county") == county]
        people = [(self.areas[c.old].population or 0) * c.share for c in olds]
        if not all(people):
            people = [1.0 for _ in olds]
        return [(c.old, n / sum(people), c.on) for c, n in zip(olds, people, strict=True)]


def _alike(name: str) -> str:
    marks = str.maketrans("-,./", "    ", "'\u2019")
    return " ".join(name.casefold().replace("&", " and ").translate(marks).split())


def _plain(name: str) -> str:
    return _alike(f" {_alike(name)} ".replace(" city of ", " ").replace(" county of ", " "))


def packaged() -> Atlas:
    """The areas of the file that comes with Ringfence."""
    return Atlas(_read_areas(), _read_changes())


def _rows(name: str) -> list[dict[str, str]]:
    with files("ringfence.geography").joinpath("data", name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _number(text: str) -> int | None:
    return int(text) if text else None


def _cell(q: str, r: str) -> tuple[int, int] | None:
    return (int(q), int(r)) if q else None


def _read_areas() -> Iterator[Area]:
    for row in _rows("areas.csv"):
        yield Area(
            row["code"],
            row["name"],
            row["kind"],
            row["parent"] or None,
            _date(row["opened"]),
            _date(row["closed"]),
            _number(row["population"]),
            _number(row["easting"]),
            _number(row["northing"]),
            _cell(row["upper_q"], row["upper_r"]),
            _cell(row["lower_q"], row["lower_r"]),
        )


def _read_changes() -> Iterator[Change]:
    for row in _rows("successors.csv"):
        yield Change(row["old"], row["new"], date.fromisoformat(row["on"]), float(row["share"]))
