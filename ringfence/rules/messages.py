"""What may be sent to whom, when, and in which words.

A message is a text, an e-mail or a letter by a dated template. It is not an attempt: nobody has been reached by it. Its
words hold no name and say nothing of a result, because a phone is read by others. Moments go in aware.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from ringfence.rules import ages
from ringfence.rules.calendar import DAY, LONDON, london_date, london_moment
from ringfence.rules.isolation import spoken_date
from ringfence.rules.results import email as read_email
from ringfence.rules.results import phone as read_phone

QUIET_FROM, QUIET_UNTIL = time(20), time(8)
"""London time; no text is sent from the first until the second."""

LONGEST_TEXT = 918
"""Characters of a text message: six parts, the most that GOV.UK Notify sends."""

LONGEST_BODY = 5000
LONGEST_SUBJECT = 200

LINK_DAYS = 7
"""Days for which a link to the form opens."""


def lies_until(written_at: datetime) -> datetime:
    """Until when a message lies in the folder of a machine without a provider: as long as a link in it opens anything."""
    return written_at + timedelta(days=LINK_DAYS)


SILENT = timedelta(hours=4)
"""How long after somebody's last step in the form it counts as left unfinished."""

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720))
"""How long to wait after each failed try to hand a message over; after the last it has failed."""

RECEIPTS = tuple(timedelta(hours=hours) for hours in (1 / 60, 1 / 12, 0.5, 2, 6, 24, 48, 73, 7 * 24))
"""How long after sending to ask for the receipt; after the last no more. A text is tried for 72 hours."""


class Channel(StrEnum):
    """How a message goes out."""

    TEXT = "text"
    EMAIL = "email"
    LETTER = "letter"

    @property
    def words(self) -> str:
        return {"text": "text message", "email": "email", "letter": "letter"}[self]


LANGUAGES = {
    "en": "English",
    "pl": "Polish",
    "ur": "Urdu",
    "bn": "Bengali",
    "gu": "Gujarati",
    "pa": "Punjabi",
}

OWN_NAMES = {"polski": "pl", "bangla": "bn", "panjabi": "pa", "sylheti": "bn"}

RIGHT_TO_LEFT = frozenset({"ur"})


def language(text: str) -> str:
    """The code of the language that somebody is recorded to speak; "en" when there are no texts in it."""
    said = text.strip().lower()
    names = {name.lower(): code for code, name in LANGUAGES.items()} | OWN_NAMES
    return names.get(said, said if said in LANGUAGES else "en")


@dataclass(frozen=True, slots=True)
class Kind:
    """What messages there are. ``holds`` are the placeholders of its templates, all of which a template must have."""

    key: str
    name: str
    about: str
    holds: frozenset[str]
    channels: tuple[Channel, ...]
    languages: frozenset[str] = frozenset(LANGUAGES)


_ALL = tuple(Channel)

KINDS: dict[str, Kind] = {
    kind.key: kind
    for kind in (
        Kind(
            "invitation",
            "Link to the form",
            "Asks somebody who tested positive to fill in the form on the web.",
            frozenset({"link"}),
            (Channel.TEXT, Channel.EMAIL),
        ),
        Kind("missed", "We tried to call", "After calls that nobody answered.", frozenset(), _ALL),
        Kind("isolation", "Stay at home until", "The dates, after they were told.", frozenset({"until"}), _ALL),
        Kind("changed", "The dates have changed", "When a new date was worked out.", frozenset({"until"}), _ALL),
        Kind("ended", "No longer need to stay at home", "When isolation ends early.", frozenset(), _ALL),
        Kind(
            "digest",
            "The director's morning email",
            "To directors and analysts who want it, each morning: numbers alone, without names and places.",
            frozenset({"area", "cases", "found", "actions", "page"}),
            (Channel.EMAIL,),
            frozenset({"en"}),
        ),
    )
}

BY_HAND = ("invitation", "missed", "isolation")
"""The kinds that a tracer sends; the others follow from changes of dates."""

_PLACEHOLDER = re.compile(r"\(\(([^()]*)\)\)")

LEFT_OUT = "(link)"
"""What a message is kept with in place of the link that it was sent with."""


def problems(kind: str, channel: str, subject: str, body: str) -> dict[str, str]:
    """What is wrong with a template: field ("subject" or "body") and what to do; empty when it can be used."""
    found = {}
    about = KINDS[kind]
    named = set(_PLACEHOLDER.findall(subject + body))
    unknown = sorted(named - about.holds)
    missing = sorted(about.holds - set(_PLACEHOLDER.findall(body)))
    limit = LONGEST_TEXT if channel == Channel.TEXT else LONGEST_BODY
    if not body.strip():
        found["body"] = "Write the message."
    elif unknown:
        known = ", ".join(f"(({name}))" for name in sorted(about.holds)) or "no placeholder"
        found["body"] = f"This message knows nothing of (({unknown[0]})); it has {known}."
    elif missing:
        found["body"] = f"The message must have (({missing[0]})): it is put in when the message is sent."
    elif len(body) > limit:
        found["body"] = f"Use at most {limit} characters; this has {len(body)}."
    if channel == Channel.TEXT and subject:
        found["subject"] = "A text message has no subject."
    elif channel != Channel.TEXT and not subject.strip():
        found["subject"] = "Write the subject."
    elif len(subject) > LONGEST_SUBJECT:
        found["subject"] = f"Use at most {LONGEST_SUBJECT} characters; this has {len(subject)}."
    return found


