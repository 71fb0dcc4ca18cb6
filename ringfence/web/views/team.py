"""A team lead's page: what waits, who has what; many traces changed at once, looked at before and undone after."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ringfence.accounts import walls
from ringfence.actions import bulk as verbs
from ringfence.actions import undoing
from ringfence.actions.errors import Invalid
from ringfence.actions.work import LONGEST_WHY
from ringfence.queries import bulk
from ringfence.queries import local as passed
from ringfence.queries import work as queries
from ringfence.queries.teams import open_teams
from ringfence.rules.access import ENGLAND, Refused
from ringfence.rules.bulk import CLOSINGS, Wanted, What
from ringfence.rules.plural import counted
from ringfence.web.forms import Form
from ringfence.web.rendering import page
from ringfence.web.visitor import Place, StaffRequest

SECTION = "/work/team"
PAGE = 50
SHOWN_REFUSALS = 10

#: How long ago a trace was made, in hours, as a lead asks for it.
AGES = (6, 12, 24, 48, 72)


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


def _filter(data: QueryDict) -> bulk.Filter:
    """What was chosen to look at; what makes no sense is left out."""

    def number(field: str, allowed: tuple[int, ...]) -> int | None:
        given = data.get(field, "")
        return int(given) if given in {str(each) for each in allowed} else None

    return bulk.Filter(
        number("urgency", tuple(range(1, 10))),
        data.get("due") == "overdue",
        number("hours", AGES),
        data.get("waiting") == "later",
    )


def _asked(place: Place, chosen: bulk.Filter) -> dict[str, str]:
    """The filter as it stands in an address."""
    given = {
        "team": str(place.team),
        "urgency": str(chosen.priority or ""),
        "due": "overdue" if chosen.overdue else "",
        "hours": str(chosen.hours or ""),
        "waiting": "later" if chosen.later else "",
    }
    return {key: value for key, value in given.items() if value}


def _team(request: StaffRequest, place: Place, form: Form | None = None, status: int = 200) -> HttpResponse:
    scope, now, number = request.scope, request.now, place.team
    assert number is not None
    after = _after(request)
    chosen = _filter(request.POST if form else request.GET)
    with walls.transaction(scope):
        waiting = queries.waiting(scope=scope, team=number, now=now)
        queue = queries.queue(scope=scope, team=number, now=now, limit=PAGE, after=after, chosen=chosen)
        matching, more = bulk.count(scope=scope, team=number, now=now, chosen=chosen)
        workers = queries.who_has_what(scope=scope, team=number, now=now)
        questions = queries.questions(scope=scope, team=number, now=now, limit=10)
        became = passed.passed_on(scope=scope, team=number, now=now, limit=20)
        teams = [each for each in open_teams(scope=scope, now=now, areas=(place.area, ENGLAND)) if each.id != number]
    return page(
        request,
        "team/team.jinja",
        title=f"Team: {place.name}",
        section=SECTION,
        status=status,
        place=place,
        led=[each for each in request.visitor.places if each.team in scope.lead_of],
        waiting=waiting,
        queue=queue,
        chosen=chosen,
        asked=_asked(place, chosen),
        query=urlencode(_asked(place, chosen)),
        ages=AGES,
        matching=matching,
        more=more,
        first=after is None,
        after=f"{queue.after.priority}~{queue.after.due_at.isoformat()}~{queue.after.trace}" if queue.after else "",
        workers=workers,
        questions=questions,
        became=became,
        teams=teams,
        closings=CLOSINGS,
        errors=form.errors(shown=bool(queue.lines)) if form else {},
        typed=form.data if form else {},
        ticked=_traces(form.data.getlist("traces")) if form and isinstance(form.data, QueryDict) else {},
    )


def _traces(given: list[str]) -> dict[int, int | None]:
    """Traces with the versions that were seen: "12.3" is trace 12, version 3."""
    found: dict[int, int | None] = {}
    for each in given:
        trace, _, version = each.partition(".")
        if all(part.isascii() and part.isdigit() and len(part) < 19 for part in (trace, version)):
            found[int(trace)] = int(version)
    return found


def _wanted(form: Form) -> tuple[Wanted | None, str]:
    """What to do with them and why, as far as the form says it rightly."""
    kind, _, value = form.get("to").partition("-")
    why = form.text("why", longest=LONGEST_WHY)
    if kind in ("team", "user", "priority") and value.isascii() and value.isdigit() and len(value) < 19:
        return Wanted(What(kind), int(value)), why
    if kind == "close" and value in CLOSINGS:
        return Wanted(What.CLOSE, outcome=value), why
    form.wrong("to", "Choose what to do with them")
    return None, why


@require_POST
def preview(request: StaffRequest) -> HttpResponse:
    """What a change would do, before it is made."""
    form = Form(request.POST)
    place = _led(request, form.get("team"))
    assert place.team is not None
    if form.get("which") == "all":
        chosen = _filter(request.POST)
        traces: dict[int, int | None] = dict(
            bulk.matching(scope=request.scope, team=place.team, now=request.now, chosen=chosen)
        )
    else:
        traces = _traces(request.POST.getlist("traces"))
    if not traces:
        form.wrong("traces", "Tick at least one trace")
    wanted, why = _wanted(form)
    if wanted and form.valid:
        try:
            found = verbs.preview(
                team=place.team, traces=traces, wanted=wanted, why=why, by=request.scope, now=request.now
            )
        except Invalid as problem:
            for field, message in problem.problems.items():
                form.wrong(field, message)
        else:
            return page(
                request,
                "team/preview.jinja",
                title="Look before you change them",
                section=SECTION,
                place=place,
                to=_to_words(wanted, found.to),
                why=why,
                sent=form.get("to"),
                found=found,
                stay=_reasons(found.refused),
                traces=" ".join(f"{trace}.{version}" for trace, version in traces.items()),
                query=urlencode(_asked(place, _filter(request.POST))),
            )
    return _team(request, place, form, 422)


def _to_words(wanted: Wanted, to: str) -> str:
    """What is to happen, as the button says it."""
    match wanted.what:
        case What.PRIORITY:
            return f"Set the urgency to {wanted.number}"
        case What.CLOSE:
            return f"Close as {TRACE_OUTCOMES[wanted.outcome]}"
        case What.TEAM | What.USER:
            return f"Give to {to}"


TRACE_OUTCOMES = {each.value: each.words.lower() for each in CLOSINGS}


def _reasons(refused: tuple[verbs.NotMoved, ...]) -> list[tuple[str, int, list[str]]]:
    """Why traces stay, with how many and the first of them."""
    counted = Counter(each.why for each in refused)
    return [
        (why, number, [each.ref for each in refused if each.why == why and each.ref][:SHOWN_REFUSALS])
        for why, number in counted.most_common(SHOWN_REFUSALS)
    ]


@require_http_methods(["GET", "HEAD", "POST"])
def changes(request: StaffRequest) -> HttpResponse:
    """GET: what was changed at once, to be undone. POST: change those that were looked at."""
    if request.method == "POST":
        return _do(request)
    place = _led(request, request.GET.get("team", ""))
    assert place.team is not None
    return page(
        request,
        "team/changes.jinja",
        title="Changes of many at once",
        section=SECTION,
        place=place,
        led=[each for each in request.visitor.places if each.team in request.scope.lead_of],
        changes=bulk.changes(scope=request.scope, team=place.team, now=request.now),
    )


def _do(request: StaffRequest) -> HttpResponse:
    form = Form(request.POST)
    place = _led(request, form.get("team"))
    assert place.team is not None
    wanted, why = _wanted(form)
    if wanted and form.valid:
        traces = _traces(form.get("chosen").split())
        try:
            done = verbs.change(
                team=place.team, traces=traces, wanted=wanted, why=why, by=request.scope, now=request.now
            )
        except Invalid as problem:
            for field, message in problem.problems.items():
                form.wrong(field, message)
        else:
            _tell(request, done)
            return redirect(f"{SECTION}?team={place.team}")
    return _team(request, place, form, 422)


def _tell(request: StaffRequest, done: verbs.Changed) -> None:
    if done.traces:
        told = f"{counted(done.traces, 'trace')} changed. Undo it under Changes, as long as nobody works on them."
        messages.success(request, told)
    for why, number, refs in _reasons(done.refused)[:3]:
        messages.warning(request, f"{refs[0] if number == 1 and refs else counted(number, 'trace')} stayed: {why}")


@require_POST
def undo(request: StaffRequest, ref: str) -> HttpResponse:
    """Make those of a change what they were before that nobody has touched since."""
    place = _led(request, request.POST.get("team", ""))
    try:
        done = undoing.undo(ref=ref, by=request.scope, now=request.now)
    except Invalid as problem:
        messages.warning(request, problem.message)
    else:
        messages.success(request, f"As before: {counted(done.traces, 'trace')}.")
        for why, number, refs in _reasons(done.kept):
            shown = f" ({', '.join(refs)}{' and others' if number > len(refs) else ''})" if refs else ""
            messages.warning(request, f"{counted(number, 'trace')} stayed: {why}{shown}")
    return redirect(f"{SECTION}/changes?team={place.team}")
