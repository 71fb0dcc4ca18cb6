"""What somebody typed to find a person."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.base.references import ALPHABET
from ringfence.rules.search import LETTERS, LONGEST, Name, SearchError, Terms, folded, name_key, read


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("999 000 0018", Terms(nhs_number="9990000018")),
        ("01632 960 101", Terms(phone="01632960101")),
        ("+44 (0)7700 900123", Terms(phone="07700900123")),
        ("bb1 1aa", Terms(postcode="BB1 1AA")),
        ("k7q42m", Terms(reference="K7Q42M")),
        ("K7Q-42M", Terms(reference="K7Q-42M")),
        ("Turner", Terms(reference="TURNER", names=(Name("turner", ""),))),
        ("Khan, Aisha", Terms(names=(Name("khan", "aisha"),))),
        ("Khan bb1 1aa", Terms(postcode="BB1 1AA", names=(Name("khan", ""),))),
        ("Khan bb11aa", Terms(postcode="BB1 1AA", names=(Name("khan", ""),))),
        ("Nobody", Terms(names=(Name("nobody", ""),))),
        ("O’Brien", Terms(names=(Name("obrien", ""),))),
    ],
)
def test_what_it_is_taken_for(typed: str, terms: Terms) -> None:
    assert read(typed) == terms


def test_given_names_stand_before_or_after_and_may_be_many() -> None:
    assert read("Aïsha Khan").names == (Name("khan", "aisha"), Name("aisha", "khan"), Name("aishakhan", ""))
    assert read("Ana García López").names == (
        Name("lopez", "anagarcia"),
        Name("anagarcia", "lopez"),
        Name("garcialopez", "ana"),
        Name("ana", "garcialopez"),
        Name("anagarcialopez", ""),
    )


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("  ", "Type a name"),
        ("x", "at least 2 letters"),
        ("12345", "whole number"),
        ("999 000 0019", "whole number"),
        ("Khan 1980", "Check it"),
        ("x" * (LONGEST + 1), "Shorten"),
    ],
)
def test_what_nothing_can_be_found_by(typed: str, told: str) -> None:
    with pytest.raises(SearchError, match=told):
        read(typed)


def test_the_audit_learns_what_was_searched_by_and_not_the_words() -> None:
    assert read("Khan bb1 1aa").kinds == ("postcode", "name")
    assert read("999 000 0018").kinds == ("nhs_number",)


@given(st.text(max_size=120))
def test_any_text_is_taken_for_something_or_refused_with_a_reason(typed: str) -> None:
    try:
        found = read(typed)
    except SearchError as refused:
        problem = str(refused)
    else:
        problem = ""
    assert problem or found.kinds


def test_a_name_is_kept_under_what_it_is_looked_for_by() -> None:
    assert name_key("Zoë", "Łukasiewicz-Ørsted") == "lukasiewiczorsted zoe"
    assert folded("VAN DER BERG") == "vanderberg"


def test_a_reference_has_the_letters_that_references_have() -> None:
    assert LETTERS == ALPHABET
