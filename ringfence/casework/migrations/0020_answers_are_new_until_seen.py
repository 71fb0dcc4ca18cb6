"""An answer goes to the team that asked, and is new there until somebody of it has seen it."""

from django.db import migrations, models

from ringfence.base.migration import InSchema

FORWARDS = """
GRANT UPDATE (seen_at, seen_by) ON notes TO ringfence_app;
CREATE POLICY notes_seen ON notes FOR UPDATE TO ringfence_app
    USING (to_team_id = ANY ((SELECT walls.teams())::bigint[]) AND kind = 'answer')
    WITH CHECK (seen_by = (SELECT walls.user_id()));
"""

BACKWARDS = """
UPDATE notes SET to_team_id = NULL WHERE kind = 'answer';
DROP POLICY notes_seen ON notes;
REVOKE UPDATE (seen_at, seen_by) ON notes FROM ringfence_app;
"""


class Migration(migrations.Migration):
    dependencies = [("casework", "0019_follow_up_calls")]

    operations = [
        InSchema("casework"),
        migrations.RemoveConstraint(model_name="note", name="note_question_is_put_to_a_team"),
        migrations.AddField(model_name="note", name="seen_at", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="note", name="seen_by", field=models.BigIntegerField(null=True)),
        migrations.AddIndex(
            model_name="note",
            index=models.Index(
                condition=models.Q(("kind", "answer"), ("seen_at", None)),
                fields=["to_team", "at"],
                name="note_new_answer",
            ),
        ),
        migrations.AddConstraint(
            model_name="note",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "question"), ("to_team__isnull", False)),
                    ("kind", "answer"),
                    models.Q(models.Q(("kind__in", ["question", "answer"]), _negated=True), ("to_team", None)),
                    _connector="OR",
                ),
                name="note_question_is_put_to_a_team",
            ),
        ),
        migrations.AddConstraint(
            model_name="note",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("seen_at", None), ("seen_by", None)),
                    models.Q(("seen_at__isnull", False), ("seen_by__isnull", False)),
                    _connector="OR",
                ),
                name="note_seen_at_by",
            ),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
