"""What comes after an attempt: try again when, complete, escalate, hand over, or close.

An attempt is one try to reach a person by a person; what the system sends by itself is not one and never counts. The
words for the screen of every kind and outcome are here, in one place.

An attempt that found nobody is tried again after a gap, within calling hours, so many times a day, until the tries are
used up. Then the trace moves on: to the local team where one is ahead, and only otherwise is it closed as not reached.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from ringfence.rules.calendar import DAY, LONDON, aware, london_date, london_moment, spoken
from ringfence.rules.policy import ServicePolicy

LONGEST_CALL_BACK = timedelta(days=7)


class AttemptError(ValueError):
    """An attempt that cannot be recorded as given; the message tells the tracer what to change."""


class GuardianMissing(AttemptError):
    """Somebody under 18 neither was reached nor refused while no parent or guardian was spoken to."""

    def __init__(self) -> None:
        super().__init__(
            "They are under 18. If you spoke to their parent or guardian, tick that you did; if not, choose what came of it, "
            "for example a better time to call"
        )


class Kind(StrEnum):
    """How somebody tried to reach the person."""

    CALL = "call"
    TEXT = "text"
    EMAIL = "email"
    LETTER = "letter"
    VISIT = "visit"

    @property
    def words(self) -> str:
        """The kind as it stands on the screen."""
        return KIND_WORDS[self]


KIND_WORDS = {
    Kind.CALL: "Phone call",
    Kind.TEXT: "Text message",
    Kind.EMAIL: "Email",
    Kind.LETTER: "Letter",
    Kind.VISIT: "Visit",
}


class Outcome(StrEnum):
    """What one attempt came to."""

    NO_ANSWER = "no_answer"
    VOICEMAIL = "voicemail"
    WRONG_NUMBER = "wrong_number"
    CALL_BACK = "call_back"
    REFUSED = "refused"
    REACHED = "reached"
    LANGUAGE = "language"
    IN_HOSPITAL = "in_hospital"
    DIED = "died"
    NO_DETAILS = "no_details"
    ESCALATED = "escalated"

    @property
    def label(self) -> str:
        """The outcome as the tracer chooses it."""
        return OUTCOME_WORDS[self][0]

    @property
    def hint(self) -> str:
        """When to choose it."""
        return OUTCOME_WORDS[self][1]


OUTCOME_WORDS = {
    Outcome.NO_ANSWER: ("No answer", "It rang and nobody answered, or nobody came to the door or replied."),
    Outcome.VOICEMAIL: ("Voicemail", "You left a message or heard a recording."),
    Outcome.WRONG_NUMBER: ("Wrong number or address", "Somebody else answered, or it does not work."),
    Outcome.CALL_BACK: ("Asked to be called back", "They answered and gave a better time."),
    Outcome.REFUSED: ("Refused", "They answered and do not want to take part."),
    Outcome.REACHED: ("Reached", "They answered and were asked for contacts, or told to isolate."),
    Outcome.LANGUAGE: ("Another language needed", "They answered and need an interpreter."),
    Outcome.IN_HOSPITAL: ("In hospital", "They are in hospital and cannot take the call."),
    Outcome.DIED: ("Died", "Somebody told you that the person has died."),
    Outcome.NO_DETAILS: ("No contact details", "There is no number or address left to try."),
    Outcome.ESCALATED: ("Needs health protection team", "A care home, prison, hospital, school or other setting."),
}

_ANY = tuple(Outcome)
_WRITTEN = tuple(each for each in Outcome if each is not Outcome.VOICEMAIL)
POSSIBLE: dict[Kind, tuple[Outcome, ...]] = {
    Kind.CALL: _ANY,
    Kind.TEXT: _WRITTEN,
    Kind.EMAIL: _WRITTEN,
    Kind.LETTER: _WRITTEN,
    Kind.VISIT: _WRITTEN,
}
"""The outcomes that an attempt of each kind can have, in the order of the screen."""


class TraceOutcome(StrEnum):
    """What the whole effort came to, once it is closed."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    NO_DETAILS = "no_details"
    REFUSED = "refused"
    IN_HOSPITAL = "in_hospital"
    DIED = "died"
    BECAME_CASE = "became_case"
    WITHDRAWN = "withdrawn"
    LOST = "lost"

    @property
    def words(self) -> str:
        """The outcome as it stands on the record."""
        return TRACE_OUTCOME_WORDS[self]


