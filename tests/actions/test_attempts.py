"""Recording a try, and what follows."""

from datetime import date, datetime, time, timedelta

import pytest
from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import attempts, handover, work
from ringfence.actions.errors import Invalid, NotFound, Stale
from ringfence.casework.models import Attempt
from ringfence.rules.access import Refused
from ringfence.rules.attempts import Action
from ringfence.rules.calendar import LONDON
from tests.town import HOUR, INTAKE, LEICESTER, MINUTE, START, SWEEP, events, owners, row

NOW = START + 2 * HOUR


@pytest.fixture
def taken(town):
    """A trace that Nia has open, in its version."""
    town.trace(phone="07700900001")
    return work.claim(team=town.team("national"), by=town.by("Nia"), now=NOW)


def record(town, taken, outcome="no_answer", name="Nia", now=NOW + MINUTE, **more):
    values = {"trace": taken.trace, "version": taken.version, "kind": "call", "outcome": outcome} | more
    return attempts.record(by=town.by(name, now), now=now, **values)


def test_no_answer_is_tried_again_later(town, taken):
    done = record(town, taken)
    assert done.next.action is Action.RETRY
    assert (done.version, done.still_open) == (2, False)
    assert row(taken.trace, "queued", "ready_at", "claimed_by", "attempts", "last_attempt_at", "version") == (
        False,
        NOW + MINUTE + 2 * HOUR,
        None,
        1,
        NOW + MINUTE,
        2,
    )
    assert work.claim(team=town.team("national"), by=town.by("Noah"), now=NOW + HOUR) is None
    assert work.wake(by=SWEEP, now=NOW + MINUTE + 2 * HOUR) == 1
    assert work.claim(team=town.team("national"), by=town.by("Noah"), now=NOW + 3 * HOUR).trace == taken.trace


def test_the_attempt_is_kept_with_who_when_how_and_the_number(town, taken):
    record(town, taken, seconds=45, note="Ring after four.")
    made = Attempt.objects.none()
    from ringfence.accounts import walls

    with walls.transaction(SWEEP):
        made = Attempt.objects.get()
    assert (made.trace_id, made.at, made.user_id, made.team_id) == (
        taken.trace,
        NOW + MINUTE,
        town.users["Nia"].pk,
        town.team("national"),
    )
    assert (made.kind, made.outcome, made.number, made.seconds, made.note) == (
        "call",
        "no_answer",
        "07700900001",
        45,
        "Ring after four.",
    )
    assert [(user, opened, trace) for user, opened, trace, _, _ in events("attempt.recorded")] == [
        (made.user_id, True, taken.trace)
    ]


def test_reached_closes_the_trace(town, taken):
    done = record(town, taken, "reached")
    assert done.next.action is Action.COMPLETE
    assert row(taken.trace, "closed_at", "outcome", "reached_at", "reached_by_kind", "claimed_by", "queued") == (
        NOW + MINUTE,
        "reached",
        NOW + MINUTE,
        "national",
        None,
        False,
    )


@pytest.mark.parametrize("outcome", ["refused", "in_hospital", "died"])
def test_other_ends_close_it_without_reaching(town, taken, outcome):
    record(town, taken, outcome)
    assert row(taken.trace, "closed_at", "outcome", "reached_at") == (NOW + MINUTE, outcome, None)


def test_a_call_back_waits_for_the_time_asked_for(town, taken):
    record(town, taken, "call_back", call_back_at=NOW + 5 * HOUR)
    assert row(taken.trace, "ready_at") == (NOW + 5 * HOUR,)


@pytest.mark.parametrize(("minutes", "passes"), [(119, True), (120, True), (121, False)])
def test_who_tries_next_is_said_where_the_clock_comes_first(town, taken, minutes, passes):
    due = NOW + MINUTE + minutes * MINUTE
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute("UPDATE traces SET due_at = %s", [due])
    assert record(town, taken).passes_at == (due if passes else None)


