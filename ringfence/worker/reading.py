"""Deliveries that a killed process left half read are read to the end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from django.db import InterfaceError, OperationalError, connection

from ringfence.actions import intake
from ringfence.queries import deliveries
from ringfence.rules.access import system_scope
from ringfence.worker.clock import utc_now

logger = logging.getLogger(__name__)

#: Seconds between looks.
PAUSE = 30

INTAKE = system_scope("intake")


def run(stopping: threading.Event, now: Callable[[], datetime] = utc_now) -> None:
    """Look for abandoned deliveries until ``stopping`` is set; what cannot be read now is tried again next time."""
    while not stopping.wait(PAUSE):
        try:
            resume(now())
        except (OperationalError, InterfaceError):
            connection.close()  # the clock says that the database is away
        except Exception:
            logger.exception("a look for half-read deliveries failed; the next one tries again")
            connection.close()


def resume(now: datetime) -> list[intake.Receipt]:
    """Read every abandoned delivery to the end, in the parts it was begun in; the receipts."""
    receipts = []
    for ref, parts in deliveries.abandoned(scope=INTAKE, now=now):
        try:
            for part in range(parts):
                receipt = intake.process(delivery=ref, by=INTAKE, now=now, part=part, parts=parts)
        except intake.Busy:
            continue  # somebody was quicker
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            # One that cannot be read must not stop those after it.
            logger.exception("delivery %s was left half read and cannot be read now; trying again", ref)
            connection.close()
            continue
        logger.info("delivery %s was left half read and is %s: %d rows", receipt.ref, receipt.status, receipt.rows)
        receipts.append(receipt)
    return receipts
