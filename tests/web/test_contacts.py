"""The pages of contacts: never who named them, who else is at home, what became of each."""

import pytest
from django.utils import timezone

from ringfence.actions import work
from tests.interviews import person, place, rows, say, taken
from tests.town import HOUR, LUTON, MINUTE, START, row
from tests.web.reading import Page

NOW = START + 2 * HOUR


@pytest.fixture
def case(town):
    trace = town.trace(phone="07700900001", household=77)
    work.claim(team=town.team("national"), by=town.by("Nia"), now=NOW)
    entries = [
        person("a", "Ann Home", household=True),
        person("b", "Bo Work", phone="07700900002", place="p"),
        person("c", "Cy Away", phone="07700900003", postcode="LU1 1AA"),
    ]
    say(trace, town.by("Nia"), NOW, {"contacts": entries, "places": [place("p")]})
    taken(NOW)
    return trace


def ref(trace):
    return row(trace, "ref")[0]


def contact(name):
    found = rows(
        "SELECT t.id FROM contacts c JOIN people p ON p.id = c.person_id JOIN traces t ON t.id = c.trace_id"
        " WHERE p.given_name = %s",
        name,
    )
    return found[0]


def test_a_contact_s_page_tells_days_and_never_the_case(signed_in, case):
    answer = signed_in("Nia").get(f"/traces/{ref(contact('Bo'))}")
    page = Page(answer.content.decode())
    assert answer.status_code == 200
    assert "Sunday 15 November, work" in page.words
    assert "Wednesday 25 November" in page.words
    assert "Person 1" not in page.words
    assert ref(case) not in page.words


def test_who_else_is_at_the_address_is_ticked_in_the_form(signed_in, case):
    client = signed_in("Nia")
    home = contact("Ann")
    answer = client.get(f"/traces/{ref(case)}").content.decode()
    assert "Also at this address" in Page(answer).words
    assert answer.count('name="others"') == 1
    assert f'name="others" type="checkbox" value="{home}"' in answer
    sent = {
        "version": row(case, "version")[0],
        "kind": "call",
        "outcome": "reached",
        "others": home,
        "team": "",
        "then": "stop",
    }
    assert client.post(f"/traces/{ref(case)}/attempts", sent).status_code == 302
    assert row(home, "outcome") == ("reached",)
    page = Page(client.get(f"/traces/{ref(home)}").content.decode())
    assert "Told in a call to somebody else at their address" in page.words


def test_what_became_of_each(town, signed_in, case):
    page = Page(signed_in("Nia").get(f"/traces/{ref(case)}/contacts").content.decode())
    for said in ("Ann Home", "Bo Work", "Cy Away", "Lives with them", "The Mill", "To be called"):
        assert said in page.words, said
    # Luton's team has the third one: the state is told, the trace is not opened.
    assert row(contact("Cy"), "team_id") == (town.team("local", LUTON),)
    assert ref(contact("Cy")) not in signed_in("Nia").get(f"/traces/{ref(case)}/contacts").content.decode()


def test_a_withdrawn_contact_stays_in_the_list_with_the_reason(town, signed_in, case):
    nia = signed_in("Nia")
    assert "3 contacts named" in Page(nia.get(f"/traces/{ref(case)}").content.decode()).words
    say(case, town.by("Nia"), NOW + MINUTE, {"contacts": [person("b", "Bo Work", withdrawn="Was on holiday")]})
    taken(NOW + MINUTE)
    page = Page(nia.get(f"/traces/{ref(case)}/contacts").content.decode())
    assert "Was on holiday" in page.words
    assert "Not a contact after all" in page.words
    assert "named" not in Page(nia.get(f"/traces/{ref(case)}").content.decode()).words


def test_a_change_of_dates_is_said_on_the_page(town, signed_in, case):
    say(case, town.by("Nia"), NOW + MINUTE, {"onset_date": "2026-11-13"})
    taken(NOW + MINUTE)
    page = Page(signed_in("Nia").get(f"/traces/{ref(contact('Ann'))}").content.decode())
    assert "The dates of staying at home have changed" in page.words
    assert "Isolation changed: until Monday 23 November" in page.words


def test_whom_the_team_told_other_dates_is_on_its_own_page(signed_in, case):
    now = timezone.now()
    reached = "closed_at = %s, outcome = 'reached', reached_at = %s, reached_by_kind = 'national', queued = false"
    home = contact("Ann")
    rows(f"UPDATE traces SET {reached}, ready_at = NULL WHERE id = %s RETURNING id", now - HOUR, now - HOUR, home)
    rows(
        "UPDATE isolations SET because = 'The rules changed.', computed_at = %s WHERE trace_id = %s RETURNING id",
        now,
        home,
    )
    page = Page(signed_in("Nia").get("/work").content.decode())
    assert "Dates that changed since you told them" in page.words
    assert ref(home) in page.words
    assert "Dates that changed" not in Page(signed_in("Nick").get("/work").content.decode()).words
