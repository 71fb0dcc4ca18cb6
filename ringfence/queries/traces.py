"""One record: everything that those who work on a trace need to see, on one page. Opening it is logged."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from ringfence.accounts import walls
from ringfence.base.references import tidy
from ringfence.queries import around
from ringfence.queries.around import AtHome, Called, Exposure, WorkedOut
from ringfence.queries.policy import service_policies
from ringfence.queries.timeline import Attempt, Detail, Happening, Note, Other, Owner, history
from ringfence.rules.access import NotFound, Scope
from ringfence.rules.ages import age, under_18
from ringfence.rules.calendar import london_date
from ringfence.rules.isolation import Isolation, for_case


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
class Record:
    """A trace with everything around it.

    ``claimed_by`` has it open until ``ready_at`` when ``open_now``. ``isolation`` is None when no rule gives one.
    ``owners`` are the finished ownerships, first to last; the present one is ``team`` since ``owned_since``. ``mine``
    says that the reader works in the owner team, ``open_with_me`` that they have it open. ``exposures`` are a contact's,
    ``worked_out`` is the history of the isolation, ``at_home`` who else is traced at the address, ``contacts``
    how many a case named, ``interview`` whether one was begun.
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
    happenings: tuple[Happening, ...]
    others: tuple[Other, ...]
    exposures: tuple[Exposure, ...]
    worked_out: tuple[WorkedOut, ...]
    at_home: tuple[AtHome, ...]
    contacts: int
    interview: bool


#: The columns of ``_TRACE``: of the trace, of the person, how many are of the case; then contacts, and the interview.
_HEAD = [each.name for each in fields(Record)][: [each.name for each in fields(Record)].index("open_now")]
_NAMES = [each.name for each in fields(Person) if each.name not in ("age", "under_18")]
_CASE = len(fields(Episode))

_TRACE = """
SELECT t.id, t.ref, t.version, t.reason, t.team_id, k.name, k.kind, t.area, t.authority, coalesce(a.name, ''),
    t.national_team_id, coalesce(n.name, ''), t.owned_since, t.created_at, t.why, t.priority, t.due_at, t.due_why,
    t.passes_to_id, t.queued, t.ready_at, t.claimed_by, coalesce(u.name, ''), t.claimed_at,
    t.phone, t.attempts, t.outcome, t.reached_at, t.reached_by_kind, t.closed_at,
    p.id, p.given_name, p.family_name, p.birth_date, p.adult, p.language, p.sex, p.nhs_number, p.phone, p.phone_other,
    p.email, p.address, p.postcode, p.gp_postcode, p.ethnicity, p.care_home, p.household,
    c.id, c.episode, c.first_specimen_date, c.last_positive_date, c.onset_date, c.opened_at, c.postcode, c.care_home,
    (SELECT count(*) FROM contacts x WHERE x.case_id = t.case_id AND x.withdrawn_at IS NULL),
    EXISTS (SELECT 1 FROM interviews i WHERE i.trace_id = t.id)
FROM traces t JOIN teams k ON k.id = t.team_id
LEFT JOIN people p ON p.id = t.person_id
LEFT JOIN cases c ON c.id = t.case_id
LEFT JOIN geography.areas a ON a.code = t.authority
LEFT JOIN teams n ON n.id = t.national_team_id
LEFT JOIN users u ON u.id = t.claimed_by
WHERE t.ref = %(ref)s
"""

_OPENED = """
INSERT INTO audit.events (at, user_id, scope, verb, opened, person_id, trace_id, team_id, area)
VALUES (%(now)s, %(user)s, %(scope)s, 'trace.opened', true, %(person)s, %(id)s, %(team)s, %(area)s)
"""


@dataclass(frozen=True, slots=True)
class Work:
    """Whose work a trace is, and nothing of the person: what a page needs that does something to it and shows nothing."""

    id: int
    ref: str
    team: int
    team_name: str
    closed_at: datetime | None
    mine: bool


_WORK = """
SELECT t.id, t.ref, t.team_id, k.name, t.closed_at FROM traces t JOIN teams k ON k.id = t.team_id WHERE t.ref = %(ref)s
"""


def work(*, scope: Scope, ref: str) -> Work:
    """Whose work the trace with the reference ``ref`` is. Raises NotFound as ``trace`` does; it opens no record."""
    with walls.transaction(scope):
        found = walls.rows(_WORK, {"ref": tidy(ref)})
    if not found:
        raise NotFound(f"There is no trace {ref} that you may see.")
    number, name, team, team_name, closed_at = found[0]
    return Work(number, name, team, team_name, closed_at, team in scope.teams)


def trace(*, scope: Scope, ref: str, now: datetime) -> Record:
    """The record of the trace with the reference ``ref``; the opening is logged. Raises NotFound.

    For whoever works in the owner team, in the team that it began with or that had it last, and for those who
    answer for the authority; everybody else learns not even that it exists.
    """
    with walls.transaction(scope):
        head = walls.rows(_TRACE, {"ref": tidy(ref)})
        if not head:
            raise NotFound(f"There is no trace {ref} that you may see.")
        row = head[0]
        found = dict(zip(_HEAD, row, strict=False))
        *about, contacts, interview = row[len(_HEAD) :]
        whom, episode = about[:-_CASE], about[-_CASE:]
        if whom[0] is None:
            raise NotFound(f"There is no trace {ref} whose person you may see.")
        person = _person(whom, now)
        case = Episode(*episode) if episode[0] is not None else None
        past = history(found["id"], person.id, now)
        opened = {
            "now": now,
            "user": scope.user or None,
            "scope": scope.name,
            "person": person.id,
            "id": found["id"],
            "team": found["team"],
            "area": found["area"],
        }
        walls.rows(_OPENED, opened)
        contact = found["reason"] == "contact"
        isolation = around.of_contact(past.worked_out) if contact else _isolation(found["reason"], case, now)
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
        attempts=past.attempts,
        owners=past.owners,
        notes=past.notes,
        called_recently=past.called,
        details=past.details,
        happenings=past.happenings,
        others=past.others,
        exposures=past.exposures if contact else (),
        worked_out=past.worked_out,
        at_home=past.at_home,
        contacts=contacts,
        interview=interview,
    )


def _person(row: Any, now: datetime) -> Person:
    (born, adult), on = row[3:5], london_date(now)
    return Person(**dict(zip(_NAMES, row, strict=True)), age=age(born, on), under_18=under_18(born, adult, on))


def _isolation(reason: str, case: Episode | None, now: datetime) -> Isolation | None:
    """The dates of a case; a contact's follow from the last contact, which the interview gives."""
    if reason != "case" or case is None:
        return None
    on = max(london_date(now), case.first_specimen_date)
    return for_case(case.first_specimen_date, case.onset_date, service_policies(), on)
