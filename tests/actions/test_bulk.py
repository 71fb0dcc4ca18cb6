"""What leads do to many traces at once: looked at before, done in one piece, and taken back."""

import pytest
from django.db import connection

from ringfence.accounts import walls
from ringfence.accounts.models import Membership
from ringfence.actions import attempts, bulk, handover, undoing, work
from ringfence.actions.errors import Invalid, NotFound
from ringfence.base.references import reference
from ringfence.queries import bulk as queries
from ringfence.queries.traces import trace as record
from ringfence.rules.access import Refused
from ringfence.rules.bulk import MOST, Wanted, What
from tests.town import (
    ACCOUNTS,
    BLACKBURN,
    ENGLAND,
    HOUR,
    INTAKE,
    LUTON,
    MINUTE,
    START,
    SWEEP,
    events,
    owners,
    row,
)

NOW = START + HOUR
LATER = NOW + 5 * MINUTE
ALL = ("team_id", "area", "priority", "due_at", "due_why", "passes_to_id", "queued", "ready_at", "closed_at", "outcome")


def chosen(traces):
    return dict.fromkeys(traces)


def do(town, traces, wanted, why="Needed", name="Lena", kind="national", now=NOW, verb=bulk.change):
    given = traces if isinstance(traces, dict) else chosen(traces)
    return verb(team=town.team(kind), traces=given, wanted=wanted, why=why, by=town.by(name, now), now=now)


def to_local(town):
    return Wanted(What.TEAM, town.team("local"))


def test_to_another_team_and_who_stays_and_why(town):
    free, taken, closed, there = town.trace(priority=3), town.trace(priority=1), town.trace(priority=2), town.trace()
    foreign = town.trace(LUTON)
    team = town.team("national")
    work.claim(team=team, by=town.by("Nia"), now=NOW)
    got = work.claim(team=team, by=town.by("Noah"), now=NOW)
    assert got.trace == closed
    attempts.record(
        trace=closed, version=1, kind="call", outcome="reached", by=town.by("Noah"), now=NOW + MINUTE, seconds=9
    )
    given = [free, taken, closed, foreign, 999_999, there]
    now = NOW + 2 * MINUTE
    before = [row(trace, *ALL, "version") for trace in given[:3]]
    looked = do(town, given, to_local(town), now=now, verb=bulk.preview)
    assert [row(trace, *ALL, "version") for trace in given[:3]] == before
    done = do(town, given, to_local(town), "The local team knows them", now=now)
    assert (looked.traces, looked.counts) == (done.traces, (("due there: tomorrow", 2),))
    assert looked.refused == done.refused
    assert {(each.trace, each.why) for each in done.refused} == {
        (taken, "Nia has it open until 09:30 on Monday 16 November."),
        (closed, "It is closed."),
        (foreign, "There is no such trace that you may see."),
        (999_999, "There is no such trace that you may see."),
    }
    assert row(free, "team_id", "queued", "version", "due_why") == (
        town.team("local"),
        True,
        1,
        "The local team aims to reach them by 17:00 on Tuesday 17 November, the end of its next working day.",
    )
    assert [reason for *_, reason in owners(free)] == ["reassigned"]
    assert [trace for _, _, trace, _, _ in events("trace.bulk_team")] == [free, there]


def test_a_ring_fence_holds_against_leads_too(town):
    done = do(town, [town.trace()], Wanted(What.TEAM, town.team("national", LUTON)))
    assert (done.ref, done.traces) == ("", 0)
    assert done.refused[0].why.startswith("Luton ring-fenced team is ring-fenced for another area.")
    assert queries.changes(scope=town.by("Lena"), team=town.team("national"), now=NOW) == ()


def test_to_the_pool_and_the_pool_can_see_the_person(town):
    assert do(town, [town.trace()], Wanted(What.TEAM, town.team("pool", ENGLAND)), "No staff").traces == 1
    assert record(scope=town.by("Pat"), ref=reference(1), now=NOW).person.family_name == "Test"


