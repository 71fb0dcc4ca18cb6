"""``ringfence scan`` as an analyst calls it: what it answers, and every way to be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ringfence.cli import explain
from tests.commands import APPLICATION, RUN

PLACES = "place,x,y,population\nA,0,0,100\nB,1,0,100\nC,0,1,200\nD,5,5,600\n"
CASES = "place,date,cases\nA,2020-06-01,1\nB,2020-06-02,2\nA,2020-06-07,5\nA,2020-06-07,1\nC,2020-06-05,1\n"


class Folder:
    """Files of one study, and the scan of them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def files(self, cases: str = CASES, places: str = PLACES) -> list[str]:
        names = []
        for name, content in (("cases.csv", cases), ("places.csv", places)):
            (self.path / name).write_bytes(content.encode())
            names.append(str(self.path / name))
        return names

    def asked(self, *words: str, cases: str = CASES, places: str = PLACES) -> Any:
        done = RUN.invoke(APPLICATION, ["scan", *self.files(cases, places), *words, "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def clusters(self, *words: str, **files: str) -> list[dict[str, Any]]:
        told = self.asked(*words, **files)
        assert list(told) == ["clusters"]
        return list(told["clusters"])

    def refused(self, *words: str, cases: str = CASES, places: str = PLACES) -> str:
        done = RUN.invoke(APPLICATION, ["scan", *self.files(cases, places), *words])
        assert done.exit_code == 1 and isinstance(done.exception, Exception), done.output
        return explain(done.exception)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_the_public_door(folder: Folder) -> None:
    best, *others = folder.clusters("--max-days", "7", "--max-population", "0.25", "--replications", "999")
    assert best == {
        "places": ["A"],
        "start": "2020-06-07",
        "end": "2020-06-07",
        "observed": 6,
        "expected": pytest.approx(1 / 7),
        "relative_risk": pytest.approx(103.5),
        "log_likelihood_ratio": pytest.approx(6 * np.log(42) + 4 * np.log(4 / (10 - 1 / 7))),
        "p_value": 0.001,
        "recurrence_days": 1000.0,
    }
    assert not others


def test_columns_in_any_order_and_case_and_rows_that_say_nothing(folder: Folder) -> None:
    cases = 'Cases;DATE;Place;note\r\n"5";2020-06-07;A;x\r\n1;07/06/2020;A ;\r\n;;;\r\n'.replace(";;;\r\n", "")
    cases += "1;2020-06-01;A;\r\n2;2020-06-02;B;\r\n1;2020-06-05;C;\r\n0;2020-06-03;D;\r\n"
    places = "\ufeffPopulation,Y,X,PLACE\n100,0,0,A\n100,0,1,B\n200,1,0,C\n600,5,5,D\n"
    words = ("--max-population", "0.25", "--replications", "99")
    assert folder.clusters(*words, cases=cases, places=places) == folder.clusters(*words)


def test_without_populations_it_permutes(folder: Folder) -> None:
    without = "place,x,y\nA,0,0\nB,1,0\nC,0,1\nD,5,5\n"
    words = ("--replications", "99", "--max-population", "0.8", "--details")
    told = folder.asked(*words, places=without)
    assert told["model"] == "permutation" and told["clusters"][0]["places"] == ["A"]
    empty = PLACES.replace("100", "").replace("200", "").replace("600", "")
    assert folder.asked(*words, places=empty) == told
    assert folder.asked(*words, "--model", "permutation") == told
    assert folder.asked(*words)["model"] == "poisson"
    assert folder.asked(*words, places=PLACES.replace("population", "Pop"))["model"] == "poisson"


def test_degrees_are_distances_on_the_earth(folder: Folder) -> None:
    """At 60 degrees north a degree of longitude is half as long as one of latitude."""
    places = "place,latitude,longitude,population\nA,60,0,100\nB,60,1.5,100\nC,61,0,100\nD,70,50,900\n"
    cases = "place,date,cases\nA,2020-06-07,3\nB,2020-06-07,3\nC,2020-06-07,3\nD,2020-06-01,1\n"
    (whole, *_) = folder.clusters("--replications", "0", cases=cases, places=places)
    assert whole["places"] == ["A", "B", "C"] and whole["p_value"] is None and whole["recurrence_days"] is None
    (near, *_) = folder.clusters("--replications", "0", "--max-radius", "90", cases=cases, places=places)
    assert near["places"] == ["A", "B"]


def test_the_study_is_as_long_as_one_says(folder: Folder) -> None:
    (longer, *_) = folder.clusters("--from", "2020-05-11", "--max-population", "0.25", "--replications", "0")
    assert longer["expected"] == pytest.approx(1 / 28)
    assert folder.clusters("--to", "2020-06-05", "--max-population", "0.1", "--replications", "0")[0]["places"] == ["B"]


def test_a_single_day_compares_places_and_a_permutation_of_it_nothing(folder: Folder) -> None:
    cases = "place,date,cases\nA,2020-06-07,4\nD,2020-06-07,6\n"
    (best,) = folder.clusters("--replications", "0", cases=cases)
    assert (best["places"], best["start"], best["expected"]) == (["A"], "2020-06-07", pytest.approx(1.0))
    assert folder.clusters("--model", "permutation", "--max-population", "1", cases=cases) == []


def test_a_place_alone_is_as_expected_whatever_rounding_says(folder: Folder) -> None:
    """A permutation expects of the only place what it has; sums of products say 15.999999999999998 of its 16."""
    days = {1: 5, 2: 1, 3: 2, 4: 3, 6: 2, 7: 2, 9: 4, 10: 2, 11: 5, 12: 4}
    cases = "place,date,cases\n" + "".join(f"A,2020-06-{day:02},{count}\n" for day, count in days.items())
    words = ("--max-population", "1", "--replications", "0", "--max-days", "30")
    assert folder.clusters(*words, cases=cases, places="place,x,y\nA,2,0\n") == []


def test_no_cases_are_no_cluster(folder: Folder) -> None:
    cases = "place,date,cases\nA,2020-06-01,0\nB,2020-06-07,0\n"
    assert folder.clusters(cases=cases) == []
    assert folder.clusters("--model", "permutation", cases=cases) == []
    assert folder.clusters(cases="place,date,cases\nA,2020-06-01,1\n") == []


def test_a_risk_without_end_is_null(folder: Folder) -> None:
    (best,) = folder.clusters("--replications", "9", cases="place,date,cases\nA,2020-06-01,0\nA,2020-06-07,3\n")
    assert (best["observed"], best["relative_risk"], best["p_value"]) == (3, None, 0.1)


def test_gumbel_resolves_more_and_says_how_well(folder: Folder) -> None:
    words = ("--max-population", "0.25", "--details")
    told = folder.asked(*words, "--p-value", "gumbel")
    best = told["clusters"][0]
    assert best["p_value"] == best["gumbel_p_value"] < 1e-4 < best["monte_carlo_p_value"] == 0.001
    assert best["recurrence_days"] == pytest.approx(1 / best["p_value"])
    assert best["gumbel_standard_error"] > 0 and 0 < best["monte_carlo_standard_error"] < 0.002
    assert (told["from"], told["to"], told["cases"], told["places"]) == ("2020-06-01", "2020-06-07", 10, 4)
    assert (best["centre"], best["radius"], told["replications"], told["seed"]) == ("A", 0, 999, 1)


def test_retrospective_has_no_recurrence(folder: Folder) -> None:
    cases = CASES + "D,2020-06-08,1\n"
    assert all(each["end"] == "2020-06-08" for each in folder.clusters("--max-population", "0.25", cases=cases))
    (best, *_) = folder.clusters("--max-population", "0.25", "--retrospective", cases=cases)
    assert (best["places"], best["start"], best["end"], best["recurrence_days"]) == (
        ["A"],
        "2020-06-07",
        "2020-06-07",
        None,
    )


def test_adjustments_have_their_options(folder: Folder) -> None:
    words = ("--replications", "0", "--max-population", "0.1")
    plain = folder.clusters(*words)[0]
    assert folder.clusters(*words, "--reported", "0.5")[0]["expected"] == pytest.approx(1 * 0.5 / 6.5)
    assert folder.clusters(*words, "--day-totals")[0]["expected"] == pytest.approx(0.6)
    assert folder.clusters(*words, "--weekday")[0]["expected"] == pytest.approx(0.6)
    assert folder.clusters(*words, "--min-cases", "8") == []
    assert folder.clusters(*words, "--model", "permutation", "--weekday") == []
    assert plain["expected"] == pytest.approx(1 / 7)
    assert (
        len(folder.asked("--stop-after", "3", "--details", "--min-cases", "1", "--max-clusters", "1")["clusters"]) == 1
    )


def test_unknown_places_can_be_left_out(folder: Folder) -> None:
    cases = CASES + "Z,2020-06-07,4\n"
    told = folder.asked("--leave-out-unknown", "--details", cases=cases)
    assert (told["cases"], told["cases_left_out"]) == (10, 4)
    done = RUN.invoke(APPLICATION, ["scan", *folder.files(cases), "--leave-out-unknown"])
    assert "4 cases are left out" in done.stdout


def test_the_table_for_the_terminal(folder: Folder) -> None:
    many = PLACES + "".join(f"E{n},{n / 1000},0,1\n" for n in range(1, 7))
    done = RUN.invoke(APPLICATION, ["scan", *folder.files(places=many), "--max-population", "0.25"])
    assert done.stdout.startswith("10 cases at 10 places from 2020-06-01 to 2020-06-07, poisson.\n")
    assert "2020-06-07  2020-06-07        6      0.14" in done.stdout and "0.001  A\n" in done.stdout
    inside = "".join(f"E{n},2020-06-07,2\n" for n in range(1, 7))
    all_inside = f"place,date,cases\nA,2020-06-01,0\n{inside}"
    done = RUN.invoke(APPLICATION, ["scan", *folder.files(all_inside, many), "--replications", "0"])
    assert " and 2 more" in done.stdout and " - " in done.stdout
    done = RUN.invoke(APPLICATION, ["scan", *folder.files("place,date,cases\nA,2020-06-01,1\n")])
    assert "No window has more cases than expected." in done.stdout


@pytest.mark.parametrize(
    ("cases", "places", "said"),
    [
        ("place,date\nA,2020-06-01\n", PLACES, "cases.csv: there is no column cases"),
        ("place,date,cases\nA,2020-06-31,1\n", PLACES, "cases.csv, record 2, column date: '2020-06-31' is no date"),
        ("place,date,cases\nA,yesterday,1\n", PLACES, "'yesterday' is no date; write 2020-06-29"),
        ("place,date,cases\nA,2020-06-01,-1\n", PLACES, "column cases: '-1' is no count"),
        ("place,date,cases\nA,2020-06-01,1.5\n", PLACES, "column cases: '1.5' is no count"),
        ("place,date,cases\nA,2020-06-01,\n", PLACES, "column cases: '' is empty; write a number"),
        ("place,date,cases\n,2020-06-01,1\n", PLACES, "column place: '' is empty"),
        ("place,date,cases\nA,2020-06-01\n", PLACES, "cases.csv, record 2: 2 fields where the header has 3"),
        ("place,date,cases\n", PLACES, "cases.csv: there is a header and no row"),
        ("", PLACES, "cases.csv: the file is empty"),
        (CASES + "Z,2020-06-01,1\n", PLACES, "the place Z is not in"),
        (CASES + "Z,2020-06-01,1\nY,2020-06-01,1\n", PLACES, "the place Z and 1 other place of it are not in"),
        (CASES + "A,2032-06-01,1\n", PLACES, "longer than 3,660 days; correct the date"),
        (CASES + "A,2102-06-01,1\n", PLACES, "record 7, column date: 2102-06-01 is far from the other dates"),
        (CASES, PLACES + "A,1,1,1\n", "places.csv: the place A is listed twice"),
        (CASES, "place,x,population\nA,1,1\n", "no columns x and y, and no columns latitude and longitude"),
        (CASES, "place,x,y\nA,1,north\n", "column y: 'north' is no number"),
        (CASES, "place,latitude,longitude\nA,91,0\n", "column latitude: '91' is not on the earth"),
        (CASES, "place,latitude,longitude\nA,9,181\n", "column longitude: '181' is not on the earth"),
        (CASES, PLACES.replace("600", "-6"), "column population: '-6' is negative"),
        (CASES, PLACES.replace("600", ""), "the place D has no population; write a number for each place, or for none"),
        (CASES, PLACES.replace("A,0,0,100", "A,0,0,0"), "the place A has a population of 0 and 7 cases"),
        (CASES, "place,x,y,population\nA,0,0,0\nB,0,0,0\nC,0,0,0\n", "every population is 0"),
    ],
)  # fmt: skip
def test_wrong_files_are_refused_with_what_to_do(folder: Folder, cases: str, places: str, said: str) -> None:
    assert said in folder.refused(cases=cases, places=places)


def test_a_study_that_ends_before_it_begins(folder: Folder) -> None:
    assert "before it begins" in folder.refused("--from", "2020-07-01")


def test_poisson_needs_populations(folder: Folder) -> None:
    assert "without populations there is --model permutation" in folder.refused(
        "--model", "poisson", places="place,x,y\nA,0,0\nB,1,0\nC,0,1\n"
    )


def test_a_file_that_is_not_there(folder: Folder) -> None:
    done = RUN.invoke(APPLICATION, ["scan", str(folder.path / "none.csv"), *folder.files()[1:]])
    assert done.exception is not None and "none.csv: No such file" in explain(done.exception)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--max-days", "0"], "from 1 to 3,660"),
        (["--max-population", "25"], "0.25 for a quarter"),
        (["--max-population", "0"], "more than 0"),
        (["--max-radius", "-1"], "0 or more"),
        (["--min-cases", "0"], "1 or more"),
        (["--max-clusters", "0"], "1 or more"),
        (["--replications", "-1"], "from 0 to"),
        (["--stop-after", "-1"], "0 or more"),
        (["--seed", "-1"], "from 0 to"),
        (["--model", "bernoulli"], "poisson or permutation, not bernoulli"),
        (["--p-value", "exact"], "monte-carlo or gumbel, not exact"),
        (["--reported", "0.9,0.5"], "none smaller than the one before"),
        (["--reported", "half"], "as 0.2,0.7,0.95"),
        (["--reported", "0"], "over 0"),
        (["--reported", "0.5", "--model", "permutation"], "is for Poisson"),
        (["--day-totals", "--model", "permutation"], "is for Poisson"),
        (["--day-totals", "--weekday"], "leave --reported and --weekday away"),
        (["--from", "June"], "does not match"),
    ],
)
def test_wrong_options_are_refused(folder: Folder, words: list[str], said: str) -> None:
    done = RUN.invoke(APPLICATION, ["scan", *folder.files(), *words])
    assert done.exit_code == 2
    assert said in " ".join(done.output.replace("│", " ").split())
