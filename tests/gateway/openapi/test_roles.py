"""What requests must give and what answers have."""

import pytest
from modelwire_gateway.options import GatewayOptions, JsonOptions
from support.openapi import Document, Json

MESSAGES = """
message Given { string must = 1 [(google.api.field_behavior) = REQUIRED]; Shared shared = 2; Plain plain = 3; }
message Answered { string must = 1 [(google.api.field_behavior) = REQUIRED]; Shared shared = 2; Plain plain = 3; }
message Shared { Inner inner = 1; }
message Inner {
  string must = 1 [(google.api.field_behavior) = REQUIRED];
  int32 always = 2 [(modelwire.http.v1.field_json).print_zero_value = true];
  string out = 3 [(google.api.field_behavior) = REQUIRED, (google.api.field_behavior) = OUTPUT_ONLY];
}
message Plain { string may = 1; }
"""
SERVICE = 'service S { rpc Do(Given) returns (Answered) { option (google.api.http) = { post: "/x" body: "*" }; } }'


def schemas(document: Document, options: JsonOptions | None = None) -> Json:
    made: Json = document(MESSAGES + SERVICE, GatewayOptions(json=options or JsonOptions()))["components"]["schemas"]
    return made


@pytest.mark.parametrize(
    ("name", "required"),
    [
        ("t.Given", ["must"]),
        ("t.Answered", None),
        ("t.Inner", ["always"]),
        ("t.Inner-Input", ["must"]),
        ("t.Shared", None),
        ("t.Shared-Input", None),
        ("t.Plain", None),
    ],
)
def test_required_is_what_each_role_has_always(document: Document, name: str, required: list[str] | None) -> None:
    assert schemas(document)[name].get("required") == required


def test_only_what_differs_by_role_has_two_schemas(document: Document) -> None:
    made = schemas(document)
    twice = [name for name in made if name.endswith("-Input")]
    assert twice == ["t.Inner-Input", "t.Shared-Input"]
    assert made["t.Given"]["properties"]["shared"] == {"$ref": "#/components/schemas/t.Shared-Input"}
    assert made["t.Shared-Input"]["properties"]["inner"] == {"$ref": "#/components/schemas/t.Inner-Input"}
    assert made["t.Answered"]["properties"]["shared"] == {"$ref": "#/components/schemas/t.Shared"}


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("string f = 1", {"type": "string", "minLength": 1}),
        ("repeated int32 f = 1", {"type": "array", "items": {"type": "integer", "format": "int32"}, "minItems": 1}),
        (
            "map<string, bool> f = 1",
            {"type": "object", "additionalProperties": {"type": "boolean"}, "minProperties": 1},
        ),
        ("optional string f = 1", {"type": "string"}),
        ("bool f = 1", {"type": "boolean"}),
        ("google.protobuf.Struct f = 1", {"type": "object", "additionalProperties": True}),
    ],
)
def test_what_a_request_must_give_is_not_empty(document: Document, field: str, more: Json) -> None:
    required = "[(google.api.field_behavior) = REQUIRED, (modelwire.http.v1.field_json).print_zero_value = true]"
    made = document(f"message Given {{ {field} {required}; }} message Answered {{ Given given = 1; }} {SERVICE}")
    schemas = made["components"]["schemas"]
    given = schemas.get("t.Given-Input", schemas["t.Given"])
    assert (given["properties"]["f"], given["required"]) == (more, ["f"])
    assert "min" not in str(schemas["t.Given"]) or "t.Given-Input" not in schemas


def test_answers_that_print_zeros_have_all_fields_without_presence(document: Document) -> None:
    made = schemas(document, JsonOptions(print_zero_values=True))
    assert made["t.Answered"]["required"] == ["must"]
    assert made["t.Inner"]["required"] == ["must", "always", "out"]
    assert made["t.Plain"]["required"] == ["may"]
    assert "required" not in made["t.Plain-Input"]


def test_messages_that_hold_each_other_have_two_schemas_if_one_of_them_differs(document: Document) -> None:
    messages = """
message Given { Ping ping = 1; }
message Answered { Ping ping = 1; Apart apart = 2; }
message Ping { Pong pong = 1; Plain plain = 2; }
message Pong { repeated Ping pings = 1; string must = 2 [(google.api.field_behavior) = REQUIRED]; }
message Apart { Pong pong = 1; }
message Plain { Plain plain = 1; }
"""
    made = document(messages + SERVICE)["components"]["schemas"]
    assert [name for name in made if name.endswith("-Input")] == ["t.Ping-Input", "t.Pong-Input"]
