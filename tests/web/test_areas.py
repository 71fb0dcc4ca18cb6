"""What a director reads of the area, and that a past day shows what was known then."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from ringfence.accounts import walls
from ringfence.accounts.models import Membership
from ringfence.actions import counting, detection, incidents
from ringfence.queries.areas import Filters, line_list
from ringfence.queries.today import beside, today
from ringfence.rules.access import NotFound, Refused, system_scope
from ringfence.rules.calendar import london_date
from ringfence.web.words import day as day_in_words
from ringfence.web.words import weekday
from tests.town import ACCOUNTS, BLACKBURN, LUTON, Town, events, row
from tests.web.conftest import SignedIn
from tests.web.reading import Page

INTERVIEWS, DETECTION, COUNTING = (system_scope(name) for name in ("interviews", "detection", "counting"))


def words(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status
    return Page(answer.content.decode()).words


def seen_at(town: Town, days_ago: int, known_days_ago: int, area: str = BLACKBURN) -> int:
    """A trace whose case's specimen was so many days ago, and that was opened so many days ago."""
    opened = timezone.now() - timedelta(days=known_days_ago)
    trace = town.trace(area, now=opened)
    move(trace, days_ago, opened)
    return trace


def move(trace: int, days_ago: int, at: datetime) -> None:
    case, _ = row(trace, "case_id, person_id")
    on = london_date(timezone.now()) - timedelta(days=days_ago)
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases SET first_specimen_date = %s, last_positive_date = %s, updated_at = %s WHERE id = %s",
            [on, on, at, case],
        )


def test_the_area_today_and_as_it_was_known(town: Town, signed_in: SignedIn) -> None:
    for days_ago, known in ((5, 4), (5, 1), (6, 5), (12, 11)):
        seen_at(town, days_ago, known)
    seen_at(town, 5, 4, LUTON)
    counting.count(by=COUNTING, now=timezone.now())
    found = today(scope=town.by("Dora", timezone.now()), area=BLACKBURN, now=timezone.now())
    assert (found.week, found.week_before, found.cases) == (3, 1, 4)
    past = london_date(timezone.now()) - timedelta(days=3)
    then = today(scope=town.by("Dora", timezone.now()), area=BLACKBURN, now=timezone.now(), on=past)
    assert then.cases == 3 and then.days[-1].on == past
    client = signed_in("Dora")
    assert "Cases in 7 days" in words(client.get(f"/areas/{BLACKBURN}"))
    assert "As it was known on" in words(client.get(f"/areas/{BLACKBURN}", {"as-at": past.isoformat()}))
    assert "As it was known on" in words(client.get(f"/areas/{BLACKBURN}", {"as-at": f"{past:%d/%m/%Y}"}))
    for typed, told in (
        ("the day before", "must be a real date"),
        ("15/11/25", "must be a real date"),
        ("0001-01-01", "must be a real date"),
        (str(london_date(timezone.now())), "before today"),
        ("2100-01-01", "before today"),
    ):
        answer = client.get(f"/areas/{BLACKBURN}", {"as-at": typed})
        page = Page(answer.content.decode())
        assert (answer.status_code, page.problems, page.anchors.count("as-at")) == (422, [], 1)
        assert told in page.words and page.typed["as-at"] == typed
    before = words(client.get(f"/areas/{BLACKBURN}", {"as-at": "15/11/2001"}))
    assert "Nothing was held by then" in before and "Cases in 7 days" not in before


def test_of_a_neighbour_nothing_is_told_that_rests_on_a_few_people(town: Town, signed_in: SignedIn) -> None:
    """Bury and Bolton are neighbours of Blackburn; of the reader's own area each case counts."""
    now = timezone.now()
    with walls.transaction(system_scope("counting")), connection.cursor() as cursor:
        for area, cases in ((BLACKBURN, 2), ("E08000002", 4), ("E08000001", 5)):
            on = london_date(now) - timedelta(days=5)
            cursor.execute("INSERT INTO area_days VALUES (%s, 'cases', %s, %s, %s)", [area, on, on, cases])
    told = {each.name: each for each in beside(scope=town.by("Dora", now), area=BLACKBURN, now=now)}
    assert told["Bury"].rate is None and told["Bury"].few
    assert told["Bolton"].rate is not None and round(told["Bolton"].rate) == 2 and not told["Bolton"].few
    assert told["Blackburn with Darwen"].rate is not None and told["England"].rate is not None
    text = words(signed_in("Dora").get(f"/areas/{BLACKBURN}"))
    assert "fewer than 5 cases" in text and "Nothing has been counted yet" in text
    with pytest.raises(NotFound):
        beside(scope=town.by("Dora", now), area=LUTON, now=now)
    with pytest.raises(Refused):
        beside(scope=town.by("Nia", now), area=BLACKBURN, now=now)


