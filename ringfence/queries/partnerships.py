"""Where every authority stands, one authority in full, and what a policy would do before it is recorded.

Counts of open traces are figures of the service, without a person, and are read under the system scope ``statistics``
by whoever may see partnerships. Names of people are for the area's own and for those who answer for the nation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ringfence.accounts import walls
from ringfence.partnerships.models import policy_value
from ringfence.queries.policy import partnership_histories
from ringfence.rules.access import ENGLAND, ROLES, Refused, Scope, system_scope
from ringfence.rules.policy import Model, PartnershipPolicy, policy_at

_POLICY = (
    "area, from_at, model, set_period_hours, contacts_by, working_days, opens, closes, bank_holidays,"
    " follow_up_days, visits_from"
)


class Standing(StrEnum):
    """Where an authority stands at a moment."""

    OFFERED = "offered"
    AGREED = "agreed"
    JOINING = "joining"
    LIVE = "live"

    @property
    def words(self) -> str:
        return {
            Standing.OFFERED: "Offered",
            Standing.AGREED: "Agreed",
            Standing.JOINING: "Joining",
            Standing.LIVE: "Joined",
        }[self]


@dataclass(frozen=True, slots=True)
class Authority:
    """One line of the list. Counts of people are of those whose membership holds now, lent ones included.

    ``policy`` is the one in force, ``next_policy`` the next to begin; ``waiting_for_clock`` says that a change was
    recorded which the clock takes up within a minute. ``q`` and ``r`` are the cell of the hexagon map.
    """

    code: str
    name: str
    region: str
    q: int | None
    r: int | None
    standing: Standing
    joined_at: datetime | None
    policy: PartnershipPolicy | None
    next_policy: PartnershipPolicy | None
    national_people: int
    local_people: int
    open_traces: int
    overdue: int
    with_local: int
    oldest_open_at: datetime | None
    waiting_for_clock: bool

    @property
    def model_words(self) -> str:
        return self.policy.model.words if self.policy else "No policy recorded"

    @property
    def set_period_hours(self) -> int | None:
        """The set period where a clock runs, else None."""
        if self.policy is None or self.policy.model is not Model.TIMED:
            return None
        return self.policy.set_period_hours


class When(StrEnum):
    """Where a policy lies in time; a corrected one was replaced by another of the same beginning."""

    PAST = "past"
    PRESENT = "present"
    FUTURE = "future"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class DatedPolicy:
    """A policy with when it was recorded and by whom ("" for the service itself)."""

    policy: PartnershipPolicy
    when: When
    until_at: datetime | None
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class MemberLine:
    """One person in a team or with a role for the area. ``home`` is the team that a lent person comes from."""

    membership: int
    user: int
    name: str
    email: str
    role: str
    from_at: datetime
    until_at: datetime | None
    lent: bool
    home: str
    why: str
    granted_by: str

    @property
    def role_words(self) -> str:
        return ROLES[self.role].name


@dataclass(frozen=True, slots=True)
class TeamLine:
    """A team of the authority with its people (empty when they are not for this reader) and its work."""

    id: int
    kind: str
    name: str
    opened_at: datetime
    people: tuple[MemberLine, ...]
    size: int
    open_traces: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Lending:
    """A lending that holds or is still to begin. ``out`` is True when the person is of this authority's teams."""

    membership: int
    user: int
    name: str
    from_team: str
    to_team: str
    from_at: datetime
    until_at: datetime
    why: str
    granted_by: str
    out: bool


@dataclass(frozen=True, slots=True)
class AuthorityPage:
    """Everything that an authority's page shows. ``may_change`` says whether this reader may change the partnership."""

    line: Authority
    agreed_at: datetime | None
    agreement: str
    revision: int
    policies: tuple[DatedPolicy, ...]
    teams: tuple[TeamLine, ...]
    area_people: tuple[MemberLine, ...]
    lendings: tuple[Lending, ...]
    people_shown: bool
    may_change: bool


# The list

