"""``kill -9`` of the worker and of the web in the middle of a deed: nothing lost, doubled or half done."""

from __future__ import annotations

import psycopg
import pytest

from tests.dying import (
    INTERVIEWS,
    MOVED,
    TOLD,
    TRACES,
    Apart,
    apart,
    due,
    found,
    interview,
    made,
    record,
    sweep,
    take_up,
    whole,
)
from tests.town import Town

#: More statements than any deed has, so that some processes live.
MOST = 30


@pytest.fixture(autouse=True)
def traces(real_town: Town) -> None:
    due(real_town)


def killed_sweeps(at: list[int]) -> None:
    for statement in at:
        code, _ = apart(sweep, statement)
        assert code in (-9, 0)
        assert whole()["handovers"] == (0 if code else TRACES)
        if code == 0:
            return
    assert sweep() == TRACES
    assert whole()["handovers"] == TRACES
    assert sweep() == 0


def test_a_worker_is_killed_in_the_middle_of_a_sweep() -> None:
    """After the statement that moves everything, before the end of its transaction."""
    assert apart(sweep, MOVED)[0] == -9
    assert whole()["handovers"] == 0
    killed_sweeps([])


@pytest.mark.nightly
def test_a_worker_is_killed_at_every_statement_of_a_sweep() -> None:
    killed_sweeps(list(range(1, MOST)))


def killed_calls(at: list[int]) -> None:
    """Whoever was cut off goes on with the trace that they had; each try is told of once."""
    for statement in at:
        before = found()["tries"]
        code, _ = apart(record, statement)
        now = whole()
        assert code in (-9, 0)
        assert now["claimed"] <= 1
        assert now["tries"] == before + (code == 0)
        if code == 0:
            break
    record()
    assert whole()["claimed"] == 0


def test_the_web_is_killed_while_a_tracer_claims_and_records() -> None:
    """After the try was written, before the end of its transaction."""
    assert apart(record, TOLD)[0] == -9
    assert whole()["tries"] == 0
    killed_calls([])


@pytest.mark.nightly
def test_the_web_is_killed_at_every_statement_of_a_call() -> None:
    killed_calls(list(range(1, MOST)))


def test_a_claim_that_is_cut_off_is_whole_and_its_tracer_has_it(owner: psycopg.Connection) -> None:
    """The one statement of a claim is held in the database, and the process that sent it is killed."""
    with psycopg.connect(owner.info.dsn, password=owner.info.password) as holding:
        holding.execute("LOCK TABLE audit.events IN SHARE MODE")
        process, session = Apart(record), None
        try:
            while session is None:
                session = owner.execute(
                    "SELECT pid FROM pg_sleep(0.01), pg_locks WHERE NOT granted AND relation = 'audit.events'::regclass"
                ).fetchone()
                assert process.runs()
        finally:
            process.kill()
    while owner.execute("SELECT 1 FROM pg_sleep(0.01), pg_stat_activity WHERE pid = %s", session).fetchone():
        pass
    now = found()
    assert (now["claimed"], now["tries"]) == (now["told of claims"], 0)
    record()
    now = found()
    assert (now["told of tries"], now["told of claims"]) == (1, 1)


WHOLE = {
    "contacts": 6,
    "isolations": 7,
    "exposures": 3,
    "settings": 1,
    "left": 0,
    "onsets": 3,
    "traces": 4,
    "people": 4,
}
NOTHING = dict.fromkeys(WHOLE, 0) | {"left": INTERVIEWS}


def killed_takings(at: list[int]) -> None:
    """Of three interviews that name a household each, one workmate and one place: all or nothing, and once."""
    for statement in at:
        code, _ = apart(take_up, statement)
        assert code in (-9, 0)
        # Killed while it looks whether there is more, it has done what there was.
        assert made() == WHOLE or (code and made() == NOTHING)
        if code == 0:
            break
    take_up()
    assert take_up() == 0
    assert made() == WHOLE


def test_a_worker_is_killed_while_it_takes_up_what_was_said(owner: psycopg.Connection) -> None:
    interview()
    assert apart(take_up, TOLD)[0] == -9
    assert made() == NOTHING
    killed_takings([])


@pytest.mark.nightly
def test_a_worker_is_killed_at_every_statement_of_taking_up(owner: psycopg.Connection) -> None:
    interview()
    killed_takings(list(range(1, 80)))


def test_two_workers_take_up_what_was_said_once(owner: psycopg.Connection) -> None:
    interview()
    both = [each.end() for each in [Apart(take_up), Apart(take_up)]]
    assert sorted(both) == [(0, 0), (0, INTERVIEWS)]
    assert made() == WHOLE