def test_a_wrong_number_goes_on_with_the_other_one_at_once(town):
    town.trace(phone="07700900001", phone_other="07700900002")
    taken = work.claim(team=town.team("national"), by=town.by("Nia"), now=NOW)
    done = record(town, taken, "wrong_number")
    assert (done.next.action, done.still_open) == (Action.RETRY, True)
    assert row(taken.trace, "phone", "claimed_by", "ready_at") == (
        "07700900002",
        town.users["Nia"].pk,
        NOW + 31 * MINUTE,
    )


def test_a_wrong_number_waits_when_somebody_is_on_the_other_one(town):
    town.trace(phone="07700900001", phone_other="07700900002", priority=1)
    town.trace(phone="07700900002")
    taken = work.claim(team=town.team("national"), by=town.by("Nia"), now=NOW)
    assert work.claim(team=town.team("national"), by=town.by("Noah"), now=NOW)
    done = record(town, taken, "wrong_number")
    assert not done.still_open
    assert row(taken.trace, "phone", "claimed_by", "queued") == ("07700900002", None, True)


def test_a_wrong_number_with_no_other_hands_over_now_while_the_local_team_is_at_work(town, taken):
    done = record(town, taken, "wrong_number")
    assert done.next.action is Action.HAND_OVER
    assert row(taken.trace, "team_id", "queued", "owned_since", "attempts", "version", "passes_to_id") == (
        town.team("local"),
        True,
        NOW + MINUTE,
        1,
        2,
        None,
    )
    assert owners(taken.trace) == [
        (town.team("national"), START, town.team("local"), NOW + MINUTE, "moved_on"),
    ]


def test_moving_on_waits_for_the_local_team_to_open(town):
    evening = datetime.combine(START.date(), time(18), LONDON)
    morning = evening + 15 * HOUR
    town.trace(phone="07700900001", now=evening)
    taken = work.claim(team=town.team("national"), by=town.by("Nia"), now=evening)
    done = record(town, taken, "wrong_number", now=evening + MINUTE)
    assert done.next.ready_at == morning
    assert row(taken.trace, "team_id", "due_at", "ready_at", "queued") == (
        town.team("national"),
        morning,
        morning,
        False,
    )
    assert handover.sweep(by=SWEEP, now=morning - MINUTE).handed_over == 0
    assert work.wake(by=SWEEP, now=morning) == 0
    assert handover.sweep(by=SWEEP, now=morning).handed_over == 1
    assert [reason for *_, reason in owners(taken.trace)] == ["moved_on"]


def test_where_no_local_team_is_ahead_it_closes_as_no_details(town):
    town.trace(LEICESTER, phone="07700900001")
    taken = work.claim(team=town.team("national", LEICESTER), by=town.by("Nick"), now=NOW)
    done = record(town, taken, "wrong_number", name="Nick")
    assert done.next.action is Action.CLOSE
    assert row(taken.trace, "outcome") == ("no_details",)


def test_a_child_s_parent_is_asked_first(town):
    town.trace(born=date(2012, 1, 1))
    taken = work.claim(team=town.team("national"), by=town.by("Nia"), now=NOW)
    for outcome in ("reached", "refused"):
        with pytest.raises(Invalid) as said:
            record(town, taken, outcome)
        assert list(said.value.problems) == ["guardian"]
    assert row(taken.trace, "attempts, version") == (0, taken.version)
    done = record(town, taken, "reached", guardian=True)
    assert done.next.action is Action.COMPLETE


def test_needing_the_health_protection_team_escalates(town, taken):
    with pytest.raises(Invalid, match="Say why it needs"):
        record(town, taken, "escalated")
    record(town, taken, "escalated", note="Works in a care home.")
    assert row(taken.trace, "team_id", "area", "attempts", "version") == (
        town.team("health_protection", "E12000002"),
        "E12000002",
        1,
        2,
    )


