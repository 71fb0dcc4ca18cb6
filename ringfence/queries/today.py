"""An area at a moment: its cases by day with a nowcast, positivity, ages, tracing, and how it stands beside others.

Everything is read from the counts that ``actions.counting`` keeps: the area's own under the reader's ticket, and of other
authorities sums of a week under the figures' scope, small ones left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from django.db import connection

from ringfence.accounts import walls
from ringfence.geography import resolve
from ringfence.geography.atlas import Area
from ringfence.methods import growth as growing
from ringfence.methods.nowcast import nowcast
from ringfence.queries.areas import Day, must_answer_for
from ringfence.rules import figures as rules
from ringfence.rules.access import Scope, system_scope
from ringfence.rules.calendar import london_date
from ringfence.rules.figures import AGES, CURVE_DAYS, INCOMPLETE_DAYS, RECENT_DAYS, TRACED_DAYS, Count, Tests, Tracing

#: From one case's symptoms to those of whom it infected, in days: mean and standard deviation
#: (Nishiura, Linton and Akhmetzhanov 2020, doi 10.1016/j.ijid.2020.02.060).
SERIAL_INTERVAL = (4.7, 2.9)

#: Cases in R's window below which nothing is said: the posterior's coefficient of variation would be over 0.3 (Cori et al. 2013).
ENOUGH = 11

#: Days of which the delay of reports is learnt, and the longest delay looked at.
DELAY_DAYS, LONGEST_DELAY = 28, 14

NEIGHBOURS = 5

STATISTICS = system_scope("statistics")


class Range(NamedTuple):
    """An estimate with its 95 % interval."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Today:
    """The area at a moment, as it was known then.

    ``days``: the curve, its last days not complete. ``expected``: for those days, cases once all are reported.
    ``week`` and ``week_before``: cases of seven complete days. ``ages``: cases of the last 28 days by group (from, to), None
    for an age that is not known. ``tests`` of the same seven days. ``reproduction`` and ``growth`` (a day) end with the last
    complete day; None with too few cases. ``counted_at``: when the counts were last looked after. ``held``: whether anything
    of the area had become known by then.
    """

    area: str
    on: date
    counted_at: datetime | None
    days: tuple[Day, ...]
    expected: Mapping[date, Range]
    week: int
    week_before: int
    cases: int
    care_homes: int
    ages: tuple[tuple[tuple[int, int] | None, int], ...]
    tests: tuple[Tests, ...]
    tracing: Tracing
    reproduction: Range | None
    growth: Range | None
    held: bool = True

    def rate(self, population: int | None) -> float | None:
        """Cases of the last seven complete days per 100,000 residents."""
        return 100_000 * self.week / population if population else None

    @property
    def change(self) -> float | None:
        """Percentage by which the week differs from the one before."""
        return 100 * (self.week - self.week_before) / self.week_before if self.week_before else None

    @property
    def all_tests(self) -> Tests:
        return rules.together(self.tests)

    @property
    def doubling_days(self) -> float | None:
        """Days in which cases double, negative those in which they halve; None when it cannot be told that they do either."""
        if self.growth is None or self.growth.lower <= 0 <= self.growth.upper:
            return None
        return float(np.log(2) / self.growth.value)

    @property
    def growth_percent(self) -> Range | None:
        """By how many per cent cases grow from one day to the next; ``growth`` is the logarithm of that factor."""
        if self.growth is None:
            return None
        return Range(
            *(100 * float(np.expm1(each)) for each in (self.growth.value, self.growth.lower, self.growth.upper))
        )


_COUNTED = """
SELECT measure, on_date, CASE WHEN measure = 'cases' THEN known_on END, sum(count) FROM area_days
WHERE area = %(area)s AND on_date BETWEEN %(since)s AND %(until)s AND known_on <= %(known)s
GROUP BY 1, 2, 3
"""

_HELD = "SELECT EXISTS (SELECT FROM area_days WHERE area = %s AND known_on <= %s)"

_COUNTED_AT = "SELECT max(at) FROM marks WHERE key = 'count_tracing'"


