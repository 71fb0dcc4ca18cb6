"""Migrations: named, one after the other, in their own schema; forwards, backwards and forwards again with rows there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from ringfence.base.env import SCHEMAS, env
from ringfence.base.migration import InSchema
from ringfence.cli.preparation import prepare
from tests.casework.test_constraints import BASE
from tests.database import Database, create

#: Migrations of the record that are taken back by day; in the night all of them are.
NEWEST = 2

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def loader() -> MigrationLoader:
    return MigrationLoader(None)


def test_there_is_one_line_of_them_in_each_app(loader: MigrationLoader) -> None:
    for app in SCHEMAS:
        names = sorted(name for label, name in loader.disk_migrations if label == app)
        assert names, app
        assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1)), app
        for before, after in pairwise(names):
            assert (app, before) in loader.disk_migrations[app, after].dependencies, after
        assert len(loader.graph.leaf_nodes(app)) == 1


def test_each_has_a_name_and_says_what_it_is_for(loader: MigrationLoader) -> None:
    for (app, name), migration in loader.disk_migrations.items():
        if app in SCHEMAS:
            assert not re.search(r"_auto_|\d{8}|_alter_|_remove_|_rename_|_and_more", name), name
            assert name[5:].replace("_", "").isalpha(), name
            told = sys.modules[migration.__module__].__doc__
            assert told or name.startswith("0001_"), f"{app} {name} does not say why"


def test_each_begins_in_its_own_schema(loader: MigrationLoader) -> None:
    for (app, name), migration in loader.disk_migrations.items():
        if app in SCHEMAS:
            first = migration.operations[0]
            assert isinstance(first, InSchema) and first.schema == app, f"{app} {name}"
            assert not any(isinstance(each, InSchema) for each in migration.operations[1:]), f"{app} {name}"


def test_each_can_be_taken_back(loader: MigrationLoader) -> None:
    for (app, name), migration in loader.disk_migrations.items():
        if app in SCHEMAS:
            assert all(operation.reversible for operation in migration.operations), f"{app} {name}"


def test_a_schema_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a schema of Ringfence"):
        InSchema("visits")


class Own:
    """A database of its own, and Django's management commands on it as the owner."""

    def __init__(self, name: str) -> None:
        self.name = name

    def manage(self, *commands: str) -> str:
        """What the commands say, one after the other in one process."""
        program = "import shlex, sys, django; django.setup(); from django.core.management import call_command\n"
        program += "for line in sys.argv[1:]: call_command(*shlex.split(line))"
        done = subprocess.run(
            [sys.executable, "-c", program, *commands],
            env={**os.environ, "RINGFENCE_PROCESS": "owner", "RINGFENCE_DATABASE": self.name},
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def back(self, target: str) -> None:
        self.manage(
            *(f"migrate {app} {target} --verbosity 0" for app in ("casework", "audit", "partnerships", "accounts")),
            "migrate geography 0001 --verbosity 0",
        )

    def migrate(self) -> None:
        subprocess.run(
            [sys.executable, "-m", "ringfence.cli.migrate"],
            env={**os.environ, "RINGFENCE_PROCESS": "owner", "RINGFENCE_DATABASE": self.name},
            cwd=CHECKOUT,
            check=True,
        )


@pytest.fixture
def own(django_db_setup: Database) -> Iterator[Own]:
    name = f"{env.database.name}_own"
    prepare(django_db_setup.server.admin(), env.secrets, name)
    try:
        yield Own(name)
    finally:
        with psycopg.connect(django_db_setup.server.admin(), autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


_SHAPE = """
SELECT 'column', c.oid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text,
    pg_get_expr(d.adbin, d.adrelid), array_to_string(a.attacl, ' ')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'v', 'm') AND c.relnamespace::regnamespace::text = ANY (%(schemas)s)
UNION ALL SELECT 'table', c.oid::regclass::text, c.relrowsecurity::text, c.relforcerowsecurity::text,
    (SELECT string_agg(each, ' ' ORDER BY each) FROM unnest(c.relacl::text[]) each), '', ''
FROM pg_class c WHERE c.relkind IN ('r', 'S') AND c.relnamespace::regnamespace::text = ANY (%(schemas)s)
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '', ''
FROM pg_constraint WHERE connamespace::regnamespace::text = ANY (%(schemas)s)
UNION ALL SELECT 'index', schemaname, indexname, indexdef, '', '', '' FROM pg_indexes WHERE schemaname = ANY (%(schemas)s)
UNION ALL SELECT 'policy', tablename, policyname, cmd, roles::text, qual, with_check
FROM pg_policies WHERE schemaname = ANY (%(schemas)s)
UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), '', '', ''
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function', p.oid::regprocedure::text, pg_get_functiondef(p.oid), pg_get_userbyid(p.proowner),
    (SELECT string_agg(each, ' ' ORDER BY each) FROM unnest(p.proacl::text[]) each), '', ''
FROM pg_proc p WHERE p.pronamespace::regnamespace::text = ANY (%(schemas)s || 'public'::text)
ORDER BY 1, 2, 3, 4
"""


def shape(connection: psycopg.Connection[tuple[object, ...]]) -> set[tuple[object, ...]]:
    """Everything that migrations make, as the database tells it; the order of columns apart."""
    return set(connection.execute(_SHAPE, {"schemas": [*SCHEMAS, "walls"]}).fetchall())


def filled(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    """Rows in every table of the record."""
    with admin.transaction():
        admin.execute("SET LOCAL search_path = casework, audit, partnerships, accounts, geography, public")
        admin.execute(BASE.encode())


def test_the_newest_go_backwards_and_forwards_with_rows_in_the_tables(
    django_db_setup: Database, own: Own, loader: MigrationLoader
) -> None:
    names = sorted(name for app, name in loader.disk_migrations if app == "casework")
    create(django_db_setup.server, own.name)
    with psycopg.connect(django_db_setup.server.admin(own.name), autocommit=True) as admin:
        first = shape(admin)
        filled(admin)
        own.manage(f"migrate casework {names[-NEWEST - 1]} --verbosity 0")
        assert shape(admin) != first
        own.migrate()
        assert shape(admin) ^ first == set()
        assert _count(admin, "casework.traces") == _count(admin, "casework.alert_days") == 2


@pytest.mark.nightly
def test_forwards_backwards_and_forwards_with_rows_in_the_tables(django_db_setup: Database, own: Own) -> None:
    """Back to the bare tables, without what was added later."""
    create(django_db_setup.server, own.name)
    with psycopg.connect(django_db_setup.server.admin(own.name), autocommit=True) as admin:
        first = shape(admin)
        assert len(first) > 400
        filled(admin)
        own.back("0001")
        assert _count(admin, "casework.traces") == 2
        assert not {row for row in shape(admin) if row[0] == "policy"}
        own.migrate()
        assert shape(admin) ^ first == set()
        assert _count(admin, "casework.traces") == 2 and _count(admin, "accounts.memberships") == 1


@pytest.mark.nightly
def test_backwards_to_nothing_and_forwards_again(django_db_setup: Database, own: Own) -> None:
    own.migrate()
    with psycopg.connect(django_db_setup.server.admin(own.name), autocommit=True) as admin:
        first = shape(admin)
        filled(admin)
        own.back("zero")
        assert not {schema for schema, _ in _tables(admin)} & {"casework", "audit", "partnerships"}
        own.migrate()
        assert shape(admin) ^ first == set()


def _tables(connection: psycopg.Connection[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return connection.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY (%s) ORDER BY 1, 2", [list(SCHEMAS)]
    ).fetchall()


def _count(connection: psycopg.Connection[tuple[object, ...]], table: str) -> object:
    row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    return row and row[0]
