"""What laboratories delivered: receipts, the quarantine, and whether every row and byte is accounted for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from ringfence.accounts import walls
from ringfence.queries.lines import opened_list
from ringfence.rules.access import NotFound, Scope, system_scope
from ringfence.rules.deliveries import MOST_PARTS, Balance
from ringfence.rules.plural import counted

PAGE = 50
"""Lines of a list on one page."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery; ``status`` is received, processing, done or refused."""

    ref: str
    source: str
    filename: str
    status: str
    received_at: datetime
    finished_at: datetime | None
    size: int
    encoding: str
    rows: int
    accepted: int
    duplicate: int
    quarantined: int
    positives: int
    cases_opened: int
    expected_rows: int | None
    refusal: str
    warnings: tuple[str, ...]
    open_rows: int
    """Rows in quarantine that nobody has settled yet."""


@dataclass(frozen=True, slots=True)
class Part:
    """How far one reader of a delivery has come."""

    number: int
    rows: int
    accepted: int
    duplicate: int
    quarantined: int
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row in quarantine, as it came; ``id`` is what ``actions.intake.settle`` takes."""

    id: int
    delivery: str
    source: str
    row_number: int
    field: str
    reason: str
    raw: str
    recorded_at: datetime
    settled_at: datetime | None
    settlement: str


_RECEIPT = """
SELECT d.ref, d.source, d.filename, d.status, d.received_at, d.finished_at, d.size, d.encoding,
    coalesce(p.rows, d.rows), coalesce(p.accepted, d.accepted), coalesce(p.duplicate, d.duplicate),
    coalesce(p.quarantined, d.quarantined), coalesce(p.positives, d.positives),
    coalesce(p.cases_opened, d.cases_opened), d.expected_rows, d.refusal,
    ARRAY(SELECT jsonb_array_elements_text(d.warnings) WHERE d.status = 'done'),
    (SELECT count(*) FROM quarantines q WHERE q.delivery_id = d.id AND q.settled_at IS NULL)
FROM deliveries d
LEFT JOIN LATERAL (
    SELECT sum(rows)::bigint AS rows, sum(accepted)::bigint AS accepted, sum(duplicate)::bigint AS duplicate,
        sum(quarantined)::bigint AS quarantined, sum(positives)::bigint AS positives,
        sum(cases_opened)::bigint AS cases_opened
    FROM delivery_parts WHERE delivery_id = d.id) p ON d.status = 'processing'
