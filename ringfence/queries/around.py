"""What lies around a trace: when a contact was exposed, how the isolation came about, who else is traced at home, and whom
somebody tried to reach there a short while ago."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ringfence.accounts import walls
from ringfence.queries.lines import must_be_member
from ringfence.rules.access import Scope
from ringfence.rules.isolation import Isolation
from ringfence.rules.policies import NAMED


@dataclass(frozen=True, slots=True)
class Exposure:
    """When a contact was last with a case. Who the case is, is not for this page."""

    last_contact: date
    household: bool
    relation: str
    identified_at: datetime
    withdrawn_at: datetime | None
    withdrawn_why: str
    spoken_for_at: datetime | None


@dataclass(frozen=True, slots=True)
class WorkedOut:
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
    adult: bool | None
    team: str
    with_somebody: bool
    ready_at: datetime | None


@dataclass(frozen=True, slots=True)
class Called:
    """A try of the last hours to reach somebody of the same household, or on the same number."""

    at: datetime
    team: str
    kind: str
    outcome: str
    same_number: bool


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


@dataclass(frozen=True, slots=True)
class NewDates:
    """Somebody whom the team told dates that have changed since. Nobody is named."""

    ref: str
    at: datetime
    until_date: date | None
    because: str


# The latest ones by their index first: when rules change, thousands change with them.
_NEW_DATES = """
SELECT t.ref, i.computed_at, i.until_date, i.because
FROM (SELECT * FROM isolations WHERE superseded_at IS NULL AND because <> '' AND computed_at > %(since)s
    ORDER BY computed_at DESC LIMIT 2000) i
JOIN traces t ON t.id = i.trace_id
WHERE t.team_id = %(team)s AND t.reached_at < i.computed_at
    AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.trace_id = t.id AND a.outcome = 'reached' AND a.at > i.computed_at)
ORDER BY i.computed_at DESC, t.id LIMIT %(limit)s
"""


def new_dates(*, scope: Scope, team: int, now: datetime, days: int = 2, limit: int = 20) -> tuple[NewDates, ...]:
    """People whom the team reached and whose last day of isolation has changed since, in the last days, for its members.
    Raises Refused."""
    must_be_member(scope, team)
    with walls.transaction(scope):
        arguments = {"team": team, "since": now - timedelta(days=days), "limit": limit}
        return tuple(NewDates(*row) for row in walls.rows(_NEW_DATES, arguments))
