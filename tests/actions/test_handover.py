"""The clock, giving back, escalating."""

import pytest
from django.db import IntegrityError, connection, transaction

from ringfence.accounts import walls
from ringfence.actions import handover, partnerships, work
from ringfence.actions.errors import Invalid, NotFound, Stale
from ringfence.actions.holding import clock, hold
from ringfence.rules.access import Refused, system_scope
from ringfence.rules.handover import GIVEN_BACK, TeamKind
from tests.together import together
from tests.town import (
    ACCOUNTS,
    BLACKBURN,
    ENGLAND,
    HOUR,
    LEICESTER,
    LUTON,
    MINUTE,
    NORTH_WEST,
    START,
    SWEEP,
    events,
    owners,
    row,
)

DUE = START + 25 * HOUR  # 24 hours end at 8; the local team opens at 9


def sweep(now):
    return handover.sweep(by=SWEEP, now=now)


def test_what_is_due_passes_with_reason_and_notice(town):
    trace = town.trace()
    assert row(trace, "due_at", "passes_to_id") == (DUE, town.team("local"))
    assert sweep(DUE - MINUTE).handed_over == 0
    done = sweep(DUE)
    assert (done.handed_over, done.teams) == (1, {town.team("local"): 1})
    assert row(trace, "team_id", "area", "from_team_id", "national_team_id", "owned_since", "handovers", "version") == (
        town.team("local"),
        BLACKBURN,
        town.team("national"),
        town.team("national"),
        DUE,
        1,
        1,
    )
    assert row(trace, "queued", "passes_to_id", "due_at", "due_why") == (
        True,
        None,
        START.replace(day=18, hour=17),
        "The local team aims to reach them by 17:00 on Wednesday 18 November, the end of its next working day.",
    )
    assert owners(trace) == [(town.team("national"), START, town.team("local"), DUE, "set_period")]
    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute("SELECT why, user_id, seen_at FROM handovers")
        assert cursor.fetchall() == [
            (
                "Handed over because 24 hours passed without contact; the set period ended at 08:00 on Tuesday"
                " 17 November, and the local team could first take it at 09:00 on Tuesday 17 November.",
                None,
                None,
            )
        ]
    assert events("trace.handed_over") == [(None, False, None, town.team("local"), {"traces": 1})]


def test_again_does_nothing(town):
    town.trace()
    sweep(DUE)
    again = sweep(DUE)
    assert (again.handed_over, again.woken) == (0, 0)
    assert len(events("trace.handed_over")) == 1


def test_after_an_hour_down_the_history_tells_when_it_happened(town):
    trace = town.trace()
    sweep(DUE + HOUR)
    assert [at for _, _, _, at, _ in owners(trace)] == [DUE + HOUR]


def test_a_call_in_progress_is_not_taken_away(town):
    trace, other = town.trace(priority=1), town.trace()
    work.claim(team=town.team("national"), by=town.by("Nia"), now=DUE - MINUTE)
    assert sweep(DUE).handed_over == 1
    assert row(other, "team_id") == (town.team("local"),)
    assert sweep(DUE + MINUTE).handed_over == 0
    assert sweep(DUE + 29 * MINUTE).handed_over == 1
    assert row(trace, "claimed_by", "team_id") == (None, town.team("local"))


def test_national_only_and_local_first_pass_nothing(town):
    one, two = town.trace(LEICESTER), town.trace(LUTON)
    assert sweep(START + 99 * HOUR).handed_over == 0
    assert row(one, "team_id") == (town.team("national", LEICESTER),)
    assert row(two, "team_id") == (town.team("local", LUTON),)


def test_a_closed_local_team_gets_nothing(town):
    town.trace()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE teams SET closed_at = %s WHERE id = %s", [DUE - HOUR, town.team("local")])
    assert sweep(DUE).handed_over == 0


def test_two_sweeps_at_once_do_it_once(real_town):
    traces = [real_town.trace() for _ in range(50)]
    swept = together(*[lambda: sweep(DUE).handed_over] * 4)
    assert sum(swept) == 50
    assert all(len(owners(trace)) == 1 for trace in traces)


