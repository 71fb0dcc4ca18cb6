"""Detection on published daily counts as they were known on a past day: would the list have shown it in time?

The counts of a later release are thinned to what had been reported by the day: the share of a day's cases that is known
after 0, 1, 2, ... days. The shares here are those between the health agency's releases of 14 and 15 April 2020 (England,
by reverse hazards).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from ringfence.geography.atlas import Atlas
from ringfence.methods import exceedance, scan
from ringfence.rules import alerts
from ringfence.rules.alerts import Finding, Method
from ringfence.simulation.counts import Counts

#: Share of a day's cases known after 0, 1, 2, ... days, to three digits; after 9 days all but one in three hundred.
REPORTED = (0.0, 0.029, 0.296, 0.730, 0.891, 0.945, 0.975, 0.994, 0.997)

STUDY_DAYS, LONGEST = 28, 14

#: The share of England's people that a circle may hold at most: the largest authority and its neighbours.
LARGEST = 0.025


@dataclass(frozen=True)
class View:
    """The list of one day: the best finding of each authority, best first."""

    day: date
    findings: tuple[Finding, ...]


def known(counts: Counts, areas: list[str], day: date) -> np.ndarray:
    """Cases (areas, days) of the study's days as reported by the evening of ``day``; fractions are dropped."""
    found = np.zeros((len(areas), STUDY_DAYS))
    place = {code: at for at, code in enumerate(areas)}
    for (code, on), cases in counts.cases.items():
        age = (day - on).days
        if code in place and 0 <= age < STUDY_DAYS:
            share = REPORTED[age] if age < len(REPORTED) else 1.0
            found[place[code], STUDY_DAYS - 1 - age] += int(cases * share)
    return found


def view(counts: Counts, atlas: Atlas, day: date, replications: int = 999) -> View:
    """What the alert list of England's lower-tier authorities would have said on the morning after ``day``."""
    authorities = [area for area in atlas.lower_tier() if area.population and area.easting is not None]
    codes = [area.code for area in authorities]
    cases = known(counts, codes, day)
    points = np.array([(area.easting, area.northing) for area in authorities], dtype=float)
    population = np.array([area.population for area in authorities], dtype=float)
    first = day - timedelta(days=STUDY_DAYS - 1)
    place, on = np.nonzero(cases)
    settings = scan.Settings(
        longest=LONGEST, largest=LARGEST, daily=True, replications=replications, clusters=60, enough=0
    )
    found = scan.scan(points, place, on, cases[place, on].astype(np.int64), STUDY_DAYS, settings, population)
    findings = []
    for each in found.clusters:
        p_value = min(each.p_value or 1, each.gumbel if each.gumbel is not None else 1)
        if 365 * p_value > 1:
            continue
        # Of a circle the authority with most cases above what was expected is the one to name.
        inside = list(each.places)
        excess = (
            cases[inside, each.first_day :].sum(axis=1) - each.expected * population[inside] / population[inside].sum()
        )
        centre = authorities[inside[int(np.argmax(excess))]]
        others = len(inside) - 1
        findings.append(
            Finding(
                method=Method.SCAN,
                key=f"scan:{centre.code}",
                area=centre.code,
                place=centre.name + (f" and {others} beside it" if others else ""),
                start=first + timedelta(days=each.first_day),
                end=first + timedelta(days=each.last_day),
                cases=(),
                false_alarms=365 * p_value,
                observed=float(each.observed),
                expected=each.expected,
                score=each.log_likelihood_ratio,
                p_value=p_value,
            )
        )
    judged = STUDY_DAYS - 1 - 3
    ears = exceedance.ears(cases[:, : judged + 1], "C2", least_sd=1.0, at=[judged])
    for at in np.flatnonzero(ears.alarm[:, 0]):
        area = authorities[int(at)]
        findings.append(
            Finding(
                method=Method.EXCEEDANCE,
                key=f"exceedance:{area.code}",
                area=area.code,
                place=area.name,
                start=first + timedelta(days=judged),
                end=first + timedelta(days=judged),
                cases=(),
                false_alarms=0.365,
                observed=float(cases[at, judged]),
                expected=float(ears.expected[at, 0]),
            )
        )
    best: dict[str, Finding] = {}
    for finding in alerts.one_list(findings, day):
        best.setdefault(finding.area, finding)
    return View(day, tuple(best.values()))
