"""Postcodes: what is read as which postcode, and what a postcode tells about where somebody lives."""

import re
import string
from datetime import date
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ringfence.rules import places
from ringfence.rules.places import Entry, Kind, Spelling, decide, read
from tests.examples import examples

INWARD_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"
TWO_LETTERS = sorted(a for a in places.AREAS if len(a) == 2)
ONE_LETTER = sorted(a for a in places.AREAS if len(a) == 1)

inwards = st.builds(
    "{}{}{}".format, st.sampled_from(string.digits), st.sampled_from(INWARD_LETTERS), st.sampled_from(INWARD_LETTERS)
)
numbers = st.integers(0, 99).map(str)
outwards = st.one_of(
    st.builds("{}{}".format, st.sampled_from(ONE_LETTER + TWO_LETTERS), numbers),
    st.builds("{}{}{}".format, st.sampled_from(ONE_LETTER), st.integers(1, 9), st.sampled_from("ABCDEFGHJKPSTUW")),
    st.builds("{}{}{}".format, st.sampled_from(TWO_LETTERS), st.integers(1, 9), st.sampled_from("ABEHMNPRVWXY")),
    st.just("NPT"),
)
postcodes = st.builds("{} {}".format, outwards, inwards)
stray = st.text(alphabet=" .,-/'\"()\t\xa0\u200b\u2019", max_size=3)


@given(postcodes)
def test_a_canonical_postcode_reads_as_itself(postcode):
    assert read(postcode) == Spelling(postcode)


@given(postcodes, st.data())
def test_case_spacing_and_stray_punctuation_do_not_matter(postcode, data):
    bare = postcode.replace(" ", "")
    typed = "".join(
        data.draw(stray) + (letter.lower() if data.draw(st.booleans()) else letter) for letter in bare
    ) + data.draw(stray)
    assume(len(typed) <= 40)
    assert read(typed).postcode == postcode


@given(st.text(max_size=60))
def test_any_text_gives_a_postcode_or_a_reason(text):
    spelling = read(text)
    if spelling.postcode is None:
        assert spelling.kind in (Kind.BLANK, Kind.NOT_A_POSTCODE)
        assert spelling.why.endswith(".")
    else:
        assert spelling.kind is None
        assert read(spelling.postcode) == Spelling(spelling.postcode)
        assert re.fullmatch(r"[A-Z0-9]{2,4} [0-9][A-Z]{2}", spelling.postcode)


ALIKE = {"O": "O0", "0": "0O", "I": "I1", "1": "1I"}


@st.composite
def mistaken(draw):
    """A postcode without its space, some of whose O, 0, I and 1 are typed as each other."""
    return "".join(draw(st.sampled_from(ALIKE.get(letter, letter))) for letter in draw(postcodes).replace(" ", ""))


@given(mistaken())
@settings(max_examples=examples(60))
def test_a_mended_postcode_was_the_only_possible_one(text):
    readings = ["".join(letters) for letters in product(*(ALIKE.get(letter, letter) for letter in text))]
    possible = {r for r in readings if (s := read(r)).postcode is not None and not s.corrected}
    spelling = read(text)
    if text in possible:
        assert spelling == Spelling(f"{text[:-3]} {text[-3:]}")
    elif spelling.postcode is not None:
        assert spelling.corrected
        assert possible == {spelling.postcode.replace(" ", "")}
    else:
        assert len(possible) > 1 or "begins with 0" in spelling.why


@given(postcodes)
def test_the_parts_begin_the_postcode_and_nest(postcode):
    assert postcode.startswith(places.sector(postcode))
    assert places.sector(postcode) == places.district(postcode) + " " + postcode[-3]
    assert places.area(postcode) in places.AREAS
    assert places.district(postcode).startswith(places.area(postcode))


@pytest.mark.parametrize(
    ("text", "postcode", "corrected"),
    [
        ("le5 4pw", "LE5 4PW", False),
        ("LE54PW", "LE5 4PW", False),
        ("LE5  4PW", "LE5 4PW", False),  # 8 characters wide, as the ONS writes it
        ("LE15 4PW", "LE15 4PW", False),
        ("\uff2c\uff25\uff15 4PW", "LE5 4PW", False),  # full-width letters
        ("GIR 0AA", "GIR 0AA", False),
        ("npt0aa", "NPT 0AA", False),
        ("ec1a1bb", "EC1A 1BB", False),
        ("W1M 0AA", "W1M 0AA", False),
        ("zz993vz", "ZZ99 3VZ", False),
        ("0X1 1AA", "OX1 1AA", True),
        ("1P1 1AA", "IP1 1AA", True),
        ("C01 1AA", "CO1 1AA", True),
        ("SWIA 1AA", "SW1A 1AA", True),
        ("SO14 OAA", "SO14 0AA", True),
        ("LE5 IPW", "LE5 1PW", True),
    ],
)
def test_read(text, postcode, corrected):
    assert read(text) == Spelling(postcode, corrected=corrected)


