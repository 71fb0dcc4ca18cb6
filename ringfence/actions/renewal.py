"""The clock takes up what changed in a partnership: new due times for the open traces.

A person changes a policy in the web process, whose database role may write only traces that the person may see:
national operations none at all. Working out new due times touches every open trace of an authority, so it is the
worker's, under the system scope ``policy``. The other way, a database function with more rights than its caller, would
need the rule of who may change a policy a second time inside the database, and would let the web process write due
times that no rule gave. So a change raises the partnership's ``revision``, and ``apply_changes`` takes it up within a
minute, before every sweep. In between nothing passes by an outdated due time: the sweep leaves authorities alone whose
``applied`` is behind their ``revision``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.partnerships import clock
from ringfence.queries.renewal import OPEN_WITH_NATIONAL, clockwork
from ringfence.rules.access import Refused, Scope
from ringfence.rules.handover import Due
from ringfence.rules.renewal import brought_forward, due_anew

BATCH = 20_000  # traces in one UPDATE


class Applied(NamedTuple):
    """What taking up changes did: the areas, the open traces looked at, and those whose due time or why changed."""

    areas: tuple[str, ...]
    traces: int
    changed: int


_WAITING = "SELECT area, revision FROM partnerships WHERE applied <> revision ORDER BY area"

_UPDATE = """
UPDATE traces t SET due_at = u.due_at, due_why = u.why, passes_to_id = u.passes_to,
    ready_at = CASE WHEN u.rests AND t.claimed_by IS NULL AND NOT t.queued THEN u.due_at ELSE t.ready_at END
FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::bigint[], %s::boolean[])
    AS u (id, due_at, why, passes_to, rests)
WHERE t.id = u.id AND (t.due_at, t.due_why, t.passes_to_id) IS DISTINCT FROM (u.due_at, u.why, u.passes_to)
"""


def apply_changes(*, by: Scope, now: datetime) -> Applied:
    """Take up every change of a partnership that the clock has not taken up yet; cheap when there is none.

    One transaction. Waits for those who are placing traces by the policies before (``partnerships.clock``), then works
    out the due times of all open traces of the authorities changed. By system scope ``policy``.
    """
    if by.name != "policy":
        raise Refused("Due times are worked out by the clock, under the system scope policy.")
    with walls.transaction(by):
        if not walls.rows(_WAITING):
            return Applied((), 0, 0)
        clock.alone()
        return _take_up(dict(walls.rows(_WAITING)), by, now)


def _take_up(revisions: dict[str, int], by: Scope, now: datetime) -> Applied:
    known = clockwork(revisions, now)
    seen = {area: [0, 0] for area in revisions}
    rows = walls.rows(OPEN_WITH_NATIONAL + "FOR NO KEY UPDATE OF t", [list(revisions)])
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        columns: tuple[list[Any], ...] = ([], [], [], [], [])
        for trace, area, transferred_at, due_at, why, passes, given_back_at in batch:
            works = known[area]
            before = Due(due_at, passes, why)
            decision = due_anew(
                before,
                transferred_at,
                works.policies,
                local_team_live_from=works.live_from,
                now=now,
                given_back_at=given_back_at,
            )
            passes_to = works.local_team if decision.passes else None
            rests = decision.passes and brought_forward(before)
            for column, value in zip(columns, (trace, decision.at, decision.why, passes_to, rests), strict=True):
                column.append(value)
            seen[area][0] += 1
        with connection.cursor() as cursor:
            cursor.execute(_UPDATE + " RETURNING t.authority", columns)
            for (area,) in cursor.fetchall():
                seen[area][1] += 1
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE partnerships p SET applied = u.revision"
            " FROM unnest(%s::text[], %s::int[]) AS u (area, revision) WHERE p.area = u.area",
            [list(revisions), list(revisions.values())],
        )
    auditing.record_many(
        "policy.applied",
        [
            {"area": area, "detail": {"revision": revision, "open": seen[area][0], "changed": seen[area][1]}}
            for area, revision in revisions.items()
        ],
        by=by,
        now=now,
    )
    return Applied(tuple(revisions), len(rows), sum(changed for _, changed in seen.values()))
