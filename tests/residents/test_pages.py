"""The pages of a resident, asked for as an old phone does."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import timedelta
from itertools import cycle
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from ringfence.accounts import walls
from ringfence.actions import interview, work
from ringfence.queries.interview import sheet
from ringfence.rules.calendar import london_date
from ringfence.rules.questionnaire import Kind
from ringfence.web import asking
from tests.database import Connection
from tests.residents.conftest import Invited
from tests.residents.phone import Phone
from tests.serving import Site
from tests.town import INTERVIEWS, Town

BORN = {"born-day": "4", "born-month": "3", "born-year": "1980"}
WRONG = {**BORN, "born-day": "5"}


def enter(phone: Phone, link: str) -> Phone:
    phone.open(link)
    return phone.send(**BORN)


def answers(trace: int) -> dict[str, object]:
    """The latest answers, as they are kept."""
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (question) question, value::text, source FROM answers WHERE trace_id = %s"
            " ORDER BY question, id DESC",
            [trace],
        )
        rows = cursor.fetchall()
    assert {source for *_, source in rows} <= {"resident"}
    return {question: json.loads(value) for question, value, _ in rows}


def test_the_whole_form_with_a_stop_in_the_middle(phone: Phone, invited: Invited, trace: int, town: Town) -> None:
    link = invited(trace)
    assert enter(phone, link).heading == "Hello Person 1"
    phone.follow("Start")
    assert phone.heading == "About you"
    phone.send(speaking_to="self", interpreter="no")
    assert phone.heading == "How you feel"
    phone.send(has_symptoms="yes")
    assert phone.address == "/form/illness?ask=onset_date,symptoms"
    assert "Do you feel ill" not in phone.words
    day = london_date(timezone.now()) - timedelta(days=3)
    phone.send(
        **{"onset_date-day": str(day.day), "onset_date-month": str(day.month), "onset_date-year": str(day.year)},
        symptoms="cough",
    )
    assert phone.heading == "People you were near"

    # Stops and comes back.
    phone.send(form=1)
    assert phone.heading == "Your answers are kept"
    assert phone.open("/form").status == 403
    assert enter(phone, link).status == 200
    assert "Done" in phone.words
    phone.follow("Go on")
    assert phone.heading == "People you were near"

    phone.send(any_contacts="yes")
    assert phone.heading == "Add a person"
    phone.send(given_name="Ann", relation="household", adult="yes", phone="07700 900 111")
    assert "Ann" in phone.words
    phone.follow("Add another person")
    bob = {"given_name": "Bob", "relation": "work", "adult": "", "email": "bob@example.com"}
    phone.send(**bob)
    assert "Choose the day they were last together" in phone.words
    last = {"last_contact-day": str(day.day), "last_contact-month": str(day.month), "last_contact-year": str(day.year)}
    phone.send(**bob, **last)
    phone.follow("Change Bob")
    phone.send(given_name="Rob")
    phone.follow("That is all")
    assert phone.heading == "Places you went to"
    phone.send(any_places="yes", occupation="Baker")
    assert phone.heading == "Add a place"
    yesterday = london_date(timezone.now()) - timedelta(days=1)
    phone.send(
        name="Corner Cafe",
        category="work",
        postcode="bb11aa",
        **{"from-day": str(yesterday.day), "from-month": str(yesterday.month), "from-year": str(yesterday.year)},
    )
    phone.follow("That is all")
    assert phone.heading == "Help for you"
    phone.send(needs_help="yes")
    phone.send(support="food", support_note="After six")
    assert phone.heading == "What to do now"
    phone.send(anything_else="")
    assert phone.heading == "Check your answers"
    assert "Ann, Rob" in phone.words
    phone.send()
    assert phone.heading == "Thank you"
    assert f"{(day + timedelta(days=10)).day} " in phone.words
    assert "Stay at home" in phone.words

    given = answers(trace)
    assert given["onset_date"] == day.isoformat()
    assert [(each["given_name"], each["household"], each["adult"], each["phone"]) for each in given["contacts"]] == [
        ("Ann", True, True, "07700900111"),
        ("Rob", False, None, ""),
    ]
    assert given["places"][0]["postcode"] == "BB1 1AA"
    assert (given["support"], given["support_note"]) == (["food"], "After six")
    now = timezone.now()
    seen = sheet(scope=town.by("Nia", now), trace=trace, now=now)
    assert seen.values["occupation"] == "Baker"
    assert seen.resident_completed_at is not None
    assert max(phone.sizes.values()) < 12_000, phone.sizes
    for address in ("/form", "/form/check", "/form/people", "/form/contacts/contacts/new"):
        assert phone.open(address).heading == "Thank you"


def test_mistakes_keep_what_was_typed_and_what_was_right(phone: Phone, invited: Invited, trace: int) -> None:
    enter(phone, invited(trace))
    phone.open("/form/illness").send(has_symptoms="yes")
    wrong = {"onset_date-day": "31", "onset_date-month": "2", "onset_date-year": "2026"}
    phone.send(**wrong, symptoms="fever")
    assert phone.status == 422
    assert "Give a real day" in phone.words
    assert 'value="31"' in phone.body and 'href="#onset_date"' in phone.body
    phone.send(**{**wrong, "onset_date-day": "1", "onset_date-year": "2020"}, symptoms="fever")
    assert phone.status == 422 and "This is more than a month from the test of" in phone.words
    assert answers(trace) == {"has_symptoms": True, "symptoms": ["fever"]}
    phone.open("/form/contacts/contacts/new").send(given_name="", phone="12")
    assert phone.status in (200, 422)


def test_a_person_needs_a_name_and_can_be_taken_back(phone: Phone, invited: Invited, trace: int) -> None:
    enter(phone, invited(trace))
    phone.open("/form/contacts").send(any_contacts="yes")
    phone.send()
    assert (phone.status, "Give a name" in phone.words) == (422, True)
    phone.send(given_name="Ann", phone="0770090012")
    assert "Give a telephone number" in phone.words and "Say how they know each other" in phone.words
    phone.send(given_name="Ann", phone="", relation="household")
    phone.follow("Change Ann")
    phone.send(remove="yes")
    assert phone.heading == "Add a person"
    (entry,) = answers(trace)["contacts"]  # type: ignore[misc]
    assert entry["withdrawn"] == "Taken back by the person on their own page"


def test_every_link_that_does_not_open_shows_the_same_page(
    phone: Phone, invited: Invited, trace: int, residents: Site
) -> None:
    link = invited(trace)

    def shown(address: str, born: dict[str, str]) -> tuple[int, str]:
        other = Phone(residents.port)
        other.open(address)
        first = other.body
        other.send(**born)
        assert "form-token" in other.cookies and "session" not in other.cookies
        told = re.sub(r'value="[^"]*"|/you/[\w-]+', "", other.body)
        assert re.sub(r'value="[^"]*"|/you/[\w-]+', "", first)
        return other.status, told

    wrong = shown(link, WRONG)
    assert wrong[0] == 422 and "We could not open the form" in wrong[1]
    assert shown("/you/" + "x" * 22, BORN) == wrong
    for change in (
        "expires_at = now()",
        "revoked_at = now()",
        "locked_until = now() + interval '1 hour'",
        "tries = 20",
    ):
        with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE links SET expires_at = now() + interval '1 day', revoked_at = NULL, locked_until = NULL, tries = 0"
            )
            cursor.execute(f"UPDATE links SET {change}")
        assert shown(link, BORN) == wrong, change


def test_a_session_belongs_to_one_phone(phone: Phone, invited: Invited, trace: int, residents: Site) -> None:
    link = invited(trace)
    # Fixation: a cookie that was put there before means nothing and is replaced.
    phone.cookies["session"] = ("a" * 64, "/form")
    enter(phone, link)
    mine = phone.cookies["session"][0]
    assert mine != "a" * 64 and len(mine) == 64
    other = Phone(residents.port)
    other.cookies["session"] = ("a" * 64, "/form")
    assert other.open("/form").status == 403
    other.cookies["session"] = ("b" * 10_000, "/form")
    assert other.open("/form").status in (403, 431)
    # Whoever enters later ends the session before.
    assert enter(Phone(residents.port), link).status == 200
    assert phone.open("/form").heading == "Your visit has ended"


def test_the_cookie_is_for_the_form_alone_and_no_script(phone: Phone, invited: Invited, trace: int) -> None:
    from http.client import HTTPConnection
    from urllib.parse import urlencode

    link = invited(trace)
    phone.open(link)
    (action, kept) = phone._read().forms[0]
    sending = HTTPConnection("127.0.0.1", phone.port)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": "; ".join(f"{name}={value}" for name, (value, _) in phone.cookies.items()),
    }
    sending.request("POST", action, urlencode({**kept, **BORN}), headers)
    answer = sending.getresponse()
    assert answer.status == 302
    made = [text for text in answer.headers.get_all("Set-Cookie") or () if text.startswith("session=")]
    assert len(made) == 1
    assert "HttpOnly" in made[0] and "Path=/form" in made[0] and "SameSite=Lax" in made[0]
    assert "expires" not in made[0].lower() and "max-age" not in made[0].lower()
    sending.close()


def test_a_form_without_its_token_changes_nothing(phone: Phone, invited: Invited, trace: int) -> None:
    enter(phone, invited(trace))
    phone.open("/form/illness")
    for address in ("/form/illness", "/form/check", "/form/leave", "/form/contacts/contacts/new"):
        phone.send(to=address, csrfmiddlewaretoken="x" * 64, has_symptoms="yes")
        assert (phone.status, phone.heading) == (403, "This page is too old")
        phone.open("/form/illness")
    assert answers(trace) == {}


def test_somebody_else_s_form_cannot_be_reached(
    phone: Phone, invited: Invited, trace: int, town: Town, residents: Site
) -> None:
    other = town.trace(now=timezone.now(), phone="07700900983")
    enter(phone, invited(trace))
    there = Phone(residents.port)
    enter(there, invited(other))
    there.open("/form/contacts").send(any_contacts="yes")
    there.send(given_name="Secret", relation="household")
    number = answers(other)["contacts"][0]["id"]  # type: ignore[index]
    phone.open("/form/contacts").send(any_contacts="yes")
    assert phone.open(f"/form/contacts/contacts/{number}").heading == "Hello Person 1"
    phone.open("/form/contacts/contacts/new").send(given_name="Ann", relation="household")
    assert "Secret" not in phone.words
    assert [each["given_name"] for each in answers(trace)["contacts"]] == ["Ann"]  # type: ignore[union-attr]


def test_a_tracer_s_answers_are_not_asked_again_and_end_the_form(
    phone: Phone, invited: Invited, trace: int, town: Town
) -> None:
    enter(phone, invited(trace))
    now = timezone.now()
    by = town.by("Nia", now)
    assert work.claim(team=town.team("national"), by=by, now=now) is not None
    interview.save(trace=trace, version=0, answers={"has_symptoms": "no"}, by=by, now=now)
    assert "How you feel" not in phone.open("/form").words
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute("UPDATE interviews SET completed_at = now(), completed_by = 1")
    assert phone.open("/form").heading == "We have what we need"


def test_messages_are_stopped_by_the_link(phone: Phone, invited: Invited, trace: int) -> None:
    link = invited(trace)
    phone.open(link).follow("Stop messages")
    assert phone.send().heading == "We will not send you more messages"
    assert phone.open("/you/" + "x" * 22 + "/stop").send().heading == "We will not send you more messages"
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute("SELECT channel, address, user_id FROM opt_outs")
        assert cursor.fetchall() == [("text", "07700900982", None)]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/", 200),
        ("/nothing", 404),
        ("/you/short", 404),
        ("/form", 403),
        ("/form/leave", 405),
        ("/static/../settings", 404),
    ],
)
def test_other_addresses(phone: Phone, town: Town, address: str, status: int) -> None:
    phone.open(address)
    assert phone.status == status
    assert phone.headers["cache-control"] == "no-store"
    assert "script-src" not in phone.headers["content-security-policy"]
    assert "default-src 'none'" in phone.headers["content-security-policy"]
    assert "<script" not in phone.body


@pytest.mark.parametrize("given", ["\0", "é" * 30, "-1", "9" * 400, "'; DROP TABLE links; --"])
def test_odd_input_is_no_error(phone: Phone, invited: Invited, trace: int, given: str) -> None:
    phone.open(invited(trace))
    phone.send(**{"born-day": given, "born-month": "3", "born-year": "1980"})
    assert phone.status == 422
    phone.send(**BORN)
    phone.open("/form/who").send(speaking_to=given, guardian_name=given, interpreter=given)
    assert phone.status in (200, 422)
    phone.open("/form/contacts").send(any_contacts="yes")
    phone.send(given_name=given, relation=given, phone=given, email=given)
    assert phone.status in (200, 422)


def test_what_was_sent_past_the_form_is_no_answer(
    phone: Phone, invited: Invited, trace: int, town: Town, login: Callable[[str], Connection]
) -> None:
    enter(phone, invited(trace))
    now = timezone.now()
    asked = sheet(scope=town.by("Nia", now), trace=trace, now=now).questionnaire.questionnaire
    wrong = cycle(["7", '{"a": [1]}', '"soon"', "[5]"])
    sent = {each.key: next(wrong) for each in asked.questions if each.kind not in (Kind.TEXT, Kind.LONG)}
    sent |= {
        "contacts": '[{"id": "entry-a"}, {"a": [1]}, 5]',
        "symptoms": "[" * 2000 + "]" * 2000,
        "onset_date": '"soon"',
    }
    told = ", ".join(f'"{key}": {value}' for key, value in {**sent, "occupation": '"Baker"'}.items())
    saving = login("resident").execute(
        "SELECT casework.resident_save(%s, %s)", [phone.cookies["session"][0], f"{{{told}}}"]
    )
    (kept,) = saving.fetchone() or (0,)
    assert kept > 5
    pages = [f"/form/{each.key}" for each in asked.sections]
    for address in ("/form", *pages, "/form/contacts/contacts", "/form/places/places", "/form/check"):
        assert phone.open(address).status == 200, address
    assert "Baker" in phone.words

    # Nor is it one to a tracer, who asks again.
    by = town.by("Nia", now)
    seen = sheet(scope=by, trace=trace, now=now)
    assert {key for key, value in seen.values.items() if value is not None} == {"occupation"}
    for section in asked.sections:
        asking.fields(seen, section, london_date(now))
    asking.words_of_fields(now, seen)
    assert asking.summary(seen, london_date(now))
    ann = {"id": "ann1", "given_name": "Ann", "relation": "household"}
    said = {"has_symptoms": "no", "contacts": [ann], "needs_help": "yes", "support": ["food"]}
    saved = interview.save(trace=trace, version=seen.version, answers=said, by=by, now=now)
    assert (saved.problems, set(saved.questions)) == ((), set(said))


def test_the_process_holds_no_key_and_no_other_password(residents: Site, town: Town) -> None:
    """What its environment and its file give it, as the process itself sees them."""
    home = Path(os.environ["RINGFENCE_HOME"])
    narrow = json.loads((home / "residents.json").read_text())
    whole = json.loads((home / "secrets.json").read_text())
    assert set(narrow["passwords"]) == {"ringfence_resident"}
    assert narrow["ticket_key"] == "" and whole["ticket_key"] not in json.dumps(narrow)
    assert whole["secret_key"] not in json.dumps(narrow)
    assert (home / "residents.json").stat().st_mode & 0o777 == 0o600
    variables = Path(f"/proc/{residents._process.pid}/environ").read_bytes().decode()
    for name in ("RINGFENCE_TICKET_KEY", "RINGFENCE_SECRET_KEY", "RINGFENCE_NOTIFY_KEY", "DATABASE_URL"):
        assert f"{name}=" not in variables
