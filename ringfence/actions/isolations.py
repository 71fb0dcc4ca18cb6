"""How long people isolate, worked out again when something changes: superseded, never overwritten, with what changed."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import auditing, messages
from ringfence.actions.errors import Invalid
from ringfence.actions.messages import Asked
from ringfence.queries.interviews import Exposed, exposures_of
from ringfence.queries.policy import service_policies
from ringfence.rules import contacts, isolation
from ringfence.rules.access import Scope
from ringfence.rules.calendar import london_date
from ringfence.rules.contacts import Exposure
from ringfence.rules.isolation import Isolation
from ringfence.rules.policy import Exemption, ServicePolicy, in_force

logger = logging.getLogger(__name__)

CORRECTED = "What the isolation follows from was corrected."


class Changed(NamedTuple):
    """An isolation that is another one now: the last day before and after (None: nobody asks them to isolate)."""

    trace: int
    person: int
    before: date | None
    after: date | None
    because: str


@dataclass(frozen=True, slots=True)
class Renewed:
    """Isolations worked out for the first time, and those that changed."""

    first: int
    changed: tuple[Changed, ...]


@dataclass(frozen=True, slots=True)
class _Trace:
    id: int
    reason: str
    person: int
    specimen: date | None
    onset: date | None
    held: tuple[Any, ...] | None


_TRACES = """
SELECT t.id, t.reason, t.person_id, c.first_specimen_date, c.onset_date, i.id, i.day_0, i.from_date, i.until_date
FROM traces t LEFT JOIN cases c ON c.id = t.case_id
LEFT JOIN isolations i ON i.trace_id = t.id AND i.superseded_at IS NULL
WHERE t.id = ANY (%s) AND t.reason IN ('case', 'contact')
ORDER BY t.id
"""

_SUPERSEDE = "UPDATE isolations SET superseded_at = %s WHERE id = ANY (%s) AND superseded_at IS NULL"

_ADD = """
INSERT INTO isolations (trace_id, person_id, day_0, from_date, until_date, policy, why, because, computed_at)
SELECT trace, person, day_0, since, until, policy, left(why, 300), left(because, 200), %s
FROM unnest(%s::bigint[], %s::bigint[], %s::date[], %s::date[], %s::date[], %s::text[], %s::text[], %s::text[])
    AS i (trace, person, day_0, since, until, policy, why, because)
"""


def exposure(row: Exposed) -> Exposure:
    """A contact row as the rule takes it."""
    return Exposure(
        row.last_contact,
        london_date(row.identified_at),
        isolation.day_0(row.specimen, row.onset) if row.household else None,
        frozenset(Exemption(each) for each in row.exemptions.split())
        | isolation.exemptions(row.last_contact, row.birth_date),
    )


def renew(traces: Collection[int], because: Mapping[int, str], now: datetime) -> Renewed:
    """Work out the isolations of these traces; inside the transaction of a verb.

    ``because`` says for each trace what changed. A contact of several cases isolates to the latest end; one whom no case
    names any more has none.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TRACES, [sorted(traces)])
        found = [
            _Trace(id_, reason, person, specimen, onset, tuple(held) if held[0] is not None else None)
            for id_, reason, person, specimen, onset, *held in cursor.fetchall()
        ]
    exposed = exposures_of({each.person for each in found if each.reason == "contact"})
    policies, on = service_policies(), london_date(now)
    over: list[int] = []
    rows: list[tuple[Any, ...]] = []
    changed = []
    for each in found:
        fresh = _fresh(each, exposed.get(each.person, ()), policies, on)
        before = each.held[1:] if each.held else None
        after = (fresh.day_0, fresh.from_date, fresh.until_date) if fresh else None
        if before == after:
            continue
        if each.held:
            over.append(each.held[0])
        if fresh:
            told = because.get(each.id, CORRECTED) if each.held else ""
            rows.append((each.id, each.person, *(after or ()), fresh.policy[:60], fresh.why, told))
        if each.held:
            ends = (each.held[3], fresh.until_date if fresh else None)
            if ends[0] != ends[1]:
                changed.append(Changed(each.id, each.person, *ends, because.get(each.id, CORRECTED)))
    with connection.cursor() as cursor:
        if over:
            cursor.execute(_SUPERSEDE, [now, over])
        if rows:
            cursor.execute(_ADD, [now, *(list(column) for column in zip(*rows, strict=True))])
    return Renewed(len(rows) - sum(1 for row in rows if row[-1]), tuple(changed))


