"""Offering, agreeing, joining, policy, and the clock taking up what changed."""

import threading
import time as time_module
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection, connections

from ringfence.accounts import walls
from ringfence.accounts.models import Team
from ringfence.actions import attempts, handover, partnerships, work
from ringfence.actions.errors import Invalid, NotFound, Stale
from ringfence.geography.models import Area
from ringfence.partnerships import clock
from ringfence.partnerships.models import Partnership, Policy
from ringfence.queries.policy import partnership_history
from ringfence.queries.renewal import changed_since
from ringfence.rules.access import Refused, system_scope
from tests.together import together
from tests.town import (
    ACCOUNTS,
    BLACKBURN,
    ENGLAND,
    HOUR,
    LEICESTER,
    LUTON,
    MINUTE,
    START,
    SWEEP,
    events,
    owners,
    row,
)

POLICY = system_scope("policy")
LATER = START + HOUR


def apply(now):
    return partnerships.apply_changes(by=POLICY, now=now)


def set_policy(town, now=LATER, area=BLACKBURN, by="Dora", **given):
    wanted = {"model": "timed", "set_period_hours": 24, "opens": time(9), "closes": time(17), **given}
    return partnerships.set_policy(area=area, by=town.by(by, now), now=now, **wanted)


# Offering


def test_every_authority_in_force_is_offered_it_with_its_national_team(town):
    in_force = set(Area.objects.filter(upper_tier=True, closed=None).values_list("code", flat=True))
    assert set(Partnership.objects.values_list("area_id", flat=True)) == in_force
    assert set(Team.objects.filter(kind="national").values_list("area_id", flat=True)) == in_force
    assert set(Policy.objects.filter(model="national_only").values_list("area_id", flat=True)) == in_force
    regions = set(Area.objects.filter(kind="region").values_list("code", flat=True))
    assert set(Team.objects.filter(kind="health_protection").values_list("area_id", flat=True)) == regions
    assert list(Team.objects.filter(kind="pool").values_list("area_id", flat=True)) == [ENGLAND]


def test_offering_again_adds_nothing_and_puts_back_what_is_missing(town):
    assert partnerships.establish(by=ACCOUNTS, now=LATER) == (0, 0, 0)
    assert len(events("partnership.established")) == 1
    Team.objects.filter(kind="national", area_id=LEICESTER).update(closed_at=LATER)
    assert partnerships.establish(by=town.by("Olu", LATER), now=LATER + HOUR) == (0, 1, 0)


@pytest.mark.parametrize("name", ["Dora", "Lena", "Gil", "Charlie"])
def test_offering_is_for_operations(town, name):
    with pytest.raises(Refused):
        partnerships.establish(by=town.by(name), now=START)


# Agreeing and joining


def test_an_authority_agrees_and_joins_with_a_team_of_its_own(town):
    by = town.by("Olu", LATER)
    partnerships.agree(area=LEICESTER, by=by, now=LATER, agreement="Shelf 4")
    joined = partnerships.join(area=LEICESTER, by=by, now=LATER, at=LATER + 3 * HOUR)
    found = Partnership.objects.get(area_id=LEICESTER)
    assert (found.stage, found.agreed_at, found.agreement) == ("live", LATER, "Shelf 4")
    assert (found.joined_at, found.revision, found.applied) == (LATER + 3 * HOUR, 1, 0)
    team = Team.objects.get(pk=joined.team)
    assert (team.kind, team.area_id, team.name, team.opened_at) == (
        "local",
        LEICESTER,
        "Leicester local team",
        LATER + 3 * HOUR,
    )
    assert [detail for *_, detail in events("partnership.joined")][-1] == {"from": (LATER + 3 * HOUR).isoformat()}


def test_a_day_of_joining_that_has_not_come_may_be_moved(town):
    by = town.by("Olu", LATER)
    partnerships.agree(area=LEICESTER, by=by, now=LATER)
    first = partnerships.join(area=LEICESTER, by=by, now=LATER, at=LATER + 9 * HOUR)
    again = partnerships.join(area=LEICESTER, by=by, now=LATER, at=LATER + 2 * HOUR)
    assert again.team == first.team
    assert Team.objects.get(pk=first.team).opened_at == LATER + 2 * HOUR
    with pytest.raises(Invalid, match=r"joined at .* already"):
        partnerships.join(area=LEICESTER, by=by, now=LATER + 3 * HOUR)


