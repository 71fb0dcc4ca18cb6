"""The sweep's one statement does what the pure rules decide for each trace, on generated traces."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.accounts import walls
from ringfence.accounts.models import Team
from ringfence.actions import handover, partnerships
from ringfence.partnerships.models import Partnership, Policy
from ringfence.queries.policy import local_teams, partnership_histories, service_policy
from ringfence.rules.access import system_scope
from ringfence.rules.calendar import spoken
from ringfence.rules.handover import Due, Held, TeamKind, after_move, due, may_pass, reason
from ringfence.rules.households import after_hand_over
from ringfence.rules.policy import policy_at
from ringfence.rules.renewal import brought_forward
from tests.examples import examples
from tests.town import BLACKBURN, HOUR, LEICESTER, LUTON, MINUTE, START, SWEEP

NOW = START + 72 * HOUR
AREAS = (BLACKBURN, LUTON, LEICESTER)

MOMENTS = st.integers(-72 * 60, 24 * 60).map(lambda minutes: NOW + minutes * MINUTE)

POLICIES = st.tuples(
    st.sampled_from(AREAS),
    MOMENTS,
    st.sampled_from(["national_only", "timed", "timed", "timed", "local_first"]),
    st.integers(1, 60),
    st.sampled_from(["YYYYYYY", "YYYYYNN", "NNNNNYY", "NNYNNNN"]),
    st.sampled_from([(time(9), time(17)), (time(0), time(23, 59)), (time(12), time(13))]),
)


@dataclass(frozen=True)
class Case:
    """A trace to be: where, transferred when, claimed until when, closed or not, and brought forward to when."""

    area: str
    transferred: datetime
    claimed_until: datetime | None
    closed: bool
    brought_forward: datetime | None


CASES = st.builds(
    Case,
    area=st.sampled_from(AREAS),
    transferred=MOMENTS.filter(lambda at: at <= NOW),
    claimed_until=st.none() | st.sampled_from([NOW - MINUTE, NOW, NOW + MINUTE]),
    closed=st.booleans().filter(bool) | st.just(False) | st.just(False),
    brought_forward=st.none() | st.none() | MOMENTS,
)

_MAKE = """
UPDATE traces SET created_at = %s, owned_since = %s, due_at = %s, due_why = %s, passes_to_id = %s, queued = %s,
    claimed_by = %s, claimed_at = %s, ready_at = %s, closed_at = %s, outcome = %s
WHERE id = %s
"""


@settings(max_examples=examples(8), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    policies=st.lists(POLICIES, max_size=5),
    joined=st.lists(st.none() | MOMENTS, min_size=3, max_size=3),
    cases=st.lists(CASES, min_size=1, max_size=12),
)
@pytest.mark.usefixtures("db")
def test_the_sweep_and_the_rules_agree(town, policies, joined, cases):
    sid = transaction.savepoint()
    try:
        agree(town, policies, joined, cases)
    finally:
        transaction.savepoint_rollback(sid)


def agree(town, policies, joined, cases):
    for number, (area, from_at, model, hours, days, (opens, closes)) in enumerate(policies):
        Policy.objects.create(
            area_id=area,
            from_at=from_at,
            model=model,
            set_period_hours=hours,
            contacts_by="national",
            working_days=days,
            opens=opens,
            closes=closes,
            bank_holidays=False,
            recorded_at=START + (number + 1) * MINUTE,
        )
    for area, at in zip(AREAS, joined, strict=True):
        Team.objects.get_or_create(
            kind="local", area_id=area, defaults={"name": f"{area} local team", "opened_at": START - 99 * HOUR}
        )
        Team.objects.filter(kind="local", area_id=area).update(opened_at=START - 99 * HOUR)
        Partnership.objects.filter(pk=area).update(stage="live" if at else "offered", joined_at=at)
    # What was changed to make the country is taken up; the traces are then made with the clock's own decisions.
    partnerships.apply_changes(by=system_scope("policy"), now=NOW)
    histories, locals_ = partnership_histories(), local_teams(NOW)
    expected = {}
    for case in cases:
        trace, decided = make(town, case, histories.get(case.area, ()), locals_[case.area])
        held = Held(
            is_open=not case.closed,
            due_at=decided.at,
            passes=decided.passes,
            local_team_live=(live := locals_[case.area].live_from) is not None and live <= NOW,
            claimed_until=None if case.closed else case.claimed_until,
        )
        if may_pass(held, NOW).allowed:
            expected[trace] = outcome(case, decided, histories.get(case.area, ()), locals_[case.area])
    done = handover.sweep(by=SWEEP, now=NOW)
    assert done.handed_over == len(expected)
    assert found() == expected


def make(town, case, history, local):
    """The trace as intake and the verbs would have left it, with the rule's own decision as its cache."""
    trace = town.trace(case.area)
    decided = due(case.transferred, history, local_team_live_from=local.live_from, now=case.transferred)
    if decided.passes and case.brought_forward is not None and case.brought_forward < decided.at:
        decided = Due(
            case.brought_forward, True, "The number was wrong and there is no other. The local team takes over."
        )
    claimed = case.claimed_until is not None and not case.closed
    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE traces SET team_id = k.id FROM teams k WHERE k.kind = 'national' AND k.area = %s"
            " AND traces.id = %s",
            [case.area, trace],
        )
        cursor.execute(
            _MAKE,
            [
                case.transferred,
                case.transferred,
                decided.at,
                decided.why,
                local.id if decided.passes else None,
                not claimed and not case.closed,
                trace if claimed else None,
                case.transferred if claimed else None,
                case.claimed_until if claimed else None,
                NOW if case.closed else None,
                "refused" if case.closed else "",
                trace,
            ],
        )
    return trace, decided


