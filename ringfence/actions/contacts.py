"""Contacts that interviews named, made into people, contact rows and traces: one person, one call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from ringfence.actions import contact_rows as rows
from ringfence.actions.contact_rows import NewTrace
from ringfence.actions.isolations import exposure
from ringfence.actions.writing import reserve
from ringfence.geography import resolve
from ringfence.queries import interviews as read
from ringfence.queries.allocation import allocation
from ringfence.queries.interviews import Row, Said, Somebody
from ringfence.queries.policy import service_policies, service_policy
from ringfence.rules import allocation as placing
from ringfence.rules import contacts, households, identity
from ringfence.rules.ages import age
from ringfence.rules.allocation import Residence
from ringfence.rules.attempts import TraceOutcome
from ringfence.rules.calendar import london_date
from ringfence.rules.contacts import Candidate, Ended, Entry, Exposed
from ringfence.rules.exposures import Windows
from ringfence.rules.identity import Known, Same
from ringfence.rules.places import Kind, Place

GONE = "They are no longer named."
SOMEBODY_ELSE = "They turned out to be somebody known already."


@dataclass
class Named:
    """One entry that stands, with whom it names."""

    said: Said
    entry: Entry
    at: Place
    home: Residence
    household: int | None
    counts: date
    person: int = 0
    phone: str = ""

    @property
    def postcode(self) -> str:
        return self.entry.postcode or (self.said.postcode if self.entry.household else "")

    @property
    def address(self) -> str:
        return self.entry.address or (self.said.address if self.entry.household else "")

    @property
    def born(self) -> str:
        return self.entry.birth_date.isoformat() if self.entry.birth_date else ""

    @property
    def key(self) -> int:
        return identity.match_key(self.entry.name, self.born, self.postcode)


@dataclass
class Taken:
    """What was made of contacts: rows that stand, new people and traces, rows withdrawn, traces to work isolation out for,
    and the traces of those who were spoken for in the call, by the trace that was called."""

    named: int = 0
    people: int = 0
    traces: int = 0
    withdrawn: int = 0
    isolate: dict[int, str] = field(default_factory=dict)
    spoken_for: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))


NOWHERE = Place(Kind.BLANK, "No postcode was given.")


def take_up(
    said: Sequence[Said],
    days: Mapping[int, Windows],
    places: Mapping[tuple[int, str], int],
    now: datetime,
) -> Taken:
    """The contacts that these cases' interviews name; inside the transaction of a verb. ``days`` by case."""
    asked = [each for each in said if each.case is not None and "contacts" in each.answers]
    if not asked:
        return Taken()
    taken = Taken()
    held = read.rows_of([each.case for each in asked if each.case is not None])
    named, gone = _named(asked, days, held)
    gone |= _identify(named, held, taken, now)
    rows.withdraw(gone, now)
    taken.withdrawn = len(gone)
    named = [each for each in named if each.person != each.said.person]
    taken.named = len(named)
    _trace(named, places, held, taken, now)
    for trace in rows.close_unnamed([row.trace for row in held if row.id in gone and row.trace], now):
        taken.isolate.setdefault(trace, "Nobody names them as a contact any more.")
    return taken


def _named(
    asked: Sequence[Said], days: Mapping[int, Windows], held: Sequence[Row]
) -> tuple[list[Named], dict[int, str]]:
    """The entries that name a contact, and the rows that no entry stands behind any more, with the reason."""
    entries = {id(each): [contacts.read(raw) for raw in each.entries("contacts")] for each in asked}
    located = resolve.located({entry.postcode for found in entries.values() for entry in found if entry.postcode})
    named: list[Named] = []
    gone: dict[int, str] = {}
    for each in asked:
        assert each.case is not None
        why: dict[str, str] = {}
        case_home = Residence(each.case_ltla, each.case_authority, "")
        for entry in entries[id(each)]:
            exposed = contacts.exposed(entry.last_contact, entry.household, days[each.case])
            if entry.withdrawn or not isinstance(exposed, Exposed):
                why[entry.id] = entry.withdrawn or exposed.why
                continue
            why[entry.id] = ""
            at = located.get(entry.postcode, NOWHERE)
            home = contacts.home(at, entry.household, case_home)
            if entry.household:
                household: int | None = each.household or households.key(each.address, each.postcode, each.person)
            else:
                household = identity.household_key(entry.address, entry.postcode)
            named.append(Named(each, entry, at, home, household, exposed.last_contact))
        for row in held:
            if row.case == each.case and not row.withdrawn and why.get(row.entry, GONE):
                gone[row.id] = why.get(row.entry, GONE)[:200]
    return named, gone


