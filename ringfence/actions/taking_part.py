"""Several authorities in one incident: one asks with a reason, the other agrees or declines, and either can end it."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.actions.checks import words
from ringfence.actions.errors import Invalid, NotFound
from ringfence.actions.incidents import add_once, changing, hold, touch
from ringfence.geography.resolve import atlas
from ringfence.rules.access import Refused, Scope


def ask(*, incident: str, area: str, why: str, by: Scope, now: datetime) -> None:
    """Ask another authority to take part. It sees the reason, and nothing of the incident before it agrees.

    For those who answer for the authority that opened it. Raises Invalid, NotFound, Refused.
    """
    told = words("why", why, 200, needed="Say why they should take part; they read it before they decide.")
    with changing(incident, by) as held:
        if held.area not in by.areas:
            raise Refused("Only the authority that opened the incident can ask another one.")
        if area == held.area or area not in {each.code for each in atlas().upper_tier()}:
            raise Invalid("area", "Choose another authority.")
        add_once(
            "INSERT INTO incident_areas (incident_id, area, lead, asked_at, asked_by, why) VALUES (%s, %s, %s, %s, %s, %s)",
            [held.id, area, held.area, now, by.user, told],
            "area",
            f"{atlas().area(area).name} was asked already.",
        )
        touch(held, "incident.asked", by, now, asked=area)


def answer(*, asked: int, agrees: bool, by: Scope, now: datetime, why: str = "") -> str:
    """Agree to take part in the incident, or decline with a reason. Returns the incident's reference, "" when declined.

    For those who answer for the authority that is asked. Raises Invalid, NotFound, Refused.
    """
    by.require("clusters")
    told = words("why", why, 200, needed="" if agrees else "Say why not; they read it.")
    with walls.transaction(by), connection.cursor() as cursor:
        cursor.execute(
            "SELECT incident_id, area, lead FROM incident_areas WHERE id = %s AND agreed_at IS NULL AND ended_at IS NULL"
            " AND area = ANY (%s) FOR UPDATE",
            [asked, list(by.areas)],
        )
        row = cursor.fetchone()
        if row is None:
            raise NotFound("You are not asked to take part in that incident, or it was answered already.")
        number, area, lead = row
        if agrees:
            cursor.execute(
                "UPDATE incident_areas SET agreed_at = %s, agreed_by = %s WHERE id = %s", [now, by.user, asked]
            )
        else:
            _end(asked, told, by, now)
        auditing.record(
            "incident.agreed" if agrees else "incident.declined",
            by=by,
            now=now,
            area=area,
            detail={"incident": number, "lead": lead},
        )
        cursor.execute("SELECT ref FROM incidents WHERE id = %s", [number])
        return str(cursor.fetchone()[0]) if agrees else ""


def end(*, incident: str, area: str, why: str, by: Scope, now: datetime) -> None:
    """End that an authority takes part, or take back that it was asked: by itself, or by the one that opened it.

    Its cases are taken out of the incident, and it sees the incident no more. Raises Invalid, NotFound, Refused.
    """
    told = words("why", why, 200, needed="Say why.")
    with walls.transaction(by), connection.cursor() as cursor:
        held = hold(incident, by)
        if not {area, held.area} & set(by.areas):
            raise Refused("Only that authority, or the one that opened the incident, can end it.")
        cursor.execute(
            "SELECT id FROM incident_areas WHERE incident_id = %s AND area = %s AND ended_at IS NULL FOR UPDATE",
            [held.id, area],
        )
        row = cursor.fetchone()
        if row is None:
            raise NotFound("That authority does not take part in this incident.")
        cursor.execute(
            "UPDATE incident_cases SET removed_at = %s, removed_by = %s, removed_why = %s"
            " WHERE incident_id = %s AND area = %s AND removed_at IS NULL",
            [now, by.user, f"{atlas().area(area).name} takes part no more.", held.id, area],
        )
        # While it is seen: whoever ends it for themselves sees the incident no more.
        touch(held, "incident.left", by, now, left=area, cases=cursor.rowcount)
        _end(row[0], told, by, now)


def _end(asked: int, why: str, by: Scope, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE incident_areas SET ended_at = %s, ended_by = %s, ended_why = %s WHERE id = %s",
            [now, by.user, why, asked],
        )
