"""Passing a trace between teams: by the clock, back again, and to the health protection team."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q

from ringfence.accounts import walls
from ringfence.accounts.models import Team
from ringfence.actions import auditing, moving, renewal, work
from ringfence.actions.checks import words
from ringfence.actions.errors import Invalid
from ringfence.actions.holding import Held, Move, clock, hold, move, must_be_free
from ringfence.partnerships.clock import hold_still
from ringfence.queries.policy import local_teams, partnership_histories, service_policy
from ringfence.queries.regions import health_protection_team
from ringfence.queries.renewal import changed_since
from ringfence.rules import handover as rules
from ringfence.rules import households
from ringfence.rules.access import Refused, Scope, system_scope
from ringfence.rules.handover import TeamKind
from ringfence.rules.renewal import BY_PERIOD


@dataclass(frozen=True, slots=True)
class Swept:
    """What the clock did: traces handed over, claims and tries put back into queues, and how many each team got."""

    handed_over: int
    woken: int
    teams: Mapping[int, int] = field(default_factory=dict)


# What is due in the order of its index: an EXISTS may be planned as a walk through the whole table for the first that fits.
_ANYTHING = """
SELECT EXISTS (SELECT 1 FROM partnerships WHERE applied <> revision),
    (SELECT true FROM traces t
     WHERE t.closed_at IS NULL AND t.passes_to_id IS NOT NULL AND t.due_at <= %(now)s
        AND (t.claimed_by IS NULL OR t.ready_at <= %(now)s)
     ORDER BY t.due_at LIMIT 1),
    (SELECT true FROM teams k CROSS JOIN LATERAL (
        SELECT 1 FROM traces t
        WHERE t.team_id = k.id AND NOT t.queued AND t.closed_at IS NULL AND t.ready_at <= %(now)s LIMIT 1) r
     LIMIT 1),
    EXISTS (SELECT FROM moves_due)
