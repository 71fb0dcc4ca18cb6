"""What allocation must know, read once for a batch: every authority's teams and policies, and the national pool."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from ringfence.accounts import walls
from ringfence.accounts.models import Team
from ringfence.queries.policy import authority_teams
from ringfence.rules.allocation import AuthorityTeams


class NotEstablished(Exception):
    """There are no teams yet, so nothing can be allocated; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """Authorities by code, and the team that takes whom no authority is known for; as the partnerships are at
    ``revision``."""

    authorities: dict[str, AuthorityTeams]
    pool_team: int
    revision: int = 0


def allocation(now: datetime) -> Allocation:
    """The teams open at ``now``. Raises ``NotEstablished`` when there is no national pool."""
    pool = Team.objects.filter(Q(closed_at=None) | Q(closed_at__gt=now), kind=Team.Kind.POOL).order_by("id").first()
    if pool is None:
        raise NotEstablished("There are no teams yet. Run: ./run ringfence partnerships establish")
    at = revision()
    return Allocation(authority_teams(now), pool.pk, at)


def revision() -> int:
    """A number that is another one whenever any partnership has changed: its policy, or the day of joining."""
    ((total,),) = walls.fetch("SELECT coalesce(sum(revision), 0) FROM partnerships")
    return int(total)
