"""The manual of isolation: England's dated rules, in tables. "as at" is the day on which somebody looks."""

import pytest

from ringfence.rules.isolation import backward_window, exemptions, for_case, for_contact, infectious_window
from ringfence.rules.policy import ENGLAND, EXERCISE, Exemption, in_force
from tests.spec.tables import day, table

CASE = """
onset      | specimen   | as at      | from       | until      | why
-----------+------------+------------+------------+------------+--------------------------------------------------
2020-06-01 | 2020-06-03 | 2020-06-03 | 2020-06-01 | 2020-06-08 | 7 days from onset
-          | 2020-06-03 | 2020-06-03 | 2020-06-03 | 2020-06-10 | 7 days from the specimen
2020-05-25 | 2020-05-28 | 2020-05-28 | 2020-05-25 | 2020-06-01 | onset before the first policy
-          | 2020-07-29 | 2020-08-02 | 2020-07-29 | 2020-08-05 | the change of 30 July left running ones alone
-          | 2020-07-30 | 2020-07-30 | 2020-07-30 | 2020-08-09 | 10 days
-          | 2021-08-20 | 2021-08-20 | 2021-08-20 | 2021-08-30 | 10 days
-          | 2022-02-20 | 2022-02-23 | 2022-02-20 | 2022-03-02 | the end of the duty is not known yet
-          | 2022-02-20 | 2022-02-24 | 2022-02-20 | 2022-02-23 | the duty ended
-          | 2022-02-14 | 2022-02-24 | 2022-02-14 | 2022-02-23 | the duty ended on what was the last day
-          | 2022-02-24 | 2022-02-24 | -          | -          | no duty
2022-02-26 | 2022-02-23 | 2022-02-24 | -          | -          | the duty ended before symptoms began
"""

EARLY = """
specimen   | as at      | condition
-----------+------------+--------------------------------------------------------------------------------------------
2021-12-10 | 2021-12-10 | -
2021-12-15 | 2021-12-21 | -
2021-12-15 | 2021-12-22 | May leave isolation on day 7 with negative lateral-flow tests on days 6 and 7, at least 24 hours apart.
2021-12-10 | 2021-12-22 | -
2022-01-12 | 2022-01-16 | May leave isolation on day 7 with negative lateral-flow tests on days 6 and 7, at least 24 hours apart.
2022-01-12 | 2022-01-17 | May leave isolation on day 6 with negative lateral-flow tests on days 5 and 6, at least 24 hours apart and no fever.
"""

CONTACT = """
last contact | household  | identified | as at      | exempt              | from       | until      | why
-------------+------------+------------+------------+---------------------+------------+------------+------------------------------
2020-06-01   | -          | 2020-06-03 | 2020-06-03 | -                   | 2020-06-01 | 2020-06-15 | 14 days from last contact
2020-06-03   | 2020-06-01 | 2020-06-03 | 2020-06-03 | -                   | 2020-06-01 | 2020-06-15 | household: from the case's day 0
2020-12-10   | -          | 2020-12-11 | 2020-12-13 | -                   | 2020-12-10 | 2020-12-24 | 14 days, the change not known yet
2020-12-10   | -          | 2020-12-11 | 2020-12-14 | -                   | 2020-12-10 | 2020-12-20 | running: 10 days
2020-12-01   | -          | 2020-12-02 | 2020-12-14 | -                   | 2020-12-01 | 2020-12-13 | day 12 had begun: not ended backwards
2020-11-20   | -          | 2020-11-21 | 2020-12-14 | -                   | 2020-11-20 | 2020-12-04 | over before the change
2020-12-14   | -          | 2020-12-14 | 2020-12-14 | -                   | 2020-12-14 | 2020-12-24 | 10 days
2021-08-12   | -          | 2021-08-13 | 2021-08-15 | vaccinated          | 2021-08-12 | 2021-08-22 | no exemptions yet
2021-08-12   | -          | 2021-08-13 | 2021-08-16 | vaccinated          | 2021-08-12 | 2021-08-15 | running ones ended
2021-08-12   | -          | 2021-08-13 | 2021-08-16 | -                   | 2021-08-12 | 2021-08-22 | not exempt
2021-08-16   | -          | 2021-08-16 | 2021-08-16 | vaccinated          | -          | -          | exempt
2021-08-16   | -          | 2021-08-16 | 2021-08-16 | under_18_and_a_half | -          | -          | exempt
2021-08-16   | -          | 2021-08-16 | 2021-08-16 | in_trial            | -          | -          | exempt
2021-08-16   | -          | 2021-08-16 | 2021-08-16 | medical             | -          | -          | exempt
2021-08-16   | -          | 2021-08-16 | 2021-08-16 | -                   | 2021-08-16 | 2021-08-26 | 10 days
2022-02-24   | -          | 2022-02-24 | 2022-02-24 | -                   | -          | -          | no duty
"""

