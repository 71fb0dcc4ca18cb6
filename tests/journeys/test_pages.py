"""Every page at the width of a phone and of a desk: no accessibility violation, nothing to scroll sideways.

With ``RINGFENCE_TEST_IMAGES=docs/images`` the README's picture is made there, and one of every page in ``build/pages``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.urls import get_resolver
from django.utils import timezone
from playwright.sync_api import Browser, Page

from ringfence.accounts import walls
from ringfence.actions import attempts, handover, incidents, intake, notes, partnerships, work
from ringfence.actions import visits as round_of_visits
from ringfence.rules.access import system_scope
from ringfence.rules.calendar import london_date
from tests.database import Connection
from tests.interviews import person, place, rows, say, taken
from tests.journeys.people import be
from tests.journeys.windows import alone
from tests.town import BLACKBURN, INTAKE, SWEEP, Town

FORMS = re.compile(
    "/(attempts|notes|messages|stop|put-back|give-back|open-again|escalate|joining|people|lending|preview|undo|seen)$|^sign-out$"
)
PICTURES = Path(__file__).resolve().parents[2] / "build" / "pages"
WIDTHS = (360, 1280)

#: Kinds of elements that the phone hides, and were found in order at the width of a desk.
SEEN: set[str] = set()

LINES = """Specimen ID,NHS number,Name,Date of birth,Specimen date,Result
S1,123,Ann Example,03/04/1980,2026-11-15,Positive
S2,,Ann Example,33/04/1980,2026-11-15,Positive
"""


@pytest.fixture
def town(real_town: Town) -> Town:
    """The country at work: calls made, traces handed over, a question asked, one escalated, a line list delivered."""
    made = real_town
    now = timezone.now()
    partnerships.apply_changes(by=system_scope("policy"), now=now)
    for hours in (80, 79, 78, 3, 2, 1):
        made.trace(now=now - timedelta(hours=hours), phone_other="01632960102", email="someone@example.com")
    made.trace(now=now - timedelta(hours=1), priority=1, born=date(now.year - 9, 1, 1), household=7)
    handover.sweep(by=SWEEP, now=now - timedelta(hours=2))
    for name, team in (("Lola", "local"), ("Luke", "local")):
        claimed = work.claim(team=made.team(team), by=made.by(name, now), now=now)
        assert claimed is not None
        by = made.by(name, now)
        notes.add(trace=claimed.trace, kind="question", text="Which language do they speak?", by=by, now=now)
        attempts.record(
            trace=claimed.trace,
            version=claimed.version,
            kind="call",
            outcome="reached" if name == "Lola" else "escalated",
            note="Willow House care home",
            by=by,
            now=now,
        )
    ref = intake.receive(stream=[LINES.encode()], source="Royal Infirmary", by=INTAKE, now=now).ref
    intake.process(delivery=ref, by=INTAKE, now=now)
    return made


def interviewed(town: Town, trace: int, owner: Connection) -> tuple[str, str, str]:
    """An interview that names a household, a workmate and two places; references of a contact's trace and the places."""
    now = timezone.now()
    days = {"from": str(london_date(now)), "until": str(london_date(now))}
    contacts = [
        person("h", "Hugo Example", london_date(now), household=True),
        person("w", "Wanda Example", london_date(now), phone="07700900555", place="p"),
    ]
    places = [place("p", "The Mill", **days), place("q", "Mill", kind="shop", **days)]
    say(trace, town.by("Nia", now), now, {"contacts": contacts, "places": places})
    assert taken(now).contacts == 2
    ref = rows("SELECT t.ref FROM contacts c JOIN traces t ON t.id = c.trace_id WHERE NOT c.household")[0]
    first, second = rows("SELECT ref FROM settings ORDER BY id")
    return ref, first, second


