"""What SQL with somebody's ticket can write: nothing that opens a record to those who may not know it, nothing in
another's name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ringfence.rules.access import ENGLAND
from tests.database import Connection
from tests.town import BLACKBURN, LEICESTER, LUTON, NORTH_WEST
from tests.walls.conftest import NOW, SYSTEM, Attacker, Filled


@pytest.fixture
def lola(app: Attacker, filled: Filled) -> Attacker:
    """A tracer of Blackburn's local team, which has Blackburn's trace."""
    return app.holding(filled.by("Lola"))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO casework.traces SELECT * FROM casework.traces",
        "INSERT INTO casework.people SELECT * FROM casework.people",
        "INSERT INTO casework.cases SELECT * FROM casework.cases",
        "INSERT INTO casework.results SELECT * FROM casework.results",
        "INSERT INTO casework.people_history (id) VALUES (1)",
        "INSERT INTO casework.quarantines SELECT * FROM casework.quarantines",
        "UPDATE casework.people SET postcode = 'LU1 1AA'",
        "UPDATE casework.cases SET authority = 'E06000032'",
        "UPDATE casework.standings SET until_at = NULL",
        "UPDATE casework.attempts SET outcome = 'reached'",
        "UPDATE casework.notes SET text = 'x'",
        "UPDATE casework.handovers SET why = 'x'",
        "DELETE FROM casework.traces",
        "DELETE FROM casework.people",
        "DELETE FROM casework.standings",
        "DELETE FROM casework.handovers",
        "TRUNCATE casework.traces CASCADE",
        "SELECT * FROM casework.delivery_chunks",
        "LOCK TABLE casework.people IN ACCESS EXCLUSIVE MODE",
    ],
)
def test_the_web_has_no_right_to(lola: Attacker, statement: str) -> None:
    lola.refused(statement)


@pytest.mark.parametrize(
    "column",
    [
        "id",
        "ref",
        "shard",
        "reason",
        "person_id",
        "case_id",
        "authority",
        "national_team_id",
        "created_at",
        "household",
    ],
)
def test_what_a_trace_is_about_stays(lola: Attacker, column: str) -> None:
    """Whoever could point a trace at somebody else could then read that person."""
    lola.refused(f"UPDATE casework.traces SET {column} = {column}")


@pytest.mark.parametrize(
    "end", ["", " WHERE true", " RETURNING person_id", " WHERE 1 / (authority <> 'E06000032')::int = 1"]
)
def test_changing_reaches_only_what_is_seen(lola: Attacker, admin: Connection, filled: Filled, end: str) -> None:
    with lola.trying():
        done = lola.connection.execute(f"UPDATE casework.traces SET priority = 1{end}")
        assert done.rowcount == 1
        if "RETURNING" in end:
            assert done.fetchall() == [(filled.people[BLACKBURN],)]


@pytest.mark.parametrize("name", ["statistics", "deliveries", "audit", "accounts"])
def test_the_web_s_system_scopes_change_no_trace_and_add_nothing_to_one(
    app: Attacker, filled: Filled, name: str
) -> None:
    app.holding(SYSTEM[name])
    with app.trying():
        assert app.connection.execute("UPDATE casework.traces SET priority = 1").rowcount == 0
        assert app.connection.execute("UPDATE casework.handovers SET seen_at = now(), seen_by = 0").rowcount == 0
    for statement in (_TRY, _NOTE, _STANDING, _PASSED):
        app.refused(statement, values(filled))


def test_who_only_answers_for_an_area_changes_no_trace(app: Attacker, filled: Filled) -> None:
    app.holding(filled.by("Dora")).refused("UPDATE casework.traces SET priority = 1")


def test_a_team_that_had_it_last_puts_no_other_in_its_place(app: Attacker, filled: Filled) -> None:
    app.holding(filled.by("Nia"))
    for area in (LUTON, LEICESTER):
        app.refused("UPDATE casework.traces SET from_team_id = %s", [filled.town.team("national", area)])


def passing(filled: Filled, kind: str, area: str) -> tuple[str, list[object]]:
    town = filled.town
    return (
        "UPDATE casework.traces SET team_id = %s, area = %s, from_team_id = %s, passes_to_id = NULL",
        [town.team(kind, area), area, town.team("local")],
    )


@pytest.mark.parametrize(
    ("kind", "area"), [("pool", ENGLAND), ("health_protection", NORTH_WEST), ("national", BLACKBURN)]
)
def test_a_trace_passes_to_the_teams_that_it_can_pass_to(lola: Attacker, filled: Filled, kind: str, area: str) -> None:
    with lola.trying():
        assert lola.connection.execute(*passing(filled, kind, area)).rowcount == 1


@pytest.mark.parametrize(("kind", "area"), [("national", LUTON), ("local", LUTON), ("national", LEICESTER)])
def test_a_trace_does_not_pass_to_a_team_of_another_authority(
    lola: Attacker, filled: Filled, kind: str, area: str
) -> None:
    lola.refused(*passing(filled, kind, area))


def test_a_trace_does_not_pass_to_another_region(lola: Attacker, admin: Connection, filled: Filled) -> None:
    team = admin.execute(
        "SELECT id, area FROM accounts.teams WHERE kind = 'health_protection' AND area <> %s LIMIT 1", [NORTH_WEST]
    ).fetchone()
    assert team is not None
    lola.refused(
        "UPDATE casework.traces SET team_id = %s, area = %s, from_team_id = team_id, passes_to_id = NULL", team
    )


@pytest.mark.parametrize("column", ["from_team_id", "passes_to_id"])
def test_a_team_of_another_authority_is_not_let_in_by_a_side_door(lola: Attacker, filled: Filled, column: str) -> None:
    """The team that had it last sees it, and the clock passes it on by itself."""
    lola.refused(f"UPDATE casework.traces SET {column} = %s", [filled.town.team("local", LUTON)])


def test_the_area_of_a_passed_trace_is_its_team_s(lola: Attacker, filled: Filled) -> None:
    statement, (team, _, mine) = passing(filled, "pool", ENGLAND)
    lola.refused(statement, [team, LUTON, mine])


_STANDING = """
INSERT INTO casework.standings (person_id, area, why, from_at) VALUES (%(person)s, %(area)s, %(why)s, %(now)s)
"""
_TRY = """
INSERT INTO casework.attempts (trace_id, at, recorded_at, user_id, team_id, kind, outcome, number, note)
VALUES (%(trace)s, now(), now(), %(user)s, %(team)s, 'call', 'no_answer', '', '')
"""
_NOTE = """
INSERT INTO casework.notes (trace_id, at, user_id, team_id, kind, text)
VALUES (%(trace)s, now(), %(user)s, %(team)s, 'note', 'x')
"""
_PASSED = """
INSERT INTO casework.handovers (trace_id, seq, previous, from_team_id, since, to_team_id, at, reason, why, user_id,
    recorded_at)
