"""The pages: enter by a link and a birth date, fill in part after part, stop, come back, send it off."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ringfence.base.env import env
from ringfence.residents import fields, gate
from ringfence.residents.middleware import ResidentRequest
from ringfence.residents.pages import page, plain
from ringfence.residents.sheet import Sheet, policies, sheet
from ringfence.rules.calendar import london_date
from ringfence.rules.conditions import empty
from ringfence.rules.entries import iso_day
from ringfence.rules.policy import ServicePolicy, in_force
from ringfence.rules.questionnaire import Kind, Question

COOKIE = "session"

TOOK_BACK = "Taken back by the person on their own page"

FORMS = require_http_methods(["GET", "HEAD", "POST"])

#: One text for every link that does not open, so that nobody learns which links there are or what is wrong.
NOT_OPENED = (
    "We could not open the form. Check the date of birth and try again. After a few wrong tries you have to wait half an "
    "hour. Links stop working after 7 days."
)


def _policy(request: ResidentRequest) -> ServicePolicy:
    return in_force(policies(gate.rules()), london_date(request.now))


def _address(request: HttpRequest) -> str:
    """Where the request came from; behind a proxy, what the proxy says of it."""
    told = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")[-1].strip() if not env.residents_local else ""
    return told or str(request.META.get("REMOTE_ADDR", ""))


@require_safe
def front(request: ResidentRequest) -> HttpResponse:
    return plain(
        request,
        "Contact tracing",
        "To fill in your form, open the link in the message that we sent you.",
        "No message? You do not have to do anything. We will call you.",
        status=200,
        policy=_policy(request),
    )


@FORMS
def enter(request: ResidentRequest, token: str) -> HttpResponse:
    """GET: ask for the birth date, whatever the link is. POST: enter, or say that it did not open."""
    wrong = {}
    if request.method == "POST":
        born = iso_day(fields.day(request.POST, "born"))
        if born is None:
            wrong["born"] = "Enter your date of birth, like 31 3 1980"
        else:
            session = gate.enter(token, born, _address(request))
            if session is not None:
                return _keep(redirect("overview"), session)
            wrong["born"] = NOT_OPENED
    return page(
        request,
        "enter.jinja",
        title="Contact tracing: your form",
        policy=_policy(request),
        token=token,
        errors=wrong,
        typed=request.POST,
        status=422 if wrong else 200,
    )


def _keep(response: HttpResponseRedirect, session: str) -> HttpResponseRedirect:
    response.set_cookie(
        COOKIE,
        session,
        path="/form",
        httponly=True,
        samesite="Lax",
        secure=not env.residents_local,
    )
    return response


@FORMS
def stop(request: ResidentRequest, token: str) -> HttpResponse:
    """GET: ask whether to stop messages. POST: stop them; nobody learns whether the link is one."""
    if request.method == "POST":
        gate.stop(token)
        return plain(
            request,
            "We will not send you more messages",
            "We may still call you, and we may send a letter.",
            status=200,
            policy=_policy(request),
        )
    return page(request, "stop.jinja", title="Stop messages", policy=_policy(request), token=token)


View = Callable[..., HttpResponse]


def within(view: View) -> View:
    """A view of the form: it is given the session's secret and the form as it stands."""

    @wraps(view)
    def entered(request: ResidentRequest, **arguments: Any) -> HttpResponse:
        session = request.COOKIES.get(COOKIE, "")
        told = gate.read(session) if 0 < len(session) <= 100 else None
        if told is None:
            return ended(request)
        here = sheet(told, london_date(request.now))
        if here.done and view.__name__ not in ("done", "leave"):
            return redirect("done")
        return view(request, session, here, **arguments)

    return entered


def ended(request: HttpRequest) -> HttpResponse:
    return plain(
        request,
        "Your visit has ended",
        "This happens when you have been away for half an hour. What you saved is kept.",
        "To go on, open the link in your message again.",
        status=403,
    )


def _page(request: HttpRequest, template: str, here: Sheet, title: str, **context: Any) -> HttpResponse:
    return page(request, template, title=title, policy=here.policy, here=here, **context)


@require_safe
@within
def overview(request: ResidentRequest, session: str, here: Sheet) -> HttpResponse:
    """The parts of the form, and how far each is."""
    to_do = [each for each in here.sections if here.open(each.key)]
    begun = any(here.begun(each.key) for each in here.sections)
    return _page(request, "overview.jinja", here, "Your form", to_do=to_do, begun=begun)


def _section(here: Sheet, key: str) -> Any:
    return next((each for each in here.sections if each.key == key), None)


@FORMS
@within
def section(request: ResidentRequest, session: str, here: Sheet, section: str) -> HttpResponse:
    """One part of the form. With ``?ask`` only the questions named, which the answers before brought up."""
    part = _section(here, section)
    if part is None:
        return redirect("overview")
    named = request.GET.get("ask", "").split(",") if "ask" in request.GET else None
    shown = [each for each in here.asked(section) if not each.kind.listed and (named is None or each.key in named)]
    asked = [each for each in shown if each.kind is not Kind.ADVICE]
    wrong: dict[str, str] = {}
    typed: dict[str, Any] = {}
    if request.method == "POST":
        given, wrong = fields.answers(asked, request.POST, here.today, here.facts.get("tested"))
        if not gate.save(session, given):
            return ended(request)
        if not wrong:
            return _after(here, here.after(given), part.key)
        typed = _typed(request.POST, asked)
    elif not asked:
        return _onwards(here, part.key)
    else:
        for question in asked:
            typed |= fields.answered(question, here.answers.get(question.key))
    return _page(
        request,
        "section.jinja",
        here,
        here.words(part.plain),
        part=part,
        asked=shown if named is None else asked,
        errors=wrong,
        typed=typed,
        status=422 if wrong else 200,
    )


