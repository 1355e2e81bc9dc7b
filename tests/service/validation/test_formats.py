from collections.abc import Callable
from typing import Any

import pytest
from modelwire_service.validation.formats import canonical_format

SCHEMA = {"name": "answer", "schema": {"type": "object"}}
KINDS = "must be one of text, json_object, json_schema"
NAME = "must be 1 to 64 letters, digits, '_' or '-'"


@pytest.mark.parametrize(
    ("response_format", "violations"),
    [
        ("json", ["response_format: must be an object"]),
        ({}, ["response_format.type: is required"]),
        ({"type": ""}, [f"response_format.type: {KINDS}, not ''"]),
        ({"type": "xml"}, [f"response_format.type: {KINDS}, not 'xml'"]),
        ({"type": ["text"]}, ["response_format.type: must be a string"]),
        ({"type": "json_schema"}, ["response_format.json_schema: is required"]),
        ({"type": "jsonSchema"}, ["response_format.json_schema: is required"]),
        ({"type": "json_schema", "json_schema": "x"}, ["response_format.json_schema: must be an object"]),
        ({"type": "json_schema", "json_schema": {}}, ["response_format.json_schema.name: is required"]),
        (
            {"type": "json_schema", "json_schema": {"name": "a.b"}},
            [f"response_format.json_schema.name: {NAME}"],
        ),
        (
            {"type": "json_schema", "json_schema": {"name": "x" * 65}},
            [f"response_format.json_schema.name: {NAME}"],
        ),
        (
            {"type": "json_schema", "json_schema": {"name": "", "schema": True, "strict": 1, "description": 2}},
            [
                "response_format.json_schema.name: must not be empty",
                "response_format.json_schema.description: must be a string",
                "response_format.json_schema.strict: must be a boolean",
                "response_format.json_schema.schema: must be an object",
            ],
        ),
    ],
)
def test_a_format_nobody_can_answer_in_is_refused(
    response_format: Any, violations: list[str], chat_violations: Callable[..., list[str]]
) -> None:
    assert chat_violations(response_format=response_format) == violations


@pytest.mark.parametrize(
    "response_format",
    [
        {"type": "text"},
        {"type": "json_object", "json_schema": None},
        {"type": "json_schema", "json_schema": SCHEMA},
        {"type": "jsonSchema", "json_schema": {"name": "x" * 64}},
        {"type": "text", "grammar": "root ::= x"},
    ],
)
def test_a_format_that_can_be_answered_in_passes(
    response_format: Any, chat_violations: Callable[..., list[str]]
) -> None:
    assert chat_violations(response_format=response_format) == []


def test_the_alias_gives_way_to_what_upstreams_know_and_nulls_go() -> None:
    given = {"type": "jsonSchema", "json_schema": SCHEMA, "grammar": None, "x": 1}
    normalised = canonical_format(given)
    assert list(normalised.items()) == [("type", "json_schema"), ("json_schema", SCHEMA), ("x", 1)]
