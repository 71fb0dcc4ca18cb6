import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now

from ringfence.base.migration import InSchema

READERS = "ringfence_app, ringfence_worker, ringfence_lab, ringfence_cli"

# Written by hand: Django would add a second index on the text key, which 2.7 million rows would pay for at each load.
POSTCODES = """
CREATE TABLE postcodes (
    code varchar(8) NOT NULL,
    area varchar(9),
    easting integer,
    northing integer,
    terminated date,
    CONSTRAINT postcodes_pkey PRIMARY KEY (code),
    CONSTRAINT postcodes_area_fkey FOREIGN KEY (area) REFERENCES areas (code)
);
CREATE INDEX postcodes_by_area ON postcodes (area);
"""


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []

    operations = [
        InSchema("geography"),
        migrations.CreateModel(
            name="Load",
            fields=[
                ("what", models.CharField(max_length=10, primary_key=True, serialize=False)),
                ("source", models.CharField(max_length=200)),
                ("fingerprint", models.CharField(max_length=64)),
                ("rows", models.IntegerField()),
                ("seconds", models.FloatField()),
                ("loaded_at", models.DateTimeField(db_default=Now())),
            ],
            options={"db_table": "loads"},
        ),
        migrations.CreateModel(
            name="Area",
            fields=[
                ("code", models.CharField(max_length=9, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=80)),
                (
                    "kind",
                    models.CharField(
                        max_length=12,
                        choices=[
                            ("unitary", "Unitary authority"),
                            ("metropolitan", "Metropolitan district"),
                            ("london", "London borough"),
                            ("district", "District"),
                            ("county", "County council"),
                            ("council", "Authority outside England"),
                            ("region", "Region"),
                            ("nation", "Nation"),
                        ],
                    ),
                ),
                ("lower_tier", models.BooleanField(help_text="A lower-tier authority (LTLA) of England.")),
                (
                    "upper_tier",
                    models.BooleanField(
                        help_text="An upper-tier authority (UTLA) of England: it holds the public-health duty."
                    ),
                ),
                ("opened", models.DateField(null=True)),
                ("closed", models.DateField(null=True)),
                ("population", models.IntegerField(null=True, help_text="Residents of all ages.")),
                ("population_year", models.SmallIntegerField(null=True, help_text="The middle of this year.")),
                ("easting", models.IntegerField(null=True)),
                ("northing", models.IntegerField(null=True)),
                ("upper_q", models.SmallIntegerField(null=True)),
                ("upper_r", models.SmallIntegerField(null=True)),
                ("lower_q", models.SmallIntegerField(null=True)),
                ("lower_r", models.SmallIntegerField(null=True)),
            ],
            options={
                "db_table": "areas",
                "ordering": ["name", "code"],
                "indexes": [models.Index(fields=["name"], name="area_by_name")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(closed=None)
                        | models.Q(opened=None)
                        | models.Q(closed__gt=models.F("opened")),
                        name="area_dates",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            kind__in=["unitary", "metropolitan", "london"], lower_tier=True, upper_tier=True
                        )
                        | models.Q(kind="district", lower_tier=True, upper_tier=False)
                        | models.Q(kind="county", lower_tier=False, upper_tier=True)
                        | models.Q(kind__in=["council", "region", "nation"], lower_tier=False, upper_tier=False),
                        name="area_tiers",
                    ),
                    models.UniqueConstraint(fields=["upper_q", "upper_r"], name="area_upper_cell"),
                    models.UniqueConstraint(fields=["lower_q", "lower_r"], name="area_lower_cell"),
                ],
            },
        ),
        migrations.CreateModel(
            name="AreaParent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateField(null=True)),
                ("until", models.DateField(null=True)),
                (
                    "child",
                    models.ForeignKey(
                        db_column="child",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parents",
                        to="geography.area",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        db_column="parent",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="children",
                        to="geography.area",
                    ),
                ),
            ],
            options={
                "db_table": "area_parents",
                "constraints": [
                    models.UniqueConstraint(
                        fields=["child", "parent", "since"], name="parent_once", nulls_distinct=False
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AreaSuccessor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("on", models.DateField()),
                ("share", models.DecimalField(max_digits=5, decimal_places=4)),
                (
                    "old",
                    models.ForeignKey(
                        db_column="old",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="successors",
                        to="geography.area",
                    ),
                ),
                (
                    "new",
                    models.ForeignKey(
                        db_column="new",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="predecessors",
                        to="geography.area",
                    ),
                ),
            ],
            options={
                "db_table": "area_successors",
                "constraints": [
                    models.UniqueConstraint(fields=["old", "new"], name="successor_once"),
                    models.CheckConstraint(
                        condition=models.Q(share__gt=0) & models.Q(share__lte=1), name="successor_share"
                    ),
                ],
            },
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(POSTCODES, "DROP TABLE postcodes")],
            state_operations=[
                migrations.CreateModel(
                    name="Postcode",
                    fields=[
                        (
                            "code",
                            models.CharField(
                                max_length=8, primary_key=True, serialize=False, help_text="Canonical: 'LE5 4PW'."
                            ),
                        ),
                        ("easting", models.IntegerField(null=True)),
                        ("northing", models.IntegerField(null=True)),
                        (
                            "terminated",
                            models.DateField(
                                null=True, help_text="Month in which it fell out of use, where the source says so."
                            ),
                        ),
                        (
                            "area",
                            models.ForeignKey(
                                db_column="area",
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                to="geography.area",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "postcodes",
                        "indexes": [models.Index(fields=["area"], name="postcodes_by_area")],
                    },
                )
            ],
        ),
        migrations.RunSQL(
            f"GRANT USAGE ON SCHEMA geography TO {READERS};"
            f"GRANT SELECT ON areas, area_parents, area_successors, postcodes, loads TO {READERS}",
            migrations.RunSQL.noop,
        ),
    ]
