"""How long people isolate, and the days that matter around an infection, by the dated policy.

Day 0 is the day symptoms began or, without symptoms, the day of the specimen; for a contact it is the day of the last
contact or, in the case's household, the case's own day 0. The last full day of isolation is day 0 plus the policy's
number of days. Dates are London dates; windows include both ends.

The policy that counts is the one in force when the person became known: on the specimen date, or on the day the contact
was identified. A later policy changes an isolation that is still running only if it says so (`applies_to_running`), and
never ends it before the last day that had passed when it began.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from ringfence.rules.calendar import DAY, MONTHS
from ringfence.rules.policy import Exemption, ServicePolicy, in_force


class Window(NamedTuple):
    """The days from `first` to `last`, both included."""

    first: date
    last: date

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Isolation:
    """Whether and how long one person isolates.

    `from_date` is the first day and `until_date` the last full day, both None when nobody asks the person to isolate.
    `policy` is the name of the service policy that set the end. `conditions` are sentences to read out: early release,
    daily tests. `why` says how the dates came about.
    """

    day_0: date
    from_date: date | None
    until_date: date | None
    policy: str
    conditions: tuple[str, ...]
    why: str

    def __post_init__(self) -> None:
        if (self.from_date is None) != (self.until_date is None):
            raise ValueError(f"isolation from {self.from_date} until {self.until_date}: give both dates or neither")
        if self.from_date is not None and self.until_date is not None and self.until_date < self.from_date:
            raise ValueError(f"isolation until {self.until_date} ends before it begins on {self.from_date}")

    @property
    def required(self) -> bool:
        """Whether the person was asked to isolate at all."""
        return self.from_date is not None


def spoken_date(on: date) -> str:
    """A date as people say it: "3 August 2020"."""
    return f"{on.day} {MONTHS[on.month - 1]} {on.year}"


def day_0(specimen: date, onset: date | None) -> date:
    """The day from which a case's days are counted: onset, or specimen without symptoms."""
    return specimen if onset is None else onset


def for_case(specimen: date, onset: date | None, policies: Iterable[ServicePolicy], on: date) -> Isolation:
    """The isolation of a case as it stands on a day, by the policies that had begun by then.

    `onset` is None without symptoms. Raises ValueError when `on` is before the specimen, PolicyError when no policy is
    in force on the specimen date.
    """
    if on < specimen:
        raise ValueError(f"the specimen is of {specimen}, after {on}; ask about that day or a later one")
    start = day_0(specimen, onset)
    what = "the test" if onset is None else "symptoms began"
    return _isolation(start, specimen, f"day 0 is {spoken_date(start)}, {what}", policies, on, None)


def for_contact(
    last_contact: date,
    identified: date,
    policies: Iterable[ServicePolicy],
    on: date,
    *,
    household_day_0: date | None = None,
    exemptions: Collection[Exemption] = (),
) -> Isolation:
    """The isolation of a contact as it stands on a day, by the policies that had begun by then.

    `household_day_0` is the case's day 0 for people of its household, None for others. `exemptions` are those the
    contact has; the policy decides which count. Raises ValueError when `on` is before `identified`, PolicyError when
    no policy is in force on the day the contact was identified.
    """
    if on < identified:
        raise ValueError(f"the contact was identified on {identified}, after {on}; ask about that day or a later one")
    known = tuple(policies)
    if household_day_0 is not None and in_force(known, identified).household_from_onset:
        start, what = household_day_0, "day 0 of the case in their household"
    else:
        start, what = last_contact, "their last contact with the case"
    told = f"day 0 is {spoken_date(start)}, {what}"
    return _isolation(start, identified, told, known, on, frozenset(exemptions))


def _days(policy: ServicePolicy, exemptions: frozenset[Exemption] | None) -> tuple[int | None, str]:
    """The days a policy asks for and, when none, why; `exemptions` is None for a case."""
    days = policy.case_isolation_days if exemptions is None else policy.contact_isolation_days
    if days is None:
        return None, "there is no duty to isolate"
    granted = sorted((exemptions or frozenset()) & policy.contact_exemptions)
    if granted:
        return None, f"not asked to isolate: {granted[0].words}"
    return days, ""


def _conditions(policy: ServicePolicy, exemptions: frozenset[Exemption] | None, required: bool) -> tuple[str, ...]:
    if exemptions is None:
        return (policy.early_release.words,) if required and policy.early_release else ()
    exempt = not required and bool(exemptions & policy.contact_exemptions)
    return ("Asked to take a lateral-flow test every day.",) if exempt and policy.contact_daily_tests else ()


def _isolation(
    start: date,
    known_on: date,
    told: str,
    policies: Iterable[ServicePolicy],
    on: date,
    exemptions: frozenset[Exemption] | None,
) -> Isolation:
    given = tuple(policies)
    policy = in_force(given, known_on)
    days, none_why = _days(policy, exemptions)
    if days is None:
        why = f"Under {policy.name!r} {none_why}."
        return Isolation(start, None, None, policy.name, _conditions(policy, exemptions, False), why)
    until = start + timedelta(days=days)
    why = f"{days} full days after day 0; {told}."
    later = (each for each in given if known_on < each.from_date <= on and each.exercise == policy.exercise)
    for change in sorted(later, key=lambda each: each.from_date):
        if not change.applies_to_running or change.from_date > until:
            continue
        days, none_why = _days(change, exemptions)
        passed = change.from_date - DAY
        policy, since = change, spoken_date(change.from_date)
        if days is not None:
            until = max(start + timedelta(days=days), passed)
            why = f"{days} full days after day 0, as changed on {since}; {told}."
            continue
        why = f"Since {since} {none_why}; {told}."
        if passed < start:
            return Isolation(start, None, None, policy.name, _conditions(policy, exemptions, False), why)
        until = passed
        break
    return Isolation(start, start, until, policy.name, _conditions(policy, exemptions, until >= on), why)


def infectious_window(isolation: Isolation, policy: ServicePolicy) -> Window:
    """When a case could infect others: from days before day 0 to the end of isolation, or day 0 when there is none."""
    last = isolation.day_0 if isolation.until_date is None else isolation.until_date
    return Window(isolation.day_0 - timedelta(days=policy.infectious_days_before), last)


def backward_window(start: date, policy: ServicePolicy) -> Window:
    """When a case was most likely infected: days 7 to 3 before day 0 (Packer et al. 2024, PLOS Digital Health,
    doi 10.1371/journal.pdig.0000485)."""
    farthest, nearest = policy.backward_window
    return Window(start - timedelta(days=farthest), start - timedelta(days=nearest))


def exemptions(last_contact: date, birth_date: date | None) -> frozenset[Exemption]:
    """The exemptions that a contact has without saying so, whatever the policy of the day makes of them.

    Under 18 and a half: the last contact was before the day on which the contact turns 18 years and 6 months.
    """
    if birth_date is not None and last_contact < _months_after(birth_date, 18 * 12 + 6):
        return frozenset({Exemption.UNDER_18_AND_A_HALF})
    return frozenset()


def _months_after(day: date, months: int) -> date:
    """The same day so many months later, or the first of the month after where that month is too short."""
    years, month = divmod(day.month - 1 + months, 12)
    first = date(day.year + years, month + 1, 1)
    same = first + timedelta(days=day.day - 1)
    if same.month == first.month:
        return same
    return (first + timedelta(days=31)).replace(day=1)
