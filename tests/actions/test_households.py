"""One call for a home: six flatmates who name each other, what rests, who was spoken for, and who may say so."""

from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction

from ringfence.accounts import walls
from ringfence.actions import attempts, handover, work
from tests.interviews import person, rows, say, taken
from tests.town import HOUR, LEICESTER, MINUTE, START, SWEEP, events, row

NOW = START + 2 * HOUR
FLAT = 4_242


@pytest.fixture
def flat(town):
    """Six positive flatmates, each with a number of their own."""
    return [town.trace(phone=f"0770090000{n}", household=FLAT, born=date(1999, 1, n)) for n in range(1, 7)]


def claim(town, name="Nia", now=NOW):
    return work.claim(team=town.team("national"), by=town.by(name, now), now=now)


def call(town, claimed, outcome, *, now=NOW + MINUTE, name="Nia", **more):
    return attempts.record(
        trace=claimed.trace,
        version=claimed.version,
        kind="call",
        outcome=outcome,
        by=town.by(name, now),
        now=now,
        **more,
    )


def test_six_flatmates_who_name_each_other_are_one_call(town, flat):
    first = claim(town)
    # While somebody talks to the flat nobody else can.
    assert claim(town, "Noah") is None
    mates = [
        person(f"m{n}", given_name=f"Person {n}", family_name="Test", household=True, spoken_for=True)
        for n in range(1, 7)
        if flat[n - 1] != first.trace
    ]
    say(first.trace, town.by("Nia"), NOW, {"contacts": mates})
    done = taken(NOW + MINUTE)
    assert (done.contacts, done.people, done.traces) == (5, 0, 0)
    call(town, first, "reached", now=NOW + 10 * MINUTE)
    assert [row(trace, "outcome")[0] for trace in flat] == ["reached"] * 6
    assert claim(town, "Noah", NOW + 5 * HOUR) is None
    assert rows("SELECT count(*), count(*) FILTER (WHERE through_id IS NULL) FROM attempts") == [(6, 1)]
    # The other five are interviewed by nobody; were they, it would still be one person each and no call more.
    for n, trace in enumerate(flat, 1):
        others = [
            person(f"o{m}", given_name=f"Person {m}", family_name="Test", household=True) for m in range(1, 7) if m != n
        ]
        say(trace, town.by("Nia"), NOW + HOUR, {"contacts": others})
    done = taken(NOW + HOUR)
    assert (done.people, done.traces) == (0, 0)
    assert rows("SELECT count(*), count(DISTINCT person_id) FROM contacts") == [(30, 6)]
    assert rows("SELECT count(*) FROM traces WHERE reason = 'contact'") == [0]


def test_the_tracer_says_who_was_spoken_for(town, flat):
    first = claim(town)
    others = [trace for trace in flat if trace != first.trace]
    call(town, first, "reached", others=others[:2])
    for trace in others[:2]:
        assert row(trace, "outcome", "reached_at", "reached_by_kind", "attempts") == (
            "reached", NOW + MINUTE, "national", 0,
        )  # fmt: skip
    for trace in others[2:]:
        assert row(trace, "outcome", "queued", "ready_at") == ("", False, NOW + MINUTE + 2 * HOUR)
    assert [trace for _, _, trace, _, _ in events("trace.spoken_for")] == others[:2]


def test_a_call_that_reached_nobody_lets_the_whole_home_rest(town, flat):
    first = claim(town)
    call(town, first, "no_answer")
    rested = NOW + MINUTE + 2 * HOUR
    assert {row(trace, "queued", "ready_at") for trace in flat} == {(False, rested)}
    assert claim(town, "Noah", NOW + HOUR) is None
    assert work.wake(by=SWEEP, now=rested) == 6
    assert claim(town, "Noah", rested) is not None


def test_a_number_rests_for_both_teams(town):
    passed = town.trace(phone="07700900100", now=START - 24 * HOUR)
    handover.sweep(by=SWEEP, now=NOW - MINUTE)
    assert row(passed, "team_id", "queued") == (town.team("local"), True)
    town.trace(phone="07700900100")
    first = claim(town)
    call(town, first, "voicemail")
    assert row(passed, "queued", "ready_at") == (False, NOW + MINUTE + 2 * HOUR)
    assert work.claim(team=town.team("local"), by=town.by("Lola"), now=NOW + HOUR) is None


