"""A tracer's call on the pages: the next trace in one step, mistakes that keep what was typed, stale pages."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from ringfence.accounts import walls
from ringfence.actions import attempts, work
from ringfence.rules.attempts import calling_time
from ringfence.rules.messages import quiet
from ringfence.rules.policy import EXERCISE
from tests.town import BLACKBURN, INTAKE, Town, events, row
from tests.web.conftest import SignedIn, version
from tests.web.reading import Page


def record(client: Client, ref: str, follow: bool = True, **sent: str) -> tuple[int, Page, str]:
    """Send the outcome form; the status, the page in the end, and its address."""
    form = {"kind": "call", "version": str(version(ref)), "then": "next", **sent}
    answer = client.post(f"/traces/{ref}/attempts", form, follow=follow)
    return answer.status_code, Page(answer.content.decode()), answer.request["PATH_INFO"]


def test_saving_leads_straight_to_the_next_trace(town: Town, signed_in: SignedIn, trace: str) -> None:
    following = row(town.trace(now=timezone.now()), "ref")[0]
    status, page, address = record(signed_in("Nia"), trace, outcome="no_answer", team=str(town.team("national")))
    assert (status, address) == (200, f"/traces/{following}")
    assert f"Saved: {trace}: no answer. Nobody answered. Try again" in page.words


def test_a_team_that_is_none_of_theirs_leads_to_their_own_page(signed_in: SignedIn, trace: str) -> None:
    status, _, address = record(signed_in("Nia"), trace, outcome="no_answer", team="9" * 5000)
    assert (status, address) == (200, "/work")


def test_what_a_laboratory_told_of_somebody_stands_on_the_trace(signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    assert "Sex and ethnicity Female Lives at" in Page(client.get(f"/traces/{trace}").content.decode()).words
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute("UPDATE people SET sex = 'M', ethnicity = 'Irish'")
    assert "Sex and ethnicity Male, Irish" in Page(client.get(f"/traces/{trace}").content.decode()).words


def test_an_empty_queue_is_said_on_the_tracer_s_own_page(town: Town, signed_in: SignedIn, trace: str) -> None:
    status, page, address = record(signed_in("Nia"), trace, outcome="reached", team=str(town.team("national")))
    assert (status, address) == (200, "/work")
    assert "Nothing is waiting for your team now" in page.words


def test_nobody_is_called_out_of_bed(signed_in: SignedIn, trace: str) -> None:
    page = Page(signed_in("Nia").get(f"/traces/{trace}").content.decode())
    by_day = calling_time(EXERCISE, timezone.now()) <= timezone.now()
    assert ("Calls are made from 08:00 to 20:00" in page.words) is not by_day


def test_what_waits_behind_an_open_call_is_said(town: Town, signed_in: SignedIn, trace: str) -> None:
    town.trace(now=timezone.now(), phone="01632960101")
    page = Page(signed_in("Noah").post("/work", follow=True).content.decode())
    assert "1 trace cannot be called yet: somebody else of the same number or home is being called" in page.words


def test_stopping_takes_no_further_trace(town: Town, signed_in: SignedIn, trace: str) -> None:
    number = town.trace(now=timezone.now())
    _, _, address = record(signed_in("Nia"), trace, outcome="reached", then="stop")
    assert address == "/work"
    assert row(number, "claimed_by") == (None,)


def test_a_wrong_number_keeps_the_trace_open_for_the_other_one(town: Town, signed_in: SignedIn, trace: str) -> None:
    nia = signed_in("Nia")
    _, page, address = record(nia, trace, outcome="wrong_number", number="01632960101", team=str(town.team("national")))
    assert "try another one" in page.words
    # In the evening it waits for the morning's calls, like every other try.
    by_day = calling_time(EXERCISE, timezone.now()) <= timezone.now()
    assert address == (f"/traces/{trace}" if by_day else "/work")
    page = Page(nia.get(f"/traces/{trace}").content.decode())
    assert page.words.index("07700 900102") < page.words.index("01632 960101"), "the number to call now comes first"
    assert "Found wrong" in page.words
    assert re.search(r"Attempts so far 1, the last today \d\d:\d\d: wrong number or address", page.words)


MISTAKES: list[tuple[dict[str, str], str, str]] = [
    ({}, "outcome", "Choose what came of it"),
    ({"outcome": "sold"}, "outcome", "Choose what came of it"),
    ({"outcome": "no_answer", "kind": ""}, "kind", "Choose how you tried"),
    ({"outcome": "voicemail", "kind": "letter"}, "outcome", "Voicemail does not go with letter"),
    ({"outcome": "call_back"}, "call_back_at-day", "Choose the day of the call back"),
    (
        {"outcome": "call_back", "call_back_at-day": "1", "call_back_at-time": "soon"},
        "call_back_at-time",
        "Enter the time of the call back as a time of day, such as 14:05",
    ),
    ({"outcome": "escalated", "note": ""}, "note", "Say why it needs the health protection team"),
    ({"outcome": "no_answer", "note": "x" * 2001}, "note", "This has 2,001 characters; shorten it to 2,000 or fewer"),
    ({"outcome": "no_answer", "version": "none"}, "", "The page's version must be a whole number"),
]


def test_a_mistake_is_named_linked_and_nothing_is_lost(town: Town, signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    for sent, field, message in MISTAKES:
        status, page, _ = record(client, trace, **{"note": "They work nights.", **sent})
        assert status == 422
        assert page.title.startswith("Error: ")
        assert "There is a problem" in page.words
        assert message in page.words
        assert not field or field in page.anchors
        assert page.problems == [] or not field
        assert sent.get("note", "They work nights.")[:20] in page.words
    assert events("attempt.recorded") == []


def test_the_time_that_somebody_asked_for_stands_in_the_history(signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    record(client, trace, outcome="call_back", **{"call_back_at-day": "1", "call_back_at-time": "14:05"})
    assert "asked for 14:05 on" in Page(client.get(f"/traces/{trace}").content.decode()).words


def test_a_call_back_time_that_has_passed_is_put_beside_its_field(town: Town, signed_in: SignedIn, trace: str) -> None:
    sent = {"outcome": "call_back", "call_back_at-day": "0", "call_back_at-time": "00:00"}
    status, page, _ = record(signed_in("Nia"), trace, **sent)
    assert status == 422
    assert "is in the past; give a later one" in page.words


def test_a_stale_page_says_what_changed_and_keeps_what_was_typed(town: Town, signed_in: SignedIn, trace: str) -> None:
    before = version(trace)
    now = timezone.now()
    number = work.claim(team=town.team("national"), by=town.by("Nia", now), now=now)
    assert number is not None
    work.put_back(trace=number.trace, version=before, by=town.by("Nia", now), now=now)
    attempts.record(
        trace=number.trace, version=before + 1, kind="call", outcome="voicemail", by=town.by("Noah", now), now=now
    )
    status, page, _ = record(signed_in("Nia"), trace, outcome="reached", note="She works nights.", version=str(before))
    assert status == 409
    assert "This record changed while you had it open" in page.words
    assert "Noah recorded 'voicemail'" in page.words
    assert "She works nights." in page.words
    assert page.typed["outcome"] == "reached"
    assert page.typed["version"] == str(before + 2), "saving again is against the record as it is now"
    assert page.problems == []
    assert row(number.trace, "closed_at") == (None,)


def test_a_stale_page_of_a_trace_that_is_gone_keeps_what_was_typed(
    town: Town, signed_in: SignedIn, handed_over: str
) -> None:
    before = version(handed_over)
    now = timezone.now()
    with_local = signed_in("Lola")
    number = work.claim(team=town.team("local"), by=town.by("Luke", now), now=now)
    assert number is not None
    status, page, _ = record(with_local, handed_over, outcome="reached", note="At work.", version=str(before))
    assert status == 409
    assert "Luke took it" in page.words
    assert "Luke has this trace open" in page.words


def test_somebody_else_s_open_trace_can_be_read_and_not_recorded_on(
    town: Town, signed_in: SignedIn, trace: str
) -> None:
    page = Page(signed_in("Noah").get(f"/traces/{trace}").content.decode())
    assert "Nia has this trace open" in page.words
    assert "What came of it?" not in page.words
    status, _, _ = record(signed_in("Noah"), trace, outcome="reached")
    assert status == 403


@pytest.mark.parametrize("then", ["next", "stay", "stop"])
def test_who_stops_after_a_wrong_number_leaves_the_other_one_to_the_queue(
    signed_in: SignedIn, trace: str, then: str
) -> None:
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute("UPDATE people SET phone_other = '07700900002'")
    _, page, address = record(signed_in("Nia"), trace, outcome="wrong_number", then=then)
    # Outside calling hours nobody would go on at once.
    by_day = calling_time(EXERCISE, timezone.now()) <= timezone.now()
    goes_on = by_day and then != "stop"
    assert address == (f"/traces/{trace}" if goes_on else "/work")
    assert ("Try again now. It is back in the queue." in page.words) is (by_day and then == "stop")
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute("SELECT claimed_by IS NOT NULL, phone FROM traces")
        assert cursor.fetchall() == [(goes_on, "07700900002")]


def test_a_child_is_asked_for_through_a_parent(town: Town, signed_in: SignedIn) -> None:
    now = timezone.now()
    town.trace(now=now - timedelta(hours=1), born=date(now.year - 12, 1, 1))
    client = signed_in("Nia")
    answer = client.post("/work", follow=True)
    page = Page(answer.content.decode())
    assert "speak to a parent or guardian" in page.words
    assert "May I speak to the parent or guardian of Person 1 Test?" in page.words
    ref = answer.request["PATH_INFO"].rpartition("/")[2]
    status, page, _ = record(client, ref, outcome="reached")
    assert status == 422 and "Error: They are under 18. If you spoke to their parent or guardian, tick" in page.words
    _, page, _ = record(client, ref, outcome="reached", guardian="yes")
    assert ": Their parent or guardian was reached." in page.words


def test_identity_comes_before_anything_is_disclosed(town: Town, signed_in: SignedIn, trace: str) -> None:
    page = Page(signed_in("Nia").get(f"/traces/{trace}").content.decode())
    steps = ["Who am I speaking to?", "please tell me your date of birth", "4 March 1980", "Start the interview"]
    places = [page.words.rindex(each) for each in steps]
    assert places == sorted(places)
    assert "You took a test on" not in page.words, "that is for the interview, which asks who it is first"


def test_the_forms_of_a_page_have_one_token(town: Town, signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    pages = [client.get(f"/traces/{trace}").content.decode() for _ in range(2)]
    tokens = [re.findall('name="csrfmiddlewaretoken" value="([^"]+)"', each) for each in pages]
    assert len(tokens[0]) > 3
    assert len(set(tokens[0])) == 1
    assert tokens[0][0] != tokens[1][0], "masked anew for each page"


def test_what_became_known_stays_between_the_teams(town: Town, signed_in: SignedIn, handed_over: str) -> None:
    local, national = signed_in("Lola"), signed_in("Nia")
    asked = {"kind": "question", "text": "Did she give another number?"}
    assert local.post(f"/traces/{handed_over}/notes", asked).status_code == 302
    page = Page(national.get("/work").content.decode())
    assert "Did she give another number?" in page.words
    page = Page(national.get(f"/traces/{handed_over}").content.decode())
    assert "What came of it?" not in page.words, "the national team keeps sight, and no longer records"
    assert "Handed over to Blackburn with Darwen local team" in page.words
    assert "Handed over because 24 hours passed without contact" in page.words
    answer = {"kind": "answer", "answers": page.typed["answers"], f"answer-{page.typed['answers']}": "Only a landline."}
    assert national.post(f"/traces/{handed_over}/notes", answer).status_code == 302
    assert "Only a landline." in Page(local.get(f"/traces/{handed_over}").content.decode()).words


def test_an_empty_note_is_a_mistake(signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    for kind in ("note", "question", "answer", "poem", ""):
        answer = client.post(f"/traces/{trace}/notes", {"kind": kind, "text": "  "})
        assert answer.status_code == 422
        assert "There is a problem" in answer.content.decode()


def test_local_list_says_why_each_came_and_notices_are_seen_once(
    town: Town, signed_in: SignedIn, handed_over: str
) -> None:
    client = signed_in("Lola")
    page = Page(client.get("/local").content.decode())
    assert "1 new hand-over" in page.words
    assert "Handed over because 24 hours passed without contact." in page.words
    page = Page(client.post("/hand-overs/seen", {"team": str(town.team("local"))}, follow=True).content.decode())
    assert "1 notice marked as seen" in page.words
    assert "new hand-over" not in page.words


def test_giving_back_needs_a_reason_that_the_national_team_reads(
    town: Town, signed_in: SignedIn, handed_over: str
) -> None:
    client = signed_in("Lola")
    sent = {"version": str(version(handed_over)), "give_back_why": ""}
    answer = client.post(f"/traces/{handed_over}/give-back", sent)
    page = Page(answer.content.decode())
    assert answer.status_code == 422
    assert page.problems == []
    assert "give_back_why" in page.anchors
    answer = client.post(f"/traces/{handed_over}/give-back", sent | {"give_back_why": "Moved to Leeds"}, follow=True)
    assert "is with Blackburn with Darwen ring-fenced team now" in Page(answer.content.decode()).words
    assert "Given back: Moved to Leeds" in Page(signed_in("Nia").get(f"/traces/{handed_over}").content.decode()).words


def test_the_local_team_s_turn_is_said_where_it_comes_before_the_next_try(signed_in: SignedIn, trace: str) -> None:
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute("UPDATE traces SET due_at = now() + interval '5 minutes'")
    _, page, _ = record(signed_in("Nia"), trace, outcome="no_answer")
    assert "The local team has it from" in page.words and "and goes on from there." in page.words


def test_a_text_by_hand_says_when_it_goes_out(signed_in: SignedIn, trace: str) -> None:
    sent = {"message_kind": "missed", "channel": "text", "key": "one"}
    answer = signed_in("Nia").post(f"/traces/{trace}/messages", sent, follow=True)
    when = "at 8 in the morning" if quiet("text", timezone.now()) else "now"
    assert f"It goes out {when}." in Page(answer.content.decode()).words


def test_of_who_has_died_the_page_asks_nobody_to_call(town: Town, signed_in: SignedIn) -> None:
    now = timezone.now()
    town.trace(now=now - timedelta(hours=1), born=date(now.year - 9, 1, 1))
    client = signed_in("Nia")
    ref = client.post("/work", follow=True).request["PATH_INFO"].rpartition("/")[2]
    assert any(link.startswith("tel:") for link in Page(client.get(f"/traces/{ref}").content.decode()).links)
    record(client, ref, outcome="died")
    page = Page(client.get(f"/traces/{ref}").content.decode())
    assert "They have died. Nobody is to call, write or visit again." in page.words
    assert not any(link.startswith("tel:") for link in page.links)
    assert "parent or guardian" not in page.words and "Stays at home until" not in page.words


def test_a_lead_opens_again_what_was_closed_by_mistake(town: Town, signed_in: SignedIn, trace: str) -> None:
    record(signed_in("Nia"), trace, outcome="died")
    address, sent = (
        f"/traces/{trace}/open-again",
        {"version": str(version(trace)), "open_again_why": "Wrong person chosen"},
    )
    assert "Open it again" not in Page(signed_in("Nia").get(f"/traces/{trace}").content.decode()).words
    assert signed_in("Nia").post(address, sent).status_code == 403
    client = signed_in("Lena")
    answer = client.post(address, {**sent, "open_again_why": " "})
    page = Page(answer.content.decode())
    assert answer.status_code == 422 and page.anchors.count("open_again_why") == 1
    page = Page(client.post(address, sent, follow=True).content.decode())
    assert "is open again" in page.words and "Opened again: Wrong person chosen" in page.words
    answer = client.post(address, {**sent, "version": str(version(trace))})
    assert answer.status_code == 422 and "This trace is open." in Page(answer.content.decode()).words
    assert signed_in("Nia").post("/work", follow=True).request["PATH_INFO"] == f"/traces/{trace}"


def test_a_note_to_a_trace_that_was_closed_meanwhile_is_not_lost(signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Nia")
    before = str(version(trace))
    record(client, trace, outcome="refused")
    assert "Nobody is to call again." in Page(client.get(f"/traces/{trace}").content.decode()).words
    sent = {"kind": "call", "outcome": "no_answer", "then": "next", "version": before, "note": "Rang twice at eight."}
    answer = client.post(f"/traces/{trace}/attempts", sent)
    assert answer.status_code == 409 and Page(answer.content.decode()).words.count("Rang twice at eight.") == 1


def test_what_is_escalated_reaches_the_region_s_team(town: Town, signed_in: SignedIn, trace: str) -> None:
    sent = {"outcome": "escalated", "note": "Willow House care home"}
    _, page, _ = record(signed_in("Nia"), trace, **sent)
    assert "needs health protection team" in page.words
    client = signed_in("Hana")
    page = Page(client.get("/escalated").content.decode())
    assert "1 new escalation" in page.words and "Willow House care home" in page.words
    sent = {"team": str(town.team("health_protection", "E12000002"))}
    answer = client.post("/hand-overs/seen", sent, follow=True)
    page = Page(answer.content.decode())
    assert answer.request["PATH_INFO"] == "/escalated" and "1 notice marked as seen" in page.words
    assert "new escalation" not in page.words and "New" not in page.words.split()


def test_the_household_s_last_call_is_told_without_names(town: Town, signed_in: SignedIn) -> None:
    now = timezone.now()
    first = town.trace(now=now - timedelta(hours=5), household=77, phone="07700900001", priority=1)
    second = town.trace(now=now - timedelta(hours=5), household=77, phone="07700900002")
    earlier = now - timedelta(hours=3)
    claimed = work.claim(team=town.team("national"), by=town.by("Noah", earlier), now=earlier)
    assert claimed is not None
    assert claimed.trace == first
    attempts.record(
        trace=first, version=claimed.version, kind="call", outcome="reached", by=town.by("Noah", earlier), now=earlier
    )
    page = Page(signed_in("Nia").get(f"/traces/{row(second, 'ref')[0]}").content.decode())
    told = (
        "Somebody else of the household was called 3 hours ago by the Blackburn with Darwen ring-fenced team: reached"
    )
    assert told in page.words


def test_the_director_sees_the_record_and_no_form(town: Town, signed_in: SignedIn, trace: str) -> None:
    page = Page(signed_in("Dora").get(f"/traces/{trace}").content.decode())
    assert "Person 1 Test" in page.words
    assert "What came of it?" not in page.words
    assert "Add a note" not in page.words
    assert BLACKBURN not in page.words
