"""What lies around a trace: when a contact was exposed, how the isolation came about, and who else is traced at home."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import connection

from ringfence.rules.isolation import Isolation
from ringfence.rules.policies import NAMED


class Exposure(NamedTuple):
    """When a contact was last with a case. Who the case is, is not for this page."""

    last_contact: date
    household: bool
    relation: str
    identified_at: datetime
    withdrawn_at: datetime | None
    withdrawn_why: str
    spoken_for_at: datetime | None


class WorkedOut(NamedTuple):
    """An isolation as it was worked out at a moment; ``because`` says what had changed, "" the first time."""

    day_0: date
    from_date: date | None
    until_date: date | None
    policy: str
    why: str
    because: str
    at: datetime
    superseded_at: datetime | None


@dataclass(frozen=True, slots=True)
class AtHome:
    """Another open trace of the household. ``name`` is "" for somebody whom the reader's areas do not know."""

    trace: int
    ref: str
    reason: str
    name: str
    age_known: bool
    adult: bool | None
    team: str
    with_somebody: bool
    ready_at: datetime | None


_EXPOSURES = """
SELECT last_contact, household, relation, identified_at, withdrawn_at, withdrawn_why, spoken_for_at FROM contacts
WHERE person_id = %(person)s AND trace_id = %(id)s ORDER BY last_contact DESC, id LIMIT 50
"""

_ISOLATIONS = """
SELECT day_0, from_date, until_date, policy, why, because, computed_at, superseded_at FROM isolations
WHERE trace_id = %(id)s AND person_id = %(person)s ORDER BY computed_at, id LIMIT 100
"""

_AT_HOME = """
SELECT h.id, h.ref, h.reason, coalesce(p.given_name || ' ' || p.family_name, ''), p.birth_date IS NOT NULL,
    coalesce(p.birth_date <= %(now)s::date - interval '18 years', p.adult), k.name,
    h.claimed_by IS NOT NULL AND h.ready_at > %(now)s, h.ready_at
FROM casework.at_home(%(id)s) h JOIN teams k ON k.id = h.team_id LEFT JOIN people p ON p.id = h.person_id
ORDER BY h.reason, h.id
"""


def _rows(sql: str, arguments: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        return list(cursor.fetchall())


def exposures(arguments: dict[str, Any]) -> tuple[Exposure, ...]:
    """The exposures that a contact's trace is about, the latest first; inside the caller's transaction."""
    return tuple(Exposure(*row) for row in _rows(_EXPOSURES, arguments))


def worked_out(arguments: dict[str, Any]) -> tuple[WorkedOut, ...]:
    """How the isolation of a trace was worked out, first to last; inside the caller's transaction."""
    return tuple(WorkedOut(*row) for row in _rows(_ISOLATIONS, arguments))


def at_home(arguments: dict[str, Any]) -> tuple[AtHome, ...]:
    """The other open traces of the household, of either team; inside the caller's transaction."""
    return tuple(AtHome(*row) for row in _rows(_AT_HOME, arguments))


def of_contact(history: tuple[WorkedOut, ...]) -> Isolation | None:
    """The isolation of a contact as it stands: the row that none has superseded."""
    standing = [each for each in history if each.superseded_at is None]
    if not standing:
        return None
    last = standing[-1]
    policy = NAMED.get(last.policy)
    tests = (
        last.from_date is None and policy and policy.contact_daily_tests and policy.contact_isolation_days is not None
    )
    conditions = ("Asked to take a lateral-flow test every day.",) if tests else ()
    return Isolation(last.day_0, last.from_date, last.until_date, last.policy, conditions, last.why)
