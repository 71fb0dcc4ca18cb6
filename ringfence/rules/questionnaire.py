"""What is asked in an interview, when, and what an answer is. Pure.

A questionnaire is data: sections of questions, each with the tracer's words, the resident's plain ones, and the condition
under which it is asked. Asking about something out of order is always possible; what an earlier answer decides is decided
by the answers there are. The same questionnaire serves the call, the door and the resident's own pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from ringfence.rules import entries
from ringfence.rules.calendar import MONTHS, WEEKDAYS
from ringfence.rules.conditions import Condition, empty, holds
from ringfence.rules.entries import Checked, Problem, clean

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
LONGEST, LONGEST_LONG = 200, 2000


class Kind(StrEnum):
    """What an answer to a question is."""

    TEXT = "text"
    LONG = "long"
    CHOICE = "choice"
    CHOICES = "choices"
    YES_NO = "yes_no"
    DATE = "date"
    NUMBER = "number"
    PEOPLE = "people"
    PLACES = "places"
    ADVICE = "advice"  # said or shown; there is no answer

    @property
    def listed(self) -> bool:
        return self in (Kind.PEOPLE, Kind.PLACES)


class Asker(StrEnum):
    """Who puts the questions: a tracer to the person, a tracer to a parent or guardian, or the page to a resident."""

    TRACER = "tracer"
    GUARDIAN = "guardian"
    RESIDENT = "resident"


FACTS = {
    "name": "the person's whole name",
    "given_name": "the person's given name",
    "tracer": "the tracer's given name",
    "born": "the date of birth on the record; never to be read out",
    "tested": "the day of the test",
    "onset": "the first day of symptoms, as far as it is known",
    "infectious_from": "the first day on which they could infect others",
    "infectious_until": "the last such day",
    "backward_from": "the first day of those in which they most likely caught it",
    "backward_until": "the last such day",
    "isolate_from": "the first day of staying at home",
    "isolate_until": "the last full day of staying at home",
    "isolate_days": "how many full days",
    "conditions": "what could end it earlier, as sentences",
    "under_18": "yes for somebody under 18",
    "isolates": "yes where the rules ask them to stay at home still",
    "exempts": "yes where the policy knows reasons for which a contact need not stay at home",
}
"""What texts may say in braces ("{isolate_until}") and conditions may ask, beside answers."""

RESERVED = {
    "identity_confirmed": Kind.YES_NO,
    "speaking_to": Kind.CHOICE,
    "language": Kind.TEXT,
    "interpreter": Kind.YES_NO,
    "has_symptoms": Kind.YES_NO,
    "onset_date": Kind.DATE,
    "symptoms": Kind.CHOICES,
    "contacts": Kind.PEOPLE,
    "places": Kind.PLACES,
    "vulnerable": Kind.CHOICES,
    "needs_help": Kind.YES_NO,
    "support": Kind.CHOICES,
    "support_note": Kind.LONG,
    "birth_date": Kind.DATE,
    "exemptions": Kind.CHOICES,
}
"""Questions whose answers the service acts on, with the kind that each must have."""

#: The choices that mean something; a questionnaire may offer fewer, and other words for them.
MEANT = {
    "speaking_to": frozenset({"self", "guardian", "other"}),
    "support": frozenset({"food", "medicine", "money", "care", "language", "other"}),
    "exemptions": frozenset({"vaccinated", "in_trial", "medical"}),
}


class Choice(NamedTuple):
    """One of the answers offered, in the tracer's words and in the resident's."""

    key: str
    text: str
    plain: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    `text` is what a tracer says, `guardian` what they say to a parent or guardian, `plain` what a resident reads; `hint`
    helps the tracer, `plain_hint` the resident; `short` names the question in a summary. `for_done`: the interview cannot
    be completed without it. `optional`: it does not count as missing. `asked_by`: both, or only tracers, or only
    residents' pages.
    """

    key: str
    kind: Kind
    section: str
    text: str
    plain: str
    guardian: str = ""
    hint: str = ""
    plain_hint: str = ""
    short: str = ""
    choices: tuple[Choice, ...] = ()
    when: Condition | None = None
    for_done: bool = False
    optional: bool = False
    asked_by: str = "both"

    def words(self, asker: Asker) -> str:
        """The question as this asker puts it; placeholders are still in it."""
        if asker is Asker.RESIDENT:
            return self.plain
        return self.guardian if asker is Asker.GUARDIAN and self.guardian else self.text

    @property
    def name(self) -> str:
        """The question in a few words, for summaries; placeholders are still in it."""
        return self.short or self.plain or self.text

    def help(self, asker: Asker) -> str:
        return self.plain_hint if asker is Asker.RESIDENT else self.hint


