"""From what was said to what is made of it: people, contacts, traces, places and isolations, from new answers.

The only way from an answer into the record: pages and residents write what was said, and the worker takes it up.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any

from django.db import InterfaceError, OperationalError, connection

from ringfence.accounts import walls
from ringfence.actions import auditing, contacts, exposures, households, isolations
from ringfence.actions.becoming import Mark, become_cases
from ringfence.actions.interview import referral_note
from ringfence.partnerships.clock import hold_still
from ringfence.queries import interviews as read
from ringfence.queries.interviews import Said
from ringfence.queries.policy import service_policies
from ringfence.rules import exposures as windows
from ringfence.rules.access import Scope
from ringfence.rules.calendar import london_date
from ringfence.rules.policy import Exemption

logger = logging.getLogger(__name__)

#: Interviews in one transaction: few enough that a page which saves one of them does not wait long.
AT_ONCE = 25

#: Tries at a batch that intake got in the way of: it made the same person, or two waited for each other.
MOST_TRIES = 5

#: Only one process takes up at a time, so that two interviews which name one unknown person make one person.
_LOCK = 7_203_551_943_020_101

#: Sentences of what changed, for isolations that follow from it.
ONSET = "The day on which symptoms began was corrected."


@dataclass(frozen=True, slots=True)
class TakenUp:
    """What was made: interviews read, contacts that stand in them, new people, new traces, contacts withdrawn, stays at
    places, new places, and people spoken for."""

    interviews: int = 0
    contacts: int = 0
    people: int = 0
    traces: int = 0
    withdrawn: int = 0
    stays: int = 0
    settings: int = 0
    spoken_for: int = 0

    def __add__(self, other: TakenUp) -> TakenUp:
        return TakenUp(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


#: Interviews that cannot be taken up, by number, with the last answer that each of them had then.
Stuck = dict[int, int]


@dataclass
class Seen:
    """How far one process has looked: through cases that contacts may have become, and isolations since rules changed;
    and which interviews it could not take up."""

    cases: Mark = field(default_factory=Mark)
    isolations: isolations.Seen = field(default_factory=isolations.Seen)
    rules: tuple[int, date] | None = None
    stuck: Stuck = field(default_factory=dict)


class _CannotBe(Exception):
    """What was said in these interviews cannot be taken up together."""

    def __init__(self, said: Sequence[Said]) -> None:
        super().__init__(f"{len(said)} interviews")
        self.said = said


# The interviews in the order of their index: an EXISTS may be planned as a walk through the whole table.
_ANYTHING = """
SELECT (SELECT true FROM interviews WHERE latest > taken_up ORDER BY updated_at LIMIT 1),
    (SELECT coalesce(max(id), 0) FROM cases), (SELECT count(*) FROM service_rules)
