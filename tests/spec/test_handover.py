"""The manual of the clock: when a trace passes to the local team, in tables.

Each row is one trace of an authority with the policies named: their models and set periods, each from a moment.
The local team works Monday to Friday, nine to five, and is live from 1 July 2020.
"""

from datetime import UTC, datetime, time

import pytest

from ringfence.rules.handover import due, group, local_target, reason
from ringfence.rules.policy import Model, PartnershipPolicy
from tests.spec.tables import moment, table

LIVE = datetime(2020, 7, 1, tzinfo=UTC)


def policy(words: str, from_at: datetime = LIVE) -> PartnershipPolicy:
    """`timed 24`, `national_only` or `local_first`."""
    model, *hours = words.split()
    return PartnershipPolicy(
        area="E06000008",
        from_at=from_at,
        model=Model(model),
        set_period_hours=int(hours[0]) if hours else None,
        working_days=frozenset(range(5)),
        opens=time(9),
        closes=time(17),
    )


DUE = """
transferred          | policy        | then                                | passes | at                   | why
---------------------+---------------+-------------------------------------+--------+----------------------+----------------------------
Mon 2020-08-03 10:00 | timed 24      | -                                   | yes    | Tue 2020-08-04 10:00 | the set period, local team open
Mon 2020-08-03 10:00 | timed 48      | -                                   | yes    | Wed 2020-08-05 10:00 | another set period
Mon 2020-08-03 18:05 | timed 24      | -                                   | yes    | Wed 2020-08-05 09:00 | ends in the evening: next morning
Thu 2020-08-06 18:05 | timed 24      | -                                   | yes    | Mon 2020-08-10 09:00 | ends on Friday evening: Monday
Thu 2020-08-27 18:05 | timed 24      | -                                   | yes    | Tue 2020-09-01 09:00 | and Monday is a bank holiday
Sat 2020-10-24 12:00 | timed 48      | -                                   | yes    | Mon 2020-10-26 11:00 | elapsed hours, clocks went back
Sat 2021-03-27 12:00 | timed 48      | -                                   | yes    | Mon 2021-03-29 13:00 | elapsed hours, clocks went forward
Mon 2020-08-03 10:00 | national_only | -                                   | no     | Tue 2020-08-04 10:00 | a target of 24 hours
Mon 2020-08-03 10:00 | local_first   | -                                   | no     | Tue 2020-08-04 10:00 | the local team had it from the start
Mon 2020-08-03 10:00 | timed 48      | timed 24 from Tue 2020-08-04 12:00  | yes    | Tue 2020-08-04 12:00 | never before the shorter policy
Mon 2020-08-03 10:00 | timed 24      | timed 48 from Tue 2020-08-04 09:30  | yes    | Wed 2020-08-05 10:00 | the longer policy came in time
Mon 2020-08-03 10:00 | timed 24      | timed 48 from Tue 2020-08-04 10:30  | yes    | Tue 2020-08-04 10:00 | the longer policy came too late
Mon 2020-08-03 10:00 | timed 24      | national_only from Tue 2020-08-04 09:30 | no | Tue 2020-08-04 10:00 | the hand-over was ended
Mon 2020-08-03 10:00 | timed 24      | national_only from Tue 2020-08-04 10:00 | no | Tue 2020-08-04 10:00 | ended at the very moment
Mon 2020-08-03 10:00 | national_only | timed 24 from Wed 2020-08-05 12:00  | yes    | Wed 2020-08-05 12:00 | the hand-over began
Mon 2020-08-03 10:00 | timed 24      | local_first from Tue 2020-08-04 09:30 | yes  | Tue 2020-08-04 10:00 | a clock that runs, runs on
"""


@pytest.mark.parametrize("row", table(DUE), ids=lambda row: row["why"])
def test_due(row):
    at = moment(row["transferred"])
    history = [policy(row["policy"])]
    if row["then"] != "-":
        words, from_at = row["then"].split(" from ")
        history.append(policy(words, moment(from_at)))
    answer = due(at, history, local_team_live_from=LIVE, now=at)
    assert (answer.passes, answer.at) == (row["passes"] == "yes", moment(row["at"]))


