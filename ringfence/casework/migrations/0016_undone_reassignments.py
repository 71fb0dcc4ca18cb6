"""A team may take back what it reassigned: the history then says so, and the trace names teams that have had it alone."""

from django.db import migrations, models

from ringfence.base.migration import InSchema

STAYS = """
CREATE OR REPLACE FUNCTION stays_inside(
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
        AND NOT EXISTS (SELECT 1 FROM handovers h WHERE h.trace_id = p_trace AND {had})
    THEN
        RETURN false;
    END IF;
    RETURN p_passes_to IS NULL OR EXISTS (
        SELECT 1 FROM teams k WHERE k.id = p_passes_to AND k.kind = 'local' AND k.area IN (p_authority, p_area));
END $$;
"""

FORWARDS = (
    STAYS.replace("{had}", "p_from IN (h.from_team_id, h.to_team_id)")
    + """
-- Whether the hand-over before this one was a reassignment by a team of the ticket's holder, which this one takes back.
CREATE FUNCTION takes_back(p_trace bigint, p_previous bigint, p_from bigint, p_to bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = casework, pg_catalog, pg_temp AS $$
BEGIN
    RETURN p_to = ANY (walls.teams()) AND EXISTS (
        SELECT 1 FROM handovers h WHERE h.trace_id = p_trace AND h.seq = p_previous AND h.reason = 'reassigned'
            AND h.from_team_id = p_to AND h.to_team_id = p_from);
END $$;
REVOKE ALL ON FUNCTION takes_back FROM PUBLIC;
GRANT EXECUTE ON FUNCTION takes_back TO ringfence_app;

DROP POLICY handovers_added ON handovers;
CREATE POLICY handovers_added ON handovers FOR INSERT TO ringfence_app WITH CHECK (
    user_id = (SELECT walls.user_id())
    AND (from_team_id = ANY ((SELECT walls.teams())::bigint[])
        OR (reason = 'undone' AND takes_back(trace_id, previous, from_team_id, to_team_id)))
    AND EXISTS (SELECT 1 FROM traces t WHERE t.id = handovers.trace_id));
"""
)

BACKWARDS = (
    "SET LOCAL search_path = casework, public;"
    + STAYS.replace("{had}", "h.from_team_id = p_from")
    + """
DROP POLICY handovers_added ON handovers;
CREATE POLICY handovers_added ON handovers FOR INSERT TO ringfence_app WITH CHECK (
    user_id = (SELECT walls.user_id()) AND from_team_id = ANY ((SELECT walls.teams())::bigint[])
    AND EXISTS (SELECT 1 FROM traces t WHERE t.id = handovers.trace_id));
DROP FUNCTION takes_back(bigint, bigint, bigint, bigint);
"""
)


class Migration(migrations.Migration):
    dependencies = [("casework", "0015_moves")]

    operations = [
        InSchema("casework"),
        migrations.RunSQL(FORWARDS, BACKWARDS),
        migrations.AlterField(
            model_name="handover",
            name="reason",
            field=models.CharField(
                choices=[
                    ("set_period", "The set period passed"),
                    ("given_back", "Given back"),
                    ("escalated", "Escalated"),
                    ("reassigned", "Reassigned"),
                    ("undone", "A reassignment was undone"),
                    ("moved_on", "The national team's tries are used up"),
                    ("moved", "The person moved"),
                ],
                max_length=12,
            ),
        ),
    ]
