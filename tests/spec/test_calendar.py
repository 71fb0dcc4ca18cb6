"""The manual of London's working time, in tables."""

from datetime import UTC, datetime, time

import pytest

from ringfence.rules.calendar import bank_holidays, closes_after, is_open, next_open
from ringfence.rules.policy import Model, PartnershipPolicy
from tests.spec.tables import day, moment, table

HOLIDAYS = """
day        | name
-----------+----------------------------------------
1995-05-08 | Early May bank holiday
1999-12-31 | Millennium
2002-06-03 | Golden Jubilee
2002-06-04 | Spring bank holiday
2011-04-29 | Royal wedding
2012-06-04 | Spring bank holiday
2012-06-05 | Diamond Jubilee
2020-04-10 | Good Friday
2020-04-13 | Easter Monday
2020-05-08 | Early May bank holiday
2020-08-31 | Summer bank holiday
2020-12-25 | Christmas Day
2020-12-28 | Boxing Day (substitute day)
2021-12-27 | Christmas Day (substitute day)
2021-12-28 | Boxing Day (substitute day)
2022-01-03 | New Year's Day (substitute day)
2022-06-02 | Spring bank holiday
2022-06-03 | Platinum Jubilee
2022-09-19 | State funeral of Queen Elizabeth II
2022-12-26 | Boxing Day
2022-12-27 | Christmas Day (substitute day)
2023-05-01 | Early May bank holiday
2023-05-08 | Coronation of King Charles III
2026-12-28 | Boxing Day (substitute day)
2038-04-26 | Easter Monday
"""

ORDINARY_DAYS = """
day        | why somebody might think it a holiday
-----------+------------------------------------------
2020-05-04 | the first Monday of May, moved to VE day
2022-05-30 | the last Monday of May, moved for the jubilee
2021-12-25 | a Saturday: its substitute counts
2020-11-30 | St Andrew's day is Scotland's
2023-03-17 | St Patrick's day is Northern Ireland's
"""

# A team that works Monday to Friday, nine to five, and not on bank holidays.
WEEK = PartnershipPolicy(
    area="E06000008",
    from_at=datetime(2020, 7, 1, tzinfo=UTC),
    model=Model.TIMED,
    working_days=frozenset(range(5)),
    opens=time(9),
    closes=time(17),
)

HOURS = """
at                   | open | next open            | closes               | why
---------------------+------+----------------------+----------------------+---------------------------------
Mon 2020-08-03 08:59 | no   | Mon 2020-08-03 09:00 | Mon 2020-08-03 17:00 | not yet
Mon 2020-08-03 09:00 | yes  | Mon 2020-08-03 09:00 | Mon 2020-08-03 17:00 | the first minute counts
Mon 2020-08-03 16:59 | yes  | Mon 2020-08-03 16:59 | Mon 2020-08-03 17:00 | the last minute counts
Mon 2020-08-03 17:00 | no   | Tue 2020-08-04 09:00 | Tue 2020-08-04 17:00 | closing time does not
Fri 2020-08-07 17:30 | no   | Mon 2020-08-10 09:00 | Mon 2020-08-10 17:00 | the weekend
Fri 2020-08-28 17:30 | no   | Tue 2020-09-01 09:00 | Tue 2020-09-01 17:00 | a bank holiday on the Monday
Thu 2020-12-24 17:30 | no   | Tue 2020-12-29 09:00 | Tue 2020-12-29 17:00 | Christmas and a substitute day
Sat 2020-10-24 12:00 | no   | Mon 2020-10-26 09:00 | Mon 2020-10-26 17:00 | the clocks go back in between
Sat 2021-03-27 12:00 | no   | Mon 2021-03-29 09:00 | Mon 2021-03-29 17:00 | the clocks go forward in between
"""


@pytest.mark.parametrize("row", table(HOLIDAYS), ids=lambda row: row["day"])
def test_bank_holidays(row):
    on = day(row["day"])
    assert bank_holidays(on.year).get(on) == row["name"]


@pytest.mark.parametrize("row", table(ORDINARY_DAYS), ids=lambda row: row["day"])
def test_days_that_are_none(row):
    on = day(row["day"])
    assert on not in bank_holidays(on.year)


@pytest.mark.parametrize("row", table(HOURS), ids=lambda row: row["at"])
def test_hours(row):
    at = moment(row["at"])
    assert is_open(WEEK, at) == (row["open"] == "yes")
    assert next_open(WEEK, at) == moment(row["next open"])
    assert closes_after(WEEK, at) == moment(row["closes"])