def test_joining_needs_an_agreement_and_a_day_ahead(town):
    by = town.by("Olu", LATER)
    with pytest.raises(Invalid, match="not signed yet"):
        partnerships.join(area=LEICESTER, by=by, now=LATER)
    partnerships.agree(area=LEICESTER, by=by, now=LATER)
    for at, told in (
        (LATER - MINUTE, "in the past"),
        (LATER + timedelta(days=400), "within the next year"),
        (datetime(2026, 12, 1), "time zone"),
    ):
        with pytest.raises(Invalid, match=told) as caught:
            partnerships.join(area=LEICESTER, by=by, now=LATER, at=at)
        assert caught.value.field == "at"
    assert not Team.objects.filter(kind="local", area_id=LEICESTER).exists()


def test_agreeing_again_changes_only_where_it_is_kept(town):
    by = town.by("Dora", LATER)
    partnerships.agree(area=BLACKBURN, by=by, now=LATER, agreement="Shelf 9")
    found = Partnership.objects.get(area_id=BLACKBURN)
    assert (found.stage, found.agreed_at, found.agreement) == ("live", START, "Shelf 9")


@pytest.mark.parametrize("name", ["Lena", "Leo", "Gil", "Nia", "Hana", "Charlie"])
def test_a_partnership_is_changed_by_its_director_or_operations(town, name):
    by = town.by(name)
    for change in (
        lambda: partnerships.agree(area=BLACKBURN, by=by, now=START),
        lambda: partnerships.join(area=BLACKBURN, by=by, now=START),
        lambda: set_policy(town, START, by=name),
    ):
        with pytest.raises(Refused):
            change()


def test_a_director_changes_no_other_partnership(town):
    with pytest.raises(Refused, match="the area that you answer for"):
        set_policy(town, area=LUTON)
    assert set_policy(town, area=LUTON, by="Olu").revision == 3


def test_an_area_without_partnership_is_not_found(town):
    with pytest.raises(NotFound):
        partnerships.agree(area="E07000223", by=town.by("Olu"), now=START)


# Policy


def test_a_policy_is_added_and_none_is_changed(town):
    before = list(Policy.objects.filter(area_id=BLACKBURN).order_by("id").values())
    done = set_policy(town, set_period_hours=6, working_days="YYYYYNN", bank_holidays=True, contacts_by="local")
    rows = list(Policy.objects.filter(area_id=BLACKBURN).order_by("id").values())
    assert rows[:-1] == before
    assert done.policy == partnership_history(BLACKBURN)[-1]
    assert (rows[-1]["recorded_at"], rows[-1]["recorded_by"]) == (LATER, town.users["Dora"].pk)
    assert events("policy.recorded")[-1][-1] == {
        "from": LATER.isoformat(),
        "model": "timed",
        "hours": 6,
        "revision": 3,
    }


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"model": "both"}, "model"),
        ({"set_period_hours": 0}, "set_period_hours"),
        ({"set_period_hours": 337}, "set_period_hours"),
        ({"set_period_hours": None}, "set_period_hours"),
        ({"contacts_by": "nobody"}, "contacts_by"),
        ({"working_days": "NNNNNNN"}, "working_days"),
        ({"working_days": "YYY"}, "working_days"),
        ({"working_days": {7}}, "working_days"),
        ({"opens": time(17), "closes": time(9)}, "closes"),
        ({"opens": time(9), "closes": time(9)}, "closes"),
        ({"opens": time(9, tzinfo=UTC)}, "opens"),
        ({"from_at": LATER - MINUTE}, "from_at"),
        ({"from_at": LATER + timedelta(days=400)}, "from_at"),
        ({"from_at": datetime(2026, 12, 1)}, "from_at"),
    ],
)
def test_a_policy_that_cannot_be_says_which_field(town, given, field):
    with pytest.raises(Invalid) as caught:
        set_policy(town, **given)
    assert set(caught.value.problems) == {field} and caught.value.message
    assert Policy.objects.filter(area_id=BLACKBURN).count() == 2


def test_every_field_that_is_wrong_is_told_at_once(town):
    with pytest.raises(Invalid) as caught:
        set_policy(town, set_period_hours=0, working_days="", opens=time(9), closes=time(8))
    assert set(caught.value.problems) == {"set_period_hours", "working_days", "closes"}


def test_nothing_passes_to_a_team_that_has_not_agreed(town):
    with pytest.raises(Invalid, match="not signed yet"):
        set_policy(town, area=LEICESTER, by="Olu")
    set_policy(town, area=LEICESTER, by="Olu", model="national_only", set_period_hours=None)


