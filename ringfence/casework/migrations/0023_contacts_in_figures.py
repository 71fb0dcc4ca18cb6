"""The figures tell contacts who live with the case from those who do not, so their scope sees which rows say so."""

from django.db import migrations

from ringfence.base.migration import InSchema


class Migration(migrations.Migration):
    dependencies = [("casework", "0022_figures_views_and_digest")]

    operations = [
        InSchema("casework"),
        migrations.RunSQL(
            "CREATE POLICY contacts_statistics ON contacts FOR SELECT TO ringfence_app"
            " USING ((SELECT walls.system()) = 'statistics')",
            "DROP POLICY contacts_statistics ON contacts",
        ),
    ]
