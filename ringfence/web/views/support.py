"""The council's list of people who asked for help."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from ringfence.actions import support as verbs
from ringfence.casework.models import Referral
from ringfence.queries import support as queries
from ringfence.web.rendering import page
from ringfence.web.visitor import StaffRequest

SECTION = "/support"


@require_safe
def support(request: StaffRequest) -> HttpResponse:
    waiting, done = queries.asked(scope=request.scope, now=request.now)
    return page(
        request,
        "support.jinja",
        title="Support",
        section=SECTION,
        waiting=waiting,
        done=done,
        kinds=dict(Referral.Kind.choices),
        several=len(request.scope.standing) > 1,
    )


@require_POST
def support_done(request: StaffRequest, referral: int) -> HttpResponse:
    """Say that the help was given."""
    settled = verbs.done(referral=referral, by=request.scope, now=request.now)
    messages.success(request, "It was done already." if settled.again else "Done.")
    return redirect(SECTION)
