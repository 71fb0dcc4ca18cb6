"""What laboratories delivered: receipts that balance, and the rows that could not be read."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from ringfence.actions import intake as verbs
from ringfence.actions.errors import Invalid
from ringfence.queries import deliveries as queries
from ringfence.rules.access import NotFound
from ringfence.web.forms import Form
from ringfence.web.rendering import page
from ringfence.web.visitor import StaffRequest

SECTION = "/deliveries"
STATES = {
    "arriving": ("Arriving", "grey"),
    "received": ("Received", "blue"),
    "processing": ("Being read", "blue"),
    "done": ("Read", "green"),
    "refused": ("Refused", "red"),
}


def _page(request: StaffRequest) -> int:
    given = request.GET.get("page", "1")
    return max(1, int(given)) if given.isascii() and given.isdigit() and len(given) < 7 else 1


@require_safe
def deliveries(request: StaffRequest) -> HttpResponse:
    number = _page(request)
    receipts, more = queries.receipts(scope=request.scope, now=request.now, page=number)
    return page(
        request,
        "deliveries/list.jinja",
        title="Deliveries",
        section=SECTION,
        receipts=receipts,
        states=STATES,
        number=number,
        more=more,
    )


@require_safe
def delivery(request: StaffRequest, ref: str) -> HttpResponse:
    receipt, parts = queries.receipt(ref.upper(), scope=request.scope, now=request.now)
    return page(
        request,
        "deliveries/receipt.jinja",
        title=f"Receipt {receipt.ref}",
        section=SECTION,
        receipt=receipt,
        parts=parts,
        state=STATES.get(receipt.status, (receipt.status, "grey")),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def quarantine(request: StaffRequest) -> HttpResponse:
    """GET: the rows set aside. POST: say what was done about one of them."""
    request.scope.require("deliveries")
    form = None
    if request.method == "POST":
        form = Form(request.POST)
        row = form.number("row", 1, 2**62, "The row")
        if row is None:
            raise NotFound("Say which row.")
        field = f"settlement-{row}"
        told = form.text(field, "Say what was done about the row", 200)
        if form.valid:
            try:
                verbs.settle(quarantine=row, settlement=told, by=request.scope, now=request.now)
                messages.success(request, "The row is settled.")
                return redirect(request.get_full_path())
            except Invalid as problem:
                form.wrong(field, problem.message)
    ref, number = request.GET.get("delivery", "").strip().upper()[:8].replace("\0", ""), _page(request)
    settled = request.GET.get("show") == "all"
    found = queries.quarantine(scope=request.scope, now=request.now, ref=ref, settled=settled, page=number)
    if found.unknown:
        form = form or Form(request.GET)
        form.wrong("delivery", f"There is no receipt {ref}. Leave it empty for all")
    return page(
        request,
        "deliveries/quarantine.jinja",
        title="Quarantine",
        section="/quarantine",
        status=422 if form else 200,
        found=found,
        most=queries.COUNTED,
        ref=ref,
        show="all" if settled else "open",
        number=number,
        errors=form.errors() if form else {},
        typed=form.data if form else {},
    )
