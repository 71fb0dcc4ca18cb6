"""The overview's SQL against its meaning in plain Python, on generated traces put in by the set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.accounts import walls
from ringfence.queries.statistics import overview
from ringfence.rules.access import Refused, system_scope
from ringfence.rules.attempts import TraceOutcome
from ringfence.rules.handover import TeamKind
from ringfence.rules.statistics import Figures, TraceFacts
from ringfence.rules.statistics import overview as meaning
from tests.examples import examples
from tests.town import BLACKBURN, ENGLAND, LEICESTER, LUTON, NORTH_WEST, START

STATISTICS = system_scope("statistics")
MICRO = timedelta(microseconds=1)
HOUR = timedelta(hours=1)

#: What a trace may go through: teams by kind and authority. Each has two authorities' teams and the shared ones.
TEAMS = [
    ("national", BLACKBURN),
    ("local", BLACKBURN),
    ("national", LUTON),
    ("local", LUTON),
    ("national", LEICESTER),
    ("health_protection", NORTH_WEST),
    ("pool", ENGLAND),
]

# Gaps on and beside the hours that the figures ask about.
gaps = st.one_of(
    st.sampled_from([hours * HOUR + off * MICRO for hours in (0, 24, 48, 72) for off in (-1, 0, 1)]),
    st.timedeltas(timedelta(0), timedelta(days=6)),
).map(lambda gap: max(gap, timedelta(0)))


@dataclass(frozen=True)
class Drawn:
    """One trace: when it began, its teams with how long each had it, and how it ended."""

    created_at: datetime
    authority: str
    teams: tuple[tuple[str, str], ...]
    held: tuple[timedelta, ...]
    outcome: TraceOutcome | None
    ended_after: timedelta
    due_after: timedelta
    reason: str
    household: bool = False


@st.composite
def traces(draw: Any) -> Drawn:
    chain: list[tuple[str, str]] = [draw(st.sampled_from(TEAMS))]
    for _ in range(draw(st.integers(0, 3))):
        chain.append(draw(st.sampled_from([team for team in TEAMS if team != chain[-1]])))
    return Drawn(
        created_at=START + draw(st.timedeltas(-timedelta(days=3), timedelta(days=3))),
        authority=draw(st.sampled_from([BLACKBURN, LUTON, LEICESTER, ""])),
        teams=tuple(chain),
        held=tuple(draw(gaps) for _ in chain[1:]),
        outcome=draw(st.none() | st.sampled_from(TraceOutcome)),
        ended_after=draw(gaps),
        due_after=draw(gaps),
        reason=draw(st.sampled_from(["case", "contact", "followup"])),
        household=draw(st.booleans()),
    )


def facts(drawn: Drawn) -> TraceFacts:
    """The trace as the figures' meaning takes it."""
    kinds = [TeamKind(kind) for kind, _ in drawn.teams]
    at, handed = drawn.created_at, None
    for before, after, gap in zip(kinds, kinds[1:], drawn.held, strict=False):
        at += gap
        if handed is None and before in (TeamKind.NATIONAL, TeamKind.POOL) and after is TeamKind.LOCAL:
            handed = at
    ended = at + drawn.ended_after
    reached = drawn.outcome is TraceOutcome.REACHED
    return TraceFacts(
        created_at=drawn.created_at,
        first_kind=kinds[0],
        authority=drawn.authority or None,
        due_at=drawn.created_at + drawn.due_after,
        passes=False,
        owned_since=at,
        reason=drawn.reason,
        reached_at=ended if reached else None,
        reached_by_kind=kinds[-1] if reached else None,
        closed_at=ended if drawn.outcome else None,
        outcome=drawn.outcome,
        handed_over_at=handed,
        handovers=len(drawn.held),
        household=drawn.household,
    )


_PEOPLE = """
INSERT INTO people (match_key, given_name, family_name, birth_date, sex, ethnicity, phone, phone_other, email, address,
    postcode, gp_postcode, updated_at)
SELECT n, 'Person', 'Test', '1980-03-04', 'F', '', '', '', '', '', '', '', %(at)s FROM generate_series(1, %(count)s) n
RETURNING id
"""

