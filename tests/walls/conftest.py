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
from ringfence.accounts.models import scope_of
from ringfence.actions import attempts, handover, notes, work
from ringfence.rules.access import Scope, system_scope
from tests.database import Connection, Database
from tests.town import BLACKBURN, HOUR, LUTON, MINUTE, START, SWEEP, Town, build, row

#: When everything is in the record.
NOW = START + 26 * HOUR

#: Tables of the casework schema that need no wall, each with the reason.
OPEN: dict[str, str] = {}

ROLES = ("app", "worker", "lab")

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
UPDATE casework.people SET email = 'old@example.org' WHERE true;
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
def filled(django_db_setup: Database, django_db_blocker: Any) -> Iterator[Filled]:
    """Committed once for the tests of a file; each of them leaves the record as it found it."""
    with django_db_blocker.unblock():
        try:
            town = build()
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
            people = {area: int(str(row(trace, "person_id")[0])) for area, trace in traces.items()}
            cases = {area: int(str(row(trace, "case_id")[0])) for area, trace in traces.items()}
            yield Filled(town, traces, people, cases)
        finally:
            django_db_setup.reset(connections.close_all)


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
        """The tables of casework that the role has a right to read at all."""
        return [
            name
            for (name,) in self.rows(
                "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'casework'::regnamespace"
                " AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND has_table_privilege(c.oid, 'SELECT') ORDER BY 1"
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
    for name in ("intake", "sweep", "policy", "reconcile", "statistics", "deliveries", "audit", "accounts")
}
