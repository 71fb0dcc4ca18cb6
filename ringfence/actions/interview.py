"""The interview of one trace: begun, saved as it goes, completed.

What is written here is only what was said. People, places and dates are made from it by ``actions.taking_up``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.actions.errors import Invalid, NotFound, Stale
from ringfence.actions.holding import Held, hold_many, must_own
from ringfence.queries import questionnaires
from ringfence.queries.interview import Sheet, sheet
from ringfence.queries.policy import service_policy
from ringfence.rules.access import Scope
from ringfence.rules.calendar import london_date, spoken
from ringfence.rules.entries import merged
from ringfence.rules.interview import onset_problem
from ringfence.rules.questionnaire import Question, check, counting


@dataclass(frozen=True, slots=True)
class Interview:
    """An interview that somebody has begun: its number, its version, and the questionnaire's number of the database."""

    id: int
    version: int
    questionnaire: int


class Wrong(NamedTuple):
    """One thing to put right: the question, the field of an entry ("2-phone") or "", and what to do."""

    question: str
    where: str
    message: str


@dataclass(frozen=True, slots=True)
class Saved:
    """The interview's new version, the questions whose answers are new, and what could not be saved."""

    version: int
    questions: tuple[str, ...]
    problems: tuple[Wrong, ...]


def save(*, trace: int, version: int, answers: Mapping[str, object], by: Scope, now: datetime) -> Saved:
    """Save answers, as they were typed, by the key of the question; it begins the interview if need be.

    An answer that cannot be is in ``problems``, and all others are saved. Of people and places the entries that can be
    are saved, and none is dropped. Raises Stale when somebody else has answered one of the same questions since
    ``version``; then nothing is saved. Raises NotFound, Refused, Invalid. Help that was asked for goes to the council's
    support in the same step.
    """
    by.require("trace")
    with walls.transaction(by):
        held = _held(trace, by)
        begun = _begin(held, by, now)
        now_there = sheet(scope=by, trace=trace, now=now)
        read, problems = _read(now_there, answers, now)
        new = {key: value for key, value in read.items() if value != now_there.values.get(key)}
        if version != begun.version:
            _must_not_overwrite(now_there, begun.version - version, new)
        _keep_open(held, by, now)
        if not new:
            return Saved(begun.version, (), problems)
        _write(begun, held, new, by, now)
        _refer(held, now_there, {**now_there.values, **new}, by, now)
        auditing.record(
            "interview.saved",
            by=by,
            now=now,
            person=held.person_id,
            trace=trace,
            team=held.team_id,
            area=held.area,
            detail={"questions": sorted(new)},
        )
    return Saved(begun.version + 1, tuple(new), problems)


def complete(*, trace: int, version: int, by: Scope, now: datetime) -> Interview:
    """Say that the interview is done. Raises Invalid with every question that has to be answered first.

    Somebody under 18 is interviewed through a parent or guardian. Raises Stale, NotFound, Refused.
    """
    by.require("trace")
    with walls.transaction(by):
        held = _held(trace, by)
        there = sheet(scope=by, trace=trace, now=now)
        if there.version != version:
            raise Stale(
                "The interview has changed since you opened it. Read it again.", _since(there, there.version - version)
            )
        _must_be_done(there)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE interviews SET completed_at = %s, completed_by = %s, updated_at = %s, version = version + 1"
                " WHERE id = %s RETURNING id, version, questionnaire_id",
                [now, by.user, now, there.id],
            )
            row = cursor.fetchone()
        auditing.record(
            "interview.completed",
            by=by,
            now=now,
            person=held.person_id,
            trace=trace,
            team=held.team_id,
            area=held.area,
            detail={"interview": there.id},
        )
    return Interview(*row)


def _held(trace: int, by: Scope) -> Held:
    held = next(iter(hold_many([trace])), None)
    if held is None:
        raise NotFound(f"There is no trace {trace} that you may see.")
    must_own(held, by)
    return held


def _begin(held: Held, by: Scope, now: datetime) -> Interview:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, version, questionnaire_id FROM interviews WHERE trace_id = %s FOR UPDATE", [held.id])
        row = cursor.fetchone()
        if row is not None:
            return Interview(*row)
        asked = questionnaires.in_force(scope=by, key=held.reason, now=now)
        cursor.execute(
            "INSERT INTO interviews (trace_id, questionnaire_id, started_at, started_by, updated_at)"
            " VALUES (%s, %s, %s, %s, %s) RETURNING id, version, questionnaire_id",
            [held.id, asked.id, now, by.user, now],
        )
        begun = Interview(*cursor.fetchone())
    auditing.record(
        "interview.begun",
        by=by,
        now=now,
        person=held.person_id,
        trace=held.id,
        team=held.team_id,
        area=held.area,
        detail={"questionnaire": asked.key, "version": asked.version},
    )
    return begun


def _read(there: Sheet, answers: Mapping[str, object], now: datetime) -> tuple[dict[str, Any], tuple[Wrong, ...]]:
    """The answers as they are kept, and what is wrong."""
    found: dict[str, Any] = {}
    problems: list[Wrong] = []
    today = london_date(now)
    for key, raw in answers.items():
        question = there.questionnaire.questionnaire.get(key)
        if question is None:
            raise Invalid(key, "This question is not asked any more; open the page again.")
        checked = check(question, raw, today)
        problems += [Wrong(key, problem.where, problem.message) for problem in checked.problems]
        if not_then := onset_problem(key, checked.value, there.facts.get("tested"), today):
            problems.append(Wrong(key, "", not_then))
            continue
        if question.kind.listed:
            found[key] = merged(there.values.get(key), checked.value) or None
        elif not checked.problems:
            found[key] = checked.value
    return found, tuple(problems)


