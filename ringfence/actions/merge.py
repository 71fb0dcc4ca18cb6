"""One batch of read rows into the record: fetched in sets, decided by the rules, written in sets, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice, repeat
from typing import NamedTuple

from django.db import IntegrityError, OperationalError, connection, transaction

from ringfence.actions.keys import Keys, Spelt, apart, asked, concerned, meet, with_plain
from ringfence.actions.writing import FOR_A_BATCH, Overtaken, reserve, set_aside, write
from ringfence.feeds.linelist import Columns, SetAside
from ringfence.feeds.plain import Plain
from ringfence.geography import resolve
from ringfence.geography.packed import Packed
from ringfence.partnerships.clock import hold_still
from ringfence.queries.allocation import Allocation, allocation, revision
from ringfence.queries.people import Candidates, Details, Episodes, candidates, episodes, hold
from ringfence.rules import allocation as placing
from ringfence.rules import cases, identity
from ringfence.rules.access import Scope
from ringfence.rules.allocation import Placement, Residence
from ringfence.rules.identity import Known
from ringfence.rules.places import Kind
from ringfence.rules.places import decide as decide_place
from ringfence.rules.places import read as read_postcode
from ringfence.rules.results import POSITIVE

MOST_TRIES = 6
"""Tries at a batch that another reader's rows got in the way of."""


class Merged(NamedTuple):
    """What became of a batch; duplicates are rows whose specimen the record has already.

    ``quarantined`` are rows that the record contradicts; those that could not be read are not among them.
    """

    accepted: int
    duplicate: int
    positives: int
    cases_opened: int
    quarantined: int = 0


def _nothing() -> None:
    pass


