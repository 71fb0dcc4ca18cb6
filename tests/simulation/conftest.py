"""Somewhere for invented people to live: a few postcodes in the towns that the plays are about."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from ringfence.accounts import walls
from ringfence.cli import session
from ringfence.geography import resolve
from ringfence.rules.access import system_scope
from tests.actions.conftest import quick_passwords

__all__ = ["quick_passwords"]

TOWNS = {
    "BB1": "E06000008",
    "LU1": "E06000032",
    "LE1": "E06000016",
    "OL1": "E08000004",
    "TR1": "E06000052",
    "E8": "E09000012",
    "HP1": "E06000060",
}

LETTERS = "ABDEFGHJLN"


def settle() -> None:
    """Ten postcodes in each of the towns, committed."""
    rows = [(f"{outward} 1A{letter}", area) for outward, area in TOWNS.items() for letter in LETTERS]
    with session.login("ringfence_owner") as owner, owner.cursor() as cursor:
        cursor.executemany("INSERT INTO geography.postcodes (code, area) VALUES (%s, %s) ON CONFLICT DO NOTHING", rows)
    resolve.forget()


@pytest.fixture
def homes(committed: None) -> Iterator[None]:
    """Somewhere to live; gone afterwards."""
    settle()
    yield
    resolve.forget()


@pytest.fixture
def said() -> list[str]:
    """What was said while something was played."""
    return []


@pytest.fixture
def say(said: list[str]) -> Callable[[str], None]:
    return said.append


FIGURES = """
SELECT t.id, t.ref, t.authority, t.team_id, t.created_at, t.attempts, t.outcome, t.reached_at, t.closed_at, t.handovers,
    t.queued FROM traces t ORDER BY t.id
"""


def ask(statement: str, scope: str = "sweep", values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Rows of the record, seen under a system scope."""
    with walls.transaction(system_scope(scope)), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
