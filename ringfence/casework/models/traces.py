"""Traces: the effort to reach one person for one reason, the tries, the hand-overs, and what the teams tell each other."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from ringfence.casework.fields import classify


@classify(
    internal="id ref shard reason authority team area national_team from_team owned_since created_at why priority "
    "due_at due_why passes_to queued ready_at claimed_by claimed_at attempts last_attempt_at reached_at "
    "reached_by_kind closed_at handovers version",
    identifiable="person phone household",
    special="case outcome",
)
class Trace(models.Model):
    """The effort to reach one person for one reason. It has one owner team, always.

    The queue: a trace is in it (``queued``) or out of it until ``ready_at``, when the claim lapses or the next try may be
    made; then the sweep puts it back. The clock: at ``due_at`` the trace passes to ``passes_to``, when that is set; it
    is the cache of ``rules.handover.due``. Three teams may see it: the owner, the ring-fenced national team that it
    began with (``national_team``), and the one that had it last (``from_team``).
    """

    class Reason(models.TextChoices):
        CASE = "case", "Case"
        CONTACT = "contact", "Contact"
        FOLLOWUP = "followup", "Follow-up"

    ref = models.CharField(max_length=8)
    shard = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=8, choices=Reason)
    # One key of both columns (in the migration): the trace of a case is about the person of that case.
    person = models.ForeignKey("casework.Person", models.PROTECT, db_index=False, db_constraint=False)
    case = models.ForeignKey("casework.Case", models.PROTECT, null=True, db_index=False, db_constraint=False)
    authority = models.CharField(max_length=9)
    # Teams are closed, never deleted, and no role may delete one; the checks of two million inserts a day buy nothing.
    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    area = models.CharField(max_length=9)
    national_team = models.ForeignKey(
        "accounts.Team", models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    from_team = models.ForeignKey(
        "accounts.Team", models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    passes_to = models.ForeignKey(
        "accounts.Team", models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    owned_since = models.DateTimeField()
    created_at = models.DateTimeField()
    why = models.CharField(max_length=200)
    priority = models.PositiveSmallIntegerField()
    due_at = models.DateTimeField()
    due_why = models.CharField(max_length=200)
    queued = models.BooleanField()
    ready_at = models.DateTimeField(null=True)
    claimed_by = models.BigIntegerField(null=True)
    claimed_at = models.DateTimeField(null=True)
    phone = models.CharField(max_length=16)
    household = models.BigIntegerField(null=True)
    attempts = models.PositiveSmallIntegerField(db_default=0)
    last_attempt_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, db_default="")
    reached_at = models.DateTimeField(null=True)
    reached_by_kind = models.CharField(max_length=20, db_default="")
    closed_at = models.DateTimeField(null=True)
    handovers = models.PositiveSmallIntegerField(db_default=0)
    version = models.PositiveIntegerField(db_default=0)

    class Meta:
        db_table = "traces"
        constraints = [
            models.UniqueConstraint(fields=["ref"], name="trace_ref_once"),
            models.UniqueConstraint(
                fields=["person", "reason"], condition=Q(closed_at=None), name="trace_one_open_for_person_and_reason"
            ),
            # Claimed means somebody may be on this number at this moment.
            models.UniqueConstraint(
                fields=["phone"],
                condition=Q(claimed_by__isnull=False) & ~Q(phone=""),
                name="trace_one_open_call_for_a_phone",
            ),
            models.UniqueConstraint(
                fields=["household"],
                condition=Q(claimed_by__isnull=False) & Q(household__isnull=False),
                name="trace_one_open_call_for_a_household",
            ),
            models.CheckConstraint(
                condition=Q(claimed_by=None, claimed_at=None) | Q(claimed_by__isnull=False, claimed_at__isnull=False),
                name="trace_claimed_at_by",
            ),
            models.CheckConstraint(
                condition=Q(queued=False) | Q(claimed_by=None, closed_at=None), name="trace_queued_is_open_and_free"
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None) | (Q(claimed_by=None) & ~Q(outcome="")), name="trace_closed_with_outcome"
            ),
            models.CheckConstraint(
                condition=Q(reached_at=None, reached_by_kind="")
                | (Q(reached_at__isnull=False) & ~Q(reached_by_kind="")),
                name="trace_reached_at_by",
            ),
            models.CheckConstraint(
                condition=Q(queued=True) | Q(closed_at__isnull=False) | Q(ready_at__isnull=False),
                name="trace_open_comes_back",
            ),
            models.CheckConstraint(condition=~Q(reason="case") | Q(case__isnull=False), name="trace_case_has_case"),
            models.CheckConstraint(
                condition=Q(passes_to=None) | ~Q(passes_to=F("team")), name="trace_passes_to_another"
            ),
        ]
        indexes = [
            models.Index(
                fields=["team", "shard", "priority", "due_at", "id"], name="trace_queue", condition=Q(queued=True)
            ),
            models.Index(fields=["due_at"], name="trace_due", condition=Q(closed_at=None, passes_to__isnull=False)),
            models.Index(fields=["team", "ready_at"], name="trace_ready", condition=Q(queued=False, closed_at=None)),
            # By the time and not by the person, so that the look-up of a number cannot mistake it for its own index.
            models.Index(fields=["claimed_by"], name="trace_claimed", condition=Q(claimed_at__isnull=False)),
            models.Index(fields=["person"], name="trace_follow_up", condition=Q(reason="followup")),
            models.Index(fields=["household"], name="trace_household", condition=Q(household__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.ref


@classify(internal="trace authority at", identifiable="why")
class MoveDue(models.Model):
    """A trace that passes to another authority as soon as nobody has it open: its person moved while somebody did."""

    trace = models.OneToOneField(Trace, models.PROTECT, primary_key=True)
    authority = models.CharField(max_length=9)
    why = models.CharField(max_length=300)
    at = models.DateTimeField()

    class Meta:
        db_table = "moves_due"

    def __str__(self) -> str:
        return f"trace {self.trace_id} to {self.authority}"


@classify(
    internal="id trace at recorded_at user_id team kind seconds through client_key",
    identifiable="number",
    special="outcome note call_back_at",
)
class Attempt(models.Model):
    """One try to reach the person. System messages are not attempts."""

    trace = models.ForeignKey(Trace, models.PROTECT)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    user_id = models.BigIntegerField()
    team = models.ForeignKey("accounts.Team", models.PROTECT, db_index=False, db_constraint=False)
    kind = models.CharField(max_length=8)
    outcome = models.CharField(max_length=20)
    number = models.CharField(max_length=16, blank=True)
    seconds = models.PositiveIntegerField(null=True)
    call_back_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)
    # The attempt on another trace of the household by which this person was spoken for: one call, not two.
    through = models.ForeignKey("self", models.PROTECT, null=True, db_index=False)
    # Given by a phone without signal, so that what is sent twice is recorded once.
    client_key = models.UUIDField(null=True)

    class Meta:
        db_table = "attempts"
        constraints = [
            models.UniqueConstraint(
                fields=["client_key"], condition=Q(client_key__isnull=False), name="attempt_sent_once"
            ),
        ]
        indexes = [models.Index(fields=["number", "at"], name="attempt_number", condition=~Q(number=""))]

    def __str__(self) -> str:
        return f"{self.kind}: {self.outcome}"


@classify(
    internal="pk trace seq previous from_team since to_team at reason user_id recorded_at seen_at seen_by",
    special="why",
)
class Handover(models.Model):
    """One finished ownership: ``from_team`` had the trace from ``since`` until ``at``, when ``to_team`` got it.

    Each row's beginning is bound by a foreign key to the end of the row before it (the same team, the same moment), so
    that a history with a gap or an overlap cannot be written. The present owner is on the trace.
    """

    class Reason(models.TextChoices):
        SET_PERIOD = "set_period", "The set period passed"
        GIVEN_BACK = "given_back", "Given back"
        ESCALATED = "escalated", "Escalated"
        REASSIGNED = "reassigned", "Reassigned"
        UNDONE = "undone", "A reassignment was undone"
        MOVED_ON = "moved_on", "The national team's tries are used up"
        MOVED = "moved", "The person moved"

    pk = models.CompositePrimaryKey("trace_id", "seq")
    trace = models.ForeignKey(Trace, models.PROTECT, db_index=False)
    seq = models.PositiveSmallIntegerField()
    previous = models.SmallIntegerField(null=True)
    from_team = models.ForeignKey(
        "accounts.Team", models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    since = models.DateTimeField()
    to_team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    at = models.DateTimeField()
    reason = models.CharField(max_length=12, choices=Reason)
    why = models.CharField(max_length=300)
    user_id = models.BigIntegerField(null=True)
    recorded_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)
    seen_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "handovers"
        constraints = [
            # Target of the chain's foreign key (in the migration): who got it, and when.
            models.UniqueConstraint(fields=["trace", "seq", "to_team", "at"], name="handover_chain_end"),
            models.CheckConstraint(condition=Q(at__gte=F("since")), name="handover_in_time"),
            models.CheckConstraint(
                condition=Q(seq=1, previous=None) | Q(seq__gt=1, previous__isnull=False, previous=F("seq") - 1),
                name="handover_follows",
            ),
            models.CheckConstraint(condition=~Q(from_team=F("to_team")), name="handover_to_another"),
            models.CheckConstraint(
                condition=Q(seen_at=None, seen_by=None) | Q(seen_at__isnull=False, seen_by__isnull=False),
                name="handover_seen_at_by",
            ),
        ]
        indexes = [
            models.Index(fields=["to_team", "at"], name="handover_notice", condition=Q(seen_at=None)),
            models.Index(fields=["from_team", "at"], name="handover_passed_on"),
        ]

    def __str__(self) -> str:
        return f"{self.trace_id}/{self.seq}: {self.get_reason_display()}"


@classify(internal="id trace at user_id team to_team kind answers seen_at seen_by", special="text")
class Note(models.Model):
    """A note, a question or an answer on a trace, seen by both teams. A question is put to a team (``to_team``), an answer
    goes to the team that asked, and is new there until somebody has seen it."""

    class Kind(models.TextChoices):
        NOTE = "note", "Note"
        QUESTION = "question", "Question"
        ANSWER = "answer", "Answer"

    trace = models.ForeignKey(Trace, models.PROTECT)
    at = models.DateTimeField()
    user_id = models.BigIntegerField()
    team = models.ForeignKey("accounts.Team", models.PROTECT, db_index=False, db_constraint=False)
    to_team = models.ForeignKey(
        "accounts.Team", models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    kind = models.CharField(max_length=8, choices=Kind)
    text = models.TextField()
    answers = models.ForeignKey("self", models.PROTECT, null=True)
    seen_at = models.DateTimeField(null=True)
    seen_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "notes"
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="note_says_something"),
            models.CheckConstraint(
                condition=Q(kind="answer", answers__isnull=False) | (~Q(kind="answer") & Q(answers=None)),
                name="note_answer_has_question",
            ),
            models.CheckConstraint(
                condition=Q(kind="question", to_team__isnull=False)
                | Q(kind="answer")
                | (~Q(kind__in=["question", "answer"]) & Q(to_team=None)),
                name="note_question_is_put_to_a_team",
            ),
            models.CheckConstraint(
                condition=Q(seen_at=None, seen_by=None) | Q(seen_at__isnull=False, seen_by__isnull=False),
                name="note_seen_at_by",
            ),
        ]
        indexes = [
            models.Index(fields=["to_team", "at"], name="note_question", condition=Q(to_team__isnull=False)),
            models.Index(fields=["to_team", "at"], name="note_new_answer", condition=Q(kind="answer", seen_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} on {self.trace_id}"
