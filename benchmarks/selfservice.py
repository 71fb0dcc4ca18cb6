"""Residents who fill in their own forms, all at once, beside an empty page of the same server.

Each has a phone of their own, with one connection that stays open: enters by the link and the birth date, goes through
the parts, saves what they answer, looks it through, stops, and in the last round sends it off. Every answer has to be the
right page. What is compared is the 95th percentile of the wait for one request, in milliseconds, with as many asking for
the emptiest page there is at the same moment; the sides alternate.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from http.client import HTTPConnection
from urllib.parse import urlencode

from benchmarks import country
from benchmarks.harness import Connection, Figure, administrator, alternate, at_most, database, say, under, wait
from ringfence.base.env import env

RESIDENTS = 500
ROUNDS = 3
GOAL = 3.0

#: What is sent to each part; in every second round the answers are others, so that each is written.
PARTS: tuple[tuple[str, tuple[dict[str, str], dict[str, str]]], ...] = (
    ("who", ({"speaking_to": "self", "interpreter": "no"}, {"speaking_to": "other", "interpreter": "no"})),
    ("illness", ({"has_symptoms": "no"}, {"has_symptoms": "yes"})),
    ("contacts", ({"any_contacts": "no"}, {"any_contacts": "yes"})),
    ("places", ({"any_places": "no", "occupation": "Baker"}, {"any_places": "no", "occupation": "Cook"})),
    ("help", ({"needs_help": "no"}, {"needs_help": "yes"})),
)


class Phone:
    """One resident's, with the link that they were sent."""

    def __init__(self, port: int, token: str, born: date) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=120)
        self.token, self.born = token, born
        self.cookies: dict[str, str] = {}
        self.waits: list[float] = []

    def ask(self, method: str, address: str, sent: dict[str, str] | None = None) -> tuple[int, str, bytes]:
        """Status, where the answer leads, and the page; the wait is kept."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if sent is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(sent | {"csrfmiddlewaretoken": self.cookies["form-token"]})
        begun = time.perf_counter()
        self.connection.request(method, address, body, headers)
        answer = self.connection.getresponse()
        page = answer.read()
        self.waits.append(time.perf_counter() - begun)
        for made in answer.headers.get_all("Set-Cookie") or ():
            name, _, rest = made.partition("=")
            self.cookies[name] = rest.partition(";")[0].strip('"')
        return answer.status, answer.headers.get("Location", ""), page

    def see(self, address: str, said: bytes) -> None:
        status, there, page = self.ask("GET", address)
        while status == 302:
            address = there
            status, there, page = self.ask("GET", address)
        assert status == 200 and said in page, (status, address, page[-600:])

    def send(self, address: str, sent: dict[str, str]) -> None:
        status, there, page = self.ask("POST", address, sent)
        assert status == 302, (status, address, page[-600:])
        self.see(there, b"<h1>")

    def empty(self) -> None:
        self.see("/", b"open the link in the message")

    def form(self, turn: int, last: bool) -> None:
        """From the link to the end of one visit."""
        link = f"/you/{self.token}"
        self.see(link, b"What is your date of birth?")
        day, month, year = str(self.born.day), str(self.born.month), str(self.born.year)
        self.send(link, {"born-day": day, "born-month": month, "born-year": year})
        for part, answers in PARTS:
            self.see(f"/form/{part}", b"Continue")
            self.send(f"/form/{part}", answers[turn % 2])
        self.see("/form/check", b"Check your answers")
        if last:
            self.send("/form/check", {})
            return
        status, _, page = self.ask("POST", "/form/leave", {})
        assert status == 200 and b"Your answers are kept" in page, status


def seed(connection: Connection) -> None:
    """Six hundred open traces in each of 150 teams."""
    country.seed(connection, traces=90_000, hot=600)


def run(full: bool) -> list[Figure]:
    """The figures; ``full`` goes round three times as often."""
    with database("tracers", seed) as server:
        phones_of = _invite(administrator(server))
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", 0))
            port = trial.getsockname()[1]
        web = _serve(port)
        try:
            wait(port, "/")
            return _measure(port, phones_of, ROUNDS * (3 if full else 1))
        finally:
            web.terminate()
            web.wait()


def _invite(admin: Connection) -> list[tuple[str, date]]:
    """A link for each resident: its secret, and the birth date that opens it."""
    from ringfence.actions import questionnaires
    from ringfence.partnerships.models import ServiceRule
    from ringfence.rules.access import system_scope
    from ringfence.rules.policy import EXERCISE

    questionnaires.install(by=system_scope("interviews"), now=datetime.now(UTC))
    ServiceRule.objects.get_or_create(from_date="2022-02-24", defaults={"policy": EXERCISE.name})
    with admin:
        rows = admin.execute(
            "INSERT INTO links (trace_id, purpose, token_hash, created_at, expires_at)"
            " SELECT t.id, 'interview', sha256(convert_to('resident-number-' || t.id, 'UTF8')), now(),"
            " now() + interval '1 day' FROM traces t JOIN people p ON p.id = t.person_id WHERE t.reason = 'case'"
            " ORDER BY t.id LIMIT %s RETURNING trace_id, (SELECT p.birth_date FROM traces t JOIN people p"
            " ON p.id = t.person_id WHERE t.id = links.trace_id)",
            [RESIDENTS],
        ).fetchall()
    return [(f"resident-number-{trace}", born) for trace, born in rows if isinstance(born, date)]


def _serve(port: int) -> subprocess.Popen[bytes]:
    """The same server as ``./run`` starts, with as many workers."""
    env.secrets.give_residents(env.home)
    processors = os.cpu_count() or 1
    command = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", str(max(1, min(4, processors))), "--blocking-threads", str(min(12, 2 * processors + 1))),
        *("--no-ws", "--log-level", "error", "ringfence.config.wsgi:application"),
    ]
    told = {"RINGFENCE_PROCESS": "residents", "DJANGO_SETTINGS_MODULE": "ringfence.config.residents"}
    return subprocess.Popen(command, env={**os.environ, **told, "RINGFENCE_DATABASE": env.database.name})


def _measure(port: int, links: list[tuple[str, date]], rounds: int) -> list[Figure]:
    phones = [Phone(port, token, born) for token, born in links]
    turn = 0
    failed: list[str] = []

    def everybody(ask: Callable[[Phone], None]) -> float:
        """The 95th percentile of all waits in milliseconds, of all at the same moment."""
        together = threading.Barrier(len(phones))

        def one(phone: Phone) -> list[float]:
            phone.waits.clear()
            together.wait()
            try:
                ask(phone)
            except (AssertionError, OSError) as problem:
                failed.append(f"{type(problem).__name__}: {problem}"[:300])
            return list(phone.waits)

        with ThreadPoolExecutor(len(phones)) as threads:
            taken = sorted(each for some in threads.map(one, phones) for each in some)
        return 1000 * taken[int(0.95 * len(taken))]

    def empty() -> float:
        def many(phone: Phone) -> None:
            for _ in range(2 * len(PARTS)):
                phone.empty()

        return everybody(many)

    def form() -> float:
        nonlocal turn
        turn += 1
        return everybody(lambda phone: phone.form(turn, last=turn == rounds + 1))

    empty()
    form()
    found = alternate({"empty page": empty, "a resident's request": form}, rounds)
    for each in failed[:5]:
        say(f"  {each}")
    return [
        at_most(
            GOAL,
            "selfservice",
            f"a request, {len(phones)} residents at once",
            found["a resident's request"],
            "ms",
            "empty page, as many",
            found["empty page"],
        ),
        under(1, "selfservice", "errors", len(failed), "errors", "residents", len(phones)),
    ]
