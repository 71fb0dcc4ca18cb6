"""The manual of contacts and places: who is a contact, whose team calls, which window a stay falls into."""

from datetime import UTC, datetime, time

import pytest

from ringfence.rules import contacts, exposures
from ringfence.rules.allocation import AuthorityTeams, Residence
from ringfence.rules.attempts import TraceOutcome
from ringfence.rules.contacts import Candidate, Ended, Exposure
from ringfence.rules.identity import Known, Same, name_key
from ringfence.rules.policy import ENGLAND, ContactsBy, Model, PartnershipPolicy
from tests.spec.tables import day, table

#: The case began on 10 August 2020: infectious from the 8th to the 20th, infected from the 3rd to the 7th.
DAYS = exposures.windows(day("2020-08-12"), day("2020-08-10"), ENGLAND, day("2020-08-12"))

WHO = """
last contact | home | counts     | why
-------------+------+------------+--------------------------------------------------
2020-08-07   | no   | -          | the day before they could infect others
2020-08-08   | no   | 2020-08-08 | two days before symptoms
2020-08-20   | no   | 2020-08-20 | the last day of isolation
2020-08-21   | no   | -          | isolation was over
2020-08-07   | yes  | -          | had moved out before
2020-08-21   | yes  | 2020-08-20 | one home: the last infectious day counts
"""

STAYS = """
from       | until      | window
-----------+------------+-----------
2020-08-01 | 2020-08-02 | outside
2020-08-02 | 2020-08-03 | backward
2020-08-07 | 2020-08-07 | backward
2020-08-07 | 2020-08-08 | both
2020-08-08 | 2020-08-08 | infectious
2020-08-20 | 2020-08-24 | infectious
2020-08-21 | 2020-08-24 | outside
2020-08-01 | 2020-08-24 | both
"""

ISOLATION = """
exposures                                       | as at      | until      | why
------------------------------------------------+------------+------------+--------------------------------------
2020-08-09 -                                    | 2020-08-12 | 2020-08-23 | 14 days from the last contact
2020-08-12 2020-08-10                           | 2020-08-12 | 2020-08-24 | household: from the case's day 0
2020-08-09 -, 2020-08-11 -                      | 2020-08-12 | 2020-08-25 | of two cases the later end
2020-08-11 -, 2020-08-12 2020-08-10             | 2020-08-12 | 2020-08-25 | the later end, whichever case it is of
2020-12-10 -, 2020-12-12 -                      | 2020-12-13 | 2020-12-26 | 14 days
2020-12-10 -, 2020-12-12 -                      | 2020-12-14 | 2020-12-22 | the change applies to running ones
"""

#: On 20 August 2020.
AGAIN = """
until      | earlier                              | call
-----------+--------------------------------------+-----
2020-08-20 | -                                    | yes
2020-08-19 | -                                    | no
2020-08-23 | -                                    | yes
-          | -                                    | yes
2020-08-23 | reached 2020-08-23                   | no
2020-08-23 | reached 2020-08-24                   | no
2020-08-25 | reached 2020-08-23                   | yes
-          | reached 2020-08-23                   | no
2020-08-23 | reached -                            | yes
2020-08-25 | not_reached 2020-08-23               | yes
2020-08-25 | withdrawn -                          | yes
2020-08-25 | refused -                            | no
2020-08-25 | died -                               | no
2020-08-25 | reached 2020-08-23, in_hospital -    | no
"""


@pytest.mark.parametrize("row", table(WHO), ids=lambda row: row["why"])
def test_who_is_a_contact(row):
    found = contacts.exposed(day(row["last contact"]), row["home"] == "yes", DAYS)
    assert getattr(found, "last_contact", None) == day(row["counts"])
    assert found.why.endswith(".")


@pytest.mark.parametrize("row", table(STAYS), ids=lambda row: f"{row['from']} to {row['until']}")
def test_windows_of_a_stay(row):
    assert exposures.seen(day(row["from"]), day(row["until"]), DAYS).window == row["window"]


def test_a_stay_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValueError, match="before it begins"):
        exposures.seen(day("2020-08-02"), day("2020-08-01"), DAYS)


