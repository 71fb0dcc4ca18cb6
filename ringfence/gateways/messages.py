"""Handing a text, an e-mail or a letter to whoever delivers it: GOV.UK Notify, or a folder of this machine.

One interface, two gateways. ``send`` says what became of one message: taken, refused for good, or to be tried later.
``find`` tells whether a message of ours was taken when nobody knows any more. ``receipt`` tells what became of it.

The folder is the default: nothing leaves the machine, and the page of the outbox shows what would have been sent.
"""

from __future__ import annotations

import base64
import hmac
import http.client
import json
import os
import re
import secrets
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

SECONDS = 10.0
"""How long to wait for an answer."""

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_KEY = re.compile(rf"(?:.+-)?({_UUID})-({_UUID})", re.IGNORECASE)


class GatewayProblem(Exception):
    """A gateway cannot be used as it is set up; the message says what to set."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message as it leaves. ``ref`` is ours, for ever; ``to`` a number, an address, or the lines of a letter."""

    ref: str
    channel: str
    to: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """It was taken. ``provider_ref`` is theirs; "" when no receipt will come."""

    provider_ref: str


@dataclass(frozen=True, slots=True)
class Refused:
    """It will never be taken as it is."""

    why: str


@dataclass(frozen=True, slots=True)
class Later:
    """It was not taken now. ``unsure``: it may have been, and the answer was lost."""

    why: str
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message: "delivered", "failed", or "" while nobody knows; ``why`` it failed."""

    state: str
    why: str = ""


class Gateway(Protocol):
    """Whoever delivers."""

    def send(self, message: Outgoing) -> Accepted | Refused | Later: ...

    def find(self, ref: str) -> Accepted | Later | None:
        """The message of ours with this reference, when it was taken; None when it was not."""

    def receipt(self, provider_ref: str) -> Receipt: ...


class Folder:
    """The outbox on this machine: each message a file that its owner alone can read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, message: Outgoing) -> Accepted:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.folder / f".{message.ref}.{secrets.token_hex(4)}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            json.dump(asdict(message), out)
        os.replace(draft, self._path(message.ref))
        return Accepted("")

    def find(self, ref: str) -> Accepted | None:
        return Accepted("") if self._path(ref).exists() else None

    def receipt(self, provider_ref: str) -> Receipt:
        return Receipt("")

    def read(self, ref: str) -> Outgoing | None:
        """The message as it lies there, with what only its receiver would see; None when it does not."""
        try:
            return Outgoing(**json.loads(self._path(ref).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def clear(self, gone: Callable[[datetime], bool]) -> int:
        """Remove what lies there, drafts included, where ``gone`` says so of when it was written. Returns how many."""
        removed = 0
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            # Several processes clear at once: what another one took is gone either way.
            with suppress(FileNotFoundError):
                if gone(datetime.fromtimestamp(path.stat().st_mtime, UTC)):
                    path.unlink()
                    removed += 1
        return removed

    def _path(self, ref: str) -> Path:
        if not re.fullmatch(r"[0-9A-Za-z-]+", ref):
            raise ValueError(f"{ref!r} is not a message's reference")
        return self.folder / ref


_STATES = {
    "delivered": Receipt("delivered"),
    "received": Receipt("delivered"),
    "sent": Receipt("delivered"),
    "permanent-failure": Receipt("failed", "The number or address does not exist."),
    "temporary-failure": Receipt("failed", "It could not be delivered: the phone was off, or the mailbox was full."),
    "technical-failure": Receipt("failed", "GOV.UK Notify could not send it."),
    "validation-failed": Receipt("failed", "GOV.UK Notify could not print the letter."),
    "virus-scan-failed": Receipt("failed", "GOV.UK Notify could not print the letter."),
    "cancelled": Receipt("failed", "It was cancelled in GOV.UK Notify."),
}
"""GOV.UK Notify's last states of a message; every other state is on the way. "sent" is a text to abroad."""


class Notify:
    """GOV.UK Notify's API, version 2.

    ``key`` is an API key of the service. ``templates`` names, for each channel, a template of the service that consists
    of ((body)) and, for e-mails and letters, has ((subject)) as its subject: what is said is kept and dated here.
    """

    def __init__(self, *, key: str, url: str, templates: Mapping[str, str]) -> None:
        found = _KEY.fullmatch(key.strip())
        if found is None:
            raise GatewayProblem(
                "RINGFENCE_NOTIFY_KEY is not an API key of GOV.UK Notify; copy all of it: its name and two long ids."
            )
        self.service, self.secret = found[1], found[2]
        self.templates = {channel: template for channel, template in templates.items() if template}
        parts = urlsplit(url)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise GatewayProblem(f"RINGFENCE_NOTIFY_URL is {url!r}; write https://host.")
        if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost"):
            raise GatewayProblem(
                "RINGFENCE_NOTIFY_URL begins with http://; messages leave this machine by https alone."
            )
        self.host, self.port, self.secure = parts.hostname, parts.port, parts.scheme == "https"
        self.path = parts.path.rstrip("/")

    def send(self, message: Outgoing) -> Accepted | Refused | Later:
        template = self.templates.get(message.channel)
        if template is None:
            name = f"RINGFENCE_NOTIFY_{message.channel.upper()}"
            return Refused(f"No template of GOV.UK Notify is set for {message.channel}s ({name}).")
        sent: dict[str, Any] = {"template_id": template, "reference": message.ref}
        filled = {"body": message.body}
        if message.channel == "text":
            address = "sms"
            sent["phone_number"] = message.to
        elif message.channel == "email":
            address = "email"
            sent["email_address"] = message.to
            filled["subject"] = message.subject
        else:
            address = "letter"
            filled["subject"] = message.subject
            filled |= {f"address_line_{n}": line for n, line in enumerate(message.to.splitlines()[:7], 1)}
        sent["personalisation"] = filled
        try:
            status, answer = self._ask("POST", f"/v2/notifications/{address}", sent)
        except _NoAnswer as problem:
            return Later(str(problem), unsure=problem.asked)
        if status == 201 and isinstance(answer.get("id"), str):
            return Accepted(answer["id"])
        if status == 400 or status == 413:
            return Refused(_told(answer) or "GOV.UK Notify did not take it.")
        # A key that is wrong today may be right tomorrow: nobody's message is lost by it.
        return Later(f"GOV.UK Notify answered {status}: {_told(answer)}"[:200], unsure=status >= 500)

    def find(self, ref: str) -> Accepted | Later | None:
        try:
            status, answer = self._ask("GET", f"/v2/notifications?{urlencode({'reference': ref})}")
        except _NoAnswer as problem:
            return Later(str(problem), unsure=True)
        if status != 200:
            return Later(f"GOV.UK Notify answered {status}: {_told(answer)}"[:200], unsure=True)
        for each in answer.get("notifications", ()):
            if each.get("reference") == ref:
                return Accepted(str(each["id"]))
        return None

    def receipt(self, provider_ref: str) -> Receipt:
        try:
            status, answer = self._ask("GET", f"/v2/notifications/{provider_ref}")
        except _NoAnswer:
            return Receipt("")
        return _STATES.get(str(answer.get("status")), Receipt("")) if status == 200 else Receipt("")

    def _token(self) -> str:
        """A JSON web token (RFC 7519) signed by HMAC-SHA256, which the service takes for thirty seconds."""
        head = {"typ": "JWT", "alg": "HS256"}
        parts = [_encoded(json.dumps(each).encode()) for each in (head, {"iss": self.service, "iat": int(time.time())})]
        signed = hmac.digest(self.secret.encode(), ".".join(parts).encode(), "sha256")
        return ".".join([*parts, _encoded(signed)])

    def _ask(self, method: str, path: str, sent: Mapping[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        connection = (
            http.client.HTTPSConnection(self.host, self.port, timeout=SECONDS, context=ssl.create_default_context())
            if self.secure
            else http.client.HTTPConnection(self.host, self.port, timeout=SECONDS)
        )
        headers = {"Authorization": f"Bearer {self._token()}", "Content-Type": "application/json"}
        try:
            try:
                connection.connect()
            except OSError as problem:
                raise _NoAnswer(f"GOV.UK Notify cannot be reached: {problem}", asked=False) from problem
            try:
                connection.request(method, self.path + path, None if sent is None else json.dumps(sent), headers)
                answer = connection.getresponse()
                body = answer.read(1_000_000)
            except (OSError, http.client.HTTPException) as problem:
                raise _NoAnswer(f"GOV.UK Notify did not answer: {problem}", asked=True) from problem
        finally:
            connection.close()
        try:
            read = json.loads(body)
        except ValueError:
            read = {}
        return answer.status, read if isinstance(read, dict) else {}


class _NoAnswer(Exception):
    """No answer came. ``asked``: the question may have arrived."""

    def __init__(self, message: str, asked: bool) -> None:
        super().__init__(message[:200])
        self.asked = asked


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def _told(answer: Mapping[str, Any]) -> str:
    errors = answer.get("errors")
    return "; ".join(str(each.get("message")) for each in errors if isinstance(each, dict)) if errors else ""
