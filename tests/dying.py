"""Processes of their own that are killed in the middle of a deed, and what the record holds afterwards.

A deed is ``sweep``, ``record`` (a try on a trace that is claimed), ``interview`` (something is said) or ``take_up``
(what was said), on the small country with traces that are due.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from django.db import connection, connections

from ringfence.accounts import walls
from ringfence.accounts.models import Membership, User
from ringfence.actions import attempts, handover, work
from ringfence.rules.access import system_scope
from tests.interviews import person, place, rows, say, taken
from tests.town import HOUR, START, SWEEP, Town, scope_of

TRACES = 12

#: Of them, those whose interview has something to take up.
INTERVIEWS = 3

#: Words of the statement of a sweep that follows the one that moves everything, in the same transaction.
MOVED = "WITH ready AS"

#: Of the statement that tells the audit, when the rest of a transaction is done.
TOLD = "INSERT INTO audit.events"

FORK = multiprocessing.get_context("fork")


class Statements:
    """Counts this process's statements in the database, and kills a process before the one with the number ``at``, or
    before the first one that has the words ``at``."""

    def __init__(self, victim: Callable[[], int], at: int | str) -> None:
        self._victim, self._at = victim, at
        self.done = 0
        self.struck = False

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        self.done += 1
        if not self.struck and (self._at in str(sql) if isinstance(self._at, str) else self._at == self.done):
            self.struck = True
            os.kill(self._victim(), signal.SIGKILL)
        return execute(sql, params, many, context)


class Apart:
    """A process of its own at a job; with ``at`` it is killed as by ``kill -9`` before that statement.

    It is forked: a new one would take a second of a processor until it has everything imported.
    """

    def __init__(self, job: Callable[[], object], at: int | str = 0) -> None:
        connections.close_all()
        self._hears, says = FORK.Pipe(duplex=False)
        self._process = FORK.Process(target=_do, args=(job, at, says), daemon=True)
        with warnings.catch_warnings():
            # Newer Pythons warn of threads at a fork. The child has none of them and needs none.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process.start()
        says.close()

    def runs(self) -> bool:
        return self._process.is_alive()

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def end(self) -> tuple[int | None, Any]:
        """Its exit code, and what the job gave; None from one that was killed."""
        with self._hears:
            try:
                gave = self._hears.recv()
            except EOFError:
                gave = None
        self._process.join()
        return self._process.exitcode, gave


def _do(job: Callable[[], object], at: int | str, says: Connection) -> None:
    with connection.execute_wrapper(Statements(os.getpid, at)):
        says.send(job())


def apart(job: Callable[[], object], at: int | str = 0) -> tuple[int | None, Any]:
    """The job in a process of its own, until that has ended."""
    return Apart(job, at).end()


def due(town: Town) -> None:
    """The traces of which these deeds are done."""
    for _ in range(TRACES):
        town.trace()


def sweep() -> int:
    return handover.sweep(by=SWEEP, now=START + 26 * HOUR).handed_over


def record() -> None:
    """Nia takes the next trace, or has one already, and records that nobody answered."""
    now = START + HOUR
    nia = User.objects.get(email="nia@example.org")
    team = Membership.objects.get(user=nia).team_id
    assert team is not None
    scope = scope_of(nia, now)
    claimed = work.claim(team=team, by=scope, now=now)
    assert claimed is not None
    attempts.record(trace=claimed.trace, version=claimed.version, kind="call", outcome="no_answer", by=scope, now=now)


def interview() -> None:
    """An interview of each of the first traces names a household, a workmate and a place."""
    lena = scope_of(User.objects.get(email="lena@example.org"), START)
    numbers = rows("SELECT id FROM traces WHERE reason = 'case' ORDER BY id")
    for number, trace in enumerate(numbers[:INTERVIEWS], 1):
        home = person(f"h-{number}", f"Home {number}", household=True)
        mate = person(f"w-{number}", "Ann Lee", phone="07700900999", place=f"p-{number}")
        places = [place(f"p-{number}", "The Mill")]
        say(trace, lena, START + HOUR, {"contacts": [home, mate], "places": places, "onset_date": "2026-11-15"})


def take_up() -> int:
    return taken(START + 2 * HOUR).interviews


def made() -> dict[str, int]:
    """What was made of the interviews, in counts."""
    tables = ("contacts", "isolations", "exposures", "settings")
    counts = {table: int(rows(f"SELECT count(*) FROM {table}")[0]) for table in tables}
    counts["left"] = rows("SELECT count(*) FROM interviews WHERE latest > taken_up")[0]
    counts["onsets"] = rows("SELECT count(*) FROM cases WHERE onset_date IS NOT NULL")[0]
    counts["traces"] = rows("SELECT count(*) FROM traces WHERE reason = 'contact'")[0]
    counts["people"] = rows("SELECT count(*) FROM people WHERE sex = ''")[0]
    return counts


_HOLDS = """
SELECT json_build_object(
    'traces', (SELECT count(*) FROM traces),
    'local', (SELECT count(*) FROM traces t JOIN teams k ON k.id = t.team_id WHERE k.kind = 'local'),
    'handovers', (SELECT count(*) FROM handovers),
    'as the trace says', (SELECT count(*) FROM traces t WHERE handovers = (
        SELECT count(*) FROM handovers h WHERE h.trace_id = t.id)
        AND attempts = (SELECT count(*) FROM attempts a WHERE a.trace_id = t.id)),
    'claimed', (SELECT count(*) FROM traces WHERE claimed_by IS NOT NULL),
    'tries', (SELECT count(*) FROM attempts))
"""

_TOLD = """
SELECT json_build_object(
    'told of handovers', coalesce(sum((detail ->> 'traces')::int) FILTER (WHERE verb = 'trace.handed_over'), 0),
    'told of tries', count(*) FILTER (WHERE verb = 'attempt.recorded'),
    'told of claims', count(*) FILTER (WHERE verb = 'trace.claimed'))
FROM audit.events
"""


def found() -> dict[str, int]:
    """What the record holds, and what the audit was told of it."""
    together: dict[str, int] = {}
    for scope, statement in ((SWEEP, _HOLDS), (system_scope("audit"), _TOLD)):
        with walls.transaction(scope), connection.cursor() as cursor:
            cursor.execute(statement)
            held = cursor.fetchone()[0]
        together |= held if isinstance(held, dict) else json.loads(held)
    return together


def whole() -> dict[str, int]:
    """What is in the record agrees with itself and with what was told of it, whatever was done of it."""
    now = found()
    assert now["traces"] == now["as the trace says"] == TRACES
    assert now["local"] in (0, TRACES), "a sweep is done whole or not at all"
    assert now["local"] == now["handovers"] == now["told of handovers"]
    assert now["tries"] == now["told of tries"]
    return now
