"""Every field of an identifiable table carries its class; exports, logs, merge and disposal derive from it.

``open``: may be published. ``internal``: says something about the service, nothing about a person. ``identifiable``:
says who somebody is or where they live. ``special``: says something about somebody's health or ethnicity (UK GDPR,
article 9).
"""

from __future__ import annotations

from typing import Any

from django.db import models

CLASSES = ("open", "internal", "identifiable", "special")


def classify(**classes: str) -> Any:
    """Class decorator: ``@classify(special="result onset", internal="id ...")`` names every field of a model once."""
    of: dict[str, str] = {}
    for name, fields in classes.items():
        if name not in CLASSES:
            raise ValueError(f"unknown class of field {name!r}: one of {', '.join(CLASSES)}")
        for field in fields.split():
            if field in of:
                raise ValueError(f"field {field} is classified twice")
            of[field] = name

    def decorate(model: type[models.Model]) -> type[models.Model]:
        model.field_classes = of  # type: ignore[attr-defined]
        return model

    return decorate
