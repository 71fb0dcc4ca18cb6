"""Messages: queued in the transaction of what they tell of, sent by the worker, never twice. They are not attempts."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.actions.errors import Invalid, NotFound
from ringfence.rules import messages as rules
from ringfence.rules.access import Refused, Scope
from ringfence.rules.calendar import london_date
from ringfence.rules.messages import KINDS, Channel, Reachable, Way

#: Somebody who tested positive is invited within this time, or not by the service itself.
FRESH = timedelta(hours=24)

#: Traces are numbered before their transaction ends: none older than this can still appear behind the mark.
SETTLED = timedelta(minutes=15)

MANY = 5_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A message to queue: about a trace, of a kind of ``rules.messages.KINDS``.

    ``key`` makes it once. ``values`` fill the template's placeholders, dates in ISO 8601. Without ``channel`` the
    person is written to by the first way there is: text, e-mail, then letter; without ``to`` at the address known.
    ``guardian``: ``to`` is that of a parent or guardian who was spoken to.
    """

    trace: int
    kind: str
    key: str
    values: Mapping[str, str] = field(default_factory=dict)
    channel: str = ""
    to: str = ""
    guardian: bool = False


@dataclass(frozen=True, slots=True)
class Queued:
    """What became of what was asked: the numbers of the messages queued, how many were known already by their key, and
    the traces whose person cannot be written to, each with why."""

    messages: tuple[int, ...]
    known: int
    without: Mapping[int, str]


_ABOUT = """
SELECT t.id, t.person_id, t.team_id, t.area, t.reason, p.birth_date, p.adult, p.language, t.phone, p.phone, p.phone_other, p.email,
    p.given_name || ' ' || p.family_name, p.address, p.postcode,
    (SELECT coalesce(json_agg(json_build_array(d.kind, d.value) ORDER BY d.added_at DESC), '[]')::text
     FROM details d WHERE d.person_id = p.id AND d.wrong_at IS NULL),
    (SELECT coalesce(json_agg(json_build_array(o.channel, o.address)), '[]')::text
     FROM opt_outs o WHERE o.person_id = p.id)
FROM traces t JOIN people p ON p.id = t.person_id WHERE t.id = ANY (%s)
"""

#: The template in use at a moment: of those begun by then the latest version, in the language asked for or in English.
_TEMPLATES = """
SELECT DISTINCT ON (w.kind, w.channel, w.language) w.kind, w.channel, w.language, t.id, t.language
FROM unnest(%(kinds)s::text[], %(channels)s::text[], %(languages)s::text[]) AS w (kind, channel, language)
JOIN templates t ON t.key = w.kind AND t.channel = w.channel AND t.language IN (w.language, 'en')
    AND t.from_at <= %(now)s
ORDER BY w.kind, w.channel, w.language, (t.language = w.language) DESC, t.from_at DESC, t.version DESC
"""

_QUEUE = """
INSERT INTO messages (ref, key, person_id, trace_id, template_id, channel, language, "to", values, state, state_at,
    send_after, created_at, created_by, team_id)
SELECT ref, key, person, trace, template, channel, language, address, given::jsonb, 'waiting', %(now)s, send_after,
    %(now)s, %(user)s, team
FROM unnest(%(ref)s::text[], %(key)s::text[], %(person)s::bigint[], %(trace)s::bigint[], %(template)s::bigint[],
    %(channel)s::text[], %(language)s::text[], %(to)s::text[], %(values)s::text[], %(send_after)s::timestamptz[],
    %(team)s::bigint[])
    AS m (ref, key, person, trace, template, channel, language, address, given, send_after, team)
ON CONFLICT (key) DO NOTHING
RETURNING id, trace_id, person_id, team_id
"""


@dataclass(frozen=True, slots=True)
class _Person:
    trace: int
    person: int
    team: int
    area: str
    reason: str
    birth_date: date | None
    adult: bool | None
    language: str
    known: Reachable
    stopped: frozenset[tuple[str, str]]


def queue(*, asked: Sequence[Asked], by: Scope, now: datetime) -> Queued:
    """Queue messages, in the caller's transaction when there is one. They go out when that has ended, not before.

    A person may write about the traces of their own teams. Raises Invalid, NotFound, Refused.
    """
    if by.name == "person":
        by.require("trace")
    for each in asked:
        _check(each)
    if not asked:
        return Queued((), 0, {})
    with walls.transaction(by):
        about = _about([each.trace for each in asked])
        ways: list[tuple[Asked, _Person, Way]] = []
        without = {}
        for each in asked:
            person = about.get(each.trace)
            if person is None:
                raise NotFound("There is no such trace that you may see.")
            if by.name == "person" and person.team not in by.teams:
                raise Refused("Only the team that has the trace writes to its person.")
            _must_open(each, person, now)
            way = _way(each, person)
            if way.found:
                ways.append((each, person, way))
            else:
                without[each.trace] = way.why
        made = _insert(ways, by, now)
    return Queued(tuple(made), len(ways) - len(made), without)


