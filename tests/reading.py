"""A process that reads one part of a delivery: ``python -m tests.reading REF PART PARTS [DIES]``.

It says how many rows each batch had. With DIES it kills itself, as ``kill -9`` does, at that statement.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any


def main(ref: str, part: int, parts: int, dies: int | None) -> None:
    import django

    django.setup()
    from django.db import connection

    from ringfence.cli.receiving import read
    from tests.deliveries import NOW

    done = 0

    def count(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        nonlocal done
        done += 1
        if done == dies:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        receipt = read(ref, part, parts, lambda rows: print(rows, flush=True), lambda: NOW)
    print(receipt.status, done, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else None)
