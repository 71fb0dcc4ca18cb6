"""Who is a contact of a case, who they are, whose team calls them, and how long they isolate; always with the reason.

A contact is somebody exposed in the case's infectious window. However many cases name one person, it is one person and
one call. Where they live decides whose team calls; where a local interview named them, the partnership decides whether
they go back to the national team.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from ringfence.rules import allocation, isolation
from ringfence.rules.allocation import AuthorityTeams, Placement, Residence
from ringfence.rules.attempts import TraceOutcome
from ringfence.rules.exposures import Windows
from ringfence.rules.handover import TeamKind, due, local_target
from ringfence.rules.identity import Known, New, Same, decide, name_key
from ringfence.rules.isolation import Isolation, spoken_date
from ringfence.rules.places import Kind, Place
from ringfence.rules.policy import ContactsBy, Exemption, ServicePolicy, policy_at

LIVED_UP_TO_WINDOW = "They live in one home, so every day until the end of isolation counts."


@dataclass(frozen=True, slots=True)
class Entry:
    """One contact as an interview named it: what ``rules.entries`` keeps, with dates as dates.

    ``withdrawn`` is why it was taken back, "" while it stands. ``spoken_for``: told in the same call.
    """

    id: str
    given_name: str
    family_name: str
    birth_date: date | None
    adult: bool | None
    phone: str
    email: str
    household: bool
    relation: str
    last_contact: date
    postcode: str
    address: str
    place: str
    spoken_for: bool
    exemptions: frozenset[Exemption]
    withdrawn: str

    @property
    def name(self) -> str:
        """The name as identity compares it."""
        return name_key(self.given_name, self.family_name)


def read(raw: Mapping[str, Any]) -> Entry:
    """An entry of the answer ``contacts``. Raises KeyError, ValueError for one that ``rules.entries`` has not made."""
    born = raw.get("birth_date")
    return Entry(
        id=str(raw["id"]),
        given_name=str(raw.get("given_name") or ""),
        family_name=str(raw.get("family_name") or ""),
        birth_date=date.fromisoformat(born) if born else None,
        adult=raw.get("adult") if isinstance(raw.get("adult"), bool) else None,
        phone=str(raw.get("phone") or ""),
        email=str(raw.get("email") or ""),
        household=bool(raw.get("household")),
        relation=str(raw.get("relation") or "other"),
        last_contact=date.fromisoformat(raw["last_contact"]),
        postcode=str(raw.get("postcode") or ""),
        address=str(raw.get("address") or ""),
        place=str(raw.get("place") or ""),
        spoken_for=bool(raw.get("spoken_for")),
        exemptions=frozenset(Exemption(each) for each in raw.get("exemptions") or ()),
        withdrawn=str(raw.get("withdrawn") or ""),
    )


class Exposed(NamedTuple):
    """A contact, with the last day that counts."""

    last_contact: date
    why: str


class NotExposed(NamedTuple):
    """No contact, with why."""

    why: str


def exposed(last_contact: date, household: bool, days: Windows) -> Exposed | NotExposed:
    """Whether somebody whom the case last met on a day is a contact, with why."""
    first, last = days.infectious
    if last_contact < first:
        return NotExposed(
            f"The last contact on {spoken_date(last_contact)} was before {spoken_date(first)}, when they could first infect"
            " others."
        )
    if last_contact <= last:
        return Exposed(last_contact, f"Together on {spoken_date(last_contact)}, when they could infect others.")
    if household:
        return Exposed(last, LIVED_UP_TO_WINDOW)
    return NotExposed(
        f"The last contact on {spoken_date(last_contact)} was after {spoken_date(last)}, when they could infect others no"
        " more."
    )


class Candidate(NamedTuple):
    """Somebody in the record whom an entry may name, and how they were found: in the case's household, by a telephone
    number that both have, or neither (then by name, birth date and postcode)."""

    known: Known
    in_household: bool
    same_phone: bool


def who(entry: Entry, postcode: str, candidates: Sequence[Candidate]) -> Same | New:
    """Whom an entry names: somebody known, or somebody new, with why.

    ``postcode`` is where they live, "" when that is not known. Proof enough: name, birth date and postcode; the same name
    in one home; the same name and number. A birth date that differs outweighs the other two: sons are called as their
    fathers are. Anything weaker is a new person.
    """
    born = entry.birth_date.isoformat() if entry.birth_date else ""
    named = [each for each in candidates if each.known.name == entry.name]
    if len(entry.name) < 3:
        return New("a name is needed to know anybody by")
    sure = decide(
        nhs_number="",
        name=entry.name,
        birth_date=born,
        postcode=postcode,
        by_number=None,
        by_details=[each.known for each in named],
    )
    if isinstance(sure, Same):
        return sure
    fitting = [each for each in named if not born or not each.known.birth_date or each.known.birth_date == born]
    for chosen, why in (
        ([each for each in fitting if each.in_household and entry.household], "the same name in the same household"),
        ([each for each in fitting if each.same_phone and entry.phone], "the same name and telephone number"),
    ):
        if chosen:
            # Twice in the record already: whose number is known, else who has been known longest.
            best = min(chosen, key=lambda each: (not each.known.nhs_number, each.known.id))
            return Same(best.known.id, why)
    return New("nobody known has this name with the same birth date and postcode, home, or number")


BECOMES_WITHIN = 14
"""Days between the last contact and the specimen within which a contact who tests positive is one who became a case."""


def turned_out(contact: Known, case: Known, same_home: bool, same_phone: bool) -> bool:
    """Whether a case that was opened is about somebody known as a contact: the same person in the record or, where an
    interview knew less than the laboratory, one of the same name in the same home or with the same number."""
    if contact.id == case.id:
        return True
    if contact.name != case.name or len(contact.name) < 3 or not (same_home or same_phone):
        return False
    return not contact.nhs_number and (not contact.birth_date or contact.birth_date == case.birth_date)


def home(at: Place, household: bool, case: Residence) -> Residence:
    """Where a contact lives: by their own postcode, in the case's home, or, where nothing is known, taken to be where the
    case lives, whose team can ask."""
    if at.kind is Kind.ENGLAND and at.ltla and at.utla:
        return Residence(at.ltla, at.utla, at.why)
    if household:
        return Residence(case.ltla, case.utla, "They live with the case." if case.utla else case.why)
    if at.kind is Kind.OUTSIDE:
        return Residence("", "", at.why)
    why = "Where they live is not known: the case's authority asks." if case.utla else case.why
    return Residence(case.ltla, case.utla, why)


def place(
    home: Residence,
    authorities: Mapping[str, AuthorityTeams],
    pool_team: int,
    now: datetime,
    named_in: str = "",
) -> Placement:
    """The owner of a new contact's trace. ``named_in`` is the authority whose local team held the interview, "" when it
    was a national one or the resident's own.

    A contact named in a local interview of the authority where they live goes by its partnership's ``contacts_by``.
    """
    usual = allocation.place(home, authorities, pool_team, now)
    teams = authorities.get(home.utla) if home.utla else None
    if (
        teams is None
        or not named_in
        or named_in != home.utla
        or not any(each.from_at <= now for each in teams.policies)
    ):
        return usual
    policy = policy_at(teams.policies, now)
    live = teams.local_team is not None and teams.local_live_from is not None and teams.local_live_from <= now
    if policy.contacts_by is ContactsBy.LOCAL and live:
        target = local_target(policy, now)
        why = f"Named in a local interview: {teams.name} traces its contacts itself."
        return Placement(teams.local_team or 0, teams.code, teams.national_team, why, target.at, target.why, None)
    if usual.team == teams.national_team:
        return usual._replace(
            why=f"Named in a local interview: by {teams.name}'s policy the national team calls."[:200]
        )
    target = due(now, (), local_team_live_from=None, now=now)
    why = f"Named in a local interview: by {teams.name}'s policy contacts go back to the national team."
    told = "Contacts named in local interviews are the national team's."
    return Placement(teams.national_team, teams.code, teams.national_team, why[:200], target.at, told, None)


def named_in(team_kind: str, area: str) -> str:
    """The authority of a local interview, "" for another team's or the resident's own."""
    return area if team_kind == TeamKind.LOCAL else ""


class Exposure(NamedTuple):
    """One case's naming of a contact: the last day that counts, the London day on which it was taken up, the case's
    day 0 for people of its household, and the exemptions that the contact has."""

    last_contact: date
    identified: date
    household_day_0: date | None = None
    exemptions: frozenset[Exemption] = frozenset()


def isolates(exposures: Iterable[Exposure], policies: Iterable[ServicePolicy], on: date) -> Isolation:
    """The isolation of a contact of one or several cases as it stands on a day: the latest end counts.

    Raises ValueError without an exposure, and what ``isolation.for_contact`` raises.
    """
    known = tuple(policies)
    found = [
        isolation.for_contact(
            each.last_contact,
            each.identified,
            known,
            max(on, each.identified),
            household_day_0=each.household_day_0,
            exemptions=each.exemptions,
        )
        for each in exposures
    ]
    if not found:
        raise ValueError("a contact has at least one exposure")
    return max(found, key=lambda each: (each.until_date or date.min, each.day_0))


class Ended(NamedTuple):
    """An earlier contact trace of the person that is closed: what it came to, and until when they were told to isolate."""

    outcome: TraceOutcome
    until: date | None


class Call(NamedTuple):
    """Whether to call, with why."""

    needed: bool
    why: str


_LEFT_ALONE = {
    TraceOutcome.DIED: "They have died.",
    TraceOutcome.REFUSED: "They did not want to take part when they were called before.",
    TraceOutcome.IN_HOSPITAL: "They are in hospital, which looks after them.",
}


def call(until: date | None, earlier: Sequence[Ended], on: date) -> Call:
    """Whether a contact with no open trace is called on a day: not somebody whose isolation would be over, and not one
    who was told to isolate as long before.

    ``until`` is the last day of isolation that follows from all that is known now, None when there is none.
    """
    if until is not None and until < on:
        return Call(False, f"Their isolation would have ended on {spoken_date(until)}.")
    for each in earlier:
        if each.outcome in _LEFT_ALONE:
            return Call(False, _LEFT_ALONE[each.outcome])
    told = [each.until for each in earlier if each.outcome is TraceOutcome.REACHED]
    if told and (until is None or any(each is not None and until <= each for each in told)):
        return Call(False, "They were told to isolate until then before.")
    return Call(True, "They have not been told yet." if not told else "They isolate longer than they were told.")


def priority(age: int | None, care_home: bool) -> int:
    """How urgent a contact's trace is, as ``allocation.priority``; one of unknown age is as usual."""
    return allocation.priority(care_home=care_home, age=age or 0)
