"""The service policy in force, which every page names."""

from __future__ import annotations

import threading
from datetime import datetime

from ringfence.partnerships.models import ServiceRule
from ringfence.rules import policy as rules
from ringfence.rules.calendar import london_date

#: Seconds for which a process remembers the policy: it changes with the day, and every page names it.
REMEMBERED = 60

_known: dict[str, tuple[float, rules.ServicePolicy | None]] = {}
_lock = threading.Lock()


def policy_in_force(now: datetime) -> rules.ServicePolicy | None:
    """The service policy that holds at ``now``, or None before one is recorded."""
    known = _known.get("policy")
    if known is not None and abs(now.timestamp() - known[0]) < REMEMBERED:
        return known[1]
    row = ServiceRule.objects.filter(from_date__lte=london_date(now)).order_by("-from_date").first()
    found = next((each for each in (*rules.ENGLAND, rules.EXERCISE) if row and each.name == row.policy), None)
    with _lock:
        _known["policy"] = (now.timestamp(), found)
    return found


def forget() -> None:
    """Read the policy anew at the next page: after it changed, and between tests."""
    with _lock:
        _known.clear()
