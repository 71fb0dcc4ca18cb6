"""The functions by which one call speaks for a home: what SQL with somebody's ticket cannot do with them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from ringfence.accounts import walls
from ringfence.rules.access import Scope, system_scope
from tests.database import Connection
from tests.town import BLACKBURN, LUTON
from tests.walls.conftest import NOW, Attacker, Filled

HOME = 5_005

CALL = """
INSERT INTO casework.attempts (trace_id, at, recorded_at, user_id, team_id, kind, outcome, number, note)
VALUES (%s, %s, %s, %s, %s, 'call', %s, '', '') RETURNING id
"""
SPEAK = "SELECT id FROM casework.speak_for(%s, %s, %s, %s)"


@pytest.fixture
def home(filled: Filled, admin: Connection) -> Iterator[dict[str, int]]:
    """Both authorities' traces, said to be of one home."""
    before = admin.execute("SELECT id, household FROM casework.traces").fetchall()
    admin.execute("UPDATE casework.traces SET household = %s", [HOME])
    yield filled.traces
    for trace, household in before:
        admin.execute("UPDATE casework.traces SET household = %s WHERE id = %s", [household, trace])


def ticket(attacker: Attacker, scope: Scope) -> str:
    return walls.sign(scope, attacker.pid)


def called(attacker: Attacker, filled: Filled, outcome: str = "reached", at: timedelta = timedelta()) -> int:
    """A try of Lola's on Blackburn's trace."""
    values = [filled.traces[BLACKBURN], NOW - at, NOW, filled.town.users["Lola"].pk, filled.town.team("local"), outcome]
    found: int = attacker.one(CALL, values)
    return found


def test_one_call_speaks_for_the_home_in_whichever_team_it_is(
    app: Attacker, filled: Filled, home: dict[str, int]
) -> None:
    app.holding(filled.by("Lola"))
    with app.trying():
        attempt = called(app, filled)
        asked = [ticket(app, filled.by("Lola")), attempt, list(home.values()), NOW]
        assert app.rows(SPEAK, asked) == [(home[LUTON],)]
        assert app.rows(SPEAK, asked) == []


@pytest.mark.parametrize("who", ["Luke", "Nia", "Nora", "Dora", "Charlie"])
def test_nobody_speaks_by_another_s_call(app: Attacker, filled: Filled, home: dict[str, int], who: str) -> None:
    app.holding(filled.by("Lola"))
    with app.trying():
        attempt = called(app, filled)
        app.refused(SPEAK, [ticket(app, filled.by(who)), attempt, [home[LUTON]], NOW])


@pytest.mark.parametrize("outcome", ["no_answer", "refused", "call_back"])
def test_a_call_that_reached_nobody_speaks_for_nobody(
    app: Attacker, filled: Filled, home: dict[str, int], outcome: str
) -> None:
    app.holding(filled.by("Lola"))
    with app.trying():
        attempt = called(app, filled, outcome)
        app.refused(SPEAK, [ticket(app, filled.by("Lola")), attempt, [home[LUTON]], NOW])


def test_a_call_of_yesterday_speaks_for_nobody(app: Attacker, filled: Filled, home: dict[str, int]) -> None:
    app.holding(filled.by("Lola"))
    with app.trying():
        attempt = called(app, filled, at=timedelta(hours=13))
        app.refused(SPEAK, [ticket(app, filled.by("Lola")), attempt, [home[LUTON]], NOW])


@pytest.mark.parametrize("name", ["statistics", "audit", "sweep", "intake"])
def test_no_other_system_speaks(app: Attacker, filled: Filled, home: dict[str, int], name: str) -> None:
    app.holding(filled.by("Lola"))
    with app.trying():
        attempt = called(app, filled)
        app.refused(SPEAK, [ticket(app, system_scope(name)), attempt, [home[LUTON]], NOW])


def test_nobody_speaks_for_another_home(app: Attacker, filled: Filled, admin: Connection, home: dict[str, int]) -> None:
    admin.execute("UPDATE casework.traces SET household = 6 WHERE id = %s", [home[LUTON]])
    app.holding(filled.by("Lola"))
    with app.trying():
        attempt = called(app, filled)
        assert app.rows(SPEAK, [ticket(app, filled.by("Lola")), attempt, [home[LUTON]], NOW]) == []


def test_only_one_s_own_call_at_this_moment_lets_a_home_rest(
    app: Attacker, filled: Filled, home: dict[str, int]
) -> None:
    rest = "SELECT casework.rest_home(%s, %s, %s)"
    until = NOW + timedelta(hours=2)
    app.holding(filled.by("Lola"))
    with app.trying():
        assert app.one(rest, [home[BLACKBURN], NOW, until]) == 0
        called(app, filled, "no_answer")
        assert app.one(rest, [home[BLACKBURN], NOW, NOW + timedelta(days=2)]) == 0
        assert app.one(rest, [home[LUTON], NOW, until]) == 0
        assert app.one(rest, [home[BLACKBURN], NOW, until]) == 1
        app.holding(filled.by("Luke"))
        assert app.one(rest, [home[BLACKBURN], NOW, until]) == 0
    app.holding(filled.by("Lola"))


def test_who_lives_together_is_told_to_those_who_work_on_it(
    app: Attacker, filled: Filled, home: dict[str, int]
) -> None:
    at_home = "SELECT count(*) FROM casework.at_home(%s)"
    for name, many in {"Lola": 1, "Dora": 1, "Nora": 0, "Nick": 0, "Gil": 0, "Charlie": 0}.items():
        app.holding(filled.by(name))
        assert app.one(at_home, [home[BLACKBURN]]) == many, name
    for name in ("statistics", "audit", "accounts"):
        app.holding(system_scope(name))
        assert app.one(at_home, [home[BLACKBURN]]) == 0, name
    app.connection.execute("SELECT set_config('ringfence.ticket', '', false)")
    assert app.one(at_home, [home[BLACKBURN]]) == 0


def test_what_became_of_contacts_is_told_to_those_who_see_the_case_s_trace(
    app: Attacker, filled: Filled, admin: Connection
) -> None:
    trace = filled.traces[BLACKBURN]
    (contact,) = admin.execute(
        "INSERT INTO casework.contacts (case_id, case_person_id, person_id, trace_id, entry, relation, last_contact,"
        " identified_at, source) SELECT t.case_id, t.person_id, %s, %s, 'e', 'work', '2026-11-16', now(), 'tracer'"
        " FROM casework.traces t WHERE t.id = %s RETURNING id",
        [filled.people[LUTON], filled.traces[LUTON], trace],
    ).fetchone()  # type: ignore[misc]
    try:
        asked = "SELECT contact_id, ref FROM casework.became_of(%s, %s)"
        for name in ("Lola", "Nia", "Dora"):
            app.holding(filled.by(name))
            assert app.rows(asked, [trace, NOW]) == [(contact, "")], name
        for name in ("Nora", "Lars", "Nick", "Gil", "Charlie"):
            app.holding(filled.by(name))
            assert app.rows(asked, [trace, NOW]) == [], name
        app.holding(system_scope("statistics"))
        assert app.rows(asked, [trace, NOW]) == []
    finally:
        admin.execute("DELETE FROM casework.contacts WHERE id = %s", [contact])