def fill(text: str, values: Mapping[str, str], code: str) -> str:
    """``text`` with its placeholders filled. A value that is an ISO date is said as people who read ``code`` say it."""
    return _PLACEHOLDER.sub(lambda found: said(values[found[1]], code), text)


def said(value: str, code: str) -> str:
    """An ISO date in words in English and in figures elsewhere; any other value as it is."""
    try:
        on = date.fromisoformat(value)
    except ValueError:
        return value
    if code == "en":
        return spoken_date(on)
    return f"{on:%d.%m.%Y}" if code == "pl" else f"{on:%d/%m/%Y}"


def quiet(channel: str, now: datetime) -> bool:
    """Whether it is too late or too early for a message of this channel."""
    if channel != Channel.TEXT:
        return False
    clock = now.astimezone(LONDON).time()
    return clock >= QUIET_FROM or clock < QUIET_UNTIL


def send_after(channel: str, now: datetime) -> datetime:
    """The first moment from ``now`` on at which a message may go out, in UTC."""
    if not quiet(channel, now):
        return now.astimezone(UTC)
    on = london_date(now)
    if now.astimezone(LONDON).time() >= QUIET_FROM:
        on += DAY
    return london_moment(on, QUIET_UNTIL)


def pause(tries: int) -> timedelta | None:
    """How long to wait after so many failed tries (1 or more); None when it is time to give up."""
    return PAUSES[tries - 1] if tries <= len(PAUSES) else None


def next_receipt(sent_at: datetime, now: datetime) -> datetime | None:
    """When to ask for a receipt next; None when no more is asked."""
    return next((sent_at + after for after in RECEIPTS if sent_at + after > now), None)


def mobile(number: str) -> bool:
    """Whether a number, as ``rules.results.phone`` writes it, takes texts: a British mobile, or one of abroad."""
    if number.startswith("07"):
        return len(number) == 11 and (number.startswith("07624") or not number.startswith(("070", "076")))
    return number.startswith("+")


def address(channel: str, to: str) -> str:
    """The address as it is kept, for a channel: digits of a mobile, an e-mail address, lines of a letter; "" for none."""
    if channel == Channel.TEXT:
        number = read_phone(to.strip())
        return number if mobile(number) else ""
    if channel == Channel.EMAIL:
        return read_email(to)
    lines = [" ".join(line.split()) for line in to.splitlines() if line.strip()]
    return "\n".join(lines[:7]) if len(lines) >= 3 else ""


@dataclass(frozen=True, slots=True)
class Reachable:
    """What is known of how somebody can be written to. ``phones`` and ``emails`` in the order in which to use them."""

    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    name: str = ""
    address: str = ""
    postcode: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """How to write to somebody: channel and address, or neither, and why."""

    channel: str
    to: str
    why: str

    @property
    def found(self) -> bool:
        return bool(self.to)


def way(known: Reachable, channels: Iterable[Channel], stopped: Collection[tuple[str, str]] = ()) -> Way:
    """The first of ``channels`` by which somebody can be written to.

    ``stopped`` are the channels and addresses on which they want no messages; letters are not stopped.
    """
    declined = False
    for channel in channels:
        for given in _addresses(known, channel):
            to = address(channel, given)
            if to and channel != Channel.LETTER and (channel, to) in stopped:
                declined = True
            elif to:
                return Way(channel, to, f"by {channel.words}")
    if declined:
        return Way("", "", "They asked for no messages.")
    return Way("", "", "No mobile number and no email address is known.")


def _addresses(known: Reachable, channel: Channel) -> tuple[str, ...]:
    if channel is Channel.TEXT:
        return known.phones
    if channel is Channel.EMAIL:
        return known.emails
    if not known.address or not known.postcode:
        return ()
    lines = [known.name, *(part.strip() for part in known.address.replace("\n", ",").split(",")), known.postcode]
    return ("\n".join(line for line in lines if line),)


def invitation(
    known: Reachable,
    *,
    birth_date: date | None,
    care_home: bool,
    team_kind: str,
    on: date,
    stopped: Collection[tuple[str, str]] = (),
) -> Way:
    """Whether and how the service invites a case to the form by itself; ``on`` is the London day.

    Not under 18, whose parent or guardian is called first; not in a care home, whose staff are; not where the local team
    has the trace from the start and decides itself.
    """
    if team_kind not in ("national", "pool"):
        return Way("", "", "The local team decides whom it writes to.")
    if care_home:
        return Way("", "", "People in care homes are not written to.")
    if birth_date is None:
        return Way("", "", "Without a birth date the link cannot be opened.")
    if ages.under_18(birth_date, None, on):
        return Way("", "", "Under 18: the parent or guardian is called first.")
    return way(known, (Channel.TEXT, Channel.EMAIL), stopped)


def link_refused(reason: str, birth_date: date | None, adult: bool | None, *, guardian: bool, to: str, on: date) -> str:
    """Why no link to the form is sent about somebody by hand; "" when it is.

    ``guardian``: a parent or guardian was spoken to and gave the address ``to``.
    """
    if reason != "case":
        return "Only somebody who tested positive fills in the form."
    if birth_date is None:
        return "Without a birth date on the record the link cannot be opened."
    if ages.under_18(birth_date, adult, on) and not (guardian and to):
        return "Under 18: send the link to a parent or guardian you have spoken to, at the address that they gave."
    return ""


def moot(kind: str, *, closed: bool, reached: bool) -> str:
    """Why a message that is waiting is not sent any more; "" when it is."""
    if kind == "missed" and reached:
        return "They were reached before it was sent."
    if kind in ("invitation", "missed") and closed:
        return "The trace was closed before it was sent."
    return ""
