"""Who sees which columns of a line list, and what is kept of a view."""

from __future__ import annotations

from datetime import UTC, datetime

from ringfence.rules.access import PERMISSIONS, Scope
from ringfence.rules.line_list import COLUMNS, allowed, kept, shown

NOW = datetime(2026, 11, 16, tzinfo=UTC)


def reader(*without: str) -> Scope:
    return Scope("person", 1, permissions=frozenset(PERMISSIONS) - set(without))


def test_a_column_that_may_not_be_seen_is_neither_offered_nor_shown() -> None:
    assert allowed(reader()) == COLUMNS
    narrow = reader("search", "clusters")
    assert {each.key for each in COLUMNS} - {each.key for each in allowed(narrow)} == {"name", "incident"}
    assert [each.key for each in shown(narrow, ["incident", "name", "age"])] == ["age"]
    assert "name" not in {each.key for each in shown(narrow, ["name"])}


def test_without_a_choice_the_first_columns_are_shown_in_their_order() -> None:
    assert [each.key for each in shown(reader())] == [each.key for each in COLUMNS if each.at_first]
    assert [each.key for each in shown(reader(), ["sex", "case"])] == ["case", "sex"]


def test_of_a_view_known_fields_are_kept() -> None:
    given = {
        "since": [" 2026-11-01 ", "x"],
        "to": [""],
        "columns": ["age", "DROP"],
        "page": ["3"],
        "sector": ["B" * 99],
    }
    assert kept(given) == {"since": ["2026-11-01"], "sector": ["B" * 20], "columns": ["age"]}
    assert kept({}) == {}