EXEMPT = """
last contact | born       | exemptions
-------------+------------+--------------------
2021-08-30   | 1980-01-01 | -
2021-08-30   | -          | -
2021-08-30   | 2003-03-01 | under_18_and_a_half
2021-08-30   | 2003-02-28 | -
2021-08-29   | 2003-02-28 | -
2021-08-27   | 2003-02-28 | under_18_and_a_half
2021-02-28   | 2002-08-31 | under_18_and_a_half
2021-03-01   | 2002-08-31 | -
"""


@pytest.mark.parametrize("row", table(CASE), ids=lambda row: row["why"])
def test_case(row):
    answer = for_case(day(row["specimen"]), day(row["onset"]), ENGLAND, day(row["as at"]))
    assert (answer.from_date, answer.until_date) == (day(row["from"]), day(row["until"]))


@pytest.mark.parametrize("row", table(EARLY), ids=lambda row: f"{row['specimen']} at {row['as at']}")
def test_early_release(row):
    answer = for_case(day(row["specimen"]), None, ENGLAND, day(row["as at"]))
    assert (" ".join(answer.conditions) or "-") == row["condition"]


@pytest.mark.parametrize("row", table(CONTACT), ids=lambda row: f"{row['why']}, {row['exempt']}")
def test_contact(row):
    answer = for_contact(
        day(row["last contact"]),
        day(row["identified"]),
        ENGLAND,
        day(row["as at"]),
        household_day_0=day(row["household"]),
        exemptions=[] if row["exempt"] == "-" else [Exemption(row["exempt"])],
    )
    assert (answer.from_date, answer.until_date) == (day(row["from"]), day(row["until"]))


@pytest.mark.parametrize("row", table(EXEMPT), ids=lambda row: " ".join(row.values()))
def test_exemptions(row):
    found = exemptions(day(row["last contact"]), day(row["born"]))
    assert (" ".join(sorted(found)) or "-") == row["exemptions"]


WINDOWS = """
onset      | specimen   | infectious               | backward
-----------+------------+--------------------------+-------------------------
2020-08-10 | 2020-08-12 | 2020-08-08 to 2020-08-20 | 2020-08-03 to 2020-08-07
-          | 2020-08-12 | 2020-08-10 to 2020-08-22 | 2020-08-05 to 2020-08-09
"""


@pytest.mark.parametrize("row", table(WINDOWS), ids=lambda row: row["onset"])
def test_windows(row):
    specimen = day(row["specimen"])
    policy = in_force(ENGLAND, specimen)
    isolation = for_case(specimen, day(row["onset"]), ENGLAND, specimen)
    infectious = infectious_window(isolation, policy)
    backward = backward_window(isolation.day_0, policy)
    assert f"{infectious.first} to {infectious.last}" == row["infectious"]
    assert f"{backward.first} to {backward.last}" == row["backward"]
    assert infectious.first in infectious and infectious.last in infectious


def test_the_exercise_is_ten_days_for_both():
    on = day("2026-08-03")
    both = (*ENGLAND, EXERCISE)
    assert for_case(on, None, both, on).until_date == day("2026-08-13")
    assert for_contact(on, on, both, on).until_date == day("2026-08-13")


def test_why_is_a_sentence():
    ended = for_case(day("2022-02-20"), None, ENGLAND, day("2022-02-24"))
    assert ended.why == "Since 24 February 2022 there is no duty to isolate; day 0 is 20 February 2022, the test."
    running = for_contact(day("2020-12-10"), day("2020-12-11"), ENGLAND, day("2020-12-14"))
    assert running.why == (
        "10 full days after day 0, as changed on 14 December 2020;"
        " day 0 is 10 December 2020, their last contact with the case."
    )
