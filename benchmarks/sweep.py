"""The sweep: 5,000 due among a million open traces, beside the bare UPDATE with its event rows; and nothing due."""

from __future__ import annotations

import time
from datetime import timedelta

from benchmarks import country
from benchmarks.harness import Connection, Figure, administrator, alternate, at_most, database, say, under

DUE = 5_000

#: What a hand-over must do, by hand: move what is due and write a row of history for each; no walls, no reasons.
BARE = """
WITH due AS (
    SELECT id, team_id, passes_to_id, owned_since, handovers FROM casework.traces
    WHERE closed_at IS NULL AND passes_to_id IS NOT NULL AND due_at <= %(now)s
), moved AS (
    UPDATE casework.traces t
    SET team_id = d.passes_to_id, from_team_id = d.team_id, owned_since = %(now)s, handovers = d.handovers + 1,
        version = t.version + 1, passes_to_id = NULL, due_at = %(now)s + interval '1 day'
    FROM due d WHERE t.id = d.id
    RETURNING t.id, d.handovers, d.team_id AS from_team, d.owned_since, t.team_id AS to_team
)
INSERT INTO casework.handovers (trace_id, seq, previous, from_team_id, since, to_team_id, at, reason, why, recorded_at)
SELECT id, handovers + 1, nullif(handovers, 0), from_team, owned_since, to_team, %(now)s, 'set_period', '', %(now)s
FROM moved
"""

#: Falls due: traces all over the country that wait in the queue of a national team.
FALL_DUE = """
UPDATE casework.traces SET due_at = %(due)s WHERE id IN (
    SELECT id FROM casework.traces WHERE passes_to_id IS NOT NULL AND closed_at IS NULL AND handovers = 0
    AND id %% 47 = %(turn)s LIMIT %(count)s)
"""

LOOK = """
SELECT 1 FROM casework.traces WHERE closed_at IS NULL AND passes_to_id IS NOT NULL AND due_at <= %s
ORDER BY due_at LIMIT 1
"""


def run(full: bool) -> list[Figure]:
    """Hand-over of what is due, and the tick that finds nothing to do."""
    rounds = 15 if full else 7
    with database("country", country.seed, mark="homes") as server, administrator(server) as admin:
        from ringfence.actions import handover
        from ringfence.rules.access import system_scope

        scope = system_scope("sweep")
        turn = iter(range(47))
        now = country.NOW

        def due(connection: Connection) -> None:
            nonlocal now
            now += timedelta(minutes=1)
            values = {"due": now - timedelta(seconds=30), "turn": next(turn), "count": DUE}
            done = connection.execute(FALL_DUE, values).rowcount
            if done != DUE:
                raise AssertionError(f"{done} traces fell due, not {DUE}")

        def ours() -> float:
            due(admin)
            began = time.perf_counter()
            done = handover.sweep(by=scope, now=now)
            took = time.perf_counter() - began
            if done.handed_over != DUE:
                raise AssertionError(f"{done.handed_over} were handed over, not {DUE}")
            return took * 1000

        def bare() -> float:
            due(admin)
            began = time.perf_counter()
            done = admin.execute(BARE, {"now": now}).rowcount
            took = time.perf_counter() - began
            if done != DUE:
                raise AssertionError(f"{done} were moved, not {DUE}")
            return took * 1000

        def idle() -> float:
            began = time.perf_counter()
            for _ in range(20):
                handover.sweep(by=scope, now=now)
            return (time.perf_counter() - began) / 20 * 1000

        def look() -> float:
            began = time.perf_counter()
            for _ in range(20):
                admin.execute(LOOK, [now])
            return (time.perf_counter() - began) / 20 * 1000

        busy = alternate({"sweep": ours, "bare update with event rows": bare}, rounds)
        ours()
        say("  nothing due:")
        quiet = alternate({"sweep": idle, "a look at the index": look}, rounds)
    return [
        at_most(
            1.5, "sweep", "5,000 due among 1 million", busy["sweep"], "ms", "bare UPDATE with event rows",
            busy["bare update with event rows"],
        ),
        under(5.0, "sweep", "nothing due", quiet["sweep"], "ms", "a look at the index", quiet["a look at the index"]),
    ]  # fmt: skip
