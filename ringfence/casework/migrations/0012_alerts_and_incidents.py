"""Alerts that the methods raise, incidents with what is linked to them, saved views; and their walls."""

import django.db.models.deletion
from django.db import migrations, models

from ringfence.base.migration import InSchema

AREAS = "(SELECT walls.areas())::text[]"
ME = "(SELECT walls.user_id())"
DETECTION = "(SELECT walls.system()) = 'detection'"

#: An incident may be seen by the areas that take part in it.
OF_INCIDENT = "EXISTS (SELECT 1 FROM incidents i WHERE i.id = {table}.incident_id)"

#: table -> (what may be read, what may be added, columns that may be changed)
APP = {
    "alerts": (f"area = ANY ({AREAS})", None, "dismissed_at, dismissed_by, dismissed_why"),
    "alert_cases": ("EXISTS (SELECT 1 FROM alerts a WHERE a.id = alert_cases.alert_id)", None, ""),
    "incident_areas": (
        f"area = ANY ({AREAS}) OR lead = ANY ({AREAS})",
        f"asked_by = {ME} AND lead = ANY ({AREAS})",
        "agreed_at, agreed_by",
    ),
    "incidents": (
        f"area = ANY ({AREAS}) OR EXISTS (SELECT 1 FROM incident_areas x WHERE x.incident_id = incidents.id"
        f" AND x.area = ANY ({AREAS}) AND x.agreed_at IS NOT NULL)",
        f"opened_by = {ME} AND area = ANY ({AREAS})",
        "title, summary, closed_at, closed_by, outcome, version",
    ),
    "incident_cases": (
        OF_INCIDENT.format(table="incident_cases"),
        f"added_by = {ME} AND area = ANY ({AREAS}) AND {OF_INCIDENT.format(table='incident_cases')}"
        " AND EXISTS (SELECT 1 FROM cases c WHERE c.id = incident_cases.case_id)",
        "removed_at, removed_by, removed_why",
    ),
    "incident_settings": (
        OF_INCIDENT.format(table="incident_settings"),
        f"added_by = {ME} AND {OF_INCIDENT.format(table='incident_settings')}",
        "removed_at, removed_by, removed_why",
    ),
    "incident_actions": (
        OF_INCIDENT.format(table="incident_actions"),
        f"user_id = {ME} AND {OF_INCIDENT.format(table='incident_actions')}",
        "done_at, done_by",
    ),
    "saved_views": (f"user_id = {ME}", f"user_id = {ME} AND area = ANY ({AREAS})", "filters, saved_at"),
}

#: What the methods look at.
LOOKED_AT = ("cases", "people", "results", "exposures", "settings")


