"""``ringfence overview``: the figures of the service."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from ringfence.queries.statistics import ServiceOverview
    from ringfence.rules.statistics import Figures

NOTE = "Management information with small counts: not for publication."

COLUMNS = (
    ("transferred", "transferred", 11),
    ("reached_percent", "reached %", 9),
    ("within_24", "in 24 h", 8),
    ("within_48", "in 48 h", 8),
    ("within_72", "in 72 h", 8),
    ("handed_over", "handed over", 11),
    ("added_points", "added", 6),
    ("waiting", "waiting", 8),
    ("overdue", "overdue", 8),
    ("oldest_waiting_hours", "oldest h", 8),
)


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def overview(
        as_json: bool = typer.Option(False, "--json", help="Every figure, with its definition, as JSON."),
        from_at: datetime | None = typer.Option(
            None, "--from", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Traces transferred from then on, London time."
        ),
        until_at: datetime | None = typer.Option(
            None, "--to", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Traces transferred before then, London time."
        ),
    ) -> None:
        """Transferred, reached, within 24, 48 and 72 hours, what the hand-over added, waiting and overdue."""
        from ringfence.cli import session

        with session.database():
            import json
            from datetime import UTC

            from ringfence.queries import statistics
            from ringfence.rules.access import system_scope
            from ringfence.rules.calendar import LONDON

            found = statistics.overview(
                scope=system_scope("statistics"),
                from_at=from_at.replace(tzinfo=LONDON) if from_at else None,
                until_at=until_at.replace(tzinfo=LONDON) if until_at else None,
                now=datetime.now(UTC),
            )
            if as_json:
                typer.echo(json.dumps(to_json(found), indent=1))
                return
            for line in to_lines(found):
                typer.echo(line)


def to_json(found: ServiceOverview) -> dict[str, Any]:
    """Every figure by the id of its definition. Shares are in per cent, ``added_points`` in points, times in hours."""
    return {
        "from": found.from_at.isoformat() if found.from_at else None,
        "to": found.until_at.isoformat() if found.until_at else None,
        "as_at": found.now.isoformat(),
        "note": NOTE,
        "definitions": [
            {"id": each.id, "from": each.from_date.isoformat(), "words": each.words} for each in found.definitions
        ],
        "total": figures(found.figures.total),
        "contacts": figures(found.figures.contacts),
        "contacts_of_household": figures(found.figures.of_household.total),
        "contacts_elsewhere": figures(found.figures.elsewhere.total),
        "by_team_kind": {kind.value: figures(each) for kind, each in found.figures.by_first_kind.items()},
        "by_authority": [
            {"code": code, "name": found.names[code], **figures(each)}
            for code, each in found.figures.by_authority.items()
        ],
    }


def figures(each: Figures) -> dict[str, Any]:
    """The figures of one group, by the id of their definition."""
    from ringfence.rules.statistics import DEFINITIONS

    values = {definition.id: getattr(each, definition.id) for definition in DEFINITIONS}
    values["reached_by"] = {kind.value: count for kind, count in each.reached_by.items()}
    return values


def to_lines(found: ServiceOverview) -> list[str]:
    """A table for the terminal: the total, then every authority."""
    groups = [
        ("England", found.figures.total),
        ("  contacts", found.figures.contacts),
        ("    of the household", found.figures.of_household.total),
        ("    elsewhere", found.figures.elsewhere.total),
    ]
    # By name, and last those whom no authority is known for.
    authorities = sorted(found.figures.by_authority.items(), key=lambda item: (item[0] is None, found.names[item[0]]))
    groups += [(found.names[code], each) for code, each in authorities]
    head = f"{'':28}" + "".join(f"{title:>{width + 1}}" for _, title, width in COLUMNS)
    lines = [head]
    for name, each in groups:
        cells = []
        for key, _, width in COLUMNS:
            value = getattr(each, key)
            cells.append(f"{_told(value):>{width + 1}}")
        lines.append(f"{name[:28]:28}" + "".join(cells))
    return [*lines, "", NOTE, "What each figure counts: docs/reference/overview.md"]


def _told(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.1f}"
