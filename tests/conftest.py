"""What every test may ask for.

``db``         a transaction that is rolled back: the default for tests that touch the database
``committed``  real commits, for tests with several connections or processes; afterwards every row is as it was
``login``      a plain connection as another role: ``login("app")``
``owner``      a plain connection as the owner of the tables
``open_folder``  a folder that the database's own user may enter
``town``       the small country of ``tests.town``, rolled back at the end
``real_town``  the same with real commits
"""

import fcntl
import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import is_hypothesis_test

from tests import examples
from tests.database import Connection, Database, clone

if TYPE_CHECKING:
    from tests.country import Country
    from tests.town import Town


def pytest_configure(config: pytest.Config) -> None:
    """Choose the number of examples before any test is read."""
    examples.settings.load_profile("night" if config.getoption("--nightly") else "day")


def pytest_collection_finish() -> None:
    """What was read so far stays: to look through it for rubbish again and again takes a twentieth of the time."""
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the nightly tests out of the ordinary run, and the ordinary ones out of the night, but for those under
    Hypothesis."""
    nightly = config.getoption("--nightly")
    chosen = [item for item in items if _is_for(item, nightly)]
    rest = [item for item in items if not _is_for(item, nightly)]
    if rest:
        config.hook.pytest_deselected(items=rest)
        items[:] = chosen


def _is_for(item: pytest.Item, nightly: bool) -> bool:
    marked = item.get_closest_marker("nightly") is not None
    return marked == nightly or (nightly and is_hypothesis_test(getattr(item, "obj", None)))


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
def db(django_db_setup: Database, django_db_blocker: Any) -> Iterator[None]:
    """A transaction that is rolled back, its deferred constraints tried first.

    In place of pytest-django's, which ends the connection too: to make another, and to read the catalogue and the walls
    anew in it, takes longer than most tests do.
    """
    from django.db import connection, transaction

    with django_db_blocker.unblock():
        whole = transaction.atomic()
        whole._from_testcase = True
        with whole:
            yield
            status = connection.connection and connection.connection.info.transaction_status
            if status == psycopg.pq.TransactionStatus.INTRANS:  # and the test did not end in an error of the database
                connection.check_constraints()
            transaction.set_rollback(True)


@pytest.fixture
def committed(django_db_setup: Database, django_db_blocker: Any) -> Iterator[None]:
    """Real commits; afterwards every table of the apps is as the template has it, and other sessions are ended."""
    with django_db_blocker.unblock():
        try:
            yield
        finally:
            django_db_setup.reset()


@pytest.fixture
def login(django_db_setup: Database) -> Iterator[Callable[[str], Connection]]:
    """Sign in to the test's database as ``app``, ``worker``, ``lab``, ``cli`` or ``owner``; autocommit."""
    with django_db_setup.lending() as lend:
        yield lambda role: lend(f"ringfence_{role}")


@pytest.fixture
def owner(login: Callable[[str], Connection]) -> psycopg.Connection[tuple[object, ...]]:
    """A connection as the owner of the tables (row-level security holds for it too)."""
    return login("owner")


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that the database's own user may enter. Pytest's are closed, each time that a run begins anywhere."""
    with TemporaryDirectory(prefix="ringfence-") as folder:
        os.chmod(folder, 0o711)
        yield Path(folder)


@pytest.fixture(scope="session")
def country(django_db_setup: Database, django_db_blocker: Any) -> "Country":
    """The small country, built once and put back by one statement: ``country.restore()``."""
    from tests.country import Country

    with django_db_blocker.unblock():
        return Country(django_db_setup)


@pytest.fixture(scope="session")
def compiled_scan() -> None:
    """The loops of a scan as machine code: by one process, and the others read what it kept."""
    import numpy as np

    from ringfence.base.env import env
    from ringfence.methods import scan

    with open(env.home / "compiled.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        points, one = np.array([[0.0, 0.0], [9.0, 9.0]]), np.array([0, 1])
        for model in ("poisson", "permutation"):
            for retrospective in (False, True):
                way = scan.Settings(model=model, retrospective=retrospective, replications=9, workers=1)
                scan.scan(points, one, one, np.array([3, 4]), 2, way, np.array([5.0, 5.0]), 0)


@pytest.fixture
def town(country: "Country", db: None) -> "Town":
    """The country, rolled back at the end."""
    return country.restore()


@pytest.fixture
def real_town(country: "Country", committed: None) -> "Town":
    """The country with real commits, for tests with several connections."""
    return country.restore()
