"""Intake: a line list from bytes to opened cases and allocated traces, beside a bare merge of the same rows and the ORM."""

from __future__ import annotations

import csv
import multiprocessing
import os
import random
import resource
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import islice
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from benchmarks.harness import Connection, Figure, administrator, alternate, at_least, database, say, under
from ringfence.base.env import env
from ringfence.cli.postgres import Server
from ringfence.simulation.linelists import rows, text

ROWS = 200_000
NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
ON = date(2026, 11, 17)
#: What share is positive, and how many rows a batch of intake then has; the merge has as many.
KINDS = {"all positive": (1.0, 6_000), "5 % positive": (0.05, 12_000)}
MEMORY_ROWS = 1_000_000
MEMORY_MB = 250
ORM_ROWS = 1_500

_EMPTY = (
    "TRUNCATE casework.results, casework.traces, casework.cases, casework.standings, casework.people,"
    " casework.people_history, casework.cases_history, casework.quarantines, casework.delivery_parts,"
    " casework.delivery_chunks, casework.deliveries, casework.attempts, casework.handovers, casework.notes, audit.events,"
    " bare.results, bare.cases, bare.people CASCADE"
)

#: The same tables without walls, with the same columns, checks and indexes, and keys from cases and results.
_BARE_TABLES = """
CREATE SCHEMA bare;
CREATE TABLE bare.people (LIKE casework.people INCLUDING ALL);
CREATE TABLE bare.cases (LIKE casework.cases INCLUDING ALL, FOREIGN KEY (person_id) REFERENCES bare.people);
CREATE TABLE bare.results (LIKE casework.results INCLUDING ALL, FOREIGN KEY (person_id) REFERENCES bare.people,
    FOREIGN KEY (case_id) REFERENCES bare.cases);
"""

_BARE_STAGE = """
CREATE TEMP TABLE stage (n bigint GENERATED ALWAYS AS IDENTITY, specimen text, nhs text, given text, family text, dob date,
    sex text, phone text, phone2 text, email text, address text, postcode text, gp text, eth text, care text, test text,
    taken date, reported date, result text, lab text) ON COMMIT DELETE ROWS
"""

_KEY = "hashtextextended(coalesce(nhs, family || given || dob::text || {stage}postcode), 0)"

#: One statement for each table; a person is known again by NHS number, or by name, birth date and postcode.
_BARE_MERGE = (
    f"""INSERT INTO bare.people (nhs_number, match_key, given_name, family_name, birth_date, sex, ethnicity, phone, phone_other,
    email, address, postcode, gp_postcode, care_home, household, updated_at)
SELECT DISTINCT ON ({_KEY.format(stage="")}) nhs, {_KEY.format(stage="")}, given, family, dob, sex, coalesce(eth, ''),
    coalesce(phone, ''), coalesce(phone2, ''), coalesce(email, ''), address, postcode, gp, care = 'Y',
    hashtextextended(address || postcode, 0), now()
FROM stage WHERE result = 'Positive'
    AND NOT EXISTS (SELECT 1 FROM bare.people q WHERE q.match_key = {_KEY.format(stage="stage.")})""",
    f"""INSERT INTO bare.cases (person_id, episode, first_specimen_date, last_positive_date, authority, ltla, postcode,
    care_home, opened_at, updated_at)
SELECT DISTINCT ON (p.id) p.id, 1, taken, taken, '', '', s.postcode, care = 'Y', now(), now()
FROM stage s JOIN bare.people p ON p.match_key = {_KEY.format(stage="s.")} WHERE result = 'Positive'
ON CONFLICT DO NOTHING""",
    f"""INSERT INTO bare.results (delivery_id, row_number, laboratory, specimen_id, test_type, result, specimen_date,
    report_date, postcode, gp_postcode, authority, sex, age, care_home, person_id, case_id, recorded_at)
SELECT 1, n, lab, specimen, test, lower(result), taken, reported, s.postcode, gp, '', s.sex, 20, care = 'Y',
    CASE WHEN k.id IS NOT NULL THEN p.id END, k.id, now()
FROM stage s LEFT JOIN bare.people p ON result = 'Positive' AND p.match_key = {_KEY.format(stage="s.")}
    LEFT JOIN bare.cases k ON k.person_id = p.id
ON CONFLICT DO NOTHING""",
)


