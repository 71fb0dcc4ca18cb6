"""The texts of messages, with every version there was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from ringfence.accounts import walls
from ringfence.rules.access import NotFound, Scope


@dataclass(frozen=True, slots=True)
class Template:
    """One version of a text. ``by_name`` is empty for the first, which came with Ringfence."""

    key: str
    channel: str
    language: str
    version: int
    from_at: datetime
    subject: str
    body: str
    recorded_at: datetime
    by_name: str


_TEMPLATES = """
SELECT t.key, t.channel, t.language, t.version, t.from_at, t.subject, t.body, t.recorded_at, coalesce(u.name, '')
FROM templates t LEFT JOIN users u ON u.id = t.recorded_by
"""


def in_use(*, scope: Scope, now: datetime) -> tuple[Template, ...]:
    """The text in use of each message, channel and language. Raises Refused."""
    scope.require("scripts")
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT ON (s.key, s.channel, s.language) s.* FROM ({_TEMPLATES} WHERE t.from_at <= %s) s"
            " ORDER BY s.key, s.channel, s.language, s.from_at DESC, s.version DESC",
            [now],
        )
        return tuple(Template(*row) for row in cursor.fetchall())


def versions(*, scope: Scope, key: str, channel: str, language: str) -> tuple[Template, ...]:
    """Every version of one text, the newest first. Raises Refused, NotFound."""
    scope.require("scripts")
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(
            f"{_TEMPLATES} WHERE t.key = %s AND t.channel = %s AND t.language = %s ORDER BY t.version DESC LIMIT 100",
            [key, channel, language],
        )
        found = tuple(Template(*row) for row in cursor.fetchall())
    if not found:
        raise NotFound("There is no such text.")
    return found
