"""Visits: planned for a day in an order that makes short ways, and recorded at the door, also without signal.

What came of a visit is recorded at the time when it happened. It may arrive hours later and more than once: the phone
gives each outcome a key of its own, and the same key is recorded once. Nothing that happened at a door is thrown away
because the record changed meanwhile: a closed trace gets the visit as an attempt from which nothing follows, and a
trace that another team has by now gets it as a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import attempts, auditing, notes
from ringfence.actions.errors import Invalid, NotFound, Stale
from ringfence.actions.holding import Held, concerned, hold_many
from ringfence.methods.rounds import LARGEST, Point, rounds
from ringfence.queries import visits as queries
from ringfence.rules.access import Refused, Scope
from ringfence.rules.attempts import Kind, Outcome, TraceOutcome
from ringfence.rules.calendar import london_date, spoken

FURTHEST = timedelta(days=14)

#: How long a phone may keep what came of a visit.
LONGEST_AGO = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Planned:
    """What was planned: for each visitor the number of stops and the metres of the round, and what was left out."""

    on_date: date
    rounds: tuple[tuple[int, int, float], ...]
    left_out: tuple[tuple[str, str], ...]


_THERE = """
SELECT v.trace_id FROM visits v JOIN traces t ON t.id = v.trace_id
WHERE v.team_id = %(team)s AND v.on_date = %(day)s AND v.state = 'planned' AND v.visitor = ANY (%(visitors)s)
    AND t.team_id = v.team_id AND t.closed_at IS NULL
"""

_PLACES = """
SELECT t.id, p.address <> '' OR p.postcode <> '' OR EXISTS (
    SELECT 1 FROM details d WHERE d.person_id = p.id AND d.kind = 'address' AND d.wrong_at IS NULL),
    g.easting, g.northing
FROM traces t JOIN people p ON p.id = t.person_id LEFT JOIN postcodes g ON g.code = p.postcode
WHERE t.id = ANY (%(traces)s) ORDER BY t.id
"""

_PLAN = """
INSERT INTO visits (trace_id, person_id, team_id, on_date, visitor, place, planned_at, planned_by)
SELECT n.trace, n.person, %(team)s, %(day)s, n.visitor, n.place, %(now)s, %(user)s
FROM unnest(%(traces)s::bigint[], %(people)s::bigint[], %(visitors)s::bigint[], %(places)s::int[])
    AS n (trace, person, visitor, place)
ON CONFLICT (trace_id) WHERE state = 'planned'
DO UPDATE SET on_date = excluded.on_date, visitor = excluded.visitor, place = excluded.place
"""


def plan(
    *, team: int, traces: Sequence[int], on_date: date, visitors: Sequence[int], by: Scope, now: datetime
) -> Planned:
    """Plan visits to the traces' people on a day, shared evenly between the visitors and ordered as rounds.

    What these visitors have planned on that day already is ordered anew together with it. A trace that is planned for
    another day is moved. Left out, with the reason: what is closed, with another team, or has no address. Raises
    Refused, Invalid.
    """
    by.require("visits")
    if team not in by.teams:
        raise Refused("You do not work in this team.")
    today = london_date(now)
    if not today <= on_date <= today + FURTHEST:
        raise Invalid("day", f"Choose a day from today until {FURTHEST.days} days ahead.")
    people = list(dict.fromkeys(visitors))
    there = {user for user, _ in queries.visitors(scope=by, team=team, now=now)}
    if not people or not set(people) <= there:
        raise Invalid("visitors", "Choose who goes, of those who work in the team.")
    if not traces:
        raise Invalid("trace", "Tick whom to visit.")
    with walls.transaction(by):
        old = [row[0] for row in walls.fetch(_THERE, {"team": team, "day": on_date, "visitors": people})]
        held = {each.id: each for each in hold_many(sorted({*old, *traces}))}
        left_out = [("", "There is no such trace that you may see.") for each in set(traces) if each not in held]
        going: dict[int, Point | None] = {}
        for trace, known, east, north in walls.fetch(_PLACES, {"traces": list(held)}):
            why = _not_visited(held[trace], team, known)
            if why:
                left_out.append((held[trace].ref, why))
            else:
                going[trace] = None if east is None else (float(east), float(north))
        if len(going) > LARGEST:
            raise Invalid(
                "trace", f"Plan at most {LARGEST} visits for these visitors on one day; this is {len(going)}."
            )
        laid = _lay(going, len(people), queries.base_of(team, now).point)
        columns: dict[str, list[int]] = {"traces": [], "people": [], "visitors": [], "places": []}
        for user, (stops, _) in zip(people, laid, strict=True):
            for place, trace in enumerate(stops, start=1):
                for column, value in zip(columns, (trace, held[trace].person_id, user, place), strict=True):
                    columns[column].append(value)
        with connection.cursor() as cursor:
            cursor.execute(_PLAN, {"team": team, "day": on_date, "now": now, "user": by.user, **columns})
        auditing.record(
            "visits.planned", by=by, now=now, team=team, detail={"visits": len(going), "visitors": len(people)}
        )
    lengths = tuple((user, len(stops), metres) for user, (stops, metres) in zip(people, laid, strict=True))
    return Planned(on_date, lengths, tuple(left_out))


def _not_visited(held: Held, team: int, known: bool) -> str:
    if held.team_id != team:
        return f"It is with the {held.team_name}."
    if held.closed_at is not None:
        return "It is closed."
    return "" if known else "No address is known."


def _lay(going: dict[int, Point | None], visitors: int, base: Point | None) -> list[tuple[list[int], float]]:
    """The traces of each visitor in order, with the metres; those whose postcode has no place on the grid come last."""
    placed = [(trace, point) for trace, point in going.items() if point is not None]
    points = [point for _, point in placed]
    middle = tuple(sum(axis) / len(points) for axis in zip(*points, strict=True)) if points else (0.0, 0.0)
    start = base or (middle[0], middle[1])
    laid = [([placed[stop][0] for stop in each.stops], each.metres) for each in rounds(start, points, visitors)]
    for trace, point in going.items():
        if point is None:
            min(laid, key=lambda each: len(each[0]))[0].append(trace)
    return laid


def cancel(*, visit: int, by: Scope, now: datetime) -> str:
    """Take a planned visit off its day; the trace stays as it is. Returns its reference. Raises NotFound, Stale."""
    by.require("visits")
    with walls.transaction(by):
        found = _visit(visit, by)
        if found.state != "planned":
            raise Stale("This visit is not planned any more.")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE visits SET state = 'cancelled', finished_at = %s WHERE id = %s", [now, visit])
        auditing.record("visit.cancelled", by=by, now=now, trace=found.trace, team=found.team)
    return found.ref


@dataclass(frozen=True, slots=True)
class Visited:
    """What became of an outcome from a door: where it is kept and what follows, in one sentence for the screen.

    ``again`` says that it had arrived before, and nothing was done now.
    """

    ref: str
    at: datetime
    said: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class _Visit:
    id: int
    trace: int
    ref: str
    team: int
    state: str
    planned_at: datetime
    attempt: int | None
    outcome: str
    at: datetime | None
    key: UUID | None
    closed_at: datetime | None  # of a trace that had been closed before, and not by this visit
    ended: str


_VISIT = """
SELECT v.id, v.trace_id, t.ref, v.team_id, v.state, v.planned_at, v.attempt_id, coalesce(a.outcome, ''),
    coalesce(a.at, v.finished_at), a.client_key,
    CASE WHEN t.closed_at < a.recorded_at THEN t.closed_at END, t.outcome
