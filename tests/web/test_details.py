"""Adding what the authority knows on the page of a trace."""

from __future__ import annotations

from tests.town import Town
from tests.web.conftest import SignedIn
from tests.web.reading import Page

SENT = {"detail_kind": "phone", "value": "01632 960199", "source": "Council tax"}


def test_a_number_is_added_shown_to_call_and_marked_as_wrong(town: Town, signed_in: SignedIn, handed_over: str) -> None:
    lola, nia = signed_in("Lola"), signed_in("Nia")
    added = lola.post(f"/traces/{handed_over}/details", SENT)
    assert "960199" not in added.cookies["messages"].value
    page = Page(lola.get(added.url).content.decode())
    assert "The number is on the record." in page.words
    assert "Number from Council tax: 01632 960199" in page.words
    text = nia.get(f"/traces/{handed_over}").content.decode()
    assert "Number from Council tax" in Page(text).words
    address = text.split(f'action="/traces/{handed_over}/details/')[1].split('"')[0]
    page = Page(lola.post(f"/traces/{handed_over}/details/{address}", {"wrong": "yes"}, follow=True).content.decode())
    assert "Number from" not in page.words
    assert "Found wrong from Council tax; Lola" in page.words
    assert page.problems == []


def test_a_mistake_keeps_what_was_typed(town: Town, signed_in: SignedIn, handed_over: str) -> None:
    answer = signed_in("Lola").post(f"/traces/{handed_over}/details", SENT | {"value": "0770090012"})
    page = Page(answer.content.decode())
    assert answer.status_code == 422
    assert "There is a problem Give a phone number" in page.words
    assert page.typed["source"] == "Council tax"
