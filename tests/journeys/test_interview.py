"""The interview in a real browser: how many pages it takes, with the keyboard alone, without a script, and with mistakes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, Request, expect

from ringfence.actions import partnerships
from ringfence.partnerships.models import ServiceRule
from ringfence.queries import interview as queries
from ringfence.rules.access import system_scope
from ringfence.rules.calendar import london_date
from ringfence.rules.policy import ENGLAND, Exemption
from tests.database import Connection
from tests.interviews import place as entry
from tests.interviews import say, taken
from tests.journeys.people import be
from tests.journeys.test_pages import look
from tests.journeys.windows import alone
from tests.town import Town

#: Pages sent from "take the next trace" to the record that the person was reached.
MOST_PAGES = 12

PEOPLE = (
    ("Ann", "07700900201", "household"),
    ("Ben", "07700900202", "household"),
    ("Cat", "", "household"),
    ("Dan", "07700900204", "work"),
    ("Eve", "07700900205", "close"),
)
PLACES = (("The Corner Gym", "BB1 1AA", "sport"), ("Mill Lane Bakery", "BB2 2BB", "work"))


@pytest.fixture
def town(real_town: Town) -> Town:
    partnerships.apply_changes(by=system_scope("policy"), now=timezone.now())
    return real_town


def sheet(town: Town, page: Page) -> queries.Sheet:
    now = timezone.now()
    return queries.interview(scope=town.by("Lena", now), ref=page.url.split("/")[4], now=now)[1]


def save(page: Page) -> None:
    page.get_by_role("button", name="Save and go on").last.click()


def whole(page: Page, contacts: int = len(PEOPLE), settings: int = len(PLACES)) -> None:
    """The interview of a case with contacts and settings, from the trace's page on to the reading back."""
    page.get_by_role("button", name="Start the interview").click()
    page.get_by_role("group", name="please tell me your date of birth").get_by_label("Yes").check()
    page.get_by_label("The person themselves").check()
    page.get_by_role("group", name="Would an interpreter help?").get_by_label("No").check()
    save(page)
    onset = london_date(timezone.now()) - timedelta(days=3)
    page.get_by_role("group", name="Do you feel unwell").get_by_label("Yes").check()
    page.get_by_label("Day", exact=True).first.fill(str(onset.day))
    page.get_by_label("Month").fill(str(onset.month))
    page.get_by_label("Year").fill(str(onset.year))
    page.get_by_label("A high temperature").check()
    save(page)
    page.get_by_role("group", name="Does anybody live with you?").get_by_label("Yes").check()
    for number, (name, phone, relation) in enumerate(PEOPLE[:contacts]):
        stem = f"#a-contacts-{number}"
        page.fill(f"{stem}-given_name", name)
        page.fill(f"{stem}-phone", phone)
        page.select_option(f"{stem}-relation", relation)
        if relation != "household":
            page.select_option(f"{stem}-last_contact", index=1)
    page.locator("#a-contacts-0-spoken_for").check()
    save(page)
    page.get_by_role("group", name="did you go to work, to school").get_by_label("Yes").check()
    for number, (name, postcode, category) in enumerate(PLACES[:settings]):
        stem = f"#a-places-{number}"
        page.fill(f"{stem}-name", name)
        page.fill(f"{stem}-postcode", postcode)
        page.select_option(f"{stem}-category", category)
        page.select_option(f"{stem}-from", (onset - timedelta(days=4)).isoformat())
    save(page)
    page.get_by_role("group", name="hard to stay at home").get_by_label("Yes").check()
    page.get_by_label("Food or shopping").check()
    save(page)
    page.get_by_role("group", name="Is that clear?").get_by_label("Yes").check()
    save(page)


