"""The director's pages of an area: today, what the methods found, the places at risk."""

from __future__ import annotations

from datetime import date, timedelta

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from ringfence.actions import alerts as verbs
from ringfence.actions import digest
from ringfence.actions.errors import Invalid
from ringfence.geography.atlas import Area
from ringfence.geography.resolve import atlas
from ringfence.queries import alerts, areas, incidents
from ringfence.queries import messages as messages_of
from ringfence.queries import today as figures
from ringfence.rules import digest as rules
from ringfence.rules.calendar import london_date
from ringfence.rules.settings import Kind as SettingKind
from ringfence.web import curves
from ringfence.web.forms import Form
from ringfence.web.rendering import page
from ringfence.web.visitor import StaffRequest

SECTION = "/areas"

#: Alerts on the page of clusters, unless all are asked for.
SHOWN = 15

#: Counts that were looked after longer ago than this are said to be old: the process that counts may have stopped.
LATE = timedelta(minutes=15)


def chosen_area(request: StaffRequest, code: str) -> Area:
    """The area of the address, if the person answers for it; otherwise 404."""
    found = atlas().areas.get(code)
    if found is None or code not in request.scope.areas:
        raise Http404
    return found


def tabs(request: StaffRequest, code: str, here: str, on: date | None = None) -> list[tuple[str, str, bool]]:
    """The pages of an area that somebody may open: address, words, and whether it is this one. A page of a past day leads to
    the others of that day."""
    may = request.scope.may
    found = [
        ("", "Today", may("area")),
        ("/map", "Map", may("area")),
        ("/clusters", "Clusters", may("clusters")),
        ("/incidents", "Incidents", may("clusters")),
        ("/line-list", "Line list", may("line list")),
        ("/settings", "Places", may("settings")),
    ]
    past = f"?as-at={on}" if on else ""
    return [(f"/areas/{code}{end}{past}", text, end == here) for end, text, allowed in found if allowed]


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
    place = chosen_area(request, code)
    form = Form(request.GET)
    on = past_day(form, request)
    found = figures.today(scope=request.scope, area=code, now=request.now, on=on)
    days = curves.since_the_first(found.days)
    may = request.scope.may("clusters")
    told = alerts.alerts(scope=request.scope, area=code, now=request.now, on=on, limit=5) if may else ()
    asked = 0 if on or not may else len(incidents.asks(scope=request.scope, area=code))
    return page(
        request,
        "areas/today.jinja",
        asked=asked,
        title=f"{place.name} today",
        section=SECTION,
        status=200 if form.valid else 422,
        area=place,
        tabs=tabs(request, code, "", on),
        found=found,
        on=on,
        rate=found.rate(place.population),
        days=days,
        drawing=curves.draw(days, found.expected),
        alerts=told,
        kept_since=alerts.kept_since(scope=request.scope, area=code) if on and may else None,
        digest=rules.wanted(
            [place.role for place in request.visitor.places if place.area == code],
            messages_of.digest_wanted(scope=request.scope, now=request.now),
        ),
        beside=figures.beside(scope=request.scope, area=code, now=request.now, on=on),
        late=on is None and found.counted_at is not None and request.now - found.counted_at > LATE,
        serial_interval=figures.SERIAL_INTERVAL,
        errors=form.errors(),
        typed=form.data,
    )


def past_day(form: Form, request: StaffRequest) -> date | None:
    """The day of which the page is asked what was known at its end; None for now."""
    on = form.typed_date("as-at", "the day")
    if on is not None and on >= london_date(request.now):
        form.wrong("as-at", "Give a day before today, or leave it empty for today")
        return None
    return on


@require_POST
def choose_digest(request: StaffRequest, code: str) -> HttpResponse:
    """Whether somebody wants the morning's e-mail."""
    chosen_area(request, code)
    wanted = request.POST.get("digest") == "yes"
    digest.choose(wanted=wanted, by=request.scope, now=request.now)
    messages.success(
        request, "You get an email each morning." if wanted else "You get no email in the morning from now on."
    )
    return redirect("area", code)


@require_safe
def clusters(request: StaffRequest, code: str) -> HttpResponse:
    """What the methods found, best first, and what is over or was set aside; or as that stood on a past day."""
    form = Form(request.GET)
    on = past_day(form, request)
    return _clusters(request, code, form, on=on, every=form.get("show") == "all")


def _clusters(
    request: StaffRequest, code: str, form: Form, *, on: date | None = None, every: bool = False
) -> HttpResponse:
    place = chosen_area(request, code)
    scope, now = request.scope, request.now
    found = alerts.alerts(scope=scope, area=code, now=now, on=on, limit=500)
    return page(
        request,
        "areas/clusters.jinja",
        title=f"Clusters in {place.name}",
        section=SECTION,
        status=200 if form.valid else 422,
        area=place,
        tabs=tabs(request, code, "/clusters", on),
        on=on,
        kept_since=alerts.kept_since(scope=scope, area=code) if on else None,
        alerts=found if every else found[:SHOWN],
        more=0 if every else max(0, len(found) - SHOWN),
        over=alerts.alerts(scope=scope, area=code, now=now, on=on, ended=True, limit=20),
        errors=form.errors(),
        typed=form.data,
    )


@require_POST
def dismiss(request: StaffRequest, code: str) -> HttpResponse:
    """Set an alert aside, with the reason."""
    chosen_area(request, code)
    form = Form(request.POST)
    ref = form.get("alert")
    if all(ref != each.ref for each in alerts.alerts(scope=request.scope, area=code, now=request.now, limit=1000)):
        raise Http404
    field = f"why-{ref}"
    why = form.text(field, "Say why it needs nothing done", 200)
    if form.valid:
        try:
            verbs.dismiss(alert=ref, why=why, by=request.scope, now=request.now)
        except Invalid as problem:
            form.wrong(field, problem.message)
        else:
            messages.success(request, f"{ref} is set aside. It comes back when it grows.")
            return redirect("clusters", code)
    return _clusters(request, code, form, every=True)


@require_safe
def settings(request: StaffRequest, code: str) -> HttpResponse:
    """Places of the area with cases, those that ask most for somebody to act first; or as they stood on a past day."""
    place = chosen_area(request, code)
    form = Form(request.GET)
    on = past_day(form, request)
    return page(
        request,
        "areas/settings.jinja",
        title=f"Places at risk in {place.name}",
        section=SECTION,
        area=place,
        status=200 if form.valid else 422,
        on=on,
        tabs=tabs(request, code, "/settings", on),
        places=areas.settings_at_risk(scope=request.scope, area=code, now=request.now, on=on),
        kinds={each.value: each.words for each in SettingKind},
        errors=form.errors(),
        typed=form.data,
    )
