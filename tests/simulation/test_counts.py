"""Published daily counts: what is read out of them, and what is said about a file that cannot be used."""

import gzip
import re
from datetime import date
from pathlib import Path

import pytest

from ringfence.geography import atlas
from ringfence.simulation import counts
from ringfence.simulation.counts import CountsProblem

ATLAS = atlas.packaged()
TODAY = date(2026, 11, 22)
HEADER = "Area code,Area name,Area type,Specimen date,Daily lab-confirmed cases,Cumulative lab-confirmed cases\n"

DIRTY = HEADER + (
    'E06000016,Leicester,ltla,2020-06-22," 1,234 ",1234\n'
    "E06000016 , Leicester, ltla ,2020-06-24,  7  ,1241\n"
    "E06000016,Leicester,ltla,2020-06-25,0,1241\n"
    "E07000004,Aylesbury Vale,ltla,2020-06-22,3.0,3\n"
    "E07000005,Chiltern,ltla,2020-06-22,2,2\n"
    "E09000012,Hackney and City of London,ltla,2020-06-22,5,5\n"
    "E12000004,East Midlands,Region,2020-06-22,900,900\n"
    "E92000001,England,Nation,2020-06-22,9000,9000\n"
    "\n"
)


def parse(text: str) -> counts.Counts:
    return counts.parse(text, "daily.csv", ATLAS, today=TODAY)


def test_padding_thousands_absent_days_and_other_levels() -> None:
    found = parse(DIRTY)
    day = date(2020, 6, 22)
    assert found.cases == {
        ("E06000016", day): 1234,
        ("E06000016", date(2020, 6, 24)): 7,
        ("E06000060", day): 5,
        ("E09000012", day): 5,
    }
    assert found.total == 1251
    assert found.areas == 4
    assert found.left_out == {"Region": 1, "Nation": 1}
    assert found.days == [day, date(2020, 6, 24)]


def test_what_has_merged_counts_in_its_successor_and_is_told() -> None:
    told = {each.old: each for each in parse(DIRTY).moved}
    assert set(told) == {"E07000004", "E07000005", "E09000012"}
    assert told["E07000004"].new == told["E07000005"].new == "E06000060"
    assert told["E07000004"].cases == 3
    assert "became Buckinghamshire (E06000060)" in told["E07000004"].why
    assert "all of it counts in Hackney" in told["E09000012"].why


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("E06000016,Leicester,ltla,2020-06-22,S,1", "row 2: 'S' is no whole number of cases; hidden counts"),
        ("E06000016,Leicester,ltla,2020-06-22,,1", "row 2: an empty cell is no whole number"),
        ("E06000016,Leicester,ltla,2020-06-22,-3,1", "row 2: '-3' is no whole number"),
        ('E06000016,Leicester,ltla,2020-06-22,"1,23",1', "row 2: '1,23' is no whole number"),
        ("E06000016,Leicester,ltla,2020-06-22,1.5,1", "row 2: '1.5' is no whole number"),
        ("E06000016,Leicester,ltla,2020-06-22,100001,1", "row 2: 100001 cases on one day"),
        ("E06000016,Leicester,ltla,22/06/2020,1,1", "row 2: '22/06/2020' is no date such as 2020-08-03"),
        ("E06000016,Leicester,ltla,2019-12-31,1,1", "row 2: 2019-12-31 is not a day from 1 January 2020"),
        ("E06000016,Leicester,ltla,2026-11-22,1,1", "row 2: 2026-11-22 is not a day from .* to yesterday"),
        ("E06999999,Nowhere,ltla,2020-06-22,1,1", "row 2: 'E06999999' is not the code of an area"),
        ("E10000007,Derbyshire,ltla,2020-06-22,1,1", "row 2: E10000007 .*Derbyshire.* is no lower-tier authority"),
        ("E06000016,Leicester,ltla,2020-06-22", "row 2: 4 fields where the header has 6"),
        ("E12000004,East Midlands,Region,2020-06-22,1,1", "no row of a lower-tier authority .* 'Region'"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_with_its_word(row: str, said: str) -> None:
    with pytest.raises(CountsProblem, match=said):
        parse(HEADER + row + "\n")


def test_the_same_day_twice_is_refused_with_both_rows() -> None:
    row = "E06000016,Leicester,ltla,2020-06-22,1,1\n"
    with pytest.raises(CountsProblem, match="row 3: E06000016 on 2020-06-22 was given in row 2 already"):
        parse(HEADER + row + row)


def test_a_file_of_another_format_is_refused_with_what_is_missing() -> None:
    with pytest.raises(CountsProblem, match=re.escape("no column 'area code', 'specimen date', 'daily lab-confirmed")):
        parse('"AreaCode","Date","DailyCases"\n"E06000016","2020-06-22","1"\n')


def test_plain_and_gzip_are_the_same_and_a_spreadsheet_is_refused(tmp_path: Path) -> None:
    plain, packed, sheet = (tmp_path / name for name in ("a.csv", "a.csv.gz", "a.xlsx"))
    plain.write_bytes(b"\xef\xbb\xbf" + DIRTY.encode())
    packed.write_bytes(gzip.compress(DIRTY.encode()))
    sheet.write_bytes(b"PK\x03\x04" + bytes(100))
    assert counts.read(plain, ATLAS, today=TODAY) == counts.read(packed, ATLAS, today=TODAY)
    with pytest.raises(CountsProblem, match=r"a\.xlsx is a spreadsheet"):
        counts.read(sheet, ATLAS, today=TODAY)
    packed.write_bytes(gzip.compress(DIRTY.encode())[:-20])
    with pytest.raises(CountsProblem, match="gzip file"):
        counts.read(packed, ATLAS, today=TODAY)


def test_every_count_that_is_not_met_is_told() -> None:
    day = date(2020, 6, 22)
    wanted = {("A", day): 2, ("B", day): 1, ("C", day): 1}
    held = {("A", day): (2, 2), ("B", day): (1, 0), ("D", day): (1, 1)}
    assert list(counts.differences(wanted, held)) == [
        "B on 2020-06-22: 1 wanted, 1 positive and 0 cases in the record",
        "C on 2020-06-22: 1 wanted, 0 positives and 0 cases in the record",
        "D on 2020-06-22: 0 wanted, 1 positive and 1 case in the record",
    ]
