"""Who opened whose record, and what else was done: for information governance."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from ringfence.queries import audit as queries
from ringfence.rules.attempts import TraceOutcome
from ringfence.rules.plural import counted
from ringfence.web import words
from ringfence.web.rendering import page
from ringfence.web.visitor import StaffRequest

SECTION = "/audit"

#: What each act that the service records is called on the page.
WORDS = {
    "trace.claimed": "Took and opened the trace",
    "trace.opened": "Opened the record",
    "list.opened": "Opened a list",
    "line list.listed": "Opened the line list",
    "line list.exported": "Took out the line list",
    "alerts.listed": "Looked at the clusters",
    "map.shown": "Looked at the map",
    "people.searched": "Searched for somebody",
    "visit.opened": "Opened a visit",
    "incident.read": "Opened an incident",
    "incident.reported": "Took out the situation report of an incident",
    "incident.opened": "Opened a new incident",
    "incident.case added": "Linked a case to an incident",
    "incident.case removed": "Took a case out of an incident",
    "incident.place added": "Linked a place to an incident",
    "incident.place removed": "Took a place out of an incident",
    "incident.action added": "Wrote down an action or a decision of an incident",
    "incident.action done": "Marked an action of an incident as done",
    "incident.asked": "Asked an authority to take part in an incident",
    "incident.agreed": "Agreed to take part in an incident",
    "incident.declined": "Declined to take part in an incident",
    "incident.left": "Ended that an authority takes part in an incident",
    "incident.closed": "Closed an incident",
    "alert.found": "Found something that stands out",
    "alert.ended": "Ended what had stood out: quiet for long enough, or part of another",
    "alert.dismissed": "Set aside what the methods found",
    "attempt.recorded": "Recorded an attempt",
    "interview.begun": "Began an interview",
    "interview.saved": "Saved answers of an interview",
    "interview.completed": "Completed an interview",
    "interview.taken_up": "Took up the answers of an interview",
    "contact.became_case": "A contact became a case",
    "isolation.changed": "Worked out other days to stay at home",
    "followup.planned": "Planned follow-up calls",
    "followup.became_case": "Ended follow-up calls of a contact who became a case",
    "followup.lost": "Ended a follow-up call: nothing to stay at home for any more",
    "answer.seen": "Marked an answer as seen",
    "detail.added": "Added a number or an address",
    "detail.right": "Marked a number or an address as right",
    "detail.wrong": "Marked a number or an address as wrong",
    "support.done": "Marked help as arranged",
    "visits.planned": "Planned visits",
    "visit.recorded": "Recorded a visit",
    "visit.cancelled": "Cancelled a visit",
    "note.added": "Left a note",
    "trace.put_back": "Put it back in the queue",
    "trace.given_back": "Gave it back",
    "trace.escalated": "Escalated it",
    "trace.handed_over": "Handed over",
    "trace.moved": "Moved with the person",
    "trace.opened_again": "Opened it again: it was closed by mistake",
    "trace.reopened": "Opened again: a number came",
    "trace.spoken_for": "Reached through somebody of the household",
    "trace.bulk_team": "Gave it to another team, with others",
    "trace.bulk_user": "Gave it to a person, with others",
    "trace.bulk_priority": "Changed how urgent it is, with others",
    "trace.bulk_close": "Closed it, with others",
    "trace.bulk_undone": "Took back a change of many traces",
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
    "questionnaires.installed": "Installed questions of interviews",
    "questionnaire.changed": "Changed the questions of an interview",
    "digest.chosen": "Chose whether to get the morning email",
    "digest.queued": "Wrote the morning email",
    "view.saved": "Saved a view of the line list",
    "view.deleted": "Deleted a view of the line list",
    "setting.merged": "Put two places together",
    "setting.parted": "Took two places apart again",
    "setting.sized": "Said how many people are at a place",
    "handover.seen": "Marked hand-overs as seen",
    "case.opened": "Opened a case",
    "delivery.received": "Received a delivery",
    "delivery.batch": "Read a part of a delivery",
    "delivery.done": "Read a delivery",
    "delivery.refused": "Refused a delivery",
    "source.mapped": "Said which column of a source is which",
    "quarantine.settled": "Settled a row in quarantine",
    "partnership.established": "Offered the partnership",
    "partnership.agreed": "Recorded the agreement",
    "partnership.joined": "Recorded the joining",
    "policy.recorded": "Recorded a policy",
    "policy.applied": "Took up a policy",
    "service.policy": "Changed the policy of the service",
    "shapes.given": "Gave the boundaries of an area",
    "shapes.computed": "Worked out the boundaries of an area",
    "search.caught_up": "Made records ready for searching",
    "user.added": "Added a person",
    "user.lent": "Lent a person",
    "user.password": "Set a password",
    "user.activated": "Let a person sign in again",
    "user.deactivated": "Stopped a person from signing in",
    "role.given": "Gave a role",
    "role.ended": "Ended a role",
    "lending.ended": "Ended a lending",
}

#: What the service does by itself, by the scope under which it does it.
SERVICES = {
    "intake": "line lists",
    "sweep": "the clock",
    "interviews": "what interviews say",
    "messages": "messages",
    "detection": "clusters",
    "counting": "figures",
    "digest": "the morning's email",
    "search": "searching",
    "policy": "policies",
    "reconcile": "balances",
    "geography": "maps",
    "statistics": "figures",
    "deliveries": "deliveries",
    "audit": "records opened",
    "accounts": "people and teams",
}

#: What a line list was narrowed by.
FILTERS = {
    "since": "from",
    "until": "until",
    "sector": "postcodes",
    "age_from": "from age",
    "age_until": "to age",
    "outcome": "tracing",
    "care_home": "in care homes",
    "known": "as known on",
}


#: Of the filter for how a trace stands: "open" is said as it is.
OUTCOMES = {each.value: each.words.lower() for each in TraceOutcome}

#: Lists that are called otherwise on their pages.
LISTS = {"setting": "place"}


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
        services=SERVICES,
        shown={event.id: _shown(event.detail) for event in found.events},
        who=who,
        trace=ref,
        what=what,
        whats=[("opened", "Records and lists opened"), ("all", "Everything that was done")],
    )


def _shown(detail: dict[str, Any]) -> str:
    """How many a list showed and what it was narrowed to: "Queue, 12 traces", "3 cases: postcodes LE1"; "" of other acts."""
    if name := detail.get("list"):
        return (
            f"{LISTS.get(name, name)}, {counted(detail.get('traces', 0), 'row' if name == 'quarantine' else 'trace')}"
        )
    for key, one, many in (("people", "case", None), ("alerts", "alert", None), ("found", "person", "people")):
        if isinstance(detail.get(key), int):
            narrowed = detail.get("filters") or {}
            to = [
                f"{said} {_narrowed(name, narrowed[name])}".strip()
                for name, said in FILTERS.items()
                if name in narrowed
            ]
            return counted(detail[key], one, many) + (f" ({', '.join(to)})" if to else "")
    return ""


def _narrowed(name: str, value: Any) -> str:
    """What a line list was narrowed to, in the words of its page."""
    if name in ("since", "until", "known"):
        return words.weekday(date.fromisoformat(value))
    if name == "care_home":
        return ""
    return OUTCOMES.get(value, str(value)) if name == "outcome" else str(value)
