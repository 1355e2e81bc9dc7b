from collections.abc import Callable
from typing import Any, Final

import pytest
from support.openapi import Document, Json, check, takes

M: Final = {"$ref": "#/components/schemas/t.M"}
ERROR: Final = {"$ref": "#/components/responses/Error"}
STREAMED: Final = (
    "A JSON array, JSON lines or server-sent events, as the `Accept` header or `alt=sse` asks. "
    "The schemas of lines and events are those of one."
)


def operation(document: Json) -> Json:
    (path,) = document["paths"].values()
    ((_, found),) = path.items()
    made: Json = found
    return made


@pytest.fixture
def of_rpc(document: Document) -> Callable[..., tuple[Json, Json]]:
    """The operation of `rpc Do(…) returns (…)` under a rule, and the document it is in."""

    def made(signature: str, rule: str, fields: str = "string a = 1;", option: str = "") -> tuple[Json, Json]:
        rpc = f"rpc Do{signature} {{ option (google.api.http) = {{ {rule} }}; {option} }}"
        whole = document(f"// An M. More.\nmessage M {{\n{fields}\n}} service S {{ {rpc} }}")
        return operation(whole), whole

    return made


@pytest.mark.parametrize(
    ("signature", "rule", "fields", "body"),
    [
        ("(M) returns (M)", 'get: "/x"', "string a = 1;", None),
        ("(M) returns (M)", 'post: "/x" body: "*"', "string a = 1;", {"content": {"application/json": {"schema": M}}}),
        (
            "(M) returns (M)",
            'post: "/x" body: "b"',
            "string a = 1; M b = 2;",
            {"content": {"application/json": {"schema": M}}},
        ),
        (
            "(M) returns (M)",
            'post: "/x" body: "b"',
            "repeated string b = 2 [(google.api.field_behavior) = REQUIRED];",
            {
                "content": {"application/json": {"schema": {"type": "array", "items": {"type": "string"}}}},
                "required": True,
            },
        ),
        ("(google.api.HttpBody) returns (M)", 'post: "/x" body: "*"', "string a = 1;", {"content": {"*/*": {}}}),
        ("(M) returns (M)", 'post: "/x" body: "b"', "google.api.HttpBody b = 2;", {"content": {"*/*": {}}}),
        (
            "(stream M) returns (M)",
            'post: "/x" body: "*"',
            "string a = 1;",
            {
                "content": {
                    "application/json": {"schema": {"type": "array", "items": M}},
                    "application/x-ndjson": {"schema": M},
                }
            },
        ),
    ],
)
def test_a_body_is_what_the_rule_reads(
    of_rpc: Callable[..., tuple[Json, Json]], signature: str, rule: str, fields: str, body: Json | None
) -> None:
    assert of_rpc(signature, rule, fields)[0].get("requestBody") == body


SHELF: Final = """
string a = 1 [(google.api.field_behavior) = REQUIRED]; S s = 2 [(google.api.field_behavior) = REQUIRED];
message S { string a = 1 [(google.api.field_behavior) = REQUIRED]; string b = 2; T t = 3; }
message T { string a = 1; string b = 2; }
"""


@pytest.mark.parametrize(
    ("rule", "taken", "refused"),
    [
        ('post: "/x/{a}" body: "*"', {"s": {"a": "1"}}, {"a": "1", "s": {"a": "1"}}),
        ('post: "/x/{s.a}" body: "*"', {"a": "1", "s": {}}, {"a": "1", "s": {"a": "1"}}),
        ('post: "/x/{s.a}" body: "*"', {"a": "1", "s": {"b": "1"}}, {"s": {}}),
        ('post: "/x/{s.t.a}/{s.a}" body: "*"', {"a": "1", "s": {"t": {"b": ""}}}, {"a": "1", "s": {"t": {"a": ""}}}),
        ('patch: "/x/{s.a}" body: "s"', {"b": "1"}, {"a": "1"}),
        ('patch: "/x/{s.t.a}" body: "s"', {"a": "1", "t": {"b": "1"}}, {"a": "1", "t": {"a": "1"}}),
        ('patch: "/x/{a}" body: "s"', {"a": "1"}, {}),
    ],
)
def test_a_body_lacks_what_the_path_binds(
    of_rpc: Callable[..., tuple[Json, Json]], rule: str, taken: Json, refused: Json
) -> None:
    found, document = of_rpc("(M) returns (M)", rule, SHELF)
    schema = found["requestBody"]["content"]["application/json"]["schema"]
    check(document, schema, taken)
    assert not takes(document, schema, refused)
    assert found["requestBody"]["required"] is True


