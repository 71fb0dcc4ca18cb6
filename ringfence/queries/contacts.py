"""Whom a case named, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from ringfence.accounts import walls
from ringfence.base.references import tidy
from ringfence.queries.lines import opened_list
from ringfence.rules.access import NotFound, Scope


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact of a case. ``name`` is "" for somebody whom the reader's areas do not know; ``ref`` is "" where the trace
    is not the reader's to open. ``state`` is "open", "calling", "case", "withdrawn", "none" (nobody calls) or an outcome of
    the trace; ``team`` has the trace."""

    name: str
    household: bool
    relation: str
    setting: str
    setting_ref: str
    last_contact: date
    identified_at: datetime
    until_date: date | None
    ref: str
    team: str
    attempts: int
    state: str
    at: datetime | None
    why: str
    spoken_for: bool


@dataclass(frozen=True, slots=True)
class Contacts:
    """The contacts of the case behind a trace; ``truncated`` when there are more than are shown."""

    ref: str
    person: str
    contacts: tuple[Contact, ...]
    truncated: bool


MOST = 300

_TRACE = """
SELECT t.id, t.ref, t.case_id, t.team_id, coalesce(p.given_name || ' ' || p.family_name, '')
FROM traces t LEFT JOIN people p ON p.id = t.person_id WHERE t.ref = %(ref)s AND t.reason = 'case'
"""

# The rows of contacts are those that the wall lets be seen; what became of them is told by a function, because the trace
# may be with a team whose traces the reader may not see.
_CONTACTS = """
SELECT coalesce(p.given_name || ' ' || p.family_name, ''), c.household, c.relation, coalesce(s.name, ''),
    coalesce(s.ref, ''), c.last_contact, c.identified_at, i.until_date, coalesce(b.ref, ''), coalesce(k.name, ''),
    coalesce(b.attempts, 0),
    CASE WHEN c.withdrawn_at IS NOT NULL THEN 'withdrawn' WHEN c.became_case_id IS NOT NULL THEN 'case'
        WHEN b.trace_id IS NULL THEN 'none' WHEN b.outcome <> '' THEN b.outcome WHEN b.calling THEN 'calling' ELSE 'open' END,
    coalesce(c.withdrawn_at, c.became_case_at, b.closed_at), c.withdrawn_why, c.spoken_for_at IS NOT NULL
FROM contacts c
LEFT JOIN people p ON p.id = c.person_id
LEFT JOIN settings s ON s.id = c.setting_id
LEFT JOIN casework.became_of(%(id)s, %(now)s) b ON b.contact_id = c.id
LEFT JOIN teams k ON k.id = b.team_id
LEFT JOIN isolations i ON i.trace_id = b.trace_id AND i.person_id = c.person_id AND i.superseded_at IS NULL
WHERE c.case_id = %(case)s
ORDER BY c.withdrawn_at IS NOT NULL, NOT c.household, c.id LIMIT %(limit)s
"""


def of_case(*, scope: Scope, ref: str, now: datetime) -> Contacts:
    """The contacts of the case that a trace is about, those at home first. Raises NotFound; the list is logged."""
    with walls.transaction(scope):
        found = walls.rows(_TRACE, {"ref": tidy(ref)})
        if not found:
            raise NotFound(f"There is no trace {ref} of a case that you may see.")
        trace, found_ref, case, team, person = found[0]
        named = walls.rows(_CONTACTS, {"id": trace, "case": case, "now": now, "limit": MOST + 1})
        rows = [Contact(*each) for each in named]
        opened_list("contacts", team, len(rows[:MOST]), scope, now)
    return Contacts(found_ref, person, tuple(rows[:MOST]), len(rows) > MOST)
