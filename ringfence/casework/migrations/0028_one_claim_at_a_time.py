"""Somebody who asks twice at the same moment takes one trace."""

from django.db import migrations

from ringfence.base.migration import InSchema

CLAIM = """
CREATE OR REPLACE FUNCTION claim(p_ticket text, p_team bigint, p_shard integer, p_now timestamptz, p_lapse interval)
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
{lock}    FOR step IN 0..15 LOOP
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
                    AND coalesce((SELECT false FROM traces o
                        WHERE o.household = q.household AND o.household IS NOT NULL AND o.claimed_by IS NOT NULL
                        LIMIT 1), true)
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
"""

ONE_AT_A_TIME = """\
    -- Whoever asks twice at the same moment, as by a double click, is answered one after the other: the second finds what
    -- the first took.
    PERFORM pg_advisory_xact_lock(7166038, (actor % 2147483647)::integer);
"""

BACK = "SET LOCAL search_path = casework, public;\n" + CLAIM.replace("{lock}", "")


class Migration(migrations.Migration):
    dependencies = [("casework", "0027_forms_read_at_once")]

    operations = [InSchema("casework"), migrations.RunSQL(CLAIM.replace("{lock}", ONE_AT_A_TIME), BACK)]
