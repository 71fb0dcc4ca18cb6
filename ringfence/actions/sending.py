"""Sending what is queued, and asking what became of it.

Three short transactions a batch, with the network between them and never inside. What is taken up says so before it is
sent; after a process was killed in between, or an answer was lost, the provider is asked for our reference before
anything is sent again. So nothing is sent twice, and nothing that was taken up stays behind.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.base.env import env
from ringfence.gateways.messages import Accepted, Folder, Gateway, Later, Notify, Outgoing, Receipt, Refused
from ringfence.rules import messages as rules
from ringfence.rules.access import Scope

#: For as long as this nobody else takes up what somebody is sending. Longer than a batch takes when nothing answers.
LEASE = timedelta(minutes=10)

BATCH = 100

#: Messages on their way at once.
AT_ONCE = 8

GAVE_UP = "No receipt came."


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one look did: how many were sent, put off, refused for good, and not sent because there was no reason left."""

    sent: int = 0
    later: int = 0
    failed: int = 0
    cancelled: int = 0


@dataclass(frozen=True, slots=True)
class _Taken:
    """A message that this process has taken up. ``unsure``: it may have been sent before."""

    id: int
    ref: str
    trace: int | None
    channel: str
    language: str
    to: str
    values: Mapping[str, Any]
    kind: str
    subject: str
    body: str
    tries: int
    unsure: bool
    moot: str


def gateway() -> Gateway:
    """The gateway that the settings name."""
    if not env.notify_key:
        return outbox()
    templates = {"text": env.notify_text, "email": env.notify_email, "letter": env.notify_letter}
    return Notify(key=env.notify_key, url=env.notify_url, templates=templates)


def outbox() -> Folder:
    """The folder in which messages lie when no provider is set."""
    return Folder(env.home / "outbox")


def clear_outbox(*, now: datetime, folder: Folder | None = None) -> int:
    """Remove messages from the folder whose links open nothing any more; how many. The record keeps what was said."""
    return (folder or outbox()).clear(lambda written_at: rules.lies_until(written_at) <= now)


_TAKE = """
WITH picked AS MATERIALIZED (
    SELECT m.id, m.state FROM messages m
    WHERE m.state IN ('waiting', 'sending') AND m.send_after <= %(now)s AND (m.channel <> 'text' OR NOT %(quiet)s)
    ORDER BY m.send_after, m.id LIMIT %(batch)s FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE messages m SET state = 'sending', state_at = %(now)s, send_after = %(lease)s, tries = m.tries + 1
    FROM picked k WHERE m.id = k.id
    RETURNING m.*, k.state AS before
)
SELECT m.id, m.ref, m.trace_id, m.channel, m.language, m."to", m.values::text, x.key, x.subject, x.body, m.tries,
    m.before = 'sending', t.closed_at IS NOT NULL, t.reached_at IS NOT NULL,
    m.channel <> 'letter' AND EXISTS (SELECT 1 FROM opt_outs o WHERE o.channel = m.channel AND o.address = m."to")
FROM taken m JOIN templates x ON x.id = m.template_id LEFT JOIN traces t ON t.id = m.trace_id
ORDER BY m.id
"""


def deliver(*, by: Scope, now: datetime, through: Gateway | None = None) -> Delivered:
    """Send what is due, at most one batch. Several processes at once send each message once."""
    with walls.transaction(by), connection.cursor() as cursor:
        quiet = rules.quiet(rules.Channel.TEXT, now)
        cursor.execute(_TAKE, {"now": now, "quiet": quiet, "batch": BATCH, "lease": now + LEASE})
        taken = [_taken(row) for row in cursor.fetchall()]
    if not taken:
        return Delivered()
    sender = through or gateway()
    with ThreadPoolExecutor(min(AT_ONCE, len(taken))) as threads:
        unsure = [each for each in taken if each.unsure]
        found = dict(
            zip((each.id for each in unsure), threads.map(lambda each: sender.find(each.ref), unsure), strict=True)
        )
        done: dict[int, Accepted | Refused | Later] = {number: answer for number, answer in found.items() if answer}
        moot = [each for each in taken if each.id not in done and each.moot]
        sending = [each for each in taken if each.id not in done and not each.moot]
        links = _links(sending, by, now)
        outgoing = [_outgoing(each, links.get(each.id, "")) for each in sending]
        done |= zip((each.id for each in sending), threads.map(sender.send, outgoing), strict=True)
    return _record(taken, done, {each.id: each.moot for each in moot}, by, now)


