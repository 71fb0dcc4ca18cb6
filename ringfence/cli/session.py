"""A database to work with: up, prepared and migrated, and Django set up on it."""

import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from ringfence.base.env import SCHEMAS, env
from ringfence.cli.account import PostgresProblem
from ringfence.cli.postgres import Server
from ringfence.cli.preparation import prepare, seal

PACKAGE = Path(__file__).resolve().parents[1]


def quiet(message: str) -> None:
    """Progress that nobody watches."""


@contextmanager
def server() -> Iterator[Server | None]:
    """The embedded server, joined or started; None when ``DATABASE_URL`` names one of your own."""
    if env.database_url:
        yield None
    else:
        with Server().use() as embedded:
            yield embedded


@contextmanager
def database(say: Callable[[str], None] = quiet, *, geography: bool = True) -> Iterator[None]:
    """Everything a command needs: the server, the database as this version wants it, and Django.

    ``say`` is told what takes a while. Without ``geography`` none is loaded where there is none. Raises PostgresProblem
    with what to do.
    """
    with server() as embedded:
        ready(embedded, say)
        set_up_django()
        install()
        if geography:
            load_geography(say)
        yield


def install() -> None:
    """Put in place what a new database needs besides its tables, and a changed one keeps."""
    from datetime import UTC, datetime

    from ringfence.actions import questionnaires, templates
    from ringfence.rules.access import system_scope

    questionnaires.install(by=system_scope("interviews"), now=datetime.now(UTC))
    templates.install(by=system_scope("messages"), now=datetime.now(UTC))


def load_geography(say: Callable[[str], None] = quiet) -> None:
    """Load areas and postcodes where there are none; a newer directory waits for ``ringfence geography load``."""
    with login("ringfence_owner") as owner:
        row = owner.execute("SELECT count(*) FROM geography.loads WHERE what = 'postcodes'").fetchone()
    if row is not None and row[0] == 0:
        from ringfence.geography import load

        with login("ringfence_owner") as owner:
            load.ensure(owner, say)


def set_up_django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ringfence.config.settings")
    import django

    django.setup()


def administrator(embedded: Server | None) -> str:
    """How to sign in as the one who may prepare databases."""
    if embedded is None:
        assert env.database_url is not None
        return env.database_url
    return embedded.admin()


def ready(embedded: Server | None, say: Callable[[str], None] = quiet) -> None:
    """Prepare and migrate the database, unless it already is as this version wants it."""
    if mark() == wanted():
        return
    say("Preparing the database: its tables and England's authorities; some seconds ...")
    prepare(administrator(embedded), env.secrets, env.database.name)
    try:
        migrate()
    finally:
        seal(administrator(embedded))
    if mark() != wanted():
        raise PostgresProblem(f"The database {env.database.name} is not as this version wants it after migrating.")


def login(role: str) -> "psycopg.Connection[tuple[object, ...]]":
    """A plain connection as a role (such as ``ringfence_app``), with the search path of Django's own connections."""
    where = env.database
    path = ("public", *SCHEMAS) if role == "ringfence_owner" else (*SCHEMAS, "public")
    return psycopg.connect(
        make_conninfo(
            host=where.host,
            port=where.port,
            dbname=where.name,
            user=role,
            password=env.secrets.passwords[role],
            connect_timeout=10,
            options=f"-c search_path={','.join(path)}",
            **dict(where.options),
        )
    )


def migrate() -> None:
    """Run the migrations in a process of their own, signed in as the owner of the tables."""
    done = subprocess.run(
        [sys.executable, "-m", "ringfence.cli.migrate"],
        env={**os.environ, "RINGFENCE_PROCESS": "owner", "RINGFENCE_HOME": str(env.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        if env.debug:
            print(done.stderr, file=sys.stderr)
        raise PostgresProblem(why_not_migrated(done.returncode, done.stderr))


def why_not_migrated(code: int, said: str) -> str:
    """One line of what the migrating process ended with: its exit code, and what it wrote."""
    if "No space left on device" in said:
        return "Migrating the database failed: the disk is full. Make room, then run it again."
    if code < 0:
        return f"Migrating the database was stopped by {signal.Signals(-code).name}. Run it again: it goes on where it was."
    lines = said.strip().splitlines() or ["no reason given"]
    # An exception's line and not what PostgreSQL says after it: HINT, DETAIL, LINE.
    named = [line for line in lines if re.match(r"[\w.]*[a-z][\w.]*: ", line)] or lines
    return f"Migrating the database failed: {named[-1]}"


def wanted() -> str:
    """A digest of all that makes the database what it is: migrations, areas, preparation and the key of the tickets."""
    whole = hashlib.sha256(env.ticket_key.encode())
    for path in sorted(
        [
            *PACKAGE.glob("*/migrations/**/*.*"),
            *PACKAGE.glob("geography/data/*.csv"),
            PACKAGE / "cli" / "preparation.py",
            PACKAGE / "accounts" / "walls.py",
        ]
    ):
        if path.is_file() and path.suffix in (".py", ".sql", ".csv"):
            whole.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return f"ringfence {whole.hexdigest()}"


def mark() -> str | None:
    """The digest that the database was last migrated to; None when there is no such database yet."""
    try:
        with login("ringfence_cli") as connection:
            row = connection.execute(
                "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
            ).fetchone()
    except psycopg.OperationalError:
        return None
    return None if row is None or row[0] is None else str(row[0])
