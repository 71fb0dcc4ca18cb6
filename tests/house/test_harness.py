"""The harness itself: isolation, roles, and real commits that leave nothing behind."""

from collections.abc import Callable

import psycopg
import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from tests.database import POSTCODES, Connection, Database


def count(reader: Connection) -> object:
    row = reader.execute("SELECT count(*) FROM users").fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("time", [1, 2])
def test_a_test_leaves_nothing_behind(db: None, login: Callable[[str], Connection], time: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE ringfence_app")
    get_user_model().objects.create(email="a@example.org", name="A")
    assert get_user_model().objects.count() == 1
    assert count(login("app")) == 0


@pytest.mark.parametrize("time", [1, 2])
def test_commits_are_seen_by_others_and_then_taken_back(
    committed: None, login: Callable[[str], Connection], time: int
) -> None:
    reader = login("app")
    assert count(reader) == 0
    reader.execute(
        "INSERT INTO users (email, name, password, is_active, created_at)"
        " VALUES ('a@example.org', 'A', '', true, now())"
    )
    assert count(login("worker")) == 1


@pytest.mark.parametrize(
    "changes",
    [
        "UPDATE geography.postcodes SET area = 'E06000008' WHERE code = 'LU1 1AA'",
        "DELETE FROM geography.postcodes WHERE code = 'LU1 1AA'",
        "INSERT INTO geography.postcodes (code, area) VALUES ('LU1 1AB', 'E06000032')",
    ],
)
def test_what_was_there_is_there_again(
    committed: None, django_db_setup: Database, owner: Connection, changes: str
) -> None:
    owner.execute(changes)
    assert dict(owner.execute("SELECT code, area FROM geography.postcodes").fetchall()) != POSTCODES
    django_db_setup.reset()
    assert dict(owner.execute("SELECT code, area FROM geography.postcodes").fetchall()) == POSTCODES


def test_a_session_that_was_somebody_s_is_as_if_just_signed_in(committed: None, django_db_setup: Database) -> None:
    with django_db_setup.lending() as lend:
        first = lend("ringfence_cli")
        first.execute("SELECT set_config('ringfence.ticket', 'x', false), pg_advisory_lock(1)")
        first.execute("SET ROLE ringfence_app")
        first.execute("BEGIN")
    with django_db_setup.lending() as lend:
        again = lend("ringfence_cli")
        assert again is first
        row = again.execute(
            "SELECT current_user, coalesce(current_setting('ringfence.ticket', true), ''),"
            " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())"
        ).fetchone()
        assert row == ("ringfence_cli", "", 0)


def test_what_a_session_holds_stops_no_reset(committed: None, django_db_setup: Database, owner: Connection) -> None:
    owner.execute("BEGIN")
    owner.execute("LOCK TABLE geography.postcodes IN ACCESS EXCLUSIVE MODE")
    django_db_setup.reset()
    assert owner.execute("SELECT count(*) FROM geography.postcodes").fetchone() == (len(POSTCODES),)


def test_a_session_that_was_ended_is_given_to_nobody(committed: None, django_db_setup: Database) -> None:
    with django_db_setup.lending() as lend:
        ended = lend("ringfence_lab")
    with django_db_setup.admin() as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 10000)", [ended.info.backend_pid])
    with django_db_setup.lending() as lend:
        assert lend("ringfence_lab").execute("SELECT 1").fetchone() == (1,)


def test_the_tests_sign_in_as_the_command_line_does(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user, current_setting('search_path')")
        assert cursor.fetchone() == ("ringfence_cli", "casework,audit,partnerships,accounts,geography,public")


@pytest.mark.parametrize("role", ["app", "worker", "lab", "cli", "owner"])
def test_no_role_looks_past_the_walls(login: Callable[[str], Connection], role: str) -> None:
    row = (
        login(role)
        .execute("SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = session_user")
        .fetchone()
    )
    assert row == (False, False, False, False)


@pytest.mark.parametrize("role", ["app", "worker", "lab", "cli"])
def test_only_the_owner_makes_tables(login: Callable[[str], Connection], role: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        login(role).execute("CREATE TABLE public.mine (id int)")
