"""Who opened whose record, and what else was done: for information governance."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from ringfence.queries import audit as queries
from ringfence.web.rendering import page
from ringfence.web.visitor import StaffRequest

SECTION = "/audit"

#: What an act is called on the page; an act that is not here is shown by its own name.
WORDS = {
    "trace.claimed": "Took and opened the trace",
    "trace.opened": "Opened the record",
    "list.opened": "Opened a list",
    "attempt.recorded": "Recorded an attempt",
    "note.added": "Left a note",
    "trace.put_back": "Put it back in the queue",
    "trace.given": "Gave it to a person",
    "trace.given_back": "Gave it back",
    "trace.escalated": "Escalated it",
    "trace.reassigned": "Reassigned it",
    "trace.prioritised": "Changed how urgent it is",
    "trace.handed_over": "Handed over",
    "trace.moved": "Moved with the person",
    "trace.reopened": "Opened again: a number came",
    "trace.woken": "Put back in the queue by the clock",
    "trace.brought_forward": "Brought forward: a form was left unfinished",
    "message.queued": "Wrote a message",
    "message.sent": "Sent a message",
    "message.delivered": "A message was delivered",
    "message.failed": "A message could not be delivered",
    "message.cancelled": "Did not send a message",
    "message.stopped": "Recorded that somebody wants no messages",
    "resident.knocked": "Tried a birth date on a link",
    "resident.entered": "Opened their own form",
    "resident.saved": "Saved their own form",
    "resident.finished": "Sent off their own form",
    "template.changed": "Changed the text of a message",
    "templates.installed": "Installed texts of messages",
    "handover.seen": "Marked hand-overs as seen",
    "case.opened": "Opened a case",
    "delivery.received": "Received a delivery",
    "delivery.done": "Read a delivery",
    "delivery.refused": "Refused a delivery",
    "quarantine.settled": "Settled a row in quarantine",
    "partnership.established": "Offered the partnership",
    "partnership.agreed": "Recorded the agreement",
    "partnership.joined": "Recorded the joining",
    "policy.recorded": "Recorded a policy",
    "policy.applied": "Took up a policy",
    "team.opened": "Opened a team",
    "user.added": "Added a person",
    "user.lent": "Lent a person",
    "user.password": "Set a password",
    "user.activated": "Let a person sign in again",
    "user.deactivated": "Stopped a person from signing in",
    "role.given": "Gave a role",
    "role.ended": "Ended a role",
    "lending.ended": "Ended a lending",
}


@require_safe
def audit(request: StaffRequest) -> HttpResponse:
    request.scope.require("audit")
    given = request.GET
    before = given.get("before", "")
    who, ref = given.get("who", "").strip()[:120], given.get("trace", "").strip()[:8]
    what = "all" if given.get("what") == "all" else "opened"
    found = queries.recent(
        scope=request.scope,
        now=request.now,
        opened=what == "opened",
        who=who.replace("\0", ""),
        ref=ref.replace("\0", ""),
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
    )
    return page(
        request,
        "audit.jinja",
        title="Records opened",
        section=SECTION,
        found=found,
        words=WORDS,
        who=who,
        trace=ref,
        what=what,
        whats=[("opened", "Records and lists opened"), ("all", "Everything that was done")],
    )
