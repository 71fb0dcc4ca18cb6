"""The dated policies in force: the service's, and each authority's, as the rules take them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import NamedTuple

from ringfence.accounts import walls
from ringfence.partnerships.models import ServiceRule, policy_value
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


_HISTORIES = """
SELECT area, from_at, model, set_period_hours, contacts_by, working_days, opens, closes, bank_holidays, follow_up_days,
    visits_from
FROM policies WHERE %(areas)s::text[] IS NULL OR area = ANY(%(areas)s::text[])
ORDER BY area, recorded_at, id
"""


def partnership_histories(areas: Iterable[str] | None = None) -> dict[str, tuple[PartnershipPolicy, ...]]:
    """Every policy of the authorities named (of all, when none are), in the order in which they were recorded."""
    found: dict[str, list[PartnershipPolicy]] = {}
    for row in walls.rows(_HISTORIES, {"areas": None if areas is None else list(areas)}):
        found.setdefault(row[0], []).append(policy_value(*row))
    return {area: tuple(policies) for area, policies in found.items()}


def partnership_history(area: str) -> tuple[PartnershipPolicy, ...]:
    """Every policy of one authority, in the order in which they were recorded; none means national only."""
    return partnership_histories([area]).get(area, ())


class LocalTeam(NamedTuple):
    """An authority's local team, and since when it takes traces (None: the authority has not joined yet)."""

    id: int
    area: str
    live_from: datetime | None


_LOCAL = """
SELECT t.id, t.area, CASE WHEN p.joined_at IS NOT NULL THEN greatest(t.opened_at, p.joined_at) END
FROM teams t LEFT JOIN partnerships p ON p.area = t.area
WHERE t.kind = 'local' AND (t.closed_at IS NULL OR t.closed_at > %(now)s)
    AND (%(areas)s::text[] IS NULL OR t.area = ANY(%(areas)s::text[]))
ORDER BY t.opened_at
"""


def local_teams(now: datetime, areas: Iterable[str] | None = None) -> dict[str, LocalTeam]:
    """The local teams that are not closed at ``now``, by authority.

    One is live from the later of two moments: when it opened, and when its authority joined the partnership.
    """
    asked = {"now": now, "areas": None if areas is None else list(areas)}
    return {row[1]: LocalTeam(*row) for row in walls.rows(_LOCAL, asked)}


_NATIONAL = """
SELECT t.area, a.name, t.id
FROM teams t JOIN areas a ON a.code = t.area
WHERE t.kind = 'national' AND t.opened_at <= %(now)s AND (t.closed_at IS NULL OR t.closed_at > %(now)s)
    AND (%(areas)s::text[] IS NULL OR t.area = ANY(%(areas)s::text[]))
"""


def authority_teams(now: datetime, areas: Iterable[str] | None = None) -> dict[str, AuthorityTeams]:
    """What allocation must know of each authority that has a national team, by code."""
    wanted = None if areas is None else list(areas)
    locals_, histories = local_teams(now, wanted), partnership_histories(wanted)
    found = {}
    for area, name, team in walls.rows(_NATIONAL, {"now": now, "areas": wanted}):
        local = locals_.get(area)
        found[area] = AuthorityTeams(
            area,
            name,
            team,
            local.id if local else None,
            local.live_from if local else None,
            histories.get(area, ()),
        )
    return found
