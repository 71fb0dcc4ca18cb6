"""Contacts who test positive: linked to their case, called once."""

from datetime import date

import pytest
from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import becoming, work
from ringfence.actions.becoming import Mark
from tests.interviews import INTERVIEWS, person, rows, say, taken
from tests.town import HOUR, INTAKE, MINUTE, START, row

NOW = START + 2 * HOUR


@pytest.fixture
def contact(town):
    """Somebody named as a household contact by name alone."""
    trace = town.trace(phone="07700900001", household=77)
    entry = person("a", given_name="Person 2", family_name="Test", household=True)
    say(trace, town.by("Nia"), NOW, {"contacts": [entry]})
    taken(NOW)
    return rows("SELECT trace_id FROM contacts")[0]


def look(mark, now=NOW + HOUR):
    return becoming.become_cases(mark=mark, by=INTERVIEWS, now=now)


def positive(person_, on=date(2026, 11, 17)):
    """A case of somebody known."""
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cases (person_id, episode, first_specimen_date, last_positive_date, authority, ltla, postcode,"
            " opened_at, updated_at) VALUES (%s, 1, %s, %s, '', '', '', %s, %s) RETURNING id",
            [person_, on, on, NOW, NOW],
        )
        return cursor.fetchone()[0]


def test_the_same_person(contact):
    mark = Mark()
    assert look(mark) == 0
    case = positive(row(contact, "person_id")[0])
    assert look(mark) == 1
    assert rows("SELECT became_case_id, became_case_at FROM contacts") == [(case, NOW + HOUR)]
    assert row(contact, "outcome", "closed_at") == ("became_case", NOW + HOUR)
    assert look(mark) == 0


def test_known_by_less_than_the_laboratory_knows(town, contact):
    mark = Mark()
    look(mark)
    case_trace = town.trace(phone="07700900222")
    rows("UPDATE people SET household = 77 WHERE id = %s RETURNING id", row(case_trace, "person_id")[0])
    assert look(mark) == 1
    assert rows("SELECT person_id, became_case_id FROM contacts") == [row(case_trace, "person_id", "case_id")]
    assert row(contact, "outcome") == ("became_case",)
    assert row(case_trace, "closed_at") == (None,)


def test_another_name_in_the_same_home_is_somebody_else(town, contact):
    mark = Mark()
    look(mark)
    town.trace(phone="07700900222")
    other = town.trace(phone="07700900223")
    rows("UPDATE people SET household = 77 WHERE id = %s RETURNING id", row(other, "person_id")[0])
    assert look(mark) == 0


def test_while_nobody_looked(contact):
    positive(row(contact, "person_id")[0])
    assert look(Mark()) == 1


def test_an_infection_of_long_ago_is_another_one(contact):
    positive(row(contact, "person_id")[0], date(2026, 3, 1))
    assert look(Mark()) == 0


def test_who_is_on_the_phone_to_them_is_left_in_peace(town, contact):
    free = "queued = true, ready_at = NULL, priority = 1, household = NULL, phone = ''"
    rows(f"UPDATE traces SET {free} WHERE id = %s RETURNING id", contact)
    assert work.claim(team=town.team("national"), by=town.by("Noah"), now=NOW + MINUTE).trace == contact
    mark = Mark()
    look(mark, NOW + 2 * MINUTE)
    positive(row(contact, "person_id")[0])
    assert look(mark, NOW + 3 * MINUTE) == 0
    assert look(mark, NOW + 4 * MINUTE) == 0
    assert look(mark, NOW + 2 * HOUR) == 1