TRACE_OUTCOME_WORDS = {
    TraceOutcome.REACHED: "Reached",
    TraceOutcome.NOT_REACHED: "Not reached",
    TraceOutcome.NO_DETAILS: "No contact details",
    TraceOutcome.REFUSED: "Refused",
    TraceOutcome.IN_HOSPITAL: "In hospital",
    TraceOutcome.DIED: "Died",
    TraceOutcome.BECAME_CASE: "Tested positive, a case now",
    TraceOutcome.WITHDRAWN: "Not a contact after all",
    TraceOutcome.LOST: "Follow-up lost",
}


OPENED_AGAIN = frozenset(
    {
        TraceOutcome.NOT_REACHED,
        TraceOutcome.NO_DETAILS,
        TraceOutcome.REFUSED,
        TraceOutcome.IN_HOSPITAL,
        TraceOutcome.DIED,
    }
)
"""How a trace may have ended that is opened again where that was a mistake. What follows from the others is done by then."""


class Action(StrEnum):
    """What happens to the trace after an attempt."""

    RETRY = "retry"
    COMPLETE = "complete"
    ESCALATE = "escalate"
    HAND_OVER = "hand_over"
    CLOSE = "close"


class Made(NamedTuple):
    """One earlier try: when, how, and whether the system sent it by itself."""

    at: datetime
    kind: Kind
    by_system: bool = False


class Counted(NamedTuple):
    """How many attempts were made: in all, and on the London day of the moment asked about."""

    total: int
    today: int


def count(made: Iterable[Made], now: datetime) -> Counted:
    """Count attempts. System messages never count."""
    today = london_date(now)
    days = [london_date(each.at) for each in made if not each.by_system]
    return Counted(len(days), days.count(today))


@dataclass(frozen=True, slots=True)
class Facts:
    """What `next` needs to know of the trace.

    `attempts` and `attempts_today` (London day) count those of the team that owns the trace now, this one included.
    `another_number` says that a number or address is left that was not found wrong. `call_back_at` is the time the
    person asked for. `local_from` is the first moment at which a local team still ahead can take the trace
    (`calendar.next_open`), None when none is ahead: national only, or the local team has it or had it. `under_18` and
    `spoke_to_guardian` (parent or guardian) are of the person to be reached. `follow_up` says that they were reached before
    and are called again during isolation.
    """

    attempts: int
    attempts_today: int
    another_number: bool = False
    call_back_at: datetime | None = None
    local_from: datetime | None = None
    under_18: bool = False
    spoke_to_guardian: bool = False
    follow_up: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.attempts_today <= self.attempts:
            raise AttemptError(
                f"{self.attempts_today} attempts today of {self.attempts} in all; both count this one, so give 1 or"
                " more, and no more today than in all"
            )
        for at in (self.call_back_at, self.local_from):
            if at is not None:
                aware(at)


@dataclass(frozen=True, slots=True)
class Next:
    """What happens now, and why.

    `ready_at` (UTC) is when to try again or, for a hand-over, when the local team can take it: the clock's `due_at` is
    brought forward to it. `outcome` is the trace's, when it ends.
    """

    action: Action
    why: str
    ready_at: datetime | None = None
    outcome: TraceOutcome | None = None

    def __post_init__(self) -> None:
        waits = self.action in (Action.RETRY, Action.HAND_OVER)
        ends = self.action in (Action.COMPLETE, Action.CLOSE)
        if waits != (self.ready_at is not None) or ends != (self.outcome is not None):
            raise ValueError(f"{self.action} with ready_at {self.ready_at} and outcome {self.outcome}")
        if (self.action is Action.COMPLETE) != (self.outcome is TraceOutcome.REACHED):
            raise ValueError(f"{self.action} with outcome {self.outcome}: complete is for reached, and only for that")


def calling_time(policy: ServicePolicy, at: datetime) -> datetime:
    """The first moment, not before `at`, within calling hours. UTC."""
    local = aware(at).astimezone(LONDON)
    if local.time() < policy.calls_from:
        return london_moment(local.date(), policy.calls_from)
    if local.time() >= policy.calls_until:
        return london_moment(local.date() + DAY, policy.calls_from)
    return aware(at)


