"""Everything at once, as ``./run`` starts it: database, geography, demonstration, pages, worker."""

import fcntl
import http.client
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from types import FrameType
from urllib.parse import parse_qsl, urlencode, urlsplit

import psycopg
from psycopg import sql

from ringfence.base.env import CHECKOUT, env
from ringfence.cli import children, session
from ringfence.cli.account import PostgresProblem
from ringfence.cli.postgres import Server
from ringfence.geography import load


class ServeProblem(Exception):
    """The service cannot start; the message says why and what to do."""


class Stopped(Exception):
    """Somebody asked to stop while the start was under way."""


def serve(*, fresh: bool, empty: bool, say: Callable[[str], None]) -> None:
    """Start everything and stay until Ctrl-C or SIGTERM, then stop everything.

    ``fresh`` deletes the record first. ``empty`` is for real use: no demonstration, now or at a later start.
    """
    with ExitStack() as stack:
        stopping = stack.enter_context(_signals())
        stack.enter_context(_alone())
        check_port(env.port)
        check_port(env.residents_port, "RINGFENCE_RESIDENTS_PORT" if env.residents_port_given else "RINGFENCE_PORT")
        embedded = stack.enter_context(session.server())
        if fresh:
            begin_anew(embedded)
        try:
            _fill(embedded, empty, stopping, say)
        except Stopped:
            say("Stopped; ./run continues from here.")
            return
        _keep_up(embedded, stopping, say)


def check_port(port: int, setting: str = "RINGFENCE_PORT") -> None:
    """Raise ServeProblem when the port is taken; ``setting`` is the one to change."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            raise ServeProblem(
                f"Port {port} of 127.0.0.1 is taken, perhaps by another Ringfence. Stop that, or choose another port: "
                f"{setting}={port + 1} ./run"
            ) from None


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, for as long as this lasts. A second Ctrl-C changes nothing."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _alone() -> Iterator[None]:
    env.home.mkdir(mode=0o711, parents=True, exist_ok=True)
    with open(env.home / "serve.lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise ServeProblem(
                f"Ringfence is already running on {env.home}{lock.read()}. Stop it first, or name another home in "
                f"RINGFENCE_HOME and another port in RINGFENCE_PORT."
            ) from None
        lock.truncate(0)
        lock.write(f": http://127.0.0.1:{env.port}")
        lock.flush()
        yield


def begin_anew(embedded: Server | None) -> None:
    """Delete the record of the embedded server. Keys and passwords stay."""
    if embedded is None:
        raise ServeProblem("--fresh deletes the embedded server's data; drop the database of DATABASE_URL yourself.")
    _remember("begun")  # killed in here, the next start deletes what is left
    with psycopg.connect(embedded.admin(), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(env.database.name)))
    _remember(None)


def _remembered() -> str | None:
    """What this home is for: ``real`` use, or the demonstration, ``begun`` or ``played``."""
    try:
        use = json.loads((env.home / "use.json").read_text())["use"]
    except (FileNotFoundError, ValueError, KeyError):
        return None
    return use if use in ("real", "begun", "played") else None


def is_for_real_use() -> bool:
    """Whether this home was begun with ``--empty``."""
    return _remembered() == "real"


def _remember(use: str | None) -> None:
    path = env.home / "use.json"
    if use is None:
        path.unlink(missing_ok=True)
        return
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({"use": use}))
    os.replace(draft, path)


def _fill(embedded: Server | None, empty: bool, stopping: threading.Event, say: Callable[[str], None]) -> None:
    """Bring the database to where people can work with it, continuing what an earlier start left undone."""
    use = _remembered()
    if empty and use in ("begun", "played"):
        raise ServeProblem(
            f"{env.home} holds the demonstration. For real use begin anew with ./run --fresh --empty, or set "
            f"RINGFENCE_HOME."
        )
    if use == "begun" and embedded is not None:
        say("The demonstration was interrupted last time; playing it again.")
        begin_anew(embedded)
        use = None
    session.ready(embedded, say)
    if use is None:
        _remember("real" if empty else "begun")
        _command(stopping, "load the geography", "geography", "load")
    else:
        # Quick, unless this version came with newer postcodes.
        with session.login("ringfence_owner") as owner:
            load.ensure(owner)
    if _remembered() == "real" and not _offered():
        _command(stopping, "offer the partnership to the authorities", "partnerships", "establish")
    if use is None and not empty and find_spec("ringfence.simulation.demonstration") is not None:
        _command(stopping, "play the demonstration", "demonstration", "play")
        _remember("played")


def _offered() -> bool:
    """Whether the authorities have their ring-fenced teams, without which no line list can be read."""
    with session.login("ringfence_owner") as owner:
        row = owner.execute("SELECT EXISTS (SELECT FROM partnerships.partnerships)").fetchone()
    return row is not None and bool(row[0])


def somebody() -> bool:
    """Whether there is anybody who could sign in."""
    with session.login("ringfence_owner") as owner:
        row = owner.execute("SELECT EXISTS (SELECT FROM accounts.users)").fetchone()
    return row is not None and bool(row[0])


def _command(stopping: threading.Event, doing: str, *arguments: str) -> None:
    """Run one of Ringfence's own commands in a process of its own, so that what it needed is given back."""
    child = children.Child(doing, [sys.executable, "-m", "ringfence.cli", *arguments], {})
    child.start()
    assert child.process is not None
    while child.process.poll() is None:
        if stopping.wait(0.05):
            children.stop([child])
    if stopping.is_set():
        raise Stopped
    if child.process.returncode:
        raise ServeProblem(f"Could not {doing}; the line above says why. Run it again to continue.")


