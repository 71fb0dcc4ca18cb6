"""On which days of an isolation an authority wants people called again, and where its visitors set out. None, to begin
with; the program before this one records policies without them."""

from django.db import migrations, models

from ringfence.base.migration import InSchema


class Migration(migrations.Migration):
    dependencies = [("partnerships", "0003_agreement_and_revision")]

    operations = [
        InSchema("partnerships"),
        migrations.AddField("policy", "follow_up_days", models.CharField(blank=True, db_default="", max_length=40)),
        migrations.AddField("policy", "visits_from", models.CharField(blank=True, db_default="", max_length=8)),
        migrations.AddConstraint(
            "policy",
            models.CheckConstraint(
                condition=models.Q(("follow_up_days__regex", r"^(([1-9]|1[0-4])(,([1-9]|1[0-4]))*)?$")),
                name="policy_follow_up_days",
            ),
        ),
    ]