def test_old_counts_are_said_to_be_old(town: Town, signed_in: SignedIn) -> None:
    client, address = signed_in("Dora"), f"/areas/{BLACKBURN}"
    for minutes, old in ((5, False), (20, True)):
        with walls.transaction(COUNTING), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO marks (key, through, at) VALUES ('count_tracing', 0, %(at)s)"
                " ON CONFLICT (key) DO UPDATE SET at = %(at)s",
                {"at": timezone.now() - timedelta(minutes=minutes)},
            )
        assert ("These figures are old" in words(client.get(address))) is old


def test_who_signs_in_begins_with_their_area(town: Town, signed_in: SignedIn) -> None:
    assert signed_in("Dora").get("/").headers["Location"] == f"/areas/{BLACKBURN}"
    assert signed_in("Nia").get("/").headers["Location"] == "/work"


def test_the_line_list_narrows_and_orders_as_it_says(town: Town) -> None:
    now, on = timezone.now(), london_date(timezone.now())
    made = {}
    for number, (days_ago, years, care_home) in enumerate(((9, 40, False), (5, 20, True), (1, 60, False)), start=1):
        # Born on the very day, so that the age turns with the specimen.
        specimen = on - timedelta(days=days_ago)
        born = date(specimen.year - years, specimen.month, min(specimen.day, 28))
        made[town.trace(now=now, born=born, care_home=care_home)] = number
    for trace, days_ago in zip(made, (9, 5, 1), strict=True):
        move(trace, days_ago, now)
    # Known here as well, and a case of another authority: their line list has it.
    elsewhere = town.trace(LUTON, now=now)
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO standings (person_id, area, why, from_at) SELECT person_id, %s, 'handed', %s FROM traces"
            " WHERE id = %s",
            [BLACKBURN, now, elsewhere],
        )
    numbers = {str(row(trace, "ref")[0]): number for trace, number in made.items()}

    def listed(order: str = "specimen", **filters: Any) -> list[int]:
        by = town.by("Dora", now)
        found = line_list(scope=by, area=BLACKBURN, now=now, filters=Filters(**filters), order=order)
        assert found.count == len(found.lines)
        return [numbers[each.ref] for each in found.lines]

    assert listed() == [3, 2, 1]
    assert listed("age") == [2, 1, 3]
    assert listed("name") == [1, 2, 3]
    assert listed(since=on - timedelta(days=5)) == [3, 2]
    assert listed(until=on - timedelta(days=5)) == [2, 1]
    assert listed(care_home=True) == [2]
    assert listed(age_from=40) == [3, 1]
    assert listed(age_until=40) == [2, 1]
    assert listed(age_until=39) == [2]
    assert listed(outcome="reached") == []
    assert listed(sector="BB1 1") == [3, 2, 1] and listed(sector="BB1 2") == []


def test_the_line_list_says_in_which_incident_a_case_is_now(town: Town) -> None:
    now = timezone.now()
    by, trace = town.by("Dora", now), town.trace(now=now)
    case, name = row(trace, "case_id, ref")
    ref = incidents.open_incident(area=BLACKBURN, title="Flex", by=by, now=now).ref

    def told() -> list[str]:
        return [each.incident for each in line_list(scope=by, area=BLACKBURN, now=now, filters=Filters()).lines]

    incidents.add_case(incident=ref, trace=str(name), why="Trained there.", by=by, now=now)
    assert told() == [ref]
    incidents.remove_case(incident=ref, case=int(str(case)), why="Another gym.", by=by, now=now)
    assert told() == [""]


