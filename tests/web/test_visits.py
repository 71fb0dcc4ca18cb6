"""Visits on the pages: planned, on paper, at the door, and what a phone sends later."""

from __future__ import annotations

import io
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from ringfence.queries.references import trace_number
from ringfence.rules.calendar import london_date
from tests.town import SWEEP, Town, row
from tests.web.conftest import SignedIn
from tests.web.reading import Page

JSON = {"HTTP_ACCEPT": "application/json"}


def number(ref: str) -> int:
    return trace_number(scope=SWEEP, ref=ref)


@pytest.fixture
def today() -> str:
    return london_date(timezone.now()).isoformat()


@pytest.fixture
def lola(town: Town, signed_in: SignedIn, handed_over: str, today: str) -> Client:
    """Lola, who has a visit to ``handed_over`` planned for today."""
    client = signed_in("Lola")
    sent = {"day": today, "visitors": [town.users["Lola"].pk], "trace": [number(handed_over)]}
    done = client.post("/visits", sent)
    assert (done.status_code, done.headers["Location"]) == (302, f"/visits/{today}?team={town.team('local')}")
    return client


def test_visits_are_planned_from_the_list_of_what_was_handed_over(
    town: Town, signed_in: SignedIn, handed_over: str, today: str
) -> None:
    client = signed_in("Lola")
    page = Page(client.get("/local").content.decode())
    assert "Visit those ticked" in page.words and page.problems == []
    assert page.typed["visitors"] == str(town.users["Lola"].pk)
    assert f"visit-{number(handed_over)}" in page.ids
    sent = {"team": page.typed["team"], "visitors": page.typed["visitors"], "day": today}
    nobody = client.post("/visits", sent)
    assert nobody.status_code == 422 and "Tick whom to visit." in Page(nobody.content.decode()).words
    done = client.post("/visits", sent | {"trace": number(handed_over)}, follow=True)
    assert "1 visit for today." in Page(done.content.decode()).words
    assert "Visit those ticked" not in Page(signed_in("Hana").get("/escalated").content.decode()).words


def test_a_day_is_planned_listed_and_recorded_without_javascript(lola: Client, handed_over: str, today: str) -> None:
    page = Page(lola.get(f"/visits/{today}").content.decode())
    assert "1 visit for today." in page.words
    assert "1. Person 1" in page.words and "1 High Street, BB1 1AA" in page.words
    assert page.problems == []
    address = f"/visits/{today}/{handed_over}"
    form = Page(lola.get(address).content.decode())
    assert form.problems == []
    mistake = lola.post(address, {"outcome": "call_back", "client_key": form.typed["client_key"]})
    assert (mistake.status_code, Page(mistake.content.decode()).typed["client_key"]) == (422, form.typed["client_key"])
    page = Page(lola.post(address, {"outcome": "reached"}, follow=True).content.decode())
    assert f"{handed_over}: They were reached." in page.words
    assert row(number(handed_over), "outcome") == ("reached",)
    again = Page(lola.post(address, {"outcome": "no_answer"}, follow=True).content.decode())
    assert "This visit has an outcome already: reached" in again.words


def test_what_a_phone_sends_later_is_answered_plainly(lola: Client, handed_over: str, today: str) -> None:
    address, key = f"/visits/{today}/{handed_over}", str(uuid4())
    wrong = lola.post(address, {"outcome": "escalated", "client_key": key}, **JSON)
    assert (wrong.status_code, list(wrong.json())) == (422, ["problem"])
    sent = {"outcome": "no_answer", "client_key": key, "ago": "0"}
    first, second = lola.post(address, sent, **JSON), lola.post(address, sent, **JSON)
    assert (first.json()["again"], second.json()["again"]) == (False, True)
    other = lola.post(address, {"outcome": "reached", "client_key": str(uuid4())}, **JSON)
    assert (other.status_code, "has an outcome already" in other.json()["problem"]) == (409, True)
    gone = lola.post(f"/visits/{today}/AAA-AAA", sent, **JSON)
    assert (gone.status_code, list(gone.json())) == (409, ["problem"])


def test_paper_says_who_and_where_and_nothing_else(lola: Client, today: str) -> None:
    pypdf = pytest.importorskip("pypdf")
    answer = lola.get(f"/visits/{today}/paper")
    assert answer.headers["Content-Type"] == "application/pdf"
    read = pypdf.PdfReader(io.BytesIO(answer.content))
    assert read.trailer["/Root"]["/MarkInfo"]["/Marked"] and read.trailer["/Root"]["/Lang"] == "en-GB"
    text = " ".join(" ".join(each.extract_text() for each in read.pages).split())
    assert "1. Person 1" in text and "1 High Street, BB1 1AA" in text and "Paper gets lost" in text
    for secret in ("1980", "0770", "case", "test", "positive", "coronavirus"):
        assert secret not in text.lower().replace("person 1 test", ""), secret


def test_a_name_in_another_script_is_printed_all_the_same() -> None:
    from ringfence.queries.visits import Round, Stop
    from ringfence.web import paper

    stop = Stop(1, 1, 1, "AAA-111", 1, "planned", 1, "L", "Łukasz 王 #x", "1 $a", "", (), True, "", None, "")
    assert paper.visits("Visits", [Round(1, "Lola", (stop,), 0.0)])[:5] == b"%PDF-"


def test_a_plan_with_mistakes_keeps_what_was_ticked(lola: Client, handed_over: str, today: str) -> None:
    answer = lola.post("/visits", {"day": today, "trace": [number(handed_over)]})
    page = Page(answer.content.decode())
    assert answer.status_code == 422
    assert "Choose who goes" in page.words and page.typed["trace"] == str(number(handed_over))


def test_a_visit_is_taken_off_the_list(lola: Client, handed_over: str, today: str) -> None:
    page = Page(lola.post(f"/visits/{today}/{handed_over}/cancel", follow=True).content.decode())
    assert f"{handed_over} is off the list." in page.words and "No visit is planned on this day." in page.words
    assert lola.get(f"/visits/{today}/{handed_over}").status_code == 404


def test_signing_out_clears_the_phone(lola: Client) -> None:
    assert lola.post("/sign-out").headers["Clear-Site-Data"] == '"storage"'


def test_the_page_that_a_phone_keeps_has_nobody_in_it(lola: Client) -> None:
    page = Page(lola.get("/visits/offline").content.decode())
    assert "Person 1" not in page.words and "Lola" not in page.words
