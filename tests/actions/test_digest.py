"""The morning's e-mail: once for each area, reader and day, to whom wants it, with nobody and no place in it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from ringfence.accounts import walls
from ringfence.accounts.models import Membership
from ringfence.actions import digest, incidents, sending, taking_part
from ringfence.gateways.messages import Folder
from ringfence.queries import incidents as held
from ringfence.queries import messages as queries
from ringfence.rules.access import Refused, system_scope
from ringfence.rules.calendar import london_date
from tests.town import ACCOUNTS, BLACKBURN, HOUR, LEICESTER, LUTON, MESSAGES, START, Town, events
from tests.web.conftest import BACKEND
from tests.web.reading import Page

DIGEST, DETECTION, COUNTING = (system_scope(name) for name in ("digest", "detection", "counting"))
DAY = timedelta(days=1)


def alert(area: str, cases: int, evidence: str = "6 cases named the gym at LE5 4PW") -> None:
    with walls.transaction(DETECTION), connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO alerts (ref, key, method, area, postcode, start, "end", found_at, updated_at, cases, households,'
            " rank, evidence, detail) VALUES (%(key)s, %(key)s, 'exposure', %(area)s, 'LE5 4PW', '2026-11-03', '2026-11-08',"
            " %(at)s, %(at)s, %(cases)s, 5, 1, %(evidence)s, '{}')",
            {"key": f"{area[-3:]}-{cases:03}", "area": area, "at": START - HOUR, "cases": cases, "evidence": evidence},
        )


def sent() -> list[tuple[Any, ...]]:
    with walls.transaction(MESSAGES), connection.cursor() as cursor:
        cursor.execute('SELECT "to", subject, body, state FROM messages ORDER BY id')
        return list(cursor.fetchall())


def analyst(town: Town, name: str = "Charlie", area: str = BLACKBURN) -> None:
    with walls.transaction(ACCOUNTS):
        Membership.objects.create(user=town.users[name], role="analyst", area_id=area, from_at=START - DAY)


def test_it_is_sent_once_a_day_and_names_nobody_and_no_place(town: Town, tmp_path: Any) -> None:
    alert(BLACKBURN, 6)
    alert(LUTON, 9)
    week = london_date(START) - timedelta(days=5)
    with walls.transaction(COUNTING), connection.cursor() as cursor:
        cursor.execute("INSERT INTO area_days VALUES (%s, 'cases', %s, %s, 1234)", [BLACKBURN, week, week])
    by = town.by("Dora")
    ref = incidents.open_incident(area=BLACKBURN, title="Secret", by=by, now=START).ref
    incidents.add_action(incident=ref, what="Ring.", owner="Leo", due_on=london_date(START), by=by, now=START)
    assert digest.queue(by=DIGEST, now=START) == 1
    assert digest.queue(by=DIGEST, now=START + HOUR) == 0
    assert sending.deliver(by=MESSAGES, now=START + HOUR, through=Folder(tmp_path / "outbox")).sent == 1
    ((to, subject, body, state),) = sent()
    assert (to, subject, state) == ("dora@example.org", "Blackburn with Darwen this morning", "sent")
    assert "1,234 cases in the last seven complete days" in body
    assert (
        "1 cluster stands on your list, 1 of them new" in body and "6 cases from 5 households named one place" in body
    )
    assert "1 incident is open; 1 action is due" in body and f"/areas/{BLACKBURN}" in body
    for secret in ("LE5", "gym", "Secret", "Ring", "Luton"):
        assert secret not in body, secret
    assert digest.queue(by=DIGEST, now=START + DAY) == 1
    assert len(events("digest.queued")) == 2


def test_its_figures_are_of_complete_days_and_of_what_still_stands(town: Town) -> None:
    today = london_date(START)
    counted = {2: 1000, 3: 20, 9: 40, 10: 300, 16: 700, 17: 5000}
    with walls.transaction(COUNTING), connection.cursor() as cursor:
        for ago, cases in counted.items():
            day = today - timedelta(days=ago)
            cursor.execute("INSERT INTO area_days VALUES (%s, 'cases', %s, %s, %s)", [BLACKBURN, day, day, cases])
        cursor.execute("INSERT INTO area_days VALUES (%s, 'age:0', %s, %s, 9)", [BLACKBURN, today - 4 * DAY, today])
    for cases in (6, 7, 8):
        alert(BLACKBURN, cases)
    with walls.transaction(DETECTION), connection.cursor() as cursor:
        cursor.execute("UPDATE alerts SET ended_at = %s WHERE cases = 7", [START])
        cursor.execute("UPDATE alerts SET found_at = %s WHERE cases = 8", [START - 25 * HOUR])
    by = town.by("Dora")
    over, stands = (incidents.open_incident(area=BLACKBURN, title=name, by=by, now=START).ref for name in ("A", "B"))
    for ref, days in ((over, 0), (stands, 0), (stands, 1)):
        incidents.add_action(incident=ref, what="Ring.", owner="Leo", due_on=today + days * DAY, by=by, now=START)
    version = held.incident(scope=by, ref=over, now=START).version
    incidents.close(incident=over, version=version, outcome="over", by=by, now=START)
    assert digest.queue(by=DIGEST, now=START) == 1
    with walls.transaction(MESSAGES), connection.cursor() as cursor:
        cursor.execute("SELECT values FROM messages")
        ((given,),) = cursor.fetchall()
    values: dict[str, str] = json.loads(given) if isinstance(given, str) else given
    assert values["cases"] == "60 cases in the last seven complete days, 1,000 cases in the seven before."
    assert values["actions"] == "1 incident is open; 1 action is due today or overdue."
    assert values["found"].startswith("2 clusters stand on your list, 1 of them new since yesterday.")


def test_an_incident_of_several_is_told_to_those_who_have_agreed(town: Town) -> None:
    analyst(town, "Lars", LUTON)
    analyst(town, "Charlie", LEICESTER)
    for name in ("Lars", "Charlie"):
        digest.choose(wanted=True, by=town.by(name), now=START)
    dora, lars = town.by("Dora"), town.by("Lars")

    def actions(day: int) -> list[str]:
        """What each reader of a day is told, by address."""
        digest.queue(by=DIGEST, now=START + day * DAY)
        with walls.transaction(MESSAGES), connection.cursor() as cursor:
            cursor.execute(
                "SELECT values->>'actions' FROM messages WHERE created_at = %s ORDER BY \"to\"", [START + day * DAY]
            )
            return [told for (told,) in cursor.fetchall()]

    none, one = (
        "0 incidents are open; 0 actions are due today or overdue.",
        "1 incident is open; 1 action is due today or overdue.",
    )
    ref = incidents.open_incident(area=BLACKBURN, title="Gym", by=dora, now=START).ref
    incidents.add_action(incident=ref, what="Ring.", owner="Leo", due_on=london_date(START), by=dora, now=START)
    for area in (LUTON, LEICESTER):
        taking_part.ask(incident=ref, area=area, why="Two of yours train there.", by=dora, now=START)
    assert actions(0) == [none, one, none], "Charlie, Dora and Lars"
    (asked,) = held.asks(scope=lars, area=LUTON)
    taking_part.answer(asked=asked.id, agrees=True, by=lars, now=START)
    assert actions(1) == [none, one, one]
    taking_part.end(incident=ref, area=LUTON, why="None of ours after all.", by=lars, now=START)
    assert actions(2) == [none, one, none]


def test_who_gets_it(town: Town) -> None:
    analyst(town)
    assert digest.queue(by=DIGEST, now=START) == 1
    for name, choice in (("Charlie", True), ("Dora", False)):
        digest.choose(wanted=choice, by=town.by(name), now=START)
        assert queries.digest_wanted(scope=town.by(name), now=START) is choice
    assert queries.digest_wanted(scope=town.by("Nia"), now=START) is None
    assert digest.queue(by=DIGEST, now=START + DAY) == 1
    assert [to for to, *_ in sent()] == ["dora@example.org", "charlie@example.org"]
    with pytest.raises(Refused):
        digest.choose(wanted=True, by=town.by("Nia"), now=START)


def test_the_outbox_shows_readers_their_own(town: Town) -> None:
    analyst(town)
    alert(BLACKBURN, 6)
    assert digest.queue(by=DIGEST, now=START) == 1
    assert sending.deliver(by=MESSAGES, now=START).sent == 1

    def shown(name: str) -> str:
        client = Client()
        client.force_login(town.users[name], BACKEND)
        return Page(client.get("/outbox").content.decode()).words

    assert "6 cases from 5 households named one place" in shown("Dora")
    for name in ("Charlie", "Leo"):
        assert "named one place" not in shown(name)


def test_it_is_stopped_and_wanted_again_on_the_page(town: Town) -> None:
    client = Client()
    client.force_login(town.users["Dora"], BACKEND)
    address = f"/areas/{BLACKBURN}/digest"
    for said, told in (("no", "You get no email"), ("yes", "You get an email each morning.")):
        page = Page(client.post(address, {"digest": said}, follow=True).content.decode())
        assert told in page.words and page.problems == []
    assert "Send me no more" in page.words
