"""Incidents: opened from an alert or by hand, cases and places linked with a reason, actions, and the close with its outcome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, connection
from django.db import transaction as database_transaction

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.actions.checks import words
from ringfence.actions.errors import Invalid, NotFound, Stale
from ringfence.base.references import reference, tidy
from ringfence.casework.models import Incident
from ringfence.rules.access import Refused, Scope
from ringfence.rules.calendar import london_date
from ringfence.rules.settings import HOME


@dataclass(frozen=True, slots=True)
class Opened:
    """The incident that was opened, and how many cases came with the alert."""

    ref: str
    cases: int


# Where the alert's cases were: a postcode may hold several places of a kind, and each of them was named.
_PLACES_OF_ALERT = """
INSERT INTO incident_settings (incident_id, setting_id, why, added_at, added_by)
SELECT DISTINCT %(incident)s, s.id, 'It was in the alert.', %(now)s::timestamptz, %(user)s
FROM alerts a JOIN alert_cases n ON n.alert_id = a.id
JOIN exposures e ON e.case_id = n.case_id AND e.postcode = a.postcode AND e.category = a.category AND e.withdrawn_at IS NULL
JOIN settings m ON m.id = e.setting_id JOIN settings s ON s.id = coalesce(m.merged_into_id, m.id)
WHERE a.id = %(alert)s AND a.method = 'exposure' AND s.authority = %(area)s AND s.kind <> %(home)s
"""


def open_incident(*, area: str, title: str, by: Scope, now: datetime, alert: str = "", summary: str = "") -> Opened:
    """Open an incident in an area; with an alert's reference its cases and the places that they named are linked.

    Raises Refused, NotFound, Invalid (also for an alert that is not to be seen).
    """
    by.require("clusters")
    told = words("title", title, 120, needed="Give it a name, such as the place or the family of places.")
    more = words("summary", summary, 4000)
    if area not in by.areas:
        raise NotFound(f"There is no area {area} that you answer for.")
    with walls.transaction(by), connection.cursor() as cursor:
        found: tuple[Any, ...] = (None, "", "")
        if alert:
            cursor.execute(
                # Locked: of two who open it at one moment the second finds the first one's incident.
                "SELECT id, postcode, evidence FROM alerts WHERE ref = %s AND area = %s FOR UPDATE",
                [tidy(alert), area],
            )
            row = cursor.fetchone()
            if row is None:
                raise Invalid(
                    "alert", f"There is no alert {alert} in this area; look at Clusters, or leave this empty."
                )
            found = row
            cursor.execute("SELECT ref FROM incidents WHERE alert_id = %s AND closed_at IS NULL", [row[0]])
            held = cursor.fetchone()
            if held is not None:
                raise Invalid("alert", f"Incident {held[0]} was opened from this alert already.")
        cursor.execute("SELECT nextval('incidents_id_seq')")
        number = int(cursor.fetchone()[0])
        ref = reference(number)
        cursor.execute(
            "INSERT INTO incidents (id, ref, title, summary, area, alert_id, postcode, opened_at, opened_by)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [number, ref, told, more or found[2], area, found[0], found[1], now, by.user],
        )
        cursor.execute(
            "INSERT INTO incident_cases (incident_id, case_id, area, why, added_at, added_by)"
            " SELECT %s, c.id, %s, 'It was in the alert.', %s, %s FROM alert_cases a JOIN cases c ON c.id = a.case_id"
            " WHERE a.alert_id = %s",
            [number, area, now, by.user, found[0]],
        )
        linked = cursor.rowcount
        cursor.execute(
            _PLACES_OF_ALERT,
            {"incident": number, "alert": found[0], "area": area, "home": HOME, "now": now, "user": by.user},
        )
        auditing.record(
            "incident.opened",
            by=by,
            now=now,
            area=area,
            detail={"incident": number, "alert": found[0], "cases": linked},
        )
    return Opened(ref, linked)


@dataclass(frozen=True, slots=True)
class Held:
    """An incident that is locked until the transaction ends."""

    id: int
    area: str
    version: int
    closed: bool


def hold(ref: str, by: Scope, version: int | None = None) -> Held:
    """The incident, locked. Raises NotFound, and Stale when it has changed since ``version``."""
    by.require("clusters")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, area, version, closed_at IS NOT NULL FROM incidents WHERE ref = %s FOR UPDATE", [tidy(ref)]
        )
        row = cursor.fetchone()
    if row is None:
        raise NotFound(f"There is no incident {ref} that you may see.")
    held = Held(*row)
    if version is not None and held.version != version:
        raise Stale("This incident has changed since you opened it. Nothing was saved.")
    return held


def touch(held: Held, verb: str, by: Scope, now: datetime, **detail: Any) -> None:
    """A next version of the incident, and the audit's event."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE incidents SET version = version + 1 WHERE id = %s", [held.id])
    auditing.record(verb, by=by, now=now, area=held.area, detail={"incident": held.id, **detail})


