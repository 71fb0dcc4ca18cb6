"""An area as its director sees it: cases by day, by age, the line list; now, or as they were known on a past day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.db import connection

from ringfence.accounts import walls
from ringfence.rules.access import NotFound, Scope
from ringfence.rules.calendar import DAY, london_date, london_moment

#: Days of the curve, and the last of them whose cases have mostly not been reported yet.
CURVE_DAYS, INCOMPLETE_DAYS = 56, 3

AGES = ((0, 4), (5, 11), (12, 17), (18, 29), (30, 49), (50, 64), (65, 79), (80, 200))


class Day(NamedTuple):
    """Cases by the day of the specimen; ``complete`` says that most are reported by now."""

    on: date
    cases: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Today:
    """The area at a moment. ``week`` and ``week_before`` are cases of seven complete days; rates are per 100,000.

    ``ages``: cases of the last 28 days by age group (from, to), None for those whose birth date is not known.
    """

    area: str
    as_at: datetime
    days: tuple[Day, ...]
    week: int
    week_before: int
    ages: tuple[tuple[tuple[int, int] | None, int], ...]
    care_homes: int
    cases: int

    def rate(self, population: int | None) -> float | None:
        """Cases of the last seven complete days per 100,000 residents."""
        return 100_000 * self.week / population if population else None

    @property
    def change(self) -> float | None:
        """Percentage by which the week differs from the one before."""
        return 100 * (self.week - self.week_before) / self.week_before if self.week_before else None


_DAYS = """
SELECT c.first_specimen_date, count(*) FROM cases c
WHERE c.authority = ANY (%(areas)s) AND c.first_specimen_date BETWEEN %(since)s AND %(until)s AND c.opened_at <= %(as_at)s
GROUP BY c.first_specimen_date
"""

_AGES = """
SELECT CASE WHEN p.birth_date IS NULL THEN -1 ELSE extract(year FROM age(c.first_specimen_date, p.birth_date))::int END,
    count(*), count(*) FILTER (WHERE c.care_home)
FROM cases c JOIN people p ON p.id = c.person_id
WHERE c.authority = ANY (%(areas)s) AND c.first_specimen_date BETWEEN %(recent)s AND %(until)s AND c.opened_at <= %(as_at)s
GROUP BY 1
"""


def must_answer_for(scope: Scope, area: str, permission: str) -> None:
    """Raise Refused without the permission, NotFound for an area that the person does not answer for."""
    scope.require(permission)
    if area not in scope.areas:
        raise NotFound(f"There is no area {area} that you answer for.")


def today(*, scope: Scope, area: str, now: datetime, on: date | None = None) -> Today:
    """The area now, or as it was known at the end of the day ``on``. Raises Refused, NotFound."""
    must_answer_for(scope, area, "area")
    as_at = now if on is None else min(now, london_moment(on + DAY, time()))
    until = london_date(now) if on is None else on
    since = until - timedelta(days=CURVE_DAYS - 1)
    values: dict[str, Any] = {
        "areas": [area],
        "since": since,
        "recent": until - timedelta(days=27),
        "until": until,
        "as_at": as_at,
    }
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(_DAYS, values)
        counts: dict[date, int] = dict(cursor.fetchall())
        cursor.execute(_AGES, values)
        ages: list[Any] = cursor.fetchall()
    last_complete = until - timedelta(days=INCOMPLETE_DAYS)
    days = tuple(
        Day(day, counts.get(day, 0), day <= last_complete)
        for day in (since + timedelta(days=n) for n in range(CURVE_DAYS))
    )
    week = sum(counts.get(last_complete - timedelta(days=n), 0) for n in range(7))
    before = sum(counts.get(last_complete - timedelta(days=n), 0) for n in range(7, 14))
    groups: list[tuple[tuple[int, int] | None, int]] = [
        (group, sum(count for age, count, _ in ages if group[0] <= age <= group[1])) for group in AGES
    ]
    unknown = sum(count for age, count, _ in ages if age < 0)
    if unknown:
        groups.append((None, unknown))
    return Today(
        area,
        as_at,
        days,
        week,
        before,
        tuple(groups),
        sum(homes for _, _, homes in ages),
        sum(count for _, count, _ in ages),
    )


@dataclass(frozen=True, slots=True)
class Case:
    """A line of the line list. ``outcome`` is "" while the trace is open, and for a case without one."""

    case: int
    ref: str
    name: str
    age: int | None
    sex: str
    postcode: str
    specimen_date: date
    onset_date: date | None
    opened_at: datetime
    care_home: bool
    outcome: str
    contacts: int
    incident: str


class Filters(NamedTuple):
    """What the line list is narrowed to; None or "" narrows nothing. ``sector`` is the beginning of a postcode."""

    since: date | None = None
    until: date | None = None
    sector: str = ""
    age_from: int | None = None
    age_until: int | None = None
    outcome: str = ""
    care_home: bool = False


@dataclass(frozen=True, slots=True)
class LineList:
    """A page of the line list; ``count`` of all lines, ``more`` says that there are lines after these."""

    lines: tuple[Case, ...]
    count: int
    more: bool


ORDERS = {
    "specimen": "c.first_specimen_date DESC, c.id DESC",
    "postcode": "c.postcode, c.first_specimen_date DESC, c.id DESC",
    "age": "p.birth_date DESC NULLS LAST, c.id DESC",
    "name": "p.family_name, p.given_name, c.id DESC",
}

_LINES = """
WITH chosen AS MATERIALIZED (
    SELECT c.id, row_number() OVER (ORDER BY {order}) AS place, count(*) OVER () AS total
    FROM cases c JOIN people p ON p.id = c.person_id
    LEFT JOIN traces t ON t.case_id = c.id AND t.reason = 'case'
    WHERE c.authority = ANY (%(areas)s) AND {where}
    ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s
)
SELECT c.id, coalesce(t.ref, ''), p.given_name || ' ' || p.family_name,
    extract(year FROM age(c.first_specimen_date, p.birth_date))::int, p.sex, c.postcode, c.first_specimen_date,
    c.onset_date, c.opened_at, c.care_home, coalesce(t.outcome, ''),
    (SELECT count(*) FROM contacts k WHERE k.case_id = c.id AND k.withdrawn_at IS NULL),
    coalesce((SELECT i.ref FROM incident_cases n JOIN incidents i ON i.id = n.incident_id
        WHERE n.case_id = c.id AND n.removed_at IS NULL ORDER BY i.id LIMIT 1), ''), k.total
