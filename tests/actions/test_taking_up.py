"""From what was said in interviews to people, contacts, traces, places and isolations."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ringfence.accounts import walls
from ringfence.actions import attempts, work
from ringfence.actions.taking_up import Seen, TakenUp, look
from tests.interviews import INTERVIEWS, person, place, rows, say, taken
from tests.town import BLACKBURN, HOUR, LEICESTER, LUTON, MINUTE, START, SWEEP, events, row

NOW = START + 2 * HOUR

CONTACTS = (
    "SELECT person_id, trace_id, household, last_contact, withdrawn_why, became_case_id FROM contacts ORDER BY id"
)


@pytest.fixture
def case(town):
    """A case in Blackburn that Nia has open; tested on 16 November, so infectious from the 14th to the 26th."""
    trace = town.trace(phone="07700900001", household=77)
    claimed = work.claim(team=town.team("national"), by=town.by("Nia"), now=NOW)
    assert claimed.trace == trace
    return trace


def name(town, case, *entries, now=NOW, by="Nia", **answers):
    say(case, town.by(by, now), now, {"contacts": list(entries)} | answers)
    return taken(now)


def test_nothing_said_is_nothing_done(town, case):
    assert taken(NOW).interviews == 0


def test_a_contact_becomes_a_person_with_a_trace_and_an_isolation(town, case):
    done = name(town, case, person("a", phone="07700900002", email="ann@example.org", postcode="BB2 1AA"))
    assert (done.interviews, done.contacts, done.people, done.traces) == (1, 1, 1, 1)
    ((who, trace, household, last, *_),) = rows(CONTACTS)
    assert (household, last) == (False, date(2026, 11, 15))
    assert rows(
        "SELECT given_name, family_name, phone, email, birth_date, postcode FROM people WHERE id = %s", who
    ) == [("Ann", "Lee", "07700900002", "ann@example.org", None, "BB2 1AA")]
    assert row(trace, "reason", "team_id", "phone", "queued", "case_id", "authority") == (
        "contact", town.team("national"), "07700900002", True, None, BLACKBURN,
    )  # fmt: skip
    assert rows("SELECT until_date, because FROM isolations WHERE trace_id = %s", trace) == [(date(2026, 11, 25), "")]
    assert rows("SELECT area, why FROM standings WHERE person_id = %s ORDER BY why", who) == [
        (BLACKBURN, "contact"), (BLACKBURN, "lives"),
    ]  # fmt: skip


def test_taken_up_again_changes_nothing(town, case):
    name(town, case, person("a", phone="07700900002"), person("b", "Bo Ray", household=True), places=[place("p")])
    tables = ("people", "contacts", "traces", "isolations", "settings", "exposures")
    before = {table: rows(f"SELECT * FROM {table} ORDER BY 1") for table in tables}
    rows("UPDATE interviews SET taken_up = 0 RETURNING id")
    assert taken(NOW + MINUTE).interviews == 1
    for table, held in before.items():
        assert rows(f"SELECT * FROM {table} ORDER BY 1") == held, table
    assert taken(NOW + MINUTE).interviews == 0


def test_where_they_live_decides_whose_team_calls(town, case):
    name(
        town,
        case,
        person("a", "Ann Lee", postcode="LU1 1AA"),
        person("b", "Bo Ray", postcode="LE1 1AA"),
        person("c", "Cy Dee", household=True),
        person("d", "Di Fox"),
    )
    found = dict(
        rows(
            "SELECT p.given_name, t.team_id FROM contacts c JOIN people p ON p.id = c.person_id"
            " JOIN traces t ON t.id = c.trace_id"
        )
    )
    assert found == {
        "Ann": town.team("local", LUTON),
        "Bo": town.team("national", LEICESTER),
        "Cy": town.team("national"),
        "Di": town.team("national"),
    }


def test_a_household_shares_its_number_and_waits_while_somebody_is_on_the_phone_to_it(town, case):
    name(town, case, person("a", household=True))
    (trace,) = rows("SELECT trace_id FROM contacts")
    ends = row(case, "ready_at")[0]
    assert row(trace, "phone", "household", "queued", "ready_at") == ("07700900001", 77, False, ends)
    assert work.claim(team=town.team("national"), by=town.by("Noah"), now=NOW + MINUTE) is None


def test_the_same_person_named_by_two_cases_is_one_person_and_one_call(town, case):
    other = town.trace(phone="07700900009", household=78)
    work.claim(team=town.team("national"), by=town.by("Noah"), now=NOW)
    name(town, case, person("a", phone="07700900002"))
    done = name(town, other, person("z", "ANN LEE", "2026-11-16", phone="07700900002"), by="Noah", now=NOW + HOUR)
    assert (done.contacts, done.people, done.traces) == (1, 0, 0)
    first, second = rows(CONTACTS)
    assert first[:2] == second[:2]
    assert rows(
        "SELECT until_date, because FROM isolations WHERE trace_id = %s AND superseded_at IS NULL", first[1]
    ) == [(date(2026, 11, 26), "Another day or another case was named.")]
    assert rows("SELECT count(*) FROM isolations WHERE trace_id = %s", first[1]) == [2]


def test_two_interviews_in_one_look_make_one_person_of_one(town, case):
    other = town.trace(phone="07700900009", household=78)
    say(case, town.by("Nia"), NOW, {"contacts": [person("a", phone="07700900002")]})
    say(other, town.by("Nia"), NOW, {"contacts": [person("b", phone="07700900002")]})
    done = taken(NOW)
    assert (done.interviews, done.contacts, done.people, done.traces) == (2, 2, 1, 1)


def test_who_is_no_contact_gets_no_trace(town, case):
    done = name(town, case, person("a", on="2026-11-13"))
    assert (done.contacts, done.people, done.traces) == (0, 0, 0)


def test_an_onset_moves_windows_and_isolations_and_is_kept_with_its_history(town, case):
    name(town, case, person("a", household=True, phone="07700900002"), person("b", "Bo Ray", "2026-11-12"))
    assert rows("SELECT count(*) FROM contacts") == [1]
    name(
        town, case, person("a", household=True, phone="07700900002"), person("b", "Bo Ray", "2026-11-12"),
        now=NOW + MINUTE, onset_date="2026-11-13", has_symptoms=True,
    )  # fmt: skip
    assert rows(
        "SELECT onset_date FROM cases WHERE person_id = (SELECT person_id FROM traces WHERE id = %s)", case
    ) == [date(2026, 11, 13)]
    assert rows("SELECT count(*) FROM contacts") == [2]
    (home,) = rows("SELECT trace_id FROM contacts WHERE household")
    assert rows("SELECT until_date, because FROM isolations WHERE trace_id = %s ORDER BY id", home) == [
        (date(2026, 11, 26), ""),
        (date(2026, 11, 23), "The day on which it began in their home was corrected."),
    ]
    assert rows("SELECT until_date, because FROM isolations WHERE trace_id = %s ORDER BY id", case) == [
        (date(2026, 11, 26), ""),
        (date(2026, 11, 23), "The day on which symptoms began was corrected."),
    ]
    assert len(events("isolation.changed")) == 2


def test_an_onset_later_puts_somebody_out_of_the_window(town, case):
    name(town, case, person("a", on="2026-11-14"))
    done = name(town, case, person("a", on="2026-11-14"), now=NOW + MINUTE, onset_date="2026-11-17")
    assert done.withdrawn == 0  # an onset after today is not believed
    later = NOW + timedelta(days=2)
    done = name(town, case, person("a", on="2026-11-14"), now=later, onset_date="2026-11-17")
    assert done.withdrawn == 1
    ((_, trace, _, _, why, _),) = rows(CONTACTS)
    assert why.startswith("The last contact on 14 November 2026 was before")
    assert row(trace, "outcome", "closed_at") == ("withdrawn", later)
    assert rows("SELECT count(*) FROM isolations WHERE trace_id = %s AND superseded_at IS NULL", trace) == [0]


def test_a_withdrawn_entry_closes_the_untouched_trace_alone(town, case):
    name(town, case, person("a"), person("b", "Bo Ray", phone="07700900003"))
    claimed = work.claim(team=town.team("national"), by=town.by("Noah"), now=NOW + MINUTE)
    name(
        town, case, person("a", withdrawn="Named by mistake"), person("b", "Bo Ray", withdrawn="Named by mistake"),
        now=NOW + 2 * MINUTE,
    )  # fmt: skip
    outcomes = {trace: row(trace, "outcome")[0] for trace in rows("SELECT trace_id FROM contacts")}
    assert outcomes.pop(claimed.trace) == ""
    assert set(outcomes.values()) == {"withdrawn"}
    name(town, case, person("a"), now=NOW + 3 * MINUTE)
    assert rows("SELECT withdrawn_at IS NULL FROM contacts ORDER BY id") == [True, False]


def test_a_correction_is_about_the_same_person(town, case):
    name(town, case, person("a", "Anne Leigh"))
    done = name(town, case, person("a", "Ann Lee", phone="07700900002", adult=False), now=NOW + MINUTE)
    assert done.people == 0
    assert rows("SELECT p.given_name, p.phone, p.adult FROM contacts c JOIN people p ON p.id = c.person_id") == [
        ("Ann", "07700900002", False)
    ]


def test_an_entry_that_turns_out_to_be_somebody_known_is_that_person(town, case):
    other = town.trace(phone="07700900009", household=78, born=date(1990, 1, 1))
    known = row(other, "person_id")[0]
    name(town, case, person("a", "Person Test"))
    name(
        town, case,
        person("a", "Person 2 Test", given_name="Person 2", family_name="Test", phone="07700900009"),
        now=NOW + MINUTE,
    )  # fmt: skip
    assert rows("SELECT person_id FROM contacts WHERE withdrawn_at IS NULL") == [known]
    assert rows("SELECT withdrawn_why FROM contacts WHERE withdrawn_at IS NOT NULL") == [
        "They turned out to be somebody known already."
    ]
    assert rows("SELECT outcome FROM traces WHERE reason = 'contact'") == ["withdrawn"]


def test_who_is_a_case_gets_no_second_trace(town, case):
    other = town.trace(phone="07700900009", household=77)
    name(town, case, person("a", given_name="Person 2", family_name="Test", household=True))
    assert rows("SELECT person_id, trace_id, became_case_id FROM contacts") == [
        (row(other, "person_id")[0], None, row(other, "case_id")[0])
    ]
    assert rows("SELECT count(*) FROM traces WHERE reason = 'contact'") == [0]


def test_nobody_is_a_contact_of_themselves(town, case):
    done = name(town, case, person("a", given_name="Person 1", family_name="Test", household=True))
    assert (done.contacts, done.people) == (0, 0)


def test_who_was_told_is_not_called_again_for_as_long(town, case):
    name(town, case, person("a", phone="07700900002"))
    claimed = work.claim(team=town.team("national"), by=town.by("Noah"), now=NOW + MINUTE)
    attempts.record(
        trace=claimed.trace,
        version=claimed.version,
        kind="call",
        outcome="reached",
        by=town.by("Noah"),
        now=NOW + MINUTE,
    )
    other = town.trace(phone="07700900009", household=78)
    name(town, other, person("b", phone="07700900002", on="2026-11-15"), now=NOW + HOUR)
    assert rows("SELECT count(DISTINCT trace_id), count(*) FROM contacts") == [(1, 2)]
    name(town, other, person("b", phone="07700900002", on="2026-11-16"), now=NOW + 2 * HOUR)
    assert rows("SELECT count(*) FROM traces WHERE reason = 'contact' AND closed_at IS NULL") == [1]


def test_who_was_spoken_for_is_reached_through_the_case_s_call(town, case):
    name(
        town,
        case,
        person("a", household=True, spoken_for=True, phone="07700900002"),
        person("b", "Bo Ray", household=True),
    )
    told, other = rows("SELECT trace_id FROM contacts ORDER BY id")
    version = row(case, "version")[0]
    at = NOW + 10 * MINUTE
    attempts.record(trace=case, version=version, kind="call", outcome="reached", by=town.by("Nia"), now=at)
    assert row(told, "outcome", "reached_at", "reached_by_kind", "attempts") == ("reached", at, "national", 0)
    assert rows("SELECT count(*) FROM attempts WHERE trace_id = %s AND through_id IS NOT NULL", told) == [1]
    assert row(other, "outcome", "queued", "ready_at") == ("", False, at + 2 * HOUR)


def test_spoken_for_after_the_call_was_recorded(town, case):
    version = row(case, "version")[0]
    attempts.record(trace=case, version=version, kind="call", outcome="reached", by=town.by("Nia"), now=NOW + MINUTE)
    done = name(town, case, person("a", household=True, spoken_for=True), now=NOW + 2 * MINUTE)
    assert done.spoken_for == 1
    assert rows("SELECT outcome FROM traces WHERE reason = 'contact'") == ["reached"]


def test_contacts_of_a_local_interview_go_by_the_partnership(town):
    trace = town.trace(LUTON, phone="07700900005", household=79)
    name(town, trace, person("a", household=True), by="Lars")
    assert rows("SELECT team_id, why FROM traces WHERE reason = 'contact'") == [
        (
            town.team("national", LUTON),
            "Named in a local interview: by Luton's policy contacts go back to the national team.",
        )
    ]


def test_a_place_is_one_setting_whoever_names_it(town, case):
    other = town.trace(phone="07700900009")
    name(town, case, places=[place("p", "The Mill Ltd.")])
    name(town, other, places=[place("q", "mill", **{"from": "2026-11-09", "until": "2026-11-14"})], now=NOW + MINUTE)
    assert rows("SELECT name, kind, postcode, authority FROM settings") == [
        ("The Mill Ltd.", "workplace", "BB1 1AA", BLACKBURN)
    ]
    assert rows('SELECT category, "window" FROM exposures ORDER BY id') == [("work", "infectious"), ("work", "both")]
    assert rows("SELECT count(DISTINCT setting_id) FROM exposures") == [1]


def test_a_place_without_a_postcode_is_a_stay_alone(town, case):
    name(town, case, places=[place("p", postcode="")])
    assert rows("SELECT setting_id, place FROM exposures") == [(None, "The Mill")]


def test_a_contact_at_a_place_is_linked_to_it(town, case):
    name(town, case, person("a", place="p"), places=[place("p")])
    assert rows("SELECT c.setting_id = e.setting_id FROM contacts c, exposures e") == [True]


def test_a_place_withdrawn_stays_readable(town, case):
    name(town, case, places=[place("p")])
    name(town, case, places=[place("p", withdrawn="Another day")], now=NOW + MINUTE)
    assert rows("SELECT withdrawn_at FROM exposures") == [NOW + MINUTE]


def test_language_and_birth_date_are_learnt(town, case):
    name(town, case, person("a", phone="07700900002"))
    (trace,) = rows("SELECT trace_id FROM contacts")
    say(trace, town.by("Nia"), NOW, {"language": "Polish", "birth_date": "2010-01-02"})
    taken(NOW)
    assert rows("SELECT language, birth_date FROM people WHERE language <> ''") == [("Polish", date(2010, 1, 2))]


def test_numbers_that_were_tried_rest_before_a_new_trace_is_called(town):
    trace = town.trace(phone="07700900001", household=77)
    claimed = work.claim(team=town.team("national"), by=town.by("Nia"), now=NOW)
    attempts.record(trace=trace, version=claimed.version, kind="call", outcome="no_answer", by=town.by("Nia"), now=NOW)
    say(trace, town.by("Nia"), NOW + MINUTE, {"contacts": [person("a", household=True)]})
    taken(NOW + MINUTE)
    (contact,) = rows("SELECT trace_id FROM contacts")
    assert row(contact, "queued", "ready_at") == (False, NOW + 2 * HOUR)
    assert work.wake(by=SWEEP, now=NOW + 2 * HOUR) == 2


def test_the_clock_s_look_takes_up_what_there_is_and_asks_once_when_there_is_nothing(town, case):
    seen = Seen()
    look(seen=seen, by=INTERVIEWS, now=NOW)
    for _ in range(3):  # until no transaction can still add a case behind the mark
        look(seen=seen, by=INTERVIEWS, now=NOW)
    say(case, town.by("Nia"), NOW, {"contacts": [person("a", phone="07700900002")]})
    assert look(seen=seen, by=INTERVIEWS, now=NOW).contacts == 1
    with CaptureQueriesContext(connection) as asked:
        assert look(seen=seen, by=INTERVIEWS, now=NOW) == TakenUp()
    assert sum("service_rules" in each["sql"] for each in asked) == 1
    assert not any("advisory" in each["sql"] for each in asked)


def test_an_interview_that_cannot_be_taken_up_keeps_no_other_waiting(town, case, caplog):
    seen, other = Seen(), town.trace(phone="07700900005")
    interview = say(other, town.by("Nia", NOW), NOW, {"contacts": [person("a", "Cy Lee")]})
    # A day on the record with which nobody can count.
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases SET onset_date = '0001-01-01' FROM traces t WHERE t.case_id = cases.id AND t.id = %s", [other]
        )
    say(case, town.by("Nia", NOW), NOW + MINUTE, {"contacts": [person("b", "Bo Lee")]})
    assert look(seen=seen, by=INTERVIEWS, now=NOW + MINUTE).people == 1
    assert [each.message for each in caplog.records] == [f"what was said in interview {interview} cannot be taken up"]
    assert look(seen=seen, by=INTERVIEWS, now=NOW + MINUTE) == TakenUp()
    assert len(caplog.records) == 1
    # More is said, and it is tried again.
    say(other, town.by("Nia", NOW), NOW + HOUR, {"has_symptoms": True, "onset_date": "2026-11-14"})
    assert look(seen=seen, by=INTERVIEWS, now=NOW + HOUR).people == 1


@pytest.mark.parametrize("wrong", [7, "Ann", {"a": [1]}, [None, "x", {"id": "entry-a"}, {"id": 5}], [[["x"]]]])
def test_what_was_sent_past_the_form_changes_nothing_that_was_made_before(town, case, wrong):
    said = {"has_symptoms": True, "onset_date": "2026-11-14", "language": "Polish", "places": [place("p")]}
    name(town, case, person("a", phone="07700900002"), **said)
    made = "SELECT (SELECT count(*) FROM contacts WHERE withdrawn_at IS NULL), (SELECT count(*) FROM exposures"
    made += " WHERE withdrawn_at IS NULL), (SELECT max(onset_date) FROM cases), (SELECT max(language) FROM people)"
    before = rows(made)
    assert before == [(1, 1, date(2026, 11, 14), "Polish")]
    every = ("contacts", "places", "onset_date", "has_symptoms", "birth_date", "exemptions")
    say(case, town.by("Nia", NOW), NOW + MINUTE, dict.fromkeys(every, wrong) | {"language": [wrong]})
    assert taken(NOW + MINUTE).interviews == 1
    assert rows(made) == before
