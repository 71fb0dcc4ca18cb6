"""Which health protection team answers for an authority."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db import connection

from ringfence.rules.calendar import london_date


class HealthProtectionTeam(NamedTuple):
    """The open team of the region that an authority lies in."""

    id: int
    name: str
    region: str


_TEAM = """
WITH RECURSIVE above AS (
    SELECT %(area)s::text AS code
    UNION
    SELECT p.parent FROM above a JOIN geography.area_parents p ON p.child = a.code
    WHERE (p.since IS NULL OR p.since <= %(on)s) AND (p.until IS NULL OR p.until > %(on)s)
)
SELECT k.id, k.name, k.area FROM above a
JOIN geography.areas r ON r.code = a.code AND r.kind = 'region'
JOIN accounts.teams k ON k.area = r.code AND k.kind = 'health_protection'
    AND k.opened_at <= %(now)s AND (k.closed_at IS NULL OR k.closed_at > %(now)s)
ORDER BY k.id LIMIT 1
"""


def health_protection_team(area: str | None, now: datetime) -> HealthProtectionTeam | None:
    """The health protection team for an authority (or a part of one) at ``now``; None when there is none."""
    if not area:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_TEAM, {"area": area, "on": london_date(now), "now": now})
        row = cursor.fetchone()
    return HealthProtectionTeam(*row) if row else None
