"""Who signs in, and where they work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from ringfence.accounts import walls
from ringfence.accounts.models import Team, User
from ringfence.geography.models import Area
from ringfence.rules.access import ENGLAND, ROLES, Refused, Scope
from ringfence.rules.handover import TeamKind
from ringfence.rules.lending import ROLES_OF_TEAM


@dataclass(frozen=True, slots=True)
class Place:
    """One thing a person does: the role and where, "until" and "lent" where that is so."""

    role: str
    where: str
    from_at: datetime
    until_at: datetime | None
    lent: bool


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in, or could."""

    id: int
    email: str
    name: str
    active: bool
    places: tuple[Place, ...]


def users(*, scope: Scope, now: datetime) -> tuple[Person, ...]:
    """Everybody, by e-mail address, with the roles that have not ended. For operations and the command line."""
    if scope.name != "accounts" and ENGLAND not in scope.partnership_of:
        raise Refused("Only national operations see everybody who can sign in.")
    with walls.transaction(scope):
        people = User.objects.prefetch_related("memberships__team", "memberships__area").order_by("email")
        return tuple(
            Person(
                person.pk,
                person.email,
                person.name,
                person.is_active,
                tuple(
                    Place(
                        ROLES[row.role].name,
                        row.team.name if row.team else str(row.area),
                        row.from_at,
                        row.until_at,
                        row.lent,
                    )
                    for row in sorted(person.memberships.all(), key=lambda row: (row.lent, row.from_at, row.pk))
                    if row.until_at is None or (row.until_at > now and row.until_at > row.from_at)
                ),
            )
            for person in people
        )


def user_called(email: str, *, scope: Scope) -> int | None:
    """The id of the person with this e-mail address, or None."""
    with walls.transaction(scope):
        return User.objects.filter(email=email.strip().lower()).values_list("pk", flat=True).first()


def area_called(text: str, *, scope: Scope) -> tuple[str, str]:
    """Code and name of the area in force with this code or this name, in any case.

    Raises ``ValueError``, with a name that was perhaps meant.
    """
    with walls.transaction(scope):
        found = Area.objects.filter(code=text.strip().upper()).first()
        found = found or Area.objects.filter(name__iexact=text.strip(), closed=None).order_by("-upper_tier").first()
        if found:
            return found.code, found.name
        names = Area.objects.filter(closed=None).values_list("name", flat=True)
        near = get_close_matches(text.strip().title(), names, 1)
        raise ValueError(f"there is no area {text!r} in force" + (f"; did you mean {near[0]}?" if near else ""))


def team_for(role: str, area: str, *, scope: Scope) -> int | None:
    """The open team of ``area`` that somebody with this role belongs to; None when there is none."""
    kinds = [kind for kind in TeamKind if role in ROLES_OF_TEAM[kind]]
    with walls.transaction(scope):
        return Team.objects.filter(kind__in=kinds, area_id=area, closed_at=None).values_list("pk", flat=True).first()