def must_be_open(held: Held) -> None:
    """Raise Refused for an incident that is closed."""
    if held.closed:
        raise Refused("This incident is closed; nothing more can be changed in it.")


@contextmanager
def changing(incident: str, by: Scope) -> Iterator[Held]:
    """An open incident, locked, in a transaction of its own. Raises NotFound, Refused."""
    with walls.transaction(by):
        held = hold(incident, by)
        must_be_open(held)
        yield held


def add_once(statement: str, values: Sequence[Any], field: str, again: str) -> None:
    """Add a row of an incident. Raises Invalid, with the message ``again``, for one that is there."""
    try:
        with database_transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values)
    except IntegrityError:
        raise Invalid(field, again) from None


def _set_one(statement: str, values: Sequence[Any], missing: str) -> None:
    """Change one row of an incident. Raises NotFound, with the message ``missing``, where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        if cursor.rowcount != 1:
            raise NotFound(missing)


def _found(statement: str, values: Sequence[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()


def add_case(*, incident: str, trace: str, why: str, by: Scope, now: datetime) -> None:
    """Link the case of a trace (its reference). Raises NotFound, Invalid, Refused."""
    told = words("why", why, 200, needed="Say why the case belongs to it.")
    with changing(incident, by) as held:
        row = _found(
            "SELECT c.id, c.authority FROM traces t JOIN cases c ON c.id = t.case_id WHERE t.ref = %s", [tidy(trace)]
        )
        if row is None or row[1] not in by.areas:
            raise Invalid(
                "trace", f"There is no case {trace} of your area; give the reference of its trace, such as K7Q-42M."
            )
        add_once(
            "INSERT INTO incident_cases (incident_id, case_id, area, why, added_at, added_by)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [held.id, row[0], row[1], told, now, by.user],
            "trace",
            f"{tidy(trace)} belongs to this incident already.",
        )
        touch(held, "incident.case added", by, now, case=row[0])


def remove_case(*, incident: str, case: int, why: str, by: Scope, now: datetime) -> None:
    """Take a case out again; that it was in, and why it is not, stays. Raises NotFound, Invalid, Refused."""
    told = words("why", why, 200, needed="Say why the case does not belong to it.")
    with changing(incident, by) as held:
        _set_one(
            "UPDATE incident_cases SET removed_at = %s, removed_by = %s, removed_why = %s"
            " WHERE incident_id = %s AND case_id = %s AND area = ANY (%s) AND removed_at IS NULL",
            [now, by.user, told, held.id, case, list(by.areas)],
            "That case of your area is not in this incident.",
        )
        touch(held, "incident.case removed", by, now, case=case)


def add_setting(*, incident: str, setting: str, why: str, by: Scope, now: datetime) -> str:
    """Link a place (its reference). Gives its name. Raises NotFound, Invalid, Refused."""
    told = words("why", why, 200, needed="Say why the place belongs to it.")
    with changing(incident, by) as held:
        row = _found(
            "SELECT s.id, s.name FROM settings m JOIN settings s ON s.id = coalesce(m.merged_into_id, m.id)"
            " WHERE m.ref = %s AND s.authority = ANY (%s) AND s.kind <> %s",
            [tidy(setting), list(by.areas), HOME],
        )
        if row is None:
            raise Invalid(
                "setting", f"There is no place {setting} of your area; its page under Places says its reference."
            )
        add_once(
            "INSERT INTO incident_settings (incident_id, setting_id, why, added_at, added_by) VALUES (%s, %s, %s, %s, %s)",
            [held.id, row[0], told, now, by.user],
            "setting",
            f"{row[1] or tidy(setting)} belongs to this incident already.",
        )
        touch(held, "incident.place added", by, now, setting=row[0])
        return str(row[1] or tidy(setting))


def remove_setting(*, incident: str, setting: int, why: str, by: Scope, now: datetime) -> None:
    """Take a place out again; that it was in, and why it is not, stays. Raises NotFound, Invalid, Refused."""
    told = words("why", why, 200, needed="Say why the place does not belong to it.")
    with changing(incident, by) as held:
        _set_one(
            "UPDATE incident_settings n SET removed_at = %s, removed_by = %s, removed_why = %s"
            " WHERE n.incident_id = %s AND n.setting_id = %s AND n.removed_at IS NULL"
            " AND EXISTS (SELECT FROM settings s WHERE s.id = n.setting_id AND s.authority = ANY (%s))",
            [now, by.user, told, held.id, setting, list(by.areas)],
            "That place of your area is not in this incident.",
        )
        touch(held, "incident.place removed", by, now, setting=setting)


def add_action(
    *, incident: str, what: str, by: Scope, now: datetime, owner: str = "", due_on: date | None = None
) -> None:
    """Something to be done, with who does it and by when; or, without both, an entry of the log. Raises Invalid."""
    told = words("what", what, 2000, needed="Say what is to be done, or what happened.")
    who = words("owner", owner, 100)
    if due_on is not None and not who:
        raise Invalid("owner", "Say who does it by that day.")
    if who and due_on is None:
        raise Invalid("due_on", "Give the day too: by when it is done.")
    if due_on is not None and due_on < london_date(now):
        raise Invalid("due_on", f"{due_on:%-d %B %Y} is past; give today or a later day.")
    with changing(incident, by) as held:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO incident_actions (incident_id, what, owner, due_on, at, user_id) VALUES (%s, %s, %s, %s, %s, %s)",
                [held.id, told, who, due_on, now, by.user],
            )
        touch(held, "incident.action added", by, now)


def finish_action(*, incident: str, action: int, by: Scope, now: datetime) -> None:
    """An action is done. Raises NotFound, Refused."""
    with changing(incident, by) as held:
        _set_one(
            "UPDATE incident_actions SET done_at = %s, done_by = %s"
            " WHERE id = %s AND incident_id = %s AND done_at IS NULL",
            [now, by.user, action, held.id],
            "That action is not open in this incident.",
        )
        touch(held, "incident.action done", by, now, action=action)


def close(*, incident: str, version: int, outcome: str, by: Scope, now: datetime) -> None:
    """Close an incident with its outcome. Raises Stale, NotFound, Invalid, Refused."""
    if outcome not in Incident.Outcome.values:
        raise Invalid("outcome", "Choose how it ended.")
    with walls.transaction(by):
        held = hold(incident, by, version)
        must_be_open(held)
        if held.area not in by.areas:
            raise Refused("Only the authority that opened the incident can close it.")
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE incidents SET closed_at = %s, closed_by = %s, outcome = %s WHERE id = %s",
                [now, by.user, outcome, held.id],
            )
        touch(held, "incident.closed", by, now, outcome=outcome)
