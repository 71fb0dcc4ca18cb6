"""History, the chain of owners, and the wall: who reads and writes which rows of the identifiable record."""

from django.db import migrations

from ringfence.base.migration import InSchema

HISTORY = """
CREATE TABLE people_history (
    history_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    replaced_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    replaced_by text NOT NULL,
    LIKE people
);
CREATE INDEX people_history_person ON people_history (id);
CREATE TABLE cases_history (
    history_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    replaced_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    replaced_by text NOT NULL,
    LIKE cases
);
CREATE INDEX cases_history_case ON cases_history (id);

-- Columns are added at the end of a table and of its history alike, so o.* fits.
CREATE FUNCTION keep_people() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = casework, pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO people_history OVERRIDING SYSTEM VALUE
    SELECT nextval(pg_get_serial_sequence('casework.people_history', 'history_id')), clock_timestamp(),
        coalesce(nullif(walls.user_id(), 0)::text, walls.system(), 'owner'), o.*
    FROM old_rows o;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_people_update AFTER UPDATE ON people REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_people();
CREATE TRIGGER keep_people_delete AFTER DELETE ON people REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_people();

CREATE FUNCTION keep_cases() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = casework, pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO cases_history OVERRIDING SYSTEM VALUE
    SELECT nextval(pg_get_serial_sequence('casework.cases_history', 'history_id')), clock_timestamp(),
        coalesce(nullif(walls.user_id(), 0)::text, walls.system(), 'owner'), o.*
    FROM old_rows o;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_cases_update AFTER UPDATE ON cases REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_cases();
CREATE TRIGGER keep_cases_delete AFTER DELETE ON cases REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_cases();

-- A positive and a trace belong to a case and to the person of that case: one check in place of two.
ALTER TABLE results ADD CONSTRAINT result_of_its_case
    FOREIGN KEY (case_id, person_id) REFERENCES cases (id, person_id);
ALTER TABLE traces ADD CONSTRAINT trace_of_its_case
    FOREIGN KEY (case_id, person_id) REFERENCES cases (id, person_id);

-- The bytes of a delivery have been compressed by the laboratory or not; compressing them again costs more than it saves.
ALTER TABLE delivery_chunks ALTER COLUMN data SET STORAGE EXTERNAL;

-- Ownership without gaps or overlaps: a row begins with the team and at the moment that the row before it ended with.
ALTER TABLE handovers ADD CONSTRAINT handover_chain
    FOREIGN KEY (trace_id, previous, from_team_id, since) REFERENCES handovers (trace_id, seq, to_team_id, at);
"""

CLAIM = """
-- The most urgent free trace of a team, claimed, with its audit event: one round trip, one ticket check.
-- It begins at one shard of the team's queue and goes round the others when that is empty, so that "most urgent" holds
-- within a shard, and nobody is sent away while the team has work.
CREATE FUNCTION claim(p_ticket text, p_team bigint, p_shard integer, p_now timestamptz, p_lapse interval)
RETURNS TABLE (id bigint, ref varchar, version integer, person_id bigint, resumed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = casework, pg_catalog, pg_temp AS $$
DECLARE
    parts text[] := walls.read(p_ticket);
    actor bigint;
BEGIN
    IF parts IS NULL OR parts[1] <> 'person' OR NOT p_team::text = ANY (string_to_array(parts[3], ',')) THEN
        RAISE EXCEPTION 'this ticket does not let you take traces of team %', p_team
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    actor := parts[2]::bigint;
    FOR step IN 0..15 LOOP
        RETURN QUERY
            WITH mine AS MATERIALIZED (
                SELECT t.id, t.ref, t.version, t.person_id FROM traces t
                WHERE t.claimed_by = actor AND t.claimed_at IS NOT NULL AND t.team_id = p_team AND t.ready_at > p_now
                ORDER BY t.claimed_at, t.id LIMIT 1
            ), pick AS MATERIALIZED (
                SELECT q.id FROM traces q
                WHERE q.team_id = p_team AND q.queued AND q.shard = (p_shard + step) % 16
                    -- A value and not an EXISTS: as a join it would be planned by a guess of how many calls are open.
                    AND coalesce((SELECT false FROM traces o
                        WHERE o.phone = q.phone AND o.phone <> '' AND o.claimed_by IS NOT NULL LIMIT 1), true)
                    AND NOT EXISTS (SELECT 1 FROM mine)
                ORDER BY q.priority, q.due_at, q.id
                LIMIT 1 FOR UPDATE SKIP LOCKED
            ), taken AS (
                UPDATE traces t
                SET queued = false, claimed_by = actor, claimed_at = p_now, ready_at = p_now + p_lapse,
                    version = t.version + 1
                FROM pick WHERE t.id = pick.id
                RETURNING t.id, t.ref, t.version, t.person_id, t.area
            ), told AS (
                INSERT INTO audit.events (at, user_id, scope, verb, opened, person_id, trace_id, team_id, area)
                SELECT p_now, actor, 'person', 'trace.claimed', true, k.person_id, k.id, p_team, k.area FROM taken k
            )
            SELECT k.id, k.ref, k.version, k.person_id, false FROM taken k
            UNION ALL SELECT m.id, m.ref, m.version, m.person_id, true FROM mine m;
        IF FOUND THEN
            RETURN;
        END IF;
    END LOOP;
END $$;

-- Tries of the last hours for the household and the number of a trace that the ticket lets its holder see, by whichever
-- team: when, by which team, how, and what came of it; nothing that says who of the household it was.
CREATE FUNCTION called_recently(p_trace bigint, p_since timestamptz)
RETURNS TABLE (at timestamptz, team_id bigint, kind varchar, outcome varchar, same_number boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = casework, pg_catalog, pg_temp AS $$
DECLARE
    teams bigint[] := walls.teams();
    areas text[] := walls.areas();
    self traces;
BEGIN
    SELECT t.* INTO self FROM traces t
    WHERE t.id = p_trace AND (t.team_id = ANY (teams) OR t.authority = ANY (areas) OR t.national_team_id = ANY (teams)
        OR t.from_team_id = ANY (teams));
    IF NOT FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT a.at, a.team_id, a.kind, a.outcome, bool_or(a.same_number) FROM (
            SELECT n.id, n.at, n.team_id, n.kind, n.outcome, true AS same_number FROM attempts n
            WHERE n.number = self.phone AND n.number <> '' AND n.at >= p_since AND n.trace_id <> self.id
            UNION ALL
            SELECT n.id, n.at, n.team_id, n.kind, n.outcome, false FROM traces o JOIN attempts n ON n.trace_id = o.id
            WHERE o.household = self.household AND o.id <> self.id AND n.at >= p_since
        ) a
        GROUP BY a.id, a.at, a.team_id, a.kind, a.outcome
        ORDER BY a.at DESC LIMIT 20;
END $$;
"""

