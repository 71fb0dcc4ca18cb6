"""How each source writes its line lists; and nobody opens the same unnumbered person twice at the same moment."""

from django.db import migrations, models
from django.db.models import Q

from ringfence.base.migration import InSchema

FORWARDS = """
GRANT SELECT, INSERT, UPDATE ON sources TO ringfence_worker;
GRANT SELECT ON sources TO ringfence_app;
ALTER TABLE sources ENABLE ROW LEVEL SECURITY;
ALTER TABLE sources FORCE ROW LEVEL SECURITY;
CREATE POLICY sources_worker ON sources TO ringfence_worker
    USING ((SELECT walls.system()) = ANY ('{intake,reconcile}'))
    WITH CHECK ((SELECT walls.system()) = ANY ('{intake,reconcile}'));
CREATE POLICY sources_read ON sources FOR SELECT TO ringfence_app USING ((SELECT walls.system()) = 'deliveries');
"""

BACKWARDS = """
DROP POLICY sources_worker ON sources;
DROP POLICY sources_read ON sources;
"""


class Migration(migrations.Migration):
    dependencies = [("casework", "0004_kinds_of_trace")]

    operations = [
        InSchema("casework"),
        migrations.CreateModel(
            name="Source",
            fields=[
                ("name", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("headers", models.JSONField(default=dict)),
                ("results", models.JSONField(default=dict)),
                ("month_first", models.BooleanField(default=False)),
                ("updated_at", models.DateTimeField()),
                ("updated_by", models.BigIntegerField(null=True)),
            ],
            options={"db_table": "sources"},
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
        migrations.AddConstraint(
            model_name="person",
            constraint=models.UniqueConstraint(
                fields=["match_key"],
                condition=Q(nhs_number=None) & ~Q(match_key=0),
                name="person_unnumbered_once",
            ),
        ),
    ]
