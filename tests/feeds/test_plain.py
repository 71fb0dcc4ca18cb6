"""Plain rows read from bytes by the column are the rows as the line list reads them, and no others."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ringfence.feeds.csv import records
from ringfence.feeds.linelist import LineList, SourceMapping, layout
from ringfence.feeds.plain import Plainly, joined
from ringfence.rules.identity import match_keys, name_keys
from ringfence.rules.places import canonical
from ringfence.simulation.linelists import HEADER
from tests.examples import examples

ON = "2020-10-01"
POSTCODES = ["BB1 1AA", "LE5 4PW", "SW1A 1AA", "E1 1AA"]
AREAS = ["", "E06000008", "E06000016", "E09000033", ""]
"""By the number of the postcode: of the last, more has to be known."""

USUAL = {
    "Specimen ID": "S-1",
    "NHS number": "9990000018",
    "Given name": "Ann",
    "Family name": "O'Neil-Lee",
    "Date of birth": "04/03/1985",
    "Sex": "F",
    "Phone": "07700900001",
    "Other phone": "",
    "E-mail": "a@b.example",
    "Address": "1 High Street",
    "Postcode": "BB1 1AA",
    "GP postcode": "LE5 4PW",
    "Ethnicity": "",
    "Care home": "N",
    "Test type": "PCR",
    "Specimen date": "2020-09-29",
    "Report date": "2020-09-30",
    "Result": "Negative",
    "Laboratory": "Lab A",
}
DIRT = {
    "Specimen ID": ["", "S 1", " S-1", "x" * 39, "x" * 40, "x" * 41, "x" * 61, "S\\1", "S\x7f", "S\t1"],
    "NHS number": ["", "9990000019", "999 000 0018", "0000000000", "999000001", "99900000180", "99900000:8", "x"],
    "Given name": ["", "x" * 32, "x" * 33, "x" * 101, "É", "-", "Ann  May", "ANN"],
    "Family name": ["", "-", "Lee\t", " Lee"],
    "Date of birth": [
        "",
        "1985-03-04",
        "1985-03-04T00:00",
        "2020-09-30",
        "1901-01-01",
        "1890-12-31",
        "31/02/1985",
        "?",
    ],
    "Sex": ["", "m", "Male", "?", "indeterminate    ", "x" * 16, "female          x"],
    "Phone": ["", "x" * 400],
    "Address": ["", "x" * 300, "x" * 301, "1  High Street", "x" * 5000, "é", "\0", "\ufffd"],
    "Postcode": ["", "bb1 1aa", "BB1 1AA ", "BB1 1AAA", "LE5 4PW", "E1 1AA", "ZZ9 9ZZ", "SW1A 1AAX"],
    "GP postcode": ["", "BB1 1AA", "bb11aa", "E1 1AA", "SW1A 1AAX"],
    "Care home": ["Y", "yes", " true", "", "yes     x"],
    "Test type": ["", "LFD", "x" * 20, "x" * 21, "L  F", "L\\F", "x" * 41],
    "Specimen date": [
        "",
        "29/09/2020",
        "09/08/2020",
        "2020-10-02",
        "2019-12-31",
        "2020-09-30",
        "1-sept-2020",
        "20200929",
    ],
    "Report date": ["", "2020-09-28", "2020-10-02", "01/10/2020", "x"],
    "Result": ["Positive", "void", "covid-19:neg", "", "not_detected", "NEG", "?"],
    "Laboratory": ["", "Lab B", "x" * 60, "x" * 61, "x" * 64, "Läb", "L  B", "L\\"],
}
USUAL_LINE = ",".join(USUAL.values())
ODD_LINES = ["", "  ", "too,few", USUAL_LINE + ",more", USUAL_LINE + '"', USUAL_LINE.replace("1 High", '"1, High')]
ODD_LINES.append(USUAL_LINE.replace("Lab A", '"Lab B"'))
ODD_LINES[-2] = ODD_LINES[-2].replace("Street", 'Street"')


def changed(**other):
    return ",".join((USUAL | {name.replace("_", " "): value for name, value in other.items()}).values())


EVERY_CHANGE = [changed(**{name: value}) for name, values in DIRT.items() for value in values]
LINES = st.lists(
    st.one_of(
        st.tuples(*[st.sampled_from(sorted(DIRT))] * 2, st.integers(0, 9), st.integers(0, 9)).map(
            lambda of: changed(
                **{name: DIRT[name][n % len(DIRT[name])] for name, n in zip(of[:2], of[2:], strict=True)}
            )
        ),
        st.sampled_from([*ODD_LINES, USUAL_LINE]),
    ),
    min_size=1,
    max_size=8,
)


def find(words):
    """The numbers of the postcodes."""
    asked = np.ascontiguousarray(words).view("S8").astype(str)
    return np.array([POSTCODES.index(text) + 1 if text in POSTCODES else 0 for text in asked], np.uint16)


def lane(header, mapping, part, parts):
    reader = LineList(layout(header, mapping), source="The lab", received_on=ON, part=part, parts=parts)
    return reader, Plainly(reader, find, np.array(AREAS, "S9"))


@settings(max_examples=examples(20))
@given(LINES, st.booleans(), st.booleans(), st.integers(1, 3), st.sets(st.sampled_from(sorted(DIRT)), max_size=2))
@example([changed(Date_of_birth="", Result="x")], False, False, 2, set())
@example(EVERY_CHANGE, False, False, 1, set())
@example(EVERY_CHANGE, True, True, 2, set())
@example([*EVERY_CHANGE[::2], *ODD_LINES[:4]], False, False, 1, set())
@example([*EVERY_CHANGE[1::2], *ODD_LINES], False, False, 1, set())
@example([changed(Given_name="-", Family_name=name) for name in ("", "-", "L", "Le")], False, False, 1, set())
def test_plain_rows_are_what_the_line_list_reads(lines, month_first, words, parts, missing):
    mapping = SourceMapping({}, month_first, {"covid-19:neg": "negative"} if words else {})
    header = list(USUAL)
    for name in missing - {"Specimen ID", "Specimen date", "Result"}:
        header[header.index(name)] = "Something else"
    taken = 0
    for part in range(parts):
        reader, plainly = lane(header, mapping, part, parts)
        # Twice: the second time every text is known by its bytes.
        for number in (2, 2 + len(lines)):
            for each in records(["\n".join(lines)], ",", number=number, width=len(header)):
                wanted, aside = reader.read(each)
                plain, rest = plainly.apart(each)
                columns, refused = reader.read(rest)
                assert sorted(refused) == sorted(aside)
                if plain is None:
                    assert columns == wanted
                    continue
                assert plain.columns().among(columns)[0] == wanted
                taken += len(plain)
                same(plain, plain.chosen(np.ones(len(plain), np.bool_)).columns())
    assert taken or missing or any(line != USUAL_LINE for line in lines)


def same(plain, columns):
    """What is written of plain rows, and what identity asks, is what their columns say."""
    fields = columns.fields
    assert "positive" not in fields["result"]
    assert not any(b"\\" in column.tobytes() for column in plain.texts.values())
    assert not any((canonical(text) or "") != text for text in fields["postcode"] + fields["gp_postcode"])
    texts = {name: column.astype(str).tolist() for name, column in plain.texts.items() if name != "laboratory"}
    assert list(map(int, texts.pop("row_number"))) == columns.numbers
    assert list(map(int, texts.pop("age"))) == fields["age"]
    assert texts.pop("care_home") == ["t" if each else "f" for each in fields["care_home"]]
    assert [n or 0 for n in plain.numbers.tolist()] == [int(text or 0) for text in fields["nhs_number"]]
    assert texts.pop("authority") == [AREAS[POSTCODES.index(text) + 1] for text in fields["postcode"]]
    assert [each.decode() for each in plain.texts["laboratory"].tolist()] == fields["laboratory"]
    assert set(texts) == {
        *("nhs_number", "specimen_id", "birth_date", "sex", "test_type", "result", "specimen_date", "report_date"),
        *("postcode", "gp_postcode"),
    }
    for name, column in texts.items():
        assert column == fields[name], name
    names = name_keys(fields["given_name"], fields["family_name"])
    assert plain.keys.tolist() == match_keys(names, fields["birth_date"], fields["postcode"])


def test_nearly_all_of_a_usual_list_is_plain():
    reader, plainly = lane(HEADER, None, 0, 1)
    lines = "\n".join(changed(Specimen_ID=f"S-{n}") for n in range(50))
    accent = changed(Specimen_ID="A", Family_name="Müller")
    quoted = changed(Specimen_ID="B", Address='"1, High Street"')
    (each,) = records([f"{lines}\n{accent}\n\n{quoted}"], ",", number=7)
    plain, rest = plainly.apart(each)
    assert (len(plain), rest.numbers, rest.rows[1][9]) == (50, [57, 59], "1, High Street")
    assert plain.distinct(reader.read(rest)[0])
    assert not plain.distinct(reader.read(each)[0])
    lines = joined([plain.texts["row_number"], plain.texts["specimen_id"]], (b"\t", b"\n")).split(b"\n")
    assert (lines[0], lines[49], lines[50:]) == (b"000000000007\tS-0", b"000000000056\tS-49", [b""])


def test_a_twice_told_specimen_is_not_distinct():
    _, plainly = lane(HEADER, None, 0, 1)
    (each,) = records([f"{USUAL_LINE}\n{USUAL_LINE}"], ",")
    plain, rest = plainly.apart(each)
    assert len(plain) == 2 and not plain.distinct(plainly.reader.read(rest)[0])


def test_records_over_several_lines_are_left_alone():
    _, plainly = lane(HEADER, None, 0, 1)
    for each in records([changed(Address='"1 High Street\nLuton"') + "\n" + USUAL_LINE], ",", width=len(HEADER)):
        plain, rest = plainly.apart(each)
        assert plain is None and rest is each