def seed(connection: Connection) -> None:
    """England: areas, every postcode, and a team for each authority."""
    from ringfence.geography import load

    connection.execute("SET session_replication_role = origin")
    load.ensure(connection, say)
    connection.execute(
        "INSERT INTO teams (kind, area, name, queue_shards, opened_at)"
        " SELECT 'national', code, name, 1, timestamptz '2026-11-01' FROM areas WHERE upper_tier AND closed IS NULL"
        " UNION ALL SELECT 'pool', 'E92000001', 'National pool', 16, timestamptz '2026-11-01'"
    )
    connection.execute("INSERT INTO service_rules (from_date, policy) VALUES ('2026-01-01', 'Exercise policy')")
    for statement in _BARE_TABLES.split(";\n"):
        if statement.strip():
            connection.execute(statement.encode())


def run(full: bool) -> list[Figure]:
    """Both kinds of list, one process and two, beside the merge and the ORM; ``full`` adds memory at a million rows."""
    figures: list[Figure] = []
    with TemporaryDirectory() as folder, database("england", seed) as server:
        postcodes = _postcodes(server)
        for kind, (share, batch) in KINDS.items():
            file = Path(folder) / f"{share}.csv"
            write(file, ROWS, share, postcodes)
            medians = alternate(
                {
                    f"one process, {kind}": lambda file=file: intake(server, file, 1)[0],  # type: ignore[misc]
                    f"two processes, {kind}": lambda file=file: intake(server, file, 2)[0],  # type: ignore[misc]
                    f"bare merge, {kind}": lambda file=file, batch=batch: merge(server, file, batch),  # type: ignore[misc]
                    f"ORM, {kind}": lambda file=file: orm(server, file),  # type: ignore[misc]
                },
                5 if full else 2,
            )
            one, two, bare, objects = medians.values()
            beside = "COPY and bare merge of the same rows"
            figures += [
                at_least(0.6, "intake", f"{kind}, one process", one, "rows/s", beside, bare),
                at_least(1.1, "intake", f"{kind}, two processes", two, "rows/s", beside, bare),
                at_least(
                    40, "intake", f"{kind}, one process", one, "rows/s", "one object at a time by the ORM", objects
                ),
            ]
        if full:
            file = Path(folder) / "million.csv"
            write(file, MEMORY_ROWS, 0.3, postcodes)
            _, memory = intake(server, file, 1)
            _, before = intake(server, Path(folder) / "0.05.csv", 1)
            figures.append(
                under(MEMORY_MB, "intake", "memory at 1,000,000 rows", memory, "MB", f"at {ROWS:,} rows", before)
            )
    return figures


def write(file: Path, count: int, positive: float, postcodes: list[str]) -> None:
    with file.open("wb") as out:
        for piece in text(rows(count, positive=positive, postcodes=postcodes, seed=7, on=ON)):
            out.write(piece)


def intake(server: Server, file: Path, processes: int) -> tuple[float, float]:
    """Rows a second from bytes to cases and traces into an empty record, and the largest reader's memory in MB."""
    with administrator(server) as admin:
        _empty(admin)
    context = multiprocessing.get_context("spawn")
    os.environ["RINGFENCE_BENCH_DATABASE"] = env.database.name
    ends: list[Any] = []
    readers = []
    for part in range(processes):
        here, there = context.Pipe()
        reader = context.Process(target=_reader, args=(there, str(file), part, processes), daemon=True)
        reader.start()
        there.close()  # so that a reader that dies is noticed
        ends.append(here)
        readers.append(reader)
    for end in ends:
        assert end.recv() == "ready"
    began = time.perf_counter()
    for end in ends:
        end.send("begin")
    ref = ends[0].recv()
    for end in ends:
        end.send(ref)
    done = [end.recv() for end in ends]
    took = time.perf_counter() - began
    for reader in readers:
        reader.join()
    with administrator(server) as admin:
        found = admin.execute("SELECT status, rows, rows = accepted + duplicate FROM casework.deliveries").fetchone()
        traced = admin.execute(
            "SELECT count(*) = (SELECT count(*) FROM casework.cases) FROM casework.traces"
        ).fetchone()
    assert found is not None and found[0] == "done" and found[2], found
    assert traced == (True,), "a case without a trace"
    assert isinstance(found[1], int)
    return found[1] / took, max(done)


def _empty(admin: Connection) -> None:
    """An empty record: the trigger that keeps audit events is passed by as only an administrator can."""
    admin.execute("SET session_replication_role = replica")
    admin.execute(_EMPTY)
    admin.execute("SET session_replication_role = origin")


def _reader(pipe: Pipe, file: str, part: int, parts: int) -> None:
    """A process that reads its part when told to, and says how much memory it took."""
    from ringfence.cli import session

    session.set_up_django()
    from django.db import connection

    from ringfence.actions import intake as verbs
    from ringfence.rules.access import system_scope

    connection.ensure_connection()
    by = system_scope("intake")
    pipe.send("ready")
    pipe.recv()
    if part:
        verbs.make_ready()
    else:
        with open(file, "rb") as stream:
            pipe.send(verbs.receive(stream=stream, source="bench", filename=file, by=by, now=NOW).ref)
    ref = pipe.recv()
    verbs.process(delivery=ref, by=by, now=NOW, part=part, parts=parts)
    pipe.send(_most_memory())


