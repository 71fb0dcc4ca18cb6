"""The methods on plain files, as an analyst calls them."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ringfence.cli import explain
from ringfence.feeds.series import Unusable, a_date
from tests.commands import APPLICATION, RUN

FIRST = date(2020, 6, 1)


def asked(*words: str) -> Any:
    done = RUN.invoke(APPLICATION, [*words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def refused(*words: str) -> str:
    """The line that a wrong file or option ends with."""
    done = RUN.invoke(APPLICATION, list(words))
    assert done.exit_code == 1 and isinstance(done.exception, Exception)
    return explain(done.exception)


def write(folder: Path, text: str, name: str = "table.csv") -> str:
    path = folder / name
    path.write_bytes(text.encode())
    return str(path)


@pytest.fixture
def series(tmp_path: Path) -> str:
    """Two areas for forty days; a day without cases has no row, and one day is told in two rows."""
    lines = ["Cases;Date;AREA;note"]
    for day in range(40):
        on = FIRST + timedelta(days=day)
        lines += [f'"{1000 + day}";{on};A;x'.replace('"1', '"1'), f"{day % 3};{on};B;x"]
    lines.append(f"5;{FIRST};B;again")
    return write(tmp_path, "\n".join(line for line in lines if not line.startswith("0;")))


def test_growth(series: str) -> None:
    said = asked("growth", series, "--serial-interval", "5.2,2.8")
    assert said["serial_interval"] == {"mean": 5.2, "sd": 2.8}
    last = [each for each in said["estimates"] if each["end"] == "2020-07-10"]
    assert [each["area"] for each in last] == ["A", "B"] and last[0]["start"] == "2020-07-04"
    assert 0.95 < last[0]["lower"] < last[0]["mean"] < last[0]["upper"] < 1.05
    assert [each["area"] for each in said["growth"]] == ["A", "B"]
    assert said["growth"][0]["growth_rate"] == pytest.approx(0.001, abs=0.0005)
    assert len(asked("growth", series, "--serial-interval", "5.2,2.8", "--last")["estimates"]) == 2


def test_the_same_as_a_table(series: str) -> None:
    done = RUN.invoke(APPLICATION, ["growth", series, "--serial-interval", "5.2,2.8", "--last"])
    head, *rows = done.stdout.splitlines()
    assert head.split("\t")[:3] == ["area", "start", "end"] and len(rows) == 2


def test_exceedance_by_the_day(series: str) -> None:
    said = asked("exceedance", series, "--method", "ears-c2", "--last")
    assert said["method"] == "ears-c2"
    assert [(each["area"], each["date"], each["observed"], each["alarm"]) for each in said["results"]] == [
        ("A", "2020-07-10", 1039, False),
        ("B", "2020-07-10", 0, False),
    ]
    assert said["results"][0]["p_value"] is None


def test_exceedance_by_the_week(tmp_path: Path) -> None:
    weeks = [f"A,{FIRST + timedelta(weeks=week)},{10 + week % 5 + (40 if week == 280 else 0)}" for week in range(281)]
    file = write(tmp_path, "\n".join(["area,date,cases", *weeks]))
    for method in ("farrington-flexible", "farrington"):
        said = asked("exceedance", file, "--method", method)
        assert [each["alarm"] for each in said["results"]].count(True) == 1
        assert said["results"][-1]["alarm"] and said["results"][-1]["observed"] == 50
    by_calendar = asked("exceedance", file, "--calendar-years")["results"]
    assert len(by_calendar) == 281 - 5 * 52 - 3 - 2 and by_calendar[-1]["alarm"]
    days = [
        f"A,{FIRST + timedelta(weeks=week, days=day)},{(10 + week % 5 + (40 if week == 280 else 0)) if day == 0 else 0}"
        for week in range(281)
        for day in range(7)
    ]
    daily = write(tmp_path, "\n".join(["area,date,cases", *days]), "daily.csv")
    by_day, by_week = asked("exceedance", daily)["results"][-1], asked("exceedance", file)["results"][-1]
    assert by_day["threshold"] == by_week["threshold"] and by_day["observed"] == 50
    assert by_day["date"] == str(FIRST + timedelta(weeks=280, days=6))


def test_nowcast(tmp_path: Path) -> None:
    lines = ["area,date,reported,cases"]
    for day in range(20):
        on = FIRST + timedelta(days=day)
        lines += [f"A,{on},{on},4", f"A,{on},{on + timedelta(days=2)},6"]
    said = asked("nowcast", write(tmp_path, "\n".join(lines)), "--as-at", "2020-06-20", "--window", "15")
    assert said["as_at"] == "2020-06-20" and len(said["nowcast"]) == 15
    today = said["nowcast"][-1]
    assert (today["date"], today["reported"], today["complete"]) == ("2020-06-20", 4, pytest.approx(0.4))
    long = asked("nowcast", write(tmp_path, "\n".join(lines)), "--as-at", "2020-06-20")["nowcast"]
    assert [each["date"] for each in (long[0], long[-1])] == ["2020-06-01", "2020-06-20"] and len(long) == 20
    assert today["expected"] == pytest.approx(10) and today["lower"] < 10 < today["upper"]


def test_a_nowcast_where_no_case_is_reported_on_its_day(tmp_path: Path) -> None:
    """Of the last day nothing can be said, and of the others as much as ever."""
    rows = [f"A,{FIRST + timedelta(days=day)},{FIRST + timedelta(days=day + 1)},4" for day in range(20)]
    rows += [f"A,{FIRST + timedelta(days=day)},{FIRST + timedelta(days=day + 2)},4" for day in range(19)]
    file = write(tmp_path, "\n".join(["area,date,reported,cases", *rows]))
    *_, before, today = asked("nowcast", file)["nowcast"]
    assert (before["date"], before["reported"], before["expected"]) == ("2020-06-20", 4, 8)
    assert (today["reported"], today["expected"], today["lower"], today["complete"]) == (0, None, None, 0)
    table = RUN.invoke(APPLICATION, ["nowcast", file]).stdout
    assert table.splitlines()[-1] == "2020-06-21\tA\t2020-06-21\t0\t\t\t\t0"


def test_exposures(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "case,household,postcode,category,from,to\n1,a,le54pw,gym,2020-08-03,2020-08-03\n"
        "2,b,LE5 4PW,Gym,2020-08-08,2020-08-08\n3,b,LE5 4PW,gym,2020-08-20,2020-08-20\n",
    )
    assert asked("exposures", file)["clusters"] == [
        {
            "postcode": "LE5 4PW",
            "category": "gym",
            "start": "2020-08-03",
            "end": "2020-08-08",
            "cases": ["1", "2"],
            "households": 2,
            "events": 2,
        }
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty; its first line names the columns area, date, cases"),
        ("area,date\nA,2020-06-01\n", "there is no column cases; the file has area, date, and needs area, date, cases"),
        ("area,date,cases\n", "there is a header and no row"),
        ("area,date,cases\nA,2020-02-30,1\n", "record 2, column date: '2020-02-30' is no date; write 2020-06-29"),
        ("area,date,cases\nA,2020-06-01,many\n", "record 2, column cases: 'many' is no number"),
        ("area,date,cases\nA,2020-06-01,1.5\n", "column cases: '1.5' is no count; write a whole number of 0 or more"),
        ("area,date,cases\nA,2020-06-01,-1\n", "column cases: '-1' is no count"),
        ("area,date,cases\nA,2020-06-01,inf\n", "'inf' is no number that can be reckoned with"),
        ("area;date;cases\nA;2020-06-01;9,5\n", "column cases: '9,5' is no number; write a point before decimals"),
        ("area,date,cases\nA,2020-06-01,\n", "column cases: '' is empty; write a number"),
        ("area,date,cases\nA,2020-06-01,1e30\n", "column cases: '1e30' is more than there are people"),
        ("area,date,cases\nA,2020-06-01?,1\n", "column date: '2020-06-01?' is no date; write 2020-06-29"),
        ("area,date,cases\nA,01/06/20,1\n", "column date: '01/06/20' is no date; write 2020-06-29"),
        (
            "area,date,cases\nA\0B,2020-06-01,1\n",
            "column area: 'A\\x00B' has a line break or another control character",
        ),
        (
            "area,date,cases\nA,2020-01-01,1\nA,2020-02-01,2\nA,2020-03-01,3\n",
            "table.csv: the series goes by months; give one date a day or one a week",
        ),
        ("area,date,cases\n,2020-06-01,1\n", "column area: '' is empty; write a name or a code"),
        ("area,date,cases\nA,2020-06-01\n", "record 2: 2 fields where the header has 3"),
        ("area,Area,date,cases\nA,A,2020-06-01,1\n", "there are 2 columns area; leave one"),
        (
            "area,date,cases\nA,2026-06-01,3\nA,0001-06-02,3\nA,2026-06-03,3\n",
            "record 3, column date: 0001-06-02 is far from the other dates, 0001-06-02 to 2026-06-03; correct it",
        ),
        ("area,date,cases\nA,2026-06-01,3\nA,0001-06-02,3\n", "record 3, column date: 0001-06-02 is far"),
        ("area,date,cases\nA,2026-06-01,3\nA,9999-06-02,3\n", "record 3, column date: 9999-06-02 is far"),
        ("area,date,cases\nA,2026-06-01,3\nA,2026-06-02,3\nA,9999-06-03,3\n", "record 4, column date: 9999-06-03 is"),
        ("sep=;\narea;date;cases\nA;2020-06-01;many\n", "record 3, column cases: 'many' is no number"),
        ("sep=~\narea~date~cases\n", "says that ~ stands between the fields. Comma, semicolon, tab and bar are read"),
        ("PK\x03\x04rest", "This is an Excel workbook or a zip file, not CSV"),
        (
            "area,date,cases\nA,2020-06-01,3\n",
            "table.csv: R over a window of 7 needs at least 8 days of cases; the series has 1: give a longer one",
        ),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, text: str, said: str) -> None:
    file = write(tmp_path, text)
    assert said in refused("growth", file, "--serial-interval", "5,2")


def test_options_that_cannot_be(series: str, tmp_path: Path) -> None:
    assert "give the mean and the standard deviation in days" in refused("growth", series, "--serial-interval", "5")
    assert "give the mean and the standard deviation in days" in refused("growth", series, "--serial-interval", "5,inf")
    assert "give more than 1 day" in refused("growth", series, "--serial-interval", "0.5,1")
    for last in ((), ("--last",)):
        said = refused("exceedance", series, *last)
        assert "needs at least 264 weeks of counts and the series has 5; give a longer series, or fewer years" in said
    gaps = write(tmp_path, "area,date,cases\nA,2020-06-01,1\nA,2020-06-08,1\nA,2020-06-10,1\n")
    assert "needs at least 31 times (days, or weeks)" in refused(
        "exceedance", gaps, "--method", "ears-c1", "--baseline", "30"
    )
    reports = write(tmp_path, "area,date,reported,cases\nA,2020-06-02,2020-06-03,1\n")
    for day in ("0001-01-01", "2020-06-01", "9999-12-31"):
        said = refused("nowcast", reports, "--as-at", day)
        assert "the file has days from 2020-06-02, reported until 2020-06-03; give one of those" in said
    assert "--as-at soon: is no date; write 2020-06-29" in refused("nowcast", reports, "--as-at", "soon")
    early = write(tmp_path, "area,date,reported,cases\nA,2020-06-02,2020-06-01,1\n")
    assert "are reported on 2020-06-01, before they were tested" in refused("nowcast", early)


def test_an_old_encoding_a_gzip_file_and_another_way_to_write_a_date(tmp_path: Path) -> None:
    import gzip

    text = "area,date,cases\n" + "".join(f'Bærum,{day:02}/06/2020,"1,0{day:02}"\n' for day in range(1, 15))
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(text.encode("cp1252")))
    said = asked("growth", str(path), "--serial-interval", "5,2", "--last")
    assert said["estimates"][0]["area"] == "Bærum" and said["estimates"][0]["end"] == "2020-06-14"
    path.write_bytes(("sep=,\n" + text).encode("utf-16-le"))
    assert asked("growth", str(path), "--serial-interval", "5,2", "--last") == said


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2020-06-29", "2020-06-29"),
        ("2020/06/29", "2020-06-29"),
        ("2001/11/1", "2001-11-01"),
        ("20200629", "2020-06-29"),
        ("9/6/2020", "2020-06-09"),
        ("29/06/2020 00:00", "2020-06-29"),
        ("2020-06-29T12:00:00Z", "2020-06-29"),
    ],
)
def test_dates_are_read_as_registers_and_satscan_write_them(written: str, read: str) -> None:
    assert a_date(f" {written} ").isoformat() == read


@pytest.mark.parametrize(
    "written", ["06/29/2020", "2020-6", "202069", "2020-06/29", "2020-06-31", "29-06-2020", "", "x"]
)
def test_what_is_no_date_or_might_be_two_is_refused(written: str) -> None:
    with pytest.raises(Unusable, match="is no date; write 2020-06-29"):
        a_date(written)


def test_growth_of_weeks_is_refused_and_not_reckoned_with_empty_days(tmp_path: Path) -> None:
    weeks = "area,date,cases\n" + "".join(f"A,2020-06-{day:02},{day}\n" for day in (1, 8, 15, 22))
    assert "goes by weeks; give cases by day" in refused("growth", write(tmp_path, weeks), "--serial-interval", "5,2")
    said = asked("growth", write(tmp_path, weeks + "A,2020-06-09,0\n"), "--serial-interval", "5,2")
    assert len(said["estimates"]) == 15
