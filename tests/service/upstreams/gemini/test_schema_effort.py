"""Short schemas that say very long ones are given up before they take time or memory."""

import pytest
from modelwire_service.errors import InvalidRequest
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.families import family_of
from modelwire_service.upstreams.gemini.json_schema import adapted
from modelwire_service.upstreams.gemini.schema_effort import Effort, TooLarge
from modelwire_service.upstreams.gemini.schemas import PARAMETERS, schema_member

OLDER, NEWER = family_of("gemini-2.0-flash"), family_of("gemini-2.5-flash")


def pointing(definition: Json, times: int) -> Json:
    """An object whose properties all are one definition."""
    properties = {f"p{at}": {"$ref": "#/$defs/d"} for at in range(times)}
    return {"type": "object", "$defs": {"d": definition}, "properties": properties}


MEMBERS = {f"x{at}": 1 for at in range(4_000)}
CHAIN = {f"d{at}": {"allOf": [{"$ref": f"#/$defs/d{at + 1}"}]} for at in range(1_000)} | {"d1000": {"type": "string"}}
DOUBLING = {
    f"d{at}": {"type": "object", "properties": {name: {"$ref": f"#/$defs/d{at + 1}"} for name in "ab"}}
    for at in range(7)
} | {"d7": {"type": "string"}}
LONG: dict[str, Json] = {
    "a description pointed to": pointing({"type": "string", "description": "x" * 100_000}, 4_000),
    "an enum pointed to": pointing({"enum": [f"value {at}" for at in range(10_000)]}, 4_000),
    "a default pointed to": pointing({"type": "object", "default": {"a": {"b": ["x" * 100_000]}}}, 4_000),
    "unread members pointed to": pointing({"type": "string", **MEMBERS}, 4_000),
    "members beside a union": {**MEMBERS, "properties": {"a": {}}, "anyOf": [{"type": "object"}] * 4_000},
    "references to two references": {"$ref": "#/$defs/d0", "$defs": DOUBLING},
    "a chain of allOf": {"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": CHAIN},
}


@pytest.mark.parametrize("schema", LONG.values(), ids=LONG)
def test_what_would_grow_far_beyond_its_size_is_not_rewritten(schema: Json) -> None:
    with pytest.raises(InvalidRequest, match=r"^p: is too large or too deep"):
        schema_member(schema, PARAMETERS, OLDER, "p")
    assert schema_member(schema, PARAMETERS, NEWER, "p") == {"parametersJsonSchema": adapted(schema)}


def test_a_large_schema_that_is_only_large_is_rewritten() -> None:
    schema = {"type": "object", "properties": {f"p{at}": {"type": "string", "title": "x" * 50} for at in range(4_000)}}
    assert len(schema_member(schema, PARAMETERS, OLDER, "p")["parameters"]["properties"]) == 4_000


@pytest.mark.parametrize("member", ["required", "propertyOrdering"])
def test_names_that_are_no_names_are_not_heeded(member: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, member: [{}, ["a"], 5, None, "a", "a"]}
    told = schema_member(schema, PARAMETERS, OLDER, "p")["parameters"]
    assert told["propertyOrdering"] == ["a"]
    assert told.get("required", ["a"]) == ["a"]


def test_effort_is_a_few_times_the_size_of_the_schema() -> None:
    effort = Effort(100_000)
    effort.spend(800_000)
    with pytest.raises(TooLarge):
        effort.spend(100_000)
