"""What is pointed out about a delivery; references."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.base.references import ALPHABET, SIZE, reference, tidy
from ringfence.rules.deliveries import Balance, warnings


def said(rows=100, expected=None, filename="list.csv", earlier=(), headers=()):
    return warnings(rows=rows, expected_rows=expected, filename=filename, earlier=earlier, unknown_headers=headers)


@given(st.tuples(*[st.integers(0, 9)] * 4))
def test_a_balance_holds_when_every_row_is_somewhere(counts):
    assert Balance(*counts).holds == (counts[0] == sum(counts[1:]))


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"rows": 65_535}, "where a spreadsheet program ends"),
        ({"rows": 65_536}, "where a spreadsheet program ends"),
        ({"rows": 1_048_575}, "where a spreadsheet program ends"),
        ({"expected": 120}, "Rows are missing"),
        ({"expected": 80}, "Ask the sender which count is right"),
        (
            {"headers": ["A", " ", *"CDEFGHIJKLMNOP"]},
            "'A', one without a name, 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L' and 4 more",
        ),
        ({"rows": 0}, "a header and no rows"),
        ({"headers": ["Ward"]}, "not read: 'Ward'."),
        (
            {"filename": "lab_0007.csv", "earlier": [("lab_0005.csv", 100), ("lab_0004.csv", 100)]},
            "1 file of this source",
        ),
        ({"filename": "lab_0009.csv.gz", "earlier": [("lab_0005.csv", 100)]}, "3 files of this source"),
        ({"rows": 10, "earlier": [("a", 100), ("b", 90), ("c", 110)]}, "10 rows is unusual"),
        ({"rows": 1000, "earlier": [("a", 100), ("b", 90), ("c", 110)]}, "1,000 rows is unusual"),
    ],
)
def test_pointed_out(facts, word):
    (sentence,) = said(**facts)
    assert word in sentence


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"rows": 65_537},
        {"expected": 100},
        {"filename": "lab_0006.csv", "earlier": [("lab_0005.csv", 100)]},
        {"filename": "lab_0002.csv", "earlier": [("lab_0005.csv", 100)]},
        {"filename": "20261116.csv", "earlier": [("20261101.csv", 100)]},
        {"filename": "other_0009.csv", "earlier": [("lab_0005.csv", 100)]},
        {"rows": 10, "earlier": [("a", 100), ("b", 90)]},
    ],
)
def test_nothing_to_point_out(facts):
    assert said(**facts) == []


@given(st.integers(1, 3 * SIZE), st.integers(1, 3 * SIZE))
def test_two_numbers_never_share_a_reference(one, other):
    assert (reference(one) == reference(other)) == (one == other)


@given(st.integers(1, SIZE - 1))
def test_a_reference_is_short_and_easy_to_read_aloud(number):
    text = reference(number)
    assert len(text) == 7 and text[3] == "-" and set(text) - {"-"} <= set(ALPHABET)
    assert tidy(text.lower().replace("-", " ")) == text


def test_every_reference_of_the_first_turn_is_used_once():
    """The walk's step has no factor in common with the number of references."""
    from math import gcd

    from ringfence.base import references

    assert gcd(references._STEP, SIZE) == 1
    assert len({reference(number) for number in range(1, 50_001)}) == 50_000


@pytest.mark.parametrize("number", [0, -1])
def test_there_is_no_reference_of_nothing(number):
    with pytest.raises(ValueError, match="begin at 1"):
        reference(number)
