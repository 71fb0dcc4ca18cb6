"""A page: the template with what every page needs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import get_template

from ringfence.rules.policy import ServicePolicy


def page(
    request: HttpRequest,
    template: str,
    *,
    title: str,
    policy: ServicePolicy | None = None,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    """Render ``template``. ``policy`` is the service's, of which every page names an exercise."""
    context |= {"title": title, "policy": policy}
    return HttpResponse(get_template(template).render(context, request), status=status)


def plain(
    request: HttpRequest, title: str, *told: str, status: int, policy: ServicePolicy | None = None
) -> HttpResponse:
    """A page that says one thing."""
    return page(request, "plain.jinja", title=title, told=told, status=status, policy=policy)
