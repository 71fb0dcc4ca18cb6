"""Contacts, exposures, settings and households, on whatever may be drawn."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.rules import contacts, exposures, households, settings
from ringfence.rules.calendar import DAY
from ringfence.rules.contacts import Candidate, Exposed, Exposure
from ringfence.rules.identity import Known, Same
from ringfence.rules.isolation import for_contact
from ringfence.rules.policy import ENGLAND, EXERCISE
from ringfence.rules.settings import Kind, New, Place

days = st.dates(date(2020, 6, 1), date(2022, 2, 23))
around = st.integers(-30, 30)
names = st.text(max_size=40)
POSTCODES = ("BB1 1AA", "BB1 1AB", "")


@given(days, st.integers(0, 10), around, st.integers(0, 20))
def test_a_stay_is_in_a_window_when_one_of_its_days_is(specimen, before, start, length):
    found = exposures.windows(specimen, specimen - before * DAY, ENGLAND, specimen)
    first = specimen + start * DAY
    stay = [first + each * DAY for each in range(length + 1)]
    could_infect = any(each in found.infectious for each in stay)
    was_infected = any(each in found.backward for each in stay)
    expected = {(1, 1): "both", (1, 0): "infectious", (0, 1): "backward", (0, 0): "outside"}[could_infect, was_infected]
    assert exposures.seen(first, stay[-1], found).window == expected


@given(days, around, st.booleans())
def test_a_contact_counts_on_an_infectious_day_alone(specimen, away, home):
    found = exposures.windows(specimen, None, ENGLAND, specimen)
    answer = contacts.exposed(specimen + away * DAY, home, found)
    if isinstance(answer, Exposed):
        assert answer.last_contact in found.infectious
    assert isinstance(answer, Exposed) or (specimen + away * DAY) not in found.infectious


@given(st.lists(st.tuples(days, st.integers(0, 5), st.booleans()), min_size=1, max_size=4))
def test_of_several_exposures_the_latest_end_counts(drawn):
    named = [Exposure(last, last + late * DAY, last if home else None) for last, late, home in drawn]
    on = max(each.identified for each in named)
    whole = contacts.isolates(named, ENGLAND, on)
    each = [for_contact(x.last_contact, x.identified, ENGLAND, on, household_day_0=x.household_day_0) for x in named]
    assert (whole.until_date or date.min) == max(one.until_date or date.min for one in each)
    assert contacts.isolates(reversed(named), ENGLAND, on).until_date == whole.until_date


def test_nobody_isolates_without_an_exposure():
    with pytest.raises(ValueError, match="at least one"):
        contacts.isolates([], ENGLAND, date(2021, 1, 1))


entries = st.builds(
    lambda given_name, born, home, phone: contacts.read(
        {
            "id": "e-1",
            "given_name": given_name,
            "family_name": "Lee",
            "birth_date": born.isoformat() if born else None,
            "household": home,
            "phone": phone,
            "last_contact": "2020-08-09",
        }
    ),
    st.sampled_from(("Ann", "Bo", "")),
    st.none() | st.sampled_from((date(1980, 1, 1), date(1990, 1, 1))),
    st.booleans(),
    st.sampled_from(("07700900001", "")),
)
candidates = st.lists(
    st.builds(
        lambda id_, name, born, at, home, phone: Candidate(Known(id_, "", f"lee {name}", born, at), home, phone),
        st.integers(1, 9),
        st.sampled_from(("ann", "bo")),
        st.sampled_from(("1980-01-01", "1990-01-01", "")),
        st.sampled_from(POSTCODES),
        st.booleans(),
        st.booleans(),
    ),
    max_size=6,
    unique_by=lambda each: each.known.id,
)


@given(entries, st.sampled_from(POSTCODES), candidates)
def test_nobody_is_taken_for_somebody_of_another_name_or_birth_date(entry, postcode, known):
    found = contacts.who(entry, postcode, known)
    if isinstance(found, Same):
        who = next(each.known for each in known if each.known.id == found.person)
        assert who.name == entry.name
        assert not entry.birth_date or who.birth_date in ("", entry.birth_date.isoformat())
    assert contacts.who(entry, postcode, known[::-1]) == found


@given(names)
def test_a_key_is_its_own_key(name):
    key = settings.name_key(name)
    assert settings.name_key(key) == key
    assert len(key) <= settings.LONGEST_KEY


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Mill Ltd.", "mill"),
        ("Tesco\N{RIGHT SINGLE QUOTATION MARK}s", "TESCOS"),
        ("Café Noir", "cafe noir"),
        ("Smith & Sons", "Smith and Sons"),
        ("St. Mary's  School", "St Marys School"),
    ],
)
def test_what_does_not_count_in_a_name(one, other):
    assert settings.name_key(one) == settings.name_key(other)


def test_a_name_of_such_words_alone_is_kept():
    assert settings.name_key("The Co") == "the co"


def test_the_same_place_needs_name_kind_and_postcode():
    mill = Place(3, "The Mill", Kind.WORKPLACE, "BB1 1AA")
    assert settings.resolve(Place(0, "MILL LTD", Kind.WORKPLACE, "BB1 1AA"), [mill]).setting == 3
    for other in (
        mill._replace(id=0, kind=Kind.SHOP),
        mill._replace(id=0, postcode="BB1 1AB"),
        mill._replace(id=0, name="Mill House"),
        mill._replace(id=0, postcode=""),
    ):
        assert isinstance(settings.resolve(other, [mill]), New)


places = st.lists(
    st.builds(
        Place,
        st.integers(1, 99),
        st.sampled_from(("The Mill", "Mill", "Mill House", "Mil", "Tesco", "Tesko", "")),
        st.sampled_from((Kind.WORKPLACE, Kind.SHOP)),
        st.sampled_from(POSTCODES),
        st.integers(0, 5),
    ),
    max_size=8,
    unique_by=lambda each: each.id,
)


@given(places)
def test_duplicates_are_at_one_postcode_and_keep_the_better_known(known):
    by_id = {each.id: each for each in known}
    for pair in settings.duplicates(known):
        keep, merge = by_id[pair.keep], by_id[pair.merge]
        assert keep.postcode == merge.postcode != ""
        assert keep.cases >= merge.cases
    assert {(each.keep, each.merge) for each in settings.duplicates(known[::-1])} == {
        (each.keep, each.merge) for each in settings.duplicates(known)
    }


def test_a_slip_of_the_pen_is_asked_about():
    known = [Place(1, "Tesco", Kind.SHOP, "BB1 1AA", 4), Place(2, "Tesko", Kind.SHOP, "BB1 1AA")]
    (pair,) = settings.duplicates(known)
    assert (pair.keep, pair.merge) == (1, 2)
    assert settings.duplicates([known[0], known[1]._replace(name="Boots")]) == []


@given(places, st.sampled_from(("mi", "te", "house", "", "MILL h")), st.sampled_from(POSTCODES))
def test_suggestions_have_every_word_that_was_typed(known, typed, postcode):
    found = settings.suggest(typed, known, postcode)
    assert len(found) <= 8
    assert set(found) <= set(known)
    for each in found:
        assert all(any(w.startswith(t) for w in each.name.casefold().split()) for t in typed.casefold().split())
    there = [each.postcode == postcode for each in found]
    assert there == sorted(there, reverse=True)


@given(st.text(max_size=20), st.sampled_from(POSTCODES), st.integers(1, 2**62))
def test_there_is_always_a_household(address, postcode, person):
    found = households.key(address, postcode, person)
    assert -(2**63) <= found < 2**63
    assert households.key(address, postcode, person) == found


def test_homes_without_an_address_are_told_apart():
    assert households.key("", "", 1) != households.key("", "", 2)
    assert households.key("1 High Street", "BB1 1AA", 1) == households.key("1 high street", "BB1 1AA", 2)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)))
def test_a_number_rests_for_the_gap_and_through_the_night(at):
    rested = households.rests_until(at, EXERCISE)
    assert rested >= at + timedelta(minutes=EXERCISE.retry_gap_minutes)
    assert rested - at < timedelta(days=1)
