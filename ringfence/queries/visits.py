"""Visits: who could be visited, what is planned on a day, in which order, and from where a round begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from django.db import connection

from ringfence.accounts import walls
from ringfence.base.references import tidy
from ringfence.methods.rounds import Point, length
from ringfence.queries.lines import must_be_member, opened_list
from ringfence.queries.policy import partnership_history
from ringfence.rules.access import NotFound, Scope
from ringfence.rules.ages import under_18
from ringfence.rules.attempts import TraceOutcome
from ringfence.rules.calendar import london_date
from ringfence.rules.policy import policy_at


@dataclass(frozen=True, slots=True)
class Candidate:
    """An open trace of the team whose person could be visited; ``planned`` is the day of a visit planned already."""

    trace: int
    ref: str
    name: str
    address: str
    postcode: str
    due_at: datetime
    attempts: int
    planned: date | None


@dataclass(frozen=True, slots=True)
class PlannedDay:
    """One visitor's visits of one day; ``visitor_name`` is "" for visits that nobody was given."""

    on_date: date
    visitor: int | None
    visitor_name: str
    visits: int
    done: int


@dataclass(frozen=True, slots=True)
class Stop:
    """One visit of a round.

    ``also`` are addresses that the teams added. ``gone`` says why there is nothing to do there any more: the trace was
    closed, or is with another team. ``outcome`` and ``at`` are what was recorded, "" while it is planned; a visit that
    was written down as a note has no outcome.
    """

    visit: int
    trace: int
    person: int
    ref: str
    place: int | None
    state: str
    visitor: int | None
    visitor_name: str
    name: str
    address: str
    postcode: str
    also: tuple[str, ...]
    under_18: bool
    outcome: str
    at: datetime | None
    gone: str

    @property
    def done(self) -> bool:
        return self.state == "done"


@dataclass(frozen=True, slots=True)
class Round:
    """The visits of one visitor in order; ``metres`` there and back in straight lines, over those still to be made."""

    visitor: int | None
    visitor_name: str
    stops: tuple[Stop, ...]
    metres: float


class Base(NamedTuple):
    """Where rounds begin: metres of the national grid (None: no postcode of the authority is known), and in words."""

    point: Point | None
    words: str


_CANDIDATES = """
SELECT t.id, t.ref, p.given_name || ' ' || p.family_name, p.address, p.postcode, t.due_at, t.attempts, v.on_date
FROM traces t JOIN people p ON p.id = t.person_id
LEFT JOIN visits v ON v.trace_id = t.id AND v.state = 'planned'
WHERE t.team_id = %(team)s AND t.closed_at IS NULL AND (p.address <> '' OR p.postcode <> '' OR EXISTS (
    SELECT 1 FROM details d WHERE d.person_id = p.id AND d.kind = 'address' AND d.wrong_at IS NULL))
ORDER BY t.due_at, t.id LIMIT %(limit)s
"""


def candidates(*, scope: Scope, team: int, now: datetime, limit: int = 100) -> tuple[Candidate, ...]:
    """Open traces of the team whose address is known, the one due first at the top. For its members; logged."""
    _must_visit(scope, team)
    with walls.transaction(scope):
        found = tuple(Candidate(*row) for row in walls.fetch(_CANDIDATES, {"team": team, "limit": limit}))
        opened_list("to visit", team, len(found), scope, now)
    return found


_DAYS = """
SELECT v.on_date, v.visitor, coalesce(u.name, ''), count(*), count(*) FILTER (WHERE v.state = 'done')
FROM visits v LEFT JOIN users u ON u.id = v.visitor
WHERE v.team_id = %(team)s AND v.on_date >= %(since)s AND v.state <> 'cancelled'
GROUP BY v.on_date, v.visitor, u.name ORDER BY v.on_date, u.name
"""


def days(*, scope: Scope, team: int, now: datetime) -> tuple[PlannedDay, ...]:
    """What is planned from yesterday on. For the team's members; nobody who is visited is named in it."""
    _must_visit(scope, team)
    with walls.transaction(scope):
        since = london_date(now) - timedelta(days=1)
        return tuple(PlannedDay(*row) for row in walls.fetch(_DAYS, {"team": team, "since": since}))


_VISITORS = """
SELECT DISTINCT u.id, u.name FROM memberships m JOIN users u ON u.id = m.user_id AND u.is_active
WHERE m.team_id = %(team)s AND m.from_at <= %(now)s AND (m.until_at IS NULL OR m.until_at > %(now)s)
ORDER BY u.name, u.id
"""


def visitors(*, scope: Scope, team: int, now: datetime) -> tuple[tuple[int, str], ...]:
    """Those who work in the team now, by name: their number and name."""
    _must_visit(scope, team)
    with walls.transaction(scope):
        return tuple((user, name) for user, name in walls.fetch(_VISITORS, {"team": team, "now": now}))


