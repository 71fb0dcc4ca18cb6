"""A round of visits on a phone: kept before setting out, recorded without signal, sent later and once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from ringfence.accounts import walls
from ringfence.actions import attempts, handover, visits
from ringfence.casework.models import Attempt
from ringfence.rules.calendar import london_date
from tests.journeys.people import be
from tests.journeys.test_pages import look
from tests.journeys.windows import alone
from tests.town import SWEEP, Town, row

KEY = "localStorage.getItem('ringfence-visits')"


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    """A phone with nothing but this window: what it keeps and its signal are its own."""
    with alone(browser, site) as opened:
        yield opened


@pytest.fixture
def town(real_town: Town) -> Town:
    """Three traces with Blackburn's local team."""
    made = real_town
    now = timezone.now()
    for hours in (80, 79, 78):
        made.trace(now=now - timedelta(hours=hours))
    handover.sweep(by=SWEEP, now=now - timedelta(hours=2))
    return made


@pytest.fixture
def traces(town: Town) -> list[int]:
    """Their numbers, planned as Lola's round of today."""
    now = timezone.now()
    with walls.transaction(SWEEP):
        from ringfence.casework.models import Trace

        found = list(Trace.objects.order_by("id").values_list("id", flat=True))
    visits.plan(
        team=town.team("local"),
        traces=found,
        on_date=london_date(now),
        visitors=[town.users["Lola"].pk],
        by=town.by("Lola", now),
        now=now,
    )
    return found


def made(trace: int) -> list[tuple[str, str]]:
    with walls.transaction(SWEEP):
        return list(Attempt.objects.filter(trace_id=trace).order_by("id").values_list("kind", "outcome"))


def test_a_round_is_made_without_signal(
    page: Page, town: Town, traces: list[int], axe: Callable[[Page], list[str]]
) -> None:
    day = f"/visits/{london_date(timezone.now())}"
    first, second, third = (str(row(trace, "ref")[0]) for trace in traces)
    be(page, town, "Lola", day)
    page.get_by_role("button", name="Keep my round on this phone").click()
    expect(page.get_by_role("status").filter(has_text="on this phone until the end of the day")).to_be_visible()
    assert look(page, "lola", "/visits/day", axe) == []
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_text("There is no signal.")).to_be_visible()
    expect(page.locator("[data-stop]")).to_have_count(3)
    assert look(page, "lola", "/visits/day-without-signal", axe) == []
    for ref, outcome in ((first, "Reached"), (second, "No answer")):
        page.locator(f"[data-stop='{ref}'] a").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Person")
        page.get_by_role("button", name="Save").click()
        wrong = page.get_by_text("Choose what came of it", exact=True)
        expect(wrong).to_be_focused()
        expect(wrong).to_be_in_viewport()
        page.get_by_label(outcome, exact=True).check()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("link", name="Back to the round")).to_be_visible()
        if ref == first:
            assert look(page, "lola", "/visits/outcome-without-signal", axe) == []
        page.get_by_role("link", name="Back to the round").click()
        expect(page.locator(f"[data-stop='{ref}']")).to_contain_text(f"On this phone, not sent yet: {outcome}")
    # The phone forgets its pages, and somebody at the desk closes one of the two meanwhile.
    page.reload()
    expect(page.get_by_text(f"Visit {second}, No answer")).to_be_visible()
    assert made(traces[0]) == []
    now = timezone.now()
    version = int(str(row(traces[1], "version")[0]))
    by = town.by("Luke", now)
    attempts.record(trace=traces[1], version=version, kind="call", outcome="refused", by=by, now=now)
    kept = page.evaluate(KEY)
    page.context.set_offline(False)
    page.reload()
    expect(page.locator(f"[data-stop='{first}'] .nhsuk-tag")).to_have_text("Reached")
    expect(page.get_by_text("The trace had been closed")).to_be_visible()
    assert made(traces[0]) == [("visit", "reached")]
    assert made(traces[1]) == [("call", "refused"), ("visit", "no_answer")]
    assert "Person" not in page.evaluate(f"JSON.stringify(JSON.parse({KEY}).stops.filter((stop) => stop.done))")
    # The same once more, as by a phone that did not hear the answer.
    page.evaluate("(kept) => localStorage.setItem('ringfence-visits', kept)", kept)
    page.reload()
    expect(page.get_by_text("It had arrived before, and is recorded once.").first).to_be_visible()
    assert (made(traces[0]), len(made(traces[1]))) == ([("visit", "reached")], 2)
    assert str(row(traces[2], "ref")[0]) == third
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    assert page.evaluate(KEY) is None
    assert page.evaluate("caches.keys()") == []