def _identify(named: Sequence[Named], held: Sequence[Row], taken: Taken, now: datetime) -> dict[int, str]:
    """Say of each entry whom it names; make those who are new, and learn what is new of the others.

    Returns the rows whose entry names somebody else now.
    """
    homes = read.living_in({each.household for each in named if each.household})
    known = read.somebody(
        keys={each.key for each in named if each.key},
        households=homes,
        phones={each.entry.phone for each in named if each.entry.phone},
        people={row.person for row in held},
    )
    by_name: dict[str, list[int]] = defaultdict(list)
    for id_, who in known.items():
        by_name[who.known.name].append(id_)
    before = {(row.case, row.entry): row for row in sorted(held, key=lambda row: not row.withdrawn)}
    numbers = reserve("people", len(named)) if named else iter(())
    made: dict[int, Named] = {}
    gone: dict[int, str] = {}
    for each in named:
        row = before.get((each.said.case or 0, each.entry.id))
        found = contacts.who(
            each.entry, each.postcode, [_candidate(each, known[id_], homes) for id_ in by_name[each.entry.name]]
        )
        if isinstance(found, Same):
            each.person = found.person
        elif row is not None and not known[row.person].laboratory:
            # Known from interviews alone: what was corrected is about the same person.
            each.person = row.person
        else:
            each.person = next(numbers)
            made[each.person] = each
        if row is not None and not row.withdrawn and row.person != each.person:
            gone[row.id] = SOMEBODY_ELSE
        who = known[each.person] = _learnt(each, known.get(each.person))
        each.phone = (
            each.entry.phone or who.phone or who.phone_other or (each.said.phone if each.entry.household else "")
        )
        if each.person not in by_name[each.entry.name]:
            by_name[each.entry.name].append(each.person)
        if each.household:
            homes.setdefault(each.household, set()).add(each.person)
    taken.people = len(made)
    rows.add_people(list(made.values()), known, now)
    rows.change_people({each.person: known[each.person] for each in named if each.person not in made}, now)
    rows.settle([(each, each.home) for each in made.values()], now)
    rows.stand_as_contacts([(each.person, each.said.case_authority or each.said.area) for each in named], now)
    rows.share_homes([each for each in named if each.entry.household and each.said.household is None])
    return gone


def _candidate(each: Named, who: Somebody, homes: Mapping[int, set[int]]) -> Candidate:
    at_home = each.household is not None and (
        who.known.id in homes.get(each.household, ()) or who.household == each.household
    )
    return Candidate(who.known, at_home, bool(each.entry.phone) and each.entry.phone in (who.phone, who.phone_other))


def _learnt(each: Named, held: Somebody | None) -> Somebody:
    """What is known of a person with an entry: it fills what is empty, and of somebody known from interviews alone it
    says what is newer as well."""
    entry = each.entry
    told = Somebody(
        Known(each.person, "", entry.name, each.born, each.postcode),
        entry.given_name,
        entry.family_name,
        entry.adult,
        entry.phone,
        "",
        entry.email,
        each.address,
        each.household,
        False,
        False,
    )
    if held is None:
        return told
    first, second = (held, told) if held.laboratory else (told, held)
    born = first.known.birth_date or second.known.birth_date
    # A postcode goes with its address, so both come from the same one.
    at = first if first.known.postcode else second
    name = first if first.known.name.strip() else second
    return Somebody(
        Known(each.person, held.known.nhs_number, name.known.name, born, at.known.postcode),
        name.given_name,
        name.family_name,
        second.adult if first.adult is None else first.adult,
        first.phone or second.phone,
        held.phone_other or (told.phone if held.laboratory and told.phone not in ("", held.phone) else ""),
        first.email or second.email,
        at.address,
        held.household if held.laboratory and held.household is not None else each.household or held.household,
        held.care_home,
        held.laboratory,
    )


