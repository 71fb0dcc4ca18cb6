"""What the roles of the database may do besides: no keys, no other role, nothing made, no function deceived."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from psycopg import sql

from ringfence.accounts import walls
from ringfence.base.env import LOGINS, SCHEMAS, env
from tests.database import Connection
from tests.town import BLACKBURN, LUTON
from tests.walls.conftest import ROLES, SYSTEM, Attacker, Filled

#: Functions that do what their caller may not, and why each may be called at all.
DEFINERS = {
    "casework.at_home": "tells who else is traced at the home of a trace of the ticket's teams and areas",
    "casework.became_of": "tells what became of the contacts of a case whose trace the ticket shows",
    "casework.called_recently": "tells when and how a household was called, of a trace that the ticket shows",
    "casework.cases_of_incident": "tells reference, day and outcome of cases of an incident in which the ticket's areas take part",
    "casework.claim": "takes a trace for whom the ticket names",
    "casework.find_people": "finds those whom the areas of the ticket may know",
    "casework.keep_alerts": "a trigger: an alert as it stood at the end of the day on which it was found",
    "casework.keep_changed_alerts": "a trigger: an alert as it stood at the end of a day on which it changed",
    "casework.keep_cases": "a trigger: what a case was before",
    "casework.keep_people": "a trigger: what a person was before",
    "casework.rest_home": "lets the number and home of a call that the ticket's holder just made rest",
    "casework.search_due_detail": "a trigger: whose keys are to be made again",
    "casework.search_due_person": "a trigger: whose keys are to be made again",
    "casework.search_due_standing": "a trigger: whose keys are to be made again",
    "casework.search_due_trace": "a trigger: whose keys are to be made",
    "casework.resident_enter": "opens a session by a knock of an earlier transaction",
    "casework.resident_finish": "says that the form of a session was sent off",
    "casework.resident_knock": "counts a birth date that was tried on a link, and does not say whether it was right",
    "casework.resident_leave": "ends a session",
    "casework.resident_read": "the form of a session, of one trace",
    "casework.resident_rules": "the name of the service policy, which is public",
    "casework.resident_save": "keeps answers of a session, of one trace",
    "casework.resident_stop": "no more messages to where a link was sent",
    "casework.speak_for": "closes the traces of a home that a call of the ticket's holder spoke for",
    "walls.read": "compares a ticket with the keys, which its caller may not read",
}


@pytest.mark.parametrize("role", [*ROLES, "cli"])
def test_the_keys_are_nobody_s_to_read(attack: Callable[[str], Attacker], role: str) -> None:
    attacker = attack(role)
    for statement in (
        "SELECT * FROM walls.keys",
        "COPY walls.keys TO STDOUT",
        "SELECT k FROM walls.keys k",
        "UPDATE walls.keys SET installed_at = now()",
        "INSERT INTO walls.keys (inner_pad, outer_pad) VALUES ('', '')",
        "SELECT pg_read_file('postgresql.conf')",
        "SELECT lo_import('/etc/passwd')",
    ):
        attacker.refused(statement)


@pytest.mark.parametrize("role", ROLES)
def test_no_login_takes_on_another_role(attack: Callable[[str], Attacker], role: str) -> None:
    attacker = attack(role)
    for other in ("ringfence_gate", "postgres", *LOGINS):
        if other != f"ringfence_{role}":
            for statement in (f"SET ROLE {other}", f"SET LOCAL ROLE {other}", f"SET SESSION AUTHORIZATION {other}"):
                attacker.refused(statement)
            attacker.refused("SELECT set_config('role', %s, false)", [other])
    attacker.refused("SET session_replication_role = replica")
    attacker.connection.execute("SET row_security = off")
    attacker.refused("SELECT * FROM casework.people")


def test_no_role_looks_past_the_wall_or_makes_others(admin: Connection) -> None:
    rows = admin.execute(
        "SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication, rolcanlogin"
        " FROM pg_roles WHERE rolname ~ '^ringfence_' ORDER BY 1"
    ).fetchall()
    assert rows == [(name, False, name != "ringfence_gate") for name in sorted([*LOGINS, "ringfence_gate"])]
    members = admin.execute(
        "SELECT r.rolname, m.rolname FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid"
        " JOIN pg_roles m ON m.oid = a.member WHERE r.rolname ~ '^ringfence_' AND m.rolname <> 'postgres'"
    ).fetchall()
    assert set(members) == {
        ("ringfence_app", "ringfence_cli"),
        ("ringfence_worker", "ringfence_cli"),
        ("ringfence_gate", "ringfence_owner"),
    }


@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_made(attack: Callable[[str], Attacker], role: str) -> None:
    attacker = attack(role)
    for schema in (*SCHEMAS, "public", "walls"):
        attacker.refused(f"CREATE TABLE {schema}.planted (id int)")
        attacker.refused(f"CREATE FUNCTION {schema}.planted() RETURNS int LANGUAGE sql RETURN 1")
    attacker.refused("CREATE SCHEMA planted")
    attacker.refused("CREATE EXTENSION dblink")
    for statement in (
        "ALTER TABLE casework.people DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY planted ON casework.people USING (true)",
        "CREATE TRIGGER planted BEFORE UPDATE ON casework.people EXECUTE FUNCTION casework.keep_people()",
        "CREATE RULE planted AS ON SELECT TO casework.people DO INSTEAD SELECT 1",
    ):
        attacker.refused(statement)


def test_the_web_makes_no_temporary_table(app: Attacker) -> None:
    """One of the name of a real table would stand before it when the session serves somebody else."""
    app.refused("CREATE TEMPORARY TABLE traces (id bigint)")
    app.refused("CREATE TEMPORARY VIEW people AS SELECT 1")
    app.refused("CREATE FUNCTION pg_temp.now() RETURNS int LANGUAGE sql RETURN 1")


@pytest.mark.parametrize("role", ROLES)
def test_rights_on_tables_are_those_that_the_code_needs(attack: Callable[[str], Attacker], role: str) -> None:
    """Nothing is deleted, but sessions, failed sign-ins and saved views by the web; by the worker what is to be searchable,
    moves that waited, and counts that no longer hold; by both shapes that were worked out and no longer fit."""
    attacker = attack(role)
    deleted = attacker.rows(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND c.relkind IN ('r', 'p', 'v', 'm')"
        " AND (has_table_privilege(c.oid, 'DELETE') OR has_table_privilege(c.oid, 'TRUNCATE')"
        " OR has_table_privilege(c.oid, 'TRIGGER') OR has_table_privilege(c.oid, 'REFERENCES')) ORDER BY 1"
    )
    assert all(
        name.startswith(("axes_", "django_session", "saved_views", "search_due", "moves_due", "area_days", "shapes"))
        for (name,) in deleted
    )
    assert bool(deleted) == (role in ("app", "worker"))


def test_only_named_functions_do_what_their_caller_may_not(admin: Connection) -> None:
    rows = admin.execute(
        "SELECT n.nspname || '.' || p.proname, p.proconfig, pg_get_userbyid(p.proowner),"
        " has_function_privilege('ringfence_lab', p.oid, 'EXECUTE')"
        " FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'country') ORDER BY 1"
    ).fetchall()
    assert {str(name) for name, *_ in rows} == set(DEFINERS)
    for name, settings, owner, by_anybody in rows:
        assert isinstance(settings, list)
        assert len(settings) == 1 and settings[0].startswith("search_path="), name
        path = [each.strip(' "') for each in settings[0].removeprefix("search_path=").split(",")]
        assert path[-1] == "pg_temp" and not {"public", "$user"} & set(path), name
        assert owner == ("ringfence_owner" if name == "walls.read" else "ringfence_gate"), name
        assert not by_anybody, name


def test_nobody_in_general_may_call_the_functions_of_the_wall(admin: Connection) -> None:
    rows = admin.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname IN ('walls', 'casework') AND has_function_privilege('ringfence_lab', p.oid, 'EXECUTE')"
    ).fetchall()
    assert rows == []


@pytest.fixture
def handy(app: Attacker, admin: Connection) -> Iterator[Attacker]:
    """The web's role with a right that it does not have: making temporary things, to deceive functions with."""
    database = sql.Identifier(env.database.name)
    admin.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO ringfence_app").format(database))
    try:
        yield app
    finally:
        admin.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM ringfence_app").format(database))


