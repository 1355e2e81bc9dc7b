"""Names of components where descriptor sets define a name each in its own way."""

from collections.abc import Callable

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from modelwire_gateway.openapi import openapi_document
from modelwire_gateway.options import GatewayOptions, JsonOptions
from modelwire_gateway.routing.routes import RouteTable
from modelwire_gateway.sources.descriptors import services_in_image
from support.openapi import Json, check, takes

REF = "#/components/schemas/"
ZEROS = GatewayOptions(json=JsonOptions(print_zero_values=True))


def service(name: str, messages: str) -> str:
    rule = f'option (google.api.http) = {{ post: "/{name}" body: "*" }};'
    return f"{messages} service {name} {{ rpc Do(M) returns (M) {{ {rule} }} }}"


def document_of(*images: bytes, options: GatewayOptions | None = None) -> Json:
    routes = RouteTable.from_services(service for image in images for service in services_in_image(image)).routes
    return openapi_document(routes, title="t", version="1", options=options or GatewayOptions())


@pytest.fixture
def both(compile_image: Callable[[str], bytes]) -> Callable[[str, str], Json]:
    """The document of two services, each of a descriptor set with messages of its own."""

    def made(first: str, second: str) -> Json:
        return document_of(compile_image(service("A", first)), compile_image(service("B", second)))

    return made


def test_a_field_with_presence_is_another_than_one_without(compile_image: Callable[[str], bytes]) -> None:
    first = compile_image(service("A", "message M { string a = 1; }"))
    second = FileDescriptorSet.FromString(compile_image(service("B", "message M { string a = 1; }")))
    next(file for file in second.file if file.name == "test.proto").syntax = "proto2"
    document = document_of(first, second.SerializeToString(), options=ZEROS)
    assert document["components"]["schemas"]["t.M"]["required"] == ["a"]
    assert "required" not in document["components"]["schemas"]["t.M-2"]


def body(document: Json, path: str) -> Json:
    schema: Json = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return schema


def test_what_is_defined_alike_is_one_component(both: Callable[[str, str], Json]) -> None:
    messages = (
        "enum E { NONE = 0; } message M { N n = 1; google.protobuf.Empty none = 2; } message N { M m = 1; E e = 2; }"
    )
    document = both(messages, messages)
    assert list(document["components"]["schemas"]) == ["google.protobuf.Empty", "t.E", "t.M", "t.N"]
    assert body(document, "/A") == body(document, "/B") == {"$ref": f"{REF}t.M"}


@pytest.mark.parametrize(
    ("first", "second", "components"),
    [
        ("message M { string a = 1; }", "message M { int32 a = 1; }", ["t.M", "t.M-2"]),
        ("message M { string a = 1; }", "message M { optional string a = 1; }", ["t.M", "t.M-2"]),
        (
            "message M { N n = 1; } message N { string a = 1; }",
            "message M { N n = 1; } message N { bool a = 1; }",
            ["t.M", "t.M-2", "t.N", "t.N-2"],
        ),
        (
            "message M { E e = 1; } enum E { NONE = 0; }",
            "message M { E e = 1; } enum E { NONE = 0; SOME = 1; }",
            ["t.E", "t.E-2", "t.M", "t.M-2"],
        ),
        (
            "message M { string a = 1; N n = 2; } message N { bool b = 1; }",
            "message M { string c = 1; N n = 2; } message N { bool b = 1; }",
            ["t.M", "t.M-2", "t.N"],
        ),
    ],
    ids=["type", "presence", "held", "enum", "held-alike"],
)
def test_each_definition_of_a_name_is_a_component(
    both: Callable[[str, str], Json], first: str, second: str, components: list[str]
) -> None:
    document = both(first, second)
    assert list(document["components"]["schemas"]) == components
    assert (body(document, "/A"), body(document, "/B")) == ({"$ref": f"{REF}t.M"}, {"$ref": f"{REF}t.M-2"})


def test_each_service_has_the_schema_of_its_own_messages(both: Callable[[str, str], Json]) -> None:
    document = both(
        "message M { N n = 1; } message N { string a = 1; }", "message M { N n = 1; } message N { bool a = 1; }"
    )
    text, truth = {"n": {"a": "x"}}, {"n": {"a": True}}
    check(document, body(document, "/A"), text)
    check(document, body(document, "/B"), truth)
    assert not takes(document, body(document, "/A"), truth)
    assert not takes(document, body(document, "/B"), text)


def test_only_the_definition_that_differs_by_role_has_two_schemas(both: Callable[[str, str], Json]) -> None:
    required = "message M { string a = 1 [(google.api.field_behavior) = REQUIRED]; }"
    document = both("message M { string a = 1; }", required)
    assert list(document["components"]["schemas"]) == ["t.M", "t.M-2", "t.M-2-Input"]
    assert body(document, "/B") == {"$ref": f"{REF}t.M-2-Input"}
