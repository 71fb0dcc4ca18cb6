"""Sessions whose rows are of no use to somebody who can only read or copy them.

The database keeps a hash of the cookie's key, and what is in a session is signed for that one key. So SQL that found its
way in can neither read a key to sign in with, nor put another person's session under a key of its own.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone


def row_key(key: str) -> str:
    """What stands in the database for a cookie's key: 160 bits of SHA-256."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


class SessionStore(DatabaseStore):
    """Django's sessions in the database, by the hash of their key."""

    @property
    def key_salt(self) -> str:
        return f"ringfence.session.{self.session_key}"

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        held = self.model.objects.filter(expire_date__gt=timezone.now())
        found = held.filter(session_key=row_key(self.session_key or "")).first()
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str) -> bool:
        return super().exists(row_key(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        made = super().create_model_instance(data)
        made.session_key = row_key(made.session_key)
        return made

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            super().delete(row_key(key))
