"""What is pointed out about a delivery; references."""

from datetime import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringfence.base.references import ALPHABET, SIZE, reference, tidy
from ringfence.rules.deliveries import Balance, warnings


def said(rows=100, expected=None, filename="list.csv", earlier=(), headers=(), spoilt=(0, 0)):
    return warnings(
        rows=rows,
        expected_rows=expected,
        filename=filename,
        earlier=earlier,
        unknown_headers=headers,
        spoilt_phones=spoilt,
    )


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
        ({"spoilt": (3, 30)}, "telephone number of 10% of the positive results"),
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
        {"spoilt": (2, 30)},
    ],
)
def test_nothing_to_point_out(facts):
    assert said(**facts) == []


MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2039, 12, 31))


@given(
    st.lists(MOMENTS, min_size=2, max_size=2, unique=True),
    st.sampled_from(["%Y%m%d", "%Y-%m-%d", "%d%m%Y", "%d.%m.%Y", "%m%d%Y"]),
    st.sampled_from(["", "-%H%M", "_%H%M%S", "T%H:%M", " %H.%M.%S", "%H%M", "_%H-%M", "-%H%M%S_%f"]),
)
@example([datetime(2026, 11, 22, 1, 58), datetime(2026, 11, 22, 17, 58)], "%Y%m%d", "-%H%M")
@example([datetime(2026, 11, 22, 1, 58), datetime(2026, 11, 22, 17, 58)], "%y%m%d", "-%H%M")
def test_a_date_and_a_time_are_no_running_number(moments, day, time):
    one, other = (f"lab-south-{moment.strftime(day + time)}.csv" for moment in sorted(moments))
    assert said(filename=other, earlier=[(one, 100)]) == []


@given(
    st.integers(1, 900),
    st.integers(2, 90),
    st.sampled_from(["lab_{:03}.csv", "lab{}.csv.gz", "lab_{:08}.csv", "{:04}.csv"]),
)
@example(5, 4, "lab-20261122-{:03}.csv")
@example(5, 4, "lab-2026-11-22_1758_{:05}.csv")
def test_a_gap_in_running_numbers_is_found(last, step, form):
    (sentence,) = said(filename=form.format(last + step), earlier=[(form.format(last), 100)])
    assert f"jumps from {last} to {last + step}: {step - 1} file" in sentence


def test_a_running_number_goes_on_from_day_to_day():
    (sentence,) = said(filename="lab-20261123-0610-124.csv", earlier=[("lab-20261122-1758-121.csv", 100)])
    assert "2 files of this source" in sentence


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
