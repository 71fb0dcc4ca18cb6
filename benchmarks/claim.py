"""Claims: the verb in process, beside pgbench running the bare claim with its audit row on the same tables.

The verb's tracers are threads of one process with the pages' pool of sessions, which keeps what was planned in them from run
to run. Fifty have a session each for a whole run, as pgbench's clients have. Two hundred are more than the pool holds: each
takes a session for a claim and gives it back.
"""

from __future__ import annotations

import itertools
import os
import random
import re
import subprocess
import tempfile
import threading
import time

from benchmarks import country
from benchmarks.harness import Figure, administrator, alternate, at_least, database, say
from ringfence.base.env import env
from ringfence.cli.postgres import Server

#: What a claim must do, by hand: no ticket, no walls, no look at who else has the number, no claim resumed.
BARE = """
\\set team {team}
\\set shard {shard}
WITH pick AS (
    SELECT id FROM casework.traces WHERE team_id = :team AND queued AND shard = :shard
    ORDER BY priority, due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE casework.traces t
    SET queued = false, claimed_by = :client_id + 1, claimed_at = now(), ready_at = now() + interval '30 minutes',
        version = version + 1
    FROM pick WHERE t.id = pick.id RETURNING t.id, t.person_id, t.team_id, t.area
)
INSERT INTO audit.events (at, user_id, scope, verb, opened, person_id, trace_id, team_id, area)
SELECT now(), :client_id + 1, 'person', 'trace.claimed', true, person_id, id, team_id, area FROM taken;
"""

_users = itertools.count(1_000_000)


def run(full: bool) -> list[Figure]:
    """50 at once over every team, and 200 at once in the hot one."""
    from django.db import connections

    seconds, rounds = (20.0, 5) if full else (5.0, 3)
    with database("country", country.seed, mark="homes") as server:
        _keep_sessions()
        with administrator(server) as admin:
            teams = [row[0] for row in admin.execute("SELECT id FROM teams WHERE kind = 'national' ORDER BY id")]
            first, last = min(teams), max(teams)
            assert last - first + 1 == len(teams) == country.TEAMS
        # Sessions open and plan their statements once a day, and not once a claim.
        verb(server, 50, teams, 2.0)
        bare(server, 50, f"random({first}, {last})", "0", 2.0)
        wide = alternate(
            {
                "verb, 50 over 150 teams": lambda: verb(server, 50, teams, seconds),
                "pgbench, 50 over 150 teams": lambda: bare(server, 50, f"random({first}, {last})", "0", seconds),
            },
            rounds,
        )
        hot = alternate(
            {
                "verb, 200 in one team": lambda: verb(server, 200, [first], seconds),
                "pgbench, 200 in one team": lambda: bare(server, 200, str(first), "random(0, 15)", seconds),
            },
            rounds,
        )
        once(server)
        connections["default"].close_pool()
    return [
        at_least(0.45, "claim", "50 tracers, 1 million in 150 teams", *_pair(wide)),
        at_least(0.55, "claim", "200 tracers, one team of 300,000", *_pair(hot)),
    ]


def _keep_sessions() -> None:
    """From here on this process keeps the sessions of its threads."""
    from django.db import connections

    from ringfence.config.settings import POOL

    connections.close_all()
    here = connections["default"].settings_dict
    here["OPTIONS"]["pool"], here["CONN_MAX_AGE"] = POOL, 0


def _pair(medians: dict[str, float]) -> tuple[float, str, str, float]:
    ours, theirs = medians.values()
    return ours, "claims/s", "pgbench, the bare claim with its audit row", theirs


def claims(server: Server) -> int:
    """Claims in the audit so far; a claim counts only if it got a row."""
    with administrator(server) as admin:
        row = admin.execute("SELECT count(*) FROM audit.events WHERE verb = 'trace.claimed'").fetchone()
    assert row is not None and isinstance(row[0], int)
    return row[0]


def verb(server: Server, tracers: int, teams: list[int], seconds: float) -> float:
    """Claims a second by ``tracers`` threads, each claim by somebody who has nothing yet."""
    from django.db import connections

    from ringfence.actions import work
    from ringfence.config.settings import POOL
    from ringfence.rules.access import Scope

    before = claims(server)
    share = tracers > POOL["max_size"]
    start, stop = threading.Barrier(tracers + 1), threading.Event()
    permissions = frozenset({"trace"})
    failed: list[BaseException] = []
    got: list[int] = []

    def tracer() -> None:
        done = 0
        try:
            start.wait()
            while not stop.is_set():
                team = random.choice(teams)
                scope = Scope("person", next(_users), teams=(team,), permissions=permissions)
                if work.claim(team=team, by=scope, now=country.NOW) is not None:
                    done += 1
                if share:
                    connections["default"].close()  # into the pool, as at the end of a request
        except BaseException as problem:
            failed.append(problem)
            stop.set()
        finally:
            got.append(done)
            connections.close_all()

    threads = [threading.Thread(target=tracer) for _ in range(tracers)]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    stop.wait(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    if failed:
        raise failed[0]
    if claims(server) - before != sum(got):
        raise AssertionError(f"{sum(got)} claims were answered, {claims(server) - before} are in the audit")
    return sum(got) / took


def bare(server: Server, clients: int, team: str, shard: str, seconds: float) -> float:
    """Claims a second by pgbench, with prepared statements."""
    before = claims(server)
    # pgbench counts the opening of its sessions into the time but not into the rate.
    opening = int(seconds + clients / 25)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(BARE.format(team=team, shard=shard))
        script.flush()
        where = env.database
        done = subprocess.run(
            [
                Server().programs() / "pgbench",
                *("--no-vacuum", "--protocol=prepared", f"--client={clients}", "--jobs=2", f"--time={opening}"),
                *(f"--file={script.name}", "--host", where.host, "--port", str(where.port), "--username=postgres"),
                where.name,
            ],
            env={**os.environ, "PGPASSWORD": env.secrets.passwords["postgres"]},
            capture_output=True,
            text=True,
            check=False,
        )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or found is None:
        raise RuntimeError(f"pgbench ended with {done.returncode}: {(done.stderr + done.stdout).strip()[-600:]}")
    number = re.search(r"transactions actually processed: (\d+)", done.stdout)
    assert number is not None
    share = (claims(server) - before) / int(number[1])
    return float(found[1]) * share


def once(server: Server) -> None:
    """No trace was claimed twice."""
    with administrator(server) as admin:
        twice = admin.execute(
            "SELECT count(*) FROM (SELECT trace_id FROM audit.events WHERE verb = 'trace.claimed'"
            " GROUP BY trace_id HAVING count(*) > 1) t"
        ).fetchone()
    if twice != (0,):
        raise AssertionError(f"{twice[0] if twice else '?'} traces were claimed twice")
    say("  no trace was claimed twice")
