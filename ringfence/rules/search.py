"""What somebody typed to find a person: a number, a reference, a postcode, or a name. Pure.

One box takes all of them. What could be two things is looked for as both: six letters may be a name and a reference, ten
digits an NHS number and a telephone number whose first 0 was left out.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ringfence.rules.identity import plain
from ringfence.rules.places import canonical
from ringfence.rules.results import nhs_number, phone

#: Letters of a name; fewer would list half an area.
FEWEST = 2

LONGEST = 100

#: The letters of base.references, with which rooms of rules have no business.
LETTERS = "234679ACDEFGHJKMNPQRTUWXYZ"
_REFERENCE = re.compile(f"[{LETTERS}]{{3,4}}[- ]?[{LETTERS}]{{3}}", re.IGNORECASE)
_NUMBER = re.compile(r"[\d\s()+.\-/]+")

#: Letters that stand for others without being marked ones; a search finds either spelling.
_FOLDED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ß": "ss"})


class SearchError(ValueError):
    """Nothing can be looked for; the message says what to type."""


class Name(NamedTuple):
    """A name taken apart, both parts folded; ``given`` may be a beginning, or "" when only the family name was typed."""

    family: str
    given: str


class Terms(NamedTuple):
    """What to look for. With ``names`` a postcode narrows; alone it is looked for itself."""

    nhs_number: str = ""
    reference: str = ""
    phone: str = ""
    postcode: str = ""
    names: tuple[Name, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """What it was taken for, for the audit: the words themselves are never kept."""
        return tuple("name" if field == "names" else field for field, value in self._asdict().items() if value)


def folded(text: str) -> str:
    """A name or a part of one as it is looked for: no case, accents, spaces or punctuation."""
    return plain(text).translate(_FOLDED)


def name_key(given_name: str, family_name: str) -> str:
    """What a person's name is found under: the family name, a space, the given names."""
    return f"{folded(family_name)[:60]} {folded(given_name)[:40]}"


def read(text: str) -> Terms:
    """What ``text`` may be. Raises SearchError, with what to do, for what can be nothing."""
    said = " ".join(text.split())
    if not said:
        raise SearchError("Type a name, an NHS number, a telephone number, a trace reference or a postcode")
    if len(said) > LONGEST:
        raise SearchError(f"Shorten it to {LONGEST} characters")
    if _NUMBER.fullmatch(said):
        return _number(said)
    reference = said.upper() if _REFERENCE.fullmatch(said) else ""
    words = said.split(" ")
    postcode, rest = _postcode(said), []
    if not postcode:
        rest = words
        # A postcode after a name narrows it: "Khan BB1 1AA".
        for size in (2, 1):
            found = _postcode(" ".join(words[-size:])) if len(words) > size else ""
            if found:
                postcode, rest = found, words[:-size]
                break
    names = _names(" ".join(rest)) if rest and not any(letter.isdigit() for letter in "".join(rest)) else ()
    if not (reference or postcode or names):
        if any(letter.isdigit() for letter in said):
            raise SearchError("Check it: that is no name, whole number, trace reference or full postcode")
        raise SearchError(f"Type at least {FEWEST} letters of the family name")
    return Terms(reference=reference, postcode=postcode, names=names)


def _postcode(said: str) -> str:
    """The postcode, or "". Without a digit it is a name, however it might be mended."""
    return canonical(said) or "" if any(letter.isdigit() for letter in said) else ""


def _number(said: str) -> Terms:
    digits = "".join(letter for letter in said if letter.isdigit())
    try:
        number = nhs_number(digits) if len(digits) == 10 else ""
    except ValueError:
        number = ""
    called = phone(said)
    if not (number or called):
        raise SearchError("Type the whole number: an NHS number has 10 digits, a telephone number 10 or 11")
    return Terms(nhs_number=number, phone=called)


def _names(said: str) -> tuple[Name, ...]:
    """The ways to take a name apart, the usual one first: given names may stand before or after, and be many."""
    before, comma, after = said.partition(",")
    if comma:
        return _long_enough([Name(folded(before), folded(after))])
    words = [word for word in map(folded, said.split(" ")) if word]
    if len(words) < 2:
        return _long_enough([Name(word, "") for word in words])
    found = [Name("".join(words), "")]
    for cut in sorted({1, len(words) - 1}, reverse=True):
        found += [Name("".join(words[cut:]), "".join(words[:cut])), Name("".join(words[:cut]), "".join(words[cut:]))]
    return _long_enough(found[1:] + found[:1])


def _long_enough(names: list[Name]) -> tuple[Name, ...]:
    return tuple(dict.fromkeys(name for name in names if len(name.family) >= FEWEST))
