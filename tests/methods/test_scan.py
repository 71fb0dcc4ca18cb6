"""The space-time scan against the slow, obvious one, against published figures and against chance."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.methods import scan, windows
from tests.examples import examples
from tests.methods import obvious_scan as obvious

pytestmark = pytest.mark.usefixtures("compiled_scan")

LATTICE = st.tuples(st.integers(0, 4), st.integers(0, 4))


@st.composite
def studies(draw):
    """Up to nine places on a small lattice, so that many lie at one distance or on one spot."""
    places = draw(st.integers(1, 9))
    days = draw(st.integers(1, 9))
    points = np.array(draw(st.lists(LATTICE, min_size=places, max_size=places)), dtype=float)
    cells = st.integers(0, 3) if draw(st.booleans()) else st.sampled_from([0, 0, 0, 0, 1, 9])
    counts = np.array(draw(st.lists(cells, min_size=places * days, max_size=places * days))).reshape(places, days)
    population = np.array(draw(st.lists(st.integers(0, 40), min_size=places, max_size=places)), dtype=float)
    population[counts.sum(1) > 0] += 1
    population[0] += population.sum() == 0
    return points, counts, population


@st.composite
def ways(draw):
    return scan.Settings(
        model=draw(st.sampled_from(["poisson", "permutation"])),
        longest=draw(st.integers(1, 10)),
        largest=draw(st.sampled_from([0.2, 0.25, 0.5, 1.0])),
        farthest=draw(st.sampled_from([float("inf"), 2.0])),
        retrospective=draw(st.booleans()),
        least=draw(st.sampled_from([1, 2])),
        weekday=draw(st.booleans()),
        daily=draw(st.booleans()),
        reported=draw(st.sampled_from([(), (0.25, 0.5)])),
        replications=0,
        workers=draw(st.integers(1, 2)),
    )


def sparse(counts):
    place, day = np.nonzero(counts)
    return place, day, counts[place, day], counts.shape[1]


def expectation(counts, population, way, weekday):
    """What the slow scan expects, from the definitions in docs/methods/scan.md."""
    days = counts.shape[1]
    kinds = [(weekday + d) % 7 for d in range(days)]
    if way.model == "permutation":
        return obvious.expected_permutation(counts.tolist(), kinds if way.weekday else [0] * days), counts.sum(1)
    time = [1.0] * days
    for late, known in enumerate(way.reported[:days]):
        time[days - 1 - late] = known
    if way.daily:
        time = counts.sum(0).tolist()
    elif way.weekday:
        of_kind = [sum(counts[:, x].sum() for x in range(days) if kinds[x] == kinds[d]) for d in range(days)]
        known = [sum(time[x] for x in range(days) if kinds[x] == kinds[d]) for d in range(days)]
        time = [time[d] * of_kind[d] / known[d] for d in range(days)]
    return obvious.expected_poisson(counts.tolist(), population.tolist(), time), population


def shape(way):
    return {
        "longest": way.longest,
        "largest": way.largest,
        "farthest": way.farthest,
        "retrospective": way.retrospective,
        "least": way.least,
    }


@given(studies(), ways(), st.integers(0, 6))
@settings(max_examples=examples(10))
def test_the_clusters_are_those_of_the_slow_scan(study, way, weekday):
    points, counts, population = study
    found = scan.scan(points, *sparse(counts), way, population, weekday).clusters
    if counts.sum() < way.least:
        assert found == []
        return
    expected, measure = expectation(counts, population, way, weekday)
    slow = list(obvious.windows(points.tolist(), counts.tolist(), expected, measure.tolist(), **shape(way)))
    every = {(frozenset(each.places), each.first, each.last): each for some in slow for each in some}
    best = max((each.ratio for each in every.values()), default=0.0)
    assert (found[0].log_likelihood_ratio if found else 0.0) == pytest.approx(best, rel=1e-9, abs=1e-9)
    taken: set[int] = set()
    for each in found:
        same = every[frozenset(each.places), each.first_day, each.last_day]
        assert (each.observed, each.expected) == (same.observed, pytest.approx(same.expected, rel=1e-9))
        assert each.log_likelihood_ratio == pytest.approx(same.ratio, rel=1e-9)
        assert not taken & set(each.places)
        taken |= set(each.places)
    ratios = [each.log_likelihood_ratio for each in found]
    # Of two that are the same but for rounding either may come first.
    assert all(after <= before * (1 + 1e-12) for before, after in pairwise(ratios))
    # Every place's best window is listed, or shares a place with one that is at least as good.
    for some in slow:
        top = max((each.ratio for each in some), default=0.0)
        if top > 1e-9:
            equally = [each for each in some if each.ratio >= top * (1 - 1e-9)]
            assert any(
                set(each.places) & set(other.places) and other.log_likelihood_ratio >= top * (1 - 1e-9)
                for each in equally
                for other in found
            )


@given(studies(), ways(), st.integers(0, 6), st.integers(0, 1000))
@settings(max_examples=examples(10))
def test_the_largest_of_each_replication_is_that_of_the_slow_scan(study, way, weekday, seed):
    points, counts, population = study
    way = replace(way, replications=5, seed=seed)
    if counts.sum() < way.least:
        return
    expected, measure = expectation(counts, population, way, weekday)
    with scan.Scanner(points, counts.astype(np.int32), way, population, weekday) as scanner:
        maxima = scanner.maxima()
        dealt = [scanner.replication(number) for number in range(5)]
    for largest, table in zip(maxima, dealt, strict=True):
        near = [row[-table.shape[1] :] for row in expected]
        total = int(counts.sum())
        slow = obvious.greatest(points.tolist(), table.tolist(), near, measure.tolist(), total=total, **shape(way))
        assert largest == pytest.approx(slow, rel=1e-9, abs=1e-9)


def town(places=200, cases=400, days=14, seed=5):
    """A made-up town with clumps of places, and cases without any cluster."""
    generator = np.random.default_rng(seed)
    middles = generator.uniform(0, 100, (places // 20, 2))
    points = middles[generator.integers(0, len(middles), places)] + generator.normal(0, 4, (places, 2))
    population = generator.integers(1, 60, places).astype(float)
    cells = np.repeat(population / population.sum() / days, days)
    return points, generator.multinomial(cases, cells).reshape(places, days), population


def planted(counts, points, extra=6):
    """Further cases at the places nearest to the first, on the last two days."""
    nearest = np.argsort(((points - points[0]) ** 2).sum(1))[:5]
    counts = counts.copy()
    counts[nearest, -2:] += extra
    return counts


WAYS = [("poisson", False), ("poisson", True), ("permutation", False), ("permutation", True)]


@pytest.mark.parametrize(
    ("cases", "model", "retrospective"),
    [
        *((cases, *each) for cases in (40, 400) for each in WAYS),
        *(pytest.param(60_000, *each, marks=pytest.mark.nightly) for each in WAYS),
    ],
)
def test_leaving_out_what_cannot_be_the_largest_changes_nothing(cases, model, retrospective):
    """Few cases: many places in a group. Many: a place for itself, and counts of 32 bits."""
    points, counts, population = town(cases=cases)
    way = scan.Settings(model=model, largest=0.3, retrospective=retrospective, replications=8)
    with scan.Scanner(points, counts.astype(np.int32), way, population) as scanner:
        maxima = scanner.maxima()
        for number, largest in enumerate(maxima):
            table = np.ascontiguousarray(scanner.replication(number)[scanner.order])
            every, _, _ = windows.real(
                0, len(points), *scanner.circles, scanner.weights, table, scanner.shares, scanner.oldest_end,
                scanner.window, scanner.total, way.least,
            )  # fmt: skip
            assert largest == pytest.approx(every.max(), rel=1e-9)


def test_the_ratio_is_that_of_satscan():
    """Figures of SaTScan's own tests: 1,175 cases of brain cancer in New Mexico, one expected, ten and two observed."""
    assert windows.log_likelihood_ratio(10, 1.0, 1175) == pytest.approx(14.060436, abs=1e-6)
    assert windows.log_likelihood_ratio(2, 1.0, 1175) == pytest.approx(0.386720, abs=1e-6)
    assert windows.log_likelihood_ratio(1, 1.0, 1175) == windows.log_likelihood_ratio(0, 1.0, 1175) == 0


