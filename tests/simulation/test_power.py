"""The study of power: what is planted, that all ways keep to one rate, and what is told of it."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from ringfence.simulation import lands, power, powertable

LAND = lands.generated(1, days=power.HISTORY + power.HORIZON + 12)
QUIET = power.play(LAND, np.random.default_rng(1))


def test_the_counts_are_those_of_the_day_and_nobody_is_known_before_the_report() -> None:
    assert (np.bincount(QUIET.day, minlength=len(LAND.counts)) == LAND.counts).all()
    assert (QUIET.reported >= QUIET.day).all()
    assert (QUIET.asked[QUIET.asked >= 0] > QUIET.reported[QUIET.asked >= 0]).all()
    sharing = 1 - len(set(QUIET.household.tolist())) / len(QUIET.household)
    assert 0.2 < sharing < 0.35
    for household in QUIET.household:
        assert len(set(QUIET.home[QUIET.household == household].tolist())) == 1


def test_cases_live_where_people_do_and_no_household_has_more_of_them_than_people() -> None:
    """Postcodes of 1 to 100 addresses; those with more have more cases, so that more of them meet by chance."""
    assert LAND.addresses.min() == 1 and LAND.addresses.max() <= 100 and 13 < LAND.addresses.mean() < 17
    homes = np.concatenate([power.play(LAND, np.random.default_rng(seed)).home for seed in range(10)])
    assert LAND.addresses[homes].mean() == pytest.approx((LAND.addresses**2).sum() / LAND.addresses.sum(), rel=0.1)
    assert np.unique(QUIET.household, return_counts=True)[1].max() <= len(power.PEOPLE)


@pytest.mark.parametrize("extent", power.EXTENTS)
def test_an_outbreak_is_where_it_is_said_to_be(extent: str) -> None:
    for seed in range(5):
        now = power.planted(LAND, QUIET, extent, 20, 55, np.random.default_rng(seed))
        new = slice(len(QUIET.day), None)
        assert len(now.day[new]) == 20 and now.day[new].min() == 55 and now.day[new].max() <= 55 + 13
        sectors = set(LAND.sector[now.home[new]].tolist())
        if extent == "postcode":
            assert len(set(now.home[new].tolist())) == 1
        if extent == "sector":
            assert len(sectors) == 1 and len(set(now.home[new].tolist())) > 3
        if extent == "authority":
            assert len(sectors) > 6
        named = now.place[len(QUIET.place) :]
        assert (len(named) > 2 and len(set(named.tolist())) == 1) == (extent == "setting")


def test_every_way_keeps_to_the_rate_and_so_do_they_together() -> None:
    random = np.random.default_rng(4)
    quiet = {name: random.random(20_000) for name in (*power.COMBINED, "C1")}
    limits = power.thresholds(quiet, 0.01)
    found = {name: each.mean() for name, each in power.alarms(quiet, limits).items()}
    assert found["C1"] == pytest.approx(0.01, abs=0.0002)
    assert found["combined"] == pytest.approx(0.01, abs=0.0003)


def test_what_is_planted_is_unusual_for_the_way_that_looks_there() -> None:
    days = range(58, 70)
    quiet = power.scores(LAND, QUIET, days, 1)
    for extent, name in (("setting", "exposures"), ("postcode", "coincidences"), ("sector", "scan")):
        loud = power.scores(LAND, power.planted(LAND, QUIET, extent, 30, 55, np.random.default_rng(3)), days, 1)
        assert loud[name].max() > quiet[name].max() + 1


def test_nothing_is_known_before_its_day() -> None:
    """An outbreak of later changes nothing about a day before it."""
    later = power.planted(LAND, QUIET, "postcode", 30, 60, np.random.default_rng(3))
    for name, each in power.scores(LAND, later, [59], 1).items():
        assert each == power.scores(LAND, QUIET, [59], 1)[name], name


@pytest.mark.nightly
def test_a_study_and_what_is_told_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power, "EXTENTS", ("postcode",))
    *said, found = power.study([LAND], quiet=1, outbreaks=2, sizes=(20,))
    assert said[0] == "nothing planted: 1 of 2" and isinstance(found, power.Study)
    planted, nothing = found.outcomes
    assert (planted.extent, planted.size, nothing.extent) == ("postcode", 20, "nothing")
    assert planted.days["coincidences"].max() <= 14
    assert set(found.seen) == set(power.COMBINED)


def told() -> power.Study:
    random = np.random.default_rng(0)
    ways = ["combined", *power.COMBINED, "C1 sectors by report", "C2 sectors by report"]
    outcomes = [
        power.Outcome(extent, 10, {name: random.integers(3 + 2 * at, 23, 30) for at, name in enumerate(ways)})
        for extent in power.EXTENTS
    ]
    seen = dict.fromkeys(power.COMBINED, ((50.0, 20.0), (1.0, 0.25)))
    return power.Study({}, dict.fromkeys(ways, 0.01), tuple(outcomes), seen)


def test_the_table_has_every_kind_and_the_best_of_exceedance() -> None:
    text = powertable.table(told())
    best = powertable.ways(told())[0]
    assert f"| {best} | scan alone |" in text
    assert all(powertable.WORDS[extent] in text for extent in power.EXTENTS)
    assert {line.count("|") for line in text.splitlines() if line} == {9, 6}
    assert "| 50 | 20.0 | 20.0 | 20.0 | 20.0 |" in text


def test_the_drawing_has_a_line_for_each_way_and_extent() -> None:
    root = ElementTree.fromstring(powertable.drawing(told()))
    assert len(root.findall(".//{*}path")) == 3 + 3 + 3 * len(power.EXTENTS)
    assert not [each for each in root.iter() if "nan" in "".join(each.attrib.values())]


def test_intervals() -> None:
    """Wilson's interval of 8 in 10 is 0.490 to 0.943."""
    low, high = powertable.interval(np.array([1] * 8 + [22] * 2))
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
