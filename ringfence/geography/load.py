"""Load the areas and the postcodes, as the owner of the schema.

Safe to run again, to interrupt, and from two processes.

Postcodes go into a new table, which takes the old one's place in the same transaction: readers see the old postcodes or
the new ones, never a part, and wait only for the moment of the exchange.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from ringfence.geography import atlas as areas_file
from ringfence.geography import directory, packed, resolve
from ringfence.geography.atlas import Atlas

READERS = ("ringfence_app", "ringfence_worker", "ringfence_lab", "ringfence_cli")

#: Names the advisory lock under which anything is loaded.
_LOCK = 7_166_035

Connection = psycopg.Connection[Any]
Progress = Callable[[str], None]


class Loaded(NamedTuple):
    """What one load did. ``rows`` is 0 when it was there already and ``fresh`` is False."""

    what: str
    source: str
    rows: int
    seconds: float
    fresh: bool


def _silent(_: str) -> None:
    pass


def ensure(
    where: str | Connection, progress: Progress = _silent, postcodes: Path | None = None, again: bool = False
) -> list[Loaded]:
    """Load the areas and the postcodes unless they are there already.

    ``where`` is a libpq connection string or an open connection outside a transaction, of the schema's owner.
    ``postcodes`` is a directory file of your own; without it the packaged directory is loaded, if none of your own is
    there. ``again`` loads in any case. ``progress`` is told a line now and then. Raises DirectoryProblem.
    """
    with _connected(where) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            done = [load_areas(connection, progress, again), load_postcodes(connection, progress, postcodes, again)]
            _pack(connection)
        finally:
            if not connection.closed:
                connection.rollback()
                connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
    resolve.forget()
    return done


@contextmanager
def _connected(where: str | Connection) -> Iterator[Connection]:
    if isinstance(where, str):
        with psycopg.connect(where, autocommit=True) as connection:
            yield connection
        return
    before = where.autocommit
    where.autocommit = True
    try:
        yield where
    finally:
        if not where.closed:
            where.autocommit = before


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    with connection.transaction():
        connection.execute("SET LOCAL search_path = geography, public")
        yield


def _last(connection: Connection, what: str) -> tuple[str, str] | None:
    return connection.execute("SELECT source, fingerprint FROM geography.loads WHERE what = %s", [what]).fetchone()


def _note(connection: Connection, what: str, source: str, fingerprint: str, rows: int, seconds: float) -> None:
    connection.execute(
        "INSERT INTO loads (what, source, fingerprint, rows, seconds, loaded_at) VALUES (%s, %s, %s, %s, %s, now())"
        " ON CONFLICT (what) DO UPDATE SET (source, fingerprint, rows, seconds, loaded_at)"
        " = (EXCLUDED.source, EXCLUDED.fingerprint, EXCLUDED.rows, EXCLUDED.seconds, EXCLUDED.loaded_at)",
        [what, source, fingerprint, rows, seconds],
    )


def load_areas(connection: Connection, progress: Progress = _silent, again: bool = False) -> Loaded:
    """Load the packaged areas; existing codes are updated, none is ever removed, for records refer to them."""
    began = time.monotonic()
    folder = files("ringfence.geography").joinpath("data")
    fingerprint = hashlib.sha256(
        folder.joinpath("areas.csv").read_bytes() + folder.joinpath("successors.csv").read_bytes()
    ).hexdigest()
    source = "the file that comes with Ringfence"
    if not again and _last(connection, "areas") == (source, fingerprint):
        return Loaded("areas", source, 0, 0.0, False)
    atlas = areas_file.packaged()
    with _transaction(connection):
        _write_areas(connection, atlas)
        seconds = time.monotonic() - began
        _note(connection, "areas", source, fingerprint, len(atlas), seconds)
    progress(f"Loaded {len(atlas)} areas.")
    return Loaded("areas", source, len(atlas), seconds, True)


_AREA_COLUMNS = (
    "code name kind lower_tier upper_tier opened closed population population_year easting northing"
    " upper_q upper_r lower_q lower_r"
).split()


def _write_areas(connection: Connection, atlas: Atlas) -> None:
    # Cells are emptied first: a unique cell may pass from one area to another within the file.
    connection.execute("UPDATE areas SET upper_q = NULL, upper_r = NULL, lower_q = NULL, lower_r = NULL")
    columns = sql.SQL(", ").join(map(sql.Identifier, _AREA_COLUMNS))
    with connection.cursor() as cursor:
        cursor.executemany(
            sql.SQL(
                "INSERT INTO areas ({columns}) VALUES ({values}) ON CONFLICT (code) DO UPDATE SET ({columns}) = ({new})"
            ).format(
                columns=columns,
                values=sql.SQL(", ").join([sql.Placeholder()] * len(_AREA_COLUMNS)),
                new=sql.SQL(", ").join(sql.SQL("EXCLUDED.{}").format(sql.Identifier(c)) for c in _AREA_COLUMNS),
            ),
            [
                (
                    area.code,
                    area.name,
                    area.kind,
                    area.lower_tier,
                    area.upper_tier,
                    area.opened,
                    area.closed,
                    area.population,
                    areas_file.POPULATION_YEAR if area.population is not None else None,
                    area.easting,
                    area.northing,
                    *(area.upper_cell or (None, None)),
                    *(area.lower_cell or (None, None)),
                )
                for area in atlas
            ],
        )
        cursor.execute("DELETE FROM area_parents; DELETE FROM area_successors")
        cursor.executemany(
            "INSERT INTO area_parents (child, parent, since, until) VALUES (%s, %s, %s, %s)",
            [(area.code, area.parent, area.opened, area.closed) for area in atlas if area.parent],
        )
        cursor.executemany(
            'INSERT INTO area_successors (old, new, "on", share) VALUES (%s, %s, %s, %s)',
            [(change.old, change.new, change.on, f"{change.share:.4f}") for change in atlas.changes],
        )


def load_postcodes(
    connection: Connection, progress: Progress = _silent, own: Path | None = None, again: bool = False
) -> Loaded:
    """Load a postcode directory: your own file, or the packaged one unless a file of your own was loaded before."""
    began = time.monotonic()
    last = _last(connection, "postcodes")
    found = directory.own_file(own, areas_file.packaged()) if own else directory.packaged()
    theirs = last is not None and not last[0].startswith(directory.PACKAGE)
    if not again and last is not None and (last[1] == found.fingerprint or (own is None and theirs)):
        return Loaded("postcodes", last[0], 0, 0.0, False)
    progress(f"Loading postcodes from {found.source} ...")
    try:
        with _transaction(connection):
            rows = _fill(connection, found, progress)
            _exchange(connection)
            seconds = time.monotonic() - began
            _note(connection, "postcodes", found.source, found.fingerprint, rows, seconds)
    except psycopg.errors.LockNotAvailable as problem:
        raise directory.DirectoryProblem(
            "Somebody was reading postcodes for more than 15 s, so the new ones could not take over. Run it again."
        ) from problem
    except psycopg.errors.UniqueViolation as problem:
        raise directory.DirectoryProblem(
            f"{found.source} has a postcode twice ({problem.diag.message_detail})."
        ) from problem
    except psycopg.errors.ForeignKeyViolation as problem:
        raise directory.DirectoryProblem(
            f"{found.source} has an authority that Ringfence does not know ({problem.diag.message_detail}). "
            "The areas that come with Ringfence are older than this directory."
        ) from problem
    progress(f"Loaded {rows:,} postcodes in {seconds:.0f} s.")
    return Loaded("postcodes", found.source, rows, seconds, True)


def _pack(connection: Connection) -> None:
    """The postcodes' short form, unless it is that of the present ones."""
    if not connection.execute(
        "SELECT 1 FROM geography.packed_postcodes JOIN geography.loads USING (what, fingerprint)"
    ).fetchone():
        with _transaction(connection):
            packed.pack(connection)


