"""Somewhere for invented people to live: a few postcodes in the towns that the plays are about."""

from collections.abc import Callable, Iterator

import pytest

from ringfence.geography import resolve
from tests.database import Connection

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


@pytest.fixture
def homes(committed: None, owner: Connection) -> Iterator[None]:
    """Ten postcodes in each of the towns, committed; gone afterwards."""
    rows = [(f"{outward} 1A{letter}", area) for outward, area in TOWNS.items() for letter in LETTERS]
    owner.cursor().executemany("INSERT INTO geography.postcodes (code, area) VALUES (%s, %s)", rows)
    resolve.forget()
    yield
    resolve.forget()


@pytest.fixture
def said() -> list[str]:
    """What was said while something was played."""
    return []


@pytest.fixture
def say(said: list[str]) -> Callable[[str], None]:
    return said.append
