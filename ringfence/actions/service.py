"""Which service-wide policy holds from a day on."""

from __future__ import annotations

from datetime import date, datetime

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.actions.errors import Invalid
from ringfence.partnerships.models import ServiceRule
from ringfence.rules.access import ENGLAND, Refused, Scope
from ringfence.rules.policies import NAMED


def name_policy(*, policy: str, from_date: date, by: Scope, now: datetime) -> None:
    """Let the service policy of that name hold from a day on, until a later one; rules are added, never changed.

    For national operations and the command line. Raises Refused, Invalid.
    """
    if by.name != "accounts" and ENGLAND not in by.partnership_of:
        raise Refused("Only national operations choose the service's policy.")
    if policy not in NAMED:
        raise Invalid("policy", f"There is no policy {policy!r}; choose one of {', '.join(NAMED)}.")
    with walls.transaction(by):
        if ServiceRule.objects.filter(from_date=from_date).exists():
            raise Invalid("from_date", f"A policy is named from {from_date:%-d %B %Y} already; choose another day.")
        ServiceRule.objects.create(from_date=from_date, policy=policy, recorded_at=now, recorded_by=by.user or None)
        auditing.record("service.policy", by=by, now=now, detail={"policy": policy, "from": from_date.isoformat()})
