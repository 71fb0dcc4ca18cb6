"""Events are told under a ticket, by whom the ticket names, at the time of the database; and the table is not emptied."""

from django.db import migrations

from ringfence.base.migration import InSchema

TOLD = "at, user_id, scope, verb, opened, person_id, trace_id, team_id, area, detail"

FORWARDS = f"""
REVOKE INSERT ON events FROM ringfence_app, ringfence_worker, ringfence_gate;
GRANT INSERT ({TOLD}) ON events TO ringfence_app, ringfence_worker, ringfence_gate;

DROP POLICY events_added ON events;
-- A system scope (user 0) may act for a person; a person acts for nobody else; without a ticket nothing is told.
CREATE POLICY events_added ON events FOR INSERT TO ringfence_app, ringfence_worker
    WITH CHECK ((SELECT walls.user_id()) IN (0, user_id));
-- The gate has read the ticket itself.
CREATE POLICY events_gate ON events FOR INSERT TO ringfence_gate WITH CHECK (true);

CREATE TRIGGER events_not_emptied BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION events_stay();
"""

BACKWARDS = f"""
DROP TRIGGER events_not_emptied ON events;
DROP POLICY events_gate ON events;
DROP POLICY events_added ON events;
CREATE POLICY events_added ON events FOR INSERT TO ringfence_app, ringfence_worker, ringfence_gate WITH CHECK (true);
REVOKE INSERT ({TOLD}) ON events FROM ringfence_app, ringfence_worker, ringfence_gate;
GRANT INSERT ON events TO ringfence_app, ringfence_worker, ringfence_gate;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only"), ("accounts", "0004_roles_by_ticket")]

    operations = [InSchema("audit"), migrations.RunSQL(FORWARDS, BACKWARDS)]
