"""The counts of areas by day against their meaning in plain Python: what was known by each day, however it was counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.accounts import walls
from ringfence.actions import counting
from ringfence.queries.today import today
from ringfence.rules import figures as rules
from ringfence.rules.access import system_scope
from ringfence.rules.calendar import london_date
from tests.examples import examples
from tests.town import BLACKBURN, INTAKE, LUTON, START, Town

COUNTING = system_scope("counting")
DAY = timedelta(days=1)
FIRST = date(2026, 11, 16)


@dataclass
class Drawn:
    """A case: where and how old, its days of specimen with the moment that each became known, and its other results."""

    area: str
    born: date | None
    care_home: bool
    versions: list[tuple[datetime, date]]
    results: list[tuple[datetime, date, str, str]] = field(default_factory=list)
    reached_after: timedelta | None = None
    closed: bool = False


moments = st.timedeltas(timedelta(0), timedelta(days=6)).map(lambda gap: START + gap)


@st.composite
def cases(draw: Any) -> Drawn:
    known = sorted(draw(st.lists(moments, min_size=1, max_size=3, unique=True)))
    days = sorted((draw(st.integers(-3, 4)) for _ in known), reverse=True)
    reached = draw(st.none() | st.sampled_from([timedelta(hours=hours) for hours in (1, 24, 25, 70)]))
    return Drawn(
        area=draw(st.sampled_from([BLACKBURN, LUTON])),
        born=draw(st.none() | st.dates(date(1925, 1, 1), date(2026, 11, 1))),
        care_home=draw(st.booleans()),
        versions=[(at, FIRST + day * DAY) for at, day in zip(known, days, strict=True)],
        results=[
            (
                draw(moments),
                FIRST + draw(st.integers(-3, 4)) * DAY,
                draw(st.sampled_from(["positive", "negative", "void"])),
                draw(st.sampled_from(["PCR", "pcr", "LFD", ""])),
            )
            for _ in range(draw(st.integers(0, 2)))
        ],
        reached_after=reached,
        closed=reached is not None or draw(st.booleans()),
    )


def age(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def meaning(drawn: list[Drawn], area: str, by: date) -> Counter[tuple[str, date]]:
    """What was known of an area by the end of a day: how many of each measure on each day."""
    found: Counter[tuple[str, date]] = Counter()
    for each in drawn:
        if each.area != area:
            continue
        held = [on for at, on in each.versions if london_date(at) <= by]
        if held:
            found[rules.CASES, held[-1]] += 1
            found[rules.age_measure(None if each.born is None else age(each.born, held[-1])), held[-1]] += 1
            found[rules.CARE_HOME, held[-1]] += each.care_home
        for at, on, result, test in each.results:
            if london_date(at) <= by:
                found[result, on] += 1
                found[rules.result_measure(result, test), on] += 1
        began = each.versions[0][0]
        ended = began + (each.reached_after or timedelta(hours=30))
        if london_date(began) <= by:
            found[rules.TRANSFERRED, london_date(began)] += 1
        if each.closed and london_date(ended) <= by:
            soon = each.reached_after is not None and each.reached_after <= timedelta(hours=24)
            for measure in (rules.REACHED if each.reached_after else rules.ENDED, *([rules.WITHIN_24] if soon else [])):
                found[measure, london_date(began)] += 1
    return +found


def put(town: Town, drawn: Drawn, numbers: Any) -> None:
    """The case as it was opened, with what followed."""
    began, on = drawn.versions[0]
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        trace = town.trace(drawn.area, now=began, care_home=drawn.care_home)
        cursor.execute("SELECT case_id, person_id FROM traces WHERE id = %s", [trace])
        case, person = cursor.fetchone()
        # Before anything has a history: as if it had come so.
        cursor.execute("UPDATE people SET birth_date = %s WHERE id = %s", [drawn.born, person])
        cursor.execute(
            "UPDATE cases SET first_specimen_date = %s, last_positive_date = %s, updated_at = %s WHERE id = %s",
            [on, on, began, case],
        )
        for at, result_on, result, test in drawn.results:
            number = next(numbers)
            cursor.execute(
                "INSERT INTO results (delivery_id, row_number, laboratory, specimen_id, test_type, result, specimen_date,"
                " report_date, postcode, gp_postcode, authority, sex, age, person_id, case_id, recorded_at)"
                " VALUES (1, %s, 'L', %s, %s, %s, %s, %s, '', '', %s, 'F', 40, %s, %s, %s)",
                [number, f"S{number}", test, result, result_on, result_on, drawn.area, person, case, at],
            )
        if drawn.closed:
            ended = began + (drawn.reached_after or timedelta(hours=30))
            cursor.execute(
                "UPDATE traces SET queued = false, closed_at = %(at)s, outcome = 'other', reached_at = CASE WHEN %(r)s THEN"
                " %(at)s END, reached_by_kind = CASE WHEN %(r)s THEN 'national' ELSE '' END WHERE id = %(id)s",
                {"at": ended, "r": drawn.reached_after is not None, "id": trace},
            )


def move(case: int, drawn: Drawn) -> None:
    for at, on in drawn.versions[1:]:
        with walls.transaction(INTAKE), connection.cursor() as cursor:
            cursor.execute("UPDATE cases SET first_specimen_date = %s, updated_at = %s WHERE id = %s", [on, at, case])


def counted(area: str, by: date) -> Counter[tuple[str, date]]:
    with walls.transaction(COUNTING), connection.cursor() as cursor:
        cursor.execute(
            "SELECT measure, on_date, sum(count) FROM area_days WHERE area = %s AND known_on <= %s GROUP BY 1, 2"
            " HAVING sum(count) <> 0",
            [area, by],
        )
        return Counter({(measure, on): int(number) for measure, on, number in cursor.fetchall()})


@pytest.fixture(autouse=True)
def _town(town: Town) -> Town:
    return town


@settings(max_examples=examples(6), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(cases(), max_size=5), st.integers(0, 5))
def test_what_was_known_by_each_day(town: Town, drawn: list[Drawn], midway: int) -> None:
    """Counted at two moments or at one, before cases move and after, the sums are the same."""
    later = START + 7 * DAY
    with transaction.atomic():
        numbers = count(1)
        for number, each in enumerate(drawn):
            put(town, each, numbers)
            if number == midway:
                counting.count(by=COUNTING, now=later, tracing=True)
        with walls.transaction(INTAKE), connection.cursor() as cursor:
            cursor.execute("SELECT id FROM cases ORDER BY id")
            ids = [case for (case,) in cursor.fetchall()]
        for number, (case, each) in enumerate(zip(ids, drawn, strict=True)):
            move(case, each)
            if number == midway:
                counting.count(by=COUNTING, now=later)
        counting.count(by=COUNTING, now=later, tracing=True)
        assert counting.count(by=COUNTING, now=later) == 0
        for area in (BLACKBURN, LUTON):
            for days in range(8):
                by = FIRST + days * DAY
                assert counted(area, by) == meaning(drawn, area, by), (area, by)
        by = FIRST + 5 * DAY
        told = today(scope=town.by("Dora", later), area=BLACKBURN, now=later, on=by)
        known = meaning(drawn, BLACKBURN, by)
        assert {day.on: day.cases for day in told.days if day.cases} == {
            on: number for (measure, on), number in known.items() if measure == rules.CASES and on <= by
        }
        assert told.all_tests.positive == sum(
            number for (measure, on), number in known.items() if measure == "positive" and on <= by - 3 * DAY
        )
        transaction.set_rollback(True)
