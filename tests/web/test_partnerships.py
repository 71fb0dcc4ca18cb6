"""Partnerships, people and figures on the pages: a change is previewed before it is made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from ringfence.accounts import walls
from ringfence.accounts.models import Membership, Team, User
from ringfence.actions import intake, partnerships
from ringfence.partnerships.models import Partnership, Policy
from ringfence.rules.access import system_scope
from tests.town import ACCOUNTS, BLACKBURN, INTAKE, LEICESTER, LUTON, Town
from tests.web.conftest import PASSWORD, SignedIn, browser
from tests.web.reading import Page

POLICY = f"/authorities/{BLACKBURN}/policy"

TYPED = {
    "model": "timed",
    "set_period_hours": "4",
    "working_days": ["0", "1", "2", "3", "4", "5", "6"],
    "opens": "00:00",
    "closes": "23:59",
    "bank_holidays": "yes",
    "contacts_by": "national",
    "start": "now",
}


def post(client: Client, address: str, sent: dict[str, object], follow: bool = False) -> tuple[int, Page]:
    answer = client.post(address, sent, follow=follow)
    return answer.status_code, Page(answer.content.decode())


@pytest.fixture
def waiting(town: Town) -> Town:
    now = timezone.now()
    partnerships.apply_changes(by=system_scope("policy"), now=now)
    for hours in (1, 5, 6):
        town.trace(now=now - timedelta(hours=hours))
    return town


def test_a_policy_is_previewed_and_nothing_is_recorded(waiting: Town, signed_in: SignedIn) -> None:
    before = Policy.objects.count()
    status, page = post(signed_in("Dora"), POLICY, {**TYPED, "step": "preview"})
    assert status == 200
    assert "What it would do to the 3 open traces" in page.words
    assert "3 would pass sooner" in page.words
    assert "Nothing is recorded yet" in page.words
    assert page.problems == []
    assert Policy.objects.count() == before


def test_confirming_records_it_and_a_second_page_is_stale(waiting: Town, signed_in: SignedIn) -> None:
    client = signed_in("Dora")
    _, page = post(client, POLICY, {**TYPED, "step": "preview"})
    sent = {**TYPED, "step": "confirm", "revision": page.typed["revision"]}
    status, page = post(client, POLICY, sent, follow=True)
    assert status == 200
    assert "Set period 4 hours" in page.words
    assert "The clock takes it up within a minute" in page.words
    status, page = post(client, POLICY, sent)
    assert status == 409
    assert "The latest policy is now" in page.words
    assert page.problems == []


def test_changing_one_s_mind_keeps_what_was_typed(waiting: Town, signed_in: SignedIn) -> None:
    status, page = post(signed_in("Dora"), POLICY, {**TYPED, "step": "change"})
    assert status == 200
    assert page.typed["set_period_hours"] == "4"
    assert page.typed["closes"] == "23:59"


IMPOSSIBLE: list[tuple[dict[str, object], str]] = [
    ({"model": ""}, "model"),
    ({"set_period_hours": "0"}, "set_period_hours"),
    ({"set_period_hours": "337"}, "set_period_hours"),
    ({"set_period_hours": "a day"}, "set_period_hours"),
    ({"working_days": []}, "working_days"),
    ({"opens": "nine"}, "opens"),
    ({"opens": "18:00", "closes": "09:00"}, "closes"),
    ({"bank_holidays": ""}, "bank_holidays"),
    ({"contacts_by": "both"}, "contacts_by"),
    ({"start": ""}, "start"),
    ({"start": "later"}, "from_at"),
    (
        {"start": "later", "from_at-day": "1", "from_at-month": "1", "from_at-year": "2021", "from_at-time": "9"},
        "from_at",
    ),
]


def test_a_policy_that_cannot_be_says_which_field(town: Town, signed_in: SignedIn) -> None:
    client = signed_in("Dora")
    for typed, field in IMPOSSIBLE:
        status, page = post(client, POLICY, {**TYPED, **typed, "step": "confirm", "revision": "1"})
        assert (status, page.problems) == (422, []), typed
        assert field in page.anchors, typed


def test_an_authority_agrees_joins_and_gets_its_people(town: Town, signed_in: SignedIn) -> None:
    client, home = signed_in("Olu"), f"/authorities/{LEICESTER}"
    status, page = post(client, f"{home}/joining", {"step": "agree", "agreement": "DPA 12"}, follow=True)
    assert "DPA 12" in page.words
    status, page = post(client, f"{home}/joining", {"step": "join"})
    assert (status, page.problems) == (422, [])
    assert "joins" in page.anchors
    status, page = post(client, f"{home}/joining", {"step": "join", "joins": "now"}, follow=True)
    assert status == 200
    assert Partnership.objects.get(area_id=LEICESTER).stage == "live"
    assert "Leicester local team" in page.words
    team = Team.objects.get(kind="local", area_id=LEICESTER)
    status, page = post(
        client, f"{home}/people", {"name": "Lou", "email": "lou@example.org", "role": f"local_lead-{team.pk}"}
    )
    assert status == 200
    words = page.words.split()
    password = words[words.index("Password") + 1]
    assert User.objects.get(email="lou@example.org").check_password(password)
    assert page.problems == []


def test_adding_somebody_says_what_is_wrong(town: Town, signed_in: SignedIn) -> None:
    client, role = signed_in("Dora"), f"local_tracer-{town.team('local')}"
    for sent, field in (
        ({"name": "", "email": "x@example.org"}, "name"),
        ({"name": "X", "email": "nowhere"}, "email"),
        ({"name": "X", "email": "nia@example.org"}, "email"),
        ({"name": "X", "email": "x@example.org", "role": "national_tracer-1"}, "role"),
    ):
        status, page = post(client, f"/authorities/{BLACKBURN}/people", {"role": role, **sent})
        assert (status, page.problems) == (422, []), sent
        assert field in page.anchors, sent


def test_lending_has_an_end_and_a_reason(town: Town, signed_in: SignedIn) -> None:
    address, nora = f"/authorities/{LUTON}/lending", town.users["Nora"].pk
    until = timezone.now() + timedelta(days=3)
    sent: dict[str, object] = {
        "user": nora,
        "to_team": town.team("national"),
        "until_at-day": until.day,
        "until_at-month": until.month,
        "until_at-year": until.year,
        "until_at-time": "20:00",
    }
    status, page = post(signed_in("Olu"), address, sent)
    assert (status, page.problems) == (422, [])
    assert page.anchors.count("why") == 1
    status, page = post(signed_in("Olu"), address, {**sent, "why": "Peak", "user": "", "to_team": ""})
    assert status == 422 and "Choose a person" in page.words and "Choose a team" in page.words
    for wrong, field, told in (
        ({"until_at-year": until.year + 1}, "until_at", "Lend for at most 92 days"),
        ({"to_team": town.team("national", LUTON)}, "to_team", "They are in that team already"),
    ):
        status, page = post(signed_in("Olu"), address, {**sent, "why": "Peak in Leeds", **wrong})
        assert status == 422 and f"Error: {told}" in page.words and field in page.anchors
        assert page.typed["why"] == "Peak in Leeds"
    status, page = post(signed_in("Olu"), address, {**sent, "why": "Peak in Blackburn"}, follow=True)
    assert status == 200
    assert "Peak in Blackburn" in page.words
    own = Page(signed_in("Nora").get("/work").content.decode())
    assert "Blackburn with Darwen ring-fenced team, lent until" in own.words


def test_a_role_is_ended_by_those_who_may_and_nobody_else(town: Town, signed_in: SignedIn) -> None:
    membership = Membership.objects.get(user=town.users["Luke"])
    sent: dict[str, object] = {"step": "end", "membership": membership.pk}
    assert post(signed_in("Lena"), f"/authorities/{BLACKBURN}/people", sent)[0] == 403
    assert post(signed_in("Dora"), f"/authorities/{BLACKBURN}/people", sent, follow=True)[0] == 200
    membership.refresh_from_db()
    assert membership.until_at is not None


def test_every_authority_is_listed_and_found_by_name(town: Town, signed_in: SignedIn) -> None:
    client = signed_in("Olu")
    page = Page(client.get("/authorities").content.decode())
    assert "153 authorities" in page.words
    page = Page(client.get("/authorities?name=blackburn&stage=live").content.decode())
    assert "1 authority" in page.words
    assert "Blackburn with Darwen" in page.words
    assert "No authority of that name" in Page(client.get("/authorities?name=atlantis").content.decode()).words


def test_the_map_and_the_table_say_the_same(waiting: Town, signed_in: SignedIn) -> None:
    client = signed_in("Dora")
    measures = ("reached", "within_24", "added", "overdue", "nonsense")
    for period, measure in zip(("1", "7", "28", "all", "never"), measures, strict=True):
        answer = client.get("/overview", {"period": period, "map": measure, "order": measure})
        page = Page(answer.content.decode())
        assert page.problems == []
        assert answer.content.decode().count("<polygon") == 153 + 6, "a hexagon for each authority, and the key"
        assert "Blackburn with Darwen" in page.words
        asked = {"1": "today and yesterday", "28": "last 28 days", "all": "all"}.get(period, "last 7 days")
        assert f"of those transferred in: {asked}" in page.words
        assert "Your authority" in page.words
    assert "Your authority" not in Page(signed_in("Olu").get("/overview").content.decode()).words
    answer = client.get("/overview", {"authority": BLACKBURN, "period": "never"})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/overview/{BLACKBURN}?period=7")
    assert client.get("/overview", {"authority": "//example.org"}).status_code == 200


def test_a_file_that_was_refused_has_no_balance(town: Town, signed_in: SignedIn) -> None:
    ref = intake.receive(stream=[b"PK\x03\x04" + bytes(60)], source="Lab", by=INTAKE, now=timezone.now()).ref
    page = Page(signed_in("Olu").get(f"/deliveries/{ref}").content.decode())
    assert "This file was refused" in page.words and "accounted for" not in page.words


def test_a_receipt_balances_and_its_bad_rows_are_settled(town: Town, signed_in: SignedIn) -> None:
    now = timezone.now()
    header = "Specimen ID,NHS number,Name,Date of birth,Specimen date,Result"
    text = f"{header}\nS1,123,Ann Bad,03/04/1980,2026-11-15,Positive\n"
    ref = intake.receive(stream=[text.encode()], source="Lab <b>B</b>", by=INTAKE, now=now).ref
    intake.process(delivery=ref, by=INTAKE, now=now)
    client = signed_in("Olu")
    assert ref in Page(client.get("/deliveries").content.decode()).words
    page = Page(client.get(f"/deliveries/{ref.lower()}").content.decode())
    assert "1 = 0 + 0 + 1 : every row is accounted for." in page.words.replace("1: every", "1 : every")
    assert "Lab <b>B</b>" in page.words, "what a laboratory writes is shown, not obeyed"
    page = Page(client.get("/quarantine").content.decode())
    assert "1 row not settled" in page.words
    answer = client.get("/quarantine?delivery=nope")
    unknown = Page(answer.content.decode())
    assert answer.status_code == 422 and "Error: There is no receipt NOPE." in unknown.words
    assert "No row is waiting" not in unknown.words and unknown.problems == []
    assert "1 row" in Page(client.get(f"/quarantine?delivery={ref}").content.decode()).words
    row = page.typed["row"]
    status, page = post(client, "/quarantine", {"row": row, f"settlement-{row}": ""})
    assert (status, page.problems) == (422, [])
    assert f"settlement-{row}" in page.anchors
    status, page = post(client, "/quarantine", {"row": row, f"settlement-{row}": "Sent again"}, follow=True)
    assert "No row is waiting in quarantine" in page.words
    assert "Sent again" in Page(client.get("/quarantine?show=all").content.decode()).words


def test_who_opened_a_record_is_found_by_trace_and_by_name(town: Town, signed_in: SignedIn, trace: str) -> None:
    signed_in("Nia").get(f"/traces/{trace}")
    client = signed_in("Gil")
    page = Page(client.get("/audit", {"trace": trace}).content.decode())
    assert "Took and opened the trace" in page.words
    assert "Opened the record" in page.words
    assert "Nia" in Page(client.get("/audit", {"who": "nia", "what": "all"}).content.decode()).words
    assert "Nothing was found" in Page(client.get("/audit", {"who": "nobody"}).content.decode()).words
    assert "Nothing was found" in Page(client.get("/audit", {"trace": "ZZZ-ZZZ"}).content.decode()).words


class TestSigningIn:
    @pytest.fixture(autouse=True)
    def quick(self, settings: Any) -> None:
        """The hashing of passwords is slow on purpose; here it is not what is tried."""
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

    def sign_in(self, town: Town, **sent: str) -> tuple[Client, int, str]:
        town.users["Nia"].set_password(PASSWORD)
        with walls.transaction(ACCOUNTS):
            town.users["Nia"].save(update_fields=["password"])
        client = browser()
        answer = client.post("/sign-in", {"username": "nia@example.org", "password": PASSWORD, **sent})
        return client, answer.status_code, answer.headers.get("Location", answer.content.decode())

    def test_leads_to_the_page_that_was_asked_for(self, town: Town) -> None:
        client, status, there = self.sign_in(town, next="/local")
        assert (status, there) == (302, "/local")
        assert client.get("/work").status_code == 200

    def test_leads_to_no_other_site(self, town: Town) -> None:
        for away in ("https://example.com/", "//example.com", "javascript:alert(1)"):
            assert self.sign_in(town, next=away)[1:] == (302, "/")

    def test_is_the_same_in_any_case(self, town: Town) -> None:
        assert self.sign_in(town, username=" NIA@Example.org ")[1] == 302

    def test_says_what_is_wrong_and_not_which_of_the_two(self, town: Town) -> None:
        for sent, message in (
            ({"password": "wrong"}, "The email address or the password is not right"),
            ({"username": "nobody@example.org"}, "The email address or the password is not right"),
            ({"username": ""}, "Enter your email address"),
            ({"password": ""}, "Enter your password"),
        ):
            _, status, text = self.sign_in(town, **sent)
            page = Page(text)
            assert (status, page.problems) == (422, [])
            assert message in page.words
            assert "wrong" not in page.typed.values()

    def test_is_locked_after_ten_wrong_passwords(self, town: Town) -> None:
        for _ in range(10):
            status = self.sign_in(town, password="wrong")[1]
        assert status == 429
        _, status, text = self.sign_in(town)
        assert status == 429
        assert "Wait 15 minutes" in text

    def test_ends_when_signing_out(self, town: Town, signed_in: SignedIn) -> None:
        client = signed_in("Nia")
        assert client.post("/sign-out").headers["Location"] == "/sign-in"
        assert client.get("/work").status_code == 302
