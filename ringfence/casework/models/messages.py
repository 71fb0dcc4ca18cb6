"""What the service sends by itself or on a tracer's word, and the links that it sends. Messages are not attempts."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from ringfence.casework.fields import classify


@classify(internal="id key channel language version from_at subject body recorded_at recorded_by")
class Template(models.Model):
    """One version of a text in one language for one channel, in use from ``from_at``. Rows are added, never changed."""

    key = models.CharField(max_length=30)
    channel = models.CharField(max_length=6)
    language = models.CharField(max_length=8)
    version = models.PositiveIntegerField()
    from_at = models.DateTimeField()
    subject = models.CharField(max_length=200, db_default="")
    body = models.TextField()
    recorded_at = models.DateTimeField()
    recorded_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "templates"
        constraints = [
            models.UniqueConstraint(fields=["key", "channel", "language", "version"], name="template_version_once"),
            models.CheckConstraint(condition=~Q(body=""), name="template_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.channel} {self.language} {self.version}"


@classify(
    internal="id ref trace template channel language key state state_at send_after created_at created_by team reader sent_at "
    "tries error provider_ref received_at",
    identifiable="person to",
    special="subject body values",
)
class Message(models.Model):
    """One text, e-mail or letter: written with what it is about, sent by the worker, its receipt kept.

    ``key`` makes it once: the same key is never sent twice. ``send_after`` is when it is looked at next: to be sent, to be
    tried again, or to ask for its receipt. It is about a person, or to a ``reader`` of the staff and about nobody.
    """

    class Channel(models.TextChoices):
        TEXT = "text", "Text message"
        EMAIL = "email", "Email"
        LETTER = "letter", "Letter"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENDING = "sending", "Being sent"
        SENT = "sent", "Sent"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Could not be delivered"
        CANCELLED = "cancelled", "Not sent"

    ref = models.CharField(max_length=36, unique=True)
    key = models.CharField(max_length=80, unique=True)
    person = models.ForeignKey("casework.Person", models.PROTECT, null=True, db_index=False, db_constraint=False)
    reader = models.BigIntegerField(null=True)
    trace = models.ForeignKey("casework.Trace", models.PROTECT, null=True, db_index=False, db_constraint=False)
    template = models.ForeignKey(Template, models.PROTECT, db_index=False)
    channel = models.CharField(max_length=6, choices=Channel)
    language = models.CharField(max_length=8)
    to = models.CharField(max_length=400)
    # What the template is filled with, until it is sent; a link's secret is put in only then, and kept nowhere.
    values = models.JSONField(default=dict)
    subject = models.CharField(max_length=200, db_default="")
    body = models.TextField(db_default="")
    state = models.CharField(max_length=9, choices=State)
    state_at = models.DateTimeField()
    send_after = models.DateTimeField()
    created_at = models.DateTimeField()
    created_by = models.BigIntegerField(null=True)
    team = models.ForeignKey("accounts.Team", models.PROTECT, null=True, db_index=False, db_constraint=False)
    sent_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(db_default=0)
    error = models.CharField(max_length=200, db_default="")
    provider_ref = models.CharField(max_length=64, db_default="")

    class Meta:
        db_table = "messages"
        constraints = [
            models.CheckConstraint(
                condition=~Q(state__in=["sent", "delivered"]) | Q(sent_at__isnull=False), name="message_sent_at"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["failed", "cancelled"]) | ~Q(error=""), name="message_not_sent_with_reason"
            ),
            models.CheckConstraint(
                condition=Q(person__isnull=False, reader=None) | Q(person=None, trace=None, reader__isnull=False),
                name="message_to_person_or_reader",
            ),
        ]
        indexes = [
            models.Index(fields=["send_after"], name="message_to_send", condition=Q(state__in=["waiting", "sending"])),
            models.Index(
                fields=["send_after"],
                name="message_receipt_due",
                condition=Q(state="sent", error="") & ~Q(provider_ref=""),
            ),
            models.Index(fields=["team", "-id"], name="message_of_team"),
            models.Index(fields=["trace", "id"], name="message_of_trace"),
            models.Index(fields=["reader", "-id"], name="message_of_reader", condition=Q(reader__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.ref}"


@classify(internal="id channel at user_id why", identifiable="address person")
class OptOut(models.Model):
    """Somebody who does not want messages on a channel. Calls and letters about isolation are not stopped by it."""

    person = models.ForeignKey("casework.Person", models.PROTECT, db_index=False, db_constraint=False)
    channel = models.CharField(max_length=6)
    address = models.CharField(max_length=254)
    at = models.DateTimeField()
    user_id = models.BigIntegerField(null=True)
    why = models.CharField(max_length=200, db_default="")

    class Meta:
        db_table = "opt_outs"
        constraints = [models.UniqueConstraint(fields=["channel", "address"], name="opt_out_once")]

    def __str__(self) -> str:
        return f"no {self.channel} to person {self.person_id}"


@classify(
    internal="id trace purpose created_at expires_at tries locked_until entered_at finished_at revoked_at raised_at "
    "knock_xid",
    identifiable="token_hash session_hash session_until knock_hash knock_right",
)
class Link(models.Model):
    """A link by which one resident reaches one trace for one purpose. Of the token only its SHA-256 is kept.

    It opens with the birth date; after wrong ones it is locked for a while. A session, once entered, ends by itself.
    A *knock* is a birth date that was tried, in a transaction that ended before the door may open: so a try counts, and
    cannot be taken back.
    """

    trace = models.ForeignKey("casework.Trace", models.PROTECT)
    purpose = models.CharField(max_length=12)
    token_hash = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(db_default=0)
    locked_until = models.DateTimeField(null=True)
    knock_hash = models.BinaryField(max_length=32, null=True, unique=True)
    knock_right = models.BooleanField(null=True)
    knock_xid = models.BigIntegerField(null=True)
    session_hash = models.BinaryField(max_length=32, null=True, unique=True)
    session_until = models.DateTimeField(null=True)
    entered_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    raised_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "links"
        indexes = [
            models.Index(
                fields=["entered_at"],
                name="link_begun",
                condition=Q(entered_at__isnull=False, finished_at=None, raised_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"link of trace {self.trace_id}"


@classify(internal="key through at")
class Mark(models.Model):
    """How far a periodic look has come: everything up to the row ``through`` has been looked at."""

    key = models.CharField(max_length=20, primary_key=True)
    through = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "marks"

    def __str__(self) -> str:
        return f"{self.key} {self.through}"