def _check(asked: Asked) -> None:
    if asked.kind not in KINDS:
        raise Invalid("kind", f"There is no message {asked.kind!r}; choose one of {', '.join(KINDS)}.")
    kind = KINDS[asked.kind]
    if asked.channel and asked.channel not in kind.channels:
        raise Invalid("channel", f"“{kind.name}” is sent by {' or '.join(each.words for each in kind.channels)}.")
    needed = kind.holds - {"link"} - set(asked.values)
    if needed:
        raise Invalid("values", f"“{kind.name}” needs {', '.join(sorted(needed))}.")
    if asked.to and not rules.address(asked.channel, asked.to):
        raise Invalid("to", WRONG.get(asked.channel, "Choose how to write to them."))
    if not asked.key or len(asked.key) > 80:
        raise Invalid("key", "A key has 1 to 80 characters.")


WRONG: dict[str, str] = {
    Channel.TEXT: "Enter a mobile number, like 07700 900982.",
    Channel.EMAIL: "Enter an email address, like name@example.com.",
    Channel.LETTER: "Enter an address of three lines or more, the last one the postcode.",
}


def _about(traces: Sequence[int]) -> dict[int, _Person]:
    with connection.cursor() as cursor:
        cursor.execute(_ABOUT, [list(dict.fromkeys(traces))])
        return {row[0]: _person(row) for row in cursor.fetchall()}


def _person(row: Any) -> _Person:
    trace, person, team, area, reason, born, adult, language, number, *rest = row
    phone, other, email, name, address, postcode, details, stopped = rest
    told: dict[str, list[str]] = {"phone": [], "email": [], "address": []}
    for kind, value in json.loads(details):
        told[kind].append(value)
    known = Reachable(
        phones=tuple(dict.fromkeys(each for each in (*told["phone"], number, phone, other) if each)),
        emails=tuple(each for each in (*told["email"], email) if each),
        name=name.strip(),
        address=address,
        postcode=postcode,
    )
    declined = frozenset((channel, to) for channel, to in json.loads(stopped))
    return _Person(trace, person, team, area, reason, born, adult, rules.language(language), known, declined)


def _way(asked: Asked, person: _Person) -> Way:
    kind = KINDS[asked.kind]
    channels = (Channel(asked.channel),) if asked.channel else kind.channels
    if not asked.to:
        return rules.way(person.known, channels, person.stopped)
    to = rules.address(asked.channel, asked.to)
    if (asked.channel, to) in person.stopped:
        return Way("", "", "They asked for no messages there.")
    return Way(asked.channel, to, "as given")


def _must_open(asked: Asked, person: _Person, now: datetime) -> None:
    """Raise Invalid for a link that is not to be sent."""
    if "link" not in KINDS[asked.kind].holds:
        return
    refused = rules.link_refused(
        person.reason, person.birth_date, person.adult, guardian=asked.guardian, to=asked.to, on=london_date(now)
    )
    if refused:
        raise Invalid("to", refused)


