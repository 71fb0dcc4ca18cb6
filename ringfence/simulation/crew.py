"""The teams at work, through the verbs: who is on duty takes the next trace, tries, and records what came of it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from ringfence.actions import attempts, handover, interview, notes, taking_up, work
from ringfence.queries import plays
from ringfence.rules.access import Scope, system_scope
from ringfence.rules.attempts import Outcome
from ringfence.rules.calendar import LONDON, is_open
from ringfence.rules.handover import TeamKind
from ringfence.rules.policy import PartnershipPolicy, ServicePolicy
from ringfence.simulation import answers, interviews
from ringfence.simulation.answers import Person

INTAKE, SWEEP, INTERVIEWS = system_scope("intake"), system_scope("sweep"), system_scope("interviews")

#: Tries an hour of one person: a call with its preparation and its record takes the national service ten minutes,
#: a council's follow-up, with its own records, visits and letters, an hour and more, a complex setting most of a day.
PACE = {TeamKind.NATIONAL: 6.0, TeamKind.POOL: 6.0, TeamKind.LOCAL: 0.6, TeamKind.HEALTH_PROTECTION: 0.06}

#: How long the one who answers a question takes.
ANSWERED_WITHIN = timedelta(hours=5)


@dataclass
class Crew:
    """One team with the people who work in it; ``policy`` gives a local team's hours.

    ``rate`` is the tries that the whole team makes in an hour; None: as many as its people can (``PACE``).
    """

    team: int
    kind: TeamKind
    area: str
    people: list[Scope] = field(default_factory=list)
    policy: PartnershipPolicy | None = None
    rate: float | None = None
    turn: int = 0
    time: float = 0.0

    def tries(self, hours: float, waiting: int) -> int:
        """How many tries there is time for in some hours; time that nobody had work for is kept, up to three hours."""
        rate = PACE[self.kind] * len(self.people) if self.rate is None else self.rate
        self.time = min(self.time + hours * rate, max(3 * rate, 1.0))
        made = min(int(self.time), waiting)
        self.time -= made
        return made

    def next(self) -> Scope:
        """Whose turn it is."""
        self.turn += 1
        return self.people[self.turn % len(self.people)]


@dataclass
class Tally:
    """What was done, for the one who watches."""

    tries: int = 0
    reached: int = 0
    handed_over: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Count what somebody else did as well."""
        self.tries += other.tries
        self.reached += other.reached
        self.handed_over += other.handed_over
        self.outcomes += other.outcomes


@dataclass
class _Question:
    note: int
    trace: int
    team: int
    text: str
    at: datetime


