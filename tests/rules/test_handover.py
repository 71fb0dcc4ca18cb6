from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.rules.calendar import is_open, next_open
from ringfence.rules.handover import (
    Group,
    Held,
    TeamKind,
    after_move,
    due,
    escalate,
    first_open,
    give_back,
    group,
    local_target,
    may_pass,
    reason,
    set_periods,
)
from ringfence.rules.policy import Model, PartnershipPolicy, PolicyError, policy_at
from tests.rules.strategies import AREA, histories, moments, near, policies, waiting_histories

HOUR = timedelta(hours=1)
AT = datetime(2020, 8, 3, 9, tzinfo=UTC)


@given(histories, near, near)
def test_what_the_clock_passes_meets_every_condition(history, transferred_at, live_from):
    answer = due(transferred_at, history, local_team_live_from=live_from, now=transferred_at)
    if not answer.passes:
        assert answer.at == transferred_at + 24 * HOUR
        return
    policy = policy_at(history, answer.at)
    assert policy.model is not Model.NATIONAL_ONLY
    assert answer.at >= max(policy.from_at, live_from)
    assert is_open(policy, answer.at)
    if policy.model is Model.TIMED:
        assert answer.at >= transferred_at + policy.set_period_hours * HOUR


@given(histories, near, st.lists(st.floats(0, 1), max_size=20))
def test_the_first_open_door_is_that_of_the_policy_in_force_then(history, since, shares):
    def door(at):
        try:
            policy = policy_at(history, at)
        except PolicyError:
            return False
        return policy.model is not Model.NATIONAL_ONLY and is_open(policy, at)

    at = first_open(history, since)
    last = max(since, *(policy.from_at for policy in history))
    if at is None:
        assert policy_at(history, last).model is Model.NATIONAL_ONLY
    else:
        assert at >= since and door(at)
    for share in shares:
        before = since + ((at or last) - since) * share
        assert before == at or not door(before)


def test_a_door_that_opens_later_may_be_anothers():
    evening = PartnershipPolicy(AREA, AT, Model.TIMED, 48, opens=time(18), closes=time(20))
    morning = PartnershipPolicy(AREA, AT + HOUR, Model.TIMED, 48, opens=time(11), closes=time(17))
    assert first_open([evening, morning], AT) == AT + HOUR
    assert first_open([evening], AT) == AT + 8 * HOUR
    assert first_open([replace(evening, model=Model.NATIONAL_ONLY), morning], AT) == AT + HOUR
    assert first_open([evening, replace(morning, model=Model.NATIONAL_ONLY)], AT) is None
    assert first_open([], AT) is None


@given(policies(st.just(Model.TIMED), near), near, near)
def test_one_timed_policy_passes_at_the_first_opening_after_the_set_period(policy, transferred_at, live_from):
    answer = due(transferred_at, [policy], local_team_live_from=live_from, now=transferred_at)
    ended = max(transferred_at + policy.set_period_hours * HOUR, policy.from_at, live_from)
    assert (answer.passes, answer.at) == (True, next_open(policy, ended))


@given(histories, near, near, st.floats(0, 1))
def test_the_cache_stays_right_until_the_hand_over(history, transferred_at, live_from, share):
    """Nothing but a new record changes the answer: not the passing of time, and not a policy that begins."""
    answer = due(transferred_at, history, local_team_live_from=live_from, now=transferred_at)
    if answer.passes:
        later = min(transferred_at + (answer.at - transferred_at) * share, answer.at)
        assert due(transferred_at, history, local_team_live_from=live_from, now=later) == answer


@given(waiting_histories, near, near)
def test_no_earlier_moment_meets_every_condition(history, transferred_at, live_from):
    """The meaning, hour by hour: before the answer there is no hour in which the trace could have passed."""
    answer = due(transferred_at, history, local_team_live_from=live_from, now=transferred_at)
    end = min(answer.at, transferred_at + 400 * HOUR) if answer.passes else transferred_at + 400 * HOUR
    at = transferred_at
    while at < end:
        policy = policy_at(history, at) if any(each.from_at <= at for each in history) else None
        assert not (
            policy is not None
            and policy.model is Model.TIMED
            and at >= max(live_from, transferred_at + policy.set_period_hours * HOUR)
            and is_open(policy, at)
        )
        at += HOUR


