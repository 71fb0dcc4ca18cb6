"""The director's page of the largest authority, with a million cases in the record: the server's time for it.

Three cases of ten are one authority's, far more than the largest of England has. Cases have eight weeks of days, each with
a positive result and a negative one of somebody else. What the worker counts is counted before, by its own verb.
"""

from __future__ import annotations

import random
import time
from datetime import timedelta
from functools import partial
from typing import Any

from benchmarks import country
from benchmarks.harness import Connection, Figure, administrator, database, say, signed_in, under
from benchmarks.lists import Page
from ringfence.rules.calendar import london_date

SMALL, FULL = 200_000, 1_000_000
ROUNDS = 200

#: Milliseconds.
LIMIT = 500.0

_STEPS = """
UPDATE cases SET first_specimen_date = {today} - (id * 7919 % 56)::int, last_positive_date = {today} - (id * 7919 % 56)::int,
    opened_at = least({now}, ({today} - (id * 7919 % 56)::int) + (id % 4) * interval '1 day' + interval '9 hours')
WHERE true;

UPDATE cases SET updated_at = opened_at WHERE true;

UPDATE traces t SET created_at = c.opened_at, owned_since = c.opened_at,
    reached_at = CASE WHEN t.id % 3 > 0 THEN least({now}, c.opened_at + (t.id % 60) * interval '1 hour') END,
    reached_by_kind = CASE WHEN t.id % 3 > 0 THEN 'national' ELSE '' END FROM cases c WHERE c.id = t.case_id;

INSERT INTO results (delivery_id, row_number, laboratory, specimen_id, test_type, result, specimen_date, report_date,
    postcode, gp_postcode, authority, sex, age, person_id, case_id, recorded_at)
SELECT 1, c.id, 'L', 'P' || c.id, CASE c.id % 4 WHEN 0 THEN 'LFD' ELSE 'PCR' END, 'positive', c.first_specimen_date,
    c.first_specimen_date, c.postcode, '', c.ltla, 'F', 40, c.person_id, c.id, c.opened_at FROM cases c
UNION ALL
SELECT 1, c.id, 'L', 'N' || c.id, 'PCR', 'negative', c.first_specimen_date, c.first_specimen_date, c.postcode, '', c.ltla,
    'F', 40, NULL, NULL, c.opened_at FROM cases c;
"""


def seed(connection: Connection, traces: int) -> None:
    """So many cases, three of ten of them in one authority, over eight weeks."""
    country.seed(connection, traces=traces, hot=3 * traces // 10)
    words = {"now": f"timestamptz '{country.NOW.isoformat()}'", "today": f"date '{london_date(country.NOW)}'"}
    for step in _STEPS.split(";\n"):
        if step.strip():
            connection.execute(step.format(**words).strip().encode())


def run(full: bool) -> list[Figure]:
    """The figures; ``full`` with the million."""
    traces = FULL if full else SMALL
    with database("director", partial(seed, traces=traces), str(traces)) as server:
        _count()
        with administrator(server) as admin:
            admin.execute("VACUUM ANALYZE")
            found = admin.execute("SELECT authority, count(*) FROM cases GROUP BY 1 ORDER BY 2 DESC LIMIT 1").fetchone()
            assert found is not None
            area = str(found[0])
            say(f"  {found[1]} of {traces} cases are in {area}")
            page = _director(area)
            return _measure(page, area, admin)


def _count() -> None:
    """What the worker counts."""
    from ringfence.actions import counting
    from ringfence.rules.access import system_scope

    began, looked = time.perf_counter(), 0
    while some := counting.count(by=system_scope("counting"), now=country.NOW):
        looked += some
    say(f"  counted: {looked} rows in {time.perf_counter() - began:.0f} s")


def _director(area: str) -> Page:
    """The director of an area, signed in."""
    from ringfence.accounts import walls
    from ringfence.accounts.models import Membership, User
    from ringfence.partnerships.models import ServiceRule
    from ringfence.rules.access import system_scope
    from ringfence.rules.policy import EXERCISE

    with walls.transaction(system_scope("accounts")):
        ServiceRule.objects.get_or_create(from_date="2022-02-24", defaults={"policy": EXERCISE.name})
        user = User.objects.create(email="director@example.org", name="Director", password="!")
        Membership.objects.create(user=user, role="director", area_id=area, from_at=country.NOW)
        key = signed_in(user)
    return Page(key, user.pk)


_BARE = b"""
SELECT first_specimen_date, count(*) FROM cases WHERE authority = %s AND first_specimen_date BETWEEN %s AND %s GROUP BY 1
"""


def _measure(page: Page, area: str, admin: Connection) -> list[Figure]:
    """The 95th percentile of the page today and on past days, and of the bare count of the cases of each day."""
    draw = random.Random(3)
    today = london_date(country.NOW)
    times: dict[str, list[float]] = {"today": [], "a past day": [], "bare": []}

    def bare() -> float:
        began = time.perf_counter()
        values: list[Any] = [area, today - timedelta(days=55), today]
        admin.execute(_BARE, values).fetchall()
        return time.perf_counter() - began

    for number in range(ROUNDS + 5):
        past = today - timedelta(days=draw.randrange(1, 28))
        times["today"].append(page(f"/areas/{area}", None))
        times["a past day"].append(page(f"/areas/{area}?as-at={past}", None))
        times["bare"].append(bare())
        if number == 4:  # the first ones read templates and tables for the first time
            for each in times.values():
                each.clear()
    p95 = {name: 1000 * sorted(each)[int(0.95 * len(each))] for name, each in times.items()}
    say(f"  one count of its cases by day, without walls: {p95['bare']:.1f} ms")
    return [
        under(LIMIT, "director", "area today server time p95", p95["today"], "ms", "the limit", LIMIT),
        under(LIMIT, "director", "area on a past day server time p95", p95["a past day"], "ms", "the limit", LIMIT),
    ]
