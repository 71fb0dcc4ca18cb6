"""Two authorities with everything in the record of each, and somebody who can send any SQL with a ticket they hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
import pytest
from django.db import connections

from ringfence.accounts import walls
from ringfence.actions import attempts, handover, notes, search, work
from ringfence.rules.access import Scope, system_scope
from tests.country import Country
from tests.database import Connection, Database
from tests.town import BLACKBURN, HOUR, LUTON, MINUTE, START, SWEEP, Town, row, scope_of

#: When everything is in the record.
NOW = START + 26 * HOUR

#: Tables of the casework schema that need no wall, each with the reason.
OPEN: dict[str, str] = {}

ROLES = ("app", "worker", "lab", "resident")

_RESULT = """
INSERT INTO casework.results (delivery_id, row_number, laboratory, specimen_id, test_type, result, specimen_date,
    report_date, postcode, gp_postcode, authority, sex, age, person_id, case_id, recorded_at)
SELECT 1, t.id, 'L', 'S' || t.id, 'PCR', 'positive', %(on)s, %(on)s, 'BB1 1AA', '', t.authority, 'F', 40, t.person_id,
    t.case_id, %(now)s
FROM casework.traces t
"""

_DELIVERY = """
INSERT INTO casework.deliveries (ref, source, filename, sha256, size, encoding, received_at, status, refusal, rows,
    accepted, duplicate, quarantined, positives, cases_opened, warnings, parts)
VALUES ('D1', 'L', 'list.csv', repeat('0', 64), 3, 'utf-8', %(now)s, 'done', '', 3, 2, 0, 1, 2, 2, '[]', 1);
INSERT INTO casework.delivery_chunks (delivery_id, number, data) SELECT id, 0, 'abc' FROM casework.deliveries;
INSERT INTO casework.delivery_parts (delivery_id, number, next_row, rows, accepted, duplicate, quarantined, positives,
    cases_opened) SELECT id, 0, 3, 3, 2, 0, 1, 2, 2 FROM casework.deliveries;
INSERT INTO casework.quarantines (delivery_id, row_number, field, reason, raw, recorded_at, settlement)
    SELECT id, 3, 'NHS number', 'It has nine digits.', 'Secret', %(now)s, '' FROM casework.deliveries;
INSERT INTO casework.sources (name, headers, results, month_first, updated_at) VALUES ('L', '{}', '{}', false, %(now)s);
INSERT INTO casework.questionnaires (key, version, from_at, title, body, recorded_at)
    VALUES ('case', 1001, %(now)s, 'Case', '{}', %(now)s);
INSERT INTO casework.templates (key, channel, language, version, from_at, body, recorded_at)
    VALUES ('invitation', 'text', 'en', 1001, %(now)s, 'Secret', %(now)s);
INSERT INTO casework.interviews (trace_id, questionnaire_id, started_at, updated_at)
    SELECT t.id, q.id, %(now)s, %(now)s FROM casework.traces t, casework.questionnaires q WHERE q.version = 1001;
INSERT INTO casework.answers (interview_id, trace_id, question, value, at, source)
    SELECT id, trace_id, 'language', '"Secret"', %(now)s, 'resident' FROM casework.interviews;
INSERT INTO casework.referrals (trace_id, person_id, kind, note, area, at)
    SELECT id, person_id, 'food', 'Secret', authority, %(now)s FROM casework.traces;
INSERT INTO casework.people (id, match_key, given_name, family_name, sex, ethnicity, phone, phone_other, email, address,
    postcode, gp_postcode, updated_at)
    SELECT 1000000 + id, 0, 'Cara', 'Contact', '', '', '', '', '', '', '', '', %(now)s FROM casework.traces;
INSERT INTO casework.settings (ref, kind, name, name_key, postcode, authority, created_at)
    SELECT 'S' || ref, 'other', 'Gym', 'gym' || id, 'BB1 1AA', authority, %(now)s FROM casework.traces;
INSERT INTO casework.contacts (case_id, case_person_id, person_id, entry, relation, last_contact, identified_at, source)
    SELECT case_id, person_id, 1000000 + id, 'a', 'close', %(on)s, %(now)s, 'tracer' FROM casework.traces;
INSERT INTO casework.exposures (case_id, person_id, entry, category, from_date, until_date, "window", source, recorded_at)
    SELECT case_id, person_id, 'b', 'gym', %(on)s, %(on)s, 'both', 'tracer', %(now)s FROM casework.traces;
INSERT INTO casework.isolations (trace_id, person_id, day_0, policy, why, computed_at)
    SELECT id, person_id, %(on)s, 'Exercise', '', %(now)s FROM casework.traces;
