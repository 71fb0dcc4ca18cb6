"""Which episode of infection a positive result belongs to, with a reach of 90 days.

Days are counted from the first of a year; results arrive in the order in which they are written. An episode is written
as first day-last day.
"""

import pytest

from ringfence.rules.cases import Episode, Open, decide
from tests.spec.tables import table

ROWS = """
positive results arrive | episodes               | because of the last
------------------------+------------------------+------------------------------------------------------------------------
1                       | 1-1                    | the first positive known
1, 1                    | 1-1                    | within 90 days of a positive of 1 January 2026
1, 91                   | 1-91                   | within 90 days of a positive of 1 January 2026
1, 92                   | 1-1, 92-92             | more than 90 days from every earlier positive: a reinfection
1, 91, 181              | 1-181                  | within 90 days of positives from 1 January 2026 to 1 April 2026
1, 91, 182              | 1-91, 182-182          | more than 90 days from every earlier positive: a reinfection
91, 1                   | 1-91                   | within 90 days of a positive of 1 April 2026
92, 1                   | 92-92, 1-1             | more than 90 days from every earlier positive: a reinfection
1, 200, 60              | 1-60, 200-200          | within 90 days of a positive of 1 January 2026
1, 200, 150             | 1-1, 150-200           | within 90 days of a positive of 19 July 2026
1, 150, 75              | 1-75, 150-150          | within 90 days of a positive of 1 January 2026
1, 100, 200             | 1-1, 100-100, 200-200  | more than 90 days from every earlier positive: a reinfection
"""


@pytest.mark.parametrize("row", table(ROWS), ids=lambda row: row["positive results arrive"])
def test_episodes(row):
    begin = 739617 - 1  # 31 December 2025
    episodes = []
    for day in row["positive results arrive"].split(", "):
        specimen = begin + int(day)
        answer = decide(specimen, episodes, 90)
        if isinstance(answer, Open):
            episodes.append(Episode(answer.number, answer.number, specimen, specimen))
        else:
            episodes[episodes.index(answer.episode)] = answer.episode._replace(first=answer.first, last=answer.last)
    assert ", ".join(f"{each.first - begin}-{each.last - begin}" for each in episodes) == row["episodes"]
    assert answer.why == row["because of the last"]
