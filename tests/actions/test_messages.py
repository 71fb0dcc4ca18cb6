"""Messages: queued with what they tell of, sent once by the provider's own protocol, not at night, with a reason when not."""

from __future__ import annotations

import hashlib
import os
import re
import signal
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import messages, sending, work
from ringfence.actions.errors import Invalid, NotFound
from ringfence.actions.messages import Asked
from ringfence.actions.sending import Delivered
from ringfence.base.env import env
from ringfence.gateways.messages import Accepted, Folder, GatewayProblem, Later, Outgoing, Receipt
from ringfence.gateways.messages import Notify as Gateway
from ringfence.rules.access import Refused
from tests.dying import apart
from tests.notify import KEY, TEMPLATES, Notify, notify
from tests.town import HOUR, LUTON, MESSAGES, MINUTE, START, Town, events, row

NOON = START + 4 * HOUR
NIGHT = START + 13 * HOUR  # nine in the evening


@pytest.fixture
def provider() -> Iterator[Notify]:
    with notify() as running:
        yield running


@pytest.fixture
def gateway(provider: Notify) -> Gateway:
    return Gateway(key=KEY, url=provider.url, templates=TEMPLATES)


def kept(*columns: str, message: int | None = None) -> list[tuple[Any, ...]]:
    """Columns of the messages, by number."""
    with walls.transaction(MESSAGES), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(columns)} FROM messages WHERE %s::bigint IS NULL OR id = %s ORDER BY id",
            [message, message],
        )
        return list(cursor.fetchall())


def changed(statement: str, *values: object) -> None:
    with walls.transaction(MESSAGES), connection.cursor() as cursor:
        cursor.execute(statement, values)


def queue(town: Town, trace: int, by: str = "Nia", now: Any = NOON, **asked: Any) -> messages.Queued:
    given = {"kind": "isolation", "key": f"{trace} {len(kept('id'))}", "values": {"until": "2026-11-26"}} | asked
    return messages.queue(asked=[Asked(trace=trace, **given)], by=town.by(by), now=now)


def deliver(gateway: Any, now: Any = NOON) -> Delivered:
    return sending.deliver(by=MESSAGES, now=now, through=gateway)


def test_a_text_goes_out_and_what_it_said_is_kept(town, gateway, provider):
    trace = town.trace(phone="07700900982")
    queue(town, trace)
    assert kept("state", "tries", "body") == [("waiting", 0, "")]
    assert deliver(gateway) == Delivered(sent=1)
    (sent,) = provider.taken
    assert (sent["phone_number"], sent["template_id"]) == ("07700900982", TEMPLATES["text"])
    assert "up to and including 26 November 2026." in sent["personalisation"]["body"]
    ((state, sent_at, provider_ref, body, values, team),) = kept(
        "state", "sent_at", "provider_ref", "body", "values", "team_id"
    )
    assert (state, sent_at, provider_ref, body) == ("sent", NOON, sent["id"], sent["personalisation"]["body"])
    assert (values, team) == ("{}", town.team("national"))
    assert [verb for verb in ("message.queued", "message.sent") if len(events(verb)) == 1] == [
        "message.queued",
        "message.sent",
    ]
    assert deliver(gateway) == Delivered()


def test_messages_never_count_as_attempts(town, gateway):
    trace = town.trace()
    before = row(trace, "attempts", "last_attempt_at", "version", "queued", "priority", "due_at")
    queue(town, trace)
    deliver(gateway)
    assert row(trace, "attempts", "last_attempt_at", "version", "queued", "priority", "due_at") == before


def test_the_same_key_is_one_message(town, gateway, provider):
    trace = town.trace()
    assert len(queue(town, trace, key="dates").messages) == 1
    again = queue(town, trace, key="dates")
    assert (again.messages, again.known) == ((), 1)
    deliver(gateway)
    assert queue(town, trace, key="dates").known == 1
    deliver(gateway)
    assert len(provider.taken) == 1


def test_what_is_taken_back_is_not_sent(town, gateway, provider):
    from django.db import transaction

    trace = town.trace()
    with transaction.atomic():
        queue(town, trace)
        transaction.set_rollback(True)
    assert deliver(gateway) == Delivered()
    assert provider.taken == []


