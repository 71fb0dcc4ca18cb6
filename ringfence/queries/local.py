"""What was handed over: the local team's list with its notices, and what became of it for those who handed it over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from ringfence.accounts import walls
from ringfence.queries.lines import Line, lines, must_be_member, opened_list
from ringfence.rules.access import Scope
from ringfence.rules.calendar import DAY, london_date, london_moment
from ringfence.rules.handover import Group, group


@dataclass(frozen=True, slots=True)
class Grouped:
    """One group of a team's list: how many traces are in it, and the first of them, the one due first at the top."""

    group: Group
    count: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class TeamList:
    """The open traces of a team in groups by when they are due, and how many hand-overs nobody has looked at yet.

    ``more`` says that there are more than were counted: the numbers then mean "at least".
    """

    groups: tuple[Grouped, ...]
    unseen: int
    more: bool = False

    @property
    def count(self) -> int:
        return sum(each.count for each in self.groups)


FIRST, LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)

#: Traces of one team that a count looks at; a page says "more than" beyond it.
COUNTED = 10_000

_COUNT = """
SELECT count(*) FILTER (WHERE due_at <= %(now)s),
    count(*) FILTER (WHERE due_at > %(now)s AND due_at < %(tomorrow)s),
    count(*) FILTER (WHERE due_at > %(now)s AND due_at >= %(tomorrow)s AND due_at < %(later)s),
    count(*) FILTER (WHERE due_at > %(now)s AND due_at >= %(later)s)
FROM (
    (SELECT t.due_at FROM traces t WHERE t.team_id = %(team)s AND t.queued LIMIT %(counted)s)
    UNION ALL
    (SELECT t.due_at FROM traces t WHERE t.team_id = %(team)s AND NOT t.queued AND t.closed_at IS NULL LIMIT %(counted)s)
) o
"""

# The first of each group by the queue's index, which is in the order of shard, urgency and then due: a few rows of each of
# its parts, however long the queue is. What is out of the queue comes in the order in which it comes back.
_FIRST = """
WITH spans AS (
    SELECT row_number() OVER () AS place, s.after, s.until FROM unnest(%(after)s::timestamptz[], %(until)s::timestamptz[])
        AS s (after, until)
), sooner AS (
    SELECT q.id, q.due_at, s.place
    FROM spans s CROSS JOIN generate_series(0, 15) AS h (shard) CROSS JOIN generate_series(1, 9) AS u (urgency)
    CROSS JOIN LATERAL (
        SELECT t.id, t.due_at FROM traces t
        WHERE t.team_id = %(team)s AND t.queued AND t.shard = h.shard AND t.priority = u.urgency
            AND t.due_at > s.after AND t.due_at <= s.until
        ORDER BY t.due_at, t.id LIMIT %(limit)s) q
    UNION ALL
    SELECT o.id, o.due_at, s.place FROM (
        SELECT t.id, t.due_at FROM traces t WHERE t.team_id = %(team)s AND NOT t.queued AND t.closed_at IS NULL
        ORDER BY t.ready_at LIMIT %(counted)s) o
    JOIN spans s ON o.due_at > s.after AND o.due_at <= s.until
)
SELECT id, row_number() OVER (ORDER BY due_at, id) AS place FROM (
    SELECT id, due_at, row_number() OVER (PARTITION BY place ORDER BY due_at, id) AS nth FROM sooner) n
WHERE nth <= %(limit)s
"""

#: Hand-overs to the team that nobody has looked at, of what it still has and is still to do.
_UNSEEN_ONES = """
handovers h JOIN traces t ON t.id = h.trace_id AND t.team_id = h.to_team_id AND t.handovers = h.seq AND t.closed_at IS NULL
WHERE h.to_team_id = %(team)s AND h.seen_at IS NULL
"""

_UNSEEN = f"SELECT count(*) FROM (SELECT 1 FROM {_UNSEEN_ONES} LIMIT 1000) n"


def team_list(name: str, scope: Scope, team: int, now: datetime, limit: int) -> TeamList:
    """A team's open traces in groups; at most ``limit`` lines for each group. Logged under ``name``."""
    must_be_member(scope, team)
    tomorrow = london_moment(london_date(now) + DAY, time())
    later = london_moment(london_date(now) + 2 * DAY, time())
    arguments: dict[str, Any] = {"team": team, "now": now, "tomorrow": tomorrow, "later": later, "limit": limit}
    moment = timedelta(microseconds=1)
    ends = [now, max(now, tomorrow - moment), max(now, later - moment)]
    # Each group is what is due after the one moment and up to the other.
    arguments |= {"counted": COUNTED, "after": [FIRST, *ends], "until": [*ends, LAST]}
    with walls.transaction(scope):
        (counts,) = walls.rows(_COUNT, arguments)
        ((unseen,),) = walls.rows(_UNSEEN, arguments)
        found = lines(_FIRST, arguments)
        opened_list(name, team, len(found), scope, now)
    by_group: dict[Group, list[Line]] = {each: [] for each in Group}
    for line in found:
        by_group[group(line.due_at, now)].append(line)
    return TeamList(
        tuple(Grouped(each, count, tuple(by_group[each])) for each, count in zip(Group, counts, strict=True)),
        unseen,
        more=sum(counts) >= COUNTED,
    )


