"""One history for both teams: whatever happened to a trace and its person, the newest first."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import attempts, handover, notes, work
from ringfence.base.references import reference
from ringfence.queries.traces import trace as record
from ringfence.rules.access import system_scope
from ringfence.web.timeline import events, threads
from tests.town import HOUR, INTAKE, MINUTE, START, SWEEP, row

NOW = START + HOUR
LATER = START + 26 * HOUR
INTERVIEWS, MESSAGES, SEARCH = (system_scope(name) for name in ("interviews", "messages", "search"))


def put(scope, statement, values):
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.fixture
def busy(town):
    """A trace to which everything happened that can happen."""
    trace = town.trace()
    person, case = row(trace, "person_id", "case_id")
    nia = town.users["Nia"].pk
    put(
        INTAKE,
        "INSERT INTO results (delivery_id, row_number, laboratory, specimen_id, test_type, result, specimen_date,"
        " report_date, postcode, gp_postcode, authority, sex, age, person_id, case_id, recorded_at)"
        " VALUES (1, 1, 'Royal Infirmary', 'S1', 'PCR', 'positive', '2026-11-14', '2026-11-15', '', '', '', 'F', 40,"
        " %s, %s, %s)",
        [person, case, START],
    )
    claimed = work.claim(team=town.team("national"), by=town.by("Nia"), now=NOW)
    attempts.record(
        trace=trace, version=claimed.version, kind="call", outcome="voicemail", by=town.by("Nia"), now=NOW + MINUTE
    )
    put(
        INTERVIEWS,
        "INSERT INTO questionnaires (key, version, from_at, title, body, recorded_at)"
        " VALUES ('case', 1001, %s, 'Case', '{}', %s);",
        [START, START],
    )
    put(
        INTERVIEWS,
        "INSERT INTO interviews (trace_id, questionnaire_id, started_at, started_by, updated_at, completed_at,"
        " completed_by) SELECT %s, id, %s, %s, %s, %s, %s FROM questionnaires WHERE version = 1001",
        [trace, NOW, nia, NOW, NOW + 4 * MINUTE, nia],
    )
    for question, at in (("language", 2), ("language", 2), ("symptoms", 3), ("support", 40)):
        put(
            INTERVIEWS,
            "INSERT INTO answers (interview_id, trace_id, question, value, at, user_id, team_id, source)"
            " SELECT id, trace_id, %s, %s, %s, %s, %s, 'tracer' FROM interviews WHERE trace_id = %s",
            [question, json.dumps("x"), NOW + at * MINUTE, nia, town.team("national"), trace],
        )
    put(
        INTERVIEWS,
        "INSERT INTO isolations (trace_id, person_id, day_0, from_date, until_date, policy, why, because, computed_at)"
        " VALUES (%s, %s, '2026-11-14', '2026-11-14', '2026-11-24', 'P', 'Ten days.', 'Symptoms began earlier.', %s)",
        [trace, person, NOW + 5 * MINUTE],
    )
    put(
        MESSAGES,
        "INSERT INTO templates (key, channel, language, version, from_at, body, recorded_at)"
        " VALUES ('hello', 'text', 'en', 1001, %s, 'Hello', %s)",
        [START, START],
    )
    put(
        MESSAGES,
        'INSERT INTO messages (ref, key, person_id, trace_id, template_id, channel, language, "to", "values", state,'
        " state_at, send_after, created_at, sent_at) SELECT 'm', 'm', %s, %s, id, 'text', 'en', '07700900001', '{}',"
        " 'delivered', %s, %s, %s, %s FROM templates WHERE version = 1001",
        [person, trace, *[NOW + 6 * MINUTE] * 4],
    )
    handover.sweep(by=SWEEP, now=LATER)
    asked = notes.add(trace=trace, kind="question", text="Which floor?", by=town.by("Lola"), now=LATER + MINUTE)
    notes.add(
        trace=trace, kind="answer", text="The third.", answers=asked.note, by=town.by("Nia"), now=LATER + 2 * MINUTE
    )
    notes.add(trace=trace, kind="note", text="Rings after four.", by=town.by("Lola"), now=LATER + 3 * MINUTE)
    put(
        town.by("Lola"),
        "INSERT INTO visits (trace_id, person_id, team_id, on_date, planned_at, planned_by) VALUES (%s, %s, %s, %s, %s, %s)",
        [trace, person, town.team("local"), date(2026, 11, 18), LATER + 4 * MINUTE, town.users["Lola"].pk],
    )
    return trace


@pytest.mark.parametrize("name", ["Nia", "Lola", "Dora"])
def test_everything_is_in_one_history_for_both_teams_and_the_director(town, busy, name):
    found = record(scope=town.by(name), ref=reference(1), now=LATER + HOUR)
    told = [(event.heading, event.by) for event in events(found)]
    nia, lola = "Nia, Blackburn with Darwen ring-fenced team", "Lola, Blackburn with Darwen local team"
    assert told == [
        ("Visit planned for Wednesday 18 November", lola),
        ("Note", lola),
        ("Answer", nia),
        ("Question to the Blackburn with Darwen ring-fenced team", lola),
        ("Handed over to Blackburn with Darwen local team", "The clock"),
        ("1 answer saved", nia),
        ("Text message: delivered", "The service"),
        ("Isolation changed: until Tuesday 24 November", ""),
        ("Interview completed", "Nia"),
        ("2 answers saved", nia),
        ("Phone call: voicemail", nia),
        ("Positive result", "Royal Infirmary"),
        ("Opened for the Blackburn with Darwen ring-fenced team", ""),
    ]
    assert [event.why for event in events(found)][7] == "Symptoms began earlier."
    assert [(thread.note.text, [answer.text for answer in thread.answers]) for thread in threads(found)] == [
        ("Which floor?", ["The third."])
    ]


def test_other_traces_of_the_person_are_named_if_they_may_be_opened(town, busy):
    from ringfence.actions import search

    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO traces (ref, shard, reason, person_id, case_id, authority, team_id, area, owned_since,"
            " created_at, why, priority, due_at, due_why, queued, phone)"
            " SELECT %s, 0, 'contact', person_id, case_id, authority, national_team_id, area, %s, %s, '', 5, %s, '', true,"
            " '' FROM traces WHERE id = %s",
            [reference(900), LATER, LATER, LATER, busy],
        )
    search.catch_up(by=SEARCH, now=LATER)
    seen = {
        name: [
            (other.ref, other.reason, other.closed)
            for other in record(scope=town.by(name), ref=reference(1), now=LATER + timedelta(hours=1)).others
        ]
        for name in ("Nia", "Lola")
    }
    assert seen == {"Nia": [(reference(900), "contact", False)], "Lola": []}


@pytest.mark.parametrize(("before", "grown_up"), [(MINUTE, False), (timedelta(), True)])
def test_who_is_grown_up_at_home_goes_by_london(town, before, grown_up):
    """Eighteen on 1 July 2027, which begins in London an hour before it does in Greenwich."""
    trace, other = town.trace(household=7), town.trace(household=7, born=date(2009, 7, 1))
    now = datetime(2027, 6, 30, 23, tzinfo=UTC) - before
    (found,) = record(scope=town.by("Nia"), ref=row(trace, "ref")[0], now=now).at_home
    assert (found.trace, found.adult) == (other, grown_up)
