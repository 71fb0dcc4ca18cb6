"""Whatever people and the clock do, in any order: one owner always, and a history without gaps or overlaps."""

from contextlib import suppress

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.accounts import walls
from ringfence.actions import attempts, bulk, handover, undoing, work
from ringfence.actions.errors import Invalid, NotFound, Stale
from ringfence.rules.access import Refused
from ringfence.rules.bulk import Wanted, What
from tests.examples import examples
from tests.town import MINUTE, NORTH_WEST, START, SWEEP, row

NATIONAL, LOCAL = ("Nia", "Noah", "Lena"), ("Lola", "Luke", "Leo")

ACTS = st.tuples(
    st.sampled_from(["sweep", "claim", "put_back", "record", "give_back", "escalate", "reassign", "undo", "wake"]),
    st.sampled_from([*NATIONAL, *LOCAL, "Hana"]),
    st.integers(0, 600),
    st.sampled_from(["no_answer", "wrong_number", "voicemail", "escalated", "reached", "refused"]),
    st.integers(0, 2),
    st.integers(0, 1),
)


@settings(max_examples=examples(6), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, min_size=3, max_size=25))
def test_owners_follow_one_another(town, acts):
    sid = transaction.savepoint()
    try:
        traces = [town.trace(phone="07700900001", phone_other="07700900002"), town.trace(phone="")]
        now, changes = START, []
        for act in acts:
            now += act[2] * MINUTE
            with suppress(Invalid, NotFound, Refused, Stale):
                perform(town, traces, changes, act, now)
            for trace in traces:
                check(town, trace)
    finally:
        transaction.savepoint_rollback(sid)


def perform(town, traces, changes, act, now):
    verb, name, _, outcome, slip, which = act
    trace, by = traces[which], town.by(name, now)
    version = max(0, row(trace, "version")[0] - (slip == 2))
    one = {"trace": trace, "version": version, "by": by, "now": now}
    match verb:
        case "sweep":
            handover.sweep(by=SWEEP, now=now)
        case "wake":
            work.wake(by=SWEEP, now=now)
        case "claim":
            work.claim(team=by.teams[0], by=by, now=now)
        case "put_back":
            work.put_back(**one)
        case "record":
            attempts.record(**one, kind="call", outcome=outcome, note="A care home.")
        case "give_back":
            handover.give_back(**one, why="Not ours")
        case "escalate":
            handover.escalate(**one, why="A school")
        case "reassign":
            teams = [town.team("national"), town.team("local"), town.team("pool", "E92000001")]
            wanted = Wanted(What.TEAM, teams[slip]) if outcome != "refused" else Wanted(What.CLOSE, outcome="refused")
            chosen = dict.fromkeys(traces)
            done = bulk.change(team=by.teams[0], traces=chosen, wanted=wanted, why="Needed", by=by, now=now)
            changes.append(done.ref)
        case "undo":
            if changes:
                undoing.undo(ref=changes[-1 - which % len(changes)], by=by, now=now)


def check(town, trace):
    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq, from_team_id, since, to_team_id, at FROM handovers WHERE trace_id = %s ORDER BY seq", [trace]
        )
        history = cursor.fetchall()
    team, owned_since, handovers, from_team, queued, claimed, closed, ready_at, passes_to = row(
        trace,
        *("team_id", "owned_since", "handovers", "from_team_id", "queued", "claimed_by", "closed_at", "ready_at"),
        "passes_to_id",
    )
    # The history begins with the first owner at the beginning, each row where the one before it ended.
    holder, since = town.team("national"), START
    for number, (seq, from_team_id, from_at, to_team, at) in enumerate(history, 1):
        assert (seq, from_team_id, from_at) == (number, holder, since)
        assert at >= from_at
        assert to_team != from_team_id
        holder, since = to_team, at
    assert (team, owned_since, handovers) == (holder, since, len(history))
    assert from_team == (history[-1][1] if history else None)
    # In the queue, with somebody, waiting for its time, or closed: one of them.
    assert [queued, claimed is not None or (ready_at is not None and not queued), closed is not None].count(True) == 1
    assert passes_to != team
    known = {town.team("national"), town.team("local"), town.team("pool", "E92000001")}
    assert team in known | {town.team("health_protection", NORTH_WEST)}


@pytest.mark.usefixtures("town")
def test_the_foreign_key_of_the_chain_is_there():
    with connection.cursor() as cursor:
        cursor.execute("SELECT convalidated FROM pg_constraint WHERE conname = 'handover_chain'")
        assert cursor.fetchall() == [(True,)]