def test_ratios_and_risks_are_those_of_a_run_of_satscan():
    """SaTScan 9.6 on leukaemia in upstate New York, circles to 10 %: population, cases, expected, risk, ratio, p-value."""
    told = [
        (95_249, 85, 49.71, 1.84, 11.577255, 0.001),
        (34_083, 38, 17.79, 2.22, 9.019716, 0.013),
        (78_280, 64, 40.85, 1.64, 6.114140, 0.216),
        (24_571, 25, 12.82, 1.99, 4.651839, 0.609),
        (29_782, 28, 15.54, 1.84, 4.169203, 0.755),
        (9_840, 12, 5.14, 2.37, 3.363518, 0.961),
        (8_839, 11, 4.61, 2.41, 3.209485, 0.976),
    ]
    people = np.array([line[0] for line in told] + [1_057_673 - sum(line[0] for line in told)], dtype=float)
    cases = np.array([line[1] for line in told] + [552 - sum(line[1] for line in told)])
    # Its clusters as single places, and all that is left as one, which is larger than 10 %.
    points = np.column_stack([np.arange(8.0) ** 2 * 10, np.zeros(8)])
    found = scan.scan(points, *sparse(cases[:, None]), scan.Settings(largest=0.1, replications=0), people).clusters
    singles = [each for each in found if len(each.places) == 1]
    assert [told[each.places[0]][4] for each in singles] == [
        pytest.approx(e.log_likelihood_ratio, abs=6e-7) for e in singles
    ]
    assert {each.places[0] for each in singles} >= {0, 1}
    for each in singles:
        _, observed, expected, risk, _, _ = told[each.places[0]]
        assert (each.observed, round(each.expected, 2), round(each.relative_risk, 2)) == (observed, expected, risk)
    for people_there, observed, _, _, ratio, _ in told:
        assert windows.log_likelihood_ratio(observed, 552 * people_there / 1_057_673, 552) == pytest.approx(
            ratio, abs=6e-7
        )


