"""What every test may ask for.

``db``         a transaction that is rolled back: the default for tests that touch the database
``committed``  real commits, for tests with several connections or processes; afterwards every row is as it was
``login``      a plain connection as another role: ``login("app")``
``owner``      a plain connection as the owner of the tables
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from hypothesis import settings

from tests.database import Connection, Database, clone

# How fast this machine is decides nothing.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the nightly tests out of the ordinary run, and the ordinary ones out of the night."""
    nightly = config.getoption("--nightly")
    chosen = [item for item in items if (item.get_closest_marker("nightly") is not None) == nightly]
    rest = [item for item in items if (item.get_closest_marker("nightly") is not None) != nightly]
    if rest:
        config.hook.pytest_deselected(items=rest)
        items[:] = chosen


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[Database]:
    """A clone of the migrated template, in place of the test database that Django would make."""
    from django.db import connections

    from ringfence.base.env import env

    with clone() as database:
        where = env.database
        connections["default"].settings_dict.update(HOST=where.host, PORT=where.port, NAME=where.name)
        try:
            yield database
        finally:
            with django_db_blocker.unblock():
                connections.close_all()


@pytest.fixture
def committed(django_db_setup: Database, django_db_blocker: Any) -> Iterator[None]:
    """Real commits; afterwards every table of the apps is as the template has it, and other sessions are ended."""
    from django.db import connections

    with django_db_blocker.unblock():
        try:
            yield
        finally:
            django_db_setup.reset(connections.close_all)


@pytest.fixture
def login(django_db_setup: Database) -> Iterator[Callable[[str], Connection]]:
    """Sign in to the test's database as ``app``, ``worker``, ``lab``, ``cli`` or ``owner``; autocommit."""
    from ringfence.cli import session

    with ExitStack() as closing:

        def connect(role: str) -> Connection:
            connection = session.login(f"ringfence_{role}")
            connection.autocommit = True
            closing.callback(connection.close)
            return connection

        yield connect


@pytest.fixture
def owner(login: Callable[[str], Connection]) -> psycopg.Connection[tuple[object, ...]]:
    """A connection as the owner of the tables (row-level security holds for it too)."""
    return login("owner")
