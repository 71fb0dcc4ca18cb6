"""The audit row of a verb, written in the verb's own transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ringfence.accounts import walls
from ringfence.rules.access import Scope

_INSERT = """
INSERT INTO audit.events (at, user_id, scope, verb, opened, person_id, trace_id, team_id, area, detail)
SELECT %s, %s, %s, %s, %s, person, trace, team, area, detail::jsonb
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[]) AS e (person, trace, team, area, detail)
"""


def record(
    verb: str,
    *,
    by: Scope,
    now: datetime,
    opened: bool = False,
    person: int | None = None,
    trace: int | None = None,
    team: int | None = None,
    area: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write one event. ``detail`` holds counts, ids and codes, never a name, number or address."""
    record_many(
        verb,
        [{"person": person, "trace": trace, "team": team, "area": area, "detail": detail}],
        by=by,
        now=now,
        opened=opened,
    )


def record_many(
    verb: str, about: Iterable[Mapping[str, Any]], *, by: Scope, now: datetime, opened: bool = False
) -> None:
    """Write an event for each of ``about`` (keys person, trace, team, area, detail), in one statement."""
    rows = list(about)
    if not rows:
        return
    details = [row.get("detail") for row in rows]
    columns = [[row.get(key) for row in rows] for key in ("person", "trace", "team", "area")]
    texts = [None if detail is None else json.dumps(detail, default=str) for detail in details]
    walls.rows(_INSERT, [now, by.user or None, by.name, verb, opened, *columns, texts])
