"""What a director is told of what the methods found: one sentence of evidence, the order of the list, what is one thing.

A finding is put into words that say who, where, when, and how often chance alone would bring as much. The list is ordered
by what can be acted on: first how rarely chance would bring it, then whether it names a place to go to, and how lately.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import pairwise

from ringfence.rules.calendar import MONTHS
from ringfence.rules.plural import counted

#: Alerts a year by chance alone below and above which the order says no more.
RAREST, COMMONEST = 0.01, 52.0

#: Days without a new case after which an alert of a place is over.
QUIET_DAYS = 14


class Method(StrEnum):
    """How something was found."""

    EXPOSURE = "exposure"
    COINCIDENCE = "coincidence"
    SCAN = "scan"
    EXCEEDANCE = "exceedance"

    @property
    def words(self) -> str:
        return METHOD_WORDS[self]


METHOD_WORDS = {
    Method.EXPOSURE: "Common exposure",
    Method.COINCIDENCE: "Same postcode",
    Method.SCAN: "Space-time scan",
    Method.EXCEEDANCE: "More cases than expected",
}

#: How far each method leads to somewhere to act, in steps of ten in rarity: a named place beats an address, an address an
#: area within the authority, and that the authority as a whole.
ACTIONABLE = {Method.EXPOSURE: 1.0, Method.COINCIDENCE: 0.5, Method.SCAN: 0.5, Method.EXCEEDANCE: 0.0}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something found in one area.

    ``key`` names it, so that the next look finds it again. ``place`` is what it is about in words ("the gym Flex at LE5
    4PW", "17 postcodes round LE5 4PW"). ``false_alarms`` is how many such findings a year chance alone would bring to this
    area. ``also`` are the methods that found the same cases, ``elsewhere`` how rarely the rarest of them says that comes.
    ``count``: how many cases it is about, where ``cases`` has those of earlier days besides. ``took``: keys of what it took in.
    """

    method: Method
    key: str
    area: str
    place: str
    start: date
    end: date
    cases: tuple[int, ...]
    false_alarms: float
    households: int | None = None
    observed: float | None = None
    expected: float | None = None
    score: float | None = None
    p_value: float | None = None
    postcode: str = ""
    category: str = ""
    complex_setting: bool = False
    also: tuple[str, ...] = ()
    elsewhere: float | None = None
    count: int | None = None
    took: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """How many cases it is about."""
        return self.count if self.count is not None else len(self.cases) or round(self.observed or 0)

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"a finding that ends on {self.end}, before it begins on {self.start}")
        if not self.false_alarms >= 0:
            raise ValueError(f"{self.false_alarms} false alarms a year: give 0 or more")


def days_between(start: date, end: date) -> str:
    """Days as they are said: "3 August", "3 to 8 August", "29 July to 2 August"."""
    if start == end:
        return f"{end.day} {MONTHS[end.month - 1]}"
    if (start.year, start.month) == (end.year, end.month):
        return f"{start.day} to {end.day} {MONTHS[end.month - 1]}"
    return f"{start.day} {MONTHS[start.month - 1]} to {end.day} {MONTHS[end.month - 1]}"


def how_often(a_year: float) -> str:
    """How often chance alone would bring it, in words."""
    if a_year < 1 / 10:
        return "less than once in ten years"
    if a_year < 1:
        return "less than once a year"
    if a_year < 1.5:
        return "about once a year"
    if a_year < 18:
        return f"about {a_year:.0f} times a year"
    return "about once a week" if a_year >= 40 else "about twice a month"


def evidence(finding: Finding) -> str:
    """One sentence: who, where, when, and how often by chance."""
    when = days_between(finding.start, finding.end)
    cases = counted(finding.number, "case")
    chance = f"expected by chance {how_often(finding.false_alarms)}"
    match finding.method:
        case Method.EXPOSURE:
            told = f"{cases} from {finding.households} households named {finding.place}, {when}"
        case Method.COINCIDENCE:
            told = f"{cases} of {finding.households} households live at {finding.place}, tested {when}"
        case Method.SCAN:
            told = f"{cases} in {finding.place}, {when}, where {finding.expected:.1f} were to be expected"
        case Method.EXCEEDANCE:
            told = f"{cases} in {finding.place} on {when}, where {finding.expected:.0f} were to be expected"
    also = f" Also found by: {', '.join(finding.also)}." if finding.also else ""
    return f"{told}; {chance}.{also}"


def rank(finding: Finding, today: date) -> float:
    """The place in the list, the greatest first: a step of 1 is ten times as rare, or a week later."""
    rare = -math.log10(min(max(finding.false_alarms, RAREST), COMMONEST))
    stale = max(0, (today - finding.end).days) / 7
    # Of a scan the log-likelihood ratio says more than the number of cases, which grows with the circle.
    weight = 1 + finding.score if finding.method is Method.SCAN and finding.score else finding.observed or 0
    size = math.log10(max(weight, finding.number if finding.method is not Method.SCAN else 1, 1)) / 2
    return round(rare + ACTIONABLE[finding.method] + 0.5 * finding.complex_setting + size - stale, 4)


#: What tells most of where to go: a place that was named, an address, an area within the authority, the authority.
TELLING = tuple(Method)


def one_list(findings: Iterable[Finding], today: date) -> list[Finding]:
    """The findings in order, each thing once.

    Two findings are one thing when they have one key, or are of one area and at least half of the cases of the less
    telling one (of two scans, the lower one) are of the other. The other stays, as rare as the rarer of the two, and says
    how else it was found. Findings without cases (an authority's total) stand by themselves.
    """
    ordered = sorted(findings, key=lambda each: (TELLING.index(each.method), -rank(each, today), each.key))
    kept: list[Finding] = []
    for finding in ordered:
        same = next((at for at, other in enumerate(kept) if _goes(finding, other)), None)
        if same is None:
            kept.append(finding)
            continue
        kept[same] = _together(kept[same], finding)
    return sorted(kept, key=lambda each: (-rank(each, today), each.key))


