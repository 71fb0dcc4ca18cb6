"""The reference of the overview's figures says what the rules say."""

from pathlib import Path

from ringfence.rules.statistics import DEFINITIONS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "overview.md"


def test_every_definition_is_there_word_for_word():
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert rows == [f"| `{each.id}` | {each.from_date:%-d %B %Y} | {each.words} |" for each in DEFINITIONS]