@dataclass(frozen=True, slots=True)
class Section:
    """Questions that belong together: one page. `discloses`: it says why somebody calls, so identity comes first."""

    key: str
    title: str
    plain: str
    questions: tuple[Question, ...]
    discloses: bool = False


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """What is asked, in order. A question's condition looks only at questions before it."""

    title: str
    sections: tuple[Section, ...]
    _by_key: Mapping[str, Question] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_key", {question.key: question for question in self.questions})

    @property
    def questions(self) -> Iterator[Question]:
        return (question for section in self.sections for question in section.questions)

    def get(self, key: str) -> Question | None:
        return self._by_key.get(key)

    def section(self, key: str) -> Section | None:
        return next((section for section in self.sections if section.key == key), None)


# Asking


def visible(
    questionnaire: Questionnaire,
    answers: Mapping[str, Any],
    facts: Mapping[str, Any] | None = None,
    asker: Asker = Asker.TRACER,
    section: str = "",
) -> tuple[Question, ...]:
    """The questions that are asked, given the answers so far; of one section, when one is named.

    An answer to a question that is no longer asked counts as none. `facts` are those of `FACTS` that are known.
    """
    values: dict[str, Any] = dict(facts or {})
    found = []
    only = "tracer" if asker is Asker.RESIDENT else "resident"
    for question in questionnaire.questions:
        if not holds(question.when, values):
            continue
        values[question.key] = answers.get(question.key)
        if question.asked_by != only and (not section or question.section == section):
            found.append(question)
    return tuple(found)


def counting(
    questionnaire: Questionnaire, answers: Mapping[str, Any], facts: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The answers that count: those given to questions that are asked, by whomever."""
    asked = {
        each.key for asker in (Asker.TRACER, Asker.RESIDENT) for each in visible(questionnaire, answers, facts, asker)
    }
    return {key: value for key, value in answers.items() if key in asked and not empty(value)}


class Progress(NamedTuple):
    """How far a section is: questions answered, of how many; optional ones are not counted."""

    section: str
    answered: int
    of: int

    @property
    def done(self) -> bool:
        return self.answered == self.of

    @property
    def begun(self) -> bool:
        return self.answered > 0


def progress(
    questionnaire: Questionnaire,
    answers: Mapping[str, Any],
    facts: Mapping[str, Any] | None = None,
    asker: Asker = Asker.TRACER,
) -> tuple[Progress, ...]:
    """How far each section is, in order."""
    found = []
    asked = visible(questionnaire, answers, facts, asker)
    for section in questionnaire.sections:
        counted = [each for each in asked if each.section == section.key and _counts(each)]
        given = sum(not empty(answers.get(each.key)) for each in counted)
        found.append(Progress(section.key, given, len(counted)))
    return tuple(found)


def _counts(question: Question) -> bool:
    return question.kind is not Kind.ADVICE and not question.optional


def missing(
    questionnaire: Questionnaire,
    answers: Mapping[str, Any],
    facts: Mapping[str, Any] | None = None,
    asker: Asker = Asker.TRACER,
) -> tuple[Question, ...]:
    """The questions without which the interview is not done, and which have no answer yet."""
    return tuple(
        each for each in visible(questionnaire, answers, facts, asker) if each.for_done and empty(answers.get(each.key))
    )


def unnamed(
    questionnaire: Questionnaire, answers: Mapping[str, Any], facts: Mapping[str, Any] | None = None
) -> tuple[Question, ...]:
    """The lists of people and places that are asked for, because they said that there are some, and hold nobody yet.

    The interview can be done without: nobody can be made to name them.
    """
    asked = visible(questionnaire, answers, facts)
    return tuple(each for each in asked if each.kind.listed and not each.for_done and empty(answers.get(each.key)))


def may_disclose(answers: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether it is known to whom one speaks, so that one may say why one calls; under 18 a parent or guardian."""
    to_them = not facts.get("under_18") or answers.get("speaking_to") == "guardian"
    return answers.get("identity_confirmed") is True and to_them


def onset(answers: Mapping[str, Any], recorded: date | None) -> date | None:
    """The first day of symptoms by the answers: none without symptoms, and what was recorded where nobody said."""
    if answers.get("has_symptoms") is False:
        return None
    given = answers.get("onset_date")
    return (entries.iso_day(given) if isinstance(given, str) else None) or recorded


# Answers


def check(question: Question, raw: object, today: date) -> Checked:
    """What was typed, as it is kept: a text, a key, a list of keys, True or False, an ISO date, a number, or entries.

    `value` is None where there is no answer. What `check` gives may be given to it again, and stays as it is.
    """
    if question.kind.listed:
        return entries.listed(question.kind.value, raw, today)
    if question.kind is Kind.CHOICES:
        return _ticked(question, raw)
    if question.kind is Kind.YES_NO and isinstance(raw, bool):
        return Checked(raw)
    text = str(raw) if isinstance(raw, (str, int)) and not isinstance(raw, bool) else ""
    if question.kind is Kind.LONG:
        return _long(text)
    text = clean(text)
    if not text or question.kind is Kind.ADVICE:
        return Checked(None)
    match question.kind:
        case Kind.YES_NO:
            return Checked(text == "yes") if text in ("yes", "no") else _wrong("Choose yes or no")
        case Kind.CHOICE:
            known = any(text == choice.key for choice in question.choices)
            return Checked(text) if known else _wrong("Choose one of those offered")
        case Kind.DATE:
            return _day(text, today)
        case Kind.NUMBER:
            fine = text.isascii() and text.isdigit() and len(text) <= 6
            return Checked(int(text)) if fine else _wrong("Give a whole number, such as 3")
    return Checked(text) if len(text) <= LONGEST else _wrong(f"Shorten this to {LONGEST} letters or fewer")


def _wrong(message: str) -> Checked:
    return Checked(None, (Problem("", message),))


def _ticked(question: Question, raw: object) -> Checked:
    given = [raw] if isinstance(raw, str) and raw else list(raw) if isinstance(raw, (list, tuple)) else []
    known = [choice.key for choice in question.choices]
    if any(each not in known for each in given):
        return _wrong("Choose among those offered")
    return Checked([key for key in known if key in given] or None)


def _long(text: str) -> Checked:
    lines = [clean(line) for line in text.splitlines()]
    found = "\n".join(lines).strip()
    if len(found) > LONGEST_LONG:
        return _wrong(f"Shorten this to {LONGEST_LONG:,} letters or fewer")
    return Checked(found or None)


def _day(text: str, today: date) -> Checked:
    found = entries.iso_day(text)
    if found is None:
        return _wrong("Give a real day, such as 23 11 2026")
    if found > today:
        return _wrong("Give a day that has been; this one is still to come")
    if found.year < 1900:
        return _wrong("Check the year")
    return Checked(found.isoformat())


def spoken(on: date, today: date) -> str:
    """A day to be read out, that nobody can mistake: "yesterday, Sunday 22 November", "Saturday 28 November"."""
    said = f"{WEEKDAYS[on.weekday()]} {on.day} {MONTHS[on.month - 1]}"
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}.get((on - today).days)
    return f"{near}, {said}" if near else said


