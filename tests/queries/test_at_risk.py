"""Places at risk: the SQL against plain Python on generated stays, and how many people are there said by somebody local."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.accounts import walls
from ringfence.actions import settings as verbs
from ringfence.actions.errors import Invalid
from ringfence.queries.areas import settings_at_risk
from ringfence.rules.access import NotFound, Refused, system_scope
from ringfence.rules.settings import COMPLEX, Kind, risk
from tests.examples import examples
from tests.town import BLACKBURN, HOUR, LUTON, START, Town, events, row

DAY = timedelta(days=1)
INTERVIEWS = system_scope("interviews")
NOW = START + HOUR
TODAY = date(2026, 11, 16)
KINDS = (Kind.CARE_HOME, Kind.WORKPLACE, Kind.SHOP, Kind.HOME)


@dataclass(frozen=True)
class Stay:
    """A case at a place, so many days ago; ``case`` and ``place`` are numbers."""

    case: int
    place: int
    ago: int
    withdrawn: bool


stays = st.lists(
    st.builds(Stay, st.integers(0, 3), st.integers(0, 3), st.sampled_from([0, 1, 5, 28, 29]), st.booleans()), max_size=8
)


def put(place: int, kind: str, area: str = BLACKBURN, size: int | None = None) -> str:
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO settings (ref, kind, name, name_key, postcode, authority, size, created_at)"
            " VALUES (%s, %s, %s, %s, 'BB1 1AA', %s, %s, %s) RETURNING ref",
            [f"AAA-{place:03}", kind, f"Place {place}", f"place {place}", area, size, NOW],
        )
        return str(cursor.fetchone()[0])


def stay(trace: int, place: str, ago: int, withdrawn: bool = False, entry: int = 0, days: int = 1) -> None:
    on = TODAY - timedelta(days=ago)
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO exposures (case_id, person_id, setting_id, entry, category, from_date, until_date, "window", source,'
            " recorded_at, withdrawn_at) SELECT t.case_id, t.person_id, s.id, %s, 'work', %s, %s, 'both', 'tracer', %s, %s"
            " FROM traces t, settings s WHERE t.id = %s AND s.ref = %s",
            [str(entry), on, on + timedelta(days=days - 1), NOW, NOW if withdrawn else None, trace, place],
        )


@settings(max_examples=examples(10), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    stays,
    st.lists(st.sampled_from([None, 5, 400]), min_size=4, max_size=4),
    st.lists(st.integers(0, 30), min_size=4, max_size=4),
)
def test_the_places_are_those_of_plain_python(town: Town, given: list[Stay], sizes: list[Any], ill: list[int]) -> None:
    with transaction.atomic():
        cases = [town.trace() for _ in range(4)]
        for case, ago in zip(cases, ill, strict=True):
            with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE cases SET onset_date = %s WHERE id = %s",
                    [TODAY - timedelta(days=ago), *row(case, "case_id")],
                )
        places = [put(number, kind, size=size) for number, (kind, size) in enumerate(zip(KINDS, sizes, strict=True))]
        for number, each in enumerate(given):
            stay(cases[each.case], places[each.place], each.ago, each.withdrawn, number)
        expected = []
        for number, kind in enumerate(KINDS):
            there = [each for each in given if each.place == number and each.ago <= 28 and not each.withdrawn]
            named = {each.case for each in there}
            if kind != Kind.HOME and len(named) >= (1 if kind in COMPLEX else 2):
                quiet = min(ill[case] for case in named)
                weighed = risk(kind, len(named), sizes[number], quiet)
                days = [TODAY - timedelta(days=each.ago) for each in there]
                expected.append((places[number], len(named), quiet, min(days), max(days), weighed))
        expected.sort(key=lambda each: each[-1].order, reverse=True)
        found = settings_at_risk(scope=town.by("Dora"), area=BLACKBURN, now=NOW)
        assert sorted(
            (each.ref, each.cases, each.quiet, each.first, each.last, each.risk.why) for each in found
        ) == sorted((*each[:-1], each[-1].why) for each in expected)
        assert [each.risk.order for each in found] == [each[-1].order for each in expected]
        transaction.set_rollback(True)


def ill(trace: int, ago: int, onset: bool) -> None:
    """The day on which the case of a trace fell ill; or, without symptoms, of its specimen."""
    on = TODAY - timedelta(days=ago)
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases SET first_specimen_date = %s, last_positive_date = %s, onset_date = %s WHERE id = %s",
            [on, on, on if onset else None, *row(trace, "case_id")],
        )


def test_a_stay_of_many_days_counts_while_any_of_them_is_lately_and_the_last_case_says_how_quiet_it_is(
    town: Town,
) -> None:
    """One was there from 40 days ago until 28 days ago, one from 33 until 27; the first has no symptoms."""
    school, early, late = put(1, Kind.SCHOOL), town.trace(), town.trace()
    stay(early, school, 40, days=13)
    stay(late, school, 33, days=7)
    stay(town.trace(), school, 41, days=13)
    ill(early, 20, onset=False)
    ill(late, 23, onset=True)
    (found,) = settings_at_risk(scope=town.by("Dora"), area=BLACKBURN, now=NOW)
    assert (found.cases, found.quiet, found.last_case) == (2, 20, TODAY - timedelta(days=20))
    assert (found.first, found.last) == (TODAY - timedelta(days=40), TODAY - timedelta(days=27))
    ill(late, -2, onset=True)
    assert settings_at_risk(scope=town.by("Dora"), area=BLACKBURN, now=NOW)[0].quiet == 0


def test_a_place_that_turned_out_to_be_another_counts_there_and_another_area_s_nowhere(town: Town) -> None:
    mill, other, theirs = put(1, Kind.WORKPLACE), put(2, Kind.WORKPLACE), put(3, Kind.SCHOOL, LUTON)
    for place in (mill, other):
        stay(town.trace(), place, 1)
    stay(town.trace(), theirs, 1)
    scope = town.by("Dora")
    assert settings_at_risk(scope=scope, area=BLACKBURN, now=NOW) == ()
    verbs.merge(keep=mill, merge=other, by=town.by("Leo"), now=NOW)
    (found,) = settings_at_risk(scope=scope, area=BLACKBURN, now=NOW)
    assert (found.ref, found.cases) == (mill, 2)
    for number in (4, 5):
        stay(town.trace(), put(number, Kind.CARE_HOME), 1)
    assert len(settings_at_risk(scope=scope, area=BLACKBURN, now=NOW)) == 3
    assert len(settings_at_risk(scope=scope, area=BLACKBURN, now=NOW, limit=2)) == 2


def test_how_many_people_are_there_is_said_by_somebody_local(town: Town) -> None:
    mine, theirs = put(1, Kind.SCHOOL), put(2, Kind.SCHOOL, LUTON)
    stay(town.trace(), mine, 1)
    assert verbs.set_size(setting=mine, people=50, by=town.by("Leo"), now=NOW) is None
    (found,) = settings_at_risk(scope=town.by("Dora"), area=BLACKBURN, now=NOW)
    assert (found.size, found.risk.attack_rate) == (50, 2.0)
    assert verbs.set_size(setting=mine, people=None, by=town.by("Dora"), now=NOW) == 50
    assert [told[-1]["before"] for told in events("setting.sized")] == [None, 50]
    with pytest.raises(NotFound):
        verbs.set_size(setting=theirs, people=50, by=town.by("Leo"), now=NOW)
    with pytest.raises(Refused):
        verbs.set_size(setting=mine, people=50, by=town.by("Nia"), now=NOW)
    with pytest.raises(Invalid, match="from 1 to 200,000"):
        verbs.set_size(setting=mine, people=0, by=town.by("Leo"), now=NOW)


def test_a_past_day_has_what_cases_had_named_by_then(town: Town) -> None:
    """Named on the first day by one and on the third by another, who took it back on the fifth; then merged into another."""
    dora, (willow, oak) = town.by("Dora"), (put(1, Kind.CARE_HOME), put(2, Kind.CARE_HOME))
    cases = [town.trace(), town.trace()]
    for case in cases:
        stay(case, willow, 1)
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        for case, recorded, withdrawn in ((cases[0], 0, None), (cases[1], 2, 4)):
            cursor.execute(
                "UPDATE exposures SET recorded_at = %s, withdrawn_at = %s WHERE case_id = %s",
                [NOW + recorded * DAY, None if withdrawn is None else NOW + withdrawn * DAY, row(case, "case_id")[0]],
            )
        cursor.execute(
            "UPDATE settings SET merged_into_id = (SELECT id FROM settings WHERE ref = %s), merged_at = %s, merged_by = 1"
            " WHERE ref = %s",
            [oak, NOW + 6 * DAY, willow],
        )

    def told(on: date | None) -> list[tuple[str, int, int]]:
        found = settings_at_risk(scope=dora, area=BLACKBURN, now=NOW + 9 * DAY, on=on)
        return [(each.ref, each.cases, each.quiet) for each in found]

    days = [told(TODAY + number * DAY) for number in range(-1, 8)]
    quiet = [max(0, told(TODAY + number * DAY)[0][2]) for number in range(8)]
    assert quiet == sorted(quiet) and quiet[-1] - quiet[0] == 7
    assert [[(ref, count) for ref, count, _ in day] for day in days] == [
        [],
        *[[(willow, 1)]] * 2,
        *[[(willow, 2)]] * 2,
        *[[(willow, 1)]] * 2,
        *[[(oak, 1)]] * 2,
    ]
    assert [each[:2] for each in told(None)] == [(oak, 1)]
