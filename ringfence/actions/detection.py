"""Detection: the methods look at the record, and what they find becomes alerts for the directors.

Each minute the places that new interviews named and the homes of new cases are looked at (``look``); once a day every
area as a whole, by the space-time scan and by exceedance (``look_at_areas``). What they find ``actions.alerts`` keeps.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions.alerts import TOO_COMMON, Looked, end, keep
from ringfence.geography import resolve
from ringfence.methods import exposures as method
from ringfence.queries import alerts as queries
from ringfence.rules import alerts as rules
from ringfence.rules.access import Scope
from ringfence.rules.alerts import Finding, Method
from ringfence.rules.calendar import london_date
from ringfence.rules.exposures import Category
from ringfence.rules.figures import INCOMPLETE_DAYS
from ringfence.rules.settings import COMPLEX
from ringfence.rules.settings import Kind as SettingKind

#: Rows numbered before those that have been looked at, which may have been committed after them.
BEHIND = {"exposures": 2_000, "cases": 20_000}

#: New rows looked at in one go.
AT_ONCE = 50_000

#: Days of visits that are looked at: as long as an alert may stand, a window before that, and its history.
VISITS_DAYS = rules.QUIET_DAYS + method.WINDOW + method.HISTORY

#: Postcodes to a thousand residents: England's 1.7 million live ones (Code-Point Open) over 56.5 million people.
POSTCODES_PER_RESIDENT = 0.030


def look(*, by: Scope, now: datetime) -> Looked:
    """Look at what is new since the last look: places named, and homes of cases. Safe from several processes at once."""
    with walls.transaction(by):
        new = _new("exposures", now)
        new_cases = _new("cases", now)
        if new is None and new_cases is None:
            return Looked()
        today = london_date(now)
        findings: list[Finding] = []
        if new is not None:
            findings += _exposures(new, today, now)
        if new_cases is not None:
            findings += _coincidences(new_cases, today)
        return keep(findings, by=by, now=now)


def _new(table: str, now: datetime) -> tuple[int, int] | None:
    """The numbers of the rows to look at, after the one and up to the other; None when there are none."""
    key = f"detect_{table}"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT max(id) FROM {table}")
        latest = (cursor.fetchone() or (None,))[0] or 0
        cursor.execute("SELECT through FROM marks WHERE key = %s", [key])
        row = cursor.fetchone()
        if latest <= (row[0] if row else 0):
            return None
        if row is None:
            cursor.execute("INSERT INTO marks (key, through, at) VALUES (%s, 0, %s) ON CONFLICT DO NOTHING", [key, now])
        cursor.execute("SELECT through FROM marks WHERE key = %s FOR UPDATE", [key])
        seen = (cursor.fetchone() or (0,))[0]
        until = min(latest, seen + AT_ONCE)
        if until <= seen:
            return None
        cursor.execute("UPDATE marks SET through = %s, at = %s WHERE key = %s", [until, now, key])
    return max(0, seen - BEHIND[table]), until


def _exposures(new: tuple[int, int], today: date, now: datetime) -> list[Finding]:
    pairs = [
        (postcode, category)
        for postcode, category in queries.rows(
            "SELECT DISTINCT postcode, category FROM exposures WHERE id > %(after)s AND id <= %(until)s AND postcode <> ''",
            after=new[0],
            until=new[1],
        )
    ]
    if not pairs:
        return []
    visits = queries.visits(pairs, today - timedelta(days=VISITS_DAYS), now)
    of_case = {each.case: each.authority for each in visits}
    # A place that somebody has put into the directory says what it is; what a case called it does not.
    named = {(each.postcode, each.category): each for each in sorted(visits, key=_known)}
    events: dict[tuple[str, str], list[method.Event]] = defaultdict(list)
    for stay in visits:
        event = method.Event(stay.case, stay.household, stay.postcode, stay.category, stay.first, stay.last)
        events[stay.postcode, stay.category].append(event)
    found = method.clusters(event for some in events.values() for event in some)
    located = resolve.located({each.postcode for each in found})
    areas_of = {
        at: _areas((of_case[int(str(case))] for case in each.cases), located[each.postcode].utla)
        for at, each in enumerate(found)
    }
    everywhere = sorted({area for areas in areas_of.values() for area in areas})
    of_days = queries.named(everywhere, today - timedelta(days=VISITS_DAYS), now)
    findings = []
    for at, each in enumerate(found):
        visit = named[each.postcode, each.category]
        findings += [
            Finding(
                method=Method.EXPOSURE,
                key=f"exposure:{area}:{each.postcode}:{each.category}",
                area=area,
                place=place_words(visit.setting, visit.kind, each.category, each.postcode),
                start=each.start,
                end=each.end,
                cases=tuple(int(str(case)) for case in each.cases),
                households=each.households,
                observed=float(len(each.cases)),
                false_alarms=_visits_by_chance(events[each.postcode, each.category], of_days[area], area, today),
                postcode=each.postcode,
                category=each.category,
                complex_setting=visit.kind in COMPLEX,
            )
            for area in areas_of[at]
        ]
    return findings


def _known(visit: queries.Visit) -> tuple[bool, bool, str]:
    """How well a visit names its place, the best last."""
    return visit.kind in COMPLEX, visit.kind != "", visit.setting


def _visits_by_chance(events: Sequence[method.Event], of_days: Mapping[date, int], area: str, today: date) -> float:
    """How often a year chance makes a place of an area as unusual as the one of these visits is in its busiest week."""
    households, last = method.busiest(events, today - timedelta(days=rules.QUIET_DAYS))
    begun = last - timedelta(days=method.WINDOW - 1)
    history = begun - timedelta(days=method.HISTORY)
    before = {event.household for event in events if event.last >= history and event.first < begun}
    said = method.false_alarms(
        households,
        len(before),
        sum(visits for on, visits in of_days.items() if begun <= on <= last),
        sum(visits for on, visits in of_days.items() if history <= on < begun),
        max(1, (resolve.atlas().areas[area].population or 0) // method.RESIDENTS_PER_PLACE),
    )
    return rules.simulated(Method.EXPOSURE, said)


def _areas(of_cases: Iterable[str], of_place: str | None) -> list[str]:
    """The authorities that are told: where the place is, and where two or more of its cases live."""
    counted: dict[str, int] = defaultdict(int)
    for area in of_cases:
        counted[area] += 1
    told = {area for area, cases in counted.items() if area and (cases >= 2 or area == of_place)}
    return sorted(told | ({of_place} if of_place else set()))


def place_words(name: str, kind: str, category: str, postcode: str) -> str:
    """A place as it is said: "Flex (leisure or sport) at LE5 4PW", "a place of worship at LE5 4PW"."""
    if name and kind in {each.value for each in SettingKind} and kind != SettingKind.OTHER:
        return f"{name} ({SettingKind(kind).words.lower()}) at {postcode}"
    if name:
        return f"{name} at {postcode}"
    known = category in {each.value for each in Category}
    return f"a place at {postcode} ({Category(category).words.lower() if known else category or 'kind not known'})"


def _coincidences(new: tuple[int, int], today: date) -> list[Finding]:
    since = today - timedelta(days=method.COINCIDENCE_WINDOW - 1)
    pairs = [
        (area, postcode)
        for area, postcode in queries.rows(
            "SELECT DISTINCT authority, postcode FROM cases WHERE id > %(after)s AND id <= %(until)s"
            " AND first_specimen_date >= %(since)s AND authority <> '' AND postcode <> ''",
            after=new[0],
            until=new[1],
            since=since,
        )
    ]
    if not pairs:
        return []
    by_area: dict[str, list[tuple[int, int, str, date]]] = defaultdict(list)
    for case, household, area, postcode, on in queries.homes(pairs, since):
        by_area[area].append((case, household, postcode, on))
    prevalence = queries.households_with_cases(sorted(by_area), since)
    findings = []
    for area, cases in by_area.items():
        population = resolve.atlas().areas[area].population or 0
        for each in method.coincidences(cases):
            said = method.coincidences_by_chance(
                each.households, prevalence.get(area, 0), round(population * POSTCODES_PER_RESIDENT)
            )
            a_year = rules.simulated(Method.COINCIDENCE, said)
            if a_year > TOO_COMMON:
                continue
            findings.append(
                Finding(
                    method=Method.COINCIDENCE,
                    key=f"coincidence:{area}:{each.postcode}",
                    area=area,
                    place=each.postcode,
                    start=each.start,
                    end=each.end,
                    cases=tuple(int(str(case)) for case in each.cases),
                    households=each.households,
                    observed=float(len(each.cases)),
                    false_alarms=a_year,
                    postcode=each.postcode,
                )
            )
    return findings


#: Days of cases that the scan and exceedance look at.
STUDY_DAYS = 28

REPLICATIONS = 999


def look_at_areas(*, by: Scope, now: datetime, areas: Sequence[str] | None = None) -> Looked:
    """Once a day: every area (or those named) by the space-time scan and by exceedance; and alerts that are over end.

    The scan is the permutation of each authority's own cases, which asks whether they came together more than where and
    when they are usual would bring; the day's totals are kept, so a delay in reporting raises no alarm.
    """
    today = london_date(now)
    asked = list(areas) if areas is not None else [each.code for each in resolve.atlas().upper_tier()]
    total = Looked()
    for area in asked:
        with walls.transaction(by):
            found = keep(_scanned(area, today, now) + _exceeding(area, today, now), by=by, now=now)
        total = Looked(total.found + found.found, total.updated + found.updated, total.ended + found.ended)
    return Looked(total.found, total.updated, total.ended + end(by=by, now=now).ended)


def _scanned(area: str, today: date, now: datetime) -> list[Finding]:
    import numpy as np

    from ringfence.methods import scan

    first = today - timedelta(days=STUDY_DAYS - 1)
    known = [row for row in queries.days([area], first, today, now) if row[1]]
    grid = {
        code: (easting, northing)
        for code, easting, northing in queries.rows(
            "SELECT code, easting, northing FROM geography.postcodes WHERE code = ANY(%(codes)s) AND easting IS NOT NULL",
            codes=sorted({row[1] for row in known}),
        )
    }
    known = [row for row in known if row[1] in grid]
    codes = sorted({row[1] for row in known})
    if len(codes) < 2:
        return []
    at = {code: number for number, code in enumerate(codes)}
    points = np.array([grid[code] for code in codes], dtype=float)
    settings = scan.Settings(
        model="permutation", longest=7, largest=0.25, replications=REPLICATIONS, enough=50, clusters=5, workers=1
    )
    found = scan.scan(
        points,
        np.array([at[row[1]] for row in known]),
        np.array([(row[2] - first).days for row in known]),
        np.array([len(row[3]) for row in known]),
        STUDY_DAYS,
        settings,
    )
    findings = []
    for number, each in enumerate(found.clusters, 1):
        if each.p_value is None or 365 * each.p_value > TOO_COMMON:
            continue
        # The replications end at one in a thousand; beyond it the Gumbel distribution fitted to them goes on.
        p_value = min(each.p_value, each.gumbel) if each.gumbel is not None else each.p_value
        places = {codes[place] for place in each.places}
        start, end = first + timedelta(days=each.first_day), first + timedelta(days=each.last_day)
        cases = tuple(case for row in known if row[1] in places and start <= row[2] <= end for case in row[3])
        centre = codes[each.centre]
        findings.append(
            Finding(
                method=Method.SCAN,
                key=f"scan:{area}:{centre}:{start.isoformat()}:{number}",
                area=area,
                place=centre if len(places) == 1 else f"{len(places)} postcodes round {centre}",
                start=start,
                end=end,
                cases=cases,
                false_alarms=rules.simulated(Method.SCAN, 365 * p_value),
                observed=float(each.observed),
                expected=each.expected,
                score=each.log_likelihood_ratio,
                p_value=p_value,
                postcode=centre,
            )
        )
    return findings


def _exceeding(area: str, today: date, now: datetime) -> list[Finding]:
    import numpy as np

    from ringfence.methods import exceedance

    # Days whose cases have mostly not been reported yet are not judged.
    last = today - timedelta(days=INCOMPLETE_DAYS)
    first = last - timedelta(days=STUDY_DAYS - 1)
    counts = np.zeros((1, STUDY_DAYS))
    for _, _, on, cases in queries.days([area], first, last, now):
        counts[0, (on - first).days] += len(cases)
    found = exceedance.ears(counts, "C2", least_sd=1.0, at=[STUDY_DAYS - 1])
    if not found.alarm[0, 0]:
        return []
    return [
        Finding(
            method=Method.EXCEEDANCE,
            key=f"exceedance:{area}",
            area=area,
            place=resolve.atlas().areas[area].name,
            start=last,
            end=last,
            cases=(),
            # One day judged each day; what EARS takes for chance comes much oftener, because counts vary more than it thinks.
            false_alarms=rules.simulated(
                Method.EXCEEDANCE, 365 * 0.5 * math.erfc(float(found.score[0, 0]) / math.sqrt(2))
            ),
            observed=float(counts[0, -1]),
            expected=float(found.expected[0, 0]),
            score=float(found.score[0, 0]),
        )
    ]