def test_five_contacts_and_two_settings(page: Page, town: Town, axe: Callable[[Page], list[str]]) -> None:
    """In few pages; a correction, an entry taken back, a mistake; and how every part of it looks."""
    now = timezone.now()
    town.trace(now=now - timedelta(days=1))
    town.trace(now=now, born=date(now.year - 9, 1, 1))
    sent: list[str] = []

    def count(request: Request) -> None:
        if request.method == "POST":
            sent.append(request.url)

    page.on("request", count)
    be(page, town, "Nia", "/work")
    page.get_by_role("button", name="Take the next trace").click()
    trace = page.url
    page.goto(f"{trace}/interview/illness")
    wrong = look(page, "nia", "/interview/locked", axe)
    page.goto(trace)
    whole(page)
    expect(page.get_by_role("heading", name="Read back and finish")).to_be_visible()
    expect(page.get_by_text("Mill Lane Bakery, BB2 2BB")).to_be_visible()
    # The last one says that the person was reached.
    assert len(sent) < MOST_PAGES, sent
    told = sheet(town, page)
    assert [each["given_name"] for each in told.values["contacts"]] == [name for name, _, _ in PEOPLE]
    assert [each["name"] for each in told.values["places"]] == [name for name, _, _ in PLACES]
    assert told.windows is not None and told.windows.isolation.day_0 == london_date(now) - timedelta(days=3)
    wrong += look(page, "nia", "/interview/finish", axe)

    page.get_by_role("link", name="Change Who were they close to?").click()
    wrong += look(page, "nia", "/interview/contacts", axe)
    page.get_by_text("More about this person").nth(4).click()
    page.get_by_label("Named by mistake? Say why").nth(4).fill("It was another day")
    page.fill("#a-contacts-1-phone", "ring")
    save(page)
    expect(page.get_by_role("alert")).to_contain_text("Give a telephone number")
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.locator(":focus")).to_have_id("a-contacts-1-phone")
    page.get_by_text("The call ends here").click()
    wrong += look(page, "nia", "/interview/mistake", axe)
    page.fill("#a-contacts-1-phone", "07700900202")
    save(page)
    for part in ("who", "illness", "places", "help", "advice"):
        page.goto(f"{trace}/interview/{part}")
        wrong += look(page, "nia", f"/interview/{part}", axe)
    page.get_by_role("link", name="Read back and finish").click()
    expect(page.get_by_text("Taken back: It was another day")).to_be_visible()
    page.get_by_role("button", name="Reached: finish and take the next trace").click()
    expect(page.get_by_role("status")).to_contain_text("They were reached")
    wrong += look(page, "nia", "/interview/under-18", axe)
    page.goto(trace)
    wrong += look(page, "nia", "/interview/record", axe)
    assert wrong == []


@pytest.mark.nightly
def test_every_part_whole_at_both_widths(
    page: Page, town: Town, axe: Callable[[Page], list[str]], forgetful: None
) -> None:
    test_five_contacts_and_two_settings(page, town, axe)


def test_without_a_script(browser: Browser, town: Town, site: str) -> None:
    town.trace(now=timezone.now() - timedelta(days=1))
    with alone(browser, site, java_script_enabled=False) as plain:
        be(plain, town, "Nia", "/work")
        plain.get_by_role("button", name="Take the next trace").click()
        whole(plain, contacts=1, settings=1)
        plain.get_by_role("button", name="Reached: finish and stop").click()
        expect(plain.get_by_role("status")).to_contain_text("They were reached")


def with_alt(page: Page, key: str) -> None:
    """Alt and a key, as a keyboard sends it; the browser's driver leaves out what access keys are known by."""
    session = page.context.new_cdp_session(page)
    about = {"modifiers": 1, "key": key, "windowsVirtualKeyCode": ord(key.upper()), "unmodifiedText": key}
    session.send("Input.dispatchKeyEvent", {"type": "keyDown", **about})
    session.send("Input.dispatchKeyEvent", {"type": "keyUp", **about})
    session.detach()


def test_with_the_keyboard_alone(page: Page, town: Town) -> None:
    town.trace(now=timezone.now() - timedelta(days=1))
    be(page, town, "Nia", "/work")
    press = page.keyboard.press
    press("Enter")
    expect(page.get_by_role("heading", name="What came of it?")).to_be_visible()
    with_alt(page, "i")
    expect(page.locator(":focus")).to_have_attribute("name", "a-identity_confirmed")
    press("Space")
    press("Tab")
    press("Space")  # the person themselves
    press("Tab")
    press("Space")
    press("ArrowDown")  # no interpreter
    press("Enter")
    expect(page.locator(":focus")).to_have_attribute("name", "a-has_symptoms")
    press("Space")
    press("ArrowDown")
    press("Enter")
    expect(page.locator(":focus")).to_have_attribute("name", "a-any_contacts")
    press("Space")
    press("Tab")
    expect(page.locator(":focus")).to_have_id("a-contacts-0-given_name")
    page.keyboard.type("Ann")
    press("Tab")
    page.keyboard.type("Example")
    press("Tab")
    page.keyboard.type("07700900201")
    press("Tab")
    page.keyboard.type("Lives")
    with_alt(page, "s")
    expect(page.locator(":focus")).to_have_attribute("name", "a-any_places")
    press("Space")
    press("ArrowDown")
    press("Enter")
    expect(page.locator(":focus")).to_have_attribute("name", "a-vulnerable")
    with_alt(page, "6")  # help can wait
    expect(page.locator(":focus")).to_have_attribute("name", "a-told")
    press("Space")
    with_alt(page, "5")
    expect(page.get_by_role("heading", name="What help do they need?")).to_be_visible()


