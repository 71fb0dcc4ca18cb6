"""The small country that the verbs are tried on."""

import pytest

from tests.database import Connection
from tests.deliveries import load_postcodes
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
    load_postcodes(owner)