def outcome(case, decided, history, local):
    """What the rules say of a hand-over at ``NOW``: the team, its target, and the sentence of the history."""
    target = after_move(TeamKind.LOCAL, case.transferred, history, local_team_live_from=local.live_from, now=NOW)
    if brought_forward(decided):
        return (local.id, case.area, target.at, target.why, "moved_on", decided.why)
    policy = policy_at(history, decided.at)
    hours = policy.set_period_hours
    if policy.model != "timed":
        # A local-first policy began while the clock ran: it runs on by the timed one before.
        ahead = [each for each in history if each.from_at < policy.from_at]
        hours = [
            policy_at(history, each.from_at).set_period_hours
            for each in sorted(ahead, key=lambda each: each.from_at)
            if policy_at(history, each.from_at).model == "timed"
        ][-1]
    why = reason(transferred_at=case.transferred, set_period_hours=hours, due_at=decided.at)
    return (local.id, case.area, target.at, target.why, "set_period", why)


def found():
    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.id, t.team_id, t.area, t.due_at, t.due_why, h.reason, h.why FROM traces t"
            " JOIN handovers h ON h.trace_id = t.id AND h.at = t.owned_since AND h.to_team_id = t.team_id"
            " WHERE t.handovers = 1 AND t.queued AND t.claimed_by IS NULL AND t.passes_to_id IS NULL AND h.at = %s",
            [NOW],
        )
        return {row[0]: row[1:] for row in cursor.fetchall()}


@dataclass(frozen=True)
class Waiting:
    """A trace that is due: when it was to be tried again (None: it queues), its home, number, and what was tried on it:
    how long ago, how, with what outcome."""

    waits: timedelta | None
    home: int | None
    number: str
    tries: list[tuple[timedelta, str, str]]
    asked: timedelta | None = None
    """In how long they asked, at the last try, to be called back."""


WAITING = st.builds(
    Waiting,
    waits=st.integers(0, 300).map(lambda minutes: minutes * MINUTE or None),
    home=st.sampled_from([None, 1, 1]),
    number=st.sampled_from(["", "07700900001"]),
    tries=st.lists(
        st.tuples(
            st.integers(0, 150).map(lambda minutes: minutes * MINUTE) | st.sampled_from([12 * HOUR, 14 * HOUR]),
            st.sampled_from(["call", "call", "call", "text"]),
            st.sampled_from(["no_answer", "no_answer", "no_answer", "wrong_number"]),
        ),
        max_size=1,
    ),
    asked=st.sampled_from([None, None, -MINUTE, 3 * HOUR]),
)

_WAITS = """
UPDATE traces SET due_at = %s, queued = %s, ready_at = %s, household = %s, phone = %s WHERE id = %s
"""

_TRIED = """
INSERT INTO attempts (trace_id, at, recorded_at, user_id, team_id, kind, outcome, number, note, call_back_at)
SELECT t.id, %s, %s, 1, t.team_id, %s, %s, t.phone, '', %s FROM traces t WHERE t.id = %s
"""


@settings(max_examples=examples(10), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    traces=st.lists(WAITING, min_size=2, max_size=4),
    # At noon, when calls begin, shortly before they end, and at night.
    now=st.sampled_from([NOW + 4 * HOUR, NOW, NOW + 11 * HOUR, NOW + 14 * HOUR]),
)
@pytest.mark.usefixtures("db")
def test_a_home_rests_as_the_rules_say(town, traces, now):
    sid = transaction.savepoint()
    try:
        policy = service_policy(now)
        made = {town.trace(now=now - 48 * HOUR): each for each in traces}
        with walls.transaction(SWEEP), connection.cursor() as cursor:
            for trace, each in made.items():
                ready_at = now + each.waits if each.waits else None
                cursor.execute(_WAITS, [now, ready_at is None, ready_at, each.home, each.number, trace])
                for ago, kind, result in each.tries:
                    asked = now + each.asked if each.asked else None
                    cursor.execute(_TRIED, [now - ago, now, kind, result, asked, trace])
        expected = {}
        for trace, each in made.items():
            ready_at = now + each.waits if each.waits else None
            agreed = now + each.asked if each.asked and each.tries else None
            until = after_hand_over(ready_at, last_call(each, traces, now), policy, now, agreed=agreed)
            expected[trace] = (until is None, until)
        assert handover.sweep(by=SWEEP, now=now).handed_over == len(traces)
        with walls.transaction(SWEEP), connection.cursor() as cursor:
            cursor.execute("SELECT id, queued, ready_at FROM traces WHERE id = ANY (%s)", [list(made)])
            assert {row[0]: row[1:] for row in cursor.fetchall()} == expected
    finally:
        transaction.savepoint_rollback(sid)


def last_call(trace, traces, now):
    """The last call that disturbed somebody at the home or on the number of a trace: on it, or on another."""
    calls = [
        now - ago
        for other in traces
        for ago, kind, result in other.tries
        if (
            other is trace
            or (trace.home and trace.home == other.home)
            or (trace.number and trace.number == other.number)
        )
        and kind == "call"
        and result != "wrong_number"
    ]
    return max(calls, default=None)


@given(at=st.datetimes(datetime(2020, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC)))
@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_speaks_of_moments_as_the_rules_do(db, at):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_char(%s::timestamptz AT TIME ZONE 'Europe/London', 'HH24:MI \"on\" FMDay FMDD FMMonth')",
            [at],
        )
        assert cursor.fetchone() == (spoken(at),)
