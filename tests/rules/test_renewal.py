"""Due anew after a change: the rule again, except that what was brought forward stays so."""

from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ringfence.rules.calendar import is_open
from ringfence.rules.handover import Due, due
from ringfence.rules.policy import Model, PartnershipPolicy, policy_at
from ringfence.rules.renewal import brought_forward, due_anew
from tests.rules.strategies import AREA, histories, near

START = datetime(2020, 10, 19, tzinfo=UTC)
USED_UP = "10 calls were made. The local team takes over at 09:00 on Tuesday 20 October."


def timed(from_at, hours, opens=time(9), closes=time(17)):
    return PartnershipPolicy(AREA, from_at, Model.TIMED, hours, opens=opens, closes=closes)


@given(near, histories, near, near, st.none() | near)
def test_what_the_clock_decided_is_decided_anew(transferred, history, live_from, now, given_back):
    told = {"local_team_live_from": live_from, "now": now, "given_back_at": given_back}
    cached = due(transferred, history[:-1], **told)
    assert due_anew(cached, transferred, history, **told) == due(transferred, history, **told)


@given(near, histories, near, near, near, st.none() | near)
def test_brought_forward_is_never_later_and_never_into_a_closed_door(transferred, history, live, now, at, given_back):
    told = {"local_team_live_from": live, "now": now, "given_back_at": given_back}
    new = due(transferred, history, **told)
    found = due_anew(Due(at, True, USED_UP), transferred, history, **told)
    assert found.passes == new.passes
    if not found.passes:
        assert found == new
    assert found.at <= new.at
    if found.passes and found.at > max(at, now):
        assert is_open(policy_at(history, found.at), found.at)


def test_brought_forward_keeps_its_time_where_the_hours_stay_and_moves_with_them_where_they_do_not():
    at = datetime(2020, 10, 20, 8, tzinfo=UTC)  # 09:00 in London
    cached = Due(at, True, USED_UP)
    told = {"local_team_live_from": START, "now": START}
    assert due_anew(cached, START, [timed(START, 48), timed(START, 72)], **told) == cached
    later = due_anew(cached, START, [timed(START, 48, opens=time(10))], **told)
    assert later.at == at + timedelta(hours=1) and brought_forward(later)
    assert due_anew(cached, START, [timed(START, 2)], **told) == due(START, [timed(START, 2)], **told)
    national = PartnershipPolicy(AREA, START, Model.NATIONAL_ONLY)
    assert due_anew(cached, START, [national], **told) == due(START, [national], **told)
    # The next door that opens by one policy may be shut by the one that has begun by then.
    evening, morning = timed(START, 48, time(18), time(20)), timed(at + timedelta(hours=1), 72, time(11), time(17))
    assert due_anew(cached, START, [evening, morning], **told).at == at + timedelta(hours=2)
