"""One trace: the record with the script beside it, what came of the call, and what the teams tell each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from ringfence.accounts import walls
from ringfence.actions import attempts as attempt_verbs
from ringfence.actions import handover as handover_verbs
from ringfence.actions import notes as note_verbs
from ringfence.actions import undoing
from ringfence.actions import work as work_verbs
from ringfence.actions.errors import Invalid, Stale
from ringfence.queries.around import WorkedOut
from ringfence.queries.interview import begun
from ringfence.queries.references import trace_number
from ringfence.queries.traces import Record
from ringfence.rules.access import NotFound
from ringfence.rules.attempts import (
    LONGEST_CALL_BACK,
    OPENED_AGAIN,
    POSSIBLE,
    Kind,
    Outcome,
    TraceOutcome,
    calling_time,
)
from ringfence.rules.calendar import london_date
from ringfence.rules.entries import RELATIONS
from ringfence.rules.messages import BY_HAND, KINDS, Channel
from ringfence.web import asking, words
from ringfence.web.errors import stale
from ringfence.web.forms import Form
from ringfence.web.rendering import page
from ringfence.web.service import policy_in_force
from ringfence.web.timeline import events, threads
from ringfence.web.views.work import take
from ringfence.web.visitor import StaffRequest

NATIONAL = ("national", "pool")
KEPT = {"note": "Note", "text": "Text", "why": "Why", "answer": "Answer"}

#: The outcomes in the order in which they happen most often, so that a tracer finds them where they were.
OUTCOMES = tuple(Outcome)
DAYS = LONGEST_CALL_BACK.days + 1


@require_safe
def trace(request: StaffRequest, ref: str) -> HttpResponse:
    return record_page(request, ref)


def _calls(request: StaffRequest) -> str:
    """The calling hours, when it is outside them."""
    policy = policy_in_force(request)
    if policy is None or calling_time(policy, request.now) <= request.now:
        return ""
    return f"{words.hour(policy.calls_from)} to {words.hour(policy.calls_until)}"


def section_of(record: Record) -> str:
    """The part of the menu that the record belongs to for those who work on it."""
    kinds = {"local": "/local", "health_protection": "/escalated"}
    return kinds.get(record.team_kind, "/work") if record.mine else ""


def record_page(
    request: StaffRequest,
    ref: str,
    form: Form | None = None,
    which: str = "",
    status: int = 200,
    changed: Stale | None = None,
) -> HttpResponse:
    """The page of a record. ``form`` is what was typed into the part ``which`` when it is shown again."""
    record, sheet = begun(scope=request.scope, ref=ref, now=request.now)
    busy = record.open_now and not record.open_with_me
    may_work = record.mine and record.closed_at is None and not busy and request.scope.may("trace")
    may_open_again = (
        record.closed_at is not None and record.outcome in OPENED_AGAIN and record.team in request.scope.lead_of
    )
    national = record.team_kind in NATIONAL
    today = london_date(request.now)
    parts = ["note", "detail", "message"]
    if may_work:
        parts += ["attempt", "escalate"] if national or not record.owners else ["attempt", "escalate", "give_back"]
    if may_open_again:
        parts.append("open_again")
    return page(
        request,
        "traces/trace.jinja",
        title=f"Trace {record.ref}",
        section=section_of(record),
        status=status,
        record=record,
        person=record.person,
        may_work=may_work,
        may_open_again=may_open_again,
        calls=_calls(request) if may_work else "",
        may_write=request.scope.may("trace") and _concerned(record, request),
        busy=busy,
        numbers=numbers_of(record),
        sources={each.value: each.source for each in record.details},
        outcome_words={each.value: each.label.lower() for each in Outcome},
        closed_words=TraceOutcome(record.outcome).words if record.outcome else "",
        wrong_numbers={each.number for each in record.attempts if each.outcome == Outcome.WRONG_NUMBER},
        kinds=[(kind.value, kind.words) for kind in kinds_of(record)],
        outcomes=tuple((each.value, each.label, each.hint) for each in OUTCOMES),
        days=tuple((str(day), words.day(words.later(request.now, day), today)) for day in range(DAYS)),
        sheet=sheet,
        told=asking.summary(sheet, today) if sheet else (),
        **asking.WORDS,
        isolation_changed=_changed(record),
        exposed_words=[
            f"{words.dated(each.last_contact, today)}, "
            + ("at home" if each.household else RELATIONS.get(each.relation, "other").lower())
            for each in record.exposures
            if each.withdrawn_at is None
        ],
        events=events(record),
        sendable=[(key, KINDS[key].name) for key in BY_HAND if key != "invitation" or record.reason == "case"],
        channels=[(each.value, each.words.capitalize()) for each in Channel],
        message_key=uuid4(),
        threads=threads(record),
        national=national,
        errors=form.errors(shown=which in parts) if form else {},
        typed=form.data if form else {},
        which=which,
        changed=changed,
    )


def _changed(record: Record) -> WorkedOut | None:
    """The change of isolation dates that whoever was reached before has not been told of in a call."""
    last = record.worked_out[-1] if record.worked_out else None
    if last is None or not last.because or last.superseded_at is not None:
        return None
    told = max((each.at for each in record.attempts if each.outcome == Outcome.REACHED), default=None)
    return last if record.closed_at is None or (told is not None and told < last.at) else None


def _concerned(record: Record, request: StaffRequest) -> bool:
    return record.mine or record.national_team in request.scope.teams or bool(record.owners)


def numbers_of(record: Record) -> list[str]:
    """The person's numbers, the one to call now first."""
    added = [each.value for each in record.details if each.kind == "phone" and each.wrong_at is None]
    known = dict.fromkeys((record.phone, record.person.phone, record.person.phone_other, *added))
    return [number for number in known if number]