def test_each_channel_by_its_own_address_and_template(town, gateway, provider):
    trace = town.trace(phone="01632960101", email="someone@example.com")
    queue(town, trace)
    queue(town, trace, channel="letter")
    queue(town, trace, channel="text", to="+44 7700 900 555")
    deliver(gateway)
    email, letter, text = sorted(provider.taken, key=lambda each: each["kind"])
    assert (email["email_address"], email["personalisation"]["subject"]) == (
        "someone@example.com",
        "Please stay at home",
    )
    lines = [letter["personalisation"][f"address_line_{n}"] for n in (1, 2, 3)]
    assert lines == ["Person 1 Test", "1 High Street", "BB1 1AA"]
    assert text["phone_number"] == "07700900555"


@pytest.mark.parametrize(
    ("language", "code"),
    [("Polish", "pl"), ("Urdu", "ur"), ("bengali", "bn"), ("Gujarati", "gu"), ("Panjabi", "pa"), ("Welsh", "en")],
)
def test_in_the_language_of_the_person(town, gateway, provider, language, code):
    trace = town.trace()
    with walls.transaction(MESSAGES.__class__("intake")), connection.cursor() as cursor:
        cursor.execute("UPDATE people SET language = %s", [language])
    queue(town, trace)
    deliver(gateway)
    assert kept("language") == [(code,)]
    shown = "26 November 2026" if code == "en" else "26.11.2026" if code == "pl" else "26/11/2026"
    assert shown in provider.taken[0]["personalisation"]["body"]


def test_no_text_at_night_but_emails(town, gateway, provider):
    trace = town.trace(email="someone@example.com")
    queue(town, trace, now=NIGHT)
    queue(town, trace, now=NIGHT, channel="email")
    assert kept("send_after") == [(START + 24 * HOUR,), (NIGHT,)]
    assert deliver(gateway, NIGHT) == Delivered(sent=1)
    # A backlog that reaches into the evening waits as well.
    changed("UPDATE messages SET send_after = %s WHERE state = 'waiting'", NIGHT)
    assert deliver(gateway, NIGHT + MINUTE) == Delivered()
    assert deliver(gateway, START + 24 * HOUR) == Delivered(sent=1)
    assert [each["kind"] for each in provider.taken] == ["email", "sms"]


@pytest.mark.parametrize(
    "failing", [(429, "RateLimitError", "Exceeded rate limit"), (403, "AuthError", "Invalid token"), (503, "X", "Busy")]
)
def test_what_cannot_be_taken_now_is_tried_again_later_and_later(town, gateway, provider, failing):
    queue(town, town.trace())
    provider.failing = [failing, failing]
    assert deliver(gateway) == Delivered(later=1)
    assert kept("tries", "send_after", "sent_at") == [(1, NOON + MINUTE, None)]
    assert failing[2] in kept("error")[0][0]
    assert deliver(gateway, NOON + timedelta(seconds=59)) == Delivered()
    assert deliver(gateway, NOON + MINUTE) == Delivered(later=1)
    assert kept("send_after") == [(NOON + 6 * MINUTE,)]
    assert deliver(gateway, NOON + 6 * MINUTE) == Delivered(sent=1)
    assert kept("state", "error", "tries") == [("sent", "", 3)]


def test_it_gives_up_in_the_end_and_says_so(town, gateway, provider):
    queue(town, town.trace(), channel="letter")
    provider.failing = [(500, "Exception", "Internal server error")] * 20
    now, looks = NOON, 0
    while deliver(gateway, now).later:
        looks += 1
        now = kept("send_after")[0][0]
    assert looks == 7
    ((state, error),) = kept("state", "error")
    assert (state, error) == (
        "failed",
        "Given up after 8 tries. GOV.UK Notify answered 500: Internal server error",
    )


def test_a_provider_that_cannot_be_reached_is_tried_again(town):
    queue(town, town.trace())
    nowhere = Gateway(key=KEY, url="http://127.0.0.1:9", templates=TEMPLATES)
    assert deliver(nowhere) == Delivered(later=1)
    ((state, error),) = kept("state", "error")
    assert (state, error.startswith("GOV.UK Notify cannot be reached")) == ("waiting", True)


def test_a_permanent_refusal_says_why(town, gateway, provider):
    queue(town, town.trace(), to="+123456789012345", channel="text")
    provider.failing = [(400, "BadRequestError", "Cannot send to international mobile numbers")]
    assert deliver(gateway) == Delivered(failed=1)
    assert kept("state", "error") == [("failed", "Cannot send to international mobile numbers")]
    assert deliver(gateway, NOON + HOUR) == Delivered()
    assert len(events("message.failed")) == 1


def test_without_a_template_of_the_provider_it_says_which_setting(town, provider):
    queue(town, town.trace())
    deliver(Gateway(key=KEY, url=provider.url, templates={"text": ""}))
    assert "RINGFENCE_NOTIFY_TEXT" in kept("error")[0][0]


