"""What leads do to many traces at once: preview it and do it. ``actions.undoing`` takes it back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import IntegrityError, connection
from django.db import transaction as database_transaction

from ringfence.accounts import walls
from ringfence.accounts.models import Membership, Team, User
from ringfence.actions import auditing
from ringfence.actions.checks import words
from ringfence.actions.errors import Invalid
from ringfence.actions.holding import Held, Move, clocks, hold_many, move
from ringfence.actions.work import LONGEST_WHY
from ringfence.base.references import reference
from ringfence.partnerships.clock import hold_still
from ringfence.queries.policy import service_policy
from ringfence.rules.access import Refused, Scope
from ringfence.rules.attempts import TraceOutcome
from ringfence.rules.bulk import AT_ONCE, CLOSINGS, MOST, Facts, Receiver, Wanted, What, decide
from ringfence.rules.handover import TeamKind, group

#: trace -> the version that the lead saw, None where no page was shown.
Chosen = Mapping[int, int | None]


class NotMoved(NamedTuple):
    """A trace that stayed as it was, and why. ``ref`` is "" for one that is not there to be seen."""

    trace: int
    ref: str
    why: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would do: to how many traces, what they are now or would be (words, how many), who stays and why.

    ``to`` is the name of the team or the person who gets them, "" when nobody does.
    """

    traces: int
    counts: tuple[tuple[str, int], ...]
    refused: tuple[NotMoved, ...]
    to: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """A change that was made: its reference ("" when nothing changed), how many traces, and which were refused."""

    ref: str
    traces: int
    refused: tuple[NotMoved, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    good: tuple[Held, ...]
    refused: tuple[NotMoved, ...]
    to: Receiver | None
    why: str


def preview(*, team: int, traces: Chosen, wanted: Wanted, by: Scope, now: datetime, why: str = "") -> Preview:
    """What ``change`` would do; nothing is changed. Raises Refused, Invalid."""
    with walls.transaction(by):
        plan = _plan(team, traces, wanted, why, by, now, lock=False)
        return Preview(len(plan.good), _counts(wanted, plan, now), plan.refused, plan.to.name if plan.to else "")


def change(*, team: int, traces: Chosen, wanted: Wanted, by: Scope, now: datetime, why: str = "") -> Changed:
    """Do it to those traces of a team one leads that it can be done to; the others stay, with the reason.

    To another team: ring-fenced means one of the same authority, the pool, or one that the lead answers for too; a reason
    is needed. To a person: at most eight, each theirs for as long as a claim holds, one after the other. Closed: with an
    outcome and a reason, which stands on each record. A trace that somebody has open is not taken from them, and one that
    changed since it was chosen is left alone. Raises Refused, Invalid.
    """
    with walls.transaction(by):
        hold_still()
        plan = _plan(team, traces, wanted, why, by, now, lock=True)
        good, refused = list(plan.good), list(plan.refused)
        match wanted.what:
            case What.TEAM:
                _to_team(good, plan, by, now)
            case What.USER:
                good = _to_user(good, wanted.number, refused, plan.to, now)
            case What.PRIORITY:
                update(good, "priority = %(value)s", value=wanted.number)
            case What.CLOSE:
                _close(good, wanted.outcome, plan.why, by, now)
        if not good:
            return Changed("", 0, tuple(refused))
        ref = _remember(team, wanted, plan, good, by, now)
        about = {"to_team": wanted.number} if wanted.what is What.TEAM else {"to": wanted.number or wanted.outcome}
        tell(f"trace.bulk_{wanted.what}", good, ref, about, by, now)
        return Changed(ref, len(good), tuple(refused))


def _plan(team: int, traces: Chosen, wanted: Wanted, why: str, by: Scope, now: datetime, *, lock: bool) -> _Plan:
    by.require("lead")
    if team not in by.lead_of:
        raise Refused("You do not lead this team.")
    if not traces:
        raise Invalid("traces", "Choose at least one trace.")
    if len(traces) > MOST:
        raise Invalid("traces", f"Choose at most {MOST:,} traces at once.")
    reason, to = _checked(wanted, why, by, now)
    found = hold_many(sorted(traces), lock=lock)
    refused = [
        NotMoved(each, "", "There is no such trace that you may see.")
        for each in sorted(set(traces) - {held.id for held in found})
    ]
    good = []
    for held in found:
        decision = decide(wanted, _facts(held, traces[held.id], now), team, to)
        if decision.allowed:
            good.append(held)
        else:
            refused.append(NotMoved(held.id, held.ref, decision.why))
    if wanted.what is What.USER:
        good.sort(key=lambda held: (held.priority, held.due_at, held.id))
        told = f"One person gets at most {AT_ONCE} at once."
        refused += [NotMoved(held.id, held.ref, told) for held in good[AT_ONCE:]]
        good = good[:AT_ONCE]
    return _Plan(tuple(good), tuple(refused), to, reason)


def _facts(held: Held, chosen: int | None, now: datetime) -> Facts:
    lives = held.claim_lives(now)
    return Facts(
        held.team_id,
        held.team_name,
        held.closed_at is None,
        (held.claimed_name or "") if lives else "",
        held.ready_at if lives else None,
        held.priority,
        held.authority,
        held.area,
        held.version,
        chosen,
    )


def _checked(wanted: Wanted, why: str, by: Scope, now: datetime) -> tuple[str, Receiver | None]:
    """The reason, and whoever gets them. Raises Invalid."""
    match wanted.what:
        case What.TEAM:
            found = Team.objects.filter(pk=wanted.number).first()
            if found is None or found.opened_at > now or (found.closed_at is not None and found.closed_at <= now):
                raise Invalid("to", "That team is not open; choose another one.")
            reason = words("why", why, LONGEST_WHY, needed="Say why; the other team reads it.")
            led = found.pk in by.lead_of
            return reason, Receiver(found.name, found.pk, TeamKind(found.kind), found.area_id, led=led)
        case What.USER:
            user = User.objects.filter(pk=wanted.number, is_active=True).first()
            if user is None:
                raise Invalid("to", "That person is not there; choose another one.")
            teams = Membership.objects.filter(user=user, team__isnull=False, from_at__lte=now)
            mine = teams.exclude(until_at__lte=now).values_list("team_id", flat=True)
            return "", Receiver(user.name, teams=frozenset(each for each in mine if each is not None))
        case What.PRIORITY:
            if wanted.number not in range(1, 10):
                raise Invalid("to", "Give an urgency from 1 (first) to 9 (last).")
            return words("why", why, LONGEST_WHY), None
        case What.CLOSE:
            if wanted.outcome not in CLOSINGS:
                raise Invalid("to", "Choose what came of them.")
            return words("why", why, LONGEST_WHY, needed="Say why you close them; it stands on each record."), None


def _counts(wanted: Wanted, plan: _Plan, now: datetime) -> tuple[tuple[str, int], ...]:
    """What a lead looks at before they press the button."""
    match wanted.what:
        case What.TEAM:
            assert plan.to is not None and plan.to.kind is not None
            dues = clocks(plan.good, plan.to.team, plan.to.kind, plan.to.area, now)
            told = Counter(f"due there: {group(due.at, now).words.lower()}" for due, _ in dues)
        case What.PRIORITY:
            told = Counter(f"urgency {held.priority} now" for held in plan.good)
        case What.CLOSE:
            told = Counter("never tried" if held.attempts == 0 else "tried before" for held in plan.good)
        case What.USER:
            told = Counter("overdue" if held.due_at <= now else "not yet due" for held in plan.good)
    return tuple(sorted(told.items()))


def _to_team(good: Sequence[Held], plan: _Plan, by: Scope, now: datetime) -> None:
    assert plan.to is not None and plan.to.kind is not None
    dues = clocks(good, plan.to.team, plan.to.kind, plan.to.area, now)
    why = f"Reassigned: {plan.why}"
    move(
        [
            Move(held, plan.to.team, plan.to.area, due, passes, why)
            for held, (due, passes) in zip(good, dues, strict=True)
        ],
        "reassigned",
        by,
        now,
    )


def _to_user(
    good: Sequence[Held], user: int, refused: list[NotMoved], to: Receiver | None, now: datetime
) -> list[Held]:
    lapse = timedelta(minutes=service_policy(now).claim_lapse_minutes)
    given: list[Held] = []
    for held in good:
        try:
            with database_transaction.atomic():
                update(
                    [held],
                    "queued = false, claimed_by = %(user)s, claimed_at = %(now)s, ready_at = %(until)s",
                    user=user,
                    now=now,
                    until=now + lapse * (len(given) + 1),
                )
        except IntegrityError:  # the wall of one open call for a number
            refused.append(NotMoved(held.id, held.ref, "Somebody is calling the same number now."))
        else:
            given.append(held)
    return given


_NOTE = """
INSERT INTO notes (trace_id, at, user_id, team_id, kind, text)
SELECT n.trace, %s, %s, n.team, 'note', %s FROM unnest(%s::bigint[], %s::bigint[]) AS n (trace, team)
"""


def _close(good: Sequence[Held], outcome: str, why: str, by: Scope, now: datetime) -> None:
    update(
        good,
        "closed_at = %(now)s, outcome = %(outcome)s, queued = false, ready_at = NULL, claimed_by = NULL, claimed_at = NULL",
        now=now,
        outcome=outcome,
    )
    note(good, f"Closed with others, {TraceOutcome(outcome).words.lower()}: {why}", by, now)


def note(traces: Sequence[Held], text: str, by: Scope, now: datetime) -> None:
    """The same note on each of the traces."""
    with connection.cursor() as cursor:
        ids, teams = [held.id for held in traces], [held.team_id for held in traces]
        cursor.execute(_NOTE, [now, by.user, text, ids, teams])


def update(traces: Sequence[Held], what: str, **values: Any) -> None:
    """Set the same columns of each of the traces, and count their versions on."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE traces SET {what}, version = version + 1 WHERE id = ANY (%(ids)s)",
            {"ids": [held.id for held in traces], **values},
        )


def tell(verb: str, traces: Sequence[Held], ref: str, about: Mapping[str, Any], by: Scope, now: datetime) -> None:
    """An audit event for each of the traces, with the reference of the change."""
    detail = {"change": ref, **about}
    auditing.record_many(
        verb,
        [
            {"person": held.person_id, "trace": held.id, "team": held.team_id, "area": held.area, "detail": detail}
            for held in traces
        ],
        by=by,
        now=now,
    )


def _remember(team: int, wanted: Wanted, plan: _Plan, good: Sequence[Held], by: Scope, now: datetime) -> str:
    """Keep what each was before, so that it can be undone."""
    before = [
        [
            held.id,
            held.version + 1,
            {
                "priority": held.priority,
                "due_at": held.due_at.isoformat(),
                "due_why": held.due_why,
                "passes_to": held.passes_to_id,
                # A claim that had lapsed is not given back.
                "ready_at": held.ready_at.isoformat() if held.ready_at and held.claimed_by is None else None,
            },
        ]
        for held in good
    ]
    to = (
        plan.to.name
        if plan.to
        else TraceOutcome(wanted.outcome).words
        if wanted.outcome
        else f"Urgency {wanted.number}"
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('bulk_changes_id_seq')")
        row = cursor.fetchone()
        ref = reference(int(row[0]))
        cursor.execute(
            "INSERT INTO bulk_changes (id, ref, at, user_id, team_id, what, detail, traces, before)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                row[0],
                ref,
                now,
                by.user,
                team,
                wanted.what,
                json.dumps({"to": to, "why": plan.why}),
                len(before),
                json.dumps(before),
            ],
        )
    return ref
