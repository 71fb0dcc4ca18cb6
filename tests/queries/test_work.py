"""What the pages of the work read, and who may."""

import random

import pytest
from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import attempts, handover, notes
from ringfence.actions import work as verbs
from ringfence.base.references import reference
from ringfence.queries import escalated, local, traces, work
from ringfence.rules.access import NotFound, Refused
from ringfence.rules.handover import Group, group
from tests.town import ACCOUNTS, BLACKBURN, ENGLAND, HOUR, LEICESTER, MINUTE, NORTH_WEST, START, SWEEP, events

NOW = START + HOUR
DUE = START + 25 * HOUR


def claim(town, name="Nia", now=NOW):
    return verbs.claim(team=town.team("national"), by=town.by(name), now=now)


def test_my_trace(town):
    assert work.my_trace(scope=town.by("Nia"), now=NOW) is None
    town.trace()
    got = claim(town)
    mine = work.my_trace(scope=town.by("Nia"), now=NOW + MINUTE)
    assert (mine.trace, mine.ref, mine.version, mine.until) == (got.trace, got.ref, got.version, NOW + 30 * MINUTE)
    assert work.my_trace(scope=town.by("Noah"), now=NOW) is None
    assert work.my_trace(scope=town.by("Nia"), now=NOW + 30 * MINUTE) is None


def test_the_queue_comes_in_pages_most_urgent_first(town):
    pool = town.team("pool", ENGLAND)
    made = [town.trace(None, priority=priority) for priority in (5, 2, 9, 2, 5, 1, 3)]
    from ringfence.accounts.models import Membership

    with walls.transaction(ACCOUNTS):
        Membership.objects.create(user=town.users["Lena"], role="national_lead", team_id=pool, from_at=START)
    seen, after = [], None
    while True:
        page = work.queue(scope=town.by("Lena"), team=pool, now=NOW, limit=3, after=after)
        assert len(page.lines) <= 3
        seen += [line.trace for line in page.lines]
        if page.after is None:
            break
        after = page.after
    assert seen == [made[n] for n in (5, 1, 3, 6, 0, 4, 2)]
    assert [detail for *_, detail in events("list.opened")] == [
        {"list": "queue", "traces": 3},
        {"list": "queue", "traces": 3},
        {"list": "queue", "traces": 1},
    ]


def test_a_line_says_what_a_lead_needs(town):
    trace = town.trace(care_home=True)
    line = work.queue(scope=town.by("Lena"), team=town.team("national"), now=NOW).lines[0]
    assert (line.trace, line.ref, line.name, line.postcode, line.care_home) == (
        trace,
        reference(1),
        "Person 1 Test",
        "BB1 1AA",
        True,
    )


@pytest.mark.parametrize("name", ["Nia", "Leo", "Dora", "Gil", "Olu", "Charlie"])
def test_the_queue_is_for_the_team_s_leads(town, name):
    with pytest.raises(Refused):
        work.queue(scope=town.by(name), team=town.team("national"), now=NOW)
    with pytest.raises(Refused):
        work.who_has_what(scope=town.by(name), team=town.team("national"), now=NOW)


def test_waiting(town):
    for _ in range(4):
        town.trace()
    claim(town)
    got = claim(town, "Noah")
    attempts.record(trace=got.trace, version=1, kind="call", outcome="no_answer", by=town.by("Noah"), now=NOW + MINUTE)
    now = work.waiting(scope=town.by("Nia"), team=town.team("national"), now=NOW + MINUTE)
    assert (now.queued, now.overdue, now.oldest, now.open_now, now.later, now.more) == (2, 0, START, 1, 1, False)
    assert work.waiting(scope=town.by("Nia"), team=town.team("national"), now=DUE).overdue == 2
    with pytest.raises(Refused):
        work.waiting(scope=town.by("Nora"), team=town.team("national"), now=NOW)


def test_who_has_what(town):
    town.trace()
    got = claim(town)
    found = work.who_has_what(scope=town.by("Lena"), team=town.team("national"), now=NOW)
    assert [(worker.name, [line.trace for line in worker.lines]) for worker in found] == [
        ("Lena", []),
        ("Nia", [got.trace]),
        ("Noah", []),
    ]


def test_the_local_list_in_groups(town):
    traces_ = [town.trace() for _ in range(3)]
    handover.sweep(by=SWEEP, now=DUE)
    by = town.by("Lola")
    team = town.team("local")
    found = local.handed_over(scope=by, team=team, now=DUE, limit=2)
    assert [(each.group, each.count, len(each.lines)) for each in found.groups] == [
        (Group.OVERDUE, 0, 0),
        (Group.TODAY, 0, 0),
        (Group.TOMORROW, 3, 2),
        (Group.LATER, 0, 0),
    ]
    assert (found.count, found.unseen) == (3, 3)
    line = found.groups[2].lines[0]
    assert (line.trace, line.came_from, line.unseen) == (traces_[0], "Blackburn with Darwen ring-fenced team", True)
    assert line.came_why.startswith("Handed over because 24 hours passed without contact")
    tomorrow = START.replace(day=18, hour=9)
    assert local.handed_over(scope=by, team=team, now=tomorrow).groups[1].count == 3
    assert local.handed_over(scope=by, team=team, now=tomorrow + 8 * HOUR).groups[0].count == 3