INSERT INTO casework.messages (ref, key, person_id, trace_id, template_id, channel, language, "to", "values", state,
    state_at, send_after, created_at)
    SELECT ref, ref, person_id, t.id, m.id, 'text', 'en', '07700900123', '{}', 'waiting', %(now)s, %(now)s, %(now)s
    FROM casework.traces t, casework.templates m WHERE m.version = 1001;
INSERT INTO casework.opt_outs (person_id, channel, address, at)
    SELECT person_id, 'text', ref, %(now)s FROM casework.traces;
INSERT INTO casework.knocks (address, since, tries) VALUES (sha256('planted'), %(now)s, 1);
INSERT INTO casework.marks (key, through, at) VALUES ('planted', 1, %(now)s);
INSERT INTO casework.links (trace_id, purpose, token_hash, created_at, expires_at)
    SELECT id, 'interview', sha256(ref::bytea), %(now)s, %(now)s FROM casework.traces;
INSERT INTO casework.details (person_id, kind, value, source, added_at, added_by, team_id)
    SELECT person_id, 'phone', ref, 'Secret', %(now)s, 1, team_id FROM casework.traces;
INSERT INTO casework.visits (trace_id, person_id, team_id, on_date, planned_at, planned_by)
    SELECT id, person_id, team_id, %(on)s, %(now)s, 1 FROM casework.traces;
INSERT INTO casework.bulk_changes (ref, at, user_id, team_id, what, detail, traces, before)
    SELECT ref, %(now)s, 1, team_id, 'priority', '{}', 1, '[]' FROM casework.traces;
INSERT INTO casework.alerts (ref, key, method, area, start, "end", found_at, updated_at, cases, rank, evidence, detail)
    SELECT 'A' || ref, ref, 'exposure', authority, %(on)s, %(on)s, %(now)s, %(now)s, 1, 1, 'Secret', '{}'
    FROM casework.traces;
INSERT INTO casework.alert_cases (alert_id, case_id, added_at)
    SELECT a.id, t.case_id, %(now)s FROM casework.alerts a JOIN casework.traces t ON a.key = t.ref;
INSERT INTO casework.incidents (ref, title, area, opened_at, opened_by)
    SELECT 'I' || ref, 'Secret', authority, %(now)s, 1 FROM casework.traces;
INSERT INTO casework.incident_areas (incident_id, area, lead, asked_at, asked_by, why)
    SELECT id, 'E06000016', area, %(now)s, 1, 'Secret' FROM casework.incidents;
INSERT INTO casework.incident_cases (incident_id, case_id, area, why, added_at, added_by)
    SELECT i.id, t.case_id, i.area, 'Secret', %(now)s, 1
    FROM casework.incidents i JOIN casework.traces t ON i.ref = 'I' || t.ref;
INSERT INTO casework.incident_settings (incident_id, setting_id, why, added_at, added_by)
    SELECT i.id, min(s.id), 'Secret', %(now)s, 1
    FROM casework.incidents i JOIN casework.settings s ON s.authority = i.area GROUP BY i.id;
INSERT INTO casework.incident_actions (incident_id, what, at, user_id)
    SELECT id, 'Secret', %(now)s, 1 FROM casework.incidents;
INSERT INTO casework.saved_views (user_id, area, name, filters, saved_at)
    SELECT 1, area, 'Secret', '{}', %(now)s FROM casework.incidents;
INSERT INTO casework.area_days (area, measure, on_date, known_on, count)
    SELECT area, 'cases', %(on)s, %(on)s, 1 FROM casework.incidents;
