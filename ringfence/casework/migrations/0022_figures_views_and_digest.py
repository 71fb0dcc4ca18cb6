"""Counts of areas by day; how many people a place has; the morning's e-mail to those who answer for an area."""

import django.db.models.deletion
from django.db import migrations, models

from ringfence.base.migration import InSchema

AREAS = "(SELECT walls.areas())::text[]"
ME = "(SELECT walls.user_id())"


def system(name: str) -> str:
    return f"(SELECT walls.system()) = '{name}'"


#: What is counted: scope -> tables of which it reads the rows.
READ = {
    "counting": ("cases", "cases_history", "people", "results", "traces"),
    "digest": ("alerts", "incidents", "incident_actions", "area_days", "digest_choices", "templates", "messages"),
}

FORWARDS = f"""
ALTER TABLE area_days ENABLE ROW LEVEL SECURITY;
ALTER TABLE area_days FORCE ROW LEVEL SECURITY;
ALTER TABLE digest_choices ENABLE ROW LEVEL SECURITY;
ALTER TABLE digest_choices FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE, DELETE ON area_days TO ringfence_worker;
CREATE POLICY area_days_worker ON area_days TO ringfence_worker
    USING ({system("counting")}) WITH CHECK ({system("counting")});
CREATE POLICY marks_counting ON marks TO ringfence_worker
    USING ({system("counting")}) WITH CHECK ({system("counting")});
-- Of one's own areas each count; of others what the queries of the figures' scope add up.
GRANT SELECT ON area_days, marks TO ringfence_app;
CREATE POLICY marks_counted ON marks FOR SELECT TO ringfence_app
    USING (starts_with(key, 'count_') AND cardinality({AREAS}) > 0);
CREATE POLICY area_days_read ON area_days FOR SELECT TO ringfence_app
    USING ({system("statistics")} OR area = ANY ({AREAS}));

GRANT SELECT ON digest_choices, incidents, incident_actions TO ringfence_worker;
GRANT SELECT, INSERT, UPDATE ON digest_choices TO ringfence_app;
GRANT USAGE ON SEQUENCE digest_choices_id_seq TO ringfence_app;
CREATE POLICY digest_choices_own ON digest_choices TO ringfence_app USING (user_id = {ME}) WITH CHECK (user_id = {ME});
CREATE POLICY messages_digest_added ON messages FOR INSERT TO ringfence_worker
    WITH CHECK ({system("digest")} AND reader IS NOT NULL);
CREATE POLICY messages_reader ON messages FOR SELECT TO ringfence_app USING (reader = {ME});

GRANT SELECT ON cases_history TO ringfence_worker;
GRANT UPDATE (size) ON settings TO ringfence_app;
""" + "\n".join(
    f"CREATE POLICY {table}_{scope} ON {table} FOR SELECT TO ringfence_worker USING ("
    + system(scope)
    + (" AND reader IS NOT NULL" if table == "messages" else "")
    + ");"
    for scope, tables in READ.items()
    for table in tables
)

BACKWARDS = """
DROP POLICY marks_counting ON marks;
DROP POLICY marks_counted ON marks;
REVOKE SELECT ON marks FROM ringfence_app;
DROP POLICY messages_digest_added ON messages;
DROP POLICY messages_reader ON messages;
REVOKE SELECT ON incidents, incident_actions, cases_history FROM ringfence_worker;
REVOKE UPDATE (size) ON settings FROM ringfence_app;
""" + "\n".join(f"DROP POLICY {table}_{scope} ON {table};" for scope, tables in READ.items() for table in tables)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_who_holds_a_role"), ("casework", "0021_help_residents_ask_for")]

    operations = [
        InSchema("casework"),
        migrations.CreateModel(
            name="AreaDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "area",
                        "measure",
                        "on_date",
                        "known_on",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("area", models.CharField(max_length=9)),
                ("measure", models.CharField(max_length=30)),
                ("on_date", models.DateField()),
                ("known_on", models.DateField()),
                ("count", models.IntegerField()),
            ],
            options={
                "db_table": "area_days",
                "indexes": [models.Index(fields=["measure", "on_date"], name="area_day_of_measure")],
            },
        ),
        migrations.CreateModel(
            name="DigestChoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user_id", models.BigIntegerField(unique=True)),
                ("wanted", models.BooleanField()),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "digest_choices",
            },
        ),
        migrations.AddField(
            model_name="message",
            name="reader",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="setting",
            name="size",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name="message",
            name="person",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="casework.person",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("reader__isnull", False)), fields=["reader", "-id"], name="message_of_reader"
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("person__isnull", False), ("reader", None)),
                    models.Q(("person", None), ("reader__isnull", False), ("trace", None)),
                    _connector="OR",
                ),
                name="message_to_person_or_reader",
            ),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
