"""What cases say in interviews: who lives with them, whom they met, and where they were; drawn once for each trace.

Shares are made up so that every page has something to show: about one interview in three names somebody outside the home.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from ringfence.rules.calendar import DAY, london_date
from ringfence.simulation.linelists import FAMILY, GIVEN, NUMBERS, drama_number

#: How long before the end of a play interviews begin, and the share of those reached who are asked everything.
WITHIN = timedelta(days=2.5)
SHARE = 0.5

#: The share of them who ask for help with staying at home, and what with.
HELPED = 0.15
NEEDS = ("food", "food", "medicine", "money", "care")

#: (names, kind, category) of places that several cases of an authority name; each authority's has one of the names.
PLACES = (
    (("Canal Street Mill", "Albion Works", "Wharf Lane Depot"), "workplace", "work"),
    (("St Anne's Primary School", "Hill Top Primary School", "Meadow Lane School"), "school", "education"),
    (("Northgate Bakery", "Station Road Stores", "Market Hall Grocers"), "shop", "shopping"),
    (("Riverside Gym", "Park Lane Sports Centre", "The Climbing Barn"), "leisure", "sport"),
    (("The Weaver's Arms", "The Railway Inn", "Luigi's Kitchen"), "hospitality", "eating_out"),
)


class Case(NamedTuple):
    """A case as a play knows it: where the authority is, one postcode of the person's, the day of the specimen."""

    authority: str
    postcode: str
    specimen: date


class Town:
    """The places of one authority: each at the postcode of the first ones met there."""

    def __init__(self, authority: str) -> None:
        draws = Random(f"places {authority}")
        self._called = [(draws.choice(names), kind, category) for names, kind, category in PLACES]
        self.postcodes: list[str] = []

    def meet(self, postcode: str) -> None:
        """Learn of a postcode, for as long as a place has none."""
        if postcode and len(self.postcodes) < len(PLACES) and postcode not in self.postcodes:
            self.postcodes.append(postcode)

    @property
    def places(self) -> Sequence[tuple[str, str, str, str]]:
        return [(*place, postcode) for place, postcode in zip(self._called, self.postcodes, strict=False)]


def answers(seed: str, case: Case, town: Town, now: datetime) -> dict[str, Any] | None:
    """The answers of one interview, as a tracer types them; None for somebody who is not asked everything."""
    draws = Random(f"interview {seed}")
    if draws.random() > SHARE:
        return None
    today = london_date(now)
    said: dict[str, Any] = {"has_symptoms": "no"}
    if draws.random() < 0.7:
        said = {"has_symptoms": "yes", "onset_date": min(today, case.specimen - DAY * draws.randrange(4)).isoformat()}
    family = draws.choice(FAMILY)
    entries = [_home(draws, family, number, today) for number in range(draws.choice((0, 0, 1, 1, 2, 3)))]
    entries += [_met(draws, number, case, today) for number in range(draws.choice((0, 0, 0, 1, 2)))]
    if entries:
        said["contacts"] = entries
    places = draws.sample(town.places, min(len(town.places), draws.choice((0, 1, 1, 2))))
    if places:
        said["places"] = [_place(draws, number, place, case) for number, place in enumerate(places)]
    said["needs_help"] = "yes" if draws.random() < HELPED else "no"
    if said["needs_help"] == "yes":
        said["support"] = [draws.choice(NEEDS)]
    return said


def _home(draws: Random, family: str, number: int, today: date) -> dict[str, Any]:
    child = draws.random() < 0.3
    return {
        "id": f"home-{number}",
        "given_name": draws.choice(GIVEN),
        "family_name": family,
        "relation": "household",
        "adult": "no" if child else "yes",
        "last_contact": today.isoformat(),
        "spoken_for": "yes" if child or draws.random() < 0.4 else "no",
    }


def _met(draws: Random, number: int, case: Case, today: date) -> dict[str, Any]:
    return {
        "id": f"met-{number}",
        "given_name": draws.choice(GIVEN),
        "family_name": draws.choice(FAMILY),
        "relation": draws.choice(("close", "work", "other")),
        "adult": "yes",
        "phone": drama_number(draws.randrange(NUMBERS)),
        "last_contact": min(today, case.specimen + DAY * draws.randrange(-1, 3)).isoformat(),
    }


def _place(draws: Random, number: int, place: tuple[str, str, str, str], case: Case) -> dict[str, Any]:
    name, kind, category, postcode = place
    first = case.specimen - DAY * draws.randrange(1, 7)
    return {
        "id": f"place-{number}",
        "name": name,
        "kind": kind,
        "category": category,
        "postcode": postcode,
        "from": first.isoformat(),
        "until": first.isoformat(),
    }
