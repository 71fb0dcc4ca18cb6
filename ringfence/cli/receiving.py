"""Intake from the command line: files received one after the other, each read by one process or several."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from threading import Thread
from typing import IO, Any

from ringfence.actions import intake
from ringfence.cli import FAILED, QUARANTINED
from ringfence.feeds.text import is_gzip
from ringfence.queries import deliveries
from ringfence.rules.access import system_scope
from ringfence.rules.deliveries import another_count

INTAKE = system_scope("intake")

LARGE = 16 << 20
"""Bytes from which a second process pays for its start."""

DENSE = 8
"""Times that a compressed line list is smaller, about."""

PATIENCE = 20.0
"""Seconds to wait for another process to let go of a delivery: the server needs some to notice that one was killed."""


@dataclass(frozen=True, slots=True)
class Printed:
    """A receipt as it is printed."""

    receipt: intake.Receipt

    def as_json(self) -> dict[str, Any]:
        return {
            **asdict(self.receipt),
            "warnings": list(self.receipt.warnings),
            "balances": self.receipt.balances,
        }

    def as_text(self) -> str:
        r = self.receipt
        lines = [f"Receipt {r.ref}: {r.filename or 'standard input'} from {r.source}"]
        if r.again:
            lines.append("These bytes came before; nothing was changed. The receipt of that time:")
        if r.status == "refused":
            return "\n".join([*lines, f"  Refused: {r.refusal}"])
        if r.status != "done":
            lines.append("  Not read to the end. Go on with: ringfence intake --resume")
        lines += [
            f"  {r.rows:>11,} {'row' if r.rows == 1 else 'rows'}",
            f"  {r.accepted:>11,} accepted, {r.positives:,} of them positive",
            f"  {r.duplicate:>11,} duplicate: the specimen was in the record already",
            f"  {r.quarantined:>11,} in quarantine" + (": see /quarantine" if r.quarantined else ""),
            f"  {r.cases_opened:>11,} {'case' if r.cases_opened == 1 else 'cases'} opened",
            *(f"  Look at this: {warning}" for warning in r.warnings),
        ]
        return "\n".join(lines)


class Intake:
    """One run of the command; ``codes`` are the exit codes of the deliveries so far."""

    def __init__(self, parts: int | None) -> None:
        self.parts = parts
        self.codes: list[int] = []

    def code(self) -> int:
        """The exit code of the whole run: a failure outweighs a quarantine."""
        return FAILED if FAILED in self.codes else max(self.codes, default=0)

    def files(self, names: list[str], source: str, expected: int | None) -> Iterator[Printed]:
        """Receive and read each file; the receipts come as they are ready."""
        for name in names:
            with (
                sys.stdin.buffer if name == "-" else Path(name).open("rb") as stream,
                Helpers(self.parts or _worthwhile_for(stream)) as helpers,
                _watched(name) as seen,
            ):
                seen("receiving", 0)
                receipt = intake.receive(
                    stream=stream,
                    source=source,
                    filename="" if name == "-" else os.fsencode(Path(name).name).decode("utf-8", "replace"),
                    expected_rows=expected,
                    by=INTAKE,
                    now=datetime.now(UTC),
                )
                unread = receipt.status in ("received", "processing")
                again = receipt.again and not unread
                if unread:
                    receipt = self._read(receipt, seen, helpers)
            yield self._printed(receipt, again, expected)

    def resume(self) -> Iterator[Printed]:
        """Read to the end what was received and not read, in as many parts as it was begun in."""
        for ref, parts in deliveries.unread(scope=INTAKE):
            with Helpers(parts) as helpers, _watched(ref) as seen:
                receipt = read_all(ref, parts, seen, helpers)
            yield self._printed(receipt, False, None)

    def _read(self, receipt: intake.Receipt, seen: Callable[[str, int], None], helpers: Helpers) -> intake.Receipt:
        begun = dict(deliveries.unread(scope=INTAKE)).get(receipt.ref, 1)
        wanted = self.parts or _worthwhile(receipt.size, receipt.encoding.startswith("gzip"))
        try:
            return read_all(receipt.ref, begun if receipt.status == "processing" else wanted, seen, helpers)
        except Exception as problem:
            problem.add_note(f"{receipt.ref} is stored, and not read to its end. Go on with: ringfence intake --resume")
            raise

    def _printed(self, receipt: intake.Receipt, again: bool, expected: int | None) -> Printed:
        # Bytes that came before have the warnings of that time, when the count may not have been given.
        differs = another_count(receipt.rows, expected) if receipt.status == "done" else []
        if receipt.status != "done" or differs:
            self.codes.append(FAILED)
        else:
            self.codes.append(QUARANTINED if receipt.quarantined else 0)
        said = tuple(dict.fromkeys((*receipt.warnings, *differs)))
        return Printed(replace(receipt, again=again, warnings=said))


def _worthwhile(size: int, compressed: bool) -> int:
    """How many processes pay for a delivery of so many bytes: two for a large one, where there are two processors."""
    large = size * (DENSE if compressed else 1) >= LARGE
    return 2 if large and (os.cpu_count() or 1) >= 2 else 1


def _worthwhile_for(stream: object) -> int:
    """``_worthwhile`` before anything is received; 1 for what has no size yet."""
    if isinstance(stream, BufferedReader) and stream.seekable():
        return _worthwhile(os.fstat(stream.fileno()).st_size, is_gzip(stream.peek(2)))
    return 1


class Helpers:
    """Processes that read all parts but the first of a delivery.

    Started before it is received, they have made themselves ready by then; not told of any, they end.
    """

    def __init__(self, parts: int) -> None:
        self.parts = parts
        self._started = [
            subprocess.Popen(
                [sys.executable, "-m", "ringfence.cli", "read-part", str(number), str(parts)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for number in range(1, parts)
        ]

    def __enter__(self) -> Helpers:
        return self

    def __exit__(self, *_: object) -> None:
        for helper in self._started:
            for pipe in _pipes(helper):
                # What it says when it is told of nothing, or was cut off, is of no use to anybody.
                with suppress(BrokenPipeError):
                    pipe.close()
            helper.wait()

    @contextmanager
    def reading(self, ref: str, seen: Callable[[str, int], None]) -> Iterator[None]:
        """Have them read this delivery meanwhile, and wait for their end. Raises ReadingFailed."""
        told = [Thread(target=_follow, args=(helper, seen), daemon=True) for helper in self._started]
        for helper, thread in zip(self._started, told, strict=True):
            thread.start()
            with suppress(BrokenPipeError):  # it has failed by now, and says why below
                _pipes(helper)[0].write(f"{ref}\n")
                _pipes(helper)[0].close()
        try:
            yield
        finally:
            for thread in told:
                thread.join()
            problems = [_pipes(helper)[2].read().strip() for helper in self._started if helper.wait()]
        if problems:
            raise ReadingFailed(f"A process that read a part of {ref} failed: {problems[0] or 'it was killed'}")


def read_all(ref: str, parts: int, seen: Callable[[str, int], None], helpers: Helpers) -> intake.Receipt:
    """Read a delivery in ``parts`` processes, this one among them; its receipt when all have ended.

    ``helpers`` that are not as many are left aside.
    """
    if helpers.parts != parts:
        with Helpers(parts) as others:
            return read_all(ref, parts, seen, others)
    with helpers.reading(ref, seen):
        receipt = read(ref, 0, parts, lambda rows: seen("reading", rows))
    return read(ref, 0, parts, lambda rows: None) if parts > 1 else receipt


class ReadingFailed(Exception):
    """A part of a delivery was not read to its end."""


def _pipes(helper: subprocess.Popen[str]) -> tuple[IO[str], IO[str], IO[str]]:
    assert helper.stdin and helper.stdout and helper.stderr
    return helper.stdin, helper.stdout, helper.stderr


def _follow(helper: subprocess.Popen[str], seen: Callable[[str, int], None]) -> None:
    for line in _pipes(helper)[1]:
        seen("reading", int(line))


def utc_now() -> datetime:
    return datetime.now(UTC)


def read(
    ref: str,
    part: int,
    parts: int,
    progress: Callable[[int], None],
    now: Callable[[], datetime] = utc_now,
) -> intake.Receipt:
    """Read one part, waiting a little for another process that is at it to finish or to be gone."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return intake.process(delivery=ref, by=INTAKE, now=now(), part=part, parts=parts, progress=progress)
        except intake.Busy:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


@contextmanager
def _watched(name: str) -> Iterator[Callable[[str, int], None]]:
    """Show what is going on, on a terminal; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda doing, rows: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,.0f} rows"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        shown = "standard input" if name == "-" else Path(name).name
        task = bar.add_task(f"Receiving {shown}", total=None)

        def seen(doing: str, rows: int) -> None:
            bar.update(task, description=f"{doing.capitalize()} {shown}", advance=rows)

        yield seen
