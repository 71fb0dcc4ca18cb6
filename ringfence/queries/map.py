"""An area on the map: its shapes, its cases by sector or by postcode, and the clusters that the methods found there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.db import connection

from ringfence.accounts import walls
from ringfence.geography import shapes
from ringfence.queries.alerts import STANDS, STOOD
from ringfence.queries.areas import must_answer_for
from ringfence.rules.access import NotFound, Scope
from ringfence.rules.alerts import Method
from ringfence.rules.calendar import DAY, london_date, london_moment

#: Clusters drawn at once, the best first.
MOST_CLUSTERS = 12


class Window(NamedTuple):
    """Days of specimens, both ends counted, as they were known at ``as_at``; ``before`` is the first day of as many before."""

    since: date
    until: date
    before: date
    as_at: datetime


class Counts(NamedTuple):
    """Cases of the window, and of as many days before it."""

    cases: int
    before: int


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that stood at the time. It lies round ``east``, ``north``; ``reach`` metres, 0 for one postcode."""

    ref: str
    method: Method
    place: str
    postcode: str
    evidence: str
    incident: str
    east: int
    north: int
    reach: float


@dataclass(frozen=True, slots=True)
class AreaMap:
    """An authority: ``whole`` and ``sectors`` are empty until computed. ``cases`` by sector; ``unplaced`` have no postcode.

    ``held``: whether any case of the authority was known by then.
    """

    window: Window
    whole: shapes.Shape | None
    sectors: tuple[shapes.Shape, ...]
    cases: dict[str, Counts]
    unplaced: Counts
    clusters: tuple[Cluster, ...]
    held: bool


@dataclass(frozen=True, slots=True)
class SectorMap:
    """A sector's part in the authority: its postcodes' cells, and the cases by postcode; ``held`` as of an ``AreaMap``."""

    window: Window
    shape: shapes.Shape
    cells: tuple[shapes.Cell, ...]
    cases: dict[str, Counts]
    clusters: tuple[Cluster, ...]
    held: bool


def window(now: datetime, on: date | None, days: int) -> Window:
    """The last ``days`` days until ``on`` and what was known at its end; None is today, as it is known now."""
    until = london_date(now) if on is None else on
    as_at = now if on is None else min(now, london_moment(on + DAY, time()))
    since = until - timedelta(days=days - 1)
    return Window(since, until, since - timedelta(days=days), as_at)


_SECTORS = """
SELECT left(c.postcode, -2), count(*) FILTER (WHERE c.first_specimen_date >= %(since)s),
    count(*) FILTER (WHERE c.first_specimen_date < %(since)s)
FROM cases c
WHERE c.authority = ANY (%(areas)s) AND c.first_specimen_date BETWEEN %(before)s AND %(until)s AND c.opened_at <= %(as_at)s
GROUP BY 1
"""

# What is leakproof is asked before the wall is, so that it is asked of the sector's cases alone.
_POSTCODES = """
SELECT c.postcode, count(*) FILTER (WHERE c.first_specimen_date >= %(since)s),
    count(*) FILTER (WHERE c.first_specimen_date < %(since)s)
FROM cases c
WHERE c.authority = ANY (%(areas)s) AND c.first_specimen_date BETWEEN %(before)s AND %(until)s AND c.opened_at <= %(as_at)s
    AND starts_with(c.postcode, %(sector)s)
GROUP BY 1
"""

