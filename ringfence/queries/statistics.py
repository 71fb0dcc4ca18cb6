"""The figures of the service, from one pass over the traces; ``rules.statistics`` says what they mean.

Small counts are in them: they are for those who run the service, and not for publication.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.db import connection

from ringfence.accounts import walls
from ringfence.rules.access import Scope, system_scope
from ringfence.rules.handover import TeamKind
from ringfence.rules.statistics import CASE, CONTACT, DEFINITIONS, HOUR, Contacts, Definition, Figures, Overview

MICROSECONDS = 1_000_000
HOUR_MICROSECONDS = 3600 * MICROSECONDS


@dataclass(frozen=True, slots=True)
class ServiceOverview:
    """The figures of the traces transferred from ``from_at`` up to ``until_at`` (None: no bound), as at ``now``.

    ``names`` are those of the authorities in ``figures.by_authority``, by code; None is no known authority.
    """

    from_at: datetime | None
    until_at: datetime | None
    now: datetime
    figures: Overview
    names: Mapping[str | None, str]
    definitions: tuple[Definition, ...] = DEFINITIONS


# Traces of the same authority, owners and kind of end are counted together. How long each took to reach comes along as
# eight bytes a trace, because a median cannot be added up from parts.
_FIGURES = """
    count(*),
    string_agg(float8send(date_part('epoch', t.reached_at - t.created_at)), ''::bytea),
    count(*) FILTER (WHERE t.outcome = 'not_reached'),
    count(*) FILTER (WHERE t.outcome = 'no_details'),
    count(t.closed_at),
    count(*) FILTER (WHERE t.closed_at IS NULL AND t.due_at <= %(now)s),
    min(t.created_at) FILTER (WHERE t.closed_at IS NULL)