def test_the_line_list_of_a_past_day_has_what_was_known_then(town: Town, signed_in: SignedIn) -> None:
    """Known three days ago and closed since, with an incident, a contact and one taken back since; and known today alone."""
    now, client, address = timezone.now(), signed_in("Dora"), f"/areas/{BLACKBURN}/line-list"
    by, trace = town.by("Dora", now), seen_at(town, 3, 3)
    seen_at(town, 0, 0)
    case, person, name = row(trace, "case_id, person_id, ref")
    ref = incidents.open_incident(area=BLACKBURN, title="Flex", by=by, now=now).ref
    incidents.add_case(incident=ref, trace=str(name), why="Trained there.", by=by, now=now)
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE traces SET closed_at = %s, outcome = 'not_reached', queued = false WHERE id = %s", [now, trace]
        )
        for entry, known, withdrawn in (("a", 2, 0), ("b", 0, None)):
            cursor.execute(
                "INSERT INTO contacts (case_id, case_person_id, person_id, entry, relation, last_contact, identified_at, source,"
                " withdrawn_at, withdrawn_why) VALUES (%s, %s, %s, %s, 'work', %s, %s, 'tracer', %s, %s)",
                [
                    *(case, person, row(seen_at(town, 0, 0), "person_id")[0], entry, now.date()),
                    now - timedelta(days=known),
                    None if withdrawn is None else now,
                    "" if withdrawn is None else "Twice.",
                ],
            )
    columns = ["case", "outcome", "contacts", "incident"]
    yesterday = london_date(now) - timedelta(days=1)

    def lines(**asked: Any) -> list[str]:
        out = client.get(address, {"format": "csv", "columns": columns, **asked})
        return b"".join(out.streaming_content).decode("utf-8-sig").splitlines()[1:]

    assert f"{name},not_reached,1,{ref}" in lines() and len(lines()) == 4
    then = {"as-at": str(yesterday)}
    assert lines(**then) == lines(outcome="open", **then) == [f"{name},open,1,"]
    assert lines(outcome="not_reached", **then) == []
    assert lines(**{"as-at": str(london_date(now) - timedelta(days=4))}) == []
    shown = client.get(address, then)
    assert f"as it was known on {day_in_words(yesterday)}" in words(shown) and "1 case." in words(shown)
    assert f"/areas/{BLACKBURN}/settings?as-at={yesterday}" in shown.content.decode()
    file = client.get(address, {"format": "csv", **then}).headers["Content-Disposition"]
    assert f"line-list-{BLACKBURN}-{yesterday}.csv" in file
    assert "Give a day before today" in words(client.get(address, {"as-at": str(london_date(now))}), 422)
    assert f"(as known on {weekday(yesterday)})" in words(signed_in("Gil").get("/audit"))


def test_the_line_list_is_narrowed_ordered_and_taken_out(town: Town, signed_in: SignedIn) -> None:
    now = timezone.now()
    for days_ago in (9, 1, 1):
        seen_at(town, days_ago, 1)
    client = signed_in("Dora")
    everything = words(client.get(f"/areas/{BLACKBURN}/line-list"))
    assert "3 cases." in everything and "Person 1 Test" in everything
    since = london_date(now) - timedelta(days=5)
    assert "2 cases." in words(client.get(f"/areas/{BLACKBURN}/line-list", {"since": since.isoformat()}))
    assert "No case of" in words(client.get(f"/areas/{BLACKBURN}/line-list", {"sector": "ZZ"}))
    assert "No case of" in words(client.get(f"/areas/{BLACKBURN}/line-list", {"from": "90"}))
    assert "3 cases." in words(
        client.get(f"/areas/{BLACKBURN}/line-list", {"from": "30", "to": "50", "outcome": "open"})
    )
    for order in ("postcode", "age", "name", "; DROP TABLE cases"):
        assert "3 cases." in words(client.get(f"/areas/{BLACKBURN}/line-list", {"order": order}))
    out = client.get(f"/areas/{BLACKBURN}/line-list", {"format": "csv"})
    lines = b"".join(out.streaming_content).decode("utf-8-sig").splitlines()
    assert lines[0].startswith("case,name,age") and len(lines) == 4
    with walls.transaction(system_scope("audit")), connection.cursor() as cursor:
        cursor.execute("SELECT detail->>'people' FROM audit.events WHERE verb = 'line list.exported' AND opened")
        assert cursor.fetchall() == [("3",)]
    logged = words(signed_in("Gil").get("/audit"))
    assert "Opened the line list: 3 cases (from age 30, to age 50, tracing open)" in logged
    assert f"Opened the line list: 2 cases (from {weekday(since)})" in logged


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("since", "15/13/2026"),
        ("until", "2026-13-40"),
        ("from", "abc"),
        ("to", "131"),
        ("outcome", "gone"),
        ("care-home", "x"),
    ],
)
def test_a_filter_that_cannot_be_read_narrows_to_nothing_by_accident(
    town: Town, signed_in: SignedIn, field: str, typed: str
) -> None:
    seen_at(town, 2, 1)
    client, address = signed_in("Dora"), f"/areas/{BLACKBURN}/line-list"
    for answer in (
        client.get(address, {field: typed}),
        client.get(address, {field: typed, "format": "csv"}),
        client.post(f"{address}/views", {field: typed, "view_name": "Mine"}),
    ):
        page = Page(answer.content.decode())
        assert (answer.status_code, page.problems, page.anchors.count(field)) == (422, [], 1)
        assert "1 case." not in page.words and "Your saved views" not in page.words


