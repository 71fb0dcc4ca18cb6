"""A batch of rows that was decided, written in sets: text COPY to staging, then one statement for each table.

What was validated as text is sent as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db import connection

from ringfence.actions import moving
from ringfence.actions.staging import AUTHORITY, NULL, OF_A_RESULT, TABLES, null, safe
from ringfence.base.references import reference
from ringfence.feeds.linelist import SetAside
from ringfence.feeds.plain import joined
from ringfence.queries.people import homes as lived_in
from ringfence.rules import allocation as placing
from ringfence.rules import identity
from ringfence.rules.allocation import Residence

if TYPE_CHECKING:
    from ringfence.actions.merge import Batch


def write(batch: Batch) -> None:
    """Write everything that was decided of a batch, in the caller's transaction."""
    _Writer(batch).write()


def set_aside(delivery: int, aside: Sequence[SetAside], now: datetime) -> None:
    """Put rows into quarantine, in the caller's transaction."""
    if not aside:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO quarantines (delivery_id, row_number, field, reason, raw, recorded_at, settlement)"
            " SELECT %s, n, f, w, r, %s, '' FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[])"
            " AS q (n, f, w, r)",
            [
                delivery,
                now,
                [each.number for each in aside],
                [each.field for each in aside],
                [each.why[:200] for each in aside],
                [each.raw.replace("\0", "\ufffd") for each in aside],
            ],
        )


def reserve(table: str, count: int) -> Iterator[int]:
    """New ids of a table. They are numbers of a transaction that is seen to be under way (``actions.counting``)."""
    with connection.cursor() as cursor:
        # One text: making a row of each takes longer than taking the numbers.
        cursor.execute(
            "WITH begun AS MATERIALIZED (SELECT pg_current_xact_id())"
            f" SELECT string_agg(nextval('{table}_id_seq')::text, ',') FROM begun CROSS JOIN generate_series(1, %s)",
            [count],
        )
        return map(int, (cursor.fetchone()[0] or "").split(",")) if count else iter(())


class Overtaken(Exception):
    """A trace that was open when the batch was decided has been closed since: the batch is decided anew."""


