"""One batch of read rows into the record: fetched in sets, decided by the rules, written in sets, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import IntegrityError, OperationalError, connection, transaction

from ringfence.base.references import reference
from ringfence.feeds.linelist import Columns, SetAside
from ringfence.geography import resolve
from ringfence.partnerships.clock import hold_still
from ringfence.queries.allocation import Allocation, allocation, revision
from ringfence.queries.people import Candidates, Details, candidates, episodes
from ringfence.rules import allocation as placing
from ringfence.rules import cases, identity
from ringfence.rules.access import Scope
from ringfence.rules.allocation import Placement, Residence
from ringfence.rules.identity import Known
from ringfence.rules.places import Kind, canonical
from ringfence.rules.places import decide as decide_place
from ringfence.rules.places import read as read_postcode
from ringfence.rules.results import POSITIVE

MOST_TRIES = 6
"""Tries at a batch that another reader's rows got in the way of."""


class Keys(NamedTuple):
    """What identity needs of each row; computed where rows are read, beside the database's work."""

    names: list[str]
    match: list[int]
    postcodes: list[str]
    gp_postcodes: list[str]
    households: list[int | None]


class Merged(NamedTuple):
    """What became of a batch; duplicates are rows whose specimen the record has already.

    ``quarantined`` are rows that the record contradicts; those that could not be read are not among them.
    """

    accepted: int
    duplicate: int
    positives: int
    cases_opened: int
    quarantined: int = 0


class _Interfered(Exception):
    """A specimen or a person of this batch is in the record already, since or before this batch was decided."""


def keys_of(columns: Columns) -> Keys:
    """Names, match keys, canonical postcodes of the rows, and the homes of those that are positive."""
    fields = columns.fields
    spelt = _Spelt()
    postcodes = list(map(spelt.__getitem__, fields["postcode"]))
    gp_postcodes = list(map(spelt.__getitem__, fields["gp_postcode"]))
    names = list(map(identity.name_key, fields["given_name"], fields["family_name"]))
    match = list(map(identity.match_key, names, fields["birth_date"], postcodes))
    households = [
        identity.household_key(address, postcode) if result == POSITIVE else None
        for address, postcode, result in zip(fields["address"], postcodes, fields["result"], strict=True)
    ]
    return Keys(names, match, postcodes, gp_postcodes, households)


class _Spelt(dict[str, str]):
    """Text as given -> canonical postcode, or ``""``."""

    def __missing__(self, text: str) -> str:
        found = self[text] = canonical(text) or ""
        return found


