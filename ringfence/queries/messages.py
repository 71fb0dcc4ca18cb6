"""Messages as they stand: a team's outbox. Those of one trace are in its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from ringfence.accounts import walls
from ringfence.queries.lines import opened_list
from ringfence.rules.access import Scope
from ringfence.rules.messages import KINDS, Channel

PAGE = 50


@dataclass(frozen=True, slots=True)
class Message:
    """One message. ``trace_ref`` is empty for one to somebody of the staff. ``body`` is what was sent, with a link left out;
    ``error`` why it was not. ``by_name`` is empty for the service itself. ``ref`` names it, and is no secret."""

    id: int
    ref: str
    trace_ref: str
    kind: str
    channel: str
    language: str
    to: str
    subject: str
    body: str
    state: str
    state_at: datetime
    send_after: datetime
    created_at: datetime
    sent_at: datetime | None
    received_at: datetime | None
    tries: int
    error: str
    by_name: str

    @property
    def name(self) -> str:
        """What it is: "Link to the form"."""
        return KINDS[self.kind].name if self.kind in KINDS else self.kind

    @property
    def way(self) -> str:
        return Channel(self.channel).words

    @property
    def said(self) -> str:
        """Where it stands, as a phrase."""
        if self.state in ("waiting", "sending"):
            return "tried again later" if self.error else "waiting"
        return {
            "sent": "sent",
            "delivered": "delivered",
            "failed": "could not be delivered",
            "cancelled": "not sent",
        }[self.state]


_MESSAGES = """
SELECT m.id, m.ref, coalesce(t.ref, ''), x.key, m.channel, m.language, m."to", m.subject, m.body, m.state, m.state_at, m.send_after,
    m.created_at, m.sent_at, m.received_at, m.tries, m.error, coalesce(u.name, '')
FROM messages m JOIN templates x ON x.id = m.template_id LEFT JOIN traces t ON t.id = m.trace_id
LEFT JOIN users u ON u.id = m.created_by
"""


@dataclass(frozen=True, slots=True)
class Outbox:
    """A page of messages, newest first; ``before`` is where the next page goes on."""

    messages: tuple[Message, ...]
    before: int | None


def outbox(*, scope: Scope, now: datetime, before: int | None = None) -> Outbox:
    """The messages about the traces of one's teams, and those to oneself; looking at the former is logged. Raises Refused."""
    if not scope.may("area"):
        scope.require("trace")
    mine = "m.team_id = ANY (%s) OR m.reader = %s" if scope.may("area") else "m.team_id = ANY (%s)"
    arguments = [list(scope.teams), *([scope.user] if scope.may("area") else []), before, before, PAGE + 1]
    with walls.transaction(scope):
        with connection.cursor() as cursor:
            cursor.execute(
                f"{_MESSAGES} WHERE ({mine}) AND (%s::bigint IS NULL OR m.id < %s) ORDER BY m.id DESC LIMIT %s",
                arguments,
            )
            rows = [Message(*row) for row in cursor.fetchall()]
        people = sum(bool(each.trace_ref) for each in rows[:PAGE])
        opened_list("outbox", scope.teams[0] if scope.teams else None, people, scope, now)
    return Outbox(tuple(rows[:PAGE]), rows[PAGE - 1].id if len(rows) > PAGE else None)


def digest_wanted(*, scope: Scope, now: datetime) -> bool | None:
    """Whether the reader said that they want the morning's e-mail of their areas; None when they said nothing."""
    with walls.transaction(scope), connection.cursor() as cursor:
        cursor.execute("SELECT wanted FROM digest_choices WHERE user_id = %s", [scope.user])
        row = cursor.fetchone()
    return None if row is None else bool(row[0])
