"""Visits: planned as rounds, recorded at the door at their own time, once, whatever happened meanwhile."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import attempts, details, handover, visits, work
from ringfence.actions.errors import Invalid, NotFound, Stale
from ringfence.casework.models import Attempt
from ringfence.queries import visits as queries
from ringfence.queries.traces import trace as read_trace
from ringfence.rules.access import Refused
from ringfence.rules.calendar import london_date
from tests.database import Connection
from tests.town import HOUR, INTAKE, MINUTE, START, SWEEP, events, row

NOW = START + 26 * HOUR
TODAY = london_date(NOW)
KEY = uuid4()


@pytest.fixture
def grid(owner: Connection):
    """Postcodes along a road that bends to the north, and the middle of the authority where it begins."""
    places = [(f"BB2 {place}AA", 1000 * place, 100 * place * place) for place in range(1, 6)]
    with owner.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO geography.postcodes (code, area, easting, northing) VALUES (%s, NULL, %s, %s)", places
        )
        cursor.execute(
            "INSERT INTO geography.postcodes (code, area, easting, northing) VALUES ('BB2 9ZZ', 'E06000008', 0, 0)"
        )
    owner.commit()
    yield
    with owner.cursor() as cursor:
        cursor.execute("DELETE FROM geography.postcodes WHERE code LIKE 'BB2 %%'")
    owner.commit()


def local(town, *postcodes, **more):
    """Traces with Blackburn's local team."""
    made = [town.trace(**more) for _ in postcodes]
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        for trace, postcode in zip(made, postcodes, strict=True):
            cursor.execute(
                "UPDATE people SET postcode = %s WHERE id = (SELECT person_id FROM traces WHERE id = %s)",
                [postcode, trace],
            )
    handover.sweep(by=SWEEP, now=NOW)
    return made


def plan(town, traces, visitors=("Lola",), name="Lola", on_date=TODAY, now=NOW):
    people = [town.users[each].pk for each in visitors]
    return visits.plan(
        team=town.team("local"), traces=traces, on_date=on_date, visitors=people, by=town.by(name, now), now=now
    )


def rounds(town, now=NOW, on_date=TODAY):
    found = queries.day(scope=town.by("Lola", now), team=town.team("local"), on_date=on_date, now=now)
    return {each.visitor_name: [stop.trace for stop in each.stops] for each in found}


def visit(town, trace, now=NOW, on_date=TODAY):
    found = queries.stop(scope=town.by("Lola", now), on_date=on_date, ref=str(row(trace, "ref")[0]), now=now)
    return found.visit


def record(town, trace, outcome="no_answer", name="Lola", now=NOW + 3 * HOUR, **more):
    return visits.record(visit=visit(town, trace), outcome=outcome, by=town.by(name, now), now=now, **more)


def made(trace):
    with walls.transaction(SWEEP):
        return list(Attempt.objects.filter(trace_id=trace).order_by("id"))


def test_a_day_is_one_short_round_from_the_middle(town, grid):
    far, near, middle = local(town, "BB2 5AA", "BB2 1AA", "BB2 3AA")
    planned = plan(town, [far, near, middle])
    assert planned.rounds == ((town.users["Lola"].pk, 3, pytest.approx(11_310, abs=1)),)
    assert rounds(town) == {"Lola": [near, middle, far]}
    assert [detail for *_, detail in events("visits.planned")] == [{"visits": 3, "visitors": 1}]


def test_what_is_planned_already_is_ordered_anew_with_it(town, grid):
    far, near, middle = local(town, "BB2 5AA", "BB2 1AA", "BB2 3AA")
    plan(town, [far, near])
    plan(town, [middle])
    assert rounds(town) == {"Lola": [near, middle, far]}


def test_a_child_is_not_reached_at_the_door_without_a_parent(town):
    (trace,) = local(town, "BB1 1AA")
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute("UPDATE people SET birth_date = '2015-06-01'")
    plan(town, [trace])
    with pytest.raises(Invalid) as said:
        record(town, trace, "reached")
    assert list(said.value.problems) == ["guardian"] and made(trace) == []
    assert rounds(town) == {"Lola": [trace]}
    record(town, trace, "reached", guardian=True)
    assert [each.outcome for each in made(trace)] == ["reached"]


