"""The partnerships: where every authority stands, and one authority's policy, joining, teams, people and lending."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ringfence.actions import accounts as people_verbs
from ringfence.actions import partnerships as verbs
from ringfence.actions.errors import Invalid, Stale
from ringfence.queries import partnerships as queries
from ringfence.queries.partnerships import AuthorityPage, Standing
from ringfence.queries.renewal import preview
from ringfence.queries.teams import borrowing_teams
from ringfence.rules.access import ROLES, Member, Refused
from ringfence.rules.calendar import WEEKDAYS
from ringfence.rules.lending import Giver, giver, may_end, may_give_role
from ringfence.rules.policy import LONGEST_SET_PERIOD_HOURS, MODEL_WORDS, Model
from ringfence.web import words
from ringfence.web.errors import stale
from ringfence.web.forms import Form
from ringfence.web.rendering import page
from ringfence.web.visitor import StaffRequest

SECTION = "/authorities"
COLOURS = {Standing.OFFERED: "grey", Standing.AGREED: "yellow", Standing.JOINING: "blue", Standing.LIVE: "green"}
MODELS = [
    (Model.TIMED, "The national team calls first; after the set period the trace passes to the local team."),
    (Model.LOCAL_FIRST, "The local team works new cases from the start; the national team does not call them first."),
    (Model.NATIONAL_ONLY, "Nothing passes to the local team. Use it to pause or to leave."),
]
#: What the preview does not pass on from the form: it has its own.
NOT_SENT = ("csrfmiddlewaretoken", "step", "revision")


@require_safe
def authorities(request: StaffRequest) -> HttpResponse:
    request.scope.require("partnership view")
    lines = queries.authorities(scope=request.scope, now=request.now)
    wanted, stage = request.GET.get("name", "").strip(), request.GET.get("stage", "")
    shown = [
        line
        for line in lines
        if wanted.lower() in f"{line.name} {line.region}".lower() and stage in ("", line.standing.value)
    ]
    counts = {standing: sum(line.standing is standing for line in lines) for standing in Standing}
    return page(
        request,
        "authorities/list.jinja",
        title="Authorities",
        section=SECTION,
        lines=shown,
        all=len(lines),
        counts=counts,
        colours=COLOURS,
        name=wanted,
        stage=stage,
        stages=[("", "All"), *((standing.value, standing.words) for standing in Standing)],
    )


@require_safe
def authority(request: StaffRequest, code: str) -> HttpResponse:
    return _authority(request, code)


def _found(request: StaffRequest, code: str) -> AuthorityPage:
    request.scope.require("partnership view")
    found = queries.authority(scope=request.scope, area=code, now=request.now)
    if found is None:
        raise Http404
    return found


def _authority(
    request: StaffRequest, code: str, form: Form | None = None, status: int = 200, which: str = ""
) -> HttpResponse:
    found = _found(request, code)
    roles = _roles(request, found)
    gives = _giver(request)
    return page(
        request,
        "authorities/authority.jinja",
        title=found.line.name,
        section=SECTION,
        status=status,
        found=found,
        line=found.line,
        standing_colour=COLOURS[found.line.standing],
        days=_letters,
        roles=[
            (key, ROLES[role].name if team is None else f"{ROLES[role].name}, {name}")
            for key, role, team, name in roles
        ],
        staff=[
            (member.user, f"{member.name}, {team.name}")
            for team in found.teams
            for member in team.people
            if not member.lent
        ],
        borrowers=_borrowers(request, found),
        may_end=_may_end(gives, found),
        errors=form.errors() if form else {},
        typed=form.data if form else {},
        which=which,
    )


def _letters(days: frozenset[int]) -> str:
    return words.working_days("".join("Y" if day in days else "N" for day in range(7)))


def _giver(request: StaffRequest) -> Giver:
    """What this person may give others, from the roles that they hold themselves."""
    members = [
        Member(place.role, place.team, place.area, request.now)
        for place in request.visitor.places
        if place.until is None
    ]
    return giver(request.scope, members, request.now)


def _roles(request: StaffRequest, found: AuthorityPage) -> list[tuple[str, str, int | None, str]]:
    """The roles that this person may give somebody here: value of the choice, role, team and the team's name."""
    gives = _giver(request)
    kinds = {"national": ("national_tracer", "national_lead"), "local": ("local_tracer", "local_lead")}
    choices: list[tuple[str, str, int | None, str]] = [
        (f"{role}-{team.id}", role, team.id, team.name) for team in found.teams for role in kinds.get(team.kind, ())
    ]
    choices += [("director-", "director", None, ""), ("analyst-", "analyst", None, "")]
    return [
        choice
        for choice in choices
        if may_give_role(gives, to=None, role=choice[1], team=choice[2], area=found.line.code).allowed
    ]


