"""People are found by a copy made for it, under the searcher's own ticket, and only those whom their areas may know."""

import django.db.models.deletion
from django.db import migrations, models

from ringfence.base.migration import InSchema

DUE = """
CREATE TABLE search_due (person_id bigint NOT NULL, trace_id bigint);
ALTER TABLE search_due SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Somebody who has a trace; whom one more area comes to know; whose details changed, or were added to. Those who move
-- and are new are among them, so that a standing where somebody lives need not say it again.
CREATE FUNCTION search_due_trace() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = casework, pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO search_due (person_id, trace_id) SELECT n.person_id, n.id FROM new_rows n;
    RETURN NULL;
END $$;
CREATE FUNCTION search_due_standing() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = casework, pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO search_due (person_id) SELECT n.person_id FROM new_rows n WHERE n.why <> 'lives';
    RETURN NULL;
END $$;
CREATE FUNCTION search_due_detail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = casework, pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO search_due (person_id) SELECT n.person_id FROM new_rows n;
    RETURN NULL;
END $$;
CREATE FUNCTION search_due_person() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = casework, pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO search_due (person_id) SELECT o.id FROM old_rows o;
    RETURN NULL;
END $$;
CREATE TRIGGER search_due_trace AFTER INSERT ON traces REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION search_due_trace();
CREATE TRIGGER search_due_standing AFTER INSERT ON standings REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION search_due_standing();
CREATE TRIGGER search_due_detail AFTER INSERT ON details REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION search_due_detail();
CREATE TRIGGER search_due_person AFTER UPDATE ON people REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION search_due_person();
"""

