"""Isolations follow the rules: worked out anew when these change, superseded and never overwritten."""

from datetime import date, timedelta

import pytest

from ringfence.actions import attempts, isolations, sending, templates
from ringfence.actions.isolations import Seen
from ringfence.gateways.messages import Folder
from ringfence.partnerships.models import ServiceRule
from ringfence.rules.access import system_scope
from tests.interviews import INTERVIEWS, person, rows, say, taken
from tests.town import HOUR, MESSAGES, MINUTE, START, events, row

NOW = START + 2 * HOUR
ENDS = "SELECT until_date, policy, because FROM isolations WHERE superseded_at IS NULL ORDER BY id"


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


def reach(town, trace):
    (version,) = row(trace, "version")
    attempts.record(trace=trace, version=version, kind="call", outcome="reached", by=town.by("Nia"), now=NOW + MINUTE)


@pytest.fixture
def case(town):
    """A case whom the exercise's rules ask to stay at home until 26 November, and who was told."""
    trace = town.trace(phone="07700900001", household=77)
    say(trace, town.by("Nia"), NOW, {"contacts": [ANN]})
    taken(NOW)
    reach(town, trace)
    return trace


ANN = person("a", household=True, phone="07700900002")


@pytest.fixture
def ann(town, case):
    """Their contact at home, who was told as well."""
    (trace,) = rows("SELECT id FROM traces WHERE reason = 'contact'")
    reach(town, trace)
    return trace


def began(town, trace, day, now):
    """The case says on which day it began."""
    say(trace, town.by("Nia"), now, {"has_symptoms": True, "onset_date": f"2026-11-{day}"})
    taken(now)


def sent(tmp_path, now):
    """The texts that go out now, by number."""
    folder = Folder(tmp_path / "outbox")
    before = set((tmp_path / "outbox").glob("*"))
    sending.deliver(by=MESSAGES, now=now, through=folder)
    found = (folder.read(path.name) for path in set((tmp_path / "outbox").glob("*")) - before)
    return {each.to: each.body for each in found}


def test_new_dates_from_an_interview_reach_those_who_were_told_others(town, case, ann, tmp_path):
    assert sent(tmp_path, NOW + 2 * MINUTE) == {}
    began(town, case, 13, NOW + HOUR)
    said = "Your dates have changed. Please stay at home up to and including 23 November 2026."
    assert sent(tmp_path, NOW + HOUR) == {"07700900001": said, "07700900002": said}
    assert sent(tmp_path, NOW + 2 * HOUR) == {}


def test_who_was_not_reached_yet_is_told_in_the_call(town, case, tmp_path):
    began(town, case, 13, NOW + HOUR)
    assert list(sent(tmp_path, NOW + HOUR)) == ["07700900001"]


def test_there_and_back_again_on_one_day_the_last_they_hear_is_what_holds(town, case, tmp_path):
    for minutes, day in ((60, 13), (61, 14), (62, 13), (63, 14)):
        began(town, case, day, NOW + minutes * MINUTE)
        assert f"{day + 10} November" in sent(tmp_path, NOW + minutes * MINUTE)["07700900001"]


def test_what_waits_for_the_morning_is_not_sent_when_newer_dates_are_known(town, case, tmp_path):
    night = NOW + 13 * HOUR
    began(town, case, 13, night)
    began(town, case, 14, night + MINUTE)
    assert sent(tmp_path, night + HOUR) == {}
    assert "24 November" in sent(tmp_path, night + 12 * HOUR)["07700900001"]
    assert rows("SELECT state FROM messages ORDER BY id") == ["cancelled", "sent"]


def test_who_is_no_contact_after_all_is_told_that_it_is_over(town, case, ann, tmp_path):
    say(case, town.by("Nia"), NOW + HOUR, {"contacts": [ANN | {"withdrawn": "Named by mistake"}]})
    taken(NOW + HOUR)
    assert sent(tmp_path, NOW + HOUR) == {"07700900002": "You no longer need to stay at home. Thank you."}
    assert rows("SELECT count(*) FROM isolations WHERE trace_id = %s AND superseded_at IS NULL", ann) == [0]
