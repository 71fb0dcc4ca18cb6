"""A trace follows the person: intake adds the finished ownership, and reads nothing of the others."""

from django.db import migrations, models

from ringfence.base.migration import InSchema

FORWARDS = """
CREATE POLICY handovers_intake ON handovers FOR INSERT TO ringfence_worker
    WITH CHECK ((SELECT walls.system()) = 'intake' AND reason = 'moved');
"""


class Migration(migrations.Migration):
    dependencies = [("casework", "0014_one_call_for_a_household")]

    operations = [
        InSchema("casework"),
        migrations.AlterField(
            model_name="handover",
            name="reason",
            field=models.CharField(
                choices=[
                    ("set_period", "The set period passed"),
                    ("given_back", "Given back"),
                    ("escalated", "Escalated"),
                    ("reassigned", "Reassigned"),
                    ("moved_on", "The national team's tries are used up"),
                    ("moved", "The person moved"),
                ],
                max_length=12,
            ),
        ),
        migrations.RunSQL(FORWARDS, "DROP POLICY handovers_intake ON handovers"),
    ]
