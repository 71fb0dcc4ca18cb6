"""How old somebody is, as far as it is known. A contact is often known by name and number alone."""

from __future__ import annotations

from datetime import date

ADULT = 18


def age(born: date | None, on: date) -> int | None:
    """Whole years on a day, None without a birth date."""
    if born is None:
        return None
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def under_18(born: date | None, adult: bool | None, on: date) -> bool:
    """Whether to ask for a parent or guardian: by the birth date, else by what was said.

    Of whom neither is known the tracer asks, so until then nobody is kept from speaking for themselves.
    """
    years = age(born, on)
    return adult is False if years is None else years < ADULT
