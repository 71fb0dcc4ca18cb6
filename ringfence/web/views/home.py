"""The first page: where this person's work begins."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from ringfence.web.rendering import page
from ringfence.web.visitor import StaffRequest


@require_safe
def home(request: StaffRequest) -> HttpResponse:
    visitor = request.visitor
    if request.scope.may("area") and len(request.scope.areas) == 1:
        return redirect("area", request.scope.areas[0])
    if visitor.home:
        return redirect(visitor.home)
    return page(request, "home.jinja", title="You have no role at the moment")
