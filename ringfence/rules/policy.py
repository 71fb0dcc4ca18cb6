"""Dated policy: what the service does everywhere, and what one authority has agreed.

Two kinds of policy decide everything that a rule decides. A `ServicePolicy` holds from one date to another for the
whole of England: how long people isolate, when tracers may call, how often. A `PartnershipPolicy` holds from one moment
for one authority: who works its traces, for how long the national team has them, when its local team is at work.

Both are data. Rules take them as arguments and never look at a clock. A value that makes no sense cannot be built:
`PolicyError` says which field, what was given and what to give instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, time
from enum import StrEnum

AREA = re.compile(r"[EWSNKLJM]\d{8}")
LONGEST_SET_PERIOD_HOURS = 336

#: No isolation of any policy has been longer.
LAST_FOLLOW_UP_DAY = 14


class PolicyError(ValueError):
    """A policy that cannot be, or none where one is needed. The message says what was given and what to do."""


class Model(StrEnum):
    """Who works an authority's traces."""

    NATIONAL_ONLY = "national_only"
    TIMED = "timed"
    LOCAL_FIRST = "local_first"

    @property
    def words(self) -> str:
        """The model as a plain phrase for a page."""
        return MODEL_WORDS[self]


MODEL_WORDS = {
    Model.NATIONAL_ONLY: "National team only",
    Model.TIMED: "National team first, then local team by the clock",
    Model.LOCAL_FIRST: "Local team from the start",
}


class ContactsBy(StrEnum):
    """Which team traces the contacts that a local interview names."""

    NATIONAL = "national"
    LOCAL = "local"


class Exemption(StrEnum):
    """Why a contact need not isolate, where the policy of the day allows it."""

    VACCINATED = "vaccinated"
    UNDER_18_AND_A_HALF = "under_18_and_a_half"
    IN_TRIAL = "in_trial"
    MEDICAL = "medical"

    @property
    def words(self) -> str:
        """The exemption as the end of a sentence that begins "not asked to isolate:"."""
        return EXEMPTION_WORDS[self]


EXEMPTION_WORDS = {
    Exemption.VACCINATED: "fully vaccinated at least 14 days before the last contact",
    Exemption.UNDER_18_AND_A_HALF: "younger than 18 years and 6 months",
    Exemption.IN_TRIAL: "taking part in a vaccine trial",
    Exemption.MEDICAL: "cannot be vaccinated for medical reasons",
}


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise PolicyError(message)


@dataclass(frozen=True, slots=True)
class EarlyRelease:
    """How a case may leave isolation before its last full day: two negative tests on consecutive days.

    `test_days` are the two day numbers, counted from day 0 (onset, or specimen without symptoms); the person may leave
    on the second of them. `hours_between` is the least time between the two tests.
    """

    test_days: tuple[int, int]
    hours_between: int = 24
    no_fever: bool = False

    def __post_init__(self) -> None:
        first, second = self.test_days
        _check(0 < first < second, f"early release: test days {self.test_days} must be two rising day numbers above 0")
        _check(self.hours_between > 0, f"early release: {self.hours_between} hours between tests; give 1 or more")

    @property
    def words(self) -> str:
        """The conditions as one sentence for a tracer to read out."""
        first, second = self.test_days
        fever = " and no fever" if self.no_fever else ""
        return (
            f"May leave isolation on day {second} with negative lateral-flow tests on days {first} and {second},"
            f" at least {self.hours_between} hours apart{fever}."
        )


