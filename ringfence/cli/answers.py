"""How a method's answer about a plain file is told: as JSON or as a table; and what it could not do, with the file's name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from math import isfinite
from pathlib import Path
from typing import Any

import typer


@contextmanager
def about(file: Path) -> Iterator[None]:
    """What a method cannot do with a file's figures is said with the file's name."""
    from ringfence.feeds import series

    try:
        yield
    except ValueError as problem:
        raise series.Unusable(f"{file}: {problem}") from None


def say(whole: dict[str, Any], as_json: bool, rows: list[dict[str, Any]]) -> None:
    """The whole as JSON, or the rows as a table with tabs."""
    if as_json:
        typer.echo(json.dumps(_plain(whole), indent=1))
        return
    if not rows:
        typer.echo("Nothing was found.")
        return
    names = list(rows[0])
    typer.echo("\t".join(names))
    for row in rows:
        typer.echo("\t".join(_shown(_plain(row[name])) for name in names))


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    """What JSON can hold: dates as ISO 8601, what cannot be said as null."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not isfinite(value):
        return None
    return value