"""


def look(*, seen: Seen, by: Scope, now: datetime) -> TakenUp:
    """What the clock asks for every few seconds: contacts who became cases, new answers, rules that changed."""
    with walls.transaction(by), connection.cursor() as cursor:
        cursor.execute(_ANYTHING)
        said, newest, count = cursor.fetchone()
    if seen.cases.floor is None or newest > seen.cases.floor or seen.cases.met:
        become_cases(mark=seen.cases, by=by, now=now)
    rules = (count, london_date(now))
    if seen.rules != rules:
        seen.stuck.clear()
    done = take_up(by=by, now=now, stuck=seen.stuck) if said else TakenUp()
    if seen.rules != rules or seen.isolations.after is not None:
        isolations.recompute(seen=seen.isolations, by=by, now=now)
        seen.rules = rules
    return done


def take_up(*, by: Scope, now: datetime, limit: int = 10 * AT_ONCE, stuck: Stuck | None = None) -> TakenUp:
    """Take up what was said in interviews since the last time: at most ``limit`` of them, those that wait longest first.

    For the scope ``interviews``. A batch is one transaction, so killed in the middle nothing is half done; what was taken
    up is not taken up again, and taken up twice it would change nothing. May run in several processes at once. One that
    cannot be taken up keeps no other waiting: it is logged, put into ``stuck`` and left out until more is said in it.
    """
    done, at_once, stuck = TakenUp(), AT_ONCE, {} if stuck is None else stuck
    while done.interviews < limit:
        try:
            some = _batch(by, now, min(at_once, limit - done.interviews), stuck)
        except _CannotBe as problem:
            if len(problem.said) == 1:
                (one,) = problem.said
                stuck[one.interview] = one.latest
                logger.exception("what was said in interview %d cannot be taken up", one.interview)
            # One by one from here on, to find the one that cannot be.
            at_once = 1
            continue
        done += some
        if not some.interviews:
            break
    return done


def _batch(by: Scope, now: datetime, limit: int, stuck: Stuck) -> TakenUp:
    for tried in range(MOST_TRIES):
        said: list[Said] = []
        try:
            with walls.transaction(by):
                said += _waiting(limit, stuck, now)
                return _once(said, by, now) if said else TakenUp()
        except Exception as problem:
            state = getattr(problem.__cause__, "sqlstate", "")
            if state in ("23505", "40P01", "40001") and tried + 1 < MOST_TRIES:
                continue
            if not said or isinstance(problem, (OperationalError, InterfaceError)):
                raise
            raise _CannotBe(said) from problem
    raise AssertionError("unreachable: the last try raises")


def _waiting(limit: int, stuck: Stuck, now: datetime) -> list[Said]:
    """What is to be taken up next, locked; nothing while another process takes up."""
    if not read.waiting():
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return []
    hold_still()
    return read.said(limit, now, stuck)


def _once(said: Sequence[Said], by: Scope, now: datetime) -> TakenUp:
    onsets = _onsets(said, now)
    _tell_people(said, now)
    _tell_support(said)
    policies, on = service_policies(), london_date(now)
    days = {
        each.case: windows.windows(each.specimen, onsets.get(each.case, each.onset), policies, on)
        for each in said
        if each.case is not None and each.specimen is not None
    }
    placed = exposures.take_up(said, days, now)
    taken = contacts.take_up(said, days, placed.settings, now)
    for each in said:
        taken.isolate.setdefault(each.trace, ONSET)
    renewed = isolations.renew(taken.isolate, taken.isolate, now)
    isolations.tell(renewed.changed, by, now)
    spoken_for = sum(households.told(trace, others, by, now) for trace, others in taken.spoken_for.items())
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE interviews i SET taken_up = s.latest FROM unnest(%s::bigint[], %s::bigint[]) AS s (id, latest)"
            " WHERE i.id = s.id",
            [[each.interview for each in said], [each.latest for each in said]],
        )
    auditing.record_many(
        "interview.taken_up",
        [{"person": each.person, "trace": each.trace, "team": each.team, "area": each.area} for each in said],
        by=by,
        now=now,
    )
    return TakenUp(
        len(said),
        taken.named,
        taken.people,
        taken.traces,
        taken.withdrawn,
        placed.stays,
        placed.made,
        spoken_for,
    )


def _onset(each: Said, on: date) -> tuple[bool, date | None]:
    """Whether the interview says when symptoms began, and the day; None without symptoms."""
    has, day = each.answers.get("has_symptoms"), each.answers.get("onset_date")
    if has is not None and has.value in (False, "no"):
        return True, None
    if day is None or not isinstance(day.value, str):
        # A null is an answer too: asked, and there were none.
        return day is not None and day.value is None, None
    found = date.fromisoformat(day.value)
    return windows.plausible_onset(found, each.specimen or on, on), found


def _onsets(said: Sequence[Said], now: datetime) -> dict[int | None, date | None]:
    """The day of onset of each case as it was said, written where it is another one than before."""
    on = london_date(now)
    found: dict[int | None, date | None] = {}
    for each in said:
        if each.case is not None:
            told, day = _onset(each, on)
            if told and day != each.onset:
                found[each.case] = day
    if found:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE cases c SET onset_date = o.day, updated_at = %s"
                " FROM unnest(%s::bigint[], %s::date[]) AS o (id, day) WHERE c.id = o.id",
                [now, list(found), list(found.values())],
            )
    return found


def _tell_people(said: Sequence[Said], now: datetime) -> None:
    """The language that somebody speaks, the birth date where none was known, and what a contact is exempt by."""
    rows: list[tuple[Any, ...]] = []
    exempt = []
    for each in said:
        language, born, named = (each.answers.get(name) for name in ("language", "birth_date", "exemptions"))
        spoken = language.value if language and isinstance(language.value, str) else None
        day = born.value if born and isinstance(born.value, str) else None
        if spoken is not None or day is not None:
            rows.append((each.person, spoken, day))
        if each.reason == "contact" and named is not None and isinstance(named.value, list):
            exempt.append((each.person, " ".join(sorted(Exemption(one) for one in named.value))[:80]))
    with connection.cursor() as cursor:
        if rows:
            cursor.execute(_TELL, [now, *(list(column) for column in zip(*rows, strict=True))])
        if exempt:
            people, words = zip(*exempt, strict=True)
            cursor.execute(
                "UPDATE contacts c SET exemptions = e.words FROM unnest(%s::bigint[], %s::text[]) AS e (person, words)"
                " WHERE c.person_id = e.person AND c.exemptions <> e.words",
                [list(people), list(words)],
            )


def _tell_support(said: Sequence[Said]) -> None:
    """What was said last of the help that was asked for, where that is still to be given; what was done stays as it was."""
    notes: dict[int, str] = {}
    for each in said:
        note, kinds = each.answers.get("support_note"), each.answers.get("support")
        if note is not None and each.is_new(*read.HELP):
            notes[each.trace] = referral_note(note.value, kinds and kinds.value)
    if notes:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE referrals r SET note = n.note FROM unnest(%s::bigint[], %s::text[]) AS n (trace, note)"
                " WHERE r.trace_id = n.trace AND r.done_at IS NULL AND r.note <> n.note",
                [list(notes), list(notes.values())],
            )


# The key by which identity finds somebody takes the birth date in when their row is next written.
_TELL = """
UPDATE people p SET language = left(coalesce(t.language, p.language), 40), birth_date = coalesce(p.birth_date, t.born),
    updated_at = %s
FROM unnest(%s::bigint[], %s::text[], %s::date[]) AS t (id, language, born)
WHERE p.id = t.id AND (left(coalesce(t.language, p.language), 40), coalesce(p.birth_date, t.born))
    IS DISTINCT FROM (p.language, p.birth_date)
"""
