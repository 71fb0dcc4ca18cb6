"""The agreement, and whether the clock has taken up the latest change: the web changes, the worker takes up."""

from django.db import migrations, models

from ringfence.base.migration import InSchema

FORWARDS = """
REVOKE UPDATE ON partnerships FROM ringfence_app;
GRANT UPDATE (stage, joined_at, agreed_at, agreement, revision) ON partnerships TO ringfence_app;
GRANT UPDATE (applied) ON partnerships TO ringfence_worker;
"""

BACKWARDS = """
REVOKE UPDATE (applied) ON partnerships FROM ringfence_worker;
GRANT UPDATE ON partnerships TO ringfence_app;
"""


class Migration(migrations.Migration):
    dependencies = [("partnerships", "0002_grants")]

    operations = [
        InSchema("partnerships"),
        migrations.AddField("partnership", "agreed_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("partnership", "agreement", models.CharField(blank=True, db_default="", max_length=200)),
        migrations.AddField("partnership", "revision", models.PositiveIntegerField(db_default=0)),
        migrations.AddField("partnership", "applied", models.PositiveIntegerField(db_default=0)),
        migrations.AddConstraint(
            "partnership",
            models.CheckConstraint(
                condition=models.Q(("applied__lte", models.F("revision"))), name="partnership_applied_follows"
            ),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
