"""The residents' pages, served by a process of their own, and links to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from ringfence.actions import messages, sending
from ringfence.actions.messages import Asked
from ringfence.gateways.messages import Folder
from tests.database import Database
from tests.residents.phone import Phone
from tests.serving import Site, serving
from tests.town import MESSAGES, Town

Invited = Callable[[int], str]


@pytest.fixture(scope="session")
def residents(django_db_setup: Database) -> Iterator[Site]:
    with serving(residents=True) as found:
        yield found


@pytest.fixture
def town(real_town: Town) -> Town:
    return real_town


@pytest.fixture
def trace(town: Town) -> int:
    """A case of today, which Nia's team has."""
    return town.trace(now=timezone.now() - timedelta(hours=1), phone="07700900982")


@pytest.fixture
def invited(town: Town, tmp_path: Path) -> Invited:
    """Send the link to the person of a trace; the address in it, without the host."""

    def link(trace: int) -> str:
        # At noon: a link by text waits for the morning.
        at = timezone.now().replace(hour=12)
        asked = [
            Asked(trace=trace, kind="invitation", key=f"{trace} {at.timestamp()} {len(list(tmp_path.rglob('*')))}")
        ]
        messages.queue(asked=asked, by=MESSAGES, now=at)
        folder = Folder(tmp_path / "outbox")
        before = set((tmp_path / "outbox").glob("*"))
        sending.deliver(by=MESSAGES, now=at, through=folder)
        (new,) = set((tmp_path / "outbox").glob("*")) - before
        sent = folder.read(new.name)
        assert sent is not None
        found = re.search(r"(/you/[\w-]+)", sent.body)
        assert found is not None
        return found[1]

    return link


@pytest.fixture
def phone(residents: Site) -> Phone:
    return Phone(residents.port)
