"""The work of a team: take the next trace, put it back, and what leads do with the queue."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, connections
from django.db import transaction as database_transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus

from ringfence.accounts import walls
from ringfence.accounts.models import Membership, Team, User
from ringfence.actions import auditing
from ringfence.actions.checks import words
from ringfence.actions.errors import Invalid
from ringfence.actions.holding import Held, Move, clock, hold, hold_many, move, must_own
from ringfence.partnerships.clock import hold_still
from ringfence.queries.policy import service_policy
from ringfence.rules.access import Refused, Scope
from ringfence.rules.calendar import spoken
from ringfence.rules.handover import TeamKind

#: Times that a claim is tried when somebody else opened a call to the same number at the same moment.
TRIES = 5

#: Seconds for which a process remembers how many shards a team's queue has and how long a claim holds.
REMEMBERED = 30.0

#: Traces that a lead may give to one person at once.
AT_ONCE = 8

LONGEST_WHY = 280


@dataclass(frozen=True, slots=True)
class Claimed:
    """A trace that is now the tracer's. ``resumed`` says that they had it already."""

    trace: int
    ref: str
    version: int
    resumed: bool


class _Queue(NamedTuple):
    shards: int
    lapse: timedelta
    until: float


_queues: dict[tuple[str, int], _Queue] = {}


def _queue(database: str, team: int, now: datetime) -> _Queue:
    """How the team's queue is cut, and how long a claim holds; a stale answer costs speed and nothing else."""
    key = (database, team)
    known = _queues.get(key)
    if known is None or known.until < time.monotonic():
        shards = Team.objects.values_list("queue_shards", flat=True).get(pk=team)
        lapse = timedelta(minutes=service_policy(now).claim_lapse_minutes)
        known = _queues[key] = _Queue(shards, lapse, time.monotonic() + REMEMBERED)
    return known


_CLAIM = "SELECT id, ref, version, resumed FROM casework.claim({}, {}, {}, {}, {})"

_PREPARED = b"ringfence_claim"


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
    queue = _queue(here.settings_dict["NAME"], team, now)
    for attempt in range(TRIES):
        shard = random.randrange(queue.shards)  # noqa: S311 - spreads load, hides nothing
        try:
            row = _claim(here, by, team, shard, now, queue.lapse)
        except IntegrityError as problem:
            # The wall of one open call for a number: somebody was faster by less than this statement took.
            if "trace_one_open_call_for_a_phone" not in str(problem) or attempt == TRIES - 1:
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
    """The claim as a prepared statement straight through libpq: a cursor's bookkeeping costs more than the claim."""
    pgconn = raw.pgconn
    if not getattr(raw, "_ringfence_claim", False):
        done = pgconn.prepare(_PREPARED, _CLAIM.format("$1", "$2", "$3", "$4", "$5").encode())
        if done.status != ExecStatus.COMMAND_OK:
            raise error_from_result(done)
        raw._ringfence_claim = True
    result = pgconn.exec_prepared(_PREPARED, arguments)
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


class NotMoved(NamedTuple):
    """A trace that stayed where it was, and why. ``ref`` is "" for one that is not there to be seen."""

    trace: int
    ref: str
    why: str


@dataclass(frozen=True, slots=True)
class Changed:
    """How many traces were changed, and which were refused."""

    traces: int
    refused: tuple[NotMoved, ...]


def _led(traces: Sequence[int], by: Scope) -> tuple[list[Held], list[NotMoved]]:
    """The open traces of teams that the person leads, locked; the others, with the reason."""
    by.require("lead")
    ids = sorted(set(traces))
    found = hold_many(ids)
    seen = {held.id for held in found}
    refused = [NotMoved(each, "", "There is no such trace that you may see.") for each in ids if each not in seen]
    good = []
    for held in found:
        if held.team_id not in by.lead_of:
            refused.append(NotMoved(held.id, held.ref, f"{held.team_name} has it, which you do not lead."))
        elif held.closed_at is not None:
            refused.append(NotMoved(held.id, held.ref, "It is closed."))
        else:
            good.append(held)
    return good, refused


def _free(good: list[Held], refused: list[NotMoved], now: datetime) -> list[Held]:
    """Those that nobody has open."""
    free = []
    for held in good:
        if held.claim_lives(now):
            assert held.ready_at is not None
            why = f"{held.claimed_name or 'Somebody'} has it open until {spoken(held.ready_at)}."
            refused.append(NotMoved(held.id, held.ref, why))
        else:
            free.append(held)
    return free


