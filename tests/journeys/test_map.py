"""The map by keyboard: to a sector, into it, to the line list of a postcode; the days by slider, with and without a script."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from ringfence.rules.calendar import london_date
from tests.database import Connection
from tests.journeys.people import be
from tests.journeys.test_pages import look
from tests.journeys.windows import alone
from tests.places import lay_out
from tests.town import BLACKBURN, Town
from tests.web.test_map import alert, case_at


def flare_up(town: Town, owner: Connection) -> None:
    lay_out(owner)
    known = [case_at(town, postcode, 2, 2) for postcode in ("BB1 1AA", "BB1 1AA", "BB1 1AE", "BB2 4AA")]
    case_at(town, "BB1 2AA", 20, 20)
    alert("BB1 1AA", known[:3], timezone.now() - timedelta(days=1))


def said_of(page: Page) -> str:
    return str(page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"))


def test_from_the_authority_to_a_postcode_by_the_keyboard(
    page: Page, real_town: Town, owner: Connection, axe: Callable[[Page], list[str]]
) -> None:
    flare_up(real_town, owner)
    be(page, real_town, "Dora", f"/areas/{BLACKBURN}/map")
    for _ in range(40):
        page.keyboard.press("Tab")
        if said_of(page).startswith("BB1 1: 3 cases"):
            break
    else:
        raise AssertionError("no key led to the sector")
    # Where one is can be seen.
    assert page.evaluate("getComputedStyle(document.activeElement.querySelector('path')).fill") == "rgb(255, 235, 59)"
    wrong = look(page, "Dora", "/map-focus", axe)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Map of BB1 1")
    wrong += look(page, "Dora", "/map-sector", axe)
    # The same in the table; the skip link leads past the drawing.
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip the map, to the table")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert said_of(page) == "BB1 1AA"
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 cases.")).to_be_visible()
    assert wrong == []


def test_the_days_by_the_slider(page: Page, real_town: Town, owner: Connection) -> None:
    flare_up(real_town, owner)
    be(page, real_town, "Dora", f"/areas/{BLACKBURN}/map")
    page.get_by_role("slider").focus()
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    day = london_date(timezone.now()) - timedelta(days=2)
    today = day + timedelta(days=2)
    expect(page.locator("#at-day")).to_have_text(f"{today.day} {today:%B %Y}. Press Show to see {day.day} {day:%B %Y}")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url(f"**/map?day={day}&days=7")
    expect(page.get_by_role("slider")).to_have_value("53")
    expect(page.locator("#at-day")).to_have_text(f"{day.day} {day:%B %Y}")
    page.get_by_role("link", name="A week before").click()
    expect(page.get_by_role("heading", name="1 case: rate in 7 days")).to_be_hidden()
    expect(page.locator("#at-day")).not_to_have_text(f"{day.day} {day:%B %Y}")


def test_without_a_script(browser: Browser, site: str, real_town: Town, owner: Connection) -> None:
    flare_up(real_town, owner)
    with alone(browser, site, java_script_enabled=False) as page:
        be(page, real_town, "Dora", f"/areas/{BLACKBURN}/map?days=28")
        expect(page.get_by_role("heading", name="5 cases: rate in 28 days")).to_be_visible()
        page.get_by_role("slider").focus()
        page.keyboard.press("ArrowLeft")
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_text("as they were known at the end of")).to_be_visible()
        page.get_by_role("link", name="BB1 1:").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Map of BB1 1")
