"""The areas that come with Ringfence: complete, and codes of every year since 2012 resolve."""

from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.geography.atlas import TOGETHER, Lineage, UnknownArea, packaged

ENGLAND = packaged()
DAYS = st.dates(date(2019, 4, 1), date(2026, 12, 31))

# Mid-2019 population of England, Office for National Statistics.
MID_2019 = 56_286_961


def test_the_number_of_authorities_and_regions():
    assert len(ENGLAND.upper_tier()) == 153
    assert len(ENGLAND.lower_tier()) == 296
    assert len(ENGLAND.regions()) == 9
    assert Counter(a.kind for a in ENGLAND.upper_tier()) == {
        "unitary": 63,
        "metropolitan": 36,
        "london": 33,
        "county": 21,
    }


@pytest.mark.parametrize(
    ("on", "lower", "upper"),
    [
        (date(2019, 6, 1), 317, 151),
        (date(2020, 6, 1), 314, 151),
        (date(2021, 6, 1), 309, 152),
        (date(2023, 6, 1), 296, 153),
    ],
)
def test_the_number_of_authorities_at_the_time(on, lower, upper):
    assert (len(ENGLAND.lower_tier(on)), len(ENGLAND.upper_tier(on))) == (lower, upper)


@given(DAYS)
def test_both_tiers_hold_all_of_england_s_people_on_every_day(on):
    assert sum(a.population for a in ENGLAND.lower_tier(on)) == MID_2019
    # A county's figure is the publisher's own, so its districts sum to it.
    for county in (a for a in ENGLAND.upper_tier(on) if a.kind == "county"):
        assert sum(a.population for a in ENGLAND.children(county.code, on)) == county.population
    assert sum(a.population for a in ENGLAND.upper_tier(on)) == MID_2019


def test_names_are_told_apart_among_areas_in_force():
    for listed in (ENGLAND.upper_tier(), ENGLAND.lower_tier()):
        assert len({area.name for area in listed}) == len(listed)


def test_every_area_in_force_in_england_lies_in_a_region_and_has_a_place():
    for area in {*ENGLAND.upper_tier(), *ENGLAND.lower_tier()}:
        line = ENGLAND.lineage(area.code)
        assert line.utla is not None
        assert line.region is not None
        assert line.nation == "E92000001"
        assert 80_000 < area.easting < 656_000
        assert 5_000 < area.northing < 658_000


def test_lineage():
    assert ENGLAND.lineage("E07000130") == Lineage("E07000130", "E07000130", "E10000018", "E12000004", "E92000001")
    assert ENGLAND.lineage("E06000016") == Lineage("E06000016", "E06000016", "E06000016", "E12000004", "E92000001")
    assert ENGLAND.lineage("E10000018") == Lineage("E10000018", None, "E10000018", "E12000004", "E92000001")
    assert ENGLAND.lineage("E07000150").utla == "E10000021"
    assert ENGLAND.lineage("S12000049") == Lineage("S12000049", None, None, None, "S92000003")


def test_children_follow_the_date():
    assert len(ENGLAND.children("E10000018")) == 7
    assert ENGLAND.children("E10000021") == []
    assert len(ENGLAND.children("E10000021", date(2021, 3, 31))) == 7
    assert [a.name for a in ENGLAND.children("E92000001")] == [a.name for a in ENGLAND.regions()]


