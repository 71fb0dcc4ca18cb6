"""How far detection has looked is kept where how far the invitations have come is."""

from django.db import migrations

from ringfence.base.migration import InSchema

FORWARDS = """
CREATE POLICY marks_detection ON marks TO ringfence_worker
    USING ((SELECT walls.system()) = 'detection') WITH CHECK ((SELECT walls.system()) = 'detection');
"""


class Migration(migrations.Migration):
    dependencies = [("casework", "0016_undone_reassignments")]

    operations = [InSchema("casework"), migrations.RunSQL(FORWARDS, "DROP POLICY marks_detection ON marks;")]
