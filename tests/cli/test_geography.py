"""``ringfence geography load`` with an authority's own files."""

from __future__ import annotations

from pathlib import Path

from tests.commands import command
from tests.database import Connection
from tests.places import lay_out
from tests.town import BLACKBURN


def test_populations_are_taken_once_and_what_is_wrong_is_one_line(
    committed: None, owner: Connection, tmp_path: Path
) -> None:
    lay_out(owner)
    file = tmp_path / "own.csv"
    file.write_text("code,population\nBB1 1,1200\n")
    given = ("--authority", BLACKBURN, "--populations", str(file))
    code, said = command("geography", "load", *given)
    assert code == 0 and said.endswith(f"{BLACKBURN} has 0 boundaries and 1 population of its own now.\n")
    file.write_text("code,population\nBB1 1,lots\n")
    code, said = command("geography", "load", *given)
    assert code == 1 and said.endswith("own.csv, line 2: 'lots' is not a number of people.\n")
