"""The map of an area: from the authority to its postcode sectors to their postcodes, on any day as it was known then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from ringfence.actions import shapes as verbs
from ringfence.geography.atlas import Area
from ringfence.geography.shapes import Shape
from ringfence.queries import map as queries
from ringfence.queries.map import Cluster, Counts, SectorMap
from ringfence.rules.calendar import DAY, london_date
from ringfence.rules.figures import INCOMPLETE_DAYS
from ringfence.rules.plural import counted
from ringfence.web import maps, words
from ringfence.web.forms import Form
from ringfence.web.maps import Part
from ringfence.web.rendering import page
from ringfence.web.views.areas import SECTION, chosen_area, tabs
from ringfence.web.visitor import StaffRequest

SPANS = (("1", "1 day"), ("3", "3 days"), ("7", "7 days"), ("14", "14 days"), ("28", "28 days"))

#: Days that the slider goes back.
BACK = 55

#: Cases a week for every 100,000 residents, and cases at a postcode, where the steps of the colours begin.
RATES, CASES = (25, 100, 400, 800), (2, 3, 5, 10)

#: Residents below which a rate says nothing.
FEW = 100

FIRST = date(2000, 1, 1)

ORDERS = (("rate", "Highest rate"), ("cases", "Most cases"), ("name", "Sector"))

NONE = Counts(0, 0)


class Asked(NamedTuple):
    """The window that is asked for: its last day (None is today), its days, how far the slider is from its left end."""

    on: date | None
    days: int
    slider: int

    def query(self, today: date, on: date | None = None) -> str:
        """The address's query for these days until another day."""
        until = on or self.on or today
        return urlencode({"day": until.isoformat(), "days": self.days})


class Line(NamedTuple):
    """A line of the table: a sector or postcode, its figures, where it leads."""

    name: str
    href: str
    cases: int
    before: int
    people: float | None
    counted: str
    rate: float | None


def _asked(form: Form, today: date) -> Asked:
    """The window of the address; what cannot be read is a mistake of the form, and the last seven days are shown."""
    days = form.choice("days", dict(SPANS), "Choose one of the list") if form.get("days") else "7"
    on = form.typed_date("day", "the day") or today
    if form.get("at"):
        ago = form.number("at", 0, BACK, "The slider's place")
        on = today if ago is None else today - timedelta(days=BACK - ago)
    # So far back there was no record, and the window of a year before the first has no date.
    if not FIRST <= on <= today:
        form.wrong("day", f"Give a day from {words.day(FIRST)} to today")
        on = today
    slider = max(0, BACK - (today - on).days)
    return Asked(None if on == today else on, int(days or 7), slider)


def _mistakes(form: Form) -> dict[str, str]:
    """Of the page's form: the day of an address is said at the slider, which is the page's field for it."""
    return {"at" if field == "day" else field: message for field, message in form.errors().items()}


def _bands(limits: Sequence[int], first: str, unit: str) -> list[tuple[str, str]]:
    """The steps of the colours, each in words; ``first`` is below the first limit."""
    between = [f"{low} to {high - 1}" if high - low > 1 else str(low) for low, high in pairwise(limits)]
    words = [first, *(each + unit for each in (*between, f"{limits[-1]} and more"))]
    return [("0", "no case"), *((str(step), each) for step, each in enumerate(words, 1))]


def _step(value: float, limits: Sequence[int]) -> str:
    return str(1 + sum(value >= limit for limit in limits)) if value > 0 else "0"


def _clusters(code: str, found: Sequence[Cluster], then: str) -> list[tuple[float, float, float, str, str]]:
    page = f"/areas/{code}/clusters{then}#alert-"
    return [
        (each.east, each.north, each.reach, f"{page}{each.ref}", f"Cluster {chr(65 + at)}: {each.evidence}")
        for at, each in enumerate(found)
    ]


def _then(asked: Asked, today: date) -> str:
    """The query of the clusters' page for the map's day."""
    return f"?as-at={asked.on}" if asked.on and asked.on < today else ""


def _times(asked: Asked, today: date) -> list[tuple[str, str]]:
    """Steps through the days: the address's query, and words."""
    on = asked.on or today
    steps = ((-7, "A week before"), (-1, "A day before"), (1, "A day after"), (7, "A week after"))
    return [(asked.query(today, on + days * DAY), words) for days, words in steps if on + days * DAY <= today]


def _page(
    request: StaffRequest, template: str, form: Form, asked: Asked, today: date, *, area: Area, **shown: Any
) -> HttpResponse:
    """A map's page: what the authority's and a sector's have alike, and what is ``shown``."""
    return page(
        request,
        template,
        section=SECTION,
        status=200 if form.valid else 422,
        errors=_mistakes(form),
        area=area,
        tabs=tabs(request, area.code, "/map", asked.on),
        asked=asked,
        today=today,
        until=asked.on or today,
        times=_times(asked, today),
        spans=SPANS,
        most=BACK,
        query=asked.query(today),
        then=_then(asked, today),
        incomplete=INCOMPLETE_DAYS,
        **shown,
    )


