"""How many kinds of trace there are, by owners: the planner multiplies, and would sort a million traces to count them."""

from django.db import migrations

from ringfence.base.migration import InSchema

FORWARDS = """
CREATE STATISTICS traces_kinds (ndistinct) ON authority, team_id, from_team_id, handovers, reached_by_kind FROM traces;
"""


class Migration(migrations.Migration):
    dependencies = [("casework", "0003_handovers_for_policy_and_figures")]

    operations = [InSchema("casework"), migrations.RunSQL(FORWARDS, "DROP STATISTICS casework.traces_kinds")]