@given(policies(st.just(Model.TIMED), near), near, st.timedeltas(timedelta(0), timedelta(days=9)))
def test_later_transfer_is_never_due_earlier(policy, transferred_at, later):
    first = due(transferred_at, [policy], local_team_live_from=policy.from_at, now=transferred_at)
    second = due(transferred_at + later, [policy], local_team_live_from=policy.from_at, now=transferred_at)
    assert first.at <= second.at


@given(histories, near, near)
def test_the_sentences_fit_their_columns(history, transferred_at, live_from):
    answer = due(transferred_at, history, local_team_live_from=live_from, now=transferred_at)
    assert answer.why.endswith(".") and len(answer.why) <= 200
    told = reason(transferred_at=transferred_at, set_period_hours=336, due_at=answer.at)
    assert told.startswith("Handed over because 336 hours passed") and told.endswith(".") and len(told) <= 300


@given(histories, near, near)
def test_the_moment_due_tells_the_set_period(history, transferred_at, live_from):
    answer = due(transferred_at, history, local_team_live_from=live_from, now=transferred_at)
    spans = [
        span
        for span in set_periods(history)
        if span.from_at <= answer.at and (span.until_at is None or answer.at < span.until_at)
    ]
    if answer.passes:
        (span,) = spans
        floor = max(transferred_at + span.hours * HOUR, span.from_at, live_from)
        assert answer.at == next_open(policy_at(history, answer.at), floor)


@given(st.sampled_from((TeamKind.NATIONAL, TeamKind.POOL)), histories, near, near, st.none() | near, near)
def test_who_has_it_again_has_a_day_from_then_whatever_went_before(kind, history, at, back, live_from, now):
    answer = after_move(kind, at, history, local_team_live_from=live_from, now=now, given_back_at=back)
    assert (answer.at, answer.passes) == (back + 24 * HOUR, False)
    assert len(answer.why) <= 200


@given(st.sampled_from(TeamKind), histories, near, near, st.none() | near)
def test_a_moved_trace_is_due_and_only_a_national_team_s_passes(kind, history, transferred_at, now, live_from):
    answer = after_move(kind, transferred_at, history, local_team_live_from=live_from, now=now)
    assert answer.why.endswith(".") and len(answer.why) <= 200
    if kind is TeamKind.NATIONAL:
        assert answer == due(transferred_at, history, local_team_live_from=live_from, now=now)
    else:
        assert not answer.passes
        assert answer.at > (transferred_at if kind is TeamKind.POOL else now)


def test_the_policy_in_force_now_decides_even_when_it_began_this_moment():
    timed = PartnershipPolicy(area=AREA, from_at=AT - 72 * HOUR, model=Model.TIMED, opens=time(0), closes=time(23, 59))
    ended = replace(timed, from_at=AT, model=Model.NATIONAL_ONLY)
    overdue = AT - 30 * HOUR
    assert due(overdue, [timed, ended], local_team_live_from=timed.from_at, now=AT - HOUR).passes
    assert not due(overdue, [timed, ended], local_team_live_from=timed.from_at, now=AT).passes


@given(histories, near)
def test_what_the_clock_never_passes(history, at):
    no_team = due(at, history, local_team_live_from=None, now=at)
    given_back = due(at, history, local_team_live_from=at, now=at, given_back_at=at)
    nothing = due(at, [], local_team_live_from=at, now=at)
    assert [answer.passes for answer in (no_team, given_back, nothing)] == [False] * 3
    assert {answer.at for answer in (no_team, given_back, nothing)} == {at + 24 * HOUR}
    assert len({answer.why for answer in (no_team, given_back, nothing)}) == 3


