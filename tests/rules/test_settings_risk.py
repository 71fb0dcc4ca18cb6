"""Which places with cases ask most for somebody to act, and why."""

from __future__ import annotations

from ringfence.rules.settings import Kind, risk


def test_places_come_in_the_order_in_which_they_matter() -> None:
    places = {
        "a care home with a case today": risk(Kind.CARE_HOME, 1, None, 0),
        "an office where many have it": risk(Kind.WORKPLACE, 3, 20, 2),
        "an office with many cases": risk(Kind.WORKPLACE, 9, 2000, 14),
        "an office with some": risk(Kind.WORKPLACE, 3, 2000, 1),
        "the same a day later": risk(Kind.WORKPLACE, 3, None, 2),
        "a school that has been quiet": risk(Kind.SCHOOL, 30, 300, 15),
        "a shop that has been quiet": risk(Kind.SHOP, 40, 300, 20),
    }
    assert sorted(places, key=lambda name: places[name].order, reverse=True) == list(places)


def test_the_attack_rate_needs_the_people_there() -> None:
    assert risk(Kind.SCHOOL, 3, None, 1).attack_rate is None
    assert risk(Kind.SCHOOL, 3, 40, 1).attack_rate == 7.5
    assert risk(Kind.SCHOOL, 4, 40, 1).why == (
        "4 cases, the last yesterday; a setting for the health protection team; many of the people there"
    )
    assert risk(Kind.SHOP, 1, 400, 0).why == "1 case, the last today"