def test_a_stale_page_is_told_what_changed_and_nothing_is_overwritten(town, taken):
    record(town, taken, "no_answer")
    before = row(taken.trace, "*")
    with pytest.raises(Stale) as told:
        record(town, taken, "reached", now=NOW + 2 * MINUTE)
    assert told.value.message == "This record has changed since you opened it. Nothing was saved."
    assert told.value.changes == ("Nia recorded 'no answer' at 10:01 on Monday 16 November.",)
    assert row(taken.trace, "*") == before


def test_a_stale_page_is_told_of_a_hand_over(town):
    trace = town.trace()
    due = START + 25 * HOUR
    handover.sweep(by=SWEEP, now=due)
    with pytest.raises(Stale) as told:
        attempts.record(
            trace=trace, version=0, kind="call", outcome="reached", by=town.by("Nia", due), now=due + MINUTE
        )
    assert told.value.changes == (
        "The clock passed it to Blackburn with Darwen local team at 09:00 on Tuesday 17 November.",
    )


def test_a_claim_that_lapsed_costs_nothing_while_nobody_took_the_trace(town, taken):
    late = NOW + 40 * MINUTE
    work.wake(by=SWEEP, now=late)
    assert record(town, taken, "reached", now=late).next.action is Action.COMPLETE


def test_a_claim_that_lapsed_and_was_taken_by_somebody_else_is_told(town, taken):
    late = NOW + 40 * MINUTE
    work.wake(by=SWEEP, now=late)
    work.claim(team=town.team("national"), by=town.by("Noah"), now=late)
    with pytest.raises(Stale) as told:
        record(town, taken, "reached", now=late + MINUTE)
    assert told.value.changes == ("Noah took it at 10:40 on Monday 16 November.",)


def test_who_has_it_open_is_not_interrupted(town, taken):
    with pytest.raises(Refused, match="Nia has this trace open until 10:30"):
        record(town, taken, name="Lena")


def test_only_the_owner_team_records(town, taken):
    local = town.trace()
    handover.sweep(by=SWEEP, now=START + 25 * HOUR)
    with pytest.raises(Refused, match="local team has this trace"):
        attempts.record(
            trace=local, version=1, kind="call", outcome="reached", by=town.by("Nia"), now=START + 25 * HOUR
        )


def test_another_team_s_trace_is_not_there(town, taken):
    with pytest.raises(NotFound):
        record(town, taken, name="Nick")


def test_a_closed_trace_takes_no_more(town, taken):
    done = record(town, taken, "reached")
    with pytest.raises(Refused, match="closed"):
        record(town, taken, version=done.version)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"kind": "pigeon"}, "kind"),
        ({"outcome": "gone"}, "outcome"),
        ({"kind": "letter", "outcome": "voicemail"}, "outcome"),
        ({"outcome": "call_back"}, "call_back_at"),
        ({"outcome": "call_back", "call_back_at": NOW - HOUR}, "call_back_at"),
        ({"outcome": "no_answer", "call_back_at": NOW + HOUR}, "call_back_at"),
        ({"seconds": -1}, "seconds"),
        ({"number": "ask at the shop"}, "number"),
        ({"note": "x" * 2001}, "note"),
        ({"note": "\x00"}, "note"),
    ],
)
def test_what_cannot_be_is_refused_with_the_field(town, taken, more, field):
    with pytest.raises(Invalid) as told:
        record(town, taken, **more)
    assert told.value.field == field
    assert row(taken.trace, "version", "attempts") == (1, 0)


def test_the_day_s_number_of_tries_and_the_last_one(town):
    town.trace(LEICESTER)
    nick = town.by("Nick")
    team = town.team("national", LEICESTER)
    now, seen = START, []
    while True:
        work.wake(by=SWEEP, now=now)
        taken = work.claim(team=team, by=nick, now=now)
        done = attempts.record(
            trace=taken.trace, version=taken.version, kind="call", outcome="no_answer", by=nick, now=now
        )
        seen.append(done.next)
        if done.next.action is not Action.RETRY:
            break
        now = done.next.ready_at
    assert len(seen) == 10
    assert seen[-1].outcome == "not_reached"
    assert now - START < timedelta(days=3)
