"""Reading what somebody typed: each mistake names its field and says what to do.

A form is read field by field in the order of the page; the mistakes come out in that order for the error summary, and
what was typed stays available for the page that is shown again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, time
from typing import NamedTuple

from django.http import QueryDict

from ringfence.rules.calendar import london_date, london_moment
from ringfence.web import words

LONGEST_TEXT = 4000

DATE_PARTS = ("day", "month", "year")


class Mistake(NamedTuple):
    """One thing to put right: the id of the field on the page, and what to do."""

    field: str
    message: str


class Form:
    """What was typed, and the mistakes found so far."""

    def __init__(self, data: QueryDict | Mapping[str, str]) -> None:
        self.data = data
        self.mistakes: list[Mistake] = []

    @property
    def valid(self) -> bool:
        """Whether nothing is wrong so far."""
        return not self.mistakes

    def wrong(self, field: str, message: str) -> None:
        self.mistakes.append(Mistake(field, message))

    def errors(self, shown: bool = True) -> dict[str, str]:
        """The first mistake of each field; all under "" when the fields are not ``shown`` on the page."""
        found: dict[str, str] = {}
        for mistake in self.mistakes:
            found.setdefault(mistake.field if shown else "", mistake.message)
        return found

    def get(self, field: str) -> str:
        """What was typed, without the spaces around it. A NUL, which no text can hold, is left out."""
        return (self.data.get(field) or "").replace("\0", "").strip()

    def text(self, field: str, missing: str = "", longest: int = LONGEST_TEXT) -> str:
        """A text; ``missing`` is the message when it must not be empty."""
        given = self.get(field)
        if not given and missing:
            self.wrong(field, missing)
        elif len(given) > longest:
            self.wrong(field, f"This has {len(given):,} characters; shorten it to {longest:,} or fewer")
        return given

    def choice(self, field: str, allowed: Collection[str], missing: str) -> str:
        given = self.get(field)
        if given not in allowed:
            self.wrong(field, missing)
            return ""
        return given

    def number(self, field: str, lowest: int, highest: int, what: str) -> int | None:
        """A whole number between two others; ``what`` names it at the beginning of a sentence."""
        given = self.get(field).replace(",", "")
        if not (given.isascii() and given.isdigit() and len(given) < 20 and lowest <= int(given) <= highest):
            self.wrong(field, f"{what} must be a whole number from {lowest:,} to {highest:,}")
            return None
        return int(given)

    def ids(self, field: str) -> list[int]:
        """The numbers of the boxes that were ticked."""
        given = self.data.getlist(field) if isinstance(self.data, QueryDict) else [self.get(field)]
        return [int(each) for each in given if each.isascii() and each.isdigit() and len(each) < 19]

    def typed_date(self, field: str, what: str) -> date | None:
        """A day typed in one box, such as 15/11/2026 or 2026-11-15; the box may be empty."""
        given = self.get(field)
        found = read_date(given)
        if given and found is None:
            self.wrong(field, f"{what[0].upper()}{what[1:]} must be a real date, such as 15/11/2026")
        return found

    def any_date(self, field: str, what: str) -> date | None:
        """As ``date``, but all three boxes may be empty."""
        return self.date(field, what) if any(self.get(f"{field}-{part}") for part in DATE_PARTS) else None

    def date(self, field: str, what: str) -> date | None:
        """A day typed in three boxes ``field-day``, ``field-month``, ``field-year``."""
        parts = [self.get(f"{field}-{part}") for part in DATE_PARTS]
        if not any(parts):
            self.wrong(field, f"Enter {what}")
            return None
        missing = [name for name, part in zip(DATE_PARTS, parts, strict=True) if not part]
        if missing:
            self.wrong(field, f"{what[0].upper()}{what[1:]} must include a {' and a '.join(missing)}")
            return None
        try:
            found = date(int(parts[2]), int(parts[1]), int(parts[0]))
        except (ValueError, OverflowError):
            self.wrong(field, f"{what[0].upper()}{what[1:]} must be a real date, such as 27 11 2026")
            return None
        if not 2020 <= found.year <= 2100:
            self.wrong(field, f"The year of {what} must be between 2020 and 2100")
            return None
        return found

    def time(self, field: str, what: str) -> time | None:
        """A time of day: "14:05", "1405", "9.30", "9"; "2pm" and "2.30 pm" as well."""
        found = read_time(self.get(field))
        if found is None:
            self.wrong(field, f"Enter {what} as a time of day, such as 14:05")
        return found

    def moment(self, field: str, what: str) -> datetime | None:
        """A day in three boxes and a time in ``field-time``, in London."""
        day = self.date(field, what)
        at = self.time(f"{field}-time", f"the time of {what}") if day else None
        return london_moment(day, at) if day and at else None

    def day_and_time(self, field: str, what: str, now: datetime, days: int) -> datetime | None:
        """One of the next days, ``field-day`` being the number of days from today, and a time in ``field-time``."""
        chosen = self.get(f"{field}-day")
        if chosen not in {str(each) for each in range(days)}:
            self.wrong(f"{field}-day", f"Choose the day of {what}")
            return None
        at = self.time(f"{field}-time", f"the time of {what}")
        return None if at is None else london_moment(words.later(now, int(chosen)), at)


def read_date(given: str) -> date | None:
    """A day as people type it into one box, "15/11/2026" or "2026-11-15", or None; a year of two digits would be a guess."""
    parts = given.split("/")
    try:
        found = date(*map(int, reversed(parts))) if len(parts) == 3 else date.fromisoformat(given)
    except (ValueError, OverflowError):
        return None
    return found if 2000 <= found.year <= 2100 else None


def read_time(given: str) -> time | None:
    """A time of day as people type it, or None."""
    said = given.lower().replace(" ", "").replace(".", ":")
    half = ""
    for suffix in ("am", "pm"):
        if said.endswith(suffix):
            said, half = said[:-2], suffix
    if ":" not in said and said.isdigit() and len(said) in (3, 4):
        said = f"{said[:-2]}:{said[-2:]}"
    hours, _, minutes = said.partition(":")
    minutes = minutes or "0"
    if not (hours.isascii() and minutes.isascii() and hours.isdigit() and minutes.isdigit() and len(said) <= 5):
        return None
    hour, minute = int(hours), int(minutes)
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def date_parts(at: datetime | date, field: str) -> dict[str, str]:
    """A day as the three boxes of a date field show it."""
    on = london_date(at) if isinstance(at, datetime) else at
    return {f"{field}-day": str(on.day), f"{field}-month": str(on.month), f"{field}-year": str(on.year)}
