"""Cells and tags of the lists. As macros they would be most of the time that a page of fifty people takes."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape


@lru_cache(maxsize=512)
def _around(head: str, number: bool, row_head: bool) -> tuple[str, str]:
    shown = f'<span class="nhsuk-table-responsive__heading" aria-hidden="true">{escape(head)} </span>' if head else ""
    if row_head:
        return f'<th class="nhsuk-table__header" role="rowheader" scope="row">{shown}', "</th>"
    numeric = " nhsuk-table__cell--numeric" if number else ""
    return f'<td class="nhsuk-table__cell{numeric}" role="cell">{shown}', "</td>"


def cell(
    head: str, text: Any = "", number: bool = False, row_head: bool = False, caller: Callable[[], str] | None = None
) -> Markup:
    """A cell of a table; ``head`` repeats the column's heading on a phone."""
    begin, end = _around(head, number, row_head)
    held = f'<span class="rf-cell">{caller()}</span>' if caller else escape(text)
    return Markup(f"{begin}{held}{end}")  # noqa: S704 - what came from outside is escaped


@lru_cache(maxsize=512)
def _tag(text: str, colour: str) -> Markup:
    kind = f" nhsuk-tag--{colour}" if colour else ""
    return Markup(f'<strong class="nhsuk-tag{kind}">{escape(text)}</strong>')  # noqa: S704 - as above


def tag(text: Any, colour: str = "") -> Markup:
    """A short word in a colour."""
    return _tag(str(text), colour)