class _Writer:
    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def write(self) -> None:
        batch, merger = self.batch, self.batch.merger
        self._stage()
        statements: list[tuple[str, list[Any]]] = []
        if batch.new_people:
            statements.append((_INSERT_PEOPLE, [merger.now] * 2))
        if batch.opened:
            statements.append((_INSERT_CASES, [merger.now] * 4))
        statements.append((_INSERT_RESULTS, [merger.delivery, merger.now]))
        merger.resting()
        with connection.cursor() as cursor:
            if batch.adopted:
                # First: from here on, somebody made below may be known by the same details, and have no number.
                cursor.execute(_ADOPT, [merger.now, list(batch.adopted), list(batch.adopted.values())])
            # In one go, so that nothing has to be said from here before all of it is written.
            cursor.execute(
                ";".join(each for each, _ in statements), [each for _, given in statements for each in given]
            )
            if batch.moved:
                self._move_episodes(cursor)
            if not all(case.traced for case in batch.opened):
                cursor.execute(_PURSUE)
                if cursor.fetchone()[0]:
                    raise Overtaken("a trace was closed since it was read")
            if batch.changed:
                self._change_people(cursor)
            told = [*batch.changed, *(case.person for case in batch.opened[batch.strangers :])]
            if told:
                moving.tell(told)
            if batch.brought:
                moving.reopen(batch.brought, merger.now)
            self._settle_people(cursor)

    def _stage(self) -> None:
        batch, keys = self.batch, self.batch.keys
        with connection.cursor() as cursor:
            cursor.execute(TABLES)
            columns = (
                keys.result_lines,
                [home.ltla for home in batch.homes],
                [NULL if each is None else str(each) for each in batch.person],
                [NULL if each is None else str(each) for each in batch.case],
            )
            plain = b""
            if batch.plain:
                texts = [batch.plain.texts[name] for name in (*OF_A_RESULT, AUTHORITY)]
                plain = joined(texts, [b"\t"] * len(OF_A_RESULT) + [b"\t\\N\t\\N\n"])
            _copy(cursor, "stage_results", columns, plain)
            if batch.new_people:
                at, people = zip(*batch.new_people, strict=True)
                lines = [keys.person_lines[i] for i in at]
                if batch.adopted:
                    lines = [self._numbered(*each) for each in zip(lines, people, strict=True)]
                homes = [batch.homes[i].utla or placing.NOWHERE for i in at]
                _copy(cursor, "stage_people", (lines, map(str, people), homes))
            if batch.opened:
                _copy(cursor, "stage_cases", self._case_columns())

    def _numbered(self, line: str, person: int) -> str:
        """A new person's line, with the NHS number that a later row brought."""
        number = self.batch.adopted.get(person)
        return line if number is None else number + line.removeprefix(NULL)

    def _case_columns(self) -> Sequence[Iterable[str]]:
        f, keys, moved = self.batch.fields, self.batch.keys, self.batch.moved
        cases, people, at, numbers, traced = zip(*self.batch.opened, strict=True)
        traces = list(reserve("traces", len(at)))
        homes = [self.batch.homes[i] for i in at]
        first = last = [f["specimen_date"][i] for i in at]
        if moved:
            days = [moved.get(case) for case in cases]
            first = [date.fromordinal(to.first).isoformat() if to else day for to, day in zip(days, first, strict=True)]
            last = [date.fromordinal(to.last).isoformat() if to else day for to, day in zip(days, last, strict=True)]
        tails = self.batch.merger.tails
        tails.update({home: self._placed(home) for home in set(homes) - tails.keys()})
        return (
            [keys.case_lines[i] for i in at],
            map(str, cases),
            map(str, people),
            map(str, numbers),
            first,
            last,
            [str(trace) if new else NULL for trace, new in zip(traces, traced, strict=True)],
            map(reference, traces),
            map(tails.__getitem__, homes),
        )

    def _placed(self, home: Residence) -> str:
        placed = self.batch.merger.placement(home)
        return "\t".join(
            (
                home.utla,
                home.ltla,
                str(placed.team),
                placed.area,
                null(placed.national_team),
                *safe([placed.why]),
                placed.due_at.isoformat(),
                *safe([placed.due_why]),
                null(placed.passes_to),
            )
        )

    def _move_episodes(self, cursor: Any) -> None:
        opened = {case.case for case in self.batch.opened}
        moved = [(case, add) for case, add in self.batch.moved.items() if case not in opened]
        if moved:
            # Another reader may have moved it too, since it was read.
            cursor.execute(
                "UPDATE cases SET first_specimen_date = least(first_specimen_date, m.first),"
                " last_positive_date = greatest(last_positive_date, m.last), updated_at = %s"
                " FROM unnest(%s::bigint[], %s::date[], %s::date[]) AS m (id, first, last) WHERE cases.id = m.id",
                [
                    self.batch.merger.now,
                    [case for case, _ in moved],
                    [date.fromordinal(add.first) for _, add in moved],
                    [date.fromordinal(add.last) for _, add in moved],
                ],
            )

    def _change_people(self, cursor: Any) -> None:
        """The newest details of people known before."""
        people = list(self.batch.changed)
        cursor.execute(
            _CHANGE_PEOPLE,
            [
                self.batch.merger.now,
                people,
                *(list(column) for column in zip(*self.batch.changed.values(), strict=True)),
                [identity.household_key(each.address, each.postcode) for each in self.batch.changed.values()],
                [self.batch.rekeyed.get(person, 0) for person in people],
            ],
        )

    def _settle_people(self, cursor: Any) -> None:
        """Where people live now, whose team has their traces, and who still knows them."""
        batch, merger = self.batch, self.batch.merger
        homes = {person: batch.homes[i] for person, i in batch.moves.items()}
        if homes:
            ids, areas = list(homes), [home.utla for home in homes.values()]
            cursor.execute(_LEAVE, [merger.now, ids, areas, merger.now])
            cursor.execute(_ARRIVE, [merger.now, ids, areas])
        others = (batch.stayed | {person for person, _ in batch.brought}) - homes.keys()
        if others:
            lives = lived_in(others, scope=merger.scope)
            homes.update({person: Residence("", area, "") for person, area in lives.items()})
        if homes:
            moving.relocate(homes, merger.teams, merger.now)
        if batch.moves or batch.stayed:
            cursor.execute(_LIVED, [merger.now, [*batch.moves, *batch.stayed]])


