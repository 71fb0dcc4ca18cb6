"""An area's people as its director sees them: the line list, and the places that cases named."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.db import connection

from ringfence.accounts import walls
from ringfence.rules.access import NotFound, Scope
from ringfence.rules.calendar import DAY, london_date, london_moment
from ringfence.rules.line_list import kept
from ringfence.rules.settings import COMPLEX, HOME, Risk, risk


class Day(NamedTuple):
    """Cases by the day of the specimen; ``complete`` says that most are reported by now."""

    on: date
    cases: int
    complete: bool


def must_answer_for(scope: Scope, area: str, permission: str) -> None:
    """Raise Refused without the permission, NotFound for an area that the person does not answer for."""
    scope.require(permission)
    if area not in scope.areas:
        raise NotFound(f"There is no area {area} that you answer for.")


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
    """What the line list is narrowed to; None or "" narrows nothing. ``sector`` is the beginning of a postcode; ``known``
    the day at whose end a case was known."""

    since: date | None = None
    until: date | None = None
    sector: str = ""
    age_from: int | None = None
    age_until: int | None = None
    outcome: str = ""
    care_home: bool = False
    known: date | None = None


@dataclass(frozen=True, slots=True)
class LineList:
    """A page of the line list; ``count`` of all lines, ``more`` says that there are lines after these.

    ``offset``: how many lines are before these; an offset beyond the last line leads to the last page.
    """

    lines: tuple[Case, ...]
    count: int
    more: bool
    offset: int = 0


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
    c.onset_date, c.opened_at, c.care_home, CASE WHEN t.closed_at < %(before)s::timestamptz THEN t.outcome ELSE '' END,
    (SELECT count(*) FROM contacts k WHERE k.case_id = c.id AND k.identified_at < %(before)s::timestamptz
        AND (k.withdrawn_at IS NULL OR k.withdrawn_at >= %(before)s::timestamptz)),
    coalesce((SELECT i.ref FROM incident_cases n JOIN incidents i ON i.id = n.incident_id
        WHERE n.case_id = c.id AND n.added_at < %(before)s::timestamptz
            AND (n.removed_at IS NULL OR n.removed_at >= %(before)s::timestamptz) ORDER BY i.id LIMIT 1), ''), k.total
FROM chosen k JOIN cases c ON c.id = k.id JOIN people p ON p.id = c.person_id
LEFT JOIN traces t ON t.case_id = c.id AND t.reason = 'case'
ORDER BY k.place
"""

_LISTED = """
INSERT INTO audit.events (at, user_id, scope, verb, opened, area, detail)
VALUES (%(now)s, %(user)s, 'person', %(verb)s, true, %(area)s,
    jsonb_build_object('people', %(count)s, 'filters', %(filters)s::jsonb))
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

    With ``filters.known`` those that were known at the end of that day, with outcome, contacts and incident of then; what
    else is said of a case is what is known now, its authority too. Raises Refused, NotFound.
    """
    must_answer_for(scope, area, "line list")
    conditions = {
        "c.first_specimen_date >= %(since)s": filters.since,
        "c.first_specimen_date <= %(until)s": filters.until,
        "starts_with(c.postcode, %(sector)s)": filters.sector,
        "p.birth_date <= c.first_specimen_date - make_interval(years => %(age_from)s)": filters.age_from,
        "p.birth_date > c.first_specimen_date - make_interval(years => %(age_until)s + 1)": filters.age_until,
        "c.care_home": filters.care_home,
        "c.opened_at < %(before)s::timestamptz": filters.known,
    }
    where = [condition for condition, value in conditions.items() if value not in (None, "", False)]
    if filters.outcome == "open":
        where.append("(t.closed_at IS NULL OR t.closed_at >= %(before)s::timestamptz) AND t.id IS NOT NULL")
    elif filters.outcome:
        where.append("t.outcome = %(outcome)s AND t.closed_at < %(before)s::timestamptz")
    sql = _LINES.format(order=ORDERS.get(order, ORDERS["specimen"]), where=" AND ".join(where) or "true")
    with walls.transaction(scope), connection.cursor() as cursor:

        def lines(limit: int, offset: int) -> list[Any]:
            narrowed = {"before": before(filters.known), **filters._asdict()}
            cursor.execute(sql, {"areas": [area], "limit": limit, "offset": offset, **narrowed})
            return list(cursor.fetchall())

        rows = lines(limit, offset)
        if not rows and offset:
            first = lines(1, 0)
            offset = max(0, first[0][-1] - 1) // limit * limit if first else 0
            rows = lines(limit, offset)
        verb = "line list.exported" if taken_out else "line list.listed"
        told: dict[str, Any] = {"verb": verb, "count": len(rows), "filters": json.dumps(_told(filters), default=str)}
        cursor.execute(_LISTED, {"now": now, "user": scope.user, "area": area, **told})
    total = rows[0][-1] if rows else 0
    return LineList(tuple(Case(*row[:-1]) for row in rows), total, offset + len(rows) < total, offset)


