"""Who infected whom, as far as the record says, and the course of an incident. Pure.

A link of a chain is a contact who became a case: the named case came first. Its certainty follows from the days between
the two onsets: the serial interval of the disease makes some plausible and others not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from ringfence.rules.plural import counted

#: Days between the onsets of an infector and of the infected that are usual, and possible at all. Background [B]: mean
#: serial intervals of about 5 days were found, nearly all between 0 and 14.
USUAL, POSSIBLE = (2, 9), (-2, 14)


class Link(NamedTuple):
    """``source`` named ``case`` as a contact, or the other way round; days are those on which they became ill or were tested."""

    source: int
    case: int
    source_day: date
    case_day: date
    household: bool


class Member(NamedTuple):
    """A case in a chain: its generation (0: nobody of the chain infected it), by whom, and how certain that is."""

    case: int
    generation: int
    infector: int | None
    certainty: str
    why: str


def certainty(link: Link) -> tuple[str, str]:
    """How likely it is that the one infected the other, with why: "likely", "possible" or "unlikely"."""
    days = (link.case_day - link.source_day).days
    where = " in one household" if link.household else ""
    if USUAL[0] <= days <= USUAL[1]:
        return "likely", f"ill {counted(days, 'day')} after contact's case{where}"
    apart = f"{counted(days, 'day')} apart"
    if POSSIBLE[0] <= days <= POSSIBLE[1]:
        return "possible", f"{apart}{where}, less or more than usual"
    return "unlikely", f"{apart}{where}"


_ORDER = {"likely": 0, "possible": 1, "unlikely": 2}


def chain(cases: Mapping[int, date], links: Iterable[Link]) -> list[Member]:
    """Every case once, in order of generation and day: each with its likeliest infector among the cases.

    A case has at most one infector: the most certain, of those the one with the fewest days between, then the lower
    number; that they live together is told before another way in which they met. Nobody infects somebody who was ill
    first, nor themselves, and no circle can come about.
    """
    best: dict[int, tuple[tuple[int, int, int, bool], Link]] = {}
    for link in links:
        if link.source not in cases or link.case not in cases or link.source == link.case:
            continue
        day = (cases[link.source], link.source), (cases[link.case], link.case)
        if day[0] > day[1]:
            continue
        known = link._replace(source_day=cases[link.source], case_day=cases[link.case])
        sure, _ = certainty(known)
        if sure == "unlikely":
            continue
        key = (_ORDER[sure], (known.case_day - known.source_day).days, link.source, not link.household)
        if link.case not in best or key < best[link.case][0]:
            best[link.case] = (key, known)
    generation: dict[int, int] = {}
    members = []
    for case in sorted(cases, key=lambda each: (cases[each], each)):
        found = best.get(case)
        if found is None:
            generation[case] = 0
            members.append(Member(case, 0, None, "", "nobody of this incident is known to have infected them"))
            continue
        link = found[1]
        generation[case] = generation[link.source] + 1
        sure, why = certainty(link)
        members.append(Member(case, generation[case], link.source, sure, why))
    return sorted(members, key=lambda each: (each.generation, cases[each.case], each.case))


def quiet_days(cases: Iterable[date], today: date) -> int | None:
    """Days since the last case; None without any."""
    last = max(cases, default=None)
    return None if last is None else (today - last).days
