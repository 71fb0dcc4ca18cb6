"""Sessions in the database are of no use to whoever reads or copies their rows."""

from __future__ import annotations

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from ringfence.accounts.sessions import SessionStore, row_key
from tests.town import Town

pytestmark = pytest.mark.django_db

BACKEND = "django.contrib.auth.backends.ModelBackend"


def signed_in(town: Town, name: str) -> tuple[Client, str]:
    client = Client()
    client.force_login(town.users[name], BACKEND)
    return client, client.cookies["sessionid"].value


def is_in(key: str) -> bool:
    """Whether a browser with this cookie is signed in."""
    client = Client()
    client.cookies["sessionid"] = key
    return not client.get("/").headers.get("Location", "").startswith("/sign-in")


def test_the_key_is_not_in_the_database(town: Town) -> None:
    _, key = signed_in(town, "Nia")
    row = Session.objects.get()
    assert row.session_key == row_key(key) and key not in (row.session_key, row.session_data)
    assert (is_in(key), is_in(row.session_key)) == (True, False)


def test_another_s_session_under_a_key_of_one_s_own_is_nobody_s(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    signed_in(town, "Dora")
    row = Session.objects.get()
    mine = "m" * 32
    row.session_key = row_key(mine)
    row.save(force_insert=True)
    assert not is_in(mine)
    assert "Session data corrupted" in caplog.text


def test_a_session_that_has_run_out_is_gone(town: Town) -> None:
    _, key = signed_in(town, "Nia")
    assert is_in(key)
    Session.objects.update(expire_date=timezone.now())
    assert not is_in(key)


def test_signing_out_takes_the_row_away(town: Town) -> None:
    client, key = signed_in(town, "Nia")
    client.post("/sign-out")
    assert not Session.objects.filter(session_key=row_key(key)).exists()
    assert not is_in(key)


def test_what_is_in_a_session_is_kept_and_changed_and_moves_to_a_new_key() -> None:
    store = SessionStore()
    store[SESSION_KEY] = "1"
    store.save()
    first = store.session_key
    assert first is not None and store.exists(first)
    again = SessionStore(first)
    again["colour"] = "blue"
    again.save()
    moved = SessionStore(first)
    assert dict(moved.items()) == {SESSION_KEY: "1", "colour": "blue"}
    moved.cycle_key()
    assert not SessionStore().exists(first)
    assert SessionStore(moved.session_key)["colour"] == "blue"
    moved.flush()
    assert Session.objects.count() == 0


@pytest.mark.parametrize("key", ["", "short", "x" * 500, "\x00" * 40, "ключ" * 10])
def test_a_cookie_of_nonsense_is_nobody_s(key: str) -> None:
    assert dict(SessionStore(key or None).items()) == {}
