"""PostgreSQL itself is killed in the middle of intake: after its restart nothing is lost, doubled or half done."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from tempfile import mkdtemp

import pytest

from ringfence.cli.postgres import Server


@pytest.fixture
def home(open_folder, django_db_setup):
    """A home with a server of its own, that this test may kill."""
    folder = Path(mkdtemp(dir=open_folder))
    folder.chmod(0o711)
    shutil.copy(django_db_setup.server.home / "secrets.json", folder)
    env = {name: text for name, text in os.environ.items() if not name.startswith("RINGFENCE_")}
    env |= {"RINGFENCE_HOME": str(folder), "RINGFENCE_PROCESS": "tests", "RINGFENCE_MEMORY": "512"}

    def start(*arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "tests.crashing", *map(str, arguments)],
            env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    server = Server(folder)
    yield start, server, django_db_setup
    with server.use():
        pass  # the last one out stops it


def finish(process):
    said, wrong = process.communicate(timeout=300)
    assert process.returncode == 0, wrong
    return said


def told(start):
    return json.loads(finish(start("tell")))


def kill(server):
    """``kill -9`` of the server's first process; the others end by themselves when they notice."""
    first = (server.data / "postmaster.pid").read_text().split("\n")[0]
    os.kill(int(first), signal.SIGKILL)
    if server.process is not None:
        server.process.wait()  # a dead child that nobody asked after would still count as running


def read_with_kills(start, server, random, kills):
    """Read while the server is killed after some batches; how often it was in the middle."""
    struck = 0
    for _ in range(kills):
        reader = start("read")
        for _ in range(random.randrange(1, 4)):
            if not reader.stdout.readline():
                break
        else:
            kill(server)
        reader.communicate(timeout=300)
        struck += reader.returncode != 0
    finish(start("read"))
    return struck


def survives(home, rows, seed, kills):
    start, server, database = home
    with server.use():
        database.copy_to(server, "ringfence")
        finish(start("prepare", rows))
        struck = read_with_kills(start, server, Random(seed), kills)
        after = told(start)
    assert struck > 0
    assert after["problems"] == []
    record = after["record"]
    specimens = [tuple(row[:2]) for row in record["results"]]
    assert len(set(specimens)) == len(specimens)
    assert after["opened"] == len(record["cases"])
    return after


def test_the_server_is_killed(home):
    after = survives(home, 200, 1, 1)
    assert len(after["record"]["results"]) > 150


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(10))
def test_the_server_is_killed_again_and_again(home, seed):
    survives(home, 3000, seed, 20)