def test_an_answer_that_was_lost_is_asked_for_before_anything_is_sent_again(town, gateway, provider):
    queue(town, town.trace())
    provider.lose_answers = True
    assert deliver(gateway) == Delivered(later=1)
    assert kept("state") == [("sending",)]
    provider.lose_answers = False
    assert deliver(gateway, NOON + MINUTE) == Delivered(sent=1)
    assert len(provider.taken) == 1
    assert kept("provider_ref") == [(provider.taken[0]["id"],)]


def test_receipts_are_asked_for_until_they_come(town, gateway, provider):
    queue(town, town.trace())
    queue(town, town.trace())
    queue(town, town.trace())
    deliver(gateway)
    refs = [each for (each,) in kept("provider_ref")]
    assert sending.receipts(by=MESSAGES, now=NOON, through=gateway) == 0
    provider.status = {refs[0]: "delivered", refs[1]: "permanent-failure"}
    now = NOON + MINUTE
    assert sending.receipts(by=MESSAGES, now=now, through=gateway) == 2
    assert kept("state", "received_at", "error") == [
        ("delivered", now, ""),
        ("failed", None, "The number or address does not exist."),
        ("sent", None, ""),
    ]
    asked = len(provider.asked)
    assert sending.receipts(by=MESSAGES, now=now + MINUTE, through=gateway) == 0
    assert len(provider.asked) == asked
    while kept("error")[2] == ("",):
        now = kept("send_after")[2][0]
        sending.receipts(by=MESSAGES, now=now, through=gateway)
    assert (now - NOON, kept("state", "error")[2]) == (timedelta(days=7), ("sent", "No receipt came."))


def test_who_asked_for_no_messages_gets_none(town, gateway, provider):
    trace = town.trace(phone="07700900982", email="someone@example.com")
    queue(town, trace, key="before")
    messages.stop(trace=trace, channel="text", to="07700 900982", why="said so", by=town.by("Nia"), now=NOON)
    messages.stop(trace=trace, channel="text", to="07700 900982", why="said so", by=town.by("Nia"), now=NOON)
    assert deliver(gateway) == Delivered(cancelled=1)
    assert kept("state", "error") == [("cancelled", "They asked for no messages there.")]
    queue(town, trace, key="after")
    assert kept("channel")[1] == ("email",)
    assert queue(town, trace, key="there", channel="text", to="07700900982").without[trace].startswith("They asked")
    assert deliver(gateway) == Delivered(sent=1)
    assert [each["kind"] for each in provider.taken] == ["email"]


