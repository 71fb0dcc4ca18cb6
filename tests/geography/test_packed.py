"""The short form of the postcodes says what the table says, and nothing of a text that only looks like one of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.geography import load, packed, resolve
from ringfence.rules import places
from ringfence.rules.places import Kind

FILE = (
    "pcds,laua,oseast1m,osnrth1m,doterm\n"
    "LE5 4PW,E06000016,461000,305000,\n"
    "BB1 1AA,E06000008,368000,428000,202001\n"
    "SW1A 1AA,E09000033,529000,179000,\n"
    "M1 1AA,E08000003,384000,398000,\n"
    "CF10 1AA,W06000015,318000,176000,\n"
    "GY1 1AA,L99999999,,,\n"
)
TEXTS = ["LE5 4PW", "BB1 1AA", "SW1A 1AA", "M1 1AA", "CF10 1AA", "LE5 4PX", "", "AA", "ZZ99 3VZ"]


@pytest.fixture
def directory(committed, owner, tmp_path):
    resolve.forget()
    file = tmp_path / "own.csv"
    file.write_text(FILE)
    load.ensure(owner, postcodes=file)
    yield resolve.packed()
    resolve.forget()


def test_it_says_what_the_table_says(directory):
    near = [text + end for text in TEXTS for end in ("", " ", "\0", "A", ", London")] + ["le5 4pw", "LE54PW", "LÉ5 4PW"]
    there = resolve.located(filter(None, map(places.canonical, near)))
    assert [text for text, number in zip(near, directory.find(near), strict=True) if number] == TEXTS[:4]
    for text, number in zip(near, directory.find(near), strict=True):
        if number:
            place, asked = directory.places[number], there[text]
            assert (place.kind, place.why, place.ltla, place.utla) == (Kind.ENGLAND, asked.why, asked.ltla, asked.utla)


def test_nothing_is_found_in_none():
    assert packed.NONE_PACKED.find(["LE5 4PW", ""]) == [0, 0]
    assert packed.NONE_PACKED.find([]) == []


def test_another_directory_is_packed_anew_and_one_that_is_not_is_empty(directory, owner, tmp_path):
    file = tmp_path / "other.csv"
    file.write_text("pcds,laua,oseast1m,osnrth1m\nLU1 1AA,E06000032,509000,221000\n")
    load.ensure(owner, postcodes=file)
    assert resolve.packed().find(["LE5 4PW", "LU1 1AA"]) == [0, 1]
    with load._transaction(owner):
        owner.execute("UPDATE loads SET fingerprint = 'of others' WHERE what = 'postcodes'")
    resolve.forget()
    assert resolve.packed().find(["LE5 4PW", "LU1 1AA"]) == [0, 0]
    load.ensure(owner)
    assert resolve.packed().find(["LE5 4PW", "LU1 1AA"]) == [0, 1]


@given(st.lists(st.text(max_size=12), max_size=30))
def test_any_text_is_found_or_not(texts):
    assert packed.NONE_PACKED.find(texts) == [0] * len(texts)