def test_notices(town):
    town.trace()
    handover.sweep(by=SWEEP, now=DUE)
    by, team = town.by("Lola"), town.team("local")
    (notice,) = local.notices(scope=by, team=team, now=DUE)
    assert (notice.ref, notice.at, notice.reason) == (reference(1), DUE, "set_period")
    handover.seen(team=team, by=by, now=DUE)
    assert local.notices(scope=by, team=team, now=DUE) == ()


def test_what_the_team_has_no_more_is_no_notice(town):
    kept, returned = town.trace(), town.trace()
    handover.sweep(by=SWEEP, now=DUE)
    by, team = town.by("Lola"), town.team("local")
    handover.give_back(trace=returned, version=1, why="Moved; the other team has the number", by=by, now=DUE)
    assert [notice.trace for notice in local.notices(scope=by, team=team, now=DUE)] == [kept]
    assert local.handed_over(scope=by, team=team, now=DUE).unseen == 1


def test_the_national_team_keeps_sight_of_what_became_of_it(town):
    traces_ = [town.trace() for _ in range(3)]
    handover.sweep(by=SWEEP, now=DUE)
    for trace, outcome in zip(traces_, ("reached", "refused"), strict=False):
        attempts.record(trace=trace, version=1, kind="visit", outcome=outcome, by=town.by("Lola"), now=DUE + HOUR)
    found = local.passed_on(scope=town.by("Nia"), team=town.team("national"), now=DUE + 2 * HOUR)
    assert (found.traces, found.reached, found.closed, found.open) == (3, 1, 1, 1)
    assert {(line.trace, line.outcome) for line in found.lines} == set(
        zip(traces_, ("reached", "refused", ""), strict=True)
    )


def test_what_came_back_is_no_longer_passed_on(town):
    trace = town.trace()
    handover.sweep(by=SWEEP, now=DUE)
    handover.give_back(trace=trace, version=1, why="Moved", by=town.by("Lola"), now=DUE + HOUR)
    assert local.passed_on(scope=town.by("Nia"), team=town.team("national"), now=DUE + HOUR).traces == 0
    assert local.passed_on(scope=town.by("Lola"), team=town.team("local"), now=DUE + HOUR).traces == 1


def test_the_health_protection_team_s_list(town):
    trace = town.trace(care_home=True)
    handover.escalate(trace=trace, version=0, why="Care home", by=town.by("Nia"), now=NOW)
    team = town.team("health_protection", NORTH_WEST)
    found = escalated.escalated(scope=town.by("Hana"), team=team, now=NOW)
    (line,) = [line for each in found.groups for line in each.lines]
    assert (line.trace, line.came_why, line.name) == (trace, "Escalated: Care home", "Person 1 Test")
    with pytest.raises(Refused):
        escalated.escalated(scope=town.by("Nia"), team=town.team("national"), now=NOW)


def test_open_questions(town):
    trace = town.trace()
    handover.sweep(by=SWEEP, now=DUE)
    asked = notes.add(trace=trace, kind="question", text="Did they move?", by=town.by("Nia"), now=DUE)
    (question,) = work.questions(scope=town.by("Lola"), team=town.team("local"), now=DUE)
    assert (question.note, question.ref, question.text, question.by_name) == (
        asked.note,
        reference(1),
        "Did they move?",
        "Nia",
    )
    assert work.questions(scope=town.by("Nia"), team=town.team("national"), now=DUE) == ()
    notes.add(trace=trace, kind="answer", text="No.", answers=asked.note, by=town.by("Lola"), now=DUE)
    assert work.questions(scope=town.by("Lola"), team=town.team("local"), now=DUE) == ()


def test_the_record_shows_everything_and_its_opening_is_logged(town):
    trace = town.trace(household=7, email="a@example.org")
    got = claim(town)
    attempts.record(
        trace=trace, version=got.version, kind="call", outcome="voicemail", by=town.by("Nia"), now=NOW, seconds=20
    )
    handover.sweep(by=SWEEP, now=DUE)
    notes.add(trace=trace, kind="note", text="Knows us.", by=town.by("Lola"), now=DUE)
    seen = traces.trace(scope=town.by("Lola"), ref=got.ref.lower().replace("-", " "), now=DUE + HOUR)
    assert (seen.id, seen.team_name, seen.national_name, seen.mine, seen.open_now) == (
        trace,
        "Blackburn with Darwen local team",
        "Blackburn with Darwen ring-fenced team",
        True,
        False,
    )
    assert (seen.person.name, seen.person.age, seen.person.under_18) == ("Person 1 Test", 46, False)
    assert [(each.kind, each.outcome, each.by_name, each.seconds) for each in seen.attempts] == [
        ("call", "voicemail", "Nia", 20)
    ]
    assert [(each.team, each.to_team, each.by_name) for each in seen.owners] == [
        ("Blackburn with Darwen ring-fenced team", "Blackburn with Darwen local team", "")
    ]
    assert [each.text for each in seen.notes] == ["Knows us."]
    assert seen.case.first_specimen_date == START.date()
    assert (seen.isolation.until_date - seen.isolation.from_date).days == 10
    assert events("trace.opened") == [(town.users["Lola"].pk, True, trace, town.team("local"), None)]


