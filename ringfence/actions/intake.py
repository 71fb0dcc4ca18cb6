"""Laboratory deliveries: the bytes are stored before they are read, and every row is accounted for.

``receive`` stores a delivery; ``process`` reads it into the record in batches, one transaction a batch, in which the
rows written, the rows set aside and the count of both are committed together. A process that is killed loses at most
the batch it was in the middle of, and the next one goes on from there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError, connection, transaction

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.actions.errors import Invalid, NotFound
from ringfence.actions.reading import Reader, store, stored
from ringfence.base.references import reference
from ringfence.casework.models import Delivery, Part, Quarantine
from ringfence.feeds import text
from ringfence.feeds.linelist import SourceMapping
from ringfence.geography import resolve
from ringfence.rules import deliveries
from ringfence.rules.access import Scope, system_scope
from ringfence.rules.results import plain

CHUNK = 1 << 20
"""Bytes of a delivery that are stored in one row, and read at a time."""


class Busy(Exception):
    """Another process is reading this part of the delivery at this moment."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery. ``again`` says that the same bytes had come before: then nothing was done."""

    ref: str
    source: str
    filename: str
    status: str
    size: int
    rows: int
    accepted: int
    duplicate: int
    quarantined: int
    positives: int
    cases_opened: int
    refusal: str
    warnings: tuple[str, ...]
    encoding: str
    again: bool = False

    @property
    def balances(self) -> bool:
        return deliveries.Balance(self.rows, self.accepted, self.duplicate, self.quarantined).holds


def _receipt(delivery: Delivery, *, again: bool = False) -> Receipt:
    return Receipt(
        delivery.ref,
        delivery.source,
        delivery.filename,
        delivery.status,
        delivery.size,
        delivery.rows,
        delivery.accepted,
        delivery.duplicate,
        delivery.quarantined,
        delivery.positives,
        delivery.cases_opened,
        delivery.refusal,
        tuple(delivery.warnings) if delivery.status == Delivery.Status.DONE else (),
        delivery.encoding,
        again,
    )


def _chunks(stream: Any) -> Iterator[bytes]:
    """Pieces of at most CHUNK bytes of a binary file or an iterable of bytes."""
    held = b""
    for piece in iter(partial(stream.read, CHUNK), b"") if hasattr(stream, "read") else stream:
        held += piece
        while len(held) >= CHUNK:
            yield held[:CHUNK]
            held = held[CHUNK:]
    if held:
        yield held


class _Seen:
    """Learns what a delivery is while its bytes go by."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self.size = 0
        self.refusal = ""
        self.gzip = False
        self._sniffer = text.Sniffer()

    def pass_by(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            if not self.size:
                self.gzip = text.is_gzip(chunk)
                if not self.gzip:
                    self._look(chunk)
            self.hash.update(chunk)
            self.size += len(chunk)
            if not self.gzip:
                self._sniffer.feed(chunk)
            yield chunk

    def _look(self, head: bytes) -> None:
        try:
            text.refuse_what_is_not_text(head)
        except text.Refused as problem:
            self.refusal = str(problem)

    def conclude(self, stored: Callable[[], Iterable[bytes]]) -> str:
        """The encoding; of a gzip file from its contents, read once more from where they are stored."""
        if not self.size:
            self.refusal = "This file is empty. Ask the laboratory to send it again."
        if self.gzip:
            try:
                for number, piece in enumerate(text.gunzip(stored())):
                    if number == 0:
                        self._look(piece)
                    self._sniffer.feed(piece)
            except text.Refused as problem:
                self.refusal = str(problem)
        return ("gzip " if self.gzip else "") + self._sniffer.encoding()


class _SameBytes(Exception):
    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery


def receive(
    *, stream: Any, source: str, filename: str = "", expected_rows: int | None = None, by: Scope, now: datetime
) -> Receipt:
    """Store a delivery whole, or nothing of it. The same bytes as an earlier delivery are that delivery.

    ``stream``: a binary file or an iterable of bytes. ``expected_rows``: the sender's own count, if it gave one. What
    is clearly no line list is stored all the same and refused with a word why.
    """
    source = source.strip()
    if not 1 <= len(source) <= 60:
        raise Invalid("source", "Say which laboratory or system sent this: a name of 1 to 60 characters.")
    try:
        with walls.transaction(by), transaction.atomic():
            delivery = Delivery.objects.create(
                ref=_next_reference(),
                source=source,
                filename=filename[-200:],
                received_at=now,
                received_by=by.user or None,
                expected_rows=expected_rows,
            )
            seen = _Seen()
            for number, chunk in enumerate(seen.pass_by(_chunks(stream))):
                store(delivery.pk, number, chunk)
            earlier = Delivery.objects.filter(sha256=seen.hash.hexdigest()).exclude(status="arriving").first()
            if earlier is not None:
                raise _SameBytes(earlier)
            delivery.encoding = seen.conclude(lambda: stored(delivery.pk))
            delivery.sha256, delivery.size, delivery.refusal = seen.hash.hexdigest(), seen.size, seen.refusal
            delivery.status = Delivery.Status.REFUSED if seen.refusal else Delivery.Status.RECEIVED
            if seen.refusal:
                delivery.finished_at = now
            delivery.save()
            auditing.record(
                "delivery.received",
                by=by,
                now=now,
                detail={"delivery": delivery.pk, "bytes": seen.size, "source": source},
            )
            return _receipt(delivery)
    except _SameBytes as same:
        return _read_again(same.delivery, source, filename, by, now) or _receipt(same.delivery, again=True)
    except IntegrityError as problem:
        if "delivery_same_bytes_once" not in str(problem):
            raise
        # The same bytes came twice at the same moment, and the other was first.
        with walls.transaction(by):
            return _receipt(Delivery.objects.exclude(status="arriving").get(sha256=seen.hash.hexdigest()), again=True)


def _read_again(delivery: Delivery, source: str, filename: str, by: Scope, now: datetime) -> Receipt | None:
    """Take up a delivery that was refused for its headers: its source, or the source's mapping, may be another now."""
    with walls.transaction(by):
        row = Delivery.objects.select_for_update().get(pk=delivery.pk)
        if row.status != Delivery.Status.REFUSED or not Part.objects.filter(delivery=row).exists():
            return None
        row.status, row.refusal, row.finished_at = Delivery.Status.RECEIVED, "", None
        row.source, row.filename = source, filename[-200:]
        row.save(update_fields=["status", "refusal", "finished_at", "source", "filename"])
        auditing.record(
            "delivery.received", by=by, now=now, detail={"delivery": row.pk, "again": True, "source": source}
        )
        return _receipt(row)


