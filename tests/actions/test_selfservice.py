"""A form that was begun and left brings its trace forward, once."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import selfservice
from tests.town import HOUR, INTERVIEWS, START, events, row

NOW = START + 8 * HOUR


def begun(trace, entered, last, finished=None):
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO interviews (trace_id, questionnaire_id, started_at, updated_at, resident_at,"
            " resident_completed_at) SELECT %s, id, %s, %s, %s, %s FROM questionnaires WHERE key = 'case'",
            [trace, entered, entered, last, finished],
        )
        cursor.execute(
            "INSERT INTO links (trace_id, purpose, token_hash, created_at, expires_at, entered_at, finished_at)"
            " VALUES (%s, 'interview', sha256(%s), %s, %s, %s, %s)",
            [trace, str(trace).encode(), START, START + timedelta(days=7), entered, finished],
        )


def raised(now=NOW):
    return selfservice.raise_silent(by=INTERVIEWS, now=now)


def test_who_began_and_left_comes_forward_once(town):
    trace = town.trace(priority=5)
    begun(trace, START + HOUR, START + 2 * HOUR)
    assert raised(START + 6 * HOUR - timedelta(seconds=1)) == 0
    assert raised(START + 6 * HOUR) == 1
    assert row(trace, "priority", "version", "queued", "attempts") == (3, 0, True, 0)
    assert events("trace.brought_forward")[0][-1] == {"priority": 3}
    assert raised(START + 20 * HOUR) == 0


def test_who_never_saved_counts_from_when_they_entered(town):
    begun(town.trace(), START + HOUR, None)
    assert raised(START + 5 * HOUR - timedelta(seconds=1)) == 0
    assert raised(START + 5 * HOUR) == 1


def test_the_first_place_is_the_first(town):
    trace = town.trace(priority=1)
    begun(trace, START, START)
    assert raised() == 1
    assert row(trace, "priority") == (1,)


def test_who_sent_it_off_or_was_reached_stays_where_they_are(town):
    begun(town.trace(), START, START, finished=START + HOUR)
    reached = town.trace()
    begun(reached, START, START)
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE traces SET reached_at = %s, reached_by_kind = 'national' WHERE id = %s", [START, reached]
        )
    assert raised() == 0
