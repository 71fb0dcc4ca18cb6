"""The map: cases by sector and by postcode, clusters, what was known on a past day, and nobody else's area."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from ringfence.accounts import walls
from ringfence.queries import map as maps
from ringfence.rules.access import NotFound, Refused, system_scope
from ringfence.rules.calendar import london_date
from tests.database import Connection
from tests.places import SECTORS, lay_out
from tests.town import BLACKBURN, LUTON, Town, events, row
from tests.web.conftest import SignedIn
from tests.web.reading import Page

INTERVIEWS, DETECTION = system_scope("interviews"), system_scope("detection")


def case_at(town: Town, postcode: str, days_ago: int, known_days_ago: int = 0, area: str = BLACKBURN) -> int:
    """A case at a postcode, its specimen so many days ago, opened so many; the case's number."""
    now = timezone.now()
    case, _ = row(town.trace(area), "case_id, person_id")
    on = london_date(now) - timedelta(days=days_ago)
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases SET postcode = %s, first_specimen_date = %s, last_positive_date = %s, opened_at = %s WHERE id = %s",
            [postcode, on, on, now - timedelta(days=known_days_ago), case],
        )
    return int(str(case))


def alert(postcode: str, cases: list[int], found: datetime, method: str = "scan") -> None:
    """A cluster of some cases round a postcode."""
    on = london_date(found)
    with walls.transaction(DETECTION), connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO alerts (ref, key, method, area, postcode, category, start, "end", found_at, updated_at, cases,'
            " false_alarms, rank, evidence, detail) VALUES ('KKK-KKK', 'k', %s, %s, %s, '', %s, %s, %s, %s, %s, 1, 1,"
            " 'Three cases together.', '{}') RETURNING id",
            [method, BLACKBURN, postcode, on - timedelta(days=3), on, found, found, len(cases)],
        )
        number = cursor.fetchone()[0]
        for case in cases:
            cursor.execute(
                "INSERT INTO alert_cases (alert_id, case_id, added_at) VALUES (%s, %s, %s)", [number, case, found]
            )


@pytest.fixture
def flare(real_town: Town, owner: Connection) -> Town:
    """Three cases together at BB1 1 (one known only today), one at BB2 4, one a week before, one without a postcode."""
    lay_out(owner)
    town = real_town
    known = [case_at(town, "BB1 1AA", 2, 2), case_at(town, "BB1 1AE", 3, 2)]
    case_at(town, "BB1 1AA", 2)
    case_at(town, "BB2 4AA", 4, 3)
    case_at(town, "BB1 2AA", 9, 8)
    case_at(town, "", 2, 2)
    case_at(town, "ZE1 0AA", 2, 2)
    case_at(town, "BB1 1AA", 2, area=LUTON)
    alert("BB1 1AA", known, timezone.now() - timedelta(days=1))
    return town


def words(answer: Any) -> str:
    assert answer.status_code == 200
    return Page(answer.content.decode()).words


def test_an_area_by_sector_and_by_postcode(flare: Town, signed_in: SignedIn) -> None:
    now = timezone.now()
    dora = flare.by("Dora", now)
    client = signed_in("Dora")
    answer = client.get(f"/areas/{BLACKBURN}/map")
    page = words(answer)
    assert "6 cases: rate in 7 days" in page
    assert "1 case without a postcode" in page and "1 case at postcodes that the directory does not have" in page
    assert "A : Three cases together." in page.replace("A:", "A :")
    found = maps.area_map(scope=dora, area=BLACKBURN, now=now)
    assert {name: tuple(each) for name, each in found.cases.items()} == {
        "BB1 1": (3, 0),
        "BB2 4": (1, 0),
        "BB1 2": (0, 1),
        "ZE1 0": (1, 0),
    }
    assert [each.code for each in found.sectors] == sorted(SECTORS)
    (cluster,) = found.clusters
    # The second of its cases lives 450 m to the east.
    assert (cluster.east, cluster.north, cluster.reach) == (368000, 428000, 450)
    html = answer.content.decode()
    assert html.count('aria-label="Cluster A: Three cases together."') == 1
    rate = 100_000 * 3 / (found.sectors[0].population or 1)
    assert f'aria-label="BB1 1: 3 cases, {rate:.0f} for every 100,000"' in html
    assert f"/areas/{BLACKBURN}/map/BB1-1?day={london_date(now)}&amp;days=7" in html
    # The highest rate first, or by name.
    assert html.index(">BB1 1</a>") < html.index(">BB2 4</a>") < html.index(">BB1 2</a>")
    by_name = client.get(f"/areas/{BLACKBURN}/map", {"order": "name"}).content.decode()
    assert by_name.index(">BB1 1</a>") < by_name.index(">BB1 2</a>") < by_name.index(">BB2 4</a>")
    sector = client.get(f"/areas/{BLACKBURN}/map/BB1-1")
    page = words(sector)
    assert "3 cases in 7 days, at each postcode" in page
    assert 'aria-label="BB1 1AA: 2 cases"' in sector.content.decode()
    assert "apportioned by postcodes" in page
    assert client.get(f"/areas/{BLACKBURN}/map/LE5-4").status_code == 404
    assert [each[-1]["sector"] for each in events("map.shown")] == ["BB1 1"]


