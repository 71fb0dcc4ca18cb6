"""The harness itself: isolation, roles, and real commits that leave nothing behind."""

from collections.abc import Callable

import psycopg
import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from tests.database import Connection


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
