"""The questionnaires: which one is in force, and every version there was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from ringfence.accounts import walls
from ringfence.rules import scripts
from ringfence.rules.access import NotFound, Scope
from ringfence.rules.questionnaire import Questionnaire


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a questionnaire, in force from ``from_at`` until a later one; ``by_name`` is empty for the first."""

    id: int
    key: str
    version: int
    from_at: datetime
    recorded_at: datetime
    by_name: str
    questionnaire: Questionnaire


_VERSIONS = """
SELECT q.id, q.key, q.version, q.from_at, q.recorded_at, coalesce(u.name, ''), q.body::text
FROM questionnaires q LEFT JOIN users u ON u.id = q.recorded_by
"""


def in_force(*, scope: Scope, key: str, now: datetime) -> Version:
    """The questionnaire for a ``case``, a ``contact`` or a ``followup`` at ``now``. Raises NotFound."""
    rows = _rows(
        scope,
        f"{_VERSIONS} WHERE q.key = %s AND q.from_at <= %s ORDER BY q.from_at DESC, q.version DESC LIMIT 1",
        [key, now],
    )
    if not rows:
        raise NotFound(f"No questionnaire for a {key} is in force; start Ringfence once, which installs it.")
    return _version(rows[0])


def by_number(*, scope: Scope, number: int) -> Version:
    """The version with this number of the database. Raises NotFound."""
    rows = _rows(scope, f"{_VERSIONS} WHERE q.id = %s", [number])
    if not rows:
        raise NotFound("There is no such questionnaire.")
    return _version(rows[0])


def versions(*, scope: Scope, key: str = "") -> list[Version]:
    """Every version, of one kind when it is named, the latest in force first."""
    condition = " WHERE q.key = %s" if key else ""
    rows = _rows(scope, f"{_VERSIONS}{condition} ORDER BY q.key, q.from_at DESC, q.version DESC", [key] if key else [])
    return [_version(row) for row in rows]


def _rows(scope: Scope, sql: str, arguments: list[Any]) -> list[Any]:
    with walls.transaction(scope):
        return walls.rows(sql, arguments)


def _version(row: Any) -> Version:
    number, key, version, from_at, recorded_at, by_name, body = row
    return Version(number, key, version, from_at, recorded_at, by_name, _read(body))


@lru_cache(maxsize=64)
def _read(body: str) -> Questionnaire:
    return scripts.read(json.loads(body))
