"""`buf curl`, which learns the contract by reflection: a gRPC client that nobody here wrote."""

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from google.rpc import error_details_pb2
from support.commands import ended_by_itself, run
from support.programs import Program

BUF = str(Path(sys.executable).parent / "buf")
CHAT = {
    "model": "smollm2-135m-instruct",
    "messages": [{"role": "user", "content": "Say hello."}],
    "maxTokens": 8,
}


def command(server: Program, rpc: str, request: Any) -> list[str]:
    url = f"http://{server.grpc_address}/modelwire.v1beta.{rpc}"
    return [BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge", "-d", json.dumps(request), url]


def called(server: Program, rpc: str, request: Any) -> list[Any]:
    """The messages of the answer, as JSON."""
    text, decoder, messages = run(*command(server, rpc, request)).strip(), json.JSONDecoder(), []
    while text:
        message, end = decoder.raw_decode(text)
        messages.append(message)
        text = text[end:].lstrip()
    return messages


def test_models_are_listed(server: Program) -> None:
    [listed] = called(server, "ModelService/ListModels", {})
    assert {model["id"] for model in listed["data"]} == {"smollm2-135m-instruct", "all-minilm-l6-v2"}


def test_a_model_is_got(server: Program) -> None:
    [model] = called(server, "ModelService/GetModel", {"model": "all-minilm-l6-v2"})
    assert (model["id"], model["object"]) == ("all-minilm-l6-v2", "model")


def test_texts_are_embedded(server: Program) -> None:
    asked = {"model": "all-minilm-l6-v2", "input": ["a", "b"], "dimensions": 8}
    [reply] = called(server, "EmbeddingService/GenerateEmbeddings", asked)
    assert [len(item["embedding"]) for item in reply["data"]] == [8, 8]


def test_a_chat_is_answered(server: Program) -> None:
    [body] = called(server, "ChatService/ChatCompletions", CHAT)
    reply = json.loads(base64.b64decode(body["data"]))
    assert (body["contentType"], reply["object"]) == ("application/json", "chat.completion")


def test_a_chat_is_streamed(server: Program) -> None:
    bodies = called(server, "ChatService/ChatCompletions", {**CHAT, "stream": True})
    data = b"".join(base64.b64decode(body["data"]) for body in bodies)
    assert bodies[0]["contentType"] == "text/event-stream"
    assert len(bodies) > 1
    assert data.startswith(b"data: {")
    assert data.endswith(b"\n\ndata: [DONE]\n\n")


@pytest.mark.parametrize(
    ("rpc", "request_json", "code", "reason", "field"),
    [
        ("ModelService/GetModel", {"model": "no-such"}, "not_found", "MODEL_NOT_FOUND", "model"),
        (
            "ChatService/ChatCompletions",
            {**CHAT, "temperature": 3},
            "invalid_argument",
            "INVALID_REQUEST",
            "temperature",
        ),
    ],
)
def test_an_error_is_told_with_its_details(
    server: Program, rpc: str, request_json: Any, code: str, reason: str, field: str
) -> None:
    ended = ended_by_itself(*command(server, rpc, request_json))
    assert ended.returncode != 0
    error = json.loads(ended.stderr)
    details = {detail["type"]: unpadded_base64(detail["value"]) for detail in error["details"]}
    info = error_details_pb2.ErrorInfo.FromString(details["google.rpc.ErrorInfo"])
    [violation] = error_details_pb2.BadRequest.FromString(details["google.rpc.BadRequest"]).field_violations
    assert (error["code"], info.reason, violation.field) == (code, reason, field)


def unpadded_base64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))
