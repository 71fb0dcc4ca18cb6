"""From the invitation to the tracer's page: a resident's own form on a phone's width and a desk's, without a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

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
    """A phone that runs no script."""
    with alone(browser, residents, java_script_enabled=False, viewport={"width": 360, "height": 740}) as opened:
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

    phone.goto(address)
    phone.get_by_label("Day").fill("5")
    press(phone, "Start")
    expect(phone.get_by_role("alert")).to_contain_text("Enter your date of birth")
    born(phone)
    expect(phone.get_by_role("heading", level=1)).to_have_text("Hello Person 1")
    phone.get_by_role("link", name="Start").click()
    choose(phone, "Who is filling this in?", "Me, it is about me")
    choose(phone, "Would you like an interpreter", "No")
    press(phone, "Continue")
    choose(phone, "Do you feel ill", "Yes")
    press(phone, "Continue")
    day(phone, "On which day did you first feel ill?", 2)
    choose(phone, "What do you have", "Feeling hot or shivery")
    press(phone, "Continue")
    expect(phone.get_by_role("heading", level=1)).to_have_text("People you were near")
    press(phone, "Stop for now")
    expect(phone.get_by_role("heading", level=1)).to_have_text("Your answers are kept")

    phone.goto(address)
    born(phone)
    phone.get_by_role("link", name="Go on").click()
    choose(phone, "Does anybody live with you", "Yes")
    press(phone, "Continue")
    phone.get_by_label("First name").fill("Ann")
    choose(phone, "How do you know them?", "They live with me")
    phone.get_by_label("Their phone number").fill("07700 900 111")
    press(phone, "Add this person")
    phone.get_by_role("link", name="That is all: continue").click()
    choose(phone, "Since", "No")
    press(phone, "Continue")
    choose(phone, "Do you need help", "No")
    press(phone, "Continue")
    expect(phone.get_by_text("Stay at home, and away from others")).to_be_visible()
    press(phone, "Continue")
    expect(phone.get_by_role("heading", level=1)).to_have_text("Check your answers")
    press(phone, "Send")
    expect(phone.get_by_role("heading", level=1)).to_have_text("Thank you")
    expect(phone.get_by_text("Stay at home up to and including")).to_be_visible()

    taken = work.claim(team=town.team("national"), by=town.by("Nia", now), now=now)
    assert taken is not None
    assert trace_number(scope=town.by("Nia", now), ref=taken.ref) == taken.trace
    be(page, town, "Nia", f"/traces/{taken.ref}")
    expect(page.get_by_text("They sent off their own form")).to_be_visible()
    expect(page.get_by_text("Link to the form, by email: sent")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Ann")
    assert look(page, "Nia", "/traces/one", axe) == []
    page.goto(f"/traces/{taken.ref}/interview/who")
    expect(page.get_by_label("The person themselves")).to_be_checked()


@pytest.fixture
def scripted(browser: Browser, residents: str) -> Iterator[Page]:
    """A phone that runs them."""
    with alone(browser, residents) as first, Windows(first).open() as opened:
        yield opened


def test_every_page_of_a_resident_at_both_widths(scripted: Page, residents: str, town: Town, axe: Axe) -> None:
    page = scripted
    now = timezone.now()
    trace = town.trace(now=now - timedelta(minutes=30), phone="", email="someone@example.com")
    messages.invite(by=MESSAGES, now=now)
    sending.deliver(by=MESSAGES, now=now)
    address = _link(trace)
    wrong: list[str] = []

    def seen(where: str = "", **go: Any) -> None:
        if where:
            page.goto(where)
        wrong.extend(look(page, "resident", page.url.removeprefix(residents), axe))

    seen("/")
    seen("/nothing")
    seen("/form")
    seen(address)
    press(page, "Start")
    seen()
    seen(f"{address}/stop")
    page.goto(address)
    born(page)
    seen()
    for part in ("who", "illness", "contacts", "places", "help", "advice"):
        seen(f"/form/{part}")
    page.goto("/form/illness")
    choose(page, "Do you feel ill", "Yes")
    press(page, "Continue")
    seen()
    press(page, "Continue")
    page.goto("/form/illness?ask=onset_date,symptoms")
    page.get_by_role("group", name="On which day").get_by_label("Day").fill("99")
    press(page, "Continue")
    seen()
    page.goto("/form/contacts")
    choose(page, "Does anybody live with you", "Yes")
    press(page, "Continue")
    seen()
    press(page, "Add this person")
    seen()
    page.get_by_label("First name").fill("Ann")
    choose(page, "How do you know them?", "They live with me")
    press(page, "Add this person")
    seen()
    page.get_by_role("link", name="Change Ann").click()
    seen()
    page.goto("/form/places")
    choose(page, "Since", "Yes")
    press(page, "Continue")
    seen()
    seen("/form/check")
    press(page, "Send")
    seen()
    press(page, "Close the form")
    seen()
    assert wrong == []


def _link(trace: int) -> str:
    from django.db import connection

    from ringfence.accounts import walls

    with walls.transaction(MESSAGES), connection.cursor() as cursor:
        cursor.execute("SELECT ref FROM messages WHERE trace_id = %s", [trace])
        (ref,) = cursor.fetchone()
    sent = sending.outbox().read(ref)
    assert sent is not None
    return next(word for word in sent.body.split() if "/you/" in word).removeprefix(env.residents_url)
