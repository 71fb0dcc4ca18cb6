"""From cluster to incident: open one, link cases with a reason, log actions, close with the outcome."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from ringfence.actions import incidents as verbs
from ringfence.actions import taking_part
from ringfence.actions.errors import Invalid, NotFound, Stale
from ringfence.base.references import tidy
from ringfence.casework.models import Incident
from ringfence.geography.atlas import Area
from ringfence.geography.resolve import atlas
from ringfence.queries import incidents as queries
from ringfence.rules.calendar import london_date
from ringfence.rules.plural import counted
from ringfence.rules.settings import Kind
from ringfence.web import chains, curves, paper
from ringfence.web.forms import Form
from ringfence.web.rendering import page
from ringfence.web.views.areas import SECTION, past_day, tabs
from ringfence.web.visitor import StaffRequest

#: Cases up to which their list stands open on the page.
LISTED = 40


@require_safe
def incidents(request: StaffRequest, code: str) -> HttpResponse:
    """The incidents of an area, or as they stood on a past day."""
    form = Form(request.GET)
    on = past_day(form, request)
    return _list(request, code, form, 200 if form.valid else 422, on)


def _list(
    request: StaffRequest, code: str, form: Form | None = None, status: int = 200, on: date | None = None
) -> HttpResponse:
    area = atlas().areas.get(code)
    if area is None:
        raise Http404
    return page(
        request,
        "areas/incidents.jinja",
        title=f"Incidents in {area.name}",
        section=SECTION,
        status=status,
        area=area,
        on=on,
        tabs=tabs(request, code, "/incidents", on),
        incidents=queries.incidents(scope=request.scope, area=code, now=request.now, on=on),
        outcomes=dict(Incident.Outcome.choices),
        asks=[(each, atlas().area(each.lead).name) for each in queries.asks(scope=request.scope, area=code)],
        errors=form.errors() if form else {},
        typed=form.data if form else {},
    )


@require_POST
def open_incident(request: StaffRequest, code: str) -> HttpResponse:
    """Open one, by hand or from an alert."""
    form = Form(request.POST)
    title = form.text("title", "Give it a name, such as the place", 120)
    summary = form.text("summary", longest=4000)
    if form.valid:
        try:
            done = verbs.open_incident(
                area=code, title=title, summary=summary, alert=form.get("alert"), by=request.scope, now=request.now
            )
        except Invalid as problem:
            form.wrong(problem.field, problem.message)
        else:
            messages.success(request, f"Incident {done.ref} is open, with {counted(done.cases, 'case')} linked.")
            return redirect("incident", done.ref)
    return _list(request, code, form, 422)


@require_safe
def incident(request: StaffRequest, ref: str) -> HttpResponse:
    """One incident, or as it stood on a past day."""
    form = Form(request.GET)
    on = past_day(form, request)
    try:
        return _incident(request, ref, form, 200 if form.valid else 422, on=on)
    except NotFound:
        if on is None:
            raise
        form.wrong("as-at", "This incident was not open by then; give a later day")
        return _incident(request, ref, form, 422)


def _incident(
    request: StaffRequest,
    ref: str,
    form: Form | None = None,
    status: int = 200,
    changed: str = "",
    on: date | None = None,
) -> HttpResponse:
    found = queries.incident(scope=request.scope, ref=ref, now=request.now, on=on)
    names = {
        each.case: each.name or f"{each.ref or 'a case'} of {atlas().area(each.area).name}" for each in found.cases
    }
    taking = {each.area for each in found.partners if each.ended_at is None}
    return page(
        request,
        "areas/incident.jinja",
        title=found.title,
        section=SECTION,
        status=status,
        found=found,
        on=on,
        fixed=found.closed_at is not None or on is not None,
        area=atlas().area(found.area),
        names=names,
        tracing={each.case: paper.tracing(each) for each in found.cases},
        drawing=curves.draw(found.days),
        chain=chains.draw(found.cases, names),
        listed=LISTED,
        taking_out=form is not None and any(each.field.startswith("remove-") for each in form.mistakes),
        outcomes=[(key, words, "") for key, words in Incident.Outcome.choices],
        kinds={each.value: each.words for each in Kind},
        offered=[
            ("", "Choose"),
            *((each.ref, f"{each.name or each.ref}: {counted(each.cases, 'case')}") for each in found.named),
        ],
        ended=dict(Incident.Outcome.choices).get(found.outcome, ""),
        changed=changed,
        partners=[(each, atlas().area(each.area).name, each.area in request.scope.areas) for each in found.partners],
        others=[
            ("", "Choose"),
            *((each.code, each.name) for each in _authorities() if each.code not in taking | {found.area}),
        ],
        today=london_date(request.now),
        errors=form.errors() if form else {},
        typed=form.data if form else {},
    )


def _authorities() -> list[Area]:
    return sorted(atlas().upper_tier(), key=lambda each: each.name)


@require_POST
def answer(request: StaffRequest, code: str) -> HttpResponse:
    """Agree to take part in an incident of another authority, or decline."""
    form = Form(request.POST)
    asked = form.number("asked", 1, 2**62, "The incident") or 0
    agrees, why = form.get("do") == "agree", form.get(f"decline-{asked}")
    try:
        ref = taking_part.answer(asked=asked, agrees=agrees, why=why, by=request.scope, now=request.now)
    except Invalid as problem:
        if not any(each.id == asked for each in queries.asks(scope=request.scope, area=code)):
            raise Http404 from None
        form.wrong(f"decline-{asked}", problem.message)
        return _list(request, code, form, 422)
    messages.success(request, "You take part in it now." if ref else "Declined.")
    return redirect("incident", ref) if ref else redirect("incidents", code)


@require_POST
def ask(request: StaffRequest, ref: str) -> HttpResponse:
    """Ask another authority to take part."""
    form = Form(request.POST)
    code = form.text("area", "Choose another authority", 9)
    why = form.text("ask_why", "Say why they should take part; they read it before they decide", 200)
    return _do(
        request,
        ref,
        form,
        "They are asked. They see your reason, and the incident once they agree.",
        lambda: taking_part.ask(incident=ref, area=code, why=why, by=request.scope, now=request.now),
        {"why": "ask_why"},
    )


@require_POST
def end(request: StaffRequest, ref: str) -> HttpResponse:
    """End that an authority takes part."""
    form = Form(request.POST)
    code = form.get("area")
    field = f"end-{code}"
    try:
        taking_part.end(incident=ref, area=code, why=form.get(field), by=request.scope, now=request.now)
    except Invalid as problem:
        form.wrong(field, problem.message)
        return _incident(request, ref, form, 422)
    messages.success(request, f"{atlas().area(code).name} does not take part any more.")
    return redirect("incidents", code) if code in request.scope.areas else redirect("incident", ref)


@require_safe
def report(request: StaffRequest, ref: str) -> HttpResponse:
    """The situation report, as a PDF."""
    found = queries.report(scope=request.scope, ref=ref, now=request.now)
    area = atlas().area(found.area).name
    document = paper.situation(found, area=area, made_by=request.visitor.name, now=request.now)
    answer = HttpResponse(document, content_type="application/pdf")
    name = f"situation-{found.ref}-{london_date(request.now)}.pdf"
    answer.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return answer


def _do(
    request: StaffRequest, ref: str, form: Form, said: str, verb: Callable[[], Any], names: dict[str, str]
) -> HttpResponse:
    """Do ``verb``; the page with what is wrong when it could not be done. ``names``: argument -> field of the page.

    ``said`` has {} where what the verb gives is to be named.
    """
    try:
        if form.valid:
            messages.success(request, said.replace("{}", str(verb())))
            return redirect("incident", ref)
    except Invalid as problem:
        for field, message in problem.problems.items():
            form.wrong(names.get(field, field), message)
    except Stale as problem:
        return _incident(request, ref, form, 409, problem.message)
    return _incident(request, ref, form, 422)


@require_POST
def add_case(request: StaffRequest, ref: str) -> HttpResponse:
    """Link the case of a trace."""
    form = Form(request.POST)
    trace = form.text("trace", "Give the reference of the case's trace, such as K7Q-42M", 12)
    why = form.text("case_why", "Say why the case belongs to it", 200)
    return _do(
        request,
        ref,
        form,
        f"The case of {tidy(trace)} belongs to the incident now.",
        lambda: verbs.add_case(incident=ref, trace=trace, why=why, by=request.scope, now=request.now),
        {"why": "case_why"},
    )


def _take_out(request: StaffRequest, ref: str, what: str, name: str, verb: Callable[[int, str], None]) -> HttpResponse:
    """Take a case or a place out again; ``name`` is what the field of its reason begins with."""
    form = Form(request.POST)
    number = form.number(what, 1, 2**62, f"The {what}")
    field = f"{name}-{number}"
    why = form.text(field, f"Say why the {what} does not belong to it", 200)
    said = f"The {what} is out of the incident."
    return _do(request, ref, form, said, lambda: verb(number or 0, why), {"why": field})


@require_POST
def remove_case(request: StaffRequest, ref: str) -> HttpResponse:
    """Take a case out again."""

    def verb(case: int, why: str) -> None:
        verbs.remove_case(incident=ref, case=case, why=why, by=request.scope, now=request.now)

    return _take_out(request, ref, "case", "remove", verb)


@require_POST
def add_setting(request: StaffRequest, ref: str) -> HttpResponse:
    """Link a place."""
    form = Form(request.POST)
    chosen, other = form.get("place"), form.get("place_ref")
    if not chosen and not other:
        form.wrong("place_ref", "Choose a place, or give the reference of one, such as K7Q-42M")
    why = form.text("place_why", "Say why the place belongs to it", 200)
    return _do(
        request,
        ref,
        form,
        "{} belongs to the incident now.",
        lambda: verbs.add_setting(incident=ref, setting=other or chosen, why=why, by=request.scope, now=request.now),
        {"setting": "place_ref" if other else "place", "why": "place_why"},
    )


@require_POST
def remove_setting(request: StaffRequest, ref: str) -> HttpResponse:
    """Take a place out again."""

    def verb(setting: int, why: str) -> None:
        verbs.remove_setting(incident=ref, setting=setting, why=why, by=request.scope, now=request.now)

    return _take_out(request, ref, "place", "remove-place", verb)


@require_POST
def add_action(request: StaffRequest, ref: str) -> HttpResponse:
    """Something to be done, or an entry of the log."""
    form = Form(request.POST)
    what = form.text("what", "Say what is to be done, or what happened", 2000)
    owner = form.text("owner", longest=100)
    due = form.any_date("due", "the day")
    return _do(
        request,
        ref,
        form,
        "It is in the log.",
        lambda: verbs.add_action(incident=ref, what=what, owner=owner, due_on=due, by=request.scope, now=request.now),
        {"due_on": "due"},
    )


@require_POST
def finish_action(request: StaffRequest, ref: str) -> HttpResponse:
    """An action is done."""
    form = Form(request.POST)
    action = form.number("action", 1, 2**62, "The action")
    return _do(
        request,
        ref,
        form,
        "Done.",
        lambda: verbs.finish_action(incident=ref, action=action or 0, by=request.scope, now=request.now),
        {},
    )


@require_POST
def close(request: StaffRequest, ref: str) -> HttpResponse:
    """Close it with its outcome."""
    form = Form(request.POST)
    version = form.number("version", 0, 2**31 - 1, "The page's version")
    outcome = form.choice("outcome", Incident.Outcome.values, "Choose how it ended")
    return _do(
        request,
        ref,
        form,
        f"{ref} is closed.",
        lambda: verbs.close(incident=ref, version=version or 0, outcome=outcome, by=request.scope, now=request.now),
        {},
    )