GRANTS = """
GRANT USAGE ON SCHEMA casework TO ringfence_app, ringfence_worker, ringfence_gate;

GRANT SELECT, INSERT, UPDATE ON deliveries, delivery_chunks, delivery_parts, quarantines, people, results, cases, traces,
    standings TO ringfence_worker;
GRANT SELECT, INSERT ON handovers TO ringfence_worker;
GRANT SELECT ON attempts, notes TO ringfence_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA casework TO ringfence_worker;

GRANT SELECT ON deliveries, delivery_parts, people, people_history, results, cases, cases_history, standings
    TO ringfence_app;
GRANT SELECT, UPDATE ON traces, quarantines TO ringfence_app;
GRANT SELECT, INSERT ON attempts, handovers, notes TO ringfence_app;
GRANT UPDATE (seen_at, seen_by) ON handovers TO ringfence_app;
GRANT INSERT ON standings TO ringfence_app;

GRANT SELECT, UPDATE ON traces TO ringfence_gate;
GRANT SELECT ON attempts TO ringfence_gate;
GRANT SELECT, INSERT ON people_history, cases_history TO ringfence_gate;
GRANT USAGE ON SEQUENCE people_history_history_id_seq, cases_history_history_id_seq TO ringfence_gate;

GRANT CREATE ON SCHEMA casework TO ringfence_gate;
ALTER FUNCTION claim OWNER TO ringfence_gate;
ALTER FUNCTION called_recently OWNER TO ringfence_gate;
ALTER FUNCTION keep_people OWNER TO ringfence_gate;
ALTER FUNCTION keep_cases OWNER TO ringfence_gate;
REVOKE CREATE ON SCHEMA casework FROM ringfence_gate;
REVOKE ALL ON FUNCTION claim, called_recently FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim, called_recently TO ringfence_app;
"""

