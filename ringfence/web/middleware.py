"""What every request by somebody signed in has: the moment, who it is, and what they may see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import Resolver404, resolve
from django.utils import timezone

from ringfence.queries.policy import remembering
from ringfence.rules.access import NotFound, Refused
from ringfence.web.errors import not_found, refused
from ringfence.web.visitor import StaffRequest, visitor_of


class SignInMiddleware(LoginRequiredMiddleware):
    """Asks nobody to sign in, and tells whoever was signed out meanwhile that their form was not saved."""

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> HttpResponseRedirect:
        if request.method in ("GET", "HEAD"):
            return super().handle_no_permission(request, view_func)
        return redirect(f"{self.get_login_url(view_func)}?{urlencode({'next': request.path, 'unsaved': 'yes'})}")


def _above(path: str) -> str:
    """The nearest address above one that only forms post to: the page that the form stands on."""
    while path := path.rpartition("/")[0]:
        try:
            resolve(path)
        except Resolver404:
            continue
        return path
    return "/"


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
            # No address holds this character, and no statement takes it.
            response = not_found(request) if "\0" in request.path else self.get_response(request)
        if response.status_code == 405 and request.method in ("GET", "HEAD"):
            # Reloaded, kept as a bookmark, or where somebody comes back to from signing in.
            response = redirect(_above(request.path))
        # Pages hold people's records: nothing of them stays in a browser's or a proxy's store.
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponse | None:
        if isinstance(problem, Refused):
            return refused(request, str(problem))
        if isinstance(problem, NotFound):
            return not_found(request, problem)
        return None