@dataclass
class Merger:
    """Merges the batches of one delivery's part. ``careful`` looks for known specimens first, once one was met."""

    delivery: int
    scope: Scope
    now: datetime
    teams: Allocation
    reinfection_days: int
    careful: bool = False
    homes: dict[tuple[str | None, str], Residence] = field(default_factory=dict)
    placements: dict[Residence, Placement] = field(default_factory=dict)

    def merge(self, columns: Columns, keys: Keys, aside: Sequence[SetAside]) -> Merged:
        """Write a batch; the caller holds the transaction and counts the rows in it."""
        self._set_aside(aside)
        if not columns.numbers:
            return Merged(0, 0, 0, 0)
        self._keep_up()
        with connection.cursor() as cursor:
            cursor.execute(_BY_INDEX)
        for tried in range(MOST_TRIES):
            try:
                with transaction.atomic():
                    return self._once(columns, keys)
            except _Interfered:
                self.careful = True
            except (IntegrityError, OperationalError) as problem:
                # Another reader was first with a specimen or a person, or two readers waited for each other.
                state = getattr(problem.__cause__, "sqlstate", "")
                if state not in ("23505", "40P01", "40001") or tried + 1 == MOST_TRIES:
                    raise
                self.careful = True
        raise AssertionError("unreachable: the last try raises")

    def _keep_up(self) -> None:
        """Hold the policies still until the batch is written; read them anew when one was recorded since."""
        hold_still()
        if self.teams.revision != revision():
            self.teams = allocation(self.now)
            self.placements.clear()

    def _set_aside(self, aside: Sequence[SetAside]) -> None:
        if not aside:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO quarantines (delivery_id, row_number, field, reason, raw, recorded_at, settlement)"
                " SELECT %s, n, f, w, r, %s, '' FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[])"
                " AS q (n, f, w, r)",
                [
                    self.delivery,
                    self.now,
                    [each.number for each in aside],
                    [each.field for each in aside],
                    [each.why[:200] for each in aside],
                    [each.raw.replace("\0", "\ufffd") for each in aside],
                ],
            )

    def _once(self, columns: Columns, keys: Keys) -> Merged:
        fields = columns.fields
        total = len(columns.numbers)
        rows, against = self._fresh(columns, total)
        self._set_aside(against)
        duplicate = total - len(rows) - len(against)
        if len(rows) < total:
            columns = Columns(
                {name: [column[i] for i in rows] for name, column in fields.items()},
                [columns.numbers[i] for i in rows],
                [columns.raws[i] for i in rows],
            )
            keys = Keys._make([column[i] for i in rows] for column in keys)
        if not rows:
            return Merged(0, duplicate, 0, 0, len(against))
        batch = _Batch(self, columns, keys)
        batch.decide()
        batch.write()
        return Merged(len(rows), duplicate, batch.positives, len(batch.opened), len(against))

    def _fresh(self, columns: Columns, total: int) -> tuple[Sequence[int], list[SetAside]]:
        """The rows whose specimens are not in the record and not earlier in the batch.

        And those whose specimen is, with another result or date: were they taken for duplicates, a positive could be lost.
        """
        fields = columns.fields
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
        located = resolve.located([postcode for postcode in keys.postcodes if postcode])
        homes, found = self.homes, []
        rest: list[int] = []
        for i, postcode in enumerate(keys.postcodes):
            place = located.get(postcode)
            if place is not None and place.kind is Kind.ENGLAND:
                pair = (place.ltla, place.why)
                home = homes.get(pair)
                if home is None:
                    home = homes[pair] = Residence(place.ltla or "", place.utla or "", place.why)
                found.append(home)
            else:
                found.append(_UNKNOWN)
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


NULL = "\\N"
_UNKNOWN = Residence("", "", "")
_FIRST = cases.Open(1, "the first positive known")
_NOBODY = identity.New("nobody known has this NHS number, or this name, birth date and postcode")


class _Opened(NamedTuple):
    """A case that this batch opens: its row, person, row of the batch, episode number and days, and whether to trace."""

    case: int
    person: int
    row: int
    number: int
    traced: bool


