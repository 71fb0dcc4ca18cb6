"""The drawing of a map: paths, numbers where there is room, circles within the frame; where a curve begins."""

from __future__ import annotations

from datetime import date, timedelta

from ringfence.queries.areas import Day
from ringfence.web import curves, maps
from ringfence.web.maps import Part


def square(east: int, north: int, side: int = 1000) -> list[int]:
    return [east, north, east + side, north, east + side, north + side, east, north + side]


def part(ring: list[int], text: str = "7", weight: float = 1) -> Part:
    return Part([ring], "1", text, "/there", "A place", weight)


def test_north_is_up_and_the_longer_side_fills_the_drawing() -> None:
    drawn = maps.draw(
        [part(square(0, 0)), part(square(1000, 0))], [(2000, 0, 100, "/c", "C"), (9000, 0, 100, "/d", "D")]
    )
    assert (drawn.width, drawn.height) == (1000, 480 + 40 + 40)
    assert drawn.parts[0].path == "M20 500l 480 0 0 -480 -480 0z"
    assert (drawn.parts[1].x, drawn.parts[1].y) == (740, 260)
    # Fifty units of the drawing are a hundred metres; the second circle lies beyond it and keeps its letter to itself.
    assert [(each.letter, each.x, each.y, each.radius) for each in drawn.circles] == [("A", 980, 500, 48)]
    assert (drawn.metres, drawn.line) == (200, 96)


def test_a_number_without_room_is_left_out_and_the_weightier_stays() -> None:
    # At a desk the numbers stand beside each other, on a phone, where they are twice as high, they would not.
    rings = [square(0, 0, 10_000), square(4700, 4700, 100), square(4750, 4750, 100), square(0, 9000, 1000)]
    drawn = maps.draw([part(rings[0], "1"), part(rings[1], "2", 3), part(rings[2], "3", 2), part(rings[3], "", 4)], [])
    assert [each.room for each in drawn.parts] == ["desk", "phone", "", ""]


def test_what_is_too_small_to_draw_is_a_mark() -> None:
    drawn = maps.draw([part(square(0, 0, 10_000)), part([0, 0, 1, 0, 1, 1, 0, 1])], [])
    assert drawn.parts[1].path == "M16 980l4 -4 4 4 -4 4z"


def test_of_many_small_ones_a_stray_is_in_the_frame_only_with_a_case() -> None:
    town = [part(square(100 * at, 100 * (at % 10), 100), weight=0) for at in range(100)]
    near, far = maps.draw(town, []), square(900_000, 0, 100)
    assert maps.draw([*town, part(far, weight=0)], []).metres == near.metres
    assert maps.draw([*town, part(far, weight=1)], []).metres > near.metres


def test_a_curve_begins_with_the_first_case_and_has_four_weeks() -> None:
    def shown(first: int, cases: int = 1) -> int:
        days = [Day(date(2026, 11, 1) + timedelta(days=at), cases if at == first else 0, True) for at in range(56)]
        return len(curves.since_the_first(days))

    assert [shown(first) for first in (0, 10, 28, 50)] == [56, 46, 28, 28]
    assert shown(0, cases=0) == 28


def test_the_lines_of_a_curves_scale_stand_at_what_they_say() -> None:
    for most, marks in ((1, [1, 2]), (4, [2, 5]), (5, [2, 5]), (9, [5, 10]), (40, [25, 50])):
        drawn = curves.draw([Day(date(2026, 11, 1), most, True)])
        assert [mark for _, mark in drawn.scale] == marks
        (bar,) = drawn.bars
        for y, mark in drawn.scale:
            assert abs((drawn.height - curves.FOOT - y) / mark - bar.height / most) < 0.2


def test_the_last_day_named_ends_within_the_drawing() -> None:
    for days in (28, 35, 60, 90):
        drawn = curves.draw([Day(date(2026, 8, 3) + timedelta(days=at), 1, True) for at in range(-1, days)])
        *others, (x, _, ends) = drawn.names
        assert all(at + curves.NAME <= drawn.width and not ended for at, _, ended in others)
        assert (x == drawn.width) if ends else (x + curves.NAME <= drawn.width)
        assert not others or others[-1][0] + curves.NAME <= x - curves.NAME * ends
