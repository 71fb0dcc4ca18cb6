"""Hand-overs are read where a changed policy is taken up (was it given back?) and for the figures; neither adds any."""

from django.db import migrations

from ringfence.base.migration import InSchema

FORWARDS = """
CREATE POLICY handovers_policy ON handovers FOR SELECT TO ringfence_worker USING ((SELECT walls.system()) = 'policy');
CREATE POLICY handovers_figures ON handovers FOR SELECT TO ringfence_app USING ((SELECT walls.system()) = 'statistics');
"""

BACKWARDS = """
DROP POLICY handovers_policy ON handovers;
DROP POLICY handovers_figures ON handovers;
"""


class Migration(migrations.Migration):
    dependencies = [("casework", "0002_walls")]

    operations = [InSchema("casework"), migrations.RunSQL(FORWARDS, BACKWARDS)]
