"""What a simulation must know: where people can live, what was opened, who has work, what came of a curve."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from django.db import connection

from ringfence.accounts import walls
from ringfence.geography.shapes import AT_ONE_SPOT
from ringfence.rules.access import Scope

#: One postcode in so many is enough for invented people to live in, where few of them are cases.
SHARE = 8

_SOME = """
WITH drawn AS (
    SELECT code, area, easting, share, share * count(*) OVER (PARTITION BY easting, northing) AS at_spot
    FROM (SELECT *, CASE WHEN area = ANY (%(busy)s) THEN 1 ELSE %(share)s END AS share FROM geography.postcodes) p
    WHERE terminated IS NULL AND area LIKE 'E0%%' AND mod(abs(hashtext(code)::bigint), share) = 0
)
SELECT area, array_agg(code) FROM drawn WHERE easting IS NULL OR at_spot <= %(at_one_spot)s GROUP BY area
"""

_OF_ONE = """
SELECT code FROM geography.postcodes WHERE area = %s AND terminated IS NULL ORDER BY code LIMIT 400
"""


def homes(authorities: Iterable[str], busy: Iterable[str] = ()) -> dict[str, list[str]]:
    """Postcodes in use where people live, of each lower-tier authority by its code; the same ones each time.

    All of those of ``busy`` ones, where with fewer many cases would seem to live together; some of the others.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SOME, {"share": SHARE, "busy": list(busy), "at_one_spot": AT_ONE_SPOT})
        found = {area: sorted(codes) for area, codes in cursor.fetchall()}
        for area in authorities:
            if len(found.get(area, ())) < 20:
                cursor.execute(_OF_ONE, [area])
                found[area] = [code for (code,) in cursor.fetchall()]
    return found


class Opened(NamedTuple):
    """A trace that was opened, with what decides how a call to the person goes; ``specimen`` is that of a case."""

    trace: int
    birth_date: date | None
    care_home: bool
    phone: bool
    address: bool
    authority: str
    postcode: str
    specimen: date | None


def opened_after(trace: int, *, scope: Scope) -> list[Opened]:
    """The traces with a higher number, in order. For the scope ``intake``."""
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.id, p.birth_date, p.care_home, t.phone <> '', p.address <> '', t.authority,"
            " p.postcode, c.first_specimen_date"
            " FROM traces t JOIN people p ON p.id = t.person_id LEFT JOIN cases c ON c.id = t.case_id"
            " WHERE t.id > %s ORDER BY t.id",
            [trace],
        )
        return [Opened(*row) for row in cursor.fetchall()]


def queued(*, scope: Scope) -> dict[int, int]:
    """How many traces each team has in its queue; teams without any are left out. For a system scope."""
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute("SELECT team_id, count(*) FROM traces WHERE queued GROUP BY team_id ORDER BY team_id")
        return dict(cursor.fetchall())


def largest_test_number(*, scope: Scope) -> str:
    """The largest NHS number of the test range (999...) that somebody in the record has, "" when nobody has one."""
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute("SELECT max(nhs_number) FROM people WHERE nhs_number >= '9990000000' AND nhs_number < ':'")
        row = cursor.fetchone()
    return row[0] or "" if row else ""


def not_simulated(prefix: str, *, scope: Scope) -> int:
    """How many deliveries are in the record whose source does not begin with ``prefix``."""
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM deliveries WHERE NOT starts_with(source, %s)", [prefix])
        row = cursor.fetchone()
    return int(row[0]) if row else 0


_CASES = """
SELECT r.authority, r.specimen_date, count(*) AS positives,
    count(DISTINCT c.id) FILTER (WHERE c.ltla = r.authority AND c.first_specimen_date = r.specimen_date) AS cases
FROM results r LEFT JOIN cases c ON c.id = r.case_id
WHERE r.delivery_id = ANY (SELECT id FROM deliveries WHERE ref = ANY (%s)) AND r.result = 'positive'
GROUP BY r.authority, r.specimen_date
"""


def cases_of(deliveries: list[str], *, scope: Scope) -> dict[tuple[str, date], tuple[int, int]]:
    """By lower-tier authority and specimen date: positives of these deliveries, and the cases that began with them. For
    the scope ``intake``."""
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(_CASES, [deliveries])
        return {(area, on): (positives, cases) for area, on, positives, cases in cursor.fetchall()}


def newest_trace(*, scope: Scope) -> int:
    """The highest number of a trace, 0 when there is none. For the scope ``intake``."""
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM traces")
        row = cursor.fetchone()
    return int(row[0]) if row else 0