def test_places_that_are_known_are_offered_while_typing(
    page: Page, town: Town, owner: Connection, axe: Callable[[Page], list[str]]
) -> None:
    now = timezone.now()
    before = town.trace(now=now - timedelta(days=1), phone="07700900100")
    day = london_date(now).isoformat()
    gym = entry("p", "The Corner Gym", category="sport", postcode="BB1 1AA", until=day, **{"from": day})
    say(before, town.by("Nia", now), now, {"places": [gym]})
    taken(now)
    town.trace(now=now, phone="07700900101", priority=1)
    be(page, town, "Nia", "/work")
    page.get_by_role("button", name="Take the next trace").click()
    page.get_by_role("button", name="Start the interview").click()
    page.get_by_role("group", name="please tell me your date of birth").get_by_label("Yes").check()
    page.get_by_label("The person themselves").check()
    save(page)
    page.get_by_role("link", name="Where were they?").click()
    page.get_by_role("group", name="did you go to work, to school").get_by_label("Yes").check()
    name = page.get_by_label("Name of the place").first
    name.press_sequentially("gym")
    expect(page.locator("#a-places-0-name-known option")).to_have_attribute("value", "The Corner Gym, BB1 1AA")
    assert axe(page) == []
    # The browser's own list is not part of the page; choosing from it puts the whole line into the field.
    name.fill("The Corner Gym, BB1 1AA")
    expect(name).to_have_value("The Corner Gym")
    expect(page.get_by_label("Postcode").first).to_have_value("BB1 1AA")
    other = page.get_by_label("Name of the place").nth(1)
    other.fill("Somewhere new")
    expect(other).to_have_value("Somewhere new")
    expect(page.get_by_label("Postcode").nth(1)).to_have_value("")


def test_a_contact_who_need_not_stay_at_home(page: Page, town: Town, axe: Callable[[Page], list[str]]) -> None:
    rule = next(policy for policy in ENGLAND if policy.contact_exemptions)
    ServiceRule.objects.create(from_date=date(2026, 1, 2), policy=rule.name)
    town.trace(now=timezone.now() - timedelta(days=1))
    be(page, town, "Nia", "/work")
    page.get_by_role("button", name="Take the next trace").click()
    page.get_by_role("button", name="Start the interview").click()
    page.get_by_role("group", name="please tell me your date of birth").get_by_label("Yes").check()
    page.get_by_label("The person themselves").check()
    save(page)
    page.get_by_role("link", name="Who were they close to?").click()
    page.get_by_role("group", name="Does anybody live with you?").get_by_label("Yes").check()
    page.fill("#a-contacts-0-given_name", "Ann")
    page.fill("#a-contacts-0-phone", "07700900201")
    page.select_option("#a-contacts-0-relation", "household")
    reasons = page.get_by_role("group", name="Need not stay at home because they are").first
    expect(reasons.get_by_role("checkbox")).to_have_count(len(Exemption) - 1)
    reasons.get_by_label("fully vaccinated").check()
    assert axe(page) == []
    page.get_by_role("button", name="Save and stay here").click()
    ticked = page.get_by_role("group", name="Need not stay at home because they are")
    expect(ticked.first.get_by_label("fully vaccinated")).to_be_checked()
    expect(ticked.nth(1).get_by_label("fully vaccinated")).not_to_be_checked()
    (ann,) = sheet(town, page).values["contacts"]
    assert ann["exemptions"] == [Exemption.VACCINATED]
