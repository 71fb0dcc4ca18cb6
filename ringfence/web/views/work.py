"""The tracer's own page: take the next trace, go on with the one that is open, what the team waits for."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from ringfence.accounts import walls
from ringfence.actions import notes
from ringfence.actions import work as verbs
from ringfence.queries import local as passed
from ringfence.queries import work as queries
from ringfence.queries.around import new_dates
from ringfence.rules.access import Refused
from ringfence.rules.plural import counted
from ringfence.web.rendering import page
from ringfence.web.visitor import StaffRequest

SECTION = "/work"
EMPTY = "Nothing is waiting for your team now. Traces come back when it is time to try again."

RESTING = (
    "{} cannot be called yet: somebody else of the same number or home is being called, or was a short while ago. "
    "Look again later."
)


@require_http_methods(["GET", "HEAD", "POST"])
def work(request: StaffRequest) -> HttpResponse:
    """GET: where the tracer stands. POST: take the next trace of the team and open it."""
    request.scope.require("trace")
    if request.method == "POST":
        return take(request, _team(request))
    teams = request.visitor.teams("national", "pool")
    if not teams:
        raise Refused("You do not work in a national team. Your own list is in the menu.")
    scope, now = request.scope, request.now
    with walls.transaction(scope):
        mine = queries.my_trace(scope=scope, now=now)
        standing = [
            (
                team,
                queries.waiting(scope=scope, team=team.team, now=now),
                queries.questions(scope=scope, team=team.team, now=now, limit=10),
                queries.new_answers(scope=scope, team=team.team, now=now, limit=10),
                new_dates(scope=scope, team=team.team, now=now),
                passed.passed_on(scope=scope, team=team.team, now=now, limit=10),
            )
            for team in teams
            if team.team is not None
        ]
    return page(request, "work.jinja", title="My calls", section=SECTION, mine=mine, standing=standing)


def _team(request: StaffRequest) -> int:
    """The team that was chosen, or the only one there is."""
    given = request.POST.get("team", "")
    if given.isascii() and given.isdigit() and len(given) < 19:
        return int(given)
    teams = request.visitor.teams("national", "pool", "local", "health_protection")
    if len(teams) == 1 and teams[0].team is not None:
        return teams[0].team
    raise Refused("Choose the team whose next trace you want to take.")


def take(request: StaffRequest, team: int) -> HttpResponse:
    """Claim the next trace of the team and go to it; without one, back to the person's own page."""
    claimed = verbs.claim(team=team, by=request.scope, now=request.now)
    if claimed is None:
        left = queries.waiting(scope=request.scope, team=team, now=request.now)
        messages.info(request, RESTING.format(counted(left.queued, "trace")) if left.queued else EMPTY)
        return redirect(request.visitor.home)
    if claimed.resumed:
        messages.info(request, "You had this one open already. Record what came of it, or put it back.")
    return redirect("trace", claimed.ref)


@require_POST
def answers_seen(request: StaffRequest) -> HttpResponse:
    """Mark the answers to a team's questions as seen."""
    count = notes.seen(team=_team(request), by=request.scope, now=request.now)
    messages.success(request, f"{counted(count, 'answer')} marked as seen.")
    return redirect(request.visitor.home)
