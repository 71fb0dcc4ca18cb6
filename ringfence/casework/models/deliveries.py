"""What laboratories delivered: the bytes as they came, the count of what became of every row, and the bad rows."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from ringfence.casework.fields import classify


@classify(internal="name headers results month_first updated_at updated_by")
class Source(models.Model):
    """How one source writes its line lists: its own headers and words for a result, and whether 03/08 is 8 March."""

    name = models.CharField(max_length=60, primary_key=True)
    headers = models.JSONField(default=dict)
    results = models.JSONField(default=dict)
    month_first = models.BooleanField(default=False)
    updated_at = models.DateTimeField()
    updated_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "sources"

    def __str__(self) -> str:
        return self.name


@classify(
    internal="id ref source filename sha256 size encoding received_at received_by status refusal rows accepted "
    "duplicate quarantined positives cases_opened finished_at expected_rows warnings parts",
)
class Delivery(models.Model):
    """One file or message. The same bytes twice are the same delivery.

    ``warnings`` are sentences once it is ``done``, and before that what they are made from (``actions.reading``).
    """

    class Status(models.TextChoices):
        ARRIVING = "arriving", "Arriving"
        RECEIVED = "received", "Received"
        PROCESSING = "processing", "Being read"
        DONE = "done", "Read"
        REFUSED = "refused", "Refused"

    ref = models.CharField(max_length=8, unique=True)
    source = models.CharField(max_length=60)
    filename = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField(default=0)
    encoding = models.CharField(max_length=20, blank=True)
    received_at = models.DateTimeField()
    received_by = models.BigIntegerField(null=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.ARRIVING)
    refusal = models.TextField(blank=True)
    rows = models.BigIntegerField(default=0)
    accepted = models.BigIntegerField(default=0)
    duplicate = models.BigIntegerField(default=0)
    quarantined = models.BigIntegerField(default=0)
    positives = models.BigIntegerField(default=0)
    cases_opened = models.BigIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)
    expected_rows = models.BigIntegerField(null=True)
    warnings = models.JSONField(default=list)
    parts = models.PositiveSmallIntegerField(default=1)

    class Meta:
        db_table = "deliveries"
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["sha256"], condition=~Q(status="arriving"), name="delivery_same_bytes_once"
            ),
            models.CheckConstraint(
                condition=~Q(status="done") | Q(rows=F("accepted") + F("duplicate") + F("quarantined")),
                name="delivery_balances",
            ),
            models.CheckConstraint(
                condition=~Q(status="refused") | ~Q(refusal=""), name="delivery_refused_with_reason"
            ),
        ]

    def __str__(self) -> str:
        return self.ref


@classify(internal="id delivery number", special="data")
class Chunk(models.Model):
    """A piece of a delivery's bytes, at most 1 MiB, in order."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, db_index=False)
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        db_table = "delivery_chunks"
        constraints = [models.UniqueConstraint(fields=["delivery", "number"], name="chunk_in_order")]

    def __str__(self) -> str:
        return f"{self.delivery_id}/{self.number}"


@classify(internal="id delivery number next_row rows accepted duplicate quarantined positives cases_opened finished_at")
class Part(models.Model):
    """How far one reader of a delivery has come; committed with the rows that it counts, so that a crash loses nothing.

    Rows are divided between readers by birth date, so that one person's rows always meet in one reader.
    """

    delivery = models.ForeignKey(Delivery, models.CASCADE, db_index=False)
    number = models.PositiveSmallIntegerField()
    next_row = models.BigIntegerField(default=0)
    rows = models.BigIntegerField(default=0)
    accepted = models.BigIntegerField(default=0)
    duplicate = models.BigIntegerField(default=0)
    quarantined = models.BigIntegerField(default=0)
    positives = models.BigIntegerField(default=0)
    cases_opened = models.BigIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "delivery_parts"
        constraints = [
            models.UniqueConstraint(fields=["delivery", "number"], name="part_once"),
            models.CheckConstraint(
                condition=Q(rows=F("accepted") + F("duplicate") + F("quarantined")), name="part_balances"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id}/{self.number}"


@classify(
    internal="id delivery row_number field reason recorded_at settled_at settled_by settlement",
    special="raw",
)
class Quarantine(models.Model):
    """A row that could not be read: where, which field, why, and the row as it came."""

    delivery = models.ForeignKey(Delivery, models.PROTECT, db_index=False)
    row_number = models.BigIntegerField()
    field = models.CharField(max_length=40)
    reason = models.CharField(max_length=200)
    raw = models.TextField()
    recorded_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.BigIntegerField(null=True)
    settlement = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "quarantines"
        constraints = [
            models.UniqueConstraint(fields=["delivery", "row_number"], name="quarantine_row_once"),
            models.CheckConstraint(
                condition=Q(settled_at=None, settled_by=None) | Q(settled_at__isnull=False, settled_by__isnull=False),
                name="quarantine_settled_at_by",
            ),
        ]

    def __str__(self) -> str:
        return f"row {self.row_number}: {self.reason}"