# The window of a scan is a circle round its centre: as far as the farthest of its cases.
_CLUSTERS = """
WITH told AS (
    SELECT a.id, a.ref, a.method, d.place, a.postcode, d.evidence, d.rank, p.easting, p.northing
    FROM alerts a CROSS JOIN LATERAL {state} d JOIN geography.postcodes p ON p.code = a.postcode
    WHERE a.area = ANY (%(areas)s) AND d.start <= %(until)s AND d."end" >= %(since)s AND a.found_at <= %(as_at)s
        AND d.dismissed_at IS NULL AND d.ended_at IS NULL AND p.easting IS NOT NULL
    ORDER BY d.rank DESC, a.id LIMIT %(limit)s
)
SELECT t.ref, t.method, t.place, t.postcode, t.evidence,
    coalesce((SELECT i.ref FROM incidents i WHERE i.alert_id = t.id AND i.opened_at <= %(as_at)s ORDER BY i.id LIMIT 1), ''),
    t.easting, t.northing,
    CASE WHEN t.method = 'scan' THEN coalesce((SELECT max(sqrt((q.easting - t.easting)::float8 ^ 2
            + (q.northing - t.northing)::float8 ^ 2))
        FROM alert_cases k JOIN cases c ON c.id = k.case_id JOIN geography.postcodes q ON q.code = c.postcode
        WHERE k.alert_id = t.id AND k.added_at <= %(as_at)s), 0) ELSE 0 END
FROM told t ORDER BY t.rank DESC, t.id
"""

_HELD = "SELECT EXISTS (SELECT FROM cases WHERE authority = ANY (%(areas)s) AND opened_at <= %(as_at)s)"

_OPENED = """
INSERT INTO audit.events (at, user_id, scope, verb, area, detail)
VALUES (%(now)s, %(user)s, %(scope)s, 'map.shown', %(area)s,
    jsonb_build_object('sector', %(sector)s::text, 'until', %(until)s::date))
"""


def _clusters(scope: Scope, on: date | None, values: dict[str, Any]) -> tuple[Cluster, ...]:
    if not scope.may("clusters"):
        return ()
    with connection.cursor() as cursor:
        sql = _CLUSTERS.format(state=STANDS if on is None else STOOD)
        cursor.execute(sql, values | {"on": on, "limit": MOST_CLUSTERS})
        return tuple(Cluster(row[0], Method(row[1]), *row[2:]) for row in cursor.fetchall())


def _counts(sql: str, values: dict[str, Any]) -> dict[str, Counts]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return {name: Counts(cases, before) for name, cases, before in cursor.fetchall()}


def _held(cases: dict[str, Counts], values: dict[str, Any]) -> bool:
    if cases:
        return True
    with connection.cursor() as cursor:
        cursor.execute(_HELD, values)
        return bool(cursor.fetchone()[0])


def area_map(*, scope: Scope, area: str, now: datetime, on: date | None = None, days: int = 7) -> AreaMap:
    """The authority by sector, in the last days until ``on`` as it was known then. Raises Refused, NotFound."""
    must_answer_for(scope, area, "area")
    asked = window(now, on, days)
    values = {"areas": [area], **asked._asdict()}
    with walls.transaction(scope):
        drawn = shapes.stored(area)
        cases = _counts(_SECTORS, values)
        held = _held(cases, values)
        found = _clusters(scope, on, values)
    return AreaMap(
        asked,
        next((each for each in drawn if each.level == "authority"), None),
        tuple(each for each in drawn if each.level == "sector"),
        cases,
        cases.pop("", Counts(0, 0)),
        found,
        held,
    )


def sector_map(
    *, scope: Scope, area: str, sector: str, now: datetime, on: date | None = None, days: int = 7
) -> SectorMap:
    """A sector by postcode; each look is logged. Raises Refused, and NotFound for a sector that the authority has not."""
    must_answer_for(scope, area, "area")
    asked = window(now, on, days)
    values = {"areas": [area], "sector": sector, **asked._asdict()}
    with walls.transaction(scope), connection.cursor() as cursor:
        shape = next((each for each in shapes.stored(area, sector) if each.level == "sector"), None)
        if shape is None:
            raise NotFound(f"There is no postcode sector {sector[:9]} in {area}.")
        cells = tuple(shapes.cells(area, sector))
        cases = _counts(_POSTCODES, values)
        held = _held(cases, values)
        found = _clusters(scope, on, values)
        cursor.execute(_OPENED, {**values, "area": area, "now": now, "user": scope.user, "scope": scope.name})
    return SectorMap(asked, shape, cells, cases, found, held)