def test_signing_out_asks_before_it_loses_a_visit(page: Page, town: Town, traces: list[int]) -> None:
    day, ref = f"/visits/{london_date(timezone.now())}", row(traces[0], "ref")[0]
    be(page, town, "Lola", f"{day}/{ref}")
    page.context.set_offline(True)
    page.get_by_label("No answer", exact=True).check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("No signal. It is on this phone")).to_be_visible()
    asked: list[str] = []

    def no(dialog: object) -> None:
        asked.append(dialog.message)  # type: ignore[attr-defined]
        dialog.dismiss()  # type: ignore[attr-defined]

    page.once("dialog", no)
    page.get_by_role("button", name="Sign out").click()
    assert asked == ["1 visit is on this phone and not sent yet. Sign out and lose them?"]
    assert page.evaluate(KEY)
    page.context.set_offline(False)
    expect(page.get_by_text("1 visit is sent.")).to_be_visible()
    assert made(traces[0]) == [("visit", "no_answer")]


def test_what_is_kept_is_sent_by_the_one_who_kept_it(page: Page, town: Town, traces: list[int]) -> None:
    day, ref = f"/visits/{london_date(timezone.now())}", row(traces[0], "ref")[0]
    be(page, town, "Lola", f"{day}/{ref}")
    page.context.set_offline(True)
    page.get_by_label("No answer", exact=True).check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("No signal. It is on this phone")).to_be_visible()
    page.context.clear_cookies()
    page.context.set_offline(False)
    expect(page.get_by_text("Sign in to send what is on this phone.")).to_be_visible()
    be(page, town, "Luke", day)
    expect(page.get_by_text("Somebody else kept visits on this phone.")).to_be_visible()
    assert made(traces[0]) == []
    be(page, town, "Lola", day)
    expect(page.locator(f"[data-stop='{ref}'] .nhsuk-tag")).to_have_text("No answer")
    assert made(traces[0]) == [("visit", "no_answer")]


def test_names_do_not_outlast_the_day(page: Page, town: Town, traces: list[int]) -> None:
    be(page, town, "Lola")
    page.evaluate(
        "localStorage.setItem('ringfence-visits',"
        " JSON.stringify({user: '1', day: '2020-01-01', stops: [{ref: 'A', name: 'B'}], waiting: []}))"
    )
    page.goto("/local")
    page.wait_for_function(f"{KEY} === null")


def test_without_javascript_a_visit_is_planned_and_recorded(browser: Browser, site: str, town: Town) -> None:
    with alone(browser, site, java_script_enabled=False, viewport={"width": 360, "height": 800}) as page:
        be(page, town, "Lola", "/visits")
        page.locator("input[name=trace]").first.check()
        page.get_by_role("button", name="Plan these visits").click()
        expect(page.get_by_text("1 visit for today.")).to_be_visible()
        page.locator("[data-stop] a").click()
        assert "Without JavaScript this needs signal." in page.content()
        page.get_by_label("No answer", exact=True).check()
        page.get_by_role("button", name="Save").click()
        expect(page.locator("[data-stop]")).to_contain_text("No answer")
