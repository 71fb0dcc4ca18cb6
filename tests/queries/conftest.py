"""The small country that the verbs are tried on."""

import pytest

from tests.town import Town, build


@pytest.fixture
def town(db: None) -> Town:
    """The country, rolled back at the end."""
    return build()


@pytest.fixture
def real_town(committed: None) -> Town:
    """The country with real commits, for tests with several connections."""
    return build()
