"""How each source writes its line lists."""

from __future__ import annotations

from datetime import datetime

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.actions.errors import Invalid
from ringfence.casework.models import Source
from ringfence.feeds.linelist import SourceMapping
from ringfence.rules.access import Scope


def set_mapping(*, source: str, mapping: SourceMapping, by: Scope, now: datetime) -> str:
    """Keep a source's mapping, in place of the one before, for what is read from now on. The name it is kept under."""
    name = source.strip()
    if not 1 <= len(name) <= 60:
        raise Invalid("source", "A source has a name of 1 to 60 characters.")
    with walls.transaction(by):
        held = Source.objects.select_for_update().filter(name__iexact=name).first()
        kept, _ = Source.objects.update_or_create(
            name=held.name if held else name,
            defaults={
                "headers": dict(mapping.headers),
                "results": dict(mapping.results),
                "month_first": mapping.month_first,
                "updated_at": now,
                "updated_by": by.user or None,
            },
        )
        auditing.record(
            "source.mapped",
            by=by,
            now=now,
            detail={"source": kept.name, "headers": len(mapping.headers), "month_first": mapping.month_first},
        )
        return kept.name