def test_called_recently_tells_of_the_household_without_names(town):
    mine = town.trace(household=7, phone="07700900001")
    flatmate = town.trace(household=7, phone="07700900002", priority=1)
    neighbour = town.trace(household=8, phone="07700900003", priority=2)
    for name, trace in (("Noah", flatmate), ("Lena", neighbour)):
        got = claim(town, name)
        assert got.trace == trace
        attempts.record(trace=trace, version=1, kind="call", outcome="no_answer", by=town.by(name), now=NOW)
    seen = traces.trace(scope=town.by("Nia"), ref=reference(1), now=NOW + HOUR)
    assert mine == seen.id
    assert [(each.at, each.team, each.outcome, each.same_number) for each in seen.called_recently] == [
        (NOW, "Blackburn with Darwen ring-fenced team", "no_answer", False)
    ]
    assert traces.trace(scope=town.by("Nia"), ref=reference(1), now=NOW + 25 * HOUR).called_recently == ()


def test_called_recently_tells_of_the_same_number_whoever_called(town):
    town.trace(LEICESTER, phone="07700900001")
    got = verbs.claim(team=town.team("national", LEICESTER), by=town.by("Nick"), now=NOW)
    attempts.record(trace=got.trace, version=1, kind="call", outcome="voicemail", by=town.by("Nick"), now=NOW)
    town.trace(phone="07700900001")
    seen = traces.trace(scope=town.by("Nia"), ref=reference(2), now=NOW + HOUR)
    assert [(each.team, each.same_number) for each in seen.called_recently] == [("Leicester ring-fenced team", True)]


def test_called_recently_tells_nothing_of_a_trace_that_one_may_not_see(town):
    from django.db import connection

    from ringfence.accounts import walls

    flatmate = town.trace(household=7)
    got = claim(town)
    attempts.record(trace=flatmate, version=got.version, kind="call", outcome="no_answer", by=town.by("Nia"), now=NOW)
    other = town.trace(household=7)
    with walls.transaction(town.by("Nick")), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM casework.called_recently(%s, %s)", [other, START])
        assert cursor.fetchall() == []


@pytest.mark.parametrize("name", ["Nora", "Nick", "Pat", "Hana", "Gil", "Olu", "Charlie", "Lars"])
def test_nobody_else_learns_that_a_trace_exists(town, name):
    town.trace()
    with pytest.raises(NotFound):
        traces.trace(scope=town.by(name), ref=reference(1), now=NOW)
    assert events("trace.opened") == []


def test_a_director_sees_the_records_of_the_area(town):
    town.trace()
    assert not traces.trace(scope=town.by("Dora"), ref=reference(1), now=NOW).mine


def test_the_area_s_code_alone_opens_nothing(town):
    town.trace(BLACKBURN)
    with pytest.raises(NotFound):
        traces.trace(scope=town.by("Lola"), ref=reference(1), now=NOW)


def test_the_first_of_each_group_come_by_when_they_are_due_whatever_their_shard_and_urgency(town):
    """The list takes a few rows of each part of the queue's index; a plain sort of everything says the same."""
    draw = random.Random(3)
    team = town.team("local")
    for number in range(60):
        trace = town.trace(priority=draw.randint(1, 9))
        due = NOW + draw.choice([-3, -1, 2, 5, 20, 26, 60, 90]) * HOUR + draw.randint(0, 9) * MINUTE
        with walls.transaction(SWEEP), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE traces SET team_id = %s, passes_to_id = NULL, shard = %s, due_at = %s, queued = %s, ready_at = %s"
                " WHERE id = %s",
                [team, draw.randint(0, 15), due, number % 4 != 0, None if number % 4 else NOW + HOUR, trace],
            )
    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute("SELECT due_at, id FROM traces ORDER BY due_at, id")
        everything = cursor.fetchall()
    found = local.handed_over(scope=town.by("Lola"), team=team, now=NOW, limit=7)
    assert (found.count, found.more) == (60, False)
    for each in found.groups:
        expected = [trace for due, trace in everything if group(due, NOW) is each.group]
        assert each.count == len(expected) > 0
        assert [line.trace for line in each.lines] == expected[:7]


def test_a_very_long_list_says_at_least(town, monkeypatch):
    for _ in range(4):
        town.trace()
    handover.sweep(by=SWEEP, now=DUE)
    monkeypatch.setattr(local, "COUNTED", 3)
    monkeypatch.setattr(local, "LOOKED_AT", 3)
    found = local.handed_over(scope=town.by("Lola"), team=town.team("local"), now=DUE)
    assert (found.count, found.more) == (3, True)
    became = local.passed_on(scope=town.by("Nia"), team=town.team("national"), now=DUE)
    assert (became.traces, became.more) == (3, True)
