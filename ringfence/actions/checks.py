"""Checks of plain values that every verb which takes them shares."""

from __future__ import annotations

from datetime import datetime

from ringfence.actions.errors import Invalid


def words(field: str, text: str, longest: int, *, needed: str = "") -> str:
    """``text`` without space around it. Raises Invalid when it is too long, holds a control character, or is missing.

    ``needed`` is the message for a missing one; "" lets it be empty.
    """
    told = text.strip()
    if needed and not told:
        raise Invalid(field, needed)
    if len(told) > longest:
        raise Invalid(field, f"Use at most {longest} characters; this has {len(told)}.")
    if any(ord(letter) < 32 and letter not in "\n\r\t" for letter in told):
        raise Invalid(field, "This holds a character that cannot be printed; type it again.")
    return told


def moment(field: str, at: datetime) -> datetime:
    """``at`` when it has a time zone. Raises Invalid otherwise."""
    if at.tzinfo is None:
        raise Invalid(field, "Give a time with its time zone.")
    return at