@pytest.mark.parametrize(
    ("code", "on", "codes"),
    [
        ("E07000150", None, ("E06000061",)),  # Corby
        ("E07000150", date(2021, 3, 31), ("E07000150",)),
        ("E07000150", date(2021, 4, 1), ("E06000061",)),
        ("E07000004", None, ("E06000060",)),  # Aylesbury Vale
        ("E07000190", None, ("E06000066",)),  # Taunton Deane, by way of Somerset West and Taunton
        ("E07000190", date(2020, 1, 1), ("E07000246",)),
        ("E07000048", None, ("E06000058",)),  # Christchurch, of Dorset
        ("E07000026", None, ("E06000063",)),  # Allerdale
        ("E07000163", None, ("E06000065",)),  # Craven
        ("E08000016", None, ("E08000038",)),  # Barnsley
        ("E08000039", date(2020, 8, 31), ("E08000019",)),  # Sheffield
        ("E10000006", None, ("E06000063", "E06000064")),  # Cumbria, divided
        ("E10000009", None, ("E06000059", "E06000058")),  # Dorset, divided
        ("E06000058", date(2018, 1, 1), ("E06000028", "E06000029", "E07000048")),
        ("E06000066", date(2020, 1, 1), ("E07000189", "E07000246", "E07000188", "E07000187")),
    ],
)
def test_current(code, on, codes):
    found = ENGLAND.current(code, on)
    assert found.codes == codes
    assert found.why.endswith(".")
    assert code in found.why


def test_why_says_what_happened():
    assert ENGLAND.current("E07000190").why == (
        "Taunton Deane (E07000190) became Somerset (E06000066), by 1 April 2023."
    )
    assert ENGLAND.current("E08000039", date(2020, 8, 31)).why == (
        "Sheffield (E08000039) did not exist yet; its people were then in Sheffield (E08000019), until 1 April 2025."
    )
    assert "taken as equal" in ENGLAND.current("E06000058", date(2018, 1, 1)).why


@given(st.sampled_from([a.code for a in ENGLAND if a.code[0] == "E"]), st.none() | DAYS)
def test_every_code_of_england_has_codes_in_force_on_every_day(code, on):
    found = ENGLAND.current(code, on)
    assert sum(found.shares) == pytest.approx(1, abs=1e-3)
    assert list(found.shares) == sorted(found.shares, reverse=True)
    for each in found.codes:
        assert ENGLAND.area(each).in_force(on)


@pytest.mark.parametrize(
    ("name", "code"), [("Hackney and City of London", "E09000012"), ("Cornwall and Isles of Scilly", "E06000052")]
)
def test_areas_that_the_health_agency_published_together(name, code):
    found = ENGLAND.current(code, name=name)
    assert found.codes == TOGETHER[name]
    assert sum(found.shares) == pytest.approx(1)
    assert found.shares[0] > 0.9
    assert ENGLAND.current(code).codes == (code,)
    assert [area.code for area in ENGLAND.named(name)] == list(TOGETHER[name])


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Leicester", "E06000016"),
        ("blackburn  with darwen", "E06000008"),
        ("Bristol", "E06000023"),
        ("Kingston upon Hull, City of", "E06000010"),
        ("City of London", "E09000001"),
        ("London", "E12000007"),
        ("Brighton & Hove", "E06000043"),
        ("Kings Lynn and West Norfolk", "E07000146"),
    ],
)
def test_named(name, code):
    assert [area.code for area in ENGLAND.named(name)] == [code]


def test_named_follows_the_date():
    assert ENGLAND.named("Corby") == []
    assert [a.code for a in ENGLAND.named("Corby", date(2020, 8, 31))] == ["E07000150"]
    assert [a.code for a in ENGLAND.named("Sheffield", date(2020, 8, 31))] == ["E08000019"]


@pytest.mark.parametrize("code", ["", "E06999999", "leicester"])
def test_an_unknown_code_is_refused(code):
    for ask in (ENGLAND.area, ENGLAND.lineage, ENGLAND.current, ENGLAND.children):
        with pytest.raises(UnknownArea, match="not the code of an area"):
            ask(code)


def test_an_authority_for_every_code_that_a_postcode_may_have():
    assert {a.code for a in ENGLAND.lower_tier()} <= ENGLAND.authorities.keys()
    assert ENGLAND.authorities["E07000130"].utla == "E10000018"
    assert ENGLAND.authorities["S12000049"].country == "Scotland"
    assert "E12000004" not in ENGLAND.authorities
    for code, authority in ENGLAND.authorities.items():
        assert (authority.ltla == code) == (code[0] == "E")
