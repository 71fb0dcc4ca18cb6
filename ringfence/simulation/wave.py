"""How many positives there are, where and when: a wave over England's authorities, drawn by seed.

Made up, to have something to see; not a model of any epidemic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import accumulate
from random import Random
from typing import NamedTuple

from ringfence.geography.atlas import Area

#: Fewer people are tested at the weekend: the share of an ordinary day, Monday first.
WEEKDAYS = (1.1, 1.05, 1.0, 1.0, 0.95, 0.8, 0.75)


class Growth(NamedTuple):
    """An authority's own course: its rate on the first day, as a multiple of England's, and its growth a day."""

    level: float
    daily: float


class Drawn(NamedTuple):
    """One positive: the lower-tier authority of the person, and the place of its moment among those given."""

    authority: str
    slot: int


def draw(
    areas: Sequence[Area], days: Sequence[date], count: int, *, seed: int, growing: Mapping[str, Growth]
) -> list[Drawn]:
    """``count`` positives over the lower-tier ``areas`` and the slots whose day is in ``days``, in order of slot.

    By population, by the growth that ``growing`` gives an area (by code), and elsewhere by one drawn between a gentle
    fall and a gentle rise.
    """
    random = Random(f"wave {seed}")
    cells: list[Drawn] = []
    weights: list[float] = []
    first = min(days)
    for area in areas:
        course = growing.get(area.code) or Growth(random.uniform(0.2, 0.5), random.uniform(-0.04, 0.05))
        for slot, day in enumerate(days):
            cells.append(Drawn(area.code, slot))
            weights.append(
                (area.population or 50_000)
                * course.level
                * math.exp(course.daily * (day - first).days)
                * WEEKDAYS[day.weekday()]
            )
    drawn = random.choices(cells, cum_weights=list(accumulate(weights)), k=count)
    return sorted(drawn, key=lambda each: each.slot)
