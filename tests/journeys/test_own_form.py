"""From the invitation to the tracer's page: a resident's own form, every page of it, without a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from ringfence.actions import messages, sending, work
from ringfence.base.env import env
from ringfence.queries.references import trace_number
from ringfence.rules.calendar import london_date
from tests.database import Database
from tests.journeys.people import be
from tests.journeys.test_pages import look
from tests.journeys.windows import Windows, alone
from tests.serving import serving
from tests.town import MESSAGES, Town

Axe = Callable[[Page], list[str]]


@pytest.fixture(scope="module")
def residents(django_db_setup: Database) -> Iterator[str]:
    with serving(residents=True) as found:
        yield found.address


@pytest.fixture
def phone(browser: Browser, residents: str) -> Iterator[Page]:
    """A resident's phone."""
    with alone(browser, residents) as first, Windows(first).open() as opened:
        yield opened


@pytest.fixture
def town(real_town: Town) -> Town:
    return real_town


def day(page: Page, legend: str, days_ago: int) -> None:
    on = london_date(timezone.now()) - timedelta(days=days_ago)
    group = page.get_by_role("group", name=legend)
    for label, value in (("Day", on.day), ("Month", on.month), ("Year", on.year)):
        group.get_by_label(label).fill(str(value))


def choose(page: Page, legend: str, answer: str) -> None:
    page.get_by_role("group", name=legend).get_by_label(answer, exact=True).check()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def born(page: Page) -> None:
    for label, value in (("Day", "4"), ("Month", "3"), ("Year", "1980")):
        page.get_by_label(label).fill(value)
    press(page, "Start")


def test_from_the_invitation_to_the_tracer(page: Page, phone: Page, residents: str, town: Town, axe: Axe) -> None:
    now = timezone.now()
    town.trace(now=now - timedelta(minutes=30), phone="", email="someone@example.com")
    assert messages.invite(by=MESSAGES, now=now).invited == 1
    assert sending.deliver(by=MESSAGES, now=now).sent == 1

    be(page, town, "Lena", "/outbox")
    expect(page.get_by_text("Nothing leaves this machine")).to_be_visible()
    link = page.get_by_role("link", name=env.residents_url)
    address = (link.get_attribute("href") or "").removeprefix(env.residents_url)

    wrong: list[str] = []
    heading = phone.get_by_role("heading", level=1)

    def seen(where: str = "") -> None:
        if where:
            phone.goto(where)
        wrong.extend(look(phone, "resident", phone.url.removeprefix(residents), axe))
        # It is the same on a phone that runs no script.
        assert phone.locator("script").count() == 0

    seen("/")
    seen("/nothing")
    seen("/form")
    seen(f"{address}/stop")
    seen(address)
    phone.get_by_label("Day").fill("5")
    press(phone, "Start")
    expect(phone.get_by_role("alert")).to_contain_text("Enter your date of birth")
    seen()
    born(phone)
    expect(heading).to_have_text("Hello Person 1")
    seen()
    phone.get_by_role("link", name="Start").click()
    seen()
    choose(phone, "Who is filling this in?", "Me, it is about me")
    choose(phone, "Would you like an interpreter", "No")
    press(phone, "Continue")
    seen()
    choose(phone, "Do you feel ill", "Yes")
    press(phone, "Continue")
    seen()
    phone.get_by_role("group", name="On which day").get_by_label("Day").fill("99")
    press(phone, "Continue")
    expect(phone.get_by_role("alert")).to_be_visible()
    seen()
    day(phone, "On which day did you first feel ill?", 2)
    choose(phone, "What do you have", "Feeling hot or shivery")
    press(phone, "Continue")
    expect(heading).to_have_text("People you were near")
    seen()
    press(phone, "Stop for now")
    expect(heading).to_have_text("Your answers are kept")
    seen()

    phone.goto(address)
    born(phone)
    phone.get_by_role("link", name="Go on").click()
    choose(phone, "Does anybody live with you", "Yes")
    press(phone, "Continue")
    seen()
    press(phone, "Add this person")
    expect(phone.get_by_role("alert")).to_be_visible()
    seen()
    phone.get_by_label("First name").fill("Ann")
    choose(phone, "How do you know them?", "They live with me")
    phone.get_by_label("Their phone number").fill("07700 900 111")
    press(phone, "Add this person")
    seen()
    phone.get_by_role("link", name="Change Ann").click()
    seen()
    phone.go_back()
    phone.get_by_role("link", name="That is all: continue").click()
    seen()
    choose(phone, "Since", "Yes")
    press(phone, "Continue")
    seen()
    phone.goto("/form/places")
    choose(phone, "Since", "No")
    press(phone, "Continue")
    seen()
    choose(phone, "Do you need help", "No")
    press(phone, "Continue")
    expect(phone.get_by_text("Stay at home, and away from others")).to_be_visible()
    seen()
    press(phone, "Continue")
    expect(heading).to_have_text("Check your answers")
    seen()
    press(phone, "Send")
    expect(heading).to_have_text("Thank you")
    expect(phone.get_by_text("Stay at home up to and including")).to_be_visible()
    seen()
    press(phone, "Close the form")
    seen()
    assert wrong == []

    taken = work.claim(team=town.team("national"), by=town.by("Nia", now), now=now)
    assert taken is not None
    assert trace_number(scope=town.by("Nia", now), ref=taken.ref) == taken.trace
    be(page, town, "Nia", f"/traces/{taken.ref}")
    expect(page.get_by_text("They sent off their own form")).to_be_visible()
    expect(page.get_by_text("Link to the form, by email: sent")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Ann")
    page.goto(f"/traces/{taken.ref}/interview/who")
    expect(page.get_by_label("The person themselves")).to_be_checked()


@pytest.mark.nightly
def test_every_page_of_a_resident_whole_at_both_widths(
    page: Page, phone: Page, residents: str, town: Town, axe: Axe, forgetful: None
) -> None:
    test_from_the_invitation_to_the_tracer(page, phone, residents, town, axe)
