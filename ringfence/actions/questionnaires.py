"""Questionnaires: the first ones put in place, and a new version from a date on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection

import ringfence.casework
from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.actions.errors import Invalid
from ringfence.casework.models import Questionnaire as Row
from ringfence.rules import scripts
from ringfence.rules.access import Scope
from ringfence.rules.calendar import LONDON
from ringfence.rules.questionnaire import Questionnaire
from ringfence.rules.scripts import QuestionnaireError

DATA = Path(ringfence.casework.__file__).parent / "data"

#: The launch of routine tracing: the first versions hold from then on, so that history can be played.
FIRST = datetime(2020, 5, 28, tzinfo=LONDON)

LONGEST = 200_000


@dataclass(frozen=True, slots=True)
class Added:
    """A new version: its number of the database, its kind and its number among those of the kind."""

    id: int
    key: str
    version: int
    from_at: datetime


_INSERT = """
INSERT INTO questionnaires (key, version, from_at, title, body, recorded_at, recorded_by)
SELECT %(key)s, coalesce(max(version), 0) + 1, %(from_at)s, left(%(title)s, 100), %(body)s::jsonb, %(now)s, %(user)s
FROM questionnaires WHERE key = %(key)s
RETURNING id, key, version, from_at
"""


def install(*, by: Scope, now: datetime) -> tuple[str, ...]:
    """Put the questionnaires that come with Ringfence in place where there is none of a kind; the kinds put in place."""
    with walls.transaction(by):
        there = set(Row.objects.values_list("key", flat=True).distinct())
        wanted = [key for key in Row.Key.values if key not in there]
        for key in wanted:
            _add(key, packaged(key), FIRST, by, now)
        if wanted:
            auditing.record("questionnaires.installed", by=by, now=now, detail={"kinds": wanted})
    return tuple(wanted)


def packaged(key: str) -> Questionnaire:
    """The questionnaire for a ``case``, a ``contact`` or a ``followup`` that comes with Ringfence."""
    return scripts.from_text((DATA / f"{key}.txt").read_text(encoding="utf-8"))


def change(*, key: str, text: str, from_at: datetime, by: Scope, now: datetime) -> Added:
    """Record a new version, written as ``rules.scripts`` reads it, in force from ``from_at``, which has not been yet.

    Interviews that began before it go on with the version that they began with. Raises Refused and Invalid; the problems
    of the text are one message, a line each.
    """
    by.require("scripts")
    if key not in Row.Key.values:
        raise Invalid("key", "Choose a questionnaire for a case, a contact or a follow-up.")
    if len(text) > LONGEST:
        raise Invalid("text", f"This has {len(text):,} characters; shorten it to {LONGEST:,}.")
    if from_at.tzinfo is None or from_at < now:
        raise Invalid("from_at", "Give a moment that is still to come: what was asked before stays as it was.")
    try:
        read = scripts.from_text(text)
    except QuestionnaireError as problem:
        raise Invalid("text", "\n".join(problem.problems)) from problem
    with walls.transaction(by):
        with connection.cursor() as cursor:
            # Two editors at once number their versions one after the other.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('ringfence questionnaires'))")
        added = _add(key, read, from_at, by, now)
        auditing.record(
            "questionnaire.changed", by=by, now=now, detail={"key": key, "version": added.version, "from": from_at}
        )
    return added


def _add(key: str, read: Questionnaire, from_at: datetime, by: Scope, now: datetime) -> Added:
    values: dict[str, Any] = {
        "key": key,
        "from_at": from_at,
        "title": read.title,
        "body": json.dumps(scripts.body(read)),
        "now": now,
        "user": by.user or None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        return Added(*cursor.fetchone())
