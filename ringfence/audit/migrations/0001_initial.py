import django.db.models.functions.datetime
from django.db import migrations, models

from ringfence.base.migration import InSchema


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        InSchema("audit"),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("user_id", models.BigIntegerField(null=True)),
                ("scope", models.CharField(max_length=20)),
                ("verb", models.CharField(max_length=40)),
                ("opened", models.BooleanField(db_default=False)),
                ("person_id", models.BigIntegerField(null=True)),
                ("trace_id", models.BigIntegerField(null=True)),
                ("team_id", models.BigIntegerField(null=True)),
                ("area", models.CharField(max_length=9, null=True)),
                ("detail", models.JSONField(null=True)),
            ],
            options={
                "db_table": "events",
                "indexes": [
                    models.Index(
                        condition=models.Q(("opened", True)), fields=["person_id", "id"], name="event_by_person"
                    ),
                    models.Index(condition=models.Q(("opened", True)), fields=["user_id", "id"], name="event_by_user"),
                ],
            },
        ),
    ]
