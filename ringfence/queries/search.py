"""Finding a person: nobody is listed until somebody looks for them, and each search is logged."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime

from ringfence.accounts import walls
from ringfence.base.references import tidy
from ringfence.rules.access import Scope
from ringfence.rules.search import SearchError, read

__all__ = ["Found", "Hit", "SearchError", "Trace", "find"]

#: People shown; beyond that the search is to be narrowed.
MOST = 50


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace of somebody found: with which team it is, and whether the searcher may open it."""

    ref: str
    reason: str
    team: str
    since: datetime
    closed: bool
    opens: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """Somebody found. ``alike`` says that the name only begins or sounds as what was typed."""

    person: int
    name: str
    birth_date: date | None
    postcode: str
    alike: bool
    traces: tuple[Trace, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Those found, the most alike first, at most fifty; ``more`` says that there are others."""

    hits: tuple[Hit, ...]
    more: bool


_FIND = """
SELECT f.person_id, f.likeness, f.given_name, f.family_name, f.birth_date, f.postcode, f.traces::text
FROM casework.find_people(%s, %s, %s, %s, %s, %s::text[], %s::text[], %s) f
"""

_SEARCHED = """
INSERT INTO audit.events (at, user_id, scope, verb, opened, detail)
VALUES (%s, %s, %s, 'people.searched', %s, jsonb_build_object('by', %s::text[], 'found', %s::int))
"""


def find(*, scope: Scope, text: str, now: datetime) -> Found:
    """Those whom ``text`` may mean, of the people whom the areas of ``scope`` may know.

    Logged by what was searched by and how many were found, never with the words. Raises Refused, and SearchError when
    nothing can be looked for.
    """
    scope.require("search")
    terms = read(text)
    with walls.transaction(scope):
        arguments = [
            walls.ticket(scope),
            terms.nhs_number or None,
            tidy(terms.reference) if terms.reference else None,
            terms.phone,
            terms.postcode,
            [name.family for name in terms.names],
            [name.given for name in terms.names],
            MOST + 1,
        ]
        rows = walls.rows(_FIND, arguments)
        shown = rows[:MOST]
        walls.rows(_SEARCHED, [now, scope.user, scope.name, bool(shown), list(terms.kinds), len(shown)])
    return Found(tuple(_hit(*row) for row in shown), len(rows) > MOST)


def _hit(person: int, likeness: int, given: str, family: str, born: date | None, postcode: str, traces: str) -> Hit:
    of = tuple(Trace(**{**each, "since": datetime.fromisoformat(each["since"])}) for each in json.loads(traces))
    return Hit(person, f"{given} {family}".strip(), born, postcode, likeness > 3, of)
