"""Who may give roles, lend people and end either: on every giver that Hypothesis can draw."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ringfence.rules.access import ENGLAND, ROLES, Member, Scope, person_scope, system_scope
from ringfence.rules.handover import TeamKind
from ringfence.rules.lending import (
    GIVEN_BY_DIRECTOR,
    LONGEST_LENDING,
    ROLE_LENT,
    Giver,
    giver,
    may_change_partnership,
    may_end,
    may_give_role,
    may_lend,
)

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
DAY = timedelta(days=1)
HERE, THERE = "E06000008", "E06000016"

areas = st.sampled_from([HERE, THERE])
teams = st.integers(1, 6)
team_roles = st.sampled_from([role.key for role in ROLES.values() if role.level == "team"])
members = st.builds(Member, team_roles, teams, areas, st.just(NOW - DAY), st.none())
givers = st.builds(
    Giver,
    user=st.integers(1, 9),
    everywhere=st.booleans(),
    directs=st.frozensets(areas),
    leads=st.frozensets(st.tuples(st.sampled_from(["local_lead", "national_lead"]), teams, areas)),
)
kinds = st.sampled_from(TeamKind)


def lend(by, homes, *, user=50, to_team=9, to_kind=TeamKind.NATIONAL, to_area=HERE, days=7, why="A wave there."):
    return may_lend(
        by,
        user=user,
        homes=homes,
        to_team=to_team,
        to_kind=to_kind,
        to_area=to_area,
        from_at=NOW,
        until_at=NOW + days * DAY,
        now=NOW,
        why=why,
    )


@given(givers, st.lists(members, max_size=3), kinds, areas)
def test_lending_opens_records_only_by_those_who_answer_for_both_sides(by, homes, kind, area):
    if lend(by, homes, to_kind=kind, to_area=area).allowed and not by.everywhere:
        assert area in by.answers_for
        assert any(home.area in by.answers_for for home in homes)


@given(givers, st.lists(members, min_size=1, max_size=3), kinds, areas)
def test_nobody_lends_themselves(by, homes, kind, area):
    assert not lend(by, homes, user=by.user, to_kind=kind, to_area=area).allowed


@given(st.lists(members, max_size=3), kinds)
def test_operations_lend_tracers_and_no_others(homes, kind):
    allowed = lend(Giver(7, everywhere=True), homes, to_kind=kind).allowed
    specialist = any(home.role == "health_protection" for home in homes)
    assert allowed == (bool(homes) and (kind is not TeamKind.HEALTH_PROTECTION or specialist))


@pytest.mark.parametrize(
    ("days", "why", "to_team", "told"),
    [
        (0, "x", 9, "must end after"),
        (-1, "x", 9, "must end after"),
        (LONGEST_LENDING.days + 1, "x", 9, "at most 92 days"),
        (7, "  ", 9, "Say why"),
        (7, "x", 1, "in that team already"),
    ],
)
def test_what_a_lending_needs(days, why, to_team, told):
    homes = [Member("national_tracer", 1, HERE, NOW - DAY)]
    decision = lend(Giver(7, everywhere=True), homes, days=days, why=why, to_team=to_team)
    assert not decision.allowed and told in decision.why


def test_a_lending_is_not_for_the_past_and_not_for_somebody_who_has_left():
    operations = Giver(7, everywhere=True)
    gone = [Member("national_tracer", 1, HERE, NOW - 9 * DAY, NOW - DAY)]
    assert "Only somebody who traces" in lend(operations, gone).why
    here = [Member("national_tracer", 1, HERE, NOW - 9 * DAY)]
    past = may_lend(
        operations,
        user=50,
        homes=here,
        to_team=9,
        to_kind=TeamKind.NATIONAL,
        to_area=HERE,
        from_at=NOW - 3 * DAY,
        until_at=NOW - DAY,
        now=NOW,
        why="x",
    )
    assert not past.allowed and "over already" in past.why


def test_a_director_or_lead_of_both_areas_lends_between_them():
    homes = [Member("local_tracer", 1, HERE, NOW - DAY)]
    both = Giver(7, directs=frozenset({HERE, THERE}))
    assert lend(both, homes, to_kind=TeamKind.LOCAL, to_area=THERE).allowed
    one = Giver(7, leads=frozenset({("local_lead", 1, HERE)}))
    assert lend(one, homes, to_kind=TeamKind.NATIONAL, to_area=HERE).allowed
    refused = lend(one, homes, to_kind=TeamKind.LOCAL, to_area=THERE)
    assert not refused.allowed and "national operations" in refused.why


@given(kinds)
def test_a_lent_person_traces_and_does_not_lead(kind):
    role = ROLES[ROLE_LENT[kind]]
    assert role.level == "team" and "trace" in role.permissions and "lead" not in role.permissions


@given(givers, st.sampled_from(list(ROLES)), teams, areas)
def test_nobody_gives_themselves_a_role_or_more_than_they_may(by, role, team, area):
    assert not may_give_role(by, to=by.user, role=role, team=team, area=area).allowed
    if may_give_role(by, to=None, role=role, team=team, area=area).allowed and not by.everywhere:
        director = area in by.directs and role in GIVEN_BY_DIRECTOR
        lead = any(led == team and own.split("_")[0] == role.split("_")[0] for own, led, _ in by.leads)
        assert director or (lead and role.endswith("_tracer"))


def test_an_unknown_role_is_named():
    assert "no role 'king'" in may_give_role(Giver(1, everywhere=True), to=None, role="king", team=None, area=HERE).why


@given(givers, team_roles, teams, areas, st.booleans())
def test_ending_is_for_those_who_may_give_and_stepping_back_for_the_lent(by, role, team, area, lent):
    own = may_end(by, user=by.user, lent=lent, area=area, role=role, team=team)
    assert own.allowed == lent
    decision = may_end(by, user=50, lent=lent, area=area, role=role, team=team)
    given_here = may_give_role(by, to=50, role=role, team=team, area=area).allowed
    assert decision.allowed == (given_here or (lent and area in by.answers_for) or by.everywhere)


def test_the_partnership_is_for_its_director_and_for_operations():
    director = person_scope(1, [Member("director", None, HERE, NOW - DAY)], NOW)
    operations = person_scope(2, [Member("operations", None, ENGLAND, NOW - DAY)], NOW)
    lead = person_scope(3, [Member("local_lead", 4, HERE, NOW - DAY)], NOW)
    assert may_change_partnership(director, HERE).allowed
    assert "the area that you answer for" in may_change_partnership(director, THERE).why
    assert may_change_partnership(operations, THERE).allowed
    assert "Only the director" in may_change_partnership(lead, HERE).why


@given(st.lists(members, max_size=4), st.booleans())
def test_a_giver_follows_from_a_scope(rows, over):
    assume(all(member.role != "director" for member in rows))
    ended = [Member(m.role, m.team, m.area, m.from_at, NOW) for m in rows] if over else rows
    by = giver(person_scope(1, ended, NOW), ended, NOW)
    leads = {(m.role, m.team, m.area) for m in rows if m.role.endswith("_lead")}
    assert by == Giver(1, leads=frozenset() if over else frozenset(leads))


def test_system_scopes_give_nothing_but_the_command_line():
    assert giver(system_scope("accounts"), (), NOW) == Giver(0, everywhere=True)
    assert giver(system_scope("sweep"), (), NOW) == Giver(0)
    assert giver(Scope("person", 5), (), NOW) == Giver(5)