def _may_end(gives: Giver, found: AuthorityPage) -> set[int]:
    """The memberships that this person may end."""
    return {
        member.membership
        for team in found.teams
        for member in team.people
        if may_end(
            gives, user=member.user, lent=member.lent, area=found.line.code, role=member.role, team=team.id
        ).allowed
    }


def _borrowers(request: StaffRequest, found: AuthorityPage) -> list[tuple[int, str]]:
    """The teams that people of this authority can be lent to."""
    if not (found.may_change or (request.scope.lead_of and found.line.code in request.scope.standing)):
        return []
    return [(team.id, team.name) for team in borrowing_teams(scope=request.scope, now=request.now)]


# Policy


def _policy_typed(found: AuthorityPage) -> dict[str, str]:
    """The form as it is first shown: the policy in force."""
    policy = found.line.policy
    if policy is None:
        return {
            "set_period_hours": "24",
            "opens": "09:00",
            "closes": "17:00",
            "contacts_by": "national",
            "start": "now",
        }
    return {
        "model": policy.model.value,
        "set_period_hours": str(policy.set_period_hours or 24),
        "contacts_by": policy.contacts_by.value,
        "opens": words.hour(policy.opens),
        "closes": words.hour(policy.closes),
        "bank_holidays": "yes" if policy.bank_holidays else "no",
        "follow_up_days": ", ".join(map(str, policy.follow_up_days)),
        "visits_from": policy.visits_from,
        "start": "now",
    }


def _read_policy(request: StaffRequest, form: Form) -> dict[str, Any]:
    """What the policy form says, as arguments of the verb."""
    given: dict[str, Any] = {"model": form.choice("model", list(Model), "Choose who works the authority's traces")}
    if given["model"] == Model.TIMED:
        given["set_period_hours"] = form.number(
            "set_period_hours", 1, LONGEST_SET_PERIOD_HOURS, "The set period in hours"
        )
    else:
        given["set_period_hours"] = None
    ticked = form.ids("working_days")
    given["working_days"] = "".join("Y" if day in ticked else "N" for day in range(7))
    if not any(day in range(7) for day in ticked):
        form.wrong("working_days", "Choose at least one day on which the local team works")
    given["opens"] = form.time("opens", "when the local team opens")
    given["closes"] = form.time("closes", "when the local team closes")
    given["bank_holidays"] = (
        form.choice("bank_holidays", ("yes", "no"), "Say whether the team works on bank holidays") == "yes"
    )
    given["contacts_by"] = form.choice("contacts_by", ("national", "local"), "Choose which team traces contacts")
    given["follow_up_days"] = _read_days(form)
    given["visits_from"] = form.text("visits_from", longest=10)
    start = form.choice("start", ("now", "later"), "Choose when the policy begins")
    given["from_at"] = form.moment("from_at", "the day it begins") if start == "later" else None
    return given


def _read_days(form: Form) -> list[int]:
    """The days of the follow-up calls, as typed: "4, 8", "4 and 8"."""
    told = form.text("follow_up_days", longest=40)
    days = re.split(r"[,;\s]+|and", told)
    if any(day and not (day.isascii() and day.isdigit() and len(day) < 4) for day in days):
        form.wrong("follow_up_days", "Give the days of isolation as numbers, such as 4, 8")
        return []
    return [int(day) for day in days if day]


@require_http_methods(["GET", "HEAD", "POST"])
def policy(request: StaffRequest, code: str) -> HttpResponse:
    """The form, then a preview of what it would do, then the recording; three steps at one address."""
    found = _found(request, code)
    request.scope.require("partnership")
    if not found.may_change:
        raise Http404
    if request.method != "POST":
        typed: Mapping[str, str] = _policy_typed(found)
        ticked = sorted(found.line.policy.working_days) if found.line.policy else list(range(7))
        return _policy_form(request, found, typed, ticked, {})
    form = Form(request.POST)
    given = _read_policy(request, form)
    step = form.get("step")
    if form.valid:
        try:
            proposed = verbs.proposed(area=code, now=request.now, **given)
            if step == "confirm":
                revision = form.number("revision", 0, 2**31 - 1, "The revision")
                verbs.set_policy(area=code, by=request.scope, now=request.now, revision=revision, **given)
                messages.success(request, "The policy is recorded. The clock takes it up within a minute.")
                return redirect("authority", code)
            if step != "change":
                return page(
                    request,
                    "authorities/preview.jinja",
                    title="Check what this policy would do",
                    section=SECTION,
                    line=found.line,
                    preview=preview(scope=request.scope, proposed=proposed, now=request.now),
                    days=_letters,
                    sent=[
                        (key, value) for key, values in request.POST.lists() for value in values if key not in NOT_SENT
                    ],
                    revision=found.revision,
                )
        except Invalid as problem:
            for field, message in problem.problems.items():
                form.wrong(field, message)
        except Stale as problem:
            return stale(request, problem, f"/authorities/{code}/policy")
    status = 200 if form.valid else 422
    return _policy_form(request, found, form.data, form.ids("working_days"), form.errors(), status)


