"""The clock's loop: each tick calls actions and nothing else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import InterfaceError, OperationalError, connection

from ringfence.actions import followups, handover, moving, partnerships, search, taking_up, work
from ringfence.rules.access import system_scope

logger = logging.getLogger(__name__)

#: Seconds between looks at what is ready again: lapsed claims, tries whose time has come.
OFTEN = 5

SWEEP, POLICY, SEARCH = system_scope("sweep"), system_scope("policy"), system_scope("search")
INTERVIEWS = system_scope("interviews")


def utc_now() -> datetime:
    return datetime.now(UTC)


def run(stopping: threading.Event, now: Callable[[], datetime] = utc_now) -> None:
    """Catch up at once, then sweep on every minute and wake in between, until ``stopping`` is set.

    Without a database it says so once and goes on when the database is back: nothing that was due is missed. Several
    such processes at once do no harm.
    """
    swept: datetime | None = None
    away = False
    seen = taking_up.Seen()
    while not stopping.is_set():
        at = now()
        minute = at.replace(second=0, microsecond=0)
        try:
            if minute == swept:
                moving.follow(by=SWEEP, now=at)
                work.wake(by=SWEEP, now=at)
            else:
                tick(at)
                swept = minute
            search.catch_up(by=SEARCH, now=at)
            taking_up.look(seen=seen, by=INTERVIEWS, now=at)
            if away:
                logger.info("the database is back")
            away = False
        except (OperationalError, InterfaceError) as problem:
            if not away:
                logger.warning("the database is away, trying again: %s", " ".join(str(problem).split()))
            away = True
            connection.close()
        except Exception:
            # One thing that cannot be done must not stop the clock for everybody else.
            logger.exception("this minute's sweep failed; the next one tries again")
            connection.close()
            swept = minute
        stopping.wait(pause(now()))


def pause(now: datetime) -> float:
    """Seconds from ``now`` until the next look: the next whole five seconds, and so also the next whole minute."""
    step = timedelta(seconds=OFTEN)
    begun = now.replace(second=now.second - now.second % OFTEN, microsecond=0)
    return (begun + step - now).total_seconds()


def tick(now: datetime) -> None:
    """What each minute brings: changed policies are taken up, then what is due happens. One line when there was any."""
    applied = partnerships.apply_changes(by=POLICY, now=now)
    if applied.areas:
        logger.info(
            "policy taken up: %d authorities, %d of %d open traces changed",
            len(applied.areas),
            applied.changed,
            applied.traces,
        )
    done = handover.sweep(by=SWEEP, now=now)
    if done.handed_over or done.woken:
        logger.info(
            "handed over %d, to teams: %d; put back into queues: %d", done.handed_over, len(done.teams), done.woken
        )
    calls = followups.make(by=INTERVIEWS, now=now)
    if calls.planned or calls.lost or calls.became_case:
        logger.info(
            "follow-up calls: %d planned, %d lost, %d became cases", calls.planned, calls.lost, calls.became_case
        )