def test_the_local_team_gives_back_with_a_reason(town):
    trace = town.trace()
    sweep(DUE)
    now = DUE + HOUR
    done = handover.give_back(trace=trace, version=1, why="Lives in London now", by=town.by("Lola"), now=now)
    assert (done.to_team, done.version) == (town.team("national"), 2)
    assert row(trace, "team_id", "from_team_id", "queued", "passes_to_id", "due_why") == (
        town.team("national"),
        town.team("local"),
        True,
        None,
        GIVEN_BACK,
    )
    # The national team has a day from then, also when the policy changes or another one of theirs takes it.
    assert row(trace, "due_at") == (now + 24 * HOUR,)
    partnerships.set_policy(area=BLACKBURN, by=ACCOUNTS, now=now, model="timed", set_period_hours=4)
    assert partnerships.apply_changes(by=system_scope("policy"), now=now + HOUR) == ((BLACKBURN,), 1, 0)
    assert row(trace, "due_at", "due_why") == (now + 24 * HOUR, GIVEN_BACK)
    with walls.transaction(town.by("Nia")):
        held = hold(trace, 2, now + HOUR)
        for kind, area in (("pool", ENGLAND), ("national", LUTON)):
            due, passes_to = clock(held, town.team(kind, area), TeamKind(kind), area, now + HOUR)
            assert (due.at, passes_to) == (now + 24 * HOUR, None)
    assert sweep(now + 99 * HOUR).handed_over == 0
    assert owners(trace) == [
        (town.team("national"), START, town.team("local"), DUE, "set_period"),
        (town.team("local"), DUE, town.team("national"), now, "given_back"),
    ]
    assert [detail for *_, detail in events("trace.given_back")] == [{"from_team": town.team("local")}]


@pytest.mark.parametrize(
    ("name", "why", "problem"),
    [("Lola", "  ", "Say why"), ("Nia", "No time", "Only the team that has the trace")],
)
def test_giving_back_is_refused_with_words(town, name, why, problem):
    trace = town.trace()
    sweep(DUE)
    with pytest.raises(Invalid, match=problem):
        handover.give_back(trace=trace, version=1, why=why, by=town.by(name), now=DUE + HOUR)


def test_a_national_team_cannot_give_back(town):
    trace = town.trace()
    with pytest.raises(Invalid, match="national team cannot give a trace back"):
        handover.give_back(trace=trace, version=0, why="Busy", by=town.by("Nia"), now=START + HOUR)


def test_what_began_locally_goes_to_the_ring_fenced_team(town):
    trace = town.trace(LUTON)
    assert row(trace, "national_team_id") == (town.team("national", LUTON),)
    handover.give_back(trace=trace, version=0, why="No staff", by=town.by("Lars"), now=START + HOUR)
    assert row(trace, "team_id", "passes_to_id") == (town.team("national", LUTON), None)


def test_escalating_to_the_region_and_back(town):
    trace = town.trace()
    now = START + HOUR
    done = handover.escalate(trace=trace, version=0, why="Care home", by=town.by("Nia"), now=now)
    hpt = town.team("health_protection", NORTH_WEST)
    assert (done.to_team, done.why) == (hpt, "Escalated: Care home")
    with walls.transaction(system_scope("intake")), connection.cursor() as cursor:
        cursor.execute("SELECT area, why, from_at FROM standings WHERE area = %s", [NORTH_WEST])
        assert cursor.fetchall() == [(NORTH_WEST, "handed", now)]
    assert sweep(DUE).handed_over == 0
    back = handover.give_back(trace=trace, version=1, why="Not a resident", by=town.by("Hana"), now=DUE)
    assert back.to_team == town.team("national")
    # The local team never had it, and its set period is over, also by a policy that came meanwhile.
    partnerships.set_policy(area=BLACKBURN, by=ACCOUNTS, now=DUE, model="timed", set_period_hours=4)
    partnerships.apply_changes(by=system_scope("policy"), now=DUE)
    assert sweep(DUE).handed_over == 1
    assert [reason for *_, reason in owners(trace)] == ["escalated", "given_back", "set_period"]


def test_an_escalated_trace_the_local_team_gives_back_goes_to_the_national_team(town):
    trace = town.trace()
    sweep(DUE)
    handover.escalate(trace=trace, version=1, why="School", by=town.by("Lola"), now=DUE + HOUR)
    handover.give_back(trace=trace, version=2, why="Not a school", by=town.by("Hana"), now=DUE + 2 * HOUR)
    assert row(trace, "team_id") == (town.team("local"),)
    handover.give_back(trace=trace, version=3, why="Moved away", by=town.by("Lola"), now=DUE + 3 * HOUR)
    assert row(trace, "team_id") == (town.team("national"),)


