"""What a local team adds and plans, and what leads do to many traces at once."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from ringfence.casework.fields import classify


@classify(internal="id kind source added_at added_by team wrong_at wrong_by", identifiable="person value")
class Detail(models.Model):
    """A number, e-mail or address that a team knows of somebody, beside what the laboratory gave."""

    class Kind(models.TextChoices):
        PHONE = "phone", "Phone number"
        EMAIL = "email", "Email"
        ADDRESS = "address", "Address"

    person = models.ForeignKey("casework.Person", models.PROTECT, db_index=False)
    kind = models.CharField(max_length=8, choices=Kind)
    value = models.CharField(max_length=300)
    source = models.CharField(max_length=120)
    added_at = models.DateTimeField()
    added_by = models.BigIntegerField()
    team = models.ForeignKey("accounts.Team", models.PROTECT, db_index=False, db_constraint=False)
    wrong_at = models.DateTimeField(null=True)
    wrong_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "details"
        constraints = [
            models.UniqueConstraint(fields=["person", "kind", "value"], name="detail_once"),
            models.CheckConstraint(
                condition=Q(wrong_at=None, wrong_by=None) | Q(wrong_at__isnull=False, wrong_by__isnull=False),
                name="detail_wrong_at_by",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of person {self.person_id}"


@classify(
    internal="id trace team on_date visitor place planned_at planned_by state attempt finished_at",
    identifiable="person",
)
class Visit(models.Model):
    """A visit planned for a day; ``visitor`` is who goes, ``place`` its turn in the round, from 1."""

    class State(models.TextChoices):
        PLANNED = "planned", "Planned"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    trace = models.ForeignKey("casework.Trace", models.PROTECT, db_index=False)
    person = models.ForeignKey("casework.Person", models.PROTECT, db_index=False, db_constraint=False)
    team = models.ForeignKey("accounts.Team", models.PROTECT, db_index=False, db_constraint=False)
    on_date = models.DateField()
    visitor = models.BigIntegerField(null=True)
    place = models.PositiveSmallIntegerField(null=True)
    planned_at = models.DateTimeField()
    planned_by = models.BigIntegerField()
    state = models.CharField(max_length=9, choices=State, db_default="planned")
    attempt = models.ForeignKey("casework.Attempt", models.PROTECT, null=True, db_index=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "visits"
        constraints = [
            models.UniqueConstraint(fields=["trace"], condition=Q(state="planned"), name="visit_one_planned"),
            models.CheckConstraint(
                condition=Q(state="planned", finished_at=None) | (~Q(state="planned") & Q(finished_at__isnull=False)),
                name="visit_finished_at",
            ),
        ]
        indexes = [models.Index(fields=["team", "on_date", "visitor", "place"], name="visit_of_a_day")]

    def __str__(self) -> str:
        return f"visit for trace {self.trace_id} on {self.on_date}"


@classify(internal="id ref at user_id team what detail traces before undone_at undone_by")
class BulkChange(models.Model):
    """What a lead did to many traces at once, with what each was before, so that it can be undone.

    ``before`` is a list of ``[trace, version after the change, values before it]``.
    """

    ref = models.CharField(max_length=8, unique=True)
    at = models.DateTimeField()
    user_id = models.BigIntegerField()
    team = models.ForeignKey("accounts.Team", models.PROTECT, db_index=False, db_constraint=False)
    what = models.CharField(max_length=12)
    detail = models.JSONField(default=dict)
    traces = models.PositiveIntegerField()
    before = models.JSONField(default=list)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "bulk_changes"
        constraints = [
            models.CheckConstraint(
                condition=Q(undone_at=None, undone_by=None) | Q(undone_at__isnull=False, undone_by__isnull=False),
                name="bulk_change_undone_at_by",
            ),
        ]
        indexes = [models.Index(fields=["team", "-at"], name="bulk_change_of_team")]

    def __str__(self) -> str:
        return self.ref