"""


def _receipt(row: tuple[Any, ...]) -> Receipt:
    values = list(row)
    values[-2] = tuple(values[-2])
    return Receipt(*values)


def receipts(*, scope: Scope, now: datetime, page: int = 1) -> tuple[tuple[Receipt, ...], bool]:
    """One page of receipts, newest first, and whether there are more. Raises ``Refused``."""
    scope.require("deliveries")
    with walls.transaction(system_scope("deliveries")), connection.cursor() as cursor:
        cursor.execute(
            f"{_RECEIPT} ORDER BY d.received_at DESC, d.id DESC LIMIT %s OFFSET %s",
            [PAGE + 1, PAGE * (max(page, 1) - 1)],
        )
        found = [_receipt(row) for row in cursor.fetchall()]
    return tuple(found[:PAGE]), len(found) > PAGE


def receipt(ref: str, *, scope: Scope, now: datetime) -> tuple[Receipt, tuple[Part, ...]]:
    """One receipt with the parts it was read in. Raises ``Refused``, ``NotFound``."""
    scope.require("deliveries")
    with walls.transaction(system_scope("deliveries")), connection.cursor() as cursor:
        cursor.execute(f"{_RECEIPT} WHERE d.ref = %s", [ref])
        rows = cursor.fetchall()
        if not rows:
            raise NotFound(f"There is no delivery {ref}.")
        cursor.execute(
            "SELECT p.number, p.rows, p.accepted, p.duplicate, p.quarantined, p.finished_at FROM delivery_parts p"
            " JOIN deliveries d ON d.id = p.delivery_id WHERE d.ref = %s ORDER BY p.number",
            [ref],
        )
        return _receipt(rows[0]), tuple(Part(*row) for row in cursor.fetchall())


COUNTED = 10_000
"""Rows in quarantine up to which they are counted."""


class Quarantined(NamedTuple):
    """A page of the rows in quarantine, whether there are more, and how many in all: COUNTED + 1 stands for more than that."""

    rows: tuple[BadRow, ...]
    more: bool
    total: int
    unknown: bool = False
    """There is no delivery of the reference asked for."""


def quarantine(*, scope: Scope, now: datetime, ref: str = "", settled: bool = False, page: int = 1) -> Quarantined:
    """One page of the rows in quarantine, of one delivery or of all.

    Showing them is logged. Without ``settled`` only those that nobody has settled. Raises ``Refused``.
    """
    scope.require("deliveries")
    with walls.transaction(system_scope("deliveries")), connection.cursor() as cursor:
        which = (
            " FROM quarantines q JOIN deliveries d ON d.id = q.delivery_id"
            " WHERE (%s = '' OR d.ref = %s) AND (%s OR q.settled_at IS NULL)"
        )
        cursor.execute(f"SELECT count(*) FROM (SELECT 1{which} LIMIT %s) c", [ref, ref, settled, COUNTED + 1])
        total = int(cursor.fetchone()[0])
        cursor.execute(
            "SELECT q.id, d.ref, d.source, q.row_number, q.field, q.reason, q.raw, q.recorded_at, q.settled_at,"
            f" q.settlement{which} ORDER BY d.received_at DESC, d.id DESC, q.row_number LIMIT %s OFFSET %s",
            [ref, ref, settled, PAGE + 1, PAGE * (max(page, 1) - 1)],
        )
        found = tuple(BadRow(*row) for row in cursor.fetchall())
        opened_list("quarantine", None, len(found[:PAGE]), scope, now)
        unknown = False
        if ref and not found:
            cursor.execute("SELECT NOT EXISTS (SELECT FROM deliveries WHERE ref = %s)", [ref])
            unknown = bool(cursor.fetchone()[0])
    return Quarantined(found[:PAGE], len(found) > PAGE, total, unknown)


@dataclass(frozen=True, slots=True)
class Account:
    """One delivery's balance as the record itself tells it; ``problems`` are sentences, none when all is well."""

    ref: str
    source: str
    filename: str
    status: str
    rows: int
    accepted: int
    duplicate: int
    quarantined: int
    in_record: int
    in_quarantine: int
    problems: tuple[str, ...]


_COUNTS = """
SELECT d.id, d.ref, d.source, d.filename, d.status, d.size, d.sha256, d.parts, d.rows, d.accepted, d.duplicate,
    d.quarantined, p.rows, p.accepted, p.duplicate, p.quarantined, p.parts, p.finished,
    coalesce(r.count, 0), coalesce(q.count, 0), c.chunks, c.last, c.size
FROM deliveries d
LEFT JOIN (SELECT delivery_id, count(*) FROM results GROUP BY delivery_id) r ON r.delivery_id = d.id
LEFT JOIN (SELECT delivery_id, count(*) FROM quarantines GROUP BY delivery_id) q ON q.delivery_id = d.id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(rows), 0)::bigint AS rows, coalesce(sum(accepted), 0)::bigint AS accepted,
        coalesce(sum(duplicate), 0)::bigint AS duplicate, coalesce(sum(quarantined), 0)::bigint AS quarantined,
        count(*) AS parts, count(finished_at) AS finished
    FROM delivery_parts WHERE delivery_id = d.id AND number < d.parts) p
CROSS JOIN LATERAL (
    SELECT count(*) AS chunks, coalesce(max(number) + 1, 0) AS last, coalesce(sum(length(data)), 0)::bigint AS size
    FROM delivery_chunks WHERE delivery_id = d.id) c
ORDER BY d.id
"""


