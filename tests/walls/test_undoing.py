"""Only a reassignment is taken back, and only by the team that made it."""

from __future__ import annotations

import pytest

from tests.town import BLACKBURN
from tests.walls.conftest import Attacker, Filled

_BACK = """
INSERT INTO casework.handovers (trace_id, seq, previous, from_team_id, since, to_team_id, at, reason, why, user_id, recorded_at)
SELECT h.trace_id, h.seq + 1, h.seq, h.to_team_id, h.at, h.from_team_id, h.at, %s, 'x', %s, now()
FROM casework.handovers h WHERE h.trace_id = %s
"""

_TAKE = """
UPDATE casework.traces SET team_id = from_team_id, from_team_id = %s, version = version + 1 WHERE id = %s
"""


@pytest.mark.parametrize("reason", ["undone", "reassigned", "given_back", "set_period"])
def test_what_the_clock_passed_on_is_not_taken_back(app: Attacker, filled: Filled, reason: str) -> None:
    trace = filled.traces[BLACKBURN]
    for name in ("Nia", "Lena"):
        app.holding(filled.by(name))
        user = filled.town.users[name].pk
        assert app.one("SELECT count(*) FROM casework.handovers WHERE trace_id = %s", [trace]) == 1
        assert "row-level security" in app.refused(_BACK, [reason, user, trace])


@pytest.mark.parametrize("name", ["Lola", "Leo"])
def test_who_got_it_may_not_say_that_it_was_undone(app: Attacker, filled: Filled, name: str) -> None:
    """They pass it on in their own name: given back, not undone. The rows of both are theirs to write."""
    app.holding(filled.by(name))
    other = filled.town.users["Lena"].pk
    assert "row-level security" in app.refused(_BACK, ["undone", other, filled.traces[BLACKBURN]])


def test_a_trace_names_no_team_that_has_not_had_it(app: Attacker, filled: Filled) -> None:
    app.holding(filled.by("Lena"))
    for area in ("E06000032", "E06000016"):
        team = filled.town.team("national", area)
        assert "row-level security" in app.refused(_TAKE, [team, filled.traces[BLACKBURN]])


def test_only_who_asked_marks_an_answer_as_seen_and_in_their_own_name(app: Attacker, filled: Filled) -> None:
    seen = "UPDATE casework.notes SET seen_at = now(), seen_by = %s WHERE trace_id = %s"
    for name in ("Nia", "Lola", "Lars", "Dora"):
        app.holding(filled.by(name))
        with app.trying():
            # What is there is a note, which nobody marks.
            rows = app.connection.execute(seen, [filled.town.users[name].pk, filled.traces[BLACKBURN]]).rowcount
            assert rows == 0
    app.refused("UPDATE casework.notes SET text = 'x'")
    app.refused("UPDATE casework.notes SET to_team_id = 1")
