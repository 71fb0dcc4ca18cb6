"""Fields of a line list: what is read, what is left empty, what sets the row aside."""

from contextlib import suppress
from datetime import UTC, datetime

import nhs_number as reference
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringfence.rules.results import (
    FIELDS,
    READERS,
    Rejected,
    Result,
    Unusable,
    age_on,
    iso_date,
    nhs_number,
    outcome,
    phone,
    phone_typed,
    plain,
    read_row,
    received_day,
    split_name,
)

days = st.dates(datetime(1900, 1, 1).date(), datetime(2099, 12, 31).date())


def checked(bare):
    """What the reference package says of the number alone: of one from Scotland it also asks for a birth date in it,
    which the Data Dictionary does not."""
    if len(bare) == 10 and bare.isdigit() and reference.REGION_SCOTLAND.contains_number(bare):
        return reference.calculate_checksum(bare[:-1]) == int(bare[-1])
    return reference.is_valid(bare)


@given(st.one_of(st.text("0123456789 -", max_size=14), st.integers(0, 10**10 - 1).map("{:010}".format)))
@example("0999371177")
def test_nhs_numbers_as_the_reference_package_checks_them(text):
    bare = text.replace(" ", "").replace("-", "")
    try:
        read = nhs_number(text)
    except Unusable:
        assert bare == "0" * 10 or not checked(bare)
    else:
        assert read == bare and (not bare or checked(bare))


@given(
    days,
    st.sampled_from(
        [
            "%Y-%m-%d",
            "%Y%m%d",
            "%d/%m/%Y",
            "%d-%b-%Y",
            "%d %B %Y",
            "%Y-%m-%dT10:00:00Z",
            "%Y%m%d1405",
            "%Y%m%d140559-0500",
            " %d.%m.%Y ",
        ]
    ),
)
def test_a_day_in_any_writing(day, form):
    assert iso_date(day.strftime(form)) == day.isoformat()


@given(days)
def test_month_first(day):
    assert iso_date(day.strftime("%m/%d/%Y"), True) == day.isoformat()


@given(st.text(max_size=30), st.booleans())
def test_any_text_is_a_day_that_exists_or_refused(text, month_first):
    with suppress(Unusable):
        read = iso_date(text, month_first)
        assert read == "" or datetime.fromisoformat(read)


@pytest.mark.parametrize("text", ["03/08/20", "31/02/2026", "18-May-14", "43890", "yesterday", "2026-13-01"])
def test_days_that_would_be_guesses(text):
    with pytest.raises(Unusable, match=r"not a da[ty]"):
        iso_date(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("07700 900204", "07700900204"),
        ("0770090020", ""),
        ("077009002044", ""),
        ("01632 960 204", "01632960204"),
        ("+44 1204 96020", "0120496020"),
        ("01632 960 2045", ""),
        ("+48 601 234 567", "+48601234567"),
    ],
)
def test_a_number_that_is_typed_has_as_many_digits_as_it_must(text, kept):
    assert phone_typed(text) == kept


@given(st.text(max_size=40))
def test_a_telephone_number_never_stops_a_row(text):
    read = phone(text)
    assert phone_typed(text) in (read, "")
    assert read == "" or (read[0] in "0+" and read.lstrip("+").isdigit() and 10 <= len(read.lstrip("+")) <= 15)
    assert phone(read) == read


@given(st.sampled_from(sorted(READERS)), st.text(max_size=400))
def test_every_reader_reads_or_refuses_and_leaves_nothing_that_copy_would_misread(field, text):
    with suppress(Unusable):
        read = READERS[field][0](text)
        if isinstance(read, str):
            assert not set(read) & set("\t\n\r\0") or field == "email"


@given(st.text(max_size=60))
def test_plain_text_is_one_line(text):
    assert plain(plain(text)) == plain(text)
    assert not set(plain(text)) & set("\t\n\r\0")


@given(st.text(max_size=60))
def test_a_result_is_one_of_three_or_refused(text):
    with suppress(Unusable):
        assert outcome(text) in ("positive", "negative", "void")


@pytest.mark.parametrize(
    ("text", "parts"),
    [("Lee, Ann", ("Ann", "Lee")), ("Ann Marie Lee", ("Ann Marie", "Lee")), ("Lee", ("", "Lee")), ("", ("", ""))],
)
def test_a_whole_name(text, parts):
    assert split_name(text) == parts


@pytest.mark.parametrize(
    ("born", "on", "age"),
    [
        ("2000-03-01", "2026-02-28", 25),
        ("2000-03-01", "2026-03-01", 26),
        ("2000-02-29", "2026-02-28", 25),
        ("", "2026-01-01", -1),
    ],
)
def test_age(born, on, age):
    assert age_on(born, on) == age


def test_the_day_of_arrival_is_england_s():
    assert received_day(datetime(2026, 6, 30, 23, 30, tzinfo=UTC)) == "2026-07-01"
    assert received_day(datetime(2026, 12, 31, 23, 30, tzinfo=UTC)) == "2026-12-31"


@given(st.dictionaries(st.sampled_from([*FIELDS, "name"]), st.text(max_size=20)))
def test_a_row_is_read_whole_or_set_aside_whole(row):
    read = read_row(row, received_on="2026-11-16", source="Lab")
    assert isinstance(read, Result) or (isinstance(read, Rejected) and read.field in FIELDS and read.why)


GOOD = {
    "specimen_id": "S1",
    "specimen_date": "2026-11-15",
    "result": "Positive",
    "birth_date": "1985-03-04",
    "name": "Ann Lee",
}


@pytest.mark.parametrize(
    ("other", "field", "why"),
    [
        ({}, None, None),
        ({"specimen_date": ""}, "specimen_date", "is empty"),
        ({"specimen_date": "2019-12-31"}, "specimen_date", "is before 2020-01-01"),
        ({"specimen_date": "2026-11-17"}, "specimen_date", "after the day it arrived"),
        ({"report_date": "2026-11-14"}, "report_date", "before the specimen date"),
        ({"report_date": "2026-11-17"}, "report_date", "after the day it arrived"),
        ({"birth_date": "2026-11-16"}, "birth_date", "after the specimen date"),
        ({"birth_date": "1905-11-14"}, "birth_date", "older than 120"),
        ({"birth_date": "1905-11-16"}, None, None),
        ({"birth_date": ""}, "birth_date", "a positive result needs a date of birth"),
        ({"birth_date": "", "result": "void"}, None, None),
        ({"name": ""}, "family_name", "a positive result needs a name"),
        ({"name": "", "result": "neg"}, None, None),
        ({"phone": "none", "email": "none", "sex": "?"}, None, None),
        ({"nhs_number": "9990000019"}, "nhs_number", "wrong check digit"),
        ({"nhs_number": "999"}, "nhs_number", "has 3 characters where an NHS number has 10 digits"),
    ],
)
def test_what_the_fields_say_together(other, field, why):
    read = read_row({**GOOD, **other}, received_on="2026-11-16", source="Lab")
    if field is None:
        assert isinstance(read, Result)
    else:
        assert isinstance(read, Rejected) and read.field == field and why in read.why
