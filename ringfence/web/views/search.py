"""Finding a person. What is typed is posted, so that it stands in no address, history or log."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from ringfence.queries.search import Found, SearchError, find
from ringfence.web.forms import Form
from ringfence.web.rendering import page
from ringfence.web.visitor import StaffRequest

SECTION = "/search"


@require_http_methods(["GET", "HEAD", "POST"])
def search(request: StaffRequest) -> HttpResponse:
    """GET: the box alone; nobody is listed. POST: those whom the words may mean."""
    request.scope.require("search")
    form = Form(request.POST)
    found: Found | None = None
    if request.method == "POST":
        try:
            found = find(scope=request.scope, text=form.get("words"), now=request.now)
        except SearchError as problem:
            form.wrong("words", str(problem))
    return page(
        request,
        "search.jinja",
        title="Find a person",
        section=SECTION,
        status=200 if form.valid else 422,
        found=found,
        words=form.get("words"),
        errors=form.errors(),
    )
