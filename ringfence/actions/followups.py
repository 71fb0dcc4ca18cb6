"""The clock makes the follow-up calls of running isolations, and ends those whose reason is gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.actions.writing import reserve
from ringfence.base.references import reference
from ringfence.partnerships.clock import hold_still
from ringfence.queries.policy import local_teams, partnership_histories, service_policy
from ringfence.rules.access import Refused, Scope
from ringfence.rules.calendar import london_date
from ringfence.rules.followups import PRIORITY, Call, Isolating, decide
from ringfence.rules.policy import PartnershipPolicy, policy_at


@dataclass(frozen=True, slots=True)
class Made:
    """How many follow-up calls were planned, and how many ended: lost, and because the person became a case."""

    planned: int
    lost: int
    became_case: int


_AREAS = "SELECT DISTINCT area FROM policies WHERE follow_up_days <> ''"

_OPEN = "SELECT EXISTS (SELECT 1 FROM traces WHERE reason = 'followup' AND closed_at IS NULL)"

_END = """
UPDATE traces t SET closed_at = greatest(%(now)s, t.created_at), outcome = %(outcome)s, queued = false, ready_at = NULL,
    claimed_by = NULL, claimed_at = NULL, version = version + 1
WHERE t.reason = 'followup' AND t.closed_at IS NULL AND (t.claimed_by IS NULL OR t.ready_at <= %(now)s) AND {}
RETURNING t.id, t.person_id, t.team_id, t.area
"""

_BECAME = _END.format("EXISTS (SELECT 1 FROM cases c WHERE c.person_id = t.person_id AND c.opened_at > t.created_at)")

_LOST = _END.format(
    "NOT EXISTS (SELECT 1 FROM isolations i"
    " WHERE i.person_id = t.person_id AND i.superseded_at IS NULL AND i.until_date >= %(today)s)"
)

# The isolation that lasts longest, of those who were reached and have nothing open: an open case or contact is called as
# such, and an open follow-up is this very call.
_ISOLATING = """
SELECT DISTINCT ON (i.person_id) i.person_id, i.day_0, i.until_date, t.reached_at,
    (SELECT max(f.created_at) FROM traces f WHERE f.person_id = i.person_id AND f.reason = 'followup'),
    t.authority, k.id, k.kind, k.area, t.national_team_id, t.case_id, p.phone, p.household
FROM isolations i JOIN traces t ON t.id = i.trace_id JOIN people p ON p.id = i.person_id
JOIN teams k ON k.id = t.team_id AND k.closed_at IS NULL
WHERE i.superseded_at IS NULL AND i.until_date >= %(today)s AND i.day_0 >= %(earliest)s AND i.day_0 <= %(latest)s
    AND t.outcome = 'reached' AND t.authority = ANY (%(areas)s)
    AND NOT EXISTS (SELECT 1 FROM traces o WHERE o.person_id = i.person_id AND o.closed_at IS NULL)
