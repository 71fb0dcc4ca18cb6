"""``kill -9`` of PostgreSQL in the middle of a sweep, of a call and of intake: nothing lost, doubled or half done."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from django.db import InterfaceError, OperationalError, connection, connections, transaction

from ringfence.actions import intake
from ringfence.cli.postgres import Server
from ringfence.geography import resolve
from tests import deliveries
from tests.country import Country
from tests.database import Database
from tests.deliveries import NOW, deliver, events, problems, receive, wave
from tests.dying import MOVED, TOLD, TRACES, Statements, due, record, sweep, whole
from tests.town import INTAKE, Town

#: More statements than any deed has.
MOST = 30


@pytest.fixture(scope="module")
def own(
    request: pytest.FixtureRequest, open_folder: Path, django_db_setup: Database, country: Country
) -> Iterator[Database]:
    """The tests' database on a server that nobody else is on. In the night it keeps what was committed as in earnest."""
    shutil.copy(django_db_setup.server.home / "secrets.json", open_folder)
    with Server(open_folder, durable=request.config.getoption("--nightly")).use() as server:
        django_db_setup.copy_to(server, "ringfence")
        with closing(Database(server, "ringfence")) as database:
            yield database


@pytest.fixture
def database(own: Database, country: Country, django_db_setup: Database, committed: None) -> Iterator[Town]:
    """The small country on that server, with real commits."""
    own.turn_to()
    try:
        yield country.restore()
    finally:
        own.reset()
        django_db_setup.turn_to()
        resolve.forget()


def killed(own: Database, who: str, deed: Callable[[], object], at: int | str) -> bool:
    """Kill what serves us at a statement and let it recover; whether the deed was done all the same."""
    server = own.server

    def victim() -> int:
        pid = connection.connection.info.backend_pid if who == "session" else server.pid()
        assert isinstance(pid, int)
        return pid

    statements = Statements(victim, at)
    try:
        with connection.execute_wrapper(statements):
            deed()
        done = True
    except (OperationalError, InterfaceError):
        done = False
    connections.close_all()
    assert done or statements.struck
    # A session may outlive the server's first process for a few statements, and end its deed.
    if who == "database" and statements.struck:
        assert server.process is not None
        server.process.wait(timeout=60)
        assert server.restart_if_crashed()
        own.turn_to()
    until = time.monotonic() + 60
    while not server.is_up():
        assert server.pid() is not None
        assert time.monotonic() < until, "the server does not answer a minute after it was killed"
    return done


def test_in_the_middle_of_a_sweep_and_of_a_call(own: Database, database: Town) -> None:
    due(database)
    assert not killed(own, "session", record, TOLD)
    assert whole()["tries"] == 0
    swept = killed(own, "database", sweep, MOVED)
    assert whole()["handovers"] == TRACES * swept
    assert sweep() == TRACES * (not swept)
    assert whole()["handovers"] == TRACES


@pytest.mark.nightly
def test_again_and_again_in_sweeps_and_calls(own: Database, database: Town) -> None:
    due(database)
    random = Random(1)
    for _ in range(30):
        who = random.choice(("session", "database"))
        killed(own, who, random.choice((sweep, record)), random.randrange(1, MOST))
        if whole()["local"]:
            break
    sweep()
    assert whole()["handovers"] == TRACES


def intake_killed(own: Database, rows: int, kills: Iterable[int | str]) -> None:
    """A delivery is read while the server is killed at statements; the record is what one reading in peace makes."""
    data = wave(rows)
    with transaction.atomic():
        deliver(data)
        expected = deliveries.record()
        transaction.set_rollback(True)
    ref = receive(data).ref

    def read() -> None:
        intake.process(delivery=ref, by=INTAKE, now=NOW)

    struck = 0
    for at in kills:
        if killed(own, "database", read, at):
            break
        struck += 1
        assert all("half read" in each or "not read yet" in each for each in problems())
    assert struck
    read()
    assert problems() == []
    assert deliveries.record() == expected
    assert events("case.opened") == len(expected["cases"])


def test_in_the_middle_of_intake(own: Database, database: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "CHUNK", 4096)
    intake_killed(own, 120, (TOLD, 40))


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(10))
def test_again_and_again_in_intake(own: Database, database: Town, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(intake, "CHUNK", 4096)
    random = Random(seed)
    intake_killed(own, 3000, (random.randrange(1, 100) for _ in range(20)))
