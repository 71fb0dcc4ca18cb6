"""The embedded server under supervision, and the preparation of the database."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ringfence.base.env import Secrets
from ringfence.cli.account import PostgresProblem
from ringfence.cli.postgres import LONGEST_SOCKET, Server
from ringfence.cli.preparation import check_version, prepare, seal


@pytest.fixture(scope="module")
def home(open_folder: Path) -> Path:
    return open_folder


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with Server(home, durable=False).use() as started:
        yield started


@pytest.mark.skipif(os.geteuid() != 0, reason="only the server that root starts is somebody else's")
def test_data_stay_where_they_were_made(open_folder: Path) -> None:
    home = open_folder / "closed"
    home.mkdir(mode=0o700)
    made = Server(home).data
    assert home not in made.parents
    made.mkdir(parents=True)
    try:
        (made / "PG_VERSION").write_text("18")
        home.chmod(0o711)
        assert Server(home).data == made
    finally:
        shutil.rmtree(made.parent)


def value(server: Server, query: str, database: str = "postgres") -> object:
    with psycopg.connect(server.admin(database), autocommit=True) as admin:
        row = admin.execute(query).fetchone()
        assert row is not None
        return row[0]


def test_it_is_what_was_asked_for(server: Server) -> None:
    wanted = {
        "server_encoding": "UTF8",
        "jit": "off",
        "max_connections": "300",
        "listen_addresses": "127.0.0.1",
        "password_encryption": "scram-sha-256",
    }
    for name, text in wanted.items():
        assert value(server, f"SHOW {name}") == text


def test_a_login_needs_its_password(server: Server) -> None:
    for host in ("127.0.0.1", str(server.socket_folder)):
        where = psycopg.conninfo.conninfo_to_dict(server.admin())
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(**{**where, "host": host, "password": "wrong"})


def test_killed_it_comes_back_with_what_was_committed(server: Server) -> None:
    with psycopg.connect(server.admin(), autocommit=True) as admin:
        admin.execute("CREATE TABLE kept AS SELECT 42 AS value")
    pid = server.pid()
    assert pid is not None
    assert not server.restart_if_crashed()
    os.kill(pid, signal.SIGKILL)
    assert server.process is not None
    server.process.wait()
    assert server.restart_if_crashed()
    assert server.pid() != pid
    assert value(server, "SELECT value FROM kept") == 42


def test_a_second_user_joins_and_leaves_it_running(server: Server, home: Path) -> None:
    pid = server.pid()
    with Server(home, durable=False).use() as second:
        assert second.pid() == pid
    assert server.pid() == pid
    assert value(server, "SELECT 1") == 1


def test_preparing_again_and_at_once_changes_nothing(server: Server, home: Path) -> None:
    problems: list[BaseException] = []

    def work() -> None:
        try:
            prepare(server.admin(), Secrets.of(home), "ringfence")
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert (
        value(server, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'ringfence'")
        == "ringfence_owner"
    )
    assert (
        value(server, "SELECT count(*) FROM pg_extension WHERE extname IN ('pg_trgm', 'btree_gist')", "ringfence") == 2
    )
    for name in ("app", "worker"):
        assert value(server, f"SELECT pg_has_role('ringfence_cli', 'ringfence_{name}', 'SET')") is True
    assert value(server, "SELECT pg_has_role('ringfence_cli', 'ringfence_owner', 'MEMBER')") is False


def test_the_owner_takes_on_the_gate_only_while_it_migrates(server: Server, home: Path) -> None:
    def may() -> bool:
        with psycopg.connect(server.admin()) as admin:
            row = admin.execute("SELECT pg_has_role('ringfence_owner', 'ringfence_gate', 'MEMBER')").fetchone()
        assert row is not None
        return bool(row[0])

    prepare(server.admin(), Secrets.of(home), "ringfence_sealed")
    assert may()
    seal(server.admin())
    assert not may()
    seal(server.admin())
    prepare(server.admin(), Secrets.of(home), "ringfence_sealed")
    assert may()


def test_a_migration_that_fails_leaves_the_owner_no_gate(server: Server, home: Path) -> None:
    prepare(server.admin(), Secrets.of(home), "ringfence_broken")
    with psycopg.connect(server.admin("ringfence_broken")) as admin:
        admin.execute("CREATE TABLE audit.events (a_leftover text)")
        told = admin.info
        url = f"postgresql://{told.user}:{told.password}@127.0.0.1:{told.port}/ringfence_broken"
    environment = {**os.environ, "DATABASE_URL": url, "RINGFENCE_HOME": str(home), "RINGFENCE_PROCESS": "cli"}
    environment.pop("RINGFENCE_DATABASE", None)
    command = [sys.executable, "-m", "ringfence.cli", "database", "prepare"]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "Migrating the database failed" in done.stderr, done.stderr
    assert value(server, "SELECT pg_has_role('ringfence_owner', 'ringfence_gate', 'MEMBER')") is False


def test_a_role_that_looks_past_the_walls_is_refused(server: Server, home: Path) -> None:
    prepare(server.admin(), Secrets.of(home), "ringfence")
    with psycopg.connect(server.admin(), autocommit=True) as admin:
        admin.execute("ALTER ROLE ringfence_app BYPASSRLS")
        with pytest.raises(PostgresProblem, match="ringfence_app looks past"):
            prepare(server.admin(), Secrets.of(home), "ringfence")
        admin.execute("ALTER ROLE ringfence_app NOBYPASSRLS")


def test_the_log_says_nothing_about_people(server: Server) -> None:
    with psycopg.connect(server.admin(), autocommit=True) as admin:
        admin.execute("CREATE TEMPORARY TABLE named (name text PRIMARY KEY)")
        admin.execute("INSERT INTO named VALUES ('Quillfeather')")
        with pytest.raises(psycopg.errors.UniqueViolation, match="Quillfeather"):
            admin.execute("INSERT INTO named VALUES ('Quillfeather')")
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            admin.execute("SELECT %s::int, 1 FROM named", ["0161 496 0000"])
    log = server.log.read_text()
    assert "duplicate key" in log
    assert "Quillfeather" not in log
    assert server.log.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("version", [90624, 140011, 149999])
def test_an_old_server_is_refused(version: int) -> None:
    with pytest.raises(PostgresProblem, match="Ringfence needs 15 or newer"):
        check_version(version)


def test_the_oldest_server_is_taken() -> None:
    check_version(150000)


def test_a_server_that_is_not_there_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://a:b@127.0.0.1:{taken.getsockname()[1]}/ringfence"
        with pytest.raises(PostgresProblem, match="cannot be reached") as problem:
            prepare(url, Secrets("", "", {}), "ringfence")
    assert "\n" not in str(problem.value)


def test_it_recovers_from_an_interrupted_start(open_folder: Path) -> None:
    """A half-made cluster, a port that was taken meanwhile, and a folder too deep for a socket."""
    home = open_folder / ("deep" * 12) / ("deeper" * 8)
    (home / "postgres.new").mkdir(parents=True)
    (home / "postgres.new" / "PG_VERSION").write_text("18\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (home / "server.json").write_text(f'{{"host": "/nowhere", "port": {port}}}')
        server = Server(home, durable=False)
        assert len(str(server.socket_folder / ".s.PGSQL.65535")) <= LONGEST_SOCKET
        with server.use():
            assert value(server, "SHOW port") != str(port)
            pid = server.pid()
    assert server.pid() is None
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    server.remove()
    assert not (home / "postgres").exists()
    server.socket_folder.rmdir()


def test_data_of_another_version_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(PostgresProblem, match="made by PostgreSQL 16"), Server(tmp_path).use():
        pass
    assert [path.name for path in (tmp_path / "postgres").iterdir()] == ["PG_VERSION"]
