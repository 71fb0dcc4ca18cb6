"""The director's pages of an area: today, what the methods found, the line list, the places at risk."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from ringfence.actions import detection
from ringfence.actions.errors import Invalid
from ringfence.geography.atlas import Area
from ringfence.geography.resolve import atlas
from ringfence.queries import alerts, areas
from ringfence.queries import today as figures
from ringfence.queries.areas import Filters
from ringfence.rules.attempts import TraceOutcome
from ringfence.rules.calendar import london_date
from ringfence.rules.settings import Kind as SettingKind
from ringfence.web import curves
from ringfence.web.forms import Form
from ringfence.web.rendering import page
from ringfence.web.visitor import StaffRequest

SECTION = "/areas"
PAGE = 50

#: Alerts on the page of clusters, unless all are asked for.
SHOWN = 15

#: Counts that were looked after longer ago than this are said to be old: the process that counts may have stopped.
LATE = timedelta(minutes=15)

#: Lines of one export; who needs more narrows it or asks for the daily feed.
MOST_EXPORTED = 100_000

ORDERS = (("specimen", "Latest specimen"), ("postcode", "Postcode"), ("age", "Youngest"), ("name", "Name"))
OUTCOMES = (("", "All"), ("open", "Still open"), *((each.value, each.words) for each in TraceOutcome))


def _area(request: StaffRequest, code: str) -> Area:
    found = atlas().areas.get(code)
    if found is None or code not in request.scope.areas:
        raise Http404
    return found


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def tabs(request: StaffRequest, code: str, here: str) -> list[tuple[str, str, bool]]:
    """The pages of an area that somebody may open: address, words, and whether it is this one."""
    may = request.scope.may
    found = [
        ("", "Today", may("area")),
        ("/clusters", "Clusters", may("clusters")),
        ("/incidents", "Incidents", may("clusters")),
        ("/line-list", "Line list", may("line list")),
        ("/settings", "Places", may("settings")),
    ]
    return [(f"/areas/{code}{end}", text, end == here) for end, text, allowed in found if allowed]


@require_safe
def mine(request: StaffRequest) -> HttpResponse:
    """To one's own area, or the choice between several."""
    request.scope.require("area")
    codes = [code for code in request.scope.areas if code in atlas().areas]
    if len(codes) == 1:
        return redirect("area", codes[0])
    return page(
        request,
        "areas/mine.jinja",
        title="Your areas",
        section=SECTION,
        areas=[atlas().area(code) for code in codes],
    )


@require_safe
def area(request: StaffRequest, code: str) -> HttpResponse:
    """The area today, or as it was known on a past day."""
    place = _area(request, code)
    on = _day(request.GET.get("as-at", ""))
    if on is not None and on >= london_date(request.now):
        on = None
    found = figures.today(scope=request.scope, area=code, now=request.now, on=on)
    told = (
        ()
        if on or not request.scope.may("clusters")
        else alerts.alerts(scope=request.scope, area=code, now=request.now, limit=5)
    )
    return page(
        request,
        "areas/today.jinja",
        title=f"{place.name} today",
        section=SECTION,
        area=place,
        tabs=tabs(request, code, ""),
        found=found,
        on=on,
        rate=found.rate(place.population),
        drawing=curves.draw(found.days, found.expected),
        alerts=told,
        beside=figures.beside(scope=request.scope, area=code, now=request.now, on=on),
        late=on is None and found.counted_at is not None and request.now - found.counted_at > LATE,
        serial_interval=figures.SERIAL_INTERVAL,
        typed=request.GET.get("as-at", ""),
    )


@require_safe
def clusters(request: StaffRequest, code: str) -> HttpResponse:
    """What the methods found, best first, and what is over or was set aside."""
    return _clusters(request, code)


def _clusters(request: StaffRequest, code: str, form: Form | None = None, status: int = 200) -> HttpResponse:
    place = _area(request, code)
    scope, now = request.scope, request.now
    found = alerts.alerts(scope=scope, area=code, now=now, limit=500)
    if form is not None or request.GET.get("show") == "all":
        shown, more = found, 0
    else:
        shown, more = found[:SHOWN], max(0, len(found) - SHOWN)
    return page(
        request,
        "areas/clusters.jinja",
        title=f"Clusters in {place.name}",
        section=SECTION,
        status=status,
        area=place,
        tabs=tabs(request, code, "/clusters"),
        alerts=shown,
        more=more,
        over=alerts.alerts(scope=scope, area=code, now=now, ended=True, limit=20),
        errors=form.errors() if form else {},
        typed=form.data if form else {},
    )


