"""The plain rows of a large line list: negative and void results, read from bytes by the column.

Nineteen rows of twenty change nobody's record but the count of results. Here no Python value is made for any field of
them. What a row means stays with ``rules.results``: text that repeats (dates, words, laboratories) is read once by the
line list's own reader and known by its bytes thereafter; and a row about which there is the least doubt, be it only an
accent, is left to ``LineList``. A test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from ringfence.feeds.csv import Records
from ringfence.feeds.linelist import Columns, Layout, LineList
from ringfence.rules import identity
from ringfence.rules.results import EARLIEST_SPECIMEN, POSITIVE, Unusable

#: Bytes of a field that are looked at, in words of eight; a row with a longer one is left to ``LineList``.
_WIDTHS = {
    "specimen_id": 40,
    "nhs_number": 16,
    "given_name": 32,
    "family_name": 32,
    "birth_date": 24,
    "postcode": 8,
    "gp_postcode": 8,
    "sex": 16,
    "care_home": 8,
    "test_type": 40,
    "specimen_date": 24,
    "report_date": 24,
    "result": 40,
    "laboratory": 64,
}
_LONGEST_ADDRESS = 300
_LONGEST_ROW = 4_000
_LONGEST_VALUE = 64
_MOST_KINDS = 100_000
_SLOT_BITS = 18
_LEFT = -1
"""The mark of text that is left to ``LineList``."""

_FACTORS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5] * 2, dtype=np.uint64
)
#: For each number of bytes kept: the words that keep them.
_MASKS = {
    width: np.frombuffer(b"".join(b"\xff" * n + bytes(width - n) for n in range(width + 1)), "<u8").reshape(
        width + 1, -1
    )
    for width in set(_WIDTHS.values())
}
_WEIGHTS = np.array((10, 9, 8, 7, 6, 5, 4, 3, 2, 1), dtype=np.int64)
_PLACES = 10 ** np.arange(9, -1, -1, dtype=np.int64)
_FOUR_DIGITS = np.array([f"{n:04d}" for n in range(10_000)], "S4")
_AGES = np.array([str(n) for n in range(200)], "S3")
_NAME_BYTES = bytes(n + 32 if 65 <= n <= 90 else n if chr(n).isalnum() and n < 128 else 0 for n in range(256))


@dataclass(frozen=True)
class Plain:
    """Plain rows: ``texts`` has what goes to the record, by field; numbers and keys are what identity asks of them.

    ``at`` are their places in ``records``, from which ``reader`` can read them again one by one.
    """

    reader: LineList
    records: Records
    at: NDArray[np.intp]
    numbers: NDArray[np.int64]
    keys: NDArray[np.int64]
    texts: dict[str, NDArray[np.bytes_]]

    def __len__(self) -> int:
        return len(self.at)

    def chosen(self, mask: NDArray[np.bool_]) -> Plain:
        texts = {name: column[mask] for name, column in self.texts.items()}
        return replace(self, at=self.at[mask], numbers=self.numbers[mask], keys=self.keys[mask], texts=texts)

    def distinct(self, columns: Columns) -> bool:
        """Whether no specimen of these rows is another's of them or of ``columns``."""
        mine = set(self.texts["specimen_id"].astype(str).tolist())
        return len(mine) == len(self.at) and mine.isdisjoint(columns.fields["specimen_id"])

    def columns(self) -> Columns:
        """These rows, read like any other."""
        mine, aside = self.reader.read(self.records.of(self.at))
        assert not aside, "a plain row can be read"
        return mine


