"""Maps worked out beforehand, one authority at a look, so that no director waits for one. A thread of its own: each takes
seconds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from django.db import InterfaceError, OperationalError, connection

from ringfence.actions import shapes
from ringfence.rules.access import system_scope
from ringfence.worker.clock import utc_now

logger = logging.getLogger(__name__)

#: Seconds between looks, the first of them after the start, when there is more urgent work.
PAUSE = 15

GEOGRAPHY = system_scope("geography")


def run(stopping: threading.Event, now: Callable[[], datetime] = utc_now) -> None:
    """Work out what is missing until ``stopping`` is set. What cannot be worked out the page says when it is opened."""
    tried: set[str] = set()
    while not stopping.wait(PAUSE):
        try:
            at = now()
            missing = [area for area in shapes.missing(by=GEOGRAPHY, now=at) if area not in tried]
            if missing:
                tried.add(missing[0])
                if shapes.prepare(area=missing[0], by=GEOGRAPHY, now=at):
                    # New postcodes make them stale, and then they are missing again.
                    tried.discard(missing[0])
        except (OperationalError, InterfaceError):
            connection.close()  # the clock says that the database is away
        except Exception:
            logger.exception("a map could not be worked out beforehand")
            connection.close()
