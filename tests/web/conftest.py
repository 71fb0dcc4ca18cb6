"""The small country with its pages: who asks for what, and what they get."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from ringfence.actions import handover, work
from tests.town import SWEEP, Town, row

BACKEND = "django.contrib.auth.backends.ModelBackend"
PASSWORD = "a long enough password"

SignedIn = Callable[[str], Client]


#: The site's own, put together once; each client would make one of its own.
HANDLER = Client().handler


def browser() -> Client:
    """A browser of nobody in particular."""
    made = Client()
    made.handler = HANDLER
    return made


@pytest.fixture
def client() -> Client:
    """In place of pytest-django's."""
    return browser()


@pytest.fixture
def signed_in(town: Town) -> SignedIn:
    """A browser of somebody who has signed in."""

    def client(name: str) -> Client:
        made = browser()
        made.force_login(town.users[name], BACKEND)
        return made

    return client


@pytest.fixture
def trace(town: Town) -> str:
    """The reference of a trace of Blackburn's national team that Nia has open."""
    now = timezone.now()
    number = town.trace(now=now - timedelta(hours=1), phone="01632960101", phone_other="07700900102")
    claimed = work.claim(team=town.team("national"), by=town.by("Nia", now), now=now)
    assert claimed is not None
    assert claimed.trace == number
    return claimed.ref


@pytest.fixture
def handed_over(town: Town) -> str:
    """The reference of a trace that the clock passed to Blackburn's local team."""
    now = timezone.now()
    number = town.trace(now=now - timedelta(days=3))
    assert handover.sweep(by=SWEEP, now=now).handed_over == 1
    return str(row(number, "ref")[0])


def version(ref: str) -> int:
    """The version that a page of the trace shows."""
    from django.db import connection

    from ringfence.accounts import walls

    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute("SELECT version FROM traces WHERE ref = %s", [ref])
        return int(cursor.fetchone()[0])
