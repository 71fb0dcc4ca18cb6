"""Where authorities stand, one authority, and what a change would do."""

from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.actions import accounts, handover, partnerships
from ringfence.queries import partnerships as queries
from ringfence.queries import renewal
from ringfence.queries.partnerships import Standing, When
from ringfence.queries.renewal import Passing
from ringfence.rules.access import Refused, system_scope
from ringfence.rules.handover import Due
from ringfence.rules.policy import Model
from tests.town import ACCOUNTS, BLACKBURN, HOUR, LEICESTER, LUTON, START, SWEEP, row

LATER = START + HOUR


def line(town, area, by="Olu", now=START):
    return {each.code: each for each in queries.authorities(scope=town.by(by, now), now=now)}[area]


def proposed(now=LATER, area=BLACKBURN, **given):
    wanted = {
        "from_at": None,
        "model": "timed",
        "set_period_hours": 24,
        "contacts_by": "national",
        "working_days": "YYYYYYY",
        "opens": time(9),
        "closes": time(17),
        "bank_holidays": False,
        **given,
    }
    return partnerships.proposed(area=area, now=now, **wanted)


def test_every_authority_with_where_it_stands(town):
    town.trace()
    town.trace(LUTON)
    lines = queries.authorities(scope=town.by("Olu"), now=START)
    assert len(lines) == 153 and [each.name for each in lines] == sorted(each.name for each in lines)
    here, luton, leicester = (line(town, area) for area in (BLACKBURN, LUTON, LEICESTER))
    assert (here.name, here.region, here.standing) == ("Blackburn with Darwen", "North West", Standing.LIVE)
    assert (here.set_period_hours, here.policy.model) == (24, Model.TIMED)
    assert (here.national_people, here.local_people, here.open_traces, here.with_local) == (3, 3, 1, 0)
    assert (luton.set_period_hours, luton.with_local, luton.oldest_open_at) == (None, 1, START)
    assert (leicester.standing, leicester.policy.model) == (Standing.OFFERED, Model.NATIONAL_ONLY)
    assert here.q is not None and here.waiting_for_clock


def test_overdue_and_the_clock_catching_up(town):
    town.trace()
    handover.sweep(by=SWEEP, now=START)
    assert not line(town, BLACKBURN).waiting_for_clock
    assert line(town, BLACKBURN, now=START + 25 * HOUR).overdue == 1
    assert line(town, BLACKBURN, now=START + 24 * HOUR).overdue == 0


def test_a_planned_joining_and_the_next_policy(town):
    by = town.by("Olu")
    partnerships.agree(area=LEICESTER, by=by, now=START)
    assert line(town, LEICESTER).standing is Standing.AGREED
    partnerships.join(area=LEICESTER, by=by, now=START, at=START + 9 * HOUR)
    partnerships.set_policy(area=LEICESTER, by=by, now=START, model="timed", from_at=START + 9 * HOUR)
    partnerships.set_policy(area=LEICESTER, by=by, now=START, model="local_first", from_at=START + 9 * HOUR)
    found = line(town, LEICESTER)
    assert found.standing is Standing.JOINING
    assert found.next_policy.model is Model.LOCAL_FIRST
    assert line(town, LEICESTER, now=START + 9 * HOUR).standing is Standing.LIVE


@pytest.mark.parametrize("name", ["Nia", "Lola", "Hana", "Charlie"])
def test_tracers_see_no_partnerships(town, name):
    for read in (
        lambda scope: queries.authorities(scope=scope, now=START),
        lambda scope: queries.authority(scope=scope, area=BLACKBURN, now=START),
        lambda scope: renewal.preview(scope=scope, proposed=proposed(START), now=START),
    ):
        with pytest.raises(Refused):
            read(town.by(name))


def test_an_authority_that_is_not_there(town):
    assert queries.authority(scope=town.by("Olu"), area="E07000223", now=START) is None
    assert renewal.preview(scope=town.by("Olu"), proposed=proposed(START, "E07000223"), now=START) is None


def test_the_history_says_what_holds_when(town):
    dora = town.by("Dora", LATER)
    partnerships.set_policy(area=BLACKBURN, by=dora, now=LATER, model="timed", set_period_hours=12)
    for hours in (6, 8):
        partnerships.set_policy(
            area=BLACKBURN, by=dora, now=LATER, model="timed", set_period_hours=hours, from_at=LATER + HOUR
        )
    found = queries.authority(scope=dora, area=BLACKBURN, now=LATER)
    assert [(each.when, each.policy.set_period_hours, each.until_at, each.recorded_by) for each in found.policies] == [
        (When.PAST, 24, START, ""),
        (When.PAST, 24, LATER, ""),
        (When.PRESENT, 12, LATER + HOUR, "Dora"),
        (When.CORRECTED, 6, None, "Dora"),
        (When.FUTURE, 8, None, "Dora"),
    ]
    assert found.revision == 5 and found.may_change


