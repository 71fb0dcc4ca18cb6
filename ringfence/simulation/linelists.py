"""Line lists as a laboratory would send them, about people who do not exist."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from operator import mul
from random import Random

HEADER = (
    "Specimen ID",
    "NHS number",
    "Given name",
    "Family name",
    "Date of birth",
    "Sex",
    "Phone",
    "Other phone",
    "E-mail",
    "Address",
    "Postcode",
    "GP postcode",
    "Ethnicity",
    "Care home",
    "Test type",
    "Specimen date",
    "Report date",
    "Result",
    "Laboratory",
)

#: Ten digits beginning with 999 are never issued to anybody: 909,091 of them have a right check digit, of which these
#: many are used, nine of each ten neighbours.
TEST_NUMBERS = 900_000

#: Ofcom, "Telephone numbers for use in TV and radio drama programmes": a thousand numbers each, by their beginning.
DRAMA = (
    "07700900",
    "01134960",
    "01144960",
    "01154960",
    "01164960",
    "01174960",
    "01184960",
    "01214960",
    "01514960",
    "01614960",
    "02079460",
    "01914980",
    "01632960",
    "03069990",
)
NUMBERS = 1_000 * len(DRAMA)

GIVEN = (
    "Aisha Adam Amelia Ben Bronwen Callum Chloe Daniel Deepa Ella Ewan Fatima Farah George Grace Hannah Harpreet "
    "Imran Isla Jack Jamila Kezia Kofi Leah Liam Maryam Mohammed Nadia Noah Olivia Omar Poppy Priya Quentin Rosa "
    "Ravi Sam Sadia Tariq Tilly Uma Umar Violet Wasim William Xanthe Yasmin Yusuf Zara Zach"
).split()
FAMILY = (
    "Ahmed Allen Begum Bell Brown Chaudhry Clarke Cooper Das Davies Edwards Evans Farrow Foster Green Gill Hall "
    "Hussain Iqbal Islam Jackson Jones Kaur Khan King Lee Lewis Malik Mistry Moore Nowak O'Connor Okafor Parker "
    "Patel Qureshi Rahman Reid Roberts Shah Singh Smith Taylor Thomas Turner Uddin Vaughan Walker White Wilson "
    "Wright Young Zaman"
).split()
STREETS = (
    "Alma Street,Bridge Road,Canal Walk,Chapel Lane,Church Street,Dale View,Elm Grove,Factory Lane,Garden Close,"
    "High Street,Hill Top,Ivy Terrace,Jubilee Way,King Street,Lime Avenue,Mill Lane,New Road,Oak Drive,Park Road,"
    "Queen Street,Railway Terrace,Station Road,The Green,Union Street,Victoria Road,Water Lane,York Place"
).split(",")
ETHNICITIES = ("White British", "Asian Indian", "Asian Pakistani", "Black African", "White other", "Mixed", "", "")


#: Of the first eight digits; the ninth weighs 2 (modulus 11, NHS Data Dictionary).
WEIGHTS = (10, 9, 8, 7, 6, 5, 4, 3)


def drama_number(index: int) -> str:
    """The ``index``-th telephone number of the drama ranges, beginning again after all of them."""
    # A prime step, so that neighbours in the list do not get neighbouring numbers.
    start, last = divmod(index * 6_007 % NUMBERS, 1_000)
    return f"{DRAMA[start]}{last:03}"


def test_number(index: int) -> str:
    """The ``index``-th NHS number of the test range, from 0 to 899,999. No two are the same."""
    tens, nth = divmod(index, 9)
    eight = f"999{tens:05}"
    before = sum(map(mul, map(int, eight), WEIGHTS))
    # Of ten numbers that differ in the ninth digit, at most one has no check digit.
    for ninth in range(10):
        remainder = (before + 2 * ninth) % 11
        if remainder != 1:
            if nth == 0:
                return f"{eight}{ninth}{(11 - remainder) % 11}"
            nth -= 1
    raise AssertionError("of ten neighbours at least nine have a check digit")


def rows(
    count: int,
    *,
    positive: float,
    postcodes: Sequence[str],
    seed: int,
    on: date,
    laboratory: str = "Lighthouse A",
    first: int = 0,
) -> Iterator[tuple[str, ...]]:
    """``count`` rows for specimens of the three days to ``on``; ``positive`` is the share that is; one row in fifty is
    about somebody in an earlier row."""
    random = Random(seed)
    days = [(on - timedelta(days=back)).isoformat() for back in range(3)]
    births = [(on - timedelta(days=random.randrange(365, 33_000))).strftime("%d/%m/%Y") for _ in range(8_000)]
    known: list[tuple[str, ...]] = []
    for i in range(first, first + count):
        if known and random.random() < 0.02:
            person = random.choice(known)
        else:
            given, family = random.choice(GIVEN), random.choice(FAMILY)
            phone = drama_number(random.randrange(NUMBERS))
            place = random.choice(postcodes)
            person = (
                test_number(i) if i < TEST_NUMBERS and random.random() < 0.95 else "",
                given,
                family,
                random.choice(births),
                random.choice("MF"),
                phone if random.random() < 0.96 else "",
                "",
                f"{given}.{family}{i}@example.com".lower().replace("'", "") if random.random() < 0.7 else "",
                f"{random.randrange(1, 200)} {random.choice(STREETS)}",
                place,
                place,
                random.choice(ETHNICITIES),
                "Y" if random.random() < 0.01 else "N",
            )
            if len(known) < 5_000:
                known.append(person)
        chance = random.random()
        result = "Positive" if chance < positive else "Void" if chance > 0.995 and positive < 1 else "Negative"
        day = random.choice(days)
        yield (f"S{seed}-{i:08}", *person, random.choice(("PCR", "LFD")), day, on.isoformat(), result, laboratory)


def text(lines: Iterator[tuple[str, ...]]) -> Iterator[bytes]:
    """The rows as CSV, in pieces of about a megabyte."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(HEADER)
    for line in lines:
        writer.writerow(line)
        if out.tell() > 1 << 20:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()
