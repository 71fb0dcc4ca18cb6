"""The health protection team's list: what was escalated, by whom and why."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from ringfence.accounts import walls
from ringfence.queries import escalated as queries
from ringfence.queries import local, work
from ringfence.web.rendering import page
from ringfence.web.views.local import COLOURS, chosen_team
from ringfence.web.visitor import StaffRequest

SECTION = "/escalated"


@require_safe
def escalated(request: StaffRequest) -> HttpResponse:
    request.scope.require("health protection")
    place = chosen_team(request, request.GET.get("team", ""), "health_protection")
    scope, now, team = request.scope, request.now, place.team
    assert team is not None
    with walls.transaction(scope):
        found = queries.escalated(scope=scope, team=team, now=now)
        notices = local.notices(scope=scope, team=team, now=now, limit=3)
        questions = work.questions(scope=scope, team=team, now=now, limit=10)
        answers = work.new_answers(scope=scope, team=team, now=now, limit=10)
    return page(
        request,
        "escalated.jinja",
        title="Escalated",
        section=SECTION,
        place=place,
        teams=request.visitor.teams("health_protection"),
        found=found,
        colours=COLOURS,
        notices=notices,
        questions=questions,
        answers=answers,
    )
