"""The small country kept in the database, so that each test has it by one statement in place of a hundred."""

from __future__ import annotations

import copy
from collections.abc import Mapping

from django.db import connection, connections

from ringfence.accounts.models import User
from ringfence.base.env import SCHEMAS
from tests.database import Database
from tests.town import Town, build

_COLUMNS = """
SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""

#: The numbers that rows get, as they were when the country had been built.
_NUMBERS = """
SELECT format('PERFORM setval(%%L, %%s, true);', format('%%I.%%I', schemaname, sequencename), last_value)
FROM pg_sequences WHERE schemaname = ANY(%s) AND last_value IS NOT NULL
"""

_RESTORE = """
CREATE FUNCTION country.restore() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET session_replication_role = replica SET search_path = pg_catalog
AS $body$ BEGIN {statements} END $body$
"""


class Country:
    """The country of ``tests.town``, built once through the verbs, then restored as it was."""

    def __init__(self, database: Database) -> None:
        town = build()
        connections.close_all()
        self._teams: Mapping[tuple[str, str], int] = town.teams
        self._users: Mapping[str, User] = town.users
        _keep(database)
        database.reset()

    def restore(self) -> Town:
        """The country in the present transaction, or committed where there is none."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT country.restore()")
        return Town(dict(self._teams), copy.deepcopy(dict(self._users)))


def _keep(database: Database) -> None:
    """Copies of the tables that the country fills, and a function that puts them in their places again."""
    with database.admin() as admin:
        admin.execute("CREATE SCHEMA country")
        admin.execute("GRANT USAGE ON SCHEMA country TO ringfence_cli")
        statements = [str(each) for (each,) in admin.execute(_NUMBERS, [list(SCHEMAS)]).fetchall()]
        for place in database.changed(admin):
            name = ".".join(place)
            kept = "country." + "_".join(place)
            row = admin.execute(_COLUMNS, [name]).fetchone()
            assert row is not None
            admin.execute(f"CREATE TABLE {kept} AS SELECT {row[0]} FROM {name}")
            statements.append(
                f"DELETE FROM {name}; INSERT INTO {name} ({row[0]}) OVERRIDING SYSTEM VALUE SELECT {row[0]} FROM {kept};"
            )
        admin.execute(_RESTORE.format(statements=" ".join(statements)))
