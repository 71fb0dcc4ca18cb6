"""Detection: every half minute what is new, once a day every area, and then the morning's e-mail.

A thread of its own: a scan must not hold up the clock. Nor must it hold up what is new: the areas of a day are looked at
one by one, and what is new in between.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.db import InterfaceError, OperationalError, connection

from ringfence.actions import detection, digest
from ringfence.geography import resolve
from ringfence.rules.access import system_scope
from ringfence.rules.calendar import LONDON, london_date
from ringfence.worker.clock import utc_now

logger = logging.getLogger(__name__)

#: Seconds between looks.
PAUSE = 30

#: London time from which the areas are looked at, so that the list is there in the morning.
DAILY_FROM = time(5)

DETECTION, DIGEST = system_scope("detection"), system_scope("digest")


@dataclass
class Watch:
    """When was looked at what is new; on which day at the areas, and which are still to come; which day was told of."""

    looked: datetime | None = None
    areas_on: date | None = None
    waiting: list[str] = field(default_factory=list)
    told_on: date | None = None


def run(stopping: threading.Event, now: Callable[[], datetime] = utc_now) -> None:
    """Look until ``stopping`` is set; what cannot be done now is done next time."""
    watch, pause = Watch(), PAUSE
    while not stopping.wait(pause):
        pause = PAUSE
        try:
            step(watch, now())
            pause = 0 if watch.waiting or watch.told_on != watch.areas_on else PAUSE
        except (OperationalError, InterfaceError):
            connection.close()  # the clock says that the database is away
        except Exception:
            logger.exception("a look at the record failed; the next one tries again")
            connection.close()


def step(watch: Watch, at: datetime) -> None:
    """What is new, when that is due; one of the areas that are still to come; after the last, the morning's e-mail."""
    if watch.looked is None or at - watch.looked >= timedelta(seconds=PAUSE):
        watch.looked = at
        done = detection.look(by=DETECTION, now=at)
        if done.found:
            logger.info("detection: %d new alerts, %d brought up to date", done.found, done.updated)
    if watch.areas_on != london_date(at) and at.astimezone(LONDON).time() >= DAILY_FROM:
        watch.waiting = [area.code for area in resolve.atlas().upper_tier()]
        watch.areas_on = london_date(at)
    if watch.waiting:
        # An area that cannot be looked at must not keep the others waiting.
        area = watch.waiting.pop(0)
        try:
            detection.look_at_areas(by=DETECTION, now=at, areas=[area])
        except (OperationalError, InterfaceError):
            watch.waiting.append(area)
            raise
    elif watch.told_on != watch.areas_on:
        queued = digest.queue(by=DIGEST, now=at)
        watch.told_on = watch.areas_on
        logger.info("digest: %d e-mails queued", queued)
