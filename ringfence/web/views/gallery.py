"""Every component of the pages on one page, with made-up content: to look at, and for the accessibility tests."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from ringfence.web import hexagons
from ringfence.web.rendering import page
from ringfence.web.visitor import StaffRequest

LIMITS = (60, 70, 80, 90)


@require_safe
def gallery(request: StaffRequest) -> HttpResponse:
    values: tuple[float | None, ...] = (None, 55, 65, 75, 85, 95)
    cells = [
        hexagons.Cell(column, row, f"Area {column}{row}", values[(column + row) % 6])
        for column in range(6)
        for row in range(2)
    ]
    return page(
        request,
        "gallery.jinja",
        title="Gallery of components",
        drawing=hexagons.draw(cells, LIMITS, "%"),
        bands=hexagons.bands(LIMITS, "%"),
        points=hexagons.corners(17, 17, 16),
        wrong={"sample-wrong": "Enter a whole number from 1 to 336"},
        earlier=request.now - timedelta(hours=3),
        later=request.now + timedelta(hours=20),
    )
