"""What was said in interviews since it was last taken up, read in sets, for the worker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import connection

from ringfence.rules.answers import RESERVED_QUESTIONS, kept
from ringfence.rules.calendar import london_date
from ringfence.rules.identity import Known, name_key

#: What says which help somebody asks for, and how.
HELP = ("needs_help", "support", "support_note")

#: The questions that something is made from.
TAKEN = ("onset_date", "has_symptoms", "language", "birth_date", "exemptions", "contacts", "places", *HELP)


class Answer(NamedTuple):
    """The answer that stands: what was said, by whom (None: the resident) in which team, and its number."""

    value: Any
    user: int | None
    team_kind: str
    team_area: str
    source: str
    id: int


@dataclass(frozen=True, slots=True)
class Said:
    """An interview with something to take up: its trace and, for a case's, the case; and the answers that stand."""

    interview: int
    latest: int
    taken_up: int
    started_at: datetime
    trace: int
    reason: str
    person: int
    authority: str
    area: str
    team: int
    phone: str
    household: int | None
    claimed_until: datetime | None
    case: int | None
    specimen: date | None
    onset: date | None
    case_authority: str
    case_ltla: str
    address: str
    postcode: str
    answers: dict[str, Answer] = field(default_factory=dict)

    def entries(self, question: str) -> list[Mapping[str, Any]]:
        """The entries of an answer that is a list."""
        answer = self.answers.get(question)
        value: list[Mapping[str, Any]] | None = answer.value if answer else None
        return value or []

    def is_new(self, *questions: str) -> bool:
        """Whether one of the questions was answered since the last time."""
        return any(name in self.answers and self.answers[name].id > self.taken_up for name in questions)


_WAITING = "SELECT true FROM interviews WHERE latest > taken_up ORDER BY updated_at LIMIT 1"

_SAID = """
SELECT i.id, i.latest, i.taken_up, i.started_at, t.id, t.reason, t.person_id, t.authority, t.area, t.team_id, t.phone,
    coalesce(t.household, p.household), CASE WHEN t.claimed_by IS NOT NULL AND t.ready_at > %(now)s THEN t.ready_at END,
    c.id, c.first_specimen_date, c.onset_date, coalesce(c.authority, ''), coalesce(c.ltla, ''), p.address, p.postcode
FROM (
    SELECT * FROM interviews WHERE latest > taken_up
        AND (id, latest) NOT IN (SELECT * FROM unnest(%(stuck)s::bigint[], %(at)s::bigint[]))
    ORDER BY updated_at, trace_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) i
JOIN traces t ON t.id = i.trace_id JOIN people p ON p.id = t.person_id
LEFT JOIN cases c ON c.id = t.case_id AND t.reason = 'case'
ORDER BY t.id
"""

_ANSWERS = """
SELECT DISTINCT ON (a.interview_id, a.question) a.interview_id, a.question, a.value::text, a.user_id,
    coalesce(k.kind, ''), coalesce(k.area, ''), a.source, a.id
FROM answers a LEFT JOIN teams k ON k.id = a.team_id
WHERE a.interview_id = ANY (%s) AND a.question = ANY (%s)
ORDER BY a.interview_id, a.question, a.id DESC
"""


def waiting() -> bool:
    """Whether any interview has something to take up; inside the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING)
        return cursor.fetchone() is not None


def said(limit: int, now: datetime, stuck: Mapping[int, int]) -> list[Said]:
    """The interviews with something to take up, longest waiting first, locked until the end of the transaction.

    Without those in which nothing was said since they were ``stuck`` (the last answer by the interview's number).
    """
    with connection.cursor() as cursor:
        cursor.execute(_SAID, {"now": now, "limit": limit, "stuck": list(stuck), "at": list(stuck.values())})
        found = [Said(*row) for row in cursor.fetchall()]
        by_id = {each.interview: each for each in found}
        cursor.execute(_ANSWERS, [list(by_id), list(TAKEN)])
        for interview, question, value, *rest in cursor.fetchall():
            said = kept(RESERVED_QUESTIONS[question], value, london_date(now))
            # An answer that says nothing is one; what cannot be an answer changes nothing of what was made before.
            if said is not None or value in (None, "null"):
                by_id[interview].answers[question] = Answer(said, *rest)
    return found


class Somebody(NamedTuple):
    """A person whom an entry may name. ``laboratory``: an NHS number or a case says more of them than an interview."""

    known: Known
    given_name: str
    family_name: str
    adult: bool | None
    phone: str
    phone_other: str
    email: str
    address: str
    household: int | None
    care_home: bool
    laboratory: bool


_SOMEBODY = """
SELECT p.id, coalesce(p.nhs_number, ''), coalesce(p.birth_date::text, ''), p.postcode, p.given_name, p.family_name,
    p.adult, p.phone, p.phone_other, p.email, p.address, p.household, p.care_home,
    p.nhs_number IS NOT NULL OR EXISTS (SELECT 1 FROM cases c WHERE c.person_id = p.id)
FROM people p WHERE p.id IN (
    SELECT id FROM people WHERE match_key = ANY (%(keys)s)
    UNION SELECT person_id FROM traces WHERE household = ANY (%(households)s)
    UNION SELECT id FROM people WHERE phone = ANY (%(phones)s) AND phone <> ''
    UNION SELECT id FROM people WHERE phone_other = ANY (%(phones)s) AND phone_other <> ''
    UNION SELECT unnest(%(people)s::bigint[]))
"""


def somebody(
    *, keys: Iterable[int], households: Iterable[int], phones: Iterable[str], people: Iterable[int]
) -> dict[int, Somebody]:
    """Everybody known by these match keys, homes, numbers, or ids; ``household`` is that of their trace or their own."""
    with connection.cursor() as cursor:
        cursor.execute(
            _SOMEBODY,
            {"keys": list(keys), "households": list(households), "phones": list(phones), "people": list(people)},
        )
        found = {}
        for id_, number, born, postcode, given, family, *rest in cursor.fetchall():
            known = Known(id_, number, name_key(given, family), born, postcode)
            found[id_] = Somebody(known, given, family, *rest)
    return found


def living_in(households: Collection[int]) -> dict[int, set[int]]:
    """The people of whom a trace says that they live in these homes, by home."""
    found: dict[int, set[int]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute("SELECT household, person_id FROM traces WHERE household = ANY (%s)", [list(households)])
        for household, person in cursor.fetchall():
            found[household].add(person)
    return found


class Row(NamedTuple):
    """A contact row as it is."""

    id: int
    case: int
    person: int
    trace: int | None
    entry: str
    household: bool
    last_contact: date
    withdrawn: bool
    spoken_for: bool
    became_case: int | None


def rows_of(cases: Collection[int]) -> list[Row]:
    """The contact rows of these cases."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, case_id, person_id, trace_id, entry, household, last_contact, withdrawn_at IS NOT NULL,"
            " spoken_for_at IS NOT NULL, became_case_id FROM contacts WHERE case_id = ANY (%s) ORDER BY id",
            [list(cases)],
        )
        return [Row(*row) for row in cursor.fetchall()]


