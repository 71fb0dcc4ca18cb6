"""Finding a person, and working on a list, without a mouse; what is pressed most is in sight at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from ringfence.actions import search, work
from ringfence.rules.access import system_scope
from tests.journeys.people import be
from tests.town import Town, row


@pytest.fixture
def town(real_town: Town) -> Town:
    made = real_town
    now = timezone.now()
    for _ in range(3):
        made.trace(now=now - timedelta(hours=1), phone_other="01632960102")
    search.catch_up(by=system_scope("search"), now=now)
    return made


def test_a_person_is_found_and_opened_by_the_keyboard(page: Page, town: Town, axe: Callable[[Page], list[str]]) -> None:
    be(page, town, "Nia", "/search")
    page.keyboard.type("Test, Person")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("3 people found")
    wrong = [*axe(page)]
    page.set_viewport_size({"width": 360, "height": 640})
    wrong += axe(page)
    assert wrong == []
    link = page.get_by_role("link", name="Person 2 Test")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Person 2 Test")
    expect(page.get_by_role("heading", name="What has happened")).to_be_visible()


def test_the_button_that_saves_is_in_sight_at_once(page: Page, town: Town) -> None:
    now = timezone.now()
    claimed = work.claim(team=town.team("national"), by=town.by("Nia", now), now=now)
    assert claimed is not None
    for width, height in ((360, 640), (1280, 720)):
        page.set_viewport_size({"width": width, "height": height})
        be(page, town, "Nia", f"/traces/{claimed.ref}")
        for name in ("Save and take the next trace", "Save and stop"):
            expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
        # The last choice of the form is not behind it.
        page.get_by_label("Note for the next person").focus()
        note = page.get_by_label("Note for the next person").bounding_box()
        save = page.get_by_role("button", name="Save and take the next trace").bounding_box()
        assert note is not None and save is not None
        assert note["y"] + note["height"] <= save["y"] or note["x"] + note["width"] <= save["x"]


def test_a_lead_changes_many_and_takes_it_back_by_the_keyboard(
    page: Page, town: Town, axe: Callable[[Page], list[str]]
) -> None:
    be(page, town, "Lena", "/work/team")
    # The second of the skip links leads past the list.
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to changing many at once")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("All 3 of the list")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.type("Urgency 2")
    page.keyboard.press("Tab")
    page.keyboard.type("The list was late")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Look before you change them")
    assert axe(page) == []
    # The button has the focus.
    page.keyboard.press("Enter")
    page.wait_for_url("**/work/team?team=*")
    expect(page.get_by_role("status")).to_contain_text("3 traces changed")
    assert {row(number, "priority") for number in trace_numbers()} == {(2,)}
    page.get_by_role("link", name="Changes that can be undone").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert axe(page) == []
    page.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("As before: 3 traces.")
    assert {row(number, "priority") for number in trace_numbers()} == {(5,)}


def trace_numbers() -> list[int]:
    from django.db import connection

    from ringfence.accounts import walls
    from tests.town import SWEEP

    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM traces ORDER BY id")
        return [number for (number,) in cursor.fetchall()]