@dataclass(frozen=True, slots=True)
class ServicePolicy:
    """What the service does in the whole of England from `from_date` up to, but not including, `until_date`.

    Isolation is in days after day 0, so the last full day is day 0 plus that number; None means that there is no duty.
    `backward_window` is (7, 3): days before onset or test, farthest first. `infectious_days_before` is in days.
    Calls are made from `calls_from` until `calls_until`, London time, every day. `applies_to_running` says that the
    policy also changes isolations that began before it. `assumed` names the fields whose value is background
    knowledge and not read in a source; everything else was.
    """

    name: str
    from_date: date
    until_date: date | None
    tracing_on: bool
    case_isolation_days: int | None
    contact_isolation_days: int | None
    applies_to_running: bool
    source: str
    exercise: bool = False
    household_from_onset: bool = True
    contact_exemptions: frozenset[Exemption] = frozenset()
    contact_daily_tests: bool = False
    early_release: EarlyRelease | None = None
    infectious_days_before: int = 2
    backward_window: tuple[int, int] = (7, 3)
    reinfection_days: int = 90
    calls_from: time = time(8)
    calls_until: time = time(20)
    max_attempts: int = 10
    attempts_per_day: int = 4
    retry_gap_minutes: int = 120
    claim_lapse_minutes: int = 30
    assumed: frozenset[str] = frozenset({"attempts_per_day", "retry_gap_minutes", "claim_lapse_minutes"})

    def __post_init__(self) -> None:
        where = f"service policy {self.name!r}"
        _check(bool(self.name.strip()), "service policy: the name is empty; give the words shown on every page")
        _check(bool(self.source.strip()), f"{where}: no source; say where the rule comes from")
        _check(
            self.until_date is None or self.until_date > self.from_date,
            f"{where}: ends on {self.until_date}, not after its first day {self.from_date}",
        )
        for name in ("case_isolation_days", "contact_isolation_days"):
            days = getattr(self, name)
            _check(
                days is None or 1 <= days <= 60, f"{where}: {name} is {days}; give 1 to 60 days, or None for no duty"
            )
        for name in (
            "max_attempts",
            "attempts_per_day",
            "retry_gap_minutes",
            "claim_lapse_minutes",
            "reinfection_days",
        ):
            _check(getattr(self, name) >= 1, f"{where}: {name} is {getattr(self, name)}; give 1 or more")
        _check(
            self.infectious_days_before >= 0,
            f"{where}: infectious_days_before is {self.infectious_days_before}; give 0 or more",
        )
        farthest, nearest = self.backward_window
        _check(
            farthest >= nearest >= 0,
            f"{where}: backward window {self.backward_window} must be (farthest, nearest) days",
        )
        _check(
            self.calls_from < self.calls_until, f"{where}: calls end at {self.calls_until}, before {self.calls_from}"
        )
        _check(
            self.case_isolation_days is not None or self.early_release is None,
            f"{where}: early release from an isolation that nobody has; leave it out",
        )
        unknown = self.assumed - {each.name for each in fields(self)}
        _check(not unknown, f"{where}: assumed fields {sorted(unknown)} do not exist")

    def covers(self, on: date) -> bool:
        """Whether the policy is in force on that day."""
        return self.from_date <= on and (self.until_date is None or on < self.until_date)


def in_force(policies: Iterable[ServicePolicy], on: date) -> ServicePolicy:
    """The service policy in force on a day.

    An exercise policy among those given is there because an exercise is being played, so where one covers the day it
    decides. Raises PolicyError when none covers the day, or two of the same kind do.
    """
    if isinstance(on, datetime):
        raise PolicyError(f"{on} is a moment; give the London date, as calendar.london_date() does")
    given = tuple(policies)
    covering = [policy for policy in given if policy.covers(on)]
    chosen = [policy for policy in covering if policy.exercise] or covering
    if len(chosen) > 1:
        names = " and ".join(repr(policy.name) for policy in chosen)
        raise PolicyError(f"{names} are both in force on {on}; end one before the other begins")
    if not chosen:
        known = "; ".join(f"{policy.name!r} from {policy.from_date} until {policy.until_date}" for policy in given)
        raise PolicyError(
            f"no service policy is in force on {on}; known are: {known or 'none'}; record one for that date"
        )
    return chosen[0]


