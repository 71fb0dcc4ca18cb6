"""What a lead does to many traces at once: which of them it can be done to, and why not to the others. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ringfence.rules.attempts import TraceOutcome
from ringfence.rules.calendar import spoken
from ringfence.rules.handover import Decision, TeamKind

#: Traces that a lead may change at once, and give to one person at once.
MOST = 5_000
AT_ONCE = 8


class What(StrEnum):
    """The kinds of change."""

    TEAM = "team"
    USER = "user"
    PRIORITY = "priority"
    CLOSE = "close"

    @property
    def words(self) -> str:
        """What was done, as it stands in the list of changes."""
        return _WORDS[self]


_WORDS = {
    What.TEAM: "Given to another team",
    What.USER: "Given to a person",
    What.PRIORITY: "Made more or less urgent",
    What.CLOSE: "Closed",
}

#: What many traces can be closed as. Nobody is reached by the hundred: that is recorded call by call.
CLOSINGS = tuple(each for each in TraceOutcome if each is not TraceOutcome.REACHED)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A change: to which team or person (``number``), to what priority (``number``), or as what it is closed."""

    what: What
    number: int = 0
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """A trace as the decision sees it. ``open_with`` is "" when nobody has it open; ``chosen`` the version that the
    lead saw, None where no page was shown."""

    team: int
    team_name: str
    is_open: bool
    open_with: str
    open_until: datetime | None
    priority: int
    authority: str
    area: str
    version: int
    chosen: int | None


@dataclass(frozen=True, slots=True)
class Receiver:
    """The team or person that gets the traces. ``teams`` are those that a person works in; ``led`` says that whoever
    gives leads that team too."""

    name: str
    team: int = 0
    kind: TeamKind | None = None
    area: str = ""
    teams: frozenset[int] = frozenset()
    led: bool = False


def decide(wanted: Wanted, facts: Facts, led: int, to: Receiver | None = None) -> Decision:
    """Whether the lead of the team ``led`` can change this trace so; with why not."""
    if facts.team != led:
        return Decision(False, f"{facts.team_name} has it.")
    if not facts.is_open:
        return Decision(False, "It is closed.")
    if facts.chosen is not None and facts.chosen != facts.version:
        return Decision(False, "Somebody changed it since you looked.")
    if wanted.what is What.PRIORITY:
        same = facts.priority == wanted.number
        return Decision(False, "It has that urgency already.") if same else Decision(True, "")
    if facts.open_until is not None:
        return Decision(False, f"{facts.open_with or 'Somebody'} has it open until {spoken(facts.open_until)}.")
    if wanted.what is What.CLOSE:
        return Decision(True, "")
    assert to is not None
    if wanted.what is What.USER:
        if facts.team not in to.teams:
            return Decision(False, f"{to.name} does not work in {facts.team_name}.")
        return Decision(True, "")
    if facts.team == to.team:
        return Decision(False, f"{to.name} has it already.")
    # Ring-fenced: a team of the same authority, the pool, or one that the lead answers for as well.
    if not (to.kind is TeamKind.POOL or to.area in (facts.authority, facts.area) or to.led):
        return Decision(False, f"{to.name} is ring-fenced for another area. Lend a person to that team instead.")
    return Decision(True, "")
