"""Recording a try to reach somebody, and doing what follows from it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db import IntegrityError
from django.db import transaction as database_transaction

from ringfence.accounts import walls
from ringfence.actions import auditing, households
from ringfence.actions.checks import words
from ringfence.actions.errors import Invalid, NotFound
from ringfence.actions.handover import escalate_held, pass_on
from ringfence.actions.holding import Held, hold, must_be_free, must_own
from ringfence.queries.policy import local_teams, partnership_history, service_policy
from ringfence.rules import attempts as rules
from ringfence.rules.access import Refused, Scope
from ringfence.rules.ages import under_18
from ringfence.rules.attempts import Action, AttemptError, Facts, GuardianMissing, Kind, Made, Next, Outcome
from ringfence.rules.calendar import london_date
from ringfence.rules.followups import FOLLOW_UP
from ringfence.rules.handover import TeamKind, first_open
from ringfence.rules.policy import ServicePolicy

LONGEST_NOTE = 2000

#: Seconds; a longer call is a slip of the pen.
LONGEST_CALL = 6 * 60 * 60

_Choice = TypeVar("_Choice", Kind, Outcome)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What followed: the decision with its reason, the trace's new version, whether the tracer still has it open, and
    the attempt's number. ``passes_at``: when the clock gives it to the local team, where that is before the next try."""

    next: Next
    version: int
    still_open: bool
    attempt: int
    passes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Person:
    birth_date: date | None
    adult: bool | None
    phones: tuple[str, ...]
    emails: int
    addresses: int


@dataclass(frozen=True, slots=True)
class _Try:
    at: datetime
    kind: str
    outcome: str
    number: str
    team_id: int


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a try, checked by itself: it ended ``at``, which may be a while before it is recorded."""

    at: datetime
    kind: Kind
    outcome: Outcome
    number: str = ""
    seconds: int | None = None
    call_back_at: datetime | None = None
    note: str = ""
    guardian: bool = False
    client_key: UUID | None = None
    others: tuple[int, ...] = ()


def told(*, at: datetime, kind: str, outcome: str, note: str, **more: Any) -> Told:
    """What was typed, as it can be recorded. Raises Invalid."""
    how, what = _choice("kind", Kind, kind), _choice("outcome", Outcome, outcome)
    if what not in rules.POSSIBLE[how]:
        raise Invalid("outcome", f"{what.label} does not go with {how.words.lower()}; choose another outcome.")
    return Told(at, how, what, note=words("note", note, LONGEST_NOTE), **more)


def record(
    *,
    trace: int,
    version: int,
    kind: str,
    outcome: str,
    by: Scope,
    now: datetime,
    number: str = "",
    seconds: int | None = None,
    call_back_at: datetime | None = None,
    note: str = "",
    guardian: bool = False,
    others: Collection[int] = (),
) -> Recorded:
    """Record one try that ended just now, and do what comes next.

    ``number`` is the phone number called or written to; the trace's own when left out. ``seconds`` is the length of the
    call. ``guardian`` says that a parent or guardian was spoken to. ``others`` are open traces of the same household for
    whom the same call spoke. Only a member of the team that has the trace may record, and only while nobody else has it
    open. Raises Stale, NotFound, Refused, Invalid.
    """
    tried = told(
        at=now,
        kind=kind,
        outcome=outcome,
        note=note,
        number=number,
        seconds=seconds,
        call_back_at=call_back_at,
        guardian=guardian,
        others=tuple(others),
    )
    if seconds is not None and not 0 <= seconds <= LONGEST_CALL:
        raise Invalid("seconds", "Give the length of the call in seconds, at most six hours.")
    with walls.transaction(by):
        held = hold(trace, version, now)
        must_own(held, by)
        if held.closed_at is not None:
            raise Refused("This trace is closed; nothing more can be recorded on it.")
        must_be_free(held, by, now)
        return follow(held, tried, by, now)


def follow(held: Held, tried: Told, by: Scope, now: datetime) -> Recorded:
    """Add the try to a trace that is held, and do what comes next. Raises Invalid."""
    used = _number(tried.number, held.phone) if tried.kind in (Kind.CALL, Kind.TEXT) else ""
    person, before = _person(held), _tries(held)
    this = _Try(tried.at, tried.kind, tried.outcome, used, held.team_id)
    policy = service_policy(now)
    left = _left(held, person, [*before, this])
    facts = _facts(held, person, [*before, this], left, tried, now)
    try:
        following = rules.next(tried.outcome, facts, policy, tried.at)
    except GuardianMissing as problem:
        raise Invalid("guardian", str(problem)) from problem
    except AttemptError as problem:
        raise Invalid("call_back_at", str(problem)) from problem
    attempt = add(held, tried, used, by, now)
    if following.action is Action.COMPLETE:
        households.speak_in(held, attempt, tried.others, by, now)
    if tried.kind is Kind.CALL:
        households.rest(held, tried.outcome, policy, by, tried.at)
    busy = held.claim_lives(now) and held.claimed_by != by.user
    if busy and following.action is Action.RETRY:
        # Somebody else is on the call at this moment: it stays with them, and they are told when they save.
        count(held, tried)
        still_open = False
    else:
        still_open = _follow(held, following, left, tried, policy, by, now)
    auditing.record(
        "attempt.recorded",
        by=by,
        now=now,
        opened=True,
        person=held.person_id,
        trace=held.id,
        team=held.team_id,
        area=held.area,
        detail={"kind": tried.kind.value, "next": following.action.value},
    )
    passes = held.passes_to_id is not None and following.ready_at is not None and held.due_at <= following.ready_at
    passes_first = passes and following.action is Action.RETRY and not still_open
    return Recorded(following, held.version + 1, still_open, attempt, held.due_at if passes_first else None)


def _choice(field: str, of: type[_Choice], value: str) -> _Choice:
    try:
        return of(value)
    except ValueError:
        raise Invalid(field, "Choose one of those offered.") from None


def _number(given: str, known: str) -> str:
    number = "".join(given.split())
    if not number:
        return known
    if not number.lstrip("+").isdigit() or not 3 <= len(number) <= 16:
        raise Invalid("number", "Give the number that you called, digits only, such as 07700900123.")
    return number


_PERSON = """
SELECT p.birth_date, p.adult, ARRAY[p.phone, p.phone_other] || coalesce(d.phones, '{}'),
    (p.email <> '')::int + coalesce(d.emails, 0), (p.address <> '')::int + coalesce(d.addresses, 0)