def forwards() -> str:
    lines = ["GRANT SELECT, INSERT, UPDATE ON alerts, alert_cases TO ringfence_worker;"]
    lines += [f"GRANT USAGE ON SEQUENCE {table}_id_seq TO ringfence_worker;" for table in ("alerts", "alert_cases")]
    for table, (read, added, changed) in APP.items():
        lines.append(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; ALTER TABLE {table} FORCE ROW LEVEL SECURITY;")
        lines.append(f"GRANT SELECT ON {table} TO ringfence_app;")
        lines.append(f"CREATE POLICY {table}_app_read ON {table} FOR SELECT TO ringfence_app USING ({read});")
        if added:
            lines.append(
                f"GRANT INSERT ON {table} TO ringfence_app; GRANT USAGE ON SEQUENCE {table}_id_seq TO ringfence_app;"
            )
            lines.append(
                f"CREATE POLICY {table}_app_added ON {table} FOR INSERT TO ringfence_app WITH CHECK ({added});"
            )
        if changed:
            lines.append(f"GRANT UPDATE ({changed}) ON {table} TO ringfence_app;")
            lines.append(f"CREATE POLICY {table}_app_changed ON {table} FOR UPDATE TO ringfence_app USING ({read});")
    lines.append("GRANT DELETE ON saved_views TO ringfence_app;")
    lines.append(
        f"CREATE POLICY saved_views_app_dropped ON saved_views FOR DELETE TO ringfence_app USING (user_id = {ME});"
    )
    for table in ("alerts", "alert_cases"):
        lines.append(
            f"CREATE POLICY {table}_worker ON {table} TO ringfence_worker USING ({DETECTION}) WITH CHECK ({DETECTION});"
        )
    lines += [
        f"CREATE POLICY {table}_detection ON {table} FOR SELECT TO ringfence_worker USING ({DETECTION});"
        for table in LOOKED_AT
    ]
    return "\n".join(lines)


BACKWARDS = "\n".join(
    [
        *(f"DROP POLICY {table}_detection ON {table};" for table in LOOKED_AT),
        *(f"DROP POLICY {table}_worker ON {table};" for table in ("alerts", "alert_cases")),
        "DROP POLICY saved_views_app_dropped ON saved_views;",
        *(
            f"DROP POLICY IF EXISTS {table}_app_{kind} ON {table};"
            for table in reversed(APP)
            for kind in ("changed", "added", "read")
        ),
    ]
)


class Migration(migrations.Migration):
    dependencies = [
        ("casework", "0011_sending_messages"),
    ]

    operations = [
        InSchema("casework"),
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ref", models.CharField(max_length=8, unique=True)),
                ("key", models.CharField(max_length=120, unique=True)),
                (
                    "method",
                    models.CharField(
                        choices=[
                            ("exposure", "Common exposure"),
                            ("coincidence", "Same postcode"),
                            ("scan", "Space-time scan"),
                            ("exceedance", "More cases than expected"),
                        ],
                        max_length=11,
                    ),
                ),
                ("area", models.CharField(max_length=9)),
                ("postcode", models.CharField(db_default="", max_length=8)),
                ("category", models.CharField(db_default="", max_length=20)),
                ("start", models.DateField()),
                ("end", models.DateField()),
                ("found_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("cases", models.PositiveIntegerField()),
                ("households", models.PositiveIntegerField(null=True)),
                ("observed", models.FloatField(null=True)),
                ("expected", models.FloatField(null=True)),
                ("score", models.FloatField(null=True)),
                ("p_value", models.FloatField(null=True)),
                ("recurrence_days", models.FloatField(null=True)),
                ("false_alarms", models.FloatField(null=True)),
                ("rank", models.FloatField()),
                ("evidence", models.TextField()),
                ("detail", models.JSONField(default=dict)),
                ("dismissed_at", models.DateTimeField(null=True)),
                ("dismissed_by", models.BigIntegerField(null=True)),
                ("dismissed_why", models.CharField(db_default="", max_length=200)),
            ],
            options={
                "db_table": "alerts",
            },
        ),
        migrations.CreateModel(
            name="AlertCase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("added_at", models.DateTimeField()),
            ],
            options={
                "db_table": "alert_cases",
            },
        ),
        migrations.CreateModel(
            name="Incident",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ref", models.CharField(max_length=8, unique=True)),
                ("title", models.CharField(max_length=120)),
                ("summary", models.TextField(db_default="")),
                ("area", models.CharField(max_length=9)),
                ("postcode", models.CharField(db_default="", max_length=8)),
                ("opened_at", models.DateTimeField()),
                ("opened_by", models.BigIntegerField()),
                ("closed_at", models.DateTimeField(null=True)),
                ("closed_by", models.BigIntegerField(null=True)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("over", "Over: no linked case for 14 days"),
                            ("no_outbreak", "Not an outbreak"),
                            ("handed_on", "Handed to the health protection team"),
                            ("joined", "Joined with another incident"),
                        ],
                        db_default="",
                        max_length=12,
                    ),
                ),
                ("version", models.PositiveIntegerField(db_default=0)),
            ],
            options={
                "db_table": "incidents",
            },
        ),
        migrations.CreateModel(
            name="IncidentAction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("what", models.TextField()),
                ("owner", models.CharField(db_default="", max_length=100)),
                ("due_on", models.DateField(null=True)),
                ("at", models.DateTimeField()),
                ("user_id", models.BigIntegerField()),
                ("done_at", models.DateTimeField(null=True)),
                ("done_by", models.BigIntegerField(null=True)),
            ],
            options={
                "db_table": "incident_actions",
            },
        ),
        migrations.CreateModel(
            name="IncidentArea",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("area", models.CharField(max_length=9)),
                ("lead", models.CharField(max_length=9)),
                ("asked_at", models.DateTimeField()),
                ("asked_by", models.BigIntegerField()),
                ("agreed_at", models.DateTimeField(null=True)),
                ("agreed_by", models.BigIntegerField(null=True)),
            ],
            options={
                "db_table": "incident_areas",
            },
        ),
        migrations.CreateModel(
            name="IncidentCase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("area", models.CharField(max_length=9)),
                ("why", models.CharField(max_length=200)),
                ("added_at", models.DateTimeField()),
                ("added_by", models.BigIntegerField()),
                ("removed_at", models.DateTimeField(null=True)),
                ("removed_by", models.BigIntegerField(null=True)),
                ("removed_why", models.CharField(db_default="", max_length=200)),
            ],
            options={
                "db_table": "incident_cases",
            },
        ),
        migrations.CreateModel(
            name="IncidentSetting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("why", models.CharField(max_length=200)),
                ("added_at", models.DateTimeField()),
                ("added_by", models.BigIntegerField()),
                ("removed_at", models.DateTimeField(null=True)),
                ("removed_by", models.BigIntegerField(null=True)),
                ("removed_why", models.CharField(db_default="", max_length=200)),
            ],
            options={
                "db_table": "incident_settings",
            },
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user_id", models.BigIntegerField()),
                ("area", models.CharField(max_length=9)),
                ("name", models.CharField(max_length=60)),
                ("filters", models.JSONField(default=dict)),
                ("saved_at", models.DateTimeField()),
            ],
            options={
                "db_table": "saved_views",
            },
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["authority", "first_specimen_date"], name="case_in_area"),
        ),
        migrations.AddField(
            model_name="alert",
            name="setting",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="casework.setting"
            ),
        ),
        migrations.AddField(
            model_name="alertcase",
            name="alert",
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to="casework.alert"),
        ),
        migrations.AddField(
            model_name="alertcase",
            name="case",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.case"
            ),
        ),
        migrations.AddField(
            model_name="incident",
            name="alert",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="casework.alert"
            ),
        ),
        migrations.AddField(
            model_name="incident",
            name="setting",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="casework.setting"
            ),
        ),
        migrations.AddField(
            model_name="incidentaction",
            name="incident",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="casework.incident"),
        ),
        migrations.AddField(
            model_name="incidentarea",
            name="incident",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.incident"
            ),
        ),
        migrations.AddField(
            model_name="incidentcase",
            name="case",
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.case"),
        ),
        migrations.AddField(
            model_name="incidentcase",
            name="incident",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.incident"
            ),
        ),
        migrations.AddField(
            model_name="incidentsetting",
            name="incident",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.incident"
            ),
        ),
        migrations.AddField(
            model_name="incidentsetting",
            name="setting",
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.setting"),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(fields=("user_id", "area", "name"), name="saved_view_once"),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(condition=models.Q(("ended_at", None)), fields=["area", "-rank"], name="alert_list"),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(("end__gte", models.F("start"))), name="alert_days_in_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(("evidence", ""), _negated=True), name="alert_says_why"
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("dismissed_at", None), ("dismissed_by", None)),
                    models.Q(
                        ("dismissed_at__isnull", False),
                        ("dismissed_by__isnull", False),
                        models.Q(("dismissed_why", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="alert_dismissed_at_by_why",
            ),
        ),
        migrations.AddIndex(
            model_name="alertcase",
            index=models.Index(fields=["case"], name="alert_of_case"),
        ),
        migrations.AddConstraint(
            model_name="alertcase",
            constraint=models.UniqueConstraint(fields=("alert", "case"), name="alert_case_once"),
        ),
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(fields=["area", "-opened_at"], name="incident_of_area"),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(("title", ""), _negated=True), name="incident_has_a_title"
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at", None), ("closed_by", None), ("outcome", "")),
                    models.Q(
                        ("closed_at__isnull", False),
                        ("closed_by__isnull", False),
                        models.Q(("outcome", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="incident_closed_at_by_outcome",
            ),
        ),
        migrations.AddConstraint(
            model_name="incidentaction",
            constraint=models.CheckConstraint(
                condition=models.Q(("what", ""), _negated=True), name="incident_action_says_what"
            ),
        ),
        migrations.AddConstraint(
            model_name="incidentaction",
            constraint=models.CheckConstraint(
                condition=models.Q(("due_on", None), models.Q(("owner", ""), _negated=True), _connector="OR"),
                name="incident_action_has_owner",
            ),
        ),
        migrations.AddConstraint(
            model_name="incidentaction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("done_at", None), ("done_by", None)),
                    models.Q(("done_at__isnull", False), ("done_by__isnull", False)),
                    _connector="OR",
                ),
                name="incident_action_done_at_by",
            ),
        ),
        migrations.AddIndex(
            model_name="incidentarea",
            index=models.Index(fields=["area"], name="incident_area_of"),
        ),
        migrations.AddConstraint(
            model_name="incidentarea",
            constraint=models.UniqueConstraint(fields=("incident", "area"), name="incident_area_once"),
        ),
        migrations.AddConstraint(
            model_name="incidentarea",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("agreed_at", None), ("agreed_by", None)),
                    models.Q(("agreed_at__isnull", False), ("agreed_by__isnull", False)),
                    _connector="OR",
                ),
                name="incident_area_agreed_at_by",
            ),
        ),
        migrations.AddIndex(
            model_name="incidentcase",
            index=models.Index(fields=["case"], name="incident_of_case"),
        ),
        migrations.AddConstraint(
            model_name="incidentcase",
            constraint=models.UniqueConstraint(
                condition=models.Q(("removed_at", None)), fields=("incident", "case"), name="incident_case_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="incidentcase",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("removed_at", None), ("removed_by", None)),
                    models.Q(
                        ("removed_at__isnull", False),
                        ("removed_by__isnull", False),
                        models.Q(("removed_why", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="incident_case_removed_at_by_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="incidentcase",
            constraint=models.CheckConstraint(
                condition=models.Q(("why", ""), _negated=True), name="incident_case_added_with_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="incidentsetting",
            constraint=models.UniqueConstraint(
                condition=models.Q(("removed_at", None)), fields=("incident", "setting"), name="incident_setting_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="incidentsetting",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("removed_at", None), ("removed_by", None)),
                    models.Q(
                        ("removed_at__isnull", False),
                        ("removed_by__isnull", False),
                        models.Q(("removed_why", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="incident_setting_removed_at_by_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="incidentsetting",
            constraint=models.CheckConstraint(
                condition=models.Q(("why", ""), _negated=True), name="incident_setting_added_with_reason"
            ),
        ),
        migrations.RunSQL(forwards(), BACKWARDS),
    ]