def next(outcome: Outcome, facts: Facts, policy: ServicePolicy, now: datetime) -> Next:
    """What comes after an attempt that ended just now.

    Raises AttemptError for a call-back without a time, in the past, or more than seven days ahead; GuardianMissing.
    """
    now = aware(now)
    if outcome is not Outcome.CALL_BACK and facts.call_back_at is not None:
        raise AttemptError(f"A time to call back goes with {Outcome.CALL_BACK.label!r} only; leave it out.")
    if facts.under_18 and not facts.spoke_to_guardian and outcome in (Outcome.REACHED, Outcome.REFUSED):
        raise GuardianMissing
    match outcome:
        case Outcome.REACHED:
            who = "Their parent or guardian was reached" if facts.under_18 else "They were reached"
            return Next(Action.COMPLETE, f"{who}.", outcome=TraceOutcome.REACHED)
        case Outcome.REFUSED:
            who = "Their parent or guardian" if facts.under_18 else "They"
            why = f"{who} answered and did not want to take part; do not call again."
            return Next(Action.CLOSE, why, outcome=TraceOutcome.REFUSED)
        case Outcome.IN_HOSPITAL:
            why = "They are in hospital, where the hospital looks after them; do not call the family again."
            return Next(Action.CLOSE, why, outcome=TraceOutcome.IN_HOSPITAL)
        case Outcome.DIED:
            why = "They have died. Nobody is to call, write or visit again."
            return Next(Action.CLOSE, why, outcome=TraceOutcome.DIED)
        case Outcome.ESCALATED:
            return Next(Action.ESCALATE, "It needs the health protection team.")
        case Outcome.CALL_BACK:
            return _call_back(facts, policy, now)
        case Outcome.NO_DETAILS:
            return _move_on(facts, now, "There is no number or address left to try", TraceOutcome.NO_DETAILS)
        case Outcome.WRONG_NUMBER if not facts.another_number:
            why = "The number was wrong and there is no other"
            return _move_on(facts, now, why, TraceOutcome.NO_DETAILS)
        case Outcome.WRONG_NUMBER:
            return _again(now, facts, policy, now, "The number was wrong: try another one")
    gap = timedelta(minutes=policy.retry_gap_minutes)
    told = {
        Outcome.NO_ANSWER: "Nobody answered",
        Outcome.VOICEMAIL: "You left a message",
        Outcome.LANGUAGE: "They need an interpreter: book one for the next call",
    }[outcome]
    return _again(now + gap, facts, policy, now, told)


def _again(earliest: datetime, facts: Facts, policy: ServicePolicy, now: datetime, told: str) -> Next:
    """Try again, or move on when the tries are used up."""
    if facts.attempts >= policy.max_attempts:
        why = f"{facts.attempts} attempts were made and nobody was reached"
        return _move_on(facts, now, why, TraceOutcome.NOT_REACHED)
    if facts.attempts_today >= policy.attempts_per_day:
        told += f"; {facts.attempts_today} attempts are enough for one day"
        earliest = max(earliest, london_moment(london_date(now) + DAY, policy.calls_from))
    ready = calling_time(policy, earliest)
    when = "now" if ready <= now else f"at {spoken(ready)}"
    return Next(Action.RETRY, f"{told}. Try again {when}.", ready_at=ready)


def _call_back(facts: Facts, policy: ServicePolicy, now: datetime) -> Next:
    """The person's own wish: it outranks the gap, the day's number and the greatest number of attempts."""
    asked = facts.call_back_at
    if asked is None:
        raise AttemptError("Say when they asked to be called back.")
    if asked <= now:
        raise AttemptError(f"The time to call back, {spoken(asked)}, is in the past; give a later one.")
    if asked > now + LONGEST_CALL_BACK:
        raise AttemptError(f"The time to call back, {spoken(asked)}, is more than 7 days ahead; give an earlier one.")
    ready = calling_time(policy, asked)
    moved = "" if ready == aware(asked) else f", which is outside calling hours: call at {spoken(ready)}"
    return Next(Action.RETRY, f"They asked to be called back at {spoken(asked)}{moved}.", ready_at=ready)


def _move_on(facts: Facts, now: datetime, told: str, outcome: TraceOutcome) -> Next:
    """Hand over to a local team that is still ahead; close only when none is."""
    if facts.follow_up:
        return Next(Action.CLOSE, f"{told}; the follow-up is lost.", outcome=TraceOutcome.LOST)
    if facts.local_from is None:
        return Next(Action.CLOSE, f"{told}, and no other team is ahead.", outcome=outcome)
    at = max(now, aware(facts.local_from))
    when = "now" if at == now else f"at {spoken(at)}"
    return Next(Action.HAND_OVER, f"{told}. The local team takes over {when}.", ready_at=at)
