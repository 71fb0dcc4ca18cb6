"""The worker as a process: it catches up, survives the database, ends when told, and never does half."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import handover
from ringfence.base.env import env
from ringfence.worker import clock
from tests.commands import command
from tests.dying import Apart
from tests.town import HOUR, MINUTE, START, SWEEP, owners, row

#: A short while from now, so that asking again and again leaves the processors to what is waited for.
WAITING = "SELECT count(*) FROM pg_sleep(0.01), pg_locks WHERE NOT granted AND relation = 'audit.events'::regclass"

DUE = START + 25 * HOUR


def worker() -> subprocess.Popen[str]:
    """The worker on this test's database; its log is on ``stderr``."""
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "ringfence.worker"],
        env={**os.environ, "RINGFENCE_PROCESS": "worker", "RINGFENCE_DATABASE": env.database.name},
        stderr=subprocess.PIPE,
        text=True,
    )


def lines_until(process, wanted):
    """Read the log until a line holds ``wanted``; all lines read."""
    seen = []
    for line in process.stderr:
        seen.append(line)
        if wanted in line:
            return seen
    raise AssertionError(f"the worker ended without saying {wanted!r}: {seen}")


@pytest.fixture
def due_now(real_town):
    """Fifty traces that are due at this moment, as after an hour of being down."""
    traces = [real_town.trace() for _ in range(50)]
    past = datetime.now(UTC) - HOUR
    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute("UPDATE traces SET due_at = %s", [past])
    connection.close()
    return traces


def test_it_catches_up_at_once_and_ends_when_told(real_town, due_now):
    process = worker()
    try:
        lines_until(process, "handed over 50, to teams: 1")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert all(row(trace, "team_id") == (real_town.team("local"),) for trace in due_now)
    since = [at for trace in due_now for _, _, _, at, _ in owners(trace)]
    assert len(since) == 50
    assert min(since) > datetime.now(UTC) - HOUR + MINUTE


def test_killed_in_the_middle_nothing_is_half_done_and_the_next_one_does_it(real_town, due_now, owner):
    # A lock on the audit holds the sweep inside its transaction, after the traces were moved.
    with psycopg.connect(owner.info.dsn, password=owner.info.password) as holding:
        holding.execute("LOCK TABLE audit.events IN SHARE MODE")
        process = Apart(lambda: clock.run(threading.Event()))
        try:
            while owner.execute(WAITING).fetchone() == (0,):
                assert process.runs()
        finally:
            process.kill()
    assert all(row(trace, "team_id", "handovers") == (real_town.team("national"), 0) for trace in due_now)
    assert all(owners(trace) == [] for trace in due_now)
    # The server finds out by itself that nobody is there any more; until then the rows are held and are left alone.
    left = 50
    while left:
        left -= handover.sweep(by=SWEEP, now=datetime.now(UTC)).handed_over
    assert all(len(owners(trace)) == 1 for trace in due_now)


def test_it_goes_on_when_the_database_was_away(real_town, login, caplog):
    real_town.trace()
    stopping, administrator = threading.Event(), login("cli")
    looks = 0

    def now():
        """Just before one whole minute after the other, so that no look is waited for; the session is ended before
        the second one."""
        nonlocal looks
        looks += 1
        if looks == 3:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                administrator.execute("SELECT pg_terminate_backend(%s)", cursor.fetchone())
        if looks == 6:
            stopping.set()
        return DUE + (looks - 1) // 2 * MINUTE - timedelta(milliseconds=1)

    with caplog.at_level(logging.INFO, logger="ringfence"):
        clock.run(stopping, now)
    told = [record.message for record in caplog.records if "policy" not in record.message]
    assert told[0].startswith("the database is away, trying again: terminating connection")
    assert told[1:] == ["handed over 1, to teams: 1; put back into queues: 0", "the database is back"]


@pytest.mark.parametrize(("second", "seconds"), [(0, 5.0), (4.5, 0.5), (57, 3.0), (59.75, 0.25)])
def test_it_looks_on_every_whole_minute(second, seconds):
    assert clock.pause(START + timedelta(seconds=second)) == seconds


def test_the_command_line_does_the_same(real_town, due_now):
    code, said = command("sweep", "--json")
    assert code == 0
    told = json.loads(said)
    assert (told["handed_over"], told["teams"], told["woken"]) == (50, 1, 0)
