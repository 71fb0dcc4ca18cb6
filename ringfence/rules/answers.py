"""Answers read back from where they are kept: one that no form would have let through counts as none. Pure.

What is kept is not believed. A resident's pages write through the database's own functions, which look at whose form it is
and not at what an answer says; and every reader relies on its shape.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from ringfence.rules.questionnaire import MEANT, RESERVED, Choice, Question, check


def kept(question: Question | None, text: str | None, today: date) -> Any:
    """The value of an answer that is kept as JSON, as `check` gives it; None where `check` would not let it through.

    Of people and places the entries that can be stay, however many there are. An unknown question has no answer.
    """
    if question is None or not text:
        return None
    try:
        value = json.loads(text)
        if not question.kind.listed:
            return check(question, value, today).value
        given = value if isinstance(value, list) else []
        return [entry for each in given for entry in check(question, [each], today).value or ()] or None
    except (RecursionError, ValueError):
        # Nested too deep, or a number of thousands of digits.
        return None


RESERVED_QUESTIONS = {
    key: Question(key, kind, "", "", "", choices=tuple(Choice(each, "", "") for each in sorted(MEANT.get(key, ()))))
    for key, kind in RESERVED.items()
}
"""The questions whose answers the service acts on, as far as it reads them: without their words."""
