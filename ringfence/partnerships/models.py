"""An authority's partnership with the national service: where it stands, and its dated policy."""

from __future__ import annotations

from datetime import datetime, time
from functools import lru_cache

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from ringfence.rules.policy import ContactsBy, PartnershipPolicy
from ringfence.rules.policy import Model as PolicyModel


class Partnership(models.Model):
    """Where an upper-tier authority stands: offered, agreed, live. A row for every authority: it is offered to all."""

    class Stage(models.TextChoices):
        OFFERED = "offered", "Offered"
        AGREED = "agreed", "Agreed"
        LIVE = "live", "Live"

    area = models.OneToOneField("geography.Area", models.PROTECT, primary_key=True, db_column="area")
    stage = models.CharField(max_length=10, choices=Stage, default=Stage.OFFERED)
    joined_at = models.DateTimeField(null=True, blank=True)
    agreed_at = models.DateTimeField(null=True, blank=True)
    agreement = models.CharField(max_length=200, blank=True, db_default="")
    # What the clock goes by (policies, the day of joining) is at ``revision``; the due times of the authority's traces
    # were worked out at ``applied``. Where they differ the clock stands still until they agree.
    revision = models.PositiveIntegerField(db_default=0)
    applied = models.PositiveIntegerField(db_default=0)

    class Meta:
        db_table = "partnerships"
        constraints = [
            models.CheckConstraint(condition=Q(applied__lte=F("revision")), name="partnership_applied_follows"),
            models.CheckConstraint(
                condition=Q(stage="offered", joined_at=None)
                | Q(stage="agreed")
                | Q(stage="live", joined_at__isnull=False),
                name="partnership_live_since",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.area_id}: {self.get_stage_display()}"


@lru_cache(4096)
def policy_value(
    area: str,
    from_at: datetime,
    model: str,
    set_period_hours: int,
    contacts_by: str,
    working_days: str,
    opens: time,
    closes: time,
    bank_holidays: bool,
    follow_up_days: str,
    visits_from: str,
) -> PartnershipPolicy:
    """A row of ``policies``, its columns in this order, as the value that the rules take."""
    return PartnershipPolicy(
        area=area,
        from_at=from_at,
        model=PolicyModel(model),
        set_period_hours=set_period_hours,
        contacts_by=ContactsBy(contacts_by),
        working_days=frozenset(day for day, letter in enumerate(working_days) if letter == "Y"),
        opens=opens,
        closes=closes,
        bank_holidays=bank_holidays,
        follow_up_days=tuple(map(int, filter(None, follow_up_days.split(",")))),
        visits_from=visits_from,
    )


class Policy(models.Model):
    """What holds for an authority from ``from_at`` until a later policy; rows are added and never changed."""

    class Model(models.TextChoices):
        NATIONAL_ONLY = "national_only", "National only"
        TIMED = "timed", "Timed hand-over"
        LOCAL_FIRST = "local_first", "Local first"

    class Contacts(models.TextChoices):
        NATIONAL = "national", "National team"
        LOCAL = "local", "Local team"

    area = models.ForeignKey("geography.Area", models.PROTECT, db_column="area", db_index=False)
    from_at = models.DateTimeField()
    model = models.CharField(max_length=20, choices=Model)
    set_period_hours = models.PositiveSmallIntegerField()
    contacts_by = models.CharField(max_length=10, choices=Contacts)
    # Monday is the first of seven letters, Y or N: "YYYYYNN" is a working week of five days.
    working_days = models.CharField(max_length=7)
    opens = models.TimeField()
    closes = models.TimeField()
    bank_holidays = models.BooleanField(help_text="The local team works on bank holidays.")
    # Days of isolation, rising: "4,8". Empty: no follow-up calls.
    follow_up_days = models.CharField(max_length=40, blank=True, db_default="")
    visits_from = models.CharField(max_length=8, blank=True, db_default="")
    recorded_at = models.DateTimeField(db_default=Now())
    recorded_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "policies"
        constraints = [
            models.UniqueConstraint(fields=["area", "from_at", "recorded_at"], name="policy_dated"),
            models.CheckConstraint(
                condition=Q(set_period_hours__gte=1) & Q(set_period_hours__lte=336), name="policy_set_period"
            ),
            models.CheckConstraint(condition=Q(working_days__regex=r"^[YN]{7}$"), name="policy_working_days"),
            models.CheckConstraint(condition=Q(working_days__contains="Y"), name="policy_works_some_day"),
            models.CheckConstraint(
                condition=Q(follow_up_days__regex=r"^(([1-9]|1[0-4])(,([1-9]|1[0-4]))*)?$"),
                name="policy_follow_up_days",
            ),
            models.CheckConstraint(condition=Q(closes__gt=F("opens")), name="policy_closes_after_it_opens"),
        ]
        ordering = ["area", "from_at", "recorded_at"]

    def __str__(self) -> str:
        return f"{self.area_id} from {self.from_at:%-d %B %Y}: {self.get_model_display()}"


class ServiceRule(models.Model):
    """The name of the service-wide policy (``ringfence.rules.policy``) in force from a date; the exercise is one."""

    from_date = models.DateField(unique=True)
    policy = models.CharField(max_length=60)
    recorded_at = models.DateTimeField(db_default=Now())
    recorded_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "service_rules"
        ordering = ["from_date"]

    def __str__(self) -> str:
        return f"{self.policy} from {self.from_date:%-d %B %Y}"
