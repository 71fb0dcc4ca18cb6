"""The service policy in force, which every page names."""

from __future__ import annotations

from datetime import datetime

from ringfence.queries.policy import service_policy
from ringfence.rules.policy import PolicyError, ServicePolicy

#: Seconds for which a process remembers the policy: it changes with the day, and every page names it.
REMEMBERED = 60

_known: list[tuple[float, ServicePolicy | None]] = []


def policy_in_force(now: datetime) -> ServicePolicy | None:
    """The service policy that holds at ``now``, or None where none is recorded."""
    known = _known[-1] if _known else None
    if known is not None and abs(now.timestamp() - known[0]) < REMEMBERED:
        return known[1]
    try:
        found = service_policy(now)
    except PolicyError:
        found = None
    # One assignment, so that threads never see a list in between.
    _known[:] = [(now.timestamp(), found)]
    return found


def forget() -> None:
    """Read the policy anew at the next page: after it changed, and between tests."""
    _known.clear()