CONTACT_EXEMPTIONS = frozenset(Exemption)
_PACE = frozenset({"attempts_per_day", "retry_gap_minutes", "claim_lapse_minutes"})
_SINCE_DECEMBER = _PACE | {"household_from_onset"}

ENGLAND = (
    ServicePolicy(
        name="England from 28 May 2020",
        from_date=date(2020, 5, 28),
        until_date=date(2020, 7, 30),
        tracing_on=True,
        case_isolation_days=7,
        contact_isolation_days=14,
        applies_to_running=False,
        source="England's isolation rules at the launch of routine tracing, 28 May 2020",
        assumed=_PACE,
    ),
    ServicePolicy(
        name="England from 30 July 2020",
        from_date=date(2020, 7, 30),
        until_date=date(2020, 12, 14),
        tracing_on=True,
        case_isolation_days=10,
        contact_isolation_days=14,
        applies_to_running=False,
        source="Change of the case's isolation from 7 to 10 days, 30 July 2020",
        assumed=_PACE | {"case_isolation_days", "applies_to_running"},
    ),
    ServicePolicy(
        name="England from 14 December 2020",
        from_date=date(2020, 12, 14),
        until_date=date(2021, 8, 16),
        tracing_on=True,
        case_isolation_days=10,
        contact_isolation_days=10,
        applies_to_running=True,
        source="Change of the contact's isolation from 14 to 10 days, December 2020",
        assumed=_SINCE_DECEMBER | {"from_date", "applies_to_running"},
    ),
    ServicePolicy(
        name="England from 16 August 2021",
        from_date=date(2021, 8, 16),
        until_date=date(2021, 12, 22),
        tracing_on=True,
        case_isolation_days=10,
        contact_isolation_days=10,
        applies_to_running=True,
        contact_exemptions=CONTACT_EXEMPTIONS,
        source="Exemption of vaccinated, young, trial and medically exempt contacts, 16 August 2021",
        assumed=_SINCE_DECEMBER,
    ),
    ServicePolicy(
        name="England from 22 December 2021",
        from_date=date(2021, 12, 22),
        until_date=date(2022, 1, 17),
        tracing_on=True,
        case_isolation_days=10,
        contact_isolation_days=10,
        applies_to_running=True,
        contact_exemptions=CONTACT_EXEMPTIONS,
        contact_daily_tests=True,
        early_release=EarlyRelease(test_days=(6, 7)),
        source="Release on day 7 after two negative tests, and daily tests for exempt contacts, 22 December 2021",
        assumed=_SINCE_DECEMBER,
    ),
    ServicePolicy(
        name="England from 17 January 2022",
        from_date=date(2022, 1, 17),
        until_date=date(2022, 2, 24),
        tracing_on=True,
        case_isolation_days=10,
        contact_isolation_days=10,
        applies_to_running=True,
        contact_exemptions=CONTACT_EXEMPTIONS,
        contact_daily_tests=True,
        early_release=EarlyRelease(test_days=(5, 6), no_fever=True),
        source="Release after 5 full days with two negative tests and no fever, 17 January 2022",
        assumed=_SINCE_DECEMBER | {"applies_to_running"},
    ),
    ServicePolicy(
        name="England from 24 February 2022",
        from_date=date(2022, 2, 24),
        until_date=None,
        tracing_on=False,
        case_isolation_days=None,
        contact_isolation_days=None,
        applies_to_running=True,
        source="End of the duty to isolate and of routine tracing, 24 February 2022",
        assumed=_SINCE_DECEMBER | {"applies_to_running"},
    ),
)
"""England's own history, for replay and for the record: each policy begins the day the one before it ends."""

EXERCISE = ServicePolicy(
    name="Exercise policy",
    from_date=date(2022, 2, 24),
    until_date=None,
    tracing_on=True,
    exercise=True,
    case_isolation_days=10,
    contact_isolation_days=10,
    applies_to_running=False,
    source="Made for exercises and demonstrations; in force nowhere",
    assumed=frozenset({"case_isolation_days", "contact_isolation_days", "max_attempts"}) | _SINCE_DECEMBER,
)
"""What a demonstration played today runs under: routine tracing on, 10 days for case and contact."""


