"""What every request by somebody signed in has: the moment, who it is, and what they may see."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from ringfence.queries.policy import remembering
from ringfence.rules.access import NotFound, Refused
from ringfence.web.errors import not_found, refused
from ringfence.web.visitor import StaffRequest, visitor_of


class VisitMiddleware:
    """Puts ``now``, ``visitor`` and ``scope`` on the request, and turns the verbs' and queries' refusals into pages.

    This is the only place of the pages where a clock is read: everything behind a page takes ``request.now``.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        staff = cast(StaffRequest, request)
        staff.now = timezone.now()
        if request.user.is_authenticated:
            staff.visitor = visitor_of(request.user, staff.now)
            staff.scope = staff.visitor.scope
        with remembering():
            response = self.get_response(request)
        # Pages hold people's records: nothing of them stays in a browser's or a proxy's store.
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponse | None:
        if isinstance(problem, Refused):
            return refused(request, str(problem))
        if isinstance(problem, NotFound):
            return not_found(request, problem)
        return None