def kinds_of(record: Record) -> list[Kind]:
    """The ways of trying, the usual one of the team first. Letters and the door are the local team's."""
    return list(Kind) if record.team_kind not in NATIONAL else [Kind.CALL, Kind.TEXT, Kind.EMAIL]


def _change(request: StaffRequest, ref: str, form: Form, which: str, verb: Callable[[int, int], Any]) -> Any:
    """Do ``verb(trace, version)``; the page with what is wrong when it could not be done, else what the verb gave."""
    version = form.number("version", 0, 2**31 - 1, "The page's version")
    try:
        if form.valid and version is not None:
            with walls.transaction(request.scope):
                return verb(trace_number(scope=request.scope, ref=ref), version)
    except Invalid as problem:
        for field, message in problem.problems.items():
            form.wrong(field, message)
    except Stale as problem:
        try:
            return record_page(request, ref, form, which, 409, problem)
        except NotFound:
            kept = [(label, form.get(field)) for field, label in KEPT.items()]
            return stale(request, problem, "/", kept)
    return record_page(request, ref, form, which, 422)


@require_POST
def attempt(request: StaffRequest, ref: str) -> HttpResponse:
    """Record what came of a try, then, in the same step, take the next trace."""
    form = Form(request.POST)
    kind = form.choice("kind", [each.value for each in Kind], "Choose how you tried")
    outcome = form.choice("outcome", [each.value for each in Outcome], "Choose what came of it")
    if kind and outcome and Outcome(outcome) not in POSSIBLE[Kind(kind)]:
        form.wrong("outcome", f"{Outcome(outcome).label} does not go with {Kind(kind).words.lower()}")
    call_back_at = None
    if outcome == Outcome.CALL_BACK:
        call_back_at = form.day_and_time("call_back_at", "the call back", request.now, DAYS)
    note = form.text("note", longest=attempt_verbs.LONGEST_NOTE)
    if outcome == Outcome.ESCALATED and not note:
        form.wrong("note", "Say why it needs the health protection team, for example the care home or school")

    stops = form.get("then") == "stop"

    def verb(trace: int, version: int) -> attempt_verbs.Recorded:
        done = attempt_verbs.record(
            trace=trace,
            version=version,
            kind=kind,
            outcome=outcome,
            number=form.get("number"),
            call_back_at=call_back_at,
            note=note,
            guardian=form.get("guardian") == "yes",
            others=form.ids("others"),
            by=request.scope,
            now=request.now,
        )
        if done.still_open and stops:
            work_verbs.put_back(trace=trace, version=done.version, by=request.scope, now=request.now)
        return done

    done = _change(request, ref, form, "attempt", verb)
    if isinstance(done, HttpResponse):
        return done
    said = f"{ref}: {words.ended(outcome, Outcome(outcome).label, done.next.why)}"
    if done.passes_at is not None:
        said += f" The local team has it from {words.when(max(done.passes_at, request.now), request.now)} and goes on from there."
    messages.success(request, f"{said} It is back in the queue." if done.still_open and stops else said)
    if done.still_open and not stops:
        return redirect("trace", ref)
    team = next((each for each in request.scope.teams if str(each) == form.get("team")), None)
    if form.get("then") == "next" and team is not None:
        return take(request, team)
    return redirect(request.visitor.home)