def today(*, scope: Scope, area: str, now: datetime, on: date | None = None) -> Today:
    """The area now, or as it was known at the end of the day ``on``. Raises Refused, NotFound."""
    must_answer_for(scope, area, "area")
    until = london_date(now) if on is None else min(on, london_date(now))
    since = until - timedelta(days=CURVE_DAYS - 1)
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(_COUNTED, {"area": area, "since": since, "until": until, "known": until})
        rows: list[Any] = cursor.fetchall()
        cursor.execute(_COUNTED_AT)
        (counted_at,) = cursor.fetchone() or (None,)
        held = on is None or bool(rows)
        if not held:
            cursor.execute(_HELD, [area, until])
            (held,) = cursor.fetchone()
    return replace(figures(area, rows, until, counted_at), held=held)


def figures(
    area: str, rows: Sequence[tuple[str, date, date | None, int]], until: date, counted_at: datetime | None = None
) -> Today:
    """The figures of counts: measure, day, of cases the day that they became known, how many."""
    since = until - timedelta(days=CURVE_DAYS - 1)
    cases: dict[date, int] = dict.fromkeys((since + timedelta(days=n) for n in range(CURVE_DAYS)), 0)
    for measure, day, _, count in rows:
        if measure == rules.CASES:
            cases[day] += count
    counts = [Count(measure, day, count) for measure, day, known, count in rows if known is None]
    last = until - timedelta(days=INCOMPLETE_DAYS)
    week_from, recent_from = last - timedelta(days=6), until - timedelta(days=RECENT_DAYS - 1)

    def recent(measure: str) -> int:
        return sum(each.number for each in counts if each.measure == measure and each.on >= recent_from)

    def traced(measure: str) -> int:
        return sum(
            each.number for each in counts if each.measure == measure and each.on > until - timedelta(days=TRACED_DAYS)
        )

    ages: list[tuple[tuple[int, int] | None, int]] = [(group, recent(rules.age_measure(group[0]))) for group in AGES]
    unknown = recent(rules.age_measure(None))
    complete = np.array([[max(0, count) for day, count in cases.items() if day <= last]], dtype=float)
    return Today(
        area=area,
        on=until,
        counted_at=counted_at,
        days=tuple(Day(day, max(0, count), day <= last) for day, count in cases.items()),
        expected=_expected([(day, known, count) for _, day, known, count in rows if known is not None], until),
        week=sum(cases[last - timedelta(days=n)] for n in range(7)),
        week_before=sum(cases[last - timedelta(days=n)] for n in range(7, 14)),
        cases=sum(count for day, count in cases.items() if day >= recent_from),
        care_homes=recent(rules.CARE_HOME),
        ages=(*ages, *([(None, unknown)] if unknown else [])),
        tests=rules.tests(counts, week_from, last),
        tracing=Tracing(*(traced(measure) for measure in rules.TRACING)),
        reproduction=_reproduction(complete),
        growth=_growth(complete),
    )


def _expected(cases: Iterable[tuple[date, date, int]], until: date) -> dict[date, Range]:
    """Of the days that are not complete: cases once all are reported. Days of which nothing can be told are left out."""
    triangle = np.zeros((DELAY_DAYS, LONGEST_DELAY + 1))
    first = until - timedelta(days=DELAY_DAYS - 1)
    for day, known, count in cases:
        if first <= day <= known:
            triangle[(day - first).days, min((known - day).days, LONGEST_DELAY)] += count
    triangle = np.maximum(triangle, 0)
    if not triangle.any():
        return {}
    found = nowcast(triangle)
    return {
        day: Range(float(found.expected[n]), float(found.lower[n]), float(found.upper[n]))
        for n, day in enumerate(first + timedelta(days=n) for n in range(DELAY_DAYS))
        if day > until - timedelta(days=INCOMPLETE_DAYS) and np.isfinite(found.expected[n])
    }


def _reproduction(cases: Any) -> Range | None:
    if cases[0, -growing.WINDOW :].sum() < ENOUGH:
        return None
    found = growing.reproduction(cases, growing.serial_interval(*SERIAL_INTERVAL, cases.shape[1] + 1))
    return _range(found.mean[0, -1], found.lower[0, -1], found.upper[0, -1])


def _growth(cases: Any) -> Range | None:
    if cases[0, -growing.GROWTH_WINDOW :].sum() < ENOUGH:
        return None
    found = growing.growth(cases)
    return _range(found.rate[0], found.lower[0], found.upper[0])


def _range(*of: Any) -> Range | None:
    return Range(*(float(each) for each in of)) if all(np.isfinite(each) for each in of) else None


