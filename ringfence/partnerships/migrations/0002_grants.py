"""Who reads and who writes the partnerships. Policies are added, never changed."""

from django.db import migrations

from ringfence.base.migration import InSchema

FORWARDS = """
GRANT USAGE ON SCHEMA partnerships TO ringfence_app, ringfence_worker;
GRANT SELECT, INSERT, UPDATE ON partnerships TO ringfence_app;
GRANT SELECT, INSERT ON policies, service_rules TO ringfence_app;
GRANT SELECT ON partnerships, policies, service_rules TO ringfence_worker;
"""

BACKWARDS = """
REVOKE ALL ON partnerships.partnerships, partnerships.policies, partnerships.service_rules
    FROM ringfence_app, ringfence_worker;
"""


class Migration(migrations.Migration):
    dependencies = [("partnerships", "0001_initial"), ("accounts", "0002_walls")]

    operations = [InSchema("partnerships"), migrations.RunSQL(FORWARDS, BACKWARDS)]