def handed_over(*, scope: Scope, team: int, now: datetime, limit: int = 50) -> TeamList:
    """The local team's open traces: Overdue, Today, Tomorrow, Later; at most ``limit`` lines for each.

    For members of the team. Raises Refused.
    """
    scope.require("local list")
    return team_list("handed over", scope, team, now, limit)


@dataclass(frozen=True, slots=True)
class Notice:
    """A hand-over that nobody of the receiving team has looked at yet."""

    trace: int
    ref: str
    at: datetime
    reason: str
    why: str
    from_team: str


# Thousands may come in one minute: the last ones are taken by their index before anything is joined to them.
_NOTICES = f"""
WITH latest AS MATERIALIZED (
    SELECT t.id, t.ref, h.at, h.reason, h.why, h.from_team_id FROM {_UNSEEN_ONES} ORDER BY h.at DESC LIMIT %(limit)s
)
SELECT h.id, h.ref, h.at, h.reason, h.why, k.name FROM latest h JOIN teams k ON k.id = h.from_team_id
ORDER BY h.at DESC, h.id
"""


def notices(*, scope: Scope, team: int, now: datetime, limit: int = 50) -> tuple[Notice, ...]:
    """The hand-overs to the team that nobody has looked at, newest first, for its members. Raises Refused."""
    must_be_member(scope, team)
    with walls.transaction(scope):
        return tuple(Notice(*row) for row in walls.rows(_NOTICES, {"team": team, "limit": limit}))


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a trace that the team passed on: ``outcome`` is "" while it is open."""

    trace: int
    ref: str
    at: datetime
    reason: str
    to_team: str
    owner: str
    attempts: int
    last_attempt_at: datetime | None
    outcome: str
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class PassedOn:
    """What became of what a team passed on in the days looked at: in figures, and the latest in lines. ``more`` says that
    it was more than a thousand; then the figures are of the last thousand.

    ``reached`` and ``closed`` (for another reason) are of those passed on; the rest, ``open``, is still being worked.
    """

    since: datetime
    traces: int
    reached: int
    closed: int
    more: bool
    lines: tuple[Became, ...]

    @property
    def open(self) -> int:
        return self.traces - self.reached - self.closed


#: The latest hand-overs that a look at what became of them takes in: a team may pass on thousands in one morning.
LOOKED_AT = 1_000

_PASSED = """
WITH recent AS MATERIALIZED (
    SELECT h.trace_id, h.at, h.reason, h.to_team_id FROM handovers h
    WHERE h.from_team_id = %(team)s AND h.at >= %(since)s AND h.at <= %(now)s
    ORDER BY h.at DESC LIMIT %(looked_at)s
), passed AS MATERIALIZED (
    SELECT DISTINCT ON (h.trace_id) h.trace_id, h.at, h.reason, h.to_team_id FROM recent h ORDER BY h.trace_id, h.at DESC
), became AS MATERIALIZED (
    SELECT t.id, t.ref, p.at, p.reason, p.to_team_id, t.team_id, t.attempts, t.last_attempt_at, t.outcome, t.closed_at,
        t.reached_at
    FROM passed p JOIN traces t ON t.id = p.trace_id
    WHERE t.team_id <> %(team)s
)
"""

_PASSED_LINES = (
    _PASSED
    + """, counted AS (
    SELECT count(*) AS traces, count(reached_at) AS reached, count(closed_at) - count(reached_at) AS closed FROM became
), latest AS (
    SELECT * FROM became ORDER BY at DESC, id LIMIT %(limit)s
)
SELECT c.traces, c.reached, c.closed, (SELECT count(*) FROM recent) = %(looked_at)s,
    b.id, b.ref, b.at, b.reason, k.name, o.name, b.attempts, b.last_attempt_at,
    b.outcome, b.closed_at
FROM counted c LEFT JOIN latest b ON true
LEFT JOIN teams k ON k.id = b.to_team_id LEFT JOIN teams o ON o.id = b.team_id
ORDER BY b.at DESC, b.id
"""
)


def passed_on(*, scope: Scope, team: int, now: datetime, days: int = 7, limit: int = 50) -> PassedOn:
    """What became of the traces that the team passed on in the last ``days``, for its members. Raises Refused.

    The team that began with a trace, and the one that had it last, keep sight of it. Nobody is named in it.
    """
    must_be_member(scope, team)
    since = now - timedelta(days=days)
    arguments: dict[str, Any] = {"team": team, "since": since, "now": now, "limit": limit, "looked_at": LOOKED_AT}
    with walls.transaction(scope):
        rows = walls.rows(_PASSED_LINES, arguments)
    traces, reached, closed, more = rows[0][:4]
    return PassedOn(since, traces, reached, closed, more, tuple(Became(*row[4:]) for row in rows if row[4] is not None))
