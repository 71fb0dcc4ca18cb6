"""The pages of the script editor: every version, the next one checked with its mistakes named, in force from its date."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from ringfence.actions import questionnaires
from ringfence.queries import questionnaires as queries
from ringfence.rules import scripts
from tests.town import INTERVIEWS, Town
from tests.web.conftest import SignedIn
from tests.web.reading import Page

TEXT = scripts.to_text(questionnaires.packaged("followup"))
NEW = TEXT.replace("title: Follow-up call", "title: How are you?")


def send(client: Client, then: str, days: int = 2, **sent: str) -> tuple[int, Page]:
    on = timezone.now() + timedelta(days=days)
    date = {"from_at-day": str(on.day), "from_at-month": str(on.month), "from_at-year": str(on.year)}
    form = {"text": NEW, "from_at-time": "08:00", "then": then, **date, **sent}
    answer = client.post("/scripts/followup/1/next", form, follow=True)
    page = Page(answer.content.decode())
    assert page.problems == []
    return answer.status_code, page


def versions() -> list[int]:
    return [each.version for each in queries.versions(scope=INTERVIEWS, key="followup")]


def test_a_version_is_looked_at_before_it_is_recorded(town: Town, signed_in: SignedIn) -> None:
    client = signed_in("Sid")
    page = Page(client.get("/scripts/followup/1/next").content.decode())
    assert "question stays_home: yes_no" in page.words
    status, page = send(client, "check")
    assert status == 200
    assert "What changes title: Follow-up call title: How are you?" in page.words
    assert "As it will be put" in page.words
    assert versions() == [1]
    status, page = send(client, "check", days=-2)
    assert status == 422 and "Give a moment that is still to come" in page.words
    status, page = send(client, "record")
    assert "Follow-up call: version 2 is recorded." in page.words
    assert "To come" in page.words and "In force" in page.words
    assert versions() == [2, 1]
    assert "How are you?" in Page(client.get("/scripts/followup/2").content.decode()).words


@pytest.mark.parametrize(
    ("sent", "days", "message"),
    [
        (
            {"text": NEW.replace("kind", "sort").replace("when: has_symptoms = yes", "when: is_well = yes", 1)},
            2,
            "Line ",
        ),
        ({"text": ""}, 2, "The questionnaire has no section"),
        ({}, -2, "Give a moment that is still to come"),
        ({"from_at-time": "soon"}, 2, "as a time of day, such as 14:05"),
    ],
)
def test_what_cannot_be_recorded_says_why_and_stays_in_the_form(
    town: Town, signed_in: SignedIn, sent: dict[str, str], days: int, message: str
) -> None:
    status, page = send(signed_in("Sid"), "record", days, **sent)
    assert status == 422
    assert message in page.words
    assert versions() == [1]


def test_a_mistake_is_named_with_its_line_and_question(town: Town, signed_in: SignedIn) -> None:
    wrong = NEW.replace("when: has_symptoms = yes", "when: is_well = yes", 1)
    line = wrong[: wrong.index("question onset_date")].count("\n") + 1
    _, page = send(signed_in("Sid"), "check", text=wrong)
    assert f"Line {line}: Section 'check', question 'onset_date': when asks for 'is_well'" in page.words
    assert "when: is_well = yes" in page.words, "what was typed stays"


def test_who_asks_now_is_told_what_to_ask_by_the_version_in_force(town: Town, signed_in: SignedIn, trace: str) -> None:
    now = timezone.now()
    changed = scripts.to_text(questionnaires.packaged("case")).replace("Am I speaking to", "Is this")
    questionnaires.change(key="case", text=changed, from_at=now, by=town.by("Sid", now), now=now)
    assert "Is this Person 1?" in Page(signed_in("Nia").get(f"/traces/{trace}/interview").content.decode()).words
