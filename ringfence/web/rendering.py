"""A page: the template with what every page needs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.backends.utils import csrf_input
from django.template.loader import get_template
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from ringfence.web.service import policy_in_force


def page(
    request: HttpRequest,
    template: str,
    *,
    title: str,
    section: str = "",
    status: int = 200,
    plain: bool = False,
    **context: Any,
) -> HttpResponse:
    """Render ``template``. ``section`` is the menu's address that the page belongs to.

    ``plain`` leaves out whatever would ask the database.
    """
    now = getattr(request, "now", None) or timezone.now()
    context |= {
        "title": title,
        "section": section,
        "now": now,
        "visitor": None if plain else getattr(request, "visitor", None),
        "policy": None if plain else policy_in_force(request),
    }
    return HttpResponse(get_template(template).render(context, request), status=status)


def one_token(request: HttpRequest) -> dict[str, Any]:
    """The form's token, made when a page's first form asks for it; a page has up to ten forms."""
    return {"csrf_input": SimpleLazyObject(lambda: csrf_input(request))}
