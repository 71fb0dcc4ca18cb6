"""The work of a team: take the next trace, put it back, and what leads do with the queue."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, connections
from django.db import transaction as database_transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField, ExecStatus

from ringfence.accounts import walls
from ringfence.accounts.models import Team
from ringfence.actions import auditing
from ringfence.actions.holding import hold, must_own
from ringfence.queries.policy import service_policy
from ringfence.rules.access import Refused, Scope

#: Times that a claim is tried when somebody else opened a call to the same number or home at the same moment.
TRIES = 5

#: Seconds for which a process remembers how many shards each team's queue has and how long a claim holds.
REMEMBERED = 30.0

#: The longest reason for which a trace is passed on.
LONGEST_WHY = 280


@dataclass(frozen=True, slots=True)
class Claimed:
    """A trace that is now the tracer's. ``resumed`` says that they had it already."""

    trace: int
    ref: str
    version: int
    resumed: bool


class _Queues(NamedTuple):
    """Into how many shards each team's queue is cut, and how long a claim holds."""

    shards: dict[int, int]
    lapse: timedelta
    until: float


_queues: dict[str, _Queues] = {}


def _remembered(database: str, team: int, now: datetime) -> _Queues:
    """The queues of all teams, asked for together; a stale answer costs speed and nothing else."""
    known = _queues.get(database)
    if known is None or team not in known.shards or known.until < time.monotonic():
        shards = dict(Team.objects.values_list("id", "queue_shards"))
        lapse = timedelta(minutes=service_policy(now).claim_lapse_minutes)
        known = _queues[database] = _Queues(shards, lapse, time.monotonic() + REMEMBERED)
    return known


_CLAIM = "SELECT id, ref, version, resumed FROM casework.claim({}, {}, {}, {}, {})"

_PREPARED = b"ringfence_claim"
_NOT_PREPARED = b"26000"  # PostgreSQL, appendix A: invalid_sql_statement_name


def claim(*, team: int, by: Scope, now: datetime) -> Claimed | None:
    """Take the most urgent free trace of the team and open it; None when there is nothing to do.

    Who has one already gets that one again. "Most urgent" holds within one shard of a very large team's queue. Outside
    a transaction it is one round trip. Raises Refused for a team that the person does not work in.
    """
    by.require("trace")
    if team not in by.teams:
        raise Refused("You do not work in this team, so you cannot take its traces.")
    # Past the thread's proxy, which looks it up at every touch.
    here = connections[DEFAULT_DB_ALIAS]
    queues = _remembered(here.settings_dict["NAME"], team, now)
    for attempt in range(TRIES):
        shard = random.randrange(queues.shards[team])  # noqa: S311 - spreads load, hides nothing
        try:
            row = _claim(here, by, team, shard, now, queues.lapse)
        except IntegrityError as problem:
            # The wall of one open call for a number and a home: somebody was faster by less than this statement took.
            if "trace_one_open_call_for_a_" not in str(problem) or attempt == TRIES - 1:
                raise
            continue
        return Claimed(*row) if row else None
    raise AssertionError("a claim either answers or raises")


def _claim(
    here: BaseDatabaseWrapper, by: Scope, team: int, shard: int, now: datetime, lapse: timedelta
) -> tuple[int, str, int, bool] | None:
    here.ensure_connection()
    ticket = walls.sign(by, here.connection.pgconn.backend_pid)
    if here.in_atomic_block:
        with database_transaction.atomic(), here.cursor() as cursor:
            arguments: list[Any] = [ticket, team, shard, now, lapse]
            cursor.execute(_CLAIM.format(*["%s"] * 5), arguments)
            inside: tuple[int, str, int, bool] | None = cursor.fetchone()
            return inside
    texts = (ticket, str(team), str(shard), now.isoformat(), f"{lapse.total_seconds()} seconds")
    with here.wrap_database_errors:
        return _directly(here.connection, [text.encode() for text in texts])