_ADOPT = """
UPDATE people SET nhs_number = a.number, updated_at = %s FROM unnest(%s::bigint[], %s::text[]) AS a (id, number)
WHERE people.id = a.id
"""

_CHANGE_PEOPLE = """
UPDATE people SET phone = c.phone, phone_other = c.phone_other, email = c.email,
    address = c.address, postcode = c.postcode, gp_postcode = c.gp_postcode, ethnicity = c.ethnicity, care_home = c.care_home,
    household = c.household, match_key = coalesce(nullif(c.match_key, 0), people.match_key),
    updated_at = %s
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::boolean[], %s::bigint[], %s::bigint[])
    AS c (id, phone, phone_other, email, address, postcode, gp_postcode, ethnicity, care_home, household, match_key)
WHERE people.id = c.id
"""

# A move ends one standing and begins another. Where a case was opened or is traced, they still know whom they call.
_LEAVE = """
WITH left_behind AS (
    UPDATE standings s SET until_at = %s FROM unnest(%s::bigint[], %s::text[]) AS h (person, area)
    WHERE s.person_id = h.person AND s.why = 'lives' AND s.area <> h.area AND s.until_at IS NULL
    RETURNING s.person_id, s.area
)
INSERT INTO standings (person_id, area, why, from_at)
SELECT l.person_id, l.area, 'lived', %s FROM left_behind l
WHERE EXISTS (SELECT 1 FROM cases c WHERE c.person_id = l.person_id AND c.authority = l.area)
    OR EXISTS (SELECT 1 FROM traces t WHERE t.person_id = l.person_id AND t.area = l.area AND t.closed_at IS NULL)
ON CONFLICT (person_id, area, why, from_at) DO NOTHING
"""

# Whose case a batch opened where they do not live, or do not live any more: who has the case knows whose it is.
_LIVED = """
INSERT INTO standings (person_id, area, why, from_at)
SELECT DISTINCT c.person_id, c.authority, 'lived', %s FROM stage_cases c
WHERE c.person_id = ANY(%s) AND c.authority <> ''
    AND NOT EXISTS (SELECT 1 FROM standings s WHERE s.person_id = c.person_id AND s.area = c.authority AND s.until_at IS NULL)
ON CONFLICT (person_id, area, why, from_at) DO NOTHING
"""

# Moved away and back within one delivery: the standing goes on.
_ARRIVE = """
INSERT INTO standings (person_id, area, why, from_at)
SELECT h.person, h.area, 'lives', %s FROM unnest(%s::bigint[], %s::text[]) AS h (person, area)
WHERE NOT EXISTS (SELECT 1 FROM standings s WHERE s.person_id = h.person AND s.area = h.area AND s.why = 'lives'
    AND s.until_at IS NULL)
ON CONFLICT (person_id, area, why, from_at) DO UPDATE SET until_at = NULL
"""


def _copy(cursor: Any, table: str, columns: Sequence[Iterable[str]], more: bytes = b"") -> None:
    text = "\n".join(map("\t".join, zip(*columns, strict=True)))
    with cursor.copy(f"COPY {table} FROM STDIN") as copy:
        copy.write((text + "\n" if text else "").encode() + more)


