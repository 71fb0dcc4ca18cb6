"""Whether a row of a line list is about somebody already known.

Two proofs are strong enough to decide alone: the same checked NHS number; or exactly the same name, birth date and
postcode, where the two do not name different NHS numbers. Anything weaker opens a new person: joining two people by
mistake tells one the other's result, and cannot be undone by the one who was never called. Weaker evidence has its
place in the answer (``Review``), for methods that weigh it; none of them is here yet.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from struct import unpack
from typing import NamedTuple


class Known(NamedTuple):
    """Somebody in the record, as far as identity goes; dates are ISO 8601 text, ``nhs_number`` is ``""`` when not held."""

    id: int
    nhs_number: str
    name: str
    birth_date: str
    postcode: str


class Same(NamedTuple):
    """The row is about this person."""

    person: int
    why: str


class New(NamedTuple):
    """The row is about nobody known."""

    why: str


class Review(NamedTuple):
    """Somebody has to look: these may be the same person."""

    people: tuple[int, ...]
    why: str


Decision = Same | New | Review


_SIGNS = {number: None for number in range(128) if not chr(number).isalnum()}


def letters(text: str) -> str:
    """A name or a line of an address without case, accents, spaces and punctuation."""
    if text.isascii():
        return text.lower().translate(_SIGNS)
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return "".join(c for c in text.casefold() if c.isalnum())


_SIGNS_BUT_LINES = {number: None for number in _SIGNS if number != ord("\n")}


def letters_of(texts: Sequence[str]) -> list[str]:
    """``letters`` of many, by the column."""
    whole = "\n".join(texts)
    if texts and whole.isascii() and whole.count("\n") == len(texts) - 1:
        return whole.lower().translate(_SIGNS_BUT_LINES).split("\n")
    return list(map(letters, texts))


@lru_cache(maxsize=100_000)
def plain(text: str) -> str:
    """``letters`` of what comes again and again: names."""
    return letters(text)


def name_key(given_name: str, family_name: str) -> str:
    """A name as identity compares it: case, accents, spaces and punctuation do not count; order of the parts does."""
    return f"{plain(family_name)} {plain(given_name)}"


def name_keys(given_names: Sequence[str], family_names: Sequence[str]) -> list[str]:
    """``name_key`` of many, by the column."""
    return [
        f"{family} {given}" for family, given in zip(map(plain, family_names), map(plain, given_names), strict=True)
    ]


def match_key(name: str, birth_date: str, postcode: str) -> int:
    """64 bits that stand for a name (from ``name_key``), birth date and postcode; equal keys are compared in full after.

    0 when one of the three is missing: then they prove nothing.
    """
    if not birth_date or not postcode or len(name) < 3:
        return 0
    digest = blake2b(f"{name}|{birth_date}|{postcode}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def match_keys(names: Sequence[str], birth_dates: Sequence[str], postcodes: Sequence[str]) -> list[int]:
    """``match_key`` of many, by the column."""
    lines = [
        f"{name}|{birth_date}|{postcode}".encode() if birth_date and postcode and len(name) >= 3 else None
        for name, birth_date, postcode in zip(names, birth_dates, postcodes, strict=True)
    ]
    return _numbers(lines)


def _numbers(lines: Sequence[bytes | None]) -> list[int]:
    """The digests of lines as numbers, 0 of those that are none."""
    found = digests(line for line in lines if line is not None)
    whole = b"".join(_NOTHING if line is None else next(found) for line in lines)
    return list(unpack(f"<{len(lines)}q", whole))


def digests(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Eight bytes that stand for each line: of ``match_key``'s, name, birth date and postcode with bars between."""
    fresh = _FRESH.copy
    for line in lines:
        # A copy of a fresh one is made in half the time of a fresh one.
        each = fresh()
        each.update(line)
        yield each.digest()


_FRESH = blake2b(digest_size=8)
_NOTHING = bytes(8)


def household_key(address: str, postcode: str) -> int | None:
    """64 bits that stand for an address with its postcode, or None when there is no address to speak of."""
    return household_keys([address], [postcode])[0]


def household_keys(addresses: Sequence[str], postcodes: Sequence[str]) -> list[int | None]:
    """``household_key`` of many, by the column."""
    lines = [
        f"{line}|{postcode}".encode() if len(line) >= 3 and postcode else None
        for line, postcode in zip(letters_of(addresses), postcodes, strict=True)
    ]
    return [number if line else None for line, number in zip(lines, _numbers(lines), strict=True)]


def decide(
    *,
    nhs_number: str,
    name: str,
    birth_date: str,
    postcode: str,
    by_number: Known | None,
    by_details: Sequence[Known] = (),
) -> Decision:
    """Same or new, with why.

    ``by_number``: the person who has this NHS number. ``by_details``: people whose ``match_key`` is the row's; they are
    compared in full here.
    """
    if nhs_number and by_number is not None:
        if by_number.nhs_number != nhs_number:
            raise ValueError(f"person {by_number.id} was offered for another NHS number")
        return Same(by_number.id, "the same NHS number")
    if not match_key(name, birth_date, postcode):
        return New("the row holds too little to know anybody by")
    exact = [
        known
        for known in by_details
        if (known.name, known.birth_date, known.postcode) == (name, birth_date, postcode)
        and not (nhs_number and known.nhs_number)
    ]
    if len(exact) == 1:
        return Same(exact[0].id, "the same name, birth date and postcode")
    if len(exact) > 1:
        # Twice in the record already; the one whose number is known is the better founded.
        numbered = [known for known in exact if known.nhs_number]
        best = min(numbered or exact, key=lambda known: known.id)
        return Same(best.id, "the same name, birth date and postcode")
    return New("nobody known has this NHS number, or this name, birth date and postcode")
