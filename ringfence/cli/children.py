"""Child processes that belong to this one: started, started again when they crash, stopped together."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from ringfence.base.process import end_with_parent

#: Seconds between the starts of a child that keeps crashing: at first, and at most.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0

#: A child that ran this many seconds was well; the next crash is its first.
WELL = 60.0

#: Seconds that a child gets to finish what it is doing.
GRACE = 15.0


class Child:
    """One kept process. ``name`` is what people are told about it; ``extra`` its variables besides, None for none."""

    def __init__(self, name: str, command: list[str], extra: Mapping[str, str | None]) -> None:
        self.name = name
        self.command = command
        self.extra = extra
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.pause = FIRST_PAUSE

    def start(self) -> None:
        self.started = time.monotonic()
        # A session of its own: Ctrl-C in the terminal reaches the parent alone, which then stops its children in order.
        self.process = subprocess.Popen(
            self.command,
            env={name: value for name, value in {**os.environ, **self.extra}.items() if value is not None},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )

    def watch(self, say: Callable[[str], None]) -> None:
        """Start the child again if it has ended, after a pause that grows while it keeps ending."""
        if self.process is None or self.process.poll() is None:
            return
        ran = time.monotonic() - self.started
        if ran < self.pause:
            return
        self._end_its_own()
        self.pause = FIRST_PAUSE if ran > WELL else min(self.pause * 2, LONGEST_PAUSE)
        say(f"The {self.name} ended with code {self.process.returncode}; starting it again.")
        self.start()

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait(self, until: float) -> None:
        """Wait for the end, until a moment of the monotonic clock; then end it and whatever it started."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._end_its_own()

    def _end_its_own(self) -> None:
        """End what the child started and left behind, which would keep what the next one needs, such as a port."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


def stop(children: list[Child]) -> None:
    """Stop them all at once, and return when they have ended."""
    for child in children:
        child.ask_to_stop()
    until = time.monotonic() + GRACE
    for child in children:
        child.wait(until)