VALUES (%(trace)s, 2, 1, %(team)s, %(since)s, %(to)s, %(since)s, 'reassigned', 'x', %(user)s, now())
"""


def values(filled: Filled, **changes: object) -> dict[str, object]:
    """What Lola may write of the trace that her team has."""
    town = filled.town
    return {
        "person": filled.people[BLACKBURN],
        "trace": filled.traces[BLACKBURN],
        "user": town.users["Lola"].pk,
        "team": town.team("local"),
        "to": town.team("pool", ENGLAND),
        "area": ENGLAND,
        "why": "handed",
        "now": NOW,
        "since": NOW,
        **changes,
    }


@pytest.mark.parametrize("statement", [_TRY, _NOTE, _PASSED, _STANDING])
def test_what_is_one_s_own_to_add(lola: Attacker, filled: Filled, statement: str) -> None:
    with lola.trying():
        assert lola.connection.execute(statement, values(filled)).rowcount == 1


@pytest.mark.parametrize("statement", [_TRY, _NOTE, _PASSED])
@pytest.mark.parametrize("change", ["user", "team", "trace"])
def test_nothing_is_added_in_another_s_name_or_to_another_s_trace(
    lola: Attacker, filled: Filled, statement: str, change: str
) -> None:
    other = {
        "user": filled.town.users["Leo"].pk,
        "team": filled.town.team("national"),
        "trace": filled.traces[LUTON],
    }
    lola.refused(statement, values(filled, **{change: other[change]}))


@pytest.mark.parametrize(
    "changes",
    [
        {"area": LUTON},
        {"area": LEICESTER},
        {"why": "lives"},
        {"why": "contact"},
        {"person": "other"},
        {"person": "other", "area": BLACKBURN},
    ],
)
def test_nobody_is_made_known_where_they_may_not_be_known(
    lola: Attacker, filled: Filled, changes: dict[str, object]
) -> None:
    given = {**changes, **({"person": filled.people[LUTON]} if "person" in changes else {})}
    lola.refused(_STANDING, values(filled, **given))


def test_a_notice_is_seen_by_oneself_and_by_the_team_that_it_is_for(
    lola: Attacker, attack: Callable[[str], Attacker], filled: Filled
) -> None:
    seen = "UPDATE casework.handovers SET seen_at = now(), seen_by = %s"
    lola.refused(seen, [filled.town.users["Leo"].pk])
    with lola.trying():
        assert lola.connection.execute(seen, [filled.town.users["Lola"].pk]).rowcount == 1
    nia = attack("app").holding(filled.by("Nia"))
    with nia.trying():
        assert nia.connection.execute(seen, [filled.town.users["Nia"].pk]).rowcount == 0


def test_of_a_quarantined_row_only_what_was_done_about_it_changes(app: Attacker) -> None:
    app.holding(SYSTEM["deliveries"])
    app.refused("UPDATE casework.quarantines SET raw = ''")
    with app.trying():
        done = app.connection.execute(
            "UPDATE casework.quarantines SET settled_at = now(), settled_by = 1, settlement = 'x'"
        )
        assert done.rowcount == 1


# Who may see what follows from roles, so roles are behind the wall too


_ROLE = (
    "INSERT INTO accounts.memberships (user_id, role, area, team_id, from_at, lent, why)"
    " VALUES (%s, %s, %s, %s, now(), false, '')"
)


def test_a_role_is_given_under_a_ticket_and_where_its_holder_stands(app: Attacker, filled: Filled) -> None:
    users, town = filled.town.users, filled.town
    charlie = users["Charlie"].pk
    app.showing("").refused(_ROLE, [charlie, "director", BLACKBURN, None])
    app.holding(filled.by("Nia"))
    app.refused(_ROLE, [charlie, "director", LUTON, None])
    app.refused(_ROLE, [charlie, "national_tracer", None, town.team("national", LUTON)])
    app.refused(_ROLE, [charlie, "operations", ENGLAND, None])
    app.refused(_ROLE, [charlie, "operations", BLACKBURN, None])
    app.refused(_ROLE, [users["Nia"].pk, "director", BLACKBURN, None])
    for name in ("Gil", "Charlie"):
        app.holding(filled.by(name)).refused(_ROLE, [users["Nia"].pk, "director", BLACKBURN, None])
    for name in ("statistics", "deliveries", "audit"):
        app.holding(SYSTEM[name]).refused(_ROLE, [charlie, "director", BLACKBURN, None])
    for scope in (filled.by("Dora"), filled.by("Olu"), SYSTEM["accounts"]):
        app.holding(scope)
        with app.trying():
            app.connection.execute(_ROLE, [charlie, "analyst", BLACKBURN, None])


def test_a_role_is_not_moved_or_made_longer(app: Attacker, admin: Connection, filled: Filled) -> None:
    app.holding(filled.by("Olu"))
    for column in ("user_id", "role", "area", "team_id", "from_at", "lent"):
        app.refused(f"UPDATE accounts.memberships SET {column} = {column}")
    app.refused("UPDATE accounts.teams SET area = area")
    with app.trying():
        app.connection.execute("UPDATE accounts.memberships SET until_at = '2027-01-01'")
        app.refused("UPDATE accounts.memberships SET until_at = '2027-01-02'")
        app.refused("UPDATE accounts.memberships SET until_at = NULL")
    app.showing("")
    with app.trying():
        assert app.connection.execute("UPDATE accounts.memberships SET until_at = '2027-01-01'").rowcount == 0


def test_nobody_sets_another_s_password_or_lets_themselves_in(app: Attacker, filled: Filled) -> None:
    users = filled.town.users
    password = "UPDATE accounts.users SET password = 'x' WHERE id = %s"
    active = "UPDATE accounts.users SET is_active = NOT is_active WHERE id = %s"
    for scope in (filled.by("Nia"), filled.by("Olu"), SYSTEM["statistics"]):
        app.holding(scope).refused(password, [users["Dora"].pk])
    app.showing("").refused(password, [users["Dora"].pk])
    app.refused(active, [users["Dora"].pk])
    app.holding(filled.by("Olu")).refused(active, [users["Olu"].pk])
    app.refused("UPDATE accounts.users SET email = 'x@example.org'")
    app.refused("DELETE FROM accounts.memberships")
    for scope, statement, who in (
        (filled.by("Nia"), password, "Nia"),
        (SYSTEM["accounts"], password, "Dora"),
        (filled.by("Olu"), active, "Nia"),
    ):
        app.holding(scope)
        with app.trying():
            assert app.connection.execute(statement, [users[who].pk]).rowcount == 1


# The audit


_EVENT = "INSERT INTO audit.events (at, user_id, scope, verb) VALUES (now(), %s, 'person', 'trace.opened')"


def test_events_are_told_in_one_s_own_name(app: Attacker, filled: Filled) -> None:
    nia, lola = filled.town.users["Nia"].pk, filled.town.users["Lola"].pk
    app.holding(filled.by("Nia"))
    with app.trying():
        app.connection.execute(_EVENT, [nia])
    for user in (lola, None, 0):
        app.refused(_EVENT, [user])
    app.showing("").refused(_EVENT, [nia])


@pytest.mark.parametrize("role", ["app", "worker"])
def test_when_an_event_was_recorded_is_the_database_s_to_say(attack: Callable[[str], Attacker], role: str) -> None:
    attacker = attack(role).holding(SYSTEM["sweep"])
    for column, value in (("recorded_at", "now()"), ("id", "1")):
        attacker.refused(f"INSERT INTO audit.events (at, scope, verb, {column}) VALUES (now(), '', '', {value})")


@pytest.mark.parametrize("role", ["app", "worker", "lab", "cli", "owner"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit.events SET verb = 'x'",
        "DELETE FROM audit.events",
        "TRUNCATE audit.events",
        "UPDATE audit.events SET verb = 'x' WHERE false",
    ],
)
def test_events_stay(attack: Callable[[str], Attacker], role: str, statement: str) -> None:
    attack(role).holding(SYSTEM["audit"]).refused(statement)


def test_events_are_read_for_the_audit_alone(attack: Callable[[str], Attacker], filled: Filled) -> None:
    app = attack("app")
    for scope in (filled.by("Gil"), filled.by("Nia"), SYSTEM["statistics"], SYSTEM["accounts"]):
        assert app.holding(scope).one("SELECT count(*) FROM audit.events") == 0
    assert app.holding(SYSTEM["audit"]).one("SELECT count(*) FROM audit.events") > 0
    attack("worker").holding(SYSTEM["audit"]).refused("SELECT * FROM audit.events")
    owner = attack("owner").holding(SYSTEM["audit"])
    assert owner.one("SELECT count(*) FROM audit.events") == 0
