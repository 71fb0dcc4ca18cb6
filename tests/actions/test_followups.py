"""The clock plans follow-up calls and ends those whose reason is gone."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import attempts, followups, handover, partnerships, work
from ringfence.queries.statistics import overview
from ringfence.rules.access import Refused, system_scope
from ringfence.rules.attempts import Action
from ringfence.rules.calendar import london_date
from tests.town import ACCOUNTS, BLACKBURN, HOUR, INTAKE, LUTON, MINUTE, START, SWEEP, Town, events, row

DAY = timedelta(days=1)
INTERVIEWS = system_scope("interviews")
REACHED = START + 2 * HOUR


def policy(town: Town, area: str = BLACKBURN, **more: object) -> None:
    values = {"model": "timed", "set_period_hours": 24, "opens": time(9), "closes": time(17), "follow_up_days": (4, 8)}
    partnerships.set_policy(area=area, by=ACCOUNTS, now=START, **(values | more))
    partnerships.apply_changes(by=system_scope("policy"), now=START)


def reached(town: Town, area: str = BLACKBURN, team: str = "national", by: str = "Nia", **more: object) -> int:
    """A case that was reached, and isolates from START until ten days later."""
    trace = town.trace(area, **more)
    claimed = work.claim(team=town.team(team, area), by=town.by(by), now=REACHED)
    assert claimed.trace == trace
    scope = town.by(by, REACHED)
    attempts.record(trace=trace, version=claimed.version, kind="call", outcome="reached", by=scope, now=REACHED)
    isolate(trace)
    return trace


def isolate(trace: int, day_0: date = START.date(), days: int = 10) -> None:
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute("UPDATE isolations SET superseded_at = now() WHERE trace_id = %s", [trace])
        cursor.execute(
            "INSERT INTO isolations (trace_id, person_id, day_0, from_date, until_date, policy, why, computed_at)"
            " SELECT id, person_id, %s, %s, %s, 'Exercise policy', '', now() FROM traces WHERE id = %s",
            [day_0, day_0, day_0 + days * DAY, trace],
        )


def make(now):
    return followups.make(by=INTERVIEWS, now=now)


def planned(trace: int) -> list[int]:
    """The follow-up traces of the person of a trace."""
    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute(
            "SELECT f.id FROM traces f JOIN traces t ON t.person_id = f.person_id"
            " WHERE t.id = %s AND f.reason = 'followup' ORDER BY f.id",
            [trace],
        )
        return [each for (each,) in cursor.fetchall()]


def test_by_default_nobody_is_called_again(town):
    reached(town)
    assert make(START + 4 * DAY) == followups.Made(0, 0, 0)


def test_the_national_team_that_reached_them_calls_on_the_day_once(town):
    policy(town)
    trace = reached(town)
    assert make(START + 3 * DAY).planned == 0
    early = START + 4 * DAY - 6 * HOUR
    assert make(early) == followups.Made(1, 0, 0)
    assert make(early) == make(early + HOUR) == followups.Made(0, 0, 0)
    (call,) = planned(trace)
    assert row(call, "reason", "team_id", "passes_to_id", "queued", "ready_at", "priority", "phone", "case_id") == (
        "followup",
        town.team("national"),
        None,
        False,
        START + 4 * DAY,
        6,
        row(trace, "phone")[0],
        row(trace, "case_id")[0],
    )
    assert work.wake(by=SWEEP, now=START + 4 * DAY) == 1
    assert [found for _, _, found, _, _ in events("followup.planned")] == [call]


def test_the_local_team_calls_where_it_has_the_contacts(town):
    policy(town, contacts_by="local")
    trace = reached(town)
    make(START + 4 * DAY + 4 * HOUR)
    (call,) = planned(trace)
    assert row(call, "team_id", "area", "queued") == (town.team("local"), BLACKBURN, True)
    assert work.claim(team=town.team("local"), by=town.by("Lola", START), now=START + 4 * DAY + 5 * HOUR).trace == call


def test_a_local_team_that_works_from_the_start_calls_again_itself(town):
    policy(town, LUTON, model="local_first")
    trace = reached(town, LUTON, "local", "Lars")
    make(START + 4 * DAY)
    assert row(planned(trace)[0], "team_id") == (town.team("local", LUTON),)


def test_completed_and_called_again_on_the_next_day_of_the_policy(town):
    policy(town)
    trace = reached(town)
    day = START + 4 * DAY
    make(day)
    claimed = work.claim(team=town.team("national"), by=town.by("Nia"), now=day + HOUR)
    by = town.by("Nia", day)
    attempts.record(trace=claimed.trace, version=claimed.version, kind="call", outcome="reached", by=by, now=day + HOUR)
    assert row(claimed.trace, "outcome") == ("reached",)
    assert make(day + 2 * HOUR).planned == 0
    assert make(START + 8 * DAY).planned == 1
    assert len(planned(trace)) == 2


def test_lost_when_the_isolation_is_over(town):
    policy(town)
    trace = reached(town)
    make(START + 8 * DAY)
    assert make(START + 10 * DAY).lost == 0
    assert make(START + 11 * DAY) == followups.Made(0, 1, 0)
    assert row(planned(trace)[0], "outcome") == ("lost",)


def test_a_call_in_progress_is_not_ended(town):
    policy(town)
    reached(town)
    make(START + 8 * DAY)
    late = START + 10 * DAY + 15 * HOUR + 50 * MINUTE
    assert work.claim(team=town.team("national"), by=town.by("Nia"), now=late)
    assert make(late + 15 * MINUTE).lost == 0
    assert make(late + HOUR).lost == 1


def test_lost_when_the_tries_are_used_up_and_no_other_team_gets_it(town):
    policy(town)
    reached(town, phone="07700900001")
    make(START + 4 * DAY)
    claimed = work.claim(team=town.team("national"), by=town.by("Nia"), now=START + 4 * DAY)
    by = town.by("Nia", START)
    done = attempts.record(
        trace=claimed.trace, version=claimed.version, kind="call", outcome="wrong_number", by=by, now=START + 4 * DAY
    )
    assert (done.next.action, row(claimed.trace, "outcome")) == (Action.CLOSE, ("lost",))


def test_it_ends_when_they_become_a_case(town):
    policy(town)
    trace = reached(town)
    make(START + 4 * DAY)
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cases (person_id, episode, first_specimen_date, last_positive_date, authority, ltla, postcode,"
            " opened_at, updated_at) SELECT person_id, 2, %s, %s, authority, authority, '', %s, %s FROM traces"
            " WHERE id = %s",
            [*[(START + 5 * DAY).date()] * 2, *[START + 5 * DAY] * 2, trace],
        )
    assert make(START + 5 * DAY) == followups.Made(0, 0, 1)
    assert row(planned(trace)[0], "outcome") == ("became_case",)


def test_neither_the_sweep_nor_a_new_policy_nor_the_clock_s_rules_pass_it_on(town):
    policy(town)
    trace = reached(town)
    make(START + 4 * DAY)
    (call,) = planned(trace)
    policy(town, set_period_hours=1)
    handover.sweep(by=SWEEP, now=START + 6 * DAY)
    assert row(call, "team_id", "passes_to_id", "handovers") == (town.team("national"), None, 0)
    now = START + 6 * DAY
    version = row(call, "version")[0]
    handover.escalate(trace=call, version=version, why="Care home", by=town.by("Nia", now), now=now)
    handover.give_back(trace=call, version=version + 1, why="Not ours", by=town.by("Hana", now), now=now)
    assert row(call, "team_id", "passes_to_id") == (town.team("national"), None)


def test_it_is_in_no_figure_of_cases_and_contacts(town):
    policy(town)
    reached(town)
    before = overview(scope=system_scope("statistics"), now=START + 5 * DAY).figures
    make(START + 4 * DAY)
    assert overview(scope=system_scope("statistics"), now=START + 5 * DAY).figures == before
    assert before.total.transferred == 1


def test_who_has_something_open_or_was_not_reached_is_not_called_again(town):
    policy(town)
    isolate(town.trace())
    reached_twice = reached(town, priority=1)
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO traces (ref, shard, reason, person_id, authority, team_id, area, owned_since, created_at, why,"
            " priority, due_at, due_why, queued, phone) SELECT 'ZZZ-ZZZ', shard, 'contact', person_id, authority, team_id,"
            " area, owned_since, created_at, why, priority, due_at, due_why, true, '' FROM traces WHERE id = %s",
            [reached_twice],
        )
    assert make(START + 4 * DAY).planned == 0


def test_a_day_that_the_clock_missed_is_made_up_for_while_it_lasts(town):
    policy(town)
    trace = reached(town)
    assert make(START + 6 * DAY).planned == 1
    assert "day 4" in str(row(planned(trace)[0], "why")[0])
    assert london_date(START + 6 * DAY) == START.date() + 6 * DAY


def test_only_the_clock_plans(town):
    with pytest.raises(Refused):
        followups.make(by=town.by("Olu"), now=START)
