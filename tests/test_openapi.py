"""The OpenAPI document of the built-in contract: valid, and true of what a real server answers."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
import pytest
from google.longrunning import operations_pb2
from modelwire_gateway.openapi.paths import shape
from modelwire_gateway.sources.descriptors import built_in_image
from modelwire_service import __version__
from modelwire_service.command_line.openapi import openapi_text
from openapi_spec_validator import OpenAPIV31SpecValidator
from support.images import image_of
from support.openapi import Json, answer_content, check, routes_of
from support.programs import COMMAND, Program

CHAT: Final = "/v1/chat/completions"
EMBEDDINGS: Final = "/v1/embeddings"
MODEL: Final = "smollm2-135m-instruct"
EMBEDDER: Final = "all-minilm-l6-v2"
HELLO: Final = [{"role": "user", "content": "Say hello."}]
CONFORMANCE: Final = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
SCHEMATHESIS: Final = str(Path(COMMAND).with_name("schemathesis"))


@pytest.fixture(scope="module")
def document() -> Json:
    loaded: Json = orjson.loads(openapi_text([]))
    return loaded


@pytest.fixture(scope="module")
def client(server: Program) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def test_it_is_valid(document: Json) -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    assert document["info"] == {"title": "modelwire", "version": __version__}


def test_it_has_every_route_and_no_other(document: Json) -> None:
    operations = {
        (method.upper(), path.replace("{model}", "{}")) for path, item in document["paths"].items() for method in item
    }
    assert operations == {(route.http_method, shape(route.template)) for route in routes_of(built_in_image())}


def test_everything_in_it_is_described(document: Json) -> None:
    for operations in document["paths"].values():
        assert all(operation["summary"] for operation in operations.values())
    for name, schema in document["components"]["schemas"].items():
        assert schema["description"], name
        assert all(member["description"] for member in schema.get("properties", {}).values()), name


def test_a_server_serves_it(document: Json, client: httpx.Client) -> None:
    answer = client.get("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == document


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/models", None, 200),
        ("GET", f"/v1/models/{MODEL}", None, 200),
        ("GET", "/v1/models/nobody/knows", None, 404),
        ("POST", EMBEDDINGS, {"model": EMBEDDER, "input": ["a", "b"]}, 200),
        ("POST", EMBEDDINGS, {"model": EMBEDDER, "input": "a", "encoding_format": "base64"}, 200),
        ("POST", EMBEDDINGS, {"model": EMBEDDER}, 400),
        ("POST", EMBEDDINGS, {"model": EMBEDDER, "input": "a", "dimensions": "many"}, 400),
        ("POST", CHAT, {"model": MODEL, "messages": HELLO, "max_tokens": 2}, 200),
        ("POST", CHAT, {"model": MODEL, "messages": HELLO, "max_tokens": 2, "stream": True}, 200),
        ("POST", CHAT, {"model": MODEL, "messages": [], "n": 0, "temperature": 9}, 400),
        ("POST", CHAT, {"model": "nobody", "messages": HELLO}, 404),
        ("POST", CHAT, {"model": MODEL, "messages": HELLO, "stream": True, "top_k": 1}, 400),
    ],
)
def test_what_a_server_answers_is_documented(
    document: Json, client: httpx.Client, method: str, path: str, body: Json | None, status: int
) -> None:
    answer = client.request(method, path, json=body)
    content_type = answer.headers["content-type"].partition(";")[0]
    content = answer_content(document, method, path if path in document["paths"] else "/v1/models/{model}", status)
    assert (answer.status_code, content_type in content) == (status, True)
    if content_type == "application/json":
        check(document, content[content_type].get("schema", {}), answer.json())


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [(b"{}", {"content-type": "text/plain"}, 415), (b"{", {"content-type": "application/json"}, 400)],
)
def test_what_the_gateway_refuses_is_documented(
    document: Json, client: httpx.Client, content: bytes, headers: dict[str, str], status: int
) -> None:
    answer = client.post(CHAT, content=content, headers=headers)
    documented = answer_content(document, "POST", CHAT, status)
    assert answer.status_code == status
    check(document, documented["application/json"]["schema"], answer.json())


@pytest.mark.parametrize(
    ("member", "value"),
    [("model", 1), ("messages", {}), ("stream", "yes"), ("tools", [{"type": "function"}]), ("temperature", "hot")],
)
def test_what_its_schemas_refuse_a_server_refuses(
    document: Json, client: httpx.Client, member: str, value: Any
) -> None:
    request = {"model": MODEL, "messages": HELLO, member: value}
    schema = document["paths"][CHAT]["post"]["requestBody"]["content"]["application/json"]["schema"]
    with pytest.raises(Exception, match=member):
        check(document, schema, request)
    answer = client.post(CHAT, json=request)
    assert (answer.status_code, answer.json()["error"]["param"].partition("[")[0]) == (400, member)


def schemathesis(url: str, folder: Path, location: str, *options: str) -> str:
    """Runs `schemathesis run`; what it printed, if it found nothing wrong."""
    common = ["--url", url, "--seed", "1", "--no-shrink", "--request-timeout", "30", "--warnings", "off"]
    arguments = [SCHEMATHESIS, "run", location, *common, *options]
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    return done.stdout


def test_schemathesis_finds_nothing_wrong(server: Program, tmp_path: Path) -> None:
    checks = f"{CONFORMANCE},allow_header_conformance,unsupported_method"
    options = ("--checks", checks, "--phases", "coverage,fuzzing", "--max-examples", "3")
    printed = schemathesis(server.url, tmp_path, f"{server.url}/openapi.json", *options)
    assert "Tested: 19" in printed


def test_schemathesis_finds_nothing_wrong_with_calls_that_succeed(
    document: Json, server: Program, tmp_path: Path
) -> None:
    """The document, narrowed to requests that the embedded models take at once; each must be accepted."""
    path = tmp_path / "narrowed.json"
    path.write_bytes(orjson.dumps(narrowed(document)))
    checks = f"{CONFORMANCE},positive_data_acceptance"
    options = ("--checks", checks, "--mode", "positive", "--phases", "fuzzing", "--max-examples", "8")
    assert "Tested: 4" in schemathesis(server.url, tmp_path, str(path), *options)


def narrowed(document: Json) -> Json:
    copy: Json = orjson.loads(orjson.dumps(document))
    paths = (CHAT, EMBEDDINGS, "/v1/models", "/v1/models/{model}")
    copy["paths"] = {path: copy["paths"][path] for path in paths}
    copy["paths"]["/v1/models/{model}"]["get"]["parameters"][0]["schema"] = {"enum": [MODEL, EMBEDDER]}
    requests = {
        "ChatCompletionsRequest": {
            "model": {"const": MODEL},
            "messages": {"const": HELLO},
            "max_tokens": {"enum": [1, 2]},
            "stream": {"type": "boolean"},
            "temperature": {"type": "number", "minimum": 0, "maximum": 2},
            "seed": {"type": "integer", "minimum": 0, "maximum": 9},
        },
        "GenerateEmbeddingsRequest": {
            "model": {"const": EMBEDDER},
            "input": {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1, "maxItems": 3},
            "encoding_format": {"enum": ["float", "base64"]},
        },
    }
    for name, properties in requests.items():
        required = ["model", "messages", "max_tokens"] if "messages" in properties else ["model", "input"]
        schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
        copy["components"]["schemas"][f"modelwire.v1beta.{name}"] = schema
    return copy


def test_the_command_writes_the_document_of_any_descriptor_set(tmp_path: Path) -> None:
    image = tmp_path / "image.binpb"
    image.write_bytes(image_of(operations_pb2.DESCRIPTOR))
    written = orjson.loads(openapi_text([image]))
    assert written["info"]["title"] == "google.longrunning"
    assert list(written["paths"]) == [
        "/v1/operations",
        "/v1/operations/{operationsId}",
        "/v1/operations/{operationsId}:cancel",
    ]
