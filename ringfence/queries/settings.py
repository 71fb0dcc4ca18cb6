"""Places where people met: search, one place with the cases that named it, what to suggest while somebody types."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from ringfence.accounts import walls
from ringfence.base.references import tidy
from ringfence.geography import resolve
from ringfence.queries.lines import opened_list
from ringfence.rules import settings as rules
from ringfence.rules.access import NotFound, Scope
from ringfence.rules.calendar import london_date
from ringfence.rules.places import canonical
from ringfence.rules.settings import HOME, Place

MOST = 100

#: The regions of England, by their codes.
REGIONS = frozenset(f"E120000{number:02}" for number in range(1, 10))


@dataclass(frozen=True, slots=True)
class Line:
    """A setting in a list: how many cases named it in the days looked at, and when the last of them was there."""

    id: int
    ref: str
    name: str
    kind: str
    postcode: str
    address: str
    cases: int
    last: date | None


_FOUND = """
SELECT s.id, s.ref, s.name, s.kind, s.postcode, s.address, count(DISTINCT e.case_id), max(e.until_date)
FROM settings s
LEFT JOIN settings m ON m.id = s.id OR m.merged_into_id = s.id
LEFT JOIN exposures e ON e.setting_id = m.id AND e.withdrawn_at IS NULL AND e.until_date >= %(since)s
WHERE s.authority = ANY (%(areas)s) AND s.merged_into_id IS NULL AND s.kind <> %(home)s
    AND (%(postcode)s = '' OR s.postcode = %(postcode)s) AND (%(words)s = '' OR s.name_key LIKE '%%' || %(words)s || '%%')
GROUP BY s.id ORDER BY 7 DESC, 8 DESC NULLS LAST, s.name, s.id LIMIT %(limit)s
"""


def find(*, scope: Scope, now: datetime, text: str = "", days: int = 28, limit: int = MOST) -> tuple[Line, ...]:
    """Settings in the reader's areas whose name holds these words, or at this postcode; most cases first. Without words
    those that most cases named. Raises Refused."""
    scope.require("settings")
    postcode = canonical(text) or ""
    words = "" if postcode else _escaped(rules.name_key(text))
    arguments: dict[str, Any] = {
        "areas": _areas(scope),
        "postcode": postcode,
        "words": words,
        "home": HOME,
        "since": london_date(now) - timedelta(days=days),
        "limit": limit,
    }
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(_FOUND, arguments)
        return tuple(Line(*row) for row in cursor.fetchall())


def of_a_region(scope: Scope) -> bool:
    """Whether somebody works for a region: of its cases they know, and count here, only those that were escalated to them."""
    return bool({*scope.areas, *scope.standing} & REGIONS)


def _areas(scope: Scope) -> list[str]:
    """The authorities that the scope works for or answers for; those of its region for a health protection team."""
    own = {*scope.areas, *scope.standing}
    regions = own & REGIONS
    if regions:
        upper = resolve.atlas().upper_tier()
        own |= {area.code for area in upper if resolve.lineage(area.code).region in regions}
    return sorted(own)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


_SUGGESTED = """
SELECT s.id, s.name, s.kind, s.postcode, (SELECT count(*) FROM exposures e WHERE e.setting_id = s.id) FROM settings s
WHERE s.authority = ANY (%(areas)s) AND s.merged_into_id IS NULL AND s.kind <> %(home)s
    AND (s.postcode = %(postcode)s OR %(words)s <> '' AND s.name_key LIKE '%%' || %(words)s || '%%') LIMIT 200
"""


def suggest(*, scope: Scope, text: str, postcode: str = "") -> tuple[Place, ...]:
    """What somebody may mean who has typed this much of a place's name: settings in their areas, at most eight, as
    ``rules.settings.suggest`` ranks them. For those who trace or see the settings."""
    if not (scope.may("trace") or scope.may("settings")):
        scope.require("trace")
    code = canonical(postcode) or ""
    words = rules.name_key(text).split()
    if not code and sum(map(len, words)) < 2:
        return ()
    arguments: dict[str, Any] = {
        "areas": _areas(scope),
        "postcode": code,
        "words": _escaped(words[0]) if words else "",
        "home": HOME,
    }
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(_SUGGESTED, arguments)
        known = [Place(*row) for row in cursor.fetchall()]
    return tuple(rules.suggest(text, known, code))


@dataclass(frozen=True, slots=True)
class Stay:
    """One case's stay at a setting. ``name`` is "" for somebody whom the reader's areas do not know, ``ref`` "" where no
    trace of theirs may be opened."""

    name: str
    ref: str
    category: str
    first: date
    last: date
    window: str
    as_named: str


@dataclass(frozen=True, slots=True)
class Setting:
    """A place with who was there. ``merged_into`` is the reference of the setting that it turned out to be, "" while it is
    one itself; ``merged`` are those that turned out to be this one; ``perhaps`` may be duplicates, each with why.
    ``size``: people who work, learn or live there, None when nobody has said. ``may_merge``: it lies in the reader's areas."""

    id: int
    ref: str
    name: str
    kind: str
    address: str
    postcode: str
    authority: str
    created_at: datetime
    size: int | None
    merged_into: str
    stays: tuple[Stay, ...]
    cases: int
    contacts: int
    merged: tuple[Line, ...]
    perhaps: tuple[tuple[Line, str], ...]
    may_merge: bool