"""

# The sentence is that of rules.handover.reason; what was brought forward (rules.renewal) carries its own. How long a home
# that was just called rests is that of rules.households.after_hand_over, asked only for what waits and does not queue.
_SWEEP = """
WITH receiving AS MATERIALIZED (
    SELECT * FROM unnest(%(teams)s::bigint[], %(areas)s::text[], %(due_ats)s::timestamptz[], %(due_whys)s::text[])
        AS r (team, area, due_at, due_why)
), periods AS MATERIALIZED (
    SELECT * FROM unnest(%(p_teams)s::bigint[], %(p_from)s::timestamptz[], %(p_until)s::timestamptz[],
        %(p_hours)s::int[])
        AS p (team, from_at, until_at, hours)
), calling AS MATERIALIZED (
    SELECT * FROM unnest(%(calls_from)s::timestamptz[], %(calls_until)s::timestamptz[]) AS c (from_at, until_at)
), due AS MATERIALIZED (
    SELECT t.id, t.team_id, t.area, t.person_id, t.owned_since, t.handovers, t.created_at, t.due_at, t.due_why,
        t.passes_to_id, t.phone, t.household,
        CASE WHEN NOT t.queued AND t.claimed_by IS NULL AND t.ready_at > %(now)s THEN t.ready_at END AS waits_until,
        greatest(%(now)s, t.owned_since) AS at
    FROM traces t
    WHERE t.closed_at IS NULL AND t.passes_to_id IS NOT NULL AND t.due_at <= %(now)s
        AND t.passes_to_id = ANY (%(teams)s) AND (t.claimed_by IS NULL OR t.ready_at <= %(now)s)
    FOR UPDATE SKIP LOCKED
), resting AS MATERIALIZED (
    SELECT d.id, CASE WHEN agreed.at > %(now)s THEN d.waits_until ELSE least(d.waits_until, rest.until) END AS until
    FROM due d CROSS JOIN LATERAL (
        SELECT (SELECT a.call_back_at FROM attempts a WHERE a.trace_id = d.id AND a.through_id IS NULL
            ORDER BY a.at DESC, a.id DESC LIMIT 1) AS at
    ) agreed CROSS JOIN LATERAL (
        SELECT max(n.at) + %(gap)s AS at FROM (
            SELECT a.at, a.kind, a.outcome FROM attempts a
            WHERE a.number = d.phone AND a.number <> '' AND a.at > %(since)s
            UNION ALL
            SELECT a.at, a.kind, a.outcome FROM traces o JOIN attempts a ON a.trace_id = o.id
            WHERE o.household = d.household AND a.at > %(since)s AND a.through_id IS NULL
            UNION ALL
            SELECT a.at, a.kind, a.outcome FROM attempts a
            WHERE a.trace_id = d.id AND a.at > %(since)s AND a.through_id IS NULL
        ) n
        WHERE n.kind = 'call' AND NOT n.outcome = ANY (%(not_there)s)
    ) tried CROSS JOIN LATERAL (
        SELECT min(greatest(tried.at, c.from_at)) AS until FROM calling c WHERE c.until_at > tried.at
    ) rest
    WHERE d.waits_until IS NOT NULL AND (rest.until > %(now)s OR agreed.at > %(now)s)
), moved AS (
    UPDATE traces t
    SET team_id = r.team, area = r.area, from_team_id = d.team_id, owned_since = d.at, due_at = r.due_at,
        due_why = r.due_why, passes_to_id = NULL, queued = s.until IS NULL, ready_at = s.until, claimed_by = NULL,
        claimed_at = NULL, handovers = d.handovers + 1, version = t.version + 1
    FROM due d JOIN receiving r ON r.team = d.passes_to_id LEFT JOIN resting s ON s.id = d.id
    WHERE t.id = d.id
    RETURNING t.id, r.team AS to_team, r.area AS to_area, d.team_id AS from_team, d.area AS from_area, d.person_id,
        d.owned_since AS since, d.handovers, d.created_at, d.due_at, d.due_why, d.at
), told AS (
    INSERT INTO handovers (trace_id, seq, previous, from_team_id, since, to_team_id, at, reason, why, recorded_at)
    SELECT m.id, m.handovers + 1, nullif(m.handovers, 0), m.from_team, m.since, m.to_team, m.at,
        CASE WHEN starts_with(m.due_why, %(by_period)s) THEN 'set_period' ELSE 'moved_on' END,
        CASE WHEN p.hours IS NULL OR NOT starts_with(m.due_why, %(by_period)s) THEN m.due_why ELSE
            'Handed over because ' || CASE p.hours WHEN 1 THEN '1 hour' ELSE p.hours || ' hours' END
            || ' passed without contact; the set period ended at '
            || to_char((m.created_at + p.hours * interval '1 hour') AT TIME ZONE 'Europe/London',
                'HH24:MI "on" FMDay FMDD FMMonth')
            || CASE WHEN m.due_at <= m.created_at + p.hours * interval '1 hour' THEN '.'
                ELSE ', and the local team could first take it at '
                    || to_char(m.due_at AT TIME ZONE 'Europe/London', 'HH24:MI "on" FMDay FMDD FMMonth') || '.' END
        END,
        %(now)s
    FROM moved m LEFT JOIN periods p
        ON p.team = m.to_team AND m.due_at >= p.from_at AND (p.until_at IS NULL OR m.due_at < p.until_at)
), known AS (
    INSERT INTO standings (person_id, area, why, from_at)
    SELECT DISTINCT m.person_id, m.to_area, 'handed', %(now)s::timestamptz FROM moved m WHERE m.to_area <> m.from_area
    ON CONFLICT DO NOTHING
), counted AS (
    SELECT m.to_team, m.to_area, count(*) AS traces FROM moved m GROUP BY m.to_team, m.to_area
), events AS (
    INSERT INTO audit.events (at, scope, verb, team_id, area, detail)
    SELECT %(now)s, %(scope)s, 'trace.handed_over', c.to_team, c.to_area, jsonb_build_object('traces', c.traces)
    FROM counted c
)
SELECT to_team, traces FROM counted
"""


def sweep(*, by: Scope, now: datetime) -> Swept:
    """What is due at ``now`` happens: traces past their set period pass to the local team; what is ready comes back.

    May run at any time, again, and from several processes at once: what another one has in hand is left to it. A trace
    that somebody has open stays until the call is over. One whose home or number was just called comes into the other
    team's queue when it has rested. The history says ``now``, also when the trace was due earlier.
    """
    with walls.transaction(by):
        ((changed, due, ready, moves),) = walls.rows(_ANYTHING, {"now": now})
    if changed:
        renewal.apply_changes(by=system_scope("policy"), now=now)
    if moves:
        moving.follow(by=by, now=now)
    if not (changed or due or ready):
        return Swept(0, 0)
    with walls.transaction(by):
        with connection.cursor() as cursor:
            hold_still()
            cursor.execute(
                _SWEEP, {"now": now, "scope": by.name, "by_period": BY_PERIOD, **_receiving(now), **_resting(now)}
            )
            teams: dict[int, int] = dict(cursor.fetchall())
        return Swept(sum(teams.values()), work.wake(by=by, now=now), teams)


def _receiving(now: datetime) -> dict[str, Any]:
    """The local teams that take traces now: what they aim for, and the set periods that their traces had.

    Left out are those whose authority's policy was changed since the due times were worked out.
    """
    outdated = changed_since()
    live = [
        each
        for each in local_teams(now).values()
        if each.live_from is not None and each.live_from <= now and each.area not in outdated
    ]
    histories = partnership_histories([each.area for each in live])
    targets = [
        rules.after_move(
            TeamKind.LOCAL, now, histories.get(each.area, ()), local_team_live_from=each.live_from, now=now
        )
        for each in live
    ]
    periods = [(each.id, period) for each in live for period in rules.set_periods(histories.get(each.area, ()))]
    return {
        "teams": [each.id for each in live],
        "areas": [each.area for each in live],
        "due_ats": [each.at for each in targets],
        "due_whys": [each.why for each in targets],
        "p_teams": [team for team, _ in periods],
        "p_from": [period.from_at for _, period in periods],
        "p_until": [period.until_at for _, period in periods],
        "p_hours": [period.hours for _, period in periods],
    }


def _resting(now: datetime) -> dict[str, Any]:
    """How long a number and a home rest after a call, for the statement: the gap, calling hours, how far back to look."""
    policy = service_policy(now)
    gap = timedelta(minutes=policy.retry_gap_minutes)
    # A call at closing time rests over the night as well.
    since = now - gap - timedelta(days=1)
    windows = households.calling_windows(policy, since, now + gap)
    return {
        "gap": gap,
        "since": since,
        "calls_from": [each.from_at for each in windows],
        "calls_until": [each.until_at for each in windows],
        "not_there": [each.value for each in households.NOT_THERE],
    }


@dataclass(frozen=True, slots=True)
class Passed:
    """A trace that another team has now."""

    trace: int
    version: int
    to_team: int
    to_name: str
    why: str


def give_back(*, trace: int, version: int, why: str, by: Scope, now: datetime) -> Passed:
    """Give a trace back to the team it came from; the clock does not pass it a second time.

    Raises Invalid with the reason when it cannot be given back, Stale, NotFound, and Refused when somebody else has it
    open.
    """
    with walls.transaction(by):
        hold_still()
        held = hold(trace, version, now)
        by.require("trace")
        must_be_free(held, by, now)
        told = words("why", why, work.LONGEST_WHY)
        team = _came_from(held, now)
        decision = rules.give_back(
            owner=held.kind,
            back_to=TeamKind(team.kind) if team else None,
            is_open=held.closed_at is None,
            in_owner_team=held.team_id in by.teams,
            why=told,
        )
        if not decision.allowed:
            raise Invalid("why", decision.why)
        assert team is not None
        return pass_on(held, team.pk, "given_back", decision.why, "trace.given_back", by, now)


def _came_from(held: Held, now: datetime) -> Team | None:
    """The team that a trace goes back to: whoever escalated it; from a local team, the national team or the pool."""
    is_open = Q(closed_at=None) | Q(closed_at__gt=now)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT h.from_team_id FROM handovers h JOIN teams k ON k.id = h.from_team_id WHERE h.trace_id = %s"
            " AND k.kind = ANY (%s) ORDER BY h.seq DESC LIMIT 1",
            [
                held.id,
                ["national", "pool", "local"] if held.kind is TeamKind.HEALTH_PROTECTION else ["national", "pool"],
            ],
        )
        row = cursor.fetchone()
    last = row[0] if row else None
    wanted = [held.national_team_id, last] if held.kind is TeamKind.LOCAL else [last]
    for team in wanted:
        found = Team.objects.filter(is_open, pk=team).first() if team and team != held.team_id else None
        if found is not None:
            return found
    return None


def escalate(*, trace: int, version: int, why: str, by: Scope, now: datetime) -> Passed:
    """Give a trace to the health protection team of the region.

    Raises Invalid with the reason when it cannot be escalated, Stale, NotFound, and Refused when somebody else has it
    open.
    """
    with walls.transaction(by):
        held = hold(trace, version, now)
        by.require("trace")
        must_be_free(held, by, now)
        return escalate_held(held, words("why", why, work.LONGEST_WHY), "why", by, now)


def escalate_held(held: Held, why: str, field_: str, by: Scope, now: datetime) -> Passed:
    """``escalate`` within a verb that holds the trace; ``field_`` is where the page shows a refusal."""
    team = health_protection_team(held.authority, now)
    decision = rules.escalate(
        owner=held.kind,
        is_open=held.closed_at is None,
        in_owner_team=held.team_id in by.teams,
        health_protection=team is not None,
        why=why,
    )
    if not decision.allowed:
        raise Invalid(field_, decision.why)
    assert team is not None
    return pass_on(held, team.id, "escalated", decision.why, "trace.escalated", by, now)


def pass_on(held: Held, to_team: int, reason: str, why: str, verb: str, by: Scope, now: datetime) -> Passed:
    """Give a trace that is held to another team, with its audit event."""
    team = Team.objects.get(pk=to_team)
    due, passes_to = clock(held, to_team, TeamKind(team.kind), team.area_id, now)
    move([Move(held, to_team, team.area_id, due, passes_to, why)], reason, by, now)
    auditing.record(
        verb,
        by=by,
        now=now,
        person=held.person_id,
        trace=held.id,
        team=to_team,
        area=team.area_id,
        detail={"from_team": held.team_id},
    )
    return Passed(held.id, held.version + 1, to_team, team.name, why)


def seen(*, team: int, by: Scope, now: datetime) -> int:
    """Mark the team's hand-over notices as seen. Returns how many were new. Raises Refused for another team."""
    must_work_in(team, by)
    with walls.transaction(by):
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE handovers SET seen_at = %s, seen_by = %s WHERE to_team_id = %s AND seen_at IS NULL",
                [now, by.user, team],
            )
            count = int(cursor.rowcount)
        if count:
            auditing.record("handover.seen", by=by, now=now, team=team, detail={"notices": count})
    return count


def must_work_in(team: int, by: Scope) -> None:
    """Raise Refused unless the person works in the team."""
    by.require("trace")
    if team not in by.teams:
        raise Refused("You do not work in this team.")
