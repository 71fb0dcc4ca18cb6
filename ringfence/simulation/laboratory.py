"""Laboratories that send line lists about people who do not exist, through the same door as real ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random

from ringfence.actions import intake
from ringfence.actions.intake import Receipt
from ringfence.rules.access import system_scope
from ringfence.rules.calendar import london_date
from ringfence.simulation import linelists
from ringfence.simulation.people import People, Resident

INTAKE = system_scope("intake")

#: Every simulated source begins so; what does not came from somewhere real.
PREFIX = "Exercise: "

#: Tests with another result for each positive one: about six in a hundred are positive.
OTHERS = 15

#: The share of positives whose person is tested again within days: the result joins the episode that is open.
AGAIN = 0.01

#: The share of positives that come without a postcode that can be read: they go to the national pool.
NOWHERE = 0.008

#: The share of rows that a laboratory gets wrong.
DIRT = 0.0025


class Laboratory:
    """One laboratory: who was tested, and its line lists. The same seed gives the same lists."""

    def __init__(self, name: str, people: People, others: People, *, seed: int) -> None:
        self.name = name
        self.people = people
        self.others = others
        self.random = Random(f"{name} {seed}")
        self.sent = 0
        self._seed = seed
        self._known: list[Resident] = []

    @property
    def source(self) -> str:
        """The name that the delivery is received under."""
        return PREFIX + self.name

    def line_list(
        self,
        positives: Sequence[str],
        now: datetime,
        *,
        others: float = OTHERS,
        again: float = AGAIN,
        dirt: float = DIRT,
    ) -> bytes:
        """A list as it is sent at ``now``: a row for somebody in each authority of ``positives``, and ``others`` times
        as many negative and void ones, about the same authorities."""
        random = self.random
        today = london_date(now)
        rows: list[tuple[str, ...]] = []
        for authority in positives:
            if self._known and random.random() < again:
                rows.append(self._row(random.choice(self._known), "Positive", today))
            person = self.people.resident(authority, today)
            if random.random() < NOWHERE:
                person = person._replace(postcode=random.choice(("", "ZZ99 3VZ", "unknown")), gp_postcode="")
            self._known.append(person)
            rows.append(self._row(person, "Positive", today))
        for _ in range(int(len(positives) * others)):
            known = self._known and random.random() < 0.004
            person = random.choice(self._known) if known else self.others.resident(random.choice(positives), today)
            rows.append(self._row(person, "Void" if random.random() < 0.006 else "Negative", today))
        self._known = self._known[-400:]
        random.shuffle(rows)
        rows = [self._spoilt(row) if random.random() < dirt else row for row in rows]
        return b"".join(linelists.text(iter(rows)))

    def _row(self, person: Resident, result: str, today: date) -> tuple[str, ...]:
        self.sent += 1
        taken = today - timedelta(days=self.random.choice((0, 1, 1, 1, 2, 2)))
        number = f"{self.name[:1]}{self._seed}-{self.sent:07}"
        kind = "PCR" if self.random.random() < 0.9 else "LFD"
        return (number, *person, kind, taken.isoformat(), today.isoformat(), result, self.name)

    def _spoilt(self, row: tuple[str, ...]) -> tuple[str, ...]:
        """The row with one of the mistakes that laboratories make, which sets it aside."""
        spoilt = list(row)
        place = {name: at for at, name in enumerate(linelists.HEADER)}
        match self.random.randrange(4):
            case 0:
                spoilt[place["NHS number"]] = "9990000001"
            case 1:
                spoilt[place["Result"]] = "See comment"
            case 2:
                spoilt[place["Date of birth"]] = "31/02/1980"
            case _:
                spoilt[place["Specimen date"]] = ""
        return tuple(spoilt)

    def send(self, content: bytes, now: datetime, filename: str = "") -> Receipt:
        """Deliver a list, and have it read."""
        name = filename or f"{self.name.lower().replace(' ', '-')}-{now:%Y%m%d-%H%M}.csv"
        received = intake.receive(stream=[content], source=self.source, filename=name, by=INTAKE, now=now)
        return intake.process(delivery=received.ref, by=INTAKE, now=now)