@require_safe
def area_map(request: StaffRequest, code: str) -> HttpResponse:
    """The authority by sector: the drawing, and the same as a table."""
    request.scope.require("area")
    place, today, form = chosen_area(request, code), london_date(request.now), Form(request.GET)
    asked = _asked(form, today)
    order = request.GET.get("order", "rate")
    if form.valid and form.get("at"):
        return redirect(f"/areas/{code}/map?{asked.query(today)}")
    verbs.compute(area=code, by=request.scope, now=request.now)
    found = queries.area_map(scope=request.scope, area=code, now=request.now, on=asked.on, days=asked.days)
    limits = maps.scaled(RATES, asked.days)
    lines = [_line(code, each, found.cases.get(each.code, NONE), asked, today) for each in found.sectors]
    parts = [_part(line, shape, limits) for line, shape in zip(lines, found.sectors, strict=True)]
    drawn = {each.code for each in found.sectors}
    elsewhere = sum(counts.cases for name, counts in found.cases.items() if name not in drawn)
    by = {
        "rate": lambda line: (-(line.rate if line.rate is not None else -1.0), -line.cases, line.name),
        "cases": lambda line: (-line.cases, line.name),
        "name": lambda line: line.name,
    }.get(order, lambda line: line.name)
    return _page(
        request,
        "areas/map.jinja",
        form,
        asked,
        today,
        title=f"Map of {place.name}",
        area=place,
        address=f"/areas/{code}/map",
        found=found,
        drawing=maps.draw([part for part in parts if part.rings], _clusters(code, found.clusters, _then(asked, today)))
        if parts
        else None,
        few=any(part.step == "few" for part in parts),
        bands=_bands(limits, f"under {limits[0]} for every 100,000", " for every 100,000"),
        lines=sorted((line for line in lines if line.cases or line.before), key=by),
        quiet=[line for line in lines if not line.cases and not line.before],
        order=order,
        orders=ORDERS,
        total=sum(counts.cases for counts in found.cases.values()) + found.unplaced.cases,
        elsewhere=elsewhere,
        sources=sorted({each.source for each in found.sectors}),
        counted=sorted({each.counted for each in found.sectors}),
    )


def _line(code: str, shape: Shape, counts: Counts, asked: Asked, today: date) -> Line:
    people = shape.population
    return Line(
        shape.code,
        f"/areas/{code}/map/{shape.code.replace(' ', '-')}?{asked.query(today)}",
        counts.cases,
        counts.before,
        people,
        shape.counted,
        100_000 * counts.cases / people if people is not None and people >= FEW else None,
    )


def _part(line: Line, shape: Shape, limits: Sequence[int]) -> Part:
    cases = counted(line.cases, "case")
    if line.rate is None:
        step, text = ("few" if line.cases else "0"), ""
        label = f"{line.name}: {cases}, too few residents for a rate"
    else:
        step, text = _step(line.rate, limits), (f"{line.rate:.0f}" if line.cases else "")
        label = f"{line.name}: {cases}, {line.rate:.0f} for every 100,000"
    return Part(shape.rings, step, text, line.href, label, line.cases)


@require_safe
def sector_map(request: StaffRequest, code: str, sector: str) -> HttpResponse:
    """A sector by postcode: the drawing, and the same as a table."""
    request.scope.require("area")
    place, today, form = chosen_area(request, code), london_date(request.now), Form(request.GET)
    asked = _asked(form, today)
    address = f"/areas/{code}/map/{sector}"
    if form.valid and form.get("at"):
        return redirect(f"{address}?{asked.query(today)}")
    name = sector.replace("-", " ").replace("\0", "").upper()
    verbs.compute(area=code, by=request.scope, now=request.now)
    found = queries.sector_map(
        scope=request.scope, area=code, sector=name, now=request.now, on=asked.on, days=asked.days
    )
    lines = [
        Line(postcode, _list_of(request, code, postcode, found), counts.cases, counts.before, None, "", None)
        for postcode, counts in found.cases.items()
    ]
    parts = [_cell(cell.postcodes, cell.ring, found, request, code) for cell in found.cells]
    drawn = {postcode for cell in found.cells for postcode in cell.postcodes}
    counts = Counts(sum(line.cases for line in lines), sum(line.before for line in lines))
    return _page(
        request,
        "areas/sector.jinja",
        form,
        asked,
        today,
        title=f"Map of {name}",
        area=place,
        address=address,
        found=found,
        back={"href": f"/areas/{code}/map?{asked.query(today)}", "text": f"Map of {place.name}"},
        drawing=maps.draw(parts, _clusters(code, found.clusters, _then(asked, today))) if parts else None,
        bands=_bands(CASES, "1 case", " cases"),
        lines=sorted(lines, key=lambda line: (-line.cases, -line.before, line.name)),
        whole=_line(code, found.shape, counts, asked, today),
        elsewhere=sum(line.cases for line in lines if line.name not in drawn),
    )


def _list_of(request: StaffRequest, code: str, postcode: str, found: SectorMap) -> str:
    """The address of the line list of a postcode in these days, for who may see it."""
    if not request.scope.may("line list"):
        return ""
    days = {"since": found.window.since.isoformat(), "until": found.window.until.isoformat()}
    return f"/areas/{code}/line-list?{urlencode({'sector': postcode, **days})}"


def _cell(postcodes: Sequence[str], ring: list[int], found: SectorMap, request: StaffRequest, code: str) -> Part:
    there = [(postcode, found.cases[postcode].cases) for postcode in postcodes if postcode in found.cases]
    there = [each for each in there if each[1]]
    cases = sum(number for _, number in there)
    if not cases:
        return Part([ring], "0", "", "", "", 0)
    label = ", ".join(f"{name}: {counted(number, 'case')}" for name, number in there)
    return Part([ring], _step(cases, CASES), str(cases), _list_of(request, code, there[0][0], found), label, cases)
