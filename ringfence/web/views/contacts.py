"""Whom a case named, with what became of each."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from ringfence.queries import contacts as queries
from ringfence.rules.attempts import TraceOutcome
from ringfence.rules.entries import RELATIONS
from ringfence.web.rendering import page
from ringfence.web.visitor import StaffRequest

STATES = {
    "open": ("To be called", "blue"),
    "calling": ("Being called now", "blue"),
    "case": ("A case themselves", "orange"),
    "withdrawn": ("Not a contact after all", "grey"),
    "none": ("Not called", "grey"),
}
COLOURS = {TraceOutcome.REACHED: "green", TraceOutcome.BECAME_CASE: "orange"}


@require_safe
def contacts(request: StaffRequest, ref: str) -> HttpResponse:
    found = queries.of_case(scope=request.scope, ref=ref, now=request.now)
    outcomes = {each.value: (each.words, COLOURS.get(each, "grey")) for each in TraceOutcome}
    return page(
        request,
        "traces/contacts.jinja",
        title=f"Contacts of trace {found.ref}",
        section="",
        found=found,
        states=outcomes | STATES,
        relations=RELATIONS,
    )
