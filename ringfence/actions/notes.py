"""Notes, questions and answers between the teams on a trace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.actions.checks import words
from ringfence.actions.errors import Invalid, NotFound
from ringfence.actions.handover import must_work_in
from ringfence.actions.holding import concerned, hold_many
from ringfence.casework.models import Note
from ringfence.rules.access import Refused, Scope

LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Added:
    """The note that was added, and the team that a question was put to or an answer goes to."""

    note: int
    to_team: int | None


def add(*, trace: int, kind: str, text: str, by: Scope, now: datetime, answers: int | None = None) -> Added:
    """Leave a note, put a question to the other team, or answer one (``answers`` is the question's number).

    For the team that has the trace, the national team it began with and the team that had it last. A question goes to
    the owner team; the owner's own goes to the national team or to whoever had it before. Raises NotFound, Refused,
    Invalid.
    """
    if kind not in Note.Kind.values:
        raise Invalid("kind", "Choose a note, a question or an answer.")
    told = words("text", text, LONGEST, needed="Write something.")
    if (kind == Note.Kind.ANSWER) != (answers is not None):
        raise Invalid("answers", "An answer belongs to a question, and nothing else does.")
    by.require("trace")
    with walls.transaction(by):
        held = next(iter(hold_many([trace])), None)
        if held is None:
            raise NotFound(f"There is no trace {trace} that you may see.")
        team = next((each for each in concerned(held) if each in by.teams), None)
        if team is None:
            raise Refused(f"{held.team_name} has this trace; only the teams that work on it can leave a note.")
        to_team = next((each for each in concerned(held) if each != team), None) if kind == Note.Kind.QUESTION else None
        if kind == Note.Kind.QUESTION and to_team is None:
            raise Invalid("kind", "No other team works on this trace; leave a note instead.")
        if answers is not None:
            asked = Note.objects.filter(pk=answers, trace_id=trace, kind=Note.Kind.QUESTION).first()
            if asked is None:
                raise Invalid("answers", "That question is not on this trace.")
            to_team = asked.team_id if asked.team_id != team else None
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO notes (trace_id, at, user_id, team_id, to_team_id, kind, text, answers_id)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
                [trace, now, by.user, team, to_team, kind, told, answers],
            )
            row = cursor.fetchone()
        auditing.record(
            "note.added",
            by=by,
            now=now,
            person=held.person_id,
            trace=trace,
            team=team,
            area=held.area,
            detail={"kind": kind},
        )
    return Added(int(row[0]), to_team)


def seen(*, team: int, by: Scope, now: datetime) -> int:
    """Mark the answers to the team's questions as seen. Returns how many were new. Raises Refused for another team."""
    must_work_in(team, by)
    with walls.transaction(by):
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE notes SET seen_at = %s, seen_by = %s WHERE to_team_id = %s AND kind = 'answer' AND seen_at IS NULL",
                [now, by.user, team],
            )
            count = int(cursor.rowcount)
        if count:
            auditing.record("answer.seen", by=by, now=now, team=team, detail={"answers": count})
    return count