REASONS = """
transferred          | hours | due                  | sentence
---------------------+-------+----------------------+------------------------------------------------------------------
Sun 2020-08-02 14:05 | 24    | Mon 2020-08-03 14:05 | Handed over because 24 hours passed without contact; the set period ended at 14:05 on Monday 3 August.
Mon 2020-08-03 14:05 | 1     | Mon 2020-08-03 15:05 | Handed over because 1 hour passed without contact; the set period ended at 15:05 on Monday 3 August.
Fri 2020-07-31 14:05 | 24    | Mon 2020-08-03 09:00 | Handed over because 24 hours passed without contact; the set period ended at 14:05 on Saturday 1 August, and the local team could first take it at 09:00 on Monday 3 August.
"""


@pytest.mark.parametrize("row", table(REASONS), ids=lambda row: row["due"])
def test_reason(row):
    said = reason(
        transferred_at=moment(row["transferred"]), set_period_hours=int(row["hours"]), due_at=moment(row["due"])
    )
    assert said == row["sentence"]


SENTENCES = """
transferred          | sentence
---------------------+------------------------------------------------------------------------------------------------
Mon 2020-08-03 10:00 | The set period of 24 hours ends at 10:00 on Tuesday 4 August; it then passes to the local team.
Mon 2020-08-03 18:05 | The set period of 24 hours ends at 18:05 on Tuesday 4 August; the local team is closed, so it passes at 09:00 on Wednesday 5 August.
Mon 2020-06-29 10:00 | The set period of 24 hours ends before the local team starts at 01:00 on Wednesday 1 July; the local team is closed, so it passes at 09:00 on Wednesday 1 July.
"""


@pytest.mark.parametrize("row", table(SENTENCES), ids=lambda row: row["transferred"])
def test_due_sentence(row):
    at = moment(row["transferred"])
    answer = due(at, [policy("timed 24", datetime(2020, 6, 1, tzinfo=UTC))], local_team_live_from=LIVE, now=at)
    assert answer.why == row["sentence"]


def test_due_sentence_where_a_shorter_set_period_begins_later():
    first = policy("timed 72", datetime(2020, 7, 1, tzinfo=UTC))
    shorter = policy("timed 24", datetime(2020, 8, 5, 9, tzinfo=UTC))
    at = moment("Mon 2020-08-03 10:00")
    answer = due(at, [first, shorter], local_team_live_from=LIVE, now=at)
    begins = "10:00 on Wednesday 5 August"
    assert answer.why == (
        f"The set period of 24 hours is over already when its policy begins at {begins}; it then passes to the local team."
    )


TARGETS = """
came                 | target               | why
---------------------+----------------------+-----------------------------------------
Mon 2020-08-03 10:00 | Tue 2020-08-04 17:00 | the end of the next working day
Mon 2020-08-03 07:00 | Tue 2020-08-04 17:00 | before opening: the day has begun
Mon 2020-08-03 22:00 | Tue 2020-08-04 17:00 | after closing: still that day
Fri 2020-08-07 10:00 | Mon 2020-08-10 17:00 | over the weekend
Sat 2020-08-08 10:00 | Mon 2020-08-10 17:00 | came on a day off
Fri 2020-08-28 10:00 | Tue 2020-09-01 17:00 | over a bank holiday
"""


@pytest.mark.parametrize("row", table(TARGETS), ids=lambda row: row["came"])
def test_local_target(row):
    answer = local_target(policy("timed 24"), moment(row["came"]))
    assert (answer.at, answer.passes) == (moment(row["target"]), False)


GROUPS = """
now                  | due                  | group
---------------------+----------------------+---------
Mon 2020-08-03 10:00 | Mon 2020-08-03 09:59 | overdue
Mon 2020-08-03 10:00 | Mon 2020-08-03 10:00 | overdue
Mon 2020-08-03 10:00 | Mon 2020-08-03 10:01 | today
Mon 2020-08-03 10:00 | Mon 2020-08-03 23:59 | today
Mon 2020-08-03 10:00 | Tue 2020-08-04 00:00 | tomorrow
Mon 2020-08-03 23:59 | Tue 2020-08-04 17:00 | tomorrow
Mon 2020-08-03 10:00 | Wed 2020-08-05 00:00 | later
Sat 2020-10-24 23:30 | Sun 2020-10-25 23:30 | tomorrow
"""


@pytest.mark.parametrize("row", table(GROUPS), ids=lambda row: row["due"])
def test_groups(row):
    assert group(moment(row["due"]), moment(row["now"])) == row["group"]
