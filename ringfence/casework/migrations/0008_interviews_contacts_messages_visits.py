"""Interviews, contacts, places, isolation, messages, links, visits, and leads' changes to many: the tables and their keys."""

import django.db.models.deletion
from django.db import migrations, models

from ringfence.base.migration import InSchema

FORWARDS = """
-- The columns of people and of its history stay in step.
ALTER TABLE people_history ALTER COLUMN birth_date DROP NOT NULL;
ALTER TABLE people_history ADD COLUMN adult boolean;
ALTER TABLE people_history ADD COLUMN language varchar(40) NOT NULL DEFAULT '';

-- A contact row, a place and an answer name the case, the person and the trace that belong together.
ALTER TABLE contacts ADD CONSTRAINT contact_of_its_case
    FOREIGN KEY (case_id, case_person_id) REFERENCES cases (id, person_id);
ALTER TABLE contacts ADD CONSTRAINT contact_became_own_case
    FOREIGN KEY (became_case_id, person_id) REFERENCES cases (id, person_id);
ALTER TABLE exposures ADD CONSTRAINT exposure_of_its_case
    FOREIGN KEY (case_id, person_id) REFERENCES cases (id, person_id);
ALTER TABLE interviews ADD CONSTRAINT interview_of_trace UNIQUE (id, trace_id);
ALTER TABLE answers ADD CONSTRAINT answer_of_its_interview
    FOREIGN KEY (interview_id, trace_id) REFERENCES interviews (id, trace_id);
"""

