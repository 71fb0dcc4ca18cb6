"""The tests' databases: a template made by the migrations, and a clone of it for each process."""

import fcntl
import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg
from django.db import connections
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from ringfence.base.env import LOGINS, SCHEMAS, env
from ringfence.cli import session
from ringfence.cli.postgres import Server
from ringfence.cli.preparation import prepare
from ringfence.geography import packed, resolve

Connection = psycopg.Connection[tuple[object, ...]]

#: What brings a session back to how it was when somebody signed in.
_AS_NEW = (
    "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; DISCARD TEMP; SELECT pg_advisory_unlock_all(); UNLISTEN *"
)


def _named(text: str, **names: str) -> sql.Composed:
    return sql.SQL(text).format(**{key: sql.Identifier(name) for key, name in names.items()})


def _exists(server: Connection, name: str) -> bool:
    return server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def template(server: Server) -> str:
    """The name of the migrated template, made when there is none for the present migrations."""
    name = f"template_{session.wanted().split()[1][:16]}"
    with open(server.home / "template.lock", "a") as lock, psycopg.connect(server.admin(), autocommit=True) as admin:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _clean(admin, name)
        if not _exists(admin, name):
            admin.execute(_named("DROP DATABASE IF EXISTS {draft} WITH (FORCE)", draft="template_draft"))
            prepare(server.admin(), env.secrets, "template_draft")
            _migrate("template_draft")
            admin.execute(_named("ALTER DATABASE {draft} RENAME TO {name}", draft="template_draft", name=name))
    return name


def _migrate(database: str) -> None:
    before = os.environ["RINGFENCE_DATABASE"]
    os.environ["RINGFENCE_DATABASE"] = database
    try:
        session.migrate()
    finally:
        os.environ["RINGFENCE_DATABASE"] = before


def _clean(admin: Connection, keep: str) -> None:
    """Drop templates of other migrations, and what runs that were killed left behind."""
    for (name,) in admin.execute("SELECT datname FROM pg_database WHERE datname ~ '^(test|template)_'").fetchall():
        assert isinstance(name, str)
        kind, mark = name.split("_")[:2]
        if kind == "test" and not _alive(int(mark)):
            admin.execute(_named("DROP DATABASE IF EXISTS {name} WITH (FORCE)", name=name))
        elif kind == "template" and name not in (keep, "template_draft"):
            with suppress(psycopg.errors.ObjectInUse):
                admin.execute(_named("DROP DATABASE IF EXISTS {name}", name=name))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def create(server: Server, name: str) -> None:
    """A database like the template."""
    source = template(server)
    with psycopg.connect(server.admin(), autocommit=True) as admin:
        admin.execute(_named("DROP DATABASE IF EXISTS {name} WITH (FORCE)", name=name))
        admin.execute(
            _named("CREATE DATABASE {name} TEMPLATE {source} OWNER ringfence_owner", name=name, source=source)
        )
        admin.execute(_named("REVOKE ALL ON DATABASE {name} FROM PUBLIC", name=name))
        everyone = sql.SQL(", ").join(map(sql.Identifier, LOGINS))
        admin.execute(_named("GRANT CONNECT ON DATABASE {name} TO ", name=name) + everyone)
        working = sql.SQL("ringfence_owner, ringfence_worker")
        admin.execute(_named("GRANT TEMPORARY ON DATABASE {name} TO ", name=name) + working)
        admin.execute(_named("COMMENT ON DATABASE {name} IS ", name=name) + sql.Literal(session.wanted()))


#: What every test knows; the areas are the migrations'.
POSTCODES = {"BB1 1AA": "E06000008", "BB1 1AB": "E06000008", "LU1 1AA": "E06000032", "LE1 1AA": "E06000016"}


def _settle() -> None:
    """Put the postcodes there."""
    with session.login("ringfence_owner") as owner, owner.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO geography.postcodes (code, area, easting, northing) VALUES (%s, %s, 0, 0)",
            list(POSTCODES.items()),
        )
        cursor.execute(
            "INSERT INTO geography.loads (what, source, fingerprint, rows, seconds)"
            " VALUES ('postcodes', 'the tests', '', %s, 0)",
            [len(POSTCODES)],
        )
        packed.pack(owner)


@contextmanager
def clone() -> Iterator["Database"]:
    """A database of this process's own, dropped at the end."""
    name = env.database.name
    with Server(durable=False).use() as server:
        create(server, name)
        _settle()
        try:
            database = Database(server, name)
            yield database
            database.close()
        finally:
            with psycopg.connect(server.admin(), autocommit=True) as admin:
                admin.execute(_named("DROP DATABASE IF EXISTS {name} WITH (FORCE)", name=name))