@require_POST
def dismiss(request: StaffRequest, code: str) -> HttpResponse:
    """Set an alert aside, with the reason."""
    _area(request, code)
    form = Form(request.POST)
    ref = form.get("alert")
    if all(ref != each.ref for each in alerts.alerts(scope=request.scope, area=code, now=request.now, limit=1000)):
        raise Http404
    field = f"why-{ref}"
    why = form.text(field, "Say why it needs nothing done", 200)
    if form.valid:
        try:
            detection.dismiss(alert=ref, why=why, by=request.scope, now=request.now)
        except Invalid as problem:
            form.wrong(field, problem.message)
        else:
            messages.success(request, f"{ref} is set aside. It comes back when it grows.")
            return redirect("clusters", code)
    return _clusters(request, code, form, 422)


def _filters(request: StaffRequest) -> tuple[Filters, dict[str, str]]:
    given = {key: request.GET.get(key, "").strip() for key in ("since", "until", "sector", "from", "to", "outcome")}
    numbers = [
        int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None
        for text in (given["from"], given["to"])
    ]
    outcome = given["outcome"] if given["outcome"] in dict(OUTCOMES) else ""
    return (
        Filters(
            _day(given["since"]),
            _day(given["until"]),
            given["sector"].replace("\0", "").upper()[:8],
            numbers[0],
            numbers[1],
            outcome,
            request.GET.get("care-home") == "yes",
        ),
        given,
    )


@require_safe
def line_list(request: StaffRequest, code: str) -> HttpResponseBase:
    """The cases of the area, narrowed, in an order, a page at a time; or all of them as a file."""
    place = _area(request, code)
    filters, given = _filters(request)
    order = request.GET.get("order", "specimen")
    if request.GET.get("format") == "csv":
        return _export(request, code, filters, order)
    number = request.GET.get("page", "1")
    at = max(1, int(number)) if number.isascii() and number.isdigit() and len(number) < 5 else 1
    found = areas.line_list(
        scope=request.scope,
        area=code,
        now=request.now,
        filters=filters,
        order=order,
        limit=PAGE,
        offset=(at - 1) * PAGE,
    )
    query = request.GET.copy()
    query.pop("page", None)
    return page(
        request,
        "areas/line_list.jinja",
        title=f"Line list of {place.name}",
        section=SECTION,
        area=place,
        tabs=tabs(request, code, "/line-list"),
        found=found,
        given=given,
        care_home=filters.care_home,
        order=order,
        orders=ORDERS,
        outcomes=OUTCOMES,
        outcome_words={each.value: each.words for each in TraceOutcome},
        at=at,
        query=query.urlencode(),
    )


_HEAD = (
    "case",
    "name",
    "age",
    "sex",
    "postcode",
    "specimen date",
    "onset date",
    "care home",
    "outcome",
    "contacts",
    "incident",
)


class _Echo:
    """What a csv writer writes to when each line is to be sent at once."""

    def write(self, line: str) -> str:
        return line


def _export(request: StaffRequest, code: str, filters: Filters, order: str) -> StreamingHttpResponse:
    found = areas.line_list(
        scope=request.scope,
        area=code,
        now=request.now,
        filters=filters,
        order=order,
        limit=MOST_EXPORTED,
        taken_out=True,
    )

    def lines() -> Iterator[str]:
        writer: Any = csv.writer(_Echo())
        yield "\ufeff" + writer.writerow(_HEAD)
        for each in found.lines:
            values = (each.ref, each.name, each.age, each.sex, each.postcode, each.specimen_date, each.onset_date)
            more = ("yes" if each.care_home else "no", each.outcome or "open", each.contacts, each.incident)
            yield writer.writerow([_safe(value) for value in (*values, *more)])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="line-list-{code}-{london_date(request.now)}.csv"'
    return response


def _safe(value: object) -> str:
    """A value that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


@require_safe
def settings(request: StaffRequest, code: str) -> HttpResponse:
    """Places of the area that several cases named."""
    place = _area(request, code)
    return page(
        request,
        "areas/settings.jinja",
        title=f"Places with cases in {place.name}",
        section=SECTION,
        area=place,
        tabs=tabs(request, code, "/settings"),
        places=areas.settings_at_risk(scope=request.scope, area=code, now=request.now),
        kinds={each.value: each.words for each in SettingKind},
        today=london_date(request.now),
    )
