"""When a question is asked: a small language over earlier answers and known facts. Pure.

    has_symptoms = yes
    speaking_to = guardian or under_18 = yes
    support includes food and not (lives_alone = no)
    onset_date answered
    people_at_home > 2

A name is an earlier question's key or a fact. `=` and `!=` compare a choice, a text or yes and no; `includes` looks into
ticked choices; `answered` asks whether there is an answer at all; `<` and `>` compare numbers. `and` binds closer than `or`.
A name without an answer is equal to nothing, includes nothing and is neither larger nor smaller than anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(r"\s*(!=|[=<>()]|[A-Za-z0-9_.-]+)")
_WORDS = frozenset({"and", "or", "not", "includes", "answered"})
_OPERATORS = frozenset({"=", "!=", "<", ">", "includes"})
DEEPEST = 20


class ConditionError(ValueError):
    """A condition that cannot be read; the message says where and what to write instead."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at one answer. `operator` is one of =, !=, <, >, includes, answered; `value` as written."""

    name: str
    operator: str
    value: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.operator} {self.value}".strip()


@dataclass(frozen=True, slots=True)
class Not:
    of: Condition

    def __str__(self) -> str:
        return f"not {_bracketed(self.of)}"


@dataclass(frozen=True, slots=True)
class Every:
    of: tuple[Condition, ...]

    def __str__(self) -> str:
        return " and ".join(map(_bracketed, self.of))


@dataclass(frozen=True, slots=True)
class Either:
    of: tuple[Condition, ...]

    def __str__(self) -> str:
        return " or ".join(map(_bracketed, self.of))


Condition = Look | Not | Every | Either


def _bracketed(of: Condition) -> str:
    return f"({of})" if isinstance(of, (Every, Either)) else str(of)


def parse(text: str) -> Condition:
    """The condition that a text says. Raises ConditionError."""
    return _Reader(text).whole()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._split(text)
        self.at = 0
        self.depth = 0

    @staticmethod
    def _split(text: str) -> list[str]:
        found, at = [], 0
        text = text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise ConditionError(f"{text[at:].strip()[:20]!r} cannot be read; write such as: has_symptoms = yes")
            found.append(match[1])
            at = match.end()
        return found

    def _next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self) -> str:
        word = self._next()
        self.at += 1
        return word

    def whole(self) -> Condition:
        if not self.tokens:
            raise ConditionError("the condition is empty; leave it out, or write such as: has_symptoms = yes")
        found = self._either()
        if self._next():
            raise ConditionError(f"{self._next()!r} comes after the end of the condition; join two with: and, or")
        return found

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._next() == "or":
            self._take()
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self) -> Condition:
        parts = [self._one()]
        while self._next() == "and":
            self._take()
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _one(self) -> Condition:
        self.depth += 1
        if self.depth > DEEPEST:
            raise ConditionError(f"more than {DEEPEST} conditions in one another; say it in a simpler way")
        try:
            word = self._take()
            if word == "not":
                return Not(self._one())
            if word == "(":
                found = self._either()
                if self._take() != ")":
                    raise ConditionError("a bracket is not closed; write ) at its end")
                return found
            return self._look(word)
        finally:
            self.depth -= 1

    def _look(self, name: str) -> Look:
        if not name or name in _WORDS or not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
            raise ConditionError(f"a question's key is missing {f'before {name!r}' if name else 'at the end'}")
        operator = self._take()
        if operator == "answered":
            return Look(name, operator)
        if operator not in _OPERATORS:
            raise ConditionError(f"after {name!r} write one of: =, !=, <, >, includes, answered")
        value = self._take()
        if not value or value in _WORDS or not re.fullmatch(r"[A-Za-z0-9_.-]+", value):
            raise ConditionError(f"after '{name} {operator}' write a value, such as yes")
        if operator in ("<", ">") and not re.fullmatch(r"-?\d+", value):
            raise ConditionError(f"after '{name} {operator}' write a whole number")
        return Look(name, operator, value)


def looks(condition: Condition) -> Iterator[Look]:
    """Every look at an answer that the condition takes."""
    match condition:
        case Look():
            yield condition
        case Not(of):
            yield from looks(of)
        case Every(parts) | Either(parts):
            for part in parts:
                yield from looks(part)


def holds(condition: Condition | None, values: Mapping[str, Any]) -> bool:
    """Whether the condition is true of the answers and facts in `values`; no condition always is."""
    match condition:
        case None:
            return True
        case Not(of):
            return not holds(of, values)
        case Every(parts):
            return all(holds(part, values) for part in parts)
        case Either(parts):
            return any(holds(part, values) for part in parts)
        case Look(name, operator, value):
            return _look_holds(values.get(name), operator, value)


def _look_holds(given: Any, operator: str, value: str) -> bool:
    if operator == "answered":
        return not empty(given)
    if operator == "!=":
        return not _equal(given, value)
    if operator == "=":
        return _equal(given, value)
    if operator == "includes":
        return isinstance(given, (list, tuple)) and value in given
    if isinstance(given, bool) or not isinstance(given, int):
        return False
    return given < int(value) if operator == "<" else given > int(value)


def _equal(given: Any, value: str) -> bool:
    if isinstance(given, bool):
        return value == ("yes" if given else "no")
    return not empty(given) and str(given) == value


def empty(given: Any) -> bool:
    """Whether an answer is none: nothing, an empty text or list. No is an answer."""
    return given is None or given in ("", [], ())
