"""One record: everything that those who work on a trace need to see, on one page. Opening it is logged."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from ringfence.accounts import walls
from ringfence.base.references import tidy
from ringfence.queries import around
from ringfence.queries.around import AtHome, Exposure, WorkedOut
from ringfence.queries.policy import service_policies
from ringfence.rules.access import NotFound, Scope
from ringfence.rules.ages import age, under_18
from ringfence.rules.calendar import london_date
from ringfence.rules.isolation import Isolation, for_case

#: How far back "called recently" looks.
RECENTLY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the trace is to reach. ``age`` is in whole years on the London day, None without a birth date; then
    ``adult`` may say what is known."""

    id: int
    given_name: str
    family_name: str
    birth_date: date | None
    age: int | None
    adult: bool | None
    under_18: bool
    language: str
    sex: str
    nhs_number: str | None
    phone: str
    phone_other: str
    email: str
    address: str
    postcode: str
    gp_postcode: str
    ethnicity: str
    care_home: bool
    household: int | None

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()


@dataclass(frozen=True, slots=True)
class Episode:
    """The case behind the trace."""

    id: int
    episode: int
    first_specimen_date: date
    last_positive_date: date
    onset_date: date | None
    opened_at: datetime
    postcode: str
    care_home: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. ``kind`` and ``outcome`` are those of ``rules.attempts``; ``through`` a call to somebody else of the home."""

    at: datetime
    kind: str
    outcome: str
    by_name: str
    team: str
    team_kind: str
    number: str
    seconds: int | None
    call_back_at: datetime | None
    note: str
    through: bool


@dataclass(frozen=True, slots=True)
class Owner:
    """One finished ownership: ``team`` had the trace from ``since`` until ``until``, and passed it to ``to_team``."""

    team: str
    since: datetime
    until: datetime
    to_team: str
    reason: str
    why: str
    by_name: str


@dataclass(frozen=True, slots=True)
class Note:
    """A note, a question (with ``to_team``) or an answer (with ``answers``)."""

    id: int
    at: datetime
    kind: str
    text: str
    by_name: str
    team: str
    to_team: str
    answers: int | None
    answered: bool


@dataclass(frozen=True, slots=True)
class Detail:
    """What a team knows beside what the laboratory gave. ``kind`` is phone, email or address; ``wrong_at`` when it was
    found to be wrong."""

    id: int
    kind: str
    value: str
    source: str
    added_at: datetime
    by_name: str
    team: str
    wrong_at: datetime | None


@dataclass(frozen=True, slots=True)
class Called:
    """A try of the last hours to reach somebody of the same household, or on the same number."""

    at: datetime
    team: str
    kind: str
    outcome: str
    same_number: bool


@dataclass(frozen=True, slots=True)
class Record:
    """A trace with everything around it.

    ``claimed_by`` has it open until ``ready_at`` when ``open_now``. ``isolation`` is None when no rule gives one.
    ``owners`` are the finished ownerships, first to last; the present one is ``team`` since ``owned_since``. ``mine``
    says that the reader works in the owner team, ``open_with_me`` that they have it open. ``exposures`` are a contact's,
    ``worked_out`` is the history of the isolation, ``at_home`` who else is traced at the address, ``contacts``
    how many a case named.
    """

    id: int
    ref: str
    version: int
    reason: str
    team: int
    team_name: str
    team_kind: str
    area: str
    authority: str
    authority_name: str
    national_team: int | None
    national_name: str
    owned_since: datetime
    created_at: datetime
    why: str
    priority: int
    due_at: datetime
    due_why: str
    passes_to: int | None
    passes_to_name: str
    queued: bool
    ready_at: datetime | None
    claimed_by: int | None
    claimed_name: str
    claimed_at: datetime | None
    phone: str
    attempts_made: int
    outcome: str
    reached_at: datetime | None
    reached_by_kind: str
    closed_at: datetime | None
    open_now: bool
    mine: bool
    open_with_me: bool
    person: Person
    case: Episode | None
    isolation: Isolation | None
    attempts: tuple[Attempt, ...]
    owners: tuple[Owner, ...]
    notes: tuple[Note, ...]
    called_recently: tuple[Called, ...]
    details: tuple[Detail, ...]
    exposures: tuple[Exposure, ...]
    worked_out: tuple[WorkedOut, ...]
    at_home: tuple[AtHome, ...]
    contacts: int


#: The columns of ``_TRACE`` and of ``_PERSON``.
_HEAD = [each.name for each in fields(Record)][: [each.name for each in fields(Record)].index("open_now")]
_NAMES = [each.name for each in fields(Person) if each.name not in ("age", "under_18")]

_TRACE = """
SELECT t.id, t.ref, t.version, t.reason, t.team_id, k.name, k.kind, t.area, t.authority, coalesce(a.name, ''),
    t.national_team_id, coalesce(n.name, ''), t.owned_since, t.created_at, t.why, t.priority, t.due_at, t.due_why,
    t.passes_to_id, coalesce(l.name, ''), t.queued, t.ready_at, t.claimed_by, coalesce(u.name, ''), t.claimed_at,
    t.phone,    t.attempts, t.outcome, t.reached_at, t.reached_by_kind, t.closed_at, t.person_id, t.case_id
