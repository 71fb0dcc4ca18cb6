"""The columns of a line list, who may see which, and what a saved view of one holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from ringfence.rules.access import Scope

#: What a saved view holds: the names of the fields of the list's form. Columns are several.
FIELDS = ("since", "until", "sector", "from", "to", "outcome", "care-home", "order", "as-at")
COLUMNS_FIELD = "columns"

LONGEST_NAME, MOST_VIEWS = 60, 50


class Column(NamedTuple):
    """A column: its key, its heading, the permission that shows it beside that of the list, and whether it is shown at first."""

    key: str
    name: str
    permission: str
    at_first: bool = True


COLUMNS = (
    Column("case", "Case", "area"),
    Column("name", "Name", "search"),
    Column("age", "Age", "line list"),
    Column("sex", "Sex", "line list", False),
    Column("postcode", "Postcode", "line list"),
    Column("specimen", "Specimen", "line list"),
    Column("onset", "Onset", "line list"),
    Column("care_home", "Care home", "line list", False),
    Column("outcome", "Tracing", "area"),
    Column("contacts", "Contacts", "area"),
    Column("incident", "Incident", "clusters", False),
)


def allowed(scope: Scope) -> tuple[Column, ...]:
    """The columns that somebody may see."""
    return tuple(each for each in COLUMNS if scope.may(each.permission))


def shown(scope: Scope, chosen: Collection[str] = ()) -> tuple[Column, ...]:
    """The columns to show: those chosen that may be seen, in their order; when none is left, those shown at first."""
    may = allowed(scope)
    wanted = tuple(each for each in may if each.key in chosen)
    return wanted or tuple(each for each in may if each.at_first)


def kept(given: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """What is kept of a list's address as a view: known fields that say something, cut at what a field can hold."""
    known = {each.key for each in COLUMNS}
    found = {name: [text.strip()[:20] for text in given.get(name, ())[:1]] for name in FIELDS}
    found[COLUMNS_FIELD] = [key for key in given.get(COLUMNS_FIELD, ()) if key in known]
    return {name: values for name, values in found.items() if any(values)}
