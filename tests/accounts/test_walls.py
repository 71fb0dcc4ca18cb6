"""``walls.transaction``: the role and the ticket come with it and go with it, also when it is inside another or fails."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, ProgrammingError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.accounts import walls
from ringfence.accounts.models import User
from ringfence.rules.access import Scope, system_scope
from tests.database import Database
from tests.examples import examples
from tests.town import LUTON, Town

FIGURES = system_scope("statistics")
CLOCK = system_scope("sweep")


def state() -> tuple[str, str]:
    """The database role, and the name of the scope that the ticket gives ("" for none)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, coalesce(split_part(current_setting('ringfence.ticket', true), '|', 1), '')"
        )
        found: tuple[str, str] = cursor.fetchone()
    return found


OUTSIDE = ("ringfence_cli", "")


@pytest.mark.django_db(transaction=False)
class TestInside:
    """Inside a transaction that somebody else has opened."""

    def test_the_role_and_the_ticket_are_gone_after_it(self) -> None:
        assert state() == OUTSIDE
        with walls.transaction(FIGURES):
            assert state() == ("ringfence_app", "statistics")
        assert state() == OUTSIDE

    def test_another_scope_inside_gives_the_outer_one_back(self) -> None:
        with walls.transaction(FIGURES):
            with walls.transaction(CLOCK):
                assert state() == ("ringfence_worker", "sweep")
                with walls.transaction(FIGURES):
                    assert state() == ("ringfence_app", "statistics")
                assert state() == ("ringfence_worker", "sweep")
            assert state() == ("ringfence_app", "statistics")

    def test_the_same_scope_inside_opens_nothing_new(self) -> None:
        with walls.transaction(FIGURES):
            before = len(connection.savepoint_ids)
            with walls.transaction(system_scope("statistics")):
                assert len(connection.savepoint_ids) == before
            assert state() == ("ringfence_app", "statistics")

    @pytest.mark.parametrize("outer", [None, CLOCK])
    def test_a_block_that_fails_gives_back_what_was(self, outer: Scope | None) -> None:
        def failing() -> None:
            with walls.transaction(FIGURES):
                raise RuntimeError("halfway")

        if outer is None:
            with pytest.raises(RuntimeError, match="halfway"):
                failing()
            assert state() == OUTSIDE
        else:
            with walls.transaction(outer):
                with pytest.raises(RuntimeError, match="halfway"):
                    failing()
                assert state() == ("ringfence_worker", "sweep")

    @pytest.mark.parametrize("outer", [None, CLOCK])
    def test_a_statement_that_fails_gives_back_what_was(self, outer: Scope | None) -> None:
        def failing() -> None:
            with walls.transaction(FIGURES), connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")

        if outer is None:
            with pytest.raises(DatabaseError):
                failing()
            assert state() == OUTSIDE
        else:
            with walls.transaction(outer):
                with pytest.raises(DatabaseError):
                    failing()
                assert state() == ("ringfence_worker", "sweep")

    def test_what_a_failed_block_wrote_is_not_there(self) -> None:
        def failing() -> None:
            with walls.transaction(system_scope("accounts")):
                User.objects.create_user("ann@example.org", "Ann")
                User.objects.create_user("ann@example.org", "Ann again")

        with pytest.raises(IntegrityError):
            failing()
        assert not User.objects.filter(email="ann@example.org").exists()

    def test_a_savepoint_rolled_back_inside_leaves_the_scope(self) -> None:
        with walls.transaction(FIGURES):
            with pytest.raises(RuntimeError), transaction.atomic():
                raise RuntimeError
            assert state() == ("ringfence_app", "statistics")

    def test_a_scope_that_is_not_there_to_be_entered_leaves_no_trace(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Scope, "role", property(lambda _: "nobody"))
        with pytest.raises(DatabaseError), walls.transaction(FIGURES):
            pass
        monkeypatch.undo()
        assert state() == OUTSIDE
        with walls.transaction(CLOCK):
            assert state() == ("ringfence_worker", "sweep")


def test_a_plan_that_is_kept_shows_each_scope_its_own_rows_only(town: Town) -> None:
    mine = town.trace()
    theirs = town.trace(LUTON)
    everybody = [
        (town.by("Nia"), [mine]),
        (town.by("Nora"), [theirs]),
        (CLOCK, [mine, theirs]),
        (town.by("Charlie"), []),
    ]
    kept = "SELECT id FROM traces WHERE id > %s ORDER BY id"
    for _ in range(10):
        for scope, seen in everybody:
            with walls.transaction(scope):
                assert [row[0] for row in walls.rows(kept, [0])] == seen
    plans = walls.rows(
        "SELECT generic_plans FROM pg_prepared_statements WHERE starts_with(statement, 'SELECT id FROM traces')"
    )
    assert plans[0][0] > 0, "a plan was kept"
    with pytest.raises(ProgrammingError, match="nothing_there"), walls.transaction(FIGURES):
        walls.rows("SELECT nothing_there FROM traces")


