"""The Jinja environment of the pages: the project's templates, and the NHS design's components behind them."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse
from jinja2 import ChainableUndefined, ChoiceLoader, Environment, PackageLoader


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
        **{name: value for name, value in options.items() if name not in ("autoescape", "undefined")},
    )
    made.globals.update(static=static, url=reverse)
    return made