@dataclass
class Merger:
    """Merges the batches of one delivery's part. ``careful`` looks for known specimens first, once one was met.

    ``resting`` is called when a batch is in staging: from then on there is only the database to wait for.
    """

    delivery: int
    scope: Scope
    now: datetime
    teams: Allocation
    reinfection_days: int
    directory: Packed
    careful: bool = False
    resting: Callable[[], None] = _nothing
    homes: dict[tuple[str | None, str], Residence] = field(default_factory=dict)
    placements: dict[Residence, Placement] = field(default_factory=dict)
    tails: dict[Residence, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._residences = [
            None if place is None else Residence(place.ltla or "", place.utla or "", place.why)
            for place in self.directory.places
        ]

    def merge(self, columns: Columns, keys: Keys, aside: Sequence[SetAside], plain: Plain | None = None) -> Merged:
        """Write a batch; the caller holds the transaction and counts the rows in it.

        ``plain`` rows are no less part of it; no specimen of theirs is another row's in the batch.
        """
        set_aside(self.delivery, aside, self.now)
        if not columns.numbers and not plain:
            return Merged(0, 0, 0, 0)
        self._keep_up()
        with connection.cursor() as cursor:
            cursor.execute(FOR_A_BATCH)
        for tried in range(MOST_TRIES):
            try:
                with transaction.atomic():
                    return self._once(columns, keys, plain)
            except (IntegrityError, OperationalError, Overtaken) as problem:
                # Another reader was first with a specimen or a person, or two readers waited for each other.
                state = getattr(problem.__cause__, "sqlstate", "")
                mended = isinstance(problem, Overtaken) or state in ("23505", "40P01", "40001")
                if not mended or tried + 1 == MOST_TRIES:
                    raise
                self.careful = True
        raise AssertionError("unreachable: the last try raises")

    def _keep_up(self) -> None:
        """Hold the policies still until the batch is written; read them anew when one was recorded since."""
        hold_still()
        if self.teams.revision != revision():
            self.teams = allocation(self.now)
            self.placements.clear()
            self.tails.clear()

    def _once(self, columns: Columns, keys: Keys, plain: Plain | None) -> Merged:
        if self.careful and plain:
            columns, keys = with_plain(plain, columns, keys, self.directory)
            plain = None
        total = len(columns.numbers)
        rows, against = self._fresh(columns, total)
        set_aside(self.delivery, against, self.now)
        duplicate = total - len(rows) - len(against)
        if len(rows) < total:
            columns, keys = columns.chosen(rows), keys.chosen(rows)
        if not rows and not plain:
            return Merged(0, duplicate, 0, 0, len(against))
        batch = self._decided(columns, keys, plain)
        write(batch)
        return Merged(len(rows) + len(plain or ()), duplicate, batch.positives, len(batch.opened), len(against))

    def _decided(self, columns: Columns, keys: Keys, plain: Plain | None) -> Batch:
        """The batch with all that is decided of it. Plain rows about somebody known are decided like any other."""
        births, numbers, results = (columns.fields[name] for name in ("birth_date", "nhs_number", "result"))
        positive = [i for i, result in enumerate(results) if result == POSITIVE]
        if positive:
            meet([births[i] for i in positive], [numbers[i] for i in positive])
        known, strangers, others = self._met(positive, columns, keys, plain)
        spelt = Spelt.of(others, columns, keys, known)
        about = concerned(plain, columns, keys, known, spelt) if plain else None
        if plain and about is not None and about.any():
            columns, keys = with_plain(plain.chosen(about), columns, keys, self.directory)
            plain = plain.chosen(~about)
            positive = [i for i, result in enumerate(columns.fields["result"]) if result == POSITIVE]
        arrived = spelt.keys(columns, keys)
        if len(columns.numbers) != len(results) or arrived:
            strangers, others = apart(positive, columns.fields["nhs_number"], keys.match, known, arrived)
        batch = Batch(self, columns, keys, plain)
        batch.decide(strangers, others, known, arrived)
        return batch

    def _met(
        self, positive: list[int], columns: Columns, keys: Keys, plain: Plain | None
    ) -> tuple[Candidates, list[int], list[int]]:
        """Whom the rows may be about; of the positives those about strangers, and the others.

        Those known whom a positive may be about are held until the batch is written: another list that tells something of
        them waits, and decides by what this one has told.
        """
        numbers = columns.fields["nhs_number"]
        held: dict[int, str] = {}
        while True:
            known = candidates(asked(columns, keys, plain), scope=self.scope)
            strangers, others = apart(positive, numbers, keys.match, known)
            met = {each.id for i in others for each in known.of(numbers[i], keys.match[i])}
            if met - held.keys():
                held |= hold(met - held.keys(), scope=self.scope)
            if all(held.get(each) == known.versions[each] for each in met):
                return known, strangers, others

    def _fresh(self, columns: Columns, total: int) -> tuple[Sequence[int], list[SetAside]]:
        """The rows whose specimens are not in the record and not earlier in the batch.

        And those whose specimen is, with another result or date: were they taken for duplicates, a positive could be lost.
        """
        fields = columns.fields
        if not self.careful and len(set(fields["specimen_id"])) == total:
            return range(total), []
        pairs = list(zip(fields["laboratory"], fields["specimen_id"], strict=True))
        if not self.careful and len(set(pairs)) == total:
            return range(total), []
        known: dict[tuple[str, str], tuple[str, str]] = {}
        with connection.cursor() as cursor:
            for laboratory in set(fields["laboratory"]):
                cursor.execute(
                    "SELECT specimen_id, result, specimen_date::text FROM results WHERE laboratory = %s AND specimen_id = ANY(%s)",
                    [laboratory, [specimen for lab, specimen in pairs if lab == laboratory]],
                )
                known.update(((laboratory, row[0]), (row[1], row[2])) for row in cursor.fetchall())
        fresh, against = [], []
        for i, pair in enumerate(pairs):
            told = fields["result"][i], fields["specimen_date"][i]
            held = known.get(pair)
            if held is None:
                known[pair] = told
                fresh.append(i)
            elif held != told:
                why = (
                    f"is {told[0]} of {told[1]}, where the record has this specimen as {held[0]} of {held[1]}: ask the "
                    "laboratory which is right"
                )
                against.append(SetAside(columns.numbers[i], "result", why, columns.raws[i]))
        return fresh, against

    def residences(self, keys: Keys, as_given: Sequence[str]) -> list[Residence]:
        """Where the people of the rows live. The practice's postcode is looked up where that of the test gives nothing."""
        table = self._residences
        found = [table[n] or _UNKNOWN for n in keys.places]
        asked = [i for i, home in enumerate(found) if home is _UNKNOWN]
        if not asked:
            return found
        located = resolve.located([keys.postcodes[i] for i in asked if keys.postcodes[i]])
        homes = self.homes
        rest: list[int] = []
        for i in asked:
            place = located.get(keys.postcodes[i])
            if place is not None and place.kind is Kind.ENGLAND:
                pair = (place.ltla, place.why)
                home = homes.get(pair)
                if home is None:
                    home = homes[pair] = Residence(place.ltla or "", place.utla or "", place.why)
                found[i] = home
            else:
                rest.append(i)
        if rest:
            practice = resolve.located([keys.gp_postcodes[i] for i in rest if keys.gp_postcodes[i]])
            for i in rest:
                at_test = located.get(keys.postcodes[i]) or decide_place(read_postcode(as_given[i]), None, {})
                at_gp = practice.get(keys.gp_postcodes[i]) or decide_place(read_postcode(""), None, {})
                found[i] = placing.residence(at_test, at_gp)
        return found

    def placement(self, home: Residence) -> Placement:
        placed = self.placements.get(home)
        if placed is None:
            placed = self.placements[home] = placing.place(home, self.teams.authorities, self.teams.pool_team, self.now)
        return placed


_UNKNOWN = Residence("", "", "")
_FIRST = cases.Open(1, "the first positive known")
_NOBODY = identity.New("nobody known has this NHS number, or this name, birth date and postcode")


class Opened(NamedTuple):
    """A case that this batch opens: its row, person, row of the batch, episode number and days, and whether to trace."""

    case: int
    person: int
    row: int
    number: int
    traced: bool


class Batch:
    """The rows of one batch, what was decided of each, and the statements that write it."""

    def __init__(self, merger: Merger, columns: Columns, keys: Keys, plain: Plain | None) -> None:
        self.merger, self.plain = merger, plain
        self.fields = columns.fields
        self.numbers = columns.numbers
        self.keys = keys
        count = len(columns.numbers)
        self.person: list[int | None] = [None] * count
        self.case: list[int | None] = [None] * count
        self.homes = merger.residences(keys, self.fields["postcode"])
        self.new_people: list[tuple[int, int]] = []
        self.changed: dict[int, Details] = {}
        self.adopted: dict[int, str] = {}
        self.rekeyed: dict[int, int] = {}
        """The new match key of those who have a new postcode."""
        self.moves: dict[int, int] = {}
        """The last row that shows somebody in another place, of a known authority."""
        self.stayed: set[int] = set()
        """People of whom a row opened a case elsewhere than where they live now."""
        self.brought: set[tuple[int, int]] = set()
        """People to whom a row has brought a number, with the row's case."""
        self.opened: list[Opened] = []
        self.moved: dict[int, cases.Add] = {}
        self.positives = self.strangers = 0
        self._ids: tuple[Iterator[int], Iterator[int]] = iter(()), iter(())
        """New ids of people and of cases."""

    def decide(self, strangers: list[int], others: list[int], known: Candidates, arrived: set[int]) -> None:
        """Whose row each is, and which episode a positive belongs to; ids are taken from the sequences in one go.

        The record is what one row after the other would give: positives about strangers are decided at once, because
        nothing depends on when, and all others in turn. ``arrived`` are the keys that people may come to have on the way.
        """
        self.positives, self.strangers = len(strangers) + len(others), len(strangers)
        if self.positives:
            self._ids = reserve("people", self.positives), reserve("cases", self.positives)
            self._decide_strangers(strangers)
        if others or known.details:
            self._in_turn(others, known, arrived)

    def _decide_strangers(self, strangers: list[int]) -> None:
        # Neighbours one after the other: what they add to an index by team or authority then lies together.
        homes, taken = self.homes, self.fields["specimen_date"]
        strangers.sort(key=lambda i: (homes[i].utla, taken[i]))
        persons, cases_of = (list(islice(ids, len(strangers))) for ids in self._ids)
        for i, person, case in zip(strangers, persons, cases_of, strict=True):
            self.person[i], self.case[i] = person, case
        self.new_people = list(zip(strangers, persons, strict=True))
        self.opened = list(map(Opened, cases_of, persons, strangers, repeat(_FIRST.number), repeat(True)))

    def _in_turn(self, others: list[int], known: Candidates, arrived: set[int]) -> None:
        """Positives, and with them the negative and void results that may be about somebody known by then.

        Those join whom they are surely about, and create nobody.
        """
        numbers, match, results = self.fields["nhs_number"], self.keys.match, self.fields["result"]
        some_numbers = {*known.by_number, *(numbers[i] for i in others)} - {""}
        some_keys = {*known.by_key, *(match[i] for i in others), *arrived} - {0}
        about = [
            i
            for i, result in enumerate(results)
            if result != POSITIVE and (numbers[i] in some_numbers or match[i] in some_keys)
        ]
        maybe = [each for i in others for each in known.of(numbers[i], match[i])]
        held = episodes({each.id for each in maybe}, scope=self.merger.scope)
        for i in sorted([*others, *about]):
            if results[i] == POSITIVE:
                person = self._somebody(i, known)
                older = self._episode(i, person, held)
                self._learn(i, person, known, older=older)
                continue
            decision = self._identify(i, known)
            if isinstance(decision, identity.Same):
                self.person[i] = decision.person

    def _somebody(self, i: int, known: Candidates) -> int:
        """Whom a positive is about, made if need be."""
        decision = self._identify(i, known)
        if isinstance(decision, identity.Same):
            person = decision.person
            self._adopt_number(i, person, known)
        else:
            person = next(self._ids[0])
            self.new_people.append((i, person))
            self._remember(i, person, known)
        self.person[i] = person
        return person

    def _identify(self, i: int, known: Candidates) -> identity.Decision:
        number = self.fields["nhs_number"][i]
        key = self.keys.match[i]
        if number not in known.by_number and key not in known.by_key:
            return _NOBODY
        return identity.decide(
            nhs_number=number,
            name=self.keys.names[i],
            birth_date=self.fields["birth_date"][i],
            postcode=self.keys.postcodes[i],
            by_number=known.by_number.get(number),
            by_details=known.by_key.get(key, ()),
        )

    def _remember(self, i: int, person: int, known: Candidates) -> None:
        """A person created by this batch is known to the rows after."""
        number, key = self.fields["nhs_number"][i], self.keys.match[i]
        known.details[person] = self._details(i)
        value = Known(person, number, self.keys.names[i], self.fields["birth_date"][i], self.keys.postcodes[i])
        if number:
            known.by_number[number] = value
        if key:
            known.by_key.setdefault(key, []).append(value)

    def _adopt_number(self, i: int, person: int, known: Candidates) -> None:
        """Somebody known by name, birth date and postcode alone gets the NHS number that this row brings."""
        number = self.fields["nhs_number"][i]
        if number and number not in known.by_number:
            key = self.keys.match[i]
            for place, each in enumerate(known.by_key[key]):
                if each.id == person:
                    known.by_number[number] = known.by_key[key][place] = each._replace(nhs_number=number)
            self.adopted[person] = number

    def _episode(self, i: int, person: int, held: Episodes) -> bool:
        """The row's episode; whether a newer positive of the person is known."""
        day = date.fromisoformat(self.fields["specimen_date"][i]).toordinal()
        mine = held.of[person]
        older = any(day < each.last for each in mine)
        decision = cases.decide(day, mine, self.merger.reinfection_days) if mine else _FIRST
        if isinstance(decision, cases.Open):
            case = self.case[i] = next(self._ids[1])
            mine.append(cases.Episode(case, decision.number, day, day))
            self.opened.append(Opened(case, person, i, decision.number, person not in held.traced))
            held.traced.add(person)
            return older
        episode = decision.episode
        self.case[i] = episode.id
        if (decision.first, decision.last) != (episode.first, episode.last):
            mine[mine.index(episode)] = episode._replace(first=decision.first, last=decision.last)
            self.moved[episode.id] = decision
        return older

    def _learn(self, i: int, person: int, known: Candidates, *, older: bool) -> None:
        """What a row tells of somebody known; what it leaves empty tells nothing, an older one moves nobody back."""
        told, held = self._details(i), known.details[person]
        if older:
            now = Details._make(old or new for new, old in zip(told, held, strict=True))
            if held.postcode:
                now = now._replace(address=held.address, postcode=held.postcode, gp_postcode=held.gp_postcode)
        else:
            now = Details._make(new or old for new, old in zip(told, held, strict=True))
        if now.postcode == held.postcode != told.postcode and self.opened and self.opened[-1].row == i:
            self.stayed.add(person)
        if now == held:
            return
        self.changed[person] = known.details[person] = now
        case = self.case[i]
        if case is not None and (now.phone, now.phone_other) != (held.phone, held.phone_other):
            self.brought.add((person, case))
        if now.postcode != held.postcode:
            self.rekeyed[person] = self._settle(self.fields["nhs_number"][i], now.postcode, known)
            if self.homes[i].utla:
                self.moves[person] = i

    def _settle(self, number: str, postcode: str, known: Candidates) -> int:
        """Somebody lives elsewhere from this row on: the key they are known by now. Who moves is known by the number."""
        before = known.by_number[number]
        now = known.by_number[number] = before._replace(postcode=postcode)
        old, new = (identity.match_key(before.name, before.birth_date, each.postcode) for each in (before, now))
        known.by_key[old] = [each for each in known.by_key.get(old, ()) if each.id != before.id]
        if new:
            known.by_key.setdefault(new, []).append(now)
        return new

    def _details(self, i: int) -> Details:
        f = self.fields
        return Details(
            f["phone"][i],
            f["phone_other"][i],
            f["email"][i],
            f["address"][i],
            self.keys.postcodes[i],
            self.keys.gp_postcodes[i],
            f["ethnicity"][i],
            f["care_home"][i],
        )
