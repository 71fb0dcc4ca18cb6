"""Who infected whom as a drawing: readable at two hundred cases, and the same as the list."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from ringfence.queries.incidents import Case
from ringfence.rules.incidents import Link, chain
from ringfence.web import chains
from tests.town import BLACKBURN

AT = datetime(2026, 11, 16, 9, tzinfo=UTC)
ON = AT.date()


def incident(cases: int, seed: int) -> list[Case]:
    """Cases of six weeks, most of them with who infected them, in the order of the page's list."""
    draw = random.Random(seed)
    days, links = {1: ON}, []
    for case in range(2, cases + 1):
        infector = draw.randrange(max(1, case - 50), case)
        days[case] = days[infector] + timedelta(days=draw.choice((0, 1, 2, 4, 5, 7, 11)))
        if draw.random() < 0.9:
            links.append(Link(infector, case, days[infector], days[case], household=False))
    return [
        Case(each.case, BLACKBURN, "", "", "", days[each.case], "", "x", AT, None, "", each)
        for each in chain(days, links)
    ]


def test_two_hundred_cases_stand_apart_and_each_line_leads_to_who_was_infected() -> None:
    for seed in range(5):
        cases = incident(200, seed)
        drawn = chains.draw(cases, {each.case: f"P{each.case}" for each in cases})
        assert drawn is not None
        dots = {each.number: each for each in drawn.dots}
        assert len(dots) == len(drawn.dots) == 200 - drawn.apart == sum(drawn.generations)
        by_row: dict[float, list[float]] = {}
        for dot in drawn.dots:
            by_row.setdefault(dot.y, []).append(dot.x)
            assert 0 < dot.x < drawn.width and 0 < dot.y < drawn.height
        for row_of in by_row.values():
            row_of.sort()
            assert all(right - left >= chains.APART - 0.2 for left, right in pairwise(row_of))
        assert len(by_row) < 140, "who was infected stands beside who infected them, where there is room"
        numbers = {each.case: at for at, each in enumerate(cases, 1)}
        paths = set()
        for each in cases:
            if each.member and each.member.infector is not None:
                source, target = dots[numbers[each.member.infector]], dots[numbers[each.case]]
                paths.add((f"M{source.x} {source.y}V{target.y}H{target.x}", each.member.certainty == "likely"))
                assert target.x > source.x and target.y >= source.y
                assert f"infected by P{each.member.infector}, {each.member.certainty}" in target.label
        assert set(drawn.lines) == paths


def test_without_anybody_known_to_have_infected_another_there_is_no_drawing() -> None:
    cases = incident(1, 0)
    assert chains.draw(cases, {1: "P"}) is None and chains.draw([], {}) is None


def test_generations_and_who_is_linked_to_nobody_are_counted() -> None:
    days = {case: ON + timedelta(days=days) for case, days in ((1, 0), (2, 4), (3, 5), (4, 9), (5, 2))}
    links = [Link(source, case, days[source], days[case], False) for source, case in ((1, 2), (1, 3), (3, 4))]
    members = chain(days, links)
    cases = [Case(each.case, BLACKBURN, "", "", "", days[each.case], "", "x", AT, None, "", each) for each in members]
    drawn = chains.draw(cases, {case: f"P{case}" for case in days})
    assert drawn is not None and (drawn.generations, drawn.apart) == ((1, 2, 1), 1)
    assert [each.number for each in drawn.dots if each.first] == [1]