_CASES = """
INSERT INTO cases (person_id, episode, first_specimen_date, last_positive_date, authority, ltla, postcode, opened_at,
    updated_at)
SELECT p, 1, '2026-11-10', '2026-11-10', '', '', '', %(at)s, %(at)s FROM unnest(%(people)s::bigint[]) p RETURNING id
"""

_TRACES = """
INSERT INTO traces (ref, shard, reason, person_id, case_id, authority, team_id, area, from_team_id, owned_since,
    created_at, why, priority, due_at, due_why, queued, ready_at, phone, outcome, reached_at, reached_by_kind,
    closed_at, handovers)
SELECT 'T' || n, 0, reason, person, person_case, authority, team, 'E06000008', from_team, owned_since, created_at, '',
    5, due_at, '', closed_at IS NULL, NULL, '', outcome, reached_at, reached_by_kind, closed_at, handovers
FROM unnest(%(reason)s::text[], %(person)s::bigint[], %(person_case)s::bigint[], %(authority)s::text[],
    %(team)s::bigint[], %(from_team)s::bigint[], %(owned_since)s::timestamptz[], %(created_at)s::timestamptz[],
    %(due_at)s::timestamptz[], %(outcome)s::text[], %(reached_at)s::timestamptz[], %(reached_by_kind)s::text[],
    %(closed_at)s::timestamptz[], %(handovers)s::int[])
    WITH ORDINALITY AS d (reason, person, person_case, authority, team, from_team, owned_since, created_at, due_at,
        outcome, reached_at, reached_by_kind, closed_at, handovers, n)
ORDER BY n
RETURNING id
"""

# Every other contact is named by two cases, of whom one lives with them if anybody does.
_CONTACTS = """
INSERT INTO contacts (case_id, case_person_id, person_id, trace_id, entry, relation, household, last_contact, identified_at,
    source)
SELECT c.id, c.person, t.person_id, t.id, 'e', 'work', h.household AND c.n = 1, '2026-11-10', %(at)s, 'tracer'
FROM unnest(%(traces)s::bigint[], %(household)s::boolean[]) h (trace, household) JOIN traces t ON t.id = h.trace
JOIN unnest(%(cases)s::bigint[], %(people)s::bigint[]) WITH ORDINALITY c (id, person, n) ON c.n <= 1 + t.id %% 2
WHERE t.reason = 'contact'
"""

_HANDOVERS = """
INSERT INTO handovers (trace_id, seq, previous, from_team_id, since, to_team_id, at, reason, why, recorded_at)
SELECT trace, seq, nullif(seq - 1, 0), from_team, since, to_team, at, 'reassigned', '', at
FROM unnest(%(trace)s::bigint[], %(seq)s::int[], %(from_team)s::bigint[], %(since)s::timestamptz[],
    %(to_team)s::bigint[], %(at)s::timestamptz[]) AS h (trace, seq, from_team, since, to_team, at)
"""


def insert(town: Any, drawn: list[Drawn]) -> None:
    """Put the traces into the record with the chain of their owners, each set in one statement."""
    meant = [facts(each) for each in drawn]
    ids = [[town.team(*team) for team in each.teams] for each in drawn]
    with walls.transaction(system_scope("intake")), connection.cursor() as cursor:

        def numbers(statement: str, **values: Any) -> list[int]:
            cursor.execute(statement, values)
            return sorted(row[0] for row in cursor.fetchall())

        people = numbers(_PEOPLE, at=START, count=len(drawn) + 2)
        cases = numbers(_CASES, at=START, people=people)
        *people, one, other = people
        *cases, first, second = cases
        made = numbers(
            _TRACES,
            reason=[each.reason for each in drawn],
            person=people,
            person_case=cases,
            authority=[each.authority for each in drawn],
            team=[teams[-1] for teams in ids],
            from_team=[teams[-2] if len(teams) > 1 else None for teams in ids],
            owned_since=[each.owned_since for each in meant],
            created_at=[each.created_at for each in meant],
            due_at=[each.due_at for each in meant],
            outcome=[each.outcome or "" for each in meant],
            reached_at=[each.reached_at for each in meant],
            reached_by_kind=[each.reached_by_kind or "" for each in meant],
            closed_at=[each.closed_at for each in meant],
            handovers=[each.handovers for each in meant],
        )
    moves: dict[str, list[Any]] = {key: [] for key in ("trace", "seq", "from_team", "since", "to_team", "at")}
    for trace, each, teams in zip(made, drawn, ids, strict=True):
        since = each.created_at
        for seq, gap in enumerate(each.held, start=1):
            values = (trace, seq, teams[seq - 1], since, teams[seq], since + gap)
            for key, value in zip(moves, values, strict=True):
                moves[key].append(value)
            since += gap
    with walls.transaction(system_scope("intake")), connection.cursor() as cursor:
        households = [each.household for each in drawn]
        named = {"traces": made, "household": households, "cases": [first, second], "people": [one, other]}
        cursor.execute(_CONTACTS, {"at": START, **named})
    with walls.transaction(system_scope("sweep")), connection.cursor() as cursor:
        cursor.execute(_HANDOVERS, moves)


