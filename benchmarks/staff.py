"""The staff pages as they are served, and one page more that holds nothing: what every page costs before its own work."""

from __future__ import annotations

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import include, path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ringfence.config.settings")

application = get_wsgi_application()


def empty(request: object) -> HttpResponse:
    """A signed-in page of the same layout without anything in it."""
    from ringfence.web.rendering import page

    return page(request, "layout.jinja", title="Empty", section="/work")  # type: ignore[arg-type]


urlpatterns = [path("empty", empty), path("", include("ringfence.web.urls"))]

settings.ROOT_URLCONF = __name__
