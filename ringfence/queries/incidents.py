"""Incidents as their directors see them: the list of an area, and one with its cases, curve, chain, actions and log."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta

from django.db import connection

from ringfence.accounts import walls
from ringfence.base.references import tidy
from ringfence.queries.areas import Day, before, must_answer_for
from ringfence.rules.access import NotFound, Scope
from ringfence.rules.calendar import london_date
from ringfence.rules.figures import INCOMPLETE_DAYS
from ringfence.rules.incidents import Link, Member, chain, quiet_days
from ringfence.rules.settings import HOME


@dataclass(frozen=True, slots=True)
class Line:
    """An incident in a list. ``closed_at`` is None while it is open."""

    ref: str
    title: str
    opened_at: datetime
    closed_at: datetime | None
    outcome: str
    cases: int
    last_case: date | None


_LIST = """
SELECT i.ref, i.title, i.opened_at, CASE WHEN i.closed_at < %(before)s::timestamptz THEN i.closed_at END,
    CASE WHEN i.closed_at < %(before)s::timestamptz THEN i.outcome ELSE '' END, count(n.id), max(c.first_specimen_date)
FROM incidents i
LEFT JOIN incident_cases n ON n.incident_id = i.id AND n.added_at < %(before)s::timestamptz
    AND (n.removed_at IS NULL OR n.removed_at >= %(before)s::timestamptz)
LEFT JOIN cases c ON c.id = n.case_id
WHERE i.opened_at < %(before)s::timestamptz AND (i.area = %(area)s OR EXISTS (SELECT 1 FROM incident_areas x
    WHERE x.incident_id = i.id AND x.area = %(area)s AND x.agreed_at < %(before)s::timestamptz AND x.ended_at IS NULL))
GROUP BY i.id ORDER BY 4 DESC NULLS FIRST, i.opened_at DESC LIMIT %(limit)s
"""


def incidents(*, scope: Scope, area: str, now: datetime, on: date | None = None, limit: int = 100) -> tuple[Line, ...]:
    """The incidents of an area, the open ones first; with ``on`` as they stood at the end of that day. Raises Refused, NotFound."""
    must_answer_for(scope, area, "clusters")
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(_LIST, {"area": area, "limit": limit, "before": before(on)})
        return tuple(Line(*row) for row in cursor.fetchall())


@dataclass(frozen=True, slots=True)
class Case:
    """A linked case. ``name`` is "" for one of another authority, of whom the reference, the day and the outcome are shown."""

    case: int
    area: str
    ref: str
    name: str
    postcode: str
    day: date
    outcome: str
    why: str
    added_at: datetime
    removed_at: datetime | None
    removed_why: str
    member: Member | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A place of the incident, and how many of its linked cases named it; one that is not linked has no ``why``."""

    id: int
    ref: str
    name: str
    kind: str
    postcode: str
    cases: int
    why: str
    removed_at: datetime | None = None
    removed_why: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """Something to be done, or an entry of the log (without ``due_on``)."""

    id: int
    what: str
    owner: str
    due_on: date | None
    at: datetime
    by_name: str
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Partner:
    """Another authority of an incident: asked, and from ``agreed_at`` until ``ended_at`` one that takes part."""

    area: str
    why: str
    asked_at: datetime
    agreed_at: datetime | None
    ended_at: datetime | None
    ended_why: str


@dataclass(frozen=True, slots=True)
class Ask:
    """What an authority is asked by another one, ``lead``: to take part in an incident of which it sees only why."""

    id: int
    lead: str
    why: str
    asked_at: datetime


_ASKS = """
SELECT id, lead, why, asked_at FROM incident_areas
WHERE area = %(area)s AND agreed_at IS NULL AND ended_at IS NULL ORDER BY asked_at, id LIMIT 50
"""


def asks(*, scope: Scope, area: str) -> tuple[Ask, ...]:
    """What other authorities ask of an area and nobody has answered, the oldest first. Raises Refused, NotFound."""
    must_answer_for(scope, area, "clusters")
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(_ASKS, {"area": area})
        return tuple(Ask(*row) for row in cursor.fetchall())