def reconcile(*, scope: Scope, contents: bool = True) -> tuple[Account, ...]:
    """Every delivery's balance, counted again from the rows in the record and in quarantine.

    With ``contents`` the stored bytes are read too, and their SHA-256 compared; otherwise only their size is.
    """
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(_COUNTS)
        rows = cursor.fetchall()
        reading = _being_read(cursor)
        return tuple(_account(row, reading, contents) for row in rows)


def _account(row: tuple[Any, ...], reading: set[int], contents: bool) -> Account:
    pk, ref, source, filename, status, size, sha256, parts, *counts = row
    told, summed = Balance(*counts[0:4]), Balance(*counts[4:8])
    begun, finished, in_record, in_quarantine, chunks, last, stored = counts[8:]
    problems: list[str] = []
    open_ended = status in ("received", "processing")
    balance = summed if open_ended else told
    if open_ended and pk not in reading:
        problems.append(
            "It was received and not read yet. Run: ringfence intake --resume"
            if status == "received"
            else f"It is half read ({counted(summed.rows, 'row')} so far), and nobody is at it. Run: ringfence intake --resume"
        )
    if status == "arriving":
        problems.append("It has not arrived whole.")
    if not balance.holds:
        problems.append(
            f"{counted(balance.rows, 'row is', 'rows are')} not {balance.accepted:,} accepted, {balance.duplicate:,} duplicate and "
            f"{balance.quarantined:,} in quarantine."
        )
    if status == "done" and (told != summed or begun != parts or finished != parts):
        problems.append(f"Its parts add up to {counted(summed.rows, 'row')}, the receipt says {told.rows:,}.")
    if in_record != balance.accepted:
        problems.append(
            f"{counted(balance.accepted, 'row was', 'rows were')} accepted; the record holds {in_record:,}."
        )
    if in_quarantine != balance.quarantined:
        problems.append(
            f"{counted(balance.quarantined, 'row was', 'rows were')} set aside; the quarantine holds {in_quarantine:,}."
        )
    if stored != size or chunks != last:
        problems.append(f"{size:,} bytes arrived; {stored:,} are stored, in {chunks} of {last} pieces.")
    elif contents and _digest(pk) != sha256:
        problems.append("The stored bytes are not those that arrived: their SHA-256 is another.")
    return Account(ref, source, filename, status, *balance, in_record, in_quarantine, tuple(problems))


def _being_read(cursor: Any) -> set[int]:
    """Deliveries that some process is reading at this moment, by the locks that it holds."""
    cursor.execute(
        "SELECT DISTINCT (classid::bigint << 32 | objid::bigint) / %s FROM pg_locks WHERE locktype = 'advisory'"
        " AND objsubid = 1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        [MOST_PARTS],
    )
    return {row[0] for row in cursor.fetchall()}


def _digest(delivery: int) -> str:
    whole, number = hashlib.sha256(), 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT data FROM delivery_chunks WHERE delivery_id = %s AND number = %s", [delivery, number]
            )
            row = cursor.fetchone()
            if row is None:
                return whole.hexdigest()
            whole.update(row[0])
            number += 1


def abandoned(*, scope: Scope, now: datetime) -> tuple[tuple[str, int], ...]:
    """As ``unread``, those that arrived a minute ago or more and that nobody is reading at this moment."""
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, ref, parts FROM deliveries WHERE status IN ('received', 'processing') AND received_at <= %s"
            " ORDER BY id",
            [now - timedelta(minutes=1)],
        )
        rows = cursor.fetchall()
        reading = _being_read(cursor) if rows else set()
        return tuple((ref, parts) for pk, ref, parts in rows if pk not in reading)


def unread(*, scope: Scope) -> tuple[tuple[str, int], ...]:
    """References of the deliveries that are not read to the end, oldest first, each with the parts it is read in."""
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute("SELECT ref, parts FROM deliveries WHERE status IN ('received', 'processing') ORDER BY id")
        return tuple((ref, parts) for ref, parts in cursor.fetchall())