def _next_reference() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('deliveries_id_seq')")
        return "D" + reference(cursor.fetchone()[0])


def make_ready() -> None:
    """Take into memory what a large delivery is read with, while it is still being received by another process."""
    resolve.packed()


def process(
    *,
    delivery: str,
    by: Scope,
    now: datetime,
    part: int = 0,
    parts: int = 1,
    mapping: SourceMapping | None = None,
    progress: Callable[[int], None] | None = None,
) -> Receipt:
    """Read a delivery (by its reference) into the record, from where an earlier process stopped, and give its receipt.

    With ``parts`` more than 1, as many processes each read one ``part``; rows are divided by birth date. The receipt is
    final (``done``) when every part is. Without ``mapping`` the source's own is used. Raises ``Busy`` when another
    process is reading this part, ``NotFound``, ``Invalid``.
    """
    if not 1 <= parts <= deliveries.MOST_PARTS or not 0 <= part < parts:
        raise Invalid("part", f"A delivery is read in 1 to {deliveries.MOST_PARTS} parts, numbered from 0.")
    with walls.transaction(by):
        row = Delivery.objects.filter(ref=delivery).first()
        if row is None:
            raise NotFound(f"There is no delivery {delivery}.")
        if row.status in (Delivery.Status.DONE, Delivery.Status.REFUSED):
            return _receipt(row)
        row = _begin(row.pk, parts)
        if row.parts != parts:
            raise Invalid("parts", f"This delivery is being read in {row.parts} parts; go on in as many.")
    with _alone(row.pk, part):
        reader = Reader(row, by, now, part, mapping, progress)
        try:
            reader.run()
        except text.Refused as problem:
            _refuse(row.pk, str(problem), by, now)
    with walls.transaction(by):
        return _receipt(Delivery.objects.get(pk=row.pk))


def _begin(delivery: int, parts: int) -> Delivery:
    row = Delivery.objects.select_for_update().get(pk=delivery)
    if row.status == Delivery.Status.RECEIVED:
        row.status, row.parts = Delivery.Status.PROCESSING, parts
        row.save(update_fields=["status", "parts"])
        Part.objects.bulk_create([Part(delivery=row, number=number) for number in range(parts)], ignore_conflicts=True)
    return row


@contextmanager
def _alone(delivery: int, part: int) -> Iterator[None]:
    """No other process reads this part meanwhile; a killed one lets go by itself."""
    key = (delivery * deliveries.MOST_PARTS + part) & 0x7FFF_FFFF_FFFF_FFFF
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        if not cursor.fetchone()[0]:
            raise Busy("Another process is reading this delivery at this moment. Wait for it, or look at its receipt.")
    try:
        yield
    finally:
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def _refuse(delivery: int, why: str, by: Scope, now: datetime) -> None:
    """Refuse a delivery of which nothing has been read; once rows are in the record it stays as far as it came."""
    with walls.transaction(by):
        row = Delivery.objects.select_for_update().get(pk=delivery)
        if Part.objects.filter(delivery=row, rows__gt=0).exists():
            raise Invalid("delivery", f"{why} Rows before that place have been read and stay in the record.")
        row.status, row.refusal, row.finished_at = Delivery.Status.REFUSED, why, now
        row.save(update_fields=["status", "refusal", "finished_at"])
        auditing.record("delivery.refused", by=by, now=now, detail={"delivery": row.pk})


def settle(*, quarantine: int, settlement: str, by: Scope, now: datetime) -> None:
    """Close a quarantined row with a word what was done about it. Raises ``Refused``, ``Invalid``, ``NotFound``."""
    by.require("deliveries")
    said = plain(settlement)
    if not said:
        raise Invalid("settlement", "Say what was done about this row, for example: laboratory asked, sent again.")
    with walls.transaction(system_scope("deliveries")):
        changed = Quarantine.objects.filter(pk=quarantine, settled_at=None).update(
            settled_at=now, settled_by=by.user, settlement=said[:200]
        )
        if not changed:
            raise NotFound("There is no such open row in quarantine.")
        auditing.record("quarantine.settled", by=by, now=now, detail={"quarantine": quarantine})
