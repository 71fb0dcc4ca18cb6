"""The small country, with real commits."""

import pytest

from tests.town import Town, build


@pytest.fixture
def real_town(committed: None) -> Town:
    """The country with real commits, for tests with several processes."""
    return build()