@pytest.mark.parametrize(
    ("name", "why", "problem"),
    [("Lola", "", "Say why it needs"), ("Nia", "School", "Only the team that has the trace")],
)
def test_escalating_is_refused_with_words(town, name, why, problem):
    trace = town.trace()
    sweep(DUE)
    with pytest.raises(Invalid, match=problem):
        handover.escalate(trace=trace, version=1, why=why, by=town.by(name), now=DUE + HOUR)


def test_another_team_s_trace_is_not_there(town):
    trace = town.trace()
    with pytest.raises(NotFound):
        handover.escalate(trace=trace, version=0, why="School", by=town.by("Nick"), now=DUE)


def test_an_unknown_authority_has_no_health_protection_team(town):
    trace = town.trace(None)
    with pytest.raises(Invalid, match="no health protection team"):
        handover.escalate(trace=trace, version=0, why="Prison", by=town.by("Pat"), now=START + HOUR)


def test_stale_and_open_with_somebody(town):
    trace = town.trace()
    work.claim(team=town.team("national"), by=town.by("Nia"), now=START)
    with pytest.raises(Stale):
        handover.escalate(trace=trace, version=0, why="School", by=town.by("Noah"), now=START)
    with pytest.raises(Refused, match="Nia has this trace open"):
        handover.escalate(trace=trace, version=1, why="School", by=town.by("Noah"), now=START)


def test_notices_are_seen_once(town):
    town.trace()
    sweep(DUE)
    assert handover.seen(team=town.team("local"), by=town.by("Lola"), now=DUE + HOUR) == 1
    assert handover.seen(team=town.team("local"), by=town.by("Luke"), now=DUE + HOUR) == 0
    with pytest.raises(Refused):
        handover.seen(team=town.team("local"), by=town.by("Nia"), now=DUE + HOUR)


def test_a_change_of_policy_moves_the_clock(town):
    trace = town.trace()
    partnerships.set_policy(area=BLACKBURN, by=ACCOUNTS, now=START + HOUR, model="timed", set_period_hours=4)
    partnerships.apply_changes(by=system_scope("policy"), now=START + HOUR)
    assert row(trace, "due_at") == (START + 4 * HOUR,)
    sweep(START + 4 * HOUR)
    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute("SELECT why FROM handovers")
        assert cursor.fetchall() == [
            (
                "Handed over because 4 hours passed without contact; the set period ended at 12:00 on Monday"
                " 16 November.",
            )
        ]


_THIRD = """
INSERT INTO handovers (trace_id, seq, previous, from_team_id, since, to_team_id, at, reason, why, recorded_at)
VALUES (%(trace)s, %(seq)s, %(previous)s, %(from_team)s, %(since)s, %(to_team)s, %(at)s, 'reassigned', '', %(at)s)
"""


@pytest.mark.parametrize(
    "change",
    [
        None,
        {"since": DUE + HOUR - MINUTE},
        {"since": DUE + HOUR + MINUTE},
        {"from_team": "other"},
        {"to_team": "national"},
        {"seq": 2, "previous": 1},
        {"seq": 4},
        {"seq": 4, "previous": 3},
        {"previous": 1},
        {"previous": None},
        {"seq": 1, "previous": None},
        {"at": DUE},
    ],
)
def test_the_chain_of_owners_cannot_be_broken(town, change):
    trace = town.trace()
    sweep(DUE)
    handover.give_back(trace=trace, version=1, why="Moved", by=town.by("Lola"), now=DUE + HOUR)
    teams = {"national": town.team("national"), "local": town.team("local"), "other": town.team("national", LUTON)}
    right = {
        "seq": 3,
        "previous": 2,
        "from_team": "national",
        "since": DUE + HOUR,
        "to_team": "local",
        "at": DUE + 2 * HOUR,
    }
    values = {"trace": trace, **right, **(change or {})}
    values |= {end: teams[values[end]] for end in ("from_team", "to_team")}
    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        if change is None:
            cursor.execute(_THIRD, values)
            return
        with pytest.raises(IntegrityError), transaction.atomic():
            cursor.execute(_THIRD, values)