def _typed(data: Any, asked: list[Question]) -> dict[str, Any]:
    """What was typed, for the page that is shown again."""
    found: dict[str, Any] = {name: fields.text(data, name) for name in data}
    for question in asked:
        if question.kind is Kind.CHOICES:
            found[question.key] = data.getlist(question.key)
    return found


def _after(before: Sheet, here: Sheet, part: str) -> HttpResponse:
    """Where to go on: to what the answers brought up in this part, else onwards."""
    known = {each.key for each in before.asked(part)}
    new = [each for each in here.asked(part) if each.key not in known and each.kind is not Kind.ADVICE]
    ask = [each.key for each in new if not each.kind.listed and empty(here.answers.get(each.key))]
    if ask:
        return redirect(f"/form/{part}?ask={','.join(ask)}")
    return _onwards(here, part)


def _onwards(here: Sheet, part: str) -> HttpResponse:
    """To the people or places of this part that nobody was named for, else to the next part, else to the end."""
    listed = [each for each in here.open(part) if each.kind.listed]
    if listed:
        return redirect("entry", section=part, question=listed[0].key, number="new")
    return redirect(_next(here, part))


def _next(here: Sheet, part: str) -> str:
    """The address of the next part in which there is something to do, or of the end."""
    keys = [each.key for each in here.sections]
    after = keys[keys.index(part) + 1 :] if part in keys else keys
    return next((f"/form/{key}" for key in after if here.open(key) or not here.begun(key)), "/form/check")


def _listed(here: Sheet, section: str, question: str) -> Question | None:
    return next((each for each in here.asked(section) if each.key == question and each.kind.listed), None)


@require_safe
@within
def entries(request: ResidentRequest, session: str, here: Sheet, section: str, question: str) -> HttpResponse:
    """The people or places named so far."""
    asked = _listed(here, section, question)
    if asked is None:
        return redirect("overview")
    found = here.entries(question)
    if not found and question not in here.theirs:
        return redirect("entry", section=section, question=question, number="new")
    return _page(
        request,
        "entries.jinja",
        here,
        here.words(asked.plain),
        section=section,
        asked=asked,
        found=found,
        locked=question in here.theirs,
        people=asked.kind is Kind.PEOPLE,
        onwards=_next(here, section),
    )


@FORMS
@within
def entry(
    request: ResidentRequest, session: str, here: Sheet, section: str, question: str, number: str
) -> HttpResponse:
    """One person or place: add it (``new``), change it, or take it back."""
    asked = _listed(here, section, question)
    kept = next((each for each in here.entries(question) if each["id"] == number), None)
    if asked is None or (kept is None and number != "new") or (kept is not None and question in here.theirs):
        return redirect("overview")
    errors: dict[str, str] = {}
    if request.method == "POST":
        if kept is not None and "remove" in request.POST:
            made: dict[str, Any] | None = {**kept, "withdrawn": TOOK_BACK}
        else:
            made, errors = fields.entry(asked, request.POST, number if kept else secrets.token_hex(8), here.today)
        if made is not None:
            given: dict[str, Any] = {question: [made]}
            if not gate.save(session, given):
                return ended(request)
            return redirect("entries", section=section, question=question)
        typed: dict[str, Any] = {name: fields.text(request.POST, name) for name in request.POST}
    else:
        typed = fields.typed(asked.kind, kept or {})
    people = asked.kind is Kind.PEOPLE
    verb = "Change" if kept else "Add"
    return _page(
        request,
        "person.jinja" if people else "place.jinja",
        here,
        f"{verb} a person" if people else f"{verb} a place",
        section=section,
        asked=asked,
        kept=kept,
        errors=errors,
        typed=typed,
        relations=fields.RELATIONS,
        adult=fields.ADULT,
        categories=fields.CATEGORIES,
        others=bool(here.entries(question)),
        onwards=_next(here, section),
        status=422 if errors else 200,
    )


@FORMS
@within
def check(request: ResidentRequest, session: str, here: Sheet) -> HttpResponse:
    """GET: everything that was said, to look through. POST: send it off."""
    if request.method == "POST":
        return redirect("done") if gate.finish(session) else ended(request)
    return _page(request, "check.jinja", here, "Check your answers", kinds=Kind)


@require_safe
@within
def done(request: ResidentRequest, session: str, here: Sheet) -> HttpResponse:
    """What to do now, and what happens next."""
    if not here.done:
        return redirect("overview")
    return _page(request, "done.jinja", here, "Thank you" if here.finished else "We have what we need")


@require_POST
@within
def leave(request: ResidentRequest, session: str, here: Sheet) -> HttpResponse:
    """Stop for now."""
    gate.leave(session)
    response = plain(
        request,
        "Your answers are kept",
        "To go on, open the link in your message again. It works for 7 days from when we sent it.",
        "If you do not go on, we will call you and ask the rest.",
        status=200,
        policy=here.policy,
    )
    response.delete_cookie(COOKIE, path="/form")
    return response


def too_old(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without the token that came with its page."""
    return plain(
        request,
        "This page is too old",
        "Nothing was saved. Go back, load the page again, and send it once more. Your browser has to allow cookies.",
        status=403,
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return plain(request, "There is no such page", "Open the link in your message again.", status=404)


def went_wrong(request: HttpRequest) -> HttpResponse:
    return plain(
        request,
        "Sorry, something went wrong",
        "What you sent before is kept. Open the link in your message again.",
        status=500,
    )
