"""How people answer: drawn once for each trace, so that what a try comes to does not depend on who else is called.

The rates are those of the service's own reports (80 to 86 % reached, 54 to 77 % within a day, 1 to 2.5 % without
contact details; councils reached 86 to 90 % of those the national team could not). How often one call must succeed for
these to come out was found by trial.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import NamedTuple

from ringfence.rules.attempts import Kind, Outcome
from ringfence.rules.handover import TeamKind

#: Who never picks up to a number they do not know.
NEVER_NATIONAL = 0.055
#: Of those, and of all who were handed over: whom the local team does not find either.
NEVER_LOCAL = 0.07
#: Who picks up easily, and the chance at each call of those who do and those who do not.
EASY, EASY_CHANCE, HARD_CHANCE = 0.68, 0.6, 0.17
LOCAL_CHANCE = 0.36
COMPLEX_CHANCE = 0.4

NOTES_OF_CARE_HOME = (
    "Care home resident; two other residents have symptoms.",
    "Lives in a care home; staff are short.",
)
GIVEN_BACK = (
    "Moved out some weeks ago; a neighbour says they live with family in another town.",
    "The address is a student hall that is closed; only the mobile number is left to try.",
    "Asked us for a call in Polish, which the national team's interpreters can do.",
)
QUESTIONS = (
    "Did anybody leave a voicemail? The household says it had no call.",
    "Was an interpreter tried, and which language?",
    "Is there a second number? This one rings out.",
)
ANSWERS = (
    "A voicemail was left on the second call; nobody rang back.",
    "No interpreter yet. A daughter answered once and spoke English.",
    "The laboratory sent only this one. The email address is on the record.",
)
NOTES = (
    "Rang out each time; a voicemail greeting in another name.",
    "A man answered and hung up before I could say who I was.",
    "Works nights, so try in the afternoon.",
)


class Said(NamedTuple):
    """What one try came to, as ``actions.attempts.record`` takes it."""

    kind: Kind
    outcome: Outcome
    seconds: int | None = None
    call_back_at: datetime | None = None
    note: str = ""
    guardian: bool = False


@dataclass
class Person:
    """Somebody who is traced. ``birth_date``, ``care_home``, and whether ``phone`` and ``address`` are held, are the
    record's."""

    birth_date: date | None
    care_home: bool
    phone: bool
    address: bool
    random: Random
    never_national: bool = field(init=False)
    never_local: bool = field(init=False)
    chance: float = field(init=False)
    ending: Outcome = field(init=False)
    wrong_number: bool = field(init=False)
    language: bool = field(init=False)
    asked_later: bool = field(init=False)
    gives_back: bool = field(init=False)
    question: bool = field(init=False)

    def __post_init__(self) -> None:
        draw = self.random.random
        self.never_national = draw() < NEVER_NATIONAL
        self.never_local = draw() < NEVER_LOCAL
        self.chance = EASY_CHANCE if draw() < EASY else HARD_CHANCE
        self.ending = self.random.choices(
            (Outcome.REACHED, Outcome.REFUSED, Outcome.IN_HOSPITAL, Outcome.DIED), (0.945, 0.041, 0.012, 0.002)
        )[0]
        self.wrong_number = draw() < 0.04
        self.language = draw() < 0.03
        self.asked_later = draw() < 0.05
        self.gives_back = draw() < 0.03
        self.question = draw() < 0.07

    def answer(self, team: TeamKind, now: datetime) -> Said:
        """What a try of a team of that kind comes to, at a moment."""
        draw = self.random.random
        if team in (TeamKind.NATIONAL, TeamKind.POOL):
            if not self.phone:
                return Said(Kind.CALL, Outcome.NO_DETAILS)
            if self.wrong_number:
                self.wrong_number = False
                return Said(Kind.CALL, Outcome.WRONG_NUMBER, 20)
            if self.never_national or draw() > self.chance:
                return self._nobody(Kind.CALL)
            return self._spoke(Kind.CALL, now)
        if team is TeamKind.HEALTH_PROTECTION:
            return self._ended(Kind.CALL) if draw() < COMPLEX_CHANCE else self._nobody(Kind.CALL)
        return self._local(now)

    def _local(self, now: datetime) -> Said:
        draw = self.random.random
        if not self.phone and not self.address:
            return Said(Kind.LETTER, Outcome.NO_ANSWER)
        kind = Kind.CALL if self.phone and (draw() < 0.6 or not self.address) else Kind.VISIT
        if self.never_local or draw() > LOCAL_CHANCE:
            return self._nobody(kind)
        return self._spoke(kind, now)

    def _nobody(self, kind: Kind) -> Said:
        if kind is Kind.CALL and self.random.random() < 0.3:
            return Said(kind, Outcome.VOICEMAIL, 35)
        return Said(kind, Outcome.NO_ANSWER, 30 if kind is Kind.CALL else None)

    def _spoke(self, kind: Kind, now: datetime) -> Said:
        if self.language:
            self.language = False
            return Said(kind, Outcome.LANGUAGE, 60 if kind is Kind.CALL else None)
        if self.asked_later:
            self.asked_later = False
            self.chance = 0.95
            later = now + timedelta(minutes=30 * self.random.randrange(4, 14))
            return Said(kind, Outcome.CALL_BACK, 50 if kind is Kind.CALL else None, call_back_at=later)
        if self.care_home:
            return Said(kind, Outcome.ESCALATED, 240 if kind is Kind.CALL else None, note=self.pick(NOTES_OF_CARE_HOME))
        return self._ended(kind)

    def _ended(self, kind: Kind) -> Said:
        minutes = self.random.randrange(6, 28)
        long = self.ending is Outcome.REACHED
        seconds = (60 * minutes if long else 90) if kind is Kind.CALL else None
        return Said(kind, self.ending, seconds, guardian=True)

    def pick(self, words: tuple[str, ...]) -> str:
        """One of several sentences."""
        return self.random.choice(words)
