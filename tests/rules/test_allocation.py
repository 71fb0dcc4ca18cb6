"""Which open traces follow a person who moved, and which stay."""

from datetime import UTC, datetime, time, timedelta

import pytest

from ringfence.rules.allocation import AuthorityTeams, Owned, Placement, Residence, Stay, place, relocate
from ringfence.rules.handover import TeamKind
from ringfence.rules.policy import Model, PartnershipPolicy

HERE, THERE, FIRST = "E06000008", "E06000016", "E06000032"
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
CREATED = datetime(2026, 11, 16, 9, tzinfo=UTC)
NOW = CREATED + timedelta(hours=30)
POOL = 9


def policy(area, model, hours=24):
    return PartnershipPolicy(
        area=area,
        from_at=BEGAN,
        model=model,
        set_period_hours=hours,
        working_days=frozenset(range(7)),
        opens=time(9),
        closes=time(17),
    )


AUTHORITIES = {
    HERE: AuthorityTeams(HERE, "Here", 1, 2, BEGAN, (policy(HERE, Model.TIMED),)),
    THERE: AuthorityTeams(THERE, "There", 3, 4, BEGAN, (policy(THERE, Model.TIMED, 48),)),
    FIRST: AuthorityTeams(FIRST, "First", 5, 6, BEGAN, (policy(FIRST, Model.LOCAL_FIRST),)),
}


def home(code):
    return Residence(code, code, f"The postcode is in {code}.")


def owned(authority=HERE, team=1, kind=TeamKind.NATIONAL, busy=False):
    return Owned(authority, team, kind, CREATED, busy)


@pytest.mark.parametrize(
    ("what", "where", "word"),
    [
        (owned(), Residence("", "", ""), "No authority"),
        (owned(), home(HERE), "same authority"),
        (owned(team=7, kind=TeamKind.HEALTH_PROTECTION), home(THERE), "health protection"),
        (owned(busy=True), home(THERE), "open at this moment"),
        (owned("", POOL, TeamKind.POOL), home("E06999999"), "same team"),
    ],
)
def test_it_stays(what, where, word):
    decided = relocate(what, where, AUTHORITIES, POOL, NOW)
    assert isinstance(decided, Stay) and word in decided.why
    assert decided.until_free is what.busy


@pytest.mark.parametrize("what", [owned(), owned(team=2, kind=TeamKind.LOCAL), owned("", POOL, TeamKind.POOL)])
@pytest.mark.parametrize("where", [THERE, FIRST])
def test_it_goes_where_a_new_one_would_and_its_clock_runs_on(what, where):
    decided = relocate(what, home(where), AUTHORITIES, POOL, NOW)
    assert isinstance(decided, Placement)
    fresh = place(home(where), AUTHORITIES, POOL, NOW)
    assert (decided.team, decided.area, decided.national_team, decided.passes_to) == (
        fresh.team,
        fresh.area,
        fresh.national_team,
        fresh.passes_to,
    )
    assert "moved" in decided.why and fresh.why in decided.why
    if where == THERE:
        assert decided.due_at == place(home(where), AUTHORITIES, POOL, CREATED).due_at == CREATED + timedelta(hours=48)
    else:
        assert decided.due_at == fresh.due_at, "a local team aims from the day on which it gets the trace"
