"""People, and why an authority may know them."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from ringfence.casework.fields import classify


@classify(
    internal="id match_key updated_at",
    identifiable="nhs_number given_name family_name birth_date adult language sex phone phone_other email address postcode "
    "gp_postcode household",
    special="ethnicity care_home",
)
class Person(models.Model):
    """Somebody known to the service. What is here is the latest; ``people_history`` keeps what it was before."""

    nhs_number = models.CharField(max_length=10, null=True)
    # 64 bits of a hash of name, birth date and postcode (rules.identity): finds candidates, decides nothing.
    match_key = models.BigIntegerField()
    given_name = models.CharField(max_length=100)
    family_name = models.CharField(max_length=100)
    # A contact is often known by name and number alone: then only whether they are grown up may be known.
    birth_date = models.DateField(null=True)
    adult = models.BooleanField(null=True)
    language = models.CharField(max_length=40, db_default="")
    sex = models.CharField(max_length=1)
    ethnicity = models.CharField(max_length=60)
    phone = models.CharField(max_length=16)
    phone_other = models.CharField(max_length=16)
    email = models.CharField(max_length=254)
    address = models.CharField(max_length=300)
    postcode = models.CharField(max_length=8)
    gp_postcode = models.CharField(max_length=8)
    care_home = models.BooleanField(db_default=False)
    household = models.BigIntegerField(null=True)
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "people"
        verbose_name_plural = "people"
        constraints = [
            models.UniqueConstraint(fields=["nhs_number"], name="person_nhs_number_once"),
            # Two deliveries read at once may both meet somebody new: the second to write finds the first one's person.
            models.UniqueConstraint(
                fields=["match_key"],
                condition=Q(nhs_number=None) & ~Q(match_key=0),
                name="person_unnumbered_once",
            ),
            models.CheckConstraint(condition=Q(nhs_number__regex=r"^\d{10}$"), name="person_nhs_number_form"),
        ]
        indexes = [
            models.Index(fields=["match_key"], name="person_match_key"),
            # Small: what a row with an unknown NHS number can match are the few people whose number is not held.
            models.Index(fields=["match_key"], name="person_without_number", condition=Q(nhs_number=None)),
            models.Index(fields=["phone"], name="person_phone", condition=~Q(phone="")),
        ]

    def __str__(self) -> str:
        return f"person {self.pk}"


@classify(internal="pk area why from_at until_at", identifiable="person")
class Standing(models.Model):
    """Why an area may know a person, from when until when. The key of the wall: residence alone would be the wrong one."""

    class Why(models.TextChoices):
        LIVES = "lives", "lives there"
        LIVED = "lived", "lived there when the case opened"
        CONTACT = "contact", "is a contact of its case"
        HANDED = "handed", "was handed over to it"

    pk = models.CompositePrimaryKey("person_id", "area", "why", "from_at")
    # A standing without its person opens nothing, and a person without one is seen by nobody: no key check is needed.
    person = models.ForeignKey(Person, models.PROTECT, db_index=False, db_constraint=False)
    area = models.CharField(max_length=9)
    why = models.CharField(max_length=8, choices=Why)
    from_at = models.DateTimeField()
    until_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "standings"
        constraints = [
            models.CheckConstraint(
                condition=Q(until_at=None) | Q(until_at__gte=F("from_at")), name="standing_ends_after_it_begins"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.area}: {self.get_why_display()}"
