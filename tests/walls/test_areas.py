"""Whoever works for one authority does not get at another's people, by whatever SQL."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from ringfence.rules.access import Scope
from tests.database import Connection
from tests.town import BLACKBURN, LUTON
from tests.walls.conftest import SYSTEM, Attacker, Filled

#: Table of the record -> which of its rows belong to a person or a trace of an area.
ABOUT = {
    "people": "id = {person}",
    "people_history": "id = {person}",
    "results": "person_id = {person}",
    "cases": "person_id = {person}",
    "cases_history": "person_id = {person}",
    "standings": "person_id = {person}",
    "traces": "id = {trace}",
    "attempts": "trace_id = {trace}",
    "handovers": "trace_id = {trace}",
    "notes": "trace_id = {trace}",
    "interviews": "trace_id = {trace}",
    "answers": "trace_id = {trace}",
    "referrals": "trace_id = {trace}",
    "contacts": "case_person_id = {person}",
    "exposures": "person_id = {person}",
    "isolations": "person_id = {person}",
    "messages": "trace_id = {trace}",
    "opt_outs": "person_id = {person}",
    "links": "trace_id = {trace}",
    "details": "person_id = {person}",
    "visits": "trace_id = {trace}",
    "person_traces": "trace_id = {trace}",
}

#: What the staff role may not read at all: it asks the gate's function, or has no business there.
GATED = {"moves_due", "search_due", "search_keys"}

#: What a director sees and a team does not.
OF_AREA = {
    "alerts": "area = '{area}'",
    "alert_days": "alert_id IN (SELECT id FROM casework.alerts WHERE area = '{area}')",
    "area_days": "area = '{area}'",
    "alert_cases": "case_id = {case}",
    "incidents": "area = '{area}'",
    "incident_areas": "lead = '{area}'",
    "incident_cases": "case_id = {case}",
    "incident_settings": "incident_id IN (SELECT id FROM casework.incidents WHERE area = '{area}')",
    "incident_actions": "incident_id IN (SELECT id FROM casework.incidents WHERE area = '{area}')",
}

#: People of Blackburn with Darwen; Dora (areas), Lola (the local team), Nia (the national one).
THEIRS = ("Dora", "Lola", "Nia")


def of(filled: Filled, table: str, area: str) -> str:
    return ABOUT[table].format(person=filled.people[area], trace=filled.traces[area])


def test_every_table_that_tells_of_somebody_is_tried(admin: Connection) -> None:
    columns = admin.execute(
        "SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = 'casework'"
        " AND (column_name IN ('person_id', 'trace_id', 'case_id') OR table_name ~ '^people')"
    ).fetchall()
    assert {str(name) for (name,) in columns} - set(OF_AREA) == set(ABOUT) | GATED


@pytest.mark.parametrize("who", THEIRS)
@pytest.mark.parametrize("table", ABOUT)
def test_reading(app: Attacker, filled: Filled, who: str, table: str) -> None:
    app.holding(filled.by(who))
    assert app.one(f"SELECT count(*) FROM casework.{table} WHERE {of(filled, table, BLACKBURN)}") > 0
    assert app.one(f"SELECT count(*) FROM casework.{table} WHERE {of(filled, table, LUTON)}") == 0
    assert app.one(f"SELECT count(*) FROM casework.{table} WHERE NOT ({of(filled, table, BLACKBURN)})") == 0


@pytest.mark.parametrize("table", OF_AREA)
def test_alerts_and_incidents_are_for_those_who_answer_for_the_area(app: Attacker, filled: Filled, table: str) -> None:
    def counted(area: str) -> int:
        where = OF_AREA[table].format(area=area, case=filled.cases[area])
        return int(app.one(f"SELECT count(*) FROM casework.{table} WHERE {where}"))

    app.holding(filled.by("Dora"))
    assert counted(BLACKBURN) > 0 and counted(LUTON) == 0
    assert app.one(f"SELECT count(*) FROM casework.{table}") == counted(BLACKBURN)
    for who in ("Nia", "Lola"):
        assert app.holding(filled.by(who)).one(f"SELECT count(*) FROM casework.{table}") == 0


@pytest.mark.parametrize("who", ["Charlie", "Gil", "Olu"])
def test_who_has_no_team_and_no_area_reads_nothing(app: Attacker, filled: Filled, who: str) -> None:
    assert set(app.holding(filled.by(who)).counts().values()) == {0}


@pytest.mark.parametrize("who", THEIRS)
def test_by_a_join_a_subquery_or_a_set_operation(app: Attacker, filled: Filled, who: str) -> None:
    app.holding(filled.by(who))
    secret = f"Secret{LUTON}"
    for statement in (
        "SELECT p.family_name FROM casework.traces t RIGHT JOIN casework.people p ON p.id = t.person_id",
        "SELECT p.family_name FROM accounts.users u CROSS JOIN casework.people p",
        "SELECT family_name FROM casework.people UNION ALL SELECT family_name FROM casework.people_history",
        "SELECT (SELECT string_agg(family_name, ',') FROM casework.people)",
        "WITH all_of AS MATERIALIZED (SELECT * FROM casework.people) SELECT family_name FROM all_of",
        "SELECT p.family_name FROM casework.people p TABLESAMPLE SYSTEM (100)",
        "SELECT row_to_json(p)::text FROM casework.people p",
    ):
        told = str(app.rows(statement))
        assert f"Secret{BLACKBURN}" in told, statement
        assert secret not in told, statement


def test_by_copying_out(app: Attacker, filled: Filled) -> None:
    app.holding(filled.by("Dora"))
    for source in ("casework.people", "(SELECT * FROM casework.people)", "casework.people_history", "casework.cases"):
        with app.connection.cursor().copy(f"COPY {source} TO STDOUT") as out:
            lines = b"".join(bytes(part) for part in out).splitlines()
        mine = str(filled.people[BLACKBURN]).encode()
        assert lines and all(f"Secret{LUTON}".encode() not in each and mine in each.split(b"\t") for each in lines)
    app.refused("COPY casework.people TO PROGRAM 'cat'")
    app.refused("COPY casework.people TO '/tmp/people'")


@pytest.mark.parametrize(
    "question",
    [
        "1 / (CASE WHEN family_name LIKE 'Secret{other}%%' THEN 0 ELSE 1 END) = 1",
        "(CASE WHEN family_name = 'Secret{other}' THEN family_name ELSE '1' END)::int = 1",
        "'x' !~ ('x' || repeat('(', (family_name = 'Secret{other}')::int) || 'y')",
        "repeat(family_name, CASE WHEN family_name = 'Secret{other}' THEN 1000000000 ELSE 1 END) <> ''",
        "'{}'::jsonb @? ('$.' || CASE WHEN family_name = 'Secret{other}' THEN '' ELSE 'a' END)::jsonpath = false",
    ],
)
def test_by_a_message_of_an_error(app: Attacker, filled: Filled, question: str) -> None:
    """The question is asked of the rows that may be seen and of no others: of those it makes no error."""
    app.holding(filled.by("Nia"))
    statement = f"SELECT count(*) FROM casework.people WHERE {question}"
    assert app.one(statement.replace("{other}", LUTON)) == 1
    with pytest.raises(psycopg.Error):
        app.one(statement.replace("{other}", BLACKBURN))


def test_by_what_the_planner_knows(app: Attacker, admin: Connection, filled: Filled) -> None:
    admin.execute("ANALYZE casework.people")
    app.holding(filled.by("Nia"))
    assert app.rows("SELECT most_common_vals FROM pg_stats WHERE schemaname = 'casework'") == []
    app.refused("SELECT * FROM pg_statistic")


def test_by_a_cursor_or_a_prepared_statement_of_a_wider_ticket(app: Attacker, filled: Filled) -> None:
    """Made under one ticket, asked again under another."""
    app.holding(filled.by("Nia"))
    app.connection.execute("PREPARE them AS SELECT id FROM casework.people")
    assert app.rows("EXECUTE them") == [(filled.people[BLACKBURN],)]
    app.holding(filled.by("Nora"))
    assert app.rows("EXECUTE them") == [(filled.people[LUTON],)]
    app.showing("")
    assert app.rows("EXECUTE them") == []


def test_the_worker_s_role_is_no_way_round_it(attack: Callable[[str], Attacker], filled: Filled) -> None:
    worker = attack("worker").holding(SYSTEM["sweep"])
    assert worker.one("SELECT count(*) FROM casework.people") == 0
    assert "notes" in worker.readable() and worker.one("SELECT count(*) FROM casework.notes") == 0


def test_tries_at_the_household_tell_nothing_of_a_trace_that_is_not_to_be_seen(app: Attacker, filled: Filled) -> None:
    app.holding(filled.by("Nia"))
    for area in (BLACKBURN, LUTON):
        assert app.rows("SELECT * FROM casework.called_recently(%s, '-infinity')", [filled.traces[area]]) == []


CLAIM = "SELECT * FROM casework.claim(%s, %s, 0, now(), interval '30 minutes')"


def test_a_claim_needs_a_ticket_of_the_team(app: Attacker, filled: Filled) -> None:
    from ringfence.accounts import walls

    team = filled.town.team("national", LUTON)
    own = walls.sign(filled.by("Nora"), app.pid)
    altered = own.replace("person|", "person|1", 1)
    director = walls.sign(Scope("person", 1, areas=(LUTON,), standing=(LUTON,)), app.pid)
    for ticket in (
        walls.sign(filled.by("Nia"), app.pid),
        altered,
        director,
        walls.sign(SYSTEM["sweep"], app.pid),
        "",
        None,
    ):
        assert "does not let you take traces" in app.refused(CLAIM, [ticket, team])
    with app.trying():
        assert [taken[0] for taken in app.rows(CLAIM, [own, team])] == [filled.traces[LUTON]]


def test_a_claim_is_told_in_the_name_of_the_ticket(app: Attacker, admin: Connection, filled: Filled) -> None:
    from ringfence.accounts import walls

    with app.connection.transaction(force_rollback=True):
        app.rows(CLAIM, [walls.sign(filled.by("Nora"), app.pid), filled.town.team("national", LUTON)])
        app.holding(SYSTEM["audit"])
        told = app.rows("SELECT user_id, trace_id, opened FROM audit.events ORDER BY id DESC LIMIT 1")
    assert told == [(filled.town.users["Nora"].pk, filled.traces[LUTON], True)]


def test_a_message_to_somebody_of_the_staff_is_theirs_alone(app: Attacker, admin: Connection, filled: Filled) -> None:
    reader = filled.by("Dora")
    admin.execute(
        'INSERT INTO casework.messages (ref, key, reader, template_id, channel, language, "to", values, state, state_at,'
        " send_after, created_at) SELECT 'to Dora', 'to Dora', %s, min(id), 'email', 'en', 'dora@example.org', '{}',"
        " 'waiting', now(), now(), now() FROM casework.templates",
        [reader.user],
    )
    try:
        seen = "SELECT count(*) FROM casework.messages WHERE reader IS NOT NULL"
        assert app.holding(reader).one(seen) == 1
        for who in ("Nia", "Lola", "Lars", "Charlie"):
            assert app.holding(filled.by(who)).one(seen) == 0
        app.holding(reader).refused("UPDATE casework.messages SET reader = 1")
    finally:
        admin.execute("DELETE FROM casework.messages WHERE ref = 'to Dora'")