def test_several_visitors_share_the_day_evenly(town, grid):
    traces = local(town, *(f"BB2 {place}AA" for place in range(1, 6)))
    planned = plan(town, traces, ("Lola", "Luke"))
    assert [stops for _, stops, _ in planned.rounds] == [3, 2]
    assert sorted(trace for each in rounds(town).values() for trace in each) == sorted(traces)


def test_a_visit_moves_to_another_day(town):
    (trace,) = local(town, "BB1 1AA")
    plan(town, [trace])
    plan(town, [trace], on_date=TODAY + timedelta(days=1))
    assert rounds(town) == {}
    assert rounds(town, on_date=TODAY + timedelta(days=1)) == {"Lola": [trace]}


def test_a_postcode_without_a_place_comes_last(town, grid):
    lost, known = local(town, "ZZ9 9ZZ", "BB2 1AA")
    plan(town, [lost, known])
    assert rounds(town) == {"Lola": [known, lost]}


def test_what_is_closed_elsewhere_or_has_no_address_is_left_out(town):
    closed, fine, nowhere = local(town, "BB1 1AA", "BB1 1AA", "")
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute("UPDATE people SET address = '' WHERE postcode = ''")
    other = town.trace(now=NOW)
    by = town.by("Lola", NOW)
    version = row(closed, "version")[0]
    attempts.record(trace=closed, version=version, kind="call", outcome="reached", by=by, now=NOW)
    planned = plan(town, [closed, fine, nowhere, other])
    assert [stops for _, stops, _ in planned.rounds] == [1]
    assert sorted(why for _, why in planned.left_out) == [
        "It is closed.",
        "No address is known.",
        "There is no such trace that you may see.",
    ]
    details.add(trace=nowhere, kind="address", value="2 Low Street", source="School", by=by, now=NOW)
    assert plan(town, [nowhere]).left_out == ()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"on_date": TODAY - timedelta(days=1)}, "day"),
        ({"on_date": TODAY + timedelta(days=15)}, "day"),
        ({"visitors": ()}, "visitors"),
        ({"visitors": ("Nia",)}, "visitors"),
        ({"traces": []}, "trace"),
    ],
)
def test_a_plan_that_cannot_be_says_which_field(town, change, field):
    traces = local(town, "BB1 1AA")
    with pytest.raises(Invalid) as problem:
        plan(town, **({"traces": traces} | change))
    assert problem.value.field == field


def test_only_the_team_plans_and_sees_its_visits(town):
    traces = local(town, "BB1 1AA")
    for name in ("Nia", "Dora", "Lars"):
        with pytest.raises(Refused):
            plan(town, traces, name=name)
        with pytest.raises(Refused):
            queries.day(scope=town.by(name, NOW), team=town.team("local"), on_date=TODAY, now=NOW)
    plan(town, traces)
    number = visit(town, traces[0])
    with pytest.raises(NotFound):
        visits.record(visit=number, outcome="reached", by=town.by("Lars", NOW), now=NOW)


def test_an_outcome_has_the_time_of_the_door(town):
    (trace,) = local(town, "BB1 1AA")
    plan(town, [trace])
    now = NOW + 3 * HOUR
    done = record(town, trace, "reached", now=now, ago=2 * 3600, client_key=KEY, note="At home.")
    assert (done.at, done.again) == (NOW + HOUR, False)
    (attempt,) = made(trace)
    assert (attempt.at, attempt.recorded_at, attempt.kind, attempt.outcome) == (NOW + HOUR, now, "visit", "reached")
    assert row(trace, "reached_at", "closed_at", "reached_by_kind") == (NOW + HOUR, now, "local")


def test_a_phone_s_wrong_clock_gives_no_time_before_the_plan_or_in_the_future(town):
    one, two = local(town, "BB1 1AA", "BB1 1AA")
    plan(town, [one, two])
    assert record(town, one, ago=10**9).at == NOW
    assert record(town, two, ago=-3600, now=NOW + HOUR).at == NOW + HOUR


@pytest.mark.parametrize("outcome", ["no_answer", "reached"])
def test_sent_twice_is_recorded_once(town, outcome):
    (trace,) = local(town, "BB1 1AA")
    plan(town, [trace])
    first = record(town, trace, outcome, ago=60, client_key=KEY)
    again = record(town, trace, outcome, ago=120, client_key=KEY, now=NOW + 4 * HOUR)
    assert (again.at, again.again) == (first.at, True)
    assert again.said == "It had arrived before, and is recorded once."
    assert len(made(trace)) == 1
    with pytest.raises(Stale, match=f"has an outcome already: {outcome.replace('_', ' ')}"):
        record(town, trace, "reached", client_key=uuid4())


