"""The figures of the service: the whole of England on a hexagon map with a table beside it, and one authority."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from ringfence.geography.atlas import Area, packaged
from ringfence.queries import statistics as queries
from ringfence.rules.calendar import DAY, london_date, london_moment
from ringfence.rules.statistics import CONTACT_DEFINITIONS, Figures, percent
from ringfence.web import hexagons
from ringfence.web.rendering import page
from ringfence.web.visitor import StaffRequest

SECTION = "/overview"
PERIODS = {"1": "Today and yesterday", "7": "Last 7 days", "14": "Last 14 days", "28": "Last 28 days", "all": "All"}


class Measure(NamedTuple):
    """What the map can show: its name, how it is worked out, and where the steps of the scale lie."""

    name: str
    of: Callable[[Figures], float | None]
    limits: tuple[float, ...]
    unit: str


MEASURES: Mapping[str, Measure] = {
    "reached": Measure("Reached", lambda figures: figures.reached_percent, (60, 70, 80, 90), "%"),
    "within_24": Measure(
        "Reached within 24 hours",
        lambda figures: percent(figures.within_24, figures.transferred),
        (30, 45, 60, 75),
        "%",
    ),
    "added": Measure("Added by the local team", lambda figures: figures.added_points, (2, 5, 10, 15), " points"),
    "overdue": Measure("Overdue", lambda figures: figures.overdue, (1, 10, 50, 200), ""),
}

ORDERS: Mapping[str, tuple[str, Callable[[Figures], float]]] = {
    "name": ("Name", lambda figures: 0),
    "transferred": ("Most transferred", lambda figures: -figures.transferred),
    "reached": ("Least reached", lambda figures: figures.reached_percent or 0),
    "overdue": ("Most overdue", lambda figures: -figures.overdue),
    "added": ("Most added locally", lambda figures: -(figures.added_points or 0)),
}


@lru_cache(maxsize=1)
def _authorities() -> tuple[Area, ...]:
    """The upper-tier authorities in force, which are the cells of the map."""
    return tuple(packaged().upper_tier())


def _period(request: StaffRequest) -> tuple[str, datetime | None]:
    """The period that was chosen, and when it begins: at midnight in London."""
    chosen = request.GET.get("period", "7")
    if chosen not in PERIODS:
        chosen = "7"
    if chosen == "all":
        return chosen, None
    return chosen, london_moment(london_date(request.now) - int(chosen) * DAY, time())


def _places() -> list[tuple[str, str]]:
    """What can be chosen: all of England, or one authority."""
    return [("", "England"), *sorted(((each.code, each.name) for each in _authorities()), key=lambda each: each[1])]


def _read(request: StaffRequest) -> tuple[str, queries.ServiceOverview]:
    request.scope.require("overview")
    period, from_at = _period(request)
    until_at = request.now + timedelta(seconds=1)
    return period, queries.overview(scope=request.scope, now=request.now, from_at=from_at, until_at=until_at)


@require_safe
def overview(request: StaffRequest) -> HttpResponse:
    chosen = request.GET.get("authority", "")
    if any(each.code == chosen for each in _authorities()):
        return redirect(f"/overview/{chosen}?{urlencode({'period': _period(request)[0]})}")
    period, found = _read(request)
    measure = MEASURES.get(request.GET.get("map", ""), MEASURES["reached"])
    key = next(key for key, each in MEASURES.items() if each is measure)
    order = request.GET.get("order", "name")
    order = order if order in ORDERS else "name"
    by_code = found.figures.by_authority
    cells = [
        _cell(area.upper_cell, area.name, by_code.get(area.code), measure) for area in _authorities() if area.upper_cell
    ]
    lines = sorted(
        ((code or "", found.names[code], figures) for code, figures in by_code.items()),
        key=lambda line: (ORDERS[order][1](line[2]), line[1]),
    )
    mine = {place.area for place in request.visitor.places}
    return page(
        request,
        "overview/overview.jinja",
        title="Overview",
        section=SECTION,
        found=found,
        total=found.figures.total,
        kinds=found.figures.by_first_kind,
        contacts=found.figures.contacts,
        of_household=found.figures.of_household.total,
        elsewhere=found.figures.elsewhere.total,
        contact_definitions=CONTACT_DEFINITIONS,
        lines=lines,
        own=[line for line in lines if line[0] in mine],
        places=_places(),
        period=period,
        periods=list(PERIODS.items()),
        measure=measure,
        map=key,
        measures=[(key, each.name) for key, each in MEASURES.items()],
        order=order,
        orders=[(key, words) for key, (words, _) in ORDERS.items()],
        drawing=hexagons.draw(cells, measure.limits, measure.unit),
        bands=hexagons.bands(measure.limits, measure.unit),
        points=hexagons.corners(17, 17, 16),
    )


def _cell(at: tuple[int, int], name: str, figures: Figures | None, measure: Measure) -> hexagons.Cell:
    if figures is None:
        return hexagons.Cell(*at, name, None)
    return hexagons.Cell(*at, name, measure.of(figures), figures.transferred if measure.unit else None)


@require_safe
def authority(request: StaffRequest, code: str) -> HttpResponse:
    area = next((each for each in _authorities() if each.code == code), None)
    if area is None:
        raise Http404
    period, found = _read(request)
    return page(
        request,
        "overview/authority.jinja",
        title=f"Figures of {area.name}",
        section=SECTION,
        area=area,
        figures=found.figures.by_authority.get(code),
        england=found.figures.total,
        contacts=found.figures.contacts_by_authority.get(code),
        of_household=found.figures.of_household.by_authority.get(code),
        elsewhere=found.figures.elsewhere.by_authority.get(code),
        contact_definitions=CONTACT_DEFINITIONS,
        found=found,
        places=_places(),
        period=period,
        periods=list(PERIODS.items()),
    )