def test_a_page_that_is_out_of_date_saves_nothing(town):
    shown = Partnership.objects.get(area_id=BLACKBURN).revision
    set_policy(town, revision=shown, set_period_hours=6)
    with pytest.raises(Stale) as caught:
        set_policy(town, LATER + MINUTE, revision=shown, set_period_hours=12)
    assert caught.value.changes == (
        "The latest policy is now national team first, then local team by the clock, from 09:00 on Monday 16 November.",
    )
    assert not Policy.objects.filter(set_period_hours=12).exists()


# The clock takes it up


def test_a_changed_policy_gives_open_traces_new_due_times(town):
    trace, other = town.trace(), town.trace(LUTON)
    before = row(other, "due_at", "due_why")
    set_policy(town, set_period_hours=6)
    assert row(trace, "due_at")[0] == START + 25 * HOUR
    assert changed_since() >= {BLACKBURN}
    done = apply(LATER)
    assert BLACKBURN in done.areas and done.changed == 1
    assert row(trace, "due_at", "passes_to_id", "due_why", "version") == (
        START + 6 * HOUR,
        town.team("local"),
        "The set period of 6 hours ends at 14:00 on Monday 16 November; it then passes to the local team.",
        0,
    )
    assert row(other, "due_at", "due_why") == before
    assert changed_since() == frozenset()
    assert apply(LATER) == ((), 0, 0)
    assert [detail for *_, detail in events("policy.applied") if detail["changed"]] == [
        {"revision": 3, "open": 1, "changed": 1}
    ]


def test_a_policy_of_the_future_counts_from_its_beginning(town):
    trace = town.trace()
    set_policy(town, from_at=START + 10 * HOUR, set_period_hours=2, opens=time(0), closes=time(23))
    apply(LATER)
    assert row(trace, "due_at")[0] == START + 10 * HOUR


def test_leaving_stops_the_clock_and_joining_starts_it(town):
    trace, other = town.trace(), town.trace(LEICESTER)
    set_policy(town, model="national_only")
    by = town.by("Olu", LATER)
    partnerships.agree(area=LEICESTER, by=by, now=LATER)
    team = partnerships.join(area=LEICESTER, by=by, now=LATER, at=LATER + 8 * HOUR).team
    set_policy(town, area=LEICESTER, by="Olu", set_period_hours=2)
    apply(LATER)
    assert row(trace, "passes_to_id", "due_at") == (None, START + 24 * HOUR)
    # Live at 17:00, when it closes: the next morning.
    assert row(other, "passes_to_id", "due_at") == (team, START + 25 * HOUR)


def test_what_the_local_team_has_or_gave_back_stays(town):
    local, back = town.trace(), town.trace()
    due = START + 25 * HOUR
    handover.sweep(by=SWEEP, now=due)
    leo = town.by("Leo", due)
    version = row(back, "version")[0]
    handover.give_back(trace=back, version=version, why="Moved to Leeds.", by=leo, now=due)
    before = row(local, "due_at", "due_why"), row(back, "due_at", "due_why", "passes_to_id")
    set_policy(town, due, set_period_hours=1)
    assert apply(due).changed == 0
    assert (row(local, "due_at", "due_why"), row(back, "due_at", "due_why", "passes_to_id")) == before
    assert before[1][-1] is None


def test_closed_traces_and_the_pool_are_left_alone(town):
    pool = town.trace(None)
    before = row(pool, "due_at", "due_why")
    set_policy(town, set_period_hours=1)
    apply(LATER)
    assert row(pool, "due_at", "due_why") == before


def test_only_the_clock_takes_it_up(town):
    for by in (town.by("Olu"), SWEEP, ACCOUNTS):
        with pytest.raises(Refused, match="system scope policy"):
            partnerships.apply_changes(by=by, now=START)


def test_the_web_role_cannot_mark_a_change_as_taken_up(town, login):
    with pytest.raises(Exception, match="permission denied"):
        login("app").execute("UPDATE partnerships SET applied = revision")


def test_used_up_tries_stay_brought_forward(town):
    night = START.replace(hour=19)
    trace = town.trace()
    due_at = START + 25 * HOUR
    with walls.transaction(POLICY), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE traces SET due_at = %s, ready_at = %s, queued = false,"
            " due_why = 'Ten calls were made. The local team takes over when it opens.' WHERE id = %s",
            [due_at, due_at, trace],
        )
    set_policy(town, night, set_period_hours=72, opens=time(10))
    apply(night)
    assert row(trace, "due_at", "ready_at", "queued") == (due_at + HOUR, due_at + HOUR, False)


