"""Exceedance against R's package surveillance 1.20.3, whose figures stand here, for a series made by a formula."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from ringfence.methods import exceedance
from ringfence.methods.exceedance import NOUFAILY, Farrington


def weekly(area: int) -> list[int]:
    """Three hundred weeks with seasons, in one area a trend, an outbreak in the past and one in the last week."""
    counts = []
    for week in range(300):
        base = [18, 3, 60][area] * (1 + 0.4 * math.sin(2 * math.pi * week / 52)) * (1 + [0, 0, 0.002][area] * week)
        count = max(0, round(base + ((week * 7919 + area * 31) % 13 - 6) * base**0.5 / 3))
        if 200 <= week < 205:
            count += 5 * [8, 2, 20][area]
        if week == 299:
            count += [20, 6, 10][area]
        counts.append(count)
    return counts


COUNTS = np.array([weekly(area) for area in range(3)], dtype=float)
LAST = [297, 298, 299]

#: Settings -> upperbound, expected, pvalue and score of R, a row for each of the last three weeks.
FLEXIBLE = {
    "as R has it": (
        Farrington(),
        [[17.402366103591, 5.810134805622, 76.427948782398], [17.402366103591, 5.810134805622, 76.369967169087],
         [17.556950291286, 5.810134805622, 76.092932682632]],
        [[10.142857142967, 2.142857142864, 61.192177887979], [10.142857142967, 2.142857142864, 60.558075058359],
         [10.285714285818, 2.142857142864, 60.591934067978]],
        [[0.1813738841122, 0.9592117742651, 0.6410376636872], [0.08876267686358, 0.9592117742651, 0.3964209849228],
         [0.001773275707856, 0.01818779972019, 0.03294971694352]],
        [[0.5313228316067, -0.5843182163774, -0.2095186328345], [0.8068235591143, -0.5843182163774, 0.1544359729083],
         [1.886101029298, 1.324454623783, 1.123028674783]],
    ),
    "with a quantile of the mean": (
        Farrington(threshold="muan"),
        [[18, 6, 77], [18, 6, 77], [18, 6, 77]],
        [[10.142857142967, 2.142857142864, 61.192177887979], [10.142857142967, 2.142857142864, 60.558075058359],
         [10.285714285818, 2.142857142864, 60.591934067978]],
        [[0.2173025409901, 1, 0.689108257728], [0.114501666383, 1, 0.445055749774],
         [0.00405988072885, 0.04273330664322, 0.04487361449502]],
        [[0.7449505025033, -0.1455060004703, 0.7393188671467], [0.8724752512516, -0.1455060004703, 0.8079466126976],
         [1.382915728959, 1.190917666745, 1.013718204282]],
    ),
    "in routine use": (
        NOUFAILY,
        [[22, 9, 86], [22, 9, 87], [22, 9, 87]],
        [[10.191071133521, 2.351041265794, 60.078901025899], [10.311657864481, 2.270558486716, 59.914479686047],
         [10.524450865654, 2.204499094959, 60.42489221997]],
        [[0.2045424960929, 1, 0.5831134455307], [0.1112226501759, 1, 0.389259514995],
         [0.004636721701528, 0.04190733581899, 0.0623252346755]],
        [[0.5934647020205, -0.1049531555897, 0.6581377792574], [0.694916157802, -0.1002479731163, 0.7105193008736],
         [1.101800345233, 0.7563797945299, 0.8914336294693]],
    ),
    "with square roots, no trend and no weights": (
        Farrington(power="1/2", trend=False, reweight=False),
        [[17.915409708545, 6.292622346865, 65.226391163511], [17.915409708545, 6.292622346865, 65.37462636175],
         [18.06619498419, 6.292622346865, 65.293228217554]],
        [[10.142857142967, 2.142857142864, 47.714285714286], [10.142857142967, 2.142857142864, 47.571428571428],
         [10.285714285818, 2.142857142864, 47.8]],
        [[0.1910251618964, 0.9894134465219, 0.1594462203514], [0.1003347734538, 0.9894134465219, 0.07497603264311],
         [0.003822698172726, 0.03137597843583, 0.00342401892273]],
        [[0.4962517557122, -0.5163803341927, 0.5873488094014], [0.7535674809036, -0.5163803341927, 0.8666179868517],
         [1.762652751912, 1.170462090832, 1.726382324887]],
    ),
}  # fmt: skip

FARRINGTON = [[18.186348019438, 6.238881876155, 78.04517702449], [18.186348019438, 6.238881876155, 78.239219033449],
              [18.451069885779, 6.238881876155, 77.831547332359]]  # fmt: skip

EARS = {
    "C1": [[29.47172337165, 8.174373008891, 109.226448151839], [28.347808119839, 8.174373008891, 106.262130853565],
           [26.374905464086, 8.174373008891, 101.003957681961]],
    "C2": [[29.552529810902, 8.174373008891, 104.398340641425], [29.85772112426, 8.174373008891, 109.263982901953],
           [29.47172337165, 8.174373008891, 109.226448151839]],
    "C3": [[23.592293004603, 2.920115279732, 79.092119778687], [26.148284668687, 2.920115279732, 88.899650204924],
           [34.175286804225, 10.825457990978, 105.416152950086]],
}  # fmt: skip


@pytest.mark.parametrize("name", FLEXIBLE)
def test_farrington_flexible_agrees_with_r(name: str) -> None:
    settings, upper, expected, p_value, score = FLEXIBLE[name]
    found = exceedance.farrington_flexible(COUNTS, settings, at=LAST)
    assert pytest.approx(np.array(upper), rel=1e-11) == found.threshold.T
    assert pytest.approx(np.array(expected), rel=1e-11) == found.expected.T
    assert pytest.approx(np.array(p_value), rel=1e-9) == found.p_value.T
    assert pytest.approx(np.array(score), rel=1e-9) == found.score.T
    assert ((np.array(score) > 1) == found.alarm.T).all()


def test_farrington_agrees_with_r() -> None:
    found = exceedance.farrington(COUNTS, at=LAST)
    assert pytest.approx(np.array(FARRINGTON), rel=1e-11) == found.threshold.T
    assert found.alarm.T.tolist() == [[False] * 3, [False] * 3, [True] * 3]


@pytest.mark.parametrize("method", ["C1", "C2", "C3"])
def test_ears_agrees_with_r(method: str) -> None:
    found = exceedance.ears(COUNTS, method)  # type: ignore[arg-type]
    assert pytest.approx(np.array(EARS[method]), rel=1e-11) == found.threshold[:, -3:].T
    assert found.at[0] == {"C1": 7, "C2": 9, "C3": 11}[method]


#: Of weeks from Monday 6 January 2014 on, the epochs of R's series being dates: upperbound.
BY_CALENDAR = {
    "farrington": [[18.0981807218, 6.2388818761545, 78.698415470959], [18.186348019438, 6.2388818761545, 77.955286099706],
                   [18.347924679799, 6.2388818761545, 78.25986139926]],
    "flexible": [[17.348947239891, 5.8101348056219, 76.832068979033], [17.402366103591, 5.8101348056219, 76.221428882706],
                 [17.496343384349, 5.8101348056219, 76.419878932001]],
    "seasons": [[21.664051194529, 8.530953188846, 86.315445281704], [21.612321719144, 8.5397129554529, 87.293587578151],
                [21.715891385874, 8.4877877961959, 87.722055107062]],
}  # fmt: skip


@pytest.mark.parametrize("name", BY_CALENDAR)
def test_years_of_the_calendar_agree_with_r(name: str) -> None:
    dates = [date(2014, 1, 6) + timedelta(weeks=week) for week in range(300)]
    if name == "farrington":
        found = exceedance.farrington(COUNTS, at=LAST, dates=dates)
    else:
        settings = Farrington() if name == "flexible" else replace(NOUFAILY, threshold="delta")
        found = exceedance.farrington_flexible(COUNTS, settings, at=LAST, dates=dates)
    assert pytest.approx(np.array(BY_CALENDAR[name]), rel=1e-11) == found.threshold.T


def test_the_same_week_of_earlier_years_has_its_weekday() -> None:
    """Of Monday 29 February 2016 the nearest Mondays to 1 March 2015 and so on: 2 March 2015, 3 March 2014."""
    dates = [date(2013, 1, 7) + timedelta(weeks=week) for week in range(165)]
    week = dates.index(date(2016, 2, 29))
    _, middles = exceedance._years(np.zeros((1, 165)), Farrington(years=2), [week], dates)
    assert [dates[each] for each in middles[week]] == [date(2015, 3, 2), date(2014, 3, 3)]


def test_a_time_that_is_nearly_a_group_of_its_own_agrees_with_r() -> None:
    """Nothing for 133 weeks and then some twenty a week: the columns of the regression nearly depend on each other."""
    counts = np.array([[0.0 if week < 133 else 14 + (week * 7919) % 13 for week in range(300)]])
    found = exceedance.farrington_flexible(counts, Farrington(years=3, half_window=2, periods=4), at=[158, 159, 160])
    upper, expected = found.threshold[0], found.expected[0]
    assert upper == pytest.approx([0.55384957548572, 0.33898291692933, 0.23293535398656], rel=1e-7)
    assert expected == pytest.approx([3.5098422680889e-6, 2.0750492983476e-6, 1.3677807245811e-6], rel=1e-7)


def test_counts_that_never_change_have_no_trend() -> None:
    """Significance of a slope that is rounding is a matter of luck, in R as well."""
    counts = np.full((1, 300), 5.0)
    found, without = (
        exceedance.farrington(counts, replace(exceedance.FARRINGTON, trend=each)) for each in (True, False)
    )
    np.testing.assert_allclose(found.threshold, without.threshold, rtol=1e-12)


def test_one_week_asked_alone_is_that_week_among_all() -> None:
    alone = exceedance.farrington_flexible(COUNTS, at=[299])
    everything = exceedance.farrington_flexible(COUNTS)
    assert everything.at[0] == 263 and everything.at[-1] == 299
    for one, many in zip(alone[1:], everything[1:], strict=True):
        np.testing.assert_array_equal(one[:, 0], many[:, -1])


def test_areas_do_not_meet() -> None:
    """An area is judged the same whoever is judged with it."""
    for area in range(3):
        alone = exceedance.farrington_flexible(COUNTS[area : area + 1], NOUFAILY, at=LAST)
        together = exceedance.farrington_flexible(COUNTS, NOUFAILY, at=LAST)
        assert alone.threshold[0] == pytest.approx(together.threshold[area], rel=1e-10)


def test_too_few_cases_say_nothing() -> None:
    counts = np.zeros((1, 300))
    counts[0, 299] = 4
    found = exceedance.farrington_flexible(counts, at=[299])
    assert np.isnan(found.threshold[0, 0]) and not found.alarm[0, 0]
    counts[0, :250] = 1
    counts[0, 298] = 1
    assert not np.isnan(exceedance.farrington_flexible(counts, at=[299]).threshold[0, 0])


def test_an_outbreak_of_last_year_does_not_hide_one_of_now() -> None:
    """What the weights are for: with them the threshold after a past outbreak is lower."""
    counts = np.full((1, 300), 10.0) + np.tile([-2, 0, 2, 1, -1], 60)
    counts[0, 299 - 52] = 200
    with_weights = exceedance.farrington_flexible(counts, Farrington(), at=[299]).threshold[0, 0]
    without = exceedance.farrington_flexible(counts, Farrington(reweight=False), at=[299]).threshold[0, 0]
    assert with_weights < without


def test_a_flat_baseline() -> None:
    counts = np.zeros((1, 20))
    counts[0, 19] = 1
    assert exceedance.ears(counts, "C1").alarm[0, -1]
    assert not exceedance.ears(counts, "C1", least_sd=1).alarm[0, -1]
    assert np.isnan(exceedance.ears(counts, "C3").threshold[0, -1])


def test_what_cannot_be_asked() -> None:
    with pytest.raises(ValueError, match="baseline of 2 times: give 3 or more"):
        exceedance.ears(COUNTS, "C1", baseline=2)
    with pytest.raises(ValueError, match="of counts and the series has 7"):
        exceedance.ears(COUNTS[:, :7], "C1")
    with pytest.raises(ValueError, match="needs at least 264"):
        exceedance.farrington_flexible(COUNTS[:, :200])
    with pytest.raises(ValueError, match="can be judged; 3 to 3 were asked for"):
        exceedance.farrington(COUNTS, at=[3])
    with pytest.raises(ValueError, match="alpha of 1: give a chance between 0 and 1"):
        Farrington(alpha=1)
    with pytest.raises(ValueError, match="years is 0: give 1 or more"):
        Farrington(years=0)
    with pytest.raises(ValueError, match="60 periods of a year with 45 weeks"):
        exceedance.farrington_flexible(COUNTS, replace(NOUFAILY, periods=60))
    with pytest.raises(ValueError, match="least standard deviation of -1"):
        exceedance.ears(COUNTS, "C1", least_sd=-1)
