"""The morning's e-mail to those who answer for an area, once for each area, reader and day; and whether somebody wants it."""

from __future__ import annotations

import json
import uuid
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.base.env import env
from ringfence.geography import resolve
from ringfence.rules import digest as rules
from ringfence.rules.access import Scope
from ringfence.rules.calendar import london_date
from ringfence.rules.digest import Found, Morning
from ringfence.rules.figures import CASES, INCOMPLETE_DAYS

#: How long before the look an alert was found at most, to be called new.
NEW = timedelta(hours=24)

_READERS = """
SELECT m.area, u.id, u.email, array_agg(m.role), c.wanted
FROM memberships m JOIN users u ON u.id = m.user_id LEFT JOIN digest_choices c ON c.user_id = u.id
WHERE m.role = ANY (%(roles)s) AND m.area IS NOT NULL AND m.from_at <= %(now)s AND (m.until_at IS NULL OR m.until_at > %(now)s)
    AND u.is_active
GROUP BY m.area, u.id, c.wanted ORDER BY m.area, u.id
"""

_ALERTS = """
SELECT area, method, cases, households, start, "end", found_at > %(new)s FROM alerts
WHERE area = ANY (%(areas)s) AND ended_at IS NULL AND dismissed_at IS NULL ORDER BY rank DESC, id
"""

_CASES = """
SELECT area, sum(count) FILTER (WHERE on_date > %(week)s), sum(count) FILTER (WHERE on_date <= %(week)s) FROM area_days
WHERE area = ANY (%(areas)s) AND measure = %(cases)s AND on_date > %(before)s AND on_date <= %(last)s GROUP BY area
"""

_INCIDENTS = """
WITH taking_part AS (
    SELECT id AS incident, area FROM incidents
    UNION ALL
    SELECT incident_id, area FROM incident_areas WHERE agreed_at IS NOT NULL AND ended_at IS NULL
)
SELECT p.area, count(DISTINCT i.id), count(a.id) FROM taking_part p JOIN incidents i ON i.id = p.incident
LEFT JOIN incident_actions a ON a.incident_id = i.id AND a.done_at IS NULL AND a.due_on <= %(today)s
WHERE p.area = ANY (%(areas)s) AND i.closed_at IS NULL GROUP BY p.area
"""

_QUEUE = """
INSERT INTO messages (ref, key, reader, template_id, channel, language, "to", values, state, state_at, send_after, created_at)
SELECT d.ref, d.key, d.reader, x.id, 'email', 'en', d.address, d.given::jsonb, 'waiting', %(now)s, %(now)s, %(now)s
FROM unnest(%(ref)s::text[], %(key)s::text[], %(reader)s::bigint[], %(to)s::text[], %(values)s::text[])
    AS d (ref, key, reader, address, given)
CROSS JOIN (SELECT id FROM templates WHERE key = 'digest' AND channel = 'email' AND language = 'en' AND from_at <= %(now)s
    ORDER BY from_at DESC, version DESC LIMIT 1) x
ON CONFLICT (key) DO NOTHING
RETURNING id, key
"""


def queue(*, by: Scope, now: datetime) -> int:
    """Queue the day's e-mails that are not queued yet; how many."""
    today = london_date(now)
    with walls.transaction(by), connection.cursor() as cursor:
        cursor.execute(_READERS, {"roles": list(rules.MAY_HAVE), "now": now})
        readers = [
            (area, user, email)
            for area, user, email, roles, choice in cursor.fetchall()
            if rules.wanted(roles, choice) and area in resolve.atlas().areas
        ]
        if not readers:
            return 0
        mornings = _mornings(sorted({area for area, _, _ in readers}), today, now)
        columns: dict[str, list[Any]] = {"ref": [], "key": [], "reader": [], "to": [], "values": []}
        for area, user, email in readers:
            values = rules.said(mornings[area]) | {
                "area": resolve.atlas().area(area).name,
                "page": f"{env.staff_url}/areas/{area}",
            }
            given = (str(uuid.uuid4()), f"digest:{area}:{today}:{user}", user, email, json.dumps(values))
            for name, value in zip(columns, given, strict=True):
                columns[name].append(value)
        cursor.execute(_QUEUE, {"now": now, **columns})
        made = cursor.fetchall()
        auditing.record_many(
            "digest.queued",
            [{"area": key.split(":")[1], "detail": {"message": number}} for number, key in made],
            by=by,
            now=now,
        )
    return len(made)


def _mornings(areas: list[str], today: date, now: datetime) -> dict[str, Morning]:
    last = today - timedelta(days=INCOMPLETE_DAYS)
    days: dict[str, Any] = {
        "areas": areas,
        "new": now - NEW,
        "cases": CASES,
        "last": last,
        "week": last - timedelta(days=7),
        "before": last - timedelta(days=14),
        "today": today,
    }
    found: dict[str, list[Found]] = {area: [] for area in areas}
    with connection.cursor() as cursor:
        cursor.execute(_ALERTS, days)
        for area, *alert in cursor.fetchall():
            found[area].append(Found(*alert))
        cursor.execute(_CASES, days)
        cases = {area: (max(0, week or 0), max(0, before or 0)) for area, week, before in cursor.fetchall()}
        cursor.execute(_INCIDENTS, days)
        incidents = {area: (count, due) for area, count, due in cursor.fetchall()}
    return {area: Morning(found[area], *cases.get(area, (0, 0)), *incidents.get(area, (0, 0))) for area in areas}


def choose(*, wanted: bool, by: Scope, now: datetime) -> None:
    """Say whether one wants the morning's e-mail of one's areas. Raises Refused."""
    by.require("area")
    with walls.transaction(by), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO digest_choices (user_id, wanted, at) VALUES (%s, %s, %s)"
            " ON CONFLICT (user_id) DO UPDATE SET wanted = excluded.wanted, at = excluded.at",
            [by.user, wanted, now],
        )
        auditing.record("digest.chosen", by=by, now=now, detail={"wanted": wanted})
