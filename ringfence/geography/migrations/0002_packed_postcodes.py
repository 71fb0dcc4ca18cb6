"""England's postcodes once more, in a form that is read whole."""

import django.contrib.postgres.fields
from django.db import migrations, models

from ringfence.base.migration import InSchema

READERS = "ringfence_app, ringfence_worker, ringfence_lab, ringfence_cli"

FORWARDS = f"""
-- Read whole and at once: compressing them saves little and costs each reader.
ALTER TABLE packed_postcodes ALTER COLUMN codes SET STORAGE EXTERNAL;
ALTER TABLE packed_postcodes ALTER COLUMN numbers SET STORAGE EXTERNAL;
GRANT SELECT ON packed_postcodes TO {READERS};
"""


class Migration(migrations.Migration):
    dependencies = [("geography", "0001_areas_and_postcodes")]

    operations = [
        InSchema("geography"),
        migrations.CreateModel(
            name="PackedPostcodes",
            fields=[
                ("what", models.CharField(max_length=10, primary_key=True, serialize=False)),
                ("fingerprint", models.CharField(max_length=64)),
                ("codes", models.BinaryField()),
                ("numbers", models.BinaryField()),
                ("entries", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
            ],
            options={"db_table": "packed_postcodes", "verbose_name_plural": "packed postcodes"},
        ),
        migrations.RunSQL(FORWARDS, migrations.RunSQL.noop),
    ]
