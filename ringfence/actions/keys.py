"""What identity and allocation need of rows that were read, and the lock under which strangers are met."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain, compress
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from ringfence.actions.staging import lines_of
from ringfence.feeds.linelist import Columns
from ringfence.feeds.plain import Plain
from ringfence.geography.packed import Packed
from ringfence.queries.people import Asked, Candidates
from ringfence.rules import identity
from ringfence.rules.places import canonical
from ringfence.rules.results import POSITIVE

MOST_SPELT = 20
"""NHS numbers under which one name with birth date is looked for one by one."""


class Keys(NamedTuple):
    """What identity and allocation need of each row; computed where rows are read, beside the database's work.

    ``places``: the postcode's number in the packed directory, 0 when that does not have it. The last three are how the
    row's lines for staging begin (``actions.staging.Lines``).
    """

    names: list[str]
    match: list[int]
    postcodes: list[str]
    gp_postcodes: list[str]
    places: list[int]
    households: list[int | None]
    result_lines: list[str]
    person_lines: list[str]
    case_lines: list[str]

    def chosen(self, rows: Sequence[int]) -> Keys:
        """Those of these rows, in this order."""
        return Keys._make([column[i] for i in rows] for column in self)


def keys_of(columns: Columns, directory: Packed) -> Keys:
    """Names, match keys, canonical postcodes of the rows and where they lie, the homes of those that are positive, lines."""
    fields = columns.fields
    spelt = _Spelt()
    found = directory.find(fields["postcode"])
    # What the directory lists to the letter is canonical.
    postcodes = [text if n else spelt[text] for text, n in zip(fields["postcode"], found, strict=True)]
    if fields["gp_postcode"] == fields["postcode"]:
        gp_postcodes = postcodes
    else:
        gp_postcodes = [
            text if n else spelt[text]
            for text, n in zip(fields["gp_postcode"], directory.find(fields["gp_postcode"]), strict=True)
        ]
    names = identity.name_keys(fields["given_name"], fields["family_name"])
    match = identity.match_keys(names, fields["birth_date"], postcodes)
    positive = [result == POSITIVE for result in fields["result"]]
    addresses = [address if here else "" for address, here in zip(fields["address"], positive, strict=True)]
    households = identity.household_keys(addresses, postcodes)
    lines = lines_of(fields, columns.numbers, match, postcodes, gp_postcodes, households)
    return Keys(names, match, postcodes, gp_postcodes, found, households, *lines)


def with_plain(plain: Plain, columns: Columns, keys: Keys, directory: Packed) -> tuple[Columns, Keys]:
    """Plain rows among the others, in the order of the file, with what is needed of all of them."""
    more = plain.columns()
    both, order = more.among(columns)
    pairs: Iterable[Any] = zip(keys, keys_of(more, directory), strict=True)
    return both, Keys._make([*ours, *theirs] for ours, theirs in pairs).chosen(order)


def asked(columns: Columns, keys: Keys, plain: Plain | None) -> Asked:
    """What these rows ask of the record."""
    numbers = [number for number in columns.fields["nhs_number"] if number]
    match = [key for key in keys.match if key]
    unnumbered = [
        key for number, key in zip(columns.fields["nhs_number"], keys.match, strict=True) if key and not number
    ]
    if plain is not None:
        numbers += plain.texts["nhs_number"][plain.numbers > 0].astype(str).tolist()
        match += plain.keys[plain.keys != 0].tolist()
        unnumbered += plain.keys[(plain.keys != 0) & (plain.numbers == 0)].tolist()
    return Asked(",".join(numbers), ",".join(map(str, match)), ",".join(map(str, unnumbered)))


class Spelt(NamedTuple):
    """NHS numbers under which these positives are spelt in several ways, in the record or among them.

    Who moves keeps the name and the birth date by which they were known first, and so may come to have a key that no row with
    their number has. ``homes``: of each name with birth date, the postcodes to which it may come, a set for each number.
    """

    homes: dict[tuple[str, str], list[set[str]]]

    @classmethod
    def of(cls, others: Sequence[int], columns: Columns, keys: Keys, known: Candidates) -> Spelt:
        """``others`` are those of ``apart``."""
        numbers, births = columns.fields["nhs_number"], columns.fields["birth_date"]
        names, there = defaultdict(set), defaultdict(set)
        for i in others:
            if number := numbers[i]:
                names[number].add((keys.names[i], births[i]))
                there[number].add(keys.postcodes[i])
                if (held := known.by_number.get(number)) is not None:
                    names[number].add((held.name, held.birth_date))
        homes = defaultdict(list)
        for number, each in names.items():
            if len(each) > 1:
                for who in each:
                    homes[who].append(there[number])
        return cls(dict(homes))

    def keys(self, columns: Columns, keys: Keys) -> set[int]:
        """The keys of these rows that somebody may come to have."""
        if not self.homes:
            return set()
        rows = zip(keys.names, columns.fields["birth_date"], keys.postcodes, keys.match, strict=True)
        return {key for name, born, home, key in rows if home and self._may_come((name, born), home)}

    def _may_come(self, who: tuple[str, str], home: str) -> bool:
        some = self.homes.get(who, ())
        # One name under very many numbers: then all its rows are looked at in turn.
        return len(some) > MOST_SPELT or any(home in each for each in some)

    def among(self, plain: Plain) -> NDArray[np.bool_]:
        """Which plain rows without a number may be about somebody who moved; they are told by birth date and postcode."""
        found = np.zeros(len(plain), np.bool_)
        if self.homes:
            births = {born.encode() for _, born in self.homes}
            # Names of one number share its set: each set once.
            sets = {id(some): some for each in self.homes.values() for some in each}
            homes = {home.encode() for some in sets.values() for home in some}
            born, home = plain.texts["birth_date"], plain.texts["postcode"]
            rows = np.flatnonzero(plain.numbers == 0).tolist()
            found[[i for i in rows if born[i] in births and home[i] in homes]] = True
        return found


def concerned(plain: Plain, columns: Columns, keys: Keys, known: Candidates, spelt: Spelt) -> NDArray[np.bool_]:
    """Which plain rows may be about somebody known, or about somebody of the other rows."""
    numbers = {int(number) for number in chain(columns.fields["nhs_number"], known.by_number) if number}
    match = {*keys.match, *known.by_key} - {0}
    return _among(plain.numbers, numbers) | _among(plain.keys, match) | spelt.among(plain)


def _among(asked: NDArray[np.int64], some: set[int]) -> NDArray[np.bool_]:
    """Which are among some. Numpy's own way imports a part of it that nothing else here needs."""
    if not some:
        return np.zeros(len(asked), np.bool_)
    there = np.sort(np.fromiter(some, np.int64, len(some)))
    found: NDArray[np.bool_] = there[np.searchsorted(there[:-1], asked)] == asked
    return found


