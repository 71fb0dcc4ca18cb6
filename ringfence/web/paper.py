"""A day's visits on paper: PDF with its structure marked, so that a screen reader reads it in order (PDF/UA-1)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import typst

_TEMPLATE = Path(__file__).resolve().parent / "templates" / "visits" / "paper.typ"


@cache
def _source() -> bytes:
    return _TEMPLATE.read_bytes()


def visits(title: str, rounds: Sequence[Any]) -> bytes:
    """The rounds of a day (``queries.visits.Round``) as PDF: who, where, a line to write on, and nothing else."""
    data = {
        "title": title,
        "rounds": [
            {
                "visitor": each.visitor_name or "Nobody yet",
                "stops": [
                    {
                        "place": stop.place,
                        "ref": stop.ref,
                        "name": stop.name,
                        "address": [part for part in (stop.address, stop.postcode) if part],
                        "also": stop.also,
                        "child": stop.under_18,
                    }
                    for stop in each.stops
                    if not stop.done and not stop.gone
                ],
            }
            for each in rounds
        ],
    }
    # Values go in as data, never as markup.
    inputs = {"data": json.dumps(data)}
    try:
        return bytes(typst.compile(_source(), sys_inputs=inputs, format="pdf", pdf_standards="ua-1"))
    except typst.TypstError:
        # A name in a script that the built-in fonts do not hold must not keep the list from being printed.
        return bytes(typst.compile(_source(), sys_inputs=inputs, format="pdf"))