def reassign(
    *,
    traces: Sequence[int],
    by: Scope,
    now: datetime,
    to_team: int | None = None,
    to_user: int | None = None,
    why: str = "",
) -> Changed:
    """Give many traces of the teams one leads to another team, or to one person of the team that has them.

    To a team: ring-fenced means that it is a team of the same authority, the pool, or one that the person also leads; a
    reason is needed. To a person: at most eight at once, each theirs for as long as a claim holds, one after the other.
    A trace that somebody has open is not taken from them. Raises Refused, Invalid, NotFound.
    """
    if (to_team is None) == (to_user is None):
        raise Invalid("to_team", "Choose a team or a person.")
    if not traces:
        raise Invalid("traces", "Choose at least one trace.")
    with walls.transaction(by):
        hold_still()
        good, refused = _led(traces, by)
        free = _free(good, refused, now)
        if to_team is not None:
            reason = words("why", why, LONGEST_WHY, needed="Say why; the other team reads it.")
            return _to_team(free, refused, to_team, reason, by, now)
        assert to_user is not None
        return _to_user(free, refused, to_user, by, now)


def _to_team(free: list[Held], refused: list[NotMoved], to_team: int, why: str, by: Scope, now: datetime) -> Changed:
    team = Team.objects.filter(pk=to_team).first()
    if team is None or team.opened_at > now or (team.closed_at is not None and team.closed_at <= now):
        raise Invalid("to_team", "That team is not open; choose another one.")
    kind = TeamKind(team.kind)
    moves = []
    for held in free:
        fenced = kind is TeamKind.POOL or team.area_id in (held.authority, held.area) or to_team in by.lead_of
        if held.team_id == to_team:
            refused.append(NotMoved(held.id, held.ref, f"{team.name} has it already."))
        elif not fenced:
            told = f"{team.name} is ring-fenced for another area. Lend a person to that team instead."
            refused.append(NotMoved(held.id, held.ref, told))
        else:
            due, passes_to = clock(held, to_team, kind, team.area_id, now)
            moves.append(Move(held, to_team, team.area_id, due, passes_to, f"Reassigned: {why}"))
    move(moves, "reassigned", by, now)
    auditing.record_many(
        "trace.reassigned",
        [
            {
                "person": each.held.person_id,
                "trace": each.held.id,
                "team": to_team,
                "area": team.area_id,
                "detail": {"from_team": each.held.team_id},
            }
            for each in moves
        ],
        by=by,
        now=now,
    )
    return Changed(len(moves), tuple(refused))


def _to_user(free: list[Held], refused: list[NotMoved], to_user: int, by: Scope, now: datetime) -> Changed:
    user = User.objects.filter(pk=to_user, is_active=True).first()
    if user is None:
        raise Invalid("to_user", "That person is not there; choose another one.")
    teams = set(
        Membership.objects.filter(user=user, team__isnull=False, from_at__lte=now)
        .exclude(until_at__lte=now)
        .values_list("team_id", flat=True)
    )
    lapse = timedelta(minutes=service_policy(now).claim_lapse_minutes)
    given: list[Held] = []
    for held in sorted(free, key=lambda each: (each.priority, each.due_at, each.id)):
        if held.team_id not in teams:
            refused.append(NotMoved(held.id, held.ref, f"{user.name} does not work in {held.team_name}."))
        elif len(given) == AT_ONCE:
            refused.append(NotMoved(held.id, held.ref, f"One person gets at most {AT_ONCE} at once."))
        elif not _give(held, to_user, now, lapse * (len(given) + 1)):
            refused.append(NotMoved(held.id, held.ref, "Somebody is calling the same number now."))
        else:
            given.append(held)
    auditing.record_many(
        "trace.given",
        [
            {
                "person": each.person_id,
                "trace": each.id,
                "team": each.team_id,
                "area": each.area,
                "detail": {"to_user": to_user},
            }
            for each in given
        ],
        by=by,
        now=now,
    )
    return Changed(len(given), tuple(refused))


def _give(held: Held, to_user: int, now: datetime, lapse: timedelta) -> bool:
    try:
        with database_transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE traces SET queued = false, claimed_by = %s, claimed_at = %s, ready_at = %s,"
                " version = version + 1 WHERE id = %s",
                [to_user, now, now + lapse, held.id],
            )
    except IntegrityError:
        return False
    return True


def prioritise(*, traces: Sequence[int], priority: int, by: Scope, now: datetime) -> Changed:
    """Change how urgent traces of the teams one leads are: 1 is first, 9 is last. Raises Refused, Invalid."""
    if priority not in range(1, 10):
        raise Invalid("priority", "Give a priority from 1 (first) to 9 (last).")
    if not traces:
        raise Invalid("traces", "Choose at least one trace.")
    with walls.transaction(by):
        good, refused = _led(traces, by)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE traces SET priority = %s, version = version + 1 WHERE id = ANY (%s)",
                [priority, [held.id for held in good]],
            )
        auditing.record_many(
            "trace.prioritised",
            [
                {
                    "person": held.person_id,
                    "trace": held.id,
                    "team": held.team_id,
                    "area": held.area,
                    "detail": {"priority": priority},
                }
                for held in good
            ],
            by=by,
            now=now,
        )
    return Changed(len(good), tuple(refused))


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
    return Counter({team: count for team, count, _ in rows}).total()
