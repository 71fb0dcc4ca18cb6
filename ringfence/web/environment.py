"""The Jinja environment of the pages: the project's templates, and the NHS design's components behind them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.templatetags.static import static
from django.urls import reverse
from jinja2 import ChainableUndefined, ChoiceLoader, Environment, PackageLoader, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from ringfence.base.templates import Kept
from ringfence.rules.attempts import Outcome, TraceOutcome
from ringfence.rules.calendar import london_date
from ringfence.rules.plural import counted
from ringfence.web import words
from ringfence.web.cells import cell, tag

STATIC = Path(__file__).resolve().parent / "static"


@lru_cache(maxsize=64)
def asset(name: str) -> str:
    """The address of one of the pages' own static files; it changes with the file."""
    path = STATIC / name
    mark = f"?{int(path.stat().st_mtime)}" if path.exists() else ""
    return static(name) + mark


def _at_now(say: Callable[..., str]) -> Callable[..., str]:
    """A filter for moments that compares them with the moment at which the page was asked for."""

    @pass_context
    def filtered(context: Context, value: Any) -> str:
        return "" if not value else say(value, context["now"])

    return filtered


def _day(on: date | datetime, now: datetime) -> str:
    return words.day(on, london_date(now))


def _dated(on: date, now: datetime) -> str:
    return words.dated(on, london_date(now))


def _spoken_day(on: date, now: datetime) -> str:
    return words.spoken_day(on, london_date(now))


def _iso_day(text: str) -> str:
    return words.weekday(date.fromisoformat(text))


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _outcome(value: str) -> str:
    return Outcome(value).label


def _trace_outcome(value: str) -> str:
    return TraceOutcome(value).words


def _made_once(environment: Environment) -> Callable[..., Markup]:
    """``made_once(template, name=value, ...)``: what a template makes of these values and nothing else, kept for the next page.

    Values are hashable: texts, numbers and tuples.
    """

    @lru_cache(maxsize=64)
    def made(template: str, **values: Any) -> Markup:
        return Markup(environment.get_template(template).render(values))  # noqa: S704 - the template escapes

    return made


def environment(**options: Any) -> Environment:
    """Make the environment for Django's Jinja backend; ``options`` are those of the backend."""
    own = options.pop("loader")
    made = Environment(
        loader=ChoiceLoader([own, PackageLoader("nhsuk_frontend_jinja")]),
        # The NHS components look into parameters that were not given.
        undefined=ChainableUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=Kept(STATIC.parent),
        **{name: value for name, value in options.items() if name not in ("autoescape", "undefined")},
    )
    made.globals.update(asset=asset, url=reverse, count=counted, table_cell=cell, coloured_tag=tag)
    made.globals["made_once"] = _made_once(made)
    made.filters.update(
        when=_at_now(words.when),
        ago=_at_now(words.ago),
        day=_at_now(_day),
        dated=_at_now(_dated),
        spoken_day=_at_now(_spoken_day),
        short_day=words.weekday,
        iso_day=_iso_day,
        date=words.day,
        clock=words.clock,
        hours=words.hours,
        percent=words.percent,
        in_days=words.days,
        points=words.points,
        number=words.number,
        phone=words.phone,
        dial=words.dial,
        nhs_number=words.nhs_number,
        sex=words.sex,
        hour=words.hour,
        upper_first=_first_upper,
        in_short=words.in_short,
        outcome=_outcome,
        trace_outcome=_trace_outcome,
    )
    return made
