"""Questions about places: which authority a postcode lies in, what an area lies in, what became of a code.

Areas are read once by each process and kept, and so are the postcodes asked for last; a process that runs while a new
geography is loaded sees it when it is next started. Postcodes are asked of the database in sets.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from threading import Lock

from django.db import connection
from psycopg import Cursor

from ringfence.geography.atlas import Area, Atlas, Change, Current, Lineage
from ringfence.geography.packed import Packed
from ringfence.rules import places
from ringfence.rules.places import Entry, Place

MOST_REMEMBERED = 100_000

_kept: Atlas | None = None
_remembered: dict[str, Place] = {}
_packed: Packed | None = None
_lock = Lock()


class NotLoaded(Exception):
    """There are no areas in the database yet."""


def atlas() -> Atlas:
    """Every area, from the database, read once. Raises NotLoaded."""
    global _kept
    kept = _kept
    if kept is None:
        with _lock:
            kept = _kept
            if kept is None:
                kept = _kept = _read()
    return kept


def forget() -> None:
    """Read areas and postcodes again when they are next asked for."""
    global _kept, _packed
    _kept = _packed = None
    _remembered.clear()


def _read() -> Atlas:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT code, name, kind, parent, opened, closed, population, easting, northing,"
            " upper_q, upper_r, lower_q, lower_r"
            " FROM geography.areas"
            " LEFT JOIN geography.area_parents ON child = code AND until IS NOT DISTINCT FROM closed"
        )
        areas = [
            Area(*facts, *(cell if cell[0] is not None else None for cell in (cells[:2], cells[2:])))
            for facts, cells in ((row[:9], row[9:]) for row in cursor.fetchall())
        ]
        cursor.execute('SELECT old, new, "on", share FROM geography.area_successors')
        changes = [Change(old, new, on, float(share)) for old, new, on, share in cursor.fetchall()]
    if not areas:
        raise NotLoaded("The geography has not been loaded. Run: ./run ringfence geography load")
    return Atlas(areas, changes)


def place(postcodes: Iterable[str | None]) -> dict[str | None, Place]:
    """Where each postcode lies, in any spelling, by the text that was given; at most one statement for the set."""
    spelt = {text: places.read(text) for text in dict.fromkeys(postcodes)}
    found = located(spelling.postcode for spelling in spelt.values() if spelling.postcode is not None)
    return {
        text: places.decide(spelling, None, {}) if spelling.postcode is None else found[spelling.postcode]
        for text, spelling in spelt.items()
    }


def located(canonical: Iterable[str]) -> dict[str, Place]:
    """``place`` for postcodes that ``rules.places.read`` has made canonical; at most one statement for the set.

    The last places asked for are remembered by the process, up to MOST_REMEMBERED.
    """
    found: dict[str, Place] = {}
    asked = []
    for postcode in set(canonical):
        place = _remembered.get(postcode)
        if place is None:
            asked.append(postcode)
        else:
            found[postcode] = place
    if asked:
        authorities = atlas().authorities
        entries = _entries(asked)
        fresh = {postcode: places.locate(postcode, entries.get(postcode), authorities) for postcode in asked}
        found |= fresh
        if len(_remembered) + len(entries) > MOST_REMEMBERED:
            _remembered.clear()
        if len(entries) <= MOST_REMEMBERED:
            # What is not listed may be tomorrow, and there is no end to what may be mistyped.
            _remembered.update((postcode, fresh[postcode]) for postcode in entries)
    return found


def packed() -> Packed:
    """England's postcodes in memory, 25 MB, read once by each process; empty where the loaded ones were not packed."""
    global _packed
    if _packed is None:
        connection.ensure_connection()
        with Cursor(connection.connection) as cursor:
            cursor.execute(
                "SELECT codes, numbers, entries FROM geography.packed_postcodes JOIN geography.loads"
                " USING (what, fingerprint) WHERE what = 'postcodes'",
                binary=True,
            )
            codes, numbers, entries = cursor.fetchone() or (b"", b"", [])
        _packed = Packed(codes, numbers, entries, atlas().authorities)
    return _packed


def _entries(canonical: list[str]) -> dict[str, Entry]:
    with connection.cursor() as cursor:
        # One text instead of an array: adapting five thousand elements takes longer than finding them. A canonical
        # postcode holds no comma. In order, so that neighbours are found on one page.
        cursor.execute(
            "SELECT code, area, easting, northing, terminated FROM geography.postcodes"
            " WHERE code = ANY(string_to_array(%s, ','))",
            [",".join(sorted(canonical))],
        )
        return {row[0]: row[1:] for row in cursor.fetchall()}


def area(code: str) -> Area:
    """The area, in force or not. Raises UnknownArea."""
    return atlas().area(code)


def children(code: str, on: date | None = None) -> list[Area]:
    """What lies directly in an area on a date (None: today's): a county's districts, a region's upper tier."""
    return atlas().children(code, on)


def lineage(code: str) -> Lineage:
    """The lower tier, upper tier, region and nation that an area is or lies in. Raises UnknownArea."""
    return atlas().lineage(code)


def current(code: str, on: date | None = None, name: str | None = None) -> Current:
    """The codes that stand for ``code`` on a date (None: today's), the main one first, and why: ``Atlas.current``."""
    return atlas().current(code, on, name)