@given(policies(st.just(Model.TIMED), near), near)
def test_a_correction_recorded_later_counts(policy, at):
    corrected = replace(policy, set_period_hours=policy.set_period_hours + 100)
    live = policy.from_at
    assert due(at, [policy, corrected], local_team_live_from=live, now=at) == due(
        at, [corrected], local_team_live_from=live, now=at
    )


def test_a_moment_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        due(datetime(2020, 8, 3), [], local_team_live_from=None, now=AT)


@given(policies(models=st.sampled_from([Model.TIMED, Model.LOCAL_FIRST])), moments)
def test_the_local_target_is_a_closing_time_ahead(policy, at):
    target = local_target(policy, at)
    assert target.at > at and not target.passes and len(target.why) <= 200
    assert is_open(policy, target.at - timedelta(microseconds=1))


@given(near, near)
def test_groups_are_in_order_of_time(due_at, now):
    order = list(Group)
    assert order.index(group(due_at, now)) <= order.index(group(due_at + timedelta(hours=30), now))
    assert (group(due_at, now) is Group.OVERDUE) == (due_at <= now)
    assert group(due_at, now).words[0].isupper()


READY = Held(is_open=True, due_at=AT, passes=True, local_team_live=True)


def test_due_and_free_passes():
    assert may_pass(READY, AT).allowed
    assert may_pass(replace(READY, claimed_until=AT), AT).allowed


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"is_open": False}, "closed"),
        ({"passes": False}, "does not pass"),
        ({"due_at": AT + timedelta(microseconds=1)}, "runs until"),
        ({"local_team_live": False}, "does not take"),
        ({"claimed_until": AT + timedelta(seconds=1)}, "may be on the call"),
    ],
)
def test_each_condition_alone_holds_it_back(change, says):
    answer = may_pass(replace(READY, **change), AT)
    assert not answer.allowed and says in answer.why


GIVE_BACK = {
    "owner": TeamKind.LOCAL,
    "back_to": TeamKind.NATIONAL,
    "is_open": True,
    "in_owner_team": True,
    "why": "Moved to Leeds",
}


def test_a_local_team_gives_back_with_a_reason():
    assert give_back(**GIVE_BACK) == (True, "Given back: Moved to Leeds")
    assert give_back(**GIVE_BACK | {"owner": TeamKind.HEALTH_PROTECTION, "back_to": TeamKind.LOCAL}).allowed


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"is_open": False}, "closed"),
        ({"in_owner_team": False}, "Only the team that has"),
        ({"owner": TeamKind.NATIONAL}, "cannot give a trace back"),
        ({"owner": TeamKind.POOL}, "cannot give a trace back"),
        ({"back_to": None}, "began with this team"),
        ({"back_to": TeamKind.LOCAL}, "began with this team"),
        ({"why": " \n"}, "Say why"),
    ],
)
def test_a_give_back_that_is_refused(change, says):
    answer = give_back(**GIVE_BACK | change)
    assert not answer.allowed and says in answer.why


ESCALATE = {
    "owner": TeamKind.NATIONAL,
    "is_open": True,
    "in_owner_team": True,
    "health_protection": True,
    "why": "Care home",
}


@pytest.mark.parametrize("owner", [TeamKind.NATIONAL, TeamKind.LOCAL, TeamKind.POOL])
def test_any_tracing_team_escalates_with_a_reason(owner):
    assert escalate(**ESCALATE | {"owner": owner}) == (True, "Escalated: Care home")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"is_open": False}, "closed"),
        ({"in_owner_team": False}, "Only the team that has"),
        ({"owner": TeamKind.HEALTH_PROTECTION}, "already has it"),
        ({"health_protection": False}, "no health protection team"),
        ({"why": ""}, "Say why"),
    ],
)
def test_an_escalation_that_is_refused(change, says):
    answer = escalate(**ESCALATE | change)
    assert not answer.allowed and says in answer.why
