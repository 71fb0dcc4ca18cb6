"""The form as a resident has it: what is asked, what they answered, and what follows for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from ringfence.rules import interview, scripts
from ringfence.rules.answers import kept
from ringfence.rules.conditions import empty
from ringfence.rules.isolation import Isolation
from ringfence.rules.policies import dated
from ringfence.rules.policy import ServicePolicy, in_force
from ringfence.rules.questionnaire import (
    Asker,
    Kind,
    Question,
    Questionnaire,
    Section,
    filled,
    missing,
    onset,
    shown,
    visible,
)


@lru_cache(maxsize=32)
def _read(body: str) -> Questionnaire:
    return scripts.read(json.loads(body))


def policies(rules: list[list[str]]) -> tuple[ServicePolicy, ...]:
    """The service's policies, by the days and names that the database gave."""
    return dated(tuple((date.fromisoformat(day), name) for day, name in rules))


@dataclass(frozen=True, slots=True)
class Sheet:
    """``answers``: the latest of each question, of which ``theirs`` were given by a tracer and cannot be changed here.

    ``finished``: it was sent off. ``over``: a tracer has done the rest, and nothing more is asked. ``questions``: those
    that are asked now, of every part.
    """

    questionnaire: Questionnaire
    answers: Mapping[str, Any]
    theirs: frozenset[str]
    finished: bool
    over: bool
    facts: Mapping[str, Any]
    isolation: Isolation | None
    policy: ServicePolicy
    today: date
    told: Mapping[str, Any] = field(repr=False)
    questions: tuple[Question, ...] = field(repr=False)

    def after(self, given: Mapping[str, Any]) -> Sheet:
        """The form with answers that were just kept."""
        new = {key: {"value": json.dumps(value)} for key, value in given.items()}
        return sheet({**self.told, "answers": {**self.told["answers"], **new}}, self.today)

    @property
    def done(self) -> bool:
        return self.finished or self.over

    def words(self, text: str) -> str:
        return filled(text, self.facts, self.today)

    def asked(self, section: str = "") -> tuple[Question, ...]:
        """The questions that are asked now, of one part when one is named."""
        return tuple(each for each in self.questions if each.section == section) if section else self.questions

    @property
    def sections(self) -> list[Section]:
        """The parts in which anything is asked; advice alone is for the end."""
        asked = {each.section for each in self.asked() if each.kind is not Kind.ADVICE}
        return [section for section in self.questionnaire.sections if section.key in asked]

    def open(self, section: str) -> list[Question]:
        """The questions of a part that still have no answer and count."""
        return [
            each
            for each in self.asked(section)
            if each.kind is not Kind.ADVICE and not each.optional and empty(self.answers.get(each.key))
        ]

    def begun(self, section: str) -> bool:
        return any(not empty(self.answers.get(each.key)) for each in self.asked(section))

    @property
    def missing(self) -> list[Question]:
        """The questions without which a tracer has to call."""
        found = missing(self.questionnaire, self.answers, self.facts, Asker.RESIDENT)
        return [each for each in found if each.key not in self.theirs]

    @property
    def advice(self) -> list[str]:
        """What to do now."""
        return [self.words(each.plain) for each in self.asked() if each.kind is Kind.ADVICE]

    def shown(self, question: Question) -> str:
        return shown(question, self.answers.get(question.key), Asker.RESIDENT)

    def entries(self, question: str) -> list[dict[str, Any]]:
        """The people or places of an answer that were not taken back."""
        return [each for each in self.answers.get(question) or () if not each.get("withdrawn")]


def sheet(told: Mapping[str, Any], today: date) -> Sheet:
    """The form by what the database gave."""
    found = policies(told["rules"])
    questionnaire = _read(told["questionnaire"])
    answers = {key: kept(questionnaire.get(key), given["value"], today) for key, given in told["answers"].items()}
    specimen, recorded = _day(told["specimen"]), _day(told["onset"])
    windows = interview.days(answers, specimen, recorded, found, max(today, specimen)) if specimen is not None else None
    facts = interview.facts(
        given_name=told["given_name"],
        family_name="",
        tracer="",
        birth_date=None,
        under_18=bool(told["under_18"]),
        policies=found,
        today=today,
        specimen=specimen,
        onset=onset(answers, recorded),
        windows=windows,
    )
    theirs = frozenset(key for key, given in told["answers"].items() if given.get("theirs"))
    asked = visible(questionnaire, answers, facts, Asker.RESIDENT)
    return Sheet(
        questionnaire,
        answers,
        theirs,
        told["finished"],
        told["over"],
        facts,
        windows.isolation if windows else None,
        in_force(found, today),
        today,
        told,
        # What a tracer has the answer to is not asked again.
        tuple(each for each in asked if each.kind.listed or each.key not in theirs),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
