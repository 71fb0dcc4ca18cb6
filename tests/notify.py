"""GOV.UK Notify on this machine, as far as its API (version 2) is used: it checks what it is sent as the real one does."""

from __future__ import annotations

import base64
import hmac
import json
import re
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

SERVICE, SECRET = "0a1b2c3d-0000-4000-8000-00000000000a", "0a1b2c3d-0000-4000-8000-00000000000b"
KEY = f"tests-{SERVICE}-{SECRET}"
TEMPLATES = {
    "text": "11111111-0000-4000-8000-000000000001",
    "email": "11111111-0000-4000-8000-000000000002",
    "letter": "11111111-0000-4000-8000-000000000003",
}
KINDS = {"sms": "text", "email": "email", "letter": "letter"}


@dataclass
class Notify:
    """What it was sent, and what it is told to do. ``failing``: answers to give before taking anything, one each."""

    port: int = 0
    taken: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    failing: list[tuple[int, str, str]] = field(default_factory=list)
    lose_answers: bool = False
    status: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def sent(self, ref: str) -> list[dict[str, Any]]:
        return [each for each in self.taken if each["reference"] == ref]


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _may(header: str) -> bool:
    try:
        head, claims, signature = header.removeprefix("Bearer ").split(".")
        good = hmac.digest(SECRET.encode(), f"{head}.{claims}".encode(), "sha256")
        told = json.loads(_decoded(claims))
        return (
            json.loads(_decoded(head)) == {"typ": "JWT", "alg": "HS256"}
            and hmac.compare_digest(good, _decoded(signature))
            and told["iss"] == SERVICE
            and abs(time.time() - told["iat"]) < 30
        )
    except (ValueError, KeyError):
        return False


def _wrong(kind: str, sent: dict[str, Any]) -> str:
    filled = sent.get("personalisation", {})
    if sent.get("template_id") != TEMPLATES[KINDS[kind]]:
        return "Template not found"
    needed = {"sms": ["body"], "email": ["subject", "body"]}.get(kind, ["subject", "body", "address_line_1"])
    missing = [name for name in needed if name not in filled]
    if missing:
        return f"Missing personalisation: {', '.join(missing)}"
    if kind == "sms" and not re.fullmatch(r"07\d{9}|\+\d{8,15}", sent.get("phone_number", "")):
        return "phone_number Not enough digits"
    if kind == "sms" and len(filled["body"]) > 918:
        return "Content for template has a character count greater than the limit of 918"
    if kind == "email" and "@" not in sent.get("email_address", ""):
        return "email_address Not a valid email address"
    if kind == "letter" and sum(name.startswith("address_line_") for name in filled) < 3:
        return "Address must be at least 3 lines"
    return ""


@contextmanager
def notify() -> Iterator[Notify]:
    """The service, until the end."""
    state = Notify()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None: ...

        def answer(self, status: int, told: dict[str, Any]) -> None:
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def error(self, status: int, name: str, message: str) -> None:
            self.answer(status, {"status_code": status, "errors": [{"error": name, "message": message}]})

        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kind = self.path.removeprefix("/v2/notifications/")
            if not _may(self.headers.get("Authorization", "")):
                return self.error(403, "AuthError", "Invalid token: signature, api token is not valid")
            if state.failing:
                return self.error(*state.failing.pop(0))
            wrong = _wrong(kind, sent)
            if wrong:
                return self.error(400, "BadRequestError", wrong)
            made = {**sent, "id": str(uuid.uuid4()), "kind": kind}
            state.taken.append(made)
            if state.lose_answers:
                return self.connection.close()
            return self.answer(
                201,
                {
                    "id": made["id"],
                    "reference": sent.get("reference"),
                    "content": {"body": sent["personalisation"]["body"]},
                    "uri": f"{state.url}/v2/notifications/{made['id']}",
                    "template": {"id": sent["template_id"], "version": 1, "uri": ""},
                },
            )

        def do_GET(self) -> None:
            if not _may(self.headers.get("Authorization", "")):
                return self.error(403, "AuthError", "Invalid token: signature, api token is not valid")
            parts = urlsplit(self.path)
            state.asked.append(self.path)
            if parts.path == "/v2/notifications":
                ref = parse_qs(parts.query)["reference"][0]
                found = [
                    {"id": each["id"], "reference": each["reference"], "type": each["kind"], "status": "sending"}
                    for each in state.sent(ref)
                ]
                return self.answer(200, {"notifications": found, "links": {"current": self.path}})
            number = parts.path.rsplit("/", 1)[1]
            if number not in {each["id"] for each in state.taken}:
                return self.error(404, "NoResultFound", "No result found")
            return self.answer(200, {"id": number, "status": state.status.get(number, "sending")})

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None: ...

    server = Server(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
