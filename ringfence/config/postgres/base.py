"""The pool looks at a connection before it gives it away without asking the server, and gives up dead ones together.

Django's own asks the server at each request: a round trip that costs more than a claim. And when the server was started
anew it finds one dead connection after the other, waiting longer each time: seconds for the first who ask.
"""

from __future__ import annotations

import select
from typing import Any

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg import Connection
from psycopg_pool import ConnectionPool


class Pool(ConnectionPool[Connection[Any]]):
    """Connections for the threads of one process; the options are those of ``psycopg_pool.ConnectionPool``."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, check=self.look)

    def look(self, connection: Connection[Any]) -> None:
        """Raise the driver's error when the session has ended.

        Nothing is to be read of one that waits. Where there is something, often the server's farewell, it is asked.
        """
        ready = select.poll()
        ready.register(connection.fileno(), select.POLLIN)
        if not ready.poll(0):
            return
        try:
            self.check_connection(connection)
        except Exception:
            self.check()  # Where one has ended, others have: they are replaced before anybody meets them.
            raise


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, but for the pool."""

    _connection_pools: dict[str, Pool] = {}

    @property
    def pool(self) -> Pool | None:
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        if self.alias not in self._connection_pools:
            django: Any = self  # its types leave out what sets a new connection up
            parameters = self.get_connection_params() | {"autocommit": True}
            made = Pool(kwargs=parameters, open=False, configure=django._configure_connection, **options)
            self._connection_pools.setdefault(self.alias, made)
        return self._connection_pools[self.alias]