_SETTING = """
SELECT s.id, s.ref, s.name, s.kind, s.address, s.postcode, s.authority, s.created_at, s.size, coalesce(i.ref, '')
FROM settings s LEFT JOIN settings i ON i.id = s.merged_into_id
WHERE s.ref = %(ref)s AND s.authority = ANY (%(areas)s)
"""

_STAYS = """
SELECT coalesce(p.given_name || ' ' || p.family_name, ''), coalesce(t.ref, ''), e.category, e.from_date, e.until_date,
    e."window", CASE WHEN m.id <> %(id)s THEN m.name ELSE '' END, e.case_id
FROM settings m JOIN exposures e ON e.setting_id = m.id AND e.withdrawn_at IS NULL
LEFT JOIN people p ON p.id = e.person_id
LEFT JOIN LATERAL (SELECT t.ref FROM traces t WHERE t.case_id = e.case_id AND t.person_id = e.person_id LIMIT 1) t ON true
WHERE m.id = %(id)s OR m.merged_into_id = %(id)s
ORDER BY e.until_date DESC, e.id DESC LIMIT 500
"""

_AROUND = """
SELECT s.id, s.ref, s.name, s.kind, s.postcode, s.address, (SELECT count(*) FROM exposures e WHERE e.setting_id = s.id),
    NULL::date, s.merged_into_id
FROM settings s
WHERE s.merged_into_id = %(id)s OR s.postcode = %(postcode)s AND s.postcode <> '' AND s.merged_into_id IS NULL
ORDER BY s.id LIMIT 200
"""


def setting(*, scope: Scope, ref: str, now: datetime) -> Setting:
    """One setting of the reader's areas, with the cases that named it. The list is logged. Raises Refused, NotFound."""
    scope.require("settings")
    with walls.transaction(scope):
        with connection.cursor() as cursor:
            cursor.execute(_SETTING, {"ref": tidy(ref), "areas": _areas(scope)})
            row = cursor.fetchone()
            if row is None:
                raise NotFound(f"There is no place {ref} that you may see.")
            arguments = {"id": row[0], "postcode": row[5]}
            cursor.execute(_STAYS, arguments)
            stays = cursor.fetchall()
            cursor.execute(_AROUND, arguments)
            around = cursor.fetchall()
            cursor.execute(
                "SELECT count(DISTINCT c.person_id) FROM settings m JOIN contacts c ON c.setting_id = m.id"
                " WHERE (m.id = %(id)s OR m.merged_into_id = %(id)s) AND c.withdrawn_at IS NULL",
                arguments,
            )
            contacts = cursor.fetchone()[0]
        opened_list("setting", None, len(stays), scope, now)
    others = {each[0]: Line(*each[:-1]) for each in around if each[-1] is None}
    own = Place(row[0], row[2], row[3], row[5], len(stays))
    known = [
        own,
        *(
            Place(each.id, each.name, each.kind, each.postcode, each.cases)
            for each in others.values()
            if each.id != row[0]
        ),
    ]
    pairs = [each for each in rules.duplicates(known) if row[0] in (each.keep, each.merge)]
    perhaps = tuple((others[each.merge if each.keep == row[0] else each.keep], each.why) for each in pairs)
    id_, found, name, kind, address, code, authority, created_at, size, into = row
    return Setting(
        id=id_,
        ref=found,
        name=name,
        kind=kind,
        address=address,
        postcode=code,
        authority=authority,
        created_at=created_at,
        size=size,
        merged_into=into,
        stays=tuple(Stay(*each[:-1]) for each in stays),
        cases=len({each[-1] for each in stays}),
        contacts=contacts,
        merged=tuple(Line(*each[:-1]) for each in around if each[-1] is not None),
        perhaps=() if into else perhaps,
        may_merge=authority in scope.standing,
    )
