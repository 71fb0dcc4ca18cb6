"""The work of a team: one's own trace, the queue, what waits, who has what, and questions to the team."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from ringfence.accounts import walls
from ringfence.queries.bulk import Filter
from ringfence.queries.lines import Line, lines, must_be_member, must_lead, opened_list
from ringfence.queries.traces import trace
from ringfence.rules.access import Scope

__all__ = ["MyTrace", "Page", "Place", "Question", "Waiting", "Worker", "my_trace", "questions", "queue", "trace"]

#: Traces of one team that a count looks at; a page says "more than" beyond it.
COUNTED = 20_000


@dataclass(frozen=True, slots=True)
class MyTrace:
    """The trace that somebody has open, and until when."""

    trace: int
    ref: str
    version: int
    team: int
    claimed_at: datetime
    until: datetime


def my_trace(*, scope: Scope, now: datetime) -> MyTrace | None:
    """The trace that the person has open at ``now``, the one taken first of several; None when there is none."""
    scope.require("trace")
    with walls.transaction(scope):
        found = walls.rows(
            "SELECT id, ref, version, team_id, claimed_at, ready_at FROM traces"
            " WHERE claimed_by = %s AND claimed_at IS NOT NULL AND team_id = ANY (%s) AND ready_at > %s"
            " ORDER BY claimed_at, id LIMIT 1",
            [scope.user, list(scope.teams), now],
        )
    return MyTrace(*found[0]) if found else None


class Place(NamedTuple):
    """Where a page of the queue ends; give it back to get the next one."""

    priority: int
    due_at: datetime
    trace: int


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the queue, most urgent first; ``after`` is None on the last one."""

    lines: tuple[Line, ...]
    after: Place | None


_QUEUE = """
SELECT q.id, row_number() OVER (ORDER BY q.priority, q.due_at, q.id) AS place
FROM generate_series(0, 15) AS s (shard) CROSS JOIN LATERAL (
    SELECT t.id, t.priority, t.due_at FROM traces t
    WHERE t.team_id = %(team)s AND t.queued AND t.shard = s.shard AND {conditions}
    ORDER BY t.priority, t.due_at, t.id LIMIT %(limit)s) q
ORDER BY q.priority, q.due_at, q.id LIMIT %(limit)s
"""

_OUT = """
SELECT t.id, row_number() OVER (ORDER BY t.priority, t.due_at, t.id) AS place FROM traces t
WHERE t.team_id = %(team)s AND {place} AND {conditions}
ORDER BY t.priority, t.due_at, t.id LIMIT %(limit)s
"""


def queue(
    *,
    scope: Scope,
    team: int,
    now: datetime,
    limit: int = 50,
    after: Place | None = None,
    chosen: Filter | None = None,
) -> Page:
    """A page of the team's queue, for its leads: all of it, or what ``chosen`` says. Raises Refused."""
    must_lead(scope, team)
    wanted = chosen or Filter()
    further = "true" if after is None else "(t.priority, t.due_at, t.id) > (%(priority)s, %(due_at)s, %(trace)s)"
    arguments = {"team": team, "limit": limit + 1, **wanted.arguments(now), **(after._asdict() if after else {})}
    picked = _OUT if wanted.later else _QUEUE
    with walls.transaction(scope):
        conditions = f"{wanted.condition()} AND {further}"
        found = lines(picked.format(conditions=conditions, place=wanted.place), arguments)
        opened_list("queue", team, len(found[:limit]), scope, now)
    last = found[limit - 1] if len(found) > limit else None
    return Page(found[:limit], Place(last.priority, last.due_at, last.trace) if last else None)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much work a team has: in the queue, of it overdue, open with somebody, and waiting for the next try.

    ``more`` says that the queue is longer than was counted: the numbers then mean "at least".
    """

    queued: int
    overdue: int
    oldest: datetime | None
    open_now: int
    later: int
    more: bool


_WAITING = """
WITH queue AS MATERIALIZED (
    SELECT t.due_at, t.created_at FROM traces t WHERE t.team_id = %(team)s AND t.queued LIMIT %(limit)s
), out AS MATERIALIZED (
    SELECT t.claimed_by FROM traces t
    WHERE t.team_id = %(team)s AND NOT t.queued AND t.closed_at IS NULL LIMIT %(limit)s
)
SELECT q.queued, q.overdue, q.oldest, o.open_now, o.later FROM
    (SELECT count(*) AS queued, count(*) FILTER (WHERE due_at <= %(now)s) AS overdue, min(created_at) AS oldest
     FROM queue) q,
    (SELECT count(claimed_by) AS open_now, count(*) - count(claimed_by) AS later FROM out) o
