"""Who is signed in: the name, the roles held at this moment, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.http import HttpRequest

from ringfence.accounts.models import User, memberships_of, scope_from
from ringfence.rules.access import Scope


class Place(NamedTuple):
    """A role held now, and the team or area that it is held for. ``until`` is set when somebody is lent."""

    role: str
    name: str
    area: str
    team: int | None
    team_kind: str
    until: datetime | None


class Link(NamedTuple):
    """A page of somebody's menu."""

    href: str
    text: str


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody signed in, as the pages see them."""

    id: int
    name: str
    scope: Scope
    places: tuple[Place, ...]

    @property
    def menu(self) -> tuple[Link, ...]:
        return menu(self)

    @property
    def home(self) -> str:
        """Where this person's work begins."""
        first = self.menu
        return first[0].href if first else ""

    def teams(self, *kinds: str) -> list[Place]:
        """The person's teams of these kinds, each once; a lead's place before a tracer's."""
        found: dict[int, Place] = {}
        for place in self.places:
            if place.team is not None and place.team_kind in kinds and place.team not in found:
                found[place.team] = place
        return list(found.values())


#: Which page answers which permission, in the order of the menu. What somebody does all day comes first.
def menu(visitor: Visitor) -> tuple[Link, ...]:
    """The pages that the person may open, the first being home."""
    may = visitor.scope.may
    links: list[Link] = []
    if may("area"):
        links.append(Link("/areas", "Your area"))
    if may("trace") and visitor.teams("national", "pool"):
        links.append(Link("/work", "My calls"))
    if may("local list") and visitor.teams("local"):
        links.append(Link("/local", "Handed over"))
    if may("visits") and visitor.teams("local"):
        links.append(Link("/visits", "Visits"))
    if may("support"):
        links.append(Link("/support", "Support"))
    if may("health protection") and visitor.teams("health_protection"):
        links.append(Link("/escalated", "Escalated"))
    if may("lead"):
        links.append(Link("/work/team", "Team"))
        links.append(Link("/outbox", "Messages"))
    if may("scripts"):
        links.append(Link("/scripts", "Questions"))
        links.append(Link("/templates", "Texts of messages"))
    if may("settings"):
        links.append(Link("/settings", "Places"))
    if may("audit"):
        links.append(Link("/audit", "Records opened"))
    if may("overview"):
        links.append(Link("/overview", "Overview"))
    if may("search"):
        links.append(Link("/search", "Find a person"))
    if may("partnership view"):
        links.append(Link("/authorities", "Authorities"))
    if may("deliveries"):
        links.append(Link("/deliveries", "Deliveries"))
        links.append(Link("/quarantine", "Quarantine"))
    return tuple(links)


def visitor_of(user: User, now: datetime) -> Visitor:
    """Read who ``user`` is at ``now``, in one query."""
    held = memberships_of(user, now)
    places = tuple(
        Place(
            role=each.role,
            name=each.name,
            area=each.area,
            team=each.team,
            team_kind=each.team_kind,
            until=each.until_at if each.lent else None,
        )
        for each in held
    )
    return Visitor(user.pk, user.name, scope_from(user, held, now), places)


class StaffRequest(HttpRequest):
    """A request by somebody signed in, as the middleware leaves it."""

    now: datetime
    visitor: Visitor
    scope: Scope