class Standing(NamedTuple):
    """Where tracing of a person stands: the open trace of a case and that case, the open trace of a contact, the case of a
    recent episode, and closed contact traces, each with its outcome and the last day of isolation that was told."""

    open_case: int | None
    open_case_trace: int | None
    open_contact: int | None
    recent_case: int | None
    closed: tuple[tuple[int, str, date | None], ...]


_STANDING = """
SELECT p.id,
    (SELECT t.case_id FROM traces t WHERE t.person_id = p.id AND t.reason = 'case' AND t.closed_at IS NULL),
    (SELECT t.id FROM traces t WHERE t.person_id = p.id AND t.reason = 'case' AND t.closed_at IS NULL),
    (SELECT t.id FROM traces t WHERE t.person_id = p.id AND t.reason = 'contact' AND t.closed_at IS NULL),
    (SELECT c.id FROM cases c WHERE c.person_id = p.id AND c.last_positive_date > %(since)s
     ORDER BY c.episode DESC LIMIT 1)
FROM unnest(%(people)s::bigint[]) AS p (id)
"""

# By the rows of contacts: traces have no index of closed ones by person.
_CLOSED = """
SELECT DISTINCT t.person_id, t.id, t.outcome, i.until_date
FROM contacts c JOIN traces t ON t.id = c.trace_id
LEFT JOIN isolations i ON i.trace_id = t.id AND i.superseded_at IS NULL
WHERE c.person_id = ANY (%(people)s) AND t.person_id = c.person_id AND t.closed_at IS NOT NULL
ORDER BY t.id
"""


def standings(people: Collection[int], since: date) -> dict[int, Standing]:
    """Where tracing of these people stands; a recent episode is one with a positive after ``since``."""
    arguments: dict[str, Any] = {"people": list(people), "since": since}
    closed: dict[int, list[tuple[int, str, date | None]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_CLOSED, arguments)
        for person, *rest in cursor.fetchall():
            closed[person].append(tuple(rest))
        cursor.execute(_STANDING, arguments)
        return {
            person: Standing(case, trace, contact, recent, tuple(closed[person]))
            for person, case, trace, contact, recent in cursor.fetchall()
        }


_TRIED = """
SELECT 'phone', number, NULL::bigint, max(at) FROM attempts
WHERE number = ANY (%(phones)s) AND number <> '' AND at > %(since)s GROUP BY number
UNION ALL
SELECT 'home', '', household, max(last_attempt_at) FROM traces
WHERE household = ANY (%(homes)s) AND last_attempt_at > %(since)s GROUP BY household
"""


def tried(
    phones: Collection[str], homes: Collection[int], since: datetime
) -> tuple[dict[str, datetime], dict[int, datetime]]:
    """When these numbers and homes were last tried after ``since``, by whichever team."""
    with connection.cursor() as cursor:
        cursor.execute(_TRIED, {"phones": list(phones), "homes": list(homes), "since": since})
        rows = cursor.fetchall()
    return ({row[1]: row[3] for row in rows if row[0] == "phone"}, {row[2]: row[3] for row in rows if row[0] == "home"})


class Exposed(NamedTuple):
    """One contact row that stands, with what the length of isolation follows from."""

    person: int
    case: int
    trace: int | None
    last_contact: date
    identified_at: datetime
    household: bool
    exemptions: str
    specimen: date
    onset: date | None
    birth_date: date | None


_EXPOSED = """
SELECT n.person_id, n.case_id, n.trace_id, n.last_contact, n.identified_at, n.household, n.exemptions,
    c.first_specimen_date, c.onset_date, p.birth_date
FROM contacts n JOIN cases c ON c.id = n.case_id JOIN people p ON p.id = n.person_id
WHERE n.person_id = ANY (%s) AND n.withdrawn_at IS NULL
ORDER BY n.id
"""


def exposures_of(people: Collection[int]) -> dict[int, list[Exposed]]:
    """What stands of the contact rows that name these people, by person."""
    found: dict[int, list[Exposed]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_EXPOSED, [list(people)])
        for row in cursor.fetchall():
            found[row[0]].append(Exposed(*row))
    return found
