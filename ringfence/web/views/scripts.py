"""The questions of the interviews: every version, a look at one as it is put, and the next one, checked before it holds."""

from __future__ import annotations

import difflib
from datetime import timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from ringfence.actions import questionnaires as verbs
from ringfence.actions.errors import Invalid
from ringfence.queries import questionnaires as queries
from ringfence.queries.questionnaires import Version
from ringfence.rules import scripts
from ringfence.rules.access import NotFound
from ringfence.rules.calendar import london_date
from ringfence.rules.questionnaire import FACTS, Kind, Questionnaire
from ringfence.rules.scripts import QuestionnaireError
from ringfence.web.forms import Form, date_parts
from ringfence.web.rendering import page
from ringfence.web.visitor import StaffRequest

SECTION = "/scripts"
KINDS = {"case": "Interview of a case", "contact": "Interview of a contact", "followup": "Follow-up call"}


@require_safe
def versions(request: StaffRequest) -> HttpResponse:
    """Each questionnaire with its versions: in force, still to come, and before."""
    request.scope.require("scripts")
    kinds = [
        (key, words, _states(queries.versions(scope=request.scope, key=key), request)) for key, words in KINDS.items()
    ]
    return page(request, "scripts/list.jinja", title="Questions", section=SECTION, kinds=kinds)


def _states(found: list[Version], request: StaffRequest) -> list[tuple[Version, str]]:
    """Each version with what it is now: those to come first, then the one in force."""
    now = request.now
    past = [each for each in found if each.from_at <= now]
    return [(each, "to come" if each.from_at > now else "in force" if each is past[0] else "before") for each in found]


@require_safe
def version(request: StaffRequest, key: str, number: int) -> HttpResponse:
    """One version as it is put to people."""
    request.scope.require("scripts")
    found = _version(request, key, number)
    title = f"{KINDS[key]}, version {number}"
    return page(
        request, "scripts/version.jinja", title=title, section=SECTION, version=found, questionnaire=found.questionnaire
    )


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, key: str, number: int) -> HttpResponse:
    """Write the next version, beginning with one that there is. POST checks it, and records it when asked to."""
    request.scope.require("scripts")
    begun = _version(request, key, number)
    before = scripts.to_text(begun.questionnaire)
    if request.method != "POST":
        tomorrow = london_date(request.now) + timedelta(days=1)
        typed = {"text": before, "from_at-time": "08:00", **date_parts(tomorrow, "from_at")}
        return _editor(request, begun, Form(typed), ())
    form = Form(request.POST)
    text = (request.POST.get("text") or "").replace("\0", "").replace("\r\n", "\n")
    read: Questionnaire | None = None
    problems: tuple[str, ...] = ()
    try:
        read = scripts.from_text(text)
    except QuestionnaireError as problem:
        problems = problem.problems
        form.wrong("text", f"Put {'this' if len(problems) == 1 else f'these {len(problems)}'} right, then check again")
    from_at = form.moment("from_at", "the day from which it is asked")
    if from_at is not None and from_at <= request.now:
        form.wrong("from_at", "Give a moment that is still to come")
    if form.get("then") == "record" and form.valid and from_at is not None:
        try:
            added = verbs.change(key=key, text=text, from_at=from_at, by=request.scope, now=request.now)
            messages.success(request, f"{KINDS[key]}: version {added.version} is recorded.")
            return redirect("scripts")
        except Invalid as problem:
            form.wrong(problem.field, problem.message)
    changes = _changes(before, scripts.to_text(read)) if read else []
    return _editor(request, begun, form, problems, read, changes, 200 if form.valid else 422)


def _version(request: StaffRequest, key: str, number: int) -> Version:
    found = (
        [each for each in queries.versions(scope=request.scope, key=key) if each.version == number]
        if key in KINDS
        else []
    )
    if not found:
        raise NotFound("There is no such version.")
    return found[0]


def _changes(before: str, after: str) -> list[tuple[str, str]]:
    """The lines that are new and those that are gone, in order."""
    found = difflib.ndiff(before.splitlines(), after.splitlines())
    return [
        ("new" if line[0] == "+" else "gone", line[2:])
        for line in found
        if line[:2] in ("+ ", "- ") and line[2:].strip()
    ]


def _editor(
    request: StaffRequest,
    begun: Version,
    form: Form,
    problems: tuple[str, ...],
    read: Questionnaire | None = None,
    changes: list[tuple[str, str]] | None = None,
    status: int = 200,
) -> HttpResponse:
    return page(
        request,
        "scripts/edit.jinja",
        title=f"{KINDS[begun.key]}: the next version",
        section=SECTION,
        status=status,
        version=begun,
        questionnaire=read,
        changes=changes,
        problems=problems,
        kinds=list(Kind),
        facts=FACTS,
        errors=form.errors(),
        typed=form.data,
    )
