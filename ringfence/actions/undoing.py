"""Taking back: what a lead did to many traces at once, as far as nobody has worked on them since; that one was closed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection
from django.db import transaction as database_transaction

from ringfence.accounts import walls
from ringfence.accounts.models import Team
from ringfence.actions import auditing
from ringfence.actions.bulk import NotMoved, note, tell, update
from ringfence.actions.checks import words
from ringfence.actions.errors import Invalid, NotFound
from ringfence.actions.holding import Held, Move, hold, hold_many, move
from ringfence.actions.work import LONGEST_WHY
from ringfence.base.references import tidy
from ringfence.partnerships.clock import hold_still
from ringfence.rules.access import Refused, Scope
from ringfence.rules.attempts import OPENED_AGAIN, TraceOutcome
from ringfence.rules.bulk import What
from ringfence.rules.handover import Due


@dataclass(frozen=True, slots=True)
class Undone:
    """How many traces are as they were before, and which had been touched since and stayed."""

    traces: int
    kept: tuple[NotMoved, ...]


_CHANGE = "SELECT id, team_id, what, undone_at, before::text FROM bulk_changes WHERE ref = %s FOR UPDATE"

# A trace that was closed may have been opened again by another way: then there is one for this person and reason.
_REOPEN = """
UPDATE traces t SET closed_at = NULL, outcome = '', version = t.version + 1,
    queued = (b.ready_at IS NULL OR b.ready_at <= %(now)s),
    ready_at = CASE WHEN b.ready_at > %(now)s THEN b.ready_at END
FROM unnest(%(ids)s::bigint[], %(ready_ats)s::timestamptz[]) AS b (id, ready_at) WHERE t.id = b.id
"""

_WAIT = """
UPDATE traces t SET queued = false, ready_at = b.ready_at
FROM unnest(%(ids)s::bigint[], %(ready_ats)s::timestamptz[]) AS b (id, ready_at)
WHERE t.id = b.id AND b.ready_at > %(now)s
"""

_PRIORITY = """
UPDATE traces t SET priority = b.priority, version = t.version + 1
FROM unnest(%(ids)s::bigint[], %(priorities)s::int[]) AS b (id, priority) WHERE t.id = b.id
"""


def undo(*, ref: str, by: Scope, now: datetime) -> Undone:
    """Make those traces of a change what they were before that nobody has touched since; the others are named.

    By any lead of the team that made it, once. Raises NotFound, Refused, Invalid.
    """
    by.require("lead")
    with walls.transaction(by):
        hold_still()
        with connection.cursor() as cursor:
            cursor.execute(_CHANGE, [tidy(ref)])
            row = cursor.fetchone()
            if row is None:
                raise NotFound(f"There is no change {ref} that you may see.")
            number, team, what, undone_at, text = row
            if team not in by.lead_of:
                raise Refused("You do not lead this team.")
            if undone_at is not None:
                raise Invalid("ref", "This change has been undone already.")
            cursor.execute(
                "UPDATE bulk_changes SET undone_at = %s, undone_by = %s WHERE id = %s", [now, by.user, number]
            )
        before: dict[int, tuple[int, dict[str, Any]]] = {
            trace: (version, values) for trace, version, values in json.loads(text)
        }
        found = hold_many(sorted(before))
        kept = [
            NotMoved(each, "", "You may not see it any more.") for each in sorted(set(before) - {h.id for h in found})
        ]
        good = []
        for held in found:
            if held.version == before[held.id][0] and (what == What.CLOSE) == (held.closed_at is not None):
                good.append(held)
            else:
                kept.append(NotMoved(held.id, held.ref, "Somebody has worked on it since."))
        if good:
            good, again = _revert(What(what), team, good, {held.id: before[held.id][1] for held in good}, by, now)
            kept += again
            tell("trace.bulk_undone", good, tidy(ref), {}, by, now)
    return Undone(len(good), tuple(kept))


def open_again(*, trace: int, version: int, why: str, by: Scope, now: datetime) -> Held:
    """Open a trace that was closed by mistake, with the reason as a note. For a lead of the team that has it.

    Raises Invalid where that cannot be, Stale, NotFound, Refused.
    """
    by.require("lead")
    told = words("why", why, LONGEST_WHY, needed="Say why it is opened again")
    with walls.transaction(by):
        held = hold(trace, version, now)
        if held.team_id not in by.lead_of:
            raise Refused(f"{held.team_name} has this trace; only those who lead it can open it again.")
        if held.closed_at is None:
            raise Invalid("why", "This trace is open.")
        if held.outcome not in OPENED_AGAIN:
            ended = TraceOutcome(held.outcome).words.lower()
            raise Invalid("why", f"It ended as {ended}, and what follows from that is done. Leave a note instead.")
        _, kept = _reopen([held], {held.id: {"ready_at": None}}, by, now, f"Opened again: {told}")
        if kept:
            raise Invalid("why", kept[0].why)
        auditing.record(
            "trace.opened_again",
            by=by,
            now=now,
            opened=True,
            person=held.person_id,
            trace=held.id,
            team=held.team_id,
            area=held.area,
        )
    return held


def _revert(
    what: What, team: int, good: list[Held], before: Mapping[int, dict[str, Any]], by: Scope, now: datetime
) -> tuple[list[Held], list[NotMoved]]:
    was = [before[held.id] for held in good]
    values: dict[str, Any] = {
        "now": now,
        "ids": [held.id for held in good],
        "ready_ats": [each["ready_at"] for each in was],
        "priorities": [each["priority"] for each in was],
    }
    with connection.cursor() as cursor:
        match what:
            case What.PRIORITY:
                cursor.execute(_PRIORITY, values)
            case What.USER:
                update(good, "queued = true, ready_at = NULL, claimed_by = NULL, claimed_at = NULL")
                cursor.execute(_WAIT, values)
            case What.TEAM:
                home = Team.objects.get(pk=team)
                moves = [
                    Move(
                        held,
                        team,
                        home.area_id,
                        Due(datetime.fromisoformat(each["due_at"]), each["passes_to"] is not None, each["due_why"]),
                        each["passes_to"],
                        "The reassignment was undone.",
                    )
                    for held, each in zip(good, was, strict=True)
                ]
                move(moves, "undone", by, now)
                cursor.execute(_WAIT, values)
            case What.CLOSE:
                return _reopen(good, before, by, now)
    return good, []


def _reopen(
    good: list[Held],
    before: Mapping[int, dict[str, Any]],
    by: Scope,
    now: datetime,
    why: str = "Opened again: the closing was undone.",
) -> tuple[list[Held], list[NotMoved]]:
    """Open closed traces again; one whose person has another open trace for the same reason by now stays closed."""

    def tried(some: list[Held]) -> bool:
        ready_ats = [before[held.id]["ready_at"] for held in some]
        try:
            with database_transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(_REOPEN, {"now": now, "ids": [held.id for held in some], "ready_ats": ready_ats})
        except IntegrityError:
            return False
        return True

    # All at once; only when that cannot be, in halves, so that the few are found that stand in the way.
    done: list[Held] = []
    kept: list[NotMoved] = []
    waiting = [good]
    while waiting:
        some = waiting.pop()
        if tried(some):
            done += some
        elif len(some) == 1:
            kept.append(NotMoved(some[0].id, some[0].ref, "Another trace for the same person is open by now."))
        else:
            waiting += [some[: len(some) // 2], some[len(some) // 2 :]]
    if done:
        note(done, why, by, now)
    return done, kept
