"""Contacts who test positive become cases: the link is kept, the contact's trace ends, the case's goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.rules import contacts
from ringfence.rules.access import Scope
from ringfence.rules.identity import Known, name_key

#: Cases looked at in one transaction.
AT_ONCE = 2_000


@dataclass
class Mark:
    """Which cases a process has looked at: all up to ``floor``; ``met`` is the highest number met and the transactions
    that had begun by then, for one of them may still add a case with a lower number."""

    floor: int | None = None
    met: tuple[int, int] | None = None


class _Pair(NamedTuple):
    """A contact with an open trace, and a case that may be theirs."""

    trace: int
    contact: Known
    case: int
    person: Known
    specimen: date
    same_home: bool
    same_phone: bool


_NEWEST = """
SELECT coalesce(max(id), 0), pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint
FROM cases
"""

_COLUMNS = """
SELECT t.id, a.id, coalesce(a.nhs_number, ''), a.given_name, a.family_name, coalesce(a.birth_date::text, ''), a.postcode,
    c.id, b.id, coalesce(b.nhs_number, ''), b.given_name, b.family_name, coalesce(b.birth_date::text, ''), b.postcode,
    c.first_specimen_date, coalesce(t.household = b.household, false), a.phone <> '' AND a.phone IN (b.phone, b.phone_other)
"""

# By the person, by the home, and by the number, each with its index.
_NEW = f"""
WITH fresh AS MATERIALIZED (SELECT * FROM cases WHERE id > %(floor)s AND id <= %(last)s), found AS (
    SELECT c.id AS case_id, t.id AS trace_id FROM fresh c JOIN traces t
        ON t.person_id = c.person_id AND t.reason = 'contact' AND t.closed_at IS NULL
    UNION
    SELECT c.id, t.id FROM fresh c JOIN people b ON b.id = c.person_id JOIN traces t
        ON t.household = b.household AND t.reason = 'contact' AND t.closed_at IS NULL
    UNION
    SELECT c.id, t.id FROM fresh c JOIN people b ON b.id = c.person_id JOIN people a ON a.phone = b.phone AND a.phone <> ''
        JOIN traces t ON t.person_id = a.id AND t.reason = 'contact' AND t.closed_at IS NULL
)
{_COLUMNS}
FROM found f JOIN traces t ON t.id = f.trace_id JOIN people a ON a.id = t.person_id
JOIN cases c ON c.id = f.case_id JOIN people b ON b.id = c.person_id
"""

# After a start: whoever became a case while nobody looked.
_MISSED = f"""
{_COLUMNS}
FROM traces t JOIN people a ON a.id = t.person_id JOIN cases c ON c.person_id = t.person_id JOIN people b ON b.id = a.id
WHERE t.reason = 'contact' AND t.closed_at IS NULL
"""


def become_cases(*, mark: Mark, by: Scope, now: datetime) -> int:
    """Close the traces of contacts for whom a case has been opened since the last look, and link the two.

    For the scope ``interviews``. A trace that somebody has open stays until the next look. Returns how many.
    """
    with walls.transaction(by):
        with connection.cursor() as cursor:
            cursor.execute(_NEWEST)
            newest, running, begun = cursor.fetchone()
            if mark.met and running >= mark.met[1]:
                mark.floor, mark.met = max(mark.floor or 0, mark.met[0]), None
            if mark.floor is None:
                cursor.execute(_MISSED)
                floor, last = max(0, newest - AT_ONCE), newest
            elif newest <= mark.floor:
                return 0
            else:
                floor, last = mark.floor, min(newest, mark.floor + AT_ONCE)
                cursor.execute(_NEW, {"floor": floor, "last": last})
            pairs = [_pair(row) for row in cursor.fetchall()]
        closed, left = _join([each for each in pairs if _same(each)], by, now)
    mark.floor = floor
    if mark.met is None and not left:
        mark.met = (last, begun)
    return closed


def _pair(row: Any) -> _Pair:
    trace, *one, case = row[:8]
    *other, specimen, home, phone = row[8:]
    return _Pair(trace, _known(one), case, _known(other), specimen, home, phone)


def _known(row: Sequence[Any]) -> Known:
    id_, number, given, family, born, postcode = row
    return Known(id_, number, name_key(given, family), born, postcode)


def _same(each: _Pair) -> bool:
    return contacts.turned_out(each.contact, each.person, each.same_home, each.same_phone)


_LINKED = """
SELECT DISTINCT t.id FROM unnest(%(traces)s::bigint[], %(cases)s::bigint[]) AS p (trace, case_id)
JOIN traces t ON t.id = p.trace JOIN contacts c ON c.trace_id = t.id AND c.became_case_id = p.case_id
WHERE t.closed_at IS NULL
"""

# A contact known by less than the laboratory knows is the case's person from now on, unless the case is named as such.
_LINK = """
UPDATE contacts c SET person_id = p.person, became_case_id = p.case_id, became_case_at = %(now)s
FROM unnest(%(contacts)s::bigint[], %(people)s::bigint[], %(cases)s::bigint[], %(specimens)s::date[])
    AS p (contact, person, case_id, specimen)
WHERE c.person_id = p.contact AND c.became_case_id IS NULL AND c.withdrawn_at IS NULL
    AND abs(c.last_contact - p.specimen) <= %(days)s AND c.case_person_id <> p.person
    AND (p.contact = p.person OR NOT EXISTS (
        SELECT 1 FROM contacts o WHERE o.case_id = c.case_id AND o.person_id = p.person))
"""

_CLOSE = """
UPDATE traces t SET closed_at = greatest(%(now)s, t.created_at), outcome = 'became_case', queued = false, ready_at = NULL,
    claimed_by = NULL, claimed_at = NULL, version = version + 1
WHERE t.id = ANY (%(linked)s) AND t.closed_at IS NULL AND (t.claimed_by IS NULL OR t.ready_at <= %(now)s)
RETURNING t.id
"""


def _join(pairs: Sequence[_Pair], by: Scope, now: datetime) -> tuple[int, int]:
    """Link these and close their traces. Returns how many were closed, and how many stay because somebody has them open."""
    if not pairs:
        return 0, 0
    arguments: dict[str, Any] = {
        "now": now,
        "days": contacts.BECOMES_WITHIN,
        "contacts": [each.contact.id for each in pairs],
        "people": [each.person.id for each in pairs],
        "cases": [each.case for each in pairs],
        "specimens": [each.specimen for each in pairs],
        "traces": [each.trace for each in pairs],
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM traces WHERE id = ANY (%(traces)s) ORDER BY id FOR UPDATE", arguments)
        cursor.execute(_LINK, arguments)
        cursor.execute(_LINKED, arguments)
        linked = [row[0] for row in cursor.fetchall()]
        cursor.execute(_CLOSE, {"now": now, "linked": linked})
        closed = {row[0] for row in cursor.fetchall()}
    auditing.record_many(
        "contact.became_case",
        [{"person": each.person.id, "trace": each.trace} for each in pairs if each.trace in closed],
        by=by,
        now=now,
    )
    return len(closed), len(linked) - len(closed)
