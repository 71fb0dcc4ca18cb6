import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

from ringfence.base.migration import InSchema


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        InSchema("casework"),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ref", models.CharField(max_length=8, unique=True)),
                ("source", models.CharField(max_length=60)),
                ("filename", models.CharField(blank=True, max_length=200)),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.BigIntegerField(default=0)),
                ("encoding", models.CharField(blank=True, max_length=20)),
                ("received_at", models.DateTimeField()),
                ("received_by", models.BigIntegerField(null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("arriving", "Arriving"),
                            ("received", "Received"),
                            ("processing", "Being read"),
                            ("done", "Read"),
                            ("refused", "Refused"),
                        ],
                        default="arriving",
                        max_length=10,
                    ),
                ),
                ("refusal", models.TextField(blank=True)),
                ("rows", models.BigIntegerField(default=0)),
                ("accepted", models.BigIntegerField(default=0)),
                ("duplicate", models.BigIntegerField(default=0)),
                ("quarantined", models.BigIntegerField(default=0)),
                ("positives", models.BigIntegerField(default=0)),
                ("cases_opened", models.BigIntegerField(default=0)),
                ("finished_at", models.DateTimeField(null=True)),
                ("expected_rows", models.BigIntegerField(null=True)),
                ("warnings", models.JSONField(default=list)),
                ("parts", models.PositiveSmallIntegerField(default=1)),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "db_table": "deliveries",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "arriving"), _negated=True),
                        fields=("sha256",),
                        name="delivery_same_bytes_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "done"), _negated=True),
                            (
                                "rows",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("accepted"), "+", models.F("duplicate")
                                    ),
                                    "+",
                                    models.F("quarantined"),
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="delivery_balances",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "refused"), _negated=True),
                            models.Q(("refusal", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="delivery_refused_with_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Person",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("nhs_number", models.CharField(max_length=10, null=True)),
                ("match_key", models.BigIntegerField()),
                ("given_name", models.CharField(max_length=100)),
                ("family_name", models.CharField(max_length=100)),
                ("birth_date", models.DateField()),
                ("sex", models.CharField(max_length=1)),
                ("ethnicity", models.CharField(max_length=60)),
                ("phone", models.CharField(max_length=16)),
                ("phone_other", models.CharField(max_length=16)),
                ("email", models.CharField(max_length=254)),
                ("address", models.CharField(max_length=300)),
                ("postcode", models.CharField(max_length=8)),
                ("gp_postcode", models.CharField(max_length=8)),
                ("care_home", models.BooleanField(db_default=False)),
                ("household", models.BigIntegerField(null=True)),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "people",
                "db_table": "people",
                "indexes": [
                    models.Index(fields=["match_key"], name="person_match_key"),
                    models.Index(
                        condition=models.Q(("nhs_number", None)), fields=["match_key"], name="person_without_number"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("nhs_number",), name="person_nhs_number_once"),
                    models.CheckConstraint(
                        condition=models.Q(("nhs_number__regex", "^\\d{10}$")), name="person_nhs_number_form"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Case",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("episode", models.PositiveSmallIntegerField()),
                ("first_specimen_date", models.DateField()),
                ("last_positive_date", models.DateField()),
                ("onset_date", models.DateField(null=True)),
                ("authority", models.CharField(max_length=9)),
                ("ltla", models.CharField(max_length=9)),
                ("postcode", models.CharField(max_length=8)),
                ("care_home", models.BooleanField(db_default=False)),
                ("opened_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.person"
                    ),
                ),
            ],
            options={
                "db_table": "cases",
            },
        ),
        migrations.CreateModel(
            name="Quarantine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("row_number", models.BigIntegerField()),
                ("field", models.CharField(max_length=40)),
                ("reason", models.CharField(max_length=200)),
                ("raw", models.TextField()),
                ("recorded_at", models.DateTimeField()),
                ("settled_at", models.DateTimeField(null=True)),
                ("settled_by", models.BigIntegerField(null=True)),
                ("settlement", models.CharField(blank=True, max_length=200)),
                (
                    "delivery",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.delivery"
                    ),
                ),
            ],
            options={
                "db_table": "quarantines",
            },
        ),
        migrations.CreateModel(
            name="Result",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("row_number", models.BigIntegerField()),
                ("laboratory", models.CharField(max_length=60)),
                ("specimen_id", models.CharField(max_length=60)),
                ("test_type", models.CharField(max_length=20)),
                (
                    "result",
                    models.CharField(
                        choices=[("positive", "Positive"), ("negative", "Negative"), ("void", "Void")], max_length=8
                    ),
                ),
                ("specimen_date", models.DateField()),
                ("report_date", models.DateField()),
                ("postcode", models.CharField(max_length=8)),
                ("gp_postcode", models.CharField(max_length=8)),
                ("authority", models.CharField(max_length=9)),
                ("sex", models.CharField(max_length=1)),
                ("age", models.SmallIntegerField()),
                ("care_home", models.BooleanField(db_default=False)),
                ("recorded_at", models.DateTimeField()),
                (
                    "case",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="casework.case",
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="casework.delivery",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="casework.person",
                    ),
                ),
            ],
            options={
                "db_table": "results",
            },
        ),
        migrations.CreateModel(
            name="Standing",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "person_id",
                        "area",
                        "why",
                        "from_at",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("area", models.CharField(max_length=9)),
                (
                    "why",
                    models.CharField(
                        choices=[
                            ("lives", "lives there"),
                            ("lived", "lived there when the case opened"),
                            ("contact", "is a contact of its case"),
                            ("handed", "was handed over to it"),
                        ],
                        max_length=8,
                    ),
                ),
                ("from_at", models.DateTimeField()),
                ("until_at", models.DateTimeField(null=True)),
                (
                    "person",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="casework.person",
                    ),
                ),
            ],
            options={
                "db_table": "standings",
            },
        ),
        migrations.CreateModel(
            name="Trace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ref", models.CharField(max_length=8)),
                ("shard", models.PositiveSmallIntegerField()),
                ("reason", models.CharField(choices=[("case", "Case"), ("contact", "Contact")], max_length=8)),
                ("authority", models.CharField(max_length=9)),
                ("area", models.CharField(max_length=9)),
                ("owned_since", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
                ("why", models.CharField(max_length=200)),
                ("priority", models.PositiveSmallIntegerField()),
                ("due_at", models.DateTimeField()),
                ("due_why", models.CharField(max_length=200)),
                ("queued", models.BooleanField()),
                ("ready_at", models.DateTimeField(null=True)),
                ("claimed_by", models.BigIntegerField(null=True)),
                ("claimed_at", models.DateTimeField(null=True)),
                ("phone", models.CharField(max_length=16)),
                ("household", models.BigIntegerField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(db_default=0)),
                ("last_attempt_at", models.DateTimeField(null=True)),
                ("outcome", models.CharField(db_default="", max_length=20)),
                ("reached_at", models.DateTimeField(null=True)),
                ("reached_by_kind", models.CharField(db_default="", max_length=20)),
                ("closed_at", models.DateTimeField(null=True)),
                ("handovers", models.PositiveSmallIntegerField(db_default=0)),
                ("version", models.PositiveIntegerField(db_default=0)),
                (
                    "case",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="casework.case",
                    ),
                ),
                (
                    "from_team",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.team",
                    ),
                ),
                (
                    "national_team",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.team",
                    ),
                ),
                (
                    "passes_to",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.team",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="casework.person",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.team",
                    ),
                ),
            ],
            options={
                "db_table": "traces",
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("user_id", models.BigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("note", "Note"), ("question", "Question"), ("answer", "Answer")], max_length=8
                    ),
                ),
                ("text", models.TextField()),
                (
                    "answers",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to="casework.note"),
                ),
                (
                    "team",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="accounts.team",
                    ),
                ),
                (
                    "to_team",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.team",
                    ),
                ),
                ("trace", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="casework.trace")),
            ],
            options={
                "db_table": "notes",
            },
        ),
        migrations.CreateModel(
            name="Handover",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "trace_id", "seq", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("seq", models.PositiveSmallIntegerField()),
                ("previous", models.SmallIntegerField(null=True)),
                ("since", models.DateTimeField()),
                ("at", models.DateTimeField()),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("set_period", "The set period passed"),
                            ("given_back", "Given back"),
                            ("escalated", "Escalated"),
                            ("reassigned", "Reassigned"),
                            ("moved_on", "The national team's tries are used up"),
                        ],
                        max_length=12,
                    ),
                ),
                ("why", models.CharField(max_length=300)),
                ("user_id", models.BigIntegerField(null=True)),
                ("recorded_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField(null=True)),
                ("seen_by", models.BigIntegerField(null=True)),
                (
                    "from_team",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.team",
                    ),
                ),
                (
                    "to_team",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.team",
                    ),
                ),
                (
                    "trace",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.trace"),
                ),
            ],
            options={
                "db_table": "handovers",
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("user_id", models.BigIntegerField()),
                ("kind", models.CharField(max_length=8)),
                ("outcome", models.CharField(max_length=20)),
                ("number", models.CharField(blank=True, max_length=16)),
                ("seconds", models.PositiveIntegerField(null=True)),
                ("call_back_at", models.DateTimeField(null=True)),
                ("note", models.TextField(blank=True)),
                (
                    "team",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="accounts.team",
                    ),
                ),
                ("trace", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="casework.trace")),
            ],
            options={
                "db_table": "attempts",
            },
        ),
        migrations.CreateModel(
            name="Chunk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("data", models.BinaryField()),
                (
                    "delivery",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="casework.delivery"
                    ),
                ),
            ],
            options={
                "db_table": "delivery_chunks",
                "constraints": [models.UniqueConstraint(fields=("delivery", "number"), name="chunk_in_order")],
            },
        ),
        migrations.CreateModel(
            name="Part",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField()),
                ("next_row", models.BigIntegerField(default=0)),
                ("rows", models.BigIntegerField(default=0)),
                ("accepted", models.BigIntegerField(default=0)),
                ("duplicate", models.BigIntegerField(default=0)),
                ("quarantined", models.BigIntegerField(default=0)),
                ("positives", models.BigIntegerField(default=0)),
                ("cases_opened", models.BigIntegerField(default=0)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "delivery",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="casework.delivery"
                    ),
                ),
            ],
            options={
                "db_table": "delivery_parts",
                "constraints": [
                    models.UniqueConstraint(fields=("delivery", "number"), name="part_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "rows",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("accepted"), "+", models.F("duplicate")
                                    ),
                                    "+",
                                    models.F("quarantined"),
                                ),
                            )
                        ),
                        name="part_balances",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.UniqueConstraint(fields=("person", "episode"), name="case_episode_once"),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.UniqueConstraint(fields=("id", "person"), name="case_of_person"),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=models.Q(("last_positive_date__gte", models.F("first_specimen_date"))),
                name="case_dates_in_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="quarantine",
            constraint=models.UniqueConstraint(fields=("delivery", "row_number"), name="quarantine_row_once"),
        ),
        migrations.AddConstraint(
            model_name="quarantine",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("settled_at", None), ("settled_by", None)),
                    models.Q(("settled_at__isnull", False), ("settled_by__isnull", False)),
                    _connector="OR",
                ),
                name="quarantine_settled_at_by",
            ),
        ),
        migrations.AddIndex(
            model_name="result",
            index=models.Index(condition=models.Q(("person__isnull", False)), fields=["person"], name="result_person"),
        ),
        migrations.AddConstraint(
            model_name="result",
            constraint=models.UniqueConstraint(fields=("laboratory", "specimen_id"), name="result_specimen_once"),
        ),
        migrations.AddConstraint(
            model_name="result",
            constraint=models.CheckConstraint(
                condition=models.Q(("case", None), ("person__isnull", False), _connector="OR"),
                name="result_case_has_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="result",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("result", "positive"), _negated=True), ("case__isnull", False), _connector="OR"
                ),
                name="result_positive_in_case",
            ),
        ),
        migrations.AddConstraint(
            model_name="standing",
            constraint=models.CheckConstraint(
                condition=models.Q(("until_at", None), ("until_at__gte", models.F("from_at")), _connector="OR"),
                name="standing_ends_after_it_begins",
            ),
        ),
        migrations.AddIndex(
            model_name="trace",
            index=models.Index(
                condition=models.Q(("queued", True)),
                fields=["team", "shard", "priority", "due_at", "id"],
                name="trace_queue",
            ),
        ),
        migrations.AddIndex(
            model_name="trace",
            index=models.Index(
                condition=models.Q(("closed_at", None), ("passes_to__isnull", False)),
                fields=["due_at"],
                name="trace_due",
            ),
        ),
        migrations.AddIndex(
            model_name="trace",
            index=models.Index(
                condition=models.Q(("closed_at", None), ("queued", False)),
                fields=["team", "ready_at"],
                name="trace_ready",
            ),
        ),
        migrations.AddIndex(
            model_name="trace",
            index=models.Index(
                condition=models.Q(("claimed_at__isnull", False)), fields=["claimed_by"], name="trace_claimed"
            ),
        ),
        migrations.AddIndex(
            model_name="trace",
            index=models.Index(
                condition=models.Q(("household__isnull", False)), fields=["household"], name="trace_household"
            ),
        ),
        migrations.AddConstraint(
            model_name="trace",
            constraint=models.UniqueConstraint(fields=("ref",), name="trace_ref_once"),
        ),
        migrations.AddConstraint(
            model_name="trace",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at", None)),
                fields=("person", "reason"),
                name="trace_one_open_for_person_and_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="trace",
            constraint=models.UniqueConstraint(
                condition=models.Q(("claimed_by__isnull", False), models.Q(("phone", ""), _negated=True)),
                fields=("phone",),
                name="trace_one_open_call_for_a_phone",
            ),
        ),
        migrations.AddConstraint(
            model_name="trace",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("claimed_at", None), ("claimed_by", None)),
                    models.Q(("claimed_at__isnull", False), ("claimed_by__isnull", False)),
                    _connector="OR",
                ),
                name="trace_claimed_at_by",
            ),
        ),
        migrations.AddConstraint(
            model_name="trace",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("queued", False), models.Q(("claimed_by", None), ("closed_at", None)), _connector="OR"
                ),
                name="trace_queued_is_open_and_free",
            ),
        ),
        migrations.AddConstraint(
            model_name="trace",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("closed_at", None),
                    models.Q(("claimed_by", None), models.Q(("outcome", ""), _negated=True)),
                    _connector="OR",
                ),
                name="trace_closed_with_outcome",
            ),
        ),
        migrations.AddConstraint(
            model_name="trace",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reached_at", None), ("reached_by_kind", "")),
                    models.Q(("reached_at__isnull", False), models.Q(("reached_by_kind", ""), _negated=True)),
                    _connector="OR",
                ),
                name="trace_reached_at_by",
            ),
        ),
        migrations.AddConstraint(
            model_name="trace",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("queued", True), ("closed_at__isnull", False), ("ready_at__isnull", False), _connector="OR"
                ),
                name="trace_open_comes_back",
            ),
        ),
        migrations.AddConstraint(
            model_name="trace",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reason", "case"), _negated=True), ("case__isnull", False), _connector="OR"
                ),
                name="trace_case_has_case",
            ),
        ),
        migrations.AddConstraint(
            model_name="trace",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("passes_to", None), models.Q(("passes_to", models.F("team")), _negated=True), _connector="OR"
                ),
                name="trace_passes_to_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="note",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="note_says_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="note",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answers__isnull", False), ("kind", "answer")),
                    models.Q(models.Q(("kind", "answer"), _negated=True), ("answers", None)),
                    _connector="OR",
                ),
                name="note_answer_has_question",
            ),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("number", ""), _negated=True), fields=["number", "at"], name="attempt_number"
            ),
        ),
        migrations.AddIndex(
            model_name="note",
            index=models.Index(
                condition=models.Q(("to_team__isnull", False)), fields=["to_team", "at"], name="note_question"
            ),
        ),
        migrations.AddConstraint(
            model_name="note",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "question"), ("to_team__isnull", False)),
                    models.Q(models.Q(("kind", "question"), _negated=True), ("to_team", None)),
                    _connector="OR",
                ),
                name="note_question_is_put_to_a_team",
            ),
        ),
        migrations.AddIndex(
            model_name="handover",
            index=models.Index(fields=["from_team", "at"], name="handover_passed_on"),
        ),
        migrations.AddIndex(
            model_name="handover",
            index=models.Index(condition=models.Q(("seen_at", None)), fields=["to_team", "at"], name="handover_notice"),
        ),
        migrations.AddConstraint(
            model_name="handover",
            constraint=models.UniqueConstraint(fields=("trace", "seq", "to_team", "at"), name="handover_chain_end"),
        ),
        migrations.AddConstraint(
            model_name="handover",
            constraint=models.CheckConstraint(
                condition=models.Q(("at__gte", models.F("since"))), name="handover_in_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="handover",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("previous", None), ("seq", 1)),
                    models.Q(
                        (
                            "previous",
                            django.db.models.expressions.CombinedExpression(models.F("seq"), "-", models.Value(1)),
                        ),
                        ("previous__isnull", False),
                        ("seq__gt", 1),
                    ),
                    _connector="OR",
                ),
                name="handover_follows",
            ),
        ),
        migrations.AddConstraint(
            model_name="handover",
            constraint=models.CheckConstraint(
                condition=models.Q(("from_team", models.F("to_team")), _negated=True), name="handover_to_another"
            ),
        ),
        migrations.AddConstraint(
            model_name="handover",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("seen_at", None), ("seen_by", None)),
                    models.Q(("seen_at__isnull", False), ("seen_by__isnull", False)),
                    _connector="OR",
                ),
                name="handover_seen_at_by",
            ),
        ),
    ]
