"""Append-only events: who did what, and whose record was opened. No foreign keys: the audit outlives what it tells of."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Event(models.Model):
    """One act. ``opened`` says that somebody's identifiable record was shown."""

    at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    user_id = models.BigIntegerField(null=True)
    scope = models.CharField(max_length=20)
    verb = models.CharField(max_length=40)
    opened = models.BooleanField(db_default=False)
    person_id = models.BigIntegerField(null=True)
    trace_id = models.BigIntegerField(null=True)
    team_id = models.BigIntegerField(null=True)
    area = models.CharField(max_length=9, null=True)
    # Counts, ids and codes. Never a name, number or address: the audit is read by people who may not see those.
    detail = models.JSONField(null=True)

    class Meta:
        db_table = "events"
        indexes = [
            models.Index(fields=["person_id", "id"], name="event_by_person", condition=models.Q(opened=True)),
            models.Index(fields=["user_id", "id"], name="event_by_user", condition=models.Q(opened=True)),
        ]

    def __str__(self) -> str:
        return f"{self.verb} at {self.at:%Y-%m-%d %H:%M}"
