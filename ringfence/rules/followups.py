"""Follow-up calls during isolation: who is called again, on which day, by which team, and how a follow-up ends.

The authority's policy names days of an isolation, counted from day 0. Somebody who was reached and isolates on such a day
is called again, once for each day: how are they, do they have symptoms, do they need help. The local team calls where the
policy gives it the contacts or works cases from the start; else the team that reached them does. A follow-up ends as
completed (they answered), as lost (the isolation ended, or the tries were used up, and nobody answered), or because they
became a case.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from ringfence.rules.calendar import aware, closes_after, london_date, london_moment, next_open, spoken
from ringfence.rules.policy import ContactsBy, Model, PartnershipPolicy, PolicyError, ServicePolicy

FOLLOW_UP = "followup"
"""The reason of such a trace. It is in no figure of cases and contacts: who was reached would count twice."""

PRIORITY = 6
"""After every case and contact that nobody has reached yet, in the queue of `allocation`."""


@dataclass(frozen=True, slots=True)
class Isolating:
    """Somebody who was reached and isolates.

    `until_date` is the last full day. `last_made` is the London day of the last follow-up call that was planned for
    them, None when none was. `reached_by_local` says that the authority's local team reached them.
    """

    day_0: date
    until_date: date
    reached_at: datetime
    last_made: date | None = None
    reached_by_local: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A follow-up call to be made: for which day of the isolation, by the local team or by the one that reached them,
    from when (UTC), until when, and why."""

    day: int
    local: bool
    ready_at: datetime
    due_at: datetime
    why: str
    due_why: str


@dataclass(frozen=True, slots=True)
class NoCall:
    """Why nobody calls now."""

    why: str


def decide(
    who: Isolating, policy: PartnershipPolicy, service: ServicePolicy, now: datetime, *, local_live: bool
) -> Call | NoCall:
    """Whether a follow-up call is due on this London day, and how it is made.

    `policy` is the authority's in force now; `local_live` says that its local team takes traces. Of several days that
    were missed only the latest is made up for.
    """
    today = london_date(now)
    if not policy.follow_up_days:
        return NoCall("The authority's policy has no follow-up calls.")
    if today > who.until_date:
        return NoCall("The isolation is over.")
    begun = [day for day in policy.follow_up_days if who.day_0 + timedelta(days=day) <= today]
    if not begun:
        return NoCall("No day of a follow-up call has come yet.")
    day = begun[-1]
    wanted = who.day_0 + timedelta(days=day)
    if wanted <= london_date(who.reached_at):
        return NoCall("They were reached on that day or after it.")
    if who.last_made is not None and who.last_made >= wanted:
        return NoCall("The call of that day was planned already.")
    why = f"Follow-up call on day {day} of isolation, which lasts until {who.until_date.day}/{who.until_date.month}."
    wishes = policy.contacts_by is ContactsBy.LOCAL or policy.model is Model.LOCAL_FIRST
    if local_live and (wishes or who.reached_by_local):
        span = _local(policy, today)
        if span is not None and london_date(span[0]) <= who.until_date:
            return _call(day, True, span, why)
        if who.reached_by_local:
            return NoCall("The local team is closed until the isolation is over.")
    if who.reached_by_local:
        return NoCall("The local team that reached them takes no traces now.")
    span = (london_moment(today, service.calls_from), london_moment(today, service.calls_until))
    return _call(day, False, span, why)


def _local(policy: PartnershipPolicy, today: date) -> tuple[datetime, datetime] | None:
    """The local team's next spell of work from the beginning of the day; None when it has none."""
    try:
        opens = next_open(policy, london_moment(today, time()))
    except PolicyError:
        return None
    return opens, closes_after(policy, opens)


def _call(day: int, local: bool, span: tuple[datetime, datetime], why: str) -> Call:
    opens, closes = (aware(each) for each in span)
    return Call(day, local, opens, closes, why, f"The follow-up call of day {day} is to be made by {spoken(closes)}.")
