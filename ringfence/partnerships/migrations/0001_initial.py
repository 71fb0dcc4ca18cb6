import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from ringfence.base.migration import InSchema


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("geography", "0001_areas_and_postcodes"),
    ]

    operations = [
        InSchema("partnerships"),
        migrations.CreateModel(
            name="ServiceRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("from_date", models.DateField(unique=True)),
                ("policy", models.CharField(max_length=60)),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("recorded_by", models.BigIntegerField(null=True)),
            ],
            options={
                "db_table": "service_rules",
                "ordering": ["from_date"],
            },
        ),
        migrations.CreateModel(
            name="Partnership",
            fields=[
                (
                    "area",
                    models.OneToOneField(
                        db_column="area",
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        serialize=False,
                        to="geography.area",
                    ),
                ),
                (
                    "stage",
                    models.CharField(
                        choices=[("offered", "Offered"), ("agreed", "Agreed"), ("live", "Live")],
                        default="offered",
                        max_length=10,
                    ),
                ),
                ("joined_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "db_table": "partnerships",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("joined_at", None), ("stage", "offered")),
                            ("stage", "agreed"),
                            models.Q(("joined_at__isnull", False), ("stage", "live")),
                            _connector="OR",
                        ),
                        name="partnership_live_since",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Policy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("from_at", models.DateTimeField()),
                (
                    "model",
                    models.CharField(
                        choices=[
                            ("national_only", "National only"),
                            ("timed", "Timed hand-over"),
                            ("local_first", "Local first"),
                        ],
                        max_length=20,
                    ),
                ),
                ("set_period_hours", models.PositiveSmallIntegerField()),
                (
                    "contacts_by",
                    models.CharField(choices=[("national", "National team"), ("local", "Local team")], max_length=10),
                ),
                ("working_days", models.CharField(max_length=7)),
                ("opens", models.TimeField()),
                ("closes", models.TimeField()),
                ("bank_holidays", models.BooleanField(help_text="The local team works on bank holidays.")),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("recorded_by", models.BigIntegerField(null=True)),
                (
                    "area",
                    models.ForeignKey(
                        db_column="area",
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="geography.area",
                    ),
                ),
            ],
            options={
                "db_table": "policies",
                "ordering": ["area", "from_at", "recorded_at"],
                "constraints": [
                    models.UniqueConstraint(fields=("area", "from_at", "recorded_at"), name="policy_dated"),
                    models.CheckConstraint(
                        condition=models.Q(("set_period_hours__gte", 1), ("set_period_hours__lte", 336)),
                        name="policy_set_period",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("working_days__regex", "^[YN]{7}$")), name="policy_working_days"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("working_days__contains", "Y")), name="policy_works_some_day"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("closes__gt", models.F("opens"))), name="policy_closes_after_it_opens"
                    ),
                ],
            },
        ),
    ]
