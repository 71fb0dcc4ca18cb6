"""An epidemic curve played into the record: a made-up one, or a real one from published counts.

A case in the curve becomes a person who does not exist, with one positive result that a laboratory delivers on the
morning after the specimen date. Tracing has policies from 28 May 2020 on; what was taken earlier is delivered that
morning, with its own dates, unless the exercise policy is asked for.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from ringfence.actions import intake, partnerships, service
from ringfence.actions.intake import Receipt
from ringfence.base.env import env
from ringfence.geography import resolve
from ringfence.queries import plays, teams
from ringfence.queries.policy import service_policies, service_policy
from ringfence.rules.access import system_scope
from ringfence.rules.calendar import DAY, london_date, london_moment
from ringfence.rules.plural import counted
from ringfence.rules.policy import ENGLAND, EXERCISE, PolicyError
from ringfence.simulation import counts, linelists, wave
from ringfence.simulation.counts import Counts
from ringfence.simulation.crews import staffed
from ringfence.simulation.laboratory import OTHERS, PREFIX, Laboratory
from ringfence.simulation.people import People
from ringfence.simulation.quickly import quickly

ACCOUNTS, INTAKE = system_scope("accounts"), system_scope("intake")

#: Cases of an authority from which on all its postcodes are homes.
BUSY = 500

ROUTINE = ENGLAND[0].from_date
"""The first day of routine tracing in England, before which there is no policy to work by."""


class CurveProblem(Exception):
    """The curve cannot be played here; the message says why and what to do."""


@dataclass(frozen=True)
class Played:
    """What was delivered and opened, and every count of the curve that is not met, in words."""

    positives: int
    cases: int
    quarantined: int
    deliveries: int
    unmet: tuple[str, ...]


def play_counts(
    path: Path, *, seed: int, now: datetime, say: Callable[[str], None], exercise: bool = False, trace: bool = False
) -> Played:
    """Play the counts of a published file, each met exactly. Raises CountsProblem, CurveProblem."""
    found = counts.read(path, resolve.atlas(), today=london_date(now))
    _tell(found, path, say)
    if not found.cases:
        raise CurveProblem(f"{path.name} counts no case at all.")
    label = hashlib.sha256(f"{seed} ".encode() + path.read_bytes()).hexdigest()[:8]
    if exercise:
        _exercise(found.days[0], now)
    days = counts.per_day(found.cases)
    mornings = _mornings(days, now)
    _ready(min(mornings) - timedelta(hours=1), now, say)
    people = People(_homes(found), seed=seed, first=_first())
    with quickly(seed):
        floor = staffed(_by_upper(found.cases), min(mornings), now, f"{label}.") if trace else None
        refs: list[str] = []
        receipts: list[Receipt] = []
        ends = [*sorted(mornings)[1:], min(now, max(mornings) + 5 * DAY)]
        for (morning, taken), end in zip(sorted(mornings.items()), ends, strict=True):
            rows = _positives(people, {day: days[day] for day in taken}, label, morning)
            receipt = _deliver(rows, f"confirmed cases {taken[0]}", label, morning)
            refs.append(receipt.ref)
            receipts.append(receipt)
            if len(receipts) % 14 == 0:
                say(f"  {taken[-1]}: {counted(sum(each.cases_opened for each in receipts), 'case')}")
            if floor is not None:
                floor.meet()
                floor.through(morning, end)
    unmet = tuple(counts.differences(found.cases, plays.cases_of(refs, scope=INTAKE)))
    return _conclude(receipts, unmet)


def play_wave(
    *, days: int, cases: int, seed: int, now: datetime, say: Callable[[str], None], trace: bool = False
) -> Played:
    """Play a made-up wave of ``cases`` cases over ``days`` days up to now, negatives included. Raises CurveProblem."""
    start = now - days * DAY
    if not service_policy(now).tracing_on or _no_policy(london_date(start)):
        _exercise(london_date(start), now)
        say(f"No policy of today has tracing on, so this runs under the {EXERCISE.name.lower()}.")
    _ready(start - timedelta(hours=1), now, say)
    lower = resolve.atlas().lower_tier()
    homes = plays.homes(area.code for area in lower)
    lower = [area for area in lower if homes.get(area.code)]
    first = _first()
    people = People(homes, seed=seed, first=first)
    others = People(homes, seed=seed + 1, first=first + cases, together=0.1)
    laboratory = Laboratory("Simulated laboratory", people, others, seed=seed)
    moments = [start + DAY * nth + timedelta(hours=23) for nth in range(days)]
    drawn = wave.draw(lower, [london_date(at) for at in moments], cases, seed=seed, growing={})
    by_slot: dict[int, list[str]] = {}
    for authority, slot in drawn:
        by_slot.setdefault(slot, []).append(authority)
    receipts = []
    wanted = {(authority, moments[slot].date()): 1 for authority, slot in drawn}
    with quickly(seed):
        floor = staffed(_by_upper(wanted, len(drawn)), start, now, f"{seed}.") if trace else None
        for slot, authorities in sorted(by_slot.items()):
            at = moments[slot]
            receipt = laboratory.send(laboratory.line_list(authorities, at, others=OTHERS, again=0.0, dirt=0.0), at)
            if receipt.duplicate:
                raise CurveProblem(f"This wave is in the record already ({receipt.ref}); give another --seed.")
            receipts.append(receipt)
            if floor is not None:
                floor.meet()
                floor.through(at, min(now, at + DAY))
    opened = sum(each.cases_opened for each in receipts)
    return _conclude(receipts, () if opened == cases else (f"{counted(cases, 'case')} wanted, {opened} opened",))


def _conclude(receipts: Iterable[Receipt], unmet: tuple[str, ...]) -> Played:
    receipts = list(receipts)
    return Played(
        sum(each.positives for each in receipts),
        sum(each.cases_opened for each in receipts),
        sum(each.quarantined for each in receipts),
        len(receipts),
        unmet,
    )


def _tell(found: Counts, path: Path, say: Callable[[str], None]) -> None:
    days = found.days
    said = f"from {days[0]:%-d %B %Y} to {days[-1]:%-d %B %Y}" if days else "on no day"
    say(f"{path.name}: {counted(found.total, 'case')} of {counted(found.areas, 'area')} {said}.")
    for level, rows in found.left_out.items():
        say(f"  Left out, as sums of others: {counted(rows, 'row')} of the level {level!r}.")
    for each in found.moved:
        cases = counted(each.cases, "case")
        say(f"  {each.old}, {cases}, counts in {each.new}: {each.why}")


def _mornings(days: Iterable[date], now: datetime) -> dict[datetime, list[date]]:
    """When the specimens of which days are delivered: at eight on the next day, and not before there is a policy."""
    policies = service_policies()
    first = min((policy.from_date for policy in policies), default=ROUTINE)
    found: dict[datetime, list[date]] = {}
    for day in sorted(days):
        morning = min(now, london_moment(max(day + DAY, first), time(8)))
        found.setdefault(morning, []).append(day)
    return found


def _no_policy(on: date) -> bool:
    try:
        return not service_policy(london_moment(on, time(12))).tracing_on
    except PolicyError:
        return True


def _exercise(first: date, now: datetime) -> None:
    """The exercise policy holds from a day on, unless it does already."""
    if any(policy.exercise and policy.covers(first) for policy in service_policies()):
        return
    service.name_policy(policy=EXERCISE.name, from_date=first, by=ACCOUNTS, now=now)


def _ready(opened: datetime, now: datetime, say: Callable[[str], None]) -> None:
    """Teams to place the traces with, in a record that holds nobody real."""
    real = plays.not_simulated(PREFIX, scope=system_scope("deliveries"))
    if real:
        some = "a delivery that was" if real == 1 else f"{real} deliveries that were"
        raise CurveProblem(
            f"This record has {some} not simulated. Made-up people do not belong among real ones: play into a record of"
            f" its own, as in RINGFENCE_HOME={env.home}-simulated ./run ringfence simulate ..."
        )
    partnerships.establish(by=ACCOUNTS, now=now, opened=opened)
    late = [team for team in teams.open_teams(scope=ACCOUNTS, now=now) if team.kind == "national"]
    early = {team.id for team in teams.open_teams(scope=ACCOUNTS, now=opened)}
    if any(team.id not in early for team in late):
        say(
            f"  The national teams of this record opened after {opened:%-d %B %Y}: what comes before is placed with the"
            " national pool."
        )


def _first() -> int:
    """The first index of the NHS test range that nobody in the record has."""
    largest = plays.largest_test_number(scope=INTAKE)
    return (int(largest[3:8]) + 1) * 9 if largest else 0


def _homes(found: Counts) -> dict[str, list[str]]:
    """Where cases can live, by lower-tier authority: everywhere in those of which there are many."""
    cases: Counter[str] = Counter()
    for (area, _), count in found.cases.items():
        cases[area] += count
    return plays.homes(cases, busy=[area for area, count in cases.items() if count >= BUSY])


def _by_upper(cases: Mapping[tuple[str, date], int], total: int | None = None) -> dict[str, int]:
    """Cases by upper-tier authority, scaled to a total."""
    found: dict[str, int] = {}
    for (area, _), count in cases.items():
        upper = resolve.lineage(area).utla or ""
        found[upper] = found.get(upper, 0) + count
    if total is not None:
        scale = total / max(1, sum(found.values()))
        found = {area: round(count * scale) for area, count in found.items()}
    return found


def _positives(
    people: People, days: Mapping[date, list[tuple[str, int]]], label: str, morning: datetime
) -> Iterator[tuple[str, ...]]:
    """A row for every case of some days."""
    reported = london_date(morning).isoformat()
    for day, areas in days.items():
        taken = day.isoformat()
        nth = 0
        for area, count in areas:
            for _ in range(count):
                nth += 1
                number = f"{label}-{day:%Y%m%d}-{nth:05}"
                yield (number, *people.resident(area, day), "PCR", taken, reported, "Positive", "Simulated laboratory")


def _deliver(rows: Iterator[tuple[str, ...]], name: str, label: str, at: datetime) -> Receipt:
    received = intake.receive(
        stream=linelists.text(rows),
        source=f"{PREFIX}published counts",
        filename=f"{name} {label}.csv",
        by=INTAKE,
        now=at,
    )
    receipt = intake.process(delivery=received.ref, by=INTAKE, now=at)
    if receipt.again or receipt.duplicate:
        raise CurveProblem(
            f"This curve is in the record already ({receipt.ref}). Begin anew, or give another --seed to add to it."
        )
    return receipt
