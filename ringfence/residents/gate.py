"""The functions of the database by which a resident's page reaches one interview, and nothing else.

Each call is a transaction of its own: a birth date that was tried counts before anybody learns whether it was right.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.conf import settings
from django.db import connection


def enter(token: str, birth_date: date, address: str) -> str | None:
    """The secret of a new session, by a link and the birth date it is bound to; None whatever the reason was."""
    where = hmac.digest(settings.SECRET_KEY.encode(), address.encode(), "sha256")
    knock = _call("SELECT casework.resident_knock(%s, %s, %s)", token, birth_date, where)
    found: str | None = _call("SELECT casework.resident_enter(%s, %s)", knock, where)
    return found


def read(session: str) -> dict[str, Any] | None:
    """The form of a session as the database gives it, ``questionnaire`` as text; None when the session has ended."""
    told, questionnaire = _row(
        "SELECT (f - 'questionnaire')::text, (f -> 'questionnaire')::text FROM casework.resident_read(%s) f", session
    )
    return None if told is None else {**json.loads(told), "questionnaire": questionnaire}


def save(session: str, answers: Mapping[str, Any]) -> bool:
    """Keep answers; False when the session has ended or the form is done."""
    return _call("SELECT casework.resident_save(%s, %s::jsonb)", session, json.dumps(answers)) is not None


def finish(session: str) -> bool:
    """Send the form off; False when the session has ended."""
    return bool(_call("SELECT casework.resident_finish(%s)", session))


def leave(session: str) -> None:
    """End the session; the link opens again."""
    _call("SELECT casework.resident_leave(%s)", session)


def stop(token: str) -> None:
    """No more messages to where the link was sent."""
    _call("SELECT casework.resident_stop(%s)", token)


def rules() -> list[list[str]]:
    """Day and name of each service policy that was named."""
    found: list[list[str]] = json.loads(_call("SELECT casework.resident_rules()::text"))
    return found


def _call(sql: str, *arguments: Any) -> Any:
    return _row(sql, *arguments)[0]


def _row(sql: str, *arguments: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        return cursor.fetchone()
