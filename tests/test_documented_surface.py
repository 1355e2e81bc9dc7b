"""Every documented route, and every field under both of its spellings, over either backend."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from google.protobuf.message import Message
from modelwire.v1beta import chat_pb2, embeddings_pb2
from support.scripted_upstream import COMPLETION, ScriptedUpstream, answer_json
from support.stack import Stack

CHAT = {"model": "scripted", "messages": [{"role": "user", "content": "Hi"}]}
EMBEDDINGS = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -1]}],
    "model": "scripted",
    "usage": {"prompt_tokens": 1, "total_tokens": 1},
}
MODEL = {"id": "models/gem", "object": "model", "created": 1, "owned_by": "tests"}


@pytest.fixture
async def client(stack: Stack, backend: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stack.url(backend), timeout=30) as client:
        yield client


@pytest.mark.parametrize(
    "path",
    ["/v1/chat/completions", "/v1beta:chatCompletions", "/v1beta/chat/completions", "/v1beta/openai/chat/completions"],
)
async def test_a_chat_route_answers(path: str, client: httpx.AsyncClient) -> None:
    response = await client.post(path, json=CHAT)
    assert (response.status_code, response.json()) == (200, COMPLETION)


@pytest.mark.parametrize(
    "path", ["/v1/embeddings", "/v1beta/embeddings", "/v1beta/embeddings:generate", "/v1beta/openai/embeddings"]
)
async def test_an_embeddings_route_answers(path: str, client: httpx.AsyncClient, upstream: ScriptedUpstream) -> None:
    upstream.answer = answer_json(EMBEDDINGS)
    response = await client.post(path, json={"model": "scripted", "input": "a"})
    assert (response.status_code, response.json()) == (200, EMBEDDINGS)


@pytest.mark.parametrize("path", ["/v1/models", "/v1beta/listModels", "/v1beta/openai/models"])
async def test_a_models_route_lists_and_tells_each_model_under_every_spelling(
    path: str, client: httpx.AsyncClient, upstream: ScriptedUpstream
) -> None:
    upstream.models[:] = ["models/gem"]
    listed = await client.get(path)
    assert (listed.status_code, listed.json()) == (200, {"object": "list", "data": [MODEL]})
    for spelling in ("models/gem", "models%2Fgem", "gem", "scripted/gem", "scripted/models/gem"):
        told = await client.get(client.base_url.copy_with(raw_path=f"{path}/{spelling}".encode()))
        assert (told.status_code, told.json()) == (200, MODEL), spelling


TOOL = {"type": "function", "function": {"name": "f"}}
SPELT: dict[str, Any] = {
    "stream_options": {"include_usage": True, "include_obfuscation": False},
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "max_completion_tokens": 7,
    "top_p": 0.5,
    "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"min_length": 1}}},
    "presence_penalty": 1,
    "frequency_penalty": -1,
    "logit_bias": {"5": 1},
    "top_logprobs": 3,
    "parallel_tool_calls": False,
    "reasoning_effort": "low",
    "service_tier": "auto",
    "web_search_options": {"search_context_size": "low"},
    "prompt_cache_key": "k",
    "safety_identifier": "u",
    "extra_body": {"a_b": 1},
}
DECLARED_INSIDE = {"include_usage", "include_obfuscation", "json_schema"}
"""Names within values that the contract declares; all others there are the caller's own."""


@pytest.mark.parametrize("name", [*SPELT, "max_tokens"])
async def test_both_spellings_of_a_chat_field_say_the_same(
    name: str, client: httpx.AsyncClient, upstream: ScriptedUpstream
) -> None:
    value = SPELT.get(name, 7)
    around = {**CHAT, "stream": True, "tools": [TOOL], "logprobs": True}
    camel = respelt(value) if isinstance(value, dict) else value
    first = await client.post("/v1/chat/completions", json=around | {name: value})
    second = await client.post("/v1/chat/completions", json=around | {camel_case(name): camel})
    assert (first.status_code, second.status_code) == (200, 200), first.text + second.text
    as_it_is, as_camel = upstream.seen
    assert as_it_is == as_camel
    assert as_it_is[name] == value


@pytest.mark.parametrize("name", ["encoding_format", "encodingFormat"])
async def test_both_spellings_of_the_encoding_say_the_same(
    name: str, client: httpx.AsyncClient, upstream: ScriptedUpstream
) -> None:
    upstream.answer = answer_json(EMBEDDINGS)
    response = await client.post("/v1/embeddings", json={"model": "scripted", "input": "a", name: "base64"})
    assert response.json()["data"][0]["embedding"] == "AAAAPwAAgL8="


def test_every_field_of_two_spellings_is_tried() -> None:
    assert two_spellings(chat_pb2.ChatCompletionsRequest) == {*SPELT, "max_tokens"}
    inside = two_spellings(chat_pb2.StreamOptions) | two_spellings(chat_pb2.ResponseFormat)
    assert inside == DECLARED_INSIDE
    assert two_spellings(embeddings_pb2.GenerateEmbeddingsRequest) == {"encoding_format"}


def two_spellings(message: type[Message]) -> set[str]:
    """The fields whose JSON name is not their own, but for the one that takes what nobody declared."""
    return {field.name for field in message.DESCRIPTOR.fields if field.json_name != field.name} - {"extra_fields"}


def respelt(value: dict[str, Any]) -> dict[str, Any]:
    return {camel_case(name) if name in DECLARED_INSIDE else name: inside for name, inside in value.items()}


def camel_case(name: str) -> str:
    return re.sub("_([a-z])", lambda match: match[1].upper(), name)