FROM people p LEFT JOIN LATERAL (
    SELECT array_agg(d.value ORDER BY d.id) FILTER (WHERE d.kind = 'phone') AS phones,
        count(*) FILTER (WHERE d.kind = 'email') AS emails, count(*) FILTER (WHERE d.kind = 'address') AS addresses
    FROM details d WHERE d.person_id = p.id AND d.wrong_at IS NULL) d ON true
WHERE p.id = %s
"""


def _person(held: Held) -> _Person:
    found = walls.rows(_PERSON, [held.person_id])
    if not found:
        raise NotFound(f"There is no trace {held.id} whose person you may see.")
    born, adult, phones, *others = found[0]
    return _Person(born, adult, tuple(dict.fromkeys(number for number in phones if number)), *others)


def _tries(held: Held) -> list[_Try]:
    found = walls.rows(
        "SELECT at, kind, outcome, number, team_id FROM attempts WHERE trace_id = %s AND through_id IS NULL ORDER BY at, id",
        [held.id],
    )
    return [_Try(*row) for row in found]


@dataclass(frozen=True, slots=True)
class _Left:
    """What is left to try: numbers not found wrong, and whether a letter, a visit or an email can still be tried.

    Which of several e-mails or addresses was wrong is not recorded: there is one left while fewer were wrong than are
    known.
    """

    phones: tuple[str, ...]
    other: bool


def _left(held: Held, person: _Person, tries: list[_Try]) -> _Left:
    wrong = [each for each in tries if each.outcome == Outcome.WRONG_NUMBER]
    numbers = {each.number for each in wrong if each.kind in (Kind.CALL, Kind.TEXT)}
    emails = sum(each.kind == Kind.EMAIL for each in wrong)
    addresses = sum(each.kind in (Kind.LETTER, Kind.VISIT) for each in wrong)
    known = dict.fromkeys(number for number in (held.phone, *person.phones) if number)
    goes = held.kind in (TeamKind.LOCAL, TeamKind.HEALTH_PROTECTION)
    return _Left(
        tuple(number for number in known if number not in numbers),
        person.emails > emails or (goes and person.addresses > addresses),
    )


def _facts(held: Held, person: _Person, tries: list[_Try], left: _Left, tried: Told, now: datetime) -> Facts:
    counted = rules.count([Made(each.at, Kind(each.kind)) for each in tries if each.team_id == held.team_id], tried.at)
    return Facts(
        attempts=counted.total,
        attempts_today=counted.today,
        another_number=bool(left.phones) or left.other,
        call_back_at=tried.call_back_at,
        local_from=_local_from(held, now),
        under_18=under_18(person.birth_date, person.adult, london_date(now)),
        spoke_to_guardian=tried.guardian,
        follow_up=held.reason == FOLLOW_UP,
    )


def _local_from(held: Held, now: datetime) -> datetime | None:
    """The first moment at which the local team that the clock passes the trace to could take it."""
    if held.passes_to_id is None or not held.authority:
        return None
    team = local_teams(now, [held.authority]).get(held.authority)
    if team is None or team.id != held.passes_to_id or team.live_from is None:
        return None
    return first_open(partnership_history(held.authority), max(now, team.live_from))


def add(held: Held, tried: Told, number: str, by: Scope, now: datetime) -> int:
    """Write the try down; its number."""
    ((attempt,),) = walls.rows(
        "INSERT INTO attempts (trace_id, at, recorded_at, user_id, team_id, kind, outcome, number, seconds,"
        " call_back_at, note, client_key) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        [
            held.id,
            tried.at,
            now,
            by.user,
            held.team_id,
            tried.kind.value,
            tried.outcome.value,
            number,
            tried.seconds,
            tried.call_back_at,
            tried.note,
            tried.client_key,
        ],
    )
    return int(attempt)


def count(held: Held, tried: Told) -> None:
    """Count a try from which nothing else follows; whoever has the trace open is told what changed."""
    _update(held, f"{_COUNT}, version = version + 1", at=tried.at)


_COUNT = "attempts = attempts + 1, last_attempt_at = greatest(last_attempt_at, %(at)s)"

_FREE = "claimed_by = NULL, claimed_at = NULL"


def _update(held: Held, what: str, **values: Any) -> None:
    walls.rows(f"UPDATE traces SET {what} WHERE id = %(id)s", {"id": held.id, **values})


def _follow(
    held: Held, following: Next, left: _Left, tried: Told, policy: ServicePolicy, by: Scope, now: datetime
) -> bool:
    """Do what comes next; True when the tracer keeps the trace open to try again at once."""
    phone = held.phone if held.phone in left.phones else (left.phones[0] if left.phones else "")
    match following.action:
        case Action.RETRY:
            return _retry(held, following, phone, tried.at, policy, by, now)
        case Action.COMPLETE | Action.CLOSE:
            reached = following.action is Action.COMPLETE
            _update(
                held,
                f"{_COUNT}, {_FREE}, version = version + 1, queued = false, ready_at = NULL, closed_at = %(now)s,"
                " outcome = %(outcome)s, reached_at = %(reached_at)s, reached_by_kind = %(kind)s",
                at=tried.at,
                now=now,
                outcome=following.outcome,
                reached_at=tried.at if reached else None,
                kind=held.kind.value if reached else "",
            )
        case Action.ESCALATE:
            _update(held, _COUNT, at=tried.at)
            escalate_held(held, tried.note, "note", by, now)
        case Action.HAND_OVER:
            _hand_over(held, following, phone, tried.at, by, now)
    return False


def _retry(
    held: Held, following: Next, phone: str, at: datetime, policy: ServicePolicy, by: Scope, now: datetime
) -> bool:
    assert following.ready_at is not None
    retry = f"{_COUNT}, version = version + 1, phone = %(phone)s"
    if following.ready_at > now:
        _update(
            held,
            f"{retry}, {_FREE}, queued = false, ready_at = %(ready_at)s",
            at=at,
            phone=phone,
            ready_at=following.ready_at,
        )
        return False
    if held.claimed_by == by.user:
        lapse = now + timedelta(minutes=policy.claim_lapse_minutes)
        try:
            with database_transaction.atomic():
                _update(
                    held,
                    f"{retry}, queued = false, claimed_at = %(now)s, ready_at = %(lapse)s",
                    at=at,
                    now=now,
                    phone=phone,
                    lapse=lapse,
                )
        except IntegrityError:
            pass  # Somebody is on the other number at this moment, so this trace waits for its turn.
        else:
            return True
    _update(held, f"{retry}, {_FREE}, queued = true, ready_at = NULL", at=at, phone=phone)
    return False


def _hand_over(held: Held, following: Next, phone: str, at: datetime, by: Scope, now: datetime) -> None:
    """To the local team at once or, when it is closed, by the clock at the moment it opens."""
    assert following.ready_at is not None
    if following.ready_at <= now:
        assert held.passes_to_id is not None
        _update(held, f"{_COUNT}, phone = %(phone)s", at=at, phone=phone)
        pass_on(held, held.passes_to_id, "moved_on", following.why, "trace.handed_over", by, now)
        return
    due_at = min(following.ready_at, held.due_at)
    _update(
        held,
        f"{_COUNT}, {_FREE}, version = version + 1, phone = %(phone)s, queued = false, ready_at = %(due_at)s,"
        " due_at = %(due_at)s, due_why = left(%(why)s, 200)",
        at=at,
        phone=phone,
        due_at=due_at,
        why=following.why if due_at < held.due_at else held.due_why,
    )
