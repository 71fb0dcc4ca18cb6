"""Counts of every authority by day, kept beside the record, so that a page of figures reads counts and not a million rows.

New results and cases are added once each, and a case whose day was moved is taken from the one and added to the other, on
the day that it became known; so the figures of any past day are sums of what was known by then. Tracing is counted again
every few minutes for the traces that began in the last weeks.

Rows are numbered before their transaction ends, and some end late. So a look notes the latest number and every transaction
that is under way, and counts up to that number once all of those have ended: no row is missed and none counted twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from ringfence.accounts import walls
from ringfence.geography import resolve
from ringfence.rules.access import Scope
from ringfence.rules.calendar import london_date
from ringfence.rules.figures import AGES, TRACING

#: Rows counted in one go.
AT_ONCE = 100_000

#: How often tracing is counted, and for the traces of how many days.
TRACING_EVERY, TRACING_DAYS = timedelta(minutes=5), 28

#: Nobody else counts meanwhile.
_LOCK = 7_166_037

_ADD = """
INSERT INTO area_days (area, measure, on_date, known_on, count)
SELECT area, measure, on_date, known_on, sum(n) FROM ({rows}) r GROUP BY area, measure, on_date, known_on HAVING sum(n) <> 0
ON CONFLICT (area, measure, on_date, known_on) DO UPDATE SET count = area_days.count + excluded.count
"""

_RESULTS = """
SELECT a.upper AS area, m.measure, r.specimen_date AS on_date,
    (r.recorded_at AT TIME ZONE 'Europe/London')::date AS known_on, 1 AS n
FROM results r JOIN unnest(%(lower)s::text[], %(upper)s::text[]) AS a (lower, upper) ON a.lower = r.authority
CROSS JOIN LATERAL (VALUES (r.result::text), (r.result || ':' || upper(r.test_type))) AS m (measure)
WHERE r.id > %(after)s AND r.id <= %(until)s
"""

#: What a case counts as: itself, its age group, and a care home's.
_AS = """
CROSS JOIN LATERAL (SELECT CASE WHEN p.birth_date IS NULL THEN 0
    ELSE width_bucket(extract(year FROM age(v.on_date, p.birth_date))::int, %(ages)s::int[]) END AS bucket) g
CROSS JOIN LATERAL (VALUES ('cases', true), ('care_home', v.care_home),
    ('age:' || coalesce((%(ages)s::int[])[g.bucket]::text, 'unknown'), true)) AS m (measure, counts)
WHERE m.counts AND v.area <> ''
"""

# As it was opened: the oldest version that the history has, or the present one.
_CASES = f"""
SELECT v.area, m.measure, v.on_date, v.known_on, 1 AS n
FROM (
    SELECT c.person_id, coalesce(h.authority, c.authority) AS area,
        coalesce(h.first_specimen_date, c.first_specimen_date) AS on_date, coalesce(h.care_home, c.care_home) AS care_home,
        (c.opened_at AT TIME ZONE 'Europe/London')::date AS known_on
    FROM cases c
    LEFT JOIN LATERAL (SELECT h.authority, h.first_specimen_date, h.care_home FROM cases_history h WHERE h.id = c.id
        ORDER BY h.history_id LIMIT 1) h ON true
    WHERE c.id > %(after)s AND c.id <= %(until)s
) v JOIN people p ON p.id = v.person_id {_AS}
"""

# Of each version that was replaced by one of another day or place: the one is taken away and the other added.
_MOVES = f"""
SELECT v.area, m.measure, v.on_date, v.known_on, v.n
FROM (
    SELECT e.person_id, e.area, e.on_date, e.care_home, (n.updated_at AT TIME ZONE 'Europe/London')::date AS known_on, e.n
    FROM cases_history h
    JOIN cases c ON c.id = h.id
    LEFT JOIN LATERAL (SELECT l.authority, l.first_specimen_date, l.care_home, l.updated_at FROM cases_history l
        WHERE l.id = h.id AND l.history_id > h.history_id ORDER BY l.history_id LIMIT 1) l ON true
    CROSS JOIN LATERAL (SELECT coalesce(l.authority, c.authority) AS authority, coalesce(l.care_home, c.care_home) AS care_home,
        coalesce(l.first_specimen_date, c.first_specimen_date) AS on_date, coalesce(l.updated_at, c.updated_at) AS updated_at) n
    CROSS JOIN LATERAL (VALUES (h.person_id, h.authority, h.first_specimen_date, h.care_home, -1),
        (h.person_id, n.authority, n.on_date, n.care_home, 1)) AS e (person_id, area, on_date, care_home, n)
    WHERE h.history_id > %(after)s AND h.history_id <= %(until)s
        AND (h.authority, h.first_specimen_date, h.care_home) IS DISTINCT FROM (n.authority, n.on_date, n.care_home)
) v JOIN people p ON p.id = v.person_id {_AS}
"""

#: What is counted once: its name -> the table, the column that numbers its rows, and the rows as counts.
_ONCE = {
    "results": ("results", "id", _ADD.format(rows=_RESULTS)),
    "cases": ("cases", "id", _ADD.format(rows=_CASES)),
    "moves": ("cases_history", "history_id", _ADD.format(rows=_MOVES)),
}

#: Whether a transaction of this database is still under way that was when the number was noted.
_UNDER_WAY = """
SELECT EXISTS (
    SELECT 1 FROM pg_snapshot_xip(pg_current_snapshot()) AS x
    JOIN pg_locks l ON l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted
        AND l.transactionid::text::bigint = x::text::bigint & 4294967295
    JOIN pg_stat_activity s ON s.pid = l.pid AND s.datname = current_database()
    WHERE x::text::bigint < %s)
