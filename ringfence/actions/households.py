"""One call for a household: who was spoken for needs no call, and a number and a home that were tried rest."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions.holding import Held
from ringfence.rules import households as rules
from ringfence.rules.access import Scope
from ringfence.rules.attempts import Outcome
from ringfence.rules.policy import ServicePolicy

_REACHED = """
SELECT id FROM attempts WHERE trace_id = %s AND outcome = 'reached' AND through_id IS NULL ORDER BY at DESC, id DESC LIMIT 1
"""

# Who was named in the interview and told in the same call, and is not reached yet: as a contact, or as a case themselves.
_SAID = """
SELECT o.id FROM traces t JOIN contacts c ON c.case_id = t.case_id AND c.case_person_id = t.person_id
JOIN traces o ON o.person_id = c.person_id AND o.closed_at IS NULL
WHERE t.id = %s AND t.reason = 'case' AND c.spoken_for_at IS NOT NULL AND c.withdrawn_at IS NULL
"""


def _speak(attempt: int, others: Collection[int], by: Scope, now: datetime) -> int:
    """Close these as reached through the try, inside the transaction of a verb; how many were still to be reached."""
    arguments: list[Any] = [walls.ticket(by), attempt, sorted(others), now]
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM casework.speak_for(%s, %s, %s, %s)", arguments)
        return len(cursor.fetchall())


def told(trace: int, others: Sequence[int], by: Scope, now: datetime) -> int:
    """What an interview said of who was told in the call: done when the call is on the record already. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_REACHED, [trace])
        row = cursor.fetchone()
    return _speak(row[0], set(others), by, now) if row and others else 0


def speak_in(held: Held, attempt: int, others: Collection[int], by: Scope, now: datetime) -> None:
    """Somebody was reached: so are those for whom the call spoke, by the tracer's word or by what the interview says."""
    with connection.cursor() as cursor:
        cursor.execute(_SAID, [held.id])
        said = {row[0] for row in cursor.fetchall()}
    if said or others:
        _speak(attempt, {*others, *said}, by, now)


def rest(held: Held, outcome: Outcome, policy: ServicePolicy, by: Scope, now: datetime) -> None:
    """After a call that disturbed somebody the number and the home rest, whichever team has the other traces."""
    if outcome not in rules.NOT_THERE:
        with connection.cursor() as cursor:
            cursor.execute("SELECT casework.rest_home(%s, %s, %s)", [held.id, now, rules.rests_until(now, policy)])
