"""The first day of symptoms that an interview counts from."""

from datetime import date, timedelta

import pytest

from ringfence.rules.interview import days, onset_problem
from ringfence.rules.policy import EXERCISE

TEST, TODAY = date(2026, 11, 20), date(2026, 11, 23)


@pytest.mark.parametrize(
    ("onset", "specimen", "fine"),
    [
        (TEST, TEST, True),
        (TEST - timedelta(days=31), TEST, True),
        (TEST - timedelta(days=32), TEST, False),
        (TEST.replace(year=2025), TEST, False),
        (TODAY - timedelta(days=31), None, True),
        (TODAY - timedelta(days=32), None, False),
    ],
)
def test_what_began_long_before_the_test_is_asked_again(onset, specimen, fine):
    said = onset_problem("onset_date", onset.isoformat(), specimen, TODAY)
    assert (said == "") is fine
    if not fine:
        of = "the test of 20 November 2026" if specimen else "today"
        assert said == f"This is more than a month from {of}. Check the day and the year"


@pytest.mark.parametrize("value", [None, ""])
def test_no_day_is_no_problem_and_other_questions_have_none(value):
    assert onset_problem("onset_date", value, TEST, TODAY) == ""
    assert onset_problem("last_contact", "1990-01-01", TEST, TODAY) == ""


def test_a_day_that_was_kept_all_the_same_is_not_counted_from():
    recorded = TEST - timedelta(days=2)
    said = {"has_symptoms": True, "onset_date": "2025-11-20"}
    found = days(said, TEST, recorded, (EXERCISE,), TODAY)
    assert found.isolation.day_0 == recorded
    assert days({**said, "onset_date": "2026-11-19"}, TEST, recorded, (EXERCISE,), TODAY).isolation.day_0 == date(
        2026, 11, 19
    )