class _Batch:
    """The rows of one batch, what was decided of each, and the statements that write it."""

    def __init__(self, merger: Merger, columns: Columns, keys: Keys) -> None:
        self.merger = merger
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
        self.settled: dict[int, tuple[int, int]] = {}
        self.opened: list[_Opened] = []
        self.moved: dict[int, cases.Add] = {}
        self.positives = 0

    def decide(self) -> None:
        """Whose row each is, and which episode a positive belongs to; ids are taken from the sequences in one go."""
        fields, keys = self.fields, self.keys
        known = candidates(zip(fields["nhs_number"], keys.match, strict=True), scope=self.merger.scope)
        positive = [i for i, result in enumerate(fields["result"]) if result == POSITIVE]
        self.positives = len(positive)
        made: dict[int, int] = {}
        if positive:
            self._decide_positives(positive, made, known)
        if known.by_number or known.by_key:
            self._join_known(made, known)

    def _decide_positives(self, positive: list[int], made: dict[int, int], known: Candidates) -> None:
        numbers = self._reserve("people", len(positive))
        for i in positive:
            decision = self._identify(i, known)
            if isinstance(decision, identity.Same):
                person = self.person[i] = decision.person
                if person in made and person not in known.details:
                    known.details[person] = self._details(made[person])
                self._adopt_number(i, person, known)
            else:
                person = self.person[i] = next(numbers)
                made[person] = i
                self.new_people.append((i, person))
                self._remember(i, person, known)
        self._episodes(positive, made, known)

    def _join_known(self, made: dict[int, int], known: Candidates) -> None:
        """Negative and void results join whom they are surely about, if known by then, and create nobody."""
        by_number, by_key = known.by_number, known.by_key
        rows = zip(self.fields["nhs_number"], self.keys.match, self.fields["result"], strict=True)
        perhaps = [
            i
            for i, (number, key, result) in enumerate(rows)
            if (number in by_number or key in by_key) and result != POSITIVE
        ]
        for i in perhaps:
            decision = self._identify(i, known)
            if isinstance(decision, identity.Same) and made.get(decision.person, -1) < i:
                self.person[i] = decision.person

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
            by_number=known.by_number.get(number) if number else None,
            by_details=known.by_key.get(key, ()) if key else (),
        )

    def _remember(self, i: int, person: int, known: Candidates) -> None:
        """A person created by this batch is known to the rows after."""
        number, key = self.fields["nhs_number"][i], self.keys.match[i]
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
            self.changed[person] = known.details[person]

    def _reserve(self, table: str, count: int) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT nextval('{table}_id_seq') FROM generate_series(1, %s)", [count])
            return iter([row[0] for row in cursor.fetchall()])

    def _episodes(self, positive: list[int], made: dict[int, int], known: Candidates) -> None:
        fields = self.fields
        held = episodes(
            {person for i in positive if (person := self.person[i]) is not None and person not in made},
            scope=self.merger.scope,
        )
        numbers = self._reserve("cases", len(positive))
        reach = self.merger.reinfection_days
        ordinal: dict[str, int] = {}
        for i in positive:
            person = self.person[i]
            assert person is not None
            text = fields["specimen_date"][i]
            day = ordinal.get(text) or ordinal.setdefault(text, date.fromisoformat(text).toordinal())
            mine = held.of[person]
            latest = max([each.last for each in mine]) if mine else day
            decision = cases.decide(day, mine, reach) if mine else _FIRST
            if isinstance(decision, cases.Open):
                case = next(numbers)
                mine.append(cases.Episode(case, decision.number, day, day))
                self.opened.append(_Opened(case, person, i, decision.number, person not in held.traced))
                held.traced.add(person)
                self.case[i] = case
            else:
                self.case[i] = decision.episode.id
                if (decision.first, decision.last) != (decision.episode.first, decision.episode.last):
                    mine[mine.index(decision.episode)] = decision.episode._replace(
                        first=decision.first, last=decision.last
                    )
                    self.moved[decision.episode.id] = decision
            details = known.details.get(person)
            if details is not None:
                self._learn(i, person, details, known, older=day < latest)

    def _learn(self, i: int, person: int, held: Details, known: Candidates, *, older: bool) -> None:
        """What a row tells of somebody known; what it leaves empty tells nothing, an older one moves nobody back."""
        told = self._details(i)
        if older:
            now = Details._make(old or new for new, old in zip(told, held, strict=True))
            if held.postcode:
                now = now._replace(address=held.address, postcode=held.postcode, gp_postcode=held.gp_postcode)
        else:
            now = Details._make(new or old for new, old in zip(told, held, strict=True))
        if now == held:
            return
        self.changed[person] = known.details[person] = now
        if now.postcode != held.postcode:
            number = self.fields["nhs_number"][i]
            who = known.by_number.get(number) or next(
                each for each in known.by_key[self.keys.match[i]] if each.id == person
            )
            self.settled[person] = (i, identity.match_key(who.name, who.birth_date, now.postcode))

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

    # Writing. Text COPY to staging: what was validated as text is sent as text.

    def write(self) -> None:
        self._stage()
        merger = self.merger
        with connection.cursor() as cursor:
            if self.new_people:
                cursor.execute(_INSERT_PEOPLE, [merger.now, merger.now])
            if self.opened:
                cursor.execute(_INSERT_CASES, [merger.now] * 4)
                if not all(case.traced for case in self.opened):
                    cursor.execute(_PURSUE)
            cursor.execute(_INSERT_RESULTS, [merger.delivery, merger.now])
            if self.moved:
                self._move_episodes(cursor)
            if self.changed:
                self._change_people(cursor)
            cursor.execute("TRUNCATE stage_results, stage_people, stage_cases")

    def _stage(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_STAGING)
            f, keys = self.fields, self.keys
            result_columns = (
                map(str, self.numbers),
                _safe(f["laboratory"]),
                _safe(f["specimen_id"]),
                _safe(f["test_type"]),
                f["result"],
                f["specimen_date"],
                f["report_date"],
                keys.postcodes,
                keys.gp_postcodes,
                [home.ltla for home in self.homes],
                f["sex"],
                map(str, f["age"]),
                ["t" if each else "f" for each in f["care_home"]],
                [NULL if each is None else str(each) for each in self.person],
                [NULL if each is None else str(each) for each in self.case],
            )
            _copy(cursor, "stage_results", map("\t".join, zip(*result_columns, strict=True)))
            if self.new_people:
                at = [i for i, _ in self.new_people]
                pick = lambda name: _safe([f[name][i] for i in at])  # noqa: E731
                homes = [self.homes[i].utla or placing.NOWHERE for i in at]
                people_columns = (
                    [str(person) for _, person in self.new_people],
                    [f["nhs_number"][i] or NULL for i in at],
                    [str(keys.match[i]) for i in at],
                    pick("given_name"),
                    pick("family_name"),
                    pick("birth_date"),
                    pick("sex"),
                    pick("ethnicity"),
                    pick("phone"),
                    pick("phone_other"),
                    pick("email"),
                    pick("address"),
                    [keys.postcodes[i] for i in at],
                    [keys.gp_postcodes[i] for i in at],
                    ["t" if f["care_home"][i] else "f" for i in at],
                    [_null(keys.households[i]) for i in at],
                    homes,
                )
                _copy(cursor, "stage_people", map("\t".join, zip(*people_columns, strict=True)))
            if self.opened:
                _copy(cursor, "stage_cases", self._case_rows())

    def _case_rows(self) -> Iterator[str]:
        f, keys, moved = self.fields, self.keys, self.moved
        traces = self._reserve("traces", len(self.opened))
        tails: dict[Residence, str] = {}
        urgency: dict[tuple[bool, int], int] = {}
        for case, person, i, number, traced in self.opened:
            home = self.homes[i]
            tail = tails.get(home)
            if tail is None:
                tail = tails[home] = self._placed(home)
            first = last = f["specimen_date"][i]
            if case in moved:
                first, last = (date.fromordinal(day).isoformat() for day in (moved[case].first, moved[case].last))
            care_home, age = f["care_home"][i], f["age"][i]
            first_called = urgency.get((care_home, age))
            if first_called is None:
                first_called = urgency[care_home, age] = placing.priority(care_home=care_home, age=age)
            trace = next(traces)
            household = keys.households[i]
            yield (
                f"{case}\t{person}\t{number}\t{first}\t{last}\t{home.utla}\t{home.ltla}\t{keys.postcodes[i]}\t"
                f"{'t' if care_home else 'f'}\t{trace if traced else NULL}\t{reference(trace)}\t"
                f"{f['phone'][i] or f['phone_other'][i]}\t{NULL if household is None else household}\t{first_called}\t{tail}"
            )

    def _placed(self, home: Residence) -> str:
        placed = self.merger.placement(home)
        return "\t".join(
            (
                str(placed.team),
                placed.area,
                _null(placed.national_team),
                *_safe([placed.why]),
                placed.due_at.isoformat(),
                *_safe([placed.due_why]),
                _null(placed.passes_to),
            )
        )

    def _move_episodes(self, cursor: Any) -> None:
        opened = {case.case for case in self.opened}
        moved = [(case, add) for case, add in self.moved.items() if case not in opened]
        if moved:
            # Another reader may have moved it too, since it was read.
            cursor.execute(
                "UPDATE cases SET first_specimen_date = least(first_specimen_date, m.first),"
                " last_positive_date = greatest(last_positive_date, m.last), updated_at = %s"
                " FROM unnest(%s::bigint[], %s::date[], %s::date[]) AS m (id, first, last) WHERE cases.id = m.id",
                [
                    self.merger.now,
                    [case for case, _ in moved],
                    [date.fromordinal(add.first) for _, add in moved],
                    [date.fromordinal(add.last) for _, add in moved],
                ],
            )

    def _change_people(self, cursor: Any) -> None:
        """The newest details of people known before, their trace's number, and where they live now."""
        people = list(self.changed)
        nowhere = (0, 0)
        cursor.execute(
            _CHANGE_PEOPLE,
            [
                self.merger.now,
                people,
                *(list(column) for column in zip(*self.changed.values(), strict=True)),
                [identity.household_key(each.address, each.postcode) for each in self.changed.values()],
                [self.settled.get(person, nowhere)[1] for person in people],
                [self.adopted.get(person, "") for person in people],
            ],
        )
        cursor.execute(_TELL_TRACES, [people])
        homes = [(person, self.homes[i].utla) for person, (i, _) in self.settled.items() if self.homes[i].utla]
        if homes:
            ids, areas = [person for person, _ in homes], [area for _, area in homes]
            cursor.execute(_LEAVE, [self.merger.now, ids, areas, self.merger.now])
            cursor.execute(_ARRIVE, [self.merger.now, ids, areas])


