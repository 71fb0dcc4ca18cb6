"""The figures of an area from its counts: the nowcast of the last days, R and growth, who is compared with whom."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from ringfence.geography.atlas import packaged
from ringfence.queries.today import Sums, compared, figures, nearest
from ringfence.rules.figures import shared
from tests.town import BLACKBURN

TODAY = date(2026, 11, 22)
DAY = timedelta(days=1)

Row = tuple[str, date, date | None, int]


def rows(a_day: float, growing: float = 1.0, delays: tuple[float, ...] = (0.2, 0.3, 0.3, 0.2)) -> list[Row]:
    """Counts of cases as they stand today, when so many a day are reported in such shares after 0, 1, 2 ... days."""
    found: list[Row] = []
    for ago in range(56):
        on = TODAY - ago * DAY
        for delay, share in enumerate(delays):
            if delay <= ago:
                found.append(("cases", on, on + delay * DAY, round(a_day * share * growing**-ago)))
    return found


def test_the_last_days_are_what_they_will_be() -> None:
    found = figures(BLACKBURN, rows(1000), TODAY)
    assert [day.cases for day in found.days[-4:]] == [1000, 800, 500, 200]
    assert [day.complete for day in found.days[-4:]] == [True, False, False, False]
    assert sorted(found.expected) == [TODAY - 2 * DAY, TODAY - DAY, TODAY]
    for each in found.expected.values():
        assert each.value == pytest.approx(1000) and each.lower < 1000 < each.upper
    assert (found.week, found.week_before, found.change) == (7000, 7000, 0)
    assert found.reproduction is not None and found.reproduction.lower < 1 < found.reproduction.upper
    assert found.doubling_days is None


def test_where_nobody_is_reported_on_the_day_nothing_is_said_of_today() -> None:
    found = figures(BLACKBURN, rows(1000, delays=(0, 0.5, 0.5)), TODAY)
    assert sorted(found.expected) == [TODAY - 2 * DAY, TODAY - DAY]
    assert found.expected[TODAY - DAY].value == pytest.approx(1000)
    assert figures(BLACKBURN, rows(1000, delays=(0, 0, 0, 1)), TODAY).expected == {}


def test_growth_shows_in_r_and_in_the_days_to_double() -> None:
    found = figures(BLACKBURN, rows(4000, growing=2 ** (1 / 7)), TODAY)
    assert found.doubling_days == pytest.approx(7, rel=0.02)
    assert found.growth_percent is not None
    assert found.growth_percent.value == pytest.approx(10.41, rel=0.03), (
        "2 to the power of a seventh, and not its logarithm"
    )
    assert found.growth_percent.lower < found.growth_percent.value < found.growth_percent.upper
    assert found.reproduction is not None and found.reproduction.lower > 1
    falling = figures(BLACKBURN, rows(40, growing=2 ** (-1 / 7)), TODAY)
    assert falling.doubling_days == pytest.approx(-7, rel=0.05)
    few = figures(BLACKBURN, [("cases", TODAY - 9 * DAY, TODAY - 9 * DAY, 3)], TODAY)
    assert few.reproduction is None and few.growth is None and few.week == 3
    nothing = figures(BLACKBURN, [], TODAY)
    assert nothing.expected == {} and nothing.change is None and nothing.all_tests.positivity is None


def test_only_small_counts_of_others_are_kept_back(db: None) -> None:
    assert [shared(count) for count in (0, 1, 4, 5)] == [0, None, None, 5]
    atlas = packaged()
    near = nearest(atlas.area(BLACKBURN), atlas.upper_tier())
    assert [each.name for each in near] == ["Lancashire", "Bolton", "Bury", "Wigan", "Rochdale"]
    everywhere = {area.code: Sums(3, 3, 3, 3, 3, 3) for area in atlas.upper_tier()}
    lines = {each.name: each for each in compared(BLACKBURN, everywhere)}
    assert list(lines) == ["Blackburn with Darwen", *(each.name for each in near), "North West", "England"]
    for each in near:
        assert (lines[each.name].rate, lines[each.name].positivity, lines[each.name].reached) == (None, None, None)
    assert lines["North West"].rate is not None and lines["Blackburn with Darwen"].positivity == 50
