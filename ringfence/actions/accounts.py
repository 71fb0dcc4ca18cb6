"""People who sign in: adding them, giving and ending roles, lending them to another team, passwords."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError
from django.db import transaction as database_transaction
from django.db.models import Q

from ringfence.accounts import walls
from ringfence.accounts.models import Membership, Team, User
from ringfence.actions import auditing, checks
from ringfence.actions.errors import Invalid, NotFound
from ringfence.geography.models import Area
from ringfence.rules.access import ENGLAND, ROLES, Member, Refused, Scope
from ringfence.rules.calendar import spoken
from ringfence.rules.handover import Decision, TeamKind
from ringfence.rules.lending import (
    LONGEST_LENDING,
    ROLE_LENT,
    ROLES_OF_TEAM,
    Giver,
    giver,
    may_end,
    may_give_role,
    may_lend,
)

#: Letters and figures that nobody mistakes for one another when a password is read aloud.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class Added:
    """A new person. ``password`` is the one that was made for them, to be told once; None when one was given."""

    user: int
    membership: int
    password: str | None = field(repr=False)


class Newcomer(NamedTuple):
    """Somebody to be added with one role, for a team or an area (a role of the nation needs neither)."""

    email: str
    name: str
    role: str
    team: int | None = None
    area: str | None = None


@dataclass(frozen=True, slots=True)
class Lent:
    """A lending: the membership that it is, the role in the borrowing team, and its two ends."""

    membership: int
    role: str
    from_at: datetime
    until_at: datetime


def add_user(
    *,
    email: str,
    name: str,
    role: str,
    by: Scope,
    now: datetime,
    team: int | None = None,
    area: str | None = None,
    password: str | None = None,
    why: str = "",
) -> Added:
    """Add a person with one role, from now on, for a team or an area (a role of the nation needs neither).

    Without ``password`` one is made and given back. Who may: ``rules.lending.may_give_role``.
    """
    email = email.strip().lower()
    name = checks.words("name", name, 120, needed="Give the person's name.")
    try:
        validate_email(email)
    except ValidationError:
        raise Invalid("email", "Give an email address such as name@example.org.") from None
    made = None if password else _password()
    with walls.transaction(by):
        found_team, found_area = _place(role, team, area)
        _allow(may_give_role(_giver(by, now), to=None, role=role, team=team, area=found_area))
        person = User(email=email, name=name)
        _check_password(password or made or "", person)
        person.set_password(password or made)
        try:
            with database_transaction.atomic():
                person.save()
        except IntegrityError:
            raise Invalid(
                "email",
                "Somebody with this email address is here already;"
                " whoever runs the service can give them a further role.",
            ) from None
        membership = _grant(person, role, found_team, found_area, now, None, by, why)
        auditing.record(
            "user.added", by=by, now=now, team=team, area=found_area, detail={"user": person.pk, "role": role}
        )
    return Added(person.pk, membership.pk, made)


def add_users(*, people: Sequence[Newcomer], by: Scope, now: datetime, password: str | None = None) -> dict[str, int]:
    """Add many people, from now on, all or none of them; their ids by e-mail address.

    With ``password`` all of them share it, as in an exercise; without, nobody signs in before a password is set.
    """
    if not people:
        return {}
    gives = _giver(by, now)
    shared = make_password(password)
    with walls.transaction(by):
        places: dict[tuple[str, int | None, str | None], tuple[Team | None, str]] = {}
        for each in people:
            where = (each.role, each.team, each.area)
            if where not in places:
                places[where] = _place(*where)
                _allow(may_give_role(gives, to=None, role=each.role, team=each.team, area=places[where][1]))
            checks.words("name", each.name, 120, needed="Give the person's name.")
            try:
                validate_email(each.email)
            except ValidationError:
                raise Invalid("email", f"{each.email!r} is no email address such as name@example.org.") from None
            if password is not None:
                _check_password(password, User(email=each.email, name=each.name))
        emails = [each.email.strip().lower() for each in people]
        taken = User.objects.filter(email__in=emails).values_list("email", flat=True).first()
        if taken or len(set(emails)) < len(emails):
            raise Invalid("email", f"{taken or 'One email address'} is here or in the list already; nobody was added.")
        users = User.objects.bulk_create(
            User(email=email, name=each.name, password=shared) for email, each in zip(emails, people, strict=True)
        )
        rows = []
        for user, each in zip(users, people, strict=True):
            team, area = places[each.role, each.team, each.area]
            rows.append(
                Membership(
                    user=user,
                    role=each.role,
                    team=team,
                    area_id=None if team else area,
                    from_at=now,
                    granted_by_id=by.user or None,
                )
            )
        Membership.objects.bulk_create(rows)
        auditing.record_many(
            "user.added",
            [
                {
                    "team": each.team,
                    "area": places[each.role, each.team, each.area][1],
                    "detail": {"user": user.pk, "role": each.role},
                }
                for user, each in zip(users, people, strict=True)
            ],
            by=by,
            now=now,
        )
    return {user.email: user.pk for user in users}


def give_role(
    *,
    user: int,
    role: str,
    by: Scope,
    now: datetime,
    team: int | None = None,
    area: str | None = None,
    from_at: datetime | None = None,
    until_at: datetime | None = None,
    why: str = "",
) -> int:
    """Give a person a further role, from ``from_at`` (None: now) on; the id of the membership."""
    starts = checks.moment("from_at", from_at or now)
    if starts < now:
        raise Invalid("from_at", "A role cannot begin in the past.")
    if until_at is not None and checks.moment("until_at", until_at) <= starts:
        raise Invalid("until_at", "The role must end after it begins.")
    with walls.transaction(by):
        person = _person(user)
        found_team, found_area = _place(role, team, area)
        _allow(may_give_role(_giver(by, now), to=user, role=role, team=team, area=found_area))
        same = Membership.objects.filter(user=person, role=role, lent=False, team=found_team)
        if found_team is None:
            same = same.filter(area_id=found_area)
        if same.filter(Q(until_at=None) | Q(until_at__gt=starts)).exists():
            raise Invalid("role", "They have this role here already.")
        membership = _grant(person, role, found_team, found_area, starts, until_at, by, why)
        auditing.record("role.given", by=by, now=now, team=team, area=found_area, detail={"user": user, "role": role})
    return membership.pk


def lend(
    *, user: int, to_team: int, until_at: datetime, why: str, by: Scope, now: datetime, from_at: datetime | None = None
) -> Lent:
    """Lend a tracer to another team from ``from_at`` (None: now) until ``until_at``. Their own team keeps them too.

    The tracer works the borrowing team's traces as a tracer, whatever they are at home. Who may, and for how long at
    most: ``rules.lending.may_lend``. Ended early by ``end_membership``.
    """
    starts, ends = checks.moment("from_at", from_at or now), checks.moment("until_at", until_at)
    why = checks.words("why", why, 200, needed="Say why the team needs them; it is kept with the lending.")
    if starts < now:
        raise Invalid("from_at", f"A lending cannot begin in the past; the earliest is {spoken(now)}.")
    if ends <= starts:
        raise Invalid("until_at", "The lending must end after it begins.")
    if ends - starts > LONGEST_LENDING:
        raise Invalid("until_at", f"Lend for at most {LONGEST_LENDING.days} days; for longer, change their team.")
    with walls.transaction(by):
        person = _person(user)
        team = Team.objects.filter(pk=to_team, closed_at=None).first()
        if team is None:
            raise NotFound("There is no such team, or it is closed.")
        kind = TeamKind(team.kind)
        _allow(
            may_lend(
                _giver(by, now),
                user=user,
                homes=_members(user, now, lent=False),
                to_team=to_team,
                to_kind=kind,
                to_area=team.area_id,
                from_at=starts,
                until_at=ends,
                now=now,
                why=why,
            )
        )
        already = Membership.objects.filter(user=person, team=team, lent=True, from_at__lt=ends, until_at__gt=starts)
        if already.exists():
            raise Invalid("to_team", "They are lent to that team in this time already; end that lending first.")
        membership = Membership.objects.create(
            user=person,
            role=ROLE_LENT[kind],
            team=team,
            from_at=starts,
            until_at=ends,
            lent=True,
            granted_by_id=by.user or None,
            why=why,
        )
        auditing.record(
            "user.lent",
            by=by,
            now=now,
            team=to_team,
            area=team.area_id,
            detail={"user": user, "membership": membership.pk, "from": starts.isoformat(), "until": ends.isoformat()},
        )
    return Lent(membership.pk, membership.role, starts, ends)


def end_membership(*, membership: int, by: Scope, now: datetime) -> datetime:
    """End a role or a lending now; one that has not begun never will. The moment at which it ends.

    A trace that the person has open in that team goes back to its queue when the claim lapses.
    """
    with walls.transaction(by):
        row = Membership.objects.select_for_update(of=("self",)).select_related("team").filter(pk=membership).first()
        if row is None:
            raise NotFound("There is no such membership.")
        area = row.where
        _allow(may_end(_giver(by, now), user=row.user_id, lent=row.lent, area=area, role=row.role, team=row.team_id))
        if row.until_at is not None and (row.until_at <= now or row.until_at == row.from_at):
            raise Invalid("membership", f"It ended at {spoken(row.until_at)} already.")
        row.until_at = max(now, row.from_at)
        row.save(update_fields=["until_at"])
        auditing.record(
            "lending.ended" if row.lent else "role.ended",
            by=by,
            now=now,
            team=row.team_id,
            area=area,
            detail={"user": row.user_id, "membership": membership},
        )
    return row.until_at


def set_password(*, user: int, password: str, by: Scope, now: datetime) -> None:
    """Set a person's password: their own, or anybody's from the command line. Their other sessions end."""
    if by.name != "accounts" and by.user != user:
        raise Refused("You may set only your own password; whoever runs the service can set another's.")
    with walls.transaction(by):
        person = _person(user)
        _check_password(password, person)
        person.set_password(password)
        person.save(update_fields=["password"])
        auditing.record("user.password", by=by, now=now, detail={"user": user})


def deactivate(*, user: int, by: Scope, now: datetime) -> None:
    """Let nobody sign in as this person any more, and end every role they have. Their history stays."""
    with walls.transaction(by):
        person = _person(user)
        gives = _giver(by, now)
        if user == by.user:
            raise Refused("Nobody deactivates themselves; ask somebody else who may.")
        rows = list(
            Membership.objects.select_for_update(of=("self",))
            .select_related("team")
            .filter(Q(until_at=None) | Q(until_at__gt=now), user=person)
        )
        if not gives.everywhere and not rows:
            raise Refused("You may not deactivate this person; ask national operations.")
        for row in rows:
            _allow(may_end(gives, user=user, lent=row.lent, area=row.where, role=row.role, team=row.team_id))
            row.until_at = max(now, row.from_at)
            row.save(update_fields=["until_at"])
        person.is_active = False
        person.save(update_fields=["is_active"])
        auditing.record("user.deactivated", by=by, now=now, detail={"user": user, "ended": len(rows)})


def activate(*, user: int, by: Scope, now: datetime) -> None:
    """Let a person who was deactivated sign in again; their roles are to be given anew."""
    with walls.transaction(by):
        person = _person(user, active=False)
        if not _giver(by, now).everywhere or user == by.user:
            raise Refused("Only national operations activate somebody again.")
        person.is_active = True
        person.save(update_fields=["is_active"])
        auditing.record("user.activated", by=by, now=now, detail={"user": user})


def _person(user: int, active: bool = True) -> User:
    """The person, nobody else changing their roles until the end of this transaction."""
    person = User.objects.select_for_update().filter(pk=user, is_active=active).first()
    if person is None:
        raise NotFound("There is no such person." if active else "There is no such person who was deactivated.")
    return person


def _members(user: int, now: datetime, *, lent: bool | None = None) -> Sequence[Member]:
    """The person's memberships that have not ended at ``now``."""
    rows = Membership.objects.select_related("team").filter(Q(until_at=None) | Q(until_at__gt=now), user_id=user)
    if lent is not None:
        rows = rows.filter(lent=lent)
    return [Member(row.role, row.team_id, row.where, row.from_at, row.until_at) for row in rows]