def test_what_changed_since_it_was_chosen_stays(town):
    first, second = town.trace(), town.trace()
    do(town, [first], Wanted(What.PRIORITY, 2))
    done = do(town, {first: 0, second: 0}, to_local(town))
    assert (done.traces, [each.why for each in done.refused]) == (1, ["Somebody changed it since you looked."])


def test_giving_traces_to_a_person(town):
    traces = [town.trace() for _ in range(10)]
    noah = town.users["Noah"].pk
    done = do(town, traces, Wanted(What.USER, noah))
    assert (done.traces, len(done.refused)) == (8, 2)
    assert {each.why for each in done.refused} == {"One person gets at most 8 at once."}
    # One after the other, each holds a while longer.
    assert row(traces[0], "claimed_by", "ready_at") == (noah, NOW + 30 * MINUTE)
    assert row(traces[7], "claimed_by", "ready_at") == (noah, NOW + 240 * MINUTE)
    assert work.claim(team=town.team("national"), by=town.by("Noah"), now=NOW).resumed


def test_giving_somebody_a_number_that_is_being_called(town):
    town.trace(phone="07700900001", priority=1)
    same = town.trace(phone="07700900001")
    work.claim(team=town.team("national"), by=town.by("Nia"), now=NOW)
    done = do(town, [same], Wanted(What.USER, town.users["Noah"].pk))
    assert [each.why for each in done.refused] == ["Somebody is calling the same number now."]


def test_a_person_of_another_team_gets_nothing(town):
    done = do(town, [town.trace()], Wanted(What.USER, town.users["Nora"].pk))
    assert [each.why for each in done.refused] == ["Nora does not work in Blackburn with Darwen ring-fenced team."]


def test_urgency(town):
    first, last = town.trace(), town.trace()
    done = do(town, [last, 999_999], Wanted(What.PRIORITY, 1), "")
    assert (done.traces, len(done.refused)) == (1, 1)
    assert work.claim(team=town.team("national"), by=town.by("Nia"), now=NOW).trace == last
    assert row(first, "priority", "version") == (5, 0)
    assert [each.why for each in do(town, [first], Wanted(What.PRIORITY, 5)).refused] == [
        "It has that urgency already."
    ]


def test_closing_says_why_on_each_record(town):
    tried, never = town.trace(), town.trace()
    got = work.claim(team=town.team("national"), by=town.by("Nia"), now=NOW)
    assert got.trace == tried
    attempts.record(trace=tried, version=1, kind="call", outcome="no_answer", by=town.by("Nia"), now=NOW + MINUTE)
    wanted = Wanted(What.CLOSE, outcome="not_reached")
    looked = do(town, [tried, never], wanted, now=LATER, verb=bulk.preview)
    assert looked.counts == (("never tried", 1), ("tried before", 1))
    assert do(town, [tried, never], wanted, "Too long ago", now=LATER).traces == 2
    for trace in (tried, never):
        assert row(trace, "closed_at", "outcome", "queued", "ready_at") == (LATER, "not_reached", False, None)
    notes = record(scope=town.by("Nia"), ref=reference(2), now=LATER).notes
    assert [(note.by_name, note.text) for note in notes] == [("Lena", "Closed with others, not reached: Too long ago")]


@pytest.mark.parametrize(
    ("wanted", "why", "field"),
    [
        (Wanted(What.TEAM, 999_999), "x", "to"),
        (Wanted(What.USER, 999_999), "x", "to"),
        (Wanted(What.PRIORITY, 0), "x", "to"),
        (Wanted(What.PRIORITY, 10), "x", "to"),
        (Wanted(What.CLOSE, outcome="reached"), "x", "to"),
        (Wanted(What.CLOSE, outcome="never heard"), "x", "to"),
        (Wanted(What.CLOSE, outcome="died"), " ", "why"),
        (Wanted(What.PRIORITY, 1), "x" * 281, "why"),
    ],
)
def test_what_cannot_be_done(town, wanted, why, field):
    for verb in (bulk.preview, bulk.change):
        with pytest.raises(Invalid) as told:
            do(town, [town.trace()], wanted, why, verb=verb)
        assert told.value.field == field