def test_tables_of_the_same_name_deceive_no_function(handy: Attacker, filled: Filled) -> None:
    inner, outer = walls.pads(b"a key of one's own")
    handy.connection.execute("SET search_path = pg_temp, casework, accounts, public")
    for statement, given in (
        ("CREATE TEMP TABLE keys (installed_at timestamptz DEFAULT now(), inner_pad bytea, outer_pad bytea)", ()),
        ("INSERT INTO keys (inner_pad, outer_pad) VALUES (%s, %s)", (inner, outer)),
        ("CREATE TEMP TABLE traces (LIKE casework.traces)", ()),
        ("CREATE TEMP TABLE standings (LIKE casework.standings)", ()),
        ("CREATE TEMP TABLE memberships (LIKE accounts.memberships)", ()),
        ("CREATE TEMP TABLE teams (LIKE accounts.teams)", ()),
        ("INSERT INTO memberships (id, user_id, role, from_at, lent, why) VALUES (1, %s, 'operations', now(), false, '')",
         (filled.town.users["Nia"].pk,)),
        ("INSERT INTO standings (person_id, area, why, from_at) SELECT %s, %s, 'lives', now()", (filled.people[LUTON], BLACKBURN)),
    ):  # fmt: skip
        handy.connection.execute(statement, given)
    scope = filled.by("Nia")
    assert handy.one("SELECT walls.read(%s)", [walls.sign(scope, handy.pid, key=b"a key of one's own")]) is None
    handy.holding(scope)
    assert handy.rows("SELECT id FROM casework.people") == [(filled.people[BLACKBURN],)]
    handy.refused(
        "INSERT INTO accounts.memberships (user_id, role, area, from_at, lent, why)"
        " VALUES (%s, 'director', %s, now(), false, '')",
        [filled.town.users["Charlie"].pk, LUTON],
    )
    with handy.trying():
        nora = filled.by("Nora")
        took = handy.rows(
            "SELECT id FROM casework.claim(%s, %s, 0, now(), interval '1 minute')",
            [walls.sign(nora, handy.pid), filled.town.team("national", LUTON)],
        )
    assert took == [(filled.traces[LUTON],)]


