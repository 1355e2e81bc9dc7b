"""What a model's name tells of it."""

import pytest
from modelwire_service.upstreams.gemini.families import NEWEST, Family, family_of


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gemini-2.5-flash", Family("gemini", (2, 5), False)),
        ("models/gemini-2.5-pro", Family("gemini", (2, 5), True)),
        ("models/gemini-2.0-flash-001", Family("gemini", (2, 0), False)),
        ("gemini-3-pro-preview", Family("gemini", (3, 0), True)),
        ("gemini-3.1-pro-preview-customtools", Family("gemini", (3, 1), True)),
        ("GEMINI-3.1-flash-lite", Family("gemini", (3, 1), False)),
        ("gemini-10.2-ultra", Family("gemini", (10, 2), False)),
        ("gemini-pro-latest", Family("gemini", NEWEST, True)),
        ("gemini-flash-latest", Family("gemini", NEWEST, False)),
        ("tunedModels/mine-abc", Family("gemini", NEWEST, False)),
        ("gemma-3-27b-it", Family("gemma", (3, 0), False)),
        ("models/gemma-3n-e4b-it", Family("gemma", (3, 0), False)),
        ("gemma-4-31b-it", Family("gemma", (4, 0), False)),
    ],
)
def test_family_of(model: str, family: Family) -> None:
    assert family_of(model) == family


@pytest.mark.parametrize(
    ("model", "thinks_by"),
    [
        ("gemini-1.5-pro", None),
        ("gemini-2.0-flash", None),
        ("gemini-2.5-flash-lite", "budget"),
        ("gemini-3-flash-preview", "level"),
        ("gemini-flash-latest", "level"),
        ("gemma-3-4b-it", None),
        ("gemma-4-31b-it", "level"),
    ],
)
def test_how_a_family_thinks(model: str, thinks_by: str | None) -> None:
    assert family_of(model).thinks_by == thinks_by