def test_a_reason_is_needed_for_another_team(town):
    with pytest.raises(Invalid, match="Say why"):
        do(town, [town.trace()], to_local(town), "")


def test_nothing_or_too_much_was_chosen(town):
    for traces in ({}, dict.fromkeys(range(1, MOST + 2))):
        with pytest.raises(Invalid) as told:
            do(town, traces, Wanted(What.PRIORITY, 1))
        assert told.value.field == "traces"


@pytest.mark.parametrize("name", ["Nia", "Dora", "Hana", "Leo"])
def test_only_the_team_s_leads(town, name):
    trace = town.trace()
    done = do(town, [trace], Wanted(What.PRIORITY, 1))
    for verb in (bulk.preview, bulk.change):
        with pytest.raises(Refused):
            do(town, [trace], Wanted(What.PRIORITY, 2), name=name, verb=verb)
    with pytest.raises((Refused, NotFound)):
        undoing.undo(ref=done.ref, by=town.by(name), now=LATER)


def wanted_of(town, what):
    return {
        "team": to_local(town),
        "pool": Wanted(What.TEAM, town.team("pool", ENGLAND)),
        "user": Wanted(What.USER, town.users["Noah"].pk),
        "priority": Wanted(What.PRIORITY, 7),
        "close": Wanted(What.CLOSE, outcome="not_reached"),
    }[what]


@pytest.mark.parametrize("what", ["team", "pool", "user", "priority", "close"])
def test_undone_is_as_it_was(town, what):
    """One in the queue, one that waits for its next try; the clock goes on as if nothing had been."""
    queued, waiting = town.trace(), town.trace(priority=1)
    work.claim(team=town.team("national"), by=town.by("Nia"), now=START)
    attempts.record(trace=waiting, version=1, kind="call", outcome="no_answer", by=town.by("Nia"), now=START + MINUTE)
    assert row(waiting, "queued") == (False,)
    traces = [queued, waiting]
    before = [row(trace, *ALL) for trace in traces]
    done = do(town, traces, wanted_of(town, what))
    assert done.traces == 2
    assert [row(trace, *ALL) for trace in traces] != before
    undone = undoing.undo(ref=done.ref.lower(), by=town.by("Lena"), now=LATER)
    assert (undone.traces, undone.kept) == (2, ())
    assert [row(trace, *ALL) for trace in traces] == before
    (change,) = queries.changes(scope=town.by("Lena"), team=town.team("national"), now=LATER)
    assert (change.traces, change.by_name, change.undone_at, change.undone_by) == (2, "Lena", LATER, "Lena")
    if what in ("team", "pool"):
        assert [(from_, to) for from_, _, to, _, _ in owners(queued)] == [
            (town.team("national"), wanted_of(town, what).number),
            (wanted_of(town, what).number, town.team("national")),
        ]
    assert [trace for _, _, trace, _, _ in events("trace.bulk_undone")] == traces
    with pytest.raises(Invalid, match="undone already"):
        undoing.undo(ref=done.ref, by=town.by("Lena"), now=LATER)


@pytest.mark.parametrize("what", ["team", "priority", "close"])
def test_what_somebody_has_worked_on_since_stays(town, what):
    first, second = town.trace(), town.trace()
    done = do(town, [first, second], wanted_of(town, what))
    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute("UPDATE traces SET version = version + 1 WHERE id = %s", [first])
    undone = undoing.undo(ref=done.ref, by=town.by("Lena"), now=LATER)
    assert undone.traces == 1
    assert [(each.trace, each.why) for each in undone.kept] == [(first, "Somebody has worked on it since.")]


def test_what_the_local_team_took_is_not_taken_back(town):
    trace = town.trace()
    done = do(town, [trace], to_local(town))
    work.claim(team=town.team("local"), by=town.by("Lola"), now=LATER)
    assert undoing.undo(ref=done.ref, by=town.by("Lena"), now=LATER).traces == 0
    assert row(trace, "team_id") == (town.team("local"),)


