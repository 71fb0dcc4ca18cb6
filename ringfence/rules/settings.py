"""Places where people met: when two names mean one place, which may be duplicates, and what to suggest while typing.

A setting is one place: the same postcode, kind and name, where case, accents, punctuation and words that firms add do
not count. What is weaker is suggested and never joined by itself, because two shops of one chain stand in one street.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import combinations
from typing import NamedTuple

from ringfence.rules.plural import counted


class Kind(StrEnum):
    """What sort of place it is."""

    WORKPLACE = "workplace"
    SCHOOL = "school"
    NURSERY = "nursery"
    UNIVERSITY = "university"
    CARE_HOME = "care_home"
    HOSPITAL = "hospital"
    PRISON = "prison"
    SHOP = "shop"
    HOSPITALITY = "hospitality"
    LEISURE = "leisure"
    WORSHIP = "worship"
    TRANSPORT = "transport"
    HOME = "home"
    OTHER = "other"

    @property
    def words(self) -> str:
        """The kind as it stands on the screen."""
        return KIND_WORDS[self]


KIND_WORDS = {
    Kind.WORKPLACE: "Workplace",
    Kind.SCHOOL: "School",
    Kind.NURSERY: "Nursery",
    Kind.UNIVERSITY: "College or university",
    Kind.CARE_HOME: "Care home",
    Kind.HOSPITAL: "Hospital or surgery",
    Kind.PRISON: "Prison",
    Kind.SHOP: "Shop",
    Kind.HOSPITALITY: "Restaurant, pub or hotel",
    Kind.LEISURE: "Leisure or sport",
    Kind.WORSHIP: "Place of worship",
    Kind.TRANSPORT: "Transport",
    Kind.HOME: "Somebody's home",
    Kind.OTHER: "Other",
}

HOME = Kind.HOME.value
"""Somebody's home is a place where people met, and no place to be listed or linked: who lives there is a case."""

COMPLEX = frozenset({Kind.CARE_HOME, Kind.HOSPITAL, Kind.PRISON, Kind.SCHOOL, Kind.NURSERY})
"""Kinds that the health protection team takes."""

ACTIVE_DAYS = 14
"""Days since its last case for which a place counts as one where people are still falling ill."""

HIGH_ATTACK = 10.0
"""Per cent of the people of a place, from which its attack rate counts as high."""

MOST_PEOPLE = 200_000

LONGEST_KEY = 120

#: Words that a firm adds or leaves out.
_NOISE = frozenset("the a an and of at ltd limited plc llp llc co company group uk inc cic".split())

#: How alike two names at one postcode are, from 0 to 1, before somebody is asked whether they are one place.
ALIKE = 0.8


class Place(NamedTuple):
    """A place as far as comparing goes; ``id`` is 0 for one that is not in the record. ``cases`` is how many named it."""

    id: int
    name: str
    kind: str
    postcode: str
    cases: int = 0

    @property
    def key(self) -> str:
        return name_key(self.name)


class Same(NamedTuple):
    """It is this setting."""

    setting: int
    why: str


class New(NamedTuple):
    """It is none that is known."""

    why: str


class Perhaps(NamedTuple):
    """Two settings that somebody should look at; ``keep`` is the one that more cases named."""

    keep: int
    merge: int
    why: str


def _words(name: str) -> list[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c)).casefold()
    # An apostrophe joins ("Tesco's"), everything else parts.
    return re.findall(r"[^\W_]+", plain.replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", ""))


def name_key(name: str) -> str:
    """A name as settings are compared by it: "The Mill Ltd." and "mill" are one. Order of the words counts.

    A name of such words alone ("The Co") keeps them; at most 120 characters.
    """
    words = _words(name)
    return " ".join([word for word in words if word not in _NOISE] or words)[:LONGEST_KEY].strip()


def resolve(given: Place, known: Iterable[Place]) -> Same | New:
    """Whether a place that somebody named is one of those known, with why. One without a postcode or a name never is."""
    if not given.postcode or not given.key:
        return New("a place is known by its name together with its postcode")
    for each in known:
        if (each.postcode, each.kind, each.key) == (given.postcode, given.kind, given.key):
            return Same(each.id, "the same name, kind and postcode")
    return New("no place of this name and kind is known at this postcode")


def duplicates(known: Sequence[Place]) -> list[Perhaps]:
    """Pairs that may be one place, the surest first: the same postcode, and the same name as another kind, one name
    within the other, or names that differ by a slip."""
    found: list[tuple[float, Perhaps]] = []
    at: dict[str, list[Place]] = {}
    for each in known:
        if each.postcode and each.key:
            at.setdefault(each.postcode, []).append(each)
    for places in at.values():
        for one, other in combinations(places, 2):
            how = _alike(one, other)
            if how is not None:
                keep, merge = sorted((one, other), key=lambda each: (-each.cases, each.id))
                found.append((how[0], Perhaps(keep.id, merge.id, how[1])))
    return [each for _, each in sorted(found, key=lambda pair: (-pair[0], pair[1].keep, pair[1].merge))]


def _alike(one: Place, other: Place) -> tuple[float, str] | None:
    if one.key == other.key:
        return 2.0, "the same name at the same postcode, given as another kind of place"
    words, others = set(one.key.split()), set(other.key.split())
    if words <= others or others <= words:
        return 1.5, "the same postcode, and one name is within the other"
    ratio = SequenceMatcher(None, one.key, other.key).ratio()
    return (ratio, "the same postcode, and names that differ by a few letters") if ratio >= ALIKE else None


def suggest(typed: str, known: Iterable[Place], postcode: str = "", most: int = 8) -> list[Place]:
    """Of those known, what somebody may mean who has typed this much: the postcode before others, then names that begin
    with it, then those with a word that does, then by how many cases named them."""
    words = _words(typed)
    if not words and not postcode:
        return []
    ranked = []
    for each in known:
        theirs = _words(each.name)
        if not all(any(their.startswith(word) for their in theirs) for word in words):
            continue
        begins = bool(words) and " ".join(theirs).startswith(" ".join(words))
        ranked.append(((each.postcode != postcode, not begins, -each.cases, each.name, each.id), each))
    return [each for _, each in sorted(ranked)[:most]]


@dataclass(frozen=True, slots=True)
class Risk:
    """How much a place with cases asks for somebody to act: ``order`` sorts, the greatest first; ``why`` says it in words.

    ``attack_rate``: cases in per cent of the people there; None where their number is not known.
    """

    order: tuple[int, int, int, int, int]
    attack_rate: float | None
    why: str


def risk(kind: str, cases: int, size: int | None, quiet_days: int) -> Risk:
    """The risk of a place that so many cases named, where so many people are, so many days after its last case.

    First those where people are still falling ill; of them care homes, hospitals, prisons and schools; then where many of
    the people there have it; then where most cases are.
    """
    rate = 100 * cases / size if size else None
    active, complex_, high = quiet_days <= ACTIVE_DAYS, kind in COMPLEX, rate is not None and rate >= HIGH_ATTACK
    since = "today" if quiet_days <= 0 else "yesterday" if quiet_days == 1 else f"{quiet_days} days ago"
    said = [f"{counted(cases, 'case')}, the last {since}"]
    if complex_:
        said.append("a setting for the health protection team")
    if high:
        said.append("many of the people there")
    return Risk((active, complex_, high, cases, -quiet_days), rate, "; ".join(said))
