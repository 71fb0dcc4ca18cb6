"""An incident of several authorities is seen by those who agreed, as far as the incident and no further, by whatever SQL."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from ringfence.rules.access import Scope
from tests.town import BLACKBURN, LUTON
from tests.walls.conftest import Attacker, Filled

ASKED = """
INSERT INTO casework.incident_areas (incident_id, area, lead, asked_at, asked_by, why{more})
VALUES (%s, %s, %s, now(), %s, 'Same gym'{values}) RETURNING id
"""
ASK = ASKED.format(more="", values="")
AGREED = ASKED.format(more=", agreed_at, agreed_by", values=", now(), 1")
AGREE = "UPDATE casework.incident_areas SET agreed_at = now(), agreed_by = 1 WHERE id = %s"
END = "UPDATE casework.incident_areas SET ended_at = now(), ended_by = 1, ended_why = 'Over' WHERE id = %s"
BACK = "UPDATE casework.incident_areas SET ended_at = NULL, ended_by = NULL, ended_why = '' WHERE id = %s"

#: What tells of people and places of the other authority besides the incident itself.
BESIDES = (
    "people", "people_history", "cases", "cases_history", "results", "standings", "traces", "attempts", "handovers", "notes",
    "interviews", "answers", "contacts", "exposures", "isolations", "messages", "links", "details", "visits", "alerts",
    "alert_cases", "area_days", "person_traces",
)  # fmt: skip


@pytest.fixture
def dora(filled: Filled) -> Scope:
    return filled.by("Dora")


@pytest.fixture
def luton(dora: Scope) -> Scope:
    """Who answers for Luton."""
    return replace(dora, areas=(LUTON,), standing=(LUTON,))


@pytest.fixture
def incident(app: Attacker, dora: Scope) -> int:
    """Blackburn's."""
    return int(app.holding(dora).one("SELECT id FROM casework.incidents"))


def besides(app: Attacker) -> dict[str, int]:
    return {table: app.one(f"SELECT count(*) FROM casework.{table}") for table in BESIDES}


def told(app: Attacker, incident: int) -> list[int]:
    """The numbers of the cases of the incident that the function tells."""
    return [row[0] for row in app.rows("SELECT case_id FROM casework.cases_of_incident(%s)", [incident])]


def within(app: Attacker, incident: int) -> list[int]:
    """How many rows there are of the incident itself: it, its cases, places, actions."""
    return [
        app.one(f"SELECT count(*) FROM casework.{table} WHERE {key} = %s", [incident])
        for table, key in (
            ("incidents", "id"),
            ("incident_cases", "incident_id"),
            ("incident_settings", "incident_id"),
            ("incident_actions", "incident_id"),
        )
    ]


def test_nobody_asks_themselves_into_an_incident(app: Attacker, dora: Scope, luton: Scope, incident: int) -> None:
    app.holding(luton)
    with pytest.raises(psycopg.errors.ForeignKeyViolation), app.trying():
        app.rows(ASK, [incident, "E06000001", LUTON, dora.user])
    with pytest.raises(psycopg.errors.CheckViolation), app.trying():
        app.rows(ASK, [incident, LUTON, LUTON, dora.user])
    app.refused(ASK, [incident, LUTON, BLACKBURN, dora.user])
    app.refused(AGREED, [incident, LUTON, BLACKBURN, dora.user])
    app.holding(dora).refused(AGREED, [incident, LUTON, BLACKBURN, dora.user])


def test_who_is_asked_sees_the_reason_and_nobody_agrees_for_them(
    app: Attacker, dora: Scope, luton: Scope, incident: int
) -> None:
    app.holding(dora)
    with app.trying():
        asked = app.one(ASK, [incident, LUTON, BLACKBURN, dora.user])
        app.refused(AGREE, [asked])
        app.holding(luton)
        assert app.one("SELECT why FROM casework.incident_areas WHERE id = %s", [asked]) == "Same gym"
        assert within(app, incident) == [0, 0, 0, 0] and told(app, incident) == []
    app.holding(dora)


def test_who_agreed_sees_the_incident_and_nothing_besides(
    app: Attacker, filled: Filled, dora: Scope, luton: Scope, incident: int
) -> None:
    before = besides(app.holding(luton))
    app.holding(dora)
    with app.trying():
        asked = app.one(ASK, [incident, LUTON, BLACKBURN, dora.user])
        app.holding(luton).connection.execute(AGREE, [asked])
        assert all(within(app, incident)) and told(app, incident) == [filled.cases[BLACKBURN]]
        assert besides(app) == before
        secret = f"Secret{BLACKBURN}"
        for table in ("people", "people_history", "cases", "settings", "exposures"):
            assert secret not in str(app.rows(f"SELECT * FROM casework.{table}")), table
        # What belongs to others stays as they left it.
        taken = (
            "UPDATE casework.incident_cases SET removed_at = now(), removed_by = 1, removed_why = 'x' WHERE area = %s"
        )
        assert app.connection.execute(taken, [BLACKBURN]).rowcount == 0
        shut = "UPDATE casework.incidents SET closed_at = now(), closed_by = 1, outcome = 'over' WHERE id = %s"
        app.refused(shut, [incident])
        # And the other way round: a case of theirs in it is told to Blackburn, and no more of it.
        seen = besides(app.holding(dora))
        app.holding(luton).connection.execute(
            "INSERT INTO casework.incident_cases (incident_id, case_id, area, why, added_at, added_by)"
            " VALUES (%s, %s, %s, 'Trained there', now(), %s)",
            [incident, filled.cases[LUTON], LUTON, luton.user],
        )
        app.holding(dora)
        assert sorted(told(app, incident)) == sorted(filled.cases.values())
        assert besides(app) == seen
        app.connection.execute(taken, [LUTON])
        assert told(app, incident) == [filled.cases[BLACKBURN]]
    app.holding(dora)


@pytest.mark.parametrize("who", ["dora", "luton"])
def test_when_it_ends_the_sight_ends_and_it_does_not_come_back(
    app: Attacker, dora: Scope, luton: Scope, incident: int, who: str
) -> None:
    app.holding(dora)
    with app.trying():
        asked = app.one(ASK, [incident, LUTON, BLACKBURN, dora.user])
        app.holding(luton).connection.execute(AGREE, [asked])
        assert within(app, incident)[0] == 1
        app.holding(dora if who == "dora" else luton).connection.execute(END, [asked])
        app.holding(luton)
        assert within(app, incident) == [0, 0, 0, 0] and told(app, incident) == []
        assert app.connection.execute(BACK, [asked]).rowcount == 0
        assert app.connection.execute(AGREE, [asked]).rowcount == 0
    app.holding(dora)


@pytest.mark.parametrize("who", ["Nia", "Lola", "Charlie", "Gil"])
def test_others_learn_nothing_from_the_function(app: Attacker, filled: Filled, incident: int, who: str) -> None:
    assert told(app.holding(filled.by(who)), incident) == []
    app.connection.execute("SELECT set_config('ringfence.ticket', '', false)")
    assert told(app, incident) == []