FROM chosen k JOIN cases c ON c.id = k.id JOIN people p ON p.id = c.person_id
LEFT JOIN traces t ON t.case_id = c.id AND t.reason = 'case'
ORDER BY k.place
"""

_LISTED = """
INSERT INTO audit.events (at, user_id, scope, verb, opened, area, detail)
VALUES (%(now)s, %(user)s, 'person', %(verb)s, true, %(area)s, jsonb_build_object('people', %(count)s))
"""


def line_list(
    *,
    scope: Scope,
    area: str,
    now: datetime,
    filters: Filters,
    order: str = "specimen",
    limit: int = 50,
    offset: int = 0,
    taken_out: bool = False,
) -> LineList:
    """Cases of the area, line by line; each look and each export (``taken_out``) is logged with how many people it shows.

    Raises Refused, NotFound.
    """
    must_answer_for(scope, area, "line list")
    conditions = {
        "c.first_specimen_date >= %(since)s": filters.since,
        "c.first_specimen_date <= %(until)s": filters.until,
        "starts_with(c.postcode, %(sector)s)": filters.sector,
        "p.birth_date <= c.first_specimen_date - make_interval(years => %(age_from)s)": filters.age_from,
        "p.birth_date > c.first_specimen_date - make_interval(years => %(age_until)s + 1)": filters.age_until,
        "c.care_home": filters.care_home,
    }
    where = [condition for condition, value in conditions.items() if value not in (None, "", False)]
    if filters.outcome == "open":
        where.append("t.closed_at IS NULL AND t.id IS NOT NULL")
    elif filters.outcome:
        where.append("t.outcome = %(outcome)s")
    sql = _LINES.format(order=ORDERS.get(order, ORDERS["specimen"]), where=" AND ".join(where) or "true")
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(sql, {"areas": [area], "limit": limit, "offset": offset, **filters._asdict()})
        rows: list[Any] = cursor.fetchall()
        verb = "line list.exported" if taken_out else "line list.listed"
        cursor.execute(_LISTED, {"now": now, "user": scope.user, "verb": verb, "area": area, "count": len(rows)})
    total = rows[0][-1] if rows else 0
    return LineList(tuple(Case(*row[:-1]) for row in rows), total, offset + len(rows) < total)


@dataclass(frozen=True, slots=True)
class AtRisk:
    """A place that cases named: how many, over which days, days since the last, and an attack rate where its size is known."""

    ref: str
    name: str
    kind: str
    postcode: str
    cases: int
    first: date
    last: date


_AT_RISK = """
SELECT s.ref, s.name, s.kind, s.postcode, count(DISTINCT e.case_id), min(e.from_date), max(e.until_date)
FROM exposures e JOIN settings m ON m.id = e.setting_id JOIN settings s ON s.id = coalesce(m.merged_into_id, m.id)
WHERE s.authority = %(area)s AND e.withdrawn_at IS NULL AND e.until_date >= %(since)s
GROUP BY s.id, s.ref, s.name, s.kind, s.postcode
HAVING count(DISTINCT e.case_id) >= 2
ORDER BY count(DISTINCT e.case_id) DESC, max(e.until_date) DESC, s.name LIMIT %(limit)s
"""


def settings_at_risk(*, scope: Scope, area: str, now: datetime, days: int = 28, limit: int = 50) -> tuple[AtRisk, ...]:
    """Places of the area that two or more cases named in the last days, most cases first. Raises Refused, NotFound."""
    must_answer_for(scope, area, "settings")
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(_AT_RISK, {"area": area, "since": london_date(now) - timedelta(days=days), "limit": limit})
        return tuple(AtRisk(*row) for row in cursor.fetchall())