def test_a_cluster_by_hand():
    """Ten cases, four places, seven days: six on the last day at a place with a tenth of the people."""
    points = np.array([(0, 0), (1, 0), (0, 1), (5, 5)], dtype=float)
    place, day, count = np.array([0, 1, 0, 0, 2]), np.array([0, 1, 6, 6, 4]), np.array([1, 2, 5, 1, 1])
    population = np.array([100.0, 100, 200, 600])
    way = scan.Settings(largest=0.25, replications=99)
    best, *others = scan.scan(points, place, day, count, 7, way, population).clusters
    assert (best.places, best.first_day, best.last_day, best.observed) == ((0,), 6, 6, 6)
    assert best.expected == pytest.approx(1 / 7)
    assert best.relative_risk == pytest.approx((6 * 7) / (4 / (10 - 1 / 7)))
    assert best.log_likelihood_ratio == pytest.approx(6 * np.log(42) + 4 * np.log(4 / (10 - 1 / 7)))
    assert (best.rank, best.p_value) == (1, 0.01)
    assert not others


def test_the_permutation_by_hand():
    """Two places and two days with four cases each; all of one place on the last day but one."""
    points = np.array([(0.0, 0), (1, 0)])
    counts = np.array([[1, 3], [3, 1]])
    way = scan.Settings(model="permutation", longest=1, replications=0)
    (best,) = scan.scan(points, *sparse(counts), way).clusters
    assert (best.places, best.observed, best.expected) == ((0,), 3, 2.0)
    assert best.relative_risk == pytest.approx(1.5 / (5 / 6))


def test_places_at_one_distance_are_in_the_circle_together():
    cross = np.array([(0.1, 0.1), (1.1, 0.1), (0.1, 1.1), (-0.9, 0.1), (0.1, -0.9)])
    counts = np.array([[2], [3], [0], [0], [0]])
    way = scan.Settings(largest=1.0, replications=0)
    (best,) = scan.scan(cross, *sparse(counts), way, np.ones(5)).clusters
    # Round the first place there is itself, or all; only round the second are there itself and the first alone.
    assert (best.places, best.centre, best.observed) == ((1, 0), 1, 5)


def test_secondary_clusters_share_no_place():
    points, counts, population = town()
    counts = planted(counts, points)
    far = int(((points - points[0]) ** 2).sum(1).argmax())
    counts[far, -1] += 9
    found = scan.scan(points, *sparse(counts), scan.Settings(largest=0.1, replications=99), population).clusters
    assert 0 in found[0].places and far in found[1].places
    assert found[0].p_value == found[1].p_value == 0.01
    listed = [place for each in found for place in each.places]
    assert len(listed) == len(set(listed))
    assert [each.log_likelihood_ratio for each in found] == sorted(
        (e.log_likelihood_ratio for e in found), reverse=True
    )


