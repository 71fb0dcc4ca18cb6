"""What SQL that found its way in could do with somebody's ticket is bounded: not only what it reads, also what it writes.

A trace stays about the same person and case, and with the authority it has: whoever could point a trace at somebody else
could read that person. It is changed by the team that has it, and passes only to teams that it can pass to. Whoever adds
a row adds it in their own name. The figures' scope reads traces and hand-overs, and writes nothing.
"""

from django.db import migrations

from ringfence.base.migration import InSchema

WORKED = (
    "team_id, area, from_team_id, passes_to_id, owned_since, priority, due_at, due_why, queued, ready_at, claimed_by,"
    " claimed_at, phone, attempts, last_attempt_at, outcome, reached_at, reached_by_kind, closed_at, handovers, version"
)
CLAIMED = "queued, claimed_by, claimed_at, ready_at, version"

SEEN = """
    team_id = ANY ((SELECT walls.teams())::bigint[]) OR authority = ANY ((SELECT walls.areas())::text[])
    OR national_team_id = ANY ((SELECT walls.teams())::bigint[]) OR from_team_id = ANY ((SELECT walls.teams())::bigint[])
"""

FORWARDS = f"""
REVOKE UPDATE ON traces, quarantines FROM ringfence_app;
GRANT UPDATE ({WORKED}) ON traces TO ringfence_app;
GRANT UPDATE (settled_at, settled_by, settlement) ON quarantines TO ringfence_app;
REVOKE UPDATE ON traces FROM ringfence_gate;
GRANT UPDATE ({CLAIMED}) ON traces TO ringfence_gate;
REVOKE ALL ON FUNCTION keep_people, keep_cases FROM PUBLIC;

-- Whether an area may come to know of somebody of this authority through a team of this kind: the pool, the authority
-- itself, the areas that the ticket's holder works for, and the region's health protection team.
CREATE FUNCTION may_reach(p_authority text, p_kind text, p_area text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = casework, geography, pg_catalog, pg_temp AS $$
BEGIN
    IF p_area = p_authority OR p_area = ANY (walls.standing()) THEN
        RETURN true;
    END IF;
    CASE p_kind
        WHEN 'pool' THEN
            RETURN true;
        WHEN 'health_protection' THEN
            RETURN EXISTS (
                WITH RECURSIVE above AS (
                    SELECT p_authority AS code
                    UNION
                    SELECT p.parent::text FROM above a JOIN area_parents p ON p.child = a.code
                )
                SELECT 1 FROM above WHERE code = p_area);
        ELSE
            RETURN false;
    END CASE;
END $$;

-- Whether a changed trace is with a team of the ticket's holder, or was passed on by one to a team that it can pass to;
-- and names no team besides that should not see it.
CREATE FUNCTION stays_inside(
    p_trace bigint, p_authority text, p_team bigint, p_area text, p_from bigint, p_passes_to bigint
) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = casework, accounts, pg_catalog, pg_temp AS $$
DECLARE
    mine bigint[] := walls.teams();
BEGIN
    IF NOT coalesce(p_team = ANY (mine), false) THEN
        IF NOT coalesce(p_from = ANY (mine), false) THEN
            RETURN false;
        END IF;
        IF NOT EXISTS (SELECT 1 FROM teams k WHERE k.id = p_team AND k.area = p_area
                AND may_reach(p_authority, k.kind, k.area))
            AND NOT EXISTS (SELECT 1 FROM handovers h WHERE h.trace_id = p_trace AND h.from_team_id = p_team)
        THEN
            RETURN false;
        END IF;
    ELSIF p_from IS NOT NULL AND NOT p_from = ANY (mine)
        AND NOT EXISTS (SELECT 1 FROM handovers h WHERE h.trace_id = p_trace AND h.from_team_id = p_from)
    THEN
        RETURN false;
    END IF;
    RETURN p_passes_to IS NULL OR EXISTS (
        SELECT 1 FROM teams k WHERE k.id = p_passes_to AND k.kind = 'local' AND k.area IN (p_authority, p_area));
END $$;

-- Whether somebody whose open trace a team of the ticket's holder has may be made known to an area.
CREATE FUNCTION may_make_known(p_person bigint, p_area text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = casework, accounts, pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT 1 FROM traces t WHERE t.person_id = p_person AND t.closed_at IS NULL AND t.team_id = ANY (walls.teams())
            AND (EXISTS (SELECT 1 FROM teams k WHERE k.area = p_area AND may_reach(t.authority, k.kind, k.area))
                OR EXISTS (SELECT 1 FROM handovers h JOIN teams k ON k.id = h.from_team_id
                    WHERE h.trace_id = t.id AND k.area = p_area)));
END $$;
REVOKE ALL ON FUNCTION may_reach, stays_inside, may_make_known FROM PUBLIC;
GRANT EXECUTE ON FUNCTION may_reach, stays_inside, may_make_known TO ringfence_app;

DROP POLICY traces_changed ON traces;
CREATE POLICY traces_changed ON traces FOR UPDATE TO ringfence_app USING ({SEEN})
    WITH CHECK (stays_inside(id, authority, team_id, area, from_team_id, passes_to_id));
DROP POLICY handovers_changed ON handovers;
CREATE POLICY handovers_changed ON handovers FOR UPDATE TO ringfence_app
    USING (to_team_id = ANY ((SELECT walls.teams())::bigint[])) WITH CHECK (seen_by = (SELECT walls.user_id()));

DROP POLICY standings_added ON standings;
CREATE POLICY standings_added ON standings FOR INSERT TO ringfence_app
    WITH CHECK (why = 'handed' AND until_at IS NULL AND may_make_known(person_id, area));
DROP POLICY attempts_added ON attempts;
CREATE POLICY attempts_added ON attempts FOR INSERT TO ringfence_app WITH CHECK (
    user_id = (SELECT walls.user_id()) AND team_id = ANY ((SELECT walls.teams())::bigint[])
    AND EXISTS (SELECT 1 FROM traces t WHERE t.id = attempts.trace_id AND t.team_id = attempts.team_id));
DROP POLICY handovers_added ON handovers;
CREATE POLICY handovers_added ON handovers FOR INSERT TO ringfence_app WITH CHECK (
    user_id = (SELECT walls.user_id()) AND from_team_id = ANY ((SELECT walls.teams())::bigint[])
    AND EXISTS (SELECT 1 FROM traces t WHERE t.id = handovers.trace_id));
DROP POLICY notes_added ON notes;
CREATE POLICY notes_added ON notes FOR INSERT TO ringfence_app WITH CHECK (
    user_id = (SELECT walls.user_id()) AND team_id = ANY ((SELECT walls.teams())::bigint[])
    AND EXISTS (SELECT 1 FROM traces t WHERE t.id = notes.trace_id));

ALTER POLICY results_read ON results
    USING (EXISTS (SELECT 1 FROM standings s WHERE s.person_id = results.person_id));
ALTER POLICY cases_read ON cases
    USING (EXISTS (SELECT 1 FROM standings s WHERE s.person_id = cases.person_id));
ALTER POLICY attempts_read ON attempts
    USING ((SELECT walls.user_id()) > 0 AND EXISTS (SELECT 1 FROM traces t WHERE t.id = attempts.trace_id));
ALTER POLICY notes_read ON notes
    USING ((SELECT walls.user_id()) > 0 AND EXISTS (SELECT 1 FROM traces t WHERE t.id = notes.trace_id));
"""