@given(
    st.lists(traces(), max_size=25),
    st.timedeltas(timedelta(days=-4), timedelta(days=4)),
    st.timedeltas(timedelta(0), timedelta(days=8)),
    st.timedeltas(timedelta(0), timedelta(days=20)),
)
@settings(
    phases=[__import__("hypothesis").Phase.generate],
    max_examples=examples(10),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_overview_says_what_the_figures_mean(
    town: Any, drawn: list[Drawn], start: Any, length: Any, age: Any
) -> None:
    from_at, now = START + start, START + age
    with transaction.atomic():
        insert(town, drawn)
        found = overview(scope=STATISTICS, from_at=from_at, until_at=from_at + length, now=now)
        everything = overview(scope=STATISTICS, now=now)
        transaction.set_rollback(True)
    expected = meaning(map(facts, drawn), from_at, from_at + length, now)
    assert found.figures == expected
    assert list(found.figures.by_authority) == list(expected.by_authority)
    assert everything.figures == meaning(map(facts, drawn), START - timedelta(days=9), START + timedelta(days=9), now)


def test_on_the_hour_counts_and_a_microsecond_later_does_not(town: Any) -> None:
    hours = [24 * HOUR, 24 * HOUR + MICRO, 48 * HOUR, 48 * HOUR + MICRO, 72 * HOUR, 72 * HOUR + MICRO]
    reached = [
        Drawn(START, BLACKBURN, (("national", BLACKBURN),), (), TraceOutcome.REACHED, after, HOUR, "case")
        for after in hours
    ]
    insert(town, reached)
    total = overview(scope=STATISTICS, now=START).figures.total
    assert (total.within_24, total.within_48, total.within_72, total.over_72) == (1, 3, 5, 1)
    assert total == meaning(map(facts, reached), START, START + HOUR, START).total


def test_it_names_the_authorities_and_brings_the_definitions(town: Any) -> None:
    town.trace()
    town.trace(None)
    found = overview(scope=STATISTICS, now=START)
    assert found.names == {BLACKBURN: "Blackburn with Darwen", None: "No known authority"}
    assert {each.id for each in found.definitions} >= set(Figures.__dataclass_fields__)


@pytest.mark.parametrize("name", ["Olu", "Dora", "Lena", "Leo", "Hana", "Gil"])
def test_the_figures_of_the_whole_service_are_for_those_who_run_it(town: Any, name: str) -> None:
    town.trace()
    town.trace(LEICESTER)
    assert overview(scope=town.by(name), now=START).figures.total.transferred == 2


@pytest.mark.parametrize("name", ["Nia", "Lola", "Charlie"])
def test_they_are_not_for_others(town: Any, name: str) -> None:
    with pytest.raises(Refused):
        overview(scope=town.by(name), now=START)


def test_a_period_that_ends_before_it_begins(town: Any) -> None:
    with pytest.raises(ValueError, match="before it begins"):
        overview(scope=STATISTICS, from_at=START, until_at=START - HOUR, now=START)
