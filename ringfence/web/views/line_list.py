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
from ringfence.web.views.areas import SECTION, chosen_area, past_day, tabs
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


def _filters(form: Form, request: StaffRequest) -> Filters:
    """What the form of the list narrows it to; what cannot be read, or be, is a mistake of the form."""
    filters = Filters(
        form.typed_date("since", "the first day"),
        form.typed_date("until", "the last day"),
        form.get("sector").upper(),
        form.number("from", 0, 130, "The age") if form.get("from") else None,
        form.number("to", 0, 130, "The age") if form.get("to") else None,
        form.choice("outcome", dict(OUTCOMES), "Choose one of the list"),
        form.choice("care-home", ("", "yes"), "Choose one of the list") == "yes",
        past_day(form, request),
    )
    if filters.since and filters.until and filters.until < filters.since:
        form.wrong("until", "The last day must not be before the first day")
    if filters.age_from is not None and filters.age_until is not None and filters.age_until < filters.age_from:
        form.wrong("to", "The highest age must not be below the lowest")
    return filters


@require_safe
def line_list(request: StaffRequest, code: str) -> HttpResponseBase:
    """The cases of the area, narrowed, in an order, a page at a time; or all of them as a file."""
    chosen_area(request, code)
    form = Form(request.GET)
    filters = _filters(form, request)
    if form.valid and request.GET.get("format") == "csv":
        return _export(request, code, filters)
    return _list(request, code, form, filters)


def _list(request: StaffRequest, code: str, form: Form, filters: Filters) -> HttpResponse:
    """The list; with a mistake in its form no line of it, so that nobody takes the whole for what they asked for."""
    place = chosen_area(request, code)
    scope, data, given = request.scope, form.data, {name: form.get(name) for name in rules.FIELDS}
    number = data.get("page", "1")
    at = max(1, int(number)) if number.isascii() and number.isdigit() and len(number) < 5 else 1
    unread = any(each.field in rules.FIELDS for each in form.mistakes)
    found = (
        None
        if unread
        else areas.line_list(
            scope=scope,
            area=code,
            now=request.now,
            filters=filters,
            order=given["order"],
            limit=PAGE,
            offset=(at - 1) * PAGE,
        )
    )
    kept = rules.kept(_given(data))
    columns = rules.shown(scope, _given(data)[COLUMNS_FIELD])
    return page(
        request,
        "areas/line_list.jinja",
        title=f"Line list of {place.name}",
        section=SECTION,
        status=200 if form.valid else 422,
        area=place,
        tabs=tabs(request, code, "/line-list", filters.known),
        on=filters.known,
        found=found,
        given=given,
        columns=columns,
        allowed=[(each.key, each.name) for each in rules.allowed(scope)],
        orders=ORDERS,
        outcomes=OUTCOMES,
        outcome_words=OUTCOME_WORDS,
        at=found.offset // PAGE + 1 if found else 1,
        kept=kept,
        query=urlencode(kept, doseq=True),
        views=[
            (each, urlencode(each.view, doseq=True))
            for each in areas.saved_views(scope=scope, area=code, now=request.now)
        ],
        errors=form.errors(),
        typed=data,
    )


@require_POST
def save(request: StaffRequest, code: str) -> HttpResponse:
    """Save what the list shows as a view with a name."""
    chosen_area(request, code)
    form = Form(request.POST)
    filters, given = _filters(form, request), _given(request.POST)
    try:
        if form.valid:
            verbs.save(area=code, name=form.get("view_name"), view=given, by=request.scope, now=request.now)
    except Invalid as problem:
        form.wrong(problem.field, problem.message)
    if not form.valid:
        return _list(request, code, form, filters)
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


def _export(request: StaffRequest, code: str, filters: Filters) -> StreamingHttpResponse:
    data = request.GET
    chosen = data.getlist(COLUMNS_FIELD)
    # A file that nobody chose the columns of has all that its reader may see.
    columns = rules.shown(request.scope, chosen) if chosen else rules.allowed(request.scope)
    found = areas.line_list(
        scope=request.scope,
        area=code,
        now=request.now,
        filters=filters,
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
    response["Content-Disposition"] = (
        f'attachment; filename="line-list-{code}-{filters.known or london_date(request.now)}.csv"'
    )
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
