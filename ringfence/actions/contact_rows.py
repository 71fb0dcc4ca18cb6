"""What was decided about contacts, written in sets: people, standings, contact rows, traces."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection

from ringfence.base.references import reference
from ringfence.queries.interviews import Somebody, Standing
from ringfence.rules import allocation, identity
from ringfence.rules.allocation import Placement, Residence

if TYPE_CHECKING:
    from ringfence.actions.contacts import Named


class NewTrace(NamedTuple):
    """A contact's trace to be made. ``ready_at`` is when the first try may be made, None: at once."""

    id: int
    person: int
    authority: str
    placed: Placement
    priority: int
    phone: str
    household: int | None
    ready_at: datetime | None


def _run(sql: str, arguments: Mapping[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


_PEOPLE = """
AS p (id, match_key, given_name, family_name, birth_date, adult, phone, phone_other, email, address, postcode, household)
"""
_OF_PEOPLE = (
    "FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::date[], %s::boolean[], %s::text[], %s::text[],"
    f" %s::text[], %s::text[], %s::text[], %s::bigint[]) {_PEOPLE}"
)

_ADD_PEOPLE = f"""
INSERT INTO people (id, match_key, given_name, family_name, birth_date, adult, sex, ethnicity, phone, phone_other, email,
    address, postcode, gp_postcode, household, updated_at)
SELECT id, match_key, left(given_name, 100), left(family_name, 100), birth_date, adult, '', '', phone, phone_other, email,
    left(address, 300), postcode, '', household, %s
{_OF_PEOPLE}
"""

_CHANGE_PEOPLE = f"""
UPDATE people SET match_key = CASE WHEN people.nhs_number IS NULL OR p.match_key <> 0 THEN p.match_key ELSE people.match_key END,
    given_name = left(p.given_name, 100), family_name = left(p.family_name, 100), birth_date = p.birth_date, adult = p.adult,
    phone = p.phone, phone_other = p.phone_other, email = p.email, address = left(p.address, 300), postcode = p.postcode,
    household = p.household, updated_at = %s
{_OF_PEOPLE}
WHERE people.id = p.id AND (people.given_name, people.family_name, people.birth_date, people.adult, people.phone,
    people.phone_other, people.email, people.address, people.postcode, people.household) IS DISTINCT FROM (
    left(p.given_name, 100), left(p.family_name, 100), p.birth_date, p.adult, p.phone, p.phone_other, p.email,
    left(p.address, 300), p.postcode, p.household)
"""


def _person(id_: int, who: Somebody) -> tuple[Any, ...]:
    known = who.known
    key = identity.match_key(known.name, known.birth_date, known.postcode)
    names = (who.given_name, who.family_name, known.birth_date or None, who.adult)
    return (id_, key, *names, who.phone, who.phone_other, who.email, who.address, known.postcode, who.household)


def add_people(made: Sequence[Named], known: Mapping[int, Somebody], now: datetime) -> None:
    """People known from an interview alone."""
    if made:
        columns = _columns([_person(each.person, known[each.person]) for each in made])
        with connection.cursor() as cursor:
            cursor.execute(_ADD_PEOPLE, [now, *columns])


def change_people(known: Mapping[int, Somebody], now: datetime) -> None:
    """What was learnt of people known before; those of whom nothing is new stay untouched."""
    if known:
        columns = _columns([_person(id_, who) for id_, who in sorted(known.items())])
        with connection.cursor() as cursor:
            cursor.execute(_CHANGE_PEOPLE, [now, *columns])


_STAND = """
INSERT INTO standings (person_id, area, why, from_at)
SELECT DISTINCT h.person, h.area, %(why)s, %(now)s::timestamptz
FROM unnest(%(people)s::bigint[], %(areas)s::text[]) AS h (person, area)
WHERE h.area <> '' AND NOT EXISTS (SELECT 1 FROM standings s WHERE s.person_id = h.person AND s.area = h.area
    AND s.why = %(why)s AND s.until_at IS NULL)
ON CONFLICT DO NOTHING
"""


def settle(homes: Sequence[tuple[Named, Residence]], now: datetime) -> None:
    """Where new people live; nowhere known is England, as for a case."""
    pairs = [(each.person, home.utla or allocation.NOWHERE) for each, home in homes]
    _stand(pairs, "lives", now)


def stand_as_contacts(pairs: Sequence[tuple[int, str]], now: datetime) -> None:
    """The authority of a case may know its contacts, wherever they live."""
    _stand(pairs, "contact", now)


def _stand(pairs: Sequence[tuple[int, str]], why: str, now: datetime) -> None:
    if pairs:
        people, areas = _columns(list(pairs))
        _run(_STAND, {"people": people, "areas": areas, "why": why, "now": now})


_SHARE = """
WITH homes AS (SELECT DISTINCT * FROM unnest(%(traces)s::bigint[], %(people)s::bigint[], %(homes)s::bigint[])
    AS h (trace, person, household)
), people_told AS (
    UPDATE people p SET household = h.household FROM homes h
    WHERE p.id = h.person AND p.household IS NULL
)
UPDATE traces t SET household = h.household FROM homes h WHERE t.id = h.trace AND t.household IS NULL
"""


def share_homes(named: Sequence[Named]) -> None:
    """A case whose address is not known shares the home that it says others live in with it."""
    rows = [(each.said.trace, each.said.person, each.household) for each in named]
    if rows:
        traces, people, homes = _columns(rows)
        _run(_SHARE, {"traces": traces, "people": people, "homes": homes})


def withdraw(gone: Mapping[int, str], now: datetime) -> None:
    """Contact rows that nothing stands behind any more, with the reason."""
    if gone:
        _run(
            "UPDATE contacts c SET withdrawn_at = %(now)s, withdrawn_why = left(g.why, 200)"
            " FROM unnest(%(ids)s::bigint[], %(whys)s::text[]) AS g (id, why) WHERE c.id = g.id",
            {"now": now, "ids": list(gone), "whys": [why or "Withdrawn." for why in gone.values()]},
        )


# Who is being called at this moment is left to the one who calls.
_CLOSE = """
UPDATE traces t SET closed_at = %(now)s, outcome = 'withdrawn', queued = false, ready_at = NULL, version = version + 1
WHERE t.id = ANY (%(traces)s) AND t.reason = 'contact' AND t.closed_at IS NULL AND t.claimed_by IS NULL AND t.attempts = 0
    AND NOT EXISTS (SELECT 1 FROM contacts c WHERE c.trace_id = t.id AND c.withdrawn_at IS NULL)
"""


def close_unnamed(traces: Collection[int], now: datetime) -> list[int]:
    """Close the untouched traces that no case names any more. Returns all that were given."""
    if traces:
        _run(_CLOSE, {"traces": list(traces), "now": now})
    return list(traces)


_WRITE = """
INSERT INTO contacts (case_id, case_person_id, person_id, setting_id, entry, relation, household, last_contact, exemptions,
    identified_at, source, spoken_for_at, became_case_id, became_case_at)
SELECT DISTINCT ON (case_id, person) case_id, case_person, person, setting, entry, relation, household, last, exemptions,
    %(now)s::timestamptz, source, CASE WHEN spoken_for THEN %(now)s::timestamptz END, became,
    CASE WHEN became IS NOT NULL THEN %(now)s::timestamptz END
FROM unnest(%(cases)s::bigint[], %(case_people)s::bigint[], %(people)s::bigint[], %(settings)s::bigint[],
    %(entries)s::text[], %(relations)s::text[], %(households)s::boolean[], %(lasts)s::date[], %(exemptions)s::text[],
    %(sources)s::text[], %(spoken_for)s::boolean[], %(became)s::bigint[])
    AS c (case_id, case_person, person, setting, entry, relation, household, last, exemptions, source, spoken_for, became)
ORDER BY case_id, person, household DESC, last DESC
ON CONFLICT (case_id, person_id) DO UPDATE SET setting_id = excluded.setting_id, entry = excluded.entry,
    relation = excluded.relation, household = excluded.household, last_contact = excluded.last_contact,
    exemptions = coalesce(nullif(excluded.exemptions, ''), contacts.exemptions), withdrawn_at = NULL, withdrawn_why = '',
    spoken_for_at = coalesce(contacts.spoken_for_at, excluded.spoken_for_at),
    became_case_id = coalesce(contacts.became_case_id, excluded.became_case_id),
    became_case_at = coalesce(contacts.became_case_at, excluded.became_case_at)
"""


def write(
    named: Sequence[Named],
    places: Mapping[tuple[int, str], int],
    standing: Mapping[int, Standing],
    now: datetime,
) -> None:
    """A row for each case and contact, new or as it is now; who is a case already is linked as one."""
    if not named:
        return
    rows = []
    for each in named:
        entry, at = each.entry, standing[each.person]
        case = each.said.case or 0
        people = (case, each.said.person, each.person, places.get((case, entry.place)), entry.id)
        how = (entry.relation[:12], entry.household, each.counts, " ".join(sorted(entry.exemptions))[:80])
        said = (each.said.answers["contacts"].source, entry.spoken_for, at.open_case or at.recent_case)
        rows.append((*people, *how, *said))
    names = "cases case_people people settings entries relations households lasts exemptions sources spoken_for became".split()
    _run(_WRITE, dict(zip(names, _columns(rows), strict=True)) | {"now": now})


_TRACES = """
INSERT INTO traces (id, ref, shard, reason, person_id, authority, team_id, area, national_team_id, passes_to_id,
    owned_since, created_at, why, priority, due_at, due_why, queued, ready_at, phone, household)
SELECT n.id, n.ref, CASE WHEN k.queue_shards = 1 THEN 0 ELSE n.id %% k.queue_shards END, 'contact', n.person, n.authority,
    n.team, n.area, n.national_team, n.passes_to, %(now)s, %(now)s, left(n.why, 200), n.priority, n.due_at,
    left(n.due_why, 200), n.ready_at IS NULL, n.ready_at, n.phone, n.household
FROM unnest(%(ids)s::bigint[], %(refs)s::text[], %(people)s::bigint[], %(authorities)s::text[], %(teams)s::bigint[],
    %(areas)s::text[], %(national)s::bigint[], %(passes)s::bigint[], %(whys)s::text[], %(priorities)s::int[],
    %(dues)s::timestamptz[], %(due_whys)s::text[], %(readys)s::timestamptz[], %(phones)s::text[], %(homes)s::bigint[])
    AS n (id, ref, person, authority, team, area, national_team, passes_to, why, priority, due_at, due_why, ready_at, phone,
        household)
JOIN teams k ON k.id = n.team
"""


def add_traces(made: Sequence[NewTrace], now: datetime) -> None:
    """New traces of contacts, in their queues or waiting for the number to have rested."""
    rows = []
    for each in made:
        placed = each.placed
        who = (each.id, reference(each.id), each.person, each.authority)
        team = (placed.team, placed.area, placed.national_team, placed.passes_to, placed.why)
        when = (each.priority, placed.due_at, placed.due_why, each.ready_at)
        rows.append((*who, *team, *when, each.phone, each.household))
    names = "ids refs people authorities teams areas national passes whys priorities dues due_whys readys phones homes".split()
    _run(_TRACES, dict(zip(names, _columns(rows), strict=True)) | {"now": now})
    # The team that calls must know whom, also where it is another area's than the one they live in.
    _stand([(each.person, each.placed.area) for each in made], "contact", now)


def link(traces: Mapping[int, int], cases: Collection[int], now: datetime) -> None:
    """Say in the rows of these cases by which trace each contact is reached."""
    if traces:
        _run(
            "UPDATE contacts c SET trace_id = l.trace FROM unnest(%(people)s::bigint[], %(traces)s::bigint[])"
            " AS l (person, trace) WHERE c.case_id = ANY (%(cases)s) AND c.person_id = l.person"
            " AND c.trace_id IS DISTINCT FROM l.trace",
            {"people": list(traces), "traces": list(traces.values()), "cases": list(cases)},
        )
