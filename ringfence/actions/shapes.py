"""The shapes of an authority's map: worked out from the postcodes, beforehand or at first need, or given by the authority."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.actions.errors import Invalid
from ringfence.geography import resolve, shapes
from ringfence.geography.atlas import UnknownArea
from ringfence.geography.boundaries import Given
from ringfence.rules.access import ROLES, NotFound, Scope


def compute(*, area: str, by: Scope, now: datetime) -> int:
    """Work out the shapes of one's own area, unless they are there; how many there are now. Raises NotFound."""
    if area not in by.areas:
        raise NotFound(f"There is no area {area} that you answer for.")
    return prepare(area=area, by=by, now=now)


_MISSING = """
SELECT DISTINCT m.area FROM memberships m JOIN users u ON u.id = m.user_id AND u.is_active
WHERE m.role = ANY (%(roles)s) AND m.area IS NOT NULL AND m.from_at <= %(now)s AND (m.until_at IS NULL OR m.until_at > %(now)s)
    AND NOT EXISTS (SELECT FROM geography.shapes s JOIN geography.loads l USING (fingerprint)
        WHERE s.authority = m.area AND NOT s.given AND l.what = 'postcodes')
ORDER BY m.area
"""


def missing(*, by: Scope, now: datetime) -> list[str]:
    """Areas whose map somebody may open and whose shapes are not worked out from the present postcodes. For a system scope."""
    roles = [key for key, role in ROLES.items() if "area" in role.permissions]
    with walls.transaction(by), connection.cursor() as cursor:
        cursor.execute(_MISSING, {"roles": roles, "now": now})
        return [area for (area,) in cursor.fetchall()]


def prepare(*, area: str, by: Scope, now: datetime) -> int:
    """Work out the shapes of any area, unless they are there; how many there are now. For a system scope."""
    with walls.transaction(by):
        there = shapes.count(area)
        if there:
            return there
        made = shapes.compute(area)
        if made:
            auditing.record("shapes.computed", by=by, now=now, area=area, detail={"shapes": made})
        return made or shapes.count(area)


@dataclass(frozen=True, slots=True)
class Kept:
    """Of how many shapes the boundary and the population are the authority's own; ``fresh`` is False for the same files."""

    boundaries: int
    populations: int
    fresh: bool


_GIVE = """
INSERT INTO geography.shapes (authority, level, code, given, rings, population, source, fingerprint)
SELECT %(area)s, CASE WHEN code = %(area)s THEN 'authority' ELSE 'sector' END, code, true, rings, population, %(source)s,
    %(fingerprint)s
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (code text, rings jsonb, population float8)
"""


def give(*, area: str, given: Given, by: Scope, now: datetime) -> Kept:
    """Take an authority's own boundaries and populations in place of those worked out, and of any it gave before.

    Raises NotFound for what is no upper-tier authority of today, Invalid for a code that is not in it.
    """
    try:
        known = resolve.area(area)
    except UnknownArea as problem:
        raise NotFound(str(problem)) from problem
    if not known.upper_tier or known.closed is not None:
        raise NotFound(f"{known.name} ({area}) is not an upper-tier authority of today.")
    kept = Kept(len(given.rings), len(given.people), True)
    with walls.transaction(by), connection.cursor() as cursor:
        if not shapes.count(area):
            shapes.compute(area)
        mine = {each.code for each in shapes.stored(area)}
        for code in (*given.rings, *given.people):
            if code not in mine:
                raise Invalid("code", f"{code} is in {given.source}, but no postcode of {known.name} is in it.")
        cursor.execute(
            "SELECT DISTINCT fingerprint FROM geography.shapes WHERE authority = %s AND given ORDER BY 1", [area]
        )
        if [row[0] for row in cursor.fetchall()] == [given.fingerprint]:
            return Kept(kept.boundaries, kept.populations, False)
        cursor.execute("DELETE FROM geography.shapes WHERE authority = %s AND given", [area])
        rows = [
            {"code": code, "rings": given.rings.get(code), "population": given.people.get(code)}
            for code in sorted({*given.rings, *given.people})
        ]
        cursor.execute(
            _GIVE,
            {"area": area, "rows": json.dumps(rows), "source": given.source, "fingerprint": given.fingerprint},
        )
        detail = {"boundaries": kept.boundaries, "populations": kept.populations, "fingerprint": given.fingerprint}
        auditing.record("shapes.given", by=by, now=now, area=area, detail=detail)
    return kept
