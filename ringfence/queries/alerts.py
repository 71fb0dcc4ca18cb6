"""What the methods found in an area: the list that a director opens in the morning, and what detection itself reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, NamedTuple

from django.db import connection

from ringfence.accounts import walls
from ringfence.queries.areas import must_answer_for
from ringfence.rules.access import Scope
from ringfence.rules.alerts import Method, over
from ringfence.rules.calendar import DAY, london_date, london_moment


@dataclass(frozen=True, slots=True)
class Alert:
    """One line of the list. ``false_alarms`` a year by chance; ``incident`` is the reference of what was opened from it, or
    from one that it took in."""

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

    @property
    def quiet(self) -> bool:
        """Whether it is over because no case came any more, and not because another alert took it in."""
        return self.ended_at is not None and over(self.end, london_date(self.ended_at))


#: An alert as it stands, and as it stood at the end of a day.
STANDS = "(SELECT a.*, coalesce(a.detail->>'place', '') AS place)"
STOOD = (
    """(SELECT d.* FROM alert_days d WHERE d.alert_id = a.id AND d.on_date <= %(on)s ORDER BY d.on_date DESC LIMIT 1)"""
)

_ALERTS = """
SELECT a.ref, a.method, a.area, d.place, a.postcode, a.category, d.start, d."end", a.found_at, d.updated_at, d.ended_at,
    d.cases, d.households, d.expected, d.p_value, d.recurrence_days, d.false_alarms, d.rank, d.evidence, d.dismissed_at,
    CASE WHEN d.dismissed_at IS NOT NULL THEN d.dismissed_why ELSE '' END,
    coalesce((SELECT i.ref FROM incidents i WHERE i.alert_id = a.id
        AND (%(before)s::timestamptz IS NULL OR i.opened_at < %(before)s) ORDER BY i.id LIMIT 1),
    (SELECT i.ref FROM incidents i JOIN alerts o ON o.id = i.alert_id
        WHERE a.detail ? 'took' AND o.area = a.area AND a.detail->'took' ? o.key
        AND (%(before)s::timestamptz IS NULL OR i.opened_at < %(before)s) ORDER BY i.id LIMIT 1), '')
FROM alerts a CROSS JOIN LATERAL {state} d
WHERE a.area = ANY (%(areas)s) AND {which}
ORDER BY {order} LIMIT %(limit)s
"""

_OPENED = """
INSERT INTO audit.events (at, user_id, scope, verb, area, detail)
VALUES (%(now)s, %(user)s, %(scope)s, 'alerts.listed', %(area)s, jsonb_build_object('alerts', %(count)s))
"""


def alerts(
    *, scope: Scope, area: str, now: datetime, on: date | None = None, ended: bool = False, limit: int = 50
) -> tuple[Alert, ...]:
    """The alerts of an area: those that stand, best first; or those that are over or were set aside, latest first.

    With ``on`` as they stood at the end of that day, as far as that was kept (``kept_since``). Raises Refused, and
    NotFound for an area that the person does not answer for.
    """
    must_answer_for(scope, area, "clusters")
    which = (
        "(d.ended_at IS NOT NULL OR d.dismissed_at IS NOT NULL)"
        if ended
        else ("d.ended_at IS NULL AND d.dismissed_at IS NULL")
    )
    order = "d.updated_at DESC, a.id DESC" if ended else "d.rank DESC, a.id"
    sql = _ALERTS.format(state=STANDS if on is None else STOOD, which=which, order=order)
    before = None if on is None else london_moment(on + DAY, time())
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(sql, {"areas": [area], "limit": limit, "on": on, "before": before})
        found = tuple(Alert(row[0], Method(row[1]), *row[2:]) for row in cursor.fetchall())
        cursor.execute(
            _OPENED, {"now": now, "user": scope.user, "scope": scope.name, "area": area, "count": len(found)}
        )
    return found


def kept_since(*, scope: Scope, area: str) -> date | None:
    """The first day of which it is known how the area's alerts stood; None before there was any. Raises as ``alerts``."""
    must_answer_for(scope, area, "clusters")
    with walls.transaction(scope):
        ((first,),) = rows(
            "SELECT min(d.on_date) FROM alerts a JOIN alert_days d ON d.alert_id = a.id WHERE a.area = ANY (%(areas)s)",
            areas=[area],
        )
    return first if isinstance(first, date) else None


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