@pytest.mark.parametrize("model", ["poisson", "permutation"])
def test_a_seed_gives_the_same_replications_however_they_are_divided(model):
    points, counts, population = town()
    once, again, other = (
        scan.scan(
            points, *sparse(planted(counts, points, 1)), scan.Settings(model=model, replications=50, seed=s, workers=w), population
        )
        for s, w in ((1, 1), (1, 3), (2, 1))
    )  # fmt: skip
    assert (once.maxima == again.maxima).all() and once.clusters == again.clusters
    assert not (once.maxima == other.maxima).all()


def test_replications_have_what_is_expected():
    """Poisson: each cell's mean; permutation: the places' and the days' totals are those of the cases."""
    points, counts, population = town(places=40, cases=600)
    way = scan.Settings(longest=7, replications=0)
    with scan.Scanner(points, counts.astype(np.int32), way, population) as scanner:
        mean = np.mean([scanner.replication(number) for number in range(600)], axis=0)
    expected = 600 * population[:, None] / population.sum() / 14 * np.ones(7)
    assert ((mean - expected) ** 2 / (expected / 600)).sum() == pytest.approx(280, abs=4 * np.sqrt(2 * 280))
    way = scan.Settings(model="permutation", longest=14, replications=0, retrospective=True)
    with scan.Scanner(points, counts.astype(np.int32), way) as scanner:
        dealt = [scanner.replication(number) for number in range(3)]
    for table in dealt:
        assert (table.sum(0) == counts.sum(0)).all() and (table.sum(1) == counts.sum(1)).all()
    assert not (dealt[0] == dealt[1]).all()


@pytest.mark.parametrize("model", ["poisson", "permutation"])
def test_many_cases_are_dealt_out_by_the_place(model, monkeypatch):
    """Of millions not one by one; what comes of it is as if."""
    points, counts, population = town(places=40, cases=600)
    way = scan.Settings(model=model, longest=14, replications=300)
    by_one = scan.scan(points, *sparse(counts), way, population).maxima
    monkeypatch.setattr("ringfence.methods.chance.ONE_BY_ONE", 10)
    by_place = scan.scan(points, *sparse(counts), way, population).maxima
    assert not np.array_equal(by_one, by_place)
    assert by_place.mean() == pytest.approx(by_one.mean(), abs=4 * by_one.std() * np.sqrt(2 / 300))
    if model == "permutation":
        with scan.Scanner(points, counts.astype(np.int32), way) as scanner:
            dealt = scanner.replication(0)
        assert (dealt.sum(0) == counts.sum(0)).all() and (dealt.sum(1) == counts.sum(1)).all()


def test_more_cases_than_can_be_counted_are_refused():
    with pytest.raises(ValueError, match="There are 200,000,000 cases, and 100,000,000 are more than can be counted"):
        scan.scan(np.zeros((1, 2)), *(np.array([each]) for each in (0, 0, 200_000_000)), 1, scan.Settings(), np.ones(1))


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(scan.Settings(replications=99), id="poisson"),
        pytest.param(scan.Settings(replications=99, daily=True), id="daily", marks=pytest.mark.nightly),
        pytest.param(scan.Settings(replications=99, model="permutation"), id="permutation", marks=pytest.mark.nightly),
        pytest.param(
            scan.Settings(replications=99, model="permutation", weekday=True), id="weekday", marks=pytest.mark.nightly
        ),
    ],
)
def test_without_clusters_every_p_value_is_as_likely_as_another(way):
    drawn = []
    for seed in range(40):
        points, counts, population = town(places=30, cases=150, seed=100 + seed)
        found = scan.scan(points, *sparse(counts), replace(way, seed=seed, workers=1), population)
        drawn.append(found.clusters[0].p_value)
    # Kolmogorov: 0.25 is passed once in a hundred times, and the seeds are what they are.
    assert np.abs(np.sort(drawn) - (np.arange(40) + 0.5) / 40).max() < 0.25