@pytest.mark.parametrize(
    ("text", "kind", "word"),
    [
        (None, Kind.BLANK, "No postcode"),
        ("", Kind.BLANK, "No postcode"),
        (" " * 100, Kind.BLANK, "No postcode"),
        (" \t", Kind.BLANK, "No postcode"),
        ("-", Kind.BLANK, "punctuation"),
        ("N/A", Kind.BLANK, "unknown"),
        ("not known", Kind.BLANK, "unknown"),
        ("LE5", Kind.NOT_A_POSTCODE, "first half"),
        ("LE5 4PW Leicester", Kind.NOT_A_POSTCODE, "5 to 7"),
        ("x" * 1_000_000, Kind.NOT_A_POSTCODE, "too long"),
        ("LE5 4PW\x00", Kind.NOT_A_POSTCODE, "control"),
        ("LE5 4P\u0174", Kind.NOT_A_POSTCODE, "letter or digit that no postcode has"),
        ("LE5 4CW", Kind.NOT_A_POSTCODE, "order"),  # C never ends a postcode
        ("4PW LE5", Kind.NOT_A_POSTCODE, "order"),
        ("AA1 1AA", Kind.NOT_A_POSTCODE, "not a postcode area"),
        ("S01 1AA", Kind.NOT_A_POSTCODE, "begins with 0"),  # Southampton or Sheffield
        ("LE05 4PW", Kind.NOT_A_POSTCODE, "begins with 0"),
        ("BFPO 57", Kind.NOT_A_POSTCODE, "British Forces"),
    ],
)
def test_refuse(text, kind, word):
    spelling = read(text)
    assert (spelling.postcode, spelling.kind) == (None, kind)
    assert word in spelling.why


AUTHORITIES = {
    "E06000016": places.authority("E06000016", "Leicester"),
    "E07000130": places.authority("E07000130", "Charnwood", "E10000018", "Leicestershire"),
    "S12000049": places.authority("S12000049", "Glasgow City"),
    "L99999999": places.authority("L99999999", "Channel Islands"),
}


@pytest.mark.parametrize(
    ("postcode", "entry", "expected"),
    [
        ("LE5 4PW", Entry("E06000016", 461000, 305000), (Kind.ENGLAND, "E06000016", "E06000016", "England")),
        ("LE11 3TU", Entry("E07000130"), (Kind.ENGLAND, "E07000130", "E10000018", "England")),
        ("G1 1AA", Entry("S12000049"), (Kind.OUTSIDE, None, None, "Scotland")),
        ("CF10 1AA", Entry("W06000015"), (Kind.OUTSIDE, None, None, "Wales")),
        ("JE2 3AB", Entry("L99999999"), (Kind.OUTSIDE, None, None, "the Channel Islands")),
        ("BT1 1AA", Entry(None), (Kind.OUTSIDE, None, None, "Northern Ireland")),
        ("LE1 1AA", Entry(None), (Kind.NO_AUTHORITY, None, None, None)),
        ("LE1 1AA", Entry("E06999999"), (Kind.NO_AUTHORITY, None, None, "England")),
        ("LE99 9ZZ", None, (Kind.UNKNOWN, None, None, None)),
        ("IM1 9ZZ", None, (Kind.OUTSIDE, None, None, "the Isle of Man")),
        ("BF1 2AT", None, (Kind.NO_AUTHORITY, None, None, None)),
        ("ZZ99 3VZ", None, (Kind.NO_ADDRESS, None, None, None)),
        ("ZZ99 6CZ", None, (Kind.NO_ADDRESS, None, None, None)),
        ("ZZ99 1WZ", None, (Kind.OUTSIDE, None, None, "Scotland")),
    ],
)
def test_decide(postcode, entry, expected):
    place = decide(read(postcode), entry, AUTHORITIES)
    assert (place.kind, place.ltla, place.utla, place.country) == expected
    assert place.postcode == postcode
    assert place.why.endswith(".")


def test_the_reason_names_the_authority_and_its_county():
    place = decide(read("le113tu"), Entry("E07000130"), AUTHORITIES)
    assert place.why == "The postcode is in Charnwood, so under Leicestershire."
    assert decide(read("G1 1AA"), Entry("S12000049"), AUTHORITIES).why == (
        "The postcode is in Glasgow City, Scotland, outside England."
    )
    assert decide(read("JE2 3AB"), Entry("L99999999"), AUTHORITIES).why == (
        "The postcode is in the Channel Islands, outside England."
    )


def test_a_terminated_postcode_still_says_where():
    place = decide(read("LE5 4PW"), Entry("E06000016", 1, 2, date(2019, 5, 1)), AUTHORITIES)
    assert (place.kind, place.terminated, place.easting, place.northing) == (Kind.ENGLAND, date(2019, 5, 1), 1, 2)
    assert place.why.endswith("no longer in use.")


@given(st.text(max_size=12), st.sampled_from([None, Entry(None), Entry("E06000016"), Entry("S12000049"), Entry("X")]))
def test_a_place_has_an_authority_only_in_england_and_never_repeats_the_postcode(text, entry):
    spelling = read(text)
    place = decide(spelling, entry, AUTHORITIES)
    assert (place.ltla is not None) == (place.utla is not None) == (place.kind is Kind.ENGLAND)
    assert place.why
    if place.postcode is not None:
        assert place.postcode not in place.why
