"""The line list of an area: narrowed, in an order, with chosen columns; saved as a view, taken out as a file."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from ringfence.actions import views as verbs
from ringfence.actions.errors import Invalid
from ringfence.queries import areas
from ringfence.queries.areas import Case, Filters
from ringfence.rules import line_list as rules
from ringfence.rules.attempts import TraceOutcome
from ringfence.rules.calendar import london_date
from ringfence.rules.line_list import COLUMNS_FIELD, Column
from ringfence.web.forms import Form
from ringfence.web.rendering import page
from ringfence.web.views.areas import SECTION, chosen_area, day_of, tabs
from ringfence.web.visitor import StaffRequest

PAGE = 50

#: Lines of one export; who needs more narrows it or asks for the daily feed.
MOST_EXPORTED = 100_000

ORDERS = (("specimen", "Latest specimen"), ("postcode", "Postcode"), ("age", "Youngest"), ("name", "Name"))
OUTCOMES = (("", "All"), ("open", "Still open"), *((each.value, each.words) for each in TraceOutcome))
OUTCOME_WORDS = {each.value: each.words for each in TraceOutcome}


def _given(data: Any) -> dict[str, Sequence[str]]:
    """What the form of the list says, field by field."""
    return {name: data.getlist(name) for name in (*rules.FIELDS, COLUMNS_FIELD)}


def _filters(given: dict[str, str]) -> Filters:
    numbers = [
        int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None
        for text in (given["from"], given["to"])
    ]
    return Filters(
        day_of(given["since"]),
        day_of(given["until"]),
        given["sector"].replace("\0", "").upper()[:8],
        numbers[0],
        numbers[1],
        given["outcome"] if given["outcome"] in dict(OUTCOMES) else "",
        given["care-home"] == "yes",
    )


@require_safe
def line_list(request: StaffRequest, code: str) -> HttpResponseBase:
    """The cases of the area, narrowed, in an order, a page at a time; or all of them as a file."""
    if request.GET.get("format") == "csv":
        return _export(request, code)
    return _list(request, code, request.GET)


def _list(request: StaffRequest, code: str, data: Any, form: Form | None = None, status: int = 200) -> HttpResponse:
    place = chosen_area(request, code)
    scope, given = request.scope, {name: (data.get(name) or "").strip() for name in rules.FIELDS}
    number = data.get("page", "1")
    at = max(1, int(number)) if number.isascii() and number.isdigit() and len(number) < 5 else 1
    found = areas.line_list(
        scope=scope,
        area=code,
        now=request.now,
        filters=_filters(given),
        order=given["order"],
        limit=PAGE,
        offset=(at - 1) * PAGE,
    )
    kept = rules.kept(_given(data))
    columns = rules.shown(scope, data.getlist(COLUMNS_FIELD))
    return page(
        request,
        "areas/line_list.jinja",
        title=f"Line list of {place.name}",
        section=SECTION,
        status=status,
        area=place,
        tabs=tabs(request, code, "/line-list"),
        found=found,
        given=given,
        columns=columns,
        allowed=[(each.key, each.name) for each in rules.allowed(scope)],
        orders=ORDERS,
        outcomes=OUTCOMES,
        outcome_words=OUTCOME_WORDS,
        at=at,
        kept=kept,
        query=urlencode(kept, doseq=True),
        views=[
            (each, urlencode(each.view, doseq=True))
            for each in areas.saved_views(scope=scope, area=code, now=request.now)
        ],
        errors=form.errors() if form else {},
        typed=form.data if form else {},
    )


@require_POST
def save(request: StaffRequest, code: str) -> HttpResponse:
    """Save what the list shows as a view with a name."""
    chosen_area(request, code)
    form = Form(request.POST)
    given = _given(request.POST)
    try:
        verbs.save(area=code, name=form.get("view_name"), view=given, by=request.scope, now=request.now)
    except Invalid as problem:
        form.wrong(problem.field, problem.message)
        return _list(request, code, request.POST, form, 422)
    messages.success(request, "The view is saved. It stands above the list, for you alone.")
    return redirect(f"/areas/{code}/line-list?{urlencode(rules.kept(given), doseq=True)}")


@require_POST
def delete(request: StaffRequest, code: str, view: int) -> HttpResponse:
    """Delete a saved view."""
    chosen_area(request, code)
    verbs.delete(view=view, by=request.scope, now=request.now)
    messages.success(request, "The view is deleted.")
    return redirect("line-list", code)


_HEADS = {"case": "case", "specimen": "specimen date", "onset": "onset date", "outcome": "outcome"}


class _Echo:
    """What a csv writer writes to when each line is to be sent at once."""

    def write(self, line: str) -> str:
        return line


def _export(request: StaffRequest, code: str) -> StreamingHttpResponse:
    chosen_area(request, code)
    data = request.GET
    chosen = data.getlist(COLUMNS_FIELD)
    # A file that nobody chose the columns of has all that its reader may see.
    columns = rules.shown(request.scope, chosen) if chosen else rules.allowed(request.scope)
    found = areas.line_list(
        scope=request.scope,
        area=code,
        now=request.now,
        filters=_filters({name: (data.get(name) or "").strip() for name in rules.FIELDS}),
        order=(data.get("order") or "").strip(),
        limit=MOST_EXPORTED,
        taken_out=True,
    )

    def lines() -> Iterator[str]:
        writer: Any = csv.writer(_Echo())
        yield "\ufeff" + writer.writerow([_HEADS.get(each.key, each.name.lower()) for each in columns])
        for each in found.lines:
            yield writer.writerow([_safe(_value(each, column)) for column in columns])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="line-list-{code}-{london_date(request.now)}.csv"'
    return response


def _value(line: Case, column: Column) -> object:
    values: dict[str, object] = {
        "case": line.ref,
        "name": line.name,
        "age": line.age,
        "sex": line.sex,
        "postcode": line.postcode,
        "specimen": line.specimen_date,
        "onset": line.onset_date,
        "care_home": "yes" if line.care_home else "no",
        "outcome": line.outcome or "open",
        "contacts": line.contacts,
        "incident": line.incident,
    }
    return values[column.key]


def _safe(value: object) -> str:
    """A value that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
