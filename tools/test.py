"""``./run test [ARGS]`` and ``./run nightly [ARGS]``: the tests, then in a process of their own those in a browser.

The browser's driver leaves an event loop running, which the other tests must not meet. Arguments go to pytest; paths
among them choose the tests.
"""

import os
import subprocess
import sys
from pathlib import Path

JOURNEYS = "tests/journeys"

NO_TESTS = 5


def runs(arguments: list[str]) -> list[list[str]]:
    """The pytest command lines for these arguments, in order."""
    paths = [each for each in arguments if not each.startswith("-") and Path(each.split("::")[0]).exists()]
    others = [each for each in arguments if each not in paths]
    journeys = [each for each in paths if each.startswith(JOURNEYS)]
    rest = [each for each in paths if each not in journeys]
    spread = (
        [] if any(each.startswith(("-n", "--pdb", "-s")) for each in others) else ["-n", "2", "--dist", "worksteal"]
    )
    found = []
    if rest or not paths:
        found.append([*spread, *others, *(rest or ["tests"]), f"--ignore={JOURNEYS}"])
    if journeys or (not paths and Path(JOURNEYS).exists()):
        found.append([*others, *(journeys or [JOURNEYS])])
    return found


def main(arguments: list[str]) -> int:
    """Run the tests; 0 when all passed."""
    codes = []
    for each in runs(arguments):
        try:
            codes.append(
                subprocess.run([sys.executable, "-m", "pytest", *each], env=os.environ, check=False).returncode
            )
        except KeyboardInterrupt:
            return 130
        if codes[-1] == 2:
            break
    failed = [code for code in codes if code not in (0, NO_TESTS)]
    if failed:
        return failed[0]
    return 0 if 0 in codes else NO_TESTS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
