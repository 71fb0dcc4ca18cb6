"""Places that cases named, made into settings and stays: each place once, whoever named it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import connection

from ringfence.actions.writing import reserve
from ringfence.base.references import reference
from ringfence.geography import resolve
from ringfence.queries.interviews import Said
from ringfence.rules import exposures, settings
from ringfence.rules.exposures import Category, Windows
from ringfence.rules.settings import Kind, Place


class Named(NamedTuple):
    """Where each entry's place is: the setting by (case, entry); and how many stays and new settings there are."""

    settings: Mapping[tuple[int, str], int]
    stays: int
    made: int


class _Stay(NamedTuple):
    said: Said
    entry: str
    place: Place
    category: str
    address: str
    first: date
    last: date
    window: str
    withdrawn: bool


def _stays(said: Said, days: Windows) -> list[_Stay]:
    found = []
    for raw in said.entries("places"):
        first = date.fromisoformat(raw["from"])
        last = date.fromisoformat(raw["until"])
        kind, category = str(raw.get("kind") or ""), str(raw.get("category") or "")
        place = Place(
            0,
            str(raw.get("name") or "")[:120],
            kind if kind in set(Kind) else Kind.OTHER,
            str(raw.get("postcode") or ""),
        )
        found.append(
            _Stay(
                said,
                str(raw["id"]),
                place,
                category if category in set(Category) else Category.OTHER,
                str(raw.get("address") or "")[:300],
                first,
                max(first, last),
                exposures.seen(first, max(first, last), days).window,
                bool(raw.get("withdrawn")),
            )
        )
    return found


# Of a place that was merged the one that it was merged into, however often.
_KNOWN = """
WITH RECURSIVE at AS (
    SELECT s.id, s.name, s.kind, s.postcode, s.id AS target, s.merged_into_id AS next FROM settings s
    WHERE s.postcode = ANY (%(postcodes)s) AND s.postcode <> '' AND s.merged_into_id IS NULL
    UNION ALL
    SELECT s.id, s.name, s.kind, s.postcode, s.merged_into_id, t.merged_into_id
    FROM settings s JOIN settings t ON t.id = s.merged_into_id WHERE s.postcode = ANY (%(postcodes)s)
    UNION ALL
    SELECT a.id, a.name, a.kind, a.postcode, a.next, t.merged_into_id FROM at a JOIN settings t ON t.id = a.next
    WHERE a.next IS NOT NULL
)
SELECT target, name, kind, postcode FROM at WHERE next IS NULL ORDER BY (id = target) DESC, target
"""

_SETTINGS = """
INSERT INTO settings (id, ref, kind, name, name_key, address, postcode, authority, ltla, created_at, created_by)
SELECT id, ref, kind, name, key, address, postcode, authority, ltla, %s, made_by
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::bigint[]) AS s (id, ref, kind, name, key, address, postcode, authority, ltla, made_by)
"""

_EXPOSURES = """
INSERT INTO exposures (case_id, person_id, setting_id, entry, place, postcode, category, from_date, until_date, "window",
    source, recorded_at, recorded_by, withdrawn_at)
SELECT e.case_id, e.person, e.setting, e.entry, left(e.place, 200), e.postcode, e.category, e.first, e.last, e.seen, e.source,
    %(now)s, e.by, CASE WHEN e.withdrawn THEN %(now)s END
FROM unnest(%(cases)s::bigint[], %(people)s::bigint[], %(settings)s::bigint[], %(entries)s::text[], %(places)s::text[],
    %(postcodes)s::text[], %(categories)s::text[], %(firsts)s::date[], %(lasts)s::date[], %(windows)s::text[],
    %(sources)s::text[], %(by)s::bigint[], %(withdrawn)s::boolean[])
    AS e (case_id, person, setting, entry, place, postcode, category, first, last, seen, source, by, withdrawn)
ON CONFLICT (case_id, entry) DO UPDATE SET setting_id = excluded.setting_id, place = excluded.place,
    postcode = excluded.postcode, category = excluded.category, from_date = excluded.from_date,
    until_date = excluded.until_date, "window" = excluded."window",
    withdrawn_at = CASE WHEN excluded.withdrawn_at IS NULL THEN NULL
        ELSE coalesce(exposures.withdrawn_at, excluded.withdrawn_at) END
"""


def take_up(said: Sequence[Said], days: Mapping[int, Windows], now: datetime) -> Named:
    """The settings and stays of these cases' interviews; inside the transaction of a verb. ``days`` by case."""
    stays = [stay for each in said if each.case is not None for stay in _stays(each, days[each.case])]
    if not stays:
        return Named({}, 0, 0)
    known = _known(sorted({stay.place.postcode for stay in stays if stay.place.postcode}))
    made: list[tuple[int, Place, _Stay]] = []
    chosen: dict[tuple[int, str], int] = {}
    usable = [stay for stay in stays if stay.place.postcode and stay.place.key]
    unknown = {
        (stay.place.postcode, stay.place.kind, stay.place.key)
        for stay in usable
        if isinstance(settings.resolve(stay.place, known), settings.New)
    }
    numbers = reserve("settings", len(unknown))
    for stay in usable:
        found = settings.resolve(stay.place, known)
        if isinstance(found, settings.New) and stay.withdrawn:
            continue
        if isinstance(found, settings.New):
            setting = next(numbers)
            known.append(stay.place._replace(id=setting))
            made.append((setting, stay.place, stay))
        else:
            setting = found.setting
        chosen[_key(stay)] = setting
    if made:
        _make(made, now)
    _record(stays, chosen, now)
    return Named(chosen, len(stays), len(made))


def _key(stay: _Stay) -> tuple[int, str]:
    assert stay.said.case is not None
    return stay.said.case, stay.entry


def _known(postcodes: list[str]) -> list[Place]:
    if not postcodes:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, {"postcodes": postcodes})
        return [Place(*row) for row in cursor.fetchall()]


def _make(made: Sequence[tuple[int, Place, _Stay]], now: datetime) -> None:
    located = resolve.located({place.postcode for _, place, _ in made})
    rows: list[tuple[Any, ...]] = []
    for setting, place, stay in made:
        at = located[place.postcode]
        by = stay.said.answers["places"].user
        what = (setting, reference(setting), place.kind, place.name, place.key, stay.address, place.postcode)
        rows.append((*what, at.utla or "", at.ltla or "", by))
    with connection.cursor() as cursor:
        cursor.execute(_SETTINGS, [now, *(list(column) for column in zip(*rows, strict=True))])


def _record(stays: Sequence[_Stay], chosen: Mapping[tuple[int, str], int], now: datetime) -> None:
    arguments: dict[str, Any] = {
        "now": now,
        "cases": [stay.said.case for stay in stays],
        "people": [stay.said.person for stay in stays],
        "settings": [chosen.get(_key(stay)) for stay in stays],
        "entries": [stay.entry for stay in stays],
        "places": [stay.place.name for stay in stays],
        "postcodes": [stay.place.postcode for stay in stays],
        "categories": [stay.category for stay in stays],
        "firsts": [stay.first for stay in stays],
        "lasts": [stay.last for stay in stays],
        "windows": [stay.window for stay in stays],
        "sources": [stay.said.answers["places"].source for stay in stays],
        "by": [stay.said.answers["places"].user for stay in stays],
        "withdrawn": [stay.withdrawn for stay in stays],
    }
    with connection.cursor() as cursor:
        cursor.execute(_EXPOSURES, arguments)