def test_people_and_lending_are_for_the_areas_own_and_for_the_nation(town):
    accounts.lend(
        user=town.users["Nora"].pk,
        to_team=town.team("national"),
        until_at=START + timedelta(days=7),
        why="A wave.",
        by=town.by("Olu"),
        now=START,
    )
    for name in ("Dora", "Lena", "Leo", "Olu", "Gil"):
        found = queries.authority(scope=town.by(name), area=BLACKBURN, now=START)
        national, local = found.teams
        assert found.people_shown
        assert [(each.name, each.lent, each.home) for each in national.people if each.lent] == [
            ("Nora", True, "Luton ring-fenced team")
        ]
        assert {each.name for each in local.people} == {"Lola", "Luke", "Leo"}
        assert [(each.name, each.out) for each in found.lendings] == [("Nora", False)]
        assert (found.may_change, [each.name for each in found.area_people]) == (name in ("Dora", "Olu"), ["Dora"])
    luton = queries.authority(scope=town.by("Olu"), area=LUTON, now=START)
    assert [(each.name, each.out) for each in luton.lendings] == [("Nora", True)]
    for name in ("Dora", "Lena"):
        other = queries.authority(scope=town.by(name), area=LUTON, now=START)
        assert not other.people_shown and not other.may_change
        assert not other.lendings and not any(team.people for team in other.teams)
        assert [team.size for team in other.teams] == [1, 1]


def test_lendings_that_are_over_or_taken_back_are_not_listed(town):
    by = town.by("Olu")
    rest = {"user": town.users["Nora"].pk, "to_team": town.team("national"), "why": "x", "by": by, "now": START}
    over = accounts.lend(until_at=START + HOUR, **rest)
    later = accounts.lend(from_at=START + 2 * HOUR, until_at=START + 3 * HOUR, **rest)
    accounts.end_membership(membership=later.membership, by=by, now=START)
    found = queries.authority(scope=by, area=BLACKBURN, now=START)
    assert [each.membership for each in found.lendings] == [over.membership]
    assert queries.authority(scope=town.by("Olu", LATER), area=BLACKBURN, now=LATER).lendings == ()


# What a change would do


def test_a_preview_is_what_then_happens(town):
    now = START + 10 * HOUR
    traces = [town.trace(now=START + hours * HOUR) for hours in (0, 3, 9)]
    before = [row(trace, "due_at") for trace in traces]
    change = proposed(now, set_period_hours=6, opens=time(8), closes=time(20))
    found = renewal.preview(scope=town.by("Dora", now), proposed=change, now=now)
    assert [row(trace, "due_at") for trace in traces] == before
    assert found.open_traces == found.sooner == 3
    assert found.before == Passing(at_once=0, within_1=0, within_6=0, within_24=2, later=1, never=0)
    assert found.after == Passing(at_once=2, within_1=2, within_6=2, within_24=3, later=0, never=0)
    partnerships.set_policy(
        area=BLACKBURN,
        by=town.by("Dora", now),
        now=now,
        model="timed",
        set_period_hours=6,
        opens=time(8),
        closes=time(20),
    )
    assert handover.sweep(by=SWEEP, now=now).handed_over == found.after.at_once


def test_a_preview_of_leaving_and_of_beginning(town):
    town.trace()
    away = renewal.preview(scope=town.by("Dora"), proposed=proposed(START, model="national_only"), now=START)
    assert (away.no_longer_pass, away.after.never, away.examples[0].after_at) == (1, 1, None)
    partnerships.set_policy(area=BLACKBURN, by=ACCOUNTS, now=START, model="national_only")
    partnerships.apply_changes(by=system_scope("policy"), now=START)
    back = renewal.preview(scope=town.by("Dora"), proposed=proposed(START), now=START)
    assert (back.begin_to_pass, back.before.never, back.after.never) == (1, 1, 0)


def test_who_sees_no_traces_still_sees_the_preview(town):
    town.trace()
    assert renewal.preview(scope=town.by("Olu"), proposed=proposed(START), now=START).open_traces == 1


dues = st.builds(
    Due,
    st.datetimes(datetime(2026, 11, 14), datetime(2026, 11, 19), timezones=st.just(START.tzinfo)),
    st.booleans(),
    st.just("why"),
)


@given(st.lists(st.tuples(dues, dues), max_size=20))
def test_every_open_trace_is_in_one_place(pairs):
    before, after = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    found = renewal.compare(proposed(START), [START] * len(pairs), before, after, START)
    parts = found.sooner + found.later + found.begin_to_pass + found.no_longer_pass + found.unchanged
    assert parts == found.open_traces == len(pairs)
    for passing in (found.before, found.after):
        assert passing.at_once <= passing.within_1 <= passing.within_6 <= passing.within_24
        assert passing.within_24 + passing.later + passing.never == len(pairs)
    assert len(found.examples) == min(len(found.examples), renewal.EXAMPLES)
    if before == after:
        assert found.unchanged == len(pairs) and found.before == found.after
