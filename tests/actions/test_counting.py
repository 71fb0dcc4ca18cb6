"""Counting while others write: what ends late is counted once, and so is what several count at the same time."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import counting
from ringfence.rules.access import system_scope
from tests.database import Connection
from tests.town import BLACKBURN, INTAKE, START, Town

COUNTING = system_scope("counting")

_RESULT = """
INSERT INTO casework.results (delivery_id, row_number, laboratory, specimen_id, test_type, result, specimen_date, report_date,
    postcode, gp_postcode, authority, sex, age, recorded_at)
VALUES (1, 1, 'L', %s, 'PCR', 'negative', '2026-11-16', '2026-11-16', '', '', %s, 'F', 40, %s)
"""


def counted() -> int:
    with walls.transaction(COUNTING), connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(count), 0) FROM area_days WHERE measure = 'negative'")
        return int(cursor.fetchone()[0])


def test_a_row_that_is_written_before_and_ends_after_is_counted_once(
    real_town: Town, login: Callable[[str], Connection]
) -> None:
    late, other = login("worker"), login("worker")
    late.execute("SELECT set_config('ringfence.ticket', %s, false)", [walls.sign(INTAKE, late.info.backend_pid)])
    with late.transaction():
        late.execute(_RESULT, ["late", BLACKBURN, START])
        with walls.transaction(INTAKE), connection.cursor() as cursor:
            cursor.execute(_RESULT, ["soon", BLACKBURN, START])
        for _ in range(2):
            assert counting.count(by=COUNTING, now=START) == 0
        assert counted() == 0
    assert counting.count(by=COUNTING, now=START) > 0
    assert counted() == 2
    assert counting.count(by=COUNTING, now=START) == 0 and counted() == 2
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute(_RESULT, ["third", BLACKBURN, START])
    with other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(%s)", [counting._LOCK])
        assert counting.count(by=COUNTING, now=START) == 0 and counted() == 2
    assert counting.count(by=COUNTING, now=START) > 0
    assert counted() == 3
