from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from modelwire_gateway.options import GatewayOptions, JsonOptions
from modelwire_gateway.routing.field_paths import FieldNames, resolve
from support.openapi import Document, Json, document_of, routes_of

TEXT = {"type": "string", "minLength": 1}


def parameters(document: Json, place: str, method: str = "get") -> list[Json]:
    operations = [path[method] for path in document["paths"].values()]
    return [parameter for parameter in operations[0].get("parameters", []) if parameter["in"] == place]


def names(document: Json) -> list[str]:
    return [parameter["name"] for parameter in parameters(document, "query")]


@pytest.mark.parametrize(
    ("path", "fields", "expected"),
    [
        ("/x/{a}", "string a = 1;", {"schema": TEXT}),
        ("/x/{a}", "/* About a. */ string a = 1;", {"description": "About a.", "schema": TEXT}),
        ("/x/{a}", "int32 a = 1;", {"schema": {"type": "integer", "format": "int32"}}),
        ("/x/{a}", "everything.Color a = 1;", {"schema": {"$ref": "#/components/schemas/everything.Color"}}),
        ("/x/{a}", "google.protobuf.StringValue a = 1;", {"schema": TEXT}),
        ("/x/{a}", "google.protobuf.Timestamp a = 1;", {"schema": {"type": "string", "format": "date-time"}}),
        ("/x/{a=**}", "string a = 1;", {"description": "May hold slashes, as they are.", "schema": {"type": "string"}}),
        (
            "/x/{a=y/*}",
            "string a = 1;",
            {"name": "yId", "description": "Stands in `a`, which has the form `y/*`.", "schema": TEXT},
        ),
        ("/x/*", "string a = 1;", {"name": "xId", "schema": TEXT}),
    ],
)
def test_an_expression_of_the_path_is_a_parameter(
    routed: Document, path: str, fields: str, expected: dict[str, Any]
) -> None:
    (made,) = parameters(routed(f'get: "{path}"', fields=fields), "path")
    assert made == {"name": "a", "in": "path", "required": True, **expected}


@pytest.mark.parametrize(
    ("rule", "fields", "expected"),
    [
        ('get: "/x"', "string a_b = 1; repeated int32 c = 2;", ["aB", "c"]),
        ('get: "/x/{a_b}"', "string a_b = 1; repeated int32 c = 2;", ["c"]),
        ('get: "/x/{s.a}"', "S s = 1; message S { string a = 1; string b = 2; S s = 3; }", ["s.b"]),
        ('post: "/x" body: "s"', "S s = 1; string c = 2; message S { string a = 1; }", ["c"]),
        ('post: "/x" body: "*"', "string a = 1;", []),
        ('post: "/x"', "string a = 1;", ["a"]),
        ('get: "/x"', "map<string, string> m = 1; repeated M ms = 2; M self = 3; string a = 4;", ["a"]),
        ('get: "/x"', "google.protobuf.Duration d = 1; google.protobuf.Any y = 2;", ["d"]),
        ('get: "/x/{a}"', "oneof o { string a = 1; string b = 2; } string c = 3;", ["c"]),
        ('get: "/x"', "string key = 1; string pretty_print = 2; S s = 3; message S { string key = 1; }",
         ["pretty_print", "s.key"]),
        ('get: "/x"', "google.protobuf.Struct m = 1 [(modelwire.http.v1.field_json).overflow = true]; int32 a = 2;",
         ["a"]),
    ],
)  # fmt: skip
def test_the_query_has_what_neither_path_nor_body_binds(
    routed: Document, rule: str, fields: str, expected: list[str]
) -> None:
    document = routed(rule, fields=fields)
    assert [p["name"] for p in parameters(document, "query", rule.partition(":")[0])] == expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("bool a = 1;", {"schema": {"type": "boolean"}}),
        ("repeated bool a = 1;", {"schema": {"type": "array", "items": {"type": "boolean"}}}),
        ("google.protobuf.BoolValue a = 1;", {"schema": {"type": "boolean"}}),
        ("google.protobuf.Value a = 1;", {"content": {"application/json": {"schema": {}}}}),
        (
            "repeated google.protobuf.Struct a = 1;",
            {"schema": {"type": "array", "items": {"type": "string", "contentMediaType": "application/json"}}},
        ),
        ("/* About a. */ bool a = 1;", {"description": "About a.", "schema": {"type": "boolean"}}),
        ("bool a = 1 [deprecated = true];", {"deprecated": True, "schema": {"type": "boolean"}}),
        ("bool a = 1 [(google.api.field_behavior) = REQUIRED];", {"required": True, "schema": {"type": "boolean"}}),
    ],
)
def test_a_query_parameter_says_what_its_text_is(routed: Document, field: str, expected: Json) -> None:
    assert parameters(routed('get: "/x"', fields=field), "query") == [{"name": "a", "in": "query", **expected}]


def test_a_field_of_a_message_that_may_be_absent_is_not_required(routed: Document) -> None:
    fields = "S s = 1; message S { string a = 1 [(google.api.field_behavior) = REQUIRED]; }"
    assert [parameter.get("required") for parameter in parameters(routed('get: "/x"', fields=fields), "query")] == [
        None
    ]


def test_names_are_spelled_as_answers_spell_them(routed: Document) -> None:
    options = GatewayOptions(json=JsonOptions(proto_field_names=True))
    assert names(routed('get: "/x"', fields="string a_b = 1;", options=options)) == ["a_b"]


def test_every_parameter_is_one_that_binding_takes(compile_image: Callable[[str], bytes]) -> None:
    image = compile_image(
        "service S { rpc Get(everything.Tree) returns (M) { option (google.api.http) = { get: '/x/{left.name}' }; }"
        " rpc All(M) returns (M) { option (google.api.http) = { get: '/y' }; } } message M {"
        " everything.Scalars a = 1; everything.Optionals b = 2; everything.Lists c = 3; everything.Maps d = 4;"
        " everything.Choice e = 5; everything.WellKnown f = 6; everything.Tree g = 7; everything.Open h = 8; }"
    )
    document = document_of(image)
    for route in routes_of(image):
        operation = document["paths"][str(route.template)]["get"]
        keys = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"]
        paths = [resolve(route.rpc.descriptor.input_type, key.split("."), FieldNames().of) for key in keys]
        assert keys
        assert all(quote(key) == key.replace("@", "%40") for key in keys)
        assert not [path for path in paths if route.binds(path)]
