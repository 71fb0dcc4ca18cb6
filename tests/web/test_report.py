"""What a situation report says of an incident, before it is set as a PDF."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db import connection

from ringfence.accounts import walls
from ringfence.accounts.models import Membership, User
from ringfence.actions import incidents, taking_part
from ringfence.queries import incidents as queries
from ringfence.rules.access import system_scope
from ringfence.web import paper
from tests.town import ACCOUNTS, BLACKBURN, INTERVIEWS, LUTON, START, Town, events, row

DAY = timedelta(days=1)
ON = START.date()


def seen(trace: int, on: date) -> int:
    """The case of a trace, with the day of its specimen."""
    (case,) = row(trace, "case_id")
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases SET first_specimen_date = %s, last_positive_date = %s, onset_date = NULL WHERE id = %s",
            [on, on, case],
        )
    return int(str(case))


def told(town: Town, ref: str, now: Any = START) -> dict[str, Any]:
    record = queries.report(scope=town.by("Dora", now), ref=ref, now=now)
    return paper.told(record, area="Here", made_by="Dora", now=now)


def opened(town: Town, summary: str = "A gym.") -> str:
    return incidents.open_incident(area=BLACKBURN, title="Flex", summary=summary, by=town.by("Dora"), now=START).ref


def test_its_cases_by_reference_who_infected_them_and_how_their_tracing_stands(town: Town) -> None:
    """One infected another; one is of Luton, which takes part; one was taken out again."""
    with walls.transaction(ACCOUNTS):
        town.users["Dan"] = User.objects.create_user("dan@example.org", "Dan")
        Membership.objects.create(user=town.users["Dan"], role="director", area_id=LUTON, from_at=START - DAY)
    dora, dan, ref = town.by("Dora"), town.by("Dan"), opened(town)
    assert (told(town, ref)["quiet"], told(town, ref)["cases"]) == ("no case is linked", [])
    taking_part.ask(incident=ref, area=LUTON, why="Yours.", by=dora, now=START)
    taking_part.answer(asked=queries.asks(scope=dan, area=LUTON)[0].id, agrees=True, by=dan, now=START)
    traces = town.trace(), town.trace(), town.trace(LUTON), town.trace()
    days = ON - 9 * DAY, ON - 4 * DAY, ON - 2 * DAY, ON
    cases = [seen(trace, on) for trace, on in zip(traces, days, strict=True)]
    refs = [str(row(trace, "ref")[0]) for trace in traces]
    for name, by in zip(refs, (dora, dora, dan, dora), strict=True):
        incidents.add_case(incident=ref, trace=name, why="Trained there.", by=by, now=START)
    incidents.remove_case(incident=ref, case=cases[3], why="Another gym.", by=dora, now=START)
    people = [row(trace, "person_id")[0] for trace in traces]
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts (case_id, case_person_id, person_id, entry, relation, last_contact, identified_at, source,"
            " became_case_id, became_case_at) VALUES (%s, %s, %s, 'a', 'work', %s, %s, 'tracer', %s, %s)",
            [cases[0], people[0], people[1], ON - 8 * DAY, START, cases[1], START],
        )
        cursor.execute(
            "UPDATE traces SET closed_at = %s, outcome = 'not_reached', queued = false WHERE id = %s",
            [START, traces[1]],
        )
    said = told(town, ref)
    by_ref = {each["ref"]: each for each in said["cases"]}
    assert list(by_ref) == [refs[0], refs[2], refs[1]], "by generation, then by day"
    assert [by_ref[name]["by"] for name in refs[:3]] == ["not known", refs[0], "not known"]
    assert by_ref[refs[1]]["how"] == "likely: ill 5 days after contact's case" and by_ref[refs[0]]["how"] == ""
    assert [by_ref[name]["generation"] for name in refs[:3]] == [0, 1, 0]
    assert [by_ref[name]["tracing"] for name in refs[:3]] == ["Still open", "Not reached", "Still open"]
    assert (said["removed"], said["quiet"]) == (1, "2 days")
    counted = {day: (cases, complete) for day, cases, complete in said["days"]}
    assert sum(cases for cases, _ in counted.values()) == 3
    assert [complete for _, complete in counted.values()][-4:] == [True, False, False, False]
    assert events("incident.reported")[-1][-1]["people"] == 3
    assert "Person" not in str(said)


def test_the_places_that_its_cases_named_and_nobody_s_home(town: Town) -> None:
    """A gym under two names that are one place, named twice by one case and once by the other; a home; one taken back."""
    dora, ref = town.by("Dora"), opened(town)
    traces = town.trace(), town.trace()
    for trace in traces:
        incidents.add_case(incident=ref, trace=str(row(trace, "ref")[0]), why="Trained there.", by=dora, now=START)
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO settings (ref, kind, name, name_key, authority, created_at)"
            " SELECT r, k, n, lower(n), %s, %s FROM unnest(%s::text[], %s::text[], %s::text[]) s (r, k, n)",
            [
                BLACKBURN,
                START,
                ["S-FLEX", "S-GYM", "S-HOME", "S-BAR"],
                ["leisure", "leisure", "home", "hospitality"],
                ["Flex", "The Flex Gym", "Ann's", "Bar"],
            ],
        )
        cursor.execute(
            "UPDATE settings SET merged_into_id = (SELECT id FROM settings WHERE ref = 'S-FLEX'), merged_at = %s,"
            " merged_by = %s WHERE ref = 'S-GYM'",
            [START, dora.user],
        )
        for number, (trace, place, withdrawn) in enumerate(
            (
                (traces[0], "S-FLEX", None),
                (traces[0], "S-GYM", None),
                (traces[1], "S-GYM", None),
                (traces[1], "S-HOME", None),
                (traces[1], "S-BAR", START),
            )
        ):
            cursor.execute(
                "INSERT INTO exposures (case_id, person_id, setting_id, entry, category, from_date, until_date,"
                " \"window\", source, recorded_at, withdrawn_at) SELECT t.case_id, t.person_id, s.id, %s, 'sport', %s, %s,"
                " 'both', 'tracer', %s, %s FROM traces t, settings s WHERE t.id = %s AND s.ref = %s",
                [str(number), ON, ON, START, withdrawn, trace, place],
            )
    assert told(town, ref)["places"] == [["Flex", "Leisure or sport", 2, ""]]
    incidents.add_setting(incident=ref, setting="S-BAR", why="Next door.", by=dora, now=START)
    assert told(town, ref)["places"] == [
        ["Bar", "Restaurant, pub or hotel", 0, "Next door."],
        ["Flex", "Leisure or sport", 2, ""],
    ]


def test_its_actions_say_how_they_stand_and_its_head_how_it_ended(town: Town) -> None:
    dora, ref = town.by("Dora"), opened(town)
    for what, due in (("done", 0), ("late", 0), ("today", 1), ("later", 2)):
        incidents.add_action(incident=ref, what=what, owner="Leo", due_on=ON + due * DAY, by=dora, now=START)
    incidents.add_action(incident=ref, what="logged", by=dora, now=START)
    record = queries.incident(scope=dora, ref=ref, now=START)
    done = next(each.id for each in record.actions if each.what == "done")
    incidents.finish_action(incident=ref, action=done, by=dora, now=START)
    assert told(town, ref)["closed"] == ""
    version = queries.incident(scope=dora, ref=ref, now=START).version
    incidents.close(incident=ref, version=version, outcome="no_outbreak", by=dora, now=START + DAY)
    said = told(town, ref, START + DAY)
    assert {each["what"]: each["state"] for each in said["actions"]} == {
        "done": "done 16 November 2026",
        "late": "overdue",
        "today": "open",
        "later": "open",
        "logged": "",
    }
    assert said["closed"] == "17 November 2026: Not an outbreak"
    assert (said["opened"], said["area"], said["made_by"]) == ("16 November 2026 by Dora", "Here", "Dora")


def test_a_case_whose_trace_goes_with_a_later_episode_is_named_by_its_authority(town: Town) -> None:
    dora, (later, person) = town.by("Dora"), row(town.trace(), "case_id, person_id")
    seen_before = ON - 100 * DAY
    with walls.transaction(system_scope("intake")), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cases (person_id, episode, first_specimen_date, last_positive_date, authority, ltla, postcode,"
            " opened_at, updated_at) VALUES (%s, 2, %s, %s, %s, '', '', %s, %s) RETURNING id",
            [person, seen_before, seen_before, BLACKBURN, START, START],
        )
        (case,) = cursor.fetchone()
    ref = opened(town)
    with walls.transaction(dora), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO incident_cases (incident_id, case_id, area, why, added_at, added_by)"
            " SELECT id, %s, %s, 'It was in the alert.', %s, %s FROM incidents",
            [case, BLACKBURN, START, dora.user],
        )
    (said,) = told(town, ref)["cases"]
    assert case != later and (said["ref"], said["tracing"]) == ("a case of Blackburn with Darwen", "")


def test_the_evidence_is_told_once(town: Town) -> None:
    with walls.transaction(system_scope("detection")), connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO alerts (ref, key, method, area, start, "end", found_at, updated_at, cases, rank, evidence, detail)'
            " SELECT r, r, 'scan', %s, %s, %s, %s, %s, 2, 1, 'Two cases together.', '{}' FROM unnest(%s::text[]) r",
            [BLACKBURN, ON, ON, START, START, ["AAA-222", "AAA-333"]],
        )
    dora = town.by("Dora")
    for alert, summary, evidence in (("AAA-222", "", ""), ("AAA-333", "A gym.", "Two cases together.")):
        ref = incidents.open_incident(
            area=BLACKBURN, title="Flex", alert=alert, summary=summary, by=dora, now=START
        ).ref
        said = told(town, ref)
        assert (said["summary"], said["evidence"]) == (summary or "Two cases together.", evidence)
