"""What of a .proto file becomes what schema."""

from typing import Any, Final

import pytest
from modelwire_gateway.options import GatewayOptions, JsonOptions
from support.openapi import Document, Json

REF: Final = "#/components/schemas/"
INT64: Final = {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}
UINT64: Final = {"type": "string", "format": "uint64", "pattern": "^[0-9]+$"}
INT32: Final = {"type": "integer", "format": "int32"}
UINT32: Final = {"type": "integer", "format": "uint32", "minimum": 0}
BYTES: Final = {"type": "string", "format": "byte", "contentEncoding": "base64"}
OBJECT: Final = {"type": "object", "additionalProperties": True}
POST: Final = 'post: "/x" body: "*"'


def or_null(schema: Json) -> Json:
    return {**schema, "type": [schema["type"], "null"]}


def map_of(values: Json, **names: Any) -> Json:
    return {"type": "object", "additionalProperties": values, **({"propertyNames": names} if names else {})}


FIELDS = [
    ("int32 f = 1;", INT32),
    ("sint32 f = 1;", INT32),
    ("sfixed32 f = 1;", INT32),
    ("uint32 f = 1;", UINT32),
    ("fixed32 f = 1;", UINT32),
    ("int64 f = 1;", INT64),
    ("sint64 f = 1;", INT64),
    ("sfixed64 f = 1;", INT64),
    ("uint64 f = 1;", UINT64),
    ("fixed64 f = 1;", UINT64),
    ("float f = 1;", {"type": "number", "format": "float"}),
    ("double f = 1;", {"type": "number", "format": "double"}),
    ("bool f = 1;", {"type": "boolean"}),
    ("string f = 1;", {"type": "string"}),
    ("optional string f = 1;", {"type": "string"}),
    ("bytes f = 1;", BYTES),
    ("everything.Color f = 1;", {"$ref": f"{REF}everything.Color"}),
    ("M f = 1;", {"$ref": f"{REF}t.M"}),
    ("repeated int64 f = 1;", {"type": "array", "items": INT64}),
    ("repeated M f = 1;", {"type": "array", "items": {"$ref": f"{REF}t.M"}}),
    ("map<string, int32> f = 1;", map_of(INT32)),
    ("map<string, M> f = 1;", map_of({"$ref": f"{REF}t.M"})),
    ("map<int64, bytes> f = 1;", map_of(BYTES, pattern="^-?[0-9]+$")),
    ("map<bool, everything.Color> f = 1;", map_of({"$ref": f"{REF}everything.Color"}, enum=["true", "false"])),
    ("google.protobuf.Timestamp f = 1;", {"type": "string", "format": "date-time"}),
    ("google.protobuf.Struct f = 1;", OBJECT),
    ("google.protobuf.Value f = 1;", {}),
    ("google.protobuf.ListValue f = 1;", {"type": "array", "items": {}}),
    ("google.protobuf.NullValue f = 1;", {"type": "null"}),
    ("google.protobuf.Empty f = 1;", {"$ref": f"{REF}google.protobuf.Empty"}),
    ("google.protobuf.StringValue f = 1;", {"type": ["string", "null"]}),
    ("google.protobuf.BytesValue f = 1;", or_null(BYTES)),
    ("google.protobuf.UInt64Value f = 1;", or_null(UINT64)),
    ("google.protobuf.FloatValue f = 1;", {"type": ["number", "null"], "format": "float"}),
    ("repeated google.protobuf.BoolValue f = 1;", {"type": "array", "items": {"type": "boolean"}}),
    ("repeated google.protobuf.Value f = 1;", {"type": "array", "items": {}}),
    ("int32 f = 1 [deprecated = true];", {**INT32, "deprecated": True}),
    ("int64 f = 1 [(modelwire.http.v1.field_json).int64_as_number = true];", {"type": "integer", "format": "int64"}),
    ("string f = 1 [(google.api.field_behavior) = OUTPUT_ONLY];", {"type": "string", "readOnly": True}),
    ("string f = 1 [(google.api.field_behavior) = INPUT_ONLY];", {"type": "string", "writeOnly": True}),
    ("/* About f. */ string f = 1;", {"type": "string", "description": "About f."}),
    ("/* About f. */ M f = 1;", {"$ref": f"{REF}t.M", "description": "About f."}),
    (
        "oneof o {\n/* Hm. */ int32 f = 1; string other_one = 2; }",
        {**INT32, "description": "Hm.\n\nAt most one of `f`, `otherOne` is set."},
    ),
]


