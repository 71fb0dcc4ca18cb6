"""Interviews: what is asked, by dated questionnaires, and what was answered, by whom, kept as it was said."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from ringfence.casework.fields import classify


@classify(internal="id key version from_at title body recorded_at recorded_by")
class Questionnaire(models.Model):
    """One version of the questions for a case, a contact or a follow-up, in use from ``from_at`` until a later one.

    ``body`` is what ``rules.questionnaire`` reads: sections, questions, when each is asked. Rows are added and never
    changed, so that an old answer is read beside the question as it was put.
    """

    class Key(models.TextChoices):
        CASE = "case", "Case"
        CONTACT = "contact", "Contact"
        FOLLOWUP = "followup", "Follow-up"

    key = models.CharField(max_length=8, choices=Key)
    version = models.PositiveIntegerField()
    from_at = models.DateTimeField()
    title = models.CharField(max_length=100)
    body = models.JSONField()
    recorded_at = models.DateTimeField()
    recorded_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "questionnaires"
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="questionnaire_version_once"),
            models.CheckConstraint(condition=Q(version__gte=1), name="questionnaire_version_counts_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.version}"


@classify(
    internal="id trace questionnaire started_at started_by updated_at completed_at completed_by version latest taken_up "
    "resident_at resident_completed_at",
)
class Interview(models.Model):
    """One person's interview for one trace: begun by a tracer or by the resident, gone on with by either.

    ``started_by`` and ``completed_by`` are users, empty for the resident. ``taken_up`` is the number of the last answer
    that contacts, places and dates were made from; while an answer is newer, the worker has it to take up.
    ``resident_at`` is when the resident last did something, ``resident_completed_at`` when they sent it off.
    """

    trace = models.OneToOneField("casework.Trace", models.PROTECT)
    questionnaire = models.ForeignKey(Questionnaire, models.PROTECT, db_index=False)
    started_at = models.DateTimeField()
    started_by = models.BigIntegerField(null=True)
    updated_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)
    completed_by = models.BigIntegerField(null=True)
    resident_at = models.DateTimeField(null=True)
    resident_completed_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(db_default=0)
    latest = models.BigIntegerField(db_default=0)
    taken_up = models.BigIntegerField(db_default=0)

    class Meta:
        db_table = "interviews"
        constraints = [
            models.CheckConstraint(condition=Q(taken_up__lte=F("latest")), name="interview_taken_up_follows"),
        ]
        indexes = [
            models.Index(fields=["updated_at"], name="interview_to_take_up", condition=Q(latest__gt=F("taken_up"))),
        ]

    def __str__(self) -> str:
        return f"interview of trace {self.trace_id}"


@classify(internal="id interview trace question at user_id team source", special="value")
class Answer(models.Model):
    """One answer to one question; a later one to the same question stands, the earlier stays readable.

    ``value`` is what ``rules.questionnaire`` makes of the question's kind: a text, a choice, a date (ISO 8601), or a list
    of entries, each with an ``id`` of its own, for people and places. ``source`` says who gave it: on the telephone, at
    the door, or the resident on the web (then there is no user).
    """

    class Source(models.TextChoices):
        TRACER = "tracer", "Tracer"
        RESIDENT = "resident", "Resident"

    interview = models.ForeignKey(Interview, models.PROTECT, db_index=False)
    trace = models.ForeignKey("casework.Trace", models.PROTECT, db_index=False, db_constraint=False)
    question = models.CharField(max_length=40)
    value = models.JSONField(null=True)
    at = models.DateTimeField()
    user_id = models.BigIntegerField(null=True)
    team = models.ForeignKey("accounts.Team", models.PROTECT, null=True, db_index=False, db_constraint=False)
    source = models.CharField(max_length=8, choices=Source)

    class Meta:
        db_table = "answers"
        constraints = [
            models.CheckConstraint(
                condition=Q(source="resident", user_id=None, team=None)
                | Q(source="tracer", user_id__isnull=False, team__isnull=False),
                name="answer_given_by_somebody",
            ),
        ]
        indexes = [models.Index(fields=["interview", "question", "-id"], name="answer_latest")]

    def __str__(self) -> str:
        return f"{self.question} of interview {self.interview_id}"


@classify(internal="id trace kind at user_id team area done_at done_by", identifiable="person", special="note")
class Referral(models.Model):
    """Help that somebody asked for, for the council's support: food, medicine, money, or something else."""

    class Kind(models.TextChoices):
        FOOD = "food", "Food"
        MEDICINE = "medicine", "Medicine"
        MONEY = "money", "Money"
        CARE = "care", "Looking after somebody"
        LANGUAGE = "language", "Interpreter"
        OTHER = "other", "Something else"

    trace = models.ForeignKey("casework.Trace", models.PROTECT)
    person = models.ForeignKey("casework.Person", models.PROTECT, db_index=False, db_constraint=False)
    kind = models.CharField(max_length=8, choices=Kind)
    note = models.CharField(max_length=500)
    area = models.CharField(max_length=9)
    at = models.DateTimeField()
    user_id = models.BigIntegerField(null=True)
    team = models.ForeignKey("accounts.Team", models.PROTECT, null=True, db_index=False, db_constraint=False)
    done_at = models.DateTimeField(null=True)
    done_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "referrals"
        constraints = [
            models.UniqueConstraint(fields=["trace", "kind"], name="referral_once"),
            models.CheckConstraint(
                condition=Q(done_at=None, done_by=None) | Q(done_at__isnull=False, done_by__isnull=False),
                name="referral_done_at_by",
            ),
        ]
        indexes = [models.Index(fields=["area", "at"], name="referral_open", condition=Q(done_at=None))]

    def __str__(self) -> str:
        return f"{self.kind} for person {self.person_id}"
