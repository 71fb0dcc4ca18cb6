"""How each source writes its line lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ringfence.accounts import walls
from ringfence.casework.models import Source
from ringfence.feeds.linelist import SourceMapping
from ringfence.rules.access import Scope


@dataclass(frozen=True, slots=True)
class Line:
    """A source that has a mapping of its own."""

    name: str
    mapping: SourceMapping
    updated_at: datetime


def sources(*, scope: Scope) -> tuple[Line, ...]:
    """Every source with a mapping, by name."""
    with walls.transaction(scope):
        return tuple(_line(each) for each in Source.objects.order_by("name"))


def mapping(source: str, *, scope: Scope) -> SourceMapping | None:
    """The mapping of a source, however its name's case is written; None when it has none."""
    with walls.transaction(scope):
        found = Source.objects.filter(name__iexact=source).first()
        return None if found is None else _line(found).mapping


def _line(source: Source) -> Line:
    return Line(source.name, SourceMapping(source.headers, source.month_first, source.results), source.updated_at)