def test_one_of_many_that_cannot_be_opened_again_does_not_hold_up_the_others(town):
    traces = [town.trace() for _ in range(5)]
    done = do(town, traces, Wanted(What.CLOSE, outcome="not_reached"))
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        # Tested again meanwhile: another trace is open for the same person and reason.
        cursor.execute(
            "INSERT INTO traces (ref, shard, reason, person_id, case_id, authority, team_id, area, owned_since,"
            " created_at, why, priority, due_at, due_why, queued, phone)"
            " SELECT %s, 0, 'case', person_id, case_id, authority, team_id, area, %s, %s, '', 5, %s, '', true, ''"
            " FROM traces WHERE id = %s",
            [reference(900), NOW, NOW, NOW, traces[2]],
        )
    undone = undoing.undo(ref=done.ref, by=town.by("Lena"), now=LATER)
    assert undone.traces == 4
    assert [(each.trace, each.why) for each in undone.kept] == [
        (traces[2], "Another trace for the same person is open by now.")
    ]


def test_after_an_undo_the_clock_passes_it_on_as_before(town):
    trace = town.trace()
    done = do(town, [trace], to_local(town))
    undoing.undo(ref=done.ref, by=town.by("Lena"), now=LATER)
    assert handover.sweep(by=SWEEP, now=START + 25 * HOUR).handed_over == 1
    assert [reason for *_, reason in owners(trace)] == ["reassigned", "undone", "set_period"]


def test_any_lead_of_the_team_may_undo_it_and_nobody_sees_another_team_s(town):
    done = do(town, [town.trace()], Wanted(What.PRIORITY, 1))
    with walls.transaction(ACCOUNTS):
        Membership.objects.create(
            user=town.users["Noah"], role="national_lead", team_id=town.team("national"), from_at=START
        )
    assert undoing.undo(ref=done.ref, by=town.by("Noah"), now=LATER).traces == 1
    with pytest.raises(Refused):
        queries.changes(scope=town.by("Leo"), team=town.team("national"), now=NOW)
    with pytest.raises(NotFound):
        undoing.undo(ref=done.ref, by=town.by("Leo"), now=LATER)


def test_choosing_by_what_they_are(town):
    day, now = START + 26 * HOUR, START + 27 * HOUR
    old = town.trace(priority=3)
    new = town.trace(now=day)
    tried = town.trace(now=day, priority=1)
    work.claim(team=town.team("national"), by=town.by("Nia"), now=day)
    attempts.record(trace=tried, version=1, kind="call", outcome="no_answer", by=town.by("Nia"), now=day + MINUTE)
    scope, team = town.by("Lena"), town.team("national")

    def found(**given):
        wanted = queries.Filter(**given)
        matching = queries.matching(scope=scope, team=team, now=now, chosen=wanted)
        assert queries.count(scope=scope, team=team, now=now, chosen=wanted) == (len(matching), False)
        from ringfence.queries.work import queue

        assert [line.trace for line in queue(scope=scope, team=team, now=now, chosen=wanted).lines] == [
            trace for trace, _ in matching
        ]
        return [trace for trace, _ in matching]

    assert found() == [old, new]
    assert found(priority=3) == [old]
    assert found(hours=24) == [old]
    assert found(overdue=True) == [old]
    assert found(later=True) == [tried]
    assert found(later=True, priority=9) == []
    assert queries.matching(scope=scope, team=team, now=now, chosen=queries.Filter(later=True)) == ((tried, 2),)


def test_hundreds_at_once(town):
    traces = [town.trace() for _ in range(120)]
    done = do(town, traces, to_local(town))
    assert done.traces == 120
    assert undoing.undo(ref=done.ref, by=town.by("Lena"), now=LATER).traces == 120
    assert {row(trace, "team_id") for trace in traces} == {(town.team("national"),)}
    assert BLACKBURN in {area for trace in traces for (area,) in [row(trace, "area")]}