@dataclass(frozen=True, slots=True)
class Record:
    """One incident with everything around it. ``quiet`` is the days since its last case; ``named`` are places that its
    cases named and that are not linked, most cases first."""

    ref: str
    title: str
    summary: str
    area: str
    version: int
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None
    outcome: str
    postcode: str
    alert: str
    evidence: str
    cases: tuple[Case, ...]
    removed: tuple[Case, ...]
    days: tuple[Day, ...]
    quiet: int | None
    settings: tuple[Place, ...]
    settings_removed: tuple[Place, ...]
    named: tuple[Place, ...]
    actions: tuple[Action, ...]
    mine: bool
    partners: tuple[Partner, ...]


_HEAD = """
SELECT i.id, i.ref, i.title, i.summary, i.area, i.version, i.opened_at, coalesce(u.name, ''),
    CASE WHEN i.closed_at < %(before)s::timestamptz THEN i.closed_at END,
    CASE WHEN i.closed_at < %(before)s::timestamptz THEN i.outcome ELSE '' END,
    i.postcode, coalesce(a.ref, ''), coalesce(a.evidence, '')
FROM incidents i LEFT JOIN users u ON u.id = i.opened_by LEFT JOIN alerts a ON a.id = i.alert_id
WHERE i.ref = %(ref)s AND i.opened_at < %(before)s::timestamptz
"""

#: The columns of ``_HEAD`` after the number.
_NAMES = [each.name for each in fields(Record)][:12]

_CASES = """
SELECT n.case_id, n.area, coalesce(t.ref, f.ref, ''), coalesce(p.given_name || ' ' || p.family_name, ''),
    coalesce(c.postcode, ''), coalesce(c.onset_date, c.first_specimen_date, f.day, (n.added_at AT TIME ZONE 'Europe/London')::date),
    CASE WHEN t.id IS NULL THEN coalesce(f.outcome, '') WHEN t.closed_at < %(before)s::timestamptz THEN t.outcome ELSE '' END,
    n.why, n.added_at, CASE WHEN n.removed_at < %(before)s::timestamptz THEN n.removed_at END, n.removed_why
FROM incident_cases n LEFT JOIN casework.cases_of_incident(%(id)s) f ON f.case_id = n.case_id
LEFT JOIN cases c ON c.id = n.case_id LEFT JOIN people p ON p.id = c.person_id
LEFT JOIN traces t ON t.case_id = c.id AND t.reason = 'case'
WHERE n.incident_id = %(id)s AND n.added_at < %(before)s::timestamptz ORDER BY 6, n.case_id LIMIT 2000
"""

_LINKS = """
SELECT k.case_id, k.became_case_id, k.last_contact, k.last_contact, k.household FROM contacts k
WHERE k.case_id = ANY (%(cases)s) AND k.became_case_id = ANY (%(cases)s)
    AND k.identified_at < %(before)s::timestamptz AND (k.withdrawn_at IS NULL OR k.withdrawn_at >= %(before)s::timestamptz)
"""

_SETTINGS = """
SELECT s.id, s.ref, s.name, s.kind, s.postcode, (SELECT count(DISTINCT e.case_id) FROM settings m
        JOIN exposures e ON e.setting_id = m.id AND e.case_id = ANY (%(cases)s) AND e.recorded_at < %(before)s::timestamptz
            AND (e.withdrawn_at IS NULL OR e.withdrawn_at >= %(before)s::timestamptz)
        WHERE m.id = s.id OR m.merged_into_id = s.id), n.why,
    CASE WHEN n.removed_at < %(before)s::timestamptz THEN n.removed_at END, n.removed_why
FROM incident_settings n JOIN settings s ON s.id = n.setting_id
WHERE n.incident_id = %(id)s AND n.added_at < %(before)s::timestamptz ORDER BY 6 DESC, s.name, n.id LIMIT 500
"""

# Somebody's home is nobody's business here, nor on paper.
_NAMED = """
SELECT s.id, s.ref, s.name, s.kind, s.postcode, count(DISTINCT e.case_id), ''
FROM exposures e JOIN settings m ON m.id = e.setting_id JOIN settings s ON s.id = coalesce(m.merged_into_id, m.id)
WHERE e.case_id = ANY (%(cases)s) AND e.recorded_at < %(before)s::timestamptz
    AND (e.withdrawn_at IS NULL OR e.withdrawn_at >= %(before)s::timestamptz) AND s.kind <> %(home)s
GROUP BY s.id ORDER BY 6 DESC, s.name, s.id LIMIT 50
"""

