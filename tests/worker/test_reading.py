"""Deliveries that were left half read are read to the end by the worker."""

from datetime import timedelta

from ringfence.actions import intake
from ringfence.worker import reading
from tests.deliveries import NOW, line, problems, receive, select, sheet, wave
from tests.town import INTAKE
from tests.worker.test_detecting import Played


def test_what_was_left_is_read_and_what_just_came_is_left_alone(real_town):
    half = receive(wave(60))
    intake.process(delivery=half.ref, by=INTAKE, now=NOW, part=1, parts=2)
    waiting = receive(sheet(line("S1", "Ann")))
    fresh = receive(sheet(line("S2", "Ann")), now=NOW + timedelta(seconds=30))
    done = reading.resume(NOW + timedelta(minutes=1))
    assert [(each.ref, each.status) for each in done] == [(half.ref, "done"), (waiting.ref, "done")]
    assert reading.resume(NOW + timedelta(seconds=80)) == []
    assert len(problems()) == 1
    assert [each.ref for each in reading.resume(NOW + timedelta(seconds=90))] == [fresh.ref]
    assert problems() == []


def test_what_somebody_is_reading_is_left_to_them(real_town, login):
    got = receive(sheet(line("S1", "Ann")))
    later = NOW + timedelta(hours=1)
    other = login("worker")
    ((number,),) = select("SELECT id FROM deliveries")
    other.execute("SELECT pg_advisory_lock(%s)", [number * 16])
    assert reading.resume(later) == []
    assert [problem for problem in problems() if "half read" in problem] == []
    other.execute("SELECT pg_advisory_unlock_all()")
    assert [each.ref for each in reading.resume(later)] == [got.ref]


def test_a_look_that_fails_is_not_the_last(db, monkeypatch):
    looks = []

    def fails(now):
        looks.append(now)
        raise ValueError("what nobody thought of")

    monkeypatch.setattr(reading, "resume", fails)
    played = Played(NOW, NOW + 3 * timedelta(seconds=reading.PAUSE))
    reading.run(played, played.now)
    assert len(looks) > 1