_AUTHORITIES = """
WITH work AS (
    SELECT t.authority, count(*) AS open, count(*) FILTER (WHERE t.due_at <= %(now)s) AS overdue,
        count(*) FILTER (WHERE o.kind = 'local') AS with_local, min(t.created_at) AS oldest
    FROM traces t JOIN teams o ON o.id = t.team_id
    WHERE t.closed_at IS NULL AND (%(area)s::text IS NULL OR t.authority = %(area)s)
    GROUP BY t.authority
), staff AS (
    SELECT t.area, count(DISTINCT m.user_id) FILTER (WHERE t.kind = 'national') AS national,
        count(DISTINCT m.user_id) FILTER (WHERE t.kind = 'local') AS local
    FROM teams t JOIN memberships m ON m.team_id = t.id JOIN users u ON u.id = m.user_id AND u.is_active
    WHERE t.closed_at IS NULL AND m.from_at <= %(now)s AND (m.until_at IS NULL OR m.until_at > %(now)s)
    GROUP BY t.area
)
SELECT a.code, a.name, coalesce(g.name, ''), a.upper_q, a.upper_r, p.stage, p.joined_at, p.applied <> p.revision,
    coalesce(s.national, 0), coalesce(s.local, 0), coalesce(w.open, 0), coalesce(w.overdue, 0),
    coalesce(w.with_local, 0), w.oldest, p.agreed_at, p.agreement, p.revision
FROM partnerships p
JOIN areas a ON a.code = p.area
LEFT JOIN LATERAL (
    SELECT r.name FROM area_parents l JOIN areas r ON r.code = l.parent AND r.kind = 'region'
    WHERE l.child = a.code ORDER BY l.until DESC NULLS FIRST LIMIT 1
) g ON true
LEFT JOIN work w ON w.authority = p.area
LEFT JOIN staff s ON s.area = p.area
WHERE %(area)s::text IS NULL OR p.area = %(area)s
ORDER BY a.name
"""


def authorities(*, scope: Scope, now: datetime) -> tuple[Authority, ...]:
    """Every authority with a partnership, by name. Raises Refused without the permission to see partnerships."""
    require_view(scope)
    with walls.transaction(system_scope("statistics")):
        rows = walls.fetch(_AUTHORITIES, {"now": now, "area": None})
        dated = partnership_histories(row[0] for row in rows)
        return tuple(_line(row, dated.get(row[0], ()), now) for row in rows)


def _line(row: Sequence[Any], policies: Sequence[PartnershipPolicy], now: datetime) -> Authority:
    (code, name, region, q, r, stage, joined_at, waiting, national, local, open_, overdue, with_local, oldest, *_) = row
    standing = Standing(stage)
    if standing is Standing.LIVE and joined_at > now:
        standing = Standing.JOINING
    begun = [policy for policy in policies if policy.from_at <= now]
    ahead = [policy for policy in policies if policy.from_at > now]
    return Authority(
        code=code,
        name=name,
        region=region,
        q=q,
        r=r,
        standing=standing,
        joined_at=joined_at,
        policy=policy_at(begun, now) if begun else None,
        next_policy=min(reversed(ahead), key=lambda policy: policy.from_at) if ahead else None,
        national_people=national,
        local_people=local,
        open_traces=open_,
        overdue=overdue,
        with_local=with_local,
        oldest_open_at=oldest,
        waiting_for_clock=waiting,
    )


# One authority

_HISTORY = f"""
SELECT {_POLICY}, recorded_at, coalesce((SELECT u.name FROM users u WHERE u.id = recorded_by), '')
FROM policies WHERE area = %s ORDER BY recorded_at, id
"""

_TEAMS = """
SELECT t.id, t.kind, t.name, t.opened_at, coalesce(w.open, 0), coalesce(w.overdue, 0), (
    SELECT count(DISTINCT m.user_id) FROM memberships m JOIN users u ON u.id = m.user_id AND u.is_active
    WHERE m.team_id = t.id AND m.from_at <= %(now)s AND (m.until_at IS NULL OR m.until_at > %(now)s))
FROM teams t LEFT JOIN (
    SELECT team_id, count(*) AS open, count(*) FILTER (WHERE due_at <= %(now)s) AS overdue
    FROM traces WHERE closed_at IS NULL AND team_id IN (SELECT id FROM teams WHERE area = %(area)s)
    GROUP BY team_id
) w ON w.team_id = t.id
WHERE t.area = %(area)s AND t.closed_at IS NULL
ORDER BY CASE t.kind WHEN 'national' THEN 0 WHEN 'local' THEN 1 ELSE 2 END, t.id
"""