def _fill(connection: Connection, found: directory.Directory, progress: Progress) -> int:
    """A new table beside the one in use, filled, then indexed."""
    connection.execute("CREATE TABLE postcodes_new (LIKE postcodes INCLUDING DEFAULTS)")
    rows = told = 0
    with connection.cursor() as cursor:
        # Frozen rows need no later visit by vacuum; allowed because the table was made in this transaction.
        with cursor.copy("COPY postcodes_new (code, area, easting, northing, terminated) FROM STDIN (FREEZE)") as copy:
            for chunk in found.chunks():
                copy.write(chunk.data)
                rows += chunk.rows
                if rows - told >= 500_000:
                    told = rows
                    progress(f"{rows:,} postcodes ...")
        if rows == 0:
            raise directory.DirectoryProblem(f"{found.source} has no postcode.")
        cursor.execute(
            "SET LOCAL maintenance_work_mem = '256MB';"
            "ALTER TABLE postcodes_new ADD CONSTRAINT postcodes_new_pkey PRIMARY KEY (code);"
            "CREATE INDEX postcodes_new_by_area ON postcodes_new (area);"
            "ALTER TABLE postcodes_new ADD CONSTRAINT postcodes_new_area_fkey FOREIGN KEY (area) REFERENCES areas;"
            "ANALYZE postcodes_new"
        )
        cursor.execute(
            sql.SQL("GRANT SELECT ON postcodes_new TO {}").format(sql.SQL(", ").join(map(sql.Identifier, READERS)))
        )
    return rows


def _exchange(connection: Connection) -> None:
    # Whoever asks for a postcode queues behind this wait, so it is short.
    connection.execute(
        "SET LOCAL lock_timeout = '15s';"
        "DROP TABLE postcodes;"
        "ALTER TABLE postcodes_new RENAME TO postcodes;"
        "ALTER TABLE postcodes RENAME CONSTRAINT postcodes_new_pkey TO postcodes_pkey;"
        "ALTER TABLE postcodes RENAME CONSTRAINT postcodes_new_area_fkey TO postcodes_area_fkey;"
        "ALTER INDEX postcodes_new_by_area RENAME TO postcodes_by_area"
    )
