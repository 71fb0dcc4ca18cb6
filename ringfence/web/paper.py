"""Documents on paper: PDF with its structure marked, so that a screen reader reads it in order (PDF/UA-1)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import typst

from ringfence.casework.models import Incident
from ringfence.geography.resolve import atlas
from ringfence.queries.incidents import Case, Record
from ringfence.rules.attempts import TraceOutcome
from ringfence.rules.calendar import london_date
from ringfence.rules.plural import counted
from ringfence.rules.settings import Kind
from ringfence.web import words

_TEMPLATES = Path(__file__).resolve().parent / "templates"


@cache
def _source(template: str) -> bytes:
    return (_TEMPLATES / template).read_bytes()


def _document(template: str, data: Mapping[str, Any]) -> bytes:
    """The template filled in. Values go in as data, never as markup."""
    inputs = {"data": json.dumps(data)}
    try:
        return bytes(typst.compile(_source(template), sys_inputs=inputs, format="pdf", pdf_standards="ua-1"))
    except typst.TypstError:
        # A name in a script that the built-in fonts do not hold must not keep the list from being printed.
        return bytes(typst.compile(_source(template), sys_inputs=inputs, format="pdf"))


def visits(title: str, rounds: Sequence[Any]) -> bytes:
    """The rounds of a day (``queries.visits.Round``) as PDF: who, where, the trace's reference, a line to write on, no more."""
    data = {
        "title": title,
        "rounds": [
            {
                "visitor": each.visitor_name or "Nobody yet",
                "stops": [
                    {
                        "place": stop.place,
                        "ref": stop.ref,
                        "name": stop.name,
                        "address": [part for part in (stop.address, stop.postcode) if part],
                        "also": stop.also,
                        "child": stop.under_18,
                    }
                    for stop in each.stops
                    if not stop.done and not stop.gone
                ],
            }
            for each in rounds
        ],
    }
    return _document("visits/paper.typ", data)


def situation(record: Record, *, area: str, made_by: str, now: datetime) -> bytes:
    """The situation report of an incident as PDF. Cases are named by reference alone: paper is passed on."""
    return _document("areas/report.typ", told(record, area=area, made_by=made_by, now=now))


def tracing(case: Case) -> str:
    """What became of the tracing of a case of an incident; "" for one of which that is not told."""
    outcome = TraceOutcome(case.outcome).words if case.outcome else "Still open"
    return outcome if case.ref else ""


def told(record: Record, *, area: str, made_by: str, now: datetime) -> dict[str, Any]:
    """What the situation report says."""
    kinds = {each.value: each.words for each in Kind}
    refs = {each.case: each.ref or f"a case of {atlas().area(each.area).name}" for each in record.cases}
    infected = {each.case: each.member for each in record.cases if each.member is not None}
    return {
        "title": f"Situation report: {record.title}",
        "ref": record.ref,
        "area": area,
        "as_at": f"{words.clock(now)} on {words.day(now)}",
        "made_by": made_by,
        "opened": f"{words.day(record.opened_at)} by {record.opened_by or 'somebody'}",
        "closed": f"{words.day(record.closed_at)}: {Incident.Outcome(record.outcome).label}"
        if record.closed_at
        else "",
        "summary": record.summary,
        "evidence": "" if record.evidence in record.summary else record.evidence,
        "quiet": "no case is linked" if record.quiet is None else counted(record.quiet, "day"),
        "days": [[words.day(day.on), day.cases, day.complete] for day in record.days],
        "cases": [
            {
                "ref": refs[each.case],
                "ill": words.day(each.day),
                "generation": infected[each.case].generation,
                "by": refs.get(infected[each.case].infector or 0, "not known"),
                "how": f"{infected[each.case].certainty}: {infected[each.case].why}"
                if infected[each.case].infector
                else "",
                "tracing": tracing(each),
            }
            for each in record.cases
        ],
        "removed": len(record.removed),
        "places": [
            [each.name or "without a name", kinds.get(each.kind, each.kind), each.cases, each.why]
            for each in (*record.settings, *record.named)
        ],
        "actions": [
            {
                "what": each.what,
                "owner": each.owner,
                "due": words.day(each.due_on) if each.due_on else "",
                "state": _state(each.due_on, each.done_at, now),
                "at": words.day(each.at),
            }
            for each in record.actions
        ],
    }


def _state(due_on: Any, done_at: datetime | None, now: datetime) -> str:
    if due_on is None:
        return ""
    if done_at is not None:
        return f"done {words.day(done_at)}"
    return "overdue" if due_on < london_date(now) else "open"