def _must_not_overwrite(there: Sheet, saves: int, new: Mapping[str, Any]) -> None:
    """Raise Stale when one of these questions was answered in the last so many times that the interview was saved."""
    if saves < 0:
        raise Invalid("version", "Open the page again.")
    moments = _moments(there, saves)
    if moments and any(key in there.answers and there.answers[key].at >= moments[-1] for key in new):
        raise Stale("Somebody else answered this while you had it open. Nothing was saved.", _since(there, saves))


def _moments(there: Sheet, saves: int) -> list[datetime]:
    """When the interview was saved last, so many times, latest first."""
    given = [*there.answers.values(), *(each for all_ in there.earlier.values() for each in all_)]
    return sorted({each.at for each in given}, reverse=True)[:saves]


def _since(there: Sheet, saves: int) -> Sequence[str]:
    """What was answered in the last so many times that the interview was saved, in at most five sentences."""
    moments = _moments(there, saves)
    found = [given for given in there.answers.values() if moments and given.at >= moments[-1]]
    told = []
    for given in sorted(found, key=lambda each: each.at, reverse=True)[:5]:
        question = there.questionnaire.questionnaire.get(given.question)
        if question is not None:
            who = given.by_name or "The resident"
            told.append(f"{who} answered {_short(question)!r} at {spoken(given.at)}.")
    return tuple(told) or ("It was completed.",)


def _short(question: Question) -> str:
    return question.name[:80]


_ANSWER = """
INSERT INTO answers (interview_id, trace_id, question, value, at, user_id, team_id, source)
SELECT %(interview)s, %(trace)s, question, nullif(value, 'null')::jsonb, %(now)s, %(user)s, %(team)s, 'tracer'
FROM unnest(%(questions)s::text[], %(values)s::text[]) AS a (question, value)
RETURNING id
"""


def _write(begun: Interview, held: Held, new: Mapping[str, Any], by: Scope, now: datetime) -> None:
    arguments: dict[str, Any] = {
        "interview": begun.id,
        "trace": held.id,
        "now": now,
        "user": by.user,
        "team": held.team_id,
        "questions": list(new),
        "values": [json.dumps(value) for value in new.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(_ANSWER, arguments)
        latest = max(int(row[0]) for row in cursor.fetchall())
        cursor.execute(
            "UPDATE interviews SET latest = %s, version = version + 1, updated_at = %s WHERE id = %s",
            [latest, now, begun.id],
        )


def _keep_open(held: Held, by: Scope, now: datetime) -> None:
    """A long interview does not lapse while answers come in."""
    if held.claimed_by != by.user or held.queued or held.closed_at is not None:
        return
    lapse = now + timedelta(minutes=service_policy(now).claim_lapse_minutes)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE traces SET ready_at = %s WHERE id = %s", [lapse, held.id])


#: The note of a referral when nobody said what would help; the database writes the same for residents.
NOT_SAID = "Asked for help; what would help was not said."

_REFER = """
INSERT INTO referrals (trace_id, person_id, kind, note, area, at, user_id, team_id)
SELECT %(trace)s, %(person)s, kind, %(note)s, %(area)s, %(now)s, %(user)s, %(team)s FROM unnest(%(kinds)s::text[]) AS k (kind)
ON CONFLICT (trace_id, kind) DO UPDATE SET done_at = NULL, done_by = NULL WHERE referrals.done_at IS NOT NULL
"""


def referral_note(said: Any, kinds: Any) -> str:
    """What the council reads with the help that was asked for: what they said of it, by the kinds that they named."""
    return str(said or ("" if kinds else NOT_SAID))[:500]


def _refer(held: Held, before: Sheet, answers: Mapping[str, Any], by: Scope, now: datetime) -> None:
    """Pass on what they newly ask for, and take back what they ask for no more."""
    questions = before.questionnaire.questionnaire
    counted = counting(questions, answers, before.facts)
    wanted, asked = _help(counted), _help(counting(questions, before.values, before.facts))
    arguments: dict[str, Any] = {
        "trace": held.id,
        "person": held.person_id,
        "note": referral_note(answers.get("support_note"), counted.get("support")),
        "area": held.authority or held.area,
        "now": now,
        "user": by.user,
        "team": held.team_id,
        "kinds": sorted(wanted - asked),
        "dropped": sorted(asked - wanted),
    }
    with connection.cursor() as cursor:
        if arguments["kinds"]:
            cursor.execute(_REFER, arguments)
        if arguments["dropped"]:
            cursor.execute(
                "UPDATE referrals SET done_at = %(now)s, done_by = %(user)s"
                " WHERE trace_id = %(trace)s AND kind = ANY (%(dropped)s) AND done_at IS NULL",
                arguments,
            )


def _help(counted: Mapping[str, Any]) -> set[str]:
    """The kinds of help that were asked for; somebody who asked for help and named no kind is not lost."""
    return set(counted.get("support") or ()) or ({"other"} if counted.get("needs_help") is True else set())


def _must_be_done(there: Sheet) -> None:
    if there.id == 0:
        raise Invalid("identity_confirmed", "The interview has not begun: begin with who you are speaking to.")
    if there.facts["under_18"] and there.values.get("speaking_to") != "guardian":
        raise Invalid("speaking_to", "They are under 18: speak to a parent or guardian.")
    if not there.may_disclose:
        raise Invalid("identity_confirmed", "Check who you are speaking to first.")
    problems = {question.key: f"Ask this first: {_short(question)}" for question in there.missing}
    if problems:
        first = next(iter(problems))
        raise Invalid(first, problems[first], problems)