def test_every_page_at_both_widths(page: Page, town: Town, axe: Callable[[Page], list[str]], owner: Connection) -> None:
    now = timezone.now()
    mine = work.claim(team=town.team("national"), by=town.by("Nia", now), now=now)
    local = work.claim(team=town.team("local"), by=town.by("Lola", now), now=now)
    delivery = intake.receive(stream=[LINES.encode()], source="Royal Infirmary", by=INTAKE, now=now).ref
    assert mine is not None
    assert local is not None
    lola = town.by("Lola", now)
    round_of_visits.plan(
        team=town.team("local"), traces=[local.trace], on_date=london_date(now), visitors=[lola.user], by=lola, now=now
    )
    day = f"/visits/{london_date(now)}"
    incident = an_incident(town, mine.ref)
    contact, mill, other = interviewed(town, mine.trace, owner)
    visits = {
        "Nia": [
            f"/traces/{mine.ref}/contacts",
            f"/traces/{contact}",
            "/work",
            "/search",
            f"/traces/{mine.ref}",
            f"/traces/{mine.ref}/interview",
            f"/traces/{mine.ref}/interview/who",
            "/gallery",
            "/nothing-here",
        ],
        "Lola": ["/local", f"/traces/{local.ref}", "/support", "/visits", "/visits/offline", day, f"{day}/{local.ref}"],
        "Lena": ["/work/team", "/outbox", f"/traces/{mine.ref}", "/audit"],
        "Leo": [
            "/settings",
            "/settings?q=mill",
            f"/settings/{mill}",
            f"/settings/{mill}?with={other}",
            "/work/team?waiting=later&due=overdue",
            "/work/team/changes",
        ],
        "Hana": ["/escalated"],
        "Dora": [
            f"/overview/{BLACKBURN}",
            "/overview?period=all",
            f"/authorities/{BLACKBURN}",
            f"/authorities/{BLACKBURN}/policy",
            "/areas",
            f"/areas/{BLACKBURN}",
            f"/areas/{BLACKBURN}/map",
            f"/areas/{BLACKBURN}/map/BB1-1",
            f"/areas/{BLACKBURN}/clusters",
            f"/areas/{BLACKBURN}/line-list",
            f"/areas/{BLACKBURN}/incidents",
            f"/incidents/{incident}",
            f"/areas/{BLACKBURN}/settings",
        ],
        "Olu": ["/authorities", "/deliveries", f"/deliveries/{delivery}", "/quarantine"],
        "Sid": [
            "/scripts",
            "/scripts/case/1",
            "/scripts/case/1/next",
            "/templates",
            "/templates/invitation/text/ur",
            "/templates/isolation/letter/en",
        ],
        "Gil": ["/audit?what=all"],
        "Charlie": ["/"],
    }
    wrong = []
    seen = {"/sign-in"}
    page.goto("/sign-in")
    wrong += look(page, "nobody", "/sign-in", axe)
    for name, addresses in visits.items():
        be(page, town, name, addresses[0])
        for address in addresses:
            if address != addresses[0]:
                page.goto(address)
            seen.add(re.sub(r"\?.*", "", address))
            wrong += look(page, name, address, axe)
            if address.startswith("/overview?"):
                page.set_viewport_size({"width": WIDTHS[0], "height": 800})
                page.evaluate(ENGLAND)
                if beyond := page.evaluate(BEYOND):
                    wrong.append(f"{address} with the longest names: {beyond} pixels to scroll sideways")
            if address.endswith("/policy"):
                page.get_by_label("Set period in hours").fill("4")
                page.get_by_role("button", name="See what it would do").click()
                wrong += look(page, name, f"{address}/preview", axe)
    assert wrong == []
    pages = {str(pattern.pattern) for each in get_resolver().url_patterns for pattern in each.url_patterns}
    forms = {
        each
        for each in pages
        if re.search(
            r"/(attempts|notes|details|details/<int:detail>|put-back|give-back|open-again|escalate|joining|people|lending)$",
            each,
        )
    }
    forms |= {"sign-out", "work/team/preview", "work/team/changes/<str:ref>/undo", "hand-overs/seen", "answers/seen"}
    forms |= {"visits/<str:day>/<str:ref>/cancel", "areas/<str:code>/clusters/dismiss"}
    forms |= {"areas/<str:code>/incidents/open", "areas/<str:code>/incidents/answer", "areas/<str:code>/digest"}
    forms |= {"areas/<str:code>/line-list/views", "areas/<str:code>/line-list/views/<int:view>/delete"}
    forms |= {
        f"incidents/<str:ref>/{each}"
        for each in ("cases", "cases/remove", "actions", "actions/done", "areas/ask", "areas/end", "close")
    }
    forms |= {"incidents/<str:ref>/places", "incidents/<str:ref>/places/remove"}
    forms |= {"support/<int:referral>/done"}
    forms |= {"settings/<str:ref>/merge", "settings/<str:ref>/size", "settings/suggest"}
    forms |= {"traces/<str:ref>/messages", "traces/<str:ref>/messages/stop"}
    # A script and a document.
    forms |= {"visits/worker.js", "visits/<str:day>/paper", "incidents/<str:ref>/report"}
    walked = {address.lstrip("/") for address in seen}
    named = r"[A-Z0-9]{3,4}-[A-Z0-9]{3}|E\d{8}|\d{4}-\d\d-\d\d|(?<=/interview/).*"
    for part, shape in ((named, "*"), ("(?<=/map/).*", "*"), ("case/1", "*/*"), ("templates/.+", "templates/*/*/*")):
        walked = {re.sub(part, shape, address) for address in walked}
    assert {re.sub(r"<[^>]*>", "*", each) for each in pages - forms} <= walked


