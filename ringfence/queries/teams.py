"""The teams that are open, by name: for choosing one."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db.models import Q

from ringfence.accounts import walls
from ringfence.accounts.models import Team
from ringfence.rules.access import ENGLAND, Scope


class TeamName(NamedTuple):
    """An open team: what it is called, its kind, and the area that it works for."""

    id: int
    name: str
    kind: str
    area: str


def open_teams(*, scope: Scope, now: datetime, areas: tuple[str, ...] | None = None) -> tuple[TeamName, ...]:
    """The teams open at ``now``, by name; those of ``areas`` where they are given. No person is in it."""
    rows = Team.objects.filter(Q(closed_at=None) | Q(closed_at__gt=now), opened_at__lte=now)
    if areas is not None:
        rows = rows.filter(area_id__in=areas)
    with walls.transaction(scope):
        return tuple(TeamName(*row) for row in rows.order_by("name").values_list("pk", "name", "kind", "area_id"))


def borrowing_teams(*, scope: Scope, now: datetime) -> tuple[TeamName, ...]:
    """The teams that ``scope`` may lend people to: of all areas for national operations, else of their own."""
    own = None if ENGLAND in scope.partnership_of else tuple(sorted({*scope.partnership_of, *scope.standing}))
    return open_teams(scope=scope, now=now, areas=own)
