"""Times, numbers and spans as people say them; what people type as times and days."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.rules.calendar import LONDON
from ringfence.web import hexagons, words
from ringfence.web.forms import Form, read_time

NOW = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)  # 23:30 in London


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (datetime(2026, 7, 1, 13, 5, tzinfo=UTC), "today 14:05"),
        (datetime(2026, 7, 1, 23, 5, tzinfo=UTC), "tomorrow 00:05"),
        (datetime(2026, 6, 30, 22, 59, tzinfo=UTC), "yesterday 23:59"),
        (datetime(2026, 8, 3, 13, 5, tzinfo=UTC), "Monday 3 August 14:05"),
        (datetime(2025, 8, 4, 13, 5, tzinfo=UTC), "Monday 4 August 2025 14:05"),
    ],
)
def test_a_moment_is_said_in_london_time(at: datetime, said: str) -> None:
    assert words.when(at, NOW) == said


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(seconds=30), "less than a minute"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=59, seconds=59), "59 minutes"),
        (timedelta(hours=3), "3 hours"),
        (timedelta(hours=47, minutes=59), "47 hours"),
        (timedelta(days=2), "2 days"),
    ],
)
def test_a_span_has_one_unit(length: timedelta, said: str) -> None:
    assert words.span(length) == said
    assert words.ago(NOW - length, NOW) == f"{said} ago"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("07700900123", "07700 900123"),
        ("+447700900123", "07700 900123"),
        ("01632960012", "01632 960012"),
        ("01254555012", "01254 555012"),
        ("01514960598", "0151 496 0598"),
        ("01134960123", "0113 496 0123"),
        ("02079460123", "020 7946 0123"),
        ("02890180123", "028 9018 0123"),
        ("03069990123", "0306 999 0123"),
        ("08081570123", "0808 157 0123"),
        ("09098790123", "0909 879 0123"),
        ("0800123456", "0800 123456"),
        ("0125455501", "01254 55501"),
        ("+33612345678", "+33612345678"),
    ],
)
def test_a_number_is_grouped_to_be_read_aloud(given: str, shown: str) -> None:
    assert words.phone(given) == shown
    assert words.dial(given) == f"tel:{given}"


@pytest.mark.parametrize(
    ("length", "said"),
    [(1.02, "1 day"), (1.1, "1.1 days"), (4.26, "4.3 days"), (9.96, "10 days"), (12.4, "12 days"), (0.5, "0.5 days")],
)
def test_a_number_of_days_has_a_decimal_where_it_matters(length: float, said: str) -> None:
    assert words.days(length) == said


@pytest.mark.parametrize(
    ("letters", "said"),
    [
        ("YYYYYYY", "every day"),
        ("YYYYYNN", "Monday to Friday"),
        ("NNNNNYY", "Saturday and Sunday"),
        ("YNYNYNN", "Monday, Wednesday and Friday"),
        ("NNNNNNY", "Sunday"),
    ],
)
def test_working_days_are_said_in_the_shortest_way(letters: str, said: str) -> None:
    assert words.working_days(letters) == said


def test_nothing_is_said_as_none_and_zero_as_zero() -> None:
    assert [words.number(None), words.number(0), words.number(12042)] == ["none", "0", "12,042"]
    assert [words.percent(None), words.percent(0.0), words.percent(79.66)] == ["none", "0.0%", "79.7%"]
    assert [words.hours(None), words.hours(0.0), words.hours(72.0)] == ["none", "0.0 hours", "3.0 days"]


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("14:05", time(14, 5)),
        ("1405", time(14, 5)),
        ("905", time(9, 5)),
        ("9.30", time(9, 30)),
        ("9", time(9)),
        ("2pm", time(14)),
        ("2.30 PM", time(14, 30)),
        ("12am", time(0)),
        ("12 pm", time(12)),
        ("", None),
        ("25:00", None),
        ("14:60", None),
        ("13pm", None),
        ("half past", None),
        ("\u0661\u0664:05", None),
    ],
)
def test_times_are_read_as_people_type_them(typed: str, read: time | None) -> None:
    assert read_time(typed) == read


@given(st.text(max_size=8))
def test_any_text_is_a_time_or_none(typed: str) -> None:
    found = read_time(typed)
    assert found is None or read_time(f"{found:%H:%M}") == found


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (("", "", ""), "Enter the last day"),
        (("27", "", "2026"), "The last day must include a month"),
        (("", "", "2026"), "The last day must include a day and a month"),
        (("31", "2", "2026"), "The last day must be a real date, such as 27 11 2026"),
        (("1", "1", "99999999999999999999"), "The last day must be a real date, such as 27 11 2026"),
        (("1", "1", "26"), "The year of the last day must be between 2020 and 2100"),
    ],
)
def test_a_day_says_what_is_missing(parts: tuple[str, str, str], message: str) -> None:
    form = Form({f"end-{name}": part for name, part in zip(("day", "month", "year"), parts, strict=True)})
    assert form.date("end", "the last day") is None
    assert form.errors() == {"end": message}


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        *(("0", 0), ("130", 130), ("1,30", 130), ("131", None), ("-1", None), ("", None), ("\u0663", None)),
        # More digits than the bound has, and more than the database takes.
        *(("0" * 12 + "131", None), ("0" * 12 + "9" * 20, None), ("9" * 30, None)),
    ],
)
def test_a_number_lies_between_its_bounds_however_it_is_written(typed: str, read: int | None) -> None:
    form = Form({"age": typed})
    assert form.number("age", 0, 130, "The age") == read
    assert form.valid is (read is not None)


def test_a_call_back_is_a_london_time_on_one_of_the_next_days() -> None:
    form = Form({"back-day": "1", "back-time": "9am"})
    assert form.day_and_time("back", "the call back", NOW, 8) == datetime(2026, 7, 2, 9, tzinfo=LONDON)
    assert Form({"back-day": "8", "back-time": "9am"}).day_and_time("back", "the call back", NOW, 8) is None


def test_a_nul_is_left_out_and_a_long_text_refused() -> None:
    form = Form({"note": "a\0b", "long": "x" * 11})
    assert form.text("note") == "ab"
    form.text("long", longest=10)
    assert form.errors() == {"long": "This has 11 characters; shorten it to 10 or fewer"}


def test_a_choice_that_was_not_offered_is_a_mistake() -> None:
    form = Form({"kind": "smoke signal"})
    assert form.choice("kind", ("call", "text"), "Choose how") == ""
    assert form.errors() == {"kind": "Choose how"}


def test_the_map_draws_one_hexagon_for_each_cell_that_touch_and_do_not_overlap() -> None:
    cells = [hexagons.Cell(0, 0, "A", 59.9), hexagons.Cell(1, 0, "B", 60.0), hexagons.Cell(0, 1, "C", None)]
    drawing = hexagons.draw(cells, (60, 70), "%")
    first, right, below = drawing.hexagons
    assert [each.step for each in drawing.hexagons] == [1, 2, 0]
    assert [each.title for each in drawing.hexagons] == ["A: 59.9%", "B: 60.0%", "C: no traces"]
    assert float(right.x) - float(first.x) == pytest.approx(34.6)
    assert float(below.y) - float(first.y) == pytest.approx(30)
    assert float(below.x) - float(first.x) == pytest.approx(17.3)


def test_a_share_of_few_traces_is_told_and_not_coloured() -> None:
    cells = [hexagons.Cell(at, 0, "A", 100.0, of) for at, of in enumerate((1, 9, 10))]
    drawn = hexagons.draw(cells, (60, 70), "%").hexagons
    assert [(each.step, each.text) for each in drawn] == [(0, ""), (0, ""), (3, "100")]
    assert [each.title for each in drawn][:2] == ["A: 100.0% of 1 trace", "A: 100.0% of 9 traces"]


def test_the_scale_has_a_word_for_every_step() -> None:
    assert hexagons.bands((1, 10), "")[0].words == "No traces in the period"
    assert [each.words for each in hexagons.bands((60, 70), "%")] == [
        "Fewer than 10 traces in the period",
        "Under 60%",
        "60% to under 70%",
        "70% or more",
    ]


def test_a_day_that_is_near_is_told_with_its_weekday_and_one_that_is_not_with_its_year() -> None:
    today = date(2026, 11, 22)
    assert words.dated(date(2026, 11, 22), today) == "Sunday 22 November"
    assert words.dated(date(2026, 12, 2), today) == "Wednesday 2 December"
    assert words.dated(date(2025, 12, 2), today) == "Tuesday 2 December 2025"


def test_only_the_clocks_own_sentence_is_told_in_short() -> None:
    assert words.in_short("24 hours passed; the set period ended.", "set_period") == "24 hours passed."
    assert words.in_short("They moved; we have the new number", "given_back") == "They moved; we have the new number."
