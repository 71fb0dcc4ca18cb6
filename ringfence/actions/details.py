"""What the teams know of somebody beside what the laboratory gave: further numbers, e-mails and addresses.

What the laboratory gave is never overwritten. A detail belongs to the person, so every team that may know the person
sees it; it says where it comes from, and can be marked as wrong, which keeps it readable.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, connection
from django.db import transaction as database_transaction

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.actions.checks import words
from ringfence.actions.errors import Invalid, NotFound
from ringfence.actions.holding import Held, concerned, hold_many
from ringfence.casework.models import Detail
from ringfence.rules import results
from ringfence.rules.access import Refused, Scope

LONGEST_VALUE = 300
LONGEST_SOURCE = 120


@dataclass(frozen=True, slots=True)
class Known:
    """A detail on the record: its number, and the value as it is kept. ``again`` says that it was there already."""

    detail: int
    kind: str
    value: str
    again: bool = False


_GIVEN = "SELECT phone, phone_other, lower(email), lower(address) FROM people WHERE id = %s"

_ADD = """
INSERT INTO details (person_id, kind, value, source, added_at, added_by, team_id) VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (person_id, kind, value) DO NOTHING RETURNING id
"""


def add(*, trace: int, kind: str, value: str, source: str, by: Scope, now: datetime) -> Known:
    """Add a number, e-mail or address of the trace's person, with where it comes from ("council tax", "school").

    For the teams that work on the trace. The same again is what is there already. A trace without a number to call gets
    the new one. Raises NotFound, Refused, Invalid.
    """
    if kind not in Detail.Kind.values:
        raise Invalid("detail_kind", "Choose a phone number, an email or an address.")
    told = words("value", value, LONGEST_VALUE, needed="Give the number, email or address.")
    kept = _tidy(kind, told)
    origin = words("source", source, LONGEST_SOURCE, needed="Say where you have it from, for example council tax.")
    with walls.transaction(by):
        held, team = _concerned(trace, by)
        with connection.cursor() as cursor:
            cursor.execute(_GIVEN, [held.person_id])
            given = cursor.fetchone()
            if given is None:
                raise NotFound(f"There is no trace {trace} whose person you may see.")
            if (kept if kind == Detail.Kind.PHONE else kept.lower()) in given:
                raise Invalid("value", "This is on the record already, as the laboratory gave it.")
            cursor.execute(_ADD, [held.person_id, kind, kept, origin, now, by.user, team])
            row = cursor.fetchone()
        if row is None:
            there = Detail.objects.get(person_id=held.person_id, kind=kind, value=kept)
            if there.wrong_at is not None:
                raise Invalid("value", "This is on the record, marked as wrong. Take that mark away if it is right.")
            return Known(there.pk, kind, kept, again=True)
        if kind == Detail.Kind.PHONE and not held.phone and held.closed_at is None:
            _call_on(held, kept)
        auditing.record(
            "detail.added",
            by=by,
            now=now,
            opened=True,
            person=held.person_id,
            trace=trace,
            team=team,
            area=held.area,
            detail={"kind": kind},
        )
    return Known(int(row[0]), kind, kept)


def mark(*, trace: int, detail: int, wrong: bool, by: Scope, now: datetime) -> Known:
    """Mark a detail of the trace's person as wrong, or take that mark away. Raises NotFound, Refused."""
    with walls.transaction(by):
        held, team = _concerned(trace, by)
        row = Detail.objects.select_for_update().filter(pk=detail, person_id=held.person_id).first()
        if row is None:
            raise NotFound("That is not on this record.")
        if (row.wrong_at is not None) == wrong:
            return Known(row.pk, row.kind, row.value, again=True)
        row.wrong_at, row.wrong_by = (now, by.user) if wrong else (None, None)
        row.save(update_fields=["wrong_at", "wrong_by"])
        auditing.record(
            "detail.wrong" if wrong else "detail.right",
            by=by,
            now=now,
            person=held.person_id,
            trace=trace,
            team=team,
            area=held.area,
            detail={"kind": row.kind},
        )
        return Known(row.pk, row.kind, row.value)


def _tidy(kind: str, told: str) -> str:
    if kind == Detail.Kind.PHONE:
        number = results.phone_typed(told)
        if not number:
            raise Invalid("value", "Give a phone number, digits only, such as 07700900123.")
        return number
    if kind == Detail.Kind.EMAIL:
        email = results.email(told)
        if not email:
            raise Invalid("value", "Give an email address, such as name@example.org.")
        return email
    return " ".join(told.split())


def _concerned(trace: int, by: Scope) -> tuple[Held, int]:
    """The trace, locked, and the team of the person's that works on it."""
    by.require("trace")
    held = next(iter(hold_many([trace])), None)
    if held is None:
        raise NotFound(f"There is no trace {trace} that you may see.")
    team = next((each for each in concerned(held) if each in by.teams), None)
    if team is None:
        raise Refused(f"{held.team_name} has this trace; only the teams that work on it can add to it.")
    return held, team


def _call_on(held: Held, number: str) -> None:
    """The number to call from now on; left out while somebody is on it with another trace."""
    try:
        with database_transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE traces SET phone = %s WHERE id = %s", [number, held.id])
    except IntegrityError:
        pass
