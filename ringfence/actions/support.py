"""Help that people asked for, when it is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.actions.errors import NotFound
from ringfence.casework.models import Referral
from ringfence.rules.access import Scope


@dataclass(frozen=True, slots=True)
class Settled:
    """A referral that is done; ``again`` says that it was before."""

    done_at: datetime
    again: bool = False


def done(*, referral: int, by: Scope, now: datetime) -> Settled:
    """Say that the help was given, or somebody else gives it. For the area's own. Raises Refused, NotFound."""
    by.require("support")
    with walls.transaction(by):
        row = Referral.objects.select_for_update().filter(pk=referral, area__in=by.standing).first()
        if row is None:
            raise NotFound("Nobody of your area asked for this.")
        if row.done_at is not None:
            return Settled(row.done_at, again=True)
        row.done_at, row.done_by = now, by.user
        row.save(update_fields=["done_at", "done_by"])
        auditing.record(
            "support.done",
            by=by,
            now=now,
            person=row.person_id,
            trace=row.trace_id,
            area=row.area,
            detail={"kind": row.kind},
        )
    return Settled(now)
