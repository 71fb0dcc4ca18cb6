"""What every benchmark shares: a figure, sides that alternate, and a database of its own."""

from __future__ import annotations

import fcntl
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from typing import Any

import psycopg
from psycopg import sql

from ringfence.base.env import env
from ringfence.cli import session
from ringfence.cli.postgres import Server
from ringfence.cli.preparation import prepare

Connection = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True)
class Figure:
    """One measured figure. ``ratio`` is value / beside_value; ``met`` says whether ``goal`` is reached."""

    bench: str
    figure: str
    value: float
    unit: str
    beside: str
    beside_value: float
    ratio: float
    goal: str
    met: bool

    def as_dict(self) -> dict[str, object]:
        rounded = {
            "value": _round(self.value),
            "beside_value": _round(self.beside_value),
            "ratio": round(self.ratio, 3),
        }
        return asdict(self) | rounded


def at_least(goal: float, bench: str, figure: str, value: float, unit: str, beside: str, beside_value: float) -> Figure:
    """A figure that is better when larger: its ratio is to be ``goal`` or more."""
    ratio = value / beside_value
    return Figure(bench, figure, value, unit, beside, beside_value, ratio, f">= {goal:g} x", ratio >= goal)


def at_most(goal: float, bench: str, figure: str, value: float, unit: str, beside: str, beside_value: float) -> Figure:
    """A figure that is better when smaller: its ratio is to be ``goal`` or less."""
    ratio = value / beside_value
    return Figure(bench, figure, value, unit, beside, beside_value, ratio, f"<= {goal:g} x", ratio <= goal)


def under(goal: float, bench: str, figure: str, value: float, unit: str, beside: str, beside_value: float) -> Figure:
    """A figure with a limit of its own: ``value`` is to be below ``goal``."""
    ratio = value / beside_value
    return Figure(bench, figure, value, unit, beside, beside_value, ratio, f"< {goal:g} {unit}", value < goal)


def alternate(sides: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median of each side, measured in turns, so that a busy moment of the machine falls on all of them."""
    measured: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(rounds):
        order = list(sides) if turn % 2 == 0 else list(reversed(sides))
        for name in order:
            measured[name].append(sides[name]())
    for name, values in measured.items():
        say(f"  {name}: {', '.join(str(_round(value)) for value in values)}")
    return {name: statistics.median(values) for name, values in measured.items()}


def table(figures: list[Figure]) -> str:
    """The figures as a table for the screen."""
    rows = [("bench", "figure", "value", "unit", "beside", "value", "ratio", "goal", "met")]
    rows += [
        (
            each.bench,
            each.figure,
            str(_round(each.value)),
            each.unit,
            each.beside,
            str(_round(each.beside_value)),
            f"{each.ratio:.2f}",
            each.goal,
            "yes" if each.met else "NO",
        )
        for each in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _round(value: float) -> float:
    return round(value, 1 if value >= 10 else 3)


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


@contextmanager
def database(name: str = "", seed: Callable[[Connection], None] | None = None, mark: str = "") -> Iterator[Server]:
    """A migrated database for this run, with Django set up on it; dropped at the end.

    ``seed`` fills it, once for each ``name``, ``mark`` and state of the migrations: the filled database is kept and
    copied from then on. It is given an administrator's connection, past row-level security and foreign keys.
    """
    with Server().use() as server:
        source = _template(server, name, seed, mark)
        with psycopg.connect(server.admin(), autocommit=True) as admin:
            _drop(admin, env.database.name)
            admin.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy OWNER ringfence_owner").format(
                    sql.Identifier(env.database.name), sql.Identifier(source)
                )
            )
        prepare(server.admin(), env.secrets, env.database.name)
        session.set_up_django()
        try:
            yield server
        finally:
            from django.db import connections

            connections.close_all()
            with psycopg.connect(server.admin(), autocommit=True) as admin:
                _drop(admin, env.database.name)


def administrator(server: Server) -> Connection:
    """An administrator's connection to the database of this run, with Ringfence's search path."""
    return psycopg.connect(
        server.admin(env.database.name),
        autocommit=True,
        options="-c search_path=casework,audit,partnerships,accounts,geography,public",
    )


def _template(server: Server, name: str, seed: Callable[[Connection], None] | None, mark: str) -> str:
    digest = session.wanted().split()[1][:12]
    wanted = "_".join(part for part in ("seeded", name, mark, digest) if part)
    with open(server.home / "bench.lock", "a") as lock, psycopg.connect(server.admin(), autocommit=True) as admin:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _clean(admin, name, wanted)
        if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [wanted]).fetchone() is None:
            say(f"  seeding {name or 'an empty database'} ...")
            draft = "seeding"
            _drop(admin, draft)
            prepare(server.admin(), env.secrets, draft)
            before, os.environ["RINGFENCE_DATABASE"] = os.environ["RINGFENCE_DATABASE"], draft
            try:
                session.migrate()
            finally:
                os.environ["RINGFENCE_DATABASE"] = before
            if seed is not None:
                options = "-c search_path=casework,audit,partnerships,accounts,geography,public"
                with psycopg.connect(server.admin(draft), autocommit=True, options=options) as filling:
                    filling.execute("SET session_replication_role = replica")
                    seed(filling)
                    filling.execute("VACUUM ANALYZE")
            admin.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(wanted))
            )
    return wanted


def _clean(admin: Connection, name: str, keep: str) -> None:
    """Drop what earlier runs left: clones of processes that are gone, and seeds of other migrations."""
    for (found,) in admin.execute("SELECT datname FROM pg_database WHERE datname ~ '^(bench|seeded)_'").fetchall():
        assert isinstance(found, str)
        kind, rest = found.split("_", 1)
        stale = kind == "seeded" and rest.startswith(f"{name}_" if name else "") and found != keep
        if stale or (kind == "bench" and rest != str(os.getpid()) and not os.path.exists(f"/proc/{rest}")):
            _drop(admin, found)


def _drop(admin: Connection, name: str) -> None:
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def signed_in(user: Any) -> str:
    """The key of a session of this user, as signing in makes it."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from ringfence.accounts.sessions import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    assert session.session_key is not None
    return session.session_key


def wait(port: int, address: str) -> None:
    """Until a server answers there; ends the run when it does not within a minute."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", address)
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"The pages at {address} did not come up.")
