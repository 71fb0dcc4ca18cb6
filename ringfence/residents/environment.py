"""The Jinja environment of the residents' pages."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.templatetags.static import static
from jinja2 import Environment, StrictUndefined

from ringfence.base.templates import Kept
from ringfence.rules.isolation import spoken_date
from ringfence.rules.questionnaire import Choice

STATIC = Path(__file__).resolve().parent / "static"


@lru_cache(maxsize=8)
def _asset(name: str) -> str:
    """The address of a static file; it changes with the file, so that browsers keep it."""
    return f"{static(name)}?{int((STATIC / name).stat().st_mtime)}"


def _pairs(choices: Iterable[Choice]) -> list[tuple[str, str]]:
    """The answers offered, as the fields take them."""
    return [(choice.key, choice.plain) for choice in choices]


def environment(**options: Any) -> Environment:
    """Make the environment for Django's Jinja backend; ``options`` are those of the backend."""
    options |= {"autoescape": True, "undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    made = Environment(bytecode_cache=Kept(STATIC.parent), **options)  # noqa: S701 - autoescape is among the options
    made.globals.update(asset=_asset, pairs=_pairs)
    made.filters["day"] = spoken_date
    return made
