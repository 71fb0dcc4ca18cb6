"""Counting what is new for the figures by day. A thread of its own: neither a scan nor a large delivery may hold it up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from django.db import InterfaceError, OperationalError, connection

from ringfence.actions import counting
from ringfence.rules.access import system_scope
from ringfence.worker.clock import utc_now

logger = logging.getLogger(__name__)

#: Seconds between looks.
PAUSE = 15

COUNTING = system_scope("counting")


def run(stopping: threading.Event, now: Callable[[], datetime] = utc_now) -> None:
    """Count until ``stopping`` is set; what cannot be counted now is counted next time."""
    while not stopping.is_set():
        try:
            while counting.count(by=COUNTING, now=now()) and not stopping.is_set():
                pass
        except (OperationalError, InterfaceError):
            connection.close()  # the clock says that the database is away
        except Exception:
            logger.exception("counting failed; the next look tries again")
            connection.close()
        stopping.wait(PAUSE)