def _trace(
    named: Sequence[Named],
    places: Mapping[tuple[int, str], int],
    held: Sequence[Row],
    taken: Taken,
    now: datetime,
) -> None:
    """Contact rows, and a trace for each who is not being reached already."""
    policy = service_policy(now)
    since = london_date(now) - timedelta(days=policy.reinfection_days)
    standing = read.standings({each.person for each in named}, since)
    rows.write(named, places, standing, now)
    undecided = {
        person
        for person, each in standing.items()
        if each.open_case is None and each.open_contact is None and each.recent_case is None
    }
    exposed = read.exposures_of(undecided)
    policies, on = service_policies(), london_date(now)
    fresh: dict[int, Named] = {}
    traces: dict[int, int] = {}
    for each in named:
        person = each.person
        at = standing[person]
        if at.open_contact is not None:
            traces[person] = at.open_contact
        elif person in undecided and person not in fresh:
            until = contacts.isolates([exposure(row) for row in exposed[person]], policies, on).until_date
            earlier = [Ended(TraceOutcome(outcome), told) for _, outcome, told in at.closed]
            if contacts.call(until, earlier, on).needed:
                fresh[person] = each
            elif at.closed:
                traces[person] = at.closed[-1][0]
    if fresh:
        made = _new_traces(list(fresh.values()), policy.retry_gap_minutes, now)
        rows.add_traces(made, now)
        traces |= {each.person: each.id for each in made}
        taken.traces = len(made)
    rows.link(traces, [each.said.case for each in named if each.said.case is not None], now)
    for trace in traces.values():
        taken.isolate[trace] = "Another day or another case was named."
    told = {(row.case, row.entry): row.last_contact for row in held}
    for each in named:
        if each.person not in traces:
            continue
        trace = traces[each.person]
        was = told.get((each.said.case or 0, each.entry.id))
        if was is not None and was != each.counts:
            taken.isolate[trace] = "The day of the last contact was corrected."
        elif was is not None and each.entry.household and each.said.is_new("onset_date", "has_symptoms"):
            taken.isolate[trace] = "The day on which it began in their home was corrected."
    for each in named:
        if each.entry.spoken_for:
            open_ones = [traces.get(each.person), standing[each.person].open_case_trace]
            taken.spoken_for[each.said.trace] += [trace for trace in open_ones if trace is not None]


def _new_traces(fresh: Sequence[Named], gap: int, now: datetime) -> list[NewTrace]:
    """Traces for these: with whose team, which number, and not before the number and home that were tried have rested."""
    teams = allocation(now)
    placed: dict[tuple[Residence, str], placing.Placement] = {}
    numbers = reserve("traces", len(fresh))
    policy = service_policy(now)
    phones = {each.person: each.phone for each in fresh}
    homes = {each.household for each in fresh if each.household}
    by_phone, by_home = read.tried({phone for phone in phones.values() if phone}, homes, now - timedelta(minutes=gap))
    found = []
    for each in fresh:
        answer = each.said.answers["contacts"]
        where = (each.home, contacts.named_in(answer.team_kind, answer.team_area))
        if where not in placed:
            placed[where] = contacts.place(each.home, teams.authorities, teams.pool_team, now, where[1])
        phone = phones[each.person]
        times = [
            households.rests_until(at, policy)
            for at in (by_phone.get(phone), by_home.get(each.household or 0))
            if at is not None
        ]
        if each.said.claimed_until and (each.entry.household or phone == each.said.phone):
            # Somebody is on the telephone to this home now; who is spoken for needs no call.
            times.append(each.said.claimed_until)
        ready_at = max((at for at in times if at > now), default=None)
        years = age(each.entry.birth_date, london_date(now))
        found.append(
            NewTrace(next(numbers), each.person, each.home.utla, placed[where], contacts.priority(years, False), phone,
                     each.household, ready_at)
        )  # fmt: skip
    return found