FROM traces t JOIN teams k ON k.id = t.team_id
LEFT JOIN geography.areas a ON a.code = t.authority
LEFT JOIN teams n ON n.id = t.national_team_id
LEFT JOIN teams l ON l.id = t.passes_to_id
LEFT JOIN users u ON u.id = t.claimed_by
WHERE t.ref = %(ref)s
"""

_PERSON = """
SELECT id, given_name, family_name, birth_date, adult, language, sex, nhs_number, phone, phone_other, email, address, postcode,
    gp_postcode, ethnicity, care_home, household
FROM people WHERE id = %(person)s
"""

_CASE = """
SELECT id, episode, first_specimen_date, last_positive_date, onset_date, opened_at, postcode, care_home
FROM cases WHERE id = %(case)s
"""

_ATTEMPTS = """
SELECT a.at, a.kind, a.outcome, coalesce(u.name, ''), k.name, k.kind, a.number, a.seconds, a.call_back_at, a.note,
    a.through_id IS NOT NULL
FROM attempts a JOIN teams k ON k.id = a.team_id LEFT JOIN users u ON u.id = a.user_id
WHERE a.trace_id = %(id)s ORDER BY a.at, a.id LIMIT 200
"""

_OWNERS = """
SELECT f.name, h.since, h.at, k.name, h.reason, h.why, coalesce(u.name, '')
FROM handovers h JOIN teams f ON f.id = h.from_team_id JOIN teams k ON k.id = h.to_team_id
LEFT JOIN users u ON u.id = h.user_id
WHERE h.trace_id = %(id)s ORDER BY h.seq LIMIT 200
"""

_NOTES = """
SELECT n.id, n.at, n.kind, n.text, coalesce(u.name, ''), k.name, coalesce(o.name, ''), n.answers_id,
    EXISTS (SELECT 1 FROM notes a WHERE a.answers_id = n.id)
