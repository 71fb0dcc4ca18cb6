"""``./run test [ARGS]`` and ``./run nightly [ARGS]``: the tests, and beside them in a process of their own those in a browser.

The browser's driver leaves an event loop running, which the other tests must not meet. Arguments go to pytest; paths
among them choose the tests. What the browser's tests say is shown when the others have ended.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

JOURNEYS = "tests/journeys"

NO_TESTS = 5


def runs(arguments: list[str]) -> list[list[str]]:
    """The pytest command lines for these arguments; the one in a browser is last."""
    paths = [each for each in arguments if not each.startswith("-") and Path(each.split("::")[0]).exists()]
    others = [each for each in arguments if each not in paths]
    journeys = [each for each in paths if each.startswith(JOURNEYS)]
    rest = [each for each in paths if each not in journeys]
    # As many as cores are counted on: that in the browser fills what they leave, and each more has everything to make for itself.
    spread = (
        [] if any(each.startswith(("-n", "--pdb", "-s")) for each in others) else ["-n", "2", "--dist", "worksteal"]
    )
    found = []
    if rest or not paths:
        found.append([*spread, *others, *(rest or ["tests"]), f"--ignore={JOURNEYS}"])
    if journeys or (not paths and Path(JOURNEYS).exists()):
        found.append([*others, *(journeys or [JOURNEYS])])
    return found


def together(lines: list[list[str]]) -> list[int]:
    """Run pytest with each of these at once; their exit codes. The first one speaks as it goes."""
    with tempfile.TemporaryFile("w+") as later, subprocess.Popen([sys.executable, "-m", "tests.template"]):
        if len(lines) > 1 and next(Path("tests").rglob("__pycache__/test_*.pyc"), None) is None:
            # Three processes at once would each compile every test of a fresh checkout; while the template is made, one can.
            start(["--collect-only", "-q", "tests"], subprocess.DEVNULL).wait()
        started = [start(line, None if line is lines[0] else later) for line in lines]
        codes = [each.wait() for each in started]
        later.seek(0)
        sys.stdout.write(later.read())
    return codes


def start(line: list[str], out: IO[str] | int | None) -> "subprocess.Popen[bytes]":
    # Dozens of processes are started: what one has compiled, the next need not.
    variables = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.Popen([sys.executable, "-m", "pytest", *line], env=variables, stdout=out, stderr=out)


def main(arguments: list[str]) -> int:
    """Run the tests; 0 when all passed."""
    try:
        codes = together(runs(arguments))
    except KeyboardInterrupt:
        return 130
    failed = [code for code in codes if code not in (0, NO_TESTS)]
    if failed:
        return failed[0]
    return 0 if 0 in codes else NO_TESTS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
