"""``ringfence policy``: what holds from when on."""

import os
import subprocess
import sys

from ringfence.queries.policy import service_policy
from ringfence.rules.policies import NAMED
from tests.town import START


def policy(*arguments):
    """The command in a process of its own: its exit code and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "ringfence.cli", "policy", *arguments],
        env={**os.environ, "RINGFENCE_PROCESS": "cli"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_policy_is_named_and_then_listed(committed):
    before = service_policy(START).name
    other = next(name for name in NAMED if name != before)
    code, said = policy("set", other, "--from", "2026-01-01")
    assert (code, said) == (0, f"{other} holds from 1 January 2026 on.\n")
    assert service_policy(START).name == other
    code, said = policy("list")
    assert code == 0
    assert f"2026-01-01  {other}   in force today" in said
    assert {before, other} <= set(said.splitlines()[-1].removeprefix("Names: ").split(", "))


def test_a_name_that_there_is_not_is_one_line(committed):
    code, said = policy("set", "Perhaps", "--from", "2026-01-01")
    assert code == 1
    assert "Perhaps" in said and said.count("\n") == 1