def test_what_has_become_pointless_is_not_sent(town, gateway, provider):
    trace = town.trace()
    queue(town, trace, kind="missed", now=NIGHT)
    with walls.transaction(MESSAGES.__class__("sweep")), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE traces SET closed_at = %s, outcome = 'reached', queued = false, reached_at = %s,"
            " reached_by_kind = 'national'",
            [NIGHT, NIGHT],
        )
    assert deliver(gateway, START + 24 * HOUR) == Delivered(cancelled=1)
    assert kept("error") == [("They were reached before it was sent.",)]
    assert provider.taken == []


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"kind": "poem"}, "kind"),
        ({"channel": "letter", "kind": "invitation"}, "channel"),
        ({"values": {}}, "values"),
        ({"channel": "text", "to": "01632 960101"}, "to"),
        ({"channel": "email", "to": "nobody"}, "to"),
        ({"channel": "letter", "to": "1 High Street"}, "to"),
        ({"to": "07700900982"}, "to"),
        ({"key": ""}, "key"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_its_field(town, asked, field):
    with pytest.raises(Invalid) as problem:
        queue(town, town.trace(), **asked)
    assert problem.value.field == field


def test_only_the_team_that_has_the_trace_writes(town):
    trace = town.trace()
    for name in ("Nick", "Lola", "Hana", "Nora"):
        with pytest.raises(NotFound):
            queue(town, trace, by=name)
    for name in ("Dora", "Olu", "Charlie"):
        with pytest.raises(Refused):
            queue(town, trace, by=name)


def test_nobody_can_be_written_to_without_an_address(town):
    trace = town.trace(phone="01632960101")
    assert queue(town, trace).messages != ()  # a letter goes to the address
    found = queue(town, trace, kind="invitation", values={})
    assert found.without == {trace: "No mobile number and no email address is known."}


# Links


def test_the_secret_of_a_link_is_in_the_message_alone(town, gateway, provider):
    queue(town, town.trace(), kind="invitation", values={})
    deliver(gateway)
    body = provider.taken[0]["personalisation"]["body"]
    secret = re.search(re.escape(env.residents_url) + r"/you/([\w-]{22})\b", body)[1]
    with walls.transaction(MESSAGES), connection.cursor() as cursor:
        cursor.execute("SELECT token_hash, expires_at FROM links")
        ((hashed, expires),) = cursor.fetchall()
        assert bytes(hashed) == hashlib.sha256(secret.encode()).digest()
        assert expires == NOON + timedelta(days=7)
        for table in ("messages", "links", "traces", "people"):
            cursor.execute(f"SELECT count(*) FROM {table} x WHERE x::text LIKE %s", [f"%{secret}%"])
            assert cursor.fetchone() == (0,)
    assert kept("body") == [(body.replace(f"{env.residents_url}/you/{secret}", "(link)"),)]


def test_a_message_sent_again_has_one_link_that_opens(town, gateway, provider):
    queue(town, town.trace(), kind="invitation", values={})
    provider.failing = [(429, "RateLimitError", "Exceeded rate limit")]
    deliver(gateway)
    deliver(gateway, NOON + MINUTE)
    secret = re.search(r"/you/([\w-]{22})", provider.taken[0]["personalisation"]["body"])[1]
    with walls.transaction(MESSAGES), connection.cursor() as cursor:
        cursor.execute("SELECT token_hash FROM links")
        assert [bytes(found) for (found,) in cursor.fetchall()] == [hashlib.sha256(secret.encode()).digest()]


def test_the_link_that_was_sent_stays_when_the_answer_was_lost(town, gateway, provider):
    queue(town, town.trace(), kind="invitation", values={})
    provider.lose_answers = True
    deliver(gateway)
    deliver(gateway, NOON + MINUTE)
    secret = re.search(r"/you/([\w-]{22})", provider.taken[0]["personalisation"]["body"])[1]
    with walls.transaction(MESSAGES), connection.cursor() as cursor:
        cursor.execute("SELECT token_hash FROM links")
        assert [bytes(found) for (found,) in cursor.fetchall()] == [hashlib.sha256(secret.encode()).digest()]


# Invitations


def invite(now: Any = NOON) -> int:
    return messages.invite(by=MESSAGES, now=now).invited


def test_new_cases_are_invited_once(town):
    fresh = START + 3 * HOUR + 55 * MINUTE
    first = town.trace(now=fresh)
    mail = town.trace(now=fresh, phone="01632960101", email="someone@example.com")
    assert invite() == 2
    assert invite() == 0
    assert kept("trace_id", "channel", "key") == [
        (first, "text", f"invitation:{first}"),
        (mail, "email", f"invitation:{mail}"),
    ]
    later = town.trace(now=NOON)
    assert invite() == 1
    assert invite(NOON + HOUR) == invite(NOON + HOUR) == 0
    assert messages.invite(by=MESSAGES, now=NOON + HOUR).looked_at == 0
    assert [trace for (trace,) in kept("trace_id")] == [first, mail, later]


def test_who_is_not_invited(town):
    town.trace(now=NOON, born=date(2009, 1, 1))
    town.trace(now=NOON, care_home=True)
    town.trace(now=NOON, phone="01632960101")
    town.trace(LUTON, now=NOON)
    town.trace(now=NOON - timedelta(hours=25))
    called = town.trace(now=NOON, priority=1)
    assert work.claim(team=town.team("national"), by=town.by("Nia", NOON), now=NOON).trace == called
    assert messages.invite(by=MESSAGES, now=NOON) == messages.Invited(6, 0)


def test_one_that_was_numbered_early_and_committed_late_is_not_passed_over(real_town, login):
    """Its number lies below those already looked at."""
    early = real_town.trace(now=NOON - MINUTE)
    late = real_town.trace(now=NOON - MINUTE)
    with walls.transaction(MESSAGES.__class__("intake")), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE traces SET claimed_by = 1, claimed_at = now(), queued = false, ready_at = now() WHERE id = %s",
            [early],
        )
    assert invite() == 1
    with walls.transaction(MESSAGES.__class__("intake")), connection.cursor() as cursor:
        cursor.execute("UPDATE traces SET claimed_by = NULL, claimed_at = NULL, queued = true WHERE id = %s", [early])
    assert invite() == 1
    assert sorted(trace for (trace,) in kept("trace_id")) == [early, late]


# The folder


