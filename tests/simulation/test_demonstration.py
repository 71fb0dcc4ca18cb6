"""The demonstration, small: two days, some dozens of cases, through the same verbs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from ringfence.accounts import walls
from ringfence.accounts.models import User
from ringfence.queries.policy import service_policy
from ringfence.rules.access import system_scope
from ringfence.simulation import cast, demonstration
from tests.database import Database

NOW = datetime(2026, 11, 20, 15, 7, 30, tzinfo=UTC)
START = NOW - timedelta(days=2)

pytestmark = pytest.mark.usefixtures("homes")

FIGURES = """
SELECT t.id, t.ref, t.authority, t.team_id, t.created_at, t.attempts, t.outcome, t.reached_at, t.closed_at, t.handovers,
    t.queued FROM traces t ORDER BY t.id
"""


def ask(statement: str, scope: str = "sweep", values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    with walls.transaction(system_scope(scope)), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def play(say: Callable[[str], None], **how: Any) -> Any:
    return demonstration.play(now=NOW, say=say, days=2, cases=60, **how)


def test_two_days(say: Callable[[str], None], said: list[str]) -> None:
    tally = play(say)
    rows = ask(FIGURES)
    assert len(rows) > 60
    assert tally.tries == sum(row[5] for row in rows) > 60
    assert tally.reached > 20

    # Nothing is lost: every delivery balances, and the one that is no line list was refused.
    deliveries = ask("SELECT status, rows, accepted, duplicate, quarantined FROM deliveries", "intake")
    assert all(rows == accepted + duplicate + aside for _, rows, accepted, duplicate, aside in deliveries)
    assert [status for status, *_ in deliveries].count("refused") == 1
    assert {status for status, *_ in deliveries} == {"done", "refused"}

    # Owners: who has a trace now got it when the one before gave it away, and nothing happens after the end.
    broken = ask(
        "SELECT t.id FROM traces t LEFT JOIN handovers h ON h.trace_id = t.id AND h.seq = t.handovers"
        " WHERE (t.handovers = 0 AND t.owned_since <> t.created_at)"
        " OR (t.handovers > 0 AND (h.to_team_id, h.at) IS DISTINCT FROM (t.team_id, t.owned_since))"
    )
    assert broken == []
    latest = ask("SELECT max(at) FROM (SELECT at FROM attempts UNION ALL SELECT at FROM handovers) a")[0][0]
    assert latest <= NOW

    assert service_policy(NOW).exercise
    assert service_policy(START).exercise
    assert {area for (area,) in ask("SELECT area FROM partnerships WHERE joined_at <= %s", values=(START,))} >= {
        "E06000008",
        "E06000032",
        "E06000016",
    }


def test_somebody_watching_sees_the_clock(say: Callable[[str], None]) -> None:
    play(say)
    soon = ask(
        "SELECT count(*) FROM traces WHERE closed_at IS NULL AND passes_to_id IS NOT NULL AND due_at > %s AND due_at <= %s",
        values=(NOW, NOW + timedelta(minutes=20)),
    )[0][0]
    assert soon >= 2
    waiting = ask("SELECT count(DISTINCT team_id) FROM traces WHERE queued")[0][0]
    assert waiting >= 2


def test_the_people_named_can_sign_in(say: Callable[[str], None]) -> None:
    play(say)
    for line in demonstration.people():
        for word in line.split():
            if word.endswith("@example.org"):
                assert User.objects.get(email=word).check_password(cast.PASSWORD)
    assert any(cast.PASSWORD in line for line in demonstration.people())
    assert not User.objects.get(email="staff001@example.org").has_usable_password()


def test_the_same_seed_gives_the_same_play_whatever_the_number_of_processes(
    say: Callable[[str], None], django_db_setup: Database, owner: Any
) -> None:
    from django.db import connections

    from ringfence.geography import resolve

    homes = owner.execute("SELECT code, area FROM geography.postcodes").fetchall()
    found = []
    for how in ({"seed": 5}, {"seed": 5, "processes": 2}, {"seed": 6}):
        play(say, **how)
        found.append(ask(FIGURES))
        django_db_setup.reset(connections.close_all)
        resolve.forget()
        with django_db_setup._admin() as admin:
            admin.cursor().executemany("INSERT INTO geography.postcodes (code, area) VALUES (%s, %s)", homes)
    assert found[0] == found[1]
    assert found[0] != found[2]
