"""Detection: every half minute what is new, once a day every area, and then the morning's e-mail.

A thread of its own: a scan must not hold up the clock.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import date, datetime, time

from django.db import InterfaceError, OperationalError, connection

from ringfence.actions import detection, digest
from ringfence.rules.access import system_scope
from ringfence.rules.calendar import LONDON, london_date
from ringfence.worker.clock import utc_now

logger = logging.getLogger(__name__)

#: Seconds between looks.
PAUSE = 30

#: London time from which the areas are looked at, so that the list is there in the morning.
DAILY_FROM = time(5)

DETECTION, DIGEST = system_scope("detection"), system_scope("digest")


def run(stopping: threading.Event, now: Callable[[], datetime] = utc_now) -> None:
    """Look until ``stopping`` is set; what cannot be done now is done next time."""
    areas_on: date | None = None
    told_on: date | None = None
    while not stopping.wait(PAUSE):
        at = now()
        try:
            done = detection.look(by=DETECTION, now=at)
            if areas_on != london_date(at) and at.astimezone(LONDON).time() >= DAILY_FROM:
                detection.look_at_areas(by=DETECTION, now=at)
                areas_on = london_date(at)
            if told_on != areas_on:
                queued = digest.queue(by=DIGEST, now=at)
                told_on = areas_on
                logger.info("digest: %d e-mails queued", queued)
            if done.found:
                logger.info("detection: %d new alerts, %d brought up to date", done.found, done.updated)
        except (OperationalError, InterfaceError):
            connection.close()  # the clock says that the database is away
        except Exception:
            logger.exception("a look at the record failed; the next one tries again")
            connection.close()
