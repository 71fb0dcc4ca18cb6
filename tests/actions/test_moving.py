"""A trace follows a person who moved while somebody had it open, as soon as nobody has."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import attempts, handover, moving, partnerships, work
from ringfence.queries.allocation import allocation
from ringfence.rules.access import system_scope
from ringfence.rules.allocation import Residence
from ringfence.worker import clock
from tests.town import (
    ACCOUNTS,
    BLACKBURN,
    HOUR,
    INTAKE,
    LEICESTER,
    LUTON,
    MINUTE,
    START,
    SWEEP,
    Town,
    events,
    owners,
    row,
)

NOW = START + HOUR
SECOND = timedelta(seconds=1)
LAPSED = NOW + 30 * MINUTE


def moves_to(trace: int, area: str, now: datetime = NOW) -> None:
    """A newer result says where the person of a trace lives now."""
    (person,) = row(trace, "person_id")
    with walls.transaction(INTAKE):
        moving.relocate({person: Residence(area, area, f"LE1 1AA is in {area}.")}, allocation(now), now)


def waiting() -> list[str]:
    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute("SELECT authority FROM moves_due ORDER BY trace_id")
        return [area for (area,) in cursor.fetchall()]


@pytest.fixture
def called(town: Town) -> work.Claimed:
    """Nia has a trace of Blackburn open, and its person has moved to Leicester."""
    trace = town.trace()
    claimed = work.claim(team=town.team("national"), by=town.by("Nia"), now=NOW)
    assert claimed is not None and claimed.trace == trace
    moves_to(trace, LEICESTER)
    return claimed


def where(trace: int) -> tuple[str, int]:
    authority, team = row(trace, "authority, team_id")
    return authority, team


def test_it_stays_while_somebody_has_it_open(town: Town, called: work.Claimed) -> None:
    assert moving.follow(by=SWEEP, now=LAPSED - MINUTE) == 0
    assert where(called.trace) == (BLACKBURN, town.team("national")) and waiting() == [LEICESTER]
    assert row(called.trace, "claimed_by, version") == (town.users["Nia"].pk, called.version)


def test_it_goes_when_it_is_put_back(town: Town, called: work.Claimed) -> None:
    work.put_back(trace=called.trace, version=called.version, by=town.by("Nia"), now=NOW + MINUTE)
    assert moving.follow(by=SWEEP, now=NOW + MINUTE) == 1
    assert where(called.trace) == (LEICESTER, town.team("national", LEICESTER)) and waiting() == []
    assert row(called.trace, "queued, ready_at, version") == (True, None, called.version + 2)
    ((*_, reason),) = owners(called.trace)
    assert reason == "moved" and len(events("trace.moved")) == 1
    assert moving.follow(by=SWEEP, now=NOW + MINUTE) == 0


def test_it_goes_when_a_try_is_recorded_and_its_home_rests_all_the_same(town: Town, called: work.Claimed) -> None:
    nia = town.by("Nia")
    attempts.record(
        trace=called.trace, version=called.version, kind="call", outcome="no_answer", by=nia, now=NOW + MINUTE
    )
    (planned,) = row(called.trace, "ready_at")
    assert handover.sweep(by=SWEEP, now=NOW + 2 * MINUTE).handed_over == 0
    leicester = town.team("national", LEICESTER)
    assert where(called.trace) == (LEICESTER, leicester) and planned > NOW + HOUR
    assert row(called.trace, "queued, ready_at, attempts") == (False, planned, 1)
    assert work.claim(team=leicester, by=town.by("Nick"), now=NOW + 3 * MINUTE) is None
    handover.sweep(by=SWEEP, now=planned)
    next_one = work.claim(team=leicester, by=town.by("Nick", planned), now=planned)
    assert next_one is not None and next_one.trace == called.trace


def test_it_is_of_its_new_home_as_soon_as_it_goes(town: Town) -> None:
    """The claim has lapsed, and somebody is on the phone to the new home at that moment."""
    trace, there = town.trace(household=7), town.trace(LEICESTER, household=9)
    work.claim(team=town.team("national"), by=town.by("Nia"), now=NOW)
    (person,) = row(trace, "person_id")
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute("UPDATE people SET household = 9 WHERE id = %s", [person])
    moves_to(trace, LEICESTER)
    leicester, nick = town.team("national", LEICESTER), town.by("Nick")
    claimed = work.claim(team=leicester, by=nick, now=LAPSED - MINUTE)
    assert claimed is not None and claimed.trace == there
    assert moving.follow(by=SWEEP, now=LAPSED) == 1
    assert row(trace, "team_id, household, queued") == (leicester, 9, True)


def test_it_goes_when_the_claim_lapses_and_not_to_the_local_team_of_before(town: Town, called: work.Claimed) -> None:
    """Due at the same moment: the clock would pass it to Blackburn's local team."""
    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute("UPDATE traces SET due_at = %s WHERE id = %s", [LAPSED, called.trace])
    assert handover.sweep(by=SWEEP, now=LAPSED).handed_over == 0
    assert where(called.trace) == (LEICESTER, town.team("national", LEICESTER)) and waiting() == []
    assert row(called.trace, "queued, claimed_by, claimed_at, ready_at") == (True, None, None, None)
    assert [reason for *_, reason in owners(called.trace)] == ["moved"]


