"""Whole documents: valid by a public validator, and true of what is served."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import orjson
import pytest
from google.iam.v1 import iam_policy_pb2
from google.longrunning import operations_pb2
from google.protobuf.descriptor import FileDescriptor
from modelwire_gateway.openapi import NO_COMMENTS, ServedDocument, openapi_document, title_of
from modelwire_gateway.openapi.operations import EVERY_METHOD
from modelwire_gateway.openapi.paths import shape
from modelwire_gateway.options import GatewayOptions, JsonOptions
from modelwire_gateway.routing.route_rules import Route
from modelwire_gateway.sources.descriptors import built_in_image
from openapi_spec_validator import OpenAPIV31SpecValidator
from support.images import image_of
from support.openapi import Json, document_of, routes_of
from temporalio.api.workflowservice.v1 import service_pb2

EVERYTHING = """
message M {
  everything.Scalars a = 1; everything.Optionals b = 2; everything.Lists c = 3; everything.Maps d = 4;
  everything.Choice e = 5; everything.WellKnown f = 6; everything.Tree g = 7; everything.Open h = 8;
  legacy.Legacy i = 9; google.api.HttpBody j = 10; repeated google.api.HttpBody k = 11;
  string must = 12 [(google.api.field_behavior) = REQUIRED];
}
service S {
  rpc Unary(M) returns (M) { option (google.api.http) = { get: "/unary" additional_bindings {
    put: "/unary/{a.string_value}/x/{g.left.name=y/*/z/**}:go" body: "g" response_body: "c" } }; }
  rpc Custom(M) returns (M) { option (google.api.http) = { custom { kind: "*" path: "/any/{must}" } body: "*"
    additional_bindings { custom { kind: "QUERY" path: "/query" } body: "*" } }; }
  rpc Down(M) returns (stream M) { option (google.api.http) = { post: "/down" body: "d" }; }
  rpc Up(stream M) returns (M) { option (google.api.http) = { post: "/up" body: "*" }; }
  rpc Raw(google.api.HttpBody) returns (stream google.api.HttpBody) {
    option (google.api.http) = { post: "/raw" body: "*" additional_bindings { get: "/raw" } }; }
}
"""
FOREIGN = {
    "longrunning": [operations_pb2.DESCRIPTOR],
    "iam": [iam_policy_pb2.DESCRIPTOR],
    "workflows": [service_pb2.DESCRIPTOR],
}


KINDS = ("string", "int64", "bytes", "everything.Color", "google.protobuf.Timestamp", "google.protobuf.BoolValue")
BEHAVIORS = ("REQUIRED", "OUTPUT_ONLY", "INPUT_ONLY", "OPTIONAL")
PATTERNS = ("{f1}", "{f1=**}", "{f1=y/*}", "y/{f1}", "{f1=*/z/**}", "{f1}:go", "*/{f1}", "fixed")


def at_random(chance: random.Random) -> str:
    """Messages that hold each other, and methods that bind their fields; no two of one route."""
    types = [f"T{number}" for number in range(5)]
    messages = [f"message {name} {{ string f1 = 1; {_fields(chance, types)} }}" for name in types]
    rpcs = [
        f"rpc M{number}({chance.choice(types)}) returns ({chance.choice(['', 'stream '])}{chance.choice(types)}) "
        f"{{ option (google.api.http) = {{ {_rule(chance, number)} }}; }}"
        for number in range(12)
    ]
    return f"{' '.join(messages)} service S {{ {' '.join(rpcs)} }}"


def _fields(chance: random.Random, types: Sequence[str]) -> str:
    fields = []
    for number in range(2, chance.randrange(4, 9)):
        kind = chance.choice((*KINDS, *types))
        label = chance.choice(("", "", "repeated ", "map"))
        shown = f"map<string, {kind}>" if label == "map" else label + kind
        fields.append(f"{shown} f{number} = {number} [(google.api.field_behavior) = {chance.choice(BEHAVIORS)}];")
    return " ".join(fields)


def _rule(chance: random.Random, number: int) -> str:
    # Each method of four has a kind of its own, so that paths may be shared.
    kind = ("get", "put", "post", "delete")[number % 4]
    body = chance.choice(('body: "*"', 'body: "f2"', 'body: "f3"', "")) if kind != "get" else ""
    answer = chance.choice(('response_body: "f2"', ""))
    return f'{kind}: "/p{number // 4}/{chance.choice(PATTERNS)}" {body} {answer}'


@pytest.fixture(scope="module")
def everything(compile_image: Callable[[str], bytes]) -> bytes:
    return compile_image(EVERYTHING)


def complaints(document: Json) -> list[str]:
    """What the validator says, and the references to nothing."""
    told = [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]
    references = set(re.findall(r'"\$ref":"#/components/([^"]*)"', orjson.dumps(document).decode()))
    there = {f"{kind}/{name}" for kind, named in document["components"].items() for name in named}
    return [*told, *(references - there)]


def covered(routes: Sequence[Route]) -> set[tuple[str, str]]:
    """The shapes and methods of the operations that routes ask for."""
    methods = {"*": EVERY_METHOD, "QUERY": ()}
    return {
        (shape(route.template), method)
        for route in routes
        for method in methods.get(route.http_method, [route.http_method])
    }


def documented(document: Json) -> set[tuple[str, str]]:
    return {
        (re.sub(r"\{[^}]*\}", "{}", path), method.upper())
        for path, operations in document["paths"].items()
        for method in operations
    }


@pytest.mark.parametrize("files", FOREIGN.values(), ids=FOREIGN)
def test_documents_of_foreign_services_are_valid_and_whole(files: list[FileDescriptor]) -> None:
    image = image_of(*files)
    document = document_of(image)
    assert not complaints(document)
    assert documented(document) == covered(routes_of(image))


@pytest.mark.parametrize("seed", range(8))
def test_documents_of_services_made_at_random_are_valid_and_whole(
    compile_image: Callable[[str], bytes], seed: int
) -> None:
    image = compile_image(at_random(random.Random(seed)))
    document = document_of(image)
    assert not complaints(document)
    assert documented(document) == covered(routes_of(image))


@pytest.mark.parametrize(
    "options",
    [
        GatewayOptions(),
        GatewayOptions(error_body="status", forwarded_headers=frozenset()),
        GatewayOptions(json=JsonOptions(unknown_fields="ignore", proto_field_names=True, print_zero_values=True)),
    ],
)
def test_a_document_of_everything_is_valid_and_whole(everything: bytes, options: GatewayOptions) -> None:
    document = document_of(everything, options)
    assert not complaints(document)
    assert documented(document) == covered(routes_of(everything))
    assert orjson.loads(orjson.dumps(document)) == document


def test_the_same_services_give_the_same_document(everything: bytes) -> None:
    assert orjson.dumps(document_of(everything)) == orjson.dumps(document_of(everything))


def test_a_document_without_routes_is_valid() -> None:
    document = openapi_document((), title="nothing", version="0", options=GatewayOptions())
    assert not complaints(document)
    assert (document["paths"], document["tags"]) == ({}, [])


def test_what_is_not_of_a_route_is_said_once(everything: bytes) -> None:
    document = document_of(everything)
    assert document["openapi"] == "3.1.0"
    assert document["info"] == {"title": "test", "version": "1"}
    assert document["servers"] == [{"url": "/"}]
    assert document["security"] == [{}, {"bearer": []}, {"apiKey": []}]
    assert document["components"]["securitySchemes"] == {
        "bearer": {"type": "http", "scheme": "bearer"},
        "apiKey": {"type": "apiKey", "in": "header", "name": "x-goog-api-key"},
    }


def test_a_credential_that_is_not_forwarded_is_not_offered(everything: bytes) -> None:
    document = document_of(everything, replace(GatewayOptions(), forwarded_headers=frozenset({"authorization"})))
    assert document["security"] == [{}, {"bearer": []}]


def test_apis_without_a_name_are_called_after_their_packages(everything: bytes) -> None:
    both = (*routes_of(everything), *routes_of(image_of(operations_pb2.DESCRIPTOR)))
    assert title_of(both) == "t, google.longrunning"
    assert title_of(()) == "API"


def test_the_served_document_follows_the_routes(everything: bytes) -> None:
    first, second = routes_of(everything), routes_of(built_in_image())
    current = [first]
    served = ServedDocument(lambda: current[0], version="1", options=GatewayOptions())
    texts = [served(), served()]
    current[0] = second
    texts += [served()]
    assert texts[0] is texts[1]
    for text, of in ((texts[0], first), (texts[2], second)):
        expected = openapi_document(of, title=title_of(of), version="1", options=GatewayOptions(), comments=NO_COMMENTS)
        assert orjson.loads(text) == expected