_CHANGE_PEOPLE = """
UPDATE people SET phone = c.phone, phone_other = c.phone_other, email = c.email,
    address = c.address, postcode = c.postcode, gp_postcode = c.gp_postcode, ethnicity = c.ethnicity, care_home = c.care_home,
    household = c.household, match_key = coalesce(nullif(c.match_key, 0), people.match_key),
    nhs_number = coalesce(people.nhs_number, nullif(c.nhs_number, '')), updated_at = %s
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::boolean[], %s::bigint[], %s::bigint[], %s::text[])
    AS c (id, phone, phone_other, email, address, postcode, gp_postcode, ethnicity, care_home, household, match_key,
        nhs_number)
WHERE people.id = c.id
"""

# A number learnt late is the one to call; who has the trace open at this moment is not disturbed.
_TELL_TRACES = """
UPDATE traces t SET phone = CASE WHEN t.phone = '' THEN coalesce(nullif(p.phone, ''), p.phone_other) ELSE t.phone END,
    household = coalesce(p.household, t.household), version = t.version + 1
FROM people p
WHERE p.id = ANY(%s) AND t.person_id = p.id AND t.closed_at IS NULL AND t.claimed_by IS NULL
    AND (t.phone = '' AND (p.phone <> '' OR p.phone_other <> '') OR t.household IS DISTINCT FROM p.household)
"""

