"""golden/schemas.json: JSON Schema in Gemini's words."""

import json
from pathlib import Path

import pytest
from modelwire_service.errors import InvalidRequest
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.families import family_of
from modelwire_service.upstreams.gemini.schema_cleanup import cleaned_up
from modelwire_service.upstreams.gemini.schemas import PARAMETERS, schema_member

ROWS = json.loads((Path(__file__).parent / "golden" / "schemas.json").read_text())["rows"]
OLDER, NEWER = family_of("gemini-2.0-flash"), family_of("gemini-2.5-flash")
DOUBLING: Json = {
    "$ref": "#/$defs/0",
    "$defs": {
        **{str(at): {"properties": {side: {"$ref": f"#/$defs/{at + 1}"} for side in "lr"}} for at in range(30)},
        "30": {"type": "string"},
    },
}
CHAINED: Json = {
    "$ref": "#/$defs/0",
    "$defs": {
        **{str(at): {"properties": {"next": {"$ref": f"#/$defs/{at + 1}"}}} for at in range(900)},
        "900": {"type": "string"},
    },
}


@pytest.mark.parametrize("row", [pytest.param(row, id=row["case"]) for row in ROWS])
def test_a_schema_in_geminis_words(row: Json) -> None:
    cleaned = cleaned_up(row["schema"], "p")
    assert cleaned.schema == row["gemini"]
    assert cleaned.whole is not row.get("lost", False)


@pytest.mark.parametrize("row", [pytest.param(row, id=row["case"]) for row in ROWS])
def test_which_field_it_goes_to(row: Json) -> None:
    assert schema_member(row["schema"], PARAMETERS, OLDER, "p") == {"parameters": row["gemini"]}
    json_schema = {"parametersJsonSchema": row.get("json_schema", row["schema"])}
    newer = json_schema if row.get("lost") else {"parameters": row["gemini"]}
    assert schema_member(row["schema"], PARAMETERS, NEWER, "p") == newer


@pytest.mark.parametrize("reference", ["#/$defs/none", "other.json", "#/$defs/A/enum/7", 5, "#/$defs/B"])
def test_a_reference_to_nothing_is_the_callers_mistake(reference: object) -> None:
    schema = {"$ref": reference, "$defs": {"A": {"enum": ["a"]}, "B": {"$ref": "#/$defs/B"}}}
    with pytest.raises(InvalidRequest, match=r"^p: has a \$ref that points to nothing"):
        cleaned_up(schema, "p")


@pytest.mark.parametrize("schema", [DOUBLING, CHAINED], ids=["doubling", "chained"])
def test_references_that_grow_without_bound_stay_references(schema: Json) -> None:
    with pytest.raises(InvalidRequest, match="too large or too deep"):
        schema_member(schema, PARAMETERS, OLDER, "p")
    assert schema_member(schema, PARAMETERS, NEWER, "p")["parametersJsonSchema"]["$ref"] == "#/$defs/0"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": 5},
        {"type": []},
        {"properties": []},
        {"anyOf": "x", "allOf": 7, "enum": {}, "required": 1, "items": []},
        {"anyOf": []},
        {"allOf": [True, {"required": 5}, {"required": [1], "properties": 5}]},
        {"enum": [], "prefixItems": {}},
        {"format": [], "description": None, "properties": {"a": True, "b": False, "c": None}},
        {"const": None},
    ],
)
def test_no_schema_is_too_odd(schema: Json) -> None:
    assert schema_member(schema, PARAMETERS, OLDER, "p")
    assert schema_member(schema, PARAMETERS, NEWER, "p")


def test_a_schema_is_rewritten_once() -> None:
    schema = {"type": "object", "properties": {"once": {"type": "string"}}}
    first = schema_member(schema, PARAMETERS, NEWER, "p")
    assert schema_member(json.loads(json.dumps(schema)), PARAMETERS, NEWER, "p") is first
    reordered = {"type": "object", "properties": {"twice": {"type": "string"}, "once": {"type": "string"}}}
    assert schema_member(reordered, PARAMETERS, NEWER, "p") is not first


def test_order_tells_schemas_apart() -> None:
    one, other = ({"properties": {name: {"type": "string"} for name in names}} for names in ("ab", "ba"))
    assert schema_member(one, PARAMETERS, NEWER, "p")["parameters"]["propertyOrdering"] == ["a", "b"]
    assert schema_member(other, PARAMETERS, NEWER, "p")["parameters"]["propertyOrdering"] == ["b", "a"]


def test_a_large_schema_is_not_kept() -> None:
    schema = {"properties": {f"a_long_enough_name_{number}": {"type": "string"} for number in range(400)}}
    first = schema_member(schema, PARAMETERS, NEWER, "p")
    again = schema_member(schema, PARAMETERS, NEWER, "p")
    assert again == first
    assert again is not first


@pytest.mark.parametrize("default", ["\ud800", 1 << 70])
def test_a_schema_json_cannot_hold_is_the_callers_mistake(default: object) -> None:
    with pytest.raises(InvalidRequest, match=r"^p: cannot be written as JSON"):
        schema_member({"default": default}, PARAMETERS, NEWER, "p")