class _Spelt(dict[str, str]):
    """Text as given -> canonical postcode, or ``""``."""

    def __missing__(self, text: str) -> str:
        found = self[text] = canonical(text) or ""
        return found


def apart(
    rows: list[int],
    nhs_numbers: Sequence[str],
    match_keys: Sequence[int],
    known: Candidates,
    arrived: Iterable[int] = (),
) -> tuple[list[int], list[int]]:
    """Of these rows, those whose number and details are nobody's, neither in the record nor in another row; and the others.

    What is decided of a stranger tells nothing about any other row: they are most, and need not be looked at in turn.
    """
    numbers = {number for number, times in Counter(nhs_numbers).items() if times > 1} | known.by_number.keys()
    keys = {key for key, times in Counter(match_keys).items() if times > 1} | known.by_key.keys()
    keys.update(arrived)
    numbers.discard("")
    keys.discard(0)
    alone = [nhs_numbers[i] not in numbers and match_keys[i] not in keys for i in rows]
    return list(compress(rows, alone)), [i for i, each in zip(rows, alone, strict=True) if not each]


_STRANGERS = 7_166_036

#: A multiple of most numbers of parts: as rows are divided by the same sum, parts of one delivery never share a lock.
_LOCKS = 240

_MEET = """
SELECT CASE WHEN alone THEN pg_advisory_xact_lock(%s, b) ELSE pg_advisory_xact_lock_shared(%s, b) END
FROM unnest(string_to_array(%s, ',')::int[], string_to_array(%s, ',')::boolean[]) AS l (b, alone)
"""


def meet(births: Sequence[str], nhs_numbers: Sequence[str]) -> None:
    """Until the end of this transaction, nobody else decides about people like these positives without seeing them.

    The same number twice, or the same details twice without one, is stopped by a unique index; details once with a
    number and once without are not. So who has none is met alone, of all who may have the same birth date.
    """
    locks = {birth: crc32(birth.encode()) % _LOCKS for birth in set(births)}
    alone = {locks[birth] for birth, number in zip(births, nhs_numbers, strict=True) if not number}
    order = sorted(set(locks.values()))  # all take them in this order, so that no two wait for each other
    with connection.cursor() as cursor:
        arguments = [",".join(map(str, each)) for each in (order, [lock in alone for lock in order])]
        cursor.execute(_MEET, [_STRANGERS, _STRANGERS, *arguments])
