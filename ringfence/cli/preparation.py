"""Make the database, its roles, its schemas and its extensions: all that needs an administrator's login.

Everything here may run again, and from two processes at once. What needs no administrator is in the migrations.
"""

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ringfence.base.env import LOGINS, SCHEMAS, Secrets
from ringfence.cli.account import PostgresProblem

OLDEST = 15

EXTENSIONS = ("btree_gist", "fuzzystrmatch", "pg_trgm")

#: Owns the functions that may do one thing which their caller may not; nobody signs in as it.
GATE = "ringfence_gate"

#: The command line, the simulation and the tests act as the web or the worker by taking on its role; the owner hands
#: functions to the gate, and may do so only while it migrates (``seal``).
MEMBERSHIPS = (("ringfence_app", "ringfence_cli"), ("ringfence_worker", "ringfence_cli"), (GATE, "ringfence_owner"))

TIMEOUTS: dict[str, dict[str, str]] = {
    "ringfence_app": {
        "statement_timeout": "20s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "60s",
    },
    "ringfence_resident": {
        "statement_timeout": "5s",
        "lock_timeout": "3s",
        "idle_in_transaction_session_timeout": "10s",
    },
    "ringfence_lab": {
        "statement_timeout": "60s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "60s",
    },
    "ringfence_worker": {
        "statement_timeout": "15min",
        "lock_timeout": "30s",
        "idle_in_transaction_session_timeout": "15min",
    },
}

#: One lock for the whole server: roles belong to no database.
LOCK = 7_166_034


def prepare(admin: str, secrets: Secrets, database: str) -> None:
    """Prepare ``database`` on the server that ``admin`` (a libpq connection string or URL) signs in to.

    ``admin`` may name the database itself or any other one. Raises PostgresProblem for a server older than 15, for a
    login that may not do this, and for roles that could look past row-level security.
    """
    try:
        with _connect(admin) as server:
            check_version(server.info.server_version)
            server.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            _roles(server, secrets)
            _database(server, database)
            with psycopg.connect(make_conninfo(admin, dbname=database), autocommit=True) as inside:
                _inside(inside, database)
    except psycopg.errors.InsufficientPrivilege as problem:
        raise PostgresProblem(
            f"The database user {conninfo_to_dict(admin).get('user')} may not prepare the database "
            f"({problem.diag.message_primary}). It must be allowed to create roles, databases and extensions."
        ) from problem
    except psycopg.OperationalError as problem:
        raise PostgresProblem(f"PostgreSQL cannot be reached: {' '.join(str(problem).split())}") from problem


def check_version(version: int) -> None:
    """Refuse a server that is too old; ``version`` is libpq's number (150004 is 15.4)."""
    if version < OLDEST * 10_000:
        raise PostgresProblem(
            f"This PostgreSQL server is version {version // 10_000}.{version % 10_000}; Ringfence needs {OLDEST} or "
            f"newer. Name another server in DATABASE_URL, or leave it out to use the embedded one."
        )


def _connect(admin: str) -> "psycopg.Connection[tuple[object, ...]]":
    """Sign in; when the database named does not exist yet, by way of one that always does."""
    try:
        return psycopg.connect(admin, autocommit=True)
    except psycopg.OperationalError as problem:
        if "does not exist" not in str(problem):
            raise
        return psycopg.connect(make_conninfo(admin, dbname="postgres"), autocommit=True)


def _roles(server: "psycopg.Connection[tuple[object, ...]]", secrets: Secrets) -> None:
    for role in (*LOGINS, GATE):
        name = sql.Identifier(role)
        found = server.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s", [role]).fetchone()
        if found is None:
            server.execute(
                sql.SQL("CREATE ROLE {} {} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS").format(
                    name, sql.SQL("NOLOGIN" if role == GATE else "LOGIN")
                )
            )
        elif found[0]:
            raise PostgresProblem(
                f"The role {role} looks past row-level security (superuser or BYPASSRLS); take that away."
            )
        if role != GATE:
            server.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(secrets.passwords[role])))
        for setting, value in TIMEOUTS.get(role, {}).items():
            server.execute(
                sql.SQL("ALTER ROLE {} SET {} = {}").format(name, sql.Identifier(setting), sql.Literal(value))
            )
    for role, member in MEMBERSHIPS:
        server.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(member)))


def seal(admin: str) -> None:
    """After migrating: the owner takes on the gate no more, through whose eyes it could see the record."""
    with _connect(admin) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        server.execute(sql.SQL("REVOKE {} FROM ringfence_owner").format(sql.Identifier(GATE)))


def _database(server: "psycopg.Connection[tuple[object, ...]]", database: str) -> None:
    found = server.execute(
        "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = %s", [database]
    ).fetchone()
    if found is not None:
        if found[0] != "UTF8":
            raise PostgresProblem(f"The database {database} has the encoding {found[0]}; Ringfence needs UTF8.")
        return
    superuser = server.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if superuser is not None and not superuser[0]:
        server.execute("GRANT ringfence_owner TO CURRENT_USER")
    # The order of code points everywhere: the same on every machine, and no index breaks with a new C library.
    locale = (
        "LOCALE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
        if server.info.server_version >= 170_000
        else "LOCALE 'C'"
    )
    server.execute(
        sql.SQL("CREATE DATABASE {} OWNER ringfence_owner TEMPLATE template0 ENCODING 'UTF8' {}").format(
            sql.Identifier(database), sql.SQL(locale)
        )
    )


def _inside(inside: "psycopg.Connection[tuple[object, ...]]", database: str) -> None:
    """Nobody has a right by default; each role may come in. What it may do there is granted by the migrations."""
    everyone = sql.SQL(", ").join(sql.Identifier(role) for role in LOGINS)
    name = sql.Identifier(database)
    owner = inside.execute(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    if owner is not None and owner[0] != "ringfence_owner":
        inside.execute(sql.SQL("ALTER DATABASE {} OWNER TO ringfence_owner").format(name))
    for extension in EXTENSIONS:
        inside.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {} SCHEMA public").format(sql.Identifier(extension)))
    inside.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    inside.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, everyone))
    # Not to the web: a temporary table of the name of a real one would stand before it in the next request.
    inside.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM ringfence_app").format(name))
    inside.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO ringfence_owner, ringfence_worker").format(name))
    inside.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    inside.execute("GRANT USAGE, CREATE ON SCHEMA public TO ringfence_owner")
    for schema in SCHEMAS:
        found = inside.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema]).fetchone()
        if found is None:
            inside.execute(sql.SQL("CREATE SCHEMA {} AUTHORIZATION ringfence_owner").format(sql.Identifier(schema)))