#: table -> (what the worker's system scopes are, what lets the staff role read a row)
SYSTEM = {
    "deliveries": ("intake,reconcile", "(SELECT walls.system()) = 'deliveries'"),
    "delivery_chunks": ("intake,reconcile", None),
    "delivery_parts": ("intake,reconcile", "(SELECT walls.system()) = 'deliveries'"),
    "quarantines": ("intake,reconcile", "(SELECT walls.system()) = 'deliveries'"),
    "people": ("intake", "EXISTS (SELECT 1 FROM standings s WHERE s.person_id = people.id)"),
    "people_history": (None, "EXISTS (SELECT 1 FROM standings s WHERE s.person_id = people_history.id)"),
    "standings": (
        "intake,sweep",
        "area = ANY ((SELECT walls.standing())::text[]) AND (until_at IS NULL OR until_at > now())",
    ),
    "results": (
        "intake,reconcile",
        "(SELECT walls.system()) = 'statistics' OR EXISTS (SELECT 1 FROM standings s WHERE s.person_id = results.person_id)",
    ),
    "cases": (
        "intake",
        "(SELECT walls.system()) = 'statistics' OR EXISTS (SELECT 1 FROM standings s WHERE s.person_id = cases.person_id)",
    ),
    "cases_history": (None, "EXISTS (SELECT 1 FROM standings s WHERE s.person_id = cases_history.person_id)"),
    "traces": (
        "intake,sweep,policy",
        "(SELECT walls.system()) = 'statistics'"
        " OR team_id = ANY ((SELECT walls.teams())::bigint[])"
        " OR authority = ANY ((SELECT walls.areas())::text[])"
        " OR national_team_id = ANY ((SELECT walls.teams())::bigint[])"
        " OR from_team_id = ANY ((SELECT walls.teams())::bigint[])",
    ),
    "attempts": ("sweep", "EXISTS (SELECT 1 FROM traces t WHERE t.id = attempts.trace_id)"),
    "handovers": ("sweep", "EXISTS (SELECT 1 FROM traces t WHERE t.id = handovers.trace_id)"),
    "notes": (None, "EXISTS (SELECT 1 FROM traces t WHERE t.id = notes.trace_id)"),
}

#: Rows that the staff role adds: what each must belong to. Traces and quarantines it changes where it may read them.
ADDED = {
    "attempts": "EXISTS (SELECT 1 FROM traces t WHERE t.id = attempts.trace_id)",
    "handovers": "EXISTS (SELECT 1 FROM traces t WHERE t.id = handovers.trace_id)",
    "notes": "EXISTS (SELECT 1 FROM traces t WHERE t.id = notes.trace_id)",
    "standings": "EXISTS (SELECT 1 FROM traces t WHERE t.person_id = standings.person_id)",
}
CHANGED = ("traces", "quarantines", "handovers")
GATE = ("traces", "attempts", "people_history", "cases_history")


def policies() -> str:
    lines = []
    for table, (system, read) in SYSTEM.items():
        lines.append(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;")
        lines.append(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;")
        if system:
            allowed = f"(SELECT walls.system()) = ANY ('{{{system}}}')"
            lines.append(
                f"CREATE POLICY {table}_worker ON {table} TO ringfence_worker USING ({allowed}) WITH CHECK ({allowed});"
            )
        if read:
            lines.append(f"CREATE POLICY {table}_read ON {table} FOR SELECT TO ringfence_app USING ({read});")
        if table in CHANGED:
            lines.append(
                f"CREATE POLICY {table}_changed ON {table} FOR UPDATE TO ringfence_app USING ({read}) WITH CHECK (true);"
            )
        if table in ADDED:
            lines.append(
                f"CREATE POLICY {table}_added ON {table} FOR INSERT TO ringfence_app WITH CHECK ({ADDED[table]});"
            )
        if table in GATE:
            lines.append(f"CREATE POLICY {table}_gate ON {table} TO ringfence_gate USING (true) WITH CHECK (true);")
    return "\n".join(lines)


BACKWARDS = (
    """
SET LOCAL search_path = casework, public;
ALTER TABLE handovers DROP CONSTRAINT handover_chain;
ALTER TABLE results DROP CONSTRAINT result_of_its_case;
ALTER TABLE traces DROP CONSTRAINT trace_of_its_case;
DROP TRIGGER keep_people_update ON people;
DROP TRIGGER keep_people_delete ON people;
DROP TRIGGER keep_cases_update ON cases;
DROP TRIGGER keep_cases_delete ON cases;
DROP FUNCTION keep_people();
DROP FUNCTION keep_cases();
DROP FUNCTION claim(text, bigint, integer, timestamptz, interval);
DROP FUNCTION called_recently(bigint, timestamptz);
DROP TABLE people_history;
DROP TABLE cases_history;
"""
    + "\n".join(
        f"DROP POLICY IF EXISTS {table}_{kind} ON {table};"
        for table in SYSTEM
        if not table.endswith("_history")
        for kind in ("worker", "read", "changed", "added", "gate")
    )
    + "\n".join(
        f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY; ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;"
        for table in SYSTEM
        if not table.endswith("_history")
    )
    + "\nREVOKE ALL ON ALL TABLES IN SCHEMA casework FROM ringfence_app, ringfence_worker, ringfence_gate;"
)


class Migration(migrations.Migration):
    dependencies = [("casework", "0001_initial"), ("accounts", "0002_walls"), ("audit", "0002_append_only")]

    operations = [
        InSchema("casework"),
        migrations.RunSQL(HISTORY + CLAIM + GRANTS + policies(), BACKWARDS),
    ]
