"""The texts of messages: installed once, then changed by a named role, each change a new version with its date."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import IntegrityError, connection, transaction

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.actions.checks import moment, words
from ringfence.actions.errors import Invalid, Stale
from ringfence.rules import messages as rules
from ringfence.rules.access import Scope
from ringfence.rules.texts import first_texts

#: Since when the first texts count: before anything that may be played.
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)

CHANGED = "Somebody changed this text while you had it open."

_INSTALL = """
INSERT INTO templates (key, channel, language, version, from_at, subject, body, recorded_at)
SELECT w.key, w.channel, w.language, 1, %(from_at)s, w.subject, w.body, %(now)s
FROM unnest(%(key)s::text[], %(channel)s::text[], %(language)s::text[], %(subject)s::text[], %(body)s::text[])
    AS w (key, channel, language, subject, body)
WHERE NOT EXISTS (SELECT 1 FROM templates t WHERE t.key = w.key AND t.channel = w.channel AND t.language = w.language)
ON CONFLICT DO NOTHING
"""


def install(*, by: Scope, now: datetime) -> int:
    """Add version 1 of every text that is not there yet; how many. What was changed since stays."""
    texts = first_texts()
    columns = {name: [getattr(each, name) for each in texts] for name in texts[0]._fields}
    with walls.transaction(by), connection.cursor() as cursor:
        cursor.execute(_INSTALL, {"from_at": BEGINNING, "now": now, **columns})
        added = int(cursor.rowcount)
        if added:
            auditing.record("templates.installed", by=by, now=now, detail={"templates": added})
    return added


def change(
    *,
    key: str,
    channel: str,
    language: str,
    version: int,
    subject: str,
    body: str,
    from_at: datetime,
    by: Scope,
    now: datetime,
) -> int:
    """Add a version of a template, in use from ``from_at`` on; its number. ``version`` is the one it was made from.

    Raises Refused, Invalid, Stale.
    """
    by.require("scripts")
    kind = rules.KINDS.get(key)
    if kind is None or channel not in kind.channels or language not in rules.LANGUAGES:
        raise Invalid("key", "There is no such message; choose one from the list.")
    subject, body = words("subject", subject, 10_000), words("body", body, 10_000)
    found = rules.problems(key, channel, subject, body)
    if moment("from_at", from_at) < now:
        found["from_at"] = "Give a day that has not begun, or leave it empty for at once."
    if found:
        field, message = next(iter(found.items()))
        raise Invalid(field, message, found)
    with walls.transaction(by), connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(version), 0) FROM templates WHERE key = %s AND channel = %s AND language = %s",
            [key, channel, language],
        )
        if cursor.fetchone()[0] != version:
            raise Stale(CHANGED)
        try:
            with transaction.atomic():
                cursor.execute(
                    "INSERT INTO templates (key, channel, language, version, from_at, subject, body, recorded_at,"
                    " recorded_by) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    [key, channel, language, version + 1, from_at, subject, body, now, by.user],
                )
        except IntegrityError as problem:
            if "template_version_once" not in str(problem):
                raise
            raise Stale(CHANGED) from problem
        auditing.record(
            "template.changed",
            by=by,
            now=now,
            detail={"key": key, "channel": channel, "language": language, "version": version + 1},
        )
    return version + 1
