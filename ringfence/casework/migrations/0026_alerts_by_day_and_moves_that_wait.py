"""Alerts as they stood day by day; moves that wait for a call to end; incidents of several authorities by e-mail."""

import django.db.models.deletion
from django.db import migrations, models

from ringfence.base.migration import InSchema

#: What an alert says of itself, as it is kept by day.
SAID = (
    'updated_at, ended_at, dismissed_at, dismissed_why, start, "end", cases, households, expected, p_value,'
    " recurrence_days, false_alarms, rank, evidence"
)
AGAIN = ", ".join(f"{name} = excluded.{name}" for name in [*SAID.split(", "), "place"])


def said(of: str) -> str:
    return ", ".join(f"{of}.{name}" for name in SAID.split(", ")) + f", coalesce({of}.detail->>'place', '')"


FORWARDS = f"""
-- The day is that of the verb that changed it; of several changes in one day the last one stays.
CREATE FUNCTION keep_alerts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = casework, pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO alert_days (alert_id, on_date, {SAID}, place)
    SELECT n.id, (greatest(n.updated_at, n.ended_at, n.dismissed_at) AT TIME ZONE 'Europe/London')::date, {said("n")}
    FROM new_rows n
    ON CONFLICT (alert_id, on_date) DO UPDATE SET {AGAIN};
    RETURN NULL;
END $$;
-- Most looks find what stands as it was.
CREATE FUNCTION keep_changed_alerts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = casework, pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO alert_days (alert_id, on_date, {SAID}, place)
    SELECT n.id, (greatest(n.updated_at, n.ended_at, n.dismissed_at) AT TIME ZONE 'Europe/London')::date, {said("n")}
    FROM new_rows n JOIN old_rows o ON o.id = n.id
    WHERE to_jsonb(n) - 'updated_at' IS DISTINCT FROM to_jsonb(o) - 'updated_at'
    ON CONFLICT (alert_id, on_date) DO UPDATE SET {AGAIN};
    RETURN NULL;
END $$;
CREATE TRIGGER keep_alerts AFTER INSERT ON alerts REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_alerts();
CREATE TRIGGER keep_changed_alerts AFTER UPDATE ON alerts REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_changed_alerts();

-- Here, and not by Django at the end, when the wall hides the alerts from whoever checks it.
ALTER TABLE alert_days ADD CONSTRAINT alert_day_of_its_alert FOREIGN KEY (alert_id) REFERENCES alerts ON DELETE CASCADE;

-- What there is already is known as it stands now, and not as it stood before. The wall stops the owner too.
ALTER TABLE alerts NO FORCE ROW LEVEL SECURITY;
INSERT INTO alert_days (alert_id, on_date, {SAID}, place)
    SELECT a.id, (now() AT TIME ZONE 'Europe/London')::date, {said("a")} FROM alerts a;
ALTER TABLE alerts FORCE ROW LEVEL SECURITY;

ALTER TABLE alert_days ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert_days FORCE ROW LEVEL SECURITY;
GRANT SELECT ON alert_days TO ringfence_app;
CREATE POLICY alert_days_app_read ON alert_days FOR SELECT TO ringfence_app
    USING (EXISTS (SELECT 1 FROM alerts a WHERE a.id = alert_days.alert_id));
GRANT SELECT, INSERT, UPDATE ON alert_days TO ringfence_gate;
CREATE POLICY alert_days_gate ON alert_days TO ringfence_gate USING (true) WITH CHECK (true);
GRANT CREATE ON SCHEMA casework TO ringfence_gate;
ALTER FUNCTION keep_alerts OWNER TO ringfence_gate;
ALTER FUNCTION keep_changed_alerts OWNER TO ringfence_gate;
REVOKE CREATE ON SCHEMA casework FROM ringfence_gate;
REVOKE ALL ON FUNCTION keep_alerts, keep_changed_alerts FROM PUBLIC;

ALTER TABLE moves_due ENABLE ROW LEVEL SECURITY;
ALTER TABLE moves_due FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON moves_due TO ringfence_worker;
CREATE POLICY moves_due_worker ON moves_due TO ringfence_worker
    USING ((SELECT walls.system()) = ANY ('{{intake,sweep}}')) WITH CHECK ((SELECT walls.system()) = ANY ('{{intake,sweep}}'));

GRANT SELECT ON incident_areas TO ringfence_worker;
CREATE POLICY incident_areas_digest ON incident_areas FOR SELECT TO ringfence_worker
    USING ((SELECT walls.system()) = 'digest');
"""

BACKWARDS = """
DROP POLICY incident_areas_digest ON incident_areas;
REVOKE SELECT ON incident_areas FROM ringfence_worker;
DROP TRIGGER keep_changed_alerts ON alerts;
DROP TRIGGER keep_alerts ON alerts;
DROP FUNCTION keep_changed_alerts();
DROP FUNCTION keep_alerts();
"""


class Migration(migrations.Migration):
    dependencies = [("casework", "0025_help_without_a_kind")]

    operations = [
        InSchema("casework"),
        migrations.CreateModel(
            name="MoveDue",
            fields=[
                (
                    "trace",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        serialize=False,
                        to="casework.trace",
                    ),
                ),
                ("authority", models.CharField(max_length=9)),
                ("why", models.CharField(max_length=300)),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "moves_due",
            },
        ),
        migrations.CreateModel(
            name="AlertDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "alert_id", "on_date", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("on_date", models.DateField()),
                ("updated_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("dismissed_at", models.DateTimeField(null=True)),
                ("dismissed_why", models.CharField(max_length=200)),
                ("start", models.DateField()),
                ("end", models.DateField()),
                ("cases", models.IntegerField()),
                ("households", models.IntegerField(null=True)),
                ("expected", models.FloatField(null=True)),
                ("p_value", models.FloatField(null=True)),
                ("recurrence_days", models.FloatField(null=True)),
                ("false_alarms", models.FloatField(null=True)),
                ("rank", models.FloatField()),
                ("evidence", models.TextField()),
                ("place", models.TextField()),
                (
                    "alert",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="casework.alert",
                    ),
                ),
            ],
            options={
                "db_table": "alert_days",
            },
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