def test_the_clock_does_not_offer_a_home_at_once_to_the_other_team(town):
    due = START + 24 * HOUR
    flat = [town.trace(phone=f"0770090000{n}", household=FLAT) for n in range(1, 4)]
    elsewhere = town.trace(phone="07700900100")
    first = claim(town, now=due - 20 * MINUTE)
    call(town, first, "no_answer", now=due - 10 * MINUTE)
    assert handover.sweep(by=SWEEP, now=due + HOUR).handed_over == 4
    local, rested = town.team("local"), due - 10 * MINUTE + 2 * HOUR
    assert {row(trace, "team_id", "queued", "ready_at") for trace in flat} == {(local, False, rested)}
    assert row(elsewhere, "team_id", "queued") == (local, True)
    taken_there = work.claim(team=local, by=town.by("Lola"), now=rested - MINUTE)
    assert taken_there is not None and taken_there.trace == elsewhere
    assert work.wake(by=SWEEP, now=rested) == 3


def test_a_number_rests_across_the_hand_over(town):
    due = START + 24 * HOUR
    traces = [town.trace(phone="07700900100"), town.trace(phone="07700900100")]
    call(town, claim(town, now=due - 20 * MINUTE), "voicemail", now=due - 10 * MINUTE)
    handover.sweep(by=SWEEP, now=due + HOUR)
    assert {row(trace, "queued", "ready_at") for trace in traces} == {(False, due - 10 * MINUTE + 2 * HOUR)}


def test_the_time_that_somebody_asked_for_is_kept_across_the_hand_over(town):
    due = START + 24 * HOUR
    trace = town.trace()
    call(town, claim(town, now=due - 20 * MINUTE), "call_back", now=due - 10 * MINUTE, call_back_at=due + 6 * HOUR)
    handover.sweep(by=SWEEP, now=due + HOUR)
    assert row(trace, "queued", "ready_at") == (False, due + 6 * HOUR)


@pytest.mark.parametrize(("outcome", "rests"), [("wrong_number", False), ("no_details", False), ("language", True)])
def test_what_disturbed_nobody_lets_nobody_rest(town, flat, outcome, rests):
    first = claim(town)
    call(town, first, outcome)
    others = {row(trace, "queued")[0] for trace in flat if trace != first.trace}
    assert others == {not rests}


def test_a_letter_lets_nobody_rest(town, flat):
    first = claim(town)
    attempts.record(
        trace=first.trace, version=first.version, kind="email", outcome="no_answer", by=town.by("Nia"), now=NOW + MINUTE
    )
    assert sum(row(trace, "queued")[0] for trace in flat) == 5


def test_a_longer_wait_is_kept(town, flat):
    first = claim(town)
    call(town, first, "call_back", call_back_at=NOW + 5 * HOUR)
    second = claim(town, now=NOW + 3 * HOUR)
    assert second is None
    work.wake(by=SWEEP, now=NOW + 2 * HOUR + MINUTE)
    second = claim(town, now=NOW + 3 * HOUR)
    call(town, second, "no_answer", now=NOW + 3 * HOUR)
    assert row(first.trace, "ready_at") == (NOW + 5 * HOUR,)


def test_others_of_another_home_or_closed_or_open_with_somebody_are_left(town, flat):
    other_home = town.trace(phone="07700900200", household=FLAT + 1)
    elsewhere = town.trace(LEICESTER, phone="07700900201", household=FLAT)
    first = claim(town)
    others = [trace for trace in flat if trace != first.trace]
    rows("UPDATE traces SET closed_at = now(), outcome = 'died', queued = false WHERE id = %s RETURNING id", others[0])
    call(town, first, "reached", others=[*others, other_home])
    assert row(others[0], "outcome") == ("died",)
    assert row(other_home, "outcome") == ("",)
    assert row(elsewhere, "outcome") == ("",)


def test_two_calls_to_one_home_cannot_be_open(town, flat):
    with pytest.raises(IntegrityError, match="trace_one_open_call_for_a_household"), transaction.atomic():
        rows("UPDATE traces SET queued = false, ready_at = now(), claimed_by = 1, claimed_at = now() RETURNING id")


def test_who_else_lives_there_is_told_to_those_who_work_on_it(town, flat):
    def at_home(name, trace):
        with walls.transaction(town.by(name)), connection.cursor() as cursor:
            cursor.execute("SELECT id FROM casework.at_home(%s)", [trace])
            return [found for (found,) in cursor.fetchall()]

    assert at_home("Nia", flat[0]) == flat[1:]
    assert at_home("Dora", flat[0]) == flat[1:]
    for name in ("Lola", "Nick", "Nora", "Gil", "Charlie"):
        assert at_home(name, flat[0]) == [], name


def test_a_call_through_another_is_no_call_to_this_one(town, flat):
    first = claim(town)
    call(town, first, "reached", others=[flat[1] if flat[1] != first.trace else flat[0]])
    with walls.transaction(town.by("Nia")), connection.cursor() as cursor:
        other = next(trace for trace in flat[2:] if trace != first.trace)
        cursor.execute("SELECT count(*) FROM casework.called_recently(%s, %s)", [other, NOW - HOUR])
        assert cursor.fetchone() == (1,)
