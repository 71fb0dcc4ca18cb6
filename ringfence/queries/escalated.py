"""What was escalated to a health protection team."""

from __future__ import annotations

from datetime import datetime

from ringfence.queries.local import TeamList, team_list
from ringfence.rules.access import Scope


def escalated(*, scope: Scope, team: int, now: datetime, limit: int = 50) -> TeamList:
    """The health protection team's open traces, in groups by when they are due; each line says who escalated and why.

    For members of the team. Raises Refused.
    """
    scope.require("health protection")
    return team_list("escalated", scope, team, now, limit)
