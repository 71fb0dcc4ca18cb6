"""A home of its own for tests in which the database server is killed: ``python -m tests.crashing WHAT [ROWS]``.

``prepare`` makes the database, the country and a delivery of ROWS rows that is not read yet; ``read`` reads it and says
how many rows each batch had; ``tell`` prints the record and what does not balance.
"""

from __future__ import annotations

import json
import sys


def main(what: str, rows: int) -> None:
    from ringfence.cli import session

    with session.server() as embedded:
        session.ready(embedded)
        session.set_up_django()
        from ringfence.actions import intake
        from ringfence.cli import receiving
        from ringfence.queries import deliveries
        from tests.deliveries import NOW, events, load_postcodes, problems, receive, record, wave
        from tests.town import INTAKE, build

        if what == "prepare":
            build()
            with session.login("ringfence_owner") as owner:
                load_postcodes(owner)
            intake.CHUNK = 4096
            receive(wave(rows))
        elif what == "read":
            for ref, parts in deliveries.unread(scope=INTAKE):
                receiving.read(ref, 0, parts, lambda count: print(count, flush=True), lambda: NOW)
        else:
            cases = events("case.opened")
            print(json.dumps({"record": record(), "problems": problems(), "opened": cases}, default=str))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
