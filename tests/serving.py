"""The pages, served by a process of their own from this test's database."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

from ringfence.base.env import env
from ringfence.cli.serve import residents as residents_variables

CHECKOUT = Path(__file__).resolve().parents[1]


class Site:
    """Where the pages are, and how to make them end. ``residents``: their own pages, in place of the staff's."""

    def __init__(self, residents: bool = False) -> None:
        if residents:
            env.secrets.give_residents(env.home)
        variables = {**os.environ, **(residents_variables() if residents else {"RINGFENCE_PROCESS": "web"})}
        self._first = "/" if residents else "/sign-in"
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", 0))
            self.port: int = trial.getsockname()[1]
        options = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port), "--no-ws"]
        # A group of its own: the server has a process that watches and one that works, and a kill means both.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "granian", *options, "--log-level", "error", "ringfence.config.wsgi:application"],
            cwd=CHECKOUT,
            env={name: value for name, value in variables.items() if value is not None},
            start_new_session=True,
        )

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait(self) -> None:
        """Until it answers."""
        while not self._answers():
            assert self._process.poll() is None, "the web process ended"

    def _answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", self._first)
            return connection.getresponse().status < 600
        except OSError:
            return False
        finally:
            connection.close()

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()

    def kill(self) -> None:
        """``kill -9`` of all of it."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@contextmanager
def serving(residents: bool = False) -> Iterator[Site]:
    """The pages, until the end of the block."""
    site = Site(residents)
    try:
        site.wait()
        yield site
    finally:
        site.end()