INSERT INTO casework.moves_due (trace_id, authority, why, at) SELECT id, 'E06000016', 'Secret', %(now)s FROM casework.traces;
INSERT INTO casework.digest_choices (user_id, wanted, at) VALUES (1, true, %(now)s);
UPDATE casework.people SET email = 'old@example.org' WHERE birth_date IS NOT NULL;
UPDATE casework.cases SET onset_date = first_specimen_date WHERE true;
"""


@dataclass(frozen=True)
class Filled:
    """The country with rows in every table: for each authority a trace that changed hands, and its person."""

    town: Town
    traces: dict[str, int]
    people: dict[str, int]
    cases: dict[str, int]

    def by(self, name: str) -> Scope:
        return scope_of(self.town.users[name], NOW)


def _work(town: Town, area: str, first: str, second: str) -> int:
    """A trace with a try, a hand-over and a note of each side."""
    trace = town.trace(area)
    team = town.team("local" if area == LUTON else "national", area)
    claimed = work.claim(team=team, by=town.by(first), now=START + MINUTE)
    assert claimed is not None and claimed.trace == trace
    done = attempts.record(
        trace=trace,
        version=claimed.version,
        kind="call",
        outcome="no_answer",
        by=town.by(first),
        now=START + HOUR,
        note=f"Secret of {area}",
    )
    if area == LUTON:
        handover.give_back(trace=trace, version=done.version, why="Moved away.", by=town.by(first), now=NOW)
    else:
        handover.sweep(by=SWEEP, now=NOW)
    notes.add(trace=trace, kind="note", text=f"Secret of {area}", by=town.by(second), now=NOW)
    return trace


@pytest.fixture(scope="module")
def filled(django_db_setup: Database, django_db_blocker: Any, country: Country) -> Iterator[Filled]:
    """Committed once for the tests of a file; each of them leaves the record as it found it."""
    with django_db_blocker.unblock():
        try:
            town = country.restore()
            traces = {LUTON: _work(town, LUTON, "Lars", "Nora"), BLACKBURN: _work(town, BLACKBURN, "Nia", "Lola")}
            connections.close_all()
            with psycopg.connect(django_db_setup.server.admin(django_db_setup.name)) as admin:
                for statement in (*_DELIVERY.split(";\n"), _RESULT):
                    if statement.strip():
                        admin.execute(statement, {"now": NOW, "on": date(2026, 11, 16)})
                admin.execute(
                    "UPDATE casework.people p SET family_name = 'Secret' || t.authority FROM casework.traces t"
                    " WHERE t.person_id = p.id"
                )
            search.catch_up(by=system_scope("search"), now=NOW)
            connections.close_all()
            with psycopg.connect(django_db_setup.server.admin(django_db_setup.name)) as admin:
                # Whose keys wait to be made again, so that there are rows of that too.
                admin.execute("UPDATE casework.people SET email = email WHERE birth_date IS NOT NULL")
            people = {area: int(str(row(trace, "person_id")[0])) for area, trace in traces.items()}
            cases = {area: int(str(row(trace, "case_id")[0])) for area, trace in traces.items()}
            yield Filled(town, traces, people, cases)
        finally:
            django_db_setup.reset()


@pytest.fixture
def admin(django_db_setup: Database) -> Iterator[Connection]:
    """The superuser, whom no wall stops."""
    with psycopg.connect(django_db_setup.server.admin(django_db_setup.name), autocommit=True) as connection:
        yield connection


class Attacker:
    """Any SQL, with one ticket, on a true login of a role."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.pid = connection.info.backend_pid

    def holding(self, scope: Scope, **changes: Any) -> Attacker:
        """With a good ticket for the scope in this session."""
        return self.showing(walls.sign(scope, self.pid, **changes))

    def showing(self, ticket: str) -> Attacker:
        self.connection.execute("SELECT set_config('ringfence.ticket', %s, false)", [ticket])
        return self

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement, values).fetchall()

    def one(self, statement: str, values: Sequence[object] = ()) -> Any:
        return self.rows(statement, values)[0][0]

    def readable(self) -> list[str]:
        """The tables of casework of which the role has a right to read anything at all."""
        return [
            name
            for (name,) in self.rows(
                "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'casework'::regnamespace"
                " AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND has_any_column_privilege(c.oid, 'SELECT') ORDER BY 1"
            )
        ]

    def counts(self) -> dict[str, int]:
        """How many rows of each table can be seen."""
        return {name: self.one(f"SELECT count(*) FROM casework.{name}") for name in self.readable()}

    @contextmanager
    def trying(self) -> Iterator[Attacker]:
        """What is done inside is taken back."""
        with self.connection.transaction(force_rollback=True):
            yield self

    def refused(self, statement: str, values: Sequence[object] = ()) -> str:
        """The database refuses the statement for want of a right; the message."""
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refusal, self.trying():
            self.connection.execute(statement, values)
        return str(refusal.value)


@pytest.fixture
def attack(filled: Filled, login: Callable[[str], Connection]) -> Callable[[str], Attacker]:
    """``attack("app")``: somebody who can send any SQL as that role."""
    return lambda role: Attacker(login(role))


@pytest.fixture
def app(attack: Callable[[str], Attacker]) -> Attacker:
    return attack("app")


def soon() -> int:
    return int(time.time()) + 60


SYSTEM = {
    name: system_scope(name)
    for name in (
        "intake",
        "sweep",
        "policy",
        "reconcile",
        "geography",
        "interviews",
        "messages",
        "search",
        "detection",
        "counting",
        "digest",
        "statistics",
        "deliveries",
        "audit",
        "accounts",
    )
}