def test_without_a_provider_messages_lie_in_a_folder_for_their_owner(town, tmp_path):
    folder = Folder(tmp_path / "outbox")
    queue(town, town.trace(), kind="invitation", values={})
    assert deliver(folder) == Delivered(sent=1)
    ((ref, body),) = kept("ref", "body")
    lying = folder.read(ref)
    assert lying is not None
    assert "/you/" in lying.body and "/you/" not in body
    assert (tmp_path / "outbox" / ref).stat().st_mode & 0o777 == 0o600
    assert folder.read("0" * 32) is None
    assert sending.receipts(by=MESSAGES, now=NOON + HOUR, through=folder) == 0
    (tmp_path / "secret").write_text((tmp_path / "outbox" / ref).read_text())
    assert folder.read("../secret") is None


def test_it_lies_there_as_long_as_its_link_works(tmp_path):
    folder = Folder(tmp_path / "outbox")
    assert sending.clear_outbox(now=NOON, folder=folder) == 0
    for ref, days in (("old", 7), ("young", 6)):
        folder.send(Outgoing(ref, "text", "07700900001", "", "Hello"))
        written = (NOON - days * 24 * HOUR).timestamp()
        os.utime(tmp_path / "outbox" / ref, (written, written))
    assert sending.clear_outbox(now=NOON, folder=folder) == 1
    assert (folder.find("old"), folder.find("young") is None) == (None, False)


def test_the_folder_is_the_default():
    assert isinstance(sending.gateway(), Folder)


@pytest.mark.parametrize(
    ("key", "url", "said"),
    [
        ("short", "https://notify.example", "RINGFENCE_NOTIFY_KEY"),
        (KEY, "http://notify.example", "https alone"),
        (KEY, "ftp://notify.example", "RINGFENCE_NOTIFY_URL"),
    ],
)
def test_a_provider_that_is_set_wrongly_is_refused(key, url, said):
    with pytest.raises(GatewayProblem, match=said):
        Gateway(key=key, url=url, templates=TEMPLATES)


def test_a_wrong_key_is_no_reason_to_lose_a_message(provider):
    wrong = Gateway(key=KEY[:-1] + "c", url=provider.url, templates=TEMPLATES)
    answer = wrong.send(Outgoing("a" * 32, "text", "07700900982", "", "Hello"))
    assert isinstance(answer, Later) and not answer.unsure
    assert isinstance(wrong.find("a" * 32), Later)
    assert wrong.receipt("nothing") == Receipt("")


def test_looking_for_a_message_finds_ours_alone(gateway, provider):
    assert gateway.find("a" * 32) is None
    gateway.send(Outgoing("a" * 32, "text", "07700900982", "", "Hello"))
    assert gateway.find("a" * 32) == Accepted(provider.taken[0]["id"])
    assert gateway.find("b" * 32) is None


# Killed


def killed(town: Town, provider: Notify, gateway: Gateway, statements: list[int]) -> set[bool]:
    """Whether the message had been sent when the process was killed, at any of the statements."""
    had = set()
    for at in statements:
        queue(town, town.trace(), kind="invitation", values={}, key=f"killed at {at}")
        before = len(provider.taken)
        code, done = apart(lambda: deliver(gateway), at)
        if code:
            had.add(len(provider.taken) > before)
        assert (code, done) in ((-signal.SIGKILL, None), (0, Delivered(sent=1)))
        now = NOON
        while any(state in ("waiting", "sending") for (state,) in kept("state")):
            now += HOUR
            deliver(gateway, now)
        if code == 0:
            break
    refs = [each for (each,) in kept("ref")]
    assert [len(provider.sent(ref)) for ref in refs] == [1] * len(refs)
    secrets = {re.search(r"/you/([\w-]{22})", each["personalisation"]["body"])[1] for each in provider.taken}
    with walls.transaction(MESSAGES), connection.cursor() as cursor:
        cursor.execute("SELECT token_hash FROM links")
        opening = {bytes(found) for (found,) in cursor.fetchall()}
    assert {hashlib.sha256(each.encode()).digest() for each in secrets} == opening
    return had


def test_killed_between_sending_and_recording_nothing_is_sent_twice(real_town, provider, gateway):
    """At the first statements of the transaction that records."""
    assert killed(real_town, provider, gateway, [6, 7]) == {True}


@pytest.mark.nightly
def test_killed_at_every_statement_of_a_delivery_nothing_is_sent_twice(real_town, provider, gateway):
    assert killed(real_town, provider, gateway, list(range(1, 40))) == {True, False}
