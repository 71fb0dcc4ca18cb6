"""Which team gets a new trace, how urgent it is, and when the clock will pass it on; always with the reason.

Ring-fenced means that a resident of an authority goes to that authority's own national team and to no other, or, where
the authority works cases from the start, to its local team. Who cannot be placed goes to the national pool, so that
nobody is left out because a postcode was mistyped.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from ringfence.rules.access import ENGLAND
from ringfence.rules.handover import NATIONAL_TARGET, TeamKind, due, local_target
from ringfence.rules.places import Kind, Place
from ringfence.rules.policy import Model, PartnershipPolicy, policy_at

CARE_HOME, OLD, USUAL = 2, 3, 5
"""Priorities of new traces; 1 is left for what a lead puts first, 9 is the last."""

OLD_YEARS = 80


class AuthorityTeams(NamedTuple):
    """What allocation must know of one upper-tier authority: its open teams and its dated policies."""

    code: str
    name: str
    national_team: int
    local_team: int | None
    local_live_from: datetime | None
    policies: tuple[PartnershipPolicy, ...]


class Residence(NamedTuple):
    """The authority that a row's postcodes give: codes of the lower and the upper tier, or ``""``; and why."""

    ltla: str
    utla: str
    why: str


class Placement(NamedTuple):
    """The team that owns the trace and why; when it is due, why, and the team that the clock then passes it to."""

    team: int
    area: str
    national_team: int | None
    why: str
    due_at: datetime
    due_why: str
    passes_to: int | None


NOWHERE = ENGLAND


def residence(at_test: Place, at_gp: Place) -> Residence:
    """The postcode given at the test outranks the general practice's (England, since 16 November 2020)."""
    if at_test.kind is Kind.ENGLAND and at_test.ltla and at_test.utla:
        return Residence(at_test.ltla, at_test.utla, at_test.why)
    if at_test.kind is not Kind.OUTSIDE and at_gp.kind is Kind.ENGLAND and at_gp.ltla and at_gp.utla:
        return Residence(at_gp.ltla, at_gp.utla, f"{at_test.why} By the general practice's postcode: {at_gp.why}")
    return Residence("", "", at_test.why)


def place(
    home: Residence,
    authorities: Mapping[str, AuthorityTeams],
    pool_team: int,
    now: datetime,
    transferred_at: datetime | None = None,
) -> Placement:
    """The owner of a trace of somebody who lives at ``home``, at ``now``; its clock runs from ``transferred_at``, or now."""
    since = transferred_at or now
    teams = authorities.get(home.utla) if home.utla else None
    if teams is None:
        why = (
            f"National pool: {home.why[0].lower()}{home.why[1:]}"
            if home.why
            else "National pool: no authority is known."
        )
        return Placement(
            pool_team, NOWHERE, pool_team, why[:200], since + NATIONAL_TARGET, "A pool trace is due in 24 hours.", None
        )
    begun = any(policy.from_at <= now for policy in teams.policies)
    policy = policy_at(teams.policies, now) if begun else None
    live = teams.local_team is not None and teams.local_live_from is not None and teams.local_live_from <= now
    if policy is not None and policy.model is Model.LOCAL_FIRST and live:
        target = local_target(policy, now)
        return Placement(
            teams.local_team or 0,
            teams.code,
            teams.national_team,
            f"{teams.name} works its cases from the start (local first).",
            target.at,
            target.why,
            None,
        )
    decision = due(
        since, teams.policies, local_team_live_from=teams.local_live_from if teams.local_team else None, now=now
    )
    return Placement(
        teams.national_team,
        teams.code,
        teams.national_team,
        f"{home.why}"[:200] if home.why else f"Resident of {teams.name}.",
        decision.at,
        decision.why,
        teams.local_team if decision.passes else None,
    )


class Owned(NamedTuple):
    """An open trace as moving it depends on it: its authority, owner and kind of team; ``busy``: somebody has it open."""

    authority: str
    team: int
    kind: TeamKind
    created_at: datetime
    busy: bool


class Stay(NamedTuple):
    """The trace stays where it is; ``until_free`` says that it is to be asked again when nobody has it open."""

    why: str
    until_free: bool = False


def relocate(
    owned: Owned, home: Residence, authorities: Mapping[str, AuthorityTeams], pool_team: int, now: datetime
) -> Placement | Stay:
    """Where an open trace belongs of whom a newer result says that they live at ``home``.

    It goes to the team that it would have got there, and its clock runs on: the person has waited since it was opened.
    """
    if not home.utla:
        return Stay("No authority is known for where they live now.")
    if home.utla == owned.authority:
        return Stay("They live in the same authority.")
    if owned.kind is TeamKind.HEALTH_PROTECTION:
        return Stay("The health protection team has it, wherever they live.")
    if owned.busy:
        return Stay("Somebody has it open at this moment.", until_free=True)
    placed = place(home, authorities, pool_team, now, owned.created_at)
    if placed.team == owned.team:
        return Stay("The same team has it.")
    return placed._replace(why=f"A newer result says that they moved. {placed.why}"[:300])


def priority(*, care_home: bool, age: int) -> int:
    """How urgent a new trace is, from 1 (first) to 9: complex settings, then the old, then everybody else.

    Assumed order [B]: outbreaks in care homes did most harm, and risk rises with age.
    """
    if care_home:
        return CARE_HOME
    return OLD if age >= OLD_YEARS else USUAL
