"""Who was exposed to a case, where people met, and how long each isolates."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from ringfence.casework.fields import classify


@classify(
    internal="id identified_at source withdrawn_at withdrawn_why trace entry spoken_for_at",
    identifiable="case case_person person setting relation household last_contact",
    special="became_case became_case_at exemptions",
)
class Contact(models.Model):
    """Somebody exposed to a case in its infectious period. One row for each case that names them.

    ``trace`` is the effort to reach the contact; one trace may serve several cases' rows, and it is empty for somebody
    who was a case already, or was spoken for in the call. ``entry`` is the id of the answer's entry that it came from.
    """

    case = models.ForeignKey("casework.Case", models.PROTECT, db_index=False, db_constraint=False)
    case_person = models.ForeignKey(
        "casework.Person", models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    person = models.ForeignKey("casework.Person", models.PROTECT, related_name="+", db_index=False)
    trace = models.ForeignKey("casework.Trace", models.PROTECT, null=True, db_index=False)
    setting = models.ForeignKey("casework.Setting", models.PROTECT, null=True, db_index=False)
    entry = models.CharField(max_length=40)
    relation = models.CharField(max_length=12)
    household = models.BooleanField(db_default=False)
    last_contact = models.DateField()
    exemptions = models.CharField(max_length=80, db_default="")
    identified_at = models.DateTimeField()
    source = models.CharField(max_length=8)
    spoken_for_at = models.DateTimeField(null=True)
    became_case = models.ForeignKey(
        "casework.Case", models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    became_case_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_why = models.CharField(max_length=200, db_default="")

    class Meta:
        db_table = "contacts"
        constraints = [
            models.UniqueConstraint(fields=["case", "person"], name="contact_once_for_a_case"),
            models.CheckConstraint(condition=~Q(person=F("case_person")), name="contact_is_not_the_case"),
            models.CheckConstraint(
                condition=Q(became_case=None, became_case_at=None)
                | Q(became_case__isnull=False, became_case_at__isnull=False),
                name="contact_became_case_at",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None) | ~Q(withdrawn_why=""), name="contact_withdrawn_with_reason"
            ),
        ]
        indexes = [
            models.Index(fields=["person"], name="contact_person"),
            models.Index(fields=["trace"], name="contact_trace", condition=Q(trace__isnull=False)),
            models.Index(fields=["case_person"], name="contact_case_person"),
        ]

    def __str__(self) -> str:
        return f"contact {self.person_id} of case {self.case_id}"


@classify(
    internal="id ref kind authority ltla created_at created_by merged_into merged_at merged_by size",
    # A place may be somebody's home.
    identifiable="name name_key address postcode",
)
class Setting(models.Model):
    """A place where people met. ``merged_into`` is the setting that this one turned out to be."""

    ref = models.CharField(max_length=8, unique=True)
    kind = models.CharField(max_length=12)
    name = models.CharField(max_length=120)
    # As rules.settings compares names: case, accents, punctuation and words such as "the" and "ltd" do not count.
    name_key = models.CharField(max_length=120)
    address = models.CharField(max_length=300, db_default="")
    postcode = models.CharField(max_length=8, db_default="")
    authority = models.CharField(max_length=9, db_default="")
    ltla = models.CharField(max_length=9, db_default="")
    # People who work, learn or live there, as somebody local knows it.
    size = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField()
    created_by = models.BigIntegerField(null=True)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, db_index=False)
    merged_at = models.DateTimeField(null=True)
    merged_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "settings"
        constraints = [
            models.UniqueConstraint(
                fields=["postcode", "name_key", "kind"],
                condition=Q(merged_into=None) & ~Q(postcode=""),
                name="setting_once",
            ),
            models.CheckConstraint(
                condition=Q(merged_into=None, merged_at=None) | Q(merged_into__isnull=False, merged_at__isnull=False),
                name="setting_merged_at",
            ),
            models.CheckConstraint(condition=~Q(merged_into=F("id")), name="setting_merged_into_another"),
        ]
        indexes = [
            models.Index(fields=["authority", "name_key"], name="setting_in_authority"),
            models.Index(fields=["merged_into"], name="setting_merged", condition=Q(merged_into__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.postcode}"


@classify(
    internal="id recorded_at recorded_by source entry withdrawn_at",
    identifiable="case person setting place postcode category from_date until_date",
    special="window",
)
class Exposure(models.Model):
    """Where a case was, on which days, doing what: in the backward window, the infectious one, or both.

    A place may be known by its postcode alone. ``category`` is the event category of ``rules.exposures``.
    """

    class Window(models.TextChoices):
        BACKWARD = "backward", "Backward"
        INFECTIOUS = "infectious", "Infectious"
        BOTH = "both", "Both"
        OUTSIDE = "outside", "Outside"

    case = models.ForeignKey("casework.Case", models.PROTECT, db_index=False, db_constraint=False)
    person = models.ForeignKey("casework.Person", models.PROTECT, db_index=False, db_constraint=False)
    setting = models.ForeignKey(Setting, models.PROTECT, null=True, db_index=False)
    entry = models.CharField(max_length=40)
    place = models.CharField(max_length=200, db_default="")
    postcode = models.CharField(max_length=8, db_default="")
    category = models.CharField(max_length=20)
    from_date = models.DateField()
    until_date = models.DateField()
    window = models.CharField(max_length=10, choices=Window)
    source = models.CharField(max_length=8)
    recorded_at = models.DateTimeField()
    recorded_by = models.BigIntegerField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "exposures"
        constraints = [
            models.UniqueConstraint(fields=["case", "entry"], name="exposure_once"),
            models.CheckConstraint(condition=Q(until_date__gte=F("from_date")), name="exposure_days_in_order"),
        ]
        indexes = [
            models.Index(fields=["postcode", "category", "from_date"], name="exposure_at_postcode"),
            models.Index(
                fields=["setting", "from_date"], name="exposure_at_setting", condition=Q(setting__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.category} of case {self.case_id}"


@classify(
    internal="id trace policy computed_at superseded_at because",
    identifiable="person",
    special="day_0 from_date until_date why",
)
class Isolation(models.Model):
    """How long one person isolates for one trace's reason, as worked out at ``computed_at``.

    When onset, last contact or the rules change a new row supersedes it; ``because`` says what changed. No dates: nobody
    asks the person to isolate, and ``why`` says why not.
    """

    trace = models.ForeignKey("casework.Trace", models.PROTECT, db_index=False, db_constraint=False)
    person = models.ForeignKey("casework.Person", models.PROTECT, db_index=False, db_constraint=False)
    day_0 = models.DateField()
    from_date = models.DateField(null=True)
    until_date = models.DateField(null=True)
    policy = models.CharField(max_length=60)
    why = models.CharField(max_length=300)
    because = models.CharField(max_length=200, db_default="")
    computed_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "isolations"
        constraints = [
            models.UniqueConstraint(
                fields=["trace"], condition=Q(superseded_at=None), name="isolation_one_for_a_trace"
            ),
            models.CheckConstraint(
                condition=Q(from_date=None, until_date=None)
                | Q(from_date__isnull=False, until_date__isnull=False, until_date__gte=F("from_date")),
                name="isolation_days_in_order",
            ),
        ]
        indexes = [
            models.Index(fields=["trace", "computed_at"], name="isolation_of_trace"),
            models.Index(fields=["until_date"], name="isolation_running", condition=Q(superseded_at=None)),
            models.Index(fields=["person"], name="isolation_of_person", condition=Q(superseded_at=None)),
            models.Index(
                fields=["computed_at"], name="isolation_changed", condition=Q(superseded_at=None) & ~Q(because="")
            ),
        ]

    def __str__(self) -> str:
        return f"isolation for trace {self.trace_id}"
