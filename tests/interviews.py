"""What is said in an interview, as a page writes it down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import questionnaires
from ringfence.actions.taking_up import TakenUp, take_up
from ringfence.rules.access import Scope, system_scope

INTERVIEWS = system_scope("interviews")


def say(trace: int, by: Scope, now: datetime, answers: Mapping[str, Any]) -> int:
    """Answers of an interview, in the name of somebody of the trace's team; the interview's number."""
    questionnaires.install(by=INTERVIEWS, now=now)
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "SELECT q.id FROM questionnaires q JOIN traces t ON t.reason = q.key WHERE t.id = %s ORDER BY q.version DESC",
            [trace],
        )
        questionnaire = cursor.fetchone()[0]
    with walls.transaction(by), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM interviews WHERE trace_id = %s", [trace])
        row = cursor.fetchone()
        if row is None:
            cursor.execute(
                "INSERT INTO interviews (trace_id, questionnaire_id, started_at, started_by, updated_at)"
                " VALUES (%s, %s, %s, %s, %s) RETURNING id",
                [trace, questionnaire, now, by.user, now],
            )
            row = cursor.fetchone()
        for question, value in answers.items():
            cursor.execute(
                "INSERT INTO answers (interview_id, trace_id, question, value, at, user_id, team_id, source)"
                " SELECT %s, %s, %s, %s, %s, %s, team_id, 'tracer' FROM traces WHERE id = %s",
                [row[0], trace, question, json.dumps(value), now, by.user, trace],
            )
        cursor.execute(
            "UPDATE interviews SET latest = (SELECT max(id) FROM answers WHERE interview_id = %s), updated_at = %s,"
            " version = version + 1 WHERE id = %s",
            [row[0], now, row[0]],
        )
    return int(row[0])


def person(
    id_: str, name: str = "Ann Lee", on: datetime | str = "2026-11-15", place: str = "", **more: Any
) -> dict[str, Any]:
    """An entry of ``contacts``."""
    given, _, family = name.partition(" ")
    household = bool(more.get("household"))
    return {
        "id": f"entry-{id_}", "given_name": given, "family_name": family, "birth_date": None, "adult": None, "phone": "",
        "email": "", "household": household, "relation": "household" if household else "work", "last_contact": str(on),
        "postcode": "", "address": "", "place": place and f"entry-{place}", "spoken_for": False, "exemptions": [], "withdrawn": "",
    } | more  # fmt: skip


def place(id_: str, name: str = "The Mill", **more: Any) -> dict[str, Any]:
    """An entry of ``places``."""
    return {
        "id": f"entry-{id_}", "name": name, "kind": "workplace", "category": "work", "postcode": "BB1 1AA", "address": "",
        "from": "2026-11-14", "until": "2026-11-14", "withdrawn": "",
    } | more  # fmt: skip


def taken(now: datetime) -> TakenUp:
    """Take up what was said."""
    return take_up(by=INTERVIEWS, now=now)


def rows(sql: str, *values: Any) -> list[Any]:
    """Rows as the worker sees them."""
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(sql, list(values))
        return [row[0] if len(row) == 1 else row for row in cursor.fetchall()]
