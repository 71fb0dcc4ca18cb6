"""Messages: new cases invited, what is queued sent, receipts asked for. A thread of its own: a provider that answers
slowly must not hold up the clock."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import InterfaceError, OperationalError, connection

from ringfence.actions import messages, selfservice, sending, templates
from ringfence.gateways.messages import GatewayProblem
from ringfence.rules.access import system_scope
from ringfence.worker.clock import utc_now

logger = logging.getLogger(__name__)

#: Seconds between looks.
PAUSE = 5

#: How often the folder of a machine without a provider is looked through for what has lain there long enough.
CLEARING = timedelta(hours=1)

MESSAGES, INTERVIEWS = system_scope("messages"), system_scope("interviews")


def run(stopping: threading.Event, now: Callable[[], datetime] = utc_now) -> None:
    """Look until ``stopping`` is set; what cannot be done now is done next time."""
    installed = False
    cleared = datetime.min.replace(tzinfo=UTC)
    while not stopping.wait(PAUSE):
        try:
            if not installed:
                templates.install(by=MESSAGES, now=now())
                installed = True
            look(now())
            if now() - cleared >= CLEARING:
                cleared = now()
                sending.clear_outbox(now=cleared)
        except (OperationalError, InterfaceError):
            connection.close()  # the clock says that the database is away
        except GatewayProblem as problem:
            logger.warning("messages cannot be sent: %s", problem)
            stopping.wait(60)
        except Exception:
            logger.exception("a look at the messages failed; the next one tries again")
            connection.close()


def look(now: datetime) -> None:
    """What each look brings, one line when there was anything."""
    invited = messages.invite(by=MESSAGES, now=now).invited
    done = sending.deliver(by=MESSAGES, now=now)
    sending.receipts(by=MESSAGES, now=now)
    selfservice.raise_silent(by=INTERVIEWS, now=now)
    if invited or done.sent or done.failed:
        logger.info("messages: %d invited, %d sent, %d refused", invited, done.sent, done.failed)
    if done.later:
        logger.warning("messages: %d could not be sent now and are tried again", done.later)
