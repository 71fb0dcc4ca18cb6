"""The manual of attempts: what comes after each, in a table.

Under the exercise policy: calls from 08:00 to 20:00, two hours between tries, four a day, ten in all. "local" says when a
local team that is still ahead can take the trace; a dash, that none is ahead. "today" and "all" count this attempt.
"""

import pytest

from ringfence.rules.attempts import AttemptError, Facts, Outcome, next
from ringfence.rules.policy import EXERCISE
from tests.spec.tables import moment, table

NOW_IS = "Mon 2026-08-03"

NEXT = """
at    | outcome      | today | all | facts                  | local                | action    | ready                | ends as
------+--------------+-------+-----+------------------------+----------------------+-----------+----------------------+------------
10:00 | no_answer    | 1     | 1   |                        | -                    | retry     | Mon 2026-08-03 12:00 | -
10:00 | voicemail    | 1     | 1   |                        | -                    | retry     | Mon 2026-08-03 12:00 | -
10:00 | language     | 1     | 1   |                        | -                    | retry     | Mon 2026-08-03 12:00 | -
17:59 | no_answer    | 1     | 1   |                        | -                    | retry     | Mon 2026-08-03 19:59 | -
18:00 | no_answer    | 1     | 1   |                        | -                    | retry     | Tue 2026-08-04 08:00 | -
05:00 | no_answer    | 1     | 1   |                        | -                    | retry     | Mon 2026-08-03 08:00 | -
14:00 | no_answer    | 4     | 4   |                        | -                    | retry     | Tue 2026-08-04 08:00 | -
14:00 | no_answer    | 1     | 9   |                        | -                    | retry     | Mon 2026-08-03 16:00 | -
14:00 | no_answer    | 2     | 10  |                        | -                    | close     | -                    | not_reached
14:00 | no_answer    | 2     | 10  |                        | Mon 2026-08-03 09:00 | hand_over | Mon 2026-08-03 14:00 | -
19:00 | no_answer    | 2     | 10  |                        | Tue 2026-08-04 09:00 | hand_over | Tue 2026-08-04 09:00 | -
10:00 | wrong_number | 1     | 1   | another number         | -                    | retry     | Mon 2026-08-03 10:00 | -
10:00 | wrong_number | 4     | 4   | another number         | -                    | retry     | Tue 2026-08-04 08:00 | -
10:00 | wrong_number | 1     | 1   |                        | -                    | close     | -                    | no_details
10:00 | wrong_number | 1     | 1   |                        | Mon 2026-08-03 10:00 | hand_over | Mon 2026-08-03 10:00 | -
10:00 | no_details   | 1     | 1   |                        | -                    | close     | -                    | no_details
10:00 | no_details   | 1     | 1   |                        | Mon 2026-08-03 10:00 | hand_over | Mon 2026-08-03 10:00 | -
10:00 | reached      | 1     | 1   |                        | Mon 2026-08-03 10:00 | complete  | -                    | reached
10:00 | reached      | 1     | 1   | under 18, guardian     | -                    | complete  | -                    | reached
10:00 | refused      | 1     | 1   |                        | Mon 2026-08-03 10:00 | close     | -                    | refused
10:00 | refused      | 1     | 1   | under 18, guardian     | -                    | close     | -                    | refused
10:00 | in_hospital  | 1     | 1   |                        | Mon 2026-08-03 10:00 | close     | -                    | in_hospital
10:00 | died         | 1     | 1   |                        | Mon 2026-08-03 10:00 | close     | -                    | died
10:00 | escalated    | 1     | 1   |                        | Mon 2026-08-03 10:00 | escalate  | -                    | -
"""

CALL_BACK = """
asked                | ready
---------------------+------------------------------------------------------------
Mon 2026-08-03 10:05 | Mon 2026-08-03 10:05
Mon 2026-08-03 19:59 | Mon 2026-08-03 19:59
Mon 2026-08-03 20:00 | Tue 2026-08-04 08:00
Tue 2026-08-04 06:30 | Tue 2026-08-04 08:00
Mon 2026-08-10 10:00 | Mon 2026-08-10 10:00
Mon 2026-08-03 10:00 | refused: The time to call back, 10:00 on Monday 3 August, is in the past; give a later one.
Mon 2026-08-10 10:01 | refused: The time to call back, 10:01 on Monday 10 August, is more than 7 days ahead; give an earlier one.
-                    | refused: Say when they asked to be called back.
"""


@pytest.mark.parametrize("row", table(NEXT), ids=lambda row: " ".join(row.values()))
def test_next(row):
    facts = Facts(
        attempts=int(row["all"]),
        attempts_today=int(row["today"]),
        another_number="another number" in row["facts"],
        under_18="under 18" in row["facts"],
        spoke_to_guardian="guardian" in row["facts"],
        local_from=None if row["local"] == "-" else moment(row["local"]),
    )
    answer = next(Outcome(row["outcome"]), facts, EXERCISE, moment(f"{NOW_IS} {row['at']}"))
    assert answer.action == row["action"]
    assert answer.ready_at == (None if row["ready"] == "-" else moment(row["ready"]))
    assert (answer.outcome or "-") == row["ends as"]


@pytest.mark.parametrize("row", table(CALL_BACK), ids=lambda row: row["asked"])
def test_call_back_even_after_the_last_attempt(row):
    asked = None if row["asked"] == "-" else moment(row["asked"])
    facts = Facts(attempts=10, attempts_today=4, call_back_at=asked)
    now = moment(f"{NOW_IS} 10:00")
    if row["ready"].startswith("refused: "):
        with pytest.raises(AttemptError) as refusal:
            next(Outcome.CALL_BACK, facts, EXERCISE, now)
        assert f"refused: {refusal.value}" == row["ready"]
    else:
        assert next(Outcome.CALL_BACK, facts, EXERCISE, now).ready_at == moment(row["ready"])