# A move ends one standing and begins another. Where a case was opened or is traced, they still know whom they call.
_LEAVE = """
WITH left_behind AS (
    UPDATE standings s SET until_at = %s FROM unnest(%s::bigint[], %s::text[]) AS h (person, area)
    WHERE s.person_id = h.person AND s.why = 'lives' AND s.area <> h.area AND s.until_at IS NULL
    RETURNING s.person_id, s.area
)
INSERT INTO standings (person_id, area, why, from_at)
SELECT l.person_id, l.area, 'lived', %s FROM left_behind l
WHERE EXISTS (SELECT 1 FROM cases c WHERE c.person_id = l.person_id AND c.authority = l.area)
    OR EXISTS (SELECT 1 FROM traces t WHERE t.person_id = l.person_id AND t.area = l.area AND t.closed_at IS NULL)
ON CONFLICT (person_id, area, why, from_at) DO NOTHING
"""

# Moved away and back within one delivery: the standing goes on.
_ARRIVE = """
INSERT INTO standings (person_id, area, why, from_at)
SELECT h.person, h.area, 'lives', %s FROM unnest(%s::bigint[], %s::text[]) AS h (person, area)
WHERE NOT EXISTS (SELECT 1 FROM standings s WHERE s.person_id = h.person AND s.area = h.area AND s.why = 'lives'
    AND s.until_at IS NULL)
ON CONFLICT (person_id, area, why, from_at) DO UPDATE SET until_at = NULL
"""


def _null(value: int | None) -> str:
    return NULL if value is None else str(value)


def _safe(column: list[str]) -> list[str]:
    """Text for COPY. Readers have turned tabs and line ends into spaces; only the backslash means something to it."""
    if any("\\" in text for text in column):
        return [text.replace("\\", "\\\\") for text in column]
    return column


