"""The outbox on its page: links to residents' forms are there to be followed in an exercise, and nowhere else."""

from __future__ import annotations

from datetime import date, timedelta

from django.test import Client
from django.utils import timezone

from ringfence.actions import messages, sending
from ringfence.partnerships.models import ServiceRule
from ringfence.rules.policy import ENGLAND
from tests.town import MESSAGES, Town
from tests.web.conftest import SignedIn
from tests.web.reading import Page


def shown(client: Client) -> str:
    return Page(client.get("/outbox").content.decode()).words


def test_a_link_is_shown_while_an_exercise_is_in_force(town: Town, signed_in: SignedIn) -> None:
    now = timezone.now()
    town.trace(now=now - timedelta(minutes=30), phone="", email="someone@example.com")
    assert messages.invite(by=MESSAGES, now=now).invited == 1
    assert sending.deliver(by=MESSAGES, now=now).sent == 1
    client = signed_in("Nia")
    words = shown(client)
    assert "/you/" in words and "with its links" in words
    ServiceRule.objects.create(from_date=date(2026, 1, 2), policy=ENGLAND[0].name)
    words = shown(client)
    assert "/you/" not in words and "links to residents' forms are left out" in words


def test_a_number_is_told_in_groups(town: Town, signed_in: SignedIn) -> None:
    now = timezone.now()
    town.trace(now=now - timedelta(minutes=30), phone="07700900123")
    assert messages.invite(by=MESSAGES, now=now).invited == 1
    assert "text message to 07700 900123" in shown(signed_in("Nia"))
