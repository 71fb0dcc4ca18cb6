"""Every address, by everybody: nobody is asked to sign in, another area finds nothing, a reader is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from django.db import transaction
from django.test import Client
from django.urls import get_resolver, reverse

from tests.town import BLACKBURN, Town
from tests.web.conftest import BACKEND, SignedIn, browser, version
from tests.web.reading import Page


@dataclass(frozen=True)
class Route:
    """An address with what it answers to whom. ``{trace}`` stands for the trace that Nia has open."""

    name: str
    answers: Mapping[str, int]
    method: str = "get"
    arguments: Mapping[str, str] = field(default_factory=dict)
    sent: Mapping[str, str] = field(default_factory=dict)
    needs_sign_in: bool = True


TRACE = {"ref": "{trace}"}
DAY = {"day": "2026-11-16"}
AREA = {"code": BLACKBURN}
SCRIPT = {"key": "case", "number": "1"}
INCIDENT = {"ref": "AAA-AAA"}
TEXT = {"key": "missed", "channel": "text", "language": "en"}
VERSION = {"version": "{version}"}

#: Nia: of the team. Nick: another authority's national tracer. Lola: the local team, before the clock passed it.
#: Dora: the area's director, who reads. Gil: governance. Olu: operations. Sid: script editor. Charlie: no role at all.
ROUTES = (
    Route("home", {"Nia": 302, "Lola": 302, "Dora": 302, "Gil": 302, "Charlie": 200}),
    Route("sign-in", {"Nia": 302}, needs_sign_in=False),
    Route("work", {"Nia": 200, "Pat": 200, "Lola": 403, "Hana": 403, "Dora": 403, "Olu": 403, "Charlie": 403}),
    Route("work", {"Nia": 302, "Lola": 302, "Dora": 403, "Olu": 403, "Charlie": 403}, method="post"),
    Route("team", {"Lena": 200, "Leo": 200, "Nia": 403, "Lola": 403, "Dora": 403, "Charlie": 403}),
    Route("bulk-preview", {"Lena": 422, "Leo": 422, "Nia": 403, "Dora": 403, "Charlie": 403}, method="post"),
    Route("bulk-changes", {"Lena": 200, "Leo": 200, "Nia": 403, "Dora": 403, "Charlie": 403}),
    Route("bulk-changes", {"Lena": 422, "Nia": 403, "Dora": 403, "Charlie": 403}, method="post"),
    Route(
        "bulk-undo",
        {"Lena": 404, "Nia": 403, "Dora": 403, "Charlie": 403},
        method="post",
        arguments={"ref": "AAA-AAA"},
    ),
    Route(
        "trace",
        {
            "Nia": 200,
            "Lena": 200,
            "Dora": 200,
            "Nick": 404,
            "Nora": 404,
            "Lola": 404,
            "Hana": 404,
            "Gil": 404,
            "Olu": 404,
            "Charlie": 404,
        },
        arguments=TRACE,
    ),
    Route(
        "interview",
        {"Nia": 200, "Lena": 200, "Dora": 200, "Nick": 404, "Lola": 404, "Gil": 404, "Sid": 404, "Charlie": 404},
        arguments=TRACE,
    ),
    Route(
        "interview-part",
        {"Nia": 200, "Dora": 200, "Nick": 404, "Lola": 404, "Gil": 404, "Sid": 404, "Charlie": 404},
        arguments={**TRACE, "section": "who"},
    ),
    Route(
        "interview-part",
        {"Nia": 302, "Noah": 302, "Dora": 403, "Nick": 404, "Lola": 404, "Gil": 404, "Sid": 404, "Charlie": 404},
        method="post",
        arguments={**TRACE, "section": "who"},
        sent={"interview": "0", "asked": "speaking_to", "a-speaking_to": "self"},
    ),
    Route("interview-part", {"Nia": 422, "Dora": 403}, "post", {**TRACE, "section": "finish"}, {"interview": "0"}),
    Route(
        "attempt",
        {"Nia": 302, "Dora": 403, "Nick": 404, "Lola": 404, "Gil": 404, "Olu": 404, "Charlie": 404},
        method="post",
        arguments=TRACE,
        sent={"kind": "call", "outcome": "no_answer", **VERSION},
    ),
    Route(
        "note",
        {"Nia": 302, "Lena": 302, "Dora": 403, "Nick": 404, "Lola": 404, "Charlie": 404},
        method="post",
        arguments=TRACE,
        sent={"kind": "note", "text": "Rings after four."},
    ),
    Route(
        "details",
        {"Nia": 302, "Lena": 302, "Dora": 403, "Nick": 404, "Lola": 404, "Charlie": 404},
        method="post",
        arguments=TRACE,
        sent={"detail_kind": "phone", "value": "01632 960199", "source": "Council tax"},
    ),
    Route(
        "detail",
        {"Nia": 404, "Dora": 403, "Nick": 404, "Lola": 404, "Charlie": 404},
        method="post",
        arguments=TRACE | {"detail": "1"},
        sent={"wrong": "yes"},
    ),
    Route(
        "contacts",
        {
            "Nia": 200,
            "Lena": 200,
            "Dora": 200,
            "Nick": 404,
            "Lola": 404,
            "Hana": 404,
            "Gil": 404,
            "Olu": 404,
            "Charlie": 404,
        },
        arguments=TRACE,
    ),
    Route(
        "message",
        {"Nia": 302, "Lena": 302, "Dora": 403, "Nick": 404, "Lola": 404, "Gil": 404, "Charlie": 404},
        method="post",
        arguments=TRACE,
        sent={"message_kind": "missed", "channel": "text", "key": "one"},
    ),
    Route(
        "message-stop",
        {"Nia": 302, "Lena": 302, "Dora": 403, "Nick": 404, "Lola": 404, "Charlie": 404},
        method="post",
        arguments=TRACE,
        sent={"stop_channel": "text", "stop_to": "07700900102"},
    ),
    Route("outbox", {"Nia": 200, "Lola": 200, "Hana": 200, "Dora": 200, "Gil": 403, "Olu": 403, "Charlie": 403}),
    Route("templates", {"Sid": 200, "Nia": 403, "Dora": 403, "Olu": 403, "Charlie": 403}),
    Route("template", {"Sid": 200, "Nia": 403, "Charlie": 403}, arguments=TEXT),
    Route("template", {"Sid": 404}, arguments=TEXT | {"language": "cy"}),
    Route(
        "template",
        {"Sid": 302, "Nia": 403, "Dora": 403, "Charlie": 403},
        method="post",
        arguments=TEXT,
        sent={"version": "1", "body": "We tried to call you."},
    ),
    Route("template", {"Sid": 422}, method="post", arguments=TEXT, sent={"version": "1", "body": "((link))"}),
    Route("template", {"Sid": 409}, method="post", arguments=TEXT, sent={"version": "7", "body": "We called."}),
    Route(
        "put-back",
        {"Nia": 302, "Lena": 302, "Noah": 403, "Dora": 403, "Nick": 404, "Charlie": 404},
        method="post",
        arguments=TRACE,
        sent=VERSION,
    ),
    Route(
        "give-back",
        {"Nia": 422, "Dora": 403, "Nick": 404, "Charlie": 404},
        method="post",
        arguments=TRACE,
        sent={"give_back_why": "Not ours", **VERSION},
    ),
    Route(
        "open-again",
        {"Lena": 422, "Nia": 403, "Dora": 403, "Nick": 404, "Charlie": 404},
        method="post",
        arguments=TRACE,
        sent={"open_again_why": "A mistake", **VERSION},
    ),
    Route(
        "escalate",
        {"Nia": 302, "Noah": 403, "Dora": 403, "Nick": 404, "Charlie": 404},
        method="post",
        arguments=TRACE,
        sent={"escalate_why": "Care home", **VERSION},
    ),
    Route("local", {"Lola": 200, "Leo": 200, "Lars": 200, "Nia": 403, "Dora": 403, "Charlie": 403}),
    Route("hand-overs-seen", {"Lola": 302, "Hana": 302, "Nia": 403, "Dora": 403, "Charlie": 403}, method="post"),
    Route("answers-seen", {"Nia": 302, "Lola": 302, "Hana": 302, "Dora": 403, "Charlie": 403}, method="post"),
    Route("search", {"Nia": 200, "Leo": 200, "Dora": 200, "Hana": 200, "Gil": 403, "Olu": 403, "Charlie": 403}),
    Route(
        "search",
        {"Nia": 200, "Dora": 200, "Gil": 403, "Olu": 403, "Charlie": 403},
        method="post",
        sent={"words": "Person"},
    ),
    Route("visits", {"Lola": 200, "Leo": 200, "Lars": 200, "Nia": 403, "Dora": 403, "Hana": 403, "Charlie": 403}),
    Route("visits", {"Lola": 422, "Nia": 403, "Dora": 403, "Charlie": 403}, method="post"),
    Route("visits-offline", {"Lola": 200, "Nia": 403, "Dora": 403, "Charlie": 403}),
    Route("visits-worker", {"Lola": 200, "Nia": 403, "Dora": 403, "Charlie": 403}),
    Route("visit-day", {"Lola": 200, "Nia": 403, "Dora": 403, "Charlie": 403}, arguments=DAY),
    Route("visit-day", {"Lola": 404}, arguments={"day": "tomorrow"}),
    Route("visit-paper", {"Lola": 200, "Nia": 403, "Dora": 403, "Charlie": 403}, arguments=DAY),
    Route("visit", {"Lola": 404, "Nia": 403, "Dora": 403, "Charlie": 403}, arguments=DAY | TRACE),
    Route("visit", {"Lola": 404, "Nia": 403, "Dora": 403, "Charlie": 403}, method="post", arguments=DAY | TRACE),
    Route("visit-cancel", {"Lola": 404, "Nia": 403, "Dora": 403, "Charlie": 403}, method="post", arguments=DAY | TRACE),
    Route("settings", {"Leo": 200, "Dora": 200, "Hana": 200, "Nia": 403, "Lola": 403, "Gil": 403, "Charlie": 403}),
    Route("setting-suggest", {"Nia": 200, "Lola": 200, "Dora": 200, "Gil": 403, "Olu": 403, "Charlie": 403}),
    Route("setting", {"Leo": 404, "Dora": 404, "Nia": 403, "Gil": 403, "Charlie": 403}, arguments={"ref": "AAA-AAA"}),
    Route(
        "setting-merge",
        {"Leo": 404, "Dora": 404, "Nia": 403, "Gil": 403, "Charlie": 403},
        method="post",
        arguments={"ref": "AAA-AAA"},
        sent={"merge": "CCC-CCC"},
    ),
    Route(
        "setting-size",
        {"Leo": 404, "Dora": 404, "Nia": 403, "Gil": 403, "Charlie": 403},
        method="post",
        arguments={"ref": "AAA-AAA"},
        sent={"people": "40"},
    ),
    Route("support", {"Lola": 200, "Leo": 200, "Dora": 200, "Nia": 403, "Lena": 403, "Olu": 403, "Charlie": 403}),
    Route(
        "support-done",
        {"Lola": 404, "Dora": 404, "Nia": 403, "Charlie": 403},
        method="post",
        arguments={"referral": "1"},
    ),
    Route("escalated", {"Hana": 200, "Nia": 403, "Dora": 403, "Charlie": 403}),
    Route("overview", {"Lena": 200, "Dora": 200, "Olu": 200, "Gil": 200, "Nia": 403, "Charlie": 403}),
    Route("areas", {"Dora": 302, "Nia": 403, "Gil": 403, "Olu": 403, "Charlie": 403}),
    Route("area", {"Dora": 200, "Nia": 404, "Leo": 404, "Gil": 404, "Olu": 404, "Charlie": 404}, arguments=AREA),
    Route("area", {"Dora": 404}, arguments={"code": "E06000032"}),
    Route("digest", {"Dora": 302, "Nia": 404, "Charlie": 404}, method="post", arguments=AREA),
    Route("clusters", {"Dora": 200, "Nia": 404, "Leo": 404, "Charlie": 404}, arguments=AREA),
    Route("dismiss", {"Dora": 404, "Nia": 404, "Charlie": 404}, method="post", arguments=AREA),
    Route("area-map", {"Dora": 200, "Nia": 403, "Leo": 403, "Gil": 403, "Olu": 403, "Charlie": 403}, arguments=AREA),
    Route("area-map", {"Dora": 404}, arguments={"code": "E06000032"}),
    Route("sector-map", {"Dora": 200, "Nia": 403, "Charlie": 403}, arguments=AREA | {"sector": "BB1-1"}),
    Route("sector-map", {"Dora": 404}, arguments=AREA | {"sector": "LU1-1"}),
    Route("line-list", {"Dora": 200, "Nia": 404, "Leo": 404, "Olu": 404, "Charlie": 404}, arguments=AREA),
    Route("save-view", {"Dora": 422, "Nia": 404, "Charlie": 404}, method="post", arguments=AREA),
    Route(
        "save-view",
        {"Dora": 302, "Leo": 404, "Charlie": 404},
        method="post",
        arguments=AREA,
        sent={"view_name": "Under 18", "to": "17"},
    ),
    Route("delete-view", {"Dora": 404, "Nia": 404, "Charlie": 404}, method="post", arguments=AREA | {"view": "1"}),
    Route("area-settings", {"Dora": 200, "Nia": 404, "Charlie": 404}, arguments=AREA),
    Route("incidents", {"Dora": 200, "Nia": 403, "Olu": 403, "Charlie": 403}, arguments=AREA),
    Route("incidents", {"Dora": 404}, arguments={"code": "E06000032"}),
    Route("open-incident", {"Dora": 422, "Nia": 403, "Charlie": 403}, method="post", arguments=AREA),
    Route("incident", {"Dora": 404, "Nia": 403, "Charlie": 403}, arguments=INCIDENT),
    Route("incident-report", {"Dora": 404, "Nia": 403, "Olu": 403, "Charlie": 403}, arguments=INCIDENT),
    Route("incident-case", {"Dora": 404, "Nia": 403, "Charlie": 403}, method="post", arguments=INCIDENT),
    Route("incident-case-removed", {"Dora": 404, "Nia": 403, "Charlie": 403}, method="post", arguments=INCIDENT),
    Route("incident-place", {"Dora": 404, "Nia": 403, "Charlie": 403}, method="post", arguments=INCIDENT),
    Route("incident-place-removed", {"Dora": 404, "Nia": 403, "Charlie": 403}, method="post", arguments=INCIDENT),
    Route("incident-action", {"Dora": 404, "Nia": 403, "Charlie": 403}, method="post", arguments=INCIDENT),
    Route("incident-action-done", {"Dora": 404, "Nia": 403, "Charlie": 403}, method="post", arguments=INCIDENT),
    Route("incident-ask", {"Dora": 404, "Nia": 403, "Charlie": 403}, method="post", arguments=INCIDENT),
    Route("incident-end", {"Dora": 404, "Nia": 403, "Charlie": 403}, method="post", arguments=INCIDENT),
    Route("incident-answer", {"Dora": 404, "Nia": 403, "Charlie": 403}, method="post", arguments=AREA),
    Route("incident-close", {"Dora": 404, "Nia": 403, "Charlie": 403}, method="post", arguments=INCIDENT),
    Route("authority-overview", {"Dora": 200, "Nia": 403, "Charlie": 403}, arguments=AREA),
    Route("authority-overview", {"Dora": 404}, arguments={"code": "E12000002"}),
    Route("authorities", {"Lena": 200, "Dora": 200, "Olu": 200, "Nia": 403, "Charlie": 403}),
    Route("authority", {"Lena": 200, "Dora": 200, "Olu": 200, "Gil": 200, "Nia": 403, "Charlie": 403}, arguments=AREA),
    Route("authority", {"Olu": 404}, arguments={"code": "E99999999"}),
    Route("policy", {"Dora": 200, "Olu": 200, "Lena": 403, "Gil": 403, "Charlie": 403}, arguments=AREA),
    Route("policy", {"Dora": 404}, arguments={"code": "E06000032"}),
    Route("policy", {"Dora": 422, "Lena": 403, "Gil": 403, "Charlie": 403}, method="post", arguments=AREA),
    Route(
        "joining",
        {"Dora": 302, "Lena": 403, "Gil": 403, "Charlie": 403},
        method="post",
        arguments=AREA,
        sent={"step": "agree"},
    ),
    Route("people", {"Dora": 422, "Lena": 422, "Gil": 403, "Charlie": 403}, method="post", arguments=AREA),
    Route("lending", {"Dora": 422, "Charlie": 403}, method="post", arguments=AREA),
    Route("deliveries", {"Olu": 200, "Nia": 403, "Dora": 403, "Charlie": 403}),
    Route("delivery", {"Olu": 404, "Nia": 403, "Charlie": 403}, arguments={"ref": "DAAA-AAA"}),
    Route("quarantine", {"Olu": 200, "Nia": 403, "Dora": 403, "Charlie": 403}),
    Route("quarantine", {"Olu": 404, "Nia": 403, "Charlie": 403}, method="post"),
    Route("audit", {"Gil": 200, "Olu": 403, "Nia": 403, "Dora": 403, "Charlie": 403}),
    Route("scripts", {"Sid": 200, "Nia": 403, "Lena": 403, "Dora": 403, "Olu": 403, "Gil": 403, "Charlie": 403}),
    Route("script", {"Sid": 200, "Nia": 403, "Olu": 403, "Charlie": 403}, arguments=SCRIPT),
    Route("script", {"Sid": 404, "Nia": 403}, arguments={"key": "case", "number": "7"}),
    Route("script-next", {"Sid": 200, "Nia": 403, "Olu": 403, "Charlie": 403}, arguments=SCRIPT),
    Route("script-next", {"Sid": 422, "Nia": 403, "Olu": 403, "Charlie": 403}, "post", SCRIPT),
    Route("gallery", {"Nia": 200}),
    # The last one, because it ends Nia's session.
    Route("sign-out", {"Nia": 302}, method="post"),
)


def test_every_route_is_walked() -> None:
    there = {pattern.name for each in get_resolver().url_patterns for pattern in each.url_patterns}
    assert there == {route.name for route in ROUTES}


def ask(client: Client, route: Route, trace: str = "K7Q-42M") -> Any:
    """Ask for the route; what it changed is taken back."""

    def filled(text: str) -> str:
        return text.format(trace=trace, version=version(trace) if "{version}" in text else "")

    arguments = {key: filled(value) for key, value in route.arguments.items()}
    sent = {key: filled(value) for key, value in route.sent.items()}
    with transaction.atomic():
        answer = getattr(client, route.method)(reverse(route.name, kwargs=arguments), sent)
        transaction.set_rollback(True)
    return answer


def test_who_gets_what(town: Town, signed_in: SignedIn, trace: str) -> None:
    wrong = []
    clients = {name: signed_in(name) for name in town.users}
    for route in ROUTES:
        for name, expected in route.answers.items():
            answer = ask(clients[name], route, trace)
            case = f"{route.method} {answer.request['PATH_INFO']} by {name}"
            if answer.status_code != expected:
                wrong.append(f"{case}: {answer.status_code}, not {expected}")
            if answer.headers["Cache-Control"] != "no-store":
                wrong.append(f"{case}: may be kept")
            if answer.status_code != 302 and answer.headers["Content-Type"].startswith("text/html"):
                page = Page(answer.content.decode())
                wrong += [f"{case}: {problem}" for problem in page.problems]
                if "Exercise policy" not in page.words:
                    wrong.append(f"{case}: the exercise is not named")
    assert wrong == []


def test_nobody_is_asked_to_sign_in(town: Town, trace: str) -> None:
    answers = {route.name: ask(browser(), route, trace) for route in ROUTES if route.needs_sign_in}
    assert {answer.status_code for answer in answers.values()} == {302}
    assert [name for name, answer in answers.items() if not answer.headers["Location"].startswith("/sign-in")] == []


def test_a_change_needs_the_form_s_token(town: Town, trace: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(town.users["Nia"], BACKEND)
    answers = {route.name: ask(client, route, trace) for route in ROUTES if route.method == "post"}
    assert {answer.status_code for answer in answers.values()} == {403}
    assert [name for name, answer in answers.items() if "This page is too old" not in answer.content.decode()] == []


def test_an_address_that_forms_post_to_leads_to_the_page_above_it(signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    both = {route.name for route in ROUTES if route.method == "get"}
    ends = {}
    for route in ROUTES:
        if route.name not in both:
            arguments = {key: value.format(trace=trace) for key, value in route.arguments.items()}
            asked = there = reverse(route.name, kwargs=arguments)
            while (answer := client.get(there)).status_code == 302 and asked.startswith(answer["Location"]):
                ends[route.name] = there = answer["Location"]
            assert answer.status_code != 405, asked
            assert route.name in ends, asked
    assert ends["attempt"] == f"/traces/{trace}"
    assert ends["lending"] == f"/authorities/{BLACKBURN}"
    assert ends["support-done"] == "/support"
    assert ends["sign-out"] == "/"


def test_no_address_holds_a_nul(signed_in: SignedIn) -> None:
    client = signed_in("Olu")
    for address in ("/deliveries/\0", "/authorities/\0", "/traces/\0", "/\0"):
        assert client.get(quote(address)).status_code == 404, address


def test_who_was_signed_out_meanwhile_is_told_and_comes_back_to_the_trace(signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    del client.cookies["sessionid"]
    answer = client.post(f"/traces/{trace}/attempts", {"kind": "call", "outcome": "no_answer"}, follow=True)
    page = Page(answer.content.decode())
    assert "What you sent was not saved" in page.words
    assert signed_in("Nia").get(answer.redirect_chain[-1][0], follow=True).request["PATH_INFO"] == f"/traces/{trace}"
    assert "What you sent was not saved" not in Page(browser().get("/work", follow=True).content.decode()).words
