"""Bringing up to date what people are found by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.rules.access import Scope
from ringfence.rules.results import phone
from ringfence.rules.search import name_key

#: People taken up in one transaction, and transactions at one time, so that the clock never waits long.
AT_ONCE = 5_000
BATCHES = 4

_TAKE = """
WITH taken AS (
    DELETE FROM search_due WHERE ctid = ANY (ARRAY(SELECT d.ctid FROM search_due d LIMIT %s FOR UPDATE SKIP LOCKED))
    RETURNING person_id, trace_id
), traced AS (
    INSERT INTO person_traces (person_id, trace_id)
    SELECT DISTINCT person_id, trace_id FROM taken WHERE trace_id IS NOT NULL ON CONFLICT DO NOTHING
)
SELECT p.id, p.given_name, p.family_name, p.phone, p.phone_other, p.postcode, d.numbers
FROM (SELECT DISTINCT person_id FROM taken) t CROSS JOIN LATERAL (
    SELECT k.* FROM people k WHERE k.id = t.person_id OFFSET 0) p
LEFT JOIN LATERAL (
    SELECT array_agg(n.value) AS numbers FROM details n
    WHERE n.person_id = p.id AND n.kind = 'phone' AND n.wrong_at IS NULL) d ON true
"""

# How a name sounds is worked out where it is looked for, by the same function (double metaphone, L. Philips, 2000).
_ADD = """
INSERT INTO search_keys (area, kind, key, person_id)
SELECT s.area, k.kind, k.key, k.person_id FROM (
    SELECT g.kind, CASE g.kind WHEN 's' THEN public.dmetaphone(split_part(g.key, ' ', 1)) || ' '
        || left(split_part(g.key, ' ', 2), 1) ELSE g.key END AS key, g.person_id
    FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS g (kind, key, person_id)
) k CROSS JOIN LATERAL (
    SELECT DISTINCT n.area FROM standings n
    WHERE n.person_id = k.person_id AND (n.until_at IS NULL OR n.until_at > now()) OFFSET 0) s
WHERE NOT starts_with(k.key, ' ')
ON CONFLICT DO NOTHING
"""


def catch_up(*, by: Scope, now: datetime) -> int:
    """Make the keys of those who are new or changed: at most twenty thousand people at one time. Returns how many.

    Several processes at once share the work. With nothing to do it is one look at an empty table.
    """
    done = 0
    for _ in range(BATCHES):
        with walls.transaction(by):
            some = _batch()
            if some:
                auditing.record("search.caught_up", by=by, now=now, detail={"people": some})
        done += some
        if some < AT_ONCE // 2:  # the same person may have been there several times
            break
    return done


def _batch() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM search_due LIMIT 1")
        if cursor.fetchone() is None:
            return 0
        cursor.execute(_TAKE, [AT_ONCE])
        people = cursor.fetchall()
        keys = [(kind, key, row[0]) for row in people for kind, key in _keys(*row[1:])]
        if keys:
            cursor.execute(_ADD, [list(column) for column in zip(*keys, strict=True)])
    return len(people)


def _keys(
    given_name: str, family_name: str, phone_: str, phone_other: str, postcode: str, numbers: list[Any] | None
) -> Iterator[tuple[str, str]]:
    """What one person is found by: kind and key."""
    name = name_key(given_name, family_name)
    if not name.startswith(" "):
        yield "n", name
        yield "s", name
    for number in {phone_, phone_other, *map(phone, numbers or ())} - {""}:
        yield "p", number
    if postcode:
        yield "c", postcode
