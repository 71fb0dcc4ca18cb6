"""Areas and postcodes. Written by ``load`` as the owner of the schema; everybody else reads.

Nothing here is about a person: every field is ``open``.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class Area(models.Model):
    """A place with a government (GSS) code: an authority, a region or a nation.

    A unitary authority, a metropolitan district and a London borough are lower and upper tier at once, under one code.
    ``opened`` and ``closed`` are dates of the code, half open: it is in force from ``opened`` and until the day before
    ``closed``. A null ``opened`` means before the time this record looks at; a null ``closed`` means still in force.
    """

    class Kind(models.TextChoices):
        UNITARY = "unitary", "Unitary authority"
        METROPOLITAN = "metropolitan", "Metropolitan district"
        LONDON = "london", "London borough"
        DISTRICT = "district", "District"
        COUNTY = "county", "County council"
        COUNCIL = "council", "Authority outside England"
        REGION = "region", "Region"
        NATION = "nation", "Nation"

    code = models.CharField(max_length=9, primary_key=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=12, choices=Kind)
    lower_tier = models.BooleanField(help_text="A lower-tier authority (LTLA) of England.")
    upper_tier = models.BooleanField(
        help_text="An upper-tier authority (UTLA) of England: it holds the public-health duty."
    )
    opened = models.DateField(null=True)
    closed = models.DateField(null=True)
    population = models.IntegerField(null=True, help_text="Residents of all ages.")
    population_year = models.SmallIntegerField(null=True, help_text="The middle of this year.")
    # Metres on the British National Grid: the mean of the area's postcodes, so where people live.
    easting = models.IntegerField(null=True)
    northing = models.IntegerField(null=True)
    # Cells of the two hexagon maps, axial coordinates, only for areas in force.
    upper_q = models.SmallIntegerField(null=True)
    upper_r = models.SmallIntegerField(null=True)
    lower_q = models.SmallIntegerField(null=True)
    lower_r = models.SmallIntegerField(null=True)

    class Meta:
        db_table = "areas"
        constraints = [
            models.CheckConstraint(
                condition=Q(closed=None) | Q(opened=None) | Q(closed__gt=F("opened")), name="area_dates"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["unitary", "metropolitan", "london"], lower_tier=True, upper_tier=True)
                | Q(kind="district", lower_tier=True, upper_tier=False)
                | Q(kind="county", lower_tier=False, upper_tier=True)
                | Q(kind__in=["council", "region", "nation"], lower_tier=False, upper_tier=False),
                name="area_tiers",
            ),
            models.UniqueConstraint(fields=["upper_q", "upper_r"], name="area_upper_cell"),
            models.UniqueConstraint(fields=["lower_q", "lower_r"], name="area_lower_cell"),
        ]
        indexes = [models.Index(fields=["name"], name="area_by_name")]
        ordering = ["name", "code"]

    def __str__(self) -> str:
        return self.name


class AreaParent(models.Model):
    """``child`` lies in ``parent`` from ``since`` until the day before ``until``: district, county, region, nation."""

    child = models.ForeignKey(Area, models.CASCADE, related_name="parents", db_column="child")
    parent = models.ForeignKey(Area, models.CASCADE, related_name="children", db_column="parent")
    since = models.DateField(null=True)
    until = models.DateField(null=True)

    class Meta:
        db_table = "area_parents"
        constraints = [
            models.UniqueConstraint(fields=["child", "parent", "since"], nulls_distinct=False, name="parent_once")
        ]

    def __str__(self) -> str:
        return f"{self.child_id} in {self.parent_id}"


class AreaSuccessor(models.Model):
    """On ``on`` the code ``old`` gave way to ``new``, which took ``share`` of its people (1 when it took them all)."""

    old = models.ForeignKey(Area, models.CASCADE, related_name="successors", db_column="old")
    new = models.ForeignKey(Area, models.CASCADE, related_name="predecessors", db_column="new")
    on = models.DateField()
    share = models.DecimalField(max_digits=5, decimal_places=4)

    class Meta:
        db_table = "area_successors"
        constraints = [
            models.UniqueConstraint(fields=["old", "new"], name="successor_once"),
            models.CheckConstraint(condition=Q(share__gt=0) & Q(share__lte=1), name="successor_share"),
        ]

    def __str__(self) -> str:
        return f"{self.old_id} to {self.new_id} on {self.on:%-d %B %Y}"


class Postcode(models.Model):
    """A postcode of the directory, terminated ones included, and the lower-tier authority it lies in today.

    The loader fills a new table and puts it in this one's place, so nothing may refer to it by a foreign key.
    """

    code = models.CharField(max_length=8, primary_key=True, help_text="Canonical: 'LE5 4PW'.")
    area = models.ForeignKey(Area, models.PROTECT, null=True, db_column="area", db_index=False, db_constraint=False)
    easting = models.IntegerField(null=True)
    northing = models.IntegerField(null=True)
    terminated = models.DateField(null=True, help_text="Month in which it fell out of use, where the source says so.")

    class Meta:
        db_table = "postcodes"
        indexes = [models.Index(fields=["area"], name="postcodes_by_area")]

    def __str__(self) -> str:
        return self.code


class Load(models.Model):
    """What was loaded last, so that loading the same again is known and skipped. One row for each ``what``."""

    what = models.CharField(max_length=10, primary_key=True)
    source = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    rows = models.IntegerField()
    seconds = models.FloatField()
    loaded_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "loads"

    def __str__(self) -> str:
        return f"{self.rows} {self.what} from {self.source}"


class PackedPostcodes(models.Model):
    """England's postcodes as two arrays (``geography.packed``), of the load that has this fingerprint."""

    what = models.CharField(max_length=10, primary_key=True)
    fingerprint = models.CharField(max_length=64)
    codes = models.BinaryField()
    numbers = models.BinaryField()
    entries = ArrayField(models.TextField())

    class Meta:
        db_table = "packed_postcodes"
        verbose_name_plural = "packed postcodes"

    def __str__(self) -> str:
        return f"packed {self.what}"


class Shape(models.Model):
    """What an authority or the part of a postcode sector in it is drawn with, and how many people live there.

    One row is worked out from the postcodes (``geography.shapes``), another may be ``given`` by the authority and goes
    before it, ``rings`` and ``population`` each where it has them. ``rings`` are flat lists of metres, east and north in
    turn. ``cells`` of a sector: [postcodes at one spot, ring] each.
    """

    class Level(models.TextChoices):
        AUTHORITY = "authority", "Authority"
        SECTOR = "sector", "Sector"

    authority = models.ForeignKey(Area, models.PROTECT, db_column="authority", db_index=False, related_name="+")
    level = models.CharField(max_length=9, choices=Level)
    code = models.CharField(max_length=9)
    given = models.BooleanField()
    rings = models.JSONField(null=True)
    cells = models.JSONField(null=True)
    population = models.FloatField(null=True)
    source = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)

    class Meta:
        db_table = "shapes"
        constraints = [
            models.UniqueConstraint(fields=["authority", "level", "code", "given"], name="shape_once"),
            models.CheckConstraint(condition=Q(population__gte=0), name="shape_population"),
            models.CheckConstraint(
                condition=Q(level="sector") | Q(level="authority", code=F("authority")), name="shape_level"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} in {self.authority_id}"
