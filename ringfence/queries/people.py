"""People that a batch of rows may be about, fetched in sets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection

from ringfence.accounts import walls
from ringfence.rules.access import Scope
from ringfence.rules.allocation import NOWHERE
from ringfence.rules.cases import Episode
from ringfence.rules.identity import Known, name_key


class Details(NamedTuple):
    """What a person's row holds that a newer result may change."""

    phone: str
    phone_other: str
    email: str
    address: str
    postcode: str
    gp_postcode: str
    ethnicity: str
    care_home: bool


class Candidates(NamedTuple):
    """Known people by NHS number and by match key, and by id the details of each and the version of the row that was read."""

    by_number: dict[str, Known]
    by_key: dict[int, list[Known]]
    details: dict[int, Details]
    versions: dict[int, str]

    def of(self, number: str, key: int) -> list[Known]:
        """Whom a row with this number and key may be about."""
        mine = self.by_number.get(number)
        return [*([] if mine is None else [mine]), *self.by_key.get(key, ())]


_COLUMNS = (
    "id, coalesce(nhs_number, ''), given_name, family_name, coalesce(birth_date::text, ''), postcode, match_key,"
    " phone, phone_other, email, address, gp_postcode, ethnicity, care_home, xmin::text"
)


class Asked(NamedTuple):
    """What is asked about rows: their NHS numbers, their match keys, and the keys of those without a number.

    Each is one text with commas: adapting five thousand elements of an array takes longer than finding them.
    """

    numbers: str
    keys: str
    unnumbered: str


def candidates(asked: Asked, *, scope: Scope) -> Candidates:
    """Everybody whom one of these rows may be about.

    By details alone a row with a number can only be about somebody whose number is not held: a small index.
    """
    by_number: dict[str, Known] = {}
    by_key: dict[int, list[Known]] = defaultdict(list)
    details: dict[int, Details] = {}
    versions: dict[int, str] = {}
    with walls.transaction(scope), connection.cursor() as cursor:
        # A UNION, not an OR, so that each half has its index; and the wall is passed once. Each list comes from a query of
        # its own: one that the planner sees it weighs word by word, which takes longer than finding them all.
        cursor.execute(
            f"SELECT {_COLUMNS} FROM people WHERE nhs_number = ANY((SELECT string_to_array(%s, ','))::text[])"
            f" UNION SELECT {_COLUMNS} FROM people WHERE nhs_number IS NULL"
            f" AND match_key = ANY((SELECT string_to_array(%s, ',')::bigint[])::bigint[])"
            f" UNION SELECT {_COLUMNS} FROM people WHERE match_key = ANY((SELECT string_to_array(%s, ',')::bigint[])::bigint[])",
            list(asked),
        )
        for row in cursor.fetchall():
            person = Known(row[0], row[1], name_key(row[2], row[3]), row[4], row[5])
            if person.nhs_number:
                by_number[person.nhs_number] = person
            by_key[row[6]].append(person)
            details[person.id] = Details(row[7], row[8], row[9], row[10], row[5], row[11], row[12], row[13])
            versions[person.id] = row[14]
    return Candidates(by_number, by_key, details, versions)


def hold(people: Iterable[int], *, scope: Scope) -> dict[int, str]:
    """Nobody else changes these people until the end of the transaction. Gives the version of each by then.

    All take them in one order, so that no two wait for each other.
    """
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, xmin::text FROM people WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [list(people)]
        )
        return dict(cursor.fetchall())


def homes(people: Iterable[int], *, scope: Scope) -> dict[int, str]:
    """The upper-tier authority in which each of these people lives, by its code; without those of whom none is known."""
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(
            "SELECT person_id, area FROM standings WHERE person_id = ANY(%s) AND why = 'lives' AND until_at IS NULL"
            " AND area <> %s",
            [list(people), NOWHERE],
        )
        return dict(cursor.fetchall())


class Episodes(NamedTuple):
    """Episodes by person, and the people of whom a trace as a case is open."""

    of: dict[int, list[Episode]]
    traced: set[int]


def episodes(people: Iterable[int], *, scope: Scope) -> Episodes:
    """The episodes and open traces of these people."""
    ids = list(people)
    of: dict[int, list[Episode]] = defaultdict(list)
    if not ids:
        return Episodes(of, set())
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(
            "SELECT person_id, id, episode, first_specimen_date, last_positive_date FROM cases WHERE person_id = ANY(%s)",
            [ids],
        )
        for person, case, number, first, last in cursor.fetchall():
            of[person].append(Episode(case, number, first.toordinal(), last.toordinal()))
        cursor.execute(
            "SELECT person_id FROM traces WHERE person_id = ANY(%s) AND reason = 'case' AND closed_at IS NULL", [ids]
        )
        return Episodes(of, {row[0] for row in cursor.fetchall()})
