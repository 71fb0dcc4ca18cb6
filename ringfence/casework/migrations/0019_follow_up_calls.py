"""Follow-up calls are found by the person: those planned before, and the isolation that is running."""

from django.db import migrations, models

from ringfence.base.migration import InSchema


class Migration(migrations.Migration):
    dependencies = [("casework", "0018_what_became_of_contacts")]

    operations = [
        InSchema("casework"),
        migrations.AddIndex(
            "trace",
            models.Index(fields=["person"], name="trace_follow_up", condition=models.Q(reason="followup")),
        ),
        migrations.AddIndex(
            "isolation",
            models.Index(fields=["person"], name="isolation_of_person", condition=models.Q(superseded_at=None)),
        ),
    ]
