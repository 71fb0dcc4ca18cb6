"""The overview: every figure for every authority over a million traces, beside a bare GROUP BY of the same table."""

from __future__ import annotations

import time

from benchmarks.harness import Connection, Figure, administrator, alternate, at_most, database
from ringfence.cli.postgres import Server

TRACES = 1_000_000

#: Two weeks of traces in all authorities; 85 % closed, a quarter passed to the local team, one in twenty came back.
_STEPS = """
INSERT INTO teams (kind, area, name, queue_shards, opened_at)
SELECT k, code, name || ' ' || k, 1, timestamptz '2026-11-01'
FROM areas, unnest(ARRAY['national', 'local']) AS k WHERE upper_tier AND closed IS NULL ORDER BY k, code;

CREATE TEMP TABLE pairs AS
SELECT row_number() OVER (ORDER BY k.area) - 1 AS place, count(*) OVER () AS places, k.area, k.id AS national,
    l.id AS local
FROM teams k JOIN teams l ON l.area = k.area AND l.kind = 'local' WHERE k.kind = 'national';

SELECT setseed(0.5);

CREATE TEMP TABLE drawn AS
SELECT n, CASE WHEN one < 0.05 THEN 2 WHEN one < 0.25 THEN 1 ELSE 0 END AS moves, two < 0.85 AS closed,
    three AS end, four * interval '90 hours' AS wait, timestamptz '2026-11-18 12:00Z' - five * interval '14 days' AS at
FROM (SELECT n, random() AS one, random() AS two, random() AS three, random() AS four, random() AS five
    FROM generate_series(1, {traces}) n) d;

INSERT INTO traces (ref, shard, reason, person_id, case_id, authority, team_id, area, national_team_id, from_team_id,
    owned_since, created_at, why, priority, due_at, due_why, passes_to_id, queued, ready_at, phone, attempts, outcome,
    reached_at, reached_by_kind, closed_at, handovers)
SELECT 'R' || n, 0, CASE WHEN n % 3 = 0 THEN 'contact' ELSE 'case' END, n, n, p.area,
    CASE moves WHEN 1 THEN local ELSE national END, p.area, national,
    CASE moves WHEN 0 THEN NULL WHEN 1 THEN national ELSE local END, at, at, 'Resident of the authority.', 5,
    at + interval '24 hours', 'The set period of 24 hours ends at 09:00 on Thursday 19 November; it then passes to the '
    || 'local team.', CASE moves WHEN 0 THEN local END, NOT closed, NULL, '', 3,
    CASE WHEN NOT closed THEN '' WHEN d.end < 0.8 THEN 'reached' WHEN d.end < 0.95 THEN 'not_reached'
        ELSE 'refused' END,
    CASE WHEN closed AND d.end < 0.8 THEN at + wait END,
    CASE WHEN NOT closed OR d.end >= 0.8 THEN '' WHEN moves = 1 THEN 'local' ELSE 'national' END,
    CASE WHEN closed THEN at + wait END, moves
FROM drawn d JOIN pairs p ON p.place = d.n % p.places ORDER BY hashint8(n);

INSERT INTO handovers (trace_id, seq, previous, from_team_id, since, to_team_id, at, reason, why, recorded_at)
SELECT t.id, s, nullif(s - 1, 0), CASE s WHEN 1 THEN national ELSE local END, t.created_at,
    CASE s WHEN 1 THEN local ELSE national END, t.created_at + s * interval '24 hours', 'set_period',
    'Handed over because 24 hours passed without contact; the set period ended at 09:00 on Thursday 19 November.',
    t.created_at
FROM traces t JOIN pairs p ON p.area = t.authority CROSS JOIN LATERAL generate_series(1, t.handovers) s;
"""

BARE = b"SELECT authority, count(*) FROM traces GROUP BY authority"


def seed(connection: Connection) -> None:
    """Fill an empty database with traces and their owners; people are not looked at here, so there are none."""
    for step in _STEPS.split(";\n"):
        text = step.format(traces=TRACES).strip()
        if text:
            connection.execute(text.encode())


def run(full: bool) -> list[Figure]:
    """All figures, walls and medians included, as the page asks for them."""
    with database("overview", seed) as server:
        figures(), bare(server)  # read the table from disk once before measuring
        medians = alternate({"overview": figures, "group by": lambda: bare(server)}, 9 if full else 5)
    ours, theirs = medians.values()
    return [
        at_most(
            8,
            "overview",
            "every figure for every authority, 1 million traces",
            1000 * ours,
            "ms",
            "a bare GROUP BY authority",
            1000 * theirs,
        )
    ]


def figures() -> float:
    """Seconds for the whole overview, through the query that the page uses."""
    from datetime import UTC, datetime

    from ringfence.queries.statistics import overview
    from ringfence.rules.access import system_scope

    began = time.perf_counter()
    found = overview(scope=system_scope("statistics"), now=datetime(2026, 11, 18, 12, tzinfo=UTC))
    took = time.perf_counter() - began
    # Every third trace is of a contact.
    if found.figures.total.transferred != TRACES - TRACES // 3:
        raise AssertionError(f"{found.figures.total.transferred} traces of cases were counted of {TRACES} traces")
    return took


def bare(server: Server) -> float:
    """Seconds for the count by authority, by an administrator: no walls."""
    with administrator(server) as admin:
        began = time.perf_counter()
        admin.execute(BARE).fetchall()
        return time.perf_counter() - began