def _copy(cursor: Any, table: str, lines: Iterable[str]) -> None:
    text = "\n".join(lines) + "\n"  # before the COPY begins: making the lines may ask the database for numbers
    with cursor.copy(f"COPY {table} FROM STDIN") as copy:
        copy.write(text)


# A few thousand rows against millions: by the index, row by row, whatever the statistics of staging or of a table that was
# empty a moment ago make the planner believe.
_BY_INDEX = (
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),"
    " set_config('enable_mergejoin', 'off', true)"
)

_STAGING = """
CREATE TEMPORARY TABLE IF NOT EXISTS stage_results (
    row_number bigint, laboratory text, specimen_id text, test_type text, result text, specimen_date date,
    report_date date, postcode text, gp_postcode text, authority text, sex text, age smallint, care_home boolean,
    person_id bigint, case_id bigint);
CREATE TEMPORARY TABLE IF NOT EXISTS stage_people (
    id bigint, nhs_number text, match_key bigint, given_name text, family_name text, birth_date date, sex text,
    ethnicity text, phone text, phone_other text, email text, address text, postcode text, gp_postcode text,
    care_home boolean, household bigint, area text);
CREATE TEMPORARY TABLE IF NOT EXISTS stage_cases (
    id bigint, person_id bigint, episode smallint, first date, last date, authority text, ltla text, postcode text,
    care_home boolean, trace_id bigint, ref text, phone text, household bigint, priority smallint, team_id bigint,
    area text, national_team_id bigint, why text, due_at timestamptz, due_why text, passes_to_id bigint);
"""

_INSERT_PEOPLE = """
WITH added AS (
    INSERT INTO people (id, nhs_number, match_key, given_name, family_name, birth_date, sex, ethnicity, phone, phone_other,
        email, address, postcode, gp_postcode, care_home, household, updated_at)
    SELECT id, nhs_number, match_key, given_name, family_name, birth_date, sex, ethnicity, phone, phone_other,
        email, address, postcode, gp_postcode, care_home, household, %s FROM stage_people
)
INSERT INTO standings (person_id, area, why, from_at) SELECT id, area, 'lives', %s FROM stage_people
"""

_INSERT_CASES = """
WITH added AS (
    INSERT INTO cases (id, person_id, episode, first_specimen_date, last_positive_date, authority, ltla, postcode, care_home,
        opened_at, updated_at)
    SELECT id, person_id, episode, first, last, authority, ltla, postcode, care_home, moment, moment
    FROM stage_cases, (SELECT %s::timestamptz AS moment) m
), traced AS (
    INSERT INTO traces (id, ref, shard, reason, person_id, case_id, authority, team_id, area, national_team_id, passes_to_id,
        owned_since, created_at, why, priority, due_at, due_why, queued, phone, household)
    SELECT c.trace_id, c.ref, CASE WHEN t.queue_shards = 1 THEN 0 ELSE c.trace_id %% t.queue_shards END, 'case', c.person_id,
        c.id, c.authority, c.team_id, c.area, c.national_team_id, c.passes_to_id, %s, %s, c.why, c.priority, c.due_at,
        c.due_why, true, c.phone, c.household
    FROM stage_cases c JOIN teams t ON t.id = c.team_id WHERE c.trace_id IS NOT NULL
)
INSERT INTO audit.events (at, scope, verb, person_id, trace_id, team_id, area, detail)
SELECT %s, 'intake', 'case.opened', person_id, trace_id, team_id, area, NULL FROM stage_cases
"""

# A trace is open for the person already: it goes on, now for this episode.
_PURSUE = """
UPDATE traces t SET case_id = c.id, version = t.version + 1 FROM stage_cases c
WHERE c.trace_id IS NULL AND t.person_id = c.person_id AND t.reason = 'case' AND t.closed_at IS NULL
"""

_INSERT_RESULTS = """
INSERT INTO results (delivery_id, row_number, laboratory, specimen_id, test_type, result, specimen_date, report_date,
    postcode, gp_postcode, authority, sex, age, care_home, person_id, case_id, recorded_at)
SELECT %s, row_number, laboratory, specimen_id, test_type, result, specimen_date, report_date, postcode, gp_postcode,
    authority, sex, age, care_home, person_id, case_id, %s
FROM stage_results
"""
