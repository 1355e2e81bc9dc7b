"""Rules that one of the two refuses at start, or both, or neither."""

from dataclasses import dataclass

PROTO = """
syntax = "proto3"; package side.v1;
import "google/api/annotations.proto"; import "google/api/httpbody.proto";
import "google/protobuf/field_mask.proto"; import "google/protobuf/struct.proto";
message Node { string name = 1; }
message M {
  string name = 1; string other = 2; Node node = 3; repeated string words = 4; map<string, string> sizes = 5;
  google.protobuf.Struct struct = 6; google.protobuf.FieldMask mask = 7; google.api.HttpBody raw = 8;
  string renamed = 9 [json_name = "otherName"];
}
service S { rpc R(M) returns (M) { option (google.api.http) = { RULE }; } }
"""
SERVICE = "side.v1.S"

ALIKE = (
    'get: "/"',
    'get: "/a%20b"',
    'get: "/~a+b"',
    'get: "/{name=**}"',
    'get: "/a/{name=**}/b"',
    'get: "/a/{node.name}"',
    'get: "/a" body: "*"',
    'post: "/a/{name}" body: "name"',
    'get: "/a" response_body: "raw"',
    'custom { kind: "get" path: "/a" }',
    'get: "/a/{name={other}}"',
    'get: "/a/**/**"',
    'get: "/a/**/*"',
    'get: "/a/{name=**}/{other}"',
    'get: "a"',
    'get: "/a/"',
    'get: "/a//b"',
    'get: ""',
    'get: "/a:b:c"',
    'get: "/a:"',
    'get: "/a:b/c"',
    'get: "/a/{name"',
    'get: "/a/{}"',
    'get: "/a/{name=}"',
    'get: "/a/x{name}"',
    'get: "/a/{node..name}"',
    'post: "/a" body: "nope"',
    'get: "/a" response_body: "nope"',
)
"""Rules that both refuse, or neither."""


@dataclass(frozen=True, slots=True)
class Startup:
    """Rules that `refused_by_envoy`, and else by us alone."""

    title: str
    envoy: str
    ours: str
    reason: str
    rules: tuple[str, ...]
    refused_by_envoy: bool = False


STARTUP = (
    Startup(
        "Two rules for one method and one form of path",
        "start; each request is 404",
        "refused",
        "Nobody writes a rule to have a 404.",
        (
            'get: "/a" additional_bindings { get: "/a" }',
            'get: "/a/{name}" additional_bindings { get: "/a/{other}" }',
            'get: "/a/{name}" additional_bindings { get: "/a/*" }',
        ),
    ),
    Startup(
        "Variable that names no field, or one that no text can stand for",
        "start; of a repeated field or a FieldMask it is bound, of others each request is refused",
        "refused",
        "google/api/http.proto: a variable is a field, of a primitive type. JSON names are none.",
        (
            'get: "/a/{nope}"',
            'get: "/a/{node.nope}"',
            'get: "/a/{otherName}"',
            'get: "/a/{words}"',
            'get: "/a/{sizes}"',
            'get: "/a/{node}"',
            'get: "/a/{struct}"',
            'get: "/a/{mask}"',
        ),
    ),
    Startup(
        "Variable that stands twice in a template",
        "start",
        "refused",
        "One of the two would be dropped.",
        ('get: "/a/{name}/{name}"',),
    ),
    Startup(
        "`body` that is a path",
        "starts",
        "refused",
        "google/api/http.proto: `body` names a field of the request itself.",
        ('post: "/a" body: "node.name"',),
    ),
    Startup(
        "`response_body` that is JSON",
        "refused: only a google.api.HttpBody",
        "served",
        "google/api/http.proto: any field.",
        ('get: "/a" response_body: "name"', 'get: "/a" response_body: "node"', 'get: "/a" response_body: "words"'),
        refused_by_envoy=True,
    ),
    Startup(
        "additional_bindings in additional_bindings",
        "start; all are routes",
        "refused",
        "google/api/http.proto: additional bindings have none of their own.",
        ('get: "/a" additional_bindings { get: "/b" additional_bindings { get: "/c" } }',),
    ),
    Startup(
        "Characters in a literal that must be percent-encoded",
        "start; requests match that have the very character, if any can",
        "refused",
        "RFC 3986, 3.3.",
        ('get: "/a*"', 'get: "/a%zz"', 'get: "/a b"', 'get: "/é"', 'get: "/a?b=c"', 'get: "/a#b"'),
    ),
    Startup(
        "Rule without a method or a path",
        "starts; no route",
        "refused",
        "Whoever wrote a rule wants a route.",
        ('body: "*"', 'custom { kind: "" path: "/a" }'),
    ),
    Startup(
        "`/healthz`, `/readyz` and `/openapi.json`",
        "paths like others",
        "refused: they are the gateway's own",
        "Whoever runs the gateway needs them.",
        ('get: "/healthz"', 'get: "/readyz"', 'get: "/openapi.json"'),
    ),
)