FROM visits v JOIN traces t ON t.id = v.trace_id LEFT JOIN attempts a ON a.id = v.attempt_id
WHERE v.id = %(visit)s AND v.team_id = ANY (%(teams)s) FOR UPDATE OF v
"""


def record(
    *,
    visit: int,
    outcome: str,
    by: Scope,
    now: datetime,
    ago: int = 0,
    client_key: UUID | None = None,
    note: str = "",
    call_back_at: datetime | None = None,
    guardian: bool = False,
) -> Visited:
    """Record what came of a visit ``ago`` seconds before now, once for each ``client_key``.

    The seconds are by the phone's own clock, which need not be right. Raises NotFound when the visit is not of a team of
    the person's, Stale when another outcome of it is on the record, Refused, Invalid.
    """
    by.require("visits")
    with walls.transaction(by):
        found = _visit(visit, by)
        if found.state == "done":
            return _already(found, client_key)
        at = max(found.planned_at, now - min(max(timedelta(seconds=ago), timedelta()), LONGEST_AGO))
        tried = attempts.told(
            at=at,
            kind=Kind.VISIT,
            outcome=outcome,
            note=note,
            call_back_at=call_back_at,
            guardian=guardian,
            client_key=client_key,
        )
        held = next(iter(hold_many([found.trace])), None)
        if held is None:
            raise NotFound("This trace is not yours to see any more.")
        attempt: int | None = None
        if held.team_id not in by.teams:
            said = _as_note(held, tried, by, now)
        elif held.closed_at is not None:
            attempt = attempts.add(held, tried, "", by, now)
            attempts.count(held, tried)
            said = _closed(held.closed_at, held.outcome)
        else:
            done = attempts.follow(held, tried, by, now)
            attempt, said = done.attempt, done.next.why
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE visits SET state = 'done', attempt_id = %s, finished_at = %s WHERE id = %s",
                [attempt, at, visit],
            )
        auditing.record(
            "visit.recorded", by=by, now=now, opened=True, person=held.person_id, trace=held.id, team=found.team
        )
    return Visited(found.ref, at, said)


def _visit(visit: int, by: Scope) -> _Visit:
    rows = walls.fetch(_VISIT, {"visit": visit, "teams": list(by.teams)})
    if not rows:
        raise NotFound("This visit is not one of your team's.")
    return _Visit(*rows[0])


def _already(found: _Visit, key: UUID | None) -> Visited:
    assert found.at is not None
    if key is not None and (key == found.key or found.attempt is None):
        said = "It had arrived before, and is recorded once."
        if found.closed_at is not None:
            # The first answer may never have reached the phone.
            said += " " + _closed(found.closed_at, found.ended)
        return Visited(found.ref, found.at, said, again=True)
    what = f"{Outcome(found.outcome).label.lower()}, " if found.outcome else ""
    raise Stale(f"This visit has an outcome already: {what}{spoken(found.at)}. Yours was not added to it.")


def _closed(at: datetime, outcome: str) -> str:
    return (
        f"The trace had been closed at {spoken(at)}: {TraceOutcome(outcome).words.lower()}. Your visit is on the record and"
        " changes nothing else; tell your lead if it should."
    )


def _as_note(held: Held, tried: attempts.Told, by: Scope, now: datetime) -> str:
    """The outcome as a note for the team that has the trace by now."""
    if not any(team in by.teams for team in concerned(held)):
        raise NotFound("This trace is not yours to see any more.")
    text = f"Visited at {spoken(tried.at)}: {tried.outcome.label.lower()}."
    notes.add(trace=held.id, kind="note", text=f"{text} {tried.note}"[: notes.LONGEST].strip(), by=by, now=now)
    return f"The {held.team_name} has this trace by now, so your visit is on it as a note for them."
