"""The wall in the database: every transaction carries a signed statement of what it may see.

Row-level security asks, for each row, what the transaction's *ticket* allows. A plain setting would not do: SQL that
found its way in could set it. So the ticket is signed with a key that the application holds and the database keeps where
no application role can read it; it is bound to one database session and to a few minutes. Without a ticket, with one of
another session, one that has run out or one that was altered, every identifiable table is empty.

``transaction(scope)`` is the only way the rest of the code reaches those tables.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg
from django.db import connection
from django.db import transaction as database_transaction

from ringfence.base.env import env
from ringfence.rules.access import Scope

#: Seconds for which a ticket holds. Longer than any page or batch, shorter than a shift.
LIFETIME = 300

_BLOCK = 64  # bytes; the block of SHA-256 in HMAC (RFC 2104)


def _key() -> bytes:
    return env.ticket_key.encode()


def sign(scope: Scope, backend: int, expires: int | None = None, key: bytes | None = None) -> str:
    """The ticket for ``scope`` in the database session ``backend`` (its process id), valid until ``expires`` (epoch s)."""
    until = int(time.time()) + LIFETIME if expires is None else expires
    body = "|".join(
        (
            scope.name,
            str(scope.user),
            ",".join(map(str, scope.teams)),
            ",".join(scope.areas),
            ",".join(scope.standing),
            str(backend),
            str(until),
        )
    )
    inner, outer = (begun.copy() for begun in _begun(key or _key()))
    inner.update(body.encode())
    outer.update(inner.digest())
    return f"{body}|{outer.hexdigest()}"


@cache
def _begun(key: bytes) -> tuple[Any, Any]:
    """HMAC-SHA256 of the key, begun: what every ticket's signature has in common is reckoned once."""
    inner, outer = pads(key)
    return hashlib.sha256(inner), hashlib.sha256(outer)


def pads(key: bytes) -> tuple[bytes, bytes]:
    """The inner and outer padded keys of HMAC (RFC 2104), which is all that the database keeps of the key."""
    if len(key) > _BLOCK:
        key = hashlib.sha256(key).digest()
    key = key.ljust(_BLOCK, b"\0")
    return bytes(b ^ 0x36 for b in key), bytes(b ^ 0x5C for b in key)


def install_key(owner: Any) -> None:
    """Put the present key into the database, through a connection of the owner role; the one before stays valid."""
    inner, outer = pads(_key())
    with owner.cursor() as cursor:
        cursor.execute("SELECT inner_pad FROM walls.keys ORDER BY installed_at DESC LIMIT 1")
        row = cursor.fetchone()
        if row is None or bytes(row[0]) != inner:
            cursor.execute("INSERT INTO walls.keys (inner_pad, outer_pad) VALUES (%s, %s)", (inner, outer))
            cursor.execute(
                "DELETE FROM walls.keys WHERE installed_at NOT IN"
                " (SELECT installed_at FROM walls.keys ORDER BY installed_at DESC LIMIT 2)"
            )


def backend_pid() -> int:
    """The process id of the database session behind Django's connection."""
    connection.ensure_connection()
    return int(connection.connection.info.backend_pid)


def ticket(scope: Scope) -> str:
    """A fresh ticket for ``scope`` in the present database session."""
    return sign(scope, backend_pid())


@contextmanager
def transaction(scope: Scope) -> Iterator[None]:
    """One transaction under ``scope``: sets the database role and the ticket, and takes both away at the end.

    Used again inside itself with the same scope it opens nothing new. With another scope it works in a savepoint and
    gives the outer scope back.
    """
    held: Scope | None = getattr(connection, "_ringfence_scope", None)
    if held == scope and connection.in_atomic_block:
        yield
        return
    with database_transaction.atomic():
        _enter(scope)
        connection._ringfence_scope = scope  # type: ignore[attr-defined]
        try:
            yield
        finally:
            connection._ringfence_scope = held  # type: ignore[attr-defined]
            if connection.in_atomic_block and not connection.needs_rollback and _usable():
                if held is not None:
                    _enter(held)
                else:
                    _leave()


def _usable() -> bool:
    """False when the transaction has failed in the database: then the rollback takes role and ticket away by itself."""
    raw = connection.connection
    return raw is not None and raw.info.transaction_status != 3  # psycopg.pq.TransactionStatus.INERROR


def rows(statement: str, arguments: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
    """The rows of a statement that pages ask all day, in the present transaction; none when it answers with none.

    The walls make a statement dear to plan: a condition is added for each table, and the plan of a record's page took ten
    times as long as its execution. Sent apart from its values, and prepared, it is planned a few times in each session and
    then no more. The text must be one of few, and a value that stands in several places may need its type said.
    """
    connection.ensure_connection()
    plain: Any = psycopg.Cursor(connection.connection)
    with connection.make_cursor(plain) as cursor:
        cursor.execute(statement, arguments)
        return cursor.fetchall() if cursor.description else []


def fetch(statement: str, arguments: Any = ()) -> list[Any]:
    """The rows of a statement that is asked now and then, in the present transaction: planned for its values each time."""
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        return list(cursor.fetchall())


_SET = "SELECT set_config('role', %s, true), set_config('ringfence.ticket', %s, true)"


def _enter(scope: Scope) -> None:
    rows(_SET, (f"ringfence_{scope.role}", ticket(scope)))


def _leave() -> None:
    if len(connection.atomic_blocks) > 1:  # otherwise the outermost transaction ends here, and the settings with it
        rows(_SET, ("none", ""))
