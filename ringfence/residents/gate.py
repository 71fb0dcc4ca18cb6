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


_READ = """
SELECT (f - 'questionnaire' - 'answers')::text, (f -> 'questionnaire')::text,
    ARRAY(SELECT ARRAY[a.key, (a.value -> 'value')::text, a.value ->> 'theirs'] FROM jsonb_each(f -> 'answers') a)
FROM casework.resident_read(%s) f
"""


def read(session: str) -> dict[str, Any] | None:
    """The form of a session as the database gives it; None when the session has ended.

    ``questionnaire`` and the ``value`` of each answer are JSON as text: what was sent past the form is not read here.
    """
    told, questionnaire, answers = _row(_READ, session)
    if told is None:
        return None
    given = {key: {"value": value, "theirs": theirs is not None} for key, value, theirs in answers}
    return {**json.loads(told), "questionnaire": questionnaire, "answers": given}


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
