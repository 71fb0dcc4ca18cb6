"""The local team's list: what was handed over, grouped by when it is due, with why it came."""

from __future__ import annotations

from datetime import date, timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from ringfence.accounts import walls
from ringfence.actions import handover as verbs
from ringfence.queries import local as queries
from ringfence.queries import work
from ringfence.queries.around import new_dates
from ringfence.rules.access import Refused
from ringfence.rules.calendar import london_date
from ringfence.rules.handover import Group
from ringfence.rules.plural import counted
from ringfence.web import words
from ringfence.web.rendering import page
from ringfence.web.visitor import Place, StaffRequest

SECTION = "/local"
COLOURS = {Group.OVERDUE: "red", Group.TODAY: "orange", Group.TOMORROW: "blue", Group.LATER: "grey"}


@require_safe
def handed_over(request: StaffRequest) -> HttpResponse:
    request.scope.require("local list")
    place = chosen_team(request, request.GET.get("team", ""), "local")
    scope, now, team = request.scope, request.now, place.team
    assert team is not None
    with walls.transaction(scope):
        found = queries.handed_over(scope=scope, team=team, now=now)
        notices = queries.notices(scope=scope, team=team, now=now, limit=3)
        questions = work.questions(scope=scope, team=team, now=now, limit=10)
        answers = work.new_answers(scope=scope, team=team, now=now, limit=10)
        mine = work.my_trace(scope=scope, now=now)
        changed = new_dates(scope=scope, team=team, now=now)
    return page(
        request,
        "local.jinja",
        title="Handed over",
        section=SECTION,
        place=place,
        teams=request.visitor.teams("local"),
        found=found,
        colours=COLOURS,
        notices=notices,
        questions=questions,
        answers=answers,
        mine=mine,
        changed=changed,
        may_visit=scope.may("visits"),
        days=coming_days(london_date(now)),
    )


def coming_days(today: date) -> list[tuple[str, str]]:
    """The days for which visits are planned, for a list to choose from."""
    days = [today + timedelta(days=number) for number in range(8)]
    return [
        (on.isoformat(), words.day(on, today).capitalize() if on < days[2] else words.day(on, today)) for on in days
    ]


def chosen_team(request: StaffRequest, chosen: str, *kinds: str) -> Place:
    """The team of these kinds that was chosen, or the first one, of those that the person works in."""
    for place in request.visitor.teams(*kinds):
        if chosen in ("", str(place.team)):
            return place
    raise Refused("You do not work in this team.")


@require_POST
def seen(request: StaffRequest) -> HttpResponse:
    """Mark what came to the local or health protection team as seen."""
    place = chosen_team(request, request.POST.get("team", ""), "local", "health_protection")
    assert place.team is not None
    count = verbs.seen(team=place.team, by=request.scope, now=request.now)
    messages.success(request, f"{counted(count, 'notice')} marked as seen.")
    there = SECTION if place.team_kind == "local" else "/escalated"
    return redirect(f"{there}?team={place.team}")
