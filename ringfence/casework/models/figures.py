"""Counts of an area by day, and who wants them by e-mail each morning. Nobody is in them."""

from __future__ import annotations

from django.db import models

from ringfence.casework.fields import classify


@classify(internal="pk area measure on_date known_on count")
class AreaDay(models.Model):
    """How many of one measure an upper-tier authority has on one day, by the day on which they became known.

    ``measure``: "cases", "care_home" and "age:18" by the day of the specimen, known when the case was opened or its day was
    moved; "positive", "negative" and "void", and "positive:PCR" and so on by way of testing, of results; "transferred",
    "reached", "within_24" and "ended" by the day on which the trace began, known when it happened. What was known by a day
    is the sum of what became known up to it; a day that was moved leaves a negative count behind. ``actions.counting``
    keeps it.
    """

    pk = models.CompositePrimaryKey("area", "measure", "on_date", "known_on")
    area = models.CharField(max_length=9)
    measure = models.CharField(max_length=30)
    on_date = models.DateField()
    known_on = models.DateField()
    count = models.IntegerField()

    class Meta:
        db_table = "area_days"
        indexes = [models.Index(fields=["measure", "on_date"], name="area_day_of_measure")]

    def __str__(self) -> str:
        return f"{self.count} {self.measure} of {self.area} on {self.on_date}"


@classify(internal="id user_id wanted at")
class DigestChoice(models.Model):
    """Whether somebody wants the morning's e-mail. Without a row, as their role has it."""

    user_id = models.BigIntegerField(unique=True)
    wanted = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        db_table = "digest_choices"

    def __str__(self) -> str:
        return f"digest for user {self.user_id}"