ADDED = "\n".join(
    f"DROP POLICY {table}_added ON {table};"
    f"CREATE POLICY {table}_added ON {table} FOR INSERT TO ringfence_app"
    f" WITH CHECK (EXISTS (SELECT 1 FROM traces t WHERE {on}));"
    for table, on in (
        ("standings", "t.person_id = standings.person_id"),
        ("attempts", "t.id = attempts.trace_id"),
        ("handovers", "t.id = handovers.trace_id"),
        ("notes", "t.id = notes.trace_id"),
    )
)

BACKWARDS = f"""
DROP POLICY traces_changed ON traces;
CREATE POLICY traces_changed ON traces FOR UPDATE TO ringfence_app
    USING ((SELECT walls.system()) = 'statistics' OR {SEEN}) WITH CHECK (true);
DROP POLICY handovers_changed ON handovers;
CREATE POLICY handovers_changed ON handovers FOR UPDATE TO ringfence_app
    USING (EXISTS (SELECT 1 FROM traces t WHERE t.id = handovers.trace_id)) WITH CHECK (true);
{ADDED}
ALTER POLICY results_read ON results USING (
    (SELECT walls.system()) = 'statistics' OR EXISTS (SELECT 1 FROM standings s WHERE s.person_id = results.person_id));
ALTER POLICY cases_read ON cases USING (
    (SELECT walls.system()) = 'statistics' OR EXISTS (SELECT 1 FROM standings s WHERE s.person_id = cases.person_id));
ALTER POLICY attempts_read ON attempts USING (EXISTS (SELECT 1 FROM traces t WHERE t.id = attempts.trace_id));
ALTER POLICY notes_read ON notes USING (EXISTS (SELECT 1 FROM traces t WHERE t.id = notes.trace_id));
DROP FUNCTION may_make_known(bigint, text);
DROP FUNCTION stays_inside(bigint, text, bigint, text, bigint, bigint);
DROP FUNCTION may_reach(text, text, text);
GRANT EXECUTE ON FUNCTION keep_people, keep_cases TO PUBLIC;
REVOKE UPDATE ({CLAIMED}) ON traces FROM ringfence_gate;
REVOKE UPDATE ({WORKED}) ON traces FROM ringfence_app;
REVOKE UPDATE (settled_at, settled_by, settlement) ON quarantines FROM ringfence_app;
GRANT UPDATE ON traces TO ringfence_gate, ringfence_app;
GRANT UPDATE ON quarantines TO ringfence_app;
"""


class Migration(migrations.Migration):
    dependencies = [("casework", "0006_cheap_policies_first"), ("accounts", "0004_roles_by_ticket")]

    operations = [InSchema("casework"), migrations.RunSQL(FORWARDS, BACKWARDS)]