def _policy_form(
    request: StaffRequest,
    found: AuthorityPage,
    typed: Mapping[str, Any],
    ticked: list[int],
    errors: dict[str, str],
    status: int = 200,
) -> HttpResponse:
    return page(
        request,
        "authorities/policy.jinja",
        title=f"Set the policy of {found.line.name}",
        section=SECTION,
        status=status,
        line=found.line,
        typed=typed,
        ticked=ticked,
        errors=errors,
        models=[(model.value, MODEL_WORDS[model], about) for model, about in MODELS],
        weekdays=list(enumerate(WEEKDAYS)),
    )


# Joining, people, lending


@require_POST
def joining(request: StaffRequest, code: str) -> HttpResponse:
    """Record that the agreement is signed, or the day from which the local team takes traces."""
    found = _found(request, code)
    form = Form(request.POST)
    try:
        if form.get("step") == "agree":
            verbs.agree(area=code, by=request.scope, now=request.now, agreement=form.text("agreement"))
            messages.success(request, f"The agreement with {found.line.name} is recorded.")
            return redirect("authority", code)
        start = form.choice("joins", ("now", "later"), "Choose when the local team begins")
        at = form.moment("at", "the day it begins") if start == "later" else None
        if form.valid:
            joined = verbs.join(area=code, at=at, by=request.scope, now=request.now)
            messages.success(
                request, f"{found.line.name} joins {words.when(joined.live_from, request.now)}. Add its people next."
            )
            return redirect("authority", code)
    except Invalid as problem:
        for field, message in problem.problems.items():
            form.wrong({"area": "joins"}.get(field, field), message)
    return _authority(request, code, form, 422, "joining")


@require_POST
def people(request: StaffRequest, code: str) -> HttpResponse:
    """Give somebody a role in a team of the authority, or for the authority; or end a role."""
    found = _found(request, code)
    form = Form(request.POST)
    try:
        if form.get("step") == "end":
            membership = form.number("membership", 1, 2**62, "The role")
            if membership:
                people_verbs.end_membership(membership=membership, by=request.scope, now=request.now)
                messages.success(request, "The role has ended.")
                return redirect("authority", code)
        chosen = {key: (role, team) for key, role, team, _ in _roles(request, found)}
        if not chosen:
            raise Refused("You may not give anybody a role here; ask national operations.")
        name = form.text("name", "Enter the person's name", 120)
        email = form.text("email", "Enter the person's email address", 254)
        role_key = form.choice("role", list(chosen), "Choose what the person does")
        if form.valid:
            role, team = chosen[role_key]
            place = None if team else code
            added = people_verbs.add_user(
                email=email, name=name, role=role, team=team, area=place, by=request.scope, now=request.now
            )
            # Shown once and kept nowhere, so there is no redirect to carry it.
            return page(
                request,
                "authorities/added.jinja",
                title=f"{name} can sign in now",
                section=SECTION,
                line=found.line,
                email=email,
                password=added.password,
                role_name=ROLES[role].name,
            )
    except Invalid as problem:
        for field, message in problem.problems.items():
            form.wrong({"team": "role", "area": "role"}.get(field, field), message)
    return _authority(request, code, form, 422, "people")


@require_POST
def lending(request: StaffRequest, code: str) -> HttpResponse:
    """Lend somebody to another team, from one time until another."""
    _found(request, code)
    form = Form(request.POST)
    user, team = form.get("user"), form.get("to_team")
    for field, chosen, missing in (("user", user, "Choose a person"), ("to_team", team, "Choose a team")):
        if not chosen.isdecimal():
            form.wrong(field, missing)
    until = form.moment("until_at", "the day it ends")
    why = form.text("why", "Say why the team needs them", 200)
    if form.valid and until:
        try:
            people_verbs.lend(
                user=int(user),
                to_team=int(team),
                from_at=request.now,
                until_at=until,
                why=why,
                by=request.scope,
                now=request.now,
            )
            messages.success(request, f"Lent until {words.when(until, request.now)}.")
            return redirect("authority", code)
        except Invalid as problem:
            for field, message in problem.problems.items():
                form.wrong(field, message)
        except Refused as problem:
            form.wrong("to_team", str(problem))
    return _authority(request, code, form, 422, "lending")
