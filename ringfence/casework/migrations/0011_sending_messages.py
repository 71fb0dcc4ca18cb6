"""How far the invitations have come, and indexes for sending, receipts and the outbox."""

import django.db.models.deletion
from django.db import migrations, models

from ringfence.base.migration import InSchema

FORWARDS = """
GRANT SELECT, INSERT, UPDATE ON marks TO ringfence_worker;
ALTER TABLE marks ENABLE ROW LEVEL SECURITY;
ALTER TABLE marks FORCE ROW LEVEL SECURITY;
CREATE POLICY marks_worker ON marks TO ringfence_worker
    USING ((SELECT walls.system()) = 'messages') WITH CHECK ((SELECT walls.system()) = 'messages');
"""

BACKWARDS = "DROP POLICY marks_worker ON marks;"


class Migration(migrations.Migration):
    dependencies = [("casework", "0010_search")]

    operations = [
        InSchema("casework"),
        migrations.CreateModel(
            name="Mark",
            fields=[
                ("key", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("through", models.BigIntegerField()),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "marks",
            },
        ),
        migrations.RemoveIndex(
            model_name="message",
            name="message_by_provider",
        ),
        migrations.AlterField(
            model_name="message",
            name="trace",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="casework.trace",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("error", ""), ("state", "sent"), models.Q(("provider_ref", ""), _negated=True)),
                fields=["send_after"],
                name="message_receipt_due",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["team", "-id"], name="message_of_team"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["trace", "id"], name="message_of_trace"),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
