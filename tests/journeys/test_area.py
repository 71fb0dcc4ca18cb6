"""A director's morning: the area with its estimate of the last days, a past day, a view of the line list that is kept."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Page, expect

from ringfence.accounts import walls
from ringfence.geography.atlas import packaged
from ringfence.rules.access import system_scope
from ringfence.rules.calendar import london_date
from tests.journeys.people import be
from tests.journeys.test_pages import look
from tests.town import BLACKBURN, Town


def counts(area: str = BLACKBURN) -> None:
    """Eight weeks of counts, as the worker leaves them: growing, each day reported within four days."""
    now = timezone.now()
    today, draw = london_date(now), random.Random(1)
    rows = []
    for ago in range(56):
        on = today - timedelta(days=ago)
        whole = round(60 * 1.03 ** (28 - ago) * draw.uniform(0.8, 1.2)) + 6
        for delay, share in enumerate((0.1, 0.4, 0.3, 0.15, 0.05)):
            if delay <= ago:
                known, some = on + timedelta(days=delay), round(whole * share)
                rows += [(measure, on, known, some) for measure in ("cases", "positive", "transferred")]
                rows += [
                    ("positive:PCR", on, known, some),
                    ("negative:PCR", on, known, 9 * some),
                    ("negative", on, known, 9 * some),
                ]
                rows += [("reached", on, known, round(0.8 * some)), ("within_24", on, known, round(0.6 * some))]
                rows += [(f"age:{first}", on, known, some // 8) for first in (0, 5, 12, 18, 30, 50, 65, 80)]
    with walls.transaction(system_scope("counting")), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO area_days SELECT %s, * FROM unnest(%s::text[], %s::date[], %s::date[], %s::int[])",
            [area, *map(list, zip(*rows, strict=True))],
        )
        cursor.execute("INSERT INTO marks (key, through, at) VALUES ('count_tracing', 0, %s)", [now])


def alerts() -> None:
    """One cluster of today, and one of twelve days ago that was set aside five days ago."""
    now = timezone.now()
    told = [
        ("AAA-222", 12, 6, "6 cases from 5 households named Flex (leisure or sport) at BB1 1AA", 5),
        ("AAA-333", 0, 4, "4 cases of 3 households live at BB1 1AB", None),
    ]
    with walls.transaction(system_scope("detection")), connection.cursor() as cursor:
        for ref, ago, cases, evidence, aside in told:
            at = now - timedelta(days=ago)
            cursor.execute(
                'INSERT INTO alerts (ref, key, method, area, start, "end", found_at, updated_at, cases, rank, evidence, detail)'
                " VALUES (%s, %s, 'exposure', %s, %s, %s, %s, %s, %s, 1, %s, %s)",
                [
                    ref,
                    ref,
                    BLACKBURN,
                    at,
                    at,
                    at,
                    at,
                    cases,
                    f"{evidence}; expected by chance about once a year.",
                    "{}",
                ],
            )
            if aside is not None:
                cursor.execute(
                    "UPDATE alerts SET dismissed_at = %s, dismissed_by = 1, dismissed_why = 'One team.' WHERE ref = %s",
                    [now - timedelta(days=aside), ref],
                )


def test_a_director_s_morning(page: Page, real_town: Town, axe: Callable[[Page], list[str]]) -> None:
    counts()
    alerts()
    for _ in range(3):
        real_town.trace(now=timezone.now() - timedelta(days=1))
    be(page, real_town, "Dora")
    expect(page).to_have_url(f"/areas/{BLACKBURN}")
    expect(page.get_by_text("nowcast")).to_be_visible()
    wrong = look(page, "dora", "/area", axe)
    past = london_date(timezone.now()) - timedelta(days=9)
    page.get_by_label("What was known on a past day").fill(past.isoformat())
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="As it was known on")).to_be_visible()
    expect(page.get_by_text("6 cases from 5 households")).to_be_visible()
    wrong += look(page, "dora", "/area-past", axe)
    page.get_by_role("link", name="All clusters of then").click()
    expect(page.get_by_role("heading", name="Clusters as they were known on")).to_be_visible()
    expect(page.get_by_text("6 cases from 5 households")).to_be_visible()
    expect(page.get_by_text("4 cases of 3 households")).to_have_count(0)
    expect(page.get_by_role("button", name="aside")).to_have_count(0)
    wrong += look(page, "dora", "/clusters-past", axe)
    page.get_by_role("link", name="Back to today").click()
    expect(page.get_by_text("4 cases of 3 households")).to_be_visible()
    expect(page.get_by_text("6 cases from 5 households")).to_contain_text("One team.")
    page.get_by_role("link", name="Line list").click()
    page.get_by_label("Postcode begins with").fill("BB1")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("Sex", exact=True).check()
    page.get_by_role("button", name="Show").click()
    page.get_by_label("Save this view as").fill("Town centre")
    page.get_by_role("button", name="Save the view").press("Enter")
    expect(page.get_by_text("The view is saved.")).to_be_visible()
    wrong += look(page, "dora", "/line-list-view", axe)
    page.goto(f"/areas/{BLACKBURN}/line-list")
    page.get_by_role("link", name="Town centre").click()
    expect(page.get_by_label("Postcode begins with")).to_have_value("BB1")
    expect(page.get_by_role("columnheader", name="Sex")).to_have_count(1)
    page.get_by_role("button", name="Delete the view Town centre").click()
    expect(page.get_by_text("The view is deleted.")).to_be_visible()
    assert wrong == []


def test_many_authorities_are_short_on_a_phone_and_whole_on_a_desk(page: Page, real_town: Town) -> None:
    codes = [each.code for each in packaged().upper_tier() if each.code != BLACKBURN][:15]
    for code in (BLACKBURN, *codes):
        real_town.trace(code, now=timezone.now() - timedelta(hours=1))
    page.set_viewport_size({"width": 360, "height": 800})
    be(page, real_town, "Dora", "/overview")
    table = page.get_by_role("table", name="Authorities with traces")
    rows, heads = table.locator("tbody tr:visible"), table.locator("thead th:visible")
    expect(page.get_by_role("table", name="Your authority").get_by_role("link")).to_have_text("Blackburn with Darwen")
    expect(rows).to_have_count(15)
    expect(heads).to_have_text(["Authority", "Transferred", "Reached", "Overdue"])
    assert page.evaluate("document.documentElement.scrollHeight") < 5_000
    page.get_by_role("link", name="All 16 of them").click()
    expect(rows).to_have_count(16)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto("/overview?order=added")
    expect(rows).to_have_count(16)
    expect(heads).to_have_count(11)


@pytest.mark.nightly
def test_a_director_s_pages_whole_at_both_widths(
    page: Page, real_town: Town, axe: Callable[[Page], list[str]], forgetful: None
) -> None:
    test_a_director_s_morning(page, real_town, axe)
