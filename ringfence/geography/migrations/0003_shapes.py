"""Shapes to draw an authority and its postcode sectors with, and how many people live in each."""

import django.db.models.deletion
from django.db import migrations, models

from ringfence.base.migration import InSchema

# A page may keep what it worked out from the postcodes, and never touch what an authority gave.
FORWARDS = """
GRANT SELECT, INSERT, DELETE ON shapes TO ringfence_app, ringfence_worker;
ALTER TABLE shapes ENABLE ROW LEVEL SECURITY;
ALTER TABLE shapes FORCE ROW LEVEL SECURITY;
CREATE POLICY shapes_made ON shapes FOR INSERT TO ringfence_app WITH CHECK (NOT given);
CREATE POLICY shapes_stale ON shapes FOR DELETE TO ringfence_app USING (NOT given);
CREATE POLICY shapes_worker ON shapes TO ringfence_worker USING (true) WITH CHECK (true);
CREATE POLICY shapes_zz_read ON shapes FOR SELECT TO ringfence_app USING (true);
"""

BACKWARDS = """
DROP POLICY shapes_made ON shapes;
DROP POLICY shapes_stale ON shapes;
DROP POLICY shapes_worker ON shapes;
DROP POLICY shapes_zz_read ON shapes;
"""


class Migration(migrations.Migration):
    dependencies = [("geography", "0002_packed_postcodes")]

    operations = [
        InSchema("geography"),
        migrations.CreateModel(
            name="Shape",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("level", models.CharField(max_length=9, choices=[("authority", "Authority"), ("sector", "Sector")])),
                ("code", models.CharField(max_length=9)),
                ("given", models.BooleanField()),
                ("rings", models.JSONField(null=True)),
                ("cells", models.JSONField(null=True)),
                ("population", models.FloatField(null=True)),
                ("source", models.CharField(max_length=200)),
                ("fingerprint", models.CharField(max_length=64)),
                (
                    "authority",
                    models.ForeignKey(
                        db_column="authority",
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="geography.area",
                    ),
                ),
            ],
            options={
                "db_table": "shapes",
                "constraints": [
                    models.UniqueConstraint(fields=["authority", "level", "code", "given"], name="shape_once"),
                    models.CheckConstraint(condition=models.Q(population__gte=0), name="shape_population"),
                    models.CheckConstraint(
                        condition=models.Q(level="sector") | models.Q(level="authority", code=models.F("authority")),
                        name="shape_level",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
