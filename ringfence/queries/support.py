"""Who asked for help, for the council's support: what is open, and what was done in the last days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from ringfence.accounts import walls
from ringfence.queries.lines import opened_list
from ringfence.rules.access import Scope

#: How long what was done stays on the list.
SHOWN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Asked:
    """Help that somebody asked for. ``kind`` is one of ``casework.models.Referral.Kind``; ``done_at`` is None while open.

    ``ref`` is "" while the trace is with a team that the reader does not see."""

    id: int
    ref: str
    kind: str
    note: str
    at: datetime
    area: str
    area_name: str
    name: str
    phone: str
    address: str
    postcode: str
    language: str
    done_at: datetime | None
    done_by: str


_ASKED = """
SELECT r.id, coalesce(t.ref, ''), r.kind, r.note, r.at, r.area, coalesce(a.name, ''), p.given_name || ' ' || p.family_name,
    p.phone, p.address, p.postcode, p.language, r.done_at, coalesce(u.name, '')
FROM referrals r JOIN people p ON p.id = r.person_id LEFT JOIN traces t ON t.id = r.trace_id
LEFT JOIN geography.areas a ON a.code = r.area LEFT JOIN users u ON u.id = r.done_by
WHERE r.area = ANY (%(areas)s) AND {}
"""


def asked(*, scope: Scope, now: datetime, limit: int = 200) -> tuple[tuple[Asked, ...], tuple[Asked, ...]]:
    """Who asked for help in the reader's areas: what is open, the oldest first, and what was done lately. Logged.

    For the permission ``support``. Raises Refused.
    """
    scope.require("support")
    values: dict[str, Any] = {"areas": list(scope.standing), "since": now - SHOWN, "limit": limit}
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(_ASKED.format("r.done_at IS NULL ORDER BY r.at, r.id LIMIT %(limit)s"), values)
        waiting = tuple(Asked(*row) for row in cursor.fetchall())
        cursor.execute(_ASKED.format("r.done_at >= %(since)s ORDER BY r.done_at DESC, r.id LIMIT 50"), values)
        done = tuple(Asked(*row) for row in cursor.fetchall())
        opened_list("support", None, len(waiting) + len(done), scope, now)
    return waiting, done