class Plainly:
    """Takes the plain rows of a line list's part out of its records.

    ``find`` gives the numbers of postcodes (their eight bytes as a word), 0 for what is not listed to the letter;
    ``areas[number]`` is the authority of such a postcode, empty where more has to be known.
    """

    def __init__(
        self,
        reader: LineList,
        find: Callable[[NDArray[np.uint64]], NDArray[np.integer[Any]]],
        areas: NDArray[np.bytes_],
    ) -> None:
        self.reader, self._find, self._areas = reader, find, areas
        source, day = reader.source, reader.received_on
        part, parts = reader.part, reader.parts
        self._today, self._oldest = _day(day), (int(day[:4]) - 119) * 10_000
        self._kinds = {
            "sex": self._kind("sex", lambda value: (value, 0)),
            "care_home": self._kind("care_home", lambda value: ("t" if value else "f", 0)),
            "test_type": self._kind("test_type", lambda value: (value, 0)),
            "laboratory": self._kind("laboratory", lambda value: (value or source, 0)),
            "result": self._kind("result", lambda value: (value, _LEFT if value == POSITIVE else 0)),
            "specimen_date": self._kind("specimen_date", lambda value: (value, _day(value))),
            "report_date": self._kind("report_date", lambda value: (value or day, _day(value or day))),
            # Of another part's birth date the mark is 0: those rows are nobody's concern here.
            "birth_date": self._kind(
                "birth_date",
                lambda value: (value, (_day(value) or _LEFT) if crc32(value.encode()) % parts == part else 0),
            ),
        }

    def _kind(self, name: str, meaning: Callable[[Any], tuple[str, int]]) -> _Kinds:
        return _Kinds(lambda text: meaning(self.reader.reads(name, text)), _WIDTHS[name])

    def apart(self, records: Records) -> tuple[Plain | None, Records]:
        """The plain rows of this part, and the records that are left for ``LineList``: no others of this part."""
        lines, at = records.lines()
        piece = _Piece.of(lines, len(at), records.delimiter, self.reader.layout)
        if piece is None:
            return None, records
        left = np.ones(len(at), np.bool_)
        births, born = self._kinds["birth_date"].look(piece.field("birth_date"))
        left[piece.rows[born == 0]] = False
        results, outcome = self._kinds["result"].look(piece.field("result"))
        keep = (born > 0) & (outcome == 0)
        piece, births, born, results = piece.chosen(keep), births[keep], born[keep], results[keep]

        texts = {"result": results, "birth_date": births}
        marks = {}
        for name in ("sex", "care_home", "test_type", "laboratory", "specimen_date", "report_date"):
            texts[name], marks[name] = self._kinds[name].look(piece.field(name))
        taken, reported = marks["specimen_date"], marks["report_date"]
        numbers, fine = _nhs_numbers(piece.field("nhs_number"), piece.length("nhs_number"))
        fine &= (taken >= _day(EARLIEST_SPECIMEN)) & (taken <= reported) & (reported <= self._today)
        fine &= (born >= self._oldest) & (born <= taken)
        for name in ("sex", "care_home", "test_type", "laboratory"):
            fine &= marks[name] != _LEFT
        for name in ("specimen_id", "given_name", "family_name", "postcode", "gp_postcode"):
            fine &= piece.length(name) <= _WIDTHS[name]
        fine &= piece.length("address") <= _LONGEST_ADDRESS
        texts["specimen_id"] = piece.field("specimen_id")
        fine &= _simple(texts["specimen_id"]) & (piece.length("specimen_id") > 0)
        for name in ("nhs_number", "postcode", "gp_postcode"):
            texts[name] = piece.field(name)
        texts["authority"] = self._areas[self._find(texts["postcode"].view("<u8"))]
        fine &= texts["authority"] != b""
        other = np.flatnonzero((texts["gp_postcode"] != texts["postcode"]) & (texts["gp_postcode"] != b""))
        if len(other):
            fine[other] &= self._find(texts["gp_postcode"][other].view("<u8")) > 0
        texts["age"] = _AGES[np.clip((taken - born) // 10_000, 0, len(_AGES) - 1)]
        texts["given_name"], texts["family_name"] = piece.field("given_name"), piece.field("family_name")

        rows = piece.rows[fine]
        left[rows] = False
        texts = {name: column[fine] for name, column in texts.items()}
        texts["row_number"] = _digits(at[rows])
        keys = _match_keys(texts)
        rest = records.of(np.flatnonzero(left))
        rest.bad = records.bad
        return Plain(self.reader, records, rows, numbers[fine], keys, texts), rest


class _Kinds:
    """What few kinds of text mean: read once each, and looked up by their bytes from then on.

    A meaning is a text for the record and a mark, ``_LEFT`` where the reader refuses or COPY would need signs escaped.
    """

    def __init__(self, read: Callable[[str], tuple[str, int]], width: int) -> None:
        self._read, self._width = read, width
        self._forget()

    def _forget(self) -> None:
        self._codes: dict[bytes, int] = {}
        self._given = np.zeros(64, f"S{self._width}")
        self._texts = np.zeros(64, "S1")
        self._marks = np.zeros(64, np.int64)
        # Code 0 is that of empty text, which is what the slots begin with.
        self._slots = np.zeros(1 << _SLOT_BITS, np.int32)
        self._learn([b""])

    def look(self, given: NDArray[np.bytes_]) -> tuple[NDArray[np.bytes_], NDArray[np.int64]]:
        if len(self._codes) > _MOST_KINDS:
            self._forget()
        words = given.view("<u8").reshape(-1, self._width // 8)
        mixed = words[:, 0] * _FACTORS[0]
        for place in range(1, words.shape[1]):
            mixed ^= mixed >> np.uint64(29)
            mixed += words[:, place]
            mixed *= _FACTORS[place]
        slots = mixed >> np.uint64(64 - _SLOT_BITS)
        codes = self._slots[slots]
        missed = np.flatnonzero(self._given[codes] != given)
        if len(missed):
            texts = given[missed].tolist()
            self._learn(texts)
            codes[missed] = self._slots[slots[missed]] = list(map(self._codes.__getitem__, texts))
        return self._texts[codes], self._marks[codes]

    def _learn(self, texts: list[bytes]) -> None:
        known = len(self._codes)
        fresh = [given for given in dict.fromkeys(texts) if given not in self._codes]
        read = []
        for given in fresh:
            try:
                text, mark = self._read(given.decode())
            except Unusable:
                text, mark = "", _LEFT
            # A text that fills the width may be the beginning of a longer one.
            if (
                len(given) == self._width
                or len(text.encode()) > _LONGEST_VALUE
                or not text.isprintable()
                or "\\" in text
            ):
                text, mark = "", _LEFT
            read.append((text.encode(), mark))
        self._codes.update(zip(fresh, range(known, known + len(fresh)), strict=True))
        while len(self._codes) > len(self._given):
            for name in ("_given", "_texts", "_marks"):
                held = getattr(self, name)
                setattr(self, name, np.concatenate([held, np.zeros_like(held)]))
        if fresh:
            longest = max(len(text) for text, _ in read)
            if longest > self._texts.itemsize:  # no wider than need be: every row's is copied several times
                self._texts = self._texts.astype(f"S{longest}")
            self._given[known : len(self._codes)] = fresh
            self._texts[known : len(self._codes)] = [text for text, _ in read]
            self._marks[known : len(self._codes)] = [mark for _, mark in read]


@dataclass(frozen=True)
class _Piece:
    """Rows with the header's number of fields and no quotation mark, accent or NUL: bytes, and where fields end."""

    data: bytes
    rows: NDArray[np.intp]
    starts: NDArray[np.intp]
    ends: NDArray[np.intp]
    places: dict[str, int]

    @classmethod
    def of(cls, lines: str, count: int, delimiter: str, layout: Layout) -> _Piece | None:
        """None when there is no record, or one over several lines."""
        if not lines:
            return None
        data = lines.encode()
        text = np.frombuffer(data, np.uint8)
        width = layout.columns
        ends = np.append(np.flatnonzero((text == ord(delimiter)) | (text == ord("\n"))), len(text))
        closes = np.append(np.flatnonzero(text[ends[:-1]] == ord("\n")), len(ends) - 1)
        if len(closes) != count:
            return None
        line_ends, counts = ends[closes], np.diff(closes, prepend=-1)
        starts = np.append(0, line_ends[:-1] + 1)
        good = (line_ends - starts <= _LONGEST_ROW) & (counts == width)
        doubtful = [text >= 128] if not lines.isascii() else []
        doubtful += [text == ord(sign) for sign in '"\0' if sign in lines]
        for each in doubtful:
            good[np.searchsorted(line_ends, np.flatnonzero(each))] = False
        if not good.all():
            ends = ends[np.repeat(good, counts)]
        return cls(
            data + bytes(max(_MASKS)), np.flatnonzero(good), starts[good], ends.reshape(-1, width), layout.places
        )

    def chosen(self, mask: NDArray[np.bool_]) -> _Piece:
        return replace(self, rows=self.rows[mask], starts=self.starts[mask], ends=self.ends[mask])

    def length(self, name: str) -> NDArray[np.intp]:
        place = self.places.get(name)
        if place is None:
            return np.zeros(len(self.rows), np.intp)
        return self.ends[:, place] - self._begins(place)

    def field(self, name: str) -> NDArray[np.bytes_]:
        """A field of every row, as far as its width goes, and zeros after it."""
        width = _WIDTHS[name]
        place = self.places.get(name)
        if place is None:
            return np.zeros(len(self.rows), f"S{width}")
        windows: NDArray[np.bytes_] = np.ndarray((len(self.data) - width + 1,), f"S{width}", self.data, strides=(1,))
        begins = self._begins(place)
        found = windows[begins]
        words = found.view("<u8").reshape(-1, width // 8)
        words &= _MASKS[width][np.minimum(self.ends[:, place] - begins, width)]
        return found

    def _begins(self, place: int) -> NDArray[np.intp]:
        return self.ends[:, place - 1] + 1 if place else self.starts


def _day(iso: str) -> int:
    """A date as a number that compares as it does; 0 for none."""
    return int(iso.replace("-", "") or 0)


def _nhs_numbers(given: NDArray[np.bytes_], lengths: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """NHS numbers as numbers, 0 where none is given; and whether each is one or not given."""
    digits = given.view(np.uint8).reshape(-1, _WIDTHS["nhs_number"])[:, :10] - np.uint8(ord("0"))
    valid = (lengths == 10) & (digits <= 9).all(axis=1) & (digits @ _WEIGHTS % 11 == 0)
    numbers = np.where(valid, digits @ _PLACES, 0)
    return numbers, (numbers > 0) | (lengths == 0)


def _simple(given: NDArray[np.bytes_]) -> NDArray[np.bool_]:
    """Whether each text is made of signs that are kept as they are: printable, no space, no backslash."""
    signs = given.view(np.uint8).reshape(-1, _WIDTHS["specimen_id"])
    strange = ((signs - np.uint8(33)) > 93) & (signs != 0) | (signs == ord("\\"))
    simple: NDArray[np.bool_] = ~strange.any(axis=1)
    return simple


def _digits(numbers: NDArray[np.int64]) -> NDArray[np.bytes_]:
    """Numbers as twelve digits."""
    out = np.empty((len(numbers), 3), "S4")
    for place, unit in enumerate((10**8, 10**4, 1)):
        out[:, place] = _FOUR_DIGITS[numbers // unit % 10_000]
    return out.view("S12")[:, 0]


def _match_keys(texts: dict[str, NDArray[np.bytes_]]) -> NDArray[np.int64]:
    """``identity.match_key`` of every row, whose names are ASCII and whose other two are given."""
    family, given = (
        np.frombuffer(texts.pop(name).tobytes().translate(_NAME_BYTES), f"S{_WIDTHS[name]}")
        for name in ("family_name", "given_name")
    )
    lines = joined([family, given, texts["birth_date"], texts["postcode"]], (b" ", b"|", b"|", b"\n")).split(b"\n")
    lines.pop()
    keys = np.frombuffer(b"".join(identity.digests(lines)), "<i8")
    named = (family.view(np.uint8).reshape(-1, _WIDTHS["family_name"]) > 0).sum(axis=1)
    named += (given.view(np.uint8).reshape(-1, _WIDTHS["given_name"]) > 0).sum(axis=1)
    return np.where(named >= 2, keys, 0)


def joined(columns: Sequence[NDArray[np.bytes_]], after: Sequence[bytes]) -> bytes:
    """Columns of text, row by row, with the sign after each that belongs there."""
    parts = [(f"{place}", column.dtype) for place, column in enumerate(columns)]
    signs = [(f"after {place}", f"S{len(sign)}") for place, sign in enumerate(after)]
    out = np.empty(len(columns[0]), np.dtype([each for pair in zip(parts, signs, strict=True) for each in pair]))
    for place, (column, sign) in enumerate(zip(columns, after, strict=True)):
        out[f"{place}"], out[f"after {place}"] = column, sign
    return out.tobytes().translate(None, b"\0")