_PEOPLE = """
SELECT m.team_id, m.id, u.id, u.name, u.email, m.role, m.from_at, m.until_at, m.lent, coalesce((
    SELECT string_agg(h.name, ', ' ORDER BY h.id) FROM memberships o JOIN teams h ON h.id = o.team_id
    WHERE m.lent AND o.user_id = m.user_id AND NOT o.lent
        AND o.from_at <= greatest(m.from_at, %(now)s)
        AND (o.until_at IS NULL OR o.until_at > greatest(m.from_at, %(now)s))), ''),
    m.why, coalesce((SELECT g.name FROM users g WHERE g.id = m.granted_by_id), '')
FROM memberships m JOIN users u ON u.id = m.user_id AND u.is_active LEFT JOIN teams t ON t.id = m.team_id
WHERE (t.area = %(area)s OR m.area = %(area)s)
    AND (m.until_at IS NULL OR (m.until_at > %(now)s AND m.until_at > m.from_at))
ORDER BY m.lent, m.role DESC, u.name, m.id
"""

_LENDINGS = """
SELECT m.id, u.id, u.name, coalesce(string_agg(h.name, ', ' ORDER BY h.id), ''), t.name, m.from_at, m.until_at, m.why,
    coalesce((SELECT g.name FROM users g WHERE g.id = m.granted_by_id), ''),
    coalesce(bool_or(h.area = %(area)s), false) AND t.area <> %(area)s
FROM memberships m JOIN users u ON u.id = m.user_id JOIN teams t ON t.id = m.team_id
LEFT JOIN memberships o ON o.user_id = m.user_id AND NOT o.lent AND o.team_id IS NOT NULL
    AND o.from_at <= m.until_at AND (o.until_at IS NULL OR o.until_at > greatest(m.from_at, %(now)s))
LEFT JOIN teams h ON h.id = o.team_id
WHERE m.lent AND m.until_at > %(now)s AND m.until_at > m.from_at
GROUP BY m.id, u.id, t.id
HAVING t.area = %(area)s OR bool_or(h.area = %(area)s)
ORDER BY m.from_at, m.id
"""


def authority(*, scope: Scope, area: str, now: datetime) -> AuthorityPage | None:
    """One authority in full, or None when there is no partnership of that code."""
    require_view(scope)
    shown = may_see_people(scope, area)
    values = {"now": now, "area": area}
    with walls.transaction(system_scope("statistics")):
        rows = walls.fetch(_AUTHORITIES, values)
        if not rows:
            return None
        history = walls.fetch(_HISTORY, [area])
        teams = walls.fetch(_TEAMS, values)
        people = walls.fetch(_PEOPLE, values) if shown else []
        lendings = walls.fetch(_LENDINGS, values) if shown else []
    row = rows[0]
    policies = [policy_value(*each[:-2]) for each in history]
    members: dict[int | None, list[MemberLine]] = {}
    for team, *rest in people:
        members.setdefault(team, []).append(MemberLine(*rest))
    return AuthorityPage(
        line=_line(row, policies, now),
        agreed_at=row[14],
        agreement=row[15],
        revision=row[16],
        policies=_dated(policies, [(each[-2], each[-1]) for each in history], now),
        teams=tuple(
            TeamLine(id_, kind, name, opened_at, tuple(members.get(id_, ())), size, open_, overdue)
            for id_, kind, name, opened_at, open_, overdue, size in teams
        ),
        area_people=tuple(members.get(None, ())),
        lendings=tuple(Lending(*each) for each in lendings),
        people_shown=shown,
        may_change=area in scope.partnership_of or ENGLAND in scope.partnership_of,
    )


def may_see_people(scope: Scope, area: str) -> bool:
    """Whether the names of an authority's people are for this reader: the area's own, operations and governance."""
    own = {*scope.areas, *scope.standing, *scope.partnership_of}
    return area in own or ENGLAND in own or scope.may("audit")


def _dated(
    policies: Sequence[PartnershipPolicy], recorded: Sequence[tuple[datetime, str]], now: datetime
) -> tuple[DatedPolicy, ...]:
    """The history as recorded, in order of beginning; what holds until when follows from the next beginning."""
    last = {policy.from_at: index for index, policy in enumerate(policies)}
    beginnings = sorted(last)
    dated = []
    for index, policy in enumerate(policies):
        after = [at for at in beginnings if at > policy.from_at]
        until = after[0] if after else None
        if last[policy.from_at] != index:
            when = When.CORRECTED
        elif policy.from_at > now:
            when = When.FUTURE
        else:
            when = When.PRESENT if until is None or until > now else When.PAST
        dated.append(DatedPolicy(policy, when, until, *recorded[index]))
    return tuple(sorted(dated, key=lambda each: (each.policy.from_at, each.recorded_at)))


def require_view(scope: Scope) -> None:
    """Raise Refused unless the scope may see partnerships; the command line may."""
    if scope.name != "accounts" and not (scope.may("partnership view") or scope.may("partnership")):
        raise Refused("Your role does not let you see partnerships.")