ORDER BY i.person_id, i.until_date DESC, i.id DESC
"""

_ADD = """
WITH added AS (
    INSERT INTO traces (id, ref, shard, reason, person_id, case_id, authority, team_id, area, national_team_id, owned_since,
        created_at, why, priority, due_at, due_why, queued, ready_at, phone, household)
    SELECT n.id, n.ref, CASE WHEN k.queue_shards = 1 THEN 0 ELSE n.id %% k.queue_shards END, 'followup', n.person, n.case_id,
        n.authority, n.team, n.area, n.national, %(now)s, %(now)s, left(n.why, 200), %(priority)s, n.due_at,
        left(n.due_why, 200), n.ready_at <= %(now)s, CASE WHEN n.ready_at > %(now)s THEN n.ready_at END, n.phone, n.household
    FROM unnest(%(ids)s::bigint[], %(refs)s::text[], %(people)s::bigint[], %(cases)s::bigint[], %(authorities)s::text[],
        %(teams)s::bigint[], %(areas)s::text[], %(nationals)s::bigint[], %(whys)s::text[], %(dues)s::timestamptz[],
        %(due_whys)s::text[], %(readys)s::timestamptz[], %(phones)s::text[], %(households)s::bigint[])
        AS n (id, ref, person, case_id, authority, team, area, national, why, due_at, due_why, ready_at, phone, household)
    JOIN teams k ON k.id = n.team
    ON CONFLICT DO NOTHING
    RETURNING id, person_id, team_id, area
), known AS (
    INSERT INTO standings (person_id, area, why, from_at)
    SELECT a.person_id, a.area, 'handed', %(now)s FROM added a
    WHERE NOT EXISTS (
        SELECT 1 FROM standings s WHERE s.person_id = a.person_id AND s.area = a.area AND s.until_at IS NULL)
    ON CONFLICT DO NOTHING
)
SELECT id, person_id, team_id, area FROM added
"""


def make(*, by: Scope, now: datetime) -> Made:
    """Plan the follow-up calls that are due today, and end those that lost their reason. Again: nothing more.

    Under the system scope ``interviews``. Cheap where no authority's policy has follow-up calls and none is open.
    """
    if by.name != "interviews":
        raise Refused("Follow-up calls are planned by the clock, under the system scope interviews.")
    with walls.transaction(by):
        lost = became = 0
        ((open_,),) = walls.fetch(_OPEN, {})
        if open_:
            became = _end(_BECAME, "became_case", by, now)
            lost = _end(_LOST, "lost", by, now)
        areas = [area for (area,) in walls.fetch(_AREAS, {})]
        planned = _plan(areas, by, now) if areas else 0
    return Made(planned, lost, became)


def _end(statement: str, outcome: str, by: Scope, now: datetime) -> int:
    ended = walls.fetch(statement, {"now": now, "outcome": outcome, "today": london_date(now)})
    auditing.record_many(
        f"followup.{outcome}",
        [{"trace": trace, "person": person, "team": team, "area": area} for trace, person, team, area in ended],
        by=by,
        now=now,
    )
    return len(ended)


def _plan(areas: list[str], by: Scope, now: datetime) -> int:
    hold_still()
    policies = _in_force(areas, now)
    if not policies:
        return 0
    today = london_date(now)
    days = [day for policy in policies.values() for day in policy.follow_up_days]
    found = walls.fetch(
        _ISOLATING,
        {
            "today": today,
            # A day that was missed is made up for while the isolation runs.
            "earliest": today - timedelta(days=60),
            "latest": today - timedelta(days=min(days)),
            "areas": list(policies),
        },
    )
    if not found:
        return 0
    locals_ = {
        area: team.id
        for area, team in local_teams(now, list(policies)).items()
        if team.live_from is not None and team.live_from <= now
    }
    service, rows = service_policy(now), []
    for person, day_0, until, reached_at, made, authority, team, kind, area, national, case, phone, household in found:
        who = Isolating(
            day_0,
            until,
            reached_at,
            london_date(made) if made else None,
            reached_by_local=kind == "local" and team == locals_.get(authority),
        )
        call = decide(who, policies[authority], service, now, local_live=authority in locals_)
        if isinstance(call, Call):
            caller, where = (locals_[authority], authority) if call.local else (team, area)
            head = (person, case, authority, caller, where, national)
            rows.append((*head, call.why, call.due_at, call.due_why, call.ready_at, phone, household))
    if not rows:
        return 0
    ids = list(reserve("traces", len(rows)))
    names = "people cases authorities teams areas nationals whys dues due_whys readys phones households".split()
    columns: dict[str, Any] = {name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}
    columns |= {"ids": ids, "refs": [reference(each) for each in ids], "now": now, "priority": PRIORITY}
    added = walls.fetch(_ADD, columns)
    auditing.record_many(
        "followup.planned",
        [{"trace": trace, "person": person, "team": team, "area": area} for trace, person, team, area in added],
        by=by,
        now=now,
    )
    return len(added)


def _in_force(areas: list[str], now: datetime) -> dict[str, PartnershipPolicy]:
    """The policies in force of the authorities that have follow-up calls now."""
    found = {}
    for area, history in partnership_histories(areas).items():
        begun = [policy for policy in history if policy.from_at <= now]
        if begun and policy_at(begun, now).follow_up_days:
            found[area] = policy_at(begun, now)
    return found
