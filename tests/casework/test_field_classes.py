"""Every field of the identifiable record says what it tells of a person; exports, logs and disposal go by it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import models

from ringfence.casework.fields import CLASSES, classify


def problems(found: list[type[models.Model]]) -> list[str]:
    """Fields without a class, and classes without a field."""
    told = []
    for model in found:
        classes: dict[str, str] = getattr(model, "field_classes", {})
        fields = {field.name for field in model._meta.get_fields() if field.concrete or field.name == "pk"}
        told += [f"{model.__name__}.{name} has no class" for name in sorted(fields - set(classes))]
        told += [f"{model.__name__}.{name} has a class and is not there" for name in sorted(set(classes) - fields)]
        told += [f"{model.__name__}.{name} is {kind}" for name, kind in classes.items() if kind not in CLASSES]
        if "field_classes" not in vars(model) and classes:
            told.append(f"{model.__name__} has the classes of another")
    return told


def of_the_record() -> list[type[models.Model]]:
    return list(apps.get_app_config("casework").get_models(include_auto_created=True))


def test_every_field_has_one_class() -> None:
    assert len(of_the_record()) > 10
    assert problems(of_the_record()) == []


@pytest.fixture
def planted() -> Iterator[dict[str, Any]]:
    """What a model needs to be one of casework's for a moment."""

    class Meta:
        app_label = "casework"

    yield {"Meta": Meta, "__module__": "ringfence.casework.models", "name": models.CharField(max_length=9)}
    apps.all_models["casework"].pop("excursion", None)
    apps.clear_cache()


def test_a_model_without_classes_is_noticed(planted: dict[str, Any]) -> None:
    type("Excursion", (models.Model,), planted)
    apps.clear_cache()
    assert problems(of_the_record()) == ["Excursion.id has no class", "Excursion.name has no class"]


def test_a_field_without_a_class_and_a_class_without_a_field_are_noticed(planted: dict[str, Any]) -> None:
    classify(internal="id", special="outcome")(type("Excursion", (models.Model,), planted))
    apps.clear_cache()
    assert problems(of_the_record()) == [
        "Excursion.name has no class",
        "Excursion.outcome has a class and is not there",
    ]


def test_nothing_has_two_classes_or_one_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="twice"):
        classify(internal="id name", special="name")
    with pytest.raises(ValueError, match="unknown class"):
        classify(secret="name")


def test_what_says_who_somebody_is_or_how_they_are_is_not_called_internal() -> None:
    """Names of fields that carry such things wherever they are."""
    telling = {
        "identifiable": "nhs_number given_name family_name birth_date phone phone_other email address postcode number",
        "special": "ethnicity result outcome note text raw data care_home",
    }
    wrong = [
        f"{model.__name__}.{name}"
        for model in of_the_record()
        for kind, names in telling.items()
        for name in names.split()
        if model.field_classes.get(name, kind) not in ("identifiable", "special")  # type: ignore[attr-defined]
        and (model.__name__, name) not in {("Chunk", "number"), ("Part", "number")}  # their place in the delivery
    ]
    assert wrong == []
