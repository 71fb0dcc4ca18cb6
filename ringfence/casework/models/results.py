"""Laboratory results. Negative and void ones are kept for positivity and open nothing."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from ringfence.casework.fields import classify


@classify(
    internal="id delivery row_number recorded_at laboratory specimen_id test_type specimen_date report_date authority",
    identifiable="person postcode gp_postcode sex age",
    special="case result care_home",
)
class Result(models.Model):
    """One result for one specimen of one laboratory. ``person`` is empty for a negative of somebody not known."""

    class Kind(models.TextChoices):
        POSITIVE = "positive", "Positive"
        NEGATIVE = "negative", "Negative"
        VOID = "void", "Void"

    # A key check costs as much as writing the row. The count of each batch is bound to its delivery; no role deletes one.
    delivery = models.ForeignKey("casework.Delivery", models.PROTECT, db_index=False, db_constraint=False)
    row_number = models.BigIntegerField()
    laboratory = models.CharField(max_length=60)
    specimen_id = models.CharField(max_length=60)
    test_type = models.CharField(max_length=20)
    result = models.CharField(max_length=8, choices=Kind)
    specimen_date = models.DateField()
    report_date = models.DateField()
    postcode = models.CharField(max_length=8)
    gp_postcode = models.CharField(max_length=8)
    # The lower-tier authority of residence as the postcode gave it on arrival; "" when none could be told.
    authority = models.CharField(max_length=9)
    sex = models.CharField(max_length=1)
    age = models.SmallIntegerField()
    care_home = models.BooleanField(db_default=False)
    # One key of both columns (in the migration) binds a positive to its case and to the person of that case.
    person = models.ForeignKey("casework.Person", models.PROTECT, null=True, db_index=False, db_constraint=False)
    case = models.ForeignKey("casework.Case", models.PROTECT, null=True, db_index=False, db_constraint=False)
    recorded_at = models.DateTimeField()

    class Meta:
        db_table = "results"
        constraints = [
            models.UniqueConstraint(fields=["laboratory", "specimen_id"], name="result_specimen_once"),
            models.CheckConstraint(condition=Q(case=None) | Q(person__isnull=False), name="result_case_has_person"),
            models.CheckConstraint(
                condition=~Q(result="positive") | Q(case__isnull=False), name="result_positive_in_case"
            ),
        ]
        indexes = [
            models.Index(fields=["person"], name="result_person", condition=Q(person__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.laboratory} {self.specimen_id}"