def _taken(row: Any) -> _Taken:
    *head, values, kind, subject, body, tries, unsure, closed, reached, stopped = row
    number, ref, trace, channel, language, to = head
    moot = "They asked for no messages there." if stopped else rules.moot(kind, closed=closed, reached=reached)
    return _Taken(
        number, ref, trace, channel, language, to, json.loads(values), kind, subject, body, tries, unsure, moot
    )


_LINK = """
INSERT INTO links (trace_id, purpose, token_hash, created_at, expires_at) VALUES (%s, 'interview', %s, %s, %s)
RETURNING id
"""


def _links(sending: Sequence[_Taken], by: Scope, now: datetime) -> dict[int, str]:
    """The address of each message's link. The secret in it is made here, sent, and kept nowhere.

    A message that is sent again after it was certainly not taken gets a new secret for the same link.
    """
    found: dict[int, str] = {}
    wanted = [each for each in sending if "link" in rules.KINDS[each.kind].holds]
    if not wanted:
        return found
    with walls.transaction(by), connection.cursor() as cursor:
        for each in wanted:
            secret = secrets.token_urlsafe(16)
            hashed, expires = hashlib.sha256(secret.encode()).digest(), now + timedelta(days=rules.LINK_DAYS)
            if "link" in each.values:
                cursor.execute(
                    "UPDATE links SET token_hash = %s, expires_at = %s WHERE id = %s",
                    [hashed, expires, each.values["link"]],
                )
            else:
                cursor.execute(_LINK, [each.trace, hashed, now, expires])
                cursor.execute(
                    "UPDATE messages SET values = values || jsonb_build_object('link', %s::bigint) WHERE id = %s",
                    [cursor.fetchone()[0], each.id],
                )
            found[each.id] = f"{env.residents_url}/you/{secret}"
    return found


def _outgoing(each: _Taken, link: str) -> Outgoing:
    values = {name: str(value) for name, value in each.values.items()} | {"link": link}
    return Outgoing(
        each.ref,
        each.channel,
        each.to,
        rules.fill(each.subject, values, each.language),
        rules.fill(each.body, values, each.language),
    )


_RECORD = """
UPDATE messages m SET state = d.state, state_at = %(now)s, send_after = d.send_after, error = d.error,
    provider_ref = d.provider_ref, subject = d.subject, body = d.body,
    sent_at = CASE WHEN d.state = 'sent' THEN %(now)s::timestamptz END,
    values = CASE WHEN d.final THEN '{}'::jsonb ELSE m.values END
FROM unnest(%(id)s::bigint[], %(tries)s::int[], %(state)s::text[], %(send_after)s::timestamptz[], %(error)s::text[],
    %(provider_ref)s::text[], %(subject)s::text[], %(body)s::text[], %(final)s::boolean[])
    AS d (id, tries, state, send_after, error, provider_ref, subject, body, final)
WHERE m.id = d.id AND m.state = 'sending' AND m.tries = d.tries
RETURNING m.id, m.trace_id, m.person_id, m.team_id, m.state
"""


def _record(
    taken: Sequence[_Taken],
    done: Mapping[int, Accepted | Refused | Later],
    moot: Mapping[int, str],
    by: Scope,
    now: datetime,
) -> Delivered:
    columns: dict[str, list[Any]] = {
        name: [] for name in ("id", "tries", "state", "send_after", "error", "provider_ref", "subject", "body", "final")
    }
    for each in taken:
        kept = _outgoing(each, rules.LEFT_OUT)
        state, error, after, provider_ref = _became(each, done.get(each.id), moot.get(each.id, ""), now)
        final = state not in ("waiting", "sending")
        row = {
            "id": each.id,
            "tries": each.tries,
            "state": state,
            "send_after": after,
            "error": error[:200],
            "provider_ref": provider_ref,
            "subject": kept.subject if final else "",
            "body": kept.body if final else "",
            "final": final,
        }
        for name, value in row.items():
            columns[name].append(value)
    with walls.transaction(by), connection.cursor() as cursor:
        cursor.execute(_RECORD, {"now": now, **columns})
        rows: list[tuple[int, int | None, int, int | None, str]] = cursor.fetchall()
        _tell("message.", [row for row in rows if row[-1] in ("sent", "failed", "cancelled")], by, now)
    count = [state for *_, state in rows]
    return Delivered(
        sent=count.count("sent"),
        later=count.count("waiting") + count.count("sending"),
        failed=count.count("failed"),
        cancelled=count.count("cancelled"),
    )