def _giver(by: Scope, now: datetime) -> Giver:
    return giver(by, _members(by.user, now) if by.user else (), now)


def _allow(decision: Decision) -> None:
    if not decision.allowed:
        raise Refused(decision.why)


def _place(role: str, team: int | None, area: str | None) -> tuple[Team | None, str]:
    """The team and the area code that a role is for. Raises Invalid where the two do not go together."""
    if role not in ROLES:
        raise Invalid("role", f"There is no role {role!r}; it is one of {', '.join(ROLES)}.")
    level = ROLES[role].level
    if level == "team":
        if team is None or area is not None:
            raise Invalid("team", f"A {ROLES[role].name.lower()} belongs to a team: give the team, and no area.")
        found = Team.objects.filter(pk=team, closed_at=None).first()
        if found is None:
            raise NotFound("There is no such team, or it is closed.")
        if role not in ROLES_OF_TEAM[TeamKind(found.kind)]:
            raise Invalid(
                "role", f"A {ROLES[role].name.lower()} does not belong to a {found.get_kind_display().lower()}."
            )
        return found, found.area_id
    if team is not None:
        raise Invalid("team", f"A {ROLES[role].name.lower()} belongs to no team.")
    if level == "nation":
        if area not in (None, ENGLAND):
            raise Invalid("area", f"{ROLES[role].name} is a role for the whole of England; give no area.")
        area = ENGLAND
    elif area is None or not Area.objects.filter(code=area, upper_tier=True).exists():
        raise Invalid("area", f"Give the code of the upper-tier authority, such as E06000008; {area!r} is none.")
    return None, area


def _grant(
    person: User,
    role: str,
    team: Team | None,
    area: str,
    from_at: datetime,
    until_at: datetime | None,
    by: Scope,
    why: str,
) -> Membership:
    return Membership.objects.create(
        user=person,
        role=role,
        team=team,
        area_id=None if team else area,
        from_at=from_at,
        until_at=until_at,
        granted_by_id=by.user or None,
        why=checks.words("why", why, 200),
    )


def _check_password(password: str, person: User) -> None:
    try:
        validate_password(password, person)
    except ValidationError as problem:
        raise Invalid("password", " ".join(problem.messages)) from None


def _password() -> str:
    """Twenty letters and figures in four groups: 99 bits."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(5)) for _ in range(4))
