"""Taking the next trace."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import DatabaseError, connection, transaction

from ringfence.accounts import walls
from ringfence.accounts.models import Membership, User
from ringfence.actions import work
from ringfence.actions.errors import NotFound, Stale
from ringfence.rules.access import Refused
from tests.together import together
from tests.town import ACCOUNTS, BLACKBURN, HOUR, LEICESTER, LUTON, MINUTE, START, SWEEP, events, row, scope_of

NOW = START + HOUR


def test_the_most_urgent_comes_first_then_the_one_due_first(town):
    later = town.trace(now=START + 2 * HOUR)
    usual = town.trace()
    urgent = town.trace(now=START + 2 * HOUR, priority=2)
    team = town.team("national")
    got = [work.claim(team=team, by=town.by(name), now=START + 3 * HOUR).trace for name in ("Nia", "Noah", "Lena")]
    assert got == [urgent, usual, later]


def test_nothing_to_do(town):
    assert work.claim(team=town.team("national"), by=town.by("Nia"), now=NOW) is None


def test_a_claim_is_on_the_row_and_in_the_audit(town):
    trace = town.trace()
    claimed = work.claim(team=town.team("national"), by=town.by("Nia"), now=NOW)
    assert (claimed.trace, claimed.version, claimed.resumed) == (trace, 1, False)
    nia = town.users["Nia"].pk
    assert row(trace, "queued", "claimed_by", "claimed_at", "ready_at", "version") == (
        False,
        nia,
        NOW,
        NOW + timedelta(minutes=30),
        1,
    )
    assert events("trace.claimed") == [(nia, True, trace, town.team("national"), None)]


def test_who_has_one_gets_it_again(town):
    town.trace()
    town.trace()
    team, nia = town.team("national"), town.by("Nia")
    first = work.claim(team=team, by=nia, now=NOW)
    again = work.claim(team=team, by=nia, now=NOW + MINUTE)
    assert (again.trace, again.version, again.resumed) == (first.trace, first.version, True)


@pytest.mark.parametrize(("name", "kind", "area"), [("Nia", "national", LUTON), ("Nia", "local", BLACKBURN)])
def test_a_team_is_ring_fenced(town, name, kind, area):
    town.trace(area)
    with pytest.raises(Refused, match="do not work in this team"):
        work.claim(team=town.team(kind, area), by=town.by(name), now=NOW)


def test_the_database_refuses_a_ticket_that_names_another_team(town):
    town.trace(LUTON)
    ticket = walls.ticket(town.by("Nia"))
    asked = [ticket, town.team("local", LUTON), NOW]
    with pytest.raises(DatabaseError, match="does not let you take"), transaction.atomic():
        connection.cursor().execute("SELECT * FROM casework.claim(%s, %s, 0, %s, '30 minutes')", asked)


@pytest.mark.parametrize("name", ["Dora", "Gil", "Olu", "Charlie"])
def test_only_tracers_take_traces(town, name):
    with pytest.raises(Refused):
        work.claim(team=town.team("national"), by=town.by(name), now=NOW)


def test_one_open_call_for_a_number(town):
    first = town.trace(phone="07700900001", household=7)
    flatmate = town.trace(phone="07700900001", household=7)
    other = town.trace(phone="07700900002")
    team = town.team("national")
    assert work.claim(team=team, by=town.by("Nia"), now=NOW).trace == first
    assert work.claim(team=team, by=town.by("Noah"), now=NOW).trace == other
    assert work.claim(team=team, by=town.by("Lena"), now=NOW) is None
    work.put_back(trace=first, version=1, by=town.by("Nia"), now=NOW)
    assert work.claim(team=team, by=town.by("Lena"), now=NOW).trace in (first, flatmate)


def test_one_open_call_for_a_number_across_teams(town):
    town.trace(phone="07700900001")
    town.trace(LEICESTER, phone="07700900001")
    assert work.claim(team=town.team("national"), by=town.by("Nia"), now=NOW)
    assert work.claim(team=town.team("national", LEICESTER), by=town.by("Nick"), now=NOW) is None


def test_no_number_blocks_nobody(town):
    town.trace(phone="")
    town.trace(phone="")
    team = town.team("national")
    assert work.claim(team=team, by=town.by("Nia"), now=NOW)
    assert work.claim(team=team, by=town.by("Noah"), now=NOW)


def test_a_claim_lapses(town):
    trace = town.trace()
    team = town.team("national")
    work.claim(team=team, by=town.by("Nia"), now=NOW)
    assert work.wake(by=SWEEP, now=NOW + 29 * MINUTE) == 0
    assert work.wake(by=SWEEP, now=NOW + 30 * MINUTE) == 1
    assert row(trace, "queued", "claimed_by", "ready_at", "version") == (True, None, None, 1)
    assert events("trace.woken") == [(None, False, None, team, {"traces": 1, "lapsed": 1})]
    assert work.claim(team=team, by=town.by("Noah"), now=NOW + 31 * MINUTE).trace == trace


def test_every_shard_is_emptied(town):
    pool = town.team("pool", "E92000001")
    traces = {town.trace(None) for _ in range(20)}
    got = set()
    for _ in range(20):
        claimed = work.claim(team=pool, by=town.by("Pat"), now=NOW)
        got.add(claimed.trace)
        work.put_back(trace=claimed.trace, version=claimed.version, by=town.by("Pat"), now=NOW)
        with walls.transaction(SWEEP), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE traces SET queued = false, ready_at = %s WHERE id = %s", [NOW + 99 * HOUR, claimed.trace]
            )
    assert got == traces
    assert work.claim(team=pool, by=town.by("Pat"), now=NOW) is None


def test_put_back(town):
    trace = town.trace()
    team, nia = town.team("national"), town.by("Nia")
    claimed = work.claim(team=team, by=nia, now=NOW)
    with pytest.raises(Refused, match="Nia has this trace open"):
        work.put_back(trace=trace, version=claimed.version, by=town.by("Noah"), now=NOW)
    assert work.put_back(trace=trace, version=claimed.version, by=nia, now=NOW) == 2
    assert row(trace, "queued", "claimed_by") == (True, None)
    with pytest.raises(Stale):
        work.put_back(trace=trace, version=claimed.version, by=nia, now=NOW)
    with pytest.raises(Refused, match="Nobody has this trace open"):
        work.put_back(trace=trace, version=2, by=nia, now=NOW)


def test_a_lead_puts_back_what_somebody_left_open(town):
    trace = town.trace()
    claimed = work.claim(team=town.team("national"), by=town.by("Nia"), now=NOW)
    work.put_back(trace=trace, version=claimed.version, by=town.by("Lena"), now=NOW)
    assert row(trace, "queued") == (True,)


def test_another_team_s_trace_is_not_there(town):
    trace = town.trace(LEICESTER)
    with pytest.raises(NotFound):
        work.put_back(trace=trace, version=0, by=town.by("Nia"), now=NOW)


def test_many_claimers_never_share_a_trace(real_town):
    claimers, each, kept = 32, 4, 100
    team = real_town.team("national")
    users = [User.objects.create_user(f"t{n}@example.org", f"Tracer {n}") for n in range(claimers)]
    with walls.transaction(ACCOUNTS):
        for user in users:
            Membership.objects.create(user=user, role="national_tracer", team_id=team, from_at=START)
    for number in range(kept):
        # Every fifth shares a number or a home with the one before, so that calls collide.
        shares, home = number % 5 == 4, number % 10 >= 5
        phone = f"0770091{number - (shares and not home):04}"
        real_town.trace(phone=phone, household=number - shares if home else None)
    scopes = [scope_of(user, NOW) for user in users]

    def claims(scope):
        taken = (work.claim(team=team, by=scope, now=NOW + turn * HOUR) for turn in range(each))
        return [claimed.trace for claimed in taken if claimed is not None]

    got = together(*[partial(claims, scope) for scope in scopes])
    assert not any(isinstance(some, Exception) for some in got)
    traces = [trace for some in got for trace in some]
    assert len(traces) == len(set(traces))
    # Those that share a number or a home wait for one another: one of each pair at most.
    assert len(traces) == kept - kept // 5


def test_who_asks_several_times_at_once_takes_one(real_town):
    team, scope = real_town.team("national"), real_town.by("Nia")
    for number in range(32):
        real_town.trace(phone=f"0770091{number:04}")
    got = together(*[lambda: work.claim(team=team, by=scope, now=NOW)] * 32)
    assert not any(isinstance(each, Exception) for each in got)
    assert len({each.trace for each in got}) == 1
    assert sorted(each.resumed for each in got) == [False] + [True] * 31


def test_a_session_in_which_something_was_rolled_back_goes_on_claiming(real_town):
    team = real_town.team("national")
    for name in ("Nia", "Noah"):
        real_town.trace()
        assert work.claim(team=team, by=real_town.by(name), now=NOW).resumed is False
        with pytest.raises(RuntimeError), walls.transaction(ACCOUNTS):
            raise RuntimeError("halfway")
