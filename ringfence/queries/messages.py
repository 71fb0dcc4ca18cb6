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
    """One message. ``body`` is what was sent, with a link left out; ``error`` why it was not. ``by_name`` is empty for
    the service itself. ``ref`` names it, and is no secret."""

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
SELECT m.id, m.ref, t.ref, x.key, m.channel, m.language, m."to", m.subject, m.body, m.state, m.state_at, m.send_after,
    m.created_at, m.sent_at, m.received_at, m.tries, m.error, coalesce(u.name, '')
FROM messages m JOIN templates x ON x.id = m.template_id JOIN traces t ON t.id = m.trace_id
LEFT JOIN users u ON u.id = m.created_by
"""


@dataclass(frozen=True, slots=True)
class Outbox:
    """A page of messages, newest first; ``before`` is where the next page goes on."""

    messages: tuple[Message, ...]
    before: int | None


def outbox(*, scope: Scope, now: datetime, before: int | None = None) -> Outbox:
    """The messages about the traces of one's teams; looking at them is logged. Raises Refused."""
    scope.require("trace")
    with walls.transaction(scope):
        with connection.cursor() as cursor:
            cursor.execute(
                f"{_MESSAGES} WHERE m.team_id = ANY (%s) AND (%s::bigint IS NULL OR m.id < %s)"
                " ORDER BY m.id DESC LIMIT %s",
                [list(scope.teams), before, before, PAGE + 1],
            )
            rows = [Message(*row) for row in cursor.fetchall()]
        opened_list("outbox", scope.teams[0] if scope.teams else None, len(rows[:PAGE]), scope, now)
    return Outbox(tuple(rows[:PAGE]), rows[PAGE - 1].id if len(rows) > PAGE else None)
