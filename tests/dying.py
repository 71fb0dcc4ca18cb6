"""A process that sweeps, and kills itself or the database in the middle: ``python -m tests.dying DEED [WHO AT]``.

DEED is ``build`` (the small country with traces that are due), ``sweep``, ``record`` (a try on a trace that is claimed),
``deliver`` (send what is queued) or ``verify``, which prints what the record holds. At statement AT, WHO gets what
``kill -9`` sends: this process (``self``), its session's process in the database (``session``), or the database's first
process (``database``).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

TRACES = 40

#: Of them, those whose interview has something to take up.
INTERVIEWS = 3


def build() -> None:
    from tests.town import build as country

    town = country()
    for _ in range(TRACES):
        town.trace()


def sweep() -> None:
    from ringfence.actions import handover
    from tests.town import HOUR, START, SWEEP

    print(handover.sweep(by=SWEEP, now=START + 26 * HOUR).handed_over)


def record() -> None:
    """Nia takes the next trace, or has one already, and records that nobody answered."""
    from ringfence.accounts.models import Membership, User, scope_of
    from ringfence.actions import attempts, work
    from tests.town import HOUR, START

    now = START + HOUR
    nia = User.objects.get(email="nia@example.org")
    team = Membership.objects.get(user=nia).team_id
    assert team is not None
    scope = scope_of(nia, now)
    taken = work.claim(team=team, by=scope, now=now)
    assert taken is not None
    attempts.record(trace=taken.trace, version=taken.version, kind="call", outcome="no_answer", by=scope, now=now)


def interview() -> None:
    """An interview of each of the first traces names a household, a workmate and a place."""
    from ringfence.accounts.models import User, scope_of
    from tests.interviews import person, place, say
    from tests.town import HOUR, START

    lena = scope_of(User.objects.get(email="lena@example.org"), START)
    for number, trace in enumerate(numbers()[:INTERVIEWS], 1):
        home = person(f"h-{number}", f"Home {number}", household=True)
        work = person(f"w-{number}", "Ann Lee", phone="07700900999", place=f"p-{number}")
        places = [place(f"p-{number}", "The Mill")]
        say(trace, lena, START + HOUR, {"contacts": [home, work], "places": places, "onset_date": "2026-11-15"})


def numbers() -> list[int]:
    from tests.interviews import rows

    return rows("SELECT id FROM traces WHERE reason = 'case' ORDER BY id")


def take_up() -> None:
    from tests.interviews import taken
    from tests.town import HOUR, START

    print(taken(START + 2 * HOUR).interviews)


def made() -> None:
    """What was made of the interviews, in counts."""
    from tests.interviews import rows

    tables = ("contacts", "isolations", "exposures", "settings")
    counts = {table: rows(f"SELECT count(*) FROM {table}")[0] for table in tables}
    counts["left"] = rows("SELECT count(*) FROM interviews WHERE latest > taken_up")[0]
    counts["onsets"] = rows("SELECT count(*) FROM cases WHERE onset_date IS NOT NULL")[0]
    counts["traces"] = rows("SELECT count(*) FROM traces WHERE reason = 'contact'")[0]
    counts["people"] = rows("SELECT count(*) FROM people WHERE sex = ''")[0]
    print(json.dumps(counts))


def deliver() -> None:
    from ringfence.actions import sending
    from tests.town import HOUR, MESSAGES, START

    print(sending.deliver(by=MESSAGES, now=START + 4 * HOUR))


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
SELECT coalesce(sum((detail ->> 'traces')::int) FILTER (WHERE verb = 'trace.handed_over'), 0),
    count(*) FILTER (WHERE verb = 'attempt.recorded'), count(*) FILTER (WHERE verb = 'trace.claimed')
FROM audit.events
"""


def verify() -> None:
    from django.db import connection

    from ringfence.accounts import walls
    from ringfence.rules.access import system_scope
    from tests.town import SWEEP

    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute(_HOLDS)
        holds = cursor.fetchone()[0]
    with walls.transaction(system_scope("audit")), connection.cursor() as cursor:
        cursor.execute(_TOLD)
        told = cursor.fetchone()
    found: dict[str, int] = holds if isinstance(holds, dict) else json.loads(holds)
    print(json.dumps({**found, "told": list(map(int, told))}))


DEEDS: dict[str, Callable[[], None]] = {
    "build": build,
    "sweep": sweep,
    "record": record,
    "deliver": deliver,
    "interview": interview,
    "take_up": take_up,
    "made": made,
    "verify": verify,
}


def main(deed: str, who: str = "", at: str = "0") -> None:
    import django

    django.setup()
    from django.db import connection

    from ringfence.cli.postgres import Server

    done = 0

    def victim() -> int:
        if who == "session":
            return int(connection.connection.info.backend_pid)
        if who == "database":
            pid = Server().pid()  # the data may lie outside the home, when root starts the server
            assert pid is not None
            return pid
        return os.getpid()

    def count(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        nonlocal done
        done += 1
        if who and done == int(at):
            os.kill(victim(), signal.SIGKILL)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        DEEDS[deed]()
    if who:
        print(f"done after {done} statements")


if __name__ == "__main__":
    main(*sys.argv[1:])
