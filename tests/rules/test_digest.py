"""What the morning's e-mail says, and to whom it goes."""

from __future__ import annotations

from datetime import date

import pytest

from ringfence.rules.digest import Found, Morning, said, sentence, wanted

DAYS = date(2026, 11, 3), date(2026, 11, 8)


@pytest.mark.parametrize(
    ("roles", "choice", "gets"),
    [
        (["director"], None, True),
        (["analyst"], None, False),
        (["analyst"], True, True),
        (["director"], False, False),
        (["analyst", "director"], None, True),
        (["governance"], True, False),
    ],
)
def test_directors_get_it_unless_they_say_no_and_analysts_when_they_say_yes(
    roles: list[str], choice: bool | None, gets: bool
) -> None:
    assert wanted(roles, choice) is gets


def test_a_few_people_are_said_to_be_few() -> None:
    assert sentence(Found("exposure", 6, 5, *DAYS, True)) == (
        "3 to 8 November: 6 cases from 5 households named one place (new)."
    )
    assert (
        sentence(Found("coincidence", 4, 3, *DAYS, False))
        == "3 to 8 November: fewer than 5 cases live at one postcode."
    )
    assert sentence(Found("exceedance", 12, None, *DAYS, True)) == (
        "3 to 8 November: the cases are more than expected in the area as a whole (new)."
    )


def test_the_morning_in_sentences() -> None:
    found = [Found("scan", 9, None, *DAYS, number == 0) for number in range(7)]
    told = said(Morning(found, 1200, 3, 1, 2))
    assert told["cases"] == "1,200 cases in the last seven complete days, fewer than 5 cases in the seven before."
    assert told["found"].splitlines()[0] == "7 clusters stand on your list, 1 of them new since yesterday."
    assert told["found"].splitlines()[-1] == "- and 2 more on the page."
    assert told["actions"] == "1 incident is open; 2 actions are due today or overdue."
    quiet = said(Morning([], 0, 0, 0, 0))
    assert quiet["found"] == "No cluster stands on your list." and quiet["cases"].startswith("no case in")
