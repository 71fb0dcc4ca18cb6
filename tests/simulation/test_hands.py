"""Processes that play side by side: what goes wrong in one of them is told by the one that waits, in one line."""

import pytest

from ringfence.rules.handover import TeamKind
from ringfence.rules.policy import EXERCISE
from ringfence.simulation.crew import Crew, Floor
from ringfence.simulation.hands import HandFailed, Hands
from tests.town import BLACKBURN, HOUR, START


def floor_of(town, people):
    """One trace waits for Blackburn's national team, for which these people play in the other process."""
    town.trace(now=START)
    floor = Floor(seed=1, policy=EXERCISE)
    team = town.team("national")
    floor.add(Crew(team, TeamKind.NATIONAL, BLACKBURN, people, rate=100.0))
    return floor


def test_what_fails_in_another_process_is_one_line(real_town, capfd):
    floor = floor_of(real_town, [real_town.by("Lola", START)])
    with Hands(floor, 2, lambda area: 1) as hands, pytest.raises(HandFailed) as failed:
        hands.work(START + HOUR, START + 2 * HOUR)
    assert str(failed.value).startswith("Playing for some of the teams failed: You do not work in this team")
    assert capfd.readouterr().err == ""


def test_another_process_that_is_killed_is_said(real_town):
    with Hands(floor_of(real_town, []), 2, lambda area: 1) as hands:
        child, _ = hands.others[0]
        child.kill()
        child.join()
        with pytest.raises(HandFailed, match="it may have been killed"):
            hands.work(START + HOUR, START + 2 * HOUR)