_ACTIONS = """
SELECT a.id, a.what, a.owner, a.due_on, a.at, coalesce(u.name, ''), CASE WHEN a.done_at < %(before)s::timestamptz THEN a.done_at END
FROM incident_actions a LEFT JOIN users u ON u.id = a.user_id
WHERE a.incident_id = %(id)s AND a.at < %(before)s::timestamptz ORDER BY a.at DESC, a.id DESC LIMIT 500
"""

_PARTNERS = """
SELECT area, why, asked_at, CASE WHEN agreed_at < %(before)s::timestamptz THEN agreed_at END,
    CASE WHEN ended_at < %(before)s::timestamptz THEN ended_at END, ended_why
FROM incident_areas WHERE incident_id = %(id)s AND asked_at < %(before)s::timestamptz ORDER BY asked_at, id LIMIT 200
"""

_OPENED = """
INSERT INTO audit.events (at, user_id, scope, verb, opened, area, detail)
VALUES (%(now)s, %(user)s, 'person', %(verb)s, true, %(area)s, jsonb_build_object('incident', %(id)s, 'people', %(people)s))
"""


def incident(*, scope: Scope, ref: str, now: datetime, on: date | None = None, verb: str = "incident.read") -> Record:
    """One incident; with ``on`` what was linked, known and done by the end of that day, when it was open already.

    The days on which cases fell ill are those known now. The look is logged as ``verb`` with how many people it shows.
    Raises Refused, NotFound.
    """
    until = before(on)
    scope.require("clusters")
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(_HEAD, {"ref": tidy(ref), "before": until})
        head = cursor.fetchone()
        if head is None:
            raise NotFound(f"There is no incident {ref} that you may see.")
        number, *values = head
        known = dict(zip(_NAMES, values, strict=True))
        cursor.execute(_CASES, {"id": number, "before": until})
        rows = [Case(*row) for row in cursor.fetchall()]
        linked = [each for each in rows if each.removed_at is None]
        at = {"id": number, "cases": [each.case for each in linked], "home": HOME, "before": until}
        cursor.execute(_LINKS, at)
        members = {
            each.case: each
            for each in chain({case.case: case.day for case in linked}, (Link(*row) for row in cursor.fetchall()))
        }
        cursor.execute(_SETTINGS, at)
        settings = [Place(*row) for row in cursor.fetchall()]
        cursor.execute(_NAMED, at)
        named = [Place(*row) for row in cursor.fetchall()]
        cursor.execute(_ACTIONS, at)
        actions = tuple(Action(*row) for row in cursor.fetchall())
        cursor.execute(_PARTNERS, at)
        partners = tuple(Partner(*row) for row in cursor.fetchall())
        area = known["area"]
        logged = {"now": now, "user": scope.user, "area": area, "id": number, "people": len(linked), "verb": verb}
        cursor.execute(_OPENED, logged)
    cases = tuple(
        replace(each, member=members[each.case])
        for each in sorted(linked, key=lambda each: (members[each.case].generation, each.day, each.case))
    )
    places = tuple(each for each in settings if each.removed_at is None)
    held = {each.id for each in places}
    today = on or london_date(now)
    return Record(
        **known,
        cases=cases,
        removed=tuple(each for each in rows if each.removed_at is not None),
        days=_days([each.day for each in cases], today),
        quiet=quiet_days((each.day for each in cases), today),
        settings=places,
        settings_removed=tuple(each for each in settings if each.removed_at is not None),
        named=tuple(each for each in named if each.id not in held),
        actions=actions,
        mine=area in scope.areas,
        partners=partners,
    )


def _days(of_cases: list[date], today: date) -> tuple[Day, ...]:
    """The curve from the first case on, at least fourteen days and at most ninety."""
    if not of_cases:
        return ()
    first = max(min(of_cases), today - timedelta(days=89))
    first = min(first, today - timedelta(days=13))
    return tuple(
        Day(on, of_cases.count(on), on <= today - timedelta(days=INCOMPLETE_DAYS))
        for on in (first + timedelta(days=n) for n in range((today - first).days + 1))
    )


def report(*, scope: Scope, ref: str, now: datetime) -> Record:
    """An incident as it is told on paper; taking it out is logged as an opening. Raises Refused, NotFound."""
    return incident(scope=scope, ref=ref, now=now, verb="incident.reported")
