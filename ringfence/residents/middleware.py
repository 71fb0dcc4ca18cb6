"""What every request of a resident has, and what every answer carries."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from ringfence.residents.pages import plain

logger = logging.getLogger(__name__)


class ResidentRequest(HttpRequest):
    """A request as the middleware leaves it."""

    now: datetime


class VisitMiddleware:
    """Puts ``now`` on the request. Nothing of a page stays in a browser's or a proxy's store."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.now = timezone.now()  # type: ignore[attr-defined]
        response = self.get_response(request)
        response.headers["Cache-Control"] = "no-store"
        return response

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponse | None:
        if isinstance(problem, DatabaseError):
            # Only its kind: a message of the database can hold what somebody typed.
            logger.warning("a resident's page could not be made: %s", type(problem).__name__)
            return plain(
                request,
                "Sorry, this does not work just now",
                "What you sent before is kept. Wait a few minutes, then open the link in your message again.",
                status=503,
            )
        return None
