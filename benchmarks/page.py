"""The tracer's next trace as 20 signed-in people get it, beside an empty signed-in page of the same layout and server.

Each person works in a team of their own, with six hundred open traces. Two things are measured, the 95th percentile of
the wait in milliseconds: the page of the trace; and the whole step between two calls, which is to record the outcome,
take the next trace and open it, two requests, beside the empty page asked for twice. Everybody asks at the same
moment, over connections that stay open; the sides alternate.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from benchmarks import country
from benchmarks.harness import Connection, Figure, alternate, at_most, database, signed_in, wait
from ringfence.base.env import env

PEOPLE = 20
ROUNDS = 5
ASKED = 10  # times that each person asks in a round

GOAL = 3.0


class Browser:
    """Somebody signed in, with one open connection and the trace that they have."""

    def __init__(self, port: int, session: str, token: str, team: int) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self.token, self.team = token, team
        self.address, self.version = "", ""
        self.kept = SimpleCookie({"sessionid": session, "csrftoken": token})

    def ask(self, method: str, address: str, sent: dict[str, str] | None = None) -> tuple[int, str, bytes]:
        """Status, the address that was answered with, and the page."""
        headers = {"Cookie": "; ".join(f"{name}={each.coded_value}" for name, each in self.kept.items())}
        body = None
        if sent is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(sent | {"csrfmiddlewaretoken": self.token})
        self.connection.request(method, address, body, headers)
        answer = self.connection.getresponse()
        # What a page says after a step comes in a cookie, which the next page takes away.
        for each in answer.headers.get_all("Set-Cookie", ()):
            self.kept.load(each)
        for name in [name for name, each in self.kept.items() if each["max-age"] == "0"]:
            del self.kept[name]
        return answer.status, answer.headers.get("Location", ""), answer.read()

    def empty(self) -> None:
        """A page with nothing in it."""
        status, _, page = self.ask("GET", "/empty")
        assert status == 200 and b"Sign out" in page, status

    def empty_twice(self) -> None:
        self.empty()
        self.empty()

    def open(self) -> None:
        """The page of the trace that the person has."""
        status, _, page = self.ask("GET", self.address)
        assert status == 200 and b"What came of it?" in page, (status, self.address)
        self.version = page.split(b'name="version" value="')[1].split(b'"')[0].decode()

    def take(self) -> None:
        """Take the first trace, and open it."""
        self._go("/work", {})

    def save_and_take(self) -> None:
        """Record what came of the call, take the next trace, and open it: one press of a key for the tracer."""
        self._go(
            f"{self.address}/attempts",
            {"version": self.version, "kind": "call", "outcome": "no_answer", "then": "next"},
        )

    def _go(self, address: str, sent: dict[str, str]) -> None:
        status, there, page = self.ask("POST", address, {"team": str(self.team), **sent})
        assert status == 302 and there.startswith("/traces/") and there != self.address, (status, there, page[-900:])
        self.address = there
        self.open()


def seed(connection: Connection) -> None:
    """Six hundred open traces in each of 150 teams."""
    country.seed(connection, traces=90_000, hot=600)


def _questions() -> None:
    """The questions of the interview, which a trace's page begins."""
    from datetime import UTC, datetime

    from ringfence.actions import questionnaires
    from ringfence.rules.access import system_scope

    questionnaires.install(by=system_scope("interviews"), now=datetime.now(UTC))


def run(full: bool) -> list[Figure]:
    """The figures; ``full`` asks four times as often."""
    with database("tracers", seed):
        _questions()
        browsers, port = _people()
        web = _serve(port)
        try:
            wait(port, "/sign-in")
            for each in browsers:
                each.take()
            return _measure(browsers, ASKED * (4 if full else 1))
        finally:
            web.terminate()
            web.wait()


def _people() -> tuple[list[Browser], int]:
    """Twenty tracers with a session each, in as many teams, and the port on which they ask."""
    from ringfence.accounts import walls
    from ringfence.partnerships.models import ServiceRule
    from ringfence.rules.access import system_scope
    from ringfence.rules.policy import EXERCISE

    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    with walls.transaction(system_scope("accounts")):
        ServiceRule.objects.get_or_create(from_date="2022-02-24", defaults={"policy": EXERCISE.name})
        return [_person(number, port) for number in range(1, PEOPLE + 1)], port


def _person(number: int, port: int) -> Browser:
    from django.middleware.csrf import _get_new_csrf_string

    from ringfence.accounts.models import Membership, Team, User

    team = Team.objects.filter(kind="national").order_by("id")[number]
    user = User.objects.create(email=f"bench{number}@example.org", name=f"Tracer {number}", password="!")
    Membership.objects.create(user=user, role="national_tracer", team=team, from_at=country.NOW)
    return Browser(port, signed_in(user), _get_new_csrf_string(), team.pk)


def _serve(port: int) -> subprocess.Popen[bytes]:
    """The same server as ``./run`` starts, with as many workers."""
    processors = os.cpu_count() or 1
    command = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", str(max(1, min(4, processors))), "--blocking-threads", str(min(12, 2 * processors + 1))),
        *("--no-ws", "--log-level", "error", "benchmarks.staff:application"),
    ]
    told = {"RINGFENCE_BENCH_PROCESS": "web", "RINGFENCE_BENCH_DATABASE": env.database.name}
    return subprocess.Popen(command, env={**os.environ, **told})


def _measure(browsers: list[Browser], times: int) -> list[Figure]:
    def side(ask: Callable[[Browser], None]) -> Callable[[], float]:
        def asked(browser: Browser) -> list[float]:
            taken = []
            for _ in range(times):
                begun = time.perf_counter()
                ask(browser)
                taken.append(time.perf_counter() - begun)
            return taken

        def measured() -> float:
            """The 95th percentile, in milliseconds, of everybody's waits."""
            with ThreadPoolExecutor(PEOPLE) as everybody:
                taken = sorted(each for some in everybody.map(asked, browsers) for each in some)
            return 1000 * taken[int(0.95 * len(taken))]

        return measured

    sides = {
        "empty page": side(Browser.empty),
        "next trace": side(Browser.open),
        "empty page, twice": side(Browser.empty_twice),
        "saved, and the next taken and opened": side(Browser.save_and_take),
    }
    for each in sides.values():
        each()
    found = alternate(sides, ROUNDS)
    return [
        at_most(GOAL, "page", "next trace", found["next trace"], "ms", "empty page", found["empty page"]),
        at_most(
            GOAL,
            "page",
            "saved, and the next taken and opened",
            found["saved, and the next taken and opened"],
            "ms",
            "empty page, twice",
            found["empty page, twice"],
        ),
    ]