def _became(
    each: _Taken, answer: Accepted | Refused | Later | None, moot: str, now: datetime
) -> tuple[str, str, datetime, str]:
    """State, error, when to look at it next, the provider's reference."""
    if moot:
        return "cancelled", moot, now, ""
    match answer:
        case Accepted(provider_ref):
            return "sent", "", rules.next_receipt(now, now) or now, provider_ref
        case Refused(why):
            return "failed", why or "It was refused.", now, ""
        case Later(why, unsure):
            wait = rules.pause(each.tries)
            if wait is None:
                return "failed", f"Given up after {each.tries} tries. {why}", now, ""
            return "sending" if unsure else "waiting", why, rules.send_after(each.channel, now + wait), ""
        case _:
            raise AssertionError(f"message {each.id} was neither sent nor left")


def _tell(verb: str, rows: Sequence[tuple[int, int | None, int, int | None, str]], by: Scope, now: datetime) -> None:
    for state in sorted({row[-1] for row in rows}):
        auditing.record_many(
            verb + state,
            [
                {"person": person, "trace": trace, "team": team, "detail": {"message": number}}
                for number, trace, person, team, is_now in rows
                if is_now == state
            ],
            by=by,
            now=now,
        )


_DUE = """
WITH picked AS MATERIALIZED (
    SELECT m.id FROM messages m
    WHERE m.state = 'sent' AND m.error = '' AND m.provider_ref <> '' AND m.send_after <= %(now)s
    ORDER BY m.send_after LIMIT %(batch)s FOR UPDATE SKIP LOCKED
)
UPDATE messages m SET send_after = %(lease)s FROM picked k WHERE m.id = k.id
RETURNING m.id, m.provider_ref, m.sent_at
"""

_RECEIVED = """
UPDATE messages m SET state = d.state, error = d.error, send_after = d.send_after,
    state_at = CASE WHEN d.state <> m.state THEN %(now)s ELSE m.state_at END,
    received_at = CASE WHEN d.state = 'delivered' THEN %(now)s ELSE m.received_at END
FROM unnest(%(id)s::bigint[], %(state)s::text[], %(error)s::text[], %(send_after)s::timestamptz[])
    AS d (id, state, error, send_after)
WHERE m.id = d.id AND m.state = 'sent'
RETURNING m.id, m.trace_id, m.person_id, m.team_id, m.state
"""


def receipts(*, by: Scope, now: datetime, through: Gateway | None = None) -> int:
    """Ask what became of messages that were sent, at most one batch; how many are known by now."""
    with walls.transaction(by), connection.cursor() as cursor:
        cursor.execute(_DUE, {"now": now, "batch": BATCH, "lease": now + LEASE})
        due: list[tuple[int, str, datetime]] = cursor.fetchall()
    if not due:
        return 0
    sender = through or gateway()
    with ThreadPoolExecutor(min(AT_ONCE, len(due))) as threads:
        answers = list(threads.map(sender.receipt, [provider_ref for _, provider_ref, _ in due]))
    columns: dict[str, list[Any]] = {"id": [], "state": [], "error": [], "send_after": []}
    for (number, _, sent_at), answer in zip(due, answers, strict=True):
        again = rules.next_receipt(sent_at, now)
        given_up = Receipt("sent", GAVE_UP) if again is None else Receipt("sent")
        known = answer if answer.state else given_up
        for name, value in zip(columns, (number, known.state, known.why, again or now), strict=True):
            columns[name].append(value)
    with walls.transaction(by), connection.cursor() as cursor:
        cursor.execute(_RECEIVED, {"now": now, **columns})
        rows = [row for row in cursor.fetchall() if row[-1] != "sent"]
        _tell("message.", rows, by, now)
    return len(rows)
