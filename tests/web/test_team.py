"""A lead's page: choosing many, looking at what would change, changing and undoing it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.town import HOUR, Town, row
from tests.web.conftest import SignedIn
from tests.web.reading import Page


def look(client: Client, sent: dict[str, Any]) -> Page:
    answer = client.post("/work/team/preview", sent)
    assert answer.status_code == 200
    page = Page(answer.content.decode())
    assert page.problems == []
    return page


def do(client: Client, page: Page) -> str:
    """Press the button of the preview; the words of the page after it."""
    sent = {key: page.typed[key] for key in ("team", "to", "why", "chosen")}
    return Page(client.post("/work/team/changes", sent, follow=True).content.decode()).words


def undo(client: Client, team: int) -> str:
    listed = client.get(f"/work/team/changes?team={team}").content.decode()
    refs = re.findall(r'action="(/work/team/changes/[^"]+/undo)"', listed)
    return Page(client.post(refs[0], {"team": str(team)}, follow=True).content.decode()).words


def test_ticked_ones_to_a_person_and_back(town: Town, signed_in: SignedIn) -> None:
    now = timezone.now()
    numbers = [town.trace(now=now) for _ in range(3)]
    client, team = signed_in("Lena"), town.team("national")
    sent = {"team": str(team), "traces": [f"{each}.0" for each in numbers], "to": f"user-{town.users['Noah'].pk}"}
    page = look(client, sent)
    assert "Give to Noah: 3 traces would change" in page.words and row(numbers[0], "version") == (0,)
    assert "3 traces changed. Undo it under Changes" in do(client, page)
    assert {row(each, "claimed_by")[0] for each in numbers} == {town.users["Noah"].pk}
    sent |= {"traces": [f"{each}.1" for each in numbers], "to": f"team-{town.team('local')}", "why": "Peak"}
    page = look(client, sent)
    assert "None of them would change." in page.words and "Noah has it open until" in page.words
    assert "As before: 3 traces." in undo(client, team)
    assert {row(each, "claimed_by")[0] for each in numbers} == {None}


def test_all_that_match_and_not_only_the_page(town: Town, signed_in: SignedIn) -> None:
    now = timezone.now()
    old = [town.trace(now=now - 7 * HOUR) for _ in range(60)]
    new = town.trace(now=now)
    client, team = signed_in("Lena"), town.team("national")
    shown = Page(client.get(f"/work/team?team={team}&hours=6").content.decode())
    assert "60 traces match." in shown.words
    sent = {"team": str(team), "hours": "6", "which": "all", "to": "priority-2"}
    page = look(client, sent)
    assert "60 traces would change" in page.words and "60 urgency 5 now" in page.words
    # One is worked on between the look and the press: it stays.
    look(client, {**sent, "which": "ticked", "traces": f"{old[0]}.0"})
    do(client, look(client, {"team": str(team), "traces": f"{old[0]}.0", "to": "priority-1"}))
    words = do(client, page)
    assert "59 traces changed" in words and "stayed: Somebody changed it since you looked." in words
    assert (row(old[0], "priority"), row(old[1], "priority"), row(new, "priority")) == ((1,), (2,), (5,))
    assert "As before: 59 traces." in undo(client, team)


def test_closing_needs_a_reason_and_stands_on_the_record(town: Town, signed_in: SignedIn) -> None:
    number = town.trace(now=timezone.now())
    client, team = signed_in("Lena"), town.team("national")
    sent = {"team": str(team), "traces": f"{number}.0", "to": "close-no_details"}
    answer = client.post("/work/team/preview", sent)
    assert answer.status_code == 422 and "why" in Page(answer.content.decode()).anchors
    page = look(client, {**sent, "why": "The list had no numbers"})
    assert "1 never tried" in page.words
    do(client, page)
    record = Page(signed_in("Nia").get(f"/traces/{row(number, 'ref')[0]}").content.decode()).words
    assert "Closed with others, no contact details: The list had no numbers" in record
    assert "As before: 1 trace." in undo(client, team)


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"to": "priority-1"}, "traces"),
        ({"traces": "7.0"}, "to"),
        ({"traces": "7.0", "to": "team-1"}, "why"),
        ({"traces": "7.0", "to": "user-x"}, "to"),
        ({"traces": "7.0", "to": "close-reached"}, "to"),
        ({"traces": "seven", "to": "priority-1"}, "traces"),
    ],
)
def test_what_is_missing_is_said(town: Town, signed_in: SignedIn, sent: dict[str, str], field: str) -> None:
    if sent.get("to") == "team-1":
        sent = {**sent, "to": f"team-{town.team('local')}"}
    town.trace(now=timezone.now())
    answer = signed_in("Lena").post("/work/team/preview", {"team": str(town.team("national")), **sent})
    page = Page(answer.content.decode())
    assert (answer.status_code, page.problems) == (422, [])
    assert field in page.anchors


def test_a_filter_that_makes_no_sense_is_none(town: Town, signed_in: SignedIn) -> None:
    town.trace(now=timezone.now())
    page = Page(
        signed_in("Lena").get("/work/team?urgency=99&hours=x&due=never&waiting=what&after=1~2~3").content.decode()
    )
    assert "1 trace." in page.words
    nothing = Page(signed_in("Lena").get("/work/team?urgency=9").content.decode())
    assert "Nothing matches." in nothing.words and nothing.problems == []
