"""A membership may be taken back before it began: it then ends as it begins."""

from django.db import migrations, models

from ringfence.base.migration import InSchema


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_walls")]

    operations = [
        InSchema("accounts"),
        migrations.RemoveConstraint("membership", "membership_ends_after_it_begins"),
        migrations.AddConstraint(
            "membership",
            models.CheckConstraint(
                condition=models.Q(("until_at", None), ("until_at__gte", models.F("from_at")), _connector="OR"),
                name="membership_ends_after_it_begins",
            ),
        ),
    ]