def _fresh(
    each: _Trace, exposed: Collection[Exposed], policies: tuple[ServicePolicy, ...], on: date
) -> Isolation | None:
    if each.reason == "case":
        return (
            isolation.for_case(each.specimen, each.onset, policies, max(on, each.specimen)) if each.specimen else None
        )
    return contacts.isolates([exposure(row) for row in exposed], policies, on) if exposed else None


@dataclass
class Seen:
    """How far a process has gone through the running isolations since the rules changed; it begins with all of them."""

    policies: tuple[Any, ...] | None = None
    after: int | None = None


_RUNNING = """
SELECT id, trace_id FROM isolations
WHERE superseded_at IS NULL AND until_date >= %s AND id > %s ORDER BY id LIMIT %s
"""

#: Isolations that one transaction works out anew.
AT_ONCE = 1_000


def recompute(*, seen: Seen, by: Scope, now: datetime, limit: int = AT_ONCE) -> Renewed:
    """Work out running isolations anew when the service's rules have changed: when one was recorded, or begins today.

    ``limit`` isolations a call; ``seen`` keeps the place between calls. One that ended before the rule in force began is
    left alone. Without a change it asks for the rules and does nothing. May run in several processes at once.
    """
    with walls.transaction(by):
        policies = service_policies()
        policy = in_force(policies, london_date(now))
        key = (policies, policy.name)
        if seen.policies != key:
            seen.policies, seen.after = key, 0
        if seen.after is None:
            return Renewed(0, ())
        with connection.cursor() as cursor:
            # Against the last full day that had passed when the rule began: the rule changes nothing before.
            cursor.execute(_RUNNING, [min(policy.from_date, london_date(now)), seen.after, limit])
            rows = cursor.fetchall()
            if rows:
                # Another process that is at the same rows waits here, and then finds nothing to change.
                cursor.execute(
                    "SELECT 1 FROM isolations WHERE id = ANY (%s) ORDER BY id FOR UPDATE", [[r[0] for r in rows]]
                )
        traces = [trace for _, trace in rows]
        done = renew(traces, dict.fromkeys(traces, f"The rules changed: {policy.name}."), now)
        tell(done.changed, by, now)
    seen.after = rows[-1][0] if len(rows) == limit else None
    return done


_OUTDATED = """
UPDATE messages m SET state = 'cancelled', state_at = %(now)s, error = %(why)s
FROM templates x
WHERE m.trace_id = ANY (%(traces)s) AND m.state = 'waiting' AND x.id = m.template_id
    AND x.key IN ('isolation', 'changed', 'ended')
"""


def tell(changed: Collection[Changed], by: Scope, now: datetime) -> None:
    """Write down whose isolation changed, and write to those who have been told other dates."""
    if not changed:
        return
    auditing.record_many(
        "isolation.changed",
        [
            {"person": each.person, "trace": each.trace, "detail": {"before": each.before, "after": each.after}}
            for each in changed
        ],
        by=by,
        now=now,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM traces WHERE id = ANY (%s) AND reached_at IS NOT NULL", [[each.trace for each in changed]]
        )
        told = {row[0] for row in cursor.fetchall()}
        # Two that wait for the morning would go out together, in whichever order.
        cursor.execute(_OUTDATED, {"traces": sorted(told), "now": now, "why": "Newer dates were written instead."})
    asked = [_message(each, now) for each in changed if each.trace in told]
    try:
        messages.queue(asked=asked, by=by, now=now)
    except Invalid:
        # Where nobody has installed the texts yet, the notice to the team is what there is.
        logger.warning("no message about changed dates was queued: there is no template for it")


def _message(each: Changed, now: datetime) -> Asked:
    # Each change is its own: there and back again on one day is two, and the last one holds.
    key = f"isolation/{each.trace}/{each.after or 'none'}/{now:%Y%m%dT%H%M%S%f}"
    if each.after is None or each.after < london_date(now):
        return Asked(each.trace, "ended", key)
    return Asked(each.trace, "changed", key, {"until": each.after.isoformat()})
