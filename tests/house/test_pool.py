"""The pool of connections that the pages' threads share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from django.db import connections

from ringfence.config.postgres.base import DatabaseWrapper, Pool
from ringfence.config.settings import POOL
from tests.database import Database


@pytest.fixture
def pool(django_db_setup: Database) -> Iterator[Pool]:
    parameters = DatabaseWrapper(connections["default"].settings_dict).get_connection_params()
    with Pool(kwargs=parameters | {"autocommit": True}, min_size=6, max_size=6, timeout=1.5) as made:
        made.wait()
        yield made


def taken(pool: Pool) -> tuple[list[Any], Callable[[], None]]:
    """Every connection of the pool at once, each tried; and how to give them back."""
    giving_back = ExitStack()
    found = [giving_back.enter_context(pool.connection()) for _ in range(6)]
    for each in found:
        assert each.execute("SELECT 1").fetchone() == (1,)
    return found, giving_back.close


def test_when_every_session_has_ended_the_first_who_asks_does_not_wait_for_one_after_the_other(
    pool: Pool, django_db_setup: Database, caplog: pytest.LogCaptureFixture
) -> None:
    found, give_back = taken(pool)
    ended = [each.info.backend_pid for each in found]
    give_back()
    with psycopg.connect(django_db_setup.server.admin(), autocommit=True) as admin:
        for pid in ended:
            admin.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
    # Six dead ones, found one by one with a pause between them, would outlast the pool's patience.
    found, give_back = taken(pool)
    assert not {each.info.backend_pid for each in found} & set(ended)
    give_back()


def test_a_message_that_waits_ends_no_session(pool: Pool, django_db_setup: Database) -> None:
    found, give_back = taken(pool)
    before = {each.info.backend_pid for each in found}
    found[0].execute("LISTEN news")
    give_back()
    with psycopg.connect(django_db_setup.server.admin(django_db_setup.name), autocommit=True) as admin:
        admin.execute("NOTIFY news")
    found, give_back = taken(pool)
    assert {each.info.backend_pid for each in found} == before
    give_back()


def test_threads_share_one_pool_and_who_has_no_options_has_none() -> None:
    settings = connections["default"].settings_dict
    assert DatabaseWrapper(settings).pool is None
    shared = {**settings, "OPTIONS": {**settings["OPTIONS"], "pool": POOL}}
    first, second = (DatabaseWrapper(shared, "shared") for _ in range(2))
    assert first.pool is second.pool is not None
    first.close_pool()