def test_the_gumbel_p_value_agrees_with_monte_carlo_and_says_how_well():
    points, counts, population = town()
    found = scan.scan(points, *sparse(planted(counts, points, 1)), scan.Settings(replications=1999), population)
    best = found.clusters[0]
    assert best.p_value is not None and 0.001 < best.p_value < 0.2
    assert best.gumbel == pytest.approx(best.p_value, abs=3 * (best.gumbel_error + best.p_value_error))
    # The error is what it says: of halves of the replications.
    fits = [scan.gumbel(found.maxima[at : at + 100], best.log_likelihood_ratio) for at in range(0, 1900, 100)]
    assert np.std([p for p, _ in fits]) == pytest.approx(np.mean([error for _, error in fits]), rel=0.5)


def test_it_stops_early_when_the_p_value_is_plainly_not_small():
    points, counts, population = town()
    way = scan.Settings(replications=999)
    whole = scan.scan(points, *sparse(counts), way, population)
    early = scan.scan(points, *sparse(counts), replace(way, enough=10), population)
    best = early.clusters[0]
    as_large = np.flatnonzero(whole.maxima >= best.log_likelihood_ratio)
    assert len(early.maxima) == as_large[9] + 1 < 999
    assert (early.maxima == whole.maxima[: len(early.maxima)]).all()
    assert best.p_value == 10 / len(early.maxima)
    assert best.p_value == pytest.approx(whole.clusters[0].p_value, abs=4 * best.p_value_error)
    # A real cluster is looked into to the end.
    assert len(scan.scan(points, *sparse(planted(counts, points)), replace(way, enough=10), population).maxima) == 999


def test_a_day_that_is_always_busier_is_no_cluster():
    """Weekly rhythm: three times the cases on Mondays, and the last day is one."""
    points, *_ = town(places=40)
    points, counts = points[:30], np.full((30, 29), 2)
    counts[:, ::7] = 6
    way = scan.Settings(replications=99, largest=1.0, longest=1)
    (plain, *_) = scan.scan(points, *sparse(counts), way, np.ones(30)).clusters
    assert plain.p_value == 0.01
    assert not scan.scan(points, *sparse(counts), replace(way, weekday=True), np.ones(30)).clusters
    assert not scan.scan(points, *sparse(counts), replace(way, daily=True), np.ones(30)).clusters


def test_days_not_yet_reported_are_not_expected_whole():
    """Half of yesterday's cases are known and a quarter of today's: as many as usual are then a cluster."""
    points = np.array([(0.0, 0), (9, 0), (0, 9), (9, 9)])
    counts = np.full((4, 14), 8)
    counts[:, -2:] = [4, 2]
    counts[0, -2:] = 8
    way = scan.Settings(replications=0, largest=0.3, longest=3)
    plain = scan.scan(points, *sparse(counts), way, np.ones(4)).clusters
    known = scan.scan(points, *sparse(counts), replace(way, reported=(0.25, 0.5)), np.ones(4)).clusters
    assert plain == [] or plain[0].log_likelihood_ratio < 1
    assert known[0].places == (0,) and known[0].log_likelihood_ratio > 4


def test_distances_on_the_round_earth():
    leicester, edinburgh = scan.on_earth(np.array([52.634, 55.953]), np.array([-1.129, -3.189]))
    assert scan.chord(392.2) == pytest.approx(np.linalg.norm(leicester - edinburgh), rel=1e-3)
    assert scan.chord(1e9) == 2 * scan.EARTH


@pytest.mark.parametrize(
    ("population", "counts", "said"),
    [
        (None, [[3]], "needs populations"),
        (np.zeros(1), [[0]], "all 0"),
        (np.array([0.0, 4]), [[3], [0]], "cases and no population"),
    ],
)
def test_what_cannot_be_computed_is_refused(population, counts, said):
    counts = np.array(counts)
    with pytest.raises(ValueError, match=said):
        scan.scan(np.zeros((len(counts), 2)), *sparse(counts), scan.Settings(), population)


def test_more_circles_than_fit_into_memory_are_refused_with_a_word_what_to_do(monkeypatch):
    points, counts, population = town()
    monkeypatch.setattr("ringfence.methods.circles.MOST", 1000)
    with pytest.raises(ValueError, match="--max-population"):
        scan.scan(points, *sparse(counts), scan.Settings(), population)
