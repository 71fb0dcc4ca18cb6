"""``ringfence policy``: what holds from when on."""

from ringfence.queries.policy import service_policy
from ringfence.rules.policies import NAMED
from tests.commands import command
from tests.town import START


def test_a_policy_is_named_and_then_listed(committed):
    before = service_policy(START).name
    other = next(name for name in NAMED if name != before)
    code, said = command("policy", "set", other, "--from", "2026-01-01")
    assert (code, said) == (0, f"{other} holds from 1 January 2026 on.\n")
    assert service_policy(START).name == other
    code, said = command("policy", "list")
    assert code == 0
    assert f"2026-01-01  {other}   in force today" in said
    assert {before, other} <= set(said.splitlines()[-1].removeprefix("Names: ").split(", "))


def test_a_name_that_there_is_not_is_one_line(committed):
    code, said = command("policy", "set", "Perhaps", "--from", "2026-01-01")
    assert code == 1
    assert "Perhaps" in said and said.count("\n") == 1