# A few thousand rows against millions: by the index, row by row, whatever the statistics of staging or of a table that was
# empty a moment ago make the planner believe. And a batch is not waited for until it is on the disk: how far the delivery
# was read is committed with it, so a server that dies takes back both, and the rows are read again from the stored bytes.
# The end of the delivery is waited for, and with it all that came before.
FOR_A_BATCH = (
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),"
    " set_config('enable_mergejoin', 'off', true), set_config('synchronous_commit', 'off', true)"
)

_INSERT_PEOPLE = """
WITH added AS (
    INSERT INTO people (id, nhs_number, match_key, given_name, family_name, birth_date, sex, ethnicity, phone, phone_other,
        email, address, postcode, gp_postcode, care_home, household, updated_at)
    SELECT id, nhs_number, match_key, given_name, family_name, birth_date, sex, ethnicity, phone, phone_other,
        email, address, postcode, gp_postcode, care_home, household, %s FROM stage_people
)
INSERT INTO standings (person_id, area, why, from_at) SELECT id, area, 'lives', %s FROM stage_people
"""

_INSERT_CASES = """
WITH added AS (
    INSERT INTO cases (id, person_id, episode, first_specimen_date, last_positive_date, authority, ltla, postcode, care_home,
        opened_at, updated_at)
    SELECT id, person_id, episode, first, last, authority, ltla, postcode, care_home, moment, moment
    FROM stage_cases, (SELECT %s::timestamptz AS moment) m
), traced AS (
    INSERT INTO traces (id, ref, shard, reason, person_id, case_id, authority, team_id, area, national_team_id, passes_to_id,
        owned_since, created_at, why, priority, due_at, due_why, queued, phone, household)
    SELECT c.trace_id, c.ref, CASE WHEN c.team_id = ANY (s.teams) THEN c.trace_id %% s.shards ELSE 0 END, 'case',
        c.person_id, c.id, c.authority, c.team_id, c.area, c.national_team_id, c.passes_to_id, %s, %s, c.why, c.priority,
        c.due_at, c.due_why, true, c.phone, c.household
    FROM stage_cases c, (SELECT array_agg(id) AS teams, max(queue_shards) AS shards FROM teams WHERE queue_shards > 1) s
    WHERE c.trace_id IS NOT NULL
)
INSERT INTO audit.events (at, scope, verb, person_id, trace_id, team_id, area, detail)
SELECT %s, 'intake', 'case.opened', person_id, trace_id, team_id, area, NULL FROM stage_cases
"""

# A trace is open for the person already: it goes on, now for this episode if it is the later one; of two of a batch, for the
# later. Says of how many no trace is open any more.
_PURSUE = """
WITH opened AS MATERIALIZED (
    SELECT DISTINCT ON (person_id) person_id, id, first FROM stage_cases WHERE trace_id IS NULL
    ORDER BY person_id, first DESC, id DESC
), held AS MATERIALIZED (
    SELECT t.id, t.person_id, c.first_specimen_date FROM traces t JOIN opened o ON o.person_id = t.person_id
    JOIN cases c ON c.id = t.case_id
    WHERE t.reason = 'case' AND t.closed_at IS NULL FOR NO KEY UPDATE OF t
), pursued AS (
    UPDATE traces t SET case_id = o.id, version = t.version + 1
    FROM opened o JOIN held h ON h.person_id = o.person_id
    WHERE t.id = h.id AND o.first > h.first_specimen_date
)
SELECT (SELECT count(*) FROM opened) - (SELECT count(*) FROM held)
"""

_INSERT_RESULTS = """
INSERT INTO results (delivery_id, row_number, laboratory, specimen_id, test_type, result, specimen_date, report_date,
    postcode, gp_postcode, authority, sex, age, care_home, person_id, case_id, recorded_at)
SELECT %s, row_number, laboratory, specimen_id, test_type, result, specimen_date, report_date, postcode, gp_postcode,
    authority, sex, age, care_home, person_id, case_id, %s
FROM stage_results
"""