def before(on: date | None) -> datetime | str:
    """The moment before which something was known at the end of a day; for now, all that ever was."""
    return "infinity" if on is None else london_moment(on + DAY, time())


def _told(filters: Filters) -> dict[str, Any]:
    """What the list was narrowed to, for the audit: of a whole postcode only its sector, for that may be one house."""
    given = {name: value for name, value in filters._asdict().items() if value not in (None, "", False)}
    if len(filters.sector) > 2 and filters.sector[-2:].isalpha():
        given["sector"] = filters.sector[:-2]
    return {name: "" if value is True else value for name, value in given.items()}


@dataclass(frozen=True, slots=True)
class View:
    """A view of a line list that somebody saved: field of the list's form -> values."""

    id: int
    name: str
    view: dict[str, list[str]]


def saved_views(*, scope: Scope, area: str, now: datetime) -> tuple[View, ...]:
    """One's own saved views of an area's line list, by name. Raises Refused, NotFound."""
    must_answer_for(scope, area, "line list")
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, name, filters::text FROM saved_views WHERE user_id = %s AND area = %s ORDER BY lower(name), id",
            [scope.user, area],
        )
        return tuple(View(number, name, kept(json.loads(view))) for number, name, view in cursor.fetchall())


@dataclass(frozen=True, slots=True)
class AtRisk:
    """A place that cases named: how many, when they were there, when the last of them fell ill, and how much it matters.

    ``size``: people who work, learn or live there, None when nobody has said. ``quiet``: days since the last case.
    """

    ref: str
    name: str
    kind: str
    postcode: str
    size: int | None
    cases: int
    first: date
    last: date
    last_case: date
    quiet: int
    risk: Risk


_AT_RISK = """
SELECT s.ref, s.name, s.kind, s.postcode, s.size, count(DISTINCT e.case_id), min(e.from_date), max(e.until_date),
    coalesce(max(coalesce(c.onset_date, c.first_specimen_date)), max(e.until_date))
FROM exposures e JOIN settings m ON m.id = e.setting_id
JOIN settings s ON s.id = CASE WHEN m.merged_at < %(before)s::timestamptz THEN m.merged_into_id ELSE m.id END
LEFT JOIN cases c ON c.id = e.case_id
WHERE s.authority = %(area)s AND s.kind <> %(home)s AND e.until_date >= %(since)s
    AND e.recorded_at < %(before)s::timestamptz AND (e.withdrawn_at IS NULL OR e.withdrawn_at >= %(before)s::timestamptz)
GROUP BY s.id
HAVING count(DISTINCT e.case_id) >= 2 OR s.kind = ANY (%(complex)s)
"""


def settings_at_risk(
    *, scope: Scope, area: str, now: datetime, on: date | None = None, days: int = 28, limit: int = 100
) -> tuple[AtRisk, ...]:
    """Places of the area that cases named in the last days, those that ask most for somebody to act first: care homes,
    hospitals, prisons and schools from the first case, others from the second. With ``on`` as cases had named them by the
    end of that day; days of illness and how many people are there are those known now. Raises Refused, NotFound."""
    must_answer_for(scope, area, "settings")
    today = on or london_date(now)
    values: dict[str, Any] = {
        "area": area,
        "home": HOME,
        "complex": [kind.value for kind in COMPLEX],
        "since": today - timedelta(days=days),
        "before": before(on),
    }
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(_AT_RISK, values)
        rows: list[Any] = cursor.fetchall()
    found = []
    for ref, name, kind, postcode, size, cases, first, last, last_case in rows:
        quiet = max(0, (today - last_case).days)
        weighed = risk(kind, cases, size, quiet)
        found.append(AtRisk(ref, name, kind, postcode, size, cases, first, last, last_case, quiet, weighed))
    return tuple(sorted(found, key=lambda each: (*(-part for part in each.risk.order), each.name, each.ref))[:limit])
