"""A PostgreSQL server of one's own, the oldest that Ringfence takes, by way of ``DATABASE_URL``."""

import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ringfence.cli.account import PostgresProblem
from ringfence.cli.preparation import OLDEST, check_version

CHECKOUT = Path(__file__).resolve().parents[2]

PROGRAMS = Path(f"/usr/lib/postgresql/{OLDEST}/bin")


def somebody() -> dict[str, Any]:
    """PostgreSQL refuses root: then it runs as the user that Debian's package made."""
    return {"user": pwd.getpwnam("postgres").pw_uid, "extra_groups": []} if os.geteuid() == 0 else {}


@pytest.fixture
def url(open_folder: Path) -> Iterator[str]:
    """A server whose administrator is no superuser, as hosting companies give them out."""
    if not PROGRAMS.exists():
        pytest.skip(f"PostgreSQL {OLDEST} is not installed. On Debian 12: apt install postgresql-{OLDEST}")
    data = open_folder / "data"
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(data, "postgres")
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    initdb = [PROGRAMS / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]
    subprocess.run(initdb, check=True, capture_output=True, cwd="/", **somebody())
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    control = [PROGRAMS / "pg_ctl", "-D", data, "-w", "-l", data / "log"]
    subprocess.run([*control, "-o", options, "start"], check=True, capture_output=True, cwd="/", **somebody())
    try:
        with psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", autocommit=True) as first:
            first.execute("CREATE ROLE adviser LOGIN CREATEROLE CREATEDB")
        yield f"postgresql://adviser@127.0.0.1:{port}/ringfence_own"
    finally:
        stop = [*control, "-m", "immediate", "stop"]
        subprocess.run(stop, check=True, capture_output=True, cwd="/", **somebody())


@pytest.mark.nightly
def test_the_oldest_server_prepared_by_no_superuser_holds_everybody_s_work(url: str, tmp_path: Path) -> None:
    variables = {
        **os.environ,
        "DATABASE_URL": url,
        "RINGFENCE_HOME": str(tmp_path / "home"),
        "RINGFENCE_PROCESS": "cli",
    }
    del variables["RINGFENCE_DATABASE"]

    def said(*arguments: str) -> str:
        command = [sys.executable, "-m", "ringfence.cli", *arguments]
        done = subprocess.run(command, cwd=CHECKOUT, env=variables, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), arguments
        return done.stdout

    for _ in range(2):
        assert said("database", "prepare").endswith("The database is ready.\n")
    with psycopg.connect(url) as admin:
        assert admin.execute("SELECT pg_has_role('ringfence_owner', 'ringfence_gate', 'MEMBER')").fetchone() == (False,)
    # Two weeks of everybody's work: intake, calls, interviews, hand-overs, visits, changes of policy.
    said("demonstration", "play")
    said("sweep")
    said("detect")
    accounts = json.loads(said("reconcile", "--json"))
    assert accounts and not any(each["problems"] for each in accounts)
    total = json.loads(said("overview", "--json"))["total"]
    assert 0 < total["reached_after_hand_over"] < total["handed_over"] < total["transferred"]


def test_what_an_old_server_is_told_names_its_version() -> None:
    with pytest.raises(PostgresProblem, match=r"version 14\.9;"):
        check_version(140009)