@pytest.mark.parametrize(
    ("field", "sent", "told"),
    [
        ("until", {"since": "2026-11-12", "until": "2026-11-11"}, "The last day must not be before the first day"),
        ("to", {"from": "90", "to": "10"}, "The highest age must not be below the lowest"),
    ],
)
def test_a_filter_that_nothing_can_pass_is_a_mistake(
    town: Town, signed_in: SignedIn, field: str, sent: dict[str, str], told: str
) -> None:
    answer = signed_in("Dora").get(f"/areas/{BLACKBURN}/line-list", sent)
    page = Page(answer.content.decode())
    assert (answer.status_code, page.anchors.count(field)) == (422, 1) and told in page.words


def test_days_are_typed_either_way_and_there_is_no_page_after_the_last(town: Town, signed_in: SignedIn) -> None:
    for days_ago in (9, 1):
        seen_at(town, days_ago, 1)
    client, address = signed_in("Dora"), f"/areas/{BLACKBURN}/line-list"
    since = london_date(timezone.now()) - timedelta(days=5)
    assert "1 case." in words(client.get(address, {"since": f"{since:%d/%m/%Y}"}))
    last = words(client.get(address, {"page": "999"}))
    assert "2 cases." in last and "Page 1" in last and "Next" not in last
    found = line_list(
        scope=town.by("Dora", timezone.now()),
        area=BLACKBURN,
        now=timezone.now(),
        filters=Filters(),
        order="specimen",
        limit=1,
        offset=9,
    )
    assert (len(found.lines), found.count, found.more, found.offset) == (1, 2, False, 1)
    assert "0 cases." in words(client.get(address, {"page": "9", "sector": "ZZ"}))


def test_a_view_is_saved_opened_and_deleted(town: Town, signed_in: SignedIn) -> None:
    seen_at(town, 2, 1)
    with walls.transaction(ACCOUNTS):
        analyst = town.users["Charlie"]
        Membership.objects.create(user=analyst, role="analyst", area_id=BLACKBURN, from_at=timezone.now())
    client, address = signed_in("Dora"), f"/areas/{BLACKBURN}/line-list"
    view = {"to": "17", "order": "age", "columns": ["case", "sex"], "nonsense": "x"}
    unnamed = client.post(f"{address}/views", view)
    assert unnamed.status_code == 422 and "Give the view a name" in unnamed.content.decode()
    assert 'value="17"' in unnamed.content.decode()
    for order in ("name", "age"):
        answer = client.post(f"{address}/views", view | {"order": order, "view_name": "Under <18>"})
        assert answer.headers["Location"] == f"{address}?to=17&order={order}&columns=case&columns=sex"
    page = client.get(address).content.decode()
    assert page.count("Under &lt;18&gt;</a>") == 1
    assert f'href="{address}?to=17&amp;order=age&amp;columns=case&amp;columns=sex"' in page
    opened = client.get(address, {"from": "17", "columns": ["case", "sex"]})
    assert "Person 1 Test" not in words(opened) and "Female" in words(opened)
    assert "Under <18>" not in words(signed_in("Charlie").get(address))
    number = int(page.split("/line-list/views/")[1].split("/")[0])
    assert signed_in("Charlie").post(f"{address}/views/{number}/delete").status_code == 404
    assert "The view is deleted." in words(client.post(f"{address}/views/{number}/delete", follow=True))
    assert "Your saved views" not in words(client.get(address))
    out = client.get(address, {"format": "csv", "columns": ["case", "age"]})
    assert b"".join(out.streaming_content).decode("utf-8-sig").splitlines()[0] == "case,age"


