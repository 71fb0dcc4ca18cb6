"""How soon what was said in an interview is before the director, at the worker's own pace."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError

from ringfence.actions import detection
from ringfence.actions.alerts import Looked
from ringfence.queries import alerts
from ringfence.rules.alerts import Method
from ringfence.rules.calendar import london_date
from ringfence.worker import clock, detecting
from tests.interviews import place, say
from tests.town import BLACKBURN, HOUR, LUTON, START, Town

NOW = START + 2 * HOUR
SECOND = timedelta(seconds=1)
TODAY = london_date(NOW)


class Played(threading.Event):
    """Instead of waiting, time goes on; it ends at ``until``."""

    def __init__(self, begun: datetime, until: datetime) -> None:
        super().__init__()
        self.at, self.until = begun, until

    def now(self) -> datetime:
        return self.at

    def is_set(self) -> bool:
        return self.at > self.until

    def wait(self, timeout: float | None = None) -> bool:
        self.at += timedelta(seconds=timeout or 0)
        return self.is_set()


def listed(town: Town, at: datetime) -> list[Any]:
    found = alerts.alerts(scope=town.by("Dora"), area=BLACKBURN, now=at)
    return [each for each in found if each.method is Method.EXPOSURE]


def test_a_new_interview_is_in_the_list_within_a_minute(town: Town) -> None:
    first, second = (town.trace(BLACKBURN, household=household) for household in (1, 2))
    watch = detecting.Watch(areas_on=TODAY, told_on=TODAY)
    say(first, town.by("Nia"), NOW - HOUR, {"places": [place("p")]})
    before = Played(NOW - HOUR, NOW - HOUR + 5 * SECOND)
    clock.run(before, before.now)
    # The worst moment: the clock and detection have both just looked.
    just = Played(NOW, NOW)
    clock.run(just, just.now)
    detecting.step(watch, NOW)
    assert listed(town, NOW) == []
    done = NOW + SECOND
    say(second, town.by("Nia"), done, {"places": [place("q")]})
    ticks = Played(NOW + clock.OFTEN * SECOND, NOW + clock.OFTEN * SECOND)
    clock.run(ticks, ticks.now)
    look = NOW + detecting.PAUSE * SECOND
    assert look <= done + timedelta(minutes=1)
    detecting.step(watch, look)
    assert [(each.cases, each.households) for each in listed(town, look)] == [(2, 2)]


def test_the_areas_of_a_day_do_not_keep_what_is_new_waiting(town: Town) -> None:
    watch = detecting.Watch(areas_on=TODAY, told_on=TODAY, waiting=[BLACKBURN, LUTON, BLACKBURN])
    for second in (0, 15, 31):
        detecting.step(watch, NOW + second * SECOND)
    assert watch.looked == NOW + 31 * SECOND and watch.waiting == []


def test_every_area_is_looked_at_once_a_day_from_five_in_the_morning(town: Town) -> None:
    watch = detecting.Watch(areas_on=TODAY, told_on=TODAY)
    early = datetime(2026, 11, 17, 4, 59, tzinfo=NOW.tzinfo)
    detecting.step(watch, early)
    assert watch.waiting == []
    detecting.step(watch, early + timedelta(minutes=1))
    areas = len(watch.waiting) + 1
    assert areas > 140 and BLACKBURN in watch.waiting
    watch.waiting = watch.waiting[:1]
    detecting.step(watch, early + timedelta(minutes=2))
    assert watch.waiting == [] and watch.told_on == TODAY
    detecting.step(watch, early + timedelta(minutes=3))
    assert watch.waiting == [] and watch.told_on == watch.areas_on == TODAY + timedelta(days=1)


def test_without_the_database_an_area_is_looked_at_later(town: Town, monkeypatch: Any) -> None:
    def away(**_: Any) -> Looked:
        raise OperationalError("away")

    watch = detecting.Watch(looked=NOW, areas_on=TODAY, told_on=TODAY, waiting=[BLACKBURN, LUTON])
    monkeypatch.setattr(detection, "look_at_areas", away)
    with pytest.raises(OperationalError):
        detecting.step(watch, NOW + SECOND)
    assert watch.waiting == [LUTON, BLACKBURN]