"""

_TRACING = """
WITH cells AS MATERIALIZED (
    SELECT t.authority AS area, (t.created_at AT TIME ZONE 'Europe/London')::date AS began,
        (t.reached_at AT TIME ZONE 'Europe/London')::date AS reached, t.reached_at <= t.created_at + interval '24 hours' AS soon,
        CASE WHEN t.reached_at IS NULL THEN (t.closed_at AT TIME ZONE 'Europe/London')::date END AS ended, count(*) AS n
    FROM traces t
    WHERE t.reason = 'case' AND t.authority <> '' AND t.created_at >= %(since)s::date::timestamp AT TIME ZONE 'Europe/London'
    GROUP BY 1, 2, 3, 4, 5
), wanted AS MATERIALIZED (
    SELECT c.area, m.measure, c.began AS on_date, m.known_on, sum(c.n) AS n
    FROM cells c CROSS JOIN LATERAL (VALUES ('transferred', c.began), ('reached', c.reached),
        ('within_24', CASE WHEN c.soon THEN c.reached END), ('ended', c.ended)) AS m (measure, known_on)
    WHERE m.known_on IS NOT NULL GROUP BY 1, 2, 3, 4
), gone AS (
    DELETE FROM area_days d WHERE d.measure = ANY (%(measures)s) AND d.on_date >= %(since)s AND NOT EXISTS (
        SELECT 1 FROM wanted w WHERE (w.area, w.measure, w.on_date, w.known_on) = (d.area, d.measure, d.on_date, d.known_on))
)
INSERT INTO area_days (area, measure, on_date, known_on, count)
SELECT area, measure, on_date, known_on, n FROM wanted
ON CONFLICT (area, measure, on_date, known_on) DO UPDATE SET count = excluded.count WHERE area_days.count <> excluded.count
"""


def count(*, by: Scope, now: datetime, tracing: bool = False) -> int:
    """Count what is new, at most ``AT_ONCE`` rows of each kind; how many rows were looked at, 0 when there is nothing to do.

    Tracing is counted when it was not for five minutes, or with ``tracing``. Of several processes at once one counts.
    """
    with walls.transaction(by), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute("SELECT key, through, at FROM marks WHERE starts_with(key, 'count_')")
        marks = {key: (through, at) for key, through, at in cursor.fetchall()}
        done = sum(_once(name, {key: through for key, (through, _) in marks.items()}, now) for name in _ONCE)
        last = marks.get("count_tracing")
        if tracing or last is None or not last[1] <= now < last[1] + TRACING_EVERY:
            since = london_date(now) - timedelta(days=TRACING_DAYS - 1)
            cursor.execute(_TRACING, {"since": since, "measures": list(TRACING)})
            _mark("count_tracing", 0, now)
    return done


def _once(name: str, marks: Mapping[str, int], now: datetime) -> int:
    """Count the rows of one table up to where no more can appear; how many numbers that were."""
    table, column, statement = _ONCE[name]
    through, known, ends = (marks.get(f"count_{name}{end}", 0) for end in ("", "_next", "_xid"))
    with connection.cursor() as cursor:
        if known <= through:
            cursor.execute(
                f"SELECT coalesce(max({column}), 0), pg_snapshot_xmax(pg_current_snapshot())::text::bigint FROM {table}"
            )
            known, ends = cursor.fetchone()
            if known <= through:
                return 0
            _mark(f"count_{name}_next", known, now)
            _mark(f"count_{name}_xid", ends, now)
        # A statement of its own: it sees who is under way now, and what it lets through is seen by the next.
        cursor.execute(_UNDER_WAY, [ends])
        if cursor.fetchone()[0]:
            return 0
        until = min(known, through + AT_ONCE)
        lower, upper = _authorities()
        ages = [first for first, _ in AGES]
        cursor.execute(statement, {"after": through, "until": until, "lower": lower, "upper": upper, "ages": ages})
        _mark(f"count_{name}", until, now)
    return until - through


def _mark(key: str, through: int, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO marks (key, through, at) VALUES (%s, %s, %s)"
            " ON CONFLICT (key) DO UPDATE SET through = excluded.through, at = excluded.at",
            [key, through, now],
        )


def _authorities() -> tuple[list[str], list[str]]:
    """The authorities that results name, and for each its upper-tier authority."""
    pairs = [(area.code, resolve.lineage(area.code).utla) for area in resolve.atlas() if area.lower_tier]
    known: list[tuple[str, Any]] = [(code, upper) for code, upper in pairs if upper]
    return [code for code, _ in known], [upper for _, upper in known]
