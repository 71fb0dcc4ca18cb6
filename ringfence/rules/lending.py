"""Who may give whom a role, and who may lend people to another team.

Ring-fenced means that tracers of a team get only its traces. Lending is the explicit exception: a person, a team, a
beginning and an end, a reason, and somebody who answers for both sides, because lending opens one authority's records
to somebody of another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ringfence.rules.access import ENGLAND, ROLES, Member, Scope
from ringfence.rules.handover import Decision, TeamKind

LONGEST_LENDING = timedelta(days=92)
"""Assumed [B]: about a quarter; lending for longer is a change of team."""

ROLE_LENT = {
    TeamKind.NATIONAL: "national_tracer",
    TeamKind.POOL: "national_tracer",
    TeamKind.LOCAL: "local_tracer",
    TeamKind.HEALTH_PROTECTION: "health_protection",
}
"""What a lent person does in the team that borrows: they trace, they do not lead."""

ROLES_OF_TEAM = {
    TeamKind.NATIONAL: ("national_tracer", "national_lead"),
    TeamKind.POOL: ("national_tracer", "national_lead"),
    TeamKind.LOCAL: ("local_tracer", "local_lead"),
    TeamKind.HEALTH_PROTECTION: ("health_protection",),
}
"""The roles that belong to each kind of team."""

GIVEN_BY_DIRECTOR = frozenset({"local_tracer", "local_lead", "analyst"})
GIVEN_BY_LEAD = {"local_lead": "local_tracer", "national_lead": "national_tracer"}


@dataclass(frozen=True, slots=True)
class Giver:
    """Somebody who gives roles or lends people.

    ``everywhere`` is true of national operations and of the command line; ``directs`` are codes of the areas of a
    director; ``leads`` are the (role, team id, area) of the teams that they lead. ``user`` is 0 for the command line.
    """

    user: int
    everywhere: bool = False
    directs: frozenset[str] = frozenset()
    leads: frozenset[tuple[str, int, str]] = frozenset()

    @property
    def answers_for(self) -> frozenset[str]:
        """The areas between whose teams they may lend."""
        return self.directs | {area for _, _, area in self.leads}


def giver(scope: Scope, members: Iterable[Member], now: datetime) -> Giver:
    """What ``scope`` may give, its ``members`` being the person's memberships; a lent person gives nothing as such."""
    if scope.name == "accounts":
        return Giver(0, everywhere=True)
    if scope.name != "person":
        return Giver(0)
    leads = {
        (member.role, member.team, member.area)
        for member in members
        if member.holds(now) and member.role in GIVEN_BY_LEAD and member.team is not None
    }
    return Giver(
        scope.user,
        ENGLAND in scope.partnership_of,
        frozenset(scope.partnership_of) - {ENGLAND},
        frozenset(leads),
    )


def may_change_partnership(scope: Scope, area: str) -> Decision:
    """Whether a person may decide how the partnership of an authority works: its director, or national operations."""
    if area in scope.partnership_of or ENGLAND in scope.partnership_of:
        return Decision(True, "They answer for this authority's partnership.")
    if scope.partnership_of:
        return Decision(False, "You may change only the partnership of the area that you answer for.")
    return Decision(False, "Only the director of public health and national operations change a partnership.")


def may_give_role(by: Giver, *, to: int | None, role: str, team: int | None, area: str) -> Decision:
    """Whether ``by`` may give a person (``to``, None when they are new) a role for a team of ``area``, or for ``area``.

    Operations and the command line give any role; a director gives the authority's own roles; a lead takes tracers into
    the team. Nobody gives themselves anything.
    """
    if role not in ROLES:
        return Decision(False, f"There is no role {role!r}; it is one of {', '.join(ROLES)}.")
    if to is not None and to == by.user:
        return Decision(False, "Nobody gives themselves a role; ask somebody else who may.")
    if by.everywhere:
        return Decision(True, "National operations give roles everywhere.")
    if area in by.directs and role in GIVEN_BY_DIRECTOR:
        return Decision(True, "A director gives the authority's own roles.")
    if any(GIVEN_BY_LEAD[own] == role and led == team for own, led, _ in by.leads):
        return Decision(True, "A lead takes tracers into the team.")
    return Decision(False, f"You may not make somebody {ROLES[role].name.lower()} here; ask national operations.")


def may_lend(
    by: Giver,
    *,
    user: int,
    homes: Iterable[Member],
    to_team: int,
    to_kind: TeamKind,
    to_area: str,
    from_at: datetime,
    until_at: datetime,
    now: datetime,
    why: str,
) -> Decision:
    """Whether ``by`` may lend ``user``, whose own memberships (not lent ones) are ``homes``, to a team for a time.

    The person traces somewhere today or when the lending begins; ``by`` answers for that area and for the borrowing
    team's, or is national operations.
    """
    if user == by.user:
        return Decision(False, "Nobody lends themselves; ask national operations.")
    if not why.strip():
        return Decision(False, "Say why the team needs them; it is kept with the lending.")
    if until_at <= from_at:
        return Decision(False, "The lending must end after it begins.")
    if until_at <= now:
        return Decision(False, "The lending would be over already; give an end in the future.")
    if until_at - from_at > LONGEST_LENDING:
        return Decision(False, f"Lend for at most {LONGEST_LENDING.days} days; for longer, change their team.")
    tracing = [
        home
        for home in homes
        if home.team is not None and "trace" in ROLES[home.role].permissions and home.holds(max(from_at, now))
    ]
    if not tracing:
        return Decision(False, "Only somebody who traces in a team can be lent to another.")
    if any(home.team == to_team for home in tracing):
        return Decision(False, "They are in that team already.")
    if to_kind is TeamKind.HEALTH_PROTECTION and all(home.role != "health_protection" for home in tracing):
        return Decision(False, "Only specialists can be lent to a health protection team.")
    if by.everywhere:
        return Decision(True, "National operations lend between all teams.")
    own = by.answers_for
    if to_area not in own or not any(home.area in own for home in tracing):
        return Decision(
            False,
            "You may lend only between teams of the area that you answer for; ask national operations for others.",
        )
    return Decision(True, "They answer for both teams' area.")


def may_end(by: Giver, *, user: int, lent: bool, area: str, role: str, team: int | None) -> Decision:
    """Whether ``by`` may end a membership of ``user``: whoever may give it, and a lent person who steps back."""
    if by.everywhere and user != by.user:
        return Decision(True, "National operations end memberships everywhere.")
    if user == by.user and by.user:
        if lent:
            return Decision(True, "A lent person may step back from the lending.")
        return Decision(False, "Nobody ends their own role; ask somebody else who may.")
    if lent and area in by.answers_for:
        return Decision(True, "They answer for the area of the team that borrows.")
    if area in by.directs and role in GIVEN_BY_DIRECTOR:
        return Decision(True, "A director ends the authority's own roles.")
    if any(GIVEN_BY_LEAD[own] == role and led == team for own, led, _ in by.leads):
        return Decision(True, "A lead lets tracers of the team go.")
    return Decision(False, "You may not end this; ask national operations.")
