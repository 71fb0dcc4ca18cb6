"""A number with its word, in the singular or the plural."""

from __future__ import annotations


def counted(number: int, one: str, many: str | None = None) -> str:
    """ "1 trace", "2,304 traces"; ``many`` where the plural is not with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
