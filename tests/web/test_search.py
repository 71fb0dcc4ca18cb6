"""The page on which a person is found."""

from __future__ import annotations

from django.db import connection
from django.utils import timezone

from ringfence.accounts import walls
from ringfence.actions import search
from ringfence.rules.access import system_scope
from tests.town import INTAKE, Town
from tests.web.conftest import SignedIn
from tests.web.reading import Page


def find(signed_in: SignedIn, name: str, words: str) -> Page:
    answer = signed_in(name).post("/search", {"words": words})
    assert "words" not in answer.request["QUERY_STRING"]
    return Page(answer.content.decode())


def test_nobody_is_listed_until_somebody_is_looked_for(town: Town, signed_in: SignedIn, trace: str) -> None:
    page = Page(signed_in("Nia").get("/search?words=Test").content.decode())
    assert "Test" not in page.words and page.typed["words"] == ""


def test_somebody_is_found_and_opened(town: Town, signed_in: SignedIn, trace: str) -> None:
    search.catch_up(by=system_scope("search"), now=timezone.now())
    answer = signed_in("Nia").post("/search", {"words": "test"})
    assert f'href="/traces/{trace}">Person 1 Test</a>' in answer.content.decode()
    page = find(signed_in, "Lola", "Test, Person")
    assert "1 person found." in page.words and "only its team can open it" in page.words
    assert f"/traces/{trace}" not in signed_in("Lola").post("/search", {"words": "test"}).content.decode()


def test_nobody_is_found(town: Town, signed_in: SignedIn, trace: str) -> None:
    page = find(signed_in, "Nora", "Test")
    assert "Nobody whom your area may know is found by that." in page.words and page.typed["words"] == "Test"


def test_what_cannot_be_looked_for(town: Town, signed_in: SignedIn, trace: str) -> None:
    answer = signed_in("Nia").post("/search", {"words": "12"})
    assert answer.status_code == 422
    assert "Type the whole number" in Page(answer.content.decode()).words


def test_more_than_a_page_is_to_be_narrowed(town: Town, signed_in: SignedIn) -> None:
    now = timezone.now()
    for _ in range(51):
        town.trace(now=now)
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute("UPDATE people SET family_name = 'Lee'")
    search.catch_up(by=system_scope("search"), now=now)
    assert "More than 50 people: add a given name or a postcode." in find(signed_in, "Nia", "Lee").words
