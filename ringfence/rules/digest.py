"""The morning's e-mail to those who answer for an area: who gets it, and what it says.

An e-mail is read on phones and passed on: it holds no name, no postcode and no place, and a small number of cases is said
as such. What it is about stands on the page that it leads to, behind the sign-in.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from ringfence.rules.alerts import Method, days_between
from ringfence.rules.figures import shared
from ringfence.rules.plural import counted

#: Roles that may have it, and those that have it until they say otherwise.
MAY_HAVE, AT_FIRST = frozenset({"director", "analyst"}), frozenset({"director"})

#: Findings that are told of one by one.
MOST_TOLD = 5


def wanted(roles: Collection[str], choice: bool | None) -> bool:
    """Whether somebody with these roles for the area gets it; ``choice`` is what they said, None when they said nothing."""
    if not MAY_HAVE & set(roles):
        return False
    return bool(AT_FIRST & set(roles)) if choice is None else choice


@dataclass(frozen=True, slots=True)
class Found:
    """An alert that stands, without where it is."""

    method: str
    cases: int
    households: int | None
    start: date
    end: date
    is_new: bool


@dataclass(frozen=True, slots=True)
class Morning:
    """What there is to tell of an area: ``found`` the best first; ``week`` and ``before`` are cases of seven complete days;
    ``incidents`` are open, its own and those in which it has agreed to take part; ``due`` counts their actions whose day is
    today or past."""

    found: Sequence[Found]
    week: int
    before: int
    incidents: int
    due: int


def said(morning: Morning) -> dict[str, str]:
    """The values of the e-mail's template: cases, found and actions, as sentences."""
    new = sum(each.is_new for each in morning.found)
    lines = [f"- {sentence(each)}" for each in morning.found[:MOST_TOLD]]
    if len(morning.found) > MOST_TOLD:
        lines.append(f"- and {len(morning.found) - MOST_TOLD} more on the page.")
    clusters = counted(len(morning.found), "cluster stands", "clusters stand")
    head = (
        f"{clusters} on your list, {new} of them new since yesterday."
        if morning.found
        else "No cluster stands on your list."
    )
    incidents = counted(morning.incidents, "incident is open", "incidents are open")
    due = counted(morning.due, "action is due", "actions are due")
    return {
        "cases": f"{_cases(morning.week)} in the last seven complete days, {_cases(morning.before)} in the seven before.",
        "found": "\n".join([head, *lines]),
        "actions": f"{incidents}; {due} today or overdue.",
    }


def sentence(found: Found) -> str:
    """An alert as it may be told by e-mail: what and when, not where."""
    about = {
        Method.EXPOSURE: "named one place",
        Method.COINCIDENCE: "live at one postcode",
        Method.SCAN: "lie close together in place and time",
        Method.EXCEEDANCE: "are more than expected in the area as a whole",
    }[Method(found.method)]
    # Of a few people not even from how many homes.
    homes = f" from {found.households} households" if found.households and shared(found.cases) is not None else ""
    who = "the cases" if found.method == Method.EXCEEDANCE else f"{_cases(found.cases)}{homes}"
    return f"{days_between(found.start, found.end)}: {who} {about}{' (new)' if found.is_new else ''}."


def _cases(count: int) -> str:
    if count == 0:
        return "no case"
    return "fewer than 5 cases" if shared(count) is None else f"{count:,} cases"
