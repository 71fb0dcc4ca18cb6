"""A team lead's page: what waits, who has what, and giving many traces to somebody else at once."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from ringfence.accounts import walls
from ringfence.actions import work as verbs
from ringfence.actions.errors import Invalid
from ringfence.queries import local as passed
from ringfence.queries import work as queries
from ringfence.queries.teams import open_teams
from ringfence.rules.access import ENGLAND, Refused
from ringfence.web import words
from ringfence.web.forms import Form
from ringfence.web.rendering import page
from ringfence.web.visitor import Place, StaffRequest

SECTION = "/work/team"
PAGE = 50
SHOWN_REFUSALS = 10


@require_safe
def team(request: StaffRequest) -> HttpResponse:
    return _team(request, _led(request, request.GET.get("team", "")))


def _led(request: StaffRequest, chosen: str) -> Place:
    """The team that was chosen, or the first one, of those that the person leads."""
    request.scope.require("lead")
    led = [place for place in request.visitor.places if place.team in request.scope.lead_of]
    for place in led:
        if chosen in ("", str(place.team)):
            return place
    raise Refused("You do not lead this team.")


def _after(request: StaffRequest) -> queries.Place | None:
    """Where the page of the queue before ended."""
    parts = request.GET.get("after", "").split("~")
    try:
        return (
            queries.Place(int(parts[0]), datetime.fromisoformat(parts[1]), int(parts[2])) if len(parts) == 3 else None
        )
    except ValueError:
        return None


def _team(request: StaffRequest, place: Place, form: Form | None = None, status: int = 200) -> HttpResponse:
    scope, now, number = request.scope, request.now, place.team
    assert number is not None
    after = _after(request)
    with walls.transaction(scope):
        waiting = queries.waiting(scope=scope, team=number, now=now)
        queue = queries.queue(scope=scope, team=number, now=now, limit=PAGE, after=after)
        workers = queries.who_has_what(scope=scope, team=number, now=now)
        questions = queries.questions(scope=scope, team=number, now=now, limit=10)
        became = passed.passed_on(scope=scope, team=number, now=now, limit=20)
        teams = [each for each in open_teams(scope=scope, now=now, areas=(place.area, ENGLAND)) if each.id != number]
    return page(
        request,
        "team.jinja",
        title=f"Team: {place.name}",
        section=SECTION,
        status=status,
        place=place,
        led=[each for each in request.visitor.places if each.team in scope.lead_of],
        waiting=waiting,
        queue=queue,
        first=after is None,
        after=f"{queue.after.priority}~{queue.after.due_at.isoformat()}~{queue.after.trace}" if queue.after else "",
        workers=workers,
        questions=questions,
        became=became,
        teams=teams,
        errors=form.errors(shown=bool(queue.lines)) if form else {},
        typed=form.data if form else {},
        ticked=form.ids("traces") if form else [],
    )


@require_POST
def reassign(request: StaffRequest) -> HttpResponse:
    """Give the ticked traces to a person or a team, or change how urgent they are."""
    form = Form(request.POST)
    place = _led(request, form.get("team"))
    traces = form.ids("traces")
    if not traces:
        form.wrong("traces", "Tick at least one trace")
    what, _, number = form.get("to").partition("-")
    if what not in ("user", "team", "priority") or not (number.isascii() and number.isdigit()):
        form.wrong("to", "Choose who gets them, or how urgent they are")
    why = form.text("why", longest=verbs.LONGEST_WHY)
    if what == "team" and not why:
        form.wrong("why", "Say why; the other team reads it")
    if form.valid:
        try:
            done = _do(request, traces, what, int(number), why)
        except Invalid as problem:
            for field, message in problem.problems.items():
                form.wrong({"to_team": "to", "to_user": "to", "priority": "to"}.get(field, field), message)
        else:
            messages.success(request, f"{words.count(done.traces, 'trace')} changed.")
            for refused in done.refused[:SHOWN_REFUSALS]:
                messages.warning(request, f"{refused.ref or 'One trace'} stayed: {refused.why}")
            if len(done.refused) > SHOWN_REFUSALS:
                messages.warning(request, f"{len(done.refused) - SHOWN_REFUSALS} more stayed where they were.")
            return redirect(f"{SECTION}?team={place.team}")
    return _team(request, place, form, 422)


def _do(request: StaffRequest, traces: list[int], what: str, number: int, why: str) -> verbs.Changed:
    if what == "priority":
        return verbs.prioritise(traces=traces, priority=number, by=request.scope, now=request.now)
    to_user, to_team = (number, None) if what == "user" else (None, number)
    return verbs.reassign(traces=traces, to_user=to_user, to_team=to_team, why=why, by=request.scope, now=request.now)