BACKWARDS = """
ALTER TABLE answers DROP CONSTRAINT answer_of_its_interview;
ALTER TABLE interviews DROP CONSTRAINT interview_of_trace;
ALTER TABLE exposures DROP CONSTRAINT exposure_of_its_case;
ALTER TABLE contacts DROP CONSTRAINT contact_became_own_case;
ALTER TABLE contacts DROP CONSTRAINT contact_of_its_case;
ALTER TABLE people_history DROP COLUMN language;
ALTER TABLE people_history DROP COLUMN adult;
UPDATE people_history SET birth_date = '1900-01-01' WHERE birth_date IS NULL;
ALTER TABLE people_history ALTER COLUMN birth_date SET NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_roles_by_ticket"),
        ("casework", "0007_narrower_walls"),
    ]

    operations = [
        InSchema("casework"),
        migrations.CreateModel(
            name="Answer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("question", models.CharField(max_length=40)),
                ("value", models.JSONField(null=True)),
                ("at", models.DateTimeField()),
                ("user_id", models.BigIntegerField(null=True)),
                ("source", models.CharField(choices=[("tracer", "Tracer"), ("resident", "Resident")], max_length=8)),
            ],
            options={
                "db_table": "answers",
            },
        ),
        migrations.CreateModel(
            name="BulkChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ref", models.CharField(max_length=8, unique=True)),
                ("at", models.DateTimeField()),
                ("user_id", models.BigIntegerField()),
                ("what", models.CharField(max_length=12)),
                ("detail", models.JSONField(default=dict)),
                ("traces", models.PositiveIntegerField()),
                ("before", models.JSONField(default=list)),
                ("undone_at", models.DateTimeField(null=True)),
                ("undone_by", models.BigIntegerField(null=True)),
            ],
            options={
                "db_table": "bulk_changes",
            },
        ),
        migrations.CreateModel(
            name="Contact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entry", models.CharField(max_length=40)),
                ("relation", models.CharField(max_length=12)),
                ("household", models.BooleanField(db_default=False)),
                ("last_contact", models.DateField()),
                ("exemptions", models.CharField(db_default="", max_length=80)),
                ("identified_at", models.DateTimeField()),
                ("source", models.CharField(max_length=8)),
                ("spoken_for_at", models.DateTimeField(null=True)),
                ("became_case_at", models.DateTimeField(null=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                ("withdrawn_why", models.CharField(db_default="", max_length=200)),
            ],
            options={
                "db_table": "contacts",
            },
        ),
        migrations.CreateModel(
            name="Detail",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("phone", "Phone number"), ("email", "Email"), ("address", "Address")], max_length=8
                    ),
                ),
                ("value", models.CharField(max_length=300)),
                ("source", models.CharField(max_length=120)),
                ("added_at", models.DateTimeField()),
                ("added_by", models.BigIntegerField()),
                ("wrong_at", models.DateTimeField(null=True)),
                ("wrong_by", models.BigIntegerField(null=True)),
            ],
            options={
                "db_table": "details",
            },
        ),
        migrations.CreateModel(
            name="Exposure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entry", models.CharField(max_length=40)),
                ("place", models.CharField(db_default="", max_length=200)),
                ("postcode", models.CharField(db_default="", max_length=8)),
                ("category", models.CharField(max_length=20)),
                ("from_date", models.DateField()),
                ("until_date", models.DateField()),
                (
                    "window",
                    models.CharField(
                        choices=[
                            ("backward", "Backward"),
                            ("infectious", "Infectious"),
                            ("both", "Both"),
                            ("outside", "Outside"),
                        ],
                        max_length=10,
                    ),
                ),
                ("source", models.CharField(max_length=8)),
                ("recorded_at", models.DateTimeField()),
                ("recorded_by", models.BigIntegerField(null=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "exposures",
            },
        ),
        migrations.CreateModel(
            name="Interview",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField()),
                ("started_by", models.BigIntegerField(null=True)),
                ("updated_at", models.DateTimeField()),
                ("completed_at", models.DateTimeField(null=True)),
                ("completed_by", models.BigIntegerField(null=True)),
                ("resident_at", models.DateTimeField(null=True)),
                ("resident_completed_at", models.DateTimeField(null=True)),
                ("version", models.PositiveIntegerField(db_default=0)),
                ("latest", models.BigIntegerField(db_default=0)),
                ("taken_up", models.BigIntegerField(db_default=0)),
            ],
            options={
                "db_table": "interviews",
            },
        ),
        migrations.CreateModel(
            name="Isolation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day_0", models.DateField()),
                ("from_date", models.DateField(null=True)),
                ("until_date", models.DateField(null=True)),
                ("policy", models.CharField(max_length=60)),
                ("why", models.CharField(max_length=300)),
                ("because", models.CharField(db_default="", max_length=200)),
                ("computed_at", models.DateTimeField()),
                ("superseded_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "isolations",
            },
        ),
        migrations.CreateModel(
            name="Link",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("purpose", models.CharField(max_length=12)),
                ("token_hash", models.BinaryField(max_length=32, unique=True)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("tries", models.PositiveSmallIntegerField(db_default=0)),
                ("locked_until", models.DateTimeField(null=True)),
                ("session_hash", models.BinaryField(max_length=32, null=True, unique=True)),
                ("session_until", models.DateTimeField(null=True)),
                ("entered_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("raised_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "links",
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ref", models.CharField(max_length=36, unique=True)),
                ("key", models.CharField(max_length=80, unique=True)),
                (
                    "channel",
                    models.CharField(
                        choices=[("text", "Text message"), ("email", "Email"), ("letter", "Letter")], max_length=6
                    ),
                ),
                ("language", models.CharField(max_length=8)),
                ("to", models.CharField(max_length=400)),
                ("values", models.JSONField(default=dict)),
                ("subject", models.CharField(db_default="", max_length=200)),
                ("body", models.TextField(db_default="")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("sending", "Being sent"),
                            ("sent", "Sent"),
                            ("delivered", "Delivered"),
                            ("failed", "Could not be delivered"),
                            ("cancelled", "Not sent"),
                        ],
                        max_length=9,
                    ),
                ),
                ("state_at", models.DateTimeField()),
                ("send_after", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
                ("created_by", models.BigIntegerField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("received_at", models.DateTimeField(null=True)),
                ("tries", models.PositiveSmallIntegerField(db_default=0)),
                ("error", models.CharField(db_default="", max_length=200)),
                ("provider_ref", models.CharField(db_default="", max_length=64)),
            ],
            options={
                "db_table": "messages",
            },
        ),
        migrations.CreateModel(
            name="OptOut",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=6)),
                ("address", models.CharField(max_length=254)),
                ("at", models.DateTimeField()),
                ("user_id", models.BigIntegerField(null=True)),
                ("why", models.CharField(db_default="", max_length=200)),
            ],
            options={
                "db_table": "opt_outs",
            },
        ),
        migrations.CreateModel(
            name="Questionnaire",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.CharField(
                        choices=[("case", "Case"), ("contact", "Contact"), ("followup", "Follow-up")], max_length=8
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("from_at", models.DateTimeField()),
                ("title", models.CharField(max_length=100)),
                ("body", models.JSONField()),
                ("recorded_at", models.DateTimeField()),
                ("recorded_by", models.BigIntegerField(null=True)),
            ],
            options={
                "db_table": "questionnaires",
            },
        ),
        migrations.CreateModel(
            name="Referral",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("food", "Food"),
                            ("medicine", "Medicine"),
                            ("money", "Money"),
                            ("care", "Looking after somebody"),
                            ("language", "Interpreter"),
                            ("other", "Something else"),
                        ],
                        max_length=8,
                    ),
                ),
                ("note", models.CharField(max_length=500)),
                ("area", models.CharField(max_length=9)),
                ("at", models.DateTimeField()),
                ("user_id", models.BigIntegerField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("done_by", models.BigIntegerField(null=True)),
            ],
            options={
                "db_table": "referrals",
            },
        ),
        migrations.CreateModel(
            name="Setting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ref", models.CharField(max_length=8, unique=True)),
                ("kind", models.CharField(max_length=12)),
                ("name", models.CharField(max_length=120)),
                ("name_key", models.CharField(max_length=120)),
                ("address", models.CharField(db_default="", max_length=300)),
                ("postcode", models.CharField(db_default="", max_length=8)),
                ("authority", models.CharField(db_default="", max_length=9)),
                ("ltla", models.CharField(db_default="", max_length=9)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.BigIntegerField(null=True)),
                ("merged_at", models.DateTimeField(null=True)),
                ("merged_by", models.BigIntegerField(null=True)),
            ],
            options={
                "db_table": "settings",
            },
        ),
        migrations.CreateModel(
            name="Template",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=30)),
                ("channel", models.CharField(max_length=6)),
                ("language", models.CharField(max_length=8)),
                ("version", models.PositiveIntegerField()),
                ("from_at", models.DateTimeField()),
                ("subject", models.CharField(db_default="", max_length=200)),
                ("body", models.TextField()),
                ("recorded_at", models.DateTimeField()),
                ("recorded_by", models.BigIntegerField(null=True)),
            ],
            options={
                "db_table": "templates",
            },
        ),
        migrations.CreateModel(
            name="Visit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("on_date", models.DateField()),
                ("visitor", models.BigIntegerField(null=True)),
                ("place", models.PositiveSmallIntegerField(null=True)),
                ("planned_at", models.DateTimeField()),
                ("planned_by", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[("planned", "Planned"), ("done", "Done"), ("cancelled", "Cancelled")],
                        db_default="planned",
                        max_length=9,
                    ),
                ),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "visits",
            },
        ),
        migrations.AddField(
            model_name="attempt",
            name="client_key",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="attempt",
            name="through",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="casework.attempt"
            ),
        ),
        migrations.AddField(
            model_name="person",
            name="adult",
            field=models.BooleanField(null=True),
        ),
        migrations.AddField(
            model_name="person",
            name="language",
            field=models.CharField(db_default="", max_length=40),
        ),
        migrations.AlterField(
            model_name="person",
            name="birth_date",
            field=models.DateField(null=True),
        ),
        migrations.AlterField(
            model_name="trace",
            name="reason",
            field=models.CharField(
                choices=[("case", "Case"), ("contact", "Contact"), ("followup", "Follow-up")], max_length=8
            ),
        ),
        migrations.AddConstraint(
            model_name="attempt",
            constraint=models.UniqueConstraint(
                condition=models.Q(("client_key__isnull", False)), fields=("client_key",), name="attempt_sent_once"
            ),
        ),
        migrations.AddField(
            model_name="answer",
            name="team",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="accounts.team",
            ),
        ),
        migrations.AddField(
            model_name="answer",
            name="trace",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.trace"
            ),
        ),
        migrations.AddField(
            model_name="bulkchange",
            name="team",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="accounts.team"
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="became_case",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="casework.case",
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="case",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.case"
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="case_person",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="casework.person",
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="person",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="casework.person"
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="trace",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="casework.trace"
            ),
        ),
        migrations.AddField(
            model_name="detail",
            name="person",
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.person"),
        ),
        migrations.AddField(
            model_name="detail",
            name="team",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="accounts.team"
            ),
        ),
        migrations.AddField(
            model_name="exposure",
            name="case",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.case"
            ),
        ),
        migrations.AddField(
            model_name="exposure",
            name="person",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.person"
            ),
        ),
        migrations.AddField(
            model_name="interview",
            name="trace",
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, to="casework.trace"),
        ),
        migrations.AddField(
            model_name="answer",
            name="interview",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.interview"
            ),
        ),
        migrations.AddField(
            model_name="isolation",
            name="person",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.person"
            ),
        ),
        migrations.AddField(
            model_name="isolation",
            name="trace",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.trace"
            ),
        ),
        migrations.AddField(
            model_name="link",
            name="trace",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="casework.trace"),
        ),
        migrations.AddField(
            model_name="message",
            name="person",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.person"
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="team",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="accounts.team",
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="trace",
            field=models.ForeignKey(
                db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="casework.trace"
            ),
        ),
        migrations.AddField(
            model_name="optout",
            name="person",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.person"
            ),
        ),
        migrations.AddConstraint(
            model_name="questionnaire",
            constraint=models.UniqueConstraint(fields=("key", "version"), name="questionnaire_version_once"),
        ),
        migrations.AddConstraint(
            model_name="questionnaire",
            constraint=models.CheckConstraint(
                condition=models.Q(("version__gte", 1)), name="questionnaire_version_counts_from_one"
            ),
        ),
        migrations.AddField(
            model_name="interview",
            name="questionnaire",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.questionnaire"
            ),
        ),
        migrations.AddField(
            model_name="referral",
            name="person",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.person"
            ),
        ),
        migrations.AddField(
            model_name="referral",
            name="team",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="accounts.team",
            ),
        ),
        migrations.AddField(
            model_name="referral",
            name="trace",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="casework.trace"),
        ),
        migrations.AddField(
            model_name="setting",
            name="merged_into",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="casework.setting"
            ),
        ),
        migrations.AddField(
            model_name="exposure",
            name="setting",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="casework.setting"
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="setting",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="casework.setting"
            ),
        ),
        migrations.AddConstraint(
            model_name="template",
            constraint=models.UniqueConstraint(
                fields=("key", "channel", "language", "version"), name="template_version_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="template",
            constraint=models.CheckConstraint(
                condition=models.Q(("body", ""), _negated=True), name="template_says_something"
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="template",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.template"
            ),
        ),
        migrations.AddField(
            model_name="visit",
            name="attempt",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="casework.attempt"
            ),
        ),
        migrations.AddField(
            model_name="visit",
            name="person",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.person"
            ),
        ),
        migrations.AddField(
            model_name="visit",
            name="team",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="accounts.team"
            ),
        ),
        migrations.AddField(
            model_name="visit",
            name="trace",
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="casework.trace"),
        ),
        migrations.AddIndex(
            model_name="bulkchange",
            index=models.Index(fields=["team", "-at"], name="bulk_change_of_team"),
        ),
        migrations.AddConstraint(
            model_name="bulkchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("undone_at", None), ("undone_by", None)),
                    models.Q(("undone_at__isnull", False), ("undone_by__isnull", False)),
                    _connector="OR",
                ),
                name="bulk_change_undone_at_by",
            ),
        ),
        migrations.AddConstraint(
            model_name="detail",
            constraint=models.UniqueConstraint(fields=("person", "kind", "value"), name="detail_once"),
        ),
        migrations.AddConstraint(
            model_name="detail",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("wrong_at", None), ("wrong_by", None)),
                    models.Q(("wrong_at__isnull", False), ("wrong_by__isnull", False)),
                    _connector="OR",
                ),
                name="detail_wrong_at_by",
            ),
        ),
        migrations.AddIndex(
            model_name="answer",
            index=models.Index(fields=["interview", "question", "-id"], name="answer_latest"),
        ),
        migrations.AddConstraint(
            model_name="answer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("source", "resident"), ("team", None), ("user_id", None)),
                    models.Q(("source", "tracer"), ("team__isnull", False), ("user_id__isnull", False)),
                    _connector="OR",
                ),
                name="answer_given_by_somebody",
            ),
        ),
        migrations.AddIndex(
            model_name="isolation",
            index=models.Index(fields=["trace", "computed_at"], name="isolation_of_trace"),
        ),
        migrations.AddIndex(
            model_name="isolation",
            index=models.Index(
                condition=models.Q(("superseded_at", None)), fields=["until_date"], name="isolation_running"
            ),
        ),
        migrations.AddConstraint(
            model_name="isolation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("superseded_at", None)), fields=("trace",), name="isolation_one_for_a_trace"
            ),
        ),
        migrations.AddConstraint(
            model_name="isolation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("from_date", None), ("until_date", None)),
                    models.Q(
                        ("from_date__isnull", False),
                        ("until_date__gte", models.F("from_date")),
                        ("until_date__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="isolation_days_in_order",
            ),
        ),
        migrations.AddIndex(
            model_name="link",
            index=models.Index(
                condition=models.Q(("entered_at__isnull", False), ("finished_at", None), ("raised_at", None)),
                fields=["entered_at"],
                name="link_begun",
            ),
        ),
        migrations.AddConstraint(
            model_name="optout",
            constraint=models.UniqueConstraint(fields=("channel", "address"), name="opt_out_once"),
        ),
        migrations.AddIndex(
            model_name="interview",
            index=models.Index(
                condition=models.Q(("latest__gt", models.F("taken_up"))),
                fields=["updated_at"],
                name="interview_to_take_up",
            ),
        ),
        migrations.AddConstraint(
            model_name="interview",
            constraint=models.CheckConstraint(
                condition=models.Q(("taken_up__lte", models.F("latest"))), name="interview_taken_up_follows"
            ),
        ),
        migrations.AddIndex(
            model_name="referral",
            index=models.Index(condition=models.Q(("done_at", None)), fields=["area", "at"], name="referral_open"),
        ),
        migrations.AddConstraint(
            model_name="referral",
            constraint=models.UniqueConstraint(fields=("trace", "kind"), name="referral_once"),
        ),
        migrations.AddConstraint(
            model_name="referral",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("done_at", None), ("done_by", None)),
                    models.Q(("done_at__isnull", False), ("done_by__isnull", False)),
                    _connector="OR",
                ),
                name="referral_done_at_by",
            ),
        ),
        migrations.AddIndex(
            model_name="setting",
            index=models.Index(fields=["authority", "name_key"], name="setting_in_authority"),
        ),
        migrations.AddIndex(
            model_name="setting",
            index=models.Index(
                condition=models.Q(("merged_into__isnull", False)), fields=["merged_into"], name="setting_merged"
            ),
        ),
        migrations.AddConstraint(
            model_name="setting",
            constraint=models.UniqueConstraint(
                condition=models.Q(("merged_into", None), models.Q(("postcode", ""), _negated=True)),
                fields=("postcode", "name_key", "kind"),
                name="setting_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="setting",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("merged_at", None), ("merged_into", None)),
                    models.Q(("merged_at__isnull", False), ("merged_into__isnull", False)),
                    _connector="OR",
                ),
                name="setting_merged_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="setting",
            constraint=models.CheckConstraint(
                condition=models.Q(("merged_into", models.F("id")), _negated=True), name="setting_merged_into_another"
            ),
        ),
        migrations.AddIndex(
            model_name="exposure",
            index=models.Index(fields=["postcode", "category", "from_date"], name="exposure_at_postcode"),
        ),
        migrations.AddIndex(
            model_name="exposure",
            index=models.Index(
                condition=models.Q(("setting__isnull", False)),
                fields=["setting", "from_date"],
                name="exposure_at_setting",
            ),
        ),
        migrations.AddConstraint(
            model_name="exposure",
            constraint=models.UniqueConstraint(fields=("case", "entry"), name="exposure_once"),
        ),
        migrations.AddConstraint(
            model_name="exposure",
            constraint=models.CheckConstraint(
                condition=models.Q(("until_date__gte", models.F("from_date"))), name="exposure_days_in_order"
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(fields=["person"], name="contact_person"),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(condition=models.Q(("trace__isnull", False)), fields=["trace"], name="contact_trace"),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(fields=["case_person"], name="contact_case_person"),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.UniqueConstraint(fields=("case", "person"), name="contact_once_for_a_case"),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=models.Q(("person", models.F("case_person")), _negated=True), name="contact_is_not_the_case"
            ),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("became_case", None), ("became_case_at", None)),
                    models.Q(("became_case__isnull", False), ("became_case_at__isnull", False)),
                    _connector="OR",
                ),
                name="contact_became_case_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("withdrawn_at", None), models.Q(("withdrawn_why", ""), _negated=True), _connector="OR"
                ),
                name="contact_withdrawn_with_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("state__in", ["waiting", "sending"])), fields=["send_after"], name="message_to_send"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("provider_ref", ""), _negated=True),
                fields=["provider_ref"],
                name="message_by_provider",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["sent", "delivered"]), _negated=True),
                    ("sent_at__isnull", False),
                    _connector="OR",
                ),
                name="message_sent_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["failed", "cancelled"]), _negated=True),
                    models.Q(("error", ""), _negated=True),
                    _connector="OR",
                ),
                name="message_not_sent_with_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="visit",
            index=models.Index(fields=["team", "on_date", "visitor", "place"], name="visit_of_a_day"),
        ),
        migrations.AddConstraint(
            model_name="visit",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "planned")), fields=("trace",), name="visit_one_planned"
            ),
        ),
        migrations.AddConstraint(
            model_name="visit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at", None), ("state", "planned")),
                    models.Q(models.Q(("state", "planned"), _negated=True), ("finished_at__isnull", False)),
                    _connector="OR",
                ),
                name="visit_finished_at",
            ),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