@dataclass(frozen=True, slots=True)
class Beside:
    """One line of the comparison. Rates per 100,000 in seven complete days, positivity and reached in per cent.

    None: not known, or of so few people that it is not told of another authority; ``few`` says which.
    """

    name: str
    rate: float | None
    rate_before: float | None
    positivity: float | None
    reached: float | None
    few: bool = False


_BESIDE = """
SELECT area,
    sum(count) FILTER (WHERE measure = 'cases' AND on_date > %(week)s),
    sum(count) FILTER (WHERE measure = 'cases' AND on_date <= %(week)s),
    sum(count) FILTER (WHERE measure = 'positive' AND on_date > %(week)s),
    sum(count) FILTER (WHERE measure = 'negative' AND on_date > %(week)s),
    sum(count) FILTER (WHERE measure = 'transferred'),
    sum(count) FILTER (WHERE measure = 'reached')
FROM area_days
WHERE known_on <= %(known)s AND (
    measure IN ('cases', 'positive', 'negative') AND on_date BETWEEN %(since)s AND %(last)s
    OR measure IN ('transferred', 'reached') AND on_date BETWEEN %(traced)s AND %(known)s)
GROUP BY area
"""


class Sums(NamedTuple):
    """An area's sums over the days compared."""

    week: int = 0
    before: int = 0
    positive: int = 0
    negative: int = 0
    transferred: int = 0
    reached: int = 0


def beside(*, scope: Scope, area: str, now: datetime, on: date | None = None) -> tuple[Beside, ...]:
    """The area, its nearest neighbours, its region and England: the same week as ``today``. Raises Refused, NotFound."""
    must_answer_for(scope, area, "area")
    until = london_date(now) if on is None else min(on, london_date(now))
    last = until - timedelta(days=INCOMPLETE_DAYS)
    days = {
        "since": last - timedelta(days=13),
        "week": last - timedelta(days=7),
        "last": last,
        "traced": until - timedelta(days=TRACED_DAYS - 1),
        "known": until,
    }
    with walls.transaction(STATISTICS), connection.cursor() as cursor:
        cursor.execute(_BESIDE, days)
        sums = {code: Sums(*(max(0, int(each or 0)) for each in row)) for code, *row in cursor.fetchall()}
    return compared(area, sums)


def compared(area: str, sums: Mapping[str, Sums]) -> tuple[Beside, ...]:
    """The lines of the comparison, from the sums of every authority."""
    atlas = resolve.atlas()
    everywhere = atlas.upper_tier()
    region = atlas.lineage(area).region
    own = atlas.area(area)
    lines = [_line(own.name, [own], sums)]
    lines += [_line(each.name, [each], sums, another=True) for each in nearest(own, everywhere)]
    if region:
        members = [each for each in everywhere if atlas.lineage(each.code).region == region]
        lines.append(_line(atlas.area(region).name, members, sums))
    lines.append(_line("England", everywhere, sums))
    return tuple(lines)


def nearest(own: Area, among: Iterable[Area]) -> list[Area]:
    """The authorities whose middle is nearest to this one's, the nearest first."""

    def far(other: Area) -> float:
        return ((other.easting or 0) - (own.easting or 0)) ** 2 + ((other.northing or 0) - (own.northing or 0)) ** 2

    others = [each for each in among if each.code != own.code and each.easting is not None]
    return sorted(others, key=lambda each: (far(each), each.code))[:NEIGHBOURS] if own.easting is not None else []


def _line(name: str, areas: Sequence[Area], sums: Mapping[str, Sums], another: bool = False) -> Beside:
    total = Sums(*(sum(each) for each in zip(*(sums.get(area.code, Sums()) for area in areas), strict=True)))
    people = sum(area.population or 0 for area in areas)

    def told(*counts: int) -> bool:
        return not another or all(rules.shared(count) is not None for count in counts)

    read, unreached = total.positive + total.negative, total.transferred - total.reached
    return Beside(
        name=name,
        rate=100_000 * total.week / people if people and told(total.week) else None,
        rate_before=100_000 * total.before / people if people and told(total.before) else None,
        positivity=100 * total.positive / read if read and told(total.positive, total.negative) else None,
        reached=100 * total.reached / total.transferred
        if total.transferred and told(total.reached, unreached)
        else None,
        few=not told(total.week, total.before, total.positive, total.negative, total.reached, unreached),
    )