@dataclass(frozen=True, slots=True)
class PartnershipPolicy:
    """What one authority has agreed, from `from_at` until its next policy begins.

    `set_period_hours` is in elapsed hours and needed when `model` is timed; the other models keep it
    unused, and a national-only one keeps the local team's days, hours and contacts unused as well.
    `working_days` holds 0 for Monday to 6 for Sunday; `opens` and `closes` are London time; `bank_holidays` is True
    when the local team also works on bank holidays. A model with a local team needs at least one working day.
    `follow_up_days` are the days of an isolation, counted from day 0, on which somebody who was reached is called again,
    rising; none means no follow-up calls. `visits_from` is the postcode where visitors set out, "" for the middle of the
    authority.
    """

    area: str
    from_at: datetime
    model: Model
    set_period_hours: int | None = 24
    contacts_by: ContactsBy = ContactsBy.NATIONAL
    working_days: frozenset[int] = field(default=frozenset(range(7)))
    opens: time = time(9)
    closes: time = time(17)
    bank_holidays: bool = False
    follow_up_days: tuple[int, ...] = ()
    visits_from: str = ""

    def __post_init__(self) -> None:
        _check(bool(AREA.fullmatch(self.area)), f"partnership policy: {self.area!r} is no area code such as E06000008")
        where = f"policy of {self.area}"
        _check(self.from_at.tzinfo is not None, f"{where}: from_at {self.from_at} has no time zone; give an aware time")
        _check(isinstance(self.model, Model), f"{where}: model {self.model!r}; give one of {', '.join(Model)}")
        _check(
            isinstance(self.contacts_by, ContactsBy),
            f"{where}: contacts_by {self.contacts_by!r}; give one of {', '.join(ContactsBy)}",
        )
        hours = self.set_period_hours
        _check(
            hours is not None or self.model is not Model.TIMED,
            f"{where}: a timed hand-over needs a set period in hours",
        )
        _check(
            hours is None or 1 <= hours <= LONGEST_SET_PERIOD_HOURS,
            f"{where}: set period of {hours} hours; give 1 to {LONGEST_SET_PERIOD_HOURS}",
        )
        wrong = [day for day in self.working_days if day not in range(7)]
        _check(not wrong, f"{where}: working days {wrong}; give 0 for Monday to 6 for Sunday")
        _check(
            bool(self.working_days) or self.model is Model.NATIONAL_ONLY,
            f"{where}: the local team has no working days, so nothing could ever pass to it; give at least one",
        )
        _check(self.opens.tzinfo is None and self.closes.tzinfo is None, f"{where}: give plain London opening times")
        days = self.follow_up_days
        _check(
            list(days) == sorted(set(days)) and all(1 <= day <= LAST_FOLLOW_UP_DAY for day in days),
            f"{where}: follow-up days {days}; give rising days from 1 to {LAST_FOLLOW_UP_DAY}",
        )
        _check(self.opens < self.closes, f"{where}: closes at {self.closes}, not after it opens at {self.opens}")

    def __hash__(self) -> int:
        return hash((self.area, self.from_at))


def policy_at(history: Sequence[PartnershipPolicy], at: datetime) -> PartnershipPolicy:
    """The authority's policy in force at a moment: the one that began last, not after it.

    Give the history of one authority in the order in which it was recorded: of two policies that begin at the same
    moment the later in the sequence corrects the earlier. Raises PolicyError when none had begun.
    """
    found: PartnershipPolicy | None = None
    for policy in history:
        if policy.from_at <= at and (found is None or policy.from_at >= found.from_at):
            found = policy
    if found is None:
        raise PolicyError(f"no partnership policy had begun at {at.isoformat()}; record one for that time")
    return found
