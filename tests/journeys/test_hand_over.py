"""The whole journey: the national tracer fails, the clock passes, the local tracer reaches, the overview shows it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from ringfence.actions import handover, partnerships, work
from ringfence.rules.access import system_scope
from tests.journeys.people import be, sign_in
from tests.journeys.test_pages import look
from tests.journeys.windows import alone
from tests.town import SWEEP, Town


@pytest.fixture
def town(real_town: Town) -> Town:
    partnerships.apply_changes(by=system_scope("policy"), now=timezone.now())
    return real_town


def test_from_the_national_tracer_to_the_local_one_and_into_the_overview(page: Page, town: Town) -> None:
    # Its set period is over whatever the hour, and the clock has not struck yet.
    town.trace(now=timezone.now() - timedelta(days=3))
    sign_in(page, town, "Nia")
    page.get_by_role("button", name="Take the next trace").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Person 1 Test")
    ref = page.url.rpartition("/")[2]
    page.get_by_label("No answer").check()
    page.get_by_role("button", name="Save and take the next trace").click()
    expect(page.get_by_role("status")).to_contain_text("Nobody answered")
    expect(page.get_by_text("Nothing is waiting for your team now")).to_be_visible()

    assert handover.sweep(by=SWEEP, now=timezone.now()).handed_over == 1

    be(page, town, "Lola")
    expect(page.get_by_text("1 new hand-over")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="Person 1 Test")
    expect(row).to_contain_text("24 hours passed without contact")
    row.get_by_role("link", name="Person 1 Test").click()
    expect(page.get_by_text("Handed over because 24 hours passed without contact")).to_be_visible()
    expect(page.get_by_text("Phone call: no answer")).to_be_visible()
    page.get_by_label("How you tried").select_option(label="Visit")
    page.get_by_label("Reached", exact=True).check()
    page.get_by_label("Note for the next person").fill("Spoke at the door. Needs shopping until Friday.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text(f"{ref}: They were reached")

    be(page, town, "Dora")
    page.goto("/overview?period=all")
    row = page.locator("#authorities").get_by_role("row").filter(has_text="Blackburn with Darwen")
    expect(row).to_contain_text("100.0 points")
    page.goto(f"/traces/{ref}")
    expect(page.get_by_text("Visit: reached")).to_be_visible()

    be(page, town, "Nia")
    expect(page.get_by_text("1 reached")).to_be_visible()


def test_a_call_with_the_keyboard_alone(page: Page, town: Town) -> None:
    now = timezone.now()
    for _ in range(2):
        town.trace(now=now - timedelta(hours=1))
    be(page, town, "Nia")
    page.keyboard.press("Enter")  # the button for the next trace has the focus
    expect(page.get_by_role("heading", name="What came of it?")).to_be_visible()
    first = page.url
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to what came of it")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_attribute("name", "kind")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # the first outcome
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Voicemail")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.type("Left a message.")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Save and take the next trace")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("You left a message")
    assert page.url != first
    assert "/traces/" in page.url


def test_a_mistake_takes_the_focus_and_leads_to_its_field(
    page: Page, town: Town, axe: Callable[[Page], list[str]]
) -> None:
    town.trace(now=timezone.now() - timedelta(hours=1))
    be(page, town, "Nia")
    page.get_by_role("button", name="Take the next trace").click()
    page.get_by_label("Asked to be called back").check()
    page.get_by_label("Time").fill("soon")
    page.get_by_role("button", name="Save and stop").click()
    summary = page.get_by_role("alert").filter(has_text="There is a problem")
    expect(summary).to_be_visible()
    assert look(page, "nia", "/mistakes", axe) == []
    summary.get_by_role("link").click()
    expect(page.locator(":focus")).to_have_attribute("name", "call_back_at-time")
    expect(page.locator(":focus")).to_have_value("soon")


def test_a_stale_tab_overwrites_nothing(page: Page, town: Town, axe: Callable[[Page], list[str]]) -> None:
    number = town.trace(now=timezone.now() - timedelta(hours=1))
    be(page, town, "Nia")
    page.get_by_role("button", name="Take the next trace").click()
    page.get_by_label("Note for the next person").fill("She works nights.")
    page.get_by_label("No answer").check()
    now = timezone.now()
    work.put_back(trace=number, version=1, by=town.by("Lena", now), now=now)
    page.get_by_role("button", name="Save and stop").click()
    expect(page.get_by_text("This record changed while you had it open")).to_be_visible()
    assert look(page, "nia", "/stale", axe) == []
    expect(page.get_by_label("Note for the next person")).to_have_value("She works nights.")
    expect(page.get_by_label("No answer")).to_be_checked()
    page.get_by_role("button", name="Save and stop").click()
    expect(page.get_by_role("status")).to_contain_text("no answer")


def test_the_pages_work_without_javascript(browser: Browser, town: Town, site: str) -> None:
    town.trace(now=timezone.now() - timedelta(hours=1))
    with alone(browser, site, java_script_enabled=False) as plain:
        sign_in(plain, town, "Nia")
        plain.get_by_role("button", name="Take the next trace").click()
        plain.get_by_label("Asked to be called back").check()
        plain.get_by_label("Day").select_option("1")
        plain.get_by_label("Time").fill("2pm")
        plain.get_by_role("button", name="Save and stop").click()
        expect(plain.get_by_role("status")).to_contain_text("They asked to be called back at 14:00")
