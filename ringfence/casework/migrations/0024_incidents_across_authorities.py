"""Incidents across authorities: asked with a reason, agreed by the one that is asked, ended by either; and what that lets see."""

from django.db import migrations, models
from django.db.models import F, Q

from ringfence.base.migration import InSchema

AREAS = "(SELECT walls.areas())::text[]"
ME = "(SELECT walls.user_id())"
OF_INCIDENT = "EXISTS (SELECT 1 FROM incidents i WHERE i.id = incident_cases.incident_id{more})"
TAKES_PART = (
    f"EXISTS (SELECT 1 FROM incident_areas x WHERE x.incident_id = incidents.id AND x.area = ANY ({AREAS})"
    " AND x.agreed_at IS NOT NULL{more})"
)
SEEN = f"area = ANY ({AREAS}) OR {TAKES_PART.format(more=' AND x.ended_at IS NULL')}"

FORWARDS = f"""
-- Only the authority whose incident it is can ask another into it.
ALTER TABLE incident_areas ADD CONSTRAINT incident_area_of_its_lead
    FOREIGN KEY (incident_id, lead) REFERENCES incidents (id, area);

GRANT UPDATE (ended_at, ended_by, ended_why) ON incident_areas TO ringfence_app;
ALTER POLICY incident_areas_app_added ON incident_areas WITH CHECK (
    asked_by = {ME} AND lead = ANY ({AREAS}) AND agreed_at IS NULL AND ended_at IS NULL);
-- Nobody agrees for another authority, and what has ended stays so.
ALTER POLICY incident_areas_app_changed ON incident_areas
    USING (ended_at IS NULL AND (area = ANY ({AREAS}) OR lead = ANY ({AREAS})))
    WITH CHECK (area = ANY ({AREAS}) OR (lead = ANY ({AREAS}) AND (agreed_at IS NULL OR ended_at IS NOT NULL)));

ALTER POLICY incidents_app_read ON incidents USING ({SEEN});
ALTER POLICY incidents_app_changed ON incidents USING ({SEEN}) WITH CHECK (area = ANY ({AREAS}) OR closed_at IS NULL);
ALTER POLICY incident_cases_app_changed ON incident_cases USING (
    {OF_INCIDENT.format(more="")} AND (area = ANY ({AREAS}) OR {OF_INCIDENT.format(more=f" AND i.area = ANY ({AREAS})")}));

-- Of the cases of an incident those who take part in it learn the reference, the day and the outcome, whosesoever they are.
CREATE FUNCTION cases_of_incident(p_incident bigint)
RETURNS TABLE (case_id bigint, ref varchar, day date, outcome varchar)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = casework, pg_catalog, pg_temp AS $$
DECLARE
    mine text[] := walls.areas();
BEGIN
    RETURN QUERY
        SELECT n.case_id, t.ref, coalesce(c.onset_date, c.first_specimen_date), t.outcome
        FROM incidents i JOIN incident_cases n ON n.incident_id = i.id AND n.removed_at IS NULL
        JOIN cases c ON c.id = n.case_id LEFT JOIN traces t ON t.case_id = c.id AND t.reason = 'case'
        WHERE i.id = p_incident AND (i.area = ANY (mine) OR EXISTS (
            SELECT 1 FROM incident_areas x WHERE x.incident_id = i.id AND x.area = ANY (mine)
                AND x.agreed_at IS NOT NULL AND x.ended_at IS NULL));
END $$;
GRANT SELECT ON incidents, incident_areas, incident_cases TO ringfence_gate;
CREATE POLICY incidents_gate ON incidents FOR SELECT TO ringfence_gate USING (true);
CREATE POLICY incident_areas_gate ON incident_areas FOR SELECT TO ringfence_gate USING (true);
CREATE POLICY incident_cases_gate ON incident_cases FOR SELECT TO ringfence_gate USING (true);
GRANT CREATE ON SCHEMA casework TO ringfence_gate;
ALTER FUNCTION cases_of_incident OWNER TO ringfence_gate;
REVOKE CREATE ON SCHEMA casework FROM ringfence_gate;
REVOKE ALL ON FUNCTION cases_of_incident FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cases_of_incident TO ringfence_app;
"""

BACKWARDS = f"""
DROP FUNCTION cases_of_incident(bigint);
DROP POLICY incident_cases_gate ON incident_cases;
DROP POLICY incident_areas_gate ON incident_areas;
DROP POLICY incidents_gate ON incidents;
REVOKE SELECT ON incidents, incident_areas, incident_cases FROM ringfence_gate;
ALTER POLICY incident_cases_app_changed ON incident_cases USING ({OF_INCIDENT.format(more="")});
ALTER POLICY incidents_app_changed ON incidents USING (area = ANY ({AREAS}) OR {TAKES_PART.format(more="")})
    WITH CHECK (area = ANY ({AREAS}) OR {TAKES_PART.format(more="")});
ALTER POLICY incidents_app_read ON incidents USING (area = ANY ({AREAS}) OR {TAKES_PART.format(more="")});
ALTER POLICY incident_areas_app_changed ON incident_areas USING (area = ANY ({AREAS}) OR lead = ANY ({AREAS}))
    WITH CHECK (area = ANY ({AREAS}) OR lead = ANY ({AREAS}));
ALTER POLICY incident_areas_app_added ON incident_areas WITH CHECK (asked_by = {ME} AND lead = ANY ({AREAS}));
REVOKE UPDATE (ended_at, ended_by, ended_why) ON incident_areas FROM ringfence_app;
ALTER TABLE incident_areas DROP CONSTRAINT incident_area_of_its_lead;
"""


class Migration(migrations.Migration):
    dependencies = [("casework", "0023_contacts_in_figures")]

    operations = [
        InSchema("casework"),
        migrations.AddField(
            "incidentarea",
            "why",
            models.CharField(max_length=200, default="Asked before reasons were kept."),
            preserve_default=False,
        ),
        migrations.AddField("incidentarea", "ended_at", models.DateTimeField(null=True)),
        migrations.AddField("incidentarea", "ended_by", models.BigIntegerField(null=True)),
        migrations.AddField("incidentarea", "ended_why", models.CharField(max_length=200, db_default="")),
        migrations.RemoveConstraint("incidentarea", "incident_area_once"),
        migrations.AddConstraint(
            "incidentarea",
            models.UniqueConstraint(fields=["incident", "area"], condition=Q(ended_at=None), name="incident_area_once"),
        ),
        migrations.AddConstraint(
            "incidentarea",
            models.CheckConstraint(condition=~Q(area=F("lead")), name="incident_area_is_not_the_lead"),
        ),
        migrations.AddConstraint(
            "incidentarea", models.CheckConstraint(condition=~Q(why=""), name="incident_area_asked_with_reason")
        ),
        migrations.AddConstraint(
            "incidentarea",
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None)
                | (Q(ended_at__isnull=False, ended_by__isnull=False) & ~Q(ended_why="")),
                name="incident_area_ended_at_by_why",
            ),
        ),
        migrations.AddConstraint(
            "incident", models.UniqueConstraint(fields=["id", "area"], name="incident_with_its_area")
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
