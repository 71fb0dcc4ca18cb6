"""From the reference that people see to the number that verbs take."""

from __future__ import annotations

from ringfence.accounts import walls
from ringfence.base.references import tidy
from ringfence.rules.access import NotFound, Scope


def trace_number(*, scope: Scope, ref: str) -> int:
    """The number of the trace with this reference. Raises NotFound when there is none that ``scope`` may see.

    Nothing of the record is read, so nothing is logged.
    """
    with walls.transaction(scope):
        found = walls.rows("SELECT id FROM traces WHERE ref = %s", [tidy(ref)])
    if not found:
        raise NotFound(f"There is no trace {ref} that you may see.")
    return int(found[0][0])
