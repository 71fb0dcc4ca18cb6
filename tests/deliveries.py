"""Line lists for the tests, and what the record holds after them, in words that do not depend on row numbers.

Ann Lee   9990000018   born 1985-03-04   BB1 1AA, Blackburn with Darwen
Bob Lee   9990000026   born 1950-01-01   BB1 1AA
Cat Day   no number    born 1990-12-31   LU1 1AA, Luton
Dan Day   9990000034   born 2015-06-01   LE1 1AA, Leicester
"""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from random import Random

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import intake
from ringfence.queries import deliveries
from ringfence.rules.access import system_scope
from ringfence.simulation import linelists
from ringfence.simulation.linelists import test_number as number_of
from tests.database import POSTCODES
from tests.town import HOUR, INTAKE, START

NOW = START + HOUR

PEOPLE = {
    "Ann": {"NHS number": number_of(0), "Family name": "Lee", "Date of birth": "1985-03-04", "Postcode": "BB1 1AA"},
    "Bob": {"NHS number": number_of(1), "Family name": "Lee", "Date of birth": "1950-01-01", "Postcode": "BB1 1AA"},
    "Cat": {"NHS number": "", "Family name": "Day", "Date of birth": "1990-12-31", "Postcode": "LU1 1AA"},
    "Dan": {"NHS number": number_of(2), "Family name": "Day", "Date of birth": "2015-06-01", "Postcode": "LE1 1AA"},
}

HEADER = (
    "Specimen ID,NHS number,Given name,Family name,Date of birth,Phone,Phone 2,E-mail,Address,Postcode,GP postcode,Care home,"
    "Specimen date,Result"
).split(",")


def line(specimen: str, who: str, on: str = "2026-11-15", result: str = "Positive", **other: str) -> dict[str, str]:
    """A row about somebody; ``other`` are headers with underscores for spaces."""
    return {
        "Specimen ID": specimen,
        "Given name": who,
        "Specimen date": on,
        "Result": result,
        **PEOPLE.get(who, {}),
        **{key.replace("_", " "): value for key, value in other.items()},
    }


def sheet(*rows: dict[str, str]) -> bytes:
    """The rows as CSV."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, HEADER)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def receive(data: bytes, *, now: datetime = NOW, source: str = "Lab", filename: str = "list.csv") -> intake.Receipt:
    return intake.receive(stream=io.BytesIO(data), source=source, filename=filename, by=INTAKE, now=now)


def deliver(data: bytes, *, now: datetime = NOW, source: str = "Lab", filename: str = "list.csv") -> intake.Receipt:
    """Receive and process; what is again the same is not processed."""
    got = receive(data, now=now, source=source, filename=filename)
    return got if got.again else intake.process(delivery=got.ref, by=INTAKE, now=now)


def select(sql: str) -> list[tuple[object, ...]]:
    """Rows as intake sees them."""
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


PERSON = "p.given_name || ' ' || p.family_name || ' ' || p.birth_date"

RECORD = {
    "people": f"SELECT {PERSON}, p.nhs_number, p.postcode, p.phone, p.email, p.address, p.care_home FROM people p",
    "standings": f"SELECT {PERSON}, s.area, s.why, s.until_at IS NULL"
    " FROM standings s JOIN people p ON p.id = s.person_id",
    "results": f"SELECT r.laboratory, r.specimen_id, r.result, r.specimen_date, r.authority, r.age, {PERSON}, c.episode"
    " FROM results r LEFT JOIN people p ON p.id = r.person_id LEFT JOIN cases c ON c.id = r.case_id",
    "cases": f"SELECT {PERSON}, c.episode, c.first_specimen_date, c.last_positive_date, c.authority, c.postcode"
    " FROM cases c JOIN people p ON p.id = c.person_id",
    "traces": f"SELECT {PERSON}, c.episode, t.authority, t.team_id, t.priority, t.due_at, t.phone, t.queued"
    " FROM traces t JOIN people p ON p.id = t.person_id JOIN cases c ON c.id = t.case_id",
    "quarantines": "SELECT d.filename, q.row_number, q.field, q.reason, q.raw"
    " FROM quarantines q JOIN deliveries d ON d.id = q.delivery_id",
}


def record() -> dict[str, list[tuple[object, ...]]]:
    """All that intake wrote, sorted."""
    return {name: sorted(select(sql), key=repr) for name, sql in RECORD.items()}


def counts() -> dict[str, int]:
    return {name: len(rows) for name, rows in record().items()}


def problems() -> list[str]:
    """What ``reconcile`` finds wrong."""
    accounts = deliveries.reconcile(scope=system_scope("reconcile"))
    return [problem for account in accounts for problem in account.problems]


def events(verb: str) -> int:
    """How many events of a verb the audit holds."""
    with walls.transaction(system_scope("audit")), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit.events WHERE verb = %s", [verb])
        return int(cursor.fetchone()[0])


def wave(count: int, seed: int = 1) -> bytes:
    """A line list of ``count`` rows about fewer people, some without a number, some rows bad, some twice."""
    random = Random(seed)
    lines = list(
        linelists.rows(count, positive=0.5, postcodes=list(POSTCODES), seed=seed, on=date(2026, 11, 15), laboratory="")
    )
    rows = [dict(zip(linelists.HEADER, each, strict=True)) for each in lines]
    for n, row in enumerate(rows):
        if n and random.random() < 0.3:
            earlier = rows[random.randrange(n)]
            for name in linelists.HEADER[1:13]:
                row[name] = earlier[name]
        if n and random.random() < 0.05:
            row.update(rows[random.randrange(n)])
        if random.random() < 0.03:
            row[random.choice(("Specimen ID", "Specimen date", "Result"))] = ""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, linelists.HEADER)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode() + b'"left open,1,2\r\n'