class Forgetful(set[str]):
    """Knows nothing that it was told."""

    def issuperset(self, _: Iterable[object]) -> bool:
        return False


@pytest.mark.nightly
def test_every_page_whole_at_both_widths(
    browser: Browser, site: str, town: Town, axe: Callable[[Page], list[str]], owner: Connection, forgetful: None
) -> None:
    """With axe in the page itself."""
    with alone(browser, site) as page:
        test_every_page_at_both_widths(page, town, axe, owner)


def an_incident(town: Town, trace: str) -> str:
    """The reference of an incident with a case, an action and an entry of the log."""
    now = timezone.now()
    by = town.by("Dora", now)
    ref = incidents.open_incident(area=BLACKBURN, title="Flex, High Street", by=by, now=now).ref
    incidents.add_case(incident=ref, trace=trace, why="Trained there.", by=by, now=now)
    incidents.add_action(incident=ref, what="Ring the manager.", owner="Leo", due_on=now.date(), by=by, now=now)
    incidents.add_action(incident=ref, what="The manager rang back.", by=by, now=now)
    return ref


#: The kinds of elements that the phone hides; not what everybody has to open or choose first, and nothing unseen.
HIDDEN = """() => {
    const passed = "[hidden]:not(header *), [type=hidden], :empty, option, optgroup, title, noscript, script, template,"
        + " details:not([open]) > :not(summary), .nhsuk-radios__conditional, .nhsuk-checkboxes__conditional";
    return [...document.body.querySelectorAll("*")]
        .filter((each) => !each.checkVisibility() && !each.closest(passed))
        .map((each) => each.cloneNode(false).outerHTML.replaceAll(/ (id|href|for|name|value)="[^"]*"/g, ""));
}"""


#: The pixels to scroll sideways, if there are any for a second: the menu folds a moment after the window became narrow.
BEYOND = """async () => {
    const all = document.documentElement, beyond = () => all.scrollWidth - all.clientWidth;
    for (let frames = 60; frames && beyond(); frames -= 1) await new Promise(requestAnimationFrame);
    return beyond();
}"""


#: The longest words among the names of England's authorities, and figures as of a second wave.
ENGLAND = """() => {
    const names = document.querySelectorAll(".rf-narrow [scope=row]"), words = ["Northamptonshire", "Buckinghamshire"];
    names.forEach((each, at) => { each.textContent = words[at % 2]; });
    document.querySelectorAll(".rf-narrow td").forEach((each) => { each.textContent = "100,000"; });
}"""


def look(page: Page, name: str, address: str, axe: Callable[[Page], list[str]]) -> list[str]:
    """What is wrong with the page that is shown; pictures of it.

    By day at the width of a phone, and at that of a desk, which has the same styles in wider columns, where the phone
    hides something, each kind of element once. In the night every page is tried at both.
    """
    found = []
    for width in WIDTHS:
        if width != WIDTHS[0]:
            hidden = page.evaluate(HIDDEN)
            if SEEN.issuperset(hidden) and "RINGFENCE_TEST_IMAGES" not in os.environ:
                continue
            SEEN.update(hidden)
        if page.viewport_size != (size := {"width": width, "height": 800}):
            page.set_viewport_size(size)
        where = f"{address} for {name} at {width}"
        found += [f"{where}: {violation}" for violation in axe(page)]
        beyond = page.evaluate(BEYOND)
        if beyond:
            found.append(f"{where}: {beyond} pixels to scroll sideways")
        if "RINGFENCE_TEST_IMAGES" not in os.environ:
            continue
        PICTURES.mkdir(parents=True, exist_ok=True)
        kind = re.sub(r"[A-Z0-9]{3,4}-[A-Z0-9]{3}", "one", address)
        stem = re.sub(r"\W+", "-", kind).strip("-") or "home"
        page.screenshot(path=PICTURES / f"{stem}-{name.lower()}-{width}.png", full_page=True)
    return found


@pytest.mark.skipif("RINGFENCE_TEST_IMAGES" not in os.environ, reason="only when the README's pictures are to be made")
def test_the_picture_of_the_readme(page: Page, town: Town) -> None:
    folder = Path(os.environ["RINGFENCE_TEST_IMAGES"])
    folder.mkdir(parents=True, exist_ok=True)
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute("UPDATE people SET given_name = 'Amelia', family_name = 'Example', birth_date = '1990-09-02'")
    page.set_viewport_size({"width": 1280, "height": 900})
    be(page, town, "Nia", "/work")
    page.get_by_role("button", name="Take the next trace").click()
    page.wait_for_url("**/traces/*")
    page.get_by_role("heading", level=1, name="Amelia Example").wait_for()
    picture = folder / "trace.png"
    page.screenshot(path=picture)
    assert 50_000 < picture.stat().st_size < 300_000