def test_a_page_that_was_stale_loses_nothing(town):
    (trace,) = local(town, "BB1 1AA")
    plan(town, [trace])
    claimed = work.claim(team=town.team("local"), by=town.by("Luke", NOW), now=NOW + HOUR)
    done = record(town, trace, "reached", ago=3600, client_key=KEY, now=NOW + HOUR + MINUTE)
    assert done.said == "They were reached."
    assert row(trace, "outcome", "claimed_by") == ("reached", None)
    with pytest.raises(Stale) as told:
        attempts.record(
            trace=trace,
            version=claimed.version,
            kind="call",
            outcome="no_answer",
            by=town.by("Luke", NOW),
            now=NOW + HOUR + 2 * MINUTE,
        )
    assert any("Lola recorded 'reached'" in each for each in told.value.changes)


def test_nobody_at_the_door_leaves_the_call_of_a_colleague_alone(town):
    (trace,) = local(town, "BB1 1AA")
    plan(town, [trace])
    work.claim(team=town.team("local"), by=town.by("Luke", NOW), now=NOW + HOUR)
    record(town, trace, client_key=KEY, now=NOW + HOUR + MINUTE)
    assert row(trace, "claimed_by", "attempts") == (town.users["Luke"].pk, 1)


def test_a_trace_that_was_closed_meanwhile_keeps_the_visit_and_says_so(town):
    (trace,) = local(town, "BB1 1AA")
    plan(town, [trace])
    by = town.by("Luke", NOW)
    version = row(trace, "version")[0]
    attempts.record(trace=trace, version=version, kind="call", outcome="refused", by=by, now=NOW + HOUR)
    done = record(town, trace, "reached", ago=60, client_key=KEY)
    assert "had been closed" in done.said and "refused" in done.said
    again = record(town, trace, "reached", ago=60, client_key=KEY)
    assert again.again and again.said.endswith(done.said)
    assert [each.outcome for each in made(trace)] == ["refused", "reached"]
    assert row(trace, "outcome", "attempts") == ("refused", 2)


def test_a_trace_that_another_team_has_by_now_gets_the_visit_as_a_note(town):
    (trace,) = local(town, "BB1 1AA")
    plan(town, [trace])
    by = town.by("Lola", NOW)
    handover.give_back(trace=trace, version=row(trace, "version")[0], why="Moved away.", by=by, now=NOW + HOUR)
    done = record(town, trace, "no_answer", ago=60, client_key=KEY, note="Ask next door.")
    assert "as a note" in done.said
    assert made(trace) == []
    found = read_trace(scope=town.by("Nia", NOW), ref=str(row(trace, "ref")[0]), now=NOW + 4 * HOUR)
    assert [each.text for each in found.notes] == ["Visited at 12:59 on Tuesday 17 November: no answer. Ask next door."]
    assert record(town, trace, client_key=KEY, now=NOW + 5 * HOUR).again


def test_a_cancelled_visit_that_was_made_all_the_same_is_recorded(town):
    (trace,) = local(town, "BB1 1AA")
    plan(town, [trace])
    number = visit(town, trace)
    assert visits.cancel(visit=number, by=town.by("Leo", NOW), now=NOW) == row(trace, "ref")[0]
    with pytest.raises(Stale):
        visits.cancel(visit=number, by=town.by("Leo", NOW), now=NOW)
    visits.record(visit=number, outcome="no_answer", by=town.by("Lola", NOW), now=NOW + HOUR, client_key=KEY)
    assert len(made(trace)) == 1


@pytest.mark.parametrize(
    ("outcome", "field"), [("voicemail", "outcome"), ("sold", "outcome"), ("call_back", "call_back_at")]
)
def test_an_outcome_that_cannot_be_says_which_field_and_keeps_the_visit(town, outcome, field):
    (trace,) = local(town, "BB1 1AA")
    plan(town, [trace])
    with pytest.raises(Invalid) as problem:
        record(town, trace, outcome)
    assert problem.value.field == field
    assert record(town, trace).ref
