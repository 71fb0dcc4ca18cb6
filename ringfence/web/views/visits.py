"""Visits: planning a day, a day's rounds on a phone and on paper, and what came of one at the door."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import get_template
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ringfence.actions import visits as verbs
from ringfence.actions.errors import Invalid, NotFound, Stale
from ringfence.queries import visits as queries
from ringfence.rules.access import Refused
from ringfence.rules.attempts import LONGEST_CALL_BACK, POSSIBLE, Kind, Outcome
from ringfence.rules.calendar import london_date
from ringfence.rules.plural import counted
from ringfence.web import paper as papers
from ringfence.web import words
from ringfence.web.forms import Form
from ringfence.web.rendering import page
from ringfence.web.views.local import chosen_team, coming_days
from ringfence.web.visitor import Place, StaffRequest

SECTION = "/visits"

OUTCOMES = tuple(each for each in POSSIBLE[Kind.VISIT] if each is not Outcome.NO_DETAILS)

NAMES = [(each.value, each.label) for each in OUTCOMES]

#: Days on which somebody can ask to be called back, in words that stay true on a phone that kept the page.
DAYS = ("Today", "Tomorrow", *(f"In {days} days" for days in range(2, LONGEST_CALL_BACK.days + 1)))


@require_http_methods(["GET", "HEAD", "POST"])
def visits(request: StaffRequest) -> HttpResponse:
    """What is planned, and whom to visit next."""
    request.scope.require("visits")
    form = Form(request.POST)
    place = chosen_team(request, request.POST.get("team") or request.GET.get("team", ""), "local")
    assert place.team is not None
    if request.method == "POST":
        done = _plan(request, form, place.team)
        if done is not None:
            return done
    scope, now, team = request.scope, request.now, place.team
    candidates = queries.candidates(scope=scope, team=team, now=now)
    return page(
        request,
        "visits/plan.jinja",
        title="Visits",
        section=SECTION,
        status=200 if form.valid else 422,
        place=place,
        teams=request.visitor.teams("local"),
        days=queries.days(scope=scope, team=team, now=now),
        candidates=candidates,
        visitors=queries.visitors(scope=scope, team=team, now=now),
        choices=coming_days(london_date(now)),
        ticked=form.ids("trace"),
        going=form.ids("visitors") or ([request.visitor.id] if request.method != "POST" else []),
        typed=form.data,
        errors=form.errors(shown=bool(candidates)),
    )


def _plan(request: StaffRequest, form: Form, team: int) -> HttpResponse | None:
    on_date = _day(form.get("day"))
    if on_date is None:
        form.wrong("day", "Choose the day")
    else:
        try:
            done = verbs.plan(
                team=team,
                traces=form.ids("trace"),
                on_date=on_date,
                visitors=form.ids("visitors"),
                by=request.scope,
                now=request.now,
            )
        except Invalid as problem:
            form.wrong(problem.field, problem.message)
        else:
            stops = sum(count for _, count, _ in done.rounds)
            messages.success(request, f"{counted(stops, 'visit')} for {words.day(on_date, london_date(request.now))}.")
            for ref, why in done.left_out:
                messages.warning(request, f"{ref or 'One trace'} is not on the list. {why}")
            return redirect(f"{SECTION}/{on_date}?team={team}")
    return None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _on(day: str) -> date:
    found = _day(day)
    if found is None or found.isoformat() != day:
        raise Http404
    return found


def _visitor(request: StaffRequest) -> int | None:
    given = request.GET.get("visitor", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None


@require_safe
def visit_day(request: StaffRequest, day: str) -> HttpResponse:
    """The rounds of a day: one visitor's, or everybody's."""
    request.scope.require("visits")
    on_date, place = _on(day), chosen_team(request, request.GET.get("team", ""), "local")
    found = _rounds(request, place, on_date, "visits")
    mine = [each for each in found if each.visitor == request.visitor.id]
    return page(
        request,
        "visits/day.jinja",
        title=f"Visits {words.day(on_date, london_date(request.now))}",
        section=SECTION,
        place=place,
        on_date=on_date,
        rounds=found,
        outcome_names=NAMES,
        keeps=bool(mine) and on_date >= london_date(request.now),
        chosen=_visitor(request),
    )


def _rounds(request: StaffRequest, place: Place, on_date: date, name: str) -> tuple[queries.Round, ...]:
    assert place.team is not None
    return queries.day(
        scope=request.scope,
        team=place.team,
        on_date=on_date,
        now=request.now,
        visitor=_visitor(request),
        name=name,
    )


@require_safe
def paper(request: StaffRequest, day: str) -> HttpResponse:
    """The same as a PDF to print."""
    request.scope.require("visits")
    on_date, place = _on(day), chosen_team(request, request.GET.get("team", ""), "local")
    rounds = _rounds(request, place, on_date, "visits on paper")
    document = papers.visits(f"Visits on {words.day(on_date)}", rounds)
    answer = HttpResponse(document, content_type="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="visits-{on_date}.pdf"'
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
def visit(request: StaffRequest, day: str, ref: str) -> HttpResponse:
    """One visit: where to go, and what came of it. A phone sends what it kept with ``Accept: application/json``."""
    on_date = _on(day)
    plainly = request.headers.get("Accept") == "application/json"
    form = Form(request.POST)
    try:
        found = queries.stop(scope=request.scope, on_date=on_date, ref=ref, now=request.now)
        if request.method == "POST":
            done = _record(request, form, found)
            if done is not None:
                messages.success(request, f"{found.ref}: {done.said}")
                answer = {"said": done.said, "again": done.again}
                return JsonResponse(answer) if plainly else redirect("visit-day", day)
    except (Refused, NotFound, Stale) as problem:
        if plainly:
            return JsonResponse({"problem": str(problem)}, status=409)
        if not isinstance(problem, Stale):
            raise
        messages.warning(request, problem.message)
        return redirect("visit-day", day)
    if plainly and form.mistakes:
        return JsonResponse({"problem": " ".join(f"{each.message}." for each in form.mistakes)}, status=422)
    return page(
        request,
        "visits/visit.jinja",
        title=f"Visit {found.ref}",
        section=SECTION,
        status=200 if form.valid else 422,
        stop=found,
        on_date=on_date,
        typed=form.data,
        errors=form.errors(),
        key=form.get("client_key") or str(uuid.uuid4()),
        **_asked(),
    )


def _asked() -> dict[str, Any]:
    """What the form of an outcome offers."""
    return {
        "outcome_names": NAMES,
        "outcomes": [(each.value, each.label, each.hint) for each in OUTCOMES],
        "call_back_days": [(str(number), name) for number, name in enumerate(DAYS)],
    }


def _record(request: StaffRequest, form: Form, found: queries.Stop) -> verbs.Visited | None:
    outcome = form.choice("outcome", [each.value for each in OUTCOMES], "Choose what came of it")
    ago = form.number("ago", 0, 10**8, "The time since then") if form.get("ago") else 0
    call_back_at = None
    if outcome == Outcome.CALL_BACK:
        at = request.now - timedelta(seconds=ago or 0)
        call_back_at = form.day_and_time("call_back_at", "the call back", at, len(DAYS))
    note = form.text("note", longest=2000)
    if outcome == Outcome.ESCALATED and not note:
        form.wrong("note", "Say why it needs the health protection team, for example the care home or school")
    try:
        key = uuid.UUID(form.get("client_key")) if form.get("client_key") else None
    except ValueError:
        form.wrong("outcome", "Load the page again and send it once more")
    if not form.valid:
        return None
    try:
        return verbs.record(
            visit=found.visit,
            outcome=outcome,
            by=request.scope,
            now=request.now,
            ago=ago or 0,
            client_key=key,
            note=note,
            call_back_at=call_back_at,
            guardian=form.get("guardian") == "yes",
        )
    except Invalid as problem:
        for name, message in problem.problems.items():
            form.wrong({"call_back_at": "call_back_at-time"}.get(name, name), message)
        return None


@require_POST
def cancel(request: StaffRequest, day: str, ref: str) -> HttpResponse:
    """Take a visit off its day."""
    found = queries.stop(scope=request.scope, on_date=_on(day), ref=ref, now=request.now)
    try:
        verbs.cancel(visit=found.visit, by=request.scope, now=request.now)
        messages.success(request, f"{found.ref} is off the list.")
    except Stale as problem:
        messages.warning(request, problem.message)
    return redirect("visit-day", day)


@require_safe
def offline(request: StaffRequest) -> HttpResponse:
    """What a phone shows of a round without signal: a page with nobody in it, which its script fills."""
    request.scope.require("visits")
    return page(request, "visits/offline.jinja", title="Visits", user=request.visitor.id, **_asked())


@require_safe
def worker(request: StaffRequest) -> HttpResponse:
    """The script that answers for the pages of visits when there is no signal."""
    request.scope.require("visits")
    text = get_template("visits/worker.js").render({}, request)
    return HttpResponse(text, content_type="text/javascript; charset=utf-8")
