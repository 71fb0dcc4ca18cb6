"""The texts of messages, changed by a script editor; every version stays readable."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from ringfence.actions import templates as verbs
from ringfence.actions.errors import Invalid, Stale
from ringfence.queries import templates as queries
from ringfence.rules.calendar import london_moment
from ringfence.rules.messages import KINDS, LANGUAGES, RIGHT_TO_LEFT, Channel
from ringfence.web.forms import Form
from ringfence.web.rendering import page
from ringfence.web.visitor import StaffRequest

SECTION = "/templates"


@require_safe
def templates(request: StaffRequest) -> HttpResponse:
    found = queries.in_use(scope=request.scope, now=request.now)
    by_kind = {kind: [each for each in found if each.key == kind.key] for kind in KINDS.values()}
    return page(
        request,
        "templates/list.jinja",
        title="Texts of messages",
        section=SECTION,
        by_kind=by_kind,
        languages=LANGUAGES,
        channels=_channels(),
        right_to_left=RIGHT_TO_LEFT,
    )


def _channels() -> Mapping[str, str]:
    return {each.value: each.words for each in Channel}


@require_http_methods(["GET", "HEAD", "POST"])
def template(request: StaffRequest, key: str, channel: str, language: str) -> HttpResponse:
    """GET: a text with its versions. POST: a new version, from a day on or at once."""
    found = queries.versions(scope=request.scope, key=key, channel=channel, language=language)
    form, status, changed = None, 200, None
    if request.method == "POST":
        form = Form(request.POST)
        version = form.number("version", 0, 2**31 - 1, "The page's version") or 0
        day = form.any_date("from_at", "the first day")
        from_at = london_moment(day, time(0)) if day else request.now
        try:
            if form.valid:
                verbs.change(
                    key=key,
                    channel=channel,
                    language=language,
                    version=version,
                    subject=form.get("subject"),
                    body=form.get("body"),
                    from_at=from_at,
                    by=request.scope,
                    now=request.now,
                )
                messages.success(request, "The new text is kept.")
                return redirect("template", key, channel, language)
            status = 422
        except Invalid as problem:
            for field, message in problem.problems.items():
                form.wrong(field, message)
            status = 422
        except Stale as problem:
            status, changed = 409, problem
    return page(
        request,
        "templates/text.jinja",
        title=f"{KINDS[key].name}: {Channel(channel).words}, {LANGUAGES[language]}",
        section=SECTION,
        status=status,
        kind=KINDS[key],
        channel=channel,
        language=language,
        right_to_left=language in RIGHT_TO_LEFT,
        found=found,
        changed=changed,
        errors=form.errors() if form else {},
        typed=form.data if form else {"subject": found[0].subject, "body": found[0].body},
    )
