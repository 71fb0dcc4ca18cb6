"""The interview's pages: identity first, saved on the way, in any order, mistakes beside their fields, an end at any time."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from ringfence.accounts import walls
from ringfence.actions import interview as verbs
from ringfence.actions import taking_up
from ringfence.queries import interview as queries
from ringfence.rules.calendar import london_date
from tests.town import INTERVIEWS, Town, events, row
from tests.web.conftest import SignedIn, version
from tests.web.reading import Page

WHO = {"identity_confirmed": "yes", "speaking_to": "self", "interpreter": "no"}
PARTS = {
    "illness": {"has_symptoms": "no"},
    "contacts": {"any_contacts": "no"},
    "places": {"any_places": "no"},
    "help": {"needs_help": "no"},
    "advice": {"told": "yes"},
}


def sheet(town: Town, ref: str) -> queries.Sheet:
    now = timezone.now()
    return queries.interview(scope=town.by("Lena", now), ref=ref, now=now)[1]


#: What a page sends besides answers.
BESIDES = ("outcome", "kind", "note", "next", "interview", "call_back_at-day", "call_back_at-time")


def send(client: Client, town: Town, ref: str, part: str, then: str = "on", **sent: Any) -> tuple[int, Page, str]:
    """Send one part as its page does; two underscores stand for the dash in the fields of entries and dates."""
    answers = {key: value for key, value in sent.items() if key not in BESIDES}
    form: dict[str, Any] = {
        "interview": str(sheet(town, ref).version),
        "version": str(version(ref)),
        "then": then,
        "kind": "call",
        "asked": list(dict.fromkeys(key.split("__")[0] for key in answers)),
    }
    form |= {f"a-{key.replace('__', '-')}": value for key, value in answers.items()}
    form |= {key: value for key, value in sent.items() if key not in answers}
    answer = client.post(f"/traces/{ref}/interview/{part}", form, follow=True)
    return answer.status_code, Page(answer.content.decode()), answer.request["PATH_INFO"]


def look(client: Client, ref: str, part: str = "") -> Page:
    answer = client.get(f"/traces/{ref}/interview{part and '/'}{part}")
    assert answer.status_code == 200
    page = Page(answer.content.decode())
    assert page.problems == []
    return page


def test_nothing_is_disclosed_before_the_identity_check(town: Town, signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    for part in PARTS:
        page = look(client, trace, part)
        assert "Check who you are speaking to first" in page.words
        assert "coronavirus" not in page.words
    send(client, town, trace, "who", **WHO)
    assert "it shows coronavirus" in look(client, trace, "illness").words
    send(client, town, trace, "who", identity_confirmed="no")
    assert "it shows coronavirus" not in look(client, trace, "illness").words


def test_each_page_that_is_shown_is_one_opening(town: Town, signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    sent = {
        "interview": "0",
        "version": str(version(trace)),
        "then": "on",
        "kind": "call",
        "asked": ["identity_confirmed"],
    }
    client.post(f"/traces/{trace}/interview/who", sent | {"a-identity_confirmed": "yes"})
    assert events("trace.opened") == []
    look(client, trace, "illness")
    assert len(events("trace.opened")) == 1
    answer = client.post(f"/traces/{trace}/interview/illness", sent | {"asked": "onset_date", "a-onset_date-day": "77"})
    assert answer.status_code in (409, 422)
    assert len(events("trace.opened")) == 2


def test_from_part_to_part_to_the_end(town: Town, signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    assert "Who am I speaking to?" in look(client, trace).words
    _, _, address = send(client, town, trace, "who", **WHO)
    assert address == f"/traces/{trace}/interview/illness"
    for part, answers in PARTS.items():
        status, page, address = send(client, town, trace, part, **answers)
        assert status == 200
    assert address == f"/traces/{trace}/interview/finish"
    assert "Read back and finish" in page.words
    assert "Unwell No Nia" in page.words
    status, page, address = send(client, town, trace, "finish", next="no", note="All well.")
    assert (status, address) == (200, "/work")
    assert f"Saved: {trace}: They were reached." in page.words
    assert sheet(town, trace).completed_name == "Nia"
    page = Page(client.get(f"/traces/{trace}").content.decode())
    assert "Completed" in page.words and "Unwell" in page.words
    assert page.problems == []


def test_the_end_needs_what_must_be_asked_and_changes_nothing_without_it(
    town: Town, signed_in: SignedIn, trace: str
) -> None:
    client = signed_in("Nia")
    send(client, town, trace, "who", **WHO)
    status, page, _ = send(client, town, trace, "finish", note="Nearly.")
    assert status == 422
    assert "Ask this first: Unwell" in page.words
    # In the error summary, and in the list below it.
    assert page.links.count(f"/traces/{trace}/interview/illness#a-has_symptoms") == 2
    assert "Still to ask" in page.words
    assert "Nearly." in page.words
    assert page.problems == []
    assert events("attempt.recorded") == [] == events("interview.completed")


def test_a_mistyped_year_is_asked_again_and_counts_for_nothing(town: Town, signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    send(client, town, trace, "who", **WHO)
    day = {"onset_date__day": "1", "onset_date__month": "11", "onset_date__year": "2020"}
    status, page, _ = send(client, town, trace, "illness", has_symptoms="yes", onset_date="", **day)
    assert status == 422 and "This is more than a month from the test of" in page.words
    assert "onset_date" not in sheet(town, trace).values


def test_somebody_said_and_not_named_is_pointed_out(town: Town, signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    send(client, town, trace, "who", **WHO)
    for part, answers in {**PARTS, "contacts": {"any_contacts": "yes"}}.items():
        send(client, town, trace, part, **answers)
    page = look(client, trace, "finish")
    assert "Said, but not written down" in page.words and "Still to ask" not in page.words
    assert f"/traces/{trace}/interview/contacts#a-contacts" in page.links
    _, page, _ = send(client, town, trace, "finish")
    assert "They were reached." in page.words


def test_the_interview_is_complete_only_if_the_call_is_recorded(town: Town, signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    send(client, town, trace, "who", **WHO)
    for part, answers in PARTS.items():
        send(client, town, trace, part, **answers)
    status, _, _ = send(client, town, trace, "finish", kind="pigeon")
    assert status == 422
    assert sheet(town, trace).completed_at is None


def test_a_parent_or_guardian_of_somebody_under_18(town: Town, signed_in: SignedIn) -> None:
    now = timezone.now()
    ref = str(row(town.trace(now=now, born=date(now.year - 9, 1, 1)), "ref")[0])
    client = signed_in("Nia")
    assert "May I speak to the parent or guardian of Person 1 Test?" in look(client, ref, "who").words
    send(client, town, ref, "who", **WHO)
    page = look(client, ref, "illness")
    assert "Speak to a parent or guardian first" in page.words and "coronavirus" not in page.words
    for part, answers in PARTS.items():
        send(client, town, ref, part, **answers)
    status, page, _ = send(client, town, ref, "finish")
    assert status == 422
    assert "They are under 18: speak to a parent or guardian." in page.words
    send(client, town, ref, "who", speaking_to="guardian", guardian_name="Mo Test")
    status, page, _ = send(client, town, ref, "finish")
    assert "Their parent or guardian was reached." in page.words


def test_they_refuse_in_the_middle(town: Town, signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    _, page, address = send(client, town, trace, "who", then="end", outcome="refused", **WHO)
    assert address == "/work"
    assert "do not call again" in page.words
    found = sheet(town, trace)
    assert found.values["speaking_to"] == "self"
    assert found.completed_at is None


def test_they_ask_for_another_time_and_the_interview_goes_on_from_there(
    town: Town, signed_in: SignedIn, trace: str
) -> None:
    client = signed_in("Nia")
    send(client, town, trace, "who", **WHO)
    when = {"call_back_at-day": "1", "call_back_at-time": "14:00"}
    _, page, address = send(client, town, trace, "illness", then="end", outcome="call_back", has_symptoms="no", **when)
    assert address == "/work"
    assert "They asked to be called back" in page.words
    page = look(signed_in("Noah"), trace)
    assert "Who were they close to?" in page.words
    assert sheet(town, trace).values["has_symptoms"] is False


def test_how_the_call_ended_must_be_said(town: Town, signed_in: SignedIn, trace: str) -> None:
    status, page, _ = send(signed_in("Nia"), town, trace, "who", then="end", **WHO)
    assert status == 422
    assert "Choose how the call ended" in page.words
    assert "outcome" in page.anchors and page.problems == []
    assert sheet(town, trace).values["speaking_to"] == "self", "what was said is saved all the same"


def test_mistakes_stand_beside_their_fields_and_nothing_is_lost(town: Town, signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    send(client, town, trace, "who", **WHO)
    day = {"onset_date__day": "31", "onset_date__month": "2", "onset_date__year": "2026"}
    status, page, _ = send(client, town, trace, "illness", has_symptoms="yes", onset_date="", **day)
    assert status == 422
    assert "a-onset_date" in page.anchors and page.problems == []
    assert page.typed["a-onset_date-day"] == "31"
    assert sheet(town, trace).values["has_symptoms"] is True

    person = {"contacts__count": "2", "contacts__0__id": "aaaa1", "contacts__0__given_name": "Ann"}
    person |= {"contacts__0__relation": "household", "contacts__1__id": "aaaa2", "contacts__1__given_name": "Ben"}
    person |= {"contacts__1__phone": "ring", "contacts__1__relation": "work"}
    status, page, _ = send(client, town, trace, "contacts", any_contacts="yes", contacts="", **person)
    assert status == 422
    assert page.anchors.count("a-contacts-1-phone") == 1
    assert page.typed["a-contacts-1-phone"] == "ring"
    assert page.problems == []
    assert [each["given_name"] for each in sheet(town, trace).values["contacts"]] == ["Ann"]


def test_more_rows_keep_what_was_typed(town: Town, signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    send(client, town, trace, "who", **WHO)
    assert look(client, trace, "contacts").typed["a-contacts-count"] == "5"
    rows = {f"contacts__{number}__id": f"aaaa{number}" for number in range(5)}
    rows |= {f"contacts__{number}__given_name": f"Person {number}" for number in range(5)}
    rows |= {f"contacts__{number}__relation": "household" for number in range(5)}
    status, page, _ = send(
        client,
        town,
        trace,
        "contacts",
        then="more-contacts",
        any_contacts="yes",
        contacts="",
        contacts__count="5",
        **rows,
    )
    assert (status, page.typed["a-contacts-count"], page.typed["a-contacts-4-given_name"]) == (200, "7", "Person 4")
    assert page.typed["a-contacts-6-given_name"] == ""
    assert len(sheet(town, trace).values["contacts"]) == 5


def test_the_days_on_screen_follow_from_the_onset_just_entered(town: Town, signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    send(client, town, trace, "who", **WHO)
    onset = london_date(timezone.now()) - timedelta(days=4)
    parts = {"onset_date__day": str(onset.day), "onset_date__month": str(onset.month), "onset_date__year": ""}
    _, page, _ = send(client, town, trace, "illness", has_symptoms="yes", onset_date="", **parts)
    assert sheet(town, trace).values["onset_date"] == onset.isoformat()
    first = onset - timedelta(days=2)
    assert f"since {_said(first)}, who else" in re.sub(r"\s+", " ", page.words)
    assert "Could pass it on" in page.words


def _said(on: date) -> str:
    from ringfence.rules.questionnaire import spoken

    return spoken(on, london_date(timezone.now()))


def test_another_s_answers_are_not_overwritten(town: Town, signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    send(client, town, trace, "who", **WHO)
    now = timezone.now()
    number = queries.interview(scope=town.by("Noah", now), ref=trace, now=now)[0].id
    verbs.save(trace=number, version=1, answers={"has_symptoms": "no"}, by=town.by("Noah", now), now=now)
    status, page, _ = send(client, town, trace, "illness", has_symptoms="yes", interview="1")
    assert status == 409
    assert "This interview changed while you had it open" in page.words
    assert "Noah answered 'Unwell'" in page.words
    assert page.typed["a-has_symptoms"] == "yes", "what was typed stays"
    assert page.typed["interview"] == "2", "saving again is against the interview as it is now"
    assert sheet(town, trace).values["has_symptoms"] is False
    send(client, town, trace, "illness", has_symptoms="yes")
    assert sheet(town, trace).values["has_symptoms"] is True


def test_what_was_not_on_the_page_stays(town: Town, signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    send(client, town, trace, "who", **WHO)
    send(client, town, trace, "who", speaking_to="other")
    assert sheet(town, trace).values["identity_confirmed"] is True


@pytest.mark.parametrize("name", ["Dora"])
def test_who_may_only_read_reads(town: Town, signed_in: SignedIn, trace: str, name: str) -> None:
    send(signed_in("Nia"), town, trace, "who", **WHO)
    for part in ("", "who", "finish"):
        page = look(signed_in(name), trace, part)
        assert "Spoken to The person themselves" in page.words
        assert "Save and go on" not in page.words


def test_a_correction_after_the_end(town: Town, signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    send(client, town, trace, "who", **WHO)
    for part, answers in PARTS.items():
        send(client, town, trace, part, **answers)
    send(client, town, trace, "finish")
    send(client, town, trace, "illness", has_symptoms="yes")
    page = look(client, trace, "finish")
    assert "Said before" in page.words
    assert "No: Nia" in page.words
    assert "Reached: finish" not in page.words


def test_a_part_that_is_not_there(signed_in: SignedIn, trace: str) -> None:
    assert signed_in("Nia").get(f"/traces/{trace}/interview/shoes").status_code == 404


def test_what_a_row_holds_besides_its_fields_stays(town: Town, signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    send(client, town, trace, "who", **WHO)
    now = timezone.now()
    number = queries.interview(scope=town.by("Nia", now), ref=trace, now=now)[0].id
    ann = {
        "id": "aaaa1",
        "given_name": "Ann",
        "relation": "work",
        "last_contact": london_date(now).isoformat(),
        "exemptions": ["vaccinated"],
    }
    answers = {"any_contacts": "yes", "contacts": [ann]}
    verbs.save(trace=number, version=1, answers=answers, by=town.by("Nia", now), now=now)
    page = look(client, trace, "contacts")
    fields = {
        key.replace("a-", "", 1).replace("-", "__"): value for key, value in page.typed.items() if key.startswith("a-")
    }
    chosen = {
        "contacts__0__last_contact": london_date(now).isoformat(),
        "contacts__0__relation": "work",
        "contacts__0__phone": "07700900201",
    }
    send(client, town, trace, "contacts", **{**fields, "contacts": "", **chosen})
    (kept,) = sheet(town, trace).values["contacts"]
    assert (kept["phone"], kept["exemptions"]) == ("07700900201", ["vaccinated"])


@pytest.fixture
def contact(town: Town) -> str:
    """The reference of the trace of a contact whom a case named."""
    now = timezone.now()
    number = town.trace(now=now - timedelta(hours=2))
    ann = {"id": "aaaa1", "given_name": "Ann", "family_name": "Near", "relation": "household", "phone": "07700900201"}
    verbs.save(
        trace=number, version=0, answers={"any_contacts": "yes", "contacts": [ann]}, by=town.by("Nia", now), now=now
    )
    taking_up.take_up(by=INTERVIEWS, now=now)
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute("SELECT ref FROM traces WHERE reason = 'contact'")
        ((ref,),) = cursor.fetchall()
    return str(ref)


def test_a_contact_s_interview_is_short(town: Town, signed_in: SignedIn, contact: str) -> None:
    client = signed_in("Nia")
    page = look(client, contact)
    assert "no date of birth" in page.words
    send(client, town, contact, "who", birth_date="", **WHO)
    page = look(client, contact, "illness")
    assert "You were near somebody who has coronavirus." in page.words
    assert "Person 1" not in page.words, "nobody learns who named them"
    assert "Stays at home to the end of" in page.words
    record = Page(client.get(f"/traces/{contact}").content.decode())
    assert "Stays at home until" in record.words
    send(client, town, contact, "illness", has_symptoms="no")
    page = look(client, contact, "help")
    assert "Please stay at home, and away from others there, until the end of" in page.words
    send(client, town, contact, "help", told="yes", needs_help="no")
    _, page, address = send(client, town, contact, "finish", next="no")
    assert address == "/work"
    assert f"{contact}: They were reached." in page.words