class Database:
    """One process's database, and how to bring it back to what the template holds."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name
        self._resetting: Connection | None = None
        self._idle: dict[str, list[Connection]] = {}
        self._lent: list[Connection] = []
        with self.resetting() as admin:
            self._tables = _tables(admin)
            self._rows = {table: rows for table in self._tables if (rows := _copy_out(admin, table))}
            self._marks = self._marked(admin)

    def admin(self) -> Connection:
        """A connection as the superuser."""
        return psycopg.connect(self.server.admin(self.name))

    @contextmanager
    def resetting(self) -> Iterator[Connection]:
        """A transaction of the superuser's, in a connection that is kept: to make one, and to read the catalogue in it,
        takes longer than to look through all tables."""
        kept = self._resetting
        try:
            if kept is not None:
                kept.execute("SELECT")
                kept.rollback()
        except psycopg.OperationalError:
            kept = None
        kept = self._resetting = kept or self.admin()
        with kept.transaction():
            yield kept

    def close(self) -> None:
        """End the connections that are kept."""
        for each in (self._resetting, *self._lent, *itertools.chain(*self._idle.values())):
            if each is not None:
                each.close()

    @contextmanager
    def lending(self) -> Iterator[Callable[[str], Connection]]:
        """Connections as a role, with autocommit, that were others' before: a new one reads the whole catalogue again."""
        mine: list[tuple[str, Connection]] = []

        def lend(role: str) -> Connection:
            idle = self._idle.setdefault(role, [])
            while idle and not _answers(idle[-1]):
                idle.pop().close()
            connection = idle.pop() if idle else session.login(role)
            connection.autocommit = True
            mine.append((role, connection))
            self._lent.append(connection)
            return connection

        try:
            yield lend
        finally:
            for role, connection in mine:
                self._lent.remove(connection)
                if _answers(connection):
                    connection.execute(_AS_NEW)
                    self._idle[role].append(connection)
                else:
                    connection.close()

    def _kept(self) -> list[int]:
        """The sessions that may outlive a reset: they hold nothing, and this process's own are among them."""
        own = connections["default"].connection
        if own is not None and not (own.info.dbname == self.name and _answers(own)):
            connections.close_all()
            own = None
        ours = [*self._lent, *itertools.chain(*self._idle.values()), *([] if own is None else [own])]
        return [each.info.backend_pid for each in ours if _answers(each)]

    def _marked(self, admin: Connection) -> list[object]:
        """For each table what no change leaves as it is."""
        one = sql.SQL("(SELECT (count(*), sum(xmin::text::bigint), sum(hashtid(ctid)::bigint))::text FROM {})")
        every = sql.SQL(", ").join(one.format(sql.Identifier(*table)) for table in self._tables)
        row = admin.execute(sql.SQL("SELECT ") + every, prepare=True).fetchone()
        assert row is not None
        return list(row)

    def changed(self, admin: Connection) -> list[tuple[str, str]]:
        """The tables that do not hold what the template holds."""
        marks = zip(self._tables, self._marked(admin), self._marks, strict=True)
        return [table for table, now, before in marks if now != before]

    def copy_to(self, server: Server, name: str) -> None:
        """The same in ``name`` on another server, which was given the same secrets before it was first started."""
        prepare(server.admin(), env.secrets, name)
        with psycopg.connect(server.admin(name)) as admin:
            for schema in (*SCHEMAS, "walls"):
                admin.execute(_named("DROP SCHEMA IF EXISTS {schema} CASCADE", schema=schema))
        programs = server.programs()
        with subprocess.Popen(
            [programs / "pg_dump", "--format=custom", self.server.admin(self.name)],
            stdout=subprocess.PIPE,
        ) as dumping:
            subprocess.run(
                [programs / "pg_restore", "--exit-on-error", "--dbname", server.admin(name)],
                stdin=dumping.stdout,
                check=True,
            )
        assert dumping.returncode == 0

    def turn_to(self) -> None:
        """Django's connections of this process go to this database from now on, wherever its server listens now."""
        where = conninfo_to_dict(self.server.admin(self.name))
        connections.close_all()
        connections["default"].settings_dict.update(HOST=where["host"], PORT=where["port"], NAME=where["dbname"])

    def reset(self) -> None:
        """Put every row back to what the template holds, and end every session that may hold something."""
        with self.resetting() as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL (%s)"
                # What waits in a server's pool holds nothing, and takes seconds to be found dead and replaced.
                " AND NOT (state = 'idle' AND application_name IN ('ringfence web', 'ringfence residents'))",
                [self._kept()],
            )
            # Past the append-only triggers and the foreign keys, which only the superuser may do.
            admin.execute("SET LOCAL session_replication_role = replica")
            admin.execute(
                "SELECT setval(format('%%I.%%I', schemaname, sequencename), start_value, false) FROM pg_sequences"
                " WHERE schemaname = ANY(%s) AND last_value IS NOT NULL",
                [list(SCHEMAS)],
            )
            changed = self.changed(admin)
            for table in changed:
                admin.execute(_named("DELETE FROM {schema}.{table}", schema=table[0], table=table[1]))
                if rows := self._rows.get(table):
                    with admin.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(*table))) as into:
                        into.write(rows)
            if changed:
                self._marks = self._marked(admin)
        if any(schema == "geography" for schema, _ in changed):
            resolve.forget()


def _answers(connection: Connection) -> bool:
    """Whether the session is there still and, its transaction given up, idle."""
    idle = psycopg.pq.TransactionStatus.IDLE
    try:
        if connection.info.transaction_status != idle:
            connection.rollback()
        connection.pgconn.exec_(b"")
    except psycopg.Error:
        return False
    return connection.info.transaction_status == idle


def _tables(admin: Connection) -> list[tuple[str, str]]:
    """The apps' tables, and those of Django's that hold sessions and failed sign-ins."""
    found = admin.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY(%s)"
        " OR (schemaname = 'public' AND tablename ~ '^(axes_|django_session)') ORDER BY 1, 2",
        [list(SCHEMAS)],
    ).fetchall()
    return [(str(schema), str(table)) for schema, table in found]


def _copy_out(admin: Connection, table: tuple[str, str]) -> bytes:
    with admin.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(*table))) as out:
        return b"".join(bytes(part) for part in out)
