"""Reading a stored delivery: bytes to batches of rows in a thread, beside the database's work; a batch, a transaction."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import count, islice
from queue import Empty, Queue
from threading import Condition, Thread
from typing import Any, NamedTuple

import numpy as np
import psycopg
from django.db import connection
from psycopg import Cursor

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.actions.keys import Keys, keys_of
from ringfence.actions.merge import Merger
from ringfence.casework.models import Delivery, Part
from ringfence.feeds import csv, text
from ringfence.feeds.linelist import NAME, Columns, LineList, SetAside, SourceMapping, layout
from ringfence.feeds.plain import Plain, Plainly
from ringfence.geography import resolve
from ringfence.geography.packed import NONE_PACKED
from ringfence.queries import sources
from ringfence.queries.allocation import allocation
from ringfence.queries.policy import service_policy
from ringfence.rules import deliveries
from ringfence.rules.access import Scope
from ringfence.rules.results import received_day


def stored(delivery: int) -> Iterator[bytes]:
    number = 0
    while (piece := fetch(delivery, number)) is not None:
        yield piece
        number += 1


def store(delivery: int, number: int, data: bytes) -> None:
    # In binary, past Django's cursor: it would write every byte as two hexadecimal digits into the statement.
    with Cursor(_raw()) as cursor:
        cursor.execute(
            "INSERT INTO delivery_chunks (delivery_id, number, data) VALUES (%s, %s, %b)", [delivery, number, data]
        )


def fetch(delivery: int, number: int) -> bytes | None:
    with Cursor(_raw()) as cursor:
        cursor.execute(
            "SELECT data FROM delivery_chunks WHERE delivery_id = %s AND number = %s", [delivery, number], binary=True
        )
        row = cursor.fetchone()
        return None if row is None else row[0]


def _raw() -> psycopg.Connection[Any]:
    connection.ensure_connection()
    raw: psycopg.Connection[Any] = connection.connection
    return raw


@contextmanager
def _at_full_speed() -> Iterator[None]:
    """Rows are many small objects without cycles; looking through them for cycles takes a quarter of reading's time.

    And the thread that writes waits for the one that reads ahead no longer than this, each time the database has answered.
    """
    before, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(200_000, 20, 100)
    sys.setswitchinterval(0.0005)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        sys.setswitchinterval(interval)


class Batch(NamedTuple):
    """Some rows, read; ``upto`` is the number of the last record looked at.

    ``spoilt_phones``: of how many positives the telephone number is given and cannot be one.
    """

    columns: Columns
    keys: Keys
    aside: list[SetAside]
    upto: int
    unknown_headers: list[str]
    plain: Plain | None
    spoilt_phones: int


LARGE = 2_000_000
"""Bytes of a delivery for which it pays to hold England's postcodes in memory."""

AHEAD = 4
"""Pieces of a delivery that wait to be taken apart; each is a megabyte."""

MOST_TOGETHER = 4
"""Pieces of a delivery whose rows are taken apart at once."""

_NEED, _END = object(), object()


#: While a delivery is read, its warnings are one number: ``Batch.spoilt_phones`` of all parts.
_PHONES = """
UPDATE deliveries SET warnings = jsonb_build_array(coalesce((warnings->>0)::bigint, 0) + %s) WHERE id = %s
"""


class _Pace:
    """When the thread that reads ahead may go on: Python runs one thread at a time, and the one that writes comes first.

    The next batch is read while the database writes the one before, and not while that is still being decided.
    """

    def __init__(self) -> None:
        self._told = Condition()
        self._at = 0

    def reached(self, batch: int) -> None:
        """The database has this batch, or is done with it."""
        with self._told:
            self._at = max(self._at, batch)
            self._told.notify()

    def wait(self, batch: int) -> None:
        with self._told:
            self._told.wait_for(lambda: self._at >= batch)


