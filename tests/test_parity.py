"""Each RPC by gRPC, by REST over the local backend and by REST over the remote one gives the same answer.

Schemas have one property, because a stub's Struct keeps no order of keys, and fields that are wrong stand in the order
of their numbers, because violations come in the order of the request.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from modelwire.v1beta import chat_pb2, chat_pb2_grpc, embeddings_pb2, embeddings_pb2_grpc, models_pb2, models_pb2_grpc
from modelwire_client import status_of
from support.programs import Program

CHAT: dict[str, Any] = {
    "model": "smollm2-135m-instruct",
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say hello."}],
    "max_tokens": 12,
    "temperature": 0,
    "seed": 7,
}
CITY = {"type": "object", "properties": {"city": {"type": "string", "enum": ["Oslo", "Lima"]}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": CITY}}
FORCED = {"tools": [TOOL], "tool_choice": "required", "max_tokens": 48}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "answer", "schema": CITY}}
USAGE = {"stream_options": {"include_usage": True}}
CHATS: dict[str, dict[str, Any]] = {
    "plain": {},
    "several choices": {"n": 2, "temperature": 1},
    "stop": {"stop": ["e"]},
    "log probabilities": {"logprobs": True, "top_logprobs": 2},
    "schema": {"response_format": SCHEMA, "max_tokens": 48},
    "tool call": FORCED,
    "stream": {"stream": True},
    "stream with usage": {"stream": True, **USAGE},
    "streamed tool call": {"stream": True, **FORCED},
}
BAD_CHATS: dict[str, dict[str, Any]] = {
    "unknown model": {"model": "no-such"},
    "two bounds": {"temperature": 3, "top_p": 0},
    "bad role": {"messages": [{"role": "robot", "content": "Hi"}]},
    "bad stream": {"stream": True, "top_p": 2},
    "refused by the embedded model": {"n": 9},
}
EMBEDDINGS: dict[str, dict[str, Any]] = {
    "one text": {"input": "a cat"},
    "several texts": {"input": ["a cat", "ein Hund", "日本"]},
    "cut": {"input": "a cat", "dimensions": 16},
    "base64": {"input": ["a cat"], "encoding_format": "base64"},
}


@dataclass(frozen=True, slots=True)
class Doors:
    """The three ways to the same models: a channel, and REST over either backend."""

    channel: grpc.Channel
    rest: tuple[httpx.Client, httpx.Client]

    def post(self, path: str, body: dict[str, Any]) -> list[httpx.Response]:
        return [client.post(path, json=body) for client in self.rest]

    def get(self, path: str) -> list[httpx.Response]:
        return [client.get(path) for client in self.rest]


@pytest.fixture
def doors(server: Program, remote_gateway: Program) -> Iterator[Doors]:
    with (
        grpc.insecure_channel(server.grpc_address) as channel,
        httpx.Client(base_url=server.url, timeout=60) as local,
        httpx.Client(base_url=remote_gateway.url, timeout=60) as remote,
    ):
        yield Doors(channel, (local, remote))


def chat_by_grpc(doors: Doors, request: dict[str, Any]) -> tuple[str, bytes]:
    """Content type and bytes of the reply."""
    message = json_format.ParseDict(request, chat_pb2.ChatCompletionsRequest())
    bodies = list(chat_pb2_grpc.ChatServiceStub(doors.channel).ChatCompletions(message))
    return bodies[0].content_type, b"".join(body.data for body in bodies)


def without_identity(content_type: str, data: bytes) -> list[Any]:
    """All of a reply or of its events but what differs from one call to the next."""
    if content_type == "application/json":
        return [anonymous(json.loads(data))]
    assert content_type == "text/event-stream"
    *events, done, rest = data.decode().split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [anonymous(json.loads(event.removeprefix("data: "))) for event in events]


def anonymous(reply: dict[str, Any]) -> dict[str, Any]:
    for choice in reply["choices"]:
        for call in choice.get("message", choice.get("delta")).get("tool_calls") or []:
            call.pop("id", None)
    if reply.get("usage"):
        del reply["usage"]["prompt_tokens_details"]  # how much of the prompt was cached from the call before
    return {key: value for key, value in reply.items() if key not in ("id", "created")}


@pytest.mark.parametrize("fields", CHATS.values(), ids=CHATS)
def test_chats_are_equal(doors: Doors, fields: dict[str, Any]) -> None:
    request = CHAT | fields
    local, remote = doors.post("/v1/chat/completions", request)
    by_grpc = without_identity(*chat_by_grpc(doors, request))
    assert without_identity(local.headers["content-type"], local.content) == by_grpc
    assert without_identity(remote.headers["content-type"], remote.content) == by_grpc


@pytest.mark.parametrize("fields", EMBEDDINGS.values(), ids=EMBEDDINGS)
def test_embeddings_are_equal_to_the_last_bit(doors: Doors, fields: dict[str, Any]) -> None:
    request = {"model": "all-minilm-l6-v2", **fields}
    message = json_format.ParseDict(request, embeddings_pb2.GenerateEmbeddingsRequest())
    reply = embeddings_pb2_grpc.EmbeddingServiceStub(doors.channel).GenerateEmbeddings(message)
    check_equal(reply, doors.post("/v1/embeddings", request))


def test_lists_of_models_are_equal(doors: Doors) -> None:
    listed = models_pb2_grpc.ModelServiceStub(doors.channel).ListModels(models_pb2.ListModelsRequest())
    check_equal(listed, doors.get("/v1/models"))


@pytest.mark.parametrize("name", ["all-minilm-l6-v2", "embedded/smollm2-135m-instruct"])
def test_models_are_equal(doors: Doors, name: str) -> None:
    model = models_pb2_grpc.ModelServiceStub(doors.channel).GetModel(models_pb2.GetModelRequest(model=name))
    check_equal(model, doors.get(f"/v1/models/{name}"))


def check_equal(by_grpc: Message, by_rest: list[httpx.Response]) -> None:
    """The JSON is the message, in protobuf's own reading of it, and the same from either backend."""
    local, remote = by_rest
    assert (local.status_code, remote.status_code) == (200, 200)
    assert local.content == remote.content
    assert json_format.Parse(local.content, type(by_grpc)()) == by_grpc


@pytest.mark.parametrize("fields", BAD_CHATS.values(), ids=BAD_CHATS)
def test_errors_are_equal(doors: Doors, fields: dict[str, Any]) -> None:
    request = CHAT | fields
    with pytest.raises(grpc.RpcError) as raised:
        chat_by_grpc(doors, request)
    local, remote = doors.post("/v1/chat/completions", request)
    assert local.status_code == remote.status_code >= 400
    assert local.json() == remote.json()
    error, status = local.json()["error"], status_of(raised.value)
    assert (error["status"], error["message"]) == (raised.value.code().name, status.message)
    assert error["details"] == [json_format.MessageToDict(detail) for detail in status.details]
