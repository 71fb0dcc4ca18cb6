"""People who do not exist: at real postcodes, with numbers that nobody can be reached by.

NHS numbers are from the test range 999, which is never issued. Telephone numbers are from the ranges that Ofcom keeps
for drama: about fourteen thousand of them for England. E-mail addresses end in example.com.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from ringfence.simulation.linelists import (
    ETHNICITIES,
    FAMILY,
    GIVEN,
    NUMBERS,
    STREETS,
    TEST_NUMBERS,
    drama_number,
    test_number,
)

#: Shares of the population, England, mid-2019, rounded: under 18, to 79, from 80.
AGES = ((0, 18, 0.21), (18, 80, 0.74), (80, 100, 0.05))

#: Households are remembered for so long as their latest so many; a second case in one is usually found within days.
REMEMBERED = 12


class Resident(NamedTuple):
    """The columns of a line list that are about the person, in its order (``linelists.HEADER``)."""

    nhs_number: str
    given_name: str
    family_name: str
    birth_date: str
    sex: str
    phone: str
    phone_other: str
    email: str
    address: str
    postcode: str
    gp_postcode: str
    ethnicity: str
    care_home: str


class _Household(NamedTuple):
    address: str
    postcode: str
    family_name: str
    phone: str


class People:
    """Makes residents, one after the other, the same ones for the same seed.

    ``homes`` gives postcodes of each lower-tier authority; ``first`` is the first NHS number of the test range to use.
    When that is used up, people have none. ``together`` is the share that lives with somebody made shortly before.
    """

    def __init__(self, homes: Mapping[str, Sequence[str]], *, seed: int, first: int = 0, together: float = 0.3) -> None:
        self.homes = homes
        self.random = Random(seed)
        self.next = first
        self.together = together
        self.made = 0
        self._households: dict[str, list[_Household]] = {}

    def resident(self, authority: str, on: date) -> Resident:
        """Somebody new who lives in the authority on a day."""
        random = self.random
        number = test_number(self.next) if self.next < TEST_NUMBERS and random.random() < 0.97 else ""
        self.next += 1
        self.made += 1
        given = random.choice(GIVEN)
        home = self._home(authority, random)
        family = home.family_name if random.random() < 0.8 else random.choice(FAMILY)
        age_from, age_to, _ = random.choices(AGES, [share for _, _, share in AGES])[0]
        born = on - timedelta(days=random.randrange(age_from * 365 + 30, age_to * 365))
        reachable = random.random()
        own = drama_number(random.randrange(NUMBERS))
        # The share without any telephone is that of cases without contact details: 1 to 2.5 in a hundred.
        phone = "" if reachable < 0.018 else home.phone
        other = own if reachable > 0.75 else ""
        email = f"{given}.{family}{self.made}@example.com".lower().replace("'", "") if reachable > 0.25 else ""
        old = on.year - born.year >= 80
        return Resident(
            number,
            given,
            family,
            born.isoformat(),
            random.choice("MF"),
            phone,
            other,
            email,
            home.address,
            home.postcode,
            home.postcode if random.random() < 0.9 else random.choice(self.homes[authority]),
            random.choice(ETHNICITIES),
            "Y" if old and random.random() < 0.3 else "N",
        )

    def _home(self, authority: str, random: Random) -> _Household:
        known = self._households.setdefault(authority, [])
        if known and random.random() < self.together:
            return random.choice(known)
        home = _Household(
            f"{random.randrange(1, 240)} {random.choice(STREETS)}",
            random.choice(self.homes[authority]),
            random.choice(FAMILY),
            drama_number(self.made),
        )
        known.append(home)
        if len(known) > REMEMBERED:
            known.pop(0)
        return home