FROM notes n JOIN teams k ON k.id = n.team_id LEFT JOIN teams o ON o.id = n.to_team_id
LEFT JOIN users u ON u.id = n.user_id
WHERE n.trace_id = %(id)s ORDER BY n.at, n.id LIMIT 200
"""

_DETAILS = """
SELECT d.id, d.kind, d.value, d.source, d.added_at, coalesce(u.name, ''), k.name, d.wrong_at
FROM details d JOIN teams k ON k.id = d.team_id LEFT JOIN users u ON u.id = d.added_by
WHERE d.person_id = %(person)s ORDER BY d.id LIMIT 100
"""

_CONTACTS = "SELECT count(*) FROM contacts WHERE case_id = %(case)s AND withdrawn_at IS NULL"

_CALLED = """
SELECT c.at, k.name, c.kind, c.outcome, c.same_number
FROM casework.called_recently(%(id)s, %(since)s) c JOIN teams k ON k.id = c.team_id ORDER BY c.at DESC
"""

_OPENED = """
INSERT INTO audit.events (at, user_id, scope, verb, opened, person_id, trace_id, team_id, area)
VALUES (%(now)s, %(user)s, %(scope)s, 'trace.opened', true, %(person)s, %(id)s, %(team)s, %(area)s)
"""


def trace(*, scope: Scope, ref: str, now: datetime) -> Record:
    """The record of the trace with the reference ``ref``; the opening is logged. Raises NotFound.

    For whoever works in the owner team, in the team that it began with or that had it last, and for those who
    answer for the authority; everybody else learns not even that it exists.
    """
    with walls.transaction(scope):
        head = _rows(_TRACE, {"ref": tidy(ref)})
        if not head:
            raise NotFound(f"There is no trace {ref} that you may see.")
        *values, person_id, case_id = head[0]
        found = dict(zip(_HEAD, values, strict=True))
        arguments: dict[str, Any] = {
            "id": found["id"],
            "person": person_id,
            "case": case_id,
            "since": now - RECENTLY,
            "now": now,
            "user": scope.user or None,
            "scope": scope.name,
            "team": found["team"],
            "area": found["area"],
        }
        people = _rows(_PERSON, arguments)
        if not people:
            raise NotFound(f"There is no trace {ref} whose person you may see.")
        person = _person(people[0], now)
        cases = _rows(_CASE, arguments) if case_id is not None else []
        case = Episode(*cases[0]) if cases else None
        attempts = tuple(Attempt(*row) for row in _rows(_ATTEMPTS, arguments))
        owners = tuple(Owner(*row) for row in _rows(_OWNERS, arguments))
        notes = tuple(Note(*row) for row in _rows(_NOTES, arguments))
        details = tuple(Detail(*row) for row in _rows(_DETAILS, arguments))
        called = tuple(Called(*row) for row in _rows(_CALLED, arguments))
        worked_out = around.worked_out(arguments)
        exposures = around.exposures(arguments) if found["reason"] == "contact" else ()
        at_home = around.at_home(arguments)
        contacts = _rows(_CONTACTS, arguments)[0][0] if case is not None else 0
        with connection.cursor() as cursor:
            cursor.execute(_OPENED, arguments)
        contact = found["reason"] == "contact"
        isolation = around.of_contact(worked_out) if contact else _isolation(found["reason"], case, now)
    ready_at, claimed_by = found["ready_at"], found["claimed_by"]
    open_now = claimed_by is not None and ready_at is not None and now < ready_at
    return Record(
        **found,
        open_now=open_now,
        mine=found["team"] in scope.teams,
        open_with_me=open_now and claimed_by == scope.user,
        person=person,
        case=case,
        isolation=isolation,
        attempts=attempts,
        owners=owners,
        notes=notes,
        called_recently=called,
        details=details,
        exposures=exposures,
        worked_out=worked_out,
        at_home=at_home,
        contacts=contacts,
    )


def _rows(sql: str, arguments: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        return list(cursor.fetchall())


def _person(row: Any, now: datetime) -> Person:
    (born, adult), on = row[3:5], london_date(now)
    return Person(**dict(zip(_NAMES, row, strict=True)), age=age(born, on), under_18=under_18(born, adult, on))


def _isolation(reason: str, case: Episode | None, now: datetime) -> Isolation | None:
    """The dates of a case; a contact's follow from the last contact, which the interview gives."""
    if reason != "case" or case is None:
        return None
    on = max(london_date(now), case.first_specimen_date)
    return for_case(case.first_specimen_date, case.onset_date, service_policies(), on)
