"""What follows from residents' own forms for the queue."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.rules import messages as rules
from ringfence.rules.access import Scope

#: By how much a form that was begun and left comes forward in the queue.
FORWARD = 2

_SILENT = """
WITH silent AS MATERIALIZED (
    SELECT l.id, l.trace_id FROM links l JOIN interviews i ON i.trace_id = l.trace_id
    WHERE l.entered_at IS NOT NULL AND l.finished_at IS NULL AND l.raised_at IS NULL AND l.entered_at <= %(before)s
        AND greatest(l.entered_at, i.resident_at) <= %(before)s
    ORDER BY l.entered_at LIMIT 1000 FOR UPDATE OF l SKIP LOCKED
), told AS (
    UPDATE links l SET raised_at = %(now)s FROM silent s WHERE l.id = s.id
)
UPDATE traces t SET priority = greatest(1, t.priority - %(forward)s)
WHERE t.id IN (SELECT s.trace_id FROM silent s) AND t.closed_at IS NULL AND t.claimed_by IS NULL AND t.reached_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM interviews i WHERE i.trace_id = t.id
        AND (i.completed_at IS NOT NULL OR i.resident_completed_at IS NOT NULL))
RETURNING t.id, t.person_id, t.team_id, t.area, t.priority
"""


def raise_silent(*, by: Scope, now: datetime) -> int:
    """Bring forward, once, the traces of those who began the form and left it; how many.

    The version stays: a page made before is not out of date by it.
    """
    with walls.transaction(by), connection.cursor() as cursor:
        cursor.execute(_SILENT, {"now": now, "before": now - rules.SILENT, "forward": FORWARD})
        rows: list[tuple[int, int, int, str, int]] = cursor.fetchall()
        auditing.record_many(
            "trace.brought_forward",
            [
                {"person": person, "trace": trace, "team": team, "area": area, "detail": {"priority": priority}}
                for trace, person, team, area, priority in rows
            ],
            by=by,
            now=now,
        )
    return len(rows)
