"""London's working time: bank holidays, and when a local team is at work.

Moments go in aware, in any time zone, and come out in UTC, because arithmetic on London times is wrong twice a year.
Opening hours are London's, so a team that opens at nine opens at nine on both sides of a clock change.

Bank holidays are England's: the Banking and Financial Dealings Act 1971, proclamations for single years, and substitute
days when a fixed one falls on a weekend. Years 1990 to 2100; a later proclamation is one line in `MOVED` or `EXTRA`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ringfence.rules.policy import PartnershipPolicy, PolicyError

LONDON = ZoneInfo("Europe/London")
FIRST_YEAR, LAST_YEAR = 1990, 2100
LONGEST_CLOSURE_DAYS = 60

MONDAY, SATURDAY = 0, 5
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
DAY = timedelta(days=1)

MOVED = {
    date(1995, 5, 1): date(1995, 5, 8),
    date(2002, 5, 27): date(2002, 6, 4),
    date(2012, 5, 28): date(2012, 6, 4),
    date(2020, 5, 4): date(2020, 5, 8),
    date(2022, 5, 30): date(2022, 6, 2),
}
"""Holidays held on another day: VE day in 1995 and 2020, the jubilees of 2002, 2012 and 2022."""

EXTRA = {
    date(1999, 12, 31): "Millennium",
    date(2002, 6, 3): "Golden Jubilee",
    date(2011, 4, 29): "Royal wedding",
    date(2012, 6, 5): "Diamond Jubilee",
    date(2022, 6, 3): "Platinum Jubilee",
    date(2022, 9, 19): "State funeral of Queen Elizabeth II",
    date(2023, 5, 8): "Coronation of King Charles III",
}


def _easter(year: int) -> date:
    """Easter Sunday, by the anonymous Gregorian algorithm (Nature, 20 April 1876)."""
    a, (b, c) = year % 19, divmod(year, 100)
    (d, e), g = divmod(b, 4), (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def _first_monday(year: int, month: int) -> date:
    first = date(year, month, 1)
    return first + DAY * ((MONDAY - first.weekday()) % 7)


def _last_monday(year: int, month: int) -> date:
    last = date(year, month, 31)
    return last - DAY * ((last.weekday() - MONDAY) % 7)


@lru_cache(maxsize=256)
def bank_holidays(year: int) -> Mapping[date, str]:
    """England's bank holidays of a year with their names, in date order.

    A fixed holiday on a weekend is given as its substitute day alone, as the government's list does. Raises ValueError
    outside 1990 to 2100.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"bank holidays are known from {FIRST_YEAR} to {LAST_YEAR}, not for {year}")
    easter = _easter(year)
    found = {easter - 2 * DAY: "Good Friday", easter + DAY: "Easter Monday"}
    for usual, name in (
        (_first_monday(year, 5), "Early May bank holiday"),
        (_last_monday(year, 5), "Spring bank holiday"),
        (_last_monday(year, 8), "Summer bank holiday"),
    ):
        found[MOVED.get(usual, usual)] = name
    found |= {day: name for day, name in EXTRA.items() if day.year == year}
    fixed = (
        (date(year, 1, 1), "New Year's Day"),
        (date(year, 12, 25), "Christmas Day"),
        (date(year, 12, 26), "Boxing Day"),
    )
    # Those on a weekday keep their day first: Christmas Day on a Sunday moves past a Boxing Day on the Monday.
    for day, name in sorted(fixed, key=lambda each: each[0].weekday() >= SATURDAY):
        held = day
        while held.weekday() >= SATURDAY or held in found:
            held += DAY
        found[held] = name if held == day else f"{name} (substitute day)"
    return MappingProxyType(dict(sorted(found.items())))


def is_bank_holiday(on: date) -> bool:
    """Whether the day is a bank holiday in England."""
    return on in bank_holidays(on.year)


def aware(at: datetime) -> datetime:
    """The moment in UTC. Raises ValueError when it has no time zone."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone; give an aware moment")
    return at.astimezone(UTC)


def london_date(at: datetime) -> date:
    """The date in London at a moment."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone; give an aware moment")
    return at.astimezone(LONDON).date()


def london_moment(on: date, clock: time) -> datetime:
    """When London's clocks show `clock` on a day, in UTC: the first time if they show it twice.

    A time that the spring change leaves out is counted on from before it: 01:30 is then 02:30 summer time.
    """
    return datetime.combine(on, clock, LONDON).astimezone(UTC)


def spoken(at: datetime) -> str:
    """A moment as people say it in London: "14:05 on Monday 3 August"."""
    local = aware(at).astimezone(LONDON)
    return f"{local.hour:02}:{local.minute:02} on {WEEKDAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]}"


class Spell(NamedTuple):
    """One unbroken time at work, from `opens` up to but not including `closes`, both UTC."""

    opens: datetime
    closes: datetime


def works_on(policy: PartnershipPolicy, on: date) -> bool:
    """Whether the local team works on that day at all."""
    return on.weekday() in policy.working_days and (policy.bank_holidays or not is_bank_holiday(on))


@lru_cache(maxsize=65_536)
def _spell_from(policy: PartnershipPolicy, on: date) -> Spell:
    """The first spell of work that begins on a day or after it."""
    day = on
    for _ in range(LONGEST_CLOSURE_DAYS if policy.working_days else 0):
        if works_on(policy, day):
            spell = Spell(london_moment(day, policy.opens), london_moment(day, policy.closes))
            if spell.opens < spell.closes:
                return spell
        day += DAY
    raise PolicyError(
        f"the local team of {policy.area} does not open within {LONGEST_CLOSURE_DAYS} days of {on};"
        " give it working days and hours"
    )


def spell_at(policy: PartnershipPolicy, at: datetime) -> Spell:
    """The spell of work that a moment is in or, when the team is closed, the next one.

    Raises PolicyError for a team with no working days.
    """
    today = london_date(at)
    spell = _spell_from(policy, today)
    return spell if at < spell.closes else _spell_from(policy, today + DAY)


def is_open(policy: PartnershipPolicy, at: datetime) -> bool:
    """Whether the local team is at work at a moment; a team with no working days never is."""
    if not policy.working_days:
        return False
    spell = spell_at(policy, at)
    return spell.opens <= at < spell.closes


def next_open(policy: PartnershipPolicy, at: datetime) -> datetime:
    """The first moment, not before `at`, when the local team is at work; `at` itself when it is. UTC.

    Raises PolicyError for a team with no working days.
    """
    return max(aware(at), spell_at(policy, at).opens)


def closes_after(policy: PartnershipPolicy, at: datetime) -> datetime:
    """When the local team closes next: the end of this spell of work or, when it is closed, of the next one. UTC."""
    return spell_at(policy, at).closes


def next_working_day_end(policy: PartnershipPolicy, on: date) -> datetime:
    """Closing time on the first working day after a London day. UTC."""
    return _spell_from(policy, on + DAY).closes
