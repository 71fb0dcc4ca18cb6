"""Events are added, never changed: no role may update or delete them, and the owner is stopped by a trigger."""

from django.db import migrations

from ringfence.base.migration import InSchema

FORWARDS = """
GRANT USAGE ON SCHEMA audit TO ringfence_app, ringfence_worker, ringfence_gate;
GRANT INSERT ON events TO ringfence_app, ringfence_worker, ringfence_gate;
GRANT SELECT ON events TO ringfence_app;

ALTER TABLE events ENABLE ROW LEVEL SECURITY;
ALTER TABLE events FORCE ROW LEVEL SECURITY;
CREATE POLICY events_added ON events FOR INSERT TO ringfence_app, ringfence_worker, ringfence_gate WITH CHECK (true);
CREATE POLICY events_read ON events FOR SELECT TO ringfence_app USING ((SELECT walls.system()) = 'audit');

CREATE FUNCTION events_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are never changed or deleted' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE ON events FOR EACH STATEMENT EXECUTE FUNCTION events_stay();
"""

BACKWARDS = """
DROP TRIGGER events_stay ON audit.events;
DROP FUNCTION audit.events_stay();
DROP POLICY events_added ON audit.events;
DROP POLICY events_read ON audit.events;
ALTER TABLE audit.events NO FORCE ROW LEVEL SECURITY;
ALTER TABLE audit.events DISABLE ROW LEVEL SECURITY;
REVOKE ALL ON audit.events FROM ringfence_app, ringfence_worker, ringfence_gate;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial"), ("accounts", "0002_walls")]

    operations = [InSchema("audit"), migrations.RunSQL(FORWARDS, BACKWARDS)]