def _most_memory() -> float:
    """The most memory in MB that this process has held; ``getrusage`` would count what its parent held when it began."""
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else ():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def merge(server: Server, file: Path, size: int) -> float:
    """Rows a second of COPY to staging and one INSERT ... SELECT for each of people, cases and results, in batches."""
    with administrator(server) as admin, file.open("rb") as lines:
        _empty(admin)
        admin.execute(_BARE_STAGE)
        admin.execute("SET datestyle = 'iso, dmy'")
        lines.readline()
        count = 0
        began = time.perf_counter()
        for batch in _batches(lines, size):
            count += len(batch)
            with admin.transaction():
                with admin.cursor().copy(
                    "COPY stage (specimen, nhs, given, family, dob, sex, phone, phone2, email, address, postcode, gp, eth,"
                    " care, test, taken, reported, result, lab) FROM STDIN (FORMAT csv)"
                ) as copy:
                    copy.write(b"".join(batch))
                for statement in _BARE_MERGE:
                    admin.execute(statement.encode())
        took = time.perf_counter() - began
        held = admin.execute("SELECT count(*) FROM bare.results").fetchone()
    assert held == (count,), (held, count)
    return count / took


def _batches(lines: Any, size: int) -> Iterator[list[bytes]]:
    while batch := list(islice(lines, size)):
        yield batch


def orm(server: Server, file: Path) -> float:
    """Rows a second of the first rows, one model object after the other, under the same walls."""
    from ringfence.accounts import walls
    from ringfence.casework.models import Case, Delivery, Person, Result, Standing, Trace
    from ringfence.rules.access import system_scope

    with administrator(server) as admin:
        _empty(admin)
        found = admin.execute("SELECT id FROM teams WHERE kind = 'pool'").fetchone()
    assert found is not None
    team = int(found[0])  # type: ignore[call-overload]
    scope = system_scope("intake")
    with walls.transaction(scope):
        delivery = Delivery.objects.create(ref="DORM", source="orm", sha256="orm", received_at=NOW)
    with file.open(newline="") as stream:
        lines = csv.DictReader(stream)
        began = time.perf_counter()
        for number, line in zip(range(ORM_ROWS), lines, strict=False):
            day, month, year = line["Date of birth"].split("/")
            with walls.transaction(scope):
                person = case = None
                if line["Result"] == "Positive":
                    person, made = Person.objects.get_or_create(
                        nhs_number=line["NHS number"] or None,
                        birth_date=date(int(year), int(month), int(day)),
                        family_name=line["Family name"],
                        defaults={
                            "match_key": random.getrandbits(62),
                            "given_name": line["Given name"],
                            "phone": line["Phone"].replace(" ", ""),
                            "address": line["Address"],
                            "postcode": line["Postcode"],
                            "updated_at": NOW,
                        },
                    )
                    taken = date.fromisoformat(line["Specimen date"])
                    case, opened = Case.objects.get_or_create(
                        person=person,
                        episode=1,
                        defaults={
                            "first_specimen_date": taken,
                            "last_positive_date": taken,
                            "opened_at": NOW,
                            "updated_at": NOW,
                        },
                    )
                    if made:
                        Standing.objects.create(person=person, area="E92000001", why="lives", from_at=NOW)
                    if opened:
                        Trace.objects.create(
                            ref=f"O{number}",
                            shard=0,
                            reason="case",
                            person=person,
                            case=case,
                            team_id=team,
                            area="E92000001",
                            owned_since=NOW,
                            created_at=NOW,
                            why="",
                            priority=5,
                            due_at=NOW,
                            due_why="",
                            queued=True,
                        )
                Result.objects.create(
                    delivery=delivery,
                    row_number=number,
                    laboratory=line["Laboratory"],
                    specimen_id=line["Specimen ID"],
                    test_type=line["Test type"],
                    result=line["Result"].lower(),
                    specimen_date=line["Specimen date"],
                    report_date=line["Report date"],
                    postcode=line["Postcode"],
                    age=0,
                    person=person,
                    case=case,
                    recorded_at=NOW,
                )
        return ORM_ROWS / (time.perf_counter() - began)


def _postcodes(server: Server) -> list[str]:
    with psycopg.connect(server.admin(env.database.name)) as admin:
        found = admin.execute(
            "SELECT code FROM geography.postcodes WHERE area LIKE 'E%' ORDER BY hashtext(code) LIMIT 200000"
        )
        return [str(row[0]) for row in found]
