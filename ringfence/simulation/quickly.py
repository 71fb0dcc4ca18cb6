"""What every play runs under."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def quickly(seed: int) -> Iterator[None]:
    """Draws come from the seed, and commits need not reach the disk one by one: who is interrupted plays anew."""
    state = random.getstate()
    random.seed(seed)
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    try:
        yield
    finally:
        random.setstate(state)
        if not connection.needs_rollback and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("RESET synchronous_commit")
