"""Alerts that the methods raise about an area, and incidents that a director opens, with what is linked to them."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from ringfence.casework.fields import classify


@classify(
    internal="id ref key method area start end found_at updated_at ended_at cases households observed expected score "
    "p_value recurrence_days false_alarms rank detail dismissed_at dismissed_by dismissed_why setting",
    identifiable="postcode category",
    special="evidence",
)
class Alert(models.Model):
    """Something that a method found in one area, kept up to date while it lasts.

    ``key`` names the finding, so that the next look finds it again. ``rank`` orders the list, the greatest first: what a
    director can act on. ``false_alarms`` is how many such alerts a year an area of its size would have by chance alone.
    """

    class Method(models.TextChoices):
        EXPOSURE = "exposure", "Common exposure"
        COINCIDENCE = "coincidence", "Same postcode"
        SCAN = "scan", "Space-time scan"
        EXCEEDANCE = "exceedance", "More cases than expected"

    ref = models.CharField(max_length=8, unique=True)
    key = models.CharField(max_length=120, unique=True)
    method = models.CharField(max_length=11, choices=Method)
    area = models.CharField(max_length=9)
    setting = models.ForeignKey("casework.Setting", models.PROTECT, null=True, db_index=False)
    postcode = models.CharField(max_length=8, db_default="")
    category = models.CharField(max_length=20, db_default="")
    start = models.DateField()
    end = models.DateField()
    found_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    cases = models.PositiveIntegerField()
    households = models.PositiveIntegerField(null=True)
    observed = models.FloatField(null=True)
    expected = models.FloatField(null=True)
    score = models.FloatField(null=True)
    p_value = models.FloatField(null=True)
    recurrence_days = models.FloatField(null=True)
    false_alarms = models.FloatField(null=True)
    rank = models.FloatField()
    evidence = models.TextField()
    detail = models.JSONField(default=dict)
    dismissed_at = models.DateTimeField(null=True)
    dismissed_by = models.BigIntegerField(null=True)
    dismissed_why = models.CharField(max_length=200, db_default="")

    class Meta:
        db_table = "alerts"
        constraints = [
            models.CheckConstraint(condition=Q(end__gte=F("start")), name="alert_days_in_order"),
            models.CheckConstraint(condition=~Q(evidence=""), name="alert_says_why"),
            models.CheckConstraint(
                condition=Q(dismissed_at=None, dismissed_by=None)
                | (Q(dismissed_at__isnull=False, dismissed_by__isnull=False) & ~Q(dismissed_why="")),
                name="alert_dismissed_at_by_why",
            ),
        ]
        indexes = [models.Index(fields=["area", "-rank"], name="alert_list", condition=Q(ended_at=None))]

    def __str__(self) -> str:
        return self.ref


@classify(
    internal="pk alert on_date updated_at ended_at dismissed_at dismissed_why start end cases households expected p_value "
    "recurrence_days false_alarms rank",
    identifiable="place",
    special="evidence",
)
class AlertDay(models.Model):
    """An alert as it stood at the end of a day on which it changed, and until its next such day.

    A trigger of ``alerts`` writes it, whoever changes an alert. Of what was found before this was kept there is a row of
    the day on which keeping it began.
    """

    pk = models.CompositePrimaryKey("alert_id", "on_date")
    # The constraint is in the migration.
    alert = models.ForeignKey(Alert, models.CASCADE, db_index=False, db_constraint=False)
    on_date = models.DateField()
    updated_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    dismissed_at = models.DateTimeField(null=True)
    dismissed_why = models.CharField(max_length=200)
    start = models.DateField()
    end = models.DateField()
    cases = models.IntegerField()
    households = models.IntegerField(null=True)
    expected = models.FloatField(null=True)
    p_value = models.FloatField(null=True)
    recurrence_days = models.FloatField(null=True)
    false_alarms = models.FloatField(null=True)
    rank = models.FloatField()
    evidence = models.TextField()
    place = models.TextField()

    class Meta:
        db_table = "alert_days"

    def __str__(self) -> str:
        return f"alert {self.alert_id} on {self.on_date}"


@classify(internal="id alert added_at", special="case")
class AlertCase(models.Model):
    """A case of an alert."""

    alert = models.ForeignKey(Alert, models.CASCADE, db_index=False)
    case = models.ForeignKey("casework.Case", models.PROTECT, db_index=False, db_constraint=False)
    added_at = models.DateTimeField()

    class Meta:
        db_table = "alert_cases"
        constraints = [models.UniqueConstraint(fields=["alert", "case"], name="alert_case_once")]
        indexes = [models.Index(fields=["case"], name="alert_of_case")]

    def __str__(self) -> str:
        return f"case {self.case_id} of alert {self.alert_id}"


@classify(
    internal="id ref area alert setting opened_at opened_by closed_at closed_by version",
    identifiable="postcode",
    special="title summary outcome",
)
class Incident(models.Model):
    """An outbreak that a director has opened: linked cases and places, what is done about it, and how it ended."""

    class Outcome(models.TextChoices):
        OVER = "over", "Over: no linked case for 14 days"
        NO_OUTBREAK = "no_outbreak", "Not an outbreak"
        HANDED_ON = "handed_on", "Handed to the health protection team"
        JOINED = "joined", "Joined with another incident"

    ref = models.CharField(max_length=8, unique=True)
    title = models.CharField(max_length=120)
    summary = models.TextField(db_default="")
    area = models.CharField(max_length=9)
    alert = models.ForeignKey(Alert, models.PROTECT, null=True, db_index=False)
    setting = models.ForeignKey("casework.Setting", models.PROTECT, null=True, db_index=False)
    postcode = models.CharField(max_length=8, db_default="")
    opened_at = models.DateTimeField()
    opened_by = models.BigIntegerField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.BigIntegerField(null=True)
    outcome = models.CharField(max_length=12, choices=Outcome, db_default="")
    version = models.PositiveIntegerField(db_default=0)

    class Meta:
        db_table = "incidents"
        constraints = [
            models.CheckConstraint(condition=~Q(title=""), name="incident_has_a_title"),
            models.UniqueConstraint(fields=["id", "area"], name="incident_with_its_area"),
            models.CheckConstraint(
                condition=Q(closed_at=None, closed_by=None, outcome="")
                | (Q(closed_at__isnull=False, closed_by__isnull=False) & ~Q(outcome="")),
                name="incident_closed_at_by_outcome",
            ),
        ]
        indexes = [models.Index(fields=["area", "-opened_at"], name="incident_of_area")]

    def __str__(self) -> str:
        return self.ref


@classify(
    internal="id incident area lead asked_at asked_by agreed_at agreed_by ended_at ended_by", special="why ended_why"
)
class IncidentArea(models.Model):
    """An authority that is asked to take part in an incident, and does from when it agrees until it ends.

    ``lead`` is the authority that opened the incident. What ended may have been an ask that was declined or taken back.
    """

    incident = models.ForeignKey(Incident, models.PROTECT, db_index=False)
    area = models.CharField(max_length=9)
    lead = models.CharField(max_length=9)
    asked_at = models.DateTimeField()
    asked_by = models.BigIntegerField()
    agreed_at = models.DateTimeField(null=True)
    agreed_by = models.BigIntegerField(null=True)
    why = models.CharField(max_length=200)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.BigIntegerField(null=True)
    ended_why = models.CharField(max_length=200, db_default="")

    class Meta:
        db_table = "incident_areas"
        constraints = [
            models.UniqueConstraint(fields=["incident", "area"], condition=Q(ended_at=None), name="incident_area_once"),
            models.CheckConstraint(condition=~Q(area=F("lead")), name="incident_area_is_not_the_lead"),
            models.CheckConstraint(condition=~Q(why=""), name="incident_area_asked_with_reason"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None)
                | (Q(ended_at__isnull=False, ended_by__isnull=False) & ~Q(ended_why="")),
                name="incident_area_ended_at_by_why",
            ),
            models.CheckConstraint(
                condition=Q(agreed_at=None, agreed_by=None) | Q(agreed_at__isnull=False, agreed_by__isnull=False),
                name="incident_area_agreed_at_by",
            ),
        ]
        indexes = [models.Index(fields=["area"], name="incident_area_of")]

    def __str__(self) -> str:
        return f"{self.area} in incident {self.incident_id}"


def _linked(what: str) -> list[models.BaseConstraint]:
    return [
        models.UniqueConstraint(fields=["incident", what], condition=Q(removed_at=None), name=f"incident_{what}_once"),
        models.CheckConstraint(
            condition=Q(removed_at=None, removed_by=None)
            | (Q(removed_at__isnull=False, removed_by__isnull=False) & ~Q(removed_why="")),
            name=f"incident_{what}_removed_at_by_why",
        ),
        models.CheckConstraint(condition=~Q(why=""), name=f"incident_{what}_added_with_reason"),
    ]


@classify(internal="id incident area added_at added_by removed_at removed_by", special="case why removed_why")
class IncidentCase(models.Model):
    """A case linked to an incident, with the reason; removed with a reason as well."""

    incident = models.ForeignKey(Incident, models.PROTECT, db_index=False)
    case = models.ForeignKey("casework.Case", models.PROTECT, db_index=False)
    area = models.CharField(max_length=9)
    why = models.CharField(max_length=200)
    added_at = models.DateTimeField()
    added_by = models.BigIntegerField()
    removed_at = models.DateTimeField(null=True)
    removed_by = models.BigIntegerField(null=True)
    removed_why = models.CharField(max_length=200, db_default="")

    class Meta:
        db_table = "incident_cases"
        constraints = _linked("case")
        indexes = [models.Index(fields=["case"], name="incident_of_case")]

    def __str__(self) -> str:
        return f"case {self.case_id} of incident {self.incident_id}"


@classify(internal="id incident setting added_at added_by removed_at removed_by why removed_why")
class IncidentSetting(models.Model):
    """A place linked to an incident."""

    incident = models.ForeignKey(Incident, models.PROTECT, db_index=False)
    setting = models.ForeignKey("casework.Setting", models.PROTECT, db_index=False)
    why = models.CharField(max_length=200)
    added_at = models.DateTimeField()
    added_by = models.BigIntegerField()
    removed_at = models.DateTimeField(null=True)
    removed_by = models.BigIntegerField(null=True)
    removed_why = models.CharField(max_length=200, db_default="")

    class Meta:
        db_table = "incident_settings"
        constraints = _linked("setting")

    def __str__(self) -> str:
        return f"place {self.setting_id} of incident {self.incident_id}"


@classify(internal="id incident at user_id due_on done_at done_by", identifiable="owner", special="what")
class IncidentAction(models.Model):
    """Something to be done about an incident, by whom and by when; without a day it is an entry of the log."""

    incident = models.ForeignKey(Incident, models.PROTECT)
    what = models.TextField()
    owner = models.CharField(max_length=100, db_default="")
    due_on = models.DateField(null=True)
    at = models.DateTimeField()
    user_id = models.BigIntegerField()
    done_at = models.DateTimeField(null=True)
    done_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "incident_actions"
        constraints = [
            models.CheckConstraint(condition=~Q(what=""), name="incident_action_says_what"),
            models.CheckConstraint(condition=Q(due_on=None) | ~Q(owner=""), name="incident_action_has_owner"),
            models.CheckConstraint(
                condition=Q(done_at=None, done_by=None) | Q(done_at__isnull=False, done_by__isnull=False),
                name="incident_action_done_at_by",
            ),
        ]

    def __str__(self) -> str:
        return f"action of incident {self.incident_id}"


@classify(internal="id user_id area name filters saved_at")
class SavedView(models.Model):
    """Filters of a line list that somebody saved under a name, for themselves."""

    user_id = models.BigIntegerField()
    area = models.CharField(max_length=9)
    name = models.CharField(max_length=60)
    filters = models.JSONField(default=dict)
    saved_at = models.DateTimeField()

    class Meta:
        db_table = "saved_views"
        constraints = [models.UniqueConstraint(fields=["user_id", "area", "name"], name="saved_view_once")]

    def __str__(self) -> str:
        return self.name
