"""Households: people at one address are one call.

While somebody of a household is being called nobody else of it is, by whichever team. After a try that reached nobody
the number and the household rest for the policy's gap. Who was spoken for in a call needs no other.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

from ringfence.rules.attempts import calling_time
from ringfence.rules.identity import household_key
from ringfence.rules.policy import ServicePolicy


def key(address: str, postcode: str, person: int) -> int:
    """64 bits that stand for a household: its address or, where that is not known, the case that says it lives there."""
    return household_key(address, postcode) or _of_person(person)


def _of_person(person: int) -> int:
    digest = blake2b(f"household of person {person}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def rests_until(tried_at: datetime, policy: ServicePolicy) -> datetime:
    """When a number or household that was tried may be tried again, within calling hours. UTC."""
    return calling_time(policy, tried_at + timedelta(minutes=policy.retry_gap_minutes))


class Housemate(NamedTuple):
    """Another open trace, as far as speaking for somebody goes. ``household`` is None where it is not known."""

    household: int | None
    is_open: bool
    with_somebody_else: bool


class Decision(NamedTuple):
    """Yes or no, with why."""

    allowed: bool
    why: str


def speaks_for(household: int | None, other: Housemate) -> Decision:
    """Whether somebody reached in a household may be spoken to for another person of it."""
    if household is None or other.household != household:
        return Decision(False, "They are not of the same household; call them themselves.")
    if not other.is_open:
        return Decision(False, "That trace is closed already.")
    if other.with_somebody_else:
        return Decision(False, "Somebody else has that trace open.")
    return Decision(True, "Spoken for in a call to their household.")
