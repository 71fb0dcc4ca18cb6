"""The postcodes of England in a few megabytes of memory, for whoever asks for millions of them.

One row of ``geography.packed_postcodes`` holds two arrays, made when the directory is loaded: the canonical postcodes,
eight bytes each, sorted, and beside each the number of its entry: an authority, and whether the postcode is out of use.
Only what is listed in England and is read as itself is here; for the rest ``resolve`` asks the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from ringfence.rules import places
from ringfence.rules.places import Authority, Kind, Place

_LONGEST = 8
_CODE = np.dtype("<u8")
_NUMBER = np.dtype("<u2")


class Packed:
    """Postcodes by number. ``places[n]`` is where those of number n lie, without the postcode; number 0 is none of them."""

    def __init__(
        self, codes: bytes, numbers: bytes, entries: Sequence[str], authorities: Mapping[str, Authority]
    ) -> None:
        self._codes: NDArray[np.uint64] = np.frombuffer(codes, _CODE)
        self._numbers: NDArray[np.uint16] = np.frombuffer(numbers, _NUMBER)
        self.places: list[Place | None] = [None, *(_place(entry, authorities) for entry in entries)]

    def find(self, texts: Sequence[str]) -> list[int]:
        """The number of each text that is a listed postcode to the letter, 0 for every other."""
        try:
            given = np.array(texts, dtype=f"S{_LONGEST + 1}")
        except UnicodeEncodeError:
            given = np.array([text if text.isascii() else "" for text in texts], dtype=f"S{_LONGEST + 1}")
        if not len(given) or not len(self._codes):
            return [0] * len(given)
        found = self.numbers_of(given.astype(f"S{_LONGEST}").view(_CODE))
        # A text cut off at the ninth character, or one that numpy shortened by NULs at its end, is not the postcode.
        fits = np.fromiter(map(len, texts), np.int64, len(given)) == np.char.str_len(given)
        fits &= np.char.str_len(given) <= _LONGEST
        numbers: list[int] = np.where(fits, found, 0).tolist()
        return numbers

    def numbers_of(self, asked: NDArray[np.uint64]) -> NDArray[np.uint16]:
        """The number of each postcode, given as its eight bytes; 0 for every other eight bytes."""
        if not len(self._codes):
            return np.zeros(len(asked), _NUMBER)
        # In order, one search passes where the last has been: a fifth of the time.
        order = np.argsort(asked)
        at = np.empty(len(asked), np.intp)
        at[order] = np.searchsorted(self._codes, asked[order])
        at[at == len(self._codes)] = 0
        numbers: NDArray[np.uint16] = np.where(self._codes[at] == asked, self._numbers[at], _NUMBER.type(0))
        return numbers


NONE_PACKED = Packed(b"", b"", (), {})
"""For a few postcodes, which are asked of the table."""


def _place(entry: str, authorities: Mapping[str, Authority]) -> Place | None:
    area, _, closed = entry.partition(" ")
    known = authorities.get(area)
    if known is None or known.ltla is None:
        return None
    why = known.why + (places.OUT_OF_USE if closed else "")
    return Place(Kind.ENGLAND, why, None, known.ltla, known.utla, known.country)


def pack(connection: psycopg.Connection[Any]) -> None:
    """Make the arrays of the postcodes that are loaded, in the caller's transaction."""
    codes: list[bytes] = []
    areas: list[str] = []
    kept: dict[str, int] = {}
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY (SELECT code, area, CASE WHEN terminated IS NULL THEN '' ELSE ' closed' END FROM geography.postcodes"
            " WHERE area LIKE 'E%') TO STDOUT"
        ) as copy,
    ):
        for code, area, closed in copy.rows():
            if places.canonical(code) == code:
                codes.append(code.encode())
                areas.append(area + closed)
    numbers = np.array([kept.setdefault(area, len(kept) + 1) for area in areas], dtype=_NUMBER)
    packed = np.array(codes, dtype=f"S{_LONGEST}").view(_CODE)
    order = np.argsort(packed)
    connection.execute(
        "INSERT INTO geography.packed_postcodes (what, fingerprint, codes, numbers, entries)"
        " SELECT what, fingerprint, %b, %b, %s FROM geography.loads WHERE what = 'postcodes'"
        " ON CONFLICT (what) DO UPDATE SET (fingerprint, codes, numbers, entries)"
        " = (EXCLUDED.fingerprint, EXCLUDED.codes, EXCLUDED.numbers, EXCLUDED.entries)",
        [packed[order].tobytes(), numbers[order].tobytes(), list(kept)],
    )
