"""Questionnaires as data and as text that people write: read with every problem named, and written again. Pure.

The text that a script editor writes:

    title: Interview of a case

    section illness: How they are
    plain: How you feel
    discloses: yes

    question has_symptoms: yes_no
    text: Do you have a cough, a fever, or a change to taste or smell?
    plain: Do you feel ill?
    for_done: yes

    question symptoms: choices
    when: has_symptoms = yes
    text: Which of these?
    plain: What do you have?
    choice cough: A new, continuous cough | A new cough
    choice fever: A high temperature

A line begins with what it is; a line that begins with a space goes on with the one before; # begins a remark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ringfence.rules.conditions import Condition, ConditionError, looks, parse
from ringfence.rules.entries import clean
from ringfence.rules.questionnaire import (
    FACTS,
    LONGEST_LONG,
    MEANT,
    PLACEHOLDER,
    RESERVED,
    Choice,
    Kind,
    Question,
    Questionnaire,
    Section,
)

KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")

_SAID = ("text", "guardian", "plain", "hint", "plain_hint", "short")

#: (section's key, question's key) -> line of a text; ("", "") is the whole.
Lines = Mapping[tuple[str, str], int]


class QuestionnaireError(ValueError):
    """A questionnaire that cannot be used. `problems` are sentences, each with the line where there is one, the section
    and the question."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


def read(body: object, lines: Lines | None = None) -> Questionnaire:
    """The questionnaire that the data describe. Raises QuestionnaireError with every problem; `lines` says where each
    section and question stands in the text that the data came from."""
    return _Reading(body, lines or {}).questionnaire()