"""

# The walls of contacts and hand-overs keep a join with them out of parallel workers. So the traces of contacts who live
# with a case are gathered into one value first, which the workers are given and look each trace up in.
_HOME = """
SELECT range_agg(int8range(c.trace_id, c.trace_id, '[]')) AS traces
FROM contacts c WHERE c.household AND c.trace_id IS NOT NULL
"""
_HOUSEHOLD = "(t.reason = 'contact' AND t.id <@ (SELECT traces FROM home)) IS TRUE"

_PERIOD = "t.reason <> 'followup' AND t.created_at >= %(from)s AND t.created_at < %(until)s"

# A trace that never changed hands, or did once, tells of all its owners by itself. The others are few, and the teams
# that had them before are looked up. One statement, so that no trace passes from the one part to the other meanwhile.
_CELLS = f"""
WITH home AS ({_HOME})
SELECT t.reason, t.authority, array_remove(ARRAY[t.before, t.team_id], NULL), t.reached_by_kind, t.household, {_FIGURES}
FROM (
    SELECT t.reason, t.authority, CASE t.handovers WHEN 1 THEN t.from_team_id END AS before, t.team_id,
        t.reached_by_kind, {_HOUSEHOLD} AS household, t.reached_at, t.created_at, t.outcome, t.closed_at, t.due_at
    FROM traces t WHERE t.handovers <= 1 AND {_PERIOD}
) t
GROUP BY t.reason, t.authority, t.before, t.team_id, t.reached_by_kind, t.household
UNION ALL
SELECT t.reason, t.authority, t.owners || t.team_id, t.reached_by_kind, t.household, {_FIGURES}
FROM (
    SELECT t.reason, t.authority, t.team_id, t.reached_by_kind, {_HOUSEHOLD} AS household, t.reached_at, t.created_at,
        t.outcome, t.closed_at, t.due_at,
        ARRAY(SELECT h.from_team_id FROM handovers h WHERE h.trace_id = t.id ORDER BY h.seq) AS owners
    FROM traces t WHERE t.handovers > 1 AND {_PERIOD}
) t
GROUP BY t.reason, t.authority, t.owners, t.team_id, t.reached_by_kind, t.household
"""


class _Sum:
    """The figures of one group while its cells are added up."""

    def __init__(self) -> None:
        self.transferred = self.not_reached = self.no_details = self.closed = self.overdue = 0
        self.handed_over = self.added = 0
        self.reached_by = dict.fromkeys(TeamKind, 0)
        self.oldest: datetime | None = None
        self.times: list[npt.NDArray[np.int64]] = []

    def add(self, cell: _Cell, times: npt.NDArray[np.int64], passed: bool) -> None:
        self.transferred += cell.traces
        self.not_reached += cell.not_reached
        self.no_details += cell.no_details
        self.closed += cell.closed
        self.overdue += cell.overdue
        self.oldest = min((at for at in (self.oldest, cell.oldest) if at), default=None)
        self.times.append(times)
        if cell.reached_by:
            self.reached_by[TeamKind(cell.reached_by)] += len(times)
        if passed:
            self.handed_over += cell.traces
            self.added += len(times) if cell.reached_by == TeamKind.LOCAL else 0

    def figures(self, now: datetime) -> Figures:
        times = np.concatenate(self.times) if self.times else np.zeros(0, np.int64)
        reached = len(times)
        within = [int(np.count_nonzero(times <= hours * HOUR_MICROSECONDS)) for hours in (24, 48, 72)]
        return Figures(
            transferred=self.transferred,
            reached=reached,
            reached_by=self.reached_by,
            within_24=within[0],
            within_48=within[1],
            within_72=within[2],
            over_72=reached - within[2],
            not_reached=self.not_reached,
            no_details=self.no_details,
            other=self.closed - reached - self.not_reached - self.no_details,
            waiting=self.transferred - self.closed,
            overdue=self.overdue,
            oldest_waiting_hours=(now - self.oldest) / HOUR if self.oldest else None,
            handed_over=self.handed_over,
            reached_after_hand_over=self.added,
            median_hours=_median_hours(times),
        )


def _median_hours(times: npt.NDArray[np.int64]) -> float | None:
    if not len(times):
        return None
    low, high = (len(times) - 1) // 2, len(times) // 2
    parted = np.partition(times, (low, high))
    return (int(parted[low]) / HOUR_MICROSECONDS + int(parted[high]) / HOUR_MICROSECONDS) / 2


def overview(
    *, scope: Scope, now: datetime, from_at: datetime | None = None, until_at: datetime | None = None
) -> ServiceOverview:
    """Every figure in total, by authority and by the kind of team each trace began with.

    For everybody with the permission ``overview``: the figures are of the whole service and name nobody. Raises
    ValueError for a period that ends before it begins, and Refused.
    """
    if from_at and until_at and until_at < from_at:
        raise ValueError(f"the period ends at {until_at}, before it begins at {from_at}")
    if scope.name != "statistics":
        scope.require("overview")
    with walls.transaction(system_scope("statistics")), connection.cursor() as cursor:
        # The cells are few and the traces many, so hashing beats sorting; but a cell is planned at eight kilobytes, of
        # which the usual memory holds few, and behind the walls too few traces are expected to be worth a hash.
        cursor.execute("SELECT set_config('work_mem', '64MB', true), set_config('enable_sort', 'off', true)")
        cursor.execute(_CELLS, {"now": now, "from": from_at or "-infinity", "until": until_at or "infinity"})
        cells = [_Cell(*row) for row in cursor.fetchall()]
        cursor.execute("SELECT id, kind FROM teams")
        kinds = {team: TeamKind(kind) for team, kind in cursor.fetchall()}
        cursor.execute("SELECT code, name FROM areas WHERE code = ANY (%s)", [list({cell.authority for cell in cells})])
        names: dict[str | None, str] = dict(cursor.fetchall())
    figures = _add_up(cells, kinds, now)
    known = {code: names.get(code, code or "No known authority") for code in figures.by_authority}
    return ServiceOverview(from_at, until_at, now, figures, known)


class _Cell(NamedTuple):
    """Traces for one reason, of one authority with the same owners, first to present, reached by the same kind of team, or
    not, and for contacts of a household or not."""

    reason: str
    authority: str
    owners: list[int]
    reached_by: str
    household: bool
    traces: int
    seconds: Any
    not_reached: int
    no_details: int
    closed: int
    overdue: int
    oldest: datetime | None


def _add_up(cells: Iterable[_Cell], kinds: Mapping[int, TeamKind], now: datetime) -> Overview:
    total, contacts, of_household, elsewhere = _Sum(), _Group(), _Group(), _Group()
    authorities: dict[str | None, _Sum] = {}
    first_kinds: dict[TeamKind, _Sum] = {}
    for cell in cells:
        owners = [kinds[team] for team in cell.owners]
        passed = any(
            before in (TeamKind.NATIONAL, TeamKind.POOL) and after is TeamKind.LOCAL
            for before, after in pairwise(owners)
        )
        times = _microseconds(cell.seconds)
        area = cell.authority or None
        groups: tuple[_Sum, ...] = ()
        if cell.reason == CASE:
            kind = first_kinds.setdefault(owners[0], _Sum())
            groups = (total, authorities.setdefault(area, _Sum()), kind)
        elif cell.reason == CONTACT:
            groups = (*contacts.of(area), *(of_household if cell.household else elsewhere).of(area))
        for group in groups:
            group.add(cell, times, passed)
    return Overview(
        total.figures(now),
        _in_order(authorities, now),
        {kind: first_kinds[kind].figures(now) for kind in TeamKind if kind in first_kinds},
        *contacts.figures(now),
        of_household.figures(now),
        elsewhere.figures(now),
    )


class _Group:
    """The figures of some of the contacts while they are added up."""

    def __init__(self) -> None:
        self.total = _Sum()
        self.areas: dict[str | None, _Sum] = {}

    def of(self, area: str | None) -> tuple[_Sum, _Sum]:
        return self.total, self.areas.setdefault(area, _Sum())

    def figures(self, now: datetime) -> Contacts:
        return Contacts(self.total.figures(now), _in_order(self.areas, now))


def _in_order(areas: Mapping[str | None, _Sum], now: datetime) -> dict[str | None, Figures]:
    return {code: areas[code].figures(now) for code in sorted(areas, key=lambda code: (code is None, code))}


def _microseconds(seconds: Any) -> npt.NDArray[np.int64]:
    """What ``float8send`` wrote, one after the other, as whole microseconds: exact below 285 years."""
    if seconds is None:
        return np.zeros(0, np.int64)
    times: npt.NDArray[np.int64] = np.rint(np.frombuffer(seconds, ">f8") * MICROSECONDS).astype(np.int64)
    return times
