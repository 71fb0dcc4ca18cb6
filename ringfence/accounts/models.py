"""Users, teams and memberships: who works where, and until when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from ringfence.accounts import walls
from ringfence.rules.access import ROLES, Member, Scope, person_scope, system_scope


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, name: str, password: str | None = None, **extra: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), name=name, **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """Somebody who signs in. What they may do is in their memberships; there is no superuser."""

    email = models.EmailField("e-mail address", unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        db_table = "users"
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_lower_case"),
        ]

    def __str__(self) -> str:
        return self.name

    def check_password(self, raw_password: str | None) -> bool:
        """Whether this is the password. What was hashed more weakly than today is hashed anew, under a ticket."""

        def renew(raw: str) -> None:
            self.set_password(raw)
            with walls.transaction(system_scope("accounts")):
                self.save(update_fields=["password"])

        return raw_password is not None and check_password(raw_password, self.password, renew)


class Team(models.Model):
    """A team of tracers. A national team is ring-fenced for one upper-tier authority; a local team is its own."""

    class Kind(models.TextChoices):
        NATIONAL = "national", "Ring-fenced national team"
        LOCAL = "local", "Local team"
        HEALTH_PROTECTION = "health_protection", "Health protection team"
        POOL = "pool", "National pool"

    kind = models.CharField(max_length=20, choices=Kind)
    area = models.ForeignKey("geography.Area", models.PROTECT, db_column="area", db_index=False)
    name = models.CharField(max_length=120)
    # A queue of hundreds of thousands under hundreds of tracers collapses on its first index page; 16 shards spread it.
    queue_shards = models.PositiveSmallIntegerField(default=1)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "teams"
        constraints = [
            models.UniqueConstraint(fields=["kind", "area"], condition=Q(closed_at=None), name="team_one_of_a_kind"),
            models.CheckConstraint(condition=Q(queue_shards__in=[1, 16]), name="team_shards"),
            models.CheckConstraint(
                condition=Q(closed_at=None) | Q(closed_at__gt=F("opened_at")), name="team_closes_after_it_opens"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A role of a person, for a team or an area, between two times. Lending is a membership with ``lent``."""

    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=20, choices=[(role.key, role.name) for role in ROLES.values()])
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="memberships")
    area = models.ForeignKey("geography.Area", models.PROTECT, db_column="area", null=True, blank=True)
    from_at = models.DateTimeField()
    until_at = models.DateTimeField(null=True, blank=True)
    lent = models.BooleanField(default=False)
    granted_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    why = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "memberships"
        constraints = [
            models.CheckConstraint(
                # Taken back before it began: it ends as it begins, and so never holds.
                condition=Q(until_at=None) | Q(until_at__gte=F("from_at")),
                name="membership_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=(Q(team__isnull=False) & Q(area__isnull=True))
                | (Q(team__isnull=True) & Q(area__isnull=False)),
                name="membership_team_or_area",
            ),
            models.CheckConstraint(
                condition=Q(lent=False) | Q(until_at__isnull=False), name="membership_lending_has_an_end"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()}, {self.team or self.area_id}"

    @property
    def where(self) -> str:
        """The code of the area that it is held for: the team's, if it is held in one."""
        return str(self.team.area_id if self.team else self.area_id)


class Held(NamedTuple):
    """A membership that holds: its role, and the team (None: none) and area that it is held for.

    ``name`` is the team's, or the area's where there is no team; ``until_at`` is None when no end is named.
    """

    role: str
    team: int | None
    team_kind: str
    name: str
    area: str
    from_at: datetime
    until_at: datetime | None
    lent: bool


_HELD = """
SELECT m.role, m.team_id, coalesce(t.kind, ''), coalesce(t.name, a.name), coalesce(t.area, m.area),
    m.from_at, m.until_at, m.lent
FROM memberships m LEFT JOIN teams t ON t.id = m.team_id LEFT JOIN areas a ON a.code = m.area
WHERE m.user_id = %(user)s AND m.from_at <= %(now)s::timestamptz
    AND (m.until_at IS NULL OR m.until_at > %(now)s::timestamptz)
ORDER BY m.from_at, m.id
"""


def memberships_of(user: User, now: datetime) -> list[Held]:
    """The memberships of ``user`` that hold at ``now``, the oldest first. Every page asks."""
    return [Held(*row) for row in walls.rows(_HELD, {"user": user.pk, "now": now})]


def scope_from(user: User, held: Iterable[Held], now: datetime) -> Scope:
    """The scope that follows from memberships already read."""
    members = [Member(each.role, each.team, each.area, each.from_at, each.until_at) for each in held]
    return person_scope(user.pk, members, now)