def _directly(raw: Any, arguments: list[bytes]) -> tuple[int, str, int, bool] | None:
    """The claim as a prepared statement straight through libpq: a cursor's bookkeeping costs more than the claim.

    The driver takes away every prepared statement of a session in which something was rolled back.
    """
    pgconn = raw.pgconn
    for _ in range(2):
        if not getattr(raw, "_ringfence_claim", False):
            done = pgconn.prepare(_PREPARED, _CLAIM.format("$1", "$2", "$3", "$4", "$5").encode())
            if done.status != ExecStatus.COMMAND_OK:
                raise error_from_result(done)
            raw._ringfence_claim = True
        result = pgconn.exec_prepared(_PREPARED, arguments)
        if result.status == ExecStatus.TUPLES_OK or result.error_field(DiagnosticField.SQLSTATE) != _NOT_PREPARED:
            break
        raw._ringfence_claim = False
    if result.status != ExecStatus.TUPLES_OK:
        raise error_from_result(result)
    if not result.ntuples:
        return None
    trace, ref, version, resumed = (result.get_value(0, column) for column in range(4))
    return int(trace), ref.decode(), int(version), resumed == b"t"


def put_back(*, trace: int, version: int, by: Scope, now: datetime) -> int:
    """Give up a claim: the trace goes back to the queue. Returns its new version.

    One's own claim, or, for a lead, anybody's in the team. Raises Stale, NotFound, Refused.
    """
    with walls.transaction(by):
        held = hold(trace, version, now)
        must_own(held, by)
        if held.claimed_by is None:
            raise Refused("Nobody has this trace open.")
        if held.claimed_by != by.user and held.team_id not in by.lead_of:
            raise Refused(f"{held.claimed_name or 'Somebody'} has this trace open; they or a lead can put it back.")
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE traces SET queued = true, ready_at = NULL, claimed_by = NULL, claimed_at = NULL,"
                " version = version + 1 WHERE id = %s",
                [trace],
            )
        auditing.record(
            "trace.put_back", by=by, now=now, person=held.person_id, trace=trace, team=held.team_id, area=held.area
        )
    return version + 1


#: A trace that is about to pass to another team does not come back to the queue in between.
GRACE = timedelta(minutes=5)

_WAKE = """
WITH ready AS MATERIALIZED (
    SELECT r.id, r.claimed_by FROM teams k CROSS JOIN LATERAL (
        SELECT t.id, t.claimed_by FROM traces t
        WHERE t.team_id = k.id AND NOT t.queued AND t.closed_at IS NULL AND t.ready_at <= %(now)s
            AND (t.passes_to_id IS NULL OR t.due_at > %(now)s OR t.due_at <= %(late)s)
        FOR UPDATE SKIP LOCKED
    ) r
), woken AS (
    UPDATE traces t SET queued = true, ready_at = NULL, claimed_by = NULL, claimed_at = NULL
    FROM ready r WHERE t.id = r.id
    RETURNING t.team_id, r.claimed_by IS NOT NULL AS lapsed
)
SELECT team_id, count(*), count(*) FILTER (WHERE lapsed) FROM woken GROUP BY team_id
"""


def wake(*, by: Scope, now: datetime) -> int:
    """Put back into the queue what is ready again: claims that lapsed, and tries whose time has come. Returns how many.

    The version stays: a page made before is not out of date unless somebody does something to the trace.
    """
    with walls.transaction(by):
        with connection.cursor() as cursor:
            cursor.execute(_WAKE, {"now": now, "late": now - GRACE})
            rows: list[tuple[int, int, int]] = cursor.fetchall()
        auditing.record_many(
            "trace.woken",
            [{"team": team, "detail": {"traces": count, "lapsed": lapsed}} for team, count, lapsed in rows],
            by=by,
            now=now,
        )
    return sum(count for _, count, _ in rows)
