"""What a verb raises when it does nothing. Messages are for the screen; ``rules.access.Refused`` is the fourth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ringfence.rules.access import NotFound

__all__ = ["Invalid", "NotFound", "Stale"]


class Stale(Exception):
    """Somebody changed the record since the page was made (409). ``changes`` says what, in sentences."""

    def __init__(self, message: str, changes: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.changes = tuple(changes)


class Invalid(Exception):
    """A value cannot be used (422). ``field`` is the verb's argument, so that the page can put the message beside it.

    ``problems`` has every field that is wrong with its message, where a verb looked at them all.
    """

    def __init__(self, field: str, message: str, problems: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.message = message
        self.problems = dict(problems) if problems else {field: message}
