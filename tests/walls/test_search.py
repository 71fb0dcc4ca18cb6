"""Nobody is found past the wall: with no ticket, somebody else's, a changed one, or areas that it does not name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from ringfence.accounts import walls
from ringfence.rules.access import Scope
from tests.town import BLACKBURN, LUTON
from tests.walls.conftest import SYSTEM, Attacker, Filled
from tests.walls.test_areas import GATED
from tests.walls.test_tickets import bad_tickets

FIND = "SELECT family_name, traces::text FROM casework.find_people(%s, %s, %s, %s, %s, %s::text[], %s::text[], 50)"


def look(app: Attacker, ticket: str | None, **by: Any) -> list[tuple[Any, ...]]:
    """What somebody finds who sends this ticket: by the name that everybody has here, if by nothing else."""
    names = by.get("names", ["secrete06000008", "secrete06000032"])
    values = [by.get(key, "") for key in ("nhs_number", "reference", "phone", "postcode")]
    return app.rows(FIND, [ticket, *values, names, [""] * len(names)])


def signed(app: Attacker, scope: Scope) -> str:
    return walls.sign(scope, app.pid)


@pytest.mark.parametrize(
    ("who", "area"), [("Nia", BLACKBURN), ("Lola", BLACKBURN), ("Dora", BLACKBURN), ("Lars", LUTON)]
)
def test_only_those_of_the_ticket_s_areas(app: Attacker, filled: Filled, who: str, area: str) -> None:
    assert {name for name, _ in look(app, signed(app, filled.by(who)))} == {f"Secret{area}"}


@pytest.mark.parametrize("by", ["reference", "phone", "postcode", "nhs_number"])
def test_by_whatever_is_known_of_somebody_elsewhere(
    app: Attacker, admin: psycopg.Connection[Any], filled: Filled, by: str
) -> None:
    column = {"reference": "t.ref", "phone": "p.phone", "postcode": "p.postcode", "nhs_number": "p.nhs_number"}[by]
    with admin.transaction():
        admin.execute("UPDATE casework.people SET nhs_number = '9990000018' WHERE id = %s", [filled.people[LUTON]])
    try:
        row = admin.execute(
            f"SELECT {column} FROM casework.traces t JOIN casework.people p ON p.id = t.person_id WHERE t.id = %s".encode(),
            [filled.traces[LUTON]],
        ).fetchone()
        assert row is not None and row[0]
        there = look(app, signed(app, filled.by("Lars")), names=[], **{by: row[0]})
        assert {name for name, _ in there} == {f"Secret{LUTON}"}
        here = look(app, signed(app, filled.by("Nia")), names=[], **{by: row[0]})
        assert {name for name, _ in here} <= {f"Secret{BLACKBURN}"}
    finally:
        admin.execute("UPDATE casework.people SET nhs_number = NULL WHERE id = %s", [filled.people[LUTON]])


@pytest.mark.parametrize("who", ["Charlie", "Gil", "Olu", "Hana"])
def test_who_stands_in_no_area_finds_nobody(app: Attacker, filled: Filled, who: str) -> None:
    assert look(app, signed(app, filled.by(who))) == []


def test_a_ticket_that_is_not_good(app: Attacker, attack: Callable[[str], Attacker], filled: Filled) -> None:
    # The function reads the ticket that it is given, whatever the session shows.
    app.holding(filled.by("Nia"))
    for ticket in bad_tickets(app, attack("app"), filled).values():
        with pytest.raises(psycopg.errors.InsufficientPrivilege), app.trying():
            look(app, ticket)


def test_no_ticket_and_no_person_s_ticket(app: Attacker, filled: Filled) -> None:
    app.holding(filled.by("Nia"))
    for ticket in (None, "", *(signed(app, scope) for scope in SYSTEM.values())):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), app.trying():
            look(app, ticket)


def test_words_are_words(app: Attacker, filled: Filled) -> None:
    ticket = signed(app, filled.by("Nia"))
    for words in ("%", "_", "' OR true --", "') UNION SELECT 1 --", "\\"):
        assert look(app, ticket, names=[words]) == []
        assert look(app, ticket, names=[], phone=words, postcode=words, reference=words, nhs_number=words) == []


@pytest.mark.parametrize("table", sorted(GATED))
def test_what_people_are_found_by_is_not_read_past_the_function(app: Attacker, filled: Filled, table: str) -> None:
    app.holding(filled.by("Dora"))
    whose = "trace_id" if table == "moves_due" else "person_id"
    for statement in (
        f"SELECT 1 FROM casework.{table}",
        f"INSERT INTO casework.{table} ({whose}) VALUES (1)",
        f"DELETE FROM casework.{table}",
        f"UPDATE casework.{table} SET {whose} = 1",
    ):
        app.refused(statement)


@pytest.mark.parametrize("role", ["worker", "lab"])
def test_only_the_pages_may_look(attack: Callable[[str], Attacker], filled: Filled, role: str) -> None:
    attacker = attack(role)
    ticket = walls.sign(filled.by("Nia"), attacker.pid)
    attacker.refused(FIND, [ticket, "", "", "", "", ["secret"], [""]])


def test_the_worker_s_other_scopes_make_no_keys(attack: Callable[[str], Attacker], filled: Filled) -> None:
    worker = attack("worker")
    for name, scope in SYSTEM.items():
        worker.holding(scope)
        there = worker.one("SELECT count(*) FROM casework.search_due")
        assert (there > 0) == (name == "search"), name
        if name != "search":
            worker.refused(
                "INSERT INTO casework.search_keys (area, kind, key, person_id) VALUES (%s, 'n', 'x', 1)", [LUTON]
            )