class _Reading:
    def __init__(self, body: object, lines: Lines) -> None:
        self.body, self.lines = body, lines
        self.problems: list[str] = []
        self.line = 0
        self.earlier: dict[str, Question] = {}

    def _wrong(self, message: str) -> None:
        self.problems.append(f"Line {self.line}: {message}" if self.line else message)

    def questionnaire(self) -> Questionnaire:
        body = self.body if isinstance(self.body, Mapping) else {}
        title = self._text(body, "title", "The questionnaire", needed=True)
        listed = body.get("sections")
        sections: list[Section] = []
        for raw in listed if isinstance(listed, (list, tuple)) else []:
            section = self._section(raw if isinstance(raw, Mapping) else {})
            if any(each.key == section.key for each in sections):
                self._wrong(f"Section {section.key!r} is there twice; give each its own key.")
            sections.append(section)
        if not sections:
            self._wrong("The questionnaire has no section; write at least one.")
        if self.problems:
            raise QuestionnaireError(self.problems)
        return Questionnaire(title, tuple(sections))

    def _section(self, raw: Mapping[str, Any]) -> Section:
        key = self._text(raw, "key", "A section", needed=True)
        self.line = self.lines.get((key, ""), self.line)
        where = f"Section {key!r}"
        if key and not KEY.fullmatch(key):
            self._wrong(f"{where}: a key is small letters, digits and _, and begins with a letter.")
        title = self._text(raw, "title", where, needed=True)
        listed = raw.get("questions")
        questions = tuple(
            self._question(each if isinstance(each, Mapping) else {}, key, where)
            for each in (listed if isinstance(listed, (list, tuple)) else [])
        )
        if not questions:
            self._wrong(f"{where} has no question; write one, or leave the section out.")
        plain = self._text(raw, "plain", where) or title
        return Section(key, title, plain, questions, raw.get("discloses") is True)

    def _question(self, raw: Mapping[str, Any], section: str, inside: str) -> Question:
        key = self._text(raw, "key", f"{inside}, a question", needed=True)
        self.line = self.lines.get((section, key), self.line)
        where = f"{inside}, question {key!r}"
        if key and not KEY.fullmatch(key):
            self._wrong(f"{where}: a key is small letters, digits and _, and begins with a letter.")
        if key in self.earlier:
            self._wrong(f"{where} is there twice; give each question its own key.")
        if key in FACTS:
            self._wrong(f"{where} has the name of a fact ({FACTS[key]}); choose another key.")
        kind = self._kind(raw, key, where)
        asked_by = self._text(raw, "asked_by", where) or "both"
        if asked_by not in ("both", "tracer", "resident"):
            self._wrong(f"{where}: asked_by is {asked_by!r}; write both, tracer or resident.")
        texts = {name: self._said(raw, name, where) for name in _SAID}
        for name, unless in (("text", "resident"), ("plain", "tracer")):
            if not texts[name] and asked_by != unless:
                words = {"text": "what the tracer says", "plain": "what a resident reads"}[name]
                self._wrong(f"{where}: {name} is missing; write {words}.")
        question = Question(
            key=key,
            kind=kind,
            section=section,
            choices=self._choices(raw, key, kind, where),
            when=self._when(raw, where),
            for_done=raw.get("for_done") is True,
            optional=raw.get("optional") is True,
            asked_by=asked_by,
            **texts,
        )
        self.earlier[key] = question
        return question

    def _kind(self, raw: Mapping[str, Any], key: str, where: str) -> Kind:
        given = self._text(raw, "kind", where, needed=True)
        if given not in set(Kind):
            if given:
                self._wrong(f"{where}: kind is {given!r}; write one of {', '.join(Kind)}.")
            return Kind.TEXT
        kind = Kind(given)
        if key in RESERVED and RESERVED[key] is not kind:
            self._wrong(f"{where}: kind must be {RESERVED[key].value}, because the service acts on the answer.")
        if kind.listed and key not in RESERVED:
            self._wrong(f"{where}: a list of {kind.value} must be the question {_listed_key(kind)!r}.")
        return kind

    def _choices(self, raw: Mapping[str, Any], key: str, kind: Kind, where: str) -> tuple[Choice, ...]:
        found: list[Choice] = []
        given = raw.get("choices")
        for each in given if isinstance(given, (list, tuple)) else []:
            one = each if isinstance(each, Mapping) else {}
            text = self._text(one, "text", f"{where}, a choice", needed=True)
            choice = Choice(
                self._text(one, "key", f"{where}, a choice", needed=True), text, self._text(one, "plain", where) or text
            )
            if choice.key and not KEY.fullmatch(choice.key):
                self._wrong(f"{where}, choice {choice.key!r}: a key is small letters, digits and _.")
            if "|" in choice.text + choice.plain:
                self._wrong(f"{where}, choice {choice.key!r}: words have no | in them; write a comma.")
            if any(choice.key == other.key for other in found):
                self._wrong(f"{where}: the choice {choice.key!r} is there twice.")
            if key in MEANT and choice.key not in MEANT[key]:
                self._wrong(
                    f"{where}: the service does not know the choice {choice.key!r}; use {', '.join(sorted(MEANT[key]))}."
                )
            found.append(choice)
        wants = kind in (Kind.CHOICE, Kind.CHOICES)
        if wants and len(found) < (2 if kind is Kind.CHOICE else 1):
            self._wrong(f"{where}: write the choices, each as: choice KEY: WORDS.")
        if found and not wants:
            self._wrong(f"{where}: only the kinds choice and choices have choices; leave them out.")
        return tuple(found)

    def _when(self, raw: Mapping[str, Any], where: str) -> Condition | None:
        given = self._text(raw, "when", where)
        if not given:
            return None
        try:
            found = parse(given)
        except ConditionError as problem:
            self._wrong(f"{where}: when: {problem}.")
            return None
        for look in looks(found):
            question = self.earlier.get(look.name)
            if question is None and look.name not in FACTS:
                self._wrong(
                    f"{where}: when asks for {look.name!r}, which is no earlier question; move that question before "
                    "this one, or write its key as it is."
                )
            elif question is not None and look.value and look.operator not in ("<", ">"):
                allowed = _values(question)
                if allowed and look.value not in allowed:
                    self._wrong(f"{where}: {look.name} is never {look.value!r}; write one of {', '.join(allowed)}.")
        return found

    def _said(self, raw: Mapping[str, Any], name: str, where: str) -> str:
        found = self._text(raw, name, where)
        for placeholder in PLACEHOLDER.findall(found):
            if placeholder not in FACTS:
                self._wrong(f"{where}: {name} has {{{placeholder}}}; there are: {', '.join(FACTS)}.")
        if "{" in PLACEHOLDER.sub("", found):
            self._wrong(f"{where}: {name} has a brace that is not closed.")
        return found

    def _text(self, raw: Mapping[str, Any], name: str, where: str, needed: bool = False) -> str:
        given = raw.get(name)
        found = clean(given) if isinstance(given, str) else ""
        if needed and not found:
            self._wrong(f"{where}: {name} is missing.")
        if len(found) > LONGEST_LONG:
            self._wrong(f"{where}: {name} has {len(found):,} letters; shorten it to {LONGEST_LONG:,}.")
        return found


def _listed_key(kind: Kind) -> str:
    return "contacts" if kind is Kind.PEOPLE else "places"


def _values(question: Question) -> tuple[str, ...]:
    if question.kind is Kind.YES_NO:
        return ("yes", "no")
    return tuple(choice.key for choice in question.choices)


