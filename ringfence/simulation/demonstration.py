"""The demonstration: two weeks of a made-up wave, played through the verbs, ending at the present minute.

Real authorities and real postcodes, invented people. History is made with ``now`` as an argument, in steps of an hour
and at the moments when local teams open, so that the clock hands over when it would have.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, time, timedelta
from functools import partial
from math import ceil

from ringfence.actions import accounts, attempts, handover, partnerships, questionnaires, service, work
from ringfence.actions.accounts import Newcomer
from ringfence.geography import resolve
from ringfence.geography.atlas import Area
from ringfence.queries import plays, teams
from ringfence.queries.policy import partnership_history
from ringfence.rules.access import ROLES, Member, Scope, person_scope, system_scope
from ringfence.rules.attempts import Kind, Outcome
from ringfence.rules.calendar import DAY, LONDON, london_date, london_moment
from ringfence.rules.handover import TeamKind
from ringfence.rules.plural import counted
from ringfence.rules.policy import EXERCISE, policy_at
from ringfence.simulation import cast, interviews, wave
from ringfence.simulation.answers import NOTES_OF_CARE_HOME
from ringfence.simulation.cast import Town, Working
from ringfence.simulation.crew import Crew, Floor, Tally
from ringfence.simulation.hands import Hands
from ringfence.simulation.laboratory import Laboratory
from ringfence.simulation.linelists import FAMILY, GIVEN
from ringfence.simulation.people import People
from ringfence.simulation.quickly import quickly

ACCOUNTS, POLICY = system_scope("accounts"), system_scope("policy")
INTERVIEWS = system_scope("interviews")

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

DAYS, CASES, SEED = 14, 1_600, 2020

#: Hours between two ordinary line lists.
EVERY = 8

#: How long before the end the last ordinary line list comes, and nobody works any more: queues are full at the start.
QUIET = 25 * MINUTE

#: Minutes after the end at which the last set periods run out, and positives for each town in those line lists.
SOON = (2, 4, 7, 12, 18)
SOON_TOWNS = {"E06000016": 7, "E06000008": 6}

#: How addresses of those begin who are there to do the work; nobody signs in as one of them.
STAFF = "staff"

#: Tries a day that a national team has time for, for each case it gets in a day on average, with a local team behind it
#: and without: too few where cases rise.
TRIES, TRIES_ALONE = 2.8, 8.0

#: Tries in an hour for which a team has one tracer.
EACH = 1.2


def play(
    *,
    now: datetime,
    say: Callable[[str], None],
    days: int = DAYS,
    cases: int = CASES,
    seed: int = SEED,
    processes: int = 1,
) -> Tally:
    """Play ``days`` days with about ``cases`` cases into an empty record, ending at ``now``; the same by the same seed.

    ``say`` is told how far it is. Needs the geography. With more than one process, not inside a transaction.
    """
    prepared = _Play(now, days, cases, seed, say)
    with Hands(prepared.floor, processes, prepared.share) as hands, quickly(seed):
        return prepared.run(hands)


class _Play:
    def __init__(self, now: datetime, days: int, cases: int, seed: int, say: Callable[[str], None]) -> None:
        self.now, self.days, self.seed, self.say = now, days, seed, say
        self.start = now - days * DAY
        self.random = random.Random(f"play {seed}")
        interviewing = frozenset(town.code for town in cast.TOWNS if town.short in cast.FIRST_THREE)
        since = now - interviews.WITHIN
        self.floor = Floor(seed=seed, policy=EXERCISE, interviewing=interviewing, since=since)
        self.team: dict[tuple[str, str], int] = {}
        self.names = 0
        self.operations: Scope | None = None
        self.deliveries: dict[datetime, list[str]] = {}
        self.events: dict[datetime, list[Callable[[datetime], None]]] = {}
        lower = resolve.atlas().lower_tier()
        homes = plays.homes((area.code for area in lower), busy=cast.GROWING)
        lower = [area for area in lower if homes.get(area.code)]
        people = People(homes, seed=seed)
        others = People(homes, seed=seed + 1, first=400_000, together=0.1)
        self.laboratories = [
            Laboratory(name, people, others, seed=seed)
            for name in ("Lighthouse North", "Lighthouse South", "Hospital laboratories")
        ]
        self._plan(lower, cases)

    # What happens when

    def _plan(self, lower: list[Area], cases: int) -> None:
        count = self.days * 24 // EVERY
        moments = [self.now - QUIET - EVERY * HOUR * back for back in reversed(range(count))]
        drawn = wave.draw(lower, [london_date(at) for at in moments], cases, seed=self.seed, growing=cast.GROWING)
        for authority, slot in drawn:
            self.deliveries.setdefault(moments[slot], []).append(authority)
        share = cases / CASES
        for minutes in SOON:
            soon = [code for code, many in SOON_TOWNS.items() for _ in range(max(1, round(many * share)))]
            at = self.now - 24 * HOUR + minutes * MINUTE
            if at > self.start:
                self.deliveries.setdefault(at, []).extend(soon)
        self.cases_of: dict[str, int] = {}
        for authorities in self.deliveries.values():
            for authority in authorities:
                utla = resolve.lineage(authority).utla or ""
                self.cases_of[utla] = self.cases_of.get(utla, 0) + 1
        busiest = sorted(self.cases_of, key=lambda area: (-self.cases_of[area], area))
        self.shares = {area: place for place, area in enumerate(busiest)}
        scale = self.days / DAYS
        for town in cast.TOWNS:
            self._at(town.agreed * scale, partial(self._agree, town))
            for nth, working in enumerate(town.policies):
                if nth == 0 and town.joins is not None:
                    # An authority that joins after the end has it on its page already.
                    day = min(town.joins, DAYS - 1.5)
                    self._at(day * scale, partial(self._join, town, working))
                else:
                    self._at(working.day * scale, partial(self._change, town, working))
        self._at(8 * scale, self._lend)
        self._at((DAYS - 2.5) * scale, self._refused)
        last = london_date(self.now) - DAY if self.now.astimezone(LONDON).hour < 14 else london_date(self.now)
        self.events.setdefault(london_moment(last, time(11)), []).append(self._complex)

    def _at(self, day: float, event: Callable[[datetime], None]) -> None:
        self.events.setdefault(self.start + day * DAY, []).append(event)

    def _moments(self) -> list[datetime]:
        """The hours, counted back from the end, the moments when a local team opens, and those of every event."""
        found = {self.start + HOUR * hour for hour in range(self.days * 24 + 1)}
        found |= set(self.deliveries) | set(self.events) | {self.now - QUIET}
        opens = {working.opens for town in cast.TOWNS for working in town.policies}
        for back in range(self.days + 1):
            day = london_date(self.now) - back * DAY
            found |= {london_moment(day, clock) for clock in opens}
        return sorted(at for at in found if self.start <= at <= self.now)

    # Playing

    def share(self, area: str) -> int:
        """The process that works an area, the busiest areas spread over all of them."""
        return self.shares.get(area, 0)

    def run(self, hands: Hands) -> Tally:
        self.say(f"Playing {counted(self.days, 'day')} of a made-up wave ...")
        self._establish()
        moments = self._moments()
        told = 0
        for at, until in zip(moments, [*moments[1:], self.now], strict=True):
            for event in self.events.get(at, ()):
                event(at)
            self.floor.sweep(at)
            if at in self.deliveries:
                self._deliver(self.deliveries[at], at)
            if at < self.now - QUIET:
                hands.work(at, until)
            self._look(at)
            day = (at - self.start).days
            if told + 2 <= day < self.days:
                told = day
                self._tell(day)
        self._on_the_phone()
        self._tell(self.days)
        return self.floor.tally

    def _tell(self, day: int) -> None:
        done = self.floor.tally
        self.say(
            f"  day {day} of {self.days}: {counted(len(self.floor.people), 'trace')}, {counted(done.tries, 'try', 'tries')},"
            f" {done.handed_over:,} handed over"
        )

    def _establish(self) -> None:
        before = self.start - HOUR
        service.name_policy(policy=EXERCISE.name, from_date=london_date(self.start) - DAY, by=ACCOUNTS, now=before)
        partnerships.establish(by=ACCOUNTS, now=before)
        questionnaires.install(by=INTERVIEWS, now=before)
        for team in teams.open_teams(scope=ACCOUNTS, now=before):
            self.team[team.kind, team.area] = team.id
        people: list[tuple[Newcomer, TeamKind | None, str]] = []
        for (kind, area), team_id in sorted(self.team.items(), key=lambda item: item[1]):
            people += self._national(TeamKind(kind), area, team_id)
        for email, role in cast.NATION:
            people.append((Newcomer(f"{email}@example.org", f"{ROLES[role].name}", role), None, ""))
        for town in cast.TOWNS:
            if town.short in cast.FIRST_THREE:
                for place in ("director", "analyst"):
                    email = f"{place}.{town.short}@example.org"
                    people.append((Newcomer(email, self._name(), place, area=town.code), None, ""))
        self._hire(people, self.start)

    def _national(self, kind: TeamKind, area: str, team: int) -> list[tuple[Newcomer, TeamKind | None, str]]:
        """Those who work in a national or a health protection team from the first day on."""
        found: list[tuple[Newcomer, TeamKind | None, str]] = []
        short = next((town.short for town in cast.TOWNS if town.code == area and town.short in cast.FIRST_THREE), "")
        if kind is TeamKind.HEALTH_PROTECTION:
            named = dict(cast.HEALTH_PROTECTION).get(area)
            email = f"hpt.{named}@example.org" if named else self._email()
            return [(Newcomer(email, self._name(), "health_protection", team), kind, area)]
        if short:
            found.append((Newcomer(f"tracer.{short}@example.org", self._name(), "national_tracer", team), kind, area))
            found.append((Newcomer(f"lead.{short}@example.org", self._name(), "national_lead", team), None, area))
        many = max(1, ceil(self._rate(area) / EACH))
        found += [(Newcomer(self._email(), self._name(), "national_tracer", team), kind, area) for _ in range(many)]
        return found

    def _hire(self, people: list[tuple[Newcomer, TeamKind | None, str]], at: datetime) -> None:
        """Add people; those with a kind of team work in it from now on."""
        users: dict[str, int] = {}
        for named, password in ((True, cast.PASSWORD), (False, None)):
            some = [each for each, _, _ in people if each.email.startswith(STAFF) is not named]
            users |= accounts.add_users(people=some, by=ACCOUNTS, now=at, password=password)
        for newcomer, kind, area in people:
            scope = person_scope(
                users[newcomer.email], [Member(newcomer.role, newcomer.team, newcomer.area or area, at)], at
            )
            if newcomer.role == "operations":
                self.operations = scope
            if kind is not None and newcomer.team is not None:
                crew = self.floor.crews.get(newcomer.team)
                if crew is None:
                    crew = Crew(newcomer.team, kind, area)
                    if kind is TeamKind.NATIONAL:
                        crew.rate = self._rate(area)
                    self.floor.add(crew)
                crew.people.append(scope)

    def _rate(self, area: str) -> float:
        """Tries in an hour of an area's national team, which works twelve hours a day."""
        tries = TRIES if any(area == town.code and town.policies for town in cast.TOWNS) else TRIES_ALONE
        return max(0.1, self.cases_of.get(area, 0) / self.days * tries / 12)

    def _name(self) -> str:
        return f"{self.random.choice(GIVEN)} {self.random.choice(FAMILY)}"

    def _email(self) -> str:
        self.names += 1
        return f"{STAFF}{self.names:03}@example.org"

    # The partnerships

    @property
    def by_operations(self) -> Scope:
        assert self.operations is not None
        return self.operations

    def _agree(self, town: Town, at: datetime) -> None:
        partnerships.agree(
            area=town.code, by=self.by_operations, now=at, agreement="Exercise agreement, signed by nobody"
        )

    def _join(self, town: Town, working: Working, at: datetime) -> None:
        assert town.joins is not None
        joins = max(at, self.start + town.joins * DAY * (self.days / DAYS))
        joined = partnerships.join(area=town.code, by=self.by_operations, now=at, at=joins)
        self.team["local", town.code] = joined.team
        self._change(town, working, at, joins)
        people: list[tuple[Newcomer, TeamKind | None, str]] = []
        kind = TeamKind.LOCAL
        if town.short in cast.FIRST_THREE:
            for place, role in (("local", "local_tracer"), ("local.lead", "local_lead")):
                email = f"{place}.{town.short}@example.org"
                works = kind if role == "local_tracer" else None
                people.append((Newcomer(email, self._name(), role, joined.team), works, town.code))
        many = max(1, round(town.local_people * min(1.0, sum(self.cases_of.values()) / CASES)))
        people += [
            (Newcomer(self._email(), self._name(), "local_tracer", joined.team), kind, town.code) for _ in range(many)
        ]
        self._hire(people, at)
        self._hours(town, at)

    def _change(self, town: Town, working: Working, at: datetime, from_at: datetime | None = None) -> None:
        partnerships.set_policy(
            area=town.code,
            by=self.by_operations,
            now=at,
            from_at=from_at,
            model=working.model.value,
            set_period_hours=working.hours,
            contacts_by=working.contacts_by,
            working_days=working.days,
            opens=working.opens,
            closes=working.closes,
            bank_holidays=working.bank_holidays,
        )
        partnerships.apply_changes(by=POLICY, now=at)
        self._hours(town, at)

    def _hours(self, town: Town, at: datetime) -> None:
        crew = self.floor.crews.get(self.team.get(("local", town.code), 0))
        history = [policy for policy in partnership_history(town.code) if policy.from_at <= at]
        if crew is not None and history:
            crew.policy = policy_at(history, at)

    # The days

    def _deliver(self, authorities: list[str], at: datetime) -> None:
        which = self.laboratories[self.random.randrange(len(self.laboratories))]
        which.send(which.line_list(authorities, at), at)
        self.floor.meet()

    def _refused(self, at: datetime) -> None:
        """A spreadsheet sent for a line list: the first bytes of a zip archive, as one begins."""
        hospital = self.laboratories[-1]
        hospital.send(b"PK\x03\x04\x14\x00\x06\x00" + bytes(400), at, "hospital results (final) v2.xlsx")

    def _look(self, at: datetime) -> None:
        """The local teams look at what came in, at ten; what came later today nobody has looked at."""
        clock = at.astimezone(LONDON)
        if clock.hour != 10 or at > self.now - 3 * HOUR:
            return
        for crew in self.floor.crews.values():
            if crew.kind is TeamKind.LOCAL and crew.people:
                handover.seen(team=crew.team, by=crew.people[0], now=at)

    def _lend(self, at: datetime) -> None:
        """Cornwall's national team has little to do, so one of its tracers helps in Leicester's for some days."""
        home, away = (
            self.floor.crews[self.team["national", "E06000052"]],
            self.floor.crews[self.team["national", "E06000016"]],
        )
        lender = home.people[0]
        until = self.now + 3 * DAY
        accounts.lend(
            user=lender.user,
            to_team=away.team,
            until_at=until,
            why="Leicester's cases double every week; Cornwall has few.",
            by=self.by_operations,
            now=at,
        )
        members = [
            Member("national_tracer", home.team, home.area, self.start),
            Member("national_tracer", away.team, away.area, at, until),
        ]
        away.people.append(person_scope(lender.user, members, at))

    def _complex(self, at: datetime) -> None:
        """On the last morning each of the towns that everybody can sign in to finds a care home with several cases."""
        for town in cast.TOWNS:
            crew = self.floor.crews[self.team["national", town.code]]
            if (
                town.short not in cast.FIRST_THREE
                or (claimed := work.claim(team=crew.team, by=crew.people[0], now=at)) is None
            ):
                continue
            attempts.record(
                trace=claimed.trace,
                version=claimed.version,
                kind=Kind.CALL,
                outcome=Outcome.ESCALATED,
                seconds=260,
                note=NOTES_OF_CARE_HOME[0],
                by=crew.people[0],
                now=at,
            )
            self.floor.tally.add(Tally(tries=1, outcomes=Counter({Outcome.ESCALATED.value: 1})))

    def _on_the_phone(self) -> None:
        """Some have a trace open at the end, as they would in the middle of a working day."""
        at = self.now - 2 * MINUTE
        for crew in self.floor.crews.values():
            if crew.kind is TeamKind.NATIONAL and len(crew.people) > 2 and self.floor.on_duty(crew, at):
                for by in crew.people[-2:]:
                    work.claim(team=crew.team, by=by, now=at)
