"""What is kept is read back as it was let through, and whatever else is kept there is no answer, and no fault."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.actions.questionnaires import packaged
from ringfence.rules import contacts
from ringfence.rules.answers import RESERVED_QUESTIONS, kept
from ringfence.rules.entries import MOST
from ringfence.rules.questionnaire import Asker, check, missing, shown, visible

TODAY = date(2026, 11, 23)
CASE = packaged("case")
ANN = {"id": "ann1", "given_name": "Ann", "relation": "work", "last_contact": "2026-11-20"}

words = st.sampled_from(["", "Ann", "2026-11-20", "yes", "household", "é\n"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.fixed_dictionaries({}, optional=dict.fromkeys([*ANN, "from", "exemptions", "name"], inner))
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([each.key for each in CASE.questions]), json_values, max_size=6))
def test_whatever_is_kept_reads_as_what_the_form_lets_through(said: dict[str, Any]) -> None:
    answers = {key: kept(CASE.get(key), json.dumps(value), TODAY) for key, value in said.items()}
    for key, value in answers.items():
        question = CASE.get(key)
        assert question is not None
        assert check(question, value, TODAY) == (value, ())
        shown(question, value)
    for asker in Asker:
        visible(CASE, answers, {}, asker)
        missing(CASE, answers, {}, asker)
    for entry in answers.get("contacts") or ():
        contacts.read(entry)


@pytest.mark.parametrize("text", ["[" * 5000 + "]" * 5000, "1" + "0" * 5000, None, "", "null"])
@pytest.mark.parametrize("key", sorted(RESERVED_QUESTIONS))
def test_what_cannot_be_read_at_all_is_no_answer(key: str, text: str | None) -> None:
    assert kept(RESERVED_QUESTIONS[key], text, TODAY) is None


def test_a_question_that_is_not_asked_has_no_answer() -> None:
    assert kept(CASE.get("nothing"), '"x"', TODAY) is None


def test_one_wrong_entry_takes_no_other_with_it() -> None:
    many = [{**ANN, "id": f"ann-{number}"} for number in range(MOST + 1)]
    found = kept(RESERVED_QUESTIONS["contacts"], json.dumps([7, *many, {**ANN, "last_contact": "soon"}]), TODAY)
    assert [each["id"] for each in found] == [each["id"] for each in many]