# The sweep and a change at once


def test_a_sweep_takes_a_change_up_before_it_moves_anything(town):
    trace = town.trace()
    set_policy(town, START + 24 * HOUR, set_period_hours=72)
    assert handover.sweep(by=SWEEP, now=START + 25 * HOUR).handed_over == 0
    assert row(trace, "due_at")[0] == START + 73 * HOUR
    set_policy(town, START + 26 * HOUR, set_period_hours=24)
    assert handover.sweep(by=SWEEP, now=START + 26 * HOUR).handed_over == 1


@contextmanager
def at_once(*acts):
    """Run each act in a thread with a connection of its own; at the end all are over and none has failed."""
    problems = []

    def run(act) -> None:
        try:
            act()
        except Exception as problem:
            problems.append(problem)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join(60)
    assert problems == []


def holding(lock, taken, go_on):
    """An act that takes a lock in a transaction and keeps it until it may go on."""

    def act() -> None:
        with walls.transaction(system_scope("intake")):
            lock()
            taken.set()
            assert go_on.wait(30)

    return act


def somebody_waits() -> bool:
    """Whether, within half a minute, another session waits for an advisory lock."""
    until = time_module.monotonic() + 30
    while time_module.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
            if cursor.fetchone()[0]:
                return True
    return False


def test_a_sweep_waits_for_those_who_place_by_the_old_policy(real_town):
    trace = real_town.trace()
    due = START + 25 * HOUR
    apply(START)
    taken, go_on, swept = threading.Event(), threading.Event(), []
    with at_once(holding(clock.hold_still, taken, go_on)):
        assert taken.wait(30)
        set_policy(real_town, due - MINUTE, set_period_hours=72)
        with at_once(lambda: swept.append(handover.sweep(by=SWEEP, now=due))):
            assert somebody_waits()
            assert row(trace, "team_id", "due_at") == (real_town.team("national"), due)
            go_on.set()
    assert swept[0].handed_over == 0
    assert row(trace, "team_id", "due_at") == (real_town.team("national"), START + 73 * HOUR)
    assert owners(trace) == []


def test_a_change_in_the_middle_of_a_sweep_leaves_the_authority_alone(real_town):
    """The sweep found nothing to take up, and the change came before it moved anything."""
    trace = real_town.trace()
    due = START + 25 * HOUR
    apply(START)
    taken, go_on, swept = threading.Event(), threading.Event(), []
    with at_once(holding(clock.alone, taken, go_on)):
        assert taken.wait(30)
        with at_once(lambda: swept.append(handover.sweep(by=SWEEP, now=due))):
            assert somebody_waits()
            set_policy(real_town, due - MINUTE, set_period_hours=72)
            go_on.set()
    assert swept[0].handed_over == 0
    assert row(trace, "team_id", "due_at") == (real_town.team("national"), due)
    assert handover.sweep(by=SWEEP, now=due).handed_over == 0
    assert row(trace, "due_at")[0] == START + 73 * HOUR


def test_a_change_and_many_sweeps_at_once(real_town):
    """Whoever is first: no trace has passed by a set period that was no longer in force."""
    traces = [real_town.trace() for _ in range(20)]
    due = START + 25 * HOUR
    change = {"area": BLACKBURN, "by": real_town.by("Dora", due), "now": due, "model": "timed"}
    sweeps = [lambda: handover.sweep(by=SWEEP, now=due + MINUTE)] * 3
    got = together(lambda: partnerships.set_policy(set_period_hours=72, **change), *sweeps)
    assert not any(isinstance(each, Exception) for each in got)
    handover.sweep(by=SWEEP, now=due + MINUTE)
    found = {row(trace, "team_id", "due_at", "handovers") for trace in traces}
    kept = (real_town.team("national"), START + 73 * HOUR, 0)
    passed = {each for each in found if each[0] == real_town.team("local")}
    assert found in ({kept}, passed) and len(found) == 1
    assert changed_since() == frozenset()


def test_a_claimed_trace_keeps_its_claim_when_the_policy_changes(town):
    trace = town.trace()
    nia = town.by("Nia")
    claimed = work.claim(team=town.team("national"), by=nia, now=START)
    set_policy(town, set_period_hours=6)
    apply(LATER)
    assert row(trace, "claimed_by", "version", "due_at") == (nia.user, claimed.version, START + 6 * HOUR)
    attempts.record(
        trace=trace,
        version=claimed.version,
        kind="call",
        outcome="no_answer",
        by=nia,
        now=START + MINUTE,
        number="07700900001",
    )
