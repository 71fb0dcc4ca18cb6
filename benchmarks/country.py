"""A million open traces: 150 ring-fenced teams, one of them hot, half of the authorities with a local team."""

from __future__ import annotations

from datetime import UTC, datetime

from benchmarks.harness import Connection

TRACES = 1_000_000
HOT = 300_000
TEAMS = 150
NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)

_STEPS = """
INSERT INTO teams (kind, area, name, queue_shards, opened_at)
SELECT 'national', code, name || ' ring-fenced team', 1, timestamptz '2026-11-01' FROM (
    SELECT code, name FROM areas WHERE upper_tier AND closed IS NULL ORDER BY code LIMIT {teams}) a;

INSERT INTO partnerships (area, stage, joined_at, agreed_at, revision, applied)
SELECT area, CASE WHEN id % 2 = 0 THEN 'live' ELSE 'offered' END, CASE WHEN id % 2 = 0 THEN opened_at END,
    CASE WHEN id % 2 = 0 THEN opened_at END, 0, 0
FROM teams WHERE kind = 'national';

INSERT INTO teams (kind, area, name, queue_shards, opened_at)
SELECT 'local', area, replace(name, 'ring-fenced', 'local'), 1, opened_at FROM teams
WHERE kind = 'national' AND id % 2 = 0;

INSERT INTO policies (area, from_at, model, set_period_hours, contacts_by, working_days, opens, closes, bank_holidays,
    recorded_at)
SELECT area, opened_at, 'timed', 24, 'national', 'YYYYYYY', '09:00', '17:00', false, opened_at FROM teams
WHERE kind = 'local';

UPDATE teams SET queue_shards = 16 WHERE id = (SELECT min(id) FROM teams WHERE kind = 'national');

INSERT INTO people (id, nhs_number, match_key, given_name, family_name, birth_date, sex, ethnicity, phone, phone_other,
    email, address, postcode, gp_postcode, household, updated_at)
OVERRIDING SYSTEM VALUE
SELECT n, '999' || lpad(n::text, 7, '0'), n * bigint '7919', 'Given' || n % 1000, 'Family' || n % 5000,
    date '1940-01-01' + (n % 25000)::int, CASE n % 2 WHEN 0 THEN 'F' ELSE 'M' END, '',
    '06' || lpad(n::text, 9, '0'), '', '', n || ' High Street', 'AA1 1AA', '', n, {now}
FROM generate_series(1, {traces}) n;

CREATE TEMP TABLE placed AS
SELECT n, CASE WHEN n <= {hot} THEN 0 ELSE 1 + n % ({teams} - 1) END AS place FROM generate_series(1, {traces}) n;

CREATE TEMP TABLE ranked AS
SELECT row_number() OVER (ORDER BY k.id) - 1 AS place, k.id, k.area, k.queue_shards, l.id AS local
FROM teams k LEFT JOIN teams l ON l.area = k.area AND l.kind = 'local' WHERE k.kind = 'national';

INSERT INTO standings (person_id, area, why, from_at)
SELECT p.n, r.area, 'lives', {now} FROM placed p JOIN ranked r USING (place);

INSERT INTO cases (id, person_id, episode, first_specimen_date, last_positive_date, authority, ltla, postcode,
    opened_at, updated_at)
OVERRIDING SYSTEM VALUE
SELECT p.n, p.n, 1, date '2026-11-16', date '2026-11-16', r.area, r.area, 'AA1 1AA', {now}, {now}
FROM placed p JOIN ranked r USING (place);

INSERT INTO traces (id, ref, shard, reason, person_id, case_id, authority, team_id, area, national_team_id,
    passes_to_id, owned_since, created_at, why, priority, due_at, due_why, queued, phone, household)
OVERRIDING SYSTEM VALUE
SELECT p.n, overlay(upper(lpad(to_hex(p.n), 6, '0')) PLACING '-' FROM 4 FOR 0),
    CASE r.queue_shards WHEN 1 THEN 0 ELSE p.n % 16 END, 'case', p.n, p.n, r.area, r.id, r.area, r.id, r.local,
    {now} - interval '1 hour', {now} - interval '1 hour', 'Resident of the authority.', 1 + p.n % 9,
    {now} + interval '20 hours' + (p.n % 100000) * interval '1 second',
    'The set period of 24 hours ends at 09:00 on Thursday 19 November; it then passes to the local team.', true,
    '06' || lpad(p.n::text, 9, '0'), p.n
FROM placed p JOIN ranked r USING (place) ORDER BY hashint8(p.n);
"""


def seed(connection: Connection, traces: int = TRACES, hot: int = HOT) -> None:
    """Fill an empty database with so many traces, ``hot`` of them in one team.

    Everybody has a number and a home of their own, so that the bare claim has no home to wait for. Numbers that begin
    with 06 are given to nobody in the United Kingdom.
    """
    now = f"timestamptz '{NOW.isoformat()}'"
    for step in _STEPS.split(";\n"):
        text = step.format(teams=TEAMS, traces=traces, hot=hot, now=now).strip()
        if text:
            connection.execute(text.encode())
