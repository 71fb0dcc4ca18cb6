"""How old somebody is, and whether a parent or guardian is asked for."""

from datetime import date

from ringfence.rules.ages import age, under_18

TODAY = date(2026, 7, 1)


def test_ages_count_birthdays() -> None:
    assert (age(date(2008, 7, 2), TODAY), age(date(2008, 7, 1), TODAY), age(None, TODAY)) == (17, 18, None)


def test_the_birth_date_says_more_than_what_was_said() -> None:
    assert under_18(date(2008, 7, 2), True, TODAY) and not under_18(date(2008, 7, 1), False, TODAY)
    assert under_18(None, False, TODAY) and not under_18(None, True, TODAY) and not under_18(None, None, TODAY)