def test_a_file_is_what_the_list_shows_line_by_line(town: Town, signed_in: SignedIn) -> None:
    """Narrowed and ordered as the list is, with every column that its reader may see."""
    now, on = timezone.now(), london_date(timezone.now())
    traces = [seen_at(town, days_ago, 1) for days_ago in (1, 2, 3, 30)]
    first, second = (row(trace, "ref, case_id, person_id") for trace in traces[:2])
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases SET care_home = true, onset_date = %s WHERE id = %s", [on - timedelta(days=4), first[1]]
        )
        cursor.execute(
            "UPDATE people SET given_name = 'Zo\u00eb', postcode = '', birth_date = %s WHERE id = %s",
            [date(on.year - 30, 1, 1), first[2]],
        )
        cursor.execute("UPDATE cases SET postcode = '-1+1' WHERE id = %s", [second[1]])
        cursor.execute(
            "UPDATE traces SET closed_at = %s, outcome = 'reached', queued = false, reached_at = %s,"
            " reached_by_kind = 'local' WHERE id = %s",
            [now, now, traces[1]],
        )
        for number, withdrawn in ((2, None), (3, now)):
            person = row(traces[number], "person_id")[0]
            cursor.execute(
                "INSERT INTO contacts (case_id, case_person_id, person_id, entry, relation, last_contact, identified_at,"
                " source, withdrawn_at, withdrawn_why) VALUES (%s, %s, %s, 'a', 'work', %s, %s, 'tracer', %s, 'Not there.')",
                [first[1], first[2], person, on, now, withdrawn],
            )
    asked = {"format": "csv", "since": str(on - timedelta(days=2)), "order": "name"}
    answer = signed_in("Dora").get(f"/areas/{BLACKBURN}/line-list", asked)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="line-list-{BLACKBURN}-{on}.csv"'
    taken = b"".join(answer.streaming_content)
    assert taken.startswith(b"\xef\xbb\xbfcase,")
    lines = list(csv.DictReader(io.StringIO(taken.decode("utf-8-sig"))))
    assert [each["name"] for each in lines] == ["Person 2 Test", "Zo\u00eb Test"]
    assert lines[1] == {
        "case": first[0],
        "name": "Zo\u00eb Test",
        "age": "30" if (on - timedelta(days=1)).year == on.year else "29",
        "sex": "F",
        "postcode": "BB1 1AA",
        "specimen date": str(on - timedelta(days=1)),
        "onset date": str(on - timedelta(days=4)),
        "care home": "yes",
        "outcome": "open",
        "contacts": "1",
        "incident": "",
    }
    assert [lines[0][name] for name in ("postcode", "care home", "outcome", "onset date")] == [
        "'-1+1",
        "no",
        "reached",
        "",
    ]
    assert len(events("line list.exported")) == 1 and events("line list.listed") == []


def test_a_name_is_no_formula_in_a_spreadsheet(town: Town, signed_in: SignedIn) -> None:
    _, person = row(town.trace(now=timezone.now() - timedelta(days=1)), "case_id, person_id")
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute("UPDATE people SET given_name = '=HYPERLINK(1)' WHERE id = %s", [person])
    out = signed_in("Dora").get(f"/areas/{BLACKBURN}/line-list", {"format": "csv"})
    assert ",'=HYPERLINK(1) Test," in b"".join(out.streaming_content).decode()