def _insert(ways: Sequence[tuple[Asked, _Person, Way]], by: Scope, now: datetime) -> list[int]:
    if not ways:
        return []
    wanted = {(asked.kind, way.channel, person.language) for asked, person, way in ways}
    kinds, channels, languages = (list(column) for column in zip(*wanted, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_TEMPLATES, {"kinds": kinds, "channels": channels, "languages": languages, "now": now})
        templates = {(kind, channel, code): (number, said) for kind, channel, code, number, said in cursor.fetchall()}
        missing = sorted(wanted - set(templates))
        if missing:
            raise Invalid("kind", f"There is no template {missing[0][0]!r} for a {missing[0][1]} yet.")
        found = [templates[asked.kind, way.channel, person.language] for asked, person, way in ways]
        cursor.execute(
            _QUEUE,
            {
                "now": now,
                "user": by.user or None,
                "ref": [secrets.token_hex(16) for _ in ways],
                "key": [asked.key for asked, _, _ in ways],
                "person": [person.person for _, person, _ in ways],
                "trace": [person.trace for _, person, _ in ways],
                "template": [number for number, _ in found],
                "channel": [way.channel for _, _, way in ways],
                "language": [said for _, said in found],
                "to": [way.to for _, _, way in ways],
                "values": [json.dumps(dict(asked.values)) for asked, _, _ in ways],
                "send_after": [rules.send_after(way.channel, now) for _, _, way in ways],
                "team": [person.team for _, person, _ in ways],
            },
        )
        rows: list[tuple[int, int, int, int]] = cursor.fetchall()
    areas = {person.trace: person.area for _, person, _ in ways}
    auditing.record_many(
        "message.queued",
        [
            {"person": person, "trace": trace, "team": team, "area": areas[trace], "detail": {"message": number}}
            for number, trace, person, team in rows
        ],
        by=by,
        now=now,
    )
    return [number for number, *_ in rows]


@dataclass(frozen=True, slots=True)
class Invited:
    """How many traces were looked at, and how many of their people were invited."""

    looked_at: int
    invited: int


_NEW = """
SELECT t.id, t.created_at, t.person_id, k.kind, p.birth_date, p.care_home OR c.care_home,
    t.reason = 'case' AND t.closed_at IS NULL AND t.attempts = 0 AND t.claimed_by IS NULL AND t.created_at > %(fresh)s
FROM (SELECT * FROM traces WHERE id > %(through)s ORDER BY id LIMIT %(many)s) t
JOIN teams k ON k.id = t.team_id JOIN people p ON p.id = t.person_id LEFT JOIN cases c ON c.id = t.case_id
ORDER BY t.id
"""

_MARKED = """
INSERT INTO marks (key, through, at) VALUES ('invited', %(through)s, %(now)s)
ON CONFLICT (key) DO UPDATE SET through = greatest(marks.through, excluded.through), at = excluded.at
"""


def invite(*, by: Scope, now: datetime) -> Invited:
    """Invite new cases to the form, each once: those the service may write to by itself, by text or else by e-mail.

    Traces are looked at in the order of their numbers; a mark keeps how far. Idle, this is one look at an empty range.
    """
    with walls.transaction(by), connection.cursor() as cursor:
        # One at a time: two workers would look at the same traces, and the key alone would tell them apart.
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('invite'))")
        if not cursor.fetchone()[0]:
            return Invited(0, 0)
        cursor.execute("SELECT through FROM marks WHERE key = 'invited'")
        row = cursor.fetchone()
        through = row[0] if row else 0
        cursor.execute(_NEW, {"through": through, "many": MANY, "fresh": now - FRESH})
        rows = cursor.fetchall()
        if not rows:
            return Invited(0, 0)
        about = _about([row[0] for row in rows if row[-1]])
        on = london_date(now)
        asked = []
        for trace, _, _, team_kind, birth_date, care_home, wanted in rows:
            if not wanted:
                continue
            person = about[trace]
            way = rules.invitation(
                person.known,
                birth_date=birth_date,
                care_home=care_home,
                team_kind=team_kind,
                on=on,
                stopped=person.stopped,
            )
            if way.found:
                asked.append((Asked(trace, "invitation", f"invitation:{trace}"), person, way))
        made = _insert(asked, by, now)
        unsettled = next((row[0] for row in rows if row[1] > now - SETTLED), None)
        reached = rows[-1][0] if unsettled is None else unsettled - 1
        if reached > through:
            cursor.execute(_MARKED, {"through": reached, "now": now})
    return Invited(len(rows), len(made))


def stop(*, trace: int, channel: str, to: str, why: str, by: Scope, now: datetime) -> None:
    """Record that the person of a trace wants no messages of a channel at an address. Raises Invalid, NotFound, Refused."""
    by.require("trace")
    if channel not in (Channel.TEXT, Channel.EMAIL):
        raise Invalid("channel", "Choose texts or emails; letters about isolation are not stopped.")
    address = rules.address(channel, to)
    if not address:
        raise Invalid("to", WRONG[channel])
    with walls.transaction(by):
        person = _about([trace]).get(trace)
        if person is None:
            raise NotFound("There is no such trace that you may see.")
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO opt_outs (person_id, channel, address, at, user_id, why) VALUES (%s, %s, %s, %s, %s, %s)"
                " ON CONFLICT (channel, address) DO NOTHING",
                [person.person, channel, address, now, by.user or None, why[:200]],
            )
        auditing.record(
            "message.stopped",
            by=by,
            now=now,
            person=person.person,
            trace=trace,
            team=person.team,
            area=person.area,
            detail={"channel": channel},
        )
