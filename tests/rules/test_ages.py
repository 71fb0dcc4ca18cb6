"""Ages, with what is not known."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from ringfence.rules.ages import age, under_18

ON = date(2026, 11, 16)


@given(st.dates(date(1900, 1, 1), ON))
def test_years_turn_on_the_birthday(born):
    years = age(born, ON)
    assert born.replace(year=born.year + years, day=min(born.day, 28)) <= ON
    assert years == ON.year - born.year - (f"{ON:%m%d}" < f"{born:%m%d}")


def test_a_birth_date_counts_before_what_was_said():
    assert under_18(date(2008, 11, 17), True, ON)
    assert not under_18(date(2008, 11, 16), False, ON)


def test_without_a_birth_date_only_somebody_said_to_be_young_is():
    assert under_18(None, False, ON)
    assert not under_18(None, True, ON)
    assert not under_18(None, None, ON)
    assert age(None, ON) is None