def test_functions_operators_and_types_of_the_same_name_deceive_no_function(handy: Attacker, filled: Filled) -> None:
    for statement in (
        "CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql RETURN ''::bytea",
        "CREATE FUNCTION pg_temp.encode(bytea, text) RETURNS text LANGUAGE sql RETURN repeat('0', 64)",
        "CREATE FUNCTION pg_temp.current_setting(text, boolean) RETURNS text LANGUAGE sql RETURN 'statistics'",
        "CREATE FUNCTION pg_temp.pg_backend_pid() RETURNS int LANGUAGE sql RETURN 1",
        "CREATE FUNCTION pg_temp.yes(text, text) RETURNS boolean LANGUAGE sql RETURN true",
        "CREATE OPERATOR pg_temp.= (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.yes)",
        "CREATE FUNCTION pg_temp.yes(text, text[]) RETURNS boolean LANGUAGE sql RETURN true",
        "CREATE DOMAIN pg_temp.text AS pg_catalog.int4",
        "SET search_path = pg_temp, pg_catalog, casework, accounts, public",
    ):
        handy.connection.execute(statement)
    for ticket in (
        walls.sign(SYSTEM["statistics"], 1),
        walls.sign(SYSTEM["statistics"], handy.pid, key=b"another"),
        "|".join(["statistics", "0", "", "", "", str(handy.pid), "9" * 12, "0" * 64]),
    ):
        handy.connection.execute("SELECT set_config('ringfence.ticket', %s::pg_catalog.text, false)", [ticket])
        assert handy.one("SELECT count(*) FROM casework.traces") == 0
        assert handy.one("SELECT walls.read(%s::pg_catalog.text) IS NULL", [ticket])
    handy.holding(filled.by("Nia"))
    assert handy.rows("SELECT id FROM casework.people") == [(filled.people[BLACKBURN],)]


def test_a_trigger_of_the_history_cannot_be_put_on_a_table_of_one_s_own(handy: Attacker) -> None:
    """It would write what it is given into the history of people."""
    handy.connection.execute("CREATE TEMP TABLE forged (LIKE casework.people)")
    handy.refused(
        "CREATE TRIGGER forge AFTER UPDATE ON forged REFERENCING OLD TABLE AS old_rows"
        " FOR EACH STATEMENT EXECUTE FUNCTION casework.keep_people()"
    )


def test_a_ticket_left_in_the_session_opens_nothing_to_the_next(app: Attacker, filled: Filled) -> None:
    """Who comes next brings a ticket of their own; without one, the one that was left is bound to its minutes."""
    app.holding(filled.by("Nia"))
    with app.connection.transaction():
        app.connection.execute(
            "SELECT set_config('ringfence.ticket', %s, true)", [walls.sign(filled.by("Nora"), app.pid)]
        )
        assert app.rows("SELECT id FROM casework.people") == [(filled.people[LUTON],)]