def test_what_a_local_team_had_elsewhere_passes_by_the_clock_of_the_new_home(town: Town) -> None:
    trace = town.trace(LUTON)
    assert where(trace) == (LUTON, town.team("local", LUTON))
    moves_to(trace, BLACKBURN)
    assert where(trace) == (BLACKBURN, town.team("national"))
    partnerships.set_policy(area=BLACKBURN, by=ACCOUNTS, now=NOW, model="timed", set_period_hours=4)
    partnerships.apply_changes(by=system_scope("policy"), now=NOW)
    assert row(trace, "passes_to_id") == (town.team("local"),)


@pytest.mark.parametrize("outcome", ["reached", "escalate"])
def test_what_the_call_ended_stays_where_it_ended(town: Town, called: work.Claimed, outcome: str) -> None:
    nia = town.by("Nia")
    if outcome == "reached":
        attempts.record(
            trace=called.trace, version=called.version, kind="call", outcome="reached", by=nia, now=NOW + MINUTE
        )
    else:
        handover.escalate(trace=called.trace, version=called.version, why="A care home.", by=nia, now=NOW + MINUTE)
    before = row(called.trace, "authority, team_id, closed_at")
    assert moving.follow(by=SWEEP, now=NOW + 2 * MINUTE) == 0
    assert row(called.trace, "authority, team_id, closed_at") == before and waiting() == []


@pytest.mark.parametrize(("then", "end"), [(BLACKBURN, BLACKBURN), (LUTON, LUTON)])
def test_where_the_newest_result_says_counts(town: Town, called: work.Claimed, then: str, end: str) -> None:
    moves_to(called.trace, then, NOW + MINUTE)
    assert waiting() == ([] if then == BLACKBURN else [LUTON])
    work.put_back(trace=called.trace, version=called.version, by=town.by("Nia"), now=NOW + MINUTE)
    moving.follow(by=SWEEP, now=NOW + MINUTE)
    assert where(called.trace)[0] == end and waiting() == []


def test_a_move_after_the_call_leaves_nothing_waiting(town: Town, called: work.Claimed) -> None:
    """Put back, and before the clock looks a newer result says Luton."""
    work.put_back(trace=called.trace, version=called.version, by=town.by("Nia"), now=NOW + MINUTE)
    moves_to(called.trace, LUTON, NOW + MINUTE)
    assert where(called.trace)[0] == LUTON and waiting() == []
    assert moving.follow(by=SWEEP, now=NOW + 2 * MINUTE) == 0
    assert where(called.trace)[0] == LUTON


def test_between_the_minutes_it_goes_before_its_old_queue_has_it_again(town: Town) -> None:
    trace, at = town.trace(), NOW + 20 * SECOND
    work.claim(team=town.team("national"), by=town.by("Nia"), now=at)
    moves_to(trace, LEICESTER, at)
    stopping, looks = threading.Event(), 0

    def now() -> datetime:
        """The clock looks, and counts how long to wait: five seconds before the claim lapses, and five after it."""
        nonlocal looks
        looks += 1
        if looks == 4:
            stopping.set()
        return at + 30 * MINUTE + (5 if looks > 2 else -5) * SECOND - timedelta(milliseconds=1)

    clock.run(stopping, now)
    assert where(trace) == (LEICESTER, town.team("national", LEICESTER))
    assert len(events("trace.moved")) == 1 and events("trace.woken") == []
