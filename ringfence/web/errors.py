"""Pages for what went wrong: not yours to change, not there, changed meanwhile, a form that was too old."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from ringfence.web.rendering import page


def refused(request: HttpRequest, message: str = "") -> HttpResponse:
    """403: somebody signed in asked for something that their role does not give."""
    return page(
        request,
        "errors/message.jinja",
        status=403,
        title="You cannot do this",
        message=message or "Your role does not let you do this.",
        help="If it is part of your work, ask your team lead to change your role.",
    )


def not_found(request: HttpRequest, exception: object = None) -> HttpResponse:
    """404: there is no such page or record, or it is not for this person to know that there is."""
    return page(
        request,
        "errors/message.jinja",
        status=404,
        title="Page not found",
        message="There is nothing at this address that you may see.",
        help="Check a reference letter by letter. A trace that passed to another team may no longer be yours to see.",
    )


def went_wrong(request: HttpRequest) -> HttpResponse:
    """500: a fault of the service. Made without the database, which may be what failed."""
    return page(
        request,
        "errors/message.jinja",
        status=500,
        title="Something went wrong",
        message="What you sent may not have been saved.",
        help="Go back, check the record, and try again. If it goes wrong again, tell national operations the time.",
        plain=True,
    )


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form's token is missing or old, as after signing out in another window."""
    return page(
        request,
        "errors/message.jinja",
        status=403,
        title="This page is too old",
        message="Nothing was saved: the page was opened before you last signed in.",
        help="Go back, load the page again and send it once more.",
    )


def stale(request: HttpRequest, problem: Any, fresh: str, kept: list[tuple[str, str]] | None = None) -> HttpResponse:
    """409: the record changed since the page was made; tells what changed and keeps what was typed."""
    return page(
        request,
        "errors/stale.jinja",
        status=409,
        title="This record has changed",
        message=problem.message,
        changes=problem.changes,
        fresh=fresh,
        kept=[(label, text) for label, text in kept or () if text],
    )
