"""What the methods found in an area: the list that a director opens in the morning, and what detection itself reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import connection

from ringfence.accounts import walls
from ringfence.rules.access import NotFound, Scope
from ringfence.rules.alerts import Method


@dataclass(frozen=True, slots=True)
class Alert:
    """One line of the list. ``false_alarms`` a year by chance; ``incident`` is the reference of what was opened from it."""

    ref: str
    method: Method
    area: str
    place: str
    postcode: str
    category: str
    start: date
    end: date
    found_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    cases: int
    households: int | None
    expected: float | None
    p_value: float | None
    recurrence_days: float | None
    false_alarms: float | None
    rank: float
    evidence: str
    dismissed_at: datetime | None
    dismissed_why: str
    incident: str


_ALERTS = """
SELECT a.ref, a.method, a.area, coalesce(a.detail->>'place', ''), a.postcode, a.category, a.start, a."end", a.found_at,
    a.updated_at, a.ended_at, a.cases, a.households, a.expected, a.p_value, a.recurrence_days, a.false_alarms, a.rank,
    a.evidence, a.dismissed_at, a.dismissed_why,
    coalesce((SELECT i.ref FROM incidents i WHERE i.alert_id = a.id ORDER BY i.id LIMIT 1), '')
FROM alerts a
WHERE a.area = ANY (%(areas)s) AND {which}
ORDER BY {order} LIMIT %(limit)s
"""

_OPENED = """
INSERT INTO audit.events (at, user_id, scope, verb, area, detail)
VALUES (%(now)s, %(user)s, %(scope)s, 'alerts.listed', %(area)s, jsonb_build_object('alerts', %(count)s))
"""


def alerts(*, scope: Scope, area: str, now: datetime, ended: bool = False, limit: int = 50) -> tuple[Alert, ...]:
    """The alerts of an area: those that stand, best first; or those that are over or were set aside, latest first.

    Raises Refused, and NotFound for an area that the person does not answer for.
    """
    scope.require("clusters")
    if area not in scope.areas:
        raise NotFound(f"There is no area {area} that you answer for.")
    which = (
        "(a.ended_at IS NOT NULL OR a.dismissed_at IS NOT NULL)"
        if ended
        else ("a.ended_at IS NULL AND a.dismissed_at IS NULL")
    )
    sql = _ALERTS.format(which=which, order="a.updated_at DESC, a.id DESC" if ended else "a.rank DESC, a.id")
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(sql, {"areas": [area], "limit": limit})
        found = tuple(Alert(row[0], Method(row[1]), *row[2:]) for row in cursor.fetchall())
        cursor.execute(
            _OPENED, {"now": now, "user": scope.user, "scope": scope.name, "area": area, "count": len(found)}
        )
    return found


class Visit(NamedTuple):
    """A case was at a place: what detection needs of an exposure."""

    case: int
    household: int
    authority: str
    postcode: str
    category: str
    first: date
    last: date
    setting: str
    kind: str


# A household is the address; people without one are each their own.
_VISITS = """
SELECT e.case_id, coalesce(p.household, -p.id), c.authority, e.postcode, e.category, e.from_date, e.until_date,
    coalesce(s.name, nullif(e.place, ''), ''), coalesce(s.kind, '')
FROM unnest(%(postcodes)s::text[], %(categories)s::text[]) AS w (postcode, category)
JOIN exposures e ON e.postcode = w.postcode AND e.category = w.category
JOIN cases c ON c.id = e.case_id JOIN people p ON p.id = e.person_id
LEFT JOIN settings s ON s.id = e.setting_id
WHERE e.until_date >= %(since)s AND e.withdrawn_at IS NULL AND e.recorded_at <= %(now)s
"""

_NAMED = """
SELECT c.authority, e.from_date, count(*)
FROM cases c JOIN exposures e ON e.case_id = c.id
WHERE c.authority = ANY (%(areas)s) AND c.first_specimen_date >= %(since)s AND e.until_date >= %(since)s
    AND e.postcode <> '' AND e.withdrawn_at IS NULL AND e.recorded_at <= %(now)s
GROUP BY c.authority, e.from_date
"""

_HOMES = """
SELECT c.id, coalesce(p.household, -p.id), c.authority, c.postcode, c.first_specimen_date
FROM unnest(%(areas)s::text[], %(postcodes)s::text[]) AS w (area, postcode)
JOIN cases c ON c.authority = w.area AND c.postcode = w.postcode AND c.first_specimen_date >= %(since)s
JOIN people p ON p.id = c.person_id
"""

_PREVALENCE = """
SELECT c.authority, count(DISTINCT coalesce(p.household, -p.id))
FROM cases c JOIN people p ON p.id = c.person_id
WHERE c.authority = ANY (%(areas)s) AND c.first_specimen_date >= %(since)s GROUP BY c.authority
"""

_DAYS = """
SELECT c.authority, c.postcode, c.first_specimen_date, array_agg(c.id ORDER BY c.id)
FROM cases c WHERE c.authority = ANY (%(areas)s) AND c.first_specimen_date BETWEEN %(since)s AND %(until)s
    AND c.opened_at <= %(now)s
GROUP BY c.authority, c.postcode, c.first_specimen_date
"""


def rows(sql: str, **values: Any) -> list[Any]:
    """The rows of one of the statements above, in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def visits(pairs: list[tuple[str, str]], since: date, now: datetime) -> list[Visit]:
    """Every visit since a day to the places named, (postcode, category) each."""
    postcodes, categories = [each[0] for each in pairs], [each[1] for each in pairs]
    return [Visit(*row) for row in rows(_VISITS, postcodes=postcodes, categories=categories, since=since, now=now)]


def named(areas: list[str], since: date, now: datetime) -> dict[str, dict[date, int]]:
    """How many visits since a day the cases of each area named, to whatever place, by the visit's first day."""
    found: dict[str, dict[date, int]] = {area: {} for area in areas}
    for area, on, visits in rows(_NAMED, areas=areas, since=since, now=now):
        found[area][on] = visits
    return found


def homes(pairs: list[tuple[str, str]], since: date) -> list[tuple[int, int, str, str, date]]:
    """Case, household, authority, postcode and specimen date of the cases at (authority, postcode) since a day."""
    areas, postcodes = [each[0] for each in pairs], [each[1] for each in pairs]
    return rows(_HOMES, areas=areas, postcodes=postcodes, since=since)


def households_with_cases(areas: list[str], since: date) -> dict[str, int]:
    """Households with a case since a day, by authority."""
    return dict(rows(_PREVALENCE, areas=areas, since=since))


def days(areas: list[str], since: date, until: date, now: datetime) -> list[tuple[str, str, date, list[int]]]:
    """Cases of the areas by authority, postcode and specimen date, as known at ``now``."""
    return rows(_DAYS, areas=areas, since=since, until=until, now=now)