def filled(text: str, facts: Mapping[str, Any], today: date) -> str:
    """A text with its placeholders filled in; one that is not known reads "(not known)"."""

    def value(match: re.Match[str]) -> str:
        found = facts.get(match[1])
        if isinstance(found, date):
            said = spoken(found, today)
            # "On Saturday 21 November", and never "on yesterday".
            return said.split(", ")[-1] if text[: match.start()].endswith("on ") else said
        if isinstance(found, (list, tuple)):
            return " ".join(map(str, found))
        return "(not known)" if found is None else str(found)

    return PLACEHOLDER.sub(value, text).strip()


def shown(question: Question, value: Any, asker: Asker = Asker.TRACER) -> str:
    """An answer as words: "Yes", "Cough, fever", "3 August 2020"; of entries the names, without those withdrawn."""
    if empty(value):
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if question.kind.listed:
        here = [each for each in value if not each.get("withdrawn")]
        return ", ".join(_named(each) for each in here)
    names = {each.key: each.plain if asker is Asker.RESIDENT else each.text for each in question.choices}
    if question.kind is Kind.CHOICES:
        return ", ".join(names.get(each, each) for each in value)
    if question.kind is Kind.CHOICE:
        return names.get(value, str(value))
    day = entries.iso_day(value) if question.kind is Kind.DATE else None
    if day is None:
        return str(value)
    said = f"{day.day} {MONTHS[day.month - 1]} {day.year}"
    # Of a birth nobody asks the weekday; for when one fell ill it is the check that the day is right.
    return said if question.key == "birth_date" else f"{WEEKDAYS[day.weekday()]} {said}"


def _named(entry: Mapping[str, Any]) -> str:
    person = f"{entry.get('given_name', '')} {entry.get('family_name', '')}".strip()
    return person or str(entry.get("name") or entry.get("postcode") or "")