def test_nothing_is_left_for_the_next_who_uses_the_session(committed: None) -> None:
    for fails in (False, True):
        try:
            with walls.transaction(FIGURES):
                if fails:
                    raise RuntimeError
        except RuntimeError:
            pass
        assert state() == OUTSIDE
    with walls.transaction(CLOCK), walls.transaction(FIGURES):
        pass
    assert state() == OUTSIDE


def test_a_session_that_was_ended_leaves_no_scope_behind(committed: None, django_db_setup: Database) -> None:
    import psycopg

    def ended() -> None:
        with walls.transaction(FIGURES):
            with psycopg.connect(django_db_setup.server.admin(), autocommit=True) as admin:
                admin.execute("SELECT pg_terminate_backend(%s, 10000)", [walls.backend_pid()])
            state()

    with pytest.raises(DatabaseError):
        ended()
    connection.close()
    assert state() == OUTSIDE
    with walls.transaction(CLOCK):
        assert state() == ("ringfence_worker", "sweep")


# The signature


codes = st.lists(st.builds("{}{:08}".format, st.sampled_from("EWSN"), st.integers(0, 99_999_999)), max_size=5).map(
    tuple
)
scopes = st.builds(
    Scope,
    st.just("person"),
    st.integers(1, 2**62),
    st.lists(st.integers(1, 2**62), max_size=5).map(tuple),
    codes,
    codes,
)


@given(st.binary(max_size=200), st.binary(max_size=300))
def test_the_padded_keys_are_those_of_hmac(key: bytes, body: bytes) -> None:
    inner, outer = walls.pads(key)
    mine = hashlib.sha256(outer + hashlib.sha256(inner + body).digest()).digest()
    assert mine == hmac.digest(key, body, "sha256")


@given(st.binary(min_size=1, max_size=200), scopes)
def test_a_ticket_is_signed_with_the_whole_key(key: bytes, scope: Scope) -> None:
    body, _, signature = walls.sign(scope, 7, key=key).rpartition("|")
    assert signature == hmac.digest(key, body.encode(), "sha256").hex()


@pytest.mark.django_db
def test_the_database_reads_what_was_signed() -> None:
    pid = walls.backend_pid()

    @settings(max_examples=examples(50))
    @given(scopes)
    def read(scope: Scope) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT walls.read(%s)", [walls.sign(scope, pid)])
            parts = cursor.fetchone()[0]
        assert parts[:2] == ["person", str(scope.user)]
        assert tuple(map(int, filter(None, parts[2].split(",")))) == scope.teams
        assert tuple(filter(None, parts[3].split(","))) == scope.areas
        assert tuple(filter(None, parts[4].split(","))) == scope.standing

    read()


@pytest.mark.django_db
def test_each_part_of_a_ticket_is_given_by_its_function() -> None:
    scope = Scope("person", 7, (3, 4), ("E06000008",), ("E06000008", "E06000032"))
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute("SELECT walls.system(), walls.user_id(), walls.teams(), walls.areas(), walls.standing()")
        assert cursor.fetchone() == ("person", 7, [3, 4], ["E06000008"], ["E06000008", "E06000032"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT walls.system(), walls.user_id(), walls.teams(), walls.areas(), walls.standing()")
        assert cursor.fetchone() == (None,) * 5


@pytest.mark.django_db
def test_a_ticket_holds_until_its_second_and_not_beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(expires: int) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT walls.read(%s)", [walls.sign(FIGURES, walls.backend_pid(), expires=expires)])
            return cursor.fetchone()[0]

    monkeypatch.setattr(walls.time, "time", lambda: 1_800_000_000.0)
    assert walls.sign(FIGURES, 1).split("|")[6] == str(1_800_000_000 + walls.LIFETIME)
    monkeypatch.undo()
    assert read(2**33) is not None
    assert read(1) is None


def test_an_old_hash_of_a_password_is_renewed_when_it_is_given(town: Town, settings: Any) -> None:
    """Nobody has a ticket before they have signed in."""
    nia = town.users["Nia"]
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    nia.set_password("a long enough password")
    with walls.transaction(system_scope("accounts")):
        nia.save(update_fields=["password"])
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    nia = User.objects.get(pk=nia.pk)
    assert not nia.check_password("another")
    assert nia.password.startswith("md5")
    assert nia.check_password("a long enough password")
    assert User.objects.get(pk=nia.pk).password.startswith("scrypt")
