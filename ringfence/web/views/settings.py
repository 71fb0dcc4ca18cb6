"""Places where people met: found, looked at, joined where two are one, and suggested while somebody types."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from ringfence.accounts import walls
from ringfence.actions import settings as verbs
from ringfence.actions.errors import Invalid
from ringfence.queries import settings as queries
from ringfence.rules.exposures import CATEGORY_WORDS
from ringfence.rules.plural import counted
from ringfence.rules.settings import KIND_WORDS, MOST_PEOPLE
from ringfence.web.forms import Form
from ringfence.web.rendering import page
from ringfence.web.visitor import StaffRequest

SECTION = "/settings"
WINDOWS = {
    "backward": "When most likely infected",
    "infectious": "When infectious",
    "both": "When most likely infected, and when infectious",
    "outside": "Neither",
}
KINDS = {each.value: words for each, words in KIND_WORDS.items()}


@require_safe
def settings(request: StaffRequest) -> HttpResponse:
    request.scope.require("settings")
    text = request.GET.get("q", "").replace("\0", "").strip()[:120]
    found = queries.find(scope=request.scope, now=request.now, text=text)
    return page(
        request, "settings/list.jinja", title="Places", section=SECTION, found=found, text_typed=text, kinds=KINDS,
        most=queries.MOST, escalated_only=queries.of_a_region(request.scope),
    )  # fmt: skip


@require_safe
def setting(request: StaffRequest, ref: str) -> HttpResponse:
    return _page(request, ref)


def _page(request: StaffRequest, ref: str, form: Form | None = None, status: int = 200) -> HttpResponse:
    """One place; with ``with`` in the address or the form, what joining it with another one would do."""
    other = (form.get("merge") if form else request.GET.get("with", "")).strip()
    with walls.transaction(request.scope):
        found = queries.setting(scope=request.scope, ref=ref, now=request.now)
        joining = queries.setting(scope=request.scope, ref=other, now=request.now) if other and not form else None
    return page(
        request,
        "settings/setting.jinja",
        title=found.name,
        section=SECTION,
        status=status,
        found=found,
        joining=joining,
        escalated_only=queries.of_a_region(request.scope),
        kinds=KINDS,
        categories={each.value: words for each, words in CATEGORY_WORDS.items()},
        windows=WINDOWS,
        errors=form.errors() if form else {},
        people=form.get("people") if form else found.size or "",
    )


@require_POST
def merge(request: StaffRequest, ref: str) -> HttpResponse:
    """Join another place into this one, or part one again."""
    form = Form(request.POST)
    try:
        if form.get("do") == "part":
            done = verbs.part(setting=ref, by=request.scope, now=request.now)
            messages.success(request, "They are two places again.")
            return redirect("setting", done.merge_ref)
        done = verbs.merge(keep=ref, merge=form.get("merge"), by=request.scope, now=request.now)
    except Invalid as problem:
        form.wrong("", problem.message)
        return _page(request, ref, form, 422)
    messages.success(
        request, f"{done.merge_ref} is {done.keep_ref} now. You can undo it on the page of {done.merge_ref}."
    )
    return redirect("setting", done.keep_ref)


@require_POST
def size(request: StaffRequest, ref: str) -> HttpResponse:
    """How many people work, learn or live there; empty when it is not known."""
    form = Form(request.POST)
    people = form.number("people", 1, MOST_PEOPLE, "The number of people") if form.get("people") else None
    if not form.valid:
        return _page(request, ref, form, 422)
    verbs.set_size(setting=ref, people=people, by=request.scope, now=request.now)
    told = (
        f"{counted(people, 'person is', 'people are')} there." if people else "How many people are there is not known."
    )
    messages.success(request, told)
    return redirect("setting", ref)


@require_safe
def suggest(request: StaffRequest) -> JsonResponse:
    """What somebody who types the name of a place may mean, as JSON: a list of name, kind and postcode."""
    typed, postcode = (request.GET.get(name, "").replace("\0", "")[:120] for name in ("q", "postcode"))
    found = queries.suggest(scope=request.scope, text=typed, postcode=postcode)
    return JsonResponse(
        {"places": [{"name": each.name, "kind": each.kind, "postcode": each.postcode} for each in found]}
    )
