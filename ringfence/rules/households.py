"""Households: people at one address are one call.

While somebody of a household is being called nobody else of it is, by whichever team. After a call that disturbed
somebody the number and the household rest for the policy's gap, also when the clock passes them to another team meanwhile.
Who was spoken for in a call needs no other.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

from ringfence.rules.attempts import Outcome, calling_time
from ringfence.rules.calendar import london_date, london_moment
from ringfence.rules.identity import household_key
from ringfence.rules.policy import ServicePolicy

#: After these nobody of the home was disturbed, so that it need not rest.
NOT_THERE = frozenset({Outcome.WRONG_NUMBER, Outcome.NO_DETAILS})


def key(address: str, postcode: str, person: int) -> int:
    """64 bits that stand for a household: its address or, where that is not known, the case that says it lives there."""
    return household_key(address, postcode) or _of_person(person)


def _of_person(person: int) -> int:
    digest = blake2b(f"household of person {person}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def rests_until(tried_at: datetime, policy: ServicePolicy) -> datetime:
    """When a number or household that was tried may be tried again, within calling hours. UTC."""
    return calling_time(policy, tried_at + timedelta(minutes=policy.retry_gap_minutes))


def after_hand_over(
    ready_at: datetime | None,
    tried_at: datetime | None,
    policy: ServicePolicy,
    now: datetime,
    *,
    agreed: datetime | None = None,
) -> datetime | None:
    """When a free trace that the clock passes on now may be tried by the team that gets it. None: at once.

    ``ready_at`` is when the team that had it would have tried again, None where it stood in the queue; ``tried_at`` is the
    last call that disturbed somebody at its home or on its number, whoever made it. What the other team had planned for
    later than the home's rest is not kept: the new team plans for itself. But a time that the person asked for at the last
    try, ``agreed``, is theirs and not a team's, and is kept.
    """
    if ready_at is None or ready_at <= now:
        return None
    if agreed is not None and agreed > now:
        return ready_at
    if tried_at is None:
        return None
    rested = rests_until(tried_at, policy)
    return min(ready_at, rested) if rested > now else None


class Window(NamedTuple):
    """Calling hours of one day, from the first moment up to, but not including, the last. UTC."""

    from_at: datetime
    until_at: datetime


def calling_windows(policy: ServicePolicy, since: datetime, until: datetime) -> tuple[Window, ...]:
    """The calling hours of every London day from that of ``since`` to the day after that of ``until``."""
    first, last = london_date(since), london_date(until) + timedelta(days=1)
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return tuple(Window(london_moment(day, policy.calls_from), london_moment(day, policy.calls_until)) for day in days)