def test_a_past_day_shows_what_was_known_then(flare: Town, signed_in: SignedIn) -> None:
    now = timezone.now()
    dora, today = flare.by("Dora", now), london_date(now)
    then = maps.area_map(scope=dora, area=BLACKBURN, now=now, on=today - timedelta(days=2))
    assert then.cases["BB1 1"].cases == 2 and then.clusters == ()
    assert maps.area_map(scope=dora, area=BLACKBURN, now=now, on=today - timedelta(days=1)).clusters
    client = signed_in("Dora")
    assert "No case in BB1 1 in these days" in words(client.get(f"/areas/{BLACKBURN}/map/bb1-1", {"days": "1"}))
    page = words(client.get(f"/areas/{BLACKBURN}/map", {"day": str(today - timedelta(days=2))}))
    assert "as they were known at the end of" in page
    moved = client.get(f"/areas/{BLACKBURN}/map", {"at": "53", "days": "14"})
    assert moved.status_code == 302 and moved["Location"].endswith(f"?day={today - timedelta(days=2)}&days=14")
    assert client.get(f"/areas/{BLACKBURN}/map", {"order": "y"}).status_code == 200
    one = words(client.get(f"/areas/{BLACKBURN}/map", {"days": "1", "day": f"{today:%d/%m/%Y}"}))
    assert f"of the specimen, {today.day} {today:%B %Y}, as" in one
    for address in (f"/areas/{BLACKBURN}/map", f"/areas/{BLACKBURN}/map/BB1-1"):
        assert "Nothing was held by then" in words(client.get(address, {"day": "2001-01-01"}))
        assert "Nothing was held" not in words(
            client.get(address, {"day": str(today - timedelta(days=2)), "days": "1"})
        )
    for strange, field in (
        ({"day": "0001-01-01"}, "at"),
        ({"day": "9999-12-31"}, "at"),
        ({"day": "2026-13-40"}, "at"),
        ({"at": "²"}, "at"),
        ({"at": "56"}, "at"),
        ({"days": "x"}, "days"),
        ({"days": "5"}, "days"),
    ):
        for address in (f"/areas/{BLACKBURN}/map", f"/areas/{BLACKBURN}/map/BB1-1"):
            answer = client.get(address, strange)
            wrong = Page(answer.content.decode())
            assert (answer.status_code, wrong.problems, wrong.anchors.count(field)) == (422, [], 1)


def test_nobody_sees_the_map_of_another_area(flare: Town) -> None:
    now = timezone.now()
    with pytest.raises(NotFound):
        maps.area_map(scope=flare.by("Dora", now), area=LUTON, now=now)
    with pytest.raises(Refused):
        maps.sector_map(scope=flare.by("Nia", now), area=BLACKBURN, sector="BB1 1", now=now)


def test_without_grid_references_there_is_nothing_to_draw(
    real_town: Town, signed_in: SignedIn, owner: Connection
) -> None:
    owner.execute("UPDATE geography.postcodes SET easting = NULL, northing = NULL")
    case_at(real_town, "BB1 1AA", 2)
    assert "nothing to draw" in words(signed_in("Dora").get(f"/areas/{BLACKBURN}/map"))


def test_the_last_day_that_is_shown_is_today(flare: Town) -> None:
    now = timezone.now()
    assert maps.window(now, None, 7).until == london_date(now)
    assert maps.window(now, date(2026, 1, 7), 7)[:3] == (date(2026, 1, 1), date(2026, 1, 7), date(2025, 12, 25))
