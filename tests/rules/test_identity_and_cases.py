"""Who a row is about, and which episode a positive belongs to."""

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.rules import identity
from ringfence.rules.cases import Add, Episode, Open
from ringfence.rules.cases import decide as decide_case
from ringfence.rules.identity import Known, New, Same, decide, household_key, letters, letters_of, match_key, name_key

names = st.sampled_from(["lee ann", "day cat", "x"])
births = st.sampled_from(["1985-03-04", "1990-12-31", ""])
homes = st.sampled_from(["BB1 1AA", "LU1 1AA", ""])
numbers = st.sampled_from(["", "9990000018", "9990000026"])
people = st.builds(Known, st.integers(1, 9), numbers, names, births, homes)


@given(numbers, names, births, homes, st.lists(people, max_size=5))
def test_only_the_two_proofs_join(number, name, born, home, known):
    by_number = next((each for each in known if number and each.nhs_number == number), None)
    answer = decide(nhs_number=number, name=name, birth_date=born, postcode=home, by_number=by_number, by_details=known)
    if isinstance(answer, Same):
        who = next(each for each in known if each.id == answer.person)
        same_details = any(
            (each.name, each.birth_date, each.postcode) == (name, born, home)
            for each in known
            if each.id == answer.person
        )
        assert answer.person == (by_number.id if by_number else who.id)
        assert by_number is not None or (same_details and born and home)
    else:
        assert isinstance(answer, New) and by_number is None
    assert answer.why


@given(names, births, homes, st.permutations([1, 2, 3]))
def test_of_two_alike_it_is_always_the_same_one(name, born, home, ids):
    known = [Known(each, "9990000018" if each == 2 else "", "lee ann", "1985-03-04", "BB1 1AA") for each in ids]
    answer = decide(
        nhs_number="", name="lee ann", birth_date="1985-03-04", postcode="BB1 1AA", by_number=None, by_details=known
    )
    assert isinstance(answer, Same) and answer.person == 2


def test_a_number_offered_for_another_is_an_error():
    other = Known(1, "9990000026", "lee ann", "1985-03-04", "BB1 1AA")
    with pytest.raises(ValueError, match="another NHS number"):
        decide(nhs_number="9990000018", name="", birth_date="", postcode="", by_number=other)


@given(st.text(max_size=20), st.text(max_size=20))
def test_names_are_compared_without_case_and_signs(given_name, family_name):
    key = name_key(given_name, family_name)
    assert name_key(f" {given_name}-", f"'{family_name} ") == key
    assert key == key.casefold()


@pytest.mark.parametrize(
    ("one", "other"), [(("Zoë", "O'Neil"), ("ZOE", "ONEIL")), (("Ann-Marie", "Lee"), ("Ann Marie", "LEE"))]
)
def test_accents_and_apostrophes(one, other):
    assert name_key(*one) == name_key(*other)


@given(names, births, homes)
def test_a_key_needs_all_three(name, born, home):
    assert (match_key(name, born, home) == 0) == (not born or not home or len(name) < 3)


def test_a_household_needs_an_address():
    assert household_key("1 High Street", "BB1 1AA") == household_key("1, HIGH street", "BB1 1AA")
    assert household_key("", "BB1 1AA") is household_key("1 High Street", "") is None


@given(st.lists(st.text("Aa1é,\n \\", max_size=4), max_size=4))
def test_letters_by_the_column_are_those_of_each(texts):
    assert letters_of(texts) == [letters(text) for text in texts]


day_numbers = st.integers(737000, 738500)


@given(st.lists(day_numbers, min_size=1, max_size=12), st.integers(1, 120))
def test_in_order_of_their_days_episodes_are_the_definition_s(days, reach):
    """A positive within the reach of the previous positive belongs to its episode; a later one opens another."""
    episodes, previous, wanted = [], None, []
    for day in sorted(days):
        if previous is None or day - previous > reach:
            wanted.append([day, day])
        wanted[-1][1] = day
        previous = day
        answer = decide_case(day, episodes, reach)
        if isinstance(answer, Open):
            assert answer.number == len(episodes) + 1
            episodes.append(Episode(answer.number, answer.number, day, day))
        else:
            episodes[episodes.index(answer.episode)] = answer.episode._replace(first=answer.first, last=answer.last)
    assert [[each.first, each.last] for each in episodes] == wanted


@given(st.lists(day_numbers, min_size=1, max_size=12), st.integers(1, 120))
def test_in_any_order_every_day_is_in_an_episode_and_none_shrinks(days, reach):
    episodes = []
    for day in days:
        answer = decide_case(day, episodes, reach)
        if isinstance(answer, Add):
            before = answer.episode
            assert answer.first <= before.first <= before.last <= answer.last
            episodes[episodes.index(before)] = before._replace(first=answer.first, last=answer.last)
        else:
            assert all(not each.first - reach <= day <= each.last + reach for each in episodes)
            episodes.append(Episode(answer.number, answer.number, day, day))
        assert any(each.first <= day <= each.last for each in episodes)
        assert date.fromordinal(day) and answer.why
    assert len({each.number for each in episodes}) == len(episodes)


def test_a_reach_is_a_day_at_least():
    with pytest.raises(ValueError, match="at least 1"):
        decide_case(1, [], 0)


words = st.text(st.sampled_from("aB éß'- 1_ﬁ"), max_size=6)


@given(st.lists(st.tuples(words, words, st.sampled_from(["", "1985-03-04"]), st.sampled_from(["", "LE5 4PW"]))))
def test_keys_by_the_column_are_the_keys_one_by_one(rows):
    given_names, family_names, births, postcodes = (
        (list(column) for column in zip(*rows, strict=True)) if rows else ([],) * 4
    )
    names = identity.name_keys(given_names, family_names)
    assert names == [identity.name_key(given, family) for given, family, _, _ in rows]
    assert identity.match_keys(names, births, postcodes) == list(map(identity.match_key, names, births, postcodes))


@given(words)
def test_a_name_is_compared_by_its_letters_and_digits(word):
    accents = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    assert identity.name_key("", word) == "".join(c for c in accents.casefold() if c.isalnum()) + " "
