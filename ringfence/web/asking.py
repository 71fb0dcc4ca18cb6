"""The questions of an interview as fields of a form, and what was typed into them as answers.

Branching needs no script: what depends on a yes or no of the same page stands below it, and the stylesheet shows it while
that answer is chosen. A browser that cannot do that shows it always.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.http import QueryDict

from ringfence.queries.interview import Given, Sheet
from ringfence.rules.calendar import london_date
from ringfence.rules.conditions import Look, empty, looks
from ringfence.rules.entries import RELATIONS, iso_day
from ringfence.rules.exposures import Category
from ringfence.rules.policy import Exemption
from ringfence.rules.questionnaire import Asker, Kind, Question, Section, filled, shown, spoken
from ringfence.rules.settings import Kind as Sort

#: What summaries of people and places say of relations and of what was done.
WORDS: dict[str, Any] = {"relation_words": RELATIONS, "category_words": {each.value: each.words for each in Category}}

#: The rows offered when nothing was written yet, and those added beyond what was.
FIRST_ROWS = {Kind.PEOPLE: 5, Kind.PLACES: 4}
MORE_ROWS = 2
MOST_ROWS = 100

PERSON = (
    "id given_name family_name phone relation last_contact adult email birth_date postcode address place spoken_for withdrawn"
).split()
PLACE = "id name category kind postcode address from until withdrawn".split()


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of people or places as it stands in its fields. ``stored``: it is in the record.

    ``exemptions`` are those ticked for a person.
    """

    number: int
    values: Mapping[str, str]
    stored: bool
    exemptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A question as it is put, with what is in its field. ``depends``: the yes or no above it that it goes with.

    ``value`` is a text, a list of keys, or the parts of a date; ``inside`` are the fields that depend on this one.
    """

    question: Question
    name: str
    say: str
    help: str
    value: Any
    given: Given | None
    depends: str = ""
    rows: tuple[Row, ...] = ()
    inside: list[Field] = field(default_factory=list)

    @property
    def answered(self) -> bool:
        return self.given is not None and not empty(self.given.value)


def asker(sheet: Sheet) -> Asker:
    """To whom a tracer speaks: the person, or a parent or guardian."""
    guardian = sheet.facts["under_18"] or sheet.values.get("speaking_to") == "guardian"
    return Asker.GUARDIAN if guardian else Asker.TRACER


def put(sheet: Sheet, section: Section) -> list[Question]:
    """The questions of a page: those asked now, and those that an answer on the same page may yet bring up."""
    here = {question.key for question in section.questions}
    asked = set(sheet.asked(section.key))
    return [
        question
        for question in section.questions
        if question in asked
        or (
            question.asked_by != "resident"
            and question.when
            and any(each.name in here for each in looks(question.when))
        )
    ]


def fields(sheet: Sheet, section: Section, today: date, typed: QueryDict | None = None, more: str = "") -> list[Field]:
    """The fields of a section. ``typed`` is what stands in them when they are shown again, ``more`` the list that gets
    more rows."""
    found: list[Field] = []
    last: dict[str, Field] = {}
    for question in put(sheet, section):
        made = _field(sheet, question, today, typed, more == question.key)
        above = last.get(question.when.name) if isinstance(question.when, Look) and made.depends else None
        (above.inside if above else found).append(made)
        # What depends on a question stands right below it, or is shown whatever the answer.
        last = {**(last if above else {}), question.key: made}
    return found


def _field(sheet: Sheet, question: Question, today: date, typed: QueryDict | None, more: bool) -> Field:
    name = f"a-{question.key}"
    given = sheet.answers.get(question.key)
    stored = given.value if given else None
    when = question.when
    depends = when.value if isinstance(when, Look) and when.operator == "=" and when.value in ("yes", "no") else ""
    rows: tuple[Row, ...] = ()
    value: Any = None
    if question.kind.listed:
        rows = _rows(question, name, stored, typed, more)
    elif question.kind is Kind.DATE:
        value = _date_parts(name, stored, typed)
    elif question.kind is Kind.CHOICES:
        value = typed.getlist(name) if typed is not None else stored or []
    elif typed is not None:
        value = typed.get(name, "")
    else:
        value = {True: "yes", False: "no", None: ""}.get(stored, stored) if not isinstance(stored, list) else ""
    by = asker(sheet)
    say = filled(question.words(by), sheet.facts, today)
    return Field(question, name, say, filled(question.help(by), sheet.facts, today), value, given, depends, rows)


def _date_parts(name: str, stored: Any, typed: QueryDict | None) -> dict[str, str]:
    if typed is not None:
        return {f"{name}-{part}": typed.get(f"{name}-{part}", "") for part in ("day", "month", "year")}
    on = iso_day(stored) if isinstance(stored, str) else None
    return {f"{name}-day": str(on.day), f"{name}-month": str(on.month), f"{name}-year": str(on.year)} if on else {}


def _rows(question: Question, name: str, stored: Any, typed: QueryDict | None, more: bool) -> tuple[Row, ...]:
    known = {entry["id"] for entry in stored or []}
    if typed is not None:
        written = [_entry_typed(typed, name, number, question.kind) for number in range(_count(typed, name))]
    else:
        written = [_entry_stored(entry) for entry in stored or []]
    some = any(any(value for key, value in row.items() if key not in ("id", "last_contact")) for row in written)
    free = MORE_ROWS if more or (some and typed is None) else 0 if written else FIRST_ROWS[question.kind]
    written += [{"id": secrets.token_hex(5)} for _ in range(min(free, MOST_ROWS - len(written)))]
    exempt = {entry["id"]: tuple(entry.get("exemptions", ())) for entry in stored or []}
    return tuple(
        Row(
            number,
            row,
            row.get("id") in known,
            exempt.get(row["id"], ()) if typed is None else tuple(typed.getlist(f"{name}-{number}-exemptions")),
        )
        for number, row in enumerate(written)
    )


def _entry_stored(entry: Mapping[str, Any]) -> dict[str, str]:
    words = {True: "yes", False: "no", None: ""}
    found = {key: words[value] if value is None or isinstance(value, bool) else value for key, value in entry.items()}
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _entry_typed(typed: QueryDict, name: str, number: int, kind: Kind) -> dict[str, str]:
    names = PERSON if kind is Kind.PEOPLE else PLACE
    return {key: typed.get(f"{name}-{number}-{key}", "").replace("\0", "") for key in names}


def _count(typed: QueryDict, name: str) -> int:
    given = typed.get(f"{name}-count", "")
    return min(int(given), MOST_ROWS) if given.isascii() and given.isdigit() and len(given) < 4 else 0


def typed_answers(questions: Iterable[Question], typed: QueryDict, today: date) -> dict[str, object]:
    """What was typed, by question: only of those whose fields were on the page that was sent."""
    there = set(typed.getlist("asked"))
    return {
        each.key: _raw(each, typed, today) for each in questions if each.key in there and each.kind is not Kind.ADVICE
    }


def _raw(question: Question, typed: QueryDict, today: date) -> object:
    name = f"a-{question.key}"
    if question.kind.listed:
        return [
            {
                **_entry_typed(typed, name, number, question.kind),
                "exemptions": typed.getlist(f"{name}-{number}-exemptions"),
            }
            for number in range(_count(typed, name))
        ]
    if question.kind is Kind.CHOICES:
        return typed.getlist(name)
    if question.kind is Kind.DATE:
        day, month, year = (typed.get(f"{name}-{part}", "").strip() for part in ("day", "month", "year"))
        return _day(day, month, year, today)
    return typed.get(name, "").replace("\0", "")


def _day(day: str, month: str, year: str, today: date) -> str:
    """A day from its three boxes; without a year the latest such day that has been."""
    if not (day or month or year):
        return ""
    if day and month and not year:
        for each in (today.year, today.year - 1):
            found = iso_day(f"{day} {month} {each}")
            if found and found <= today:
                return found.isoformat()
    return f"{day or '?'} {month or '?'} {year or '?'}"


def days(first: date | None, today: date, also: Sequence[str] = ()) -> list[tuple[str, str]]:
    """The days from ``first`` to today for a list, latest first, and those that were chosen before."""
    start = min(first or today, today)
    found = [today - timedelta(days=back) for back in range((today - start).days + 1)]
    known = {each for text in also if (each := iso_day(text)) is not None}
    return [(on.isoformat(), spoken(on, today)) for on in [*found, *sorted(known - set(found), reverse=True)]]


@dataclass(frozen=True, slots=True)
class Told:
    """One answer in a summary: the question in a few words, the answer, and what was said before."""

    question: Question
    name: str
    answer: str
    given: Given
    earlier: tuple[tuple[Given, str], ...]
    counts: bool


def summary(sheet: Sheet, now_on: date) -> list[tuple[Section, list[Told]]]:
    """What was answered, by section; sections without an answer are left out."""
    asked = set(sheet.asked())
    found = []
    for section in sheet.questionnaire.questionnaire.sections:
        told = [
            Told(
                question,
                filled(question.name, sheet.facts, now_on),
                shown(question, given.value),
                given,
                tuple((each, shown(question, each.value)) for each in sheet.earlier.get(question.key, ())),
                question in asked or question.asked_by == "resident",
            )
            for question in section.questions
            if (given := sheet.answers.get(question.key)) is not None
        ]
        if told:
            found.append((section, told))
    return found


def words_of_fields(now: Any, sheet: Sheet) -> dict[str, Any]:
    """What the fields for people and places offer to choose from."""
    today = london_date(now)
    windows = sheet.windows
    people = sheet.values.get("contacts") or []
    places = sheet.values.get("places") or []
    return {
        **WORDS,
        "relations": [("", "Choose"), *RELATIONS.items()],
        "categories": [("", "Choose"), *((each.value, each.words) for each in Category)],
        "sorts": [("", "As usual for that"), *((each.value, each.words) for each in Sort)],
        "exemptions": [(each.value, each.words) for each in Exemption if each is not Exemption.UNDER_18_AND_A_HALF],
        "grown": [("", "Not known"), ("yes", "18 or over"), ("no", "Under 18")],
        "met": [
            ("", "Choose, unless they live together"),
            *days(windows.infectious.first if windows else None, today, [each["last_contact"] for each in people]),
        ],
        "visited": [
            ("", "Choose"),
            *days(
                windows.backward.first if windows else None,
                today,
                [day for each in places for day in (each["from"], each["until"])],
            ),
        ],
        "named_places": [("", "No"), *((each["id"], each["name"] or each["postcode"]) for each in places)],
    }
