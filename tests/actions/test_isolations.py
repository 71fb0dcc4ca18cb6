"""Isolations follow the rules: worked out anew when these change, superseded and never overwritten."""

from datetime import date, timedelta

import pytest

from ringfence.actions import isolations, templates
from ringfence.actions.isolations import Seen
from ringfence.partnerships.models import ServiceRule
from ringfence.rules.access import system_scope
from tests.interviews import INTERVIEWS, person, rows, say, taken
from tests.town import HOUR, START, events

NOW = START + 2 * HOUR
ENDS = "SELECT until_date, policy, because FROM isolations WHERE superseded_at IS NULL ORDER BY id"


@pytest.fixture(autouse=True)
def _postcodes(postcodes):
    """With somewhere to live."""


BEGINS = date(2026, 11, 18)


@pytest.fixture
def named(town):
    """A case with two contacts, under rules by which contacts isolate for 14 days; those of 10 begin in two days."""
    ServiceRule.objects.create(from_date=date(2026, 11, 1), policy="England from 30 July 2020")
    trace = town.trace(phone="07700900001", household=77)
    say(trace, town.by("Nia"), NOW, {"contacts": [person("a", household=True), person("b", "Bo Ray")]})
    taken(NOW)
    return trace


@pytest.fixture
def changing(named):
    ServiceRule.objects.create(from_date=BEGINS, policy="England from 14 December 2020")


def recompute(seen, now, **more):
    return isolations.recompute(seen=seen, by=INTERVIEWS, now=now, **more)


def test_rules_that_begin_change_what_is_running(changing):
    seen = Seen()
    assert recompute(seen, NOW).changed == ()
    done = recompute(seen, NOW + timedelta(days=2))
    assert {(each.before, each.after) for each in done.changed} == {
        (date(2026, 11, 30), date(2026, 11, 26)),
        (date(2026, 11, 29), date(2026, 11, 25)),
    }
    assert {each.because for each in done.changed} == {"The rules changed: England from 14 December 2020."}
    assert [row[0] for row in rows(ENDS)] == [date(2026, 11, 26), date(2026, 11, 26), date(2026, 11, 25)]
    assert rows("SELECT count(*) FROM isolations WHERE superseded_at IS NOT NULL") == [2]
    assert len(events("isolation.changed")) == 2


def test_a_second_process_finds_nothing_to_change(changing):
    later = NOW + timedelta(days=2)
    assert len(recompute(Seen(), later).changed) == 2
    assert recompute(Seen(), later).changed == ()


def test_it_goes_through_all_of_them_in_parts(changing):
    seen, later, changed = Seen(), NOW + timedelta(days=2), 0
    for _ in range(6):
        changed += len(recompute(seen, later, limit=1).changed)
    assert changed == 2
    assert recompute(seen, later, limit=1).changed == ()
    assert seen.after is None


def test_what_was_over_before_stays(named):
    ServiceRule.objects.create(from_date=date(2026, 12, 18), policy="England from 14 December 2020")
    assert recompute(Seen(), NOW + timedelta(days=40)).changed == ()


def test_who_was_told_is_written_to(town, changing):
    templates.install(by=system_scope("messages"), now=NOW)
    rows("UPDATE people SET email = 'bo@example.org' WHERE given_name = 'Bo' RETURNING id")
    reached = "closed_at = now(), outcome = 'reached', reached_at = now(), reached_by_kind = 'national', queued = false"
    rows(f"UPDATE traces SET {reached} WHERE reason = 'contact' RETURNING id")
    recompute(Seen(), NOW + timedelta(days=2))
    assert rows("SELECT channel, values::text FROM messages ORDER BY id") == [
        ("text", '{"until": "2026-11-26"}'),
        ("email", '{"until": "2026-11-25"}'),
    ]
