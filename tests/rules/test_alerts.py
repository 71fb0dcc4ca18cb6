"""The words and the order of what a director is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.rules import alerts
from ringfence.rules.alerts import Finding, Method

TODAY = date(2020, 8, 10)

GYM = Finding(
    Method.EXPOSURE,
    "exposure:E06000016:LE5 4PW:sport",
    "E06000016",
    "Flex (leisure or sport) at LE5 4PW",
    date(2020, 8, 3),
    date(2020, 8, 8),
    (1, 2, 3, 4, 5, 6),
    0.4,
    households=5,
    observed=6,
)


def test_the_evidence_is_one_sentence() -> None:
    assert alerts.evidence(GYM) == (
        "6 cases from 5 households named Flex (leisure or sport) at LE5 4PW, 3 to 8 August; expected by chance less than"
        " once a year."
    )
    scan = replace(GYM, method=Method.SCAN, place="17 postcodes round LE5 4PW", expected=1.25, false_alarms=0.05)
    assert alerts.evidence(scan) == (
        "6 cases in 17 postcodes round LE5 4PW, 3 to 8 August, where 1.2 were to be expected; expected by chance less than"
        " once in ten years."
    )
    total = replace(
        GYM,
        method=Method.EXCEEDANCE,
        place="Leicester",
        cases=(),
        observed=40,
        expected=12.2,
        start=GYM.end,
        false_alarms=3,
    )
    assert alerts.evidence(total) == (
        "40 cases in Leicester on 8 August, where 12 were to be expected; expected by chance about 3 times a year."
    )
    one = replace(GYM, cases=(1,), also=("same postcode",))
    assert alerts.evidence(one).startswith("1 case from") and alerts.evidence(one).endswith(
        "Also found by: same postcode."
    )


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (date(2020, 8, 3), date(2020, 8, 3), "3 August"),
        (date(2020, 8, 3), date(2020, 8, 8), "3 to 8 August"),
        (date(2020, 7, 29), date(2020, 8, 2), "29 July to 2 August"),
        (date(2020, 8, 3), date(2021, 8, 8), "3 August to 8 August"),
    ],
)
def test_days_as_they_are_said(start: date, end: date, said: str) -> None:
    assert alerts.days_between(start, end) == said


def test_rarer_nearer_and_larger_come_first() -> None:
    rank = lambda finding: alerts.rank(finding, TODAY)  # noqa: E731
    assert rank(replace(GYM, false_alarms=0.04)) > rank(GYM) > rank(replace(GYM, false_alarms=4))
    assert rank(GYM) > rank(replace(GYM, method=Method.SCAN)) > rank(replace(GYM, method=Method.EXCEEDANCE))
    assert rank(GYM) > rank(replace(GYM, start=date(2020, 7, 20), end=date(2020, 7, 25)))
    assert rank(replace(GYM, complex_setting=True)) > rank(GYM)
    assert rank(replace(GYM, cases=tuple(range(60)))) > rank(GYM)


def test_one_thing_is_told_once() -> None:
    homes = replace(GYM, method=Method.COINCIDENCE, key="c", cases=(1, 2, 3), place="LE5 4PW")
    (kept,) = alerts.one_list([homes, GYM], TODAY)
    assert kept.key == GYM.key and kept.also == ("same postcode",) and kept.false_alarms == GYM.false_alarms
    (rarer,) = alerts.one_list([replace(homes, false_alarms=0.02), GYM], TODAY)
    assert rarer.key == GYM.key and rarer.false_alarms == 0.02, "as rare as the rarer of the two"
    elsewhere = replace(homes, area="E06000018")
    assert len(alerts.one_list([elsewhere, GYM], TODAY)) == 2
    many = replace(homes, cases=tuple(range(4, 20)))
    assert len(alerts.one_list([many, GYM], TODAY)) == 2, "three of sixteen were at the gym"
    others = replace(homes, cases=(1, 20, 21))
    assert len(alerts.one_list([others, GYM], TODAY)) == 2


def test_a_key_is_told_once_and_the_better_finding_of_it_stays() -> None:
    again = replace(GYM, start=date(2020, 7, 25), end=date(2020, 7, 28), cases=(7, 8))
    assert alerts.one_list([again, GYM], TODAY) == [GYM]


def test_two_places_that_the_same_cases_named_are_two_places() -> None:
    shop = replace(GYM, key="exposure:E06000016:LE5 4PX:shopping")
    assert len(alerts.one_list([shop, GYM], TODAY)) == 2


findings = st.builds(
    Finding,
    st.sampled_from(Method),
    st.uuids().map(str),
    st.sampled_from(["E06000016", "E06000018"]),
    st.just("a place"),
    st.dates(date(2020, 7, 1), date(2020, 7, 20)),
    st.dates(date(2020, 7, 21), TODAY),
    st.lists(st.integers(1, 9), unique=True, max_size=5).map(tuple),
    st.floats(0, 100),
    households=st.integers(2, 9),
    observed=st.floats(0, 50),
    expected=st.floats(0, 50),
)


@given(st.lists(findings, max_size=8))
def test_the_list_is_in_order_and_nothing_is_lost(those: list[Finding]) -> None:
    kept = alerts.one_list(those, TODAY)
    ranks = [alerts.rank(each, TODAY) for each in kept]
    assert ranks == sorted(ranks, reverse=True)
    keys = {each.key for each in kept}
    assert all(each.key in keys for each in those if not each.cases)
    for each in those:
        if each.cases and each.key not in keys:
            assert any(set(each.cases) & set(other.cases) and other.area == each.area for other in kept)


@pytest.mark.parametrize("method", Method)
def test_what_is_said_of_chance_is_what_simulation_brought(method: Method) -> None:
    for said, seen in alerts.SIMULATED[method]:
        assert alerts.simulated(method, said) == pytest.approx(seen)
    (least, fewest), *_, (most, highest) = alerts.SIMULATED[method]
    assert alerts.simulated(method, least / 100) == pytest.approx(fewest / 100)
    assert alerts.simulated(method, most * 3) == pytest.approx(highest * 3)
    told = [alerts.simulated(method, 1.2**step) for step in range(-40, 40)]
    assert told == sorted(told), "what is rarer stays rarer"
    assert alerts.simulated(method, 0) == 0


def test_coincidences_are_commoner_than_cases_spread_evenly_would_bring() -> None:
    """Postcodes hold one to a hundred addresses: what the formula takes for twice in ten years comes once in one."""
    assert alerts.simulated(Method.COINCIDENCE, 0.5) == 1.2
    assert alerts.simulated(Method.COINCIDENCE, 100) == pytest.approx(94)


def test_over_after_fourteen_quiet_days() -> None:
    assert not alerts.over(TODAY - timedelta(days=14), TODAY)
    assert alerts.over(TODAY - timedelta(days=15), TODAY)


def test_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="ends on 2020-08-01, before it begins"):
        replace(GYM, end=date(2020, 8, 1))
    with pytest.raises(ValueError, match="-1 false alarms"):
        replace(GYM, false_alarms=-1)


HOMES = replace(GYM, method=Method.COINCIDENCE, key="homes", cases=(1, 2, 3), place="LE5 4PW", false_alarms=0.02)
SCAN = replace(GYM, method=Method.SCAN, key="scan", cases=(1, 2, 3, 20), expected=1.0, score=5.0, false_alarms=0.3)


def test_what_stands_takes_in_what_is_found_later_of_the_same_cases() -> None:
    (kept,), ended = alerts.with_standing([SCAN], [GYM], TODAY)
    assert (kept.key, kept.also, kept.false_alarms, ended) == (GYM.key, ("space-time scan",), 0.3, [])
    (again,), _ = alerts.with_standing([replace(GYM, cases=(1, 2, 3, 4, 5, 6, 7))], [kept], TODAY)
    assert again.number == 7 and again.also == kept.also and again.false_alarms == 0.3, "what the scan said of it stays"
    wide = replace(SCAN, cases=(1, 2, 3, *range(20, 30)))
    assert alerts.with_standing([wide], [GYM], TODAY) == ([wide], []), "most of it is something else"
    elsewhere = replace(SCAN, area="E06000018")
    assert alerts.with_standing([elsewhere], [GYM], TODAY) == ([elsewhere], [])


def test_what_tells_more_ends_what_stands_of_the_same_cases() -> None:
    (kept,), ended = alerts.with_standing([GYM], [HOMES, SCAN], TODAY)
    assert (kept.key, set(kept.also), kept.false_alarms) == (GYM.key, {"same postcode", "space-time scan"}, 0.02)
    assert sorted(ended) == ["homes", "scan"]
    many = replace(HOMES, cases=tuple(range(1, 14)))
    assert alerts.with_standing([GYM], [many], TODAY) == ([GYM], []), "most of it was not at the gym"
    one = replace(HOMES, cases=(1, 30))
    assert alerts.with_standing([one], [SCAN], TODAY) == ([one], []), "a quarter of the scan's"


def test_a_scan_goes_on_under_its_key_and_each_only_once() -> None:
    today, other = replace(SCAN, key="a", cases=(2, 3, 20, 21)), replace(SCAN, key="b", cases=(1, 20))
    kept, ended = alerts.with_standing([today, other], [SCAN], TODAY)
    assert [(each.key, each.cases) for each in kept] == [("scan", today.cases), ("b", other.cases)] and ended == []