def test_a_body_that_may_be_empty_is_not_required(of_rpc: Callable[..., tuple[Json, Json]]) -> None:
    rule = 'post: "/x/{a}" body: "*"'
    found, _ = of_rpc("(M) returns (M)", rule, "string a = 1 [(google.api.field_behavior) = REQUIRED];")
    assert "required" not in found["requestBody"]


STREAM_OF_M: Final = {
    "application/json": {"schema": {"type": "array", "items": M}},
    "application/x-ndjson": {"schema": M},
    "text/event-stream": {
        "schema": {
            "type": "object",
            "properties": {
                "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": M},
            },
            "required": ["data"],
        }
    },
}


@pytest.mark.parametrize(
    ("returns", "rule", "description", "content"),
    [
        ("M", 'get: "/x"', "An M", {"application/json": {"schema": M}}),
        ("stream M", 'get: "/x"', f"An M\n\n{STREAMED}", STREAM_OF_M),
        ("google.api.HttpBody", 'get: "/x"', "The answer", {"*/*": {}}),
        ("stream google.api.HttpBody", 'get: "/x"', "The answer", {"*/*": {}}),
        ("M", 'get: "/x" response_body: "a"', "The answer", {"application/json": {"schema": {"type": "string"}}}),
        (
            "M",
            'get: "/x" response_body: "c"',
            "The answer",
            {"application/json": {"schema": {"type": ["boolean", "null"]}}},
        ),
        (
            "M",
            'get: "/x" response_body: "m"',
            "An M",
            {"application/json": {"schema": {"anyOf": [M, {"type": "null"}]}}},
        ),
        ("M", 'get: "/x" response_body: "raw"', "The answer", {"*/*": {}}),
    ],
)
def test_an_answer_is_what_the_method_returns(
    of_rpc: Callable[..., tuple[Json, Json]], returns: str, rule: str, description: str, content: Json
) -> None:
    fields = "string a = 1; M m = 2; google.api.HttpBody raw = 3; optional bool c = 4;"
    answer = of_rpc(f"(M) returns ({returns})", rule, fields)[0]["responses"]["200"]
    assert answer == {"description": description, "content": content}


def test_the_media_types_of_an_http_body_are_those_the_method_names(
    of_rpc: Callable[..., tuple[Json, Json]],
) -> None:
    option = 'option (modelwire.http.v1.http_body_answer) = { media_types: ["text/csv", "image/png"] };'
    found, _ = of_rpc("(M) returns (google.api.HttpBody)", 'get: "/x"', option=option)
    assert found["responses"]["200"]["content"] == {"text/csv": {}, "image/png": {}}


def test_an_answer_to_head_has_no_content(of_rpc: Callable[..., tuple[Json, Json]]) -> None:
    found, _ = of_rpc("(M) returns (M)", 'custom { kind: "HEAD" path: "/x" }')
    assert found["responses"]["200"] == {"description": "An M"}


@pytest.mark.parametrize(
    ("request_type", "rule", "statuses"),
    [
        ("M", 'get: "/x"', ["400"]),
        ("M", 'post: "/x" body: "*"', ["400", "413", "415"]),
        ("google.api.HttpBody", 'post: "/x" body: "*"', ["400", "413"]),
    ],
)
def test_errors_are_documented(
    of_rpc: Callable[..., tuple[Json, Json]], request_type: str, rule: str, statuses: list[str]
) -> None:
    answers: dict[str, Any] = dict(of_rpc(f"({request_type}) returns (M)", rule)[0]["responses"])
    del answers["200"]
    assert answers == dict.fromkeys([*statuses, "default"], ERROR)
