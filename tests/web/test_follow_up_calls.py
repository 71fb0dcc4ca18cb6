"""A follow-up call on its pages: how they are today, and each way in which it ends."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from ringfence.accounts import walls
from ringfence.actions import attempts, followups, partnerships
from ringfence.rules.access import system_scope
from ringfence.rules.calendar import london_date
from tests.town import ACCOUNTS, BLACKBURN, INTAKE, INTERVIEWS, SWEEP, Town, row
from tests.web.conftest import SignedIn
from tests.web.reading import Page
from tests.web.test_interview import WHO, look, send, sheet

DAY = timedelta(days=1)
CHECK = {"has_symptoms": "no", "stays_home": "yes"}

_ISOLATES = """
INSERT INTO isolations (trace_id, person_id, day_0, from_date, until_date, policy, why, computed_at)
SELECT id, person_id, %s, %s, %s, 'Exercise policy', '', %s FROM traces WHERE id = %s
"""

_POSITIVE = """
INSERT INTO cases (person_id, episode, first_specimen_date, last_positive_date, authority, ltla, postcode, opened_at,
    updated_at)
SELECT person_id, 2, %s, %s, authority, authority, '', %s, %s FROM traces WHERE ref = %s
"""


def make(now: datetime) -> followups.Made:
    return followups.make(by=INTERVIEWS, now=now)


@pytest.fixture
def call(town: Town) -> str:
    """The reference of the follow-up call of day 4 to somebody whom the national team reached four days ago."""
    now = timezone.now()
    before, day_0 = now - 4 * DAY, london_date(now) - 4 * DAY
    partnerships.set_policy(
        area=BLACKBURN,
        by=ACCOUNTS,
        now=before,
        model="timed",
        set_period_hours=24,
        opens=time(9),
        closes=time(17),
        follow_up_days=(4, 8),
    )
    partnerships.apply_changes(by=system_scope("policy"), now=before)
    case = town.trace(now=before, phone="07700900101")
    attempts.record(trace=case, version=0, kind="call", outcome="reached", by=town.by("Nia", before), now=before)
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(_ISOLATES, [day_0, day_0, day_0 + 10 * DAY, before, case])
    assert make(now).planned == 1
    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute("SELECT ref FROM traces WHERE reason = 'followup'")
        ((ref,),) = cursor.fetchall()
    return str(ref)


def record(signed_in: SignedIn, ref: str) -> str:
    return Page(signed_in("Nia").get(f"/traces/{ref}").content.decode()).words


def outcome(ref: str) -> object:
    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM traces WHERE ref = %s", [ref])
        return row(cursor.fetchone()[0], "outcome")[0]


def test_how_they_are_today_and_done(town: Town, signed_in: SignedIn, call: str) -> None:
    client = signed_in("Nia")
    assert "do you feel unwell today" not in look(client, call, "check").words.lower()
    send(client, town, call, "who", **WHO)
    page = look(client, call)
    assert "Do you feel unwell today?" in page.words
    assert "Please go on staying at home until the end of" in page.words
    status, page, address = send(client, town, call, "check", **CHECK)
    assert (status, address) == (200, f"/traces/{call}/interview/finish")
    assert "Stays at home Yes" in page.words
    status, page, address = send(client, town, call, "finish", next="no")
    assert (status, address, outcome(call)) == (200, "/work", "reached")
    assert "They were reached" in page.words


def test_symptoms_bring_the_advice_to_take_a_test(town: Town, signed_in: SignedIn, call: str) -> None:
    client = signed_in("Nia")
    send(client, town, call, "who", **WHO)
    send(client, town, call, "check", then="stay", has_symptoms="yes", stays_home="yes", symptoms="cough")
    assert "Please take a test today" in look(client, call, "check").words
    assert sheet(town, call).values["symptoms"] == ["cough"]


def test_nobody_answers_while_the_isolation_lasts(town: Town, signed_in: SignedIn, call: str) -> None:
    assert make(timezone.now() + 7 * DAY).lost == 1
    page = look(signed_in("Nia"), call)
    assert outcome(call) == "lost"
    assert "Closed: follow-up lost" in record(signed_in, call)
    assert "Reached: finish" not in page.words


def test_it_ends_when_they_test_positive_meanwhile(town: Town, signed_in: SignedIn, call: str) -> None:
    now = timezone.now()
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute(_POSITIVE, [london_date(now), london_date(now), now, now, call])
    assert make(now).became_case == 1
    assert outcome(call) == "became_case"
    assert "Closed: tested positive, a case now" in record(signed_in, call)