@pytest.mark.parametrize(("field", "schema"), FIELDS, ids=[field for field, _ in FIELDS])
def test_a_field_becomes_a_property(routed: Document, field: str, schema: Json) -> None:
    assert routed(POST, fields=field)["components"]["schemas"]["t.M"]["properties"]["f"] == schema


@pytest.mark.parametrize(
    ("message", "schema"),
    [
        ("", {"additionalProperties": False}),
        ("option deprecated = true;", {"additionalProperties": False, "deprecated": True}),
        (
            'string a_b = 1; string c = 2 [json_name = "C"];',
            {"properties": {"aB": {"type": "string"}, "C": {"type": "string"}}, "additionalProperties": False},
        ),
        (
            "option (modelwire.http.v1.message_json).proto_field_names = true; string a_b = 1;",
            {"properties": {"a_b": {"type": "string"}}, "additionalProperties": False},
        ),
        (
            "google.protobuf.Struct more = 1 [(modelwire.http.v1.field_json).overflow = true];",
            {"additionalProperties": True},
        ),
    ],
)
def test_a_message_becomes_an_object(routed: Document, message: str, schema: Json) -> None:
    assert routed(POST, fields=message)["components"]["schemas"]["t.M"] == {"type": "object", **schema}


@pytest.mark.parametrize(
    ("options", "schema"),
    [
        (
            JsonOptions(proto_field_names=True),
            {"properties": {"a_b": {"type": "string"}}, "additionalProperties": False},
        ),
        (JsonOptions(unknown_fields="ignore"), {"properties": {"aB": {"type": "string"}}}),
    ],
)
def test_the_gateways_options_are_kept(routed: Document, options: JsonOptions, schema: Json) -> None:
    made = routed(POST, fields="string a_b = 1;", options=GatewayOptions(json=options))
    assert made["components"]["schemas"]["t.M"] == {"type": "object", **schema}


def test_an_enum_has_the_names_of_its_values(routed: Document) -> None:
    enum = """
      // A shade.
      enum Shade { SHADE_UNSPECIFIED = 0; DARK = 1;
      /* As
       * snow. */ LIGHT = 2; }
    """
    made = routed(POST, fields="Shade f = 1;", more=enum)
    assert made["components"]["schemas"]["t.Shade"] == {
        "type": "string",
        "enum": ["SHADE_UNSPECIFIED", "DARK", "LIGHT"],
        "description": "A shade.\n\n- `LIGHT`: As snow.",
    }


def test_all_that_is_referred_to_is_there_and_nothing_else(routed: Document) -> None:
    fields = "A a = 1; google.protobuf.Duration d = 2; repeated Unused.Used used = 3;"
    more = "message A { B b = 1; } message B { A a = 1; } message Unused { message Used {} Unused self = 1; }"
    assert list(routed(POST, fields=fields, more=more)["components"]["schemas"]) == [
        "t.A",
        "t.B",
        "t.M",
        "t.Unused.Used",
    ]


def test_groups_have_no_property(routed: Document) -> None:
    made = routed(POST, fields="legacy.Legacy f = 1;")
    schema = made["components"]["schemas"]["legacy.Legacy"]
    assert (list(schema["properties"]), schema["required"]) == (["name", "count", "shade", "shades"], ["name"])