def body(questionnaire: Questionnaire) -> dict[str, Any]:
    """The questionnaire as data: what `read` reads. What is not said is left out."""
    return {
        "title": questionnaire.title,
        "sections": [
            {
                "key": section.key,
                "title": section.title,
                "plain": section.plain,
                **({"discloses": True} if section.discloses else {}),
                "questions": [_question_body(question) for question in section.questions],
            }
            for section in questionnaire.sections
        ],
    }


def _question_body(question: Question) -> dict[str, Any]:
    found: dict[str, Any] = {"key": question.key, "kind": question.kind.value}
    for name in _SAID:
        found[name] = getattr(question, name)
    if question.choices:
        found["choices"] = [choice._asdict() for choice in question.choices]
    found["when"] = "" if question.when is None else str(question.when)
    found["for_done"], found["optional"] = question.for_done, question.optional
    found["asked_by"] = "" if question.asked_by == "both" else question.asked_by
    return {name: value for name, value in found.items() if value}


# The text


_HEAD = re.compile(r"(section|question|choice)\s+([^\s:]+)\s*:\s*(.*)")
_FIELD = re.compile(r"([a-z_]+)\s*:\s*(.*)")
_OF_SECTION = ("plain", "discloses")

_OF_QUESTION = (*_SAID, "when", "for_done", "optional", "asked_by")
_YES_OR_NO = frozenset({"discloses", "for_done", "optional"})


def from_text(text: str) -> Questionnaire:
    """The questionnaire that a text describes. Raises QuestionnaireError; each problem says in which line it is."""
    problems: list[str] = []
    whole: dict[str, Any] = {"sections": []}
    into: dict[str, Any] = whole
    section: dict[str, Any] | None = None
    lines: dict[tuple[str, str], int] = {}
    for number, line in _lines(text):
        head, named = _HEAD.fullmatch(line), _FIELD.fullmatch(line)
        if head and head[1] == "section":
            section = into = {"key": head[2], "title": head[3], "questions": []}
            whole["sections"].append(section)
            lines[head[2], ""] = number
        elif head and section is None:
            problems.append(f"Line {number}: begin with a section, such as: section who: Who am I speaking to?")
        elif head and section is not None and head[1] == "question":
            into = {"key": head[2], "kind": head[3], "choices": []}
            section["questions"].append(into)
            lines[section["key"], head[2]] = number
        elif head and "choices" in into:
            words, _, plain = head[3].partition("|")
            into["choices"].append({"key": head[2], "text": words.strip(), "plain": plain.strip()})
        elif named is None or head:
            problems.append(f"Line {number}: {line[:40]!r} cannot be read; write such as: text: How are you?")
        else:
            problems += _field(into, named[1], named[2], number)
    if problems:
        raise QuestionnaireError(problems)
    return read(whole, lines)


def _lines(text: str) -> list[tuple[int, str]]:
    """The lines that say something, each with its number; one that begins with a space goes on with the one before."""
    found: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        said = line.strip()
        if not said or said.startswith("#"):
            continue
        if line[0].isspace() and found:
            found[-1] = (found[-1][0], f"{found[-1][1]} {said}")
        else:
            found.append((number, said))
    return found


def _field(into: dict[str, Any], name: str, value: str, number: int) -> list[str]:
    known = ("title",) if "sections" in into else _OF_QUESTION if "kind" in into else _OF_SECTION
    if name not in known:
        return [f"Line {number}: {name!r} is not known here; there are: {', '.join(known)}."]
    if name in into:
        return [f"Line {number}: {name} is there twice; write it once."]
    if name not in _YES_OR_NO:
        into[name] = value
        return []
    if value not in ("yes", "no"):
        return [f"Line {number}: {name} is {value!r}; write yes or no."]
    into[name] = value == "yes"
    return []


def to_text(questionnaire: Questionnaire) -> str:
    """The questionnaire as the text that `from_text` reads."""
    found = [f"title: {questionnaire.title}"]
    for section in questionnaire.sections:
        found += ["", "", f"section {section.key}: {section.title}", f"plain: {section.plain}"]
        if section.discloses:
            found.append("discloses: yes")
        for question in section.questions:
            found += ["", f"question {question.key}: {question.kind.value}"]
            said = _question_body(question)
            for name in ("when", *_SAID, "for_done", "optional", "asked_by"):
                if name in said:
                    found.append(f"{name}: {'yes' if said[name] is True else said[name]}")
            found += [f"choice {each.key}: {each.text} | {each.plain}" for each in question.choices]
    return "\n".join(found) + "\n"