_STOPS = """
SELECT v.id, t.id, t.person_id, t.ref, v.place, v.state, v.visitor, coalesce(u.name, ''),
    p.given_name || ' ' || p.family_name, p.address, p.postcode,
    ARRAY(SELECT d.value FROM details d
        WHERE d.person_id = p.id AND d.kind = 'address' AND d.wrong_at IS NULL ORDER BY d.id),
    p.birth_date, p.adult, coalesce(a.outcome, ''), coalesce(a.at, v.finished_at), t.closed_at IS NOT NULL, t.outcome,
    t.team_id = v.team_id, k.name, g.easting, g.northing
FROM visits v JOIN traces t ON t.id = v.trace_id JOIN people p ON p.id = t.person_id JOIN teams k ON k.id = t.team_id
LEFT JOIN users u ON u.id = v.visitor LEFT JOIN attempts a ON a.id = v.attempt_id
LEFT JOIN postcodes g ON g.code = p.postcode
WHERE v.team_id = ANY (%(teams)s) AND v.on_date = %(day)s AND v.state <> 'cancelled'
"""


def day(
    *, scope: Scope, team: int, on_date: date, now: datetime, visitor: int | None = None, name: str = "visits"
) -> tuple[Round, ...]:
    """The rounds of a day, each in order; of one ``visitor`` when given. For the team's members; logged as ``name``."""
    _must_visit(scope, team)
    with walls.transaction(scope):
        base = base_of(team, now)
        rows = walls.fetch(
            _STOPS + " AND (%(visitor)s::bigint IS NULL OR v.visitor = %(visitor)s)"
            " ORDER BY u.name, v.visitor, v.place, v.id",
            {"teams": [team], "day": on_date, "visitor": visitor},
        )
        opened_list(name, team, len(rows), scope, now)
    found = []
    for (user, user_name), group in groupby(rows, key=lambda row: (row[6], row[7])):
        stops = [(_stop(row, now), row[-2:]) for row in group]
        ahead = [(float(east), float(north)) for stop, (east, north) in stops if east is not None and not stop.done]
        metres = length(base.point, ahead) if base.point and ahead else 0.0
        found.append(Round(user, user_name, tuple(stop for stop, _ in stops), metres))
    return tuple(found)


_OPENED = """
INSERT INTO audit.events (at, user_id, scope, verb, opened, person_id, trace_id)
VALUES (%(now)s, %(user)s, %(scope)s, 'visit.opened', true, %(person)s, %(trace)s)
"""


def stop(*, scope: Scope, on_date: date, ref: str, now: datetime) -> Stop:
    """The visit to the trace on a day, the last planned one, in a team of the reader's. Logged. Raises NotFound."""
    scope.require("visits")
    with walls.transaction(scope):
        rows = walls.fetch(
            _STOPS + " AND t.ref = %(ref)s ORDER BY v.state = 'planned' DESC, v.id DESC LIMIT 1",
            {"teams": list(scope.teams), "day": on_date, "ref": tidy(ref)},
        )
        if not rows:
            raise NotFound(f"No visit to {ref} is planned on that day.")
        found = _stop(rows[0], now)
        with connection.cursor() as cursor:
            who: dict[str, Any] = {"now": now, "user": scope.user, "scope": scope.name}
            cursor.execute(_OPENED, who | {"person": found.person, "trace": found.trace})
    return found


def _stop(row: Any, now: datetime) -> Stop:
    head, (also, born, adult, outcome, at, closed, ended, ours, owner) = row[:11], row[11:-2]
    gone = ""
    if closed:
        gone = f"Closed meanwhile: {TraceOutcome(ended).words.lower()}."
    elif not ours:
        gone = f"It is with the {owner} now."
    child = under_18(born, adult, london_date(now))
    values: list[Any] = [*head, tuple(also), child, outcome, at, gone]
    return Stop(*values)


_POSTCODE = "SELECT easting, northing FROM postcodes WHERE code = %(code)s AND easting IS NOT NULL"

_MIDDLE = """
SELECT avg(g.easting)::float8, avg(g.northing)::float8 FROM postcodes g
WHERE g.terminated IS NULL AND g.area IN (
    SELECT %(area)s UNION ALL SELECT child FROM area_parents WHERE parent = %(area)s AND until IS NULL)
"""


def base_of(team: int, now: datetime) -> Base:
    """Where the team's rounds begin: the postcode of the policy in force, or else the middle of the authority.

    Inside a transaction that the caller has opened.
    """
    ((area,),) = walls.fetch("SELECT area FROM teams WHERE id = %(team)s", {"team": team})
    begun = [each for each in partnership_history(area) if each.from_at <= now]
    code = policy_at(begun, now).visits_from if begun else ""
    for east, north in walls.fetch(_POSTCODE, {"code": code}) if code else ():
        return Base((float(east), float(north)), code)
    ((east, north),) = walls.fetch(_MIDDLE, {"area": area})
    return Base(None if east is None else (east, north), "the middle of the authority")


def _must_visit(scope: Scope, team: int) -> None:
    scope.require("visits")
    must_be_member(scope, team)
