"""The list of people who asked for help."""

from __future__ import annotations

from tests.actions.test_support import ask
from tests.town import Town
from tests.web.conftest import SignedIn
from tests.web.reading import Page


def test_it_is_listed_and_done(town: Town, signed_in: SignedIn) -> None:
    referral, lola = ask(town.trace()), signed_in("Lola")
    page = Page(lola.get("/support").content.decode())
    assert "1 request for help" in page.words and "Food Two children" in page.words
    assert page.problems == []
    page = Page(lola.post(f"/support/{referral}/done", follow=True).content.decode())
    assert "Nobody is waiting for help." in page.words and "Done in the last 7 days" in page.words
