"""What the verbs are tried on beside the small country."""

import pytest

from tests.database import Connection
from tests.deliveries import load_postcodes


@pytest.fixture
def postcodes(owner: Connection) -> None:
    """The postcodes of ``tests.deliveries``."""
    load_postcodes(owner)
