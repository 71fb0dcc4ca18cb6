"""Lines of text to records (RFC 4180, and what programs really write), where one bad record never spoils the next.

A quotation mark that is opened and never closed would make everything after it one field. Here a record that does not
end within a few lines, or that has not the header's number of fields when it does, gives up its first line as bad, and
reading goes on with the line after it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ringfence.feeds.text import Refused

MOST_LINES = 20
"""Lines that one record may span: addresses are written over several."""

DELIMITERS = ",;\t|"

_LINE_END = ord("\n")

#: What spreadsheets write or want as a file's first line, to say what stands between the fields.
_ANNOUNCED = re.compile(
    r"""(?i)\s*(?P<quote>"?)sep=(?P<sign>[^"\s\x00-\x1f\x7f-\x9f]|\t|)(?P=quote)(?:(?P=sign)|\s)*"""
)

csv.field_size_limit(1 << 20)


class Bad(NamedTuple):
    """A record that cannot be taken apart: its number, what is wrong, and its text."""

    number: int
    why: str
    raw: str


class Records:
    """Some records in order: fields, numbers (the file's first record is 1, blank lines count) and text as it came.

    ``rows`` None: each text divides at every ``delimiter``, and is divided when it is asked for.
    """

    __slots__ = ("_ends", "_first", "_last", "_lines", "_numbers", "_raws", "_rows", "_text", "bad", "delimiter")

    _text: NDArray[np.uint8]
    _ends: NDArray[np.intp] | None

    def __init__(
        self,
        rows: list[list[str]] | None,
        numbers: list[int],
        raws: list[str],
        bad: list[Bad],
        delimiter: str = ",",
    ) -> None:
        self._rows, self._numbers, self._raws, self.bad, self.delimiter = rows, numbers, raws, bad, delimiter
        self._ends = None
        self._lines, self._first, self._last = "", 0, 0

    @classmethod
    def of_lines(cls, lines: str, first: int, following: int, delimiter: str) -> Records:
        """Lines without quotation marks, numbered from ``first`` to before ``following``; taken apart when asked for."""
        made = cls(None, [], [], [], delimiter)
        made._lines, made._first, made._last = lines, first, following - 1
        return made

    def _take_apart(self) -> None:
        if self._first:
            self._raws = self._lines.split("\n")
            self._numbers = list(range(self._first, self._last + 1))
            self._lines, self._first = "", 0
            if not all(self._raws) or any(map(str.isspace, self._raws)):
                said = [bool(line) and not line.isspace() for line in self._raws]
                self._numbers, self._raws = list(compress(self._numbers, said)), list(compress(self._raws, said))

    @property
    def raws(self) -> list[str]:
        self._take_apart()
        return self._raws

    @property
    def numbers(self) -> list[int]:
        self._take_apart()
        return self._numbers

    @property
    def span(self) -> tuple[int, int]:
        """The first number and the last, of which either may be a blank line's; 0 and 0 where there is no record."""
        if self._first:
            return self._first, self._last
        numbers = [*self._numbers[:1], *self._numbers[-1:], *(bad.number for bad in (*self.bad[:1], *self.bad[-1:]))]
        return min(numbers, default=0), max(numbers, default=0)

    def lines(self) -> tuple[str, NDArray[np.int64]]:
        """The records as the lines of one text, with their numbers. Blank lines may be among them."""
        if self._first:
            return self._lines, np.arange(self._first, self._last + 1)
        return "\n".join(self._raws), np.array(self._numbers, np.int64)

    def of(self, places: NDArray[np.intp]) -> Records:
        """The records of these lines, without those that are bad."""
        if self._first:
            raws, first = self._lines.split("\n"), self._first
            at = [place for place in places.tolist() if raws[place] and not raws[place].isspace()]
            return Records(None, [first + place for place in at], [raws[place] for place in at], [], self.delimiter)
        at = places.tolist()
        rows = None if self._rows is None else [self._rows[place] for place in at]
        return Records(
            rows, [self._numbers[place] for place in at], [self._raws[place] for place in at], [], self.delimiter
        )

    @property
    def rows(self) -> list[list[str]]:
        if self._rows is None:
            self._rows = [raw.split(self.delimiter) for raw in self.raws]
        return self._rows

    def chosen(self, mask: Sequence[object]) -> Records:
        """The records where ``mask`` says so, with those that are bad."""
        rows = None if self._rows is None else list(compress(self._rows, mask))
        return Records(
            rows, list(compress(self.numbers, mask)), list(compress(self.raws, mask)), self.bad, self.delimiter
        )

    def widths(self) -> list[int]:
        """How many fields each record has."""
        if self._rows is None:
            delimiter = self.delimiter
            return [raw.count(delimiter) + 1 for raw in self.raws]
        return list(map(len, self._rows))

    def uniform(self, width: int) -> bool:
        """Whether each record has ``width`` fields. Of text that is not divided yet, where they end is kept."""
        if self._rows is not None or not self.raws:
            return all(fields == width for fields in self.widths())
        whole = "\n".join(self.raws)
        if not whole.isascii():
            return self.widths().count(width) == len(self.raws)
        text = np.frombuffer(whole.encode(), np.uint8)
        ends = np.flatnonzero((text == ord(self.delimiter)) | (text == _LINE_END))
        if len(ends) + 1 != len(self.raws) * width or not (text[ends[width - 1 :: width]] == _LINE_END).all():
            return False
        self._text, self._ends = text, np.append(ends, len(text)).reshape(-1, width)
        return True

    def field(self, place: int) -> list[str]:
        """One field of every record, all of which have it."""
        if self._rows is not None:
            return [row[place] for row in self._rows]
        if self._ends is not None and place:
            begins = self._ends[:, place - 1] + 1
            lengths = self._ends[:, place] - begins
            if lengths[0] and (lengths == lengths[0]).all():
                found: list[str] = (
                    self._text[begins[:, None] + np.arange(lengths[0])]
                    .view(f"S{lengths[0]}")
                    .astype(str)[:, 0]
                    .tolist()
                )
                return found
        delimiter, upto = self.delimiter, place + 1
        return [raw.split(delimiter, upto)[place] for raw in self.raws]

    def columns(self, width: int) -> list[Sequence[str]]:
        """The fields by the column, of records that all have ``width`` of them."""
        if self._rows is not None:
            return list(zip(*self._rows, strict=True)) if self._rows else [[]] * width
        flat = self.delimiter.join(self.raws).split(self.delimiter)
        return [flat[place::width] for place in range(width)]


class Head(NamedTuple):
    """Where a file begins: the line of its header and that line's number, the lines after it, what divides the fields."""

    header: str
    number: int
    rest: Iterator[str]
    delimiter: str


def head(blocks: Iterable[str]) -> Head:
    """The first line that says something; the one after it, where the first is a spreadsheet's ``sep=;``.

    Raises ``Refused`` when no line says anything, and for a separator that is not read.
    """
    header, number, rest = _first(iter(blocks))
    named = _ANNOUNCED.fullmatch(header)
    if named is None:
        return Head(header, number, rest, delimiter_of(header))
    sign = named["sign"]
    if sign and sign not in DELIMITERS:
        raise Refused(
            f"The first line, sep={sign}, says that {sign} stands between the fields. Comma, semicolon, tab and bar are "
            "read: ask for the file with one of them."
        )
    header, after, rest = _first(rest)
    # A file that was saved again may have other separators than it says.
    return Head(header, number + after, rest, sign if sign and sign in _bare(header) else delimiter_of(header))


def _first(blocks: Iterator[str]) -> tuple[str, int, Iterator[str]]:
    """The first line that says something, its number, and the lines after it."""
    number = 0
    for block in blocks:
        after: str | None = block
        while after is not None:
            line, more, after = after.partition("\n")
            number += 1
            if line and not line.isspace():
                return line, number, chain([after] if more else [], blocks)
            after = after if more else None
    raise Refused("This file has no header: it holds nothing but empty lines, or only a line that names the separator.")


def delimiter_of(header: str) -> str:
    """The character that divides the header's fields: comma, semicolon, tab or bar, the commonest outside quotes."""
    bare = _bare(header)
    return max(DELIMITERS, key=lambda each: (bare.count(each), -DELIMITERS.index(each)))


def _bare(line: str) -> str:
    """What is outside quotation marks."""
    return "".join(line.split('"')[::2])


def records(blocks: Iterable[str], delimiter: str, *, number: int = 1, width: int | None = None) -> Iterator[Records]:
    """Records of lines that come in blocks, with LF between; the first has ``number``. A block in, mostly a block out.

    ``width``: the fields that a record over several lines must have.
    """
    waiting: list[str] = []
    for block in blocks:
        if not waiting:
            following = number + block.count("\n") + 1
            plain = _plain(block, delimiter, number, following)
            if plain is not None:
                number = following
                yield plain
                continue
        waiting += block.split("\n")
        out, number, waiting = _careful(waiting, delimiter, number, width, last=False)
        yield out
    if waiting:
        out, number, _ = _careful(waiting, delimiter, number, width, last=True)
        yield out


def _plain(block: str, delimiter: str, number: int, following: int) -> Records | None:
    """The records of lines each of which is a whole record, or None when some may not be."""
    if not block or block.isspace():
        return Records(None, [], [], [], delimiter)
    if '"' not in block:
        # Without quotation marks a record is its line, divided: four times as fast as asking the csv module.
        return Records.of_lines(block, number, following, delimiter)
    lines = block.split("\n")
    quoted = [line for line in lines if '"' in line]
    if any(line.count('"') & 1 for line in quoted):
        return None
    numbers = list(range(number, following))
    if not all(lines) or any(map(str.isspace, lines)):
        kept = [(n, line) for n, line in zip(numbers, lines, strict=True) if line and not line.isspace()]
        numbers = [n for n, _ in kept]
        lines = [line for _, line in kept]
    try:
        parsed = list(csv.reader(quoted, delimiter=delimiter))
    except csv.Error:
        return None
    # A line that goes on takes the next one with it; after the last one there is none to take.
    if len(parsed) != len(quoted) or _one(quoted[-1], delimiter)[0] is None:
        return None
    if len(quoted) == len(lines):
        return Records(parsed, numbers, lines, [], delimiter)
    divided = iter(parsed)
    rows = [next(divided) if '"' in line else line.split(delimiter) for line in lines]
    return Records(rows, numbers, lines, [], delimiter)


def _careful(
    lines: list[str], delimiter: str, number: int, width: int | None, *, last: bool
) -> tuple[Records, int, list[str]]:
    """Records line by line; lines that may need what comes after them are given back unless these are the last."""
    out = Records([], [], [], [])
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line or line.isspace():
            at += 1
            number += 1
            continue
        taken = 0
        for count in range(1, MOST_LINES + 1):
            if at + count > len(lines):
                if not last:
                    return out, number, lines[at:]
                break
            text = "\n".join(lines[at : at + count])
            row, ends = _one(text, delimiter) if count == 1 else _several(text, delimiter, width)
            if row is not None:
                out.rows.append(row)
                out.numbers.append(number)
                out.raws.append(text)
                taken = count
            if ends:
                break
        if not taken:
            out.bad.append(Bad(number, "has a quotation mark that is opened and never closed", line))
            taken = 1
        at += taken
        number += 1
    return out, number, []


def _one(text: str, delimiter: str) -> tuple[list[str] | None, bool]:
    """The fields of a line that is a record, however its quotation marks stand; None, False if it goes on."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True)), True
    except csv.Error as problem:
        if "unexpected end of data" in str(problem):
            return None, False
    try:
        return next(csv.reader([text], delimiter=delimiter)), True
    except csv.Error:
        return None, True


def _several(text: str, delimiter: str, width: int | None) -> tuple[list[str] | None, bool]:
    """The fields of several lines that are one record to the letter; and whether more lines cannot make it one."""
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as problem:
        return None, "unexpected end of data" not in str(problem)
    if len(rows) != 1 or (width is not None and len(rows[0]) != width):
        return None, True
    return rows[0], True
