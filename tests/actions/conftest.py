"""The small country that the verbs are tried on."""

import pytest

from tests.database import Connection
from tests.deliveries import POSTCODES
from tests.town import Town, build


@pytest.fixture
def town(db: None) -> Town:
    """The country, rolled back at the end."""
    return build()


@pytest.fixture
def real_town(committed: None) -> Town:
    """The country with real commits, for tests with several connections."""
    return build()


@pytest.fixture
def postcodes(owner: Connection) -> None:
    """The postcodes of ``tests.deliveries``."""
    with owner.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO geography.postcodes (code, area, easting, northing) VALUES (%s, %s, 0, 0) ON CONFLICT DO NOTHING",
            list(POSTCODES.items()),
        )
