"""What the teams know of a person beside what the laboratory gave: adding to it, and marking what was wrong."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from ringfence.accounts import walls
from ringfence.actions import details as verbs
from ringfence.actions.errors import Invalid
from ringfence.queries.references import trace_number
from ringfence.web.forms import Form
from ringfence.web.views.traces import record_page
from ringfence.web.visitor import StaffRequest

KINDS = {"phone": "number", "email": "email", "address": "address"}


@require_POST
def add(request: StaffRequest, ref: str) -> HttpResponse:
    """Add a number, e-mail or address to the person of a trace."""
    form = Form(request.POST)
    kind = form.choice("detail_kind", KINDS, "Choose a phone number, an email or an address")
    value = form.text("value", "Give the number, email or address", verbs.LONGEST_VALUE)
    source = form.text("source", "Say where you have it from, for example council tax", verbs.LONGEST_SOURCE)
    if form.valid:
        try:
            with walls.transaction(request.scope):
                number = trace_number(scope=request.scope, ref=ref)
                added = verbs.add(
                    trace=number, kind=kind, value=value, source=source, by=request.scope, now=request.now
                )
        except Invalid as problem:
            form.wrong(problem.field, problem.message)
        else:
            # The sentence travels in a cookie: nothing of the person is in it.
            said = f"The {KINDS[kind]} is on the record"
            messages.success(request, said + (" already." if added.again else "."))
            return redirect("trace", ref)
    return record_page(request, ref, form, "detail", 422)


@require_POST
def mark(request: StaffRequest, ref: str, detail: int) -> HttpResponse:
    """Mark one of them as wrong, or take the mark away."""
    wrong = request.POST.get("wrong") != "no"
    with walls.transaction(request.scope):
        number = trace_number(scope=request.scope, ref=ref)
        verbs.mark(trace=number, detail=detail, wrong=wrong, by=request.scope, now=request.now)
    messages.success(request, "Marked as wrong." if wrong else "The mark is taken away.")
    return redirect("trace", ref)
