"""Who may rely on a policy at this moment, and who may take up a change of one.

Placing or moving traces reads policies and writes due times in one transaction. Taking up a changed policy works out
the due times of the traces that are there. If the two ran side by side, traces placed by the old policy could appear
after the new one was taken up, and keep their old due times for ever. So the first hold the policies still and the
second waits until it is alone; holders do not wait for each other.
"""

from __future__ import annotations

from django.db import connection

_LOCK = 7_166_035


def hold_still() -> None:
    """Before reading policies in order to place or move traces: until the end of this transaction none is taken up."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_LOCK])


def alone() -> None:
    """Before taking up a changed policy: waits for those who hold policies still, and keeps others waiting."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