class Floor:
    """All the crews, and the people they trace. The same seed and the same record give the same play.

    Cases of the authorities in ``interviewing`` who are reached from ``since`` on are interviewed.
    """

    def __init__(
        self,
        *,
        seed: int,
        policy: ServicePolicy,
        interviewing: frozenset[str] = frozenset(),
        since: datetime | None = None,
    ) -> None:
        self.seed = seed
        self.policy = policy
        self.interviewing = interviewing
        self.since = since
        self.cases: dict[int, interviews.Case] = {}
        self.towns: dict[str, interviews.Town] = {}
        self.crews: dict[int, Crew] = {}
        self.people: dict[int, Person] = {}
        self.tally = Tally()
        self._last = 0
        self._known = 0
        self._questions: list[_Question] = []

    def begin_after(self, trace: int) -> None:
        """Leave alone what was opened before."""
        self._last = trace

    def add(self, crew: Crew) -> None:
        self.crews[crew.team] = crew

    def meet(self) -> int:
        """Learn who was opened since the last time, and draw how they will answer. Returns how many."""
        found = plays.opened_after(self._last, scope=INTAKE)
        for each in found:
            self._known += 1
            draws = Random(f"{self.seed}/{self._known}")
            self.people[each.trace] = Person(each.birth_date, each.care_home, each.phone, each.address, draws)
            if each.specimen is not None and each.authority in self.interviewing:
                self.cases[each.trace] = interviews.Case(each.authority, each.postcode, each.specimen)
                self.towns.setdefault(each.authority, interviews.Town(each.authority)).meet(each.postcode)
            self._last = each.trace
        return len(found)

    def sweep(self, now: datetime) -> None:
        """The clock at a moment: what was said in interviews is taken up, what is due happens."""
        if self.interviewing and taking_up.take_up(by=INTERVIEWS, now=now).interviews:
            self.meet()
        self.tally.handed_over += handover.sweep(by=SWEEP, now=now).handed_over

    def work(self, start: datetime, end: datetime, mine: Collection[int] | None = None) -> None:
        """Everybody on duty works from ``start`` until ``end``; two moments at most some hours apart.

        ``mine`` are the teams that work here; None: all of them.
        """
        hours = (end - start) / timedelta(hours=1)
        waiting = plays.queued(scope=SWEEP)
        for team in sorted(waiting):
            crew = self.crews.get(team)
            if mine is not None and team not in mine:
                continue
            if crew is not None and crew.people and self.on_duty(crew, start):
                self._shift(crew, crew.tries(hours, waiting[team]), start, end)
        self._answer(end)

    def through(self, start: datetime, end: datetime) -> None:
        """The clock and the work from one moment to another, hour by hour."""
        at = start
        while at < end:
            until = min(end, at + timedelta(hours=1))
            self.sweep(at)
            self.work(at, until)
            at = until

    def on_duty(self, crew: Crew, at: datetime) -> bool:
        if crew.kind is TeamKind.LOCAL:
            return crew.policy is not None and is_open(crew.policy, at)
        clock = at.astimezone(LONDON).time()
        return self.policy.calls_from <= clock < self.policy.calls_until

    def _shift(self, crew: Crew, tries: int, start: datetime, end: datetime) -> None:
        step = (end - start) / (tries + 1)
        for turn in range(tries):
            if not self._once(crew, start + step * turn, end):
                return

    def _once(self, crew: Crew, at: datetime, end: datetime) -> bool:
        """One try, with what goes before and after it; False when there was nothing to take."""
        by = crew.next()
        if crew.kind is TeamKind.POOL:
            # A claim begins at a part of the pool's queue by chance; this one's chance is its own.
            random.seed(f"{self.seed}/{crew.turn}")
        claimed = work.claim(team=crew.team, by=by, now=at)
        if claimed is None:
            return False
        person = self.people.get(claimed.trace)
        if person is None:
            work.put_back(trace=claimed.trace, version=claimed.version, by=by, now=at)
            return False
        if crew.kind is TeamKind.LOCAL:
            if person.gives_back:
                person.gives_back = False
                why = person.pick(answers.GIVEN_BACK)
                handover.give_back(trace=claimed.trace, version=claimed.version, why=why, by=by, now=at)
                return True
            if person.question:
                self._ask(claimed.trace, crew, person, by, at)
        version, still_open = claimed.version, True
        while still_open:
            at = min(at + timedelta(seconds=person.random.randrange(40, 400)), end)
            said = person.answer(crew.kind, at)
            if said.outcome is Outcome.REACHED:
                self._interview(claimed.trace, by, at)
            done = attempts.record(
                trace=claimed.trace,
                version=version,
                kind=said.kind,
                outcome=said.outcome,
                seconds=said.seconds,
                call_back_at=said.call_back_at,
                note=said.note,
                guardian=said.guardian,
                by=by,
                now=at,
            )
            version, still_open = done.version, done.still_open
            self.tally.tries += 1
            self.tally.outcomes[said.outcome.value] += 1
            self.tally.reached += done.next.outcome == "reached"
        if person.never_national and crew.kind is TeamKind.NATIONAL and person.random.random() < 0.06:
            notes.add(trace=claimed.trace, kind="note", text=person.pick(answers.NOTES), by=by, now=at)
        return True

    def _interview(self, trace: int, by: Scope, at: datetime) -> None:
        """Some of those reached are asked everything, in the areas and from the day on that the play says."""
        if self.since is None or at < self.since:
            return
        case = self.cases.pop(trace, None)
        if case is None:
            return
        said = interviews.answers(f"{self.seed}/{trace}", case, self.towns[case.authority], at)
        if said:
            interview.save(trace=trace, version=0, answers=said, by=by, now=at)

    def _ask(self, trace: int, crew: Crew, person: Person, by: Scope, at: datetime) -> None:
        person.question = False
        which = person.random.randrange(len(answers.QUESTIONS))
        added = notes.add(trace=trace, kind="question", text=answers.QUESTIONS[which], by=by, now=at)
        if added.to_team is not None:
            self._questions.append(_Question(added.note, trace, added.to_team, answers.ANSWERS[which], at))

    def _answer(self, now: datetime) -> None:
        """The other team answers what has waited long enough."""
        left = []
        for each in self._questions:
            crew = self.crews.get(each.team)
            if crew is None or not crew.people or now - each.at < ANSWERED_WITHIN or not self.on_duty(crew, now):
                left.append(each)
                continue
            notes.add(trace=each.trace, kind="answer", text=each.text, by=crew.next(), now=now, answers=each.note)
        self._questions = left
