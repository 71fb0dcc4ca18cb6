"""Times, numbers and spans of time as people say them. Times are London's.

A page says "today 14:05" and not a date when the day is near: the tracer compares it with the clock on the wall.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from ringfence.rules.calendar import DAY, LONDON, MONTHS, WEEKDAYS, london_date
from ringfence.rules.plural import counted

NEAR = {-1: "yesterday", 0: "today", 1: "tomorrow"}


def clock(at: datetime) -> str:
    """The time of day in London: "14:05"."""
    return f"{at.astimezone(LONDON):%H:%M}"


def day(on: date | datetime, today: date | None = None) -> str:
    """A day: "today", "yesterday", "tomorrow", "Monday 3 August"; with the year when it is not this year.

    Without ``today`` always the full date: "3 August 2020".
    """
    if isinstance(on, datetime):
        on = london_date(on)
    if today is None:
        return f"{on.day} {MONTHS[on.month - 1]} {on.year}"
    return NEAR.get((on - today).days) or dated(on, today)


def dated(on: date, today: date) -> str:
    """A day with its weekday: "Monday 3 August", "Monday 3 August 2020" when that is half a year away or more."""
    said = weekday(on)
    return said if abs((on - today).days) < 180 else f"{said} {on.year}"


def spoken_day(on: date, today: date) -> str:
    """A day to be read out, that nobody can mistake: "tomorrow, Monday 23 November", "Saturday 28 November"."""
    near = NEAR.get((on - today).days)
    return f"{near}, {weekday(on)}" if near else weekday(on)


def weekday(on: date) -> str:
    """A day with its weekday, for lists: "Monday 3 August"."""
    return f"{WEEKDAYS[on.weekday()]} {on.day} {MONTHS[on.month - 1]}"


def in_short(why: str, reason: str) -> str:
    """Why a trace came, for a list: of the clock's own sentence its first half, of what somebody wrote all of it."""
    told = why.split(";")[0] if reason == "set_period" else why
    return told.rstrip(".") + "."


def when(at: datetime, now: datetime) -> str:
    """A moment: "today 14:05", "Monday 3 August 14:05"."""
    return f"{day(at, london_date(now))} {clock(at)}"


def span(length: timedelta) -> str:
    """A length of time in its largest useful unit: "less than a minute", "25 minutes", "3 hours", "2 days"."""
    minutes = int(abs(length) / timedelta(minutes=1))
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return counted(minutes, "minute")
    hours = minutes // 60
    if hours < 48:
        return counted(hours, "hour")
    return counted(hours // 24, "day")


def span_of_seconds(seconds: int) -> str:
    """The length of a call: "45 seconds", "12 minutes"."""
    return counted(seconds, "second") if seconds < 60 else span(timedelta(seconds=seconds))


def ago(at: datetime, now: datetime) -> str:
    """How long ago, or how soon: "3 hours ago", "in 25 minutes"."""
    return f"{span(now - at)} ago" if at <= now else f"in {span(at - now)}"


def hours(length: float | None) -> str:
    """A number of hours for a figure: "5.2 hours", "3 days"; "none" of nothing."""
    if length is None:
        return "none"
    if length < 48:
        return f"{length:.1f} hours"
    return f"{length / 24:.1f} days"


def days(length: float) -> str:
    """A number of days for a figure: "1 day", "4.3 days", "12 days"; one decimal where it is short enough to matter."""
    said = f"{length:.1f}" if round(length, 1) < 10 else f"{length:.0f}"
    return "1 day" if said == "1.0" else f"{said} days"


def percent(share: float | None) -> str:
    """A percentage with one decimal: "79.7%"; "none" when there is nothing to divide by."""
    return "none" if share is None else f"{share:.1f}%"


def points(share: float | None) -> str:
    """Percentage points with one decimal: "4.2 points"."""
    return "none" if share is None else f"{share:.1f} points"


def ended(outcome: str, label: str, why: str) -> str:
    """What was recorded and what follows from it: "they were reached." and not "reached. They were reached."."""
    return why if outcome == "reached" and why.endswith(" reached.") else f"{label.lower()}. {why}"


def number(value: int | float | None) -> str:
    """A count with commas: "12,042". Nothing is "none", never an invented value."""
    return "none" if value is None else f"{value:,}"


#: Where numbers are cut into groups, by their beginning: the forms of Ofcom's numbering plan, the first that fits.
_GROUPS = (
    (re.compile(r"02\d{9}"), (3, 7)),
    (re.compile(r"0(?:11\d|1\d1|[389]\d\d)\d{7}"), (4, 7)),
    (re.compile(r"0800\d{6}"), (4,)),
    (re.compile(r"0\d{9,10}"), (5,)),
)


def phone(given: str) -> str:
    """A telephone number in groups, as its area code is written: "0151 496 0123", "07700 900123"."""
    digits = re.sub(r"[^\d+]", "", given)
    if digits.startswith("+44"):
        digits = "0" + digits[3:]
    for form, cuts in _GROUPS:
        if form.fullmatch(digits):
            return " ".join(digits[start:end] for start, end in pairwise((0, *cuts, len(digits))))
    return given


def dial(given: str) -> str:
    """A telephone number as the address of a link that dials it."""
    return "tel:" + re.sub(r"[^\d+]", "", given)


def nhs_number(given: str | None) -> str:
    """An NHS number in its three groups: "999 123 4567"."""
    return f"{given[:3]} {given[3:6]} {given[6:]}" if given and len(given) == 10 else "not known"


def sex(letter: str) -> str:
    """M, F or I as a word; nothing where it is not known."""
    return {"F": "Female", "M": "Male", "I": "Indeterminate"}.get(letter, "")


def working_days(letters: str) -> str:
    """Seven letters, Monday first, as days: "Monday to Friday", "every day"."""
    worked = [letter == "Y" for letter in letters]
    if all(worked):
        return "every day"
    names = [name for name, works in zip(WEEKDAYS, worked, strict=True) if works]
    first, last = worked.index(True), 6 - worked[::-1].index(True)
    if len(names) > 2 and all(worked[first : last + 1]):
        return f"{names[0]} to {names[-1]}"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def hour(at: time) -> str:
    """A time of day: "09:00"."""
    return f"{at:%H:%M}"


def later(now: datetime, days: int) -> date:
    """The London date so many days on."""
    return london_date(now) + days * DAY
