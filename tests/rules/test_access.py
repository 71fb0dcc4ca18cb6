"""Scopes: what follows from memberships at a moment, and never more than they name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.rules.access import (
    ENGLAND,
    PERMISSIONS,
    ROLES,
    SYSTEM_SCOPES,
    Member,
    Refused,
    Scope,
    person_scope,
    system_scope,
)

NOW = datetime(2026, 11, 16, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)

AREAS = ("E06000008", "E06000032", "E06000016", "E12000002")

moments = st.integers(-50, 50).map(lambda hours: NOW + hours * HOUR)


@st.composite
def members(draw: st.DrawFn) -> Member:
    role = ROLES[draw(st.sampled_from(sorted(ROLES)))]
    area = ENGLAND if role.level == "nation" else draw(st.sampled_from(AREAS))
    from_at = draw(moments)
    until_at = draw(st.none() | moments.filter(lambda at: at >= from_at))
    return Member(role.key, draw(st.integers(1, 9)) if role.level == "team" else None, area, from_at, until_at)


lists = st.lists(members(), max_size=6)


def test_nobody_without_a_role_sees_anything() -> None:
    assert person_scope(7, [], NOW) == Scope("person", 7)


@given(lists, moments)
def test_only_memberships_that_hold_count(rows: list[Member], now: datetime) -> None:
    holding = [row for row in rows if row.from_at <= now and (row.until_at is None or now < row.until_at)]
    assert person_scope(7, rows, now) == person_scope(7, holding, now)
    assert all(row.holds(now) for row in holding)


@given(lists, moments)
def test_a_scope_names_nothing_that_no_membership_names(rows: list[Member], now: datetime) -> None:
    scope = person_scope(7, rows, now)
    teams = {row.team for row in rows if ROLES[row.role].level == "team"}
    areas = {row.area for row in rows if ROLES[row.role].level == "area"}
    assert set(scope.teams) <= teams
    assert set(scope.lead_of) <= set(scope.teams)
    assert set(scope.areas) <= areas
    assert set(scope.standing) <= {row.area for row in rows if ROLES[row.role].level != "nation"}
    assert set(scope.partnership_of) <= {row.area for row in rows}
    assert scope.permissions <= {each for row in rows for each in ROLES[row.role].permissions}


@given(lists, lists, moments)
def test_a_further_membership_takes_nothing_away(rows: list[Member], more: list[Member], now: datetime) -> None:
    less, all_of = person_scope(7, rows, now), person_scope(7, rows + more, now)
    for name in ("teams", "areas", "standing", "permissions", "lead_of", "partnership_of"):
        assert set(getattr(less, name)) <= set(getattr(all_of, name)), name


@given(lists, moments, st.randoms())
def test_the_order_of_memberships_makes_no_difference(rows: list[Member], now: datetime, random: object) -> None:
    mixed = sorted(rows, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert person_scope(7, mixed, now) == person_scope(7, rows, now)


@given(lists, moments)
def test_areas_without_a_role_for_them_are_not_looked_into(rows: list[Member], now: datetime) -> None:
    """A role in a team opens the team's traces, and not every trace of the team's area."""
    tracing = [row for row in rows if ROLES[row.role].level != "area"]
    assert person_scope(7, tracing, now).areas == ()


def test_lending_ends_at_its_end() -> None:
    home = Member("national_tracer", 1, "E06000008", NOW - HOUR)
    lent = Member("national_tracer", 2, "E06000032", NOW, NOW + HOUR)
    teams = [person_scope(7, [home, lent], NOW + delta * HOUR / 2).teams for delta in (-1, 0, 1, 2, 3)]
    assert teams == [(1,), (1, 2), (1, 2), (1,), (1,)]
    assert person_scope(7, [home, lent], NOW + HOUR).standing == ("E06000008",)


def test_a_membership_taken_back_before_it_began_never_holds() -> None:
    assert not Member("director", None, "E06000008", NOW, NOW).holds(NOW)


def test_a_lead_leads_the_own_team_and_not_the_one_lent_to() -> None:
    scope = person_scope(
        7, [Member("local_lead", 1, "E06000008", NOW), Member("local_tracer", 2, "E06000008", NOW)], NOW
    )
    assert (scope.teams, scope.lead_of) == ((1, 2), (1,))


def test_who_answers_for_the_nation_sees_no_record() -> None:
    for role in ROLES.values():
        if role.level == "nation":
            scope = person_scope(7, [Member(role.key, None, ENGLAND, NOW)], NOW)
            assert (scope.teams, scope.areas, scope.standing) == ((), (), ()), role.key


def test_a_tracer_without_a_team_is_a_mistake_and_not_a_scope() -> None:
    with pytest.raises(ValueError, match="belongs to a team"):
        person_scope(7, [Member("local_tracer", None, "E06000008", NOW)], NOW)


@pytest.mark.parametrize("user", [0, -1])
def test_a_person_s_scope_names_somebody(user: int) -> None:
    with pytest.raises(ValueError, match="names the user"):
        Scope("person", user)


@pytest.mark.parametrize("name", ["", "root", "Person", "statistics "])
def test_there_are_no_other_scopes(name: str) -> None:
    with pytest.raises(ValueError, match="unknown scope"):
        Scope(name)
    with pytest.raises(ValueError, match="unknown system scope"):
        system_scope(name)


def test_a_system_scope_names_nobody_and_has_no_permission() -> None:
    for name, role in SYSTEM_SCOPES.items():
        scope = system_scope(name)
        assert (scope.user, scope.role, scope.permissions) == (0, role, frozenset())
        with pytest.raises(Refused):
            scope.require("trace")


def test_asking_for_a_permission_that_there_is_not_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="unknown permission"):
        Scope("person", 1).may("everything")


def test_a_refusal_says_what_is_not_allowed() -> None:
    for permission, words in PERMISSIONS.items():
        with pytest.raises(Refused, match=words.replace("'", ".")):
            Scope("person", 1).require(permission)


def test_every_permission_is_somebody_s_and_every_role_is_told() -> None:
    assert {each for role in ROLES.values() for each in role.permissions} == set(PERMISSIONS)
    assert all(role.prose.endswith(".") and role.level in ("team", "area", "nation") for role in ROLES.values())