FIND = """
-- Those whom the areas of the ticket may know and who have this number, reference, telephone number, postcode or name;
-- names that begin alike or sound alike come after those that are the same. Rows may not be looked up by such things
-- under row-level security, which allows an index none of these comparisons; so the function asks the ticket itself.
-- ``opens`` says of a trace whether the holder of the ticket may open it.
CREATE FUNCTION find_people(
    p_ticket text, p_nhs_number text, p_reference text, p_phone text, p_postcode text, p_families text[],
    p_givens text[], p_limit integer
) RETURNS TABLE (person_id bigint, likeness integer, given_name varchar, family_name varchar, birth_date date,
    postcode varchar, traces jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = casework, accounts, pg_catalog, pg_temp AS $$
DECLARE
    parts text[] := walls.read(p_ticket);
    mine bigint[];
    over text[];
    areas text[];
    last constant text := chr(1114111);
BEGIN
    IF parts IS NULL OR parts[1] <> 'person' OR parts[2]::bigint <= 0 THEN
        RAISE EXCEPTION 'this ticket does not let you look for anybody' USING ERRCODE = 'insufficient_privilege';
    END IF;
    mine := string_to_array(parts[3], ',')::bigint[];
    over := string_to_array(parts[4], ',');
    areas := string_to_array(parts[5], ',');
    RETURN QUERY
        WITH named AS MATERIALIZED (
            SELECT a.area, n.family, n.given, left(n.given, 1) AS initial, s.sound
            FROM unnest(p_families, p_givens) AS n (family, given) CROSS JOIN unnest(areas) AS a (area)
            CROSS JOIN LATERAL (SELECT public.dmetaphone(n.family) AS sound) s
        ), hits AS (
            SELECT p.id AS person, 0 AS likeness FROM people p WHERE p.nhs_number = p_nhs_number
            UNION ALL
            SELECT t.person_id, 0 FROM traces t WHERE t.ref = p_reference
            UNION ALL
            SELECT k.person_id, 0 FROM search_keys k
            WHERE p_phone <> '' AND k.area = ANY (areas) AND k.kind = 'p' AND k.key = p_phone
            UNION ALL
            SELECT k.person_id, 0 FROM search_keys k
            WHERE p_postcode <> '' AND cardinality(p_families) = 0 AND k.area = ANY (areas) AND k.kind = 'c'
                AND k.key = p_postcode
            UNION ALL
            SELECT f.person_id, f.likeness FROM named n CROSS JOIN LATERAL (
                (SELECT k.person_id,
                    CASE WHEN k.key = n.family || ' ' || n.given THEN 1
                        WHEN starts_with(k.key, n.family || ' ' || n.given) THEN 2 ELSE 3 END AS likeness
                FROM search_keys k WHERE k.area = n.area AND k.kind = 'n'
                    AND k.key >= n.family || ' ' || n.initial AND k.key < n.family || ' ' || n.initial || last
                LIMIT 500)
                UNION ALL
                (SELECT k.person_id, 4 FROM search_keys k WHERE k.area = n.area AND k.kind = 'n'
                    AND length(n.family) > 2 AND k.key >= n.family AND k.key < n.family || last
                    AND strpos(k.key, ' ' || n.initial) > 0
                LIMIT 200)
                UNION ALL
                (SELECT k.person_id, 5 FROM search_keys k WHERE k.area = n.area AND k.kind = 's'
                    AND length(n.family) > 2 AND n.sound <> ''
                    AND k.key >= n.sound || ' ' || n.initial AND k.key < n.sound || ' ' || n.initial || last
                LIMIT 200)
            ) f
        ), known AS MATERIALIZED (
            SELECT h.person, min(h.likeness) AS likeness FROM hits h
            WHERE EXISTS (SELECT 1 FROM standings s WHERE s.person_id = h.person AND s.area = ANY (areas)
                AND (s.until_at IS NULL OR s.until_at > now()))
            GROUP BY h.person
        ), first AS MATERIALIZED (
            SELECT p.id, k.likeness, p.given_name, p.family_name, p.birth_date, p.postcode
            FROM known k JOIN people p ON p.id = k.person
            WHERE p_postcode = '' OR p.postcode = p_postcode OR k.likeness = 0
            ORDER BY k.likeness, p.family_name, p.given_name, p.birth_date, p.id LIMIT p_limit
        )
        SELECT f.id, f.likeness, f.given_name, f.family_name, f.birth_date, f.postcode, coalesce(o.traces, '[]')
        FROM first f LEFT JOIN LATERAL (
            SELECT jsonb_agg(jsonb_build_object('ref', l.ref, 'reason', l.reason, 'team', k.name, 'since', l.owned_since,
                'closed', l.closed_at IS NOT NULL, 'opens', coalesce(l.team_id = ANY (mine) OR l.authority = ANY (over)
                    OR l.national_team_id = ANY (mine) OR l.from_team_id = ANY (mine), false))
                ORDER BY l.closed_at IS NOT NULL, l.created_at DESC, l.id DESC) AS traces
            FROM (
                SELECT t.* FROM traces t WHERE t.id IN (
                    SELECT c.trace_id FROM person_traces c WHERE c.person_id = f.id
                    UNION SELECT c.id FROM traces c WHERE c.person_id = f.id AND c.closed_at IS NULL)
                ORDER BY t.closed_at IS NOT NULL, t.created_at DESC, t.id DESC LIMIT 5
            ) l JOIN teams k ON k.id = l.team_id
        ) o ON true
        ORDER BY f.likeness, f.family_name, f.given_name, f.birth_date, f.id;
END $$;
"""

FUNCTIONS = "search_due_trace, search_due_standing, search_due_detail, search_due_person"


def worker(table: str, kind: str) -> str:
    allowed = "(SELECT walls.system()) = 'search'"
    checks = {"SELECT": f"USING ({allowed})", "INSERT": f"WITH CHECK ({allowed})", "DELETE": f"USING ({allowed})"}
    name = f"{table}_search" + ("" if kind == "SELECT" else f"_{kind.lower()}")
    return f"CREATE POLICY {name} ON {table} FOR {kind} TO ringfence_worker {checks[kind]};"


