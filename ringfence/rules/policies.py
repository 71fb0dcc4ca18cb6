"""The service's policies in the order in which they hold: England's history, then what was named from a date on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import lru_cache

from ringfence.rules.policy import ENGLAND, EXERCISE, PolicyError, ServicePolicy

NAMED: Mapping[str, ServicePolicy] = {policy.name: policy for policy in (*ENGLAND, EXERCISE)}
"""The service policies that a service rule can name."""


@lru_cache(maxsize=64)
def dated(rules: tuple[tuple[date, str], ...]) -> tuple[ServicePolicy, ...]:
    """The policies by rules of a first day and a name, in order of the days.

    Raises PolicyError for a rule that names a policy which is not there.
    """
    if not rules:
        return ENGLAND
    first = rules[0][0]
    found = [
        replace(policy, until_date=min(policy.until_date or first, first))
        for policy in ENGLAND
        if policy.from_date < first
    ]
    ends = [*(from_date for from_date, _ in rules[1:]), None]
    for (from_date, name), until_date in zip(rules, ends, strict=True):
        if name not in NAMED:
            raise PolicyError(f"the service rule from {from_date} names {name!r}; there are: {', '.join(NAMED)}")
        found.append(replace(NAMED[name], from_date=from_date, until_date=until_date))
    return tuple(found)