def _together(stays: Finding, other: Finding) -> Finding:
    """What stays, with what another finding of the same cases adds: that it was found so too, and how rare that is."""
    elsewhere, also = [stays.elsewhere, other.elsewhere], [*stays.also, *other.also]
    if other.method is not stays.method:
        also.append(other.method.words.lower())
        elsewhere.append(other.false_alarms)
    return replace(
        stays,
        also=tuple(dict.fromkeys(each for each in also if each != stays.method.words.lower())),
        elsewhere=min((each for each in elsewhere if each is not None), default=None),
        false_alarms=min(stays.false_alarms, other.false_alarms),
    )


def with_standing(
    findings: Iterable[Finding], standing: Iterable[Finding], today: date
) -> tuple[list[Finding], list[str]]:
    """What to write of new findings beside the alerts that stand; and the keys of those that end because of it.

    What stands under a finding's key keeps what other methods said of it. Of two things of different methods the less
    telling one goes, when at least half of its cases are of the other; a scan that shares half of the cases of yesterday's
    goes on under its key. What goes is said of what stays, as in ``one_list``.
    """
    new = list(findings)
    held = {each.key: each for each in standing}
    ordered = sorted(held.values(), key=lambda each: (TELLING.index(each.method), -rank(each, today), each.key))
    by_case: dict[tuple[str, int], list[int]] = {}
    for at, other in enumerate(ordered):
        for case in other.cases:
            by_case.setdefault((other.area, case), []).append(at)
    taken = {each.key for each in new}
    written: dict[str, Finding] = {}
    ended: list[str] = []
    for each in new:
        finding = _refreshed(each, held[each.key]) if each.key in held else each
        sharing = Counter(at for case in each.cases for at in by_case.get((each.area, case), ()))
        for at, shared in sorted(sharing.items()) if each.key not in held else ():
            other = ordered[at]
            if other.key in taken or other.key in ended:
                continue
            if finding.method is other.method:
                if finding.method is Method.SCAN and min(len(finding.cases), len(other.cases)) <= 2 * shared:
                    taken.add(other.key)
                    finding = replace(_refreshed(finding, other), key=other.key)
            elif TELLING.index(other.method) < TELLING.index(finding.method):
                if len(finding.cases) <= 2 * shared:
                    finding = _together(written.get(other.key, other), finding)
                    break
            elif len(other.cases) <= 2 * shared:
                finding = replace(_together(finding, other), took=(*finding.took, *other.took, other.key))
                ended.append(other.key)
        written[finding.key] = finding
    return list(written.values()), ended


def _refreshed(new: Finding, held: Finding) -> Finding:
    """A finding that stands already: as it is now, with what other methods said of it."""
    rare = new.false_alarms if held.elsewhere is None else min(new.false_alarms, held.elsewhere)
    elsewhere = [each for each in (new.elsewhere, held.elsewhere) if each is not None]
    also = tuple(dict.fromkeys((*new.also, *held.also)))
    return replace(new, also=also, false_alarms=rare, elsewhere=min(elsewhere, default=None), took=held.took)


def _goes(finding: Finding, stays: Finding) -> bool:
    """Whether a finding is what another one, which tells at least as much, is about."""
    if finding.key == stays.key:
        # A place that was quiet for a while and is named again.
        return True
    if finding.area != stays.area or not finding.cases:
        return False
    if finding.method is stays.method and finding.method is not Method.SCAN:
        return False
    return 2 * len(set(finding.cases) & set(stays.cases)) >= len(finding.cases)


def over(end: date, today: date) -> bool:
    """Whether an alert whose last case was on ``end`` is over."""
    return (today - end).days > QUIET_DAYS


#: How often a year a method says that chance brings as much, and on how many days a year there was as much where nothing
#: had been planted: published counts of twelve authorities, May to August 2020, played by ``ringfence power``
#: (docs/methods/power.md), over postcodes of 1 to 100 addresses and households of one to six people. Where
#: coincidences are said to be commoner than ten a year there were too few days to tell: beyond it they go in proportion.
SIMULATED: dict[Method, tuple[tuple[float, float], ...]] = {
    Method.EXPOSURE: ((0.1, 0.6), (0.5, 1.7), (2, 3.7), (10, 11.1), (50, 36.2)),
    Method.COINCIDENCE: ((0.1, 0.2), (0.5, 1.2), (2, 3.0), (10, 9.4)),
    Method.SCAN: ((0.1, 0.2), (0.5, 1.6), (2, 4.3), (10, 21.2), (50, 82.0)),
    Method.EXCEEDANCE: ((0.1, 2.1), (0.5, 3.6), (2, 6.6), (10, 11.3), (50, 27.7)),
}


def simulated(method: Method, said: float) -> float:
    """How often a year simulation without outbreaks brings what a method says that chance brings ``said`` times a year.

    Between the figures of ``SIMULATED`` on a line in logarithms, beyond them in proportion to the nearest.
    """
    known = SIMULATED[method]
    if said <= 0:
        return 0.0
    if said <= known[0][0] or said >= known[-1][0]:
        nearest = known[0] if said <= known[0][0] else known[-1]
        return said * nearest[1] / nearest[0]
    low, high = next((one, other) for one, other in pairwise(known) if said <= other[0])
    part = math.log(said / low[0]) / math.log(high[0] / low[0])
    return math.exp(math.log(low[1]) + part * math.log(high[1] / low[1]))
