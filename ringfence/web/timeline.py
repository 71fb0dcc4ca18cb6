"""The history of a trace as one line of events, the newest first, in words."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from ringfence.queries.timeline import Happening, Note
from ringfence.queries.traces import Record
from ringfence.rules.attempts import Kind, Outcome, TraceOutcome
from ringfence.rules.calendar import london_date, spoken
from ringfence.rules.messages import KINDS
from ringfence.rules.plural import counted
from ringfence.web import words


class Event(NamedTuple):
    """Something that happened: a heading, who did it, a sentence of why, a text that was typed, and a colour."""

    at: datetime
    heading: str
    by: str
    why: str
    text: str
    colour: str


class Thread(NamedTuple):
    """A question with the answers to it."""

    note: Note
    answers: tuple[Note, ...]


PASSED = {
    "set_period": "Handed over",
    "moved_on": "Handed over",
    "given_back": "Given back",
    "escalated": "Escalated",
    "reassigned": "Reassigned",
    "moved": "Moved with the person",
    "undone": "Taken back",
}


def events(record: Record) -> list[Event]:
    """What happened to the trace, the newest first."""
    found = [Event(record.created_at, f"Opened for the {_first_team(record)}", "", record.why, "", "")]
    for attempt in record.attempts:
        outcome = Outcome(attempt.outcome)
        if attempt.through:
            told = "Told in a call to somebody else at their address"
            found.append(Event(attempt.at, told, f"{attempt.by_name}, {attempt.team}", "", "", "green"))
            continue
        length = f"{words.span_of_seconds(attempt.seconds)}" if attempt.seconds else ""
        asked = f"asked for {spoken(attempt.call_back_at)}" if attempt.call_back_at else ""
        about = [f"on {words.phone(attempt.number)}" if attempt.number else "", length, asked]
        found.append(
            Event(
                attempt.at,
                f"{Kind(attempt.kind).words}: {outcome.label.lower()}",
                f"{attempt.by_name}, {attempt.team}",
                ", ".join(each for each in about if each),
                attempt.note,
                "green" if outcome is Outcome.REACHED else "blue",
            )
        )
    for owner in record.owners:
        heading = f"{PASSED.get(owner.reason, 'Passed')} to {owner.to_team}"
        found.append(Event(owner.until, heading, owner.by_name or "The clock", owner.why, "", "orange"))
    found += [
        Event(each.withdrawn_at, "Named as a contact no more", "", each.withdrawn_why, "", "")
        for each in record.exposures
        if each.withdrawn_at is not None
    ]
    for one in record.worked_out:
        until = (
            f"until {words.dated(one.until_date, london_date(one.at))}"
            if one.until_date
            else "nobody asks them to stay at home"
        )
        heading = f"Isolation {'changed' if one.because else 'worked out'}: {until}"
        found.append(Event(one.at, heading, "", one.because or one.why, "", "orange" if one.because else ""))
    for note in record.notes:
        heading = {"note": "Note", "question": f"Question to the {note.to_team}", "answer": "Answer"}[note.kind]
        found.append(Event(note.at, heading, f"{note.by_name}, {note.team}", "", note.text, "yellow"))
    found += [_told(each) for each in record.happenings]
    if record.closed_at is not None:
        found.append(
            Event(record.closed_at, f"Closed: {TraceOutcome(record.outcome).words.lower()}", "", "", "", "green")
        )
    # Of things at one moment the one told last here came last.
    return [event for _, event in sorted(enumerate(found), key=lambda each: (each[1].at, each[0]), reverse=True)]


def _first_team(record: Record) -> str:
    return record.owners[0].team if record.owners else record.team_name


CHANNELS = {"text": "Text message", "email": "Email", "letter": "Letter"}
STATES = {
    "waiting": "waiting to be sent",
    "sending": "being sent",
    "sent": "sent",
    "delivered": "delivered",
    "failed": "could not be delivered",
    "cancelled": "not sent",
}


def _told(each: Happening) -> Event:
    """What is neither a try nor a hand-over nor a note, in words."""
    by = ", ".join(name for name in (each.by_name, each.team) if name)
    heading, why, colour = "", "", ""
    match each.kind:
        case "result":
            heading = f"{each.what.capitalize()} result"
            why = f"{each.text} test" + (f" of {words.dated(each.on, london_date(each.at))}" if each.on else "")
        case "message":
            name = (
                f"{KINDS[each.about].name}, by {CHANNELS[each.what].lower()}"
                if each.about in KINDS
                else CHANNELS[each.what]
            )
            heading, by, why = f"{name}: {STATES[each.text]}", by or "The service", each.why
            colour = "orange" if each.text in ("failed", "cancelled") else ""
        case "answers":
            heading = f"{counted(each.number or 0, 'answer')} saved"
            by = by or "The resident, on the web"
        case "interview":
            heading, by, colour = "Interview completed", by or "The resident, on the web", "green"
        case "visit":
            heading = f"Visit planned for {words.dated(each.on, london_date(each.at))}" if each.on else "Visit planned"
        case _:
            raise ValueError(f"unknown kind of happening {each.kind!r}")
    return Event(each.at, heading, by, why, "", colour)


def threads(record: Record) -> list[Thread]:
    """Questions, the newest first, each with its answers in order."""
    asked = [note for note in record.notes if note.kind == "question"]
    return [Thread(note, tuple(each for each in record.notes if each.answers == note.id)) for note in reversed(asked)]
