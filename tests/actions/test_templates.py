"""Texts of messages: what can be sent, by whom they are changed, and which one is in use when."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from ringfence.accounts import walls
from ringfence.actions import messages, sending, templates
from ringfence.actions.errors import Invalid, Stale
from ringfence.actions.messages import Asked
from ringfence.gateways.messages import Folder
from ringfence.queries import templates as queries
from ringfence.rules import messages as rules
from ringfence.rules.access import Refused
from ringfence.rules.calendar import LONDON
from ringfence.rules.texts import PRINTED, first_texts
from tests.town import HOUR, MESSAGES, START

NOON = START + 4 * HOUR


@pytest.mark.parametrize("text", first_texts(), ids=lambda text: f"{text.key} {text.channel} {text.language}")
def test_every_first_text_can_be_sent(text):
    assert rules.problems(text.key, text.channel, text.subject, text.body) == {}


def test_every_message_has_its_text_in_every_language():
    there = {(text.key, text.channel, text.language) for text in first_texts()}
    assert there == {
        (kind.key, channel, code)
        for kind in rules.KINDS.values()
        for channel in kind.channels
        for code in kind.languages
        if channel != "letter" or code in PRINTED
    }


def change(town, by="Sid", **given):
    asked = {"key": "missed", "channel": "text", "language": "en", "version": 1, "subject": "", "from_at": NOON}
    return templates.change(**{**asked, "body": "Please answer.", **given}, by=town.by(by, NOON), now=NOON)


def sent(town, tmp_path, now=NOON):
    """What a message said that was queued and sent at a moment."""
    trace = town.trace()
    messages.queue(asked=[Asked(trace=trace, kind="missed", key=f"{trace}")], by=MESSAGES, now=now)
    sending.deliver(by=MESSAGES, now=now, through=Folder(tmp_path / "outbox"))
    with walls.transaction(MESSAGES), connection.cursor() as cursor:
        cursor.execute("SELECT body FROM messages ORDER BY id DESC LIMIT 1")
        return cursor.fetchone()[0]


def test_a_change_is_a_new_version_from_its_day_on(town, tmp_path):
    before = sent(town, tmp_path)
    assert change(town, from_at=NOON + 24 * HOUR) == 2
    assert sent(town, tmp_path) == before
    assert sent(town, tmp_path, NOON + 24 * HOUR) == "Please answer."
    found = queries.versions(scope=town.by("Sid", NOON), key="missed", channel="text", language="en")
    assert [(each.version, each.by_name) for each in found] == [(2, "Sid"), (1, "")]


def test_installing_again_leaves_what_was_changed(town):
    change(town)
    assert templates.install(by=MESSAGES, now=NOON) == 0


def test_two_editors_do_not_overwrite_one_another(town):
    assert change(town) == 2
    with pytest.raises(Stale):
        change(town)


@pytest.mark.parametrize("name", ["Nia", "Dora", "Olu", "Gil", "Charlie"])
def test_only_a_script_editor_changes_them(town, name):
    with pytest.raises(Refused):
        change(town, by=name)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"body": " "}, "body"),
        ({"body": "((name)), please answer."}, "body"),
        ({"key": "invitation", "body": "Fill in the form."}, "body"),
        ({"body": "x" * 919}, "body"),
        ({"body": "a\0b"}, "body"),
        ({"subject": "Hello"}, "subject"),
        ({"channel": "email", "subject": ""}, "subject"),
        ({"from_at": NOON - timedelta(seconds=1)}, "from_at"),
        ({"key": "poem"}, "key"),
        ({"language": "cy"}, "key"),
        ({"key": "invitation", "channel": "letter"}, "key"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_its_field(town, given, field):
    with pytest.raises(Invalid) as problem:
        change(town, **given)
    assert problem.value.field == field


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.sampled_from(sorted(rules.Channel)))
def test_nothing_goes_out_in_quiet_hours_and_all_within_twelve_hours(at, channel):
    now = at.replace(tzinfo=LONDON)
    after = rules.send_after(channel, now)
    assert not rules.quiet(channel, after)
    assert timedelta(0) <= after - now <= timedelta(hours=13)
    if not rules.quiet(channel, now):
        assert after == now


@pytest.mark.parametrize(
    ("number", "takes"),
    [
        ("07700900982", True),
        ("01632960101", False),
        ("07012345678", False),
        ("07612345678", False),
        ("07624123456", True),
        ("0762412345", False),
        ("+33612345678", True),
        ("0770090098", False),
        ("", False),
    ],
)
def test_which_numbers_take_texts(number, takes):
    assert rules.mobile(number) is takes
