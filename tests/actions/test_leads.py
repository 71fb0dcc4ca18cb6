"""What leads do with a queue, and notes between the teams."""

import pytest

from ringfence.actions import handover, notes, work
from ringfence.actions.errors import Invalid, NotFound
from ringfence.rules.access import Refused
from tests.town import BLACKBURN, ENGLAND, HOUR, LUTON, MINUTE, START, SWEEP, events, owners, row

NOW = START + HOUR
DUE = START + 25 * HOUR


def test_reassigning_many_at_once_says_which_were_refused_and_why(town):
    free, taken, closed, there = town.trace(priority=3), town.trace(priority=1), town.trace(priority=2), town.trace()
    foreign = town.trace(LUTON)
    team = town.team("national")
    work.claim(team=team, by=town.by("Nia"), now=NOW)
    from ringfence.actions import attempts

    got = work.claim(team=team, by=town.by("Noah"), now=NOW)
    assert got.trace == closed
    attempts.record(
        trace=closed, version=1, kind="call", outcome="reached", by=town.by("Noah"), now=NOW + MINUTE, seconds=9
    )
    done = work.reassign(
        traces=[free, taken, closed, foreign, 999_999, there, there],
        to_team=town.team("local"),
        why="The local team knows them",
        by=town.by("Lena"),
        now=NOW + 2 * MINUTE,
    )
    assert done.traces == 2
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
    assert [trace for _, _, trace, _, _ in events("trace.reassigned")] == [free, there]


def test_a_ring_fence_holds_against_leads_too(town):
    trace = town.trace()
    done = work.reassign(
        traces=[trace], to_team=town.team("national", LUTON), why="They are idle", by=town.by("Lena"), now=NOW
    )
    assert done.traces == 0
    assert done.refused[0].why.startswith("Luton ring-fenced team is ring-fenced for another area.")


def test_to_the_pool_and_the_pool_can_see_the_person(town):
    trace = town.trace()
    pool = town.team("pool", ENGLAND)
    assert work.reassign(traces=[trace], to_team=pool, why="No staff", by=town.by("Lena"), now=NOW).traces == 1
    from ringfence.base.references import reference
    from ringfence.queries.traces import trace as record

    assert record(scope=town.by("Pat"), ref=reference(1), now=NOW).person.family_name == "Test"


def test_giving_traces_to_a_person(town):
    traces = [town.trace() for _ in range(10)]
    noah = town.users["Noah"].pk
    done = work.reassign(traces=traces, to_user=noah, by=town.by("Lena"), now=NOW)
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
    done = work.reassign(traces=[same], to_user=town.users["Noah"].pk, by=town.by("Lena"), now=NOW)
    assert [each.why for each in done.refused] == ["Somebody is calling the same number now."]


def test_a_person_of_another_team_gets_nothing(town):
    trace = town.trace()
    done = work.reassign(traces=[trace], to_user=town.users["Nora"].pk, by=town.by("Lena"), now=NOW)
    assert [each.why for each in done.refused] == ["Nora does not work in Blackburn with Darwen ring-fenced team."]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({}, "to_team"),
        ({"to_team": 1, "to_user": 1}, "to_team"),
        ({"to_team": 999_999, "why": "x"}, "to_team"),
        ({"to_user": 999_999}, "to_user"),
        ({"traces": [], "to_user": 1}, "traces"),
    ],
)
def test_what_cannot_be_reassigned(town, more, field):
    trace = town.trace()
    with pytest.raises(Invalid) as told:
        work.reassign(**{"traces": [trace], "by": town.by("Lena"), "now": NOW, **more})
    assert told.value.field == field


def test_a_reason_is_needed(town):
    with pytest.raises(Invalid, match="Say why"):
        work.reassign(traces=[town.trace()], to_team=town.team("local"), by=town.by("Lena"), now=NOW)


@pytest.mark.parametrize("name", ["Nia", "Dora", "Hana"])
def test_only_leads(town, name):
    trace = town.trace()
    with pytest.raises(Refused):
        work.reassign(traces=[trace], to_user=1, by=town.by(name), now=NOW)
    with pytest.raises(Refused):
        work.prioritise(traces=[trace], priority=1, by=town.by(name), now=NOW)


def test_prioritise(town):
    first, last = town.trace(), town.trace()
    done = work.prioritise(traces=[last, 999_999], priority=1, by=town.by("Lena"), now=NOW)
    assert (done.traces, len(done.refused)) == (1, 1)
    assert work.claim(team=town.team("national"), by=town.by("Nia"), now=NOW).trace == last
    assert row(first, "priority", "version") == (5, 0)
    with pytest.raises(Invalid):
        work.prioritise(traces=[first], priority=0, by=town.by("Lena"), now=NOW)


def test_a_question_goes_to_the_other_team_and_is_answered(town):
    trace = town.trace()
    handover.sweep(by=SWEEP, now=DUE)
    national, local = town.team("national"), town.team("local")
    asked = notes.add(trace=trace, kind="question", text="Did they move?", by=town.by("Nia"), now=DUE)
    assert asked.to_team == local
    own = notes.add(trace=trace, kind="question", text="Which number?", by=town.by("Lola"), now=DUE)
    assert own.to_team == national
    notes.add(trace=trace, kind="answer", text="Yes.", answers=asked.note, by=town.by("Lola"), now=DUE)
    assert next((user, about) for user, _, about, _, _ in events("note.added")) == (town.users["Nia"].pk, trace)
    assert row(trace, "version") == (1,)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"kind": "shout"}, "kind"),
        ({"text": "  "}, "text"),
        ({"text": "x" * 2001}, "text"),
        ({"kind": "answer"}, "answers"),
        ({"answers": 1}, "answers"),
        ({"kind": "answer", "answers": 999_999}, "answers"),
        ({"kind": "question"}, "kind"),
    ],
)
def test_what_cannot_be_noted(town, more, field):
    trace = town.trace()
    with pytest.raises(Invalid) as told:
        notes.add(**{"trace": trace, "kind": "note", "text": "Hello", "by": town.by("Nia"), "now": NOW, **more})
    assert told.value.field == field


def test_notes_are_for_those_who_work_on_the_trace(town):
    trace = town.trace(BLACKBURN)
    with pytest.raises(NotFound):
        notes.add(trace=trace, kind="note", text="Hello", by=town.by("Nora"), now=NOW)
    with pytest.raises(Refused):
        notes.add(trace=trace, kind="note", text="Hello", by=town.by("Dora"), now=NOW)
