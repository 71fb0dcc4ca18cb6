"""When a trace is due anew, after the policy or the day of joining has changed under it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ringfence.rules.calendar import next_open, spoken
from ringfence.rules.handover import Due, due
from ringfence.rules.policy import Model, PartnershipPolicy, PolicyError, policy_at

BY_PERIOD = "The set period of "
"""How the clock's own words begin, in `handover.due`."""


def brought_forward(cached: Due) -> bool:
    """Whether a hand-over waits for the local team to open because the national team's tries are used up.

    `rules.attempts` brings it forward and says so in its own words; the clock's words speak of the set period.
    """
    return cached.passes and not cached.why.startswith(BY_PERIOD)


def due_anew(
    cached: Due,
    transferred_at: datetime,
    history: Sequence[PartnershipPolicy],
    *,
    local_team_live_from: datetime | None,
    now: datetime,
    given_back_at: datetime | None = None,
) -> Due:
    """`handover.due` for a trace that a national team has and that was due at `cached` by the policies before.

    A hand-over that was brought forward stays so where the trace still passes by the clock: it passes when the local
    team is at work by the new hours, and never later than it would by its set period.
    """
    new = due(transferred_at, history, local_team_live_from=local_team_live_from, now=now, given_back_at=given_back_at)
    if not new.passes or not brought_forward(cached):
        return new
    at, since = cached.at, max(cached.at, now)
    while True:
        try:
            policy = policy_at(history, since)
        except PolicyError:
            return new
        if policy.model is Model.NATIONAL_ONLY:
            return new
        at = next_open(policy, at)
        # The door that opens then is that of a policy which has begun by then.
        changes = [each.from_at for each in history if since < each.from_at <= at]
        if not changes:
            break
        at = since = min(changes)
    if local_team_live_from is not None and at < local_team_live_from:
        return new
    if at >= new.at:
        return new
    if at == cached.at:
        return cached
    return Due(at, True, f"The national team's tries are used up; the local team takes over at {spoken(at)}.")
