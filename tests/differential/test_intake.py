"""The whole record after several deliveries is what slow, obvious Python makes of the same rows, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ringfence.accounts import walls
from ringfence.actions import reading
from ringfence.queries.policy import authority_teams
from ringfence.rules.allocation import NOWHERE, Owned, Placement, Residence, place, priority, relocate
from ringfence.rules.handover import TeamKind
from ringfence.rules.identity import name_key
from ringfence.rules.places import Authority, authority, canonical, locate
from ringfence.rules.results import Rejected, Result, read_row
from ringfence.simulation.linelists import test_number as number_of
from tests.database import POSTCODES
from tests.deliveries import HEADER, NOW, deliver, problems, record, select, sheet
from tests.examples import examples
from tests.town import BLACKBURN, ENGLAND, HOUR, INTAKE, LEICESTER, LUTON, Town

REINFECTION = 90
ON = NOW.date().isoformat()
FIELD = {
    "specimen_id": "Specimen ID",
    "nhs_number": "NHS number",
    "given_name": "Given name",
    "family_name": "Family name",
    "birth_date": "Date of birth",
    "phone": "Phone",
    "email": "E-mail",
    "address": "Address",
    "postcode": "Postcode",
    "care_home": "Care home",
    "specimen_date": "Specimen date",
    "result": "Result",
}
AREAS: dict[str, Authority] = {
    BLACKBURN: authority(BLACKBURN, "Blackburn with Darwen"),
    LUTON: authority(LUTON, "Luton"),
    LEICESTER: authority(LEICESTER, "Leicester"),
}

ROW = st.fixed_dictionaries(
    {
        "Specimen ID": st.sampled_from([*(f"S{n}" for n in range(60)), ""]),
        "NHS number": st.sampled_from([*map(number_of, (0, 1, 0, 1, 2)), "", "", "", "9990000019"]),
        "Given name": st.sampled_from(["Ann", "ann", "Bob"]),
        "Family name": st.sampled_from(["Lee", "LEE", "O'Neil", "Lee", ""]),
        "Date of birth": st.sampled_from(["1985-03-04", "04/03/1985", "1940-12-31", ""]),
        "Phone": st.sampled_from(["", "", "07700 900001", "07700 900002"]),
        "E-mail": st.sampled_from(["", "ann@example.org"]),
        "Address": st.sampled_from(["", "1 High Street", "2 High Street"]),
        "Postcode": st.sampled_from([*POSTCODES, "bb11aa", "", "LU1 9ZZ"]),
        "Care home": st.sampled_from(["N", "N", "Y"]),
        "Specimen date": st.sampled_from(
            "2026-03-01 2026-05-30 2026-06-15 2026-08-28 2026-11-13 2026-11-14 2026-11-15 2026-12-25".split()
        ),
        "Result": st.sampled_from([*["Positive"] * 6, "Negative", "Negative", "Void", "?"]),
    }
)
#: Few people who move and are spelt otherwise, with and without their numbers: who is who depends on every row before.
MOVING = st.tuples(
    st.sampled_from([number_of(0), number_of(0), number_of(1), "", ""]),
    st.sampled_from(["Ann", "Ann", "Bob"]),
    st.sampled_from(["BB1 1AA", "LU1 1AA", "LE1 1AA"]),
    st.sampled_from(["2026-06-15", "2026-11-13", "2026-11-14"]),
    st.sampled_from(["Positive", "Positive", "Positive", "Negative"]),
)


def moving(lists: list[list[tuple[str, ...]]]) -> list[list[dict[str, str]]]:
    names = "NHS number", "Given name", "Postcode", "Specimen date", "Result"
    same = {"Family name": "Lee", "Date of birth": "1985-03-04"}
    numbers = iter(range(1000))
    return [
        [{"Specimen ID": f"M{next(numbers)}", **same, **dict(zip(names, row, strict=True))} for row in rows]
        for rows in lists
    ]


ONE, OLD, NEW, ON_DAY = number_of(0), "BB1 1AA", "LU1 1AA", "2026-11-14"
#: Ann, known by number, moves; without it, she is then known at the new postcode and no more at the old one.
MOVED = moving(
    [
        [(ONE, "Ann", OLD, ON_DAY, "Positive")],
        [
            (ONE, "Ann", NEW, ON_DAY, "Positive"),
            ("", "Ann", NEW, ON_DAY, "Positive"),
            ("", "Ann", OLD, ON_DAY, "Positive"),
        ],
    ]
)
#: The row by which she moves spells her otherwise, so that no other row has the key that she has from then on.
MOVED_AND_SPELT = moving(
    [
        [(ONE, "Ann", OLD, ON_DAY, "Positive")],
        [(ONE, "Bob", NEW, ON_DAY, "Positive"), ("", "Ann", NEW, ON_DAY, "Negative")],
    ]
)
#: Somebody without a number gets one, and moves; whoever is then without one at the old postcode is somebody else.
NUMBERED_AND_MOVED = [
    ("", "Ann", OLD, ON_DAY, "Positive"),
    (ONE, "Ann", OLD, ON_DAY, "Positive"),
    (ONE, "Ann", NEW, ON_DAY, "Positive"),
    ("", "Ann", OLD, ON_DAY, "Positive"),
]

DELIVERIES = st.one_of(
    st.lists(st.lists(ROW, min_size=6, max_size=12), min_size=2, max_size=4),
    st.lists(st.lists(MOVING, min_size=4, max_size=10), min_size=1, max_size=2).map(moving),
)


@dataclass
class Episode:
    number: int
    first: date
    last: date
    home: Residence
    postcode: str


@dataclass
class Traced:
    episode: Episode
    authority: str
    team: int
    priority: int
    due_at: datetime
    phone: str
    opened: datetime
    area: str
    owners: list[int] = field(default_factory=list)


@dataclass
class Somebody:
    given: str
    family: str
    born: str
    number: str
    postcode: str
    phone: str
    email: str
    address: str
    care_home: bool
    made_by: int
    """The row of the present delivery that made them, -1 for an earlier one."""
    lives: str
    episodes: list[Episode] = field(default_factory=list)
    trace: Traced | None = None
    closed: list[Traced] = field(default_factory=list)
    lived: set[str] = field(default_factory=set)
    """Authorities that still know them."""

    @property
    def words(self) -> str:
        return f"{self.given} {self.family} {self.born}"


class Slowly:
    """The record as it should be."""

    def __init__(self, town: Town) -> None:
        self.pool = town.team("pool", ENGLAND)
        self.kinds = {team: TeamKind(kind) for (kind, _), team in town.teams.items()}
        self.people: list[Somebody] = []
        self.results: dict[str, tuple[Result, Somebody | None, Episode | None]] = {}
        self.aside: list[tuple[str, int, str]] = []

    def deliver(self, name: str, rows: Sequence[dict[str, str]], now: datetime) -> None:
        self.now, self.authorities = now, authority_teams(now)
        for person in self.people:
            person.made_by = -1
        settled: dict[int, Residence] = {}
        stayed: set[int] = set()
        changed: list[Somebody] = []
        before = {id(episode) for person in self.people for episode in person.episodes}
        for i, row in self._fresh(name, rows):
            if row.result == "positive":
                self._positive(i, row, self._somebody(i, row), settled, stayed, changed)
            else:
                self.results[row.specimen_id] = row, self._find(row), None
        for person in changed:
            if person.trace is not None and not person.trace.phone:
                person.trace.phone = person.phone
        for at in stayed | settled.keys():
            person = self.people[at]
            if at in settled:
                self._settle(person, settled[at].utla)
            if person.lives != NOWHERE:
                self._follow(person, settled.get(at) or Residence("", person.lives, ""))
            person.lived |= {each.home.utla for each in person.episodes if id(each) not in before and each.home.utla}

    def close(self) -> None:
        """Everybody is reached."""
        for person in self.people:
            if person.trace is not None:
                person.closed.append(person.trace)
                person.trace = None

    def _fresh(self, name: str, rows: Sequence[dict[str, str]]) -> Iterator[tuple[int, Result]]:
        """Rows that can be used and whose specimen is new; the others are set aside, or the same again."""
        for number, told in enumerate(rows, start=2):
            row = read_row(
                {to: told.get(header, "") for to, header in FIELD.items()},
                received_on=self.now.date().isoformat(),
                source="Lab",
            )
            if isinstance(row, Rejected):
                self.aside.append((name, number, row.field))
            elif row.specimen_id not in self.results:
                self.results[row.specimen_id] = row, None, None
                yield number, row
            else:
                held = self.results[row.specimen_id][0]
                if (held.result, held.specimen_date) != (row.result, row.specimen_date):
                    self.aside.append((name, number, "result"))

    def _find(self, row: Result) -> Somebody | None:
        for person in self.people:
            if row.nhs_number and person.number == row.nhs_number:
                return person
        mine = name_key(row.given_name, row.family_name), row.birth_date, canonical(row.postcode) or ""
        if not (row.birth_date and mine[2] and len(mine[0]) >= 3):
            return None
        same = [
            person
            for person in self.people
            if (name_key(person.given, person.family), person.born, person.postcode) == mine
            and not (row.nhs_number and person.number)
        ]
        return next((person for person in same if person.number), same[0] if same else None)

    def _somebody(self, i: int, row: Result) -> Somebody:
        person = self._find(row)
        if person is None:
            person = Somebody(
                row.given_name,
                row.family_name,
                row.birth_date,
                row.nhs_number,
                canonical(row.postcode) or "",
                row.phone,
                row.email,
                row.address,
                row.care_home,
                i,
                self._home(row).utla or NOWHERE,
            )
            self.people.append(person)
        person.number = person.number or row.nhs_number
        return person

    def _home(self, row: Result) -> Residence:
        return self._at(canonical(row.postcode))

    def _at(self, postcode: str | None) -> Residence:
        if postcode is None or postcode not in POSTCODES:
            return Residence("", "", "")
        found = locate(postcode, (POSTCODES[postcode], 0, 0, None), AREAS)  # type: ignore[arg-type]
        return Residence(found.ltla or "", found.utla or "", found.why)

    def _positive(
        self,
        i: int,
        row: Result,
        person: Somebody,
        settled: dict[int, Residence],
        stayed: set[int],
        changed: list[Somebody],
    ) -> None:
        day, home = date.fromisoformat(row.specimen_date), self._home(row)
        known = list(person.episodes)
        latest = max((each.last for each in person.episodes), default=day)
        for episode in sorted(person.episodes, key=lambda each: each.first):
            if (day - episode.first).days >= -REINFECTION and (day - episode.last).days <= REINFECTION:
                episode.first, episode.last = min(episode.first, day), max(episode.last, day)
                break
        else:
            number = max((each.number for each in person.episodes), default=0) + 1
            episode = Episode(number, day, day, home, canonical(row.postcode) or "")
            person.episodes.append(episode)
            if person.trace is None:
                placed = place(home, self.authorities, self.pool, self.now)
                urgency = priority(care_home=row.care_home, age=row.age)
                person.trace = Traced(
                    episode,
                    home.utla,
                    placed.team,
                    urgency,
                    placed.due_at,
                    row.phone,
                    self.now,
                    placed.area,
                    [placed.team],
                )
            elif episode.first > person.trace.episode.first:
                person.trace.episode = episode
        self.results[row.specimen_id] = row, person, episode
        if person.made_by != i:
            self._learn(row, person, home, day < latest, settled, changed)
            if (
                episode.first == episode.last == day
                and episode not in known
                and person.postcode != (canonical(row.postcode) or "")
            ):
                # Where this row opened a case, they do not live: the trace is for those where they do.
                stayed.add(self.people.index(person))

    def _learn(
        self,
        row: Result,
        person: Somebody,
        home: Residence,
        older: bool,
        settled: dict[int, Residence],
        changed: list[Somebody],
    ) -> None:
        """What is not said tells nothing; an older row fills what is empty, and moves nobody."""
        told = {
            "phone": row.phone,
            "email": row.email,
            "address": row.address,
            "postcode": canonical(row.postcode) or "",
            "care_home": row.care_home,
        }
        if older and person.postcode:
            del told["address"], told["postcode"]
        before = person.postcode
        for name, new in told.items():
            held = getattr(person, name)
            setattr(person, name, held or new if older else new or held)
        changed.append(person)
        if person.postcode != before and home.utla:
            settled[self.people.index(person)] = home

    def _settle(self, person: Somebody, area: str) -> None:
        if person.lives != area:
            traced = person.trace is not None and person.trace.area == person.lives
            if traced or any(each.home.utla == person.lives for each in person.episodes):
                person.lived.add(person.lives)
            person.lives = area

    def _follow(self, person: Somebody, home: Residence) -> None:
        trace = person.trace
        if trace is None:
            return
        owned = Owned(trace.authority, trace.team, self.kinds[trace.team], trace.opened, False)
        placed = relocate(owned, home, self.authorities, self.pool, self.now)
        if isinstance(placed, Placement):
            trace.authority, trace.area, trace.team, trace.due_at = home.utla, placed.area, placed.team, placed.due_at
            trace.owners.append(placed.team)

    def record(self) -> dict[str, list[tuple[object, ...]]]:
        """As ``tests.deliveries.record`` has it; of standings who knows whom, and of quarantine the fields."""
        traced = [(e, t, t is e.trace) for e in self.people for t in (*e.closed, e.trace) if t is not None]
        return {
            "people": [
                (e.words, e.number or None, e.postcode, e.phone, e.email, e.address, e.care_home) for e in self.people
            ],
            "results": [
                (
                    "Lab",
                    row.specimen_id,
                    row.result,
                    date.fromisoformat(row.specimen_date),
                    self._home(row).ltla,
                    row.age,
                    person.words if person else None,
                    episode.number if episode else None,
                )
                for row, person, episode in self.results.values()
            ],
            "cases": [
                (e.words, c.number, c.first, c.last, c.home.utla, c.postcode) for e in self.people for c in e.episodes
            ],
            "traces": [
                (e.words, t.episode.number, t.authority, t.team, t.priority, t.due_at, t.phone, is_open)
                for e, t, is_open in traced
            ],
            "quarantines": self.aside,  # type: ignore[dict-item]
            "standings": list({(e.words, area) for e in self.people for area in (e.lives, *e.lived)}),
            "owners": [(len(t.owners) - 1,) for _, t, _ in traced],
        }


def close(now: datetime) -> None:
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE traces SET closed_at = greatest(%s, owned_since), outcome = 'reached', queued = false, reached_at = %s,"
            " reached_by_kind = 'national' WHERE closed_at IS NULL",
            [now, now],
        )


@settings(max_examples=examples(12), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lists=DELIVERIES, large=st.booleans(), closes=st.booleans())
@example(lists=MOVED, large=False, closes=False)
@example(lists=MOVED_AND_SPELT, large=False, closes=False)
@example(lists=MOVED_AND_SPELT, large=True, closes=False)
@example(lists=moving([NUMBERED_AND_MOVED]), large=False, closes=False)
@example(lists=moving([NUMBERED_AND_MOVED[:1], NUMBERED_AND_MOVED[1:]]), large=False, closes=True)
def test_the_record_is_what_one_row_after_the_other_gives(
    town: Town, monkeypatch: pytest.MonkeyPatch, lists: list[list[dict[str, str]]], large: bool, closes: bool
) -> None:
    assert set(FIELD.values()) <= set(HEADER)
    monkeypatch.setattr(reading, "LARGE", 0 if large else 1 << 30)
    sid = transaction.savepoint()
    try:
        slowly = Slowly(town)
        for n, rows in enumerate(lists):
            now = NOW + n * 7 * HOUR
            got = deliver(sheet(*({"Specimen ID": "", **row} for row in rows)), now=now, filename=f"{n}.csv")
            if not got.again:
                slowly.deliver(f"{n}.csv", rows, now)
            if closes:
                close(now)
                slowly.close()
        found, wanted = record(), slowly.record()
        found["quarantines"] = [row[:3] for row in found["quarantines"]]
        found["standings"] = list({(who, area) for who, area, _, now in found["standings"] if now})
        found["owners"] = select("SELECT handovers FROM traces")
        for name, rows_of in wanted.items():
            assert sorted(found[name], key=repr) == sorted(rows_of, key=repr), name
        assert problems() == []
    finally:
        transaction.savepoint_rollback(sid)