def test_alerts_are_on_the_page_and_can_be_set_aside(town: Town, signed_in: SignedIn) -> None:
    now = timezone.now() - timedelta(days=1)
    for household in (1, 2):
        number, person = row(town.trace(now=now - timedelta(days=1), household=household), "case_id, person_id")
        on = london_date(now) - timedelta(days=3)
        with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
            cursor.execute("UPDATE cases SET postcode = '' WHERE id = %s", [number])
            cursor.execute(
                "INSERT INTO exposures (case_id, person_id, entry, place, postcode, category, from_date, until_date,"
                " \"window\", source, recorded_at) VALUES (%s, %s, 'a', 'Flex', 'ZE1 0AA', 'sport', %s, %s, 'both', 'tracer', %s)",
                [number, person, on, on, now],
            )
    detection.look(by=DETECTION, now=now)
    client = signed_in("Dora")
    assert "2 cases from 2 households named Flex at ZE1 0AA" in words(client.get(f"/areas/{BLACKBURN}"))
    answer = client.get(f"/areas/{BLACKBURN}/clusters")
    assert "was counted in simulations" in answer.content.decode()
    ref = answer.content.decode().split('id="alert-')[1][:7]
    wrong = client.post(f"/areas/{BLACKBURN}/clusters/dismiss", {"alert": ref})
    assert wrong.status_code == 422 and "Say why it needs nothing done" in wrong.content.decode()
    done = client.post(f"/areas/{BLACKBURN}/clusters/dismiss", {"alert": ref, f"why-{ref}": "Two shifts."}, follow=True)
    assert "is set aside" in words(done) and "Two shifts." in words(done)
    assert client.post(f"/areas/{BLACKBURN}/clusters/dismiss", {"alert": ref, f"why-{ref}": "x"}).status_code == 404
    yesterday, before = (london_date(now) - timedelta(days=ago) for ago in (0, 1))
    for address in (f"/areas/{BLACKBURN}", f"/areas/{BLACKBURN}/clusters"):
        answer = client.get(address, {"as-at": str(yesterday)})
        told, page = words(answer), Page(answer.content.decode())
        assert "2 cases from 2 households named Flex at ZE1 0AA" in told and "Two shifts." not in told
        assert f"is known from {day_in_words(yesterday)} on" in told and page.problems == []
        assert "Set it aside" not in told and "Open an incident" not in told
        assert "What the methods had found by then was not kept." in words(client.get(address, {"as-at": str(before)}))
        assert "2 cases from 2" in told and "named Flex" not in words(client.get(address, {"as-at": str(before)}))
    wrong = client.get(f"/areas/{BLACKBURN}/clusters", {"as-at": "31/02/2026"})
    assert wrong.status_code == 422 and "must be a real date" in Page(wrong.content.decode()).words


def test_places_at_risk_say_what_is_not_known(town: Town, signed_in: SignedIn) -> None:
    trace, on = seen_at(town, 2, 1), london_date(timezone.now()) - timedelta(days=2)
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO settings (ref, kind, name, name_key, authority, created_at)"
            " VALUES ('AAA-AAA', 'care_home', 'Willow House', 'willow house', %s, now())",
            [BLACKBURN],
        )
        cursor.execute(
            'INSERT INTO exposures (case_id, person_id, setting_id, entry, category, from_date, until_date, "window",'
            " source, recorded_at) SELECT t.case_id, t.person_id, s.id, 'a', 'care', %s, %s, 'both', 'tracer', now()"
            " FROM traces t, settings s WHERE t.id = %s",
            [on, on, trace],
        )
    client, address = signed_in("Dora"), f"/areas/{BLACKBURN}/settings"
    before = words(client.get(address))
    assert "1 case, the last 2 days ago; a setting for the health protection team" in before and "not known" in before
    # Of the cases in its region the health protection team knows those that were escalated, and is told so.
    assert "Only cases that were escalated" not in words(client.get("/settings"))
    theirs = signed_in("Hana")
    assert "Only cases that were escalated to you are counted" in words(theirs.get("/settings"))
    assert "Cases escalated to you that named it 0" in words(theirs.get("/settings/AAA-AAA"))
    wrong = client.post("/settings/AAA-AAA/size", {"people": "many"})
    assert wrong.status_code == 422 and "must be a whole number" in wrong.content.decode()
    assert "40 people are there." in words(client.post("/settings/AAA-AAA/size", {"people": "40"}, follow=True))
    assert "2.5%" in words(client.get(address))
    yesterday = london_date(timezone.now()) - timedelta(days=1)
    then = client.get(address, {"as-at": str(yesterday)})
    assert f"as they were known on {day_in_words(yesterday)}" in words(then) and "Willow House" not in words(then)
    assert "must be a real date" in words(client.get(address, {"as-at": "31/02/2026"}), 422)
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO exposures (case_id, person_id, setting_id, entry, category, from_date, until_date, "window",'
            " source, recorded_at) SELECT t.case_id, t.person_id, s.id, 'b', 'care', %s, %s, 'both', 'tracer', now()"
            " FROM traces t, settings s WHERE t.id = %s",
            [on, on, seen_at(town, 2, 1)],
        )
    for people, said in (("2", "100.0%"), ("1", "over 100%: check the people there")):
        client.post("/settings/AAA-AAA/size", {"people": people})
        assert said in words(client.get(address))
