"""``ringfence user``: somebody leaves, comes back and works elsewhere."""

import pytest

from ringfence.accounts.models import User
from tests.commands import command
from tests.town import LEICESTER


def test_somebody_leaves_and_comes_back_with_another_role(real_town):
    assert command("user", "deactivate", "lola@example.org") == (0, "lola@example.org can no longer sign in.\n")
    code, said = command("user", "role", "lola@example.org", "--role", "local_tracer", "--area", "Luton")
    assert (code, said.count("\n")) == (1, 1)
    assert command("user", "activate", "lola@example.org")[0] == 0
    assert User.objects.get(email="lola@example.org").is_active
    code, said = command("user", "role", "lola@example.org", "--role", "national_tracer", "--area", LEICESTER)
    assert (code, said) == (0, "lola@example.org has a further role: national contact tracer.\n")
    said = command("user", "list")[1]
    assert "lola@example.org  Lola\n    National contact tracer, Leicester ring-fenced team\n" in said


@pytest.mark.parametrize(("email", "role"), [("nobody@example.org", "operations"), ("lola@example.org", "king")])
def test_who_or_what_is_not_there_is_said(real_town, email, role):
    assert command("user", "role", email, "--role", role)[0] == 2


def test_an_area_mistyped_is_told_from_one_that_is_near(real_town):
    command_line = ("user", "role", "lola@example.org", "--role", "national_tracer", "--area")
    code, said = command(*command_line, "blackburn with Darwin")
    assert code == 2 and "did you mean Blackburn with Darwen?" in " ".join(said.split())
    assert "did you mean" not in command(*command_line, "Xyz")[1]
