"""Who a row of a line list is about.

Known are: Ann Lee, born 4 March 1985, at BB1 1AA, with an NHS number; Cat Day, born 31 December 1990, at LU1 1AA, whose
number is not held.
"""

import pytest

from ringfence.rules.identity import Known, Same, decide, name_key
from tests.spec.tables import table

ANN, CAT = "9990000018", ""
KNOWN = (
    Known(1, "9990000018", name_key("Ann", "Lee"), "1985-03-04", "BB1 1AA"),
    Known(2, "", name_key("Cat", "Day"), "1990-12-31", "LU1 1AA"),
)
WHO = {1: "Ann", 2: "Cat"}

ROWS = """
NHS number | name     | born       | postcode | is      | because
-----------+----------+------------+----------+---------+---------------------------------------------
9990000018 | Ann Lee  | 1985-03-04 | BB1 1AA  | Ann     | the same NHS number
9990000018 | Anne Lea | 1985-04-03 | LE1 1AA  | Ann     | the same NHS number
9990000018 |          |            |          | Ann     | the same NHS number
           | Ann Lee  | 1985-03-04 | BB1 1AA  | Ann     | the same name, birth date and postcode
           | ANN  LEE | 1985-03-04 | BB1 1AA  | Ann     | the same name, birth date and postcode
           | Anne Lee | 1985-03-04 | BB1 1AA  | nobody  | nobody known has this NHS number, or this name, birth date and postcode
           | Ann Lee  | 1985-03-05 | BB1 1AA  | nobody  | nobody known has this NHS number, or this name, birth date and postcode
           | Ann Lee  | 1985-03-04 | BB1 1AB  | nobody  | nobody known has this NHS number, or this name, birth date and postcode
           | Ann Lee  | 1985-03-04 |          | nobody  | the row holds too little to know anybody by
           | Ann Lee  |            | BB1 1AA  | nobody  | the row holds too little to know anybody by
9990000026 | Ann Lee  | 1985-03-04 | BB1 1AA  | nobody  | nobody known has this NHS number, or this name, birth date and postcode
9990000026 | Cat Day  | 1990-12-31 | LU1 1AA  | Cat     | the same name, birth date and postcode
           | Cat Day  | 1990-12-31 | LU1 1AA  | Cat     | the same name, birth date and postcode
"""


@pytest.mark.parametrize("row", table(ROWS), ids=lambda row: " ".join(row.values()))
def test_identity(row):
    given, _, family = " ".join(row["name"].split()).partition(" ")
    number = row["NHS number"]
    answer = decide(
        nhs_number=number,
        name=name_key(given, family),
        birth_date=row["born"],
        postcode=row["postcode"],
        by_number=next((each for each in KNOWN if number and each.nhs_number == number), None),
        by_details=KNOWN,
    )
    assert (WHO[answer.person] if isinstance(answer, Same) else "nobody") == row["is"]
    assert answer.why == row["because"]
