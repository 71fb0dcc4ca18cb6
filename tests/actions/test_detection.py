"""From what cases said to the alerts of their directors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import alerts as verbs
from ringfence.actions import detection, incidents
from ringfence.actions.errors import Invalid, NotFound
from ringfence.geography import resolve
from ringfence.queries import alerts
from ringfence.rules.access import Refused, system_scope
from ringfence.rules.alerts import Finding, Method
from tests.database import Database
from tests.town import BLACKBURN, HOUR, LUTON, MINUTE, START, Town, events, row

DETECTION = system_scope("detection")
INTERVIEWS = system_scope("interviews")

ON, DAY = START.date(), timedelta(days=1)


#: Postcodes of Blackburn with Darwen for these tests alone, kilometres from each other.
GRID = {"BB9 9ZA": (0, 0), "BB9 9ZB": (5000, 0), "BB9 9ZD": (0, 5000), "BB9 9ZE": (9000, 9000)}


@pytest.fixture(scope="module", autouse=True)
def grid(django_db_setup: Database) -> Iterator[None]:
    """The postcodes are there for the tests of this file; geography is loaded, so that nothing rolls it back."""
    with psycopg.connect(django_db_setup.server.admin(django_db_setup.name), autocommit=True) as admin:
        for code, (easting, northing) in GRID.items():
            admin.execute(
                "INSERT INTO geography.postcodes (code, area, easting, northing) VALUES (%s, %s, %s, %s)",
                [code, BLACKBURN, easting, northing],
            )
        yield
        admin.execute("DELETE FROM geography.postcodes WHERE code = ANY (%s)", [list(GRID)])
    resolve.forget()


def case(town: Town, household: int, area: str = BLACKBURN, home: str = "", on: date = ON) -> int:
    """A case of a household, with its trace; nobody lives at one postcode unless it is said."""
    trace = town.trace(area, household=household)
    number, _ = row(trace, "case_id, person_id")
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases SET postcode = %s, first_specimen_date = %s, last_positive_date = %s WHERE id = %s",
            [home, on, on, number],
        )
    return trace


def named(trace: int, postcode: str = "BB9 9ZA", category: str = "sport", on: date = ON, days: int = 1) -> None:
    """The case of a trace was at a place."""
    number, person = row(trace, "case_id, person_id")
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO exposures (case_id, person_id, entry, place, postcode, category, from_date, until_date, "window",'
            " source, recorded_at) VALUES (%s, %s, gen_random_uuid(), 'Flex', %s, %s, %s, %s, 'both', 'tracer', %s)",
            [number, person, postcode, category, on, on + timedelta(days=days - 1), START],
        )


def listed(town: Town, area: str = BLACKBURN, **more: Any) -> list[alerts.Alert]:
    return list(alerts.alerts(scope=town.by("Dora"), area=area, now=START + HOUR, **more))


def test_two_households_at_one_place_are_an_alert(town: Town) -> None:
    for household in (1, 2, 2):
        named(case(town, household))
    assert detection.look(by=DETECTION, now=START).found == 1
    (found,) = listed(town)
    assert (found.method, found.cases, found.households, found.postcode) == (Method.EXPOSURE, 3, 2, "BB9 9ZA")
    assert found.evidence.startswith("3 cases from 2 households named Flex at BB9 9ZA, 16 November; expected by chance")
    assert detection.look(by=DETECTION, now=START + MINUTE) == verbs.Looked()


def test_one_household_is_none(town: Town) -> None:
    for _ in range(3):
        named(case(town, 7))
    assert detection.look(by=DETECTION, now=START).found == 0
    assert listed(town) == []


def test_a_new_case_brings_the_alert_up_to_date(town: Town) -> None:
    for household in (1, 2):
        named(case(town, household))
    detection.look(by=DETECTION, now=START)
    before = listed(town)[0]
    named(case(town, 3), on=ON + timedelta(days=5))
    assert detection.look(by=DETECTION, now=START + 6 * 24 * HOUR) == verbs.Looked(found=0, updated=1)
    after = listed(town)[0]
    assert after.ref == before.ref and after.cases == 3 and after.end == ON + timedelta(days=5)


def test_a_place_that_was_quiet_for_a_week_and_is_named_again_is_one_alert(town: Town) -> None:
    """Two runs of visits, both too lately for their alert to be over."""
    for household, back in ((1, 12), (2, 12), (3, 0), (4, 0)):
        named(case(town, household), on=ON - timedelta(days=back))
    assert detection.look(by=DETECTION, now=START).found == 1
    (found,) = listed(town)
    assert found.end == ON and found.households == 2


def test_a_place_that_is_always_named_so_often_says_so(town: Town) -> None:
    """Five households in a week are more unusual for a place that was new than for one with as many each week before."""
    for household in range(5):
        named(case(town, household))
        named(case(town, 50 + household), postcode="BB9 9ZB", on=ON - timedelta(days=household))
    for household in range(20):
        before = timedelta(days=5 + household)
        named(case(town, 100 + household, on=ON - before), postcode="BB9 9ZB", on=ON - before)
    detection.look(by=DETECTION, now=START)
    rare = {each.postcode: each.false_alarms for each in listed(town)}
    assert 50 * rare["BB9 9ZA"] < rare["BB9 9ZB"]


def test_a_visit_that_is_taken_back_or_not_said_yet_or_to_another_kind_of_place_does_not_count(town: Town) -> None:
    named(case(town, 1))
    named(case(town, 2), category="shop")
    for household, change in ((3, "withdrawn_at = %s"), (4, "recorded_at = %s")):
        named(case(town, household))
        with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
            change = f"UPDATE exposures SET {change} WHERE id = (SELECT max(id) FROM exposures)"
            cursor.execute(change, [START + MINUTE])
    assert detection.look(by=DETECTION, now=START).found == 0


def test_a_place_is_called_by_its_name_in_the_directory_and_a_care_home_comes_first(town: Town) -> None:
    for household, place in ((1, "BB9 9ZA"), (2, "BB9 9ZA"), (3, "BB9 9ZB"), (4, "BB9 9ZB")):
        named(case(town, household), place, category="care")
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO settings (ref, kind, name, name_key, postcode, authority, created_at) VALUES"
            " ('S-1', 'care_home', 'Willow House', 'willow', 'BB9 9ZB', %s, now()),"
            " ('S-2', 'other', 'The Yard', 'yard', 'BB9 9ZA', %s, now())",
            [BLACKBURN, BLACKBURN],
        )
        for ref, postcode in (("S-1", "BB9 9ZB"), ("S-2", "BB9 9ZA")):
            cursor.execute(
                "UPDATE exposures SET setting_id = (SELECT id FROM settings WHERE ref = %s)"
                " WHERE id = (SELECT max(id) FROM exposures WHERE postcode = %s)",
                [ref, postcode],
            )
    detection.look(by=DETECTION, now=START)
    assert [each.place for each in listed(town)] == ["Willow House (care home) at BB9 9ZB", "The Yard at BB9 9ZA"]
    first, second = listed(town)
    assert first.rank == pytest.approx(second.rank + 0.5)


def test_the_place_s_authority_is_told_and_that_of_two_cases(town: Town) -> None:
    """Two residents of Luton and one of Leicester met at a place in Blackburn."""
    for household, area in ((1, LUTON), (2, LUTON), (3, "E06000016")):
        named(case(town, household, area))
    detection.look(by=DETECTION, now=START)
    with walls.transaction(DETECTION), connection.cursor() as cursor:
        cursor.execute("SELECT area FROM alerts ORDER BY area")
        assert [area for (area,) in cursor.fetchall()] == [BLACKBURN, LUTON]
    assert [each.cases for each in listed(town)] == [3]


def test_cases_of_different_households_at_one_postcode(town: Town) -> None:
    for household in (1, 2, 3):
        case(town, household, home="BB9 9ZA")
    detection.look(by=DETECTION, now=START)
    (found,) = listed(town)
    assert (found.method, found.households) == (Method.COINCIDENCE, 3)
    assert "3 cases of 3 households live at BB9 9ZA" in found.evidence


def test_where_many_have_it_a_few_at_one_postcode_say_less(town: Town) -> None:
    for household in (1, 2, 3):
        case(town, household, home="BB9 9ZA")
    detection.look(by=DETECTION, now=START)
    (before,) = listed(town)
    for household in range(10, 20):
        case(town, household)
    case(town, 3, home="BB9 9ZA")
    detection.look(by=DETECTION, now=START + MINUTE)
    (after,) = listed(town)
    assert after.households == before.households == 3
    assert 3 * (before.false_alarms or 0) < (after.false_alarms or 0)


def test_cases_at_one_postcode_that_are_older_than_a_fortnight_do_not_count(town: Town) -> None:
    for household, back in ((1, 14), (2, 14), (3, 13)):
        case(town, household, home="BB9 9ZA", on=ON - timedelta(days=back))
    assert detection.look(by=DETECTION, now=START).found == 0


def test_what_is_found_twice_is_told_once(town: Town) -> None:
    for household in (1, 2, 3, 4):
        named(case(town, household, home="BB9 9ZA"))
    detection.look(by=DETECTION, now=START)
    (found,) = listed(town)
    assert found.method is Method.EXPOSURE and "Also found by: same postcode." in found.evidence


def test_what_one_method_found_first_and_another_later_is_told_once(town: Town) -> None:
    """Four households at one postcode; their interviews name a place; next morning the scan finds the same cases."""
    traces = [case(town, household, home="BB9 9ZA") for household in (1, 2, 3, 4)]
    detection.look(by=DETECTION, now=START)
    assert [each.method for each in listed(town)] == [Method.COINCIDENCE]
    flats = listed(town)[0].ref
    opened = incidents.open_incident(area=BLACKBURN, title="Flats", alert=flats, by=town.by("Dora"), now=START)
    for trace in traces:
        named(trace)
    assert detection.look(by=DETECTION, now=START + MINUTE) == verbs.Looked(found=1, ended=1)
    (found,) = listed(town)
    assert found.method is Method.EXPOSURE and "Also found by: same postcode." in found.evidence
    (before,) = listed(town, ended=True)
    assert len(events("alert.ended")) == 1
    assert before.method is Method.COINCIDENCE and not before.quiet
    assert found.incident == before.incident == opened.ref, "what took the alert in is of its incident"
    case(town, 4, home="BB9 9ZA")
    detection.look(by=DETECTION, now=START + 2 * MINUTE)
    assert [each.ref for each in listed(town)] == [found.ref]
    numbers = tuple(int(str(row(trace, "case_id")[0])) for trace in traces)
    scan = Finding(
        Method.SCAN, "scan", BLACKBURN, "BB9 9ZA", ON, ON, numbers, 1e-12, observed=4.0, expected=0.1, score=9.0
    )
    verbs.dismiss(alert=found.ref, why="One team.", by=town.by("Dora"), now=START + HOUR)
    assert keep(scan, now=START + HOUR) == verbs.Looked(updated=1)
    assert listed(town) == [], "what was set aside stays aside, whatever else finds its cases"
    now = next(each for each in listed(town, ended=True) if each.ref == found.ref)
    assert (now.cases, now.false_alarms) == (4, 1e-12)
    assert now.evidence.endswith("Also found by: same postcode, space-time scan.")
    named(case(town, 5))
    detection.look(by=DETECTION, now=START + 2 * HOUR)
    (grown,) = listed(town)
    assert (grown.ref, grown.cases, grown.false_alarms) == (found.ref, 5, 1e-12)
    assert grown.incident == opened.ref
    assert grown.evidence.endswith("Also found by: same postcode, space-time scan.")


def test_a_scan_of_the_next_morning_goes_on_with_its_alert(town: Town) -> None:
    numbers = [int(str(row(case(town, household), "case_id")[0])) for household in (1, 2, 3, 4)]
    scan = Finding(
        Method.SCAN, "a", BLACKBURN, "BB9 9ZA", ON, ON, (*numbers[:3],), 0.1, observed=3.0, expected=0.1, score=5.0
    )
    keep(scan)
    (found,) = listed(town)
    keep(replace(scan, key="b", end=ON + DAY, cases=(*numbers[1:],)), now=START + DAY)
    (later,) = listed(town)
    assert (later.ref, later.end, later.cases) == (found.ref, ON + DAY, 3)


def test_what_was_set_aside_and_over_and_comes_again_is_news(town: Town) -> None:
    keep(finding())
    verbs.dismiss(alert=listed(town)[0].ref, why="A fair.", by=town.by("Dora"), now=START)
    verbs.end(by=DETECTION, now=START + 15 * DAY)
    keep(finding(end=ON + 40 * DAY, observed=7.0), now=START + 40 * DAY)
    assert [each.cases for each in listed(town)] == [7]


def test_an_alert_of_a_place_that_is_quiet_is_over(town: Town) -> None:
    for household in (1, 2):
        named(case(town, household))
    detection.look(by=DETECTION, now=START)
    assert detection.look_at_areas(by=DETECTION, now=START + 14 * 24 * HOUR, areas=[BLACKBURN]).ended == 0
    assert detection.look_at_areas(by=DETECTION, now=START + 15 * 24 * HOUR, areas=[BLACKBURN]).ended == 1
    assert listed(town) == [] and len(listed(town, ended=True)) == 1
    assert [detail for *_, detail in events("alert.ended")] == [detail for *_, detail in events("alert.found")]


def test_an_alert_that_is_set_aside_comes_back_when_it_grows(town: Town) -> None:
    for household in (1, 2):
        named(case(town, household))
    detection.look(by=DETECTION, now=START)
    ref = listed(town)[0].ref
    with pytest.raises(Invalid, match="Say why"):
        verbs.dismiss(alert=ref, why=" ", by=town.by("Dora"), now=START)
    verbs.dismiss(alert=ref, why="One team on two shifts.", by=town.by("Dora"), now=START)
    assert listed(town) == [] and listed(town, ended=True)[0].dismissed_why == "One team on two shifts."
    with pytest.raises(NotFound):
        verbs.dismiss(alert=ref, why="Again.", by=town.by("Dora"), now=START)
    named(case(town, 3))
    detection.look(by=DETECTION, now=START + MINUTE)
    assert [each.cases for each in listed(town)] == [3]


def finding(key: str = "k", *, end: date = ON, cases: tuple[int, ...] = (), **more: Any) -> Finding:
    """An exceedance on a day, expected less than once a year."""
    values: dict[str, Any] = {"place": "Here", "false_alarms": 0.5, "observed": 9.0, "expected": 2.0, **more}
    return Finding(Method.EXCEEDANCE, key, BLACKBURN, start=end, end=end, cases=cases, **values)


def keep(*findings: Finding, now: datetime = START) -> verbs.Looked:
    with walls.transaction(DETECTION):
        return verbs.keep(findings, by=DETECTION, now=now)


def test_what_comes_every_week_by_chance_and_what_is_over_is_no_alert(town: Town) -> None:
    week, lately = finding("week", false_alarms=52.0), finding("lately", end=ON - 14 * DAY)
    assert keep(week, finding("oftener", false_alarms=52.1)) == verbs.Looked(found=1)
    assert keep(lately, finding("over", end=ON - 15 * DAY)) == verbs.Looked(found=1)
    assert len(events("alert.found")) == len(listed(town)) == 2


def test_what_is_found_again_is_no_news_and_stays_aside_until_it_grows(town: Town) -> None:
    assert keep(finding(observed=9.0)) == verbs.Looked(found=1)
    verbs.dismiss(alert=listed(town)[0].ref, why="A fair.", by=town.by("Dora"), now=START)
    assert keep(finding(observed=9.0), now=START + MINUTE) == verbs.Looked(updated=1)
    assert listed(town) == [] and len(events("alert.found")) == 1
    keep(finding(observed=10.0), now=START + MINUTE)
    assert [each.cases for each in listed(town)] == [10]


def test_what_was_over_and_is_found_again_stands_again(town: Town) -> None:
    keep(finding())
    verbs.end(by=DETECTION, now=START + 15 * DAY)
    assert listed(town) == []
    keep(finding(end=ON + 16 * DAY), now=START + 16 * DAY)
    assert [each.end for each in listed(town)] == [ON + 16 * DAY]


def test_the_cases_of_an_alert_are_linked_to_it_each_once(town: Town) -> None:
    numbers = [int(str(row(case(town, household), "case_id")[0])) for household in (1, 2, 3)]
    keep(finding(cases=tuple(numbers[:2])))
    keep(finding(cases=tuple(numbers)), now=START + MINUTE)
    with walls.transaction(DETECTION), connection.cursor() as cursor:
        cursor.execute("SELECT case_id, added_at FROM alert_cases ORDER BY 1")
        assert cursor.fetchall() == [
            (numbers[0], START),
            (numbers[1], START),
            (numbers[2], START + MINUTE),
        ]


def then(town: Town, days: int, **more: Any) -> list[tuple[int, str]]:
    """How the alerts stood at the end of a day, asked a fortnight later: cases, and why it was set aside."""
    asked: dict[str, Any] = {"scope": town.by("Dora"), "area": BLACKBURN, "now": START + 14 * DAY}
    found = alerts.alerts(**asked, on=ON + timedelta(days=days), **more)
    assert all(each.evidence.startswith(f"{each.cases} cases from {each.households} households") for each in found)
    return [(each.cases, each.dismissed_why) for each in found]


def test_a_past_day_shows_the_alerts_as_they_stood_at_its_end(town: Town) -> None:
    """Found with two cases and grown on day 0, set aside on day 1, back with four on day 3, over on day 18."""
    dora = town.by("Dora")
    assert alerts.kept_since(scope=dora, area=BLACKBURN) is None
    for household in (1, 2):
        named(case(town, household))
    detection.look(by=DETECTION, now=START)
    (found,) = listed(town)
    named(case(town, 3))
    detection.look(by=DETECTION, now=START + HOUR)
    verbs.dismiss(alert=found.ref, why="Two shifts.", by=dora, now=START + DAY)
    assert detection.look(by=DETECTION, now=START + 2 * DAY) == verbs.Looked()
    named(case(town, 4), on=ON + timedelta(days=3))
    detection.look(by=DETECTION, now=START + 3 * DAY)
    opened = incidents.open_incident(area=BLACKBURN, title="Flex", alert=found.ref, by=dora, now=START + 4 * DAY)
    verbs.end(by=DETECTION, now=START + 18 * DAY)

    def over(days: int) -> list[tuple[int, str]]:
        return then(town, days, ended=True)

    assert [then(town, day) for day in (-1, 0, 1, 2, 3, 17, 18)] == [[], [(3, "")], [], [], [(4, "")], [(4, "")], []]
    assert [over(day) for day in (-1, 0, 1, 2, 3, 17)] == [[], [], [(3, "Two shifts.")], [(3, "Two shifts.")], [], []]
    assert [cases for cases, _ in over(18)] == [4]
    assert alerts.kept_since(scope=dora, area=BLACKBURN) == ON
    assert [
        alerts.alerts(scope=dora, area=BLACKBURN, now=START + 14 * DAY, on=ON + timedelta(days=day))[0].incident
        for day in (3, 4)
    ] == ["", opened.ref]


def test_a_look_that_finds_what_stands_as_it_was_keeps_nothing_more(town: Town) -> None:
    for household in (1, 2):
        named(case(town, household))
    detection.look(by=DETECTION, now=START)
    with walls.transaction(DETECTION), connection.cursor() as cursor:
        cursor.execute("UPDATE alerts SET updated_at = %s", [START + 2 * DAY])
    with walls.transaction(town.by("Dora")), connection.cursor() as cursor:
        cursor.execute("SELECT on_date, updated_at FROM alert_days")
        assert cursor.fetchall() == [(ON, START)]


def test_a_day_ends_at_midnight_in_london(town: Town) -> None:
    """In the summer that is an hour before it is midnight for the database."""
    keep(finding(end=date(2026, 7, 14)), now=datetime(2026, 7, 14, 23, 30, tzinfo=UTC))
    asked: dict[str, Any] = {"scope": town.by("Dora"), "area": BLACKBURN, "now": START}
    assert [len(alerts.alerts(**asked, on=date(2026, 7, day))) for day in (14, 15)] == [0, 1]


def test_alerts_are_for_those_who_answer_for_the_area(town: Town) -> None:
    with pytest.raises(Refused, match="see what the methods found"):
        alerts.alerts(scope=town.by("Nia"), area=BLACKBURN, now=START)
    with pytest.raises(NotFound):
        alerts.alerts(scope=town.by("Dora"), area=LUTON, now=START)
    with pytest.raises(NotFound):
        alerts.kept_since(scope=town.by("Dora"), area=LUTON)
    for who in ("Nia", "Olu"):
        with pytest.raises(Refused):
            verbs.dismiss(alert="AAA-222", why="x", by=town.by(who), now=START)


def test_rows_that_are_committed_late_are_looked_at(town: Town) -> None:
    """A number given before the last look, committed after it."""
    traces = [case(town, number) for number in (1, 2)]
    number, person = row(traces[0], "case_id, person_id")
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute("SELECT nextval('exposures_id_seq')")
        early = cursor.fetchone()[0]
    named(traces[1])
    detection.look(by=DETECTION, now=START)
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO exposures (id, case_id, person_id, entry, postcode, category, from_date, until_date, "window",'
            " source, recorded_at) VALUES (%s, %s, %s, 'x', 'BB9 9ZA', 'sport', %s, %s, 'both', 'tracer', %s)",
            [early, number, person, ON, ON, START],
        )
    named(case(town, 9), postcode="BB9 9ZB")
    assert detection.look(by=DETECTION, now=START + MINUTE).found >= 1
    assert "BB9 9ZA" in {each.postcode for each in listed(town)}


def test_the_scan_finds_what_comes_together(town: Town, compiled_scan: None) -> None:
    """Two cases a day for four weeks at three postcodes, and in the last three days nine at a fourth, where one was before."""
    *_, new = GRID
    for day in range(28):
        for place in (day % 3, (day + 1) % 3):
            case(town, 100 + day, home=list(GRID)[place], on=ON - timedelta(days=27 - day))
    for day in range(9):
        case(town, 200 + day, home=new, on=ON - timedelta(days=day % 3))
    case(town, 300, home=new, on=ON - timedelta(days=20))
    assert detection.look_at_areas(by=DETECTION, now=START, areas=[BLACKBURN]).found == 1
    found = {each.method: each for each in listed(town)}
    scan = found[Method.SCAN]
    assert (scan.postcode, scan.cases, scan.start) == (new, 9, ON - timedelta(days=2))
    assert scan.p_value is not None and scan.p_value < 0.05
    assert scan.evidence.startswith(f"9 cases in {new}, 14 to 16 November, where ")


def test_a_day_of_many_cases_is_an_exceedance(town: Town) -> None:
    for day in range(28):
        for _ in range(12 if day == 24 else 1):
            case(town, 100, on=ON - timedelta(days=27 - day))
    detection.look_at_areas(by=DETECTION, now=START, areas=[BLACKBURN])
    exceeding = [each for each in listed(town) if each.method is Method.EXCEEDANCE]
    assert len(exceeding) == 1 and exceeding[0].cases == 12
    assert exceeding[0].evidence.startswith("12 cases in Blackburn with Darwen on 13 November, where 1 were")
    for _ in range(14):
        case(town, 100, on=ON - timedelta(days=2))
    detection.look_at_areas(by=DETECTION, now=START + DAY, areas=[BLACKBURN])
    (later,) = [each for each in listed(town) if each.method is Method.EXCEEDANCE]
    assert (later.ref, later.cases, later.end) == (exceeding[0].ref, 15, ON - timedelta(days=2)), (
        "a day after is no other"
    )
