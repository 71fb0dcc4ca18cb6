"""The interview: a page for each of its parts, saved on the way, in any order; the last one reads back and ends the call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from ringfence.accounts import walls
from ringfence.actions import attempts
from ringfence.actions import interview as verbs
from ringfence.actions.errors import Invalid, Stale
from ringfence.queries.interview import Sheet
from ringfence.queries.interview import interview as read_interview
from ringfence.queries.interview import sheet as read_sheet
from ringfence.queries.traces import Record, Work
from ringfence.queries.traces import work as work_of
from ringfence.rules.access import NotFound, Refused
from ringfence.rules.attempts import Kind, Outcome
from ringfence.rules.calendar import london_date
from ringfence.rules.questionnaire import Section
from ringfence.web import asking, words
from ringfence.web.forms import Form
from ringfence.web.rendering import page
from ringfence.web.views.traces import DAYS, NATIONAL, kinds_of, numbers_of, section_of
from ringfence.web.views.work import take
from ringfence.web.visitor import StaffRequest

FINISH = "finish"

#: How a call may end before the interview does.
ENDS = (Outcome.CALL_BACK, Outcome.REFUSED, Outcome.LANGUAGE, Outcome.WRONG_NUMBER, Outcome.IN_HOSPITAL, Outcome.DIED)


@require_safe
def interview(request: StaffRequest, ref: str) -> HttpResponse:
    """The part to go on with: the first that is not done."""
    record, sheet = _read(request, ref)
    left = [each.section for each in sheet.progress if not each.done]
    return _page(request, record, sheet, left[0] if left else FINISH)


@require_http_methods(["GET", "HEAD", "POST"])
def part(request: StaffRequest, ref: str, section: str) -> HttpResponse:
    """One part. POST saves what was typed, then goes on to the next part, or ends the call."""
    if request.method != "POST":
        record, sheet = _read(request, ref)
        _must_be_there(sheet, section)
        return _page(request, record, sheet, section)
    # What is saved leads to another page, and that one is the opening of the record which is logged.
    held = work_of(scope=request.scope, ref=ref)
    before = read_sheet(scope=request.scope, trace=held.id, now=request.now)
    _must_be_there(before, section)
    request.scope.require("trace")
    if not held.mine:
        raise Refused(f"{held.team_name} has this trace; only its members can do this.")
    return _finish(request, held) if section == FINISH else _save(request, held, before, section)


def _must_be_there(sheet: Sheet, section: str) -> None:
    if section != FINISH and sheet.questionnaire.questionnaire.section(section) is None:
        raise NotFound(f"The interview has no part {section!r}.")


def _read(request: StaffRequest, ref: str) -> tuple[Record, Sheet]:
    return read_interview(scope=request.scope, ref=ref, now=request.now)


def _save(request: StaffRequest, held: Work, sheet: Sheet, key: str) -> HttpResponse:
    section = sheet.questionnaire.questionnaire.section(key)
    assert section is not None
    form = Form(request.POST)
    version = form.number("interview", 0, 2**31 - 1, "The page's version")
    answers = asking.typed_answers(section.questions, request.POST, london_date(request.now))
    then = form.get("then")
    outcome = _end(request, form) if then == "end" else None
    changed = None
    try:
        if version is not None:
            saved = verbs.save(trace=held.id, version=version, answers=answers, by=request.scope, now=request.now)
            for problem in saved.problems:
                form.wrong("-".join(filter(None, (f"a-{problem.question}", problem.where))), problem.message)
            if form.valid and outcome is not None:
                return _on(request, held, form, _end_call(request, held, form, **outcome))
    except Invalid as problem:
        for name, message in problem.problems.items():
            form.wrong(name if name in ("outcome", "call_back_at", "number", "note") else "", message)
    except Stale as problem:
        changed = problem
    if changed is None and form.valid and not then.startswith("more-"):
        return _go_on(request, held, sheet, section, then)
    record, sheet = _read(request, held.ref)
    status = 409 if changed else 200 if form.valid else 422
    more = then.removeprefix("more-") if then.startswith("more-") else ""
    return _page(request, record, sheet, key, status, form, changed, more)


def _go_on(request: StaffRequest, held: Work, sheet: Sheet, section: Section, then: str) -> HttpResponse:
    keys = [each.key for each in sheet.questionnaire.questionnaire.sections] + [FINISH]
    following = section.key if then == "stay" else keys[keys.index(section.key) + 1]
    return redirect("interview-part", held.ref, following)


def _end(request: StaffRequest, form: Form) -> dict[str, Any]:
    """How the call ended, as typed."""
    outcome = form.choice("outcome", [each.value for each in ENDS], "Choose how the call ended")
    at = form.day_and_time("call_back_at", "the call back", request.now, DAYS) if outcome == "call_back" else None
    return {"outcome": outcome, "call_back_at": at}


def _finish(request: StaffRequest, held: Work) -> HttpResponse:
    """The interview is done, and the person was reached: both or neither."""
    form = Form(request.POST)
    version = form.number("interview", 0, 2**31 - 1, "The page's version")
    changed, asked = None, {}
    try:
        if form.valid and version is not None:
            done = None
            with walls.transaction(request.scope):
                verbs.complete(trace=held.id, version=version, by=request.scope, now=request.now)
                if held.closed_at is None:
                    done = _end_call(request, held, form, outcome=Outcome.REACHED.value)
            if done is not None:
                return _on(request, held, form, done)
            messages.success(request, f"The interview of {held.ref} is complete.")
            return redirect("trace", held.ref)
    except Invalid as problem:
        asked = problem.problems
    except Stale as problem:
        changed = problem
    record, sheet = _read(request, held.ref)
    for name, message in asked.items():
        question = sheet.questionnaire.questionnaire.get(name)
        if question is not None:
            form.wrong(f"/traces/{held.ref}/interview/{question.section}#a-{name}", message)
        else:
            form.wrong(name if name in ("kind", "number", "note", "outcome") else "", message)
    return _page(request, record, sheet, FINISH, 409 if changed else 422, form, changed)


def _end_call(request: StaffRequest, held: Work, form: Form, outcome: str, **came: Any) -> attempts.Recorded:
    """Record how the call ended."""
    version = form.number("version", 0, 2**31 - 1, "The page's version")
    kind = form.choice("kind", [each.value for each in Kind], "Choose how you spoke to them")
    note = form.text("note", longest=attempts.LONGEST_NOTE)
    if not form.valid or version is None:
        raise Invalid(form.mistakes[0].field, form.mistakes[0].message)
    values = read_sheet(scope=request.scope, trace=held.id, now=request.now).values
    done = attempts.record(
        trace=held.id,
        version=version,
        kind=kind,
        outcome=outcome,
        number=form.get("number"),
        note=note,
        guardian=values.get("speaking_to") == "guardian",
        by=request.scope,
        now=request.now,
        **came,
    )
    messages.success(request, f"{held.ref}: {words.ended(outcome, Outcome(outcome).label, done.next.why)}")
    return done


def _on(request: StaffRequest, held: Work, form: Form, done: attempts.Recorded) -> HttpResponse:
    """To where the tracer works on: this trace, the next one, or their own page."""
    if done.still_open:
        return redirect("trace", held.ref)
    if form.get("next") == "yes" and held.team in request.scope.teams:
        return take(request, held.team)
    return redirect(request.visitor.home)


def _page(
    request: StaffRequest,
    record: Record,
    sheet: Sheet,
    key: str,
    status: int = 200,
    form: Form | None = None,
    changed: Stale | None = None,
    more: str = "",
) -> HttpResponse:
    """A part of the interview; the last one for whoever may only read it."""
    busy = record.open_now and not record.open_with_me
    may_write = record.mine and request.scope.may("trace")
    today = london_date(request.now)
    section = sheet.questionnaire.questionnaire.section(key) if may_write else None
    typed = form.data if form and isinstance(form.data, QueryDict) else None
    locked = section is not None and section.discloses and not sheet.may_disclose
    shown = section if not locked else None
    national = record.team_kind in NATIONAL
    return page(
        request,
        "interview/interview.jinja",
        title=f"Interview {record.ref}",
        section=section_of(record),
        status=status,
        record=record,
        person=record.person,
        sheet=sheet,
        parts=_parts(sheet, key if may_write else FINISH),
        here=section,
        locked=locked,
        fields=asking.fields(sheet, shown, today, typed, more) if shown else [],
        may_write=may_write,
        may_end=may_write and not busy and record.closed_at is None,
        busy=busy,
        told=asking.summary(sheet, today),
        missing=sheet.missing,
        unnamed=sheet.unnamed,
        numbers=numbers_of(record),
        kinds=[(kind.value, kind.words) for kind in kinds_of(record)],
        ends=[(each.value, each.label, each.hint) for each in ENDS],
        days=[(str(day), words.day(words.later(request.now, day), today)) for day in range(DAYS)],
        national=national,
        errors=_errors(form),
        typed=form.data if form else {},
        changed=changed,
        more=more,
        **asking.words_of_fields(request.now, sheet),
    )


def _errors(form: Form | None) -> Mapping[str, str]:
    if form is None:
        return {}
    found = form.errors()
    # Several that belong to no field are told in one line.
    general = [each.message for each in form.mistakes if not each.field]
    return {**found, "": " ".join(dict.fromkeys(general))} if general else found


def _parts(sheet: Sheet, here: str) -> list[dict[str, Any]]:
    """The list of parts: what each is called and how far it is."""
    found = []
    for section, far in zip(sheet.questionnaire.questionnaire.sections, sheet.progress, strict=True):
        state = "Done" if far.done and far.of else f"{far.answered} of {far.of}" if far.begun else ""
        found.append({"key": section.key, "title": section.title, "state": state, "here": section.key == here})
    state = "Done" if sheet.completed_at else ""
    return [*found, {"key": FINISH, "title": "Read back and finish", "state": state, "here": here == FINISH}]
