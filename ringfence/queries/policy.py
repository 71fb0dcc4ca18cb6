"""The dated policies in force: the service's, and each authority's, as the rules take them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q

from ringfence.accounts.models import Team
from ringfence.partnerships.models import Partnership, Policy, ServiceRule
from ringfence.rules.allocation import AuthorityTeams
from ringfence.rules.calendar import london_date
from ringfence.rules.policies import dated
from ringfence.rules.policy import PartnershipPolicy, ServicePolicy, in_force


def service_policies() -> tuple[ServicePolicy, ...]:
    """The service's dated policies, in order: England's history, then what the service rules name.

    Raises PolicyError for a rule that names a policy which is not there.
    """
    held = _remembered.get()
    if held is None:
        return _read_policies()
    if not held:
        held.append(_read_policies())
    return held[0]


#: What was read while one page is made.
_remembered: ContextVar[list[tuple[ServicePolicy, ...]] | None] = ContextVar("policies", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """The service's policies are read once, for as long as one page is made, and all of it goes by the same ones."""
    token = _remembered.set([])
    try:
        yield
    finally:
        _remembered.reset(token)


def _read_policies() -> tuple[ServicePolicy, ...]:
    return dated(tuple(ServiceRule.objects.order_by("from_date").values_list("from_date", "policy")))


def service_policy(now: datetime) -> ServicePolicy:
    """The service policy in force at ``now``. Raises PolicyError when none is."""
    return in_force(service_policies(), london_date(now))


def partnership_histories(areas: Iterable[str] | None = None) -> dict[str, tuple[PartnershipPolicy, ...]]:
    """Every policy of the authorities named (of all, when none are), in the order in which they were recorded."""
    rows = Policy.objects.order_by("area_id", "recorded_at", "id")
    if areas is not None:
        rows = rows.filter(area_id__in=list(areas))
    found: dict[str, list[PartnershipPolicy]] = {}
    for row in rows:
        found.setdefault(row.area_id, []).append(to_value(row))
    return {area: tuple(policies) for area, policies in found.items()}


def partnership_history(area: str) -> tuple[PartnershipPolicy, ...]:
    """Every policy of one authority, in the order in which they were recorded; none means national only."""
    return partnership_histories([area]).get(area, ())


def to_value(row: Policy) -> PartnershipPolicy:
    """The row as the rules take it."""
    return row.to_value()


class LocalTeam(NamedTuple):
    """An authority's local team, and since when it takes traces (None: the authority has not joined yet)."""

    id: int
    area: str
    live_from: datetime | None


def local_teams(now: datetime, areas: Iterable[str] | None = None) -> dict[str, LocalTeam]:
    """The local teams that are not closed at ``now``, by authority.

    One is live from the later of two moments: when it opened, and when its authority joined the partnership.
    """
    teams = Team.objects.filter(Q(closed_at=None) | Q(closed_at__gt=now), kind=Team.Kind.LOCAL)
    joined = Partnership.objects.filter(joined_at__isnull=False)
    if areas is not None:
        wanted = list(areas)
        teams, joined = teams.filter(area_id__in=wanted), joined.filter(area_id__in=wanted)
    since = {area: at for area, at in joined.values_list("area_id", "joined_at") if at is not None}
    return {
        area: LocalTeam(pk, area, max(opened_at, since[area]) if area in since else None)
        for pk, area, opened_at in teams.order_by("opened_at").values_list("pk", "area_id", "opened_at")
    }


def authority_teams(now: datetime, areas: Iterable[str] | None = None) -> dict[str, AuthorityTeams]:
    """What allocation must know of each authority that has a national team, by code."""
    wanted = None if areas is None else list(areas)
    locals_ = local_teams(now, wanted)
    histories = partnership_histories(wanted)
    national = Team.objects.filter(
        Q(closed_at=None) | Q(closed_at__gt=now), kind=Team.Kind.NATIONAL, opened_at__lte=now
    ).select_related("area")
    if wanted is not None:
        national = national.filter(area_id__in=wanted)
    found = {}
    for team in national:
        local = locals_.get(team.area_id)
        found[team.area_id] = AuthorityTeams(
            team.area_id,
            team.area.name,
            team.pk,
            local.id if local else None,
            local.live_from if local else None,
            histories.get(team.area_id, ()),
        )
    return found
