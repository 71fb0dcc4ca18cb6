"""What a resident typed, read for the questions of a page, and the entries of people and places in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.http import QueryDict

from ringfence.rules.exposures import Category
from ringfence.rules.interview import onset_problem
from ringfence.rules.questionnaire import Kind, Question, check

PARTS = ("day", "month", "year")

RELATIONS = (
    ("household", "They live with me"),
    ("close", "Family or friend"),
    ("work", "Somebody from work"),
    ("school", "Somebody from school or college"),
    ("other", "Somebody else"),
)

ADULT = (("yes", "Yes"), ("no", "No"), ("", "I am not sure"))

CATEGORIES = (
    (Category.WORK, "I worked there"),
    (Category.EDUCATION, "School, college or nursery"),
    (Category.VISITING, "I visited somebody at home"),
    (Category.SHOPPING, "I went shopping"),
    (Category.EATING_OUT, "I had food or drink there"),
    (Category.SPORT, "Sport or exercise"),
    (Category.LEISURE, "A party, an event or a day out"),
    (Category.WORSHIP, "I went there to pray"),
    (Category.PERSONAL_CARE, "Hairdresser or beauty"),
    (Category.HEALTH_CARE, "Doctor, dentist or hospital"),
    (Category.CARE_HOME, "A care home"),
    (Category.TRAVEL, "Bus, train, taxi or plane"),
    (Category.OTHER, "Something else"),
)

FIELDS = {
    Kind.PEOPLE: ("given_name", "family_name", "relation", "adult", "phone", "email"),
    Kind.PLACES: ("name", "category", "postcode"),
}
"""The fields of an entry that are asked in one line each; days come in three."""

DAYS = {Kind.PEOPLE: ("last_contact",), Kind.PLACES: ("from", "until")}


def text(data: QueryDict | Mapping[str, str], name: str) -> str:
    """One field as it was typed; a NUL, which no text can hold, is left out."""
    return (data.get(name) or "").replace("\0", "")


def day(data: QueryDict | Mapping[str, str], name: str) -> str:
    """A day from its three fields, as ``rules.entries`` reads it; "" when all are empty."""
    parts = [text(data, f"{name}-{part}").strip() for part in PARTS]
    return " ".join(part or "?" for part in parts) if any(parts) else ""


def answers(
    questions: Iterable[Question], data: QueryDict, today: date, specimen: date | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """The answers that can be kept, by the key of the question, and what to put right, by the name of the field.

    ``specimen`` is the day of a case's test.
    """
    given: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for question in questions:
        if question.kind is Kind.ADVICE or question.kind.listed:
            continue
        raw: object = text(data, question.key)
        if question.kind is Kind.DATE:
            raw = day(data, question.key)
        elif question.kind is Kind.CHOICES:
            raw = [each.replace("\0", "") for each in data.getlist(question.key)]
        checked = check(question, raw, today)
        if checked.problems:
            wrong[question.key] = checked.problems[0].message
        elif not_then := onset_problem(question.key, checked.value, specimen, today):
            wrong[question.key] = not_then
        else:
            given[question.key] = checked.value
    return given, wrong


def entry(
    question: Question, data: QueryDict, number: str, today: date
) -> tuple[dict[str, Any] | None, dict[str, str]]:
    """One person or place as it is kept, with its id ``number``, and what to put right, by the name of the field."""
    raw: dict[str, Any] = {name: text(data, name) for name in FIELDS[question.kind]}
    raw |= {name: day(data, name) for name in DAYS[question.kind]}
    raw["id"] = number
    if question.kind is Kind.PEOPLE:
        raw["household"] = raw["relation"] == "household"
    checked = check(question, [raw], today)
    wrong = {problem.where.partition("-")[2]: problem.message for problem in checked.problems}
    if not wrong and not checked.value:
        first = FIELDS[question.kind][0]
        wrong[first] = "Give a name, or what you call them" if question.kind is Kind.PEOPLE else "Give the place's name"
    return (None, wrong) if wrong else (checked.value[0], {})


def typed(kind: Kind, kept: Mapping[str, Any]) -> dict[str, str]:
    """An entry as the fields of its page show it."""
    shown = {name: str(kept.get(name) or "") for name in FIELDS[kind]}
    if kind is Kind.PEOPLE:
        grown = kept.get("adult")
        shown["adult"] = "" if grown is None else "yes" if grown else "no"
    for name in DAYS[kind]:
        shown |= parts(name, kept.get(name))
    return shown


def parts(name: str, iso: object) -> dict[str, str]:
    """A day in its three fields."""
    if not isinstance(iso, str) or not iso:
        return {}
    on = date.fromisoformat(iso)
    return dict(zip((f"{name}-{part}" for part in PARTS), (str(on.day), str(on.month), str(on.year)), strict=True))


def answered(question: Question, value: Any) -> dict[str, Any]:
    """An answer as the fields of its page show it."""
    if question.kind is Kind.DATE:
        return parts(question.key, value)
    if question.kind is Kind.YES_NO:
        return {question.key: {True: "yes", False: "no"}.get(value, "")}
    return {question.key: value if question.kind is Kind.CHOICES else "" if value is None else str(value)}