class Reader:
    """Reads one part of a delivery: a thread takes bytes apart while the database writes the rows before."""

    def __init__(
        self,
        delivery: Delivery,
        by: Scope,
        now: datetime,
        part: int,
        mapping: SourceMapping | None,
        progress: Callable[[int], None] | None,
    ) -> None:
        self.delivery, self.by, self.now = delivery, by, now
        self.number, self.mapping, self.progress = part, mapping, progress
        self.unknown_headers: list[str] = []
        with walls.transaction(by):
            self.part = Part.objects.get(delivery=delivery, number=part)
            if self.mapping is None:
                self.mapping = sources.mapping(delivery.source, scope=by)
            self.merger = Merger(
                delivery.pk,
                by,
                now,
                allocation(now),
                service_policy(now).reinfection_days,
                resolve.packed() if delivery.size > LARGE else NONE_PACKED,
            )

    def run(self) -> None:
        if self.part.finished_at is not None:
            return
        # In somebody's transaction already (a test's), there is one thread and one connection.
        with _at_full_speed():
            for batch in self._inline() if connection.in_atomic_block else self._threaded():
                self._commit(batch)
        self._finish()

    def batches(self, chunks: Iterable[bytes]) -> Iterator[Batch]:
        """The rows of the delivery's text that this part has not read yet. No database here: this runs in a thread."""
        encoding = self.delivery.encoding
        if encoding.startswith("gzip "):
            encoding, chunks = encoding.removeprefix("gzip "), text.gunzip(chunks)
        light = False

        def pieces() -> int:
            # A part has but some of the rows of each piece, and a batch is to be as large as one reader's. Plain rows are
            # light: with twice as many, what each batch costs whatever is in it is paid half as often.
            return min(self.delivery.parts * (2 if light else 1), MOST_TOGETHER)

        blocks = _together(text.text_blocks(chunks, encoding), pieces)
        header, number, rest, delimiter = csv.head(blocks)
        first = next(iter(csv.records([header], delimiter)))
        if not first.rows:
            raise text.Refused(
                "The first row has a quotation mark that is opened and never closed: no header can be read."
            )
        shape = layout(first.rows[0], self.mapping)
        reader = LineList(
            shape,
            source=self.delivery.source,
            received_on=received_day(self.delivery.received_at),
            part=self.number,
            parts=self.delivery.parts,
        )
        done = self.part.next_row
        plainly = self._plainly(reader)
        for records in csv.records(rest, delimiter, number=number + 1, width=shape.columns):
            _, upto = records.span
            if upto < max(done, 1):  # nothing but empty lines, or read by a process before
                continue
            records = _after(records, done)
            plain = None
            if plainly is not None and not self.merger.careful:
                plain, records = plainly.apart(records)
            before = reader.spoilt_phones
            columns, aside = reader.read(records)
            light = plain is not None and len(plain) > len(columns.numbers)
            spoilt = reader.spoilt_phones - before
            if plain is not None and not plain.distinct(columns):
                (columns, _), plain = plain.columns().among(columns), None
            yield Batch(columns, keys_of(columns, self.merger.directory), aside, upto, shape.unknown, plain, spoilt)

    def _plainly(self, reader: LineList) -> Plainly | None:
        """For a large delivery, the way by which most of its negative rows are read."""
        directory = self.merger.directory
        if len(directory.places) == 1 or NAME in reader.layout.places:
            return None
        areas = ["" if place is None or place.ltla is None else place.ltla for place in directory.places]
        return Plainly(reader, directory.numbers_of, np.array(areas, "S9"))

    def _inline(self) -> Iterator[Batch]:
        with walls.transaction(self.by):
            chunks = list(stored(self.delivery.pk))
        yield from self.batches(chunks)

    def _threaded(self) -> Iterator[Batch]:
        """Batches from a thread that reads ahead; it asks for bytes, because only this thread has the database."""
        inward: Queue[bytes | None] = Queue()
        outward: Queue[Any] = Queue()
        pace, stopped = _Pace(), False

        def chunks() -> Iterator[bytes]:
            while not stopped:
                try:
                    piece = inward.get_nowait()
                except Empty:
                    outward.put(_NEED)
                    piece = inward.get()
                if piece is None:
                    return
                yield piece

        def work() -> None:
            try:
                for number, batch in enumerate(self.batches(chunks())):
                    outward.put(batch)
                    # This one waits in the queue, and no more than this one.
                    pace.wait(number)
                    if stopped:
                        return
                outward.put(_END)
            except BaseException as problem:  # handed to the thread that waits
                outward.put(problem)

        worker = Thread(target=work, name=f"intake {self.delivery.ref}", daemon=True)
        worker.start()
        numbers, taken, ended = count(), count(1), False

        def feed() -> None:
            nonlocal ended
            if not ended and inward.qsize() <= AHEAD // 2:
                with walls.transaction(self.by):
                    while inward.qsize() < AHEAD and not ended:
                        piece = fetch(self.delivery.pk, next(numbers))
                        inward.put(piece)
                        ended = piece is None

        try:
            while True:
                said = outward.get()
                if said is _NEED:
                    feed()
                elif said is _END:
                    return
                elif isinstance(said, BaseException):
                    raise said
                else:
                    # So that the thread has bytes to take apart while this batch is written.
                    feed()
                    batch = next(taken)
                    self.merger.resting = partial(pace.reached, batch)
                    yield said
                    pace.reached(batch)
        finally:
            stopped = True
            inward.put(None)
            pace.reached(sys.maxsize)
            worker.join()

    def _commit(self, batch: Batch) -> None:
        part = self.part
        rows = len(batch.columns.numbers) + len(batch.aside) + len(batch.plain or ())
        with walls.transaction(self.by):
            merged = self.merger.merge(batch.columns, batch.keys, batch.aside, batch.plain)
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE delivery_parts SET next_row = %s, rows = rows + %s, accepted = accepted + %s,"
                    " duplicate = duplicate + %s, quarantined = quarantined + %s, positives = positives + %s,"
                    " cases_opened = cases_opened + %s WHERE id = %s",
                    [
                        batch.upto + 1,
                        rows,
                        merged.accepted,
                        merged.duplicate,
                        len(batch.aside) + merged.quarantined,
                        merged.positives,
                        merged.cases_opened,
                        part.pk,
                    ],
                )
            auditing.record(
                "delivery.batch", by=self.by, now=self.now, detail={"delivery": self.delivery.pk, "rows": rows}
            )
            # At last, because the other parts' readers wait for this row.
            if batch.spoilt_phones:
                with connection.cursor() as cursor:
                    cursor.execute(_PHONES, [batch.spoilt_phones, self.delivery.pk])
        self.unknown_headers = batch.unknown_headers
        if self.progress is not None:
            self.progress(rows)

    def _finish(self) -> None:
        """Close this part; the last to finish closes the delivery with its balance and its warnings."""
        with walls.transaction(self.by):
            row = Delivery.objects.select_for_update().get(pk=self.delivery.pk)
            Part.objects.filter(pk=self.part.pk).update(finished_at=self.now)
            parts = list(Part.objects.filter(delivery=row, number__lt=row.parts))
            if any(part.finished_at is None for part in parts):
                return
            for name in ("rows", "accepted", "duplicate", "quarantined", "positives", "cases_opened"):
                setattr(row, name, sum(getattr(part, name) for part in parts))
            earlier = (
                Delivery.objects.filter(source=row.source, status="done").exclude(pk=row.pk).order_by("-received_at")
            )
            spoilt = sum(row.warnings)
            row.warnings = deliveries.warnings(
                rows=row.rows,
                expected_rows=row.expected_rows,
                filename=row.filename,
                earlier=[(each.filename, each.rows) for each in earlier[:10]],
                unknown_headers=self.unknown_headers,
                # Rows that were in an earlier delivery are no positives of this one, spoilt or not.
                spoilt_phones=(spoilt, max(spoilt, row.positives)),
            )
            if "cp1252" in row.encoding:
                row.warnings.append(
                    "The file is not UTF-8; it was read as Windows-1252. Check names with accents, and ask for UTF-8."
                )
            row.status, row.finished_at = Delivery.Status.DONE, self.now
            row.save()
            auditing.record(
                "delivery.done",
                by=self.by,
                now=self.now,
                detail={"delivery": row.pk, "rows": row.rows, "cases": row.cases_opened},
            )


def _together(blocks: Iterator[str], count: Callable[[], int]) -> Iterator[str]:
    """The lines in blocks of ``count()`` pieces, as it is when the block is asked for."""
    while pieces := list(islice(blocks, count())):
        yield pieces[0] if len(pieces) == 1 else "\n".join(pieces)


def _after(records: csv.Records, done: int) -> csv.Records:
    """The records from number ``done`` on."""
    if records.span[0] >= done:
        return records
    after = records.chosen([number >= done for number in records.numbers])
    after.bad = [bad for bad in records.bad if bad.number >= done]
    return after
