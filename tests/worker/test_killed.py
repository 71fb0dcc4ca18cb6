"""``kill -9`` of the worker, of the web and of PostgreSQL in the middle of a deed: nothing lost, doubled or half done."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from random import Random

import psycopg
import pytest

from ringfence.base.env import env
from ringfence.cli.postgres import Server
from tests.database import Database
from tests.deliveries import load_postcodes
from tests.dying import DEEDS, INTERVIEWS, TRACES
from tests.town import Town

Deed = Callable[..., tuple[int, str]]

#: More statements than any deed has, so that some processes live.
MOST = 30


def deeds(variables: Mapping[str, str]) -> Deed:
    """``tests.dying`` in a process of its own: its exit code and what it said."""

    def run(*arguments: object) -> tuple[int, str]:
        process = subprocess.run(
            [sys.executable, "-m", "tests.dying", *map(str, arguments)],
            env={**os.environ, "RINGFENCE_PROCESS": "cli", **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        return process.returncode, process.stdout or process.stderr

    return run


@pytest.fixture
def run(real_town: Town) -> Deed:
    """What nothing is to be killed in is done by this process: each one more takes a second to start."""
    apart = deeds({"RINGFENCE_DATABASE": env.database.name})
    for _ in range(TRACES):
        real_town.trace()

    def run(*arguments: object) -> tuple[int, str]:
        if len(arguments) > 1:
            return apart(*arguments)
        with redirect_stdout(StringIO()) as said:
            DEEDS[str(arguments[0])]()
        return 0, said.getvalue()

    return run


def found(run: Deed) -> dict[str, int]:
    code, said = run("verify")
    assert code == 0, said
    values: dict[str, int] = json.loads(said)
    return values


def whole(run: Deed) -> dict[str, int]:
    """What is in the record agrees with itself and with what was told of it, whatever was done of it."""
    now = found(run)
    handed, tries, _ = now.pop("told")  # type: ignore[misc]
    assert now["traces"] == now["as the trace says"] == TRACES
    assert now["local"] in (0, TRACES), "a sweep is done whole or not at all"
    assert now["local"] == now["handovers"] == handed
    assert now["tries"] == tries
    return now


def killed_sweeps(run: Deed, at: list[int]) -> None:
    for statement in at:
        code, said = run("sweep", "self", statement)
        assert code == -9 or "done after" in said
        assert whole(run)["handovers"] == (0 if code == -9 else TRACES)
        if code == 0:
            break
    assert run("sweep")[0] == 0
    assert whole(run)["handovers"] == TRACES
    assert run("sweep") == (0, "0\n")


def test_a_worker_is_killed_in_the_middle_of_a_sweep(run: Deed) -> None:
    """After the statement that moves everything, before the end of its transaction."""
    assert run("sweep", "self", 20)[0] == -9
    assert whole(run)["handovers"] == 0
    killed_sweeps(run, [])


@pytest.mark.nightly
def test_a_worker_is_killed_at_every_statement_of_a_sweep(run: Deed) -> None:
    killed_sweeps(run, list(range(1, MOST)))


def killed_calls(run: Deed, at: list[int]) -> None:
    """Whoever was cut off goes on with the trace that they had; each try is told of once."""
    for statement in at:
        before = found(run)["tries"]
        code, said = run("record", "self", statement)
        now = whole(run)
        assert now["claimed"] <= 1
        assert now["tries"] == before + (code == 0), said
        if "done after" in said:
            break
    assert run("record")[0] == 0
    assert whole(run)["claimed"] == 0


def test_the_web_is_killed_while_a_tracer_claims_and_records(run: Deed) -> None:
    """After the try was written, before the end of its transaction."""
    assert run("record", "self", 16)[0] == -9
    assert whole(run)["tries"] == 0
    killed_calls(run, [])


@pytest.mark.nightly
def test_the_web_is_killed_at_every_statement_of_a_call(run: Deed) -> None:
    killed_calls(run, list(range(1, MOST)))


def test_a_claim_that_is_cut_off_is_whole_and_its_tracer_has_it(run: Deed, owner: psycopg.Connection) -> None:
    """The one statement of a claim is held in the database, and the process that sent it is killed."""
    with psycopg.connect(owner.info.dsn, password=owner.info.password) as holding:
        holding.execute("LOCK TABLE audit.events IN SHARE MODE")
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.dying", "record"],
            env={**os.environ, "RINGFENCE_PROCESS": "cli", "RINGFENCE_DATABASE": env.database.name},
        )
        try:
            waiting = 0
            while not waiting:
                waiting = owner.execute(
                    "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'audit.events'::regclass"
                ).fetchone()[0]  # type: ignore[index]
                assert process.poll() is None
        finally:
            process.kill()
            process.wait()
    while owner.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ringfence cli' AND datname = current_database()"
    ).fetchone() != (0,):
        pass
    now = found(run)
    assert (now["claimed"], now["tries"]) == (now["told"][2], 0)  # type: ignore[index]
    assert run("record")[0] == 0
    assert found(run)["told"][1:] == [1, 1]  # type: ignore[index]


WHOLE = {
    "contacts": 6,
    "isolations": 7,
    "exposures": 3,
    "settings": 1,
    "left": 0,
    "onsets": 3,
    "traces": 4,
    "people": 4,
}
NOTHING = dict.fromkeys(WHOLE, 0) | {"left": INTERVIEWS}


def killed_takings(run: Deed, at: list[int]) -> None:
    """Of three interviews that name a household each, one workmate and one place: all or nothing, and once."""
    assert run("interview")[0] == 0
    for statement in at:
        code, said = run("take_up", "self", statement)
        assert code == -9 or "done after" in said
        assert json.loads(run("made")[1]) == (NOTHING if code == -9 else WHOLE)
        if code == 0:
            break
    assert run("take_up")[0] == 0
    assert run("take_up") == (0, "0\n")
    assert json.loads(run("made")[1]) == WHOLE


def test_a_worker_is_killed_while_it_takes_up_what_was_said(run: Deed, owner: psycopg.Connection) -> None:
    load_postcodes(owner)
    killed_takings(run, [30])


@pytest.mark.nightly
def test_a_worker_is_killed_at_every_statement_of_taking_up(run: Deed, owner: psycopg.Connection) -> None:
    load_postcodes(owner)
    killed_takings(run, list(range(1, 80)))


def test_two_workers_take_up_what_was_said_once(run: Deed, owner: psycopg.Connection) -> None:
    load_postcodes(owner)
    assert run("interview")[0] == 0
    command = [sys.executable, "-m", "tests.dying", "take_up"]
    variables = {**os.environ, "RINGFENCE_PROCESS": "cli", "RINGFENCE_DATABASE": env.database.name}
    both = [subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = sorted(int(each.communicate()[0]) for each in both)
    assert [each.returncode for each in both] == [0, 0]
    assert said == [0, INTERVIEWS]
    assert json.loads(run("made")[1]) == WHOLE


@pytest.fixture(scope="module")
def own(open_folder: Path, django_db_setup: Database) -> Iterator[tuple[Server, Deed]]:
    """A server that nobody else is on, which keeps what was committed as in earnest."""
    home = open_folder
    variables = {"RINGFENCE_HOME": str(home), "RINGFENCE_DATABASE": "ringfence"}
    shutil.copy(django_db_setup.server.home / "secrets.json", home)
    with Server(home).use() as server:
        django_db_setup.copy_to(server, "ringfence")
        run = deeds(variables)
        code, said = run("build")
        assert code == 0, said
        yield server, run


def database_killed(server: Server, run: Deed, who: str, deed: str, at: int) -> bool:
    """Kill it at a statement, let it recover; whether the deed was done all the same."""
    code, said = run(deed, who, at)
    done = re.search(r"done after (\d+)", said)
    assert code != 0 or done
    # A session may outlive the server's first process for a few statements, and end its deed.
    if who == "database" and (done is None or int(done[1]) >= at):
        assert server.process is not None
        server.process.wait(timeout=60)
        assert server.restart_if_crashed()
    until = time.monotonic() + 60
    while not server.is_up():
        assert server.pid() is not None
        assert time.monotonic() < until, "the server does not answer a minute after it was killed"
    whole(run)
    return code == 0


def test_postgresql_is_killed_in_the_middle_of_a_sweep_and_of_a_call(own: tuple[Server, Deed]) -> None:
    server, run = own
    assert not database_killed(server, run, "session", "record", 16)
    assert found(run)["tries"] == 0
    swept = database_killed(server, run, "database", "sweep", 20)
    assert found(run)["handovers"] == TRACES * swept
    assert run("sweep")[0] == 0
    assert whole(run)["handovers"] == TRACES


@pytest.mark.nightly
def test_postgresql_is_killed_again_and_again(own: tuple[Server, Deed]) -> None:
    server, run = own
    random = Random(1)
    for _ in range(30):
        who = random.choice(("session", "database"))
        database_killed(server, run, who, random.choice(("sweep", "record")), random.randrange(1, MOST))
        if whole(run)["local"]:
            break
    assert run("sweep")[0] == 0
    assert whole(run)["handovers"] == TRACES