@pytest.mark.parametrize("row", table(ISOLATION), ids=lambda row: row["why"])
def test_isolation_of_a_contact(row):
    named = [each.split() for each in row["exposures"].split(",")]
    as_at = day(row["as at"])
    found = [Exposure(day(last), min(day("2020-12-13"), as_at), day(home)) for last, home in named]
    assert contacts.isolates(found, ENGLAND, as_at).until_date == day(row["until"])


@pytest.mark.parametrize("row", table(AGAIN), ids=lambda row: f"{row['until']} after {row['earlier']}")
def test_who_is_called_again(row):
    earlier = [] if row["earlier"] == "-" else [each.split() for each in row["earlier"].split(",")]
    found = contacts.call(
        day(row["until"]), [Ended(TraceOutcome(outcome), day(until)) for outcome, until in earlier], day("2020-08-20")
    )
    assert found.needed is (row["call"] == "yes"), found.why


NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)

TEAMS = """
model         | contacts by | named in  | lives in  | team
--------------+-------------+-----------+-----------+---------
timed         | national    | -         | E06000008 | national
timed         | local       | -         | E06000008 | national
timed         | national    | E06000008 | E06000008 | national
timed         | local       | E06000008 | E06000008 | local
local_first   | national    | -         | E06000008 | local
local_first   | local       | E06000008 | E06000008 | local
local_first   | national    | E06000008 | E06000008 | national
national_only | local       | E06000008 | E06000008 | local
timed         | local       | E06000032 | E06000008 | national
timed         | local       | E06000008 | -         | pool
"""
KINDS = {1: "national", 2: "local", 9: "pool"}


@pytest.mark.parametrize("row", table(TEAMS), ids=lambda row: " ".join(row.values()))
def test_whose_team_calls(row):
    policy = PartnershipPolicy(
        "E06000008", datetime(2026, 1, 1, tzinfo=UTC), Model(row["model"]), 24, ContactsBy(row["contacts by"]),
        frozenset(range(7)), time(9), time(17),
    )  # fmt: skip
    there = AuthorityTeams("E06000008", "Blackburn", 1, 2, datetime(2026, 1, 1, tzinfo=UTC), (policy,))
    code = "" if row["lives in"] == "-" else row["lives in"]
    named = "" if row["named in"] == "-" else row["named in"]
    placed = contacts.place(Residence(code, code, "why"), {"E06000008": there}, 9, NOW, named)
    assert KINDS[placed.team] == row["team"]
    assert 0 < len(placed.why) <= 200
    assert 0 < len(placed.due_why) <= 200


ENTRY = {"id": "e-1", "last_contact": "2020-08-09", "given_name": "Ann", "family_name": "Lee"}

IDENTITY = """
known as | born       | postcode | home | phone | entry born | entry postcode | same
---------+------------+----------+------+-------+------------+----------------+-----
Ann Lee  | 1980-01-01 | BB1 1AA  | no   | no    | 1980-01-01 | BB1 1AA        | yes
Ann Lee  | 1980-01-01 | BB1 1AA  | no   | no    | 1980-01-01 | -              | no
Ann Lee  | 1980-01-01 | BB1 1AA  | no   | no    | -          | BB1 1AA        | no
ANN LEE  | -          | -        | yes  | no    | -          | -              | yes
Ann Lee  | 1980-01-01 | -        | yes  | no    | -          | -              | yes
Ann Lee  | 1950-01-01 | BB1 1AA  | yes  | yes   | 1980-01-01 | BB1 1AA        | no
Ann Lea  | -          | -        | yes  | yes   | -          | -              | no
Ann Lee  | -          | -        | no   | yes   | -          | -              | yes
Ann Lee  | -          | -        | no   | no    | -          | -              | no
"""


@pytest.mark.parametrize("row", table(IDENTITY), ids=lambda row: " ".join(row.values()))
def test_whom_an_entry_names(row):
    def given(name):
        return "" if row[name] == "-" else row[name]

    first, family = row["known as"].split()
    known = Known(7, "", name_key(first, family), given("born"), given("postcode"))
    raw = ENTRY | {"household": row["home"] == "yes", "phone": "07700900123", "birth_date": given("entry born") or None}
    found = contacts.who(
        contacts.read(raw), given("entry postcode"), [Candidate(known, row["home"] == "yes", row["phone"] == "yes")]
    )
    assert isinstance(found, Same) is (row["same"] == "yes"), found.why