WALLS = "\n".join(
    [
        *(
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"
            for table in ("search_due", "search_keys", "person_traces")
        ),
        *(worker(table, "SELECT") for table in ("people", "standings", "details", "search_due", "search_keys")),
        *(worker(table, "INSERT") for table in ("search_keys", "person_traces")),
        # A row is locked before it is taken, so that two workers never take the same.
        "GRANT SELECT, UPDATE, DELETE ON search_due TO ringfence_worker;",
        worker("search_due", "DELETE"),
        "CREATE POLICY search_due_search_locked ON search_due FOR UPDATE TO ringfence_worker"
        " USING ((SELECT walls.system()) = 'search') WITH CHECK (false);",
        worker("person_traces", "SELECT"),
        "GRANT SELECT, INSERT ON search_keys, person_traces TO ringfence_worker;",
        "GRANT INSERT ON search_due TO ringfence_gate;",
        "CREATE POLICY search_due_gate ON search_due FOR INSERT TO ringfence_gate WITH CHECK (true);",
        "GRANT SELECT ON people, standings, search_keys, person_traces TO ringfence_gate;",
        *(
            f"CREATE POLICY {table}_gate ON {table} FOR SELECT TO ringfence_gate USING (true);"
            for table in ("people", "standings", "search_keys", "person_traces")
        ),
        "GRANT SELECT ON person_traces TO ringfence_app;",
        "CREATE POLICY person_traces_read ON person_traces FOR SELECT TO ringfence_app"
        " USING (EXISTS (SELECT 1 FROM standings s WHERE s.person_id = person_traces.person_id));",
        "GRANT CREATE ON SCHEMA casework TO ringfence_gate;",
        *(f"ALTER FUNCTION {name} OWNER TO ringfence_gate;" for name in f"{FUNCTIONS}, find_people".split(", ")),
        "REVOKE CREATE ON SCHEMA casework FROM ringfence_gate;",
        f"REVOKE ALL ON FUNCTION {FUNCTIONS}, find_people FROM PUBLIC;",
        "GRANT EXECUTE ON FUNCTION find_people TO ringfence_app;",
        # The wall stops the owner too; what was in the record before is to be found as well.
        "ALTER TABLE traces NO FORCE ROW LEVEL SECURITY; ALTER TABLE search_due NO FORCE ROW LEVEL SECURITY;",
        "INSERT INTO search_due (person_id, trace_id) SELECT person_id, id FROM traces;",
        "ALTER TABLE traces FORCE ROW LEVEL SECURITY; ALTER TABLE search_due FORCE ROW LEVEL SECURITY;",
    ]
)

BACKWARDS = """
DROP TRIGGER search_due_trace ON traces;
DROP TRIGGER search_due_standing ON standings;
DROP TRIGGER search_due_detail ON details;
DROP TRIGGER search_due_person ON people;
DROP FUNCTION find_people(text, text, text, text, text, text[], text[], integer);
DROP FUNCTION search_due_trace();
DROP FUNCTION search_due_standing();
DROP FUNCTION search_due_detail();
DROP FUNCTION search_due_person();
DROP TABLE search_due;
DROP POLICY people_search ON people;
DROP POLICY standings_search ON standings;
DROP POLICY details_search ON details;
DROP POLICY search_keys_search ON search_keys;
DROP POLICY search_keys_search_insert ON search_keys;
DROP POLICY person_traces_search ON person_traces;
DROP POLICY person_traces_search_insert ON person_traces;
DROP POLICY person_traces_read ON person_traces;
DROP POLICY people_gate ON people;
DROP POLICY standings_gate ON standings;
DROP POLICY search_keys_gate ON search_keys;
DROP POLICY person_traces_gate ON person_traces;
REVOKE SELECT ON people, standings, search_keys, person_traces FROM ringfence_gate;
REVOKE ALL ON search_keys, person_traces FROM ringfence_worker, ringfence_app;
"""


class Migration(migrations.Migration):
    dependencies = [("casework", "0009_walls_of_interviews"), ("accounts", "0005_who_holds_a_role")]

    operations = [
        InSchema("casework"),
        migrations.CreateModel(
            name="PersonTrace",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "person_id", "trace_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="casework.person",
                    ),
                ),
                (
                    "trace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="casework.trace",
                    ),
                ),
            ],
            options={"db_table": "person_traces"},
        ),
        migrations.CreateModel(
            name="SearchKey",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "area",
                        "kind",
                        "key",
                        "person_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("area", models.CharField(max_length=9)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("n", "Name"),
                            ("s", "How the family name sounds"),
                            ("p", "Phone number"),
                            ("c", "Postcode"),
                        ],
                        max_length=1,
                    ),
                ),
                ("key", models.CharField(max_length=101)),
                (
                    "person",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="casework.person",
                    ),
                ),
            ],
            options={"db_table": "search_keys"},
        ),
        migrations.RunSQL(DUE + FIND + WALLS, BACKWARDS),
    ]