@require_POST
def note(request: StaffRequest, ref: str) -> HttpResponse:
    """Leave a note, put a question to the other team, or answer one."""
    form = Form(request.POST)
    answers = form.number("answers", 1, 2**62, "The question") if form.get("kind") == "answer" else None
    field = f"answer-{answers}" if answers else "text"
    kind = form.choice("kind", ("note", "question", "answer"), "Choose a note or a question")
    text = form.text(field, missing="Write something", longest=note_verbs.LONGEST)
    if form.valid:
        try:
            with walls.transaction(request.scope):
                number = trace_number(scope=request.scope, ref=ref)
                note_verbs.add(trace=number, kind=kind, text=text, answers=answers, by=request.scope, now=request.now)
            messages.success(request, f"Your {kind} is on the record.")
            return redirect(f"/traces/{ref}#notes")
        except Invalid as problem:
            for name, message in problem.problems.items():
                form.wrong(field if name == "text" else name, message)
    return record_page(request, ref, form, "note", 422)


@require_POST
def put_back(request: StaffRequest, ref: str) -> HttpResponse:
    """Give up a trace that one has open: it goes back to the queue."""

    def verb(trace: int, version: int) -> int:
        return work_verbs.put_back(trace=trace, version=version, by=request.scope, now=request.now)

    done = _change(request, ref, Form(request.POST), "put_back", verb)
    if isinstance(done, HttpResponse):
        return done
    messages.success(request, f"{ref} is back in the queue.")
    return redirect(request.visitor.home)


@require_POST
def give_back(request: StaffRequest, ref: str) -> HttpResponse:
    """Give a trace back to the team it came from, with the reason."""
    return _pass_on(request, ref, "give_back", handover_verbs.give_back, "Say why you give it back")


@require_POST
def escalate(request: StaffRequest, ref: str) -> HttpResponse:
    """Give a trace to the region's health protection team, with the reason."""
    return _pass_on(request, ref, "escalate", handover_verbs.escalate, "Say why it needs the health protection team")


@require_POST
def open_again(request: StaffRequest, ref: str) -> HttpResponse:
    """Open a trace that was closed by mistake, with the reason."""
    done = _with_reason(request, ref, "open_again", undoing.open_again, "Say why it is opened again")
    if isinstance(done, HttpResponse):
        return done
    messages.success(request, f"{ref} is open again, and waits for the next one who takes it.")
    return redirect("trace", ref)


def _pass_on(request: StaffRequest, ref: str, which: str, do: Callable[..., Any], missing: str) -> HttpResponse:
    done = _with_reason(request, ref, which, do, missing)
    if isinstance(done, HttpResponse):
        return done
    messages.success(request, f"{ref} is with {done.to_name} now.")
    return redirect(request.visitor.home)


def _with_reason(request: StaffRequest, ref: str, which: str, do: Callable[..., Any], missing: str) -> Any:
    """Do what needs a reason; the page with what is wrong when it could not be done, else what was done."""
    form = Form(request.POST)
    field = f"{which}_why"
    why = form.text(field, missing, work_verbs.LONGEST_WHY)

    def verb(trace: int, version: int) -> Any:
        try:
            return do(trace=trace, version=version, why=why, by=request.scope, now=request.now)
        except Invalid as problem:
            found: Mapping[str, str] = {
                field if name == "why" else name: said for name, said in problem.problems.items()
            }
            raise Invalid(field, problem.message, found) from problem

    return _change(request, ref, form, which, verb)
