"""Questionnaires: what is asked, what an answer is, and that data, text and value are one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ringfence.casework
from ringfence.rules import scripts
from ringfence.rules.conditions import Condition, ConditionError, Either, Every, Look, Not, holds, parse
from ringfence.rules.entries import RELATIONS, merged
from ringfence.rules.questionnaire import (
    RESERVED,
    Asker,
    Kind,
    Questionnaire,
    check,
    counting,
    filled,
    may_disclose,
    missing,
    onset,
    progress,
    shown,
    unnamed,
    visible,
)
from ringfence.rules.scripts import QuestionnaireError, body, from_text, read, to_text

TODAY = date(2026, 11, 23)
DATA = Path(ringfence.casework.__file__).parent / "data"
PACKAGED = {path.stem: from_text(path.read_text()) for path in sorted(DATA.glob("*.txt"))}
CASE = PACKAGED["case"]

SMALL = """
title: Small
section one: One
question well: yes_no
text: Are you well?
plain: Well?
for_done: yes
question since: date
when: well = no
text: Since when?
plain: Since when?
for_done: yes
section two: Two
question home: number
text: How many at home?
plain: How many?
optional: yes
question big: advice
when: home > 4
text: A big home, {given_name}.
plain: Big.
question alone: text
asked_by: tracer
when: not (home answered) or since answered
text: Who calls on you?
"""


def keys(questions: object) -> list[str]:
    return [each.key for each in questions]  # type: ignore[attr-defined]


# Conditions

names = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True).filter(
    lambda name: name not in {"and", "or", "not", "includes", "answered"}
)
looks = st.one_of(
    st.builds(Look, names, st.sampled_from(["=", "!=", "includes"]), names),
    st.builds(Look, names, st.sampled_from(["<", ">"]), st.integers(-99, 99).map(str)),
    st.builds(Look, names, st.just("answered")),
)


def _joined(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    many = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, parts), st.builds(Every, many), st.builds(Either, many))


conditions = st.recursive(looks, _joined, max_leaves=8)
answers = st.dictionaries(
    names, st.one_of(st.none(), st.booleans(), st.integers(-9, 9), names, st.lists(names, max_size=3)), max_size=5
)


@given(conditions)
def test_a_condition_reads_as_it_is_written(condition: Condition) -> None:
    assert parse(str(condition)) == condition


@given(conditions, answers)
def test_not_turns_a_condition_round(condition: Condition, values: dict[str, object]) -> None:
    assert holds(Not(condition), values) is not holds(condition, values)


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("a = yes", {"a": True}, True),
        ("a = no", {}, False),
        ("a != yes", {}, True),
        ("a = b and c = d or e answered", {"e": 0}, True),
        ("a = b and (c = d or e answered)", {"e": 0}, False),
        ("a includes b", {"a": ["b", "c"]}, True),
        ("a includes b", {"a": "b"}, False),
        ("a > 2", {"a": 3}, True),
        ("a < 2", {"a": True}, False),
        ("not a answered", {"a": []}, True),
    ],
)
def test_what_a_condition_says(text: str, values: dict[str, object], expected: bool) -> None:
    assert holds(parse(text), values) is expected


@pytest.mark.parametrize(
    "text", ["", "a", "a =", "= yes", "a > many", "a = yes b", "(a = yes", "a = yes or", "a ~ b", "not " * 30 + "a = b"]
)
def test_a_condition_that_cannot_be_read_says_why(text: str) -> None:
    with pytest.raises(ConditionError) as problem:
        parse(text)
    assert len(str(problem.value)) > 20


# Asking


def test_what_an_earlier_answer_decides() -> None:
    small = from_text(SMALL)
    assert keys(visible(small, {})) == ["well", "home", "alone"]
    assert keys(visible(small, {"well": False, "home": 5})) == ["well", "since", "home", "big"]
    assert keys(visible(small, {"well": False, "home": 5}, section="two")) == ["home", "big"]
    assert keys(visible(small, {}, asker=Asker.RESIDENT)) == ["well", "home"]


def test_an_answer_to_what_is_no_longer_asked_counts_as_none() -> None:
    small = from_text(SMALL)
    told = {"well": True, "since": "2026-11-20", "home": 2}
    assert keys(visible(small, told)) == ["well", "home"]
    assert counting(small, told) == {"well": True, "home": 2}


def test_how_far_it_is_and_what_is_missing() -> None:
    small = from_text(SMALL)
    assert [tuple(each) for each in progress(small, {})] == [("one", 0, 1), ("two", 0, 1)]
    told = {"well": False, "home": 1}
    assert [tuple(each) for each in progress(small, told)] == [("one", 1, 2), ("two", 0, 0)]
    assert keys(missing(small, told)) == ["since"]
    assert missing(small, {**told, "since": "2026-11-20"}) == ()


def test_who_was_said_to_be_there_and_is_not_named() -> None:
    assert unnamed(CASE, {}) == ()
    said = {"any_contacts": True, "any_places": False}
    assert keys(unnamed(CASE, said)) == ["contacts"] and "contacts" not in keys(missing(CASE, said))
    assert unnamed(CASE, {**said, "contacts": [{"given_name": "Bo"}]}) == ()


told_of_a_case = st.dictionaries(
    st.sampled_from([question.key for question in CASE.questions]),
    st.sampled_from([None, True, False, "self", "guardian", "2026-11-20", ["cough"]]),
    max_size=8,
)


@given(told_of_a_case)
def test_everything_asked_of_a_case_is_asked_in_order(told: dict[str, object]) -> None:
    asked = keys(visible(CASE, told))
    assert asked == [key for key in keys(CASE.questions) if key in asked]
    assert set(keys(missing(CASE, told))) <= set(asked)
    assert all(0 <= each.answered <= each.of for each in progress(CASE, told))


def test_nothing_is_disclosed_before_the_identity_check() -> None:
    assert not may_disclose({}, {})
    assert not may_disclose({"identity_confirmed": False}, {})
    assert may_disclose({"identity_confirmed": True}, {})
    child = {"under_18": True}
    assert not may_disclose({"identity_confirmed": True, "speaking_to": "self"}, child)
    assert not may_disclose({"identity_confirmed": False, "speaking_to": "guardian"}, child)
    assert may_disclose({"identity_confirmed": True, "speaking_to": "guardian"}, child)
    for name, questionnaire in PACKAGED.items():
        first, *rest = questionnaire.sections
        assert not first.discloses, name
        assert "identity_confirmed" in keys(first.questions), name
        assert all(section.discloses for section in rest), name


def test_the_first_day_of_symptoms() -> None:
    recorded = date(2026, 11, 18)
    assert onset({}, recorded) == recorded
    assert onset({"has_symptoms": True}, None) is None
    assert onset({"has_symptoms": True, "onset_date": "2026-11-17"}, recorded) == date(2026, 11, 17)
    assert onset({"has_symptoms": False, "onset_date": "2026-11-17"}, recorded) is None


# Answers


def raw_of(question: object) -> st.SearchStrategy[object]:
    """What a browser may send for a question, and what it may not."""
    keys_ = [choice.key for choice in question.choices]  # type: ignore[attr-defined]
    some = (
        st.sampled_from(keys_)
        if keys_
        else st.sampled_from(["yes", "no", "7", "2026-11-20", "23/11/2026", "40 1 2020"])
    )
    entry = st.dictionaries(
        st.sampled_from(
            "id given_name family_name phone email relation household last_contact birth_date adult name from until "
            "category postcode spoken_for withdrawn exemptions".split()
        ),
        st.one_of(
            st.sampled_from(
                ["", "abcd1", "Ann", "07700900123", "a@b.example", *RELATIONS, "2026-11-20", "yes", "LE1 5AA", "work"]
            ),
            st.booleans(),
            st.lists(st.sampled_from(["vaccinated", "x"]), max_size=2),
        ),
    )
    return st.one_of(st.none(), st.text(max_size=20), some, st.lists(some, max_size=3), st.lists(entry, max_size=3))


@given(st.data())
def test_what_is_kept_is_checked_again_as_it_is(data: st.DataObject) -> None:
    question = data.draw(st.sampled_from(list(CASE.questions)))
    once = check(question, data.draw(raw_of(question)), TODAY)
    json.dumps(once.value)
    assert check(question, once.value, TODAY) == (once.value, ())


@pytest.mark.parametrize(
    ("key", "raw", "value"),
    [
        ("has_symptoms", "yes", True),
        ("has_symptoms", False, False),
        ("onset_date", " 20/11/2026 ", "2026-11-20"),
        ("onset_date", "2026-11-20", "2026-11-20"),
        ("symptoms", ["fever", "cough"], ["cough", "fever"]),
        ("symptoms", [], None),
        ("language", "  Punjabi \n", "Punjabi"),
        ("support_note", "Rings twice.\r\n\r\nDog.", "Rings twice.\n\nDog."),
        ("speaking_to", "self", "self"),
        ("stay_home", "anything", None),
    ],
)
def test_answers_as_they_are_kept(key: str, raw: object, value: object) -> None:
    question = CASE.get(key)
    assert question is not None
    assert check(question, raw, TODAY) == (value, ())


@pytest.mark.parametrize(
    ("key", "raw"),
    [
        ("has_symptoms", "perhaps"),
        ("onset_date", "31 2 2026"),
        ("onset_date", "2026-11-24"),
        ("symptoms", ["cough", "wings"]),
        ("speaking_to", "neighbour"),
        ("language", "x" * 201),
        ("contacts", "Ann"),
        ("contacts", [{}] * 101),
    ],
)
def test_what_cannot_be_an_answer_says_what_to_do(key: str, raw: object) -> None:
    question = CASE.get(key)
    assert question is not None
    found = check(question, raw, TODAY)
    assert found.value is None
    assert len(found.problems[0].message) > 10


ANN = {"id": "abcd1", "given_name": "Ann", "family_name": "Example", "relation": "household", "phone": "07700 900123"}


def test_people_as_they_are_kept() -> None:
    question = CASE.get("contacts")
    assert question is not None
    found = check(question, [{**ANN, "birth_date": "1 2 2020"}, {"id": "abcd2", "relation": "work"}], TODAY)
    assert found.problems == ()
    assert found.value == [
        {
            "id": "abcd1",
            "given_name": "Ann",
            "family_name": "Example",
            "birth_date": "2020-02-01",
            "adult": None,
            "phone": "07700900123",
            "email": "",
            "household": True,
            "relation": "household",
            "last_contact": "2026-11-23",
            "postcode": "",
            "address": "",
            "place": "",
            "spoken_for": False,
            "exemptions": [],
            "withdrawn": "",
        }
    ]


def test_a_row_that_is_wrong_says_which_field_and_the_others_are_kept() -> None:
    question = CASE.get("contacts")
    assert question is not None
    wrong = {**ANN, "id": "abcd2", "phone": "ring me", "last_contact": "2027-01-01", "relation": ""}
    found = check(question, [ANN, {}, wrong], TODAY)
    assert [each["id"] for each in found.value] == ["abcd1"]
    assert [problem.where for problem in found.problems] == ["2-relation", "2-last_contact", "2-phone"]


def test_the_day_of_last_contact_is_asked_of_all_but_the_household() -> None:
    question = CASE.get("contacts")
    assert question is not None
    home, work = (
        {"id": f"abcd{n}", "given_name": "Ann", "relation": each} for n, each in enumerate(("household", "work"))
    )
    found = check(question, [home, work], TODAY)
    assert [each["last_contact"] for each in found.value] == [TODAY.isoformat()]
    assert [problem.where for problem in found.problems] == ["1-last_contact"]
    taken_back = check(question, [work | {"withdrawn": "Named by mistake"}], TODAY)
    assert taken_back.problems == ()


def test_places_as_they_are_kept() -> None:
    question = CASE.get("places")
    assert question is not None
    raw = {"id": "p-01", "name": "The Bull", "category": "eating_out", "postcode": "le15aa", "until": "20 11 2026"}
    found = check(question, [raw], TODAY)
    assert found.problems == ()
    assert found.value == [
        {
            "id": "p-01",
            "name": "The Bull",
            "kind": "hospitality",
            "category": "eating_out",
            "postcode": "LE1 5AA",
            "address": "",
            "from": "2026-11-20",
            "until": "2026-11-20",
            "withdrawn": "",
        }
    ]
    backwards = check(question, [{**raw, "from": "21 11 2026"}], TODAY)
    assert [problem.where for problem in backwards.problems] == ["0-until"]


entry_lists = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("xyz"), max_size=6).map(
    lambda found: [{"id": id_, "name": name} for id_, name in found.items()]
)


@given(entry_lists, entry_lists)
def test_an_entry_is_never_dropped(before: list[dict[str, str]], after: list[dict[str, str]]) -> None:
    found = merged(before, after)
    assert {each["id"] for each in found} == {each["id"] for each in [*before, *after]}
    assert len(found) == len({each["id"] for each in found})
    assert all(each in found for each in after)
    assert all(each in found or each["id"] in {new["id"] for new in after} for each in before)


def test_words() -> None:
    assert filled("Tested on {tested}, since {tested}", {"tested": date(2026, 11, 22)}, TODAY) == (
        "Tested on Sunday 22 November, since yesterday, Sunday 22 November"
    )
    assert filled(
        "{given_name}, until {isolate_until}, {onset}.",
        {"given_name": "Ann", "isolate_until": date(2026, 12, 1)},
        TODAY,
    ) == ("Ann, until Tuesday 1 December, (not known).")
    symptoms, people = CASE.get("symptoms"), CASE.get("contacts")
    assert symptoms is not None
    assert people is not None
    assert shown(symptoms, ["fever"], Asker.RESIDENT) == "Feeling hot or shivery"
    assert shown(people, [{**ANN, "withdrawn": ""}, {**ANN, "withdrawn": "Twice"}]) == "Ann Example"
    assert shown(symptoms, None) == ""


# Data and text


def tried(do: Callable[[], Questionnaire]) -> Questionnaire | None:
    """What it gives; None when it gives a reason instead, and never nothing at all."""
    try:
        return do()
    except QuestionnaireError as problem:
        return None if problem.problems else do()


@pytest.mark.parametrize("name", sorted(PACKAGED))
def test_value_data_and_text_are_one(name: str) -> None:
    value = PACKAGED[name]
    assert read(json.loads(json.dumps(body(value)))) == value
    assert from_text(to_text(value)) == value


def test_the_service_finds_what_it_acts_on() -> None:
    assert set(PACKAGED) == {"case", "contact", "followup"}
    assert set(RESERVED) - set(keys(CASE.questions)) == {"birth_date", "exemptions"}
    for name, value in PACKAGED.items():
        asked = set(keys(value.questions))
        assert {"identity_confirmed", "speaking_to", "has_symptoms", "onset_date", "support"} <= asked, name
        for question in value.questions:
            assert not (question.for_done and question.kind is Kind.ADVICE), (name, question.key)


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("title: Small\n", "", "The questionnaire: title is missing."),
        ("kind", "kind", "Line 1:"),
        (
            "well = no",
            "ill = no",
            "Line 8: Section 'one', question 'since': when asks for 'ill', which is no earlier question",
        ),
        ("well = no", "well = perhaps", "Line 8: Section 'one', question 'since': well is never 'perhaps'"),
        ("question home: number", "question home: many", "Line 14: Section 'two', question 'home': kind is 'many'"),
        ("question home: number", "question well: number", "question 'well' is there twice"),
        ("question home: number", "question onset_date: number", "kind must be date"),
        ("question home: number", "question onset: number", "has the name of a fact"),
        ("question home: number", "question home: choice", "write the choices"),
        ("question home: number", "question home: people", "must be the question 'contacts'"),
        ("{given_name}", "{shoe_size}", "text has {shoe_size}; there are: name,"),
        ("{given_name}", "{given_name", "a brace that is not closed"),
        ("for_done: yes", "for_done: perhaps", "Line 7: for_done is 'perhaps'; write yes or no."),
        ("plain: Well?", "colour: red", "Line 6: 'colour' is not known here"),
        ("plain: Well?", "Well?", "Line 6: 'Well?' cannot be read"),
        ("asked_by: tracer", "asked_by: nobody", "write both, tracer or resident"),
        ("plain: Well?\n", "", "plain is missing; write what a resident reads"),
        ("section two: Two", "section one: Two", "Section 'one' is there twice"),
        ("section one: One\n", "", "begin with a section"),
    ],
)
def test_what_is_wrong_in_a_text_is_said_with_its_place(before: str, after: str, problem: str) -> None:
    text = SMALL.replace(before, after) if before != "kind" else "question a: text"
    with pytest.raises(QuestionnaireError) as found:
        from_text(text)
    assert problem in "\n".join(found.value.problems)


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from("title sections key questions kind text plain choices when".split()), inner, max_size=4
            )
        ),
        max_leaves=12,
    )
)
def test_data_of_any_shape_give_a_questionnaire_or_reasons(data: object) -> None:
    value = tried(lambda: read(data))
    assert value is None or read(body(value)) == value


@given(
    st.lists(st.sampled_from([*SMALL.splitlines(), "  goes on", "choice a: b | c", "section x: y", "?"]), max_size=12)
)
def test_lines_in_any_order_give_a_questionnaire_or_reasons(lines: list[str]) -> None:
    value = tried(lambda: from_text("\n".join(lines)))
    assert value is None or from_text(to_text(value)) == value


def test_the_module_of_texts_documents_a_text_that_it_reads() -> None:
    assert scripts.__doc__ is not None
    example = scripts.__doc__.split("writes:\n")[1].split("\nA line begins")[0]
    text = "\n".join(line.removeprefix("    ") for line in example.splitlines())
    assert keys(from_text(text).questions) == ["has_symptoms", "symptoms"]