def _processes() -> list[children.Child]:
    env.secrets.give_residents(env.home)
    found = [
        children.Child("web process", _pages(env.port), {"RINGFENCE_PROCESS": "web"}),
        children.Child("residents' web process", _pages(env.residents_port), residents()),
    ]
    if find_spec("ringfence.worker") is not None:
        worker = [sys.executable, "-m", "ringfence.worker"]
        found.append(children.Child("worker", worker, {"RINGFENCE_PROCESS": "worker"}))
    return found


def residents() -> dict[str, str | None]:
    """The variables of the residents' pages: neither of the keys, nor an administrator's login, nor the provider's key."""
    where = None
    if env.database_url:
        parts = urlsplit(env.database_url)
        options = [pair for pair in parse_qsl(parts.query) if pair[0] not in ("user", "password")]
        where = parts._replace(netloc=parts.netloc.rpartition("@")[2], query=urlencode(options)).geturl()
    return {
        "RINGFENCE_PROCESS": "residents",
        "DJANGO_SETTINGS_MODULE": "ringfence.config.residents",
        "DATABASE_URL": where,
        "RINGFENCE_SECRET_KEY": None,
        "RINGFENCE_TICKET_KEY": None,
        "RINGFENCE_NOTIFY_KEY": None,
    }


def _pages(port: int) -> list[str]:
    processors = os.cpu_count() or 1
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
        *(
            "--workers",
            str(max(1, min(4, processors))),
            "--blocking-threads",
            str(min(12, 2 * processors + 1)),
            "--no-ws",
            "--log-level",
            "warning",
        ),
        *("--respawn-failed-workers", "ringfence.config.wsgi:application"),
    ]


def _keep_up(embedded: Server | None, stopping: threading.Event, say: Callable[[str], None]) -> None:
    kept = _processes()
    try:
        for child in kept:
            child.start()
        welcomed = False
        while not stopping.wait(0.2):
            if embedded is not None:
                try:
                    if embedded.restart_if_crashed():
                        say("The database had ended unexpectedly and is up again; nothing was lost.")
                except PostgresProblem as problem:
                    say(str(problem))
            for child in kept:
                child.watch(say)
            if not welcomed and _answers():
                welcomed = True
                _welcome(say)
        say("Stopping ...")
    finally:
        children.stop(kept)
    say("Stopped. ./run continues with the same data.")


def _answers() -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", env.port, timeout=10)
    try:
        connection.request("GET", "/sign-in")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _welcome(say: Callable[[str], None]) -> None:
    say(f"\nRingfence is up: http://127.0.0.1:{env.port}   (Ctrl-C stops it)")
    say(f"Residents come in by links to {env.residents_url}; what is sent to them lies in the outbox.\n")
    if _remembered() == "real" and not somebody():
        say(
            "First steps, in another terminal"
            + ("" if env.home == CHECKOUT / ".ringfence" else f", with RINGFENCE_HOME={env.home} before each command")
            + ":\n"
            "  1. ./run ringfence user add EMAIL --name NAME --role operations\n"
            "        somebody of national operations, who sets up the rest\n"
            f"  2. http://127.0.0.1:{env.port}/authorities\n"
            "        sign in; an authority's page has its policy, joining date, teams and people\n"
            "  3. ./run ringfence intake FILE --source NAME\n"
            "        the first line list\n"
            "What else there is to decide: docs/how-to/real-use.md"
        )
    elif _remembered() == "played":
        from ringfence.simulation import cast

        for line in cast.people():
            say(line)