"""


def waiting(*, scope: Scope, team: int, now: datetime) -> Waiting:
    """How much work the team has at ``now``, for its members. Raises Refused."""
    must_be_member(scope, team)
    with walls.transaction(scope):
        ((queued, overdue, oldest, open_now, later),) = walls.rows(
            _WAITING, {"team": team, "now": now, "limit": COUNTED + 1}
        )
    return Waiting(queued, overdue, oldest, open_now, later, more=queued > COUNTED)


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody who works in a team, and the traces they have open."""

    user: int
    name: str
    role: str
    lent: bool
    lines: tuple[Line, ...]


_MEMBERS = """
SELECT u.id, u.name, m.role, m.lent FROM memberships m JOIN users u ON u.id = m.user_id
WHERE m.team_id = %(team)s AND m.from_at <= %(now)s AND (m.until_at IS NULL OR m.until_at > %(now)s) AND u.is_active
ORDER BY u.name, u.id LIMIT 500
"""

_OPEN = """
SELECT t.id, row_number() OVER (ORDER BY t.claimed_at, t.id) AS place FROM traces t
WHERE t.team_id = %(team)s AND NOT t.queued AND t.closed_at IS NULL AND t.claimed_by IS NOT NULL
ORDER BY t.claimed_at, t.id LIMIT 1000
"""


def who_has_what(*, scope: Scope, team: int, now: datetime) -> tuple[Worker, ...]:
    """Everybody who works in the team at ``now``, with what they have open, for its leads. Raises Refused.

    Whoever has something open and has left the team comes last.
    """
    must_lead(scope, team)
    with walls.transaction(scope):
        members: list[tuple[int, str, str, bool]] = walls.rows(_MEMBERS, {"team": team, "now": now})
        found = lines(_OPEN, {"team": team})
        opened_list("who has what", team, len(found), scope, now)
    known: dict[int, Worker] = {}
    for user, name, role, lent in members:
        known.setdefault(user, Worker(user, name, role, lent, tuple(each for each in found if each.with_user == user)))
    for line in found:
        if line.with_user is not None and line.with_user not in known:
            theirs = tuple(each for each in found if each.with_user == line.with_user)
            known[line.with_user] = Worker(line.with_user, line.with_name, "", False, theirs)
    return tuple(known.values())


@dataclass(frozen=True, slots=True)
class Question:
    """A question that nobody has answered yet."""

    note: int
    trace: int
    ref: str
    at: datetime
    text: str
    from_team: str
    by_name: str


_QUESTIONS = """
SELECT n.id, t.id, t.ref, n.at, n.text, k.name, coalesce(u.name, '')
FROM notes n JOIN traces t ON t.id = n.trace_id JOIN teams k ON k.id = n.team_id LEFT JOIN users u ON u.id = n.user_id
WHERE n.to_team_id = %(team)s AND n.kind = 'question' AND NOT EXISTS (SELECT 1 FROM notes a WHERE a.answers_id = n.id)
ORDER BY n.at DESC, n.id DESC LIMIT %(limit)s
"""


def questions(*, scope: Scope, team: int, now: datetime, limit: int = 50) -> tuple[Question, ...]:
    """The open questions to the team, newest first, for its members. Raises Refused."""
    must_be_member(scope, team)
    with walls.transaction(scope):
        found = tuple(Question(*row) for row in walls.rows(_QUESTIONS, {"team": team, "limit": limit}))
        opened_list("questions", team, len(found), scope, now)
    return found


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a question of the team that nobody of it has seen yet, with what was asked."""

    trace: int
    ref: str
    at: datetime
    asked: str
    text: str
    from_team: str
    by_name: str


_NEW_ANSWERS = """
SELECT t.id, t.ref, a.at, q.text, a.text, k.name, coalesce(u.name, '')
FROM notes a JOIN notes q ON q.id = a.answers_id JOIN traces t ON t.id = a.trace_id JOIN teams k ON k.id = a.team_id
LEFT JOIN users u ON u.id = a.user_id
WHERE a.to_team_id = %(team)s AND a.kind = 'answer' AND a.seen_at IS NULL
ORDER BY a.at DESC, a.id DESC LIMIT %(limit)s
"""


def new_answers(*, scope: Scope, team: int, now: datetime, limit: int = 50) -> tuple[Answer, ...]:
    """The answers to the team's questions that nobody of it has seen, newest first, for its members. Raises Refused."""
    must_be_member(scope, team)
    with walls.transaction(scope):
        found = tuple(Answer(*row) for row in walls.rows(_NEW_ANSWERS, {"team": team, "limit": limit}))
        opened_list("answers", team, len(found), scope, now)
    return found
