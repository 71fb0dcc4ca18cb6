"""What allocation and every page ask first: the teams that are open, since when they take traces, and who holds what."""

from __future__ import annotations

from datetime import time

import pytest

from ringfence.accounts import walls
from ringfence.accounts.models import Membership, Team, memberships_of
from ringfence.partnerships.models import Partnership, Policy
from ringfence.queries.policy import authority_teams, local_teams, partnership_history
from ringfence.web.visitor import visitor_of
from tests.town import ACCOUNTS, BLACKBURN, HOUR, LEICESTER, LUTON, START, Town

LATER = START + 5 * HOUR


def change(town: Town, kind: str, **columns: object) -> None:
    with walls.transaction(ACCOUNTS):
        Team.objects.filter(pk=town.team(kind)).update(**columns)


@pytest.mark.parametrize(("opened", "joined"), [(1, 3), (3, 1)])
def test_a_local_team_is_live_from_the_later_of_opening_and_joining(town: Town, opened: int, joined: int) -> None:
    change(town, "local", opened_at=START + opened * HOUR)
    with walls.transaction(ACCOUNTS):
        Partnership.objects.filter(area_id=BLACKBURN).update(joined_at=START + joined * HOUR)
    assert local_teams(LATER)[BLACKBURN].live_from == START + 3 * HOUR
    assert authority_teams(LATER)[BLACKBURN].local_live_from == START + 3 * HOUR


def test_a_team_whose_authority_has_not_joined_is_live_at_no_time(town: Town) -> None:
    with walls.transaction(ACCOUNTS):
        Partnership.objects.filter(area_id=BLACKBURN).update(joined_at=None, stage="agreed")
    assert local_teams(LATER)[BLACKBURN].live_from is None


@pytest.mark.parametrize("kind", ["local", "national"])
def test_a_team_takes_traces_until_it_is_closed(town: Town, kind: str) -> None:
    change(town, kind, closed_at=LATER)
    before, after = LATER - HOUR / 60, LATER
    if kind == "local":
        assert BLACKBURN in local_teams(before)
        assert BLACKBURN not in local_teams(after)
        assert authority_teams(after)[BLACKBURN].local_team is None
    else:
        assert BLACKBURN in authority_teams(before)
        assert BLACKBURN not in authority_teams(after)


def test_a_national_team_takes_traces_from_its_opening(town: Town) -> None:
    change(town, "national", opened_at=LATER)
    assert BLACKBURN not in authority_teams(LATER - HOUR / 60)
    assert BLACKBURN in authority_teams(LATER)


def test_only_the_areas_that_are_named_are_read(town: Town) -> None:
    assert authority_teams(LATER, [LUTON, LEICESTER]).keys() == {LUTON, LEICESTER}
    assert local_teams(LATER, [LUTON, LEICESTER]).keys() == {LUTON}
    assert authority_teams(LATER, []) == {}
    assert authority_teams(LATER, [LUTON])[LUTON].policies == partnership_history(LUTON) != ()


def test_policies_come_in_the_order_in_which_they_were_recorded(town: Town) -> None:
    for at, hours in ((3, 6), (1, 12)):
        with walls.transaction(ACCOUNTS):
            Policy.objects.create(
                area_id=BLACKBURN,
                from_at=LATER,
                model="timed",
                set_period_hours=hours,
                contacts_by="national",
                working_days="YYYYYYY",
                bank_holidays=True,
                opens=time(9),
                closes=time(17),
                recorded_at=START + at * HOUR,
            )
    assert [each.set_period_hours for each in partnership_history(BLACKBURN)] == [24, 24, 12, 6]


def test_what_somebody_holds_begins_and_ends(town: Town) -> None:
    lola, home = town.users["Lola"], town.team("local")
    with walls.transaction(ACCOUNTS):
        for team, role, hours, lent in (
            (LUTON, "local_tracer", (1, 3), True),
            (LEICESTER, "national_tracer", (2, 4), False),
        ):
            Membership.objects.create(
                user=lola,
                role=role,
                team_id=town.team("local" if lent else "national", team),
                from_at=START + hours[0] * HOUR,
                until_at=START + hours[1] * HOUR,
                lent=lent,
            )
    held = [[each.area for each in memberships_of(lola, START + hours * HOUR)] for hours in range(5)]
    first, second = LUTON, LEICESTER
    assert held == [
        [BLACKBURN],
        [BLACKBURN, first],
        [BLACKBURN, first, second],
        [BLACKBURN, second],
        [BLACKBURN],
    ]
    places = visitor_of(lola, START + 2 * HOUR).places
    assert [(each.team == home, each.until) for each in places] == [
        (True, None),
        (False, START + 3 * HOUR),
        (False, None),
    ]
