"""Cases: episodes of infection."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from ringfence.casework.fields import classify


@classify(
    internal="id authority ltla opened_at episode updated_at",
    identifiable="person postcode",
    special="first_specimen_date last_positive_date onset_date care_home",
)
class Case(models.Model):
    """One episode of infection of one person.

    It begins with the earliest positive specimen; a positive within 90 days of the previous one belongs to it (the dated
    rule is ``rules.cases``). ``authority`` is the upper-tier authority of residence when it opened, "" when unknown.
    """

    person = models.ForeignKey("casework.Person", models.PROTECT, db_index=False)
    episode = models.PositiveSmallIntegerField()
    first_specimen_date = models.DateField()
    last_positive_date = models.DateField()
    onset_date = models.DateField(null=True)
    authority = models.CharField(max_length=9)
    ltla = models.CharField(max_length=9)
    postcode = models.CharField(max_length=8)
    care_home = models.BooleanField(db_default=False)
    opened_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "cases"
        constraints = [
            models.UniqueConstraint(fields=["person", "episode"], name="case_episode_once"),
            # What results and traces refer to, so that they cannot name the case of one person and another person.
            models.UniqueConstraint(fields=["id", "person"], name="case_of_person"),
            models.CheckConstraint(
                condition=Q(last_positive_date__gte=F("first_specimen_date")), name="case_dates_in_order"
            ),
        ]
        indexes = [models.Index(fields=["authority", "first_specimen_date"], name="case_in_area")]

    def __str__(self) -> str:
        return f"case {self.pk}"
