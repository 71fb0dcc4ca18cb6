"""Intake from the command line: files received one after the other, each read by one process or several."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

from ringfence.actions import intake
from ringfence.cli import FAILED, QUARANTINED
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
            with sys.stdin.buffer if name == "-" else Path(name).open("rb") as stream, _watched(name) as seen:
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
                    receipt = self._read(receipt, seen)
            yield self._printed(receipt, again, expected)

    def resume(self) -> Iterator[Printed]:
        """Read to the end what was received and not read, in as many parts as it was begun in."""
        for ref, parts in deliveries.unread(scope=INTAKE):
            with _watched(ref) as seen:
                receipt = read_all(ref, parts, seen)
            yield self._printed(receipt, False, None)

    def _read(self, receipt: intake.Receipt, seen: Callable[[str, int], None]) -> intake.Receipt:
        begun = dict(deliveries.unread(scope=INTAKE)).get(receipt.ref, 1)
        parts = begun if receipt.status == "processing" else self.parts or _worthwhile(receipt)
        return read_all(receipt.ref, parts, seen)

    def _printed(self, receipt: intake.Receipt, again: bool, expected: int | None) -> Printed:
        # Bytes that came before have the warnings of that time, when the count may not have been given.
        differs = another_count(receipt.rows, expected) if receipt.status == "done" else []
        if receipt.status != "done" or differs:
            self.codes.append(FAILED)
        else:
            self.codes.append(QUARANTINED if receipt.quarantined else 0)
        said = tuple(dict.fromkeys((*receipt.warnings, *differs)))
        return Printed(replace(receipt, again=again, warnings=said))


def _worthwhile(receipt: intake.Receipt) -> int:
    """How many processes pay for a delivery: two for a large one, where there are two processors."""
    size = receipt.size * (DENSE if receipt.encoding.startswith("gzip") else 1)
    return 2 if size >= LARGE and (os.cpu_count() or 1) >= 2 else 1


def read_all(ref: str, parts: int, seen: Callable[[str, int], None]) -> intake.Receipt:
    """Read a delivery in ``parts`` processes, this one among them; its receipt when all have ended."""
    helpers = [
        subprocess.Popen(
            [sys.executable, "-m", "ringfence.cli", "read-part", ref, str(number), str(parts)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(1, parts)
    ]
    told = [Thread(target=_follow, args=(helper, seen), daemon=True) for helper in helpers]
    for thread in told:
        thread.start()
    try:
        receipt = read(ref, 0, parts, lambda rows: seen("reading", rows))
    finally:
        for thread in told:
            thread.join()
        problems = [helper.stderr.read().strip() for helper in helpers if helper.wait() and helper.stderr is not None]
        for helper in helpers:
            for pipe in (helper.stdout, helper.stderr):
                if pipe is not None:
                    pipe.close()
    if problems:
        raise ReadingFailed(f"A process that read a part of {ref} failed: {problems[0] or 'it was killed'}")
    return read(ref, 0, parts, lambda rows: None) if parts > 1 else receipt


class ReadingFailed(Exception):
    """A part of a delivery was not read to its end."""


def _follow(helper: "subprocess.Popen[str]", seen: Callable[[str, int], None]) -> None:
    assert helper.stdout is not None
    for line in helper.stdout:
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
