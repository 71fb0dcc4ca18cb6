"""Who is called again during isolation, on which day, by whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.rules.calendar import LONDON, is_open, london_date
from ringfence.rules.followups import Call, Isolating, NoCall, decide
from ringfence.rules.policy import EXERCISE, ContactsBy, Model, PartnershipPolicy

DAY_0 = date(2026, 11, 16)  # a Monday
POLICY = PartnershipPolicy(
    "E06000008",
    datetime(2026, 11, 1, tzinfo=LONDON),
    Model.TIMED,
    follow_up_days=(4, 8),
    opens=time(9),
    closes=time(17),
)
WHO = Isolating(DAY_0, DAY_0 + timedelta(days=10), datetime(2026, 11, 17, 10, tzinfo=LONDON))


def at(day: int, hour: int = 7) -> datetime:
    return datetime.combine(DAY_0 + timedelta(days=day), time(hour), LONDON)


def ask(who=WHO, policy=POLICY, now=None, local_live=True):
    return decide(who, policy, EXERCISE, now or at(4), local_live=local_live)


def test_the_team_that_reached_them_calls_on_the_day_from_the_opening():
    call = ask()
    assert isinstance(call, Call)
    assert (call.day, call.local, call.ready_at, call.due_at) == (4, False, at(4, 8), at(4, 20))
    assert "day 4" in call.why and "26/11" in call.why


@pytest.mark.parametrize(
    "policy", [replace(POLICY, contacts_by=ContactsBy.LOCAL), replace(POLICY, model=Model.LOCAL_FIRST)]
)
def test_the_local_team_calls_where_the_policy_gives_it_them(policy):
    call = ask(policy=policy)
    assert (call.local, call.ready_at, call.due_at) == (True, at(4, 9), at(4, 17))
    assert not ask(policy=policy, local_live=False).local


def test_a_closed_local_team_calls_when_it_opens_or_the_national_team_does():
    weekdays = replace(POLICY, contacts_by=ContactsBy.LOCAL, follow_up_days=(5,), working_days=frozenset(range(5)))
    assert (ask(policy=weekdays, now=at(5)).local, ask(policy=weekdays, now=at(5)).ready_at) == (True, at(7, 9))
    short = replace(WHO, until_date=DAY_0 + timedelta(days=6))
    assert not ask(short, weekdays, at(5)).local
    assert isinstance(ask(replace(short, reached_by_local=True), weekdays, at(5)), NoCall)


@pytest.mark.parametrize(
    ("who", "policy", "day", "says"),
    [
        (WHO, replace(POLICY, follow_up_days=()), 4, "has no follow-up calls"),
        (WHO, POLICY, 3, "No day"),
        (WHO, POLICY, 11, "over"),
        (replace(WHO, reached_at=at(4, 1)), POLICY, 4, "reached on that day"),
        (replace(WHO, last_made=DAY_0 + timedelta(days=4)), POLICY, 5, "planned already"),
        (replace(WHO, reached_by_local=True), POLICY, 4, "takes no traces"),
    ],
)
def test_nobody_calls_and_why(who, policy, day, says):
    found = ask(who, policy, at(day), local_live="takes no" not in says)
    assert isinstance(found, NoCall) and says in found.why


def test_of_days_that_were_missed_the_latest_is_made_up_for():
    assert ask(now=at(9)).day == 8
    assert ask(replace(WHO, last_made=DAY_0 + timedelta(days=4)), now=at(9)).day == 8


@given(
    st.lists(st.integers(1, 14), unique=True, max_size=4).map(lambda days: tuple(sorted(days))),
    st.integers(0, 14),
    st.integers(-1, 15),
    st.integers(0, 23),
    st.sampled_from(ContactsBy),
    st.booleans(),
    st.booleans(),
    st.frozensets(st.integers(0, 6), min_size=1),
)
def test_every_call_lies_in_the_isolation_after_they_were_reached(
    days, length, day, hour, contacts_by, local_live, by_local, working
):
    who = replace(WHO, until_date=DAY_0 + timedelta(days=length), reached_by_local=by_local)
    policy = replace(POLICY, follow_up_days=days, contacts_by=contacts_by, working_days=working)
    found = ask(who, policy, at(day, hour), local_live)
    assert found.why
    if isinstance(found, Call):
        assert found.day in days and london_date(who.reached_at) < DAY_0 + timedelta(days=found.day)
        assert DAY_0 + timedelta(days=found.day) <= london_date(at(day, hour))
        assert london_date(found.ready_at) <= who.until_date
        assert found.ready_at < found.due_at
        assert not found.local or is_open(policy, found.ready_at)
        assert found.local or not by_local
        made = replace(who, last_made=london_date(at(day, hour)))
        assert isinstance(ask(made, policy, at(day, hour), local_live), NoCall), "once for each day"


@given(st.integers(1, 13))
def test_each_day_of_the_policy_gives_one_call(day):
    policy = replace(POLICY, follow_up_days=(day,))
    who = replace(WHO, until_date=DAY_0 + timedelta(days=14))
    calls, made = 0, None
    for now in range(15):
        found = ask(replace(who, last_made=made), policy, at(now))
        if isinstance(found, Call):
            calls, made = calls + 1, london_date(at(now))
    assert calls == (day > 1), "they were reached on day 1"
