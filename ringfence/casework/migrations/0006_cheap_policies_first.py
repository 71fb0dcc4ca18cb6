"""Of several policies for reading PostgreSQL tries the one whose name comes last first: let that be the cheap one."""

from django.db import migrations

from ringfence.base.migration import InSchema


class Migration(migrations.Migration):
    dependencies = [("casework", "0005_sources")]

    operations = [
        InSchema("casework"),
        migrations.RunSQL(
            "ALTER POLICY handovers_figures ON handovers RENAME TO handovers_statistics",
            "ALTER POLICY handovers_statistics ON handovers RENAME TO handovers_figures",
        ),
    ]
