"""Messages: what a tracer sends about a trace, and the outbox of the team."""

from __future__ import annotations

from uuid import uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from ringfence.accounts import walls
from ringfence.actions import messages as verbs
from ringfence.actions import sending
from ringfence.actions.errors import Invalid
from ringfence.base.env import env
from ringfence.queries import messages as queries
from ringfence.queries.interview import sheet
from ringfence.queries.policy import service_policy
from ringfence.queries.references import trace_number
from ringfence.rules.messages import BY_HAND, Channel, quiet
from ringfence.web.forms import Form
from ringfence.web.rendering import page
from ringfence.web.views.traces import record_page
from ringfence.web.visitor import StaffRequest

SECTION = "/outbox"
STATES = {"delivered": "green", "failed": "red", "cancelled": "grey", "sent": "blue"}


@require_safe
def outbox(request: StaffRequest) -> HttpResponse:
    """What was sent and what waits; without a provider, as it would have arrived."""
    before = request.GET.get("before", "")
    found = queries.outbox(
        scope=request.scope,
        now=request.now,
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
    )
    folder = sending.outbox()
    # A link lets whoever has it knock at somebody's form, so it is shown where nobody is a real person and nothing leaves
    # the machine: it is then followed from here, and from nowhere else. Elsewhere the record's text stands, without it.
    shown = not env.notify_key and service_policy(request.now).exercise
    lying = {each.ref: folder.read(each.ref) for each in found.messages} if shown else {}
    return page(
        request,
        "outbox.jinja",
        title="Messages",
        section=SECTION,
        found=found,
        bodies={ref: sent.body for ref, sent in lying.items() if sent is not None},
        local=not env.notify_key,
        shown=shown,
        colours=STATES,
        residents=f"{env.residents_url}/you/",
    )


@require_POST
def send(request: StaffRequest, ref: str) -> HttpResponse:
    """Write to the person of a trace."""
    form = Form(request.POST)
    kind = form.choice("message_kind", BY_HAND, "Choose what to send")
    channel = form.choice("channel", [each.value for each in Channel], "Choose how to send it")
    to = form.get("to")[:500]
    key = form.get("key")[:40] or str(uuid4())
    if form.valid:
        try:
            with walls.transaction(request.scope):
                number = trace_number(scope=request.scope, ref=ref)
                asked = verbs.Asked(
                    trace=number,
                    kind=kind,
                    key=f"by hand {number} {key}",
                    values=_values(request, number, kind),
                    channel=channel,
                    to=to,
                    guardian=form.get("guardian_gave_it") == "yes",
                )
                done = verbs.queue(asked=[asked], by=request.scope, now=request.now)
        except Invalid as problem:
            form.wrong({"kind": "message_kind"}.get(problem.field, problem.field), problem.message)
        else:
            if not done.without:
                waits = " at 8 in the morning" if quiet(channel, request.now) else " now"
                messages.success(request, f"It goes out{waits}.")
                return redirect("trace", ref)
            form.wrong("to", next(iter(done.without.values())))
    return record_page(request, ref, form, "message", 422)


def _values(request: StaffRequest, trace: int, kind: str) -> dict[str, str]:
    if kind != "isolation":
        return {}
    isolation = sheet(scope=request.scope, trace=trace, now=request.now).isolation
    if isolation is None or isolation.until_date is None:
        raise Invalid("message_kind", "No date until which they stay at home is known yet.")
    return {"until": isolation.until_date.isoformat()}


@require_POST
def stop(request: StaffRequest, ref: str) -> HttpResponse:
    """They want no more messages there."""
    form = Form(request.POST)
    channel = form.choice("stop_channel", (Channel.TEXT.value, Channel.EMAIL.value), "Choose texts or emails")
    to = form.text("stop_to", "Give the number or the email address", 254)
    if form.valid:
        try:
            with walls.transaction(request.scope):
                number = trace_number(scope=request.scope, ref=ref)
                why = "said to a tracer"
                verbs.stop(trace=number, channel=channel, to=to, why=why, by=request.scope, now=request.now)
        except Invalid as problem:
            form.wrong({"to": "stop_to", "channel": "stop_channel"}.get(problem.field, problem.field), problem.message)
        else:
            messages.success(request, "They get no more messages there.")
            return redirect("trace", ref)
    return record_page(request, ref, form, "message", 422)
