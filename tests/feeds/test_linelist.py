"""Rows by the column are the rows one at a time; headers in any order and case; a mapping for each source."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.feeds.csv import Bad, Records
from ringfence.feeds.linelist import HEADERS, REQUIRED, LineList, SourceMapping, layout, mapping_of
from ringfence.feeds.text import LONGEST_LINE, Refused
from ringfence.rules.results import FIELDS, Rejected, Result, outcome_in, read_row
from ringfence.simulation.linelists import HEADER

ON = "2020-10-01"

some_text = st.text(st.sampled_from("aB é'-\\\t\x01\u2028,"), max_size=8)
dates = st.sampled_from(
    "2020-09-30|30/09/2020|20200930|2020-09-30T10:11:12Z|30 Sep 2020|1-sept-2020|2020-10-02|2019-12-31|1899-01-01"
    "|1900-02-29|31/09/2020|09/30/2020|30/9/20|43890|| |0000-01-01|２０２０-09-30|1985-03-04|04/03/1985|2020-09-29".split(
        "|"
    )
)
VALUES = {
    "specimen_id": st.one_of(st.sampled_from(["S1", "", " ", "x" * 61, "x" * 60]), some_text),
    "nhs_number": st.sampled_from(
        ["9990000018", "999 000 0018", "9990000019", "", "abc", "0000000000", "999-000-0018 "]
    ),
    "given_name": st.one_of(st.sampled_from(["Ann", "", "x" * 101]), some_text),
    "family_name": st.one_of(st.sampled_from(["O'Neil", "", "  "]), some_text),
    "name": st.one_of(st.sampled_from(["Smith, Ann", "Ann Smith", "Smith,", "Ann", ""]), some_text),
    "birth_date": dates,
    "sex": st.sampled_from(["M", " female", "", "?", "9"]),
    "phone": st.sampled_from(["07700900001", "+44 7700 900001", "7700900001", "none", "", "00000000000", "+", "++1"]),
    "phone_other": st.sampled_from(["", "0114 496 0000", "447700900001", "0033123456789"]),
    "email": st.sampled_from(["a@b.example", "A@B.EXAMPLE ", "nobody", "", "a@b@c.example"]),
    "address": st.one_of(st.sampled_from(["1 High\nStreet", "x" * 301]), some_text),
    "postcode": st.sampled_from(["BB1 1AA", "bb11aa", "", "x" * 30]),
    "gp_postcode": st.sampled_from(["", "LU1  2AA"]),
    "ethnicity": some_text,
    "care_home": st.sampled_from(["Y", "no", "", "TRUE", "1"]),
    "test_type": st.one_of(st.just("PCR" * 9), some_text),
    "specimen_date": dates,
    "report_date": dates,
    "result": st.sampled_from(
        ["Positive", "NEG", "not_detected", "void", "", "maybe", "covid-19:pos", "1322781000000102"]
    ),
    "laboratory": st.sampled_from(["", "Lab A", "x" * 61]),
}


@st.composite
def files(draw):
    """Fields that the file has, in some order, and dirty rows of it."""
    optional = [name for name in VALUES if name not in REQUIRED and draw(st.booleans())]
    names = draw(st.permutations([*REQUIRED, *optional]))
    usual = {
        "specimen_id": "S1",
        "result": "Positive",
        "specimen_date": "2020-09-29",
        "birth_date": "1985-03-04",
        "family_name": "Lee",
        "given_name": "Ann",
        "name": "Ann Lee",
        "report_date": "2020-09-30",
        "nhs_number": "9990000018",
    }
    rows = [
        {name: usual[name] if name in usual and draw(st.integers(0, 3)) else draw(VALUES[name]) for name in names}
        for _ in range(draw(st.integers(1, 6)))
    ]
    return names, rows


@given(files(), st.booleans(), st.booleans())
def test_columns_are_read_as_rows_are(file, month_first, words):
    names, rows = file
    mapping = SourceMapping({}, month_first, {"covid-19:pos": "positive"} if words else {})
    shape = layout(list(names), mapping)
    values = [[row[name] for name in names] for row in rows]
    raws = ["|".join(row) for row in values]
    columns, aside = LineList(shape, source="Lab", received_on=ON).read(
        Records(values, list(range(2, len(rows) + 2)), raws, [])
    )
    got = {
        number: Result(*(columns.fields[name][i] for name in (*FIELDS, "age")))
        for i, number in enumerate(columns.numbers)
    } | {each.number: Rejected(each.field, each.why) for each in aside}
    wanted = {
        number: read_row(row, received_on=ON, source="Lab", month_first=month_first, words=mapping.results)
        for number, row in enumerate(rows, start=2)
    }
    assert got == wanted
    assert all(raws[each.number - 2] == each.raw for each in aside)


@given(files(), st.integers(1, 5))
def test_each_row_is_in_one_part(file, parts):
    names, rows = file
    values = [[row[name] for name in names] for row in rows]
    values.append(["too", "few"])
    bad = [Bad(99, "why", "raw")]
    records = Records(values, list(range(2, len(values) + 2)), ["|".join(row) for row in values], bad)
    found, of = [], {}
    for part in range(parts):
        columns, aside = LineList(layout(list(names)), source="Lab", received_on=ON, part=part, parts=parts).read(
            records
        )
        found += columns.numbers + [each.number for each in aside]
        for number, born in zip(columns.numbers, columns.fields["birth_date"], strict=True):
            of.setdefault(born, set()).add(part)
            assert number < 99
    assert sorted(found) == [*range(2, len(values) + 2), 99]
    assert all(len(of_part) == 1 for of_part in of.values())


@pytest.mark.parametrize("mark", ["\0", "\ufffd"])
def test_bytes_that_are_no_text_set_the_row_aside(mark):
    shape = layout(["Specimen ID", "Specimen date", "Result", "Address"])
    row = ["S1", "2020-09-30", "Negative", f"1{mark}"]
    columns, aside = LineList(shape, source="Lab", received_on=ON).read(
        Records([row, [*row[:3], "1"]], [2, 3], [",".join(row), "S1"], [])
    )
    assert columns.numbers == [3]
    assert [(each.number, each.field) for each in aside] == [(2, "row")]
    assert "no text" in aside[0].why


def test_a_row_that_is_far_too_long_is_set_aside():
    shape = layout(["Specimen ID", "Specimen date", "Result", "Ethnicity"])
    row = ["S1", "2020-09-30", "Negative", "x" * LONGEST_LINE]
    columns, aside = LineList(shape, source="Lab", received_on=ON).read(Records([row], [2], [",".join(row)], []))
    assert columns.numbers == [] and "1,048,576 characters" in aside[0].why


@given(st.permutations(HEADER), st.sampled_from([str.lower, str.upper, str.title, lambda name: f" {name}. "]))
def test_headers_in_any_order_and_case(header, write):
    shape = layout([write(name) for name in header])
    assert sorted(shape.places) == sorted(set(FIELDS))
    assert shape.unknown == []
    assert all(
        HEADERS["".join(c for c in header[place].lower() if c.isalnum())] == name
        for name, place in shape.places.items()
    )


@pytest.mark.parametrize(
    ("header", "word"),
    [
        ("Specimen ID,Result", r"no column for specimen_date\. The first row has: 'Specimen ID', 'Result'"),
        ("Specimen ID,Sample ID,Specimen date,Result", "'Specimen ID' and 'Sample ID'.*mean|both mean specimen_id"),
        ("This is not a csv file.", "not a line list"),
        ("", "not a line list"),
    ],
)
def test_a_header_that_cannot_be_a_line_list_s(header, word):
    with pytest.raises(Refused, match=word):
        layout(header.split(","))


def test_of_a_file_without_a_header_nobody_is_shown():
    row = ["S1", "999 000 0018", "Ann Example", "03/04/1980", "LE1 1WB", "3 Aug 2020", "Positive"]
    with pytest.raises(Refused, match="it has no header") as refused:
        layout(row)
    assert [value for value in row if value in str(refused.value)] == []
    with pytest.raises(Refused, match="The first row has: 'Phone 2020'"):
        layout(["Phone 2020"])


def test_a_mapping_comes_before_the_usual_headers():
    mapping = SourceMapping(
        {"Accession No.": "specimen_id", "Date": "specimen_date", "Test": "result", "Outcome": "ignore"}
    )
    shape = layout(["accession no", "DATE", "test", "outcome", "Sample ID"], mapping)
    assert shape.places == {"specimen_id": 0, "specimen_date": 1, "result": 2}
    assert shape.unknown == ["Sample ID"]


def test_a_header_of_signs_alone_can_be_mapped():
    assert layout(["№", "Date collected", "Result"], SourceMapping({"№": "specimen_id"})).places["specimen_id"] == 0
    assert layout(["#", "", "Date collected", "Result"], SourceMapping({"#": "specimen_id"})).unknown == [""]


def test_a_mapping_in_toml():
    read = mapping_of('month_first = true\n[headers]\n"Lab No" = "specimen_id"\n[results]\n"covid:pos" = "positive"\n')
    assert read == SourceMapping({"Lab No": "specimen_id"}, True, {"covid:pos": "positive"})
    assert mapping_of("") == SourceMapping()


@pytest.mark.parametrize(
    ("toml", "word"),
    [
        ("headers = \n", r"not TOML: .*line 1"),
        ("header = {}", "'header' is not known here"),
        ("month_first = 1", "true or false"),
        ("headers = 3", "holds lines such as"),
        ("results = 3", "holds lines such as"),
        ('[headers]\n"A" = 1', "holds lines such as"),
        ('[headers]\n"A" = "postcod"', "'A' leads to 'postcod', which is no field; did you mean 'postcode'"),
        ('[headers]\n"A" = "zzzz"', "Fields are specimen_id"),
        ('[headers]\n"A b" = "sex"\n"ab" = "phone"', "'A b' and 'ab' are the same"),
        ('[results]\n"A" = "yes"', "positive, negative or void"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_where(toml, word):
    with pytest.raises(ValueError, match=word):
        mapping_of(toml)


@given(st.text(max_size=60))
def test_any_text_is_a_mapping_or_says_why_not(toml):
    with suppress(ValueError):
        assert isinstance(mapping_of(toml), SourceMapping)


def test_a_source_s_own_words_come_first():
    read = outcome_in({"P": "negative", "Covid_19: POS": "positive"})
    assert (read("p"), read("covid 19: pos"), read("positive")) == ("negative", "positive", "positive")
