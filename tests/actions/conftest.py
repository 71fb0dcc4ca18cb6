"""What the verbs are tried on beside the small country."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher


@pytest.fixture(scope="package", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Passwords are kept as in earnest, by a hash that takes no quarter of a second."""
    with pytest.MonkeyPatch.context() as patch:
        for name, cost in (("time_cost", 1), ("memory_cost", 8), ("parallelism", 1)):
            patch.setattr(Argon2PasswordHasher, name, cost)
        yield
