"""Whoever may see the trace of a case learns what became of the contacts it named, wherever their traces are."""

from django.db import migrations

from ringfence.base.migration import InSchema

FORWARDS = """
CREATE FUNCTION became_of(p_trace bigint, p_now timestamptz)
RETURNS TABLE (contact_id bigint, trace_id bigint, ref varchar, team_id bigint, attempts integer, outcome varchar,
    closed_at timestamptz, calling boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = casework, pg_catalog, pg_temp AS $$
DECLARE
    teams bigint[] := walls.teams();
    areas text[] := walls.areas();
BEGIN
    RETURN QUERY
        SELECT c.id, o.id, CASE WHEN o.team_id = ANY (teams) OR o.authority = ANY (areas) OR o.national_team_id = ANY (teams)
                OR o.from_team_id = ANY (teams) THEN o.ref ELSE ''::varchar END,
            o.team_id, o.attempts::integer, o.outcome, o.closed_at,
            coalesce(o.claimed_by IS NOT NULL AND o.ready_at > p_now, false)
        FROM traces t JOIN contacts c ON c.case_id = t.case_id JOIN traces o ON o.id = c.trace_id
        WHERE t.id = p_trace AND t.reason = 'case' AND (t.team_id = ANY (teams) OR t.authority = ANY (areas)
            OR t.national_team_id = ANY (teams) OR t.from_team_id = ANY (teams))
        LIMIT 1000;
END $$;

GRANT SELECT ON contacts TO ringfence_gate;
CREATE POLICY contacts_gate ON contacts FOR SELECT TO ringfence_gate USING (true);
GRANT CREATE ON SCHEMA casework TO ringfence_gate;
ALTER FUNCTION became_of OWNER TO ringfence_gate;
REVOKE CREATE ON SCHEMA casework FROM ringfence_gate;
REVOKE ALL ON FUNCTION became_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION became_of TO ringfence_app;
"""

BACKWARDS = """
DROP FUNCTION became_of(bigint, timestamptz);
DROP POLICY contacts_gate ON contacts;
REVOKE SELECT ON contacts FROM ringfence_gate;
"""


class Migration(migrations.Migration):
    dependencies = [("casework", "0017_detection_marks")]

    operations = [InSchema("casework"), migrations.RunSQL(FORWARDS, BACKWARDS)]
