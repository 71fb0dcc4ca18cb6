"""Who may know what: roles in prose, levels, and the scope that every read takes.

A *role* is what a person does; a *membership* (in ``ringfence.accounts``) gives a person a role for a team or an area
between two times; a *scope* is what follows from the memberships a person has at one moment. A scope is a value: it is
signed into a ticket for the database (``ringfence.accounts.walls``) and holds for one transaction.

Two kinds of scope exist. A person's scope names a user. A system scope names a purpose (``intake``, ``sweep``,
``statistics`` ...) and nobody: it exists so that work done by the clock is as accountable as work done by a person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

ENGLAND = "E92000001"

#: What a permission lets somebody do, in words for the screen.
PERMISSIONS = {
    "trace": "take the next trace of the team, open the team's traces and record attempts",
    "lead": "see the team's whole queue, who has what, and reassign",
    "local list": "see what has been handed over to the local team",
    "health protection": "see what was escalated to the health protection team",
    "partnership": "change an authority's policy, teams and lending",
    "partnership view": "read an authority's policy, teams and lending",
    "overview": "read the figures of the service",
    "deliveries": "read delivery receipts and work on the quarantine",
    "audit": "read who did and opened what",
    "area": "see every trace of the area",
    "search": "find somebody by name, number, telephone or postcode",
    "visits": "plan visits and record them at the door",
    "support": "see who asked for help and say when it is done",
    "settings": "see the places that cases named and join two that are one",
    "line list": "see the line list of the area and take it out under the agreement",
    "clusters": "see what the methods found in the area, and open and work on incidents",
    "scripts": "change the questions and the texts of messages",
}


@dataclass(frozen=True, slots=True)
class Role:
    """A role: its key, its name on screen, a paragraph that says what it is for, and its permissions."""

    key: str
    name: str
    prose: str
    permissions: frozenset[str]
    level: str  # "team", "area" or "nation": what the membership must name


def _role(key: str, name: str, level: str, prose: str, *permissions: str) -> Role:
    unknown = set(permissions) - set(PERMISSIONS)
    if unknown:
        raise ValueError(f"role {key}: unknown permissions {sorted(unknown)}")
    return Role(key, name, prose, frozenset(permissions), level)


ROLES: dict[str, Role] = {
    role.key: role
    for role in (
        _role(
            "national_tracer",
            "National contact tracer",
            "team",
            "Works in one ring-fenced national team: calls residents of one authority, one trace after the other, "
            "with the script beside the record.",
            "trace",
            "search",
        ),
        _role(
            "national_lead",
            "National team lead",
            "team",
            "Leads a ring-fenced national team: sees its whole queue and who has what, and reassigns.",
            "trace",
            "lead",
            "overview",
            "partnership view",
            "search",
        ),
        _role(
            "local_tracer",
            "Local contact tracer",
            "team",
            "Works for the authority: follows up by phone, letter or at the door those whom the national team did not "
            "reach.",
            "trace",
            "local list",
            "search",
            "visits",
            "support",
        ),
        _role(
            "local_lead",
            "Local team lead",
            "team",
            "Leads the authority's own tracers: sees everything handed over, reassigns, and gives back what the team "
            "cannot do.",
            "trace",
            "local list",
            "lead",
            "overview",
            "partnership view",
            "search",
            "visits",
            "support",
            "settings",
        ),
        _role(
            "director",
            "Director of public health",
            "area",
            "Answers for the health of an authority's people: sees the area's traces and figures, and decides how the "
            "partnership works.",
            "area",
            "overview",
            "partnership",
            "partnership view",
            "search",
            "support",
            "settings",
            "line list",
            "clusters",
        ),
        _role(
            "analyst",
            "Public health analyst",
            "area",
            "Works for a director: sees the area's traces and figures, and changes nothing.",
            "area",
            "overview",
            "partnership view",
            "search",
            "settings",
            "line list",
            "clusters",
        ),
        _role(
            "health_protection",
            "Health protection team",
            "team",
            "The region's specialists for complex settings: care homes, prisons, hospitals, schools. Sees what was "
            "escalated.",
            "trace",
            "health protection",
            "overview",
            "search",
            "settings",
        ),
        _role(
            "operations",
            "National operations",
            "nation",
            "Keeps the service running: figures, deliveries, partnerships and lending. Sees no person's record, and of line "
            "lists only the rows in quarantine.",
            "overview",
            "deliveries",
            "partnership",
            "partnership view",
        ),
        _role(
            "script_editor",
            "Script editor",
            "nation",
            "Keeps the questions of the interview and the texts of messages: each change is dated, and what was asked "
            "before stays readable. Sees no person's record.",
            "scripts",
        ),
        _role(
            "governance",
            "Information governance",
            "nation",
            "Answers for every record opened: reads the audit, not the records.",
            "audit",
            "overview",
            "partnership view",
        ),
    )
}

#: The named system scopes, and the database role each works under.
SYSTEM_SCOPES = {
    "intake": "worker",
    "sweep": "worker",
    "interviews": "worker",
    "messages": "worker",
    "detection": "worker",
    "counting": "worker",
    "digest": "worker",
    "search": "worker",
    "policy": "worker",
    "reconcile": "worker",
    "geography": "worker",
    "statistics": "app",
    "deliveries": "app",
    "audit": "app",
    "accounts": "app",
}


class Refused(Exception):
    """Somebody asked for something that their scope does not give. The message is for the screen."""


class NotFound(Exception):
    """There is no such thing, or it is not for this person to know that there is (404)."""


@dataclass(frozen=True, slots=True)
class Member:
    """One membership as the rules see it: a role, for a team (with the team's area) or for an area."""

    role: str
    team: int | None
    area: str
    from_at: datetime
    until_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        return self.from_at <= now and (self.until_at is None or now < self.until_at)


@dataclass(frozen=True, slots=True)
class Scope:
    """What one transaction may see and do.

    ``teams``: ids of the teams whose traces may be seen. ``areas``: codes of the areas all of whose traces may be seen.
    ``standing``: codes of the areas whose people may be looked up (a person has a standing with an area).
    """

    name: str  # "person", or one of SYSTEM_SCOPES
    user: int = 0
    teams: tuple[int, ...] = ()
    areas: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()
    permissions: frozenset[str] = field(default_factory=frozenset)
    lead_of: tuple[int, ...] = ()
    partnership_of: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.name == "person":
            if self.user <= 0:
                raise ValueError("a person's scope names the user")
        elif self.name not in SYSTEM_SCOPES:
            raise ValueError(f"unknown scope {self.name!r}: a person's, or one of {', '.join(SYSTEM_SCOPES)}")

    @property
    def role(self) -> str:
        """The database role that this scope works under."""
        return "app" if self.name == "person" else SYSTEM_SCOPES[self.name]

    def may(self, permission: str) -> bool:
        if permission not in PERMISSIONS:
            raise ValueError(f"unknown permission {permission!r}")
        return permission in self.permissions

    def require(self, permission: str) -> None:
        """Raise ``Refused`` unless the scope has the permission."""
        if not self.may(permission):
            raise Refused(f"Your role does not let you {PERMISSIONS[permission]}.")


def person_scope(user: int, members: Iterable[Member], now: datetime) -> Scope:
    """The scope that follows from a person's memberships at ``now``; empty memberships give a scope that sees nothing.

    ``partnership_of`` is ``("E92000001",)`` for a role of the nation and the areas named for a role of an area.
    """
    teams: set[int] = set()
    areas: set[str] = set()
    standing: set[str] = set()
    permissions: set[str] = set()
    lead_of: set[int] = set()
    partnership_of: set[str] = set()
    for member in members:
        if not member.holds(now):
            continue
        role = ROLES[member.role]
        permissions |= role.permissions
        if role.level == "team":
            if member.team is None:
                raise ValueError(f"a {role.name} belongs to a team")
            teams.add(member.team)
            standing.add(member.area)
            if "lead" in role.permissions:
                lead_of.add(member.team)
        elif role.level == "area":
            areas.add(member.area)
            standing.add(member.area)
        if "partnership" in role.permissions:
            partnership_of.add(member.area if role.level == "area" else ENGLAND)
    return Scope(
        "person",
        user,
        tuple(sorted(teams)),
        tuple(sorted(areas)),
        tuple(sorted(standing)),
        frozenset(permissions),
        tuple(sorted(lead_of)),
        tuple(sorted(partnership_of)),
    )


def system_scope(name: str) -> Scope:
    """The named system scope; ``statistics`` reads counts, ``intake`` writes results, ``sweep`` moves what is due."""
    if name not in SYSTEM_SCOPES:
        raise ValueError(f"unknown system scope {name!r}")
    return Scope(name)
