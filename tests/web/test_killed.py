"""``kill -9`` of the web process in the middle of a request: nothing is lost, doubled or half done."""

from __future__ import annotations

from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from threading import Thread
from urllib.parse import urlencode

import psycopg
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from ringfence.actions import work
from tests.database import Connection
from tests.serving import Site
from tests.town import Town, events, row

#: A secret of the form that nobody has to fetch a page for: the cookie's and the form's must be the same.
TOKEN = "k" * 32

#: Where the saving of a call is stopped: before the try is written, and after it, before the transaction's end.
PLACES = ("casework.attempts", "audit.events")

WAITING = "SELECT count(*) FROM pg_sleep(0.01), pg_locks WHERE NOT granted AND relation = %s::regclass"
AT_WORK = (
    "SELECT count(*) FROM pg_sleep(0.01), pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'ringfence web'"
)


class Tracer:
    """Nia's browser, with a trace open, and its form filled in."""

    def __init__(self, town: Town) -> None:
        now = timezone.now()
        self.trace = town.trace(now=now - timedelta(hours=1))
        claimed = work.claim(team=town.team("national"), by=town.by("Nia", now), now=now)
        assert claimed is not None and claimed.trace == self.trace
        self.ref, self.version = claimed.ref, claimed.version
        self.client = Client()
        self.client.force_login(town.users["Nia"], settings.AUTHENTICATION_BACKENDS[-1])
        self.form = {"kind": "call", "outcome": "no_answer", "then": "stop", "version": str(self.version)}
        self.address = f"/traces/{self.ref}/attempts"

    def save(self, site: Site) -> int | None:
        """Send the form; the answer's status, or None when there is none."""
        session = self.client.cookies[settings.SESSION_COOKIE_NAME].value
        headers = {
            "Cookie": f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={TOKEN}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        connection = HTTPConnection("127.0.0.1", site.port, timeout=60)
        try:
            connection.request("POST", self.address, urlencode(self.form | {"csrfmiddlewaretoken": TOKEN}), headers)
            return connection.getresponse().status
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()

    def saved(self) -> int:
        """The same form, to pages in this process: what a web that was started again would answer."""
        return self.client.post(self.address, self.form).status_code


def count(owner: Connection, statement: str, *values: object) -> int:
    row = owner.execute(statement, values).fetchone()
    assert row is not None and isinstance(row[0], int)
    return row[0]


def cut_off(owner: Connection, tracer: Tracer, place: str) -> None:
    """The form is sent, its saving stops at a table, and the web is killed there."""
    site, answers = Site(), []
    try:
        site.wait()
        with psycopg.connect(owner.info.dsn, password=owner.info.password) as holding:
            holding.execute(f"LOCK TABLE {place} IN SHARE MODE")
            sending = Thread(target=lambda: answers.append(tracer.save(site)))
            sending.start()
            while not count(owner, WAITING, place):
                assert sending.is_alive(), answers
            site.kill()
            sending.join()
    finally:
        site.kill()
    assert answers == [None]
    # The server finds out by itself that nobody is there any more.
    while count(owner, AT_WORK):
        pass


def killed_at(place: str, town: Town, owner: Connection) -> None:
    tracer, told = Tracer(town), len(events("attempt.recorded"))
    cut_off(owner, tracer, place)
    assert row(tracer.trace, "attempts", "version") == (0, tracer.version)
    assert row(tracer.trace, "claimed_by") == (town.users["Nia"].pk,)
    assert len(events("attempt.recorded")) == told
    assert tracer.saved() == 302
    assert row(tracer.trace, "attempts", "claimed_by") == (1, None)
    assert tracer.saved() == 409, "the same form again is a stale page"
    assert row(tracer.trace, "attempts") == (1,)
    assert len(events("attempt.recorded")) == told + 1


def test_a_call_that_is_being_saved(real_town: Town, owner: Connection) -> None:
    killed_at(PLACES[-1], real_town, owner)


@pytest.mark.nightly
@pytest.mark.parametrize("turn", range(100))
def test_a_call_that_is_being_saved_again_and_again(turn: int, real_town: Town, owner: Connection) -> None:
    killed_at(PLACES[turn % len(PLACES)], real_town, owner)
