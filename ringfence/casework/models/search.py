"""What people are found by: a copy made for searching, which the worker brings up to date within a minute.

It is beside the record, not in it: no index more on the tables that a delivery of two million rows is written to.
``search_due``, a heap without an index that triggers write to, says whose keys are to be made; it has no model.
"""

from __future__ import annotations

from django.db import models

from ringfence.casework.fields import classify


@classify(internal="pk area kind", identifiable="key person")
class SearchKey(models.Model):
    """One thing that one person is found by in one area that may know of them.

    Keys are added and stay: who has a new name or number is found by the one before as well. Whether the area may still
    know of somebody is asked of ``standings`` at every search.
    """

    class Kind(models.TextChoices):
        NAME = "n", "Name"
        SOUND = "s", "How the family name sounds"
        PHONE = "p", "Phone number"
        POSTCODE = "c", "Postcode"

    pk = models.CompositePrimaryKey("area", "kind", "key", "person_id")
    area = models.CharField(max_length=9)
    kind = models.CharField(max_length=1, choices=Kind)
    key = models.CharField(max_length=101)
    person = models.ForeignKey("casework.Person", models.PROTECT, db_index=False, db_constraint=False)

    class Meta:
        db_table = "search_keys"

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of person {self.person_id}"


@classify(internal="pk trace", identifiable="person")
class PersonTrace(models.Model):
    """Which traces are about a person, the closed ones too."""

    pk = models.CompositePrimaryKey("person_id", "trace_id")
    person = models.ForeignKey("casework.Person", models.PROTECT, db_index=False, db_constraint=False)
    trace = models.ForeignKey("casework.Trace", models.PROTECT, db_index=False, db_constraint=False)

    class Meta:
        db_table = "person_traces"

    def __str__(self) -> str:
        return f"trace {self.trace_id} of person {self.person_id}"
