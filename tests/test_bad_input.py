"""What bad input gets: the documented status and a message that names the field, in every door that can say it."""

from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from modelwire.v1beta import chat_pb2, embeddings_pb2
from modelwire_client import status_of
from support.bad_calls import CHAT, EMBEDDINGS, HELLO, chat, grpc_error
from support.scripted_upstream import ScriptedUpstream
from support.stack import Stack


def message(**members: Any) -> dict[str, Any]:
    return chat(messages=[members])


def call_of(**members: Any) -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}, **members}


TOOL: dict[str, Any] = {"type": "function", "function": {"name": "f"}}


@dataclass(frozen=True)
class Bad:
    """A call that both doors can express, the field its error names and what it says."""

    name: str
    request: dict[str, Any]
    field: str
    says: str
    path: str = CHAT


BOTH_DOORS = [
    Bad("no model", {"messages": HELLO}, "model", "is required"),
    Bad("empty model", chat(model=""), "model", "is required"),
    Bad("model with a NUL", chat(model="a\0b"), "model", "unprintable"),
    Bad("overlong model", chat(model="m" * 300), "model", "at most 256 characters"),
    Bad("no messages", {"model": "scripted"}, "messages", "is required"),
    Bad("empty messages", chat(messages=[]), "messages", "is required"),
    Bad("no role", message(content="Hi"), "messages[0].role", "is required"),
    Bad("unknown role", message(role="boss", content="Hi"), "messages[0].role", "must be one of"),
    Bad("role a number", message(role=7, content="Hi"), "messages[0].role", "must be a string"),
    Bad("no content", message(role="user"), "messages[0].content", "is required"),
    Bad("content a number", message(role="user", content=7), "messages[0].content", "a string or a list of parts"),
    Bad("content an empty list", message(role="user", content=[]), "messages[0].content", "must not be empty"),
    Bad(
        "unknown part",
        message(role="user", content=[{"type": "video"}]),
        "messages[0].content[0].type",
        "video",
    ),
    Bad(
        "image without url",
        message(role="user", content=[{"type": "image_url", "image_url": {}}]),
        "messages[0].content[0].image_url.url",
        "is required",
    ),
    Bad(
        "tool result without a call",
        chat(messages=[*HELLO, {"role": "tool", "tool_call_id": "call_9", "content": "4"}]),
        "messages[1].tool_call_id",
        "earlier assistant message",
    ),
    Bad(
        "tool call without a name",
        chat(messages=[*HELLO, {"role": "assistant", "tool_calls": [call_of(function={"arguments": "{}"})]}]),
        "messages[1].tool_calls[0].function.name",
        "is required",
    ),
    Bad("n negative", chat(n=-1), "n", "between 1 and 128"),
    Bad("n zero", chat(n=0), "n", "between 1 and 128"),
    Bad("n too large", chat(n=129), "n", "between 1 and 128"),
    Bad("temperature too high", chat(temperature=3), "temperature", "must be between 0 and 2"),
    Bad("temperature negative", chat(temperature=-0.1), "temperature", "must be between 0 and 2"),
    Bad("temperature NaN", chat(temperature="NaN"), "temperature", "must be between 0 and 2"),
    Bad("top_p zero", chat(top_p=0), "top_p", "above 0"),
    Bad("top_p above one", chat(top_p=1.5), "top_p", "at most 1"),
    Bad("presence_penalty", chat(presence_penalty=2.5), "presence_penalty", "between -2 and 2"),
    Bad("frequency_penalty", chat(frequency_penalty=-3), "frequency_penalty", "between -2 and 2"),
    Bad("logit_bias too large", chat(logit_bias={"50256": 101}), "logit_bias.50256", "between -100 and 100"),
    Bad("max_tokens zero", chat(max_tokens=0), "max_tokens", "at least 1"),
    Bad("max_completion_tokens negative", chat(max_completion_tokens=-5), "max_completion_tokens", "at least 1"),
    Bad("stop of numbers", chat(stop=[1, 2]), "stop[0]", "must be a string"),
    Bad("stop an object", chat(stop={"a": 1}), "stop", "a string or a list of strings"),
    Bad("top_logprobs alone", chat(top_logprobs=3), "top_logprobs", "requires logprobs"),
    Bad("top_logprobs too many", chat(logprobs=True, top_logprobs=21), "top_logprobs", "between 0 and 20"),
    Bad(
        "include_usage without a stream",
        chat(stream_options={"include_usage": True}),
        "stream_options",
        "requires stream",
    ),
    Bad(
        "tool of another type",
        chat(tools=[{**TOOL, "type": "shell"}]),
        "tools[0].type",
        "must be function, not 'shell'",
    ),
    Bad("tool without a function", chat(tools=[{"type": "function"}]), "tools[0].function", "is required"),
    Bad(
        "tool with a bad name",
        chat(tools=[{**TOOL, "function": {"name": "a b"}}]),
        "tools[0].function.name",
        "letters, digits",
    ),
    Bad("two tools of one name", chat(tools=[TOOL, TOOL]), "tools[1].function.name", "must be unique; tools[0]"),
    Bad("tool_choice unknown", chat(tools=[TOOL], tool_choice="maybe"), "tool_choice", "none, auto, required"),
    Bad("tool_choice without tools", chat(tool_choice="required"), "tool_choice", "requires tools"),
    Bad(
        "tool_choice of no tool",
        chat(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "g"}}),
        "tool_choice.function.name",
        "must be one of the tools, not 'g'",
    ),
    Bad(
        "tool_choice of allowed tools that are none",
        chat(tools=[TOOL], tool_choice={"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}),
        "tool_choice.allowed_tools.tools",
        "must not be empty",
    ),
    Bad("too many tools", chat(tools=[TOOL] * 513), "tools", "must hold at most 512 tools"),
    Bad(
        "response_format unknown",
        chat(response_format={"type": "xml"}),
        "response_format.type",
        "text, json_object, json_schema",
    ),
    Bad(
        "json_schema without one",
        chat(response_format={"type": "json_schema"}),
        "response_format.json_schema",
        "is required",
    ),
    Bad("modalities unknown", chat(modalities=["smell"]), "modalities[0]", "text, audio, image"),
    Bad("metadata of numbers", chat(metadata={"a": 1}), "metadata.a", "must be a string"),
    Bad("unknown model", chat(model="scripted2"), "model", "Did you mean scripted?"),
    Bad("no input", {"model": "scripted"}, "input", "is required", EMBEDDINGS),
    Bad("input of tokens", {"model": "scripted", "input": [1, 2]}, "input", "token ids", EMBEDDINGS),
    Bad("input of token lists", {"model": "scripted", "input": [[1], [2]]}, "input", "token ids", EMBEDDINGS),
    Bad("empty text", {"model": "scripted", "input": ["a", ""]}, "input[1]", "must not be empty", EMBEDDINGS),
    Bad("no texts", {"model": "scripted", "input": []}, "input", "must not be empty", EMBEDDINGS),
    Bad(
        "encoding_format unknown",
        {"model": "scripted", "input": "a", "encoding_format": "hex"},
        "encoding_format",
        "float, base64",
        EMBEDDINGS,
    ),
    Bad(
        "dimensions zero", {"model": "scripted", "input": "a", "dimensions": 0}, "dimensions", "at least 1", EMBEDDINGS
    ),
]


@pytest.mark.parametrize("bad", BOTH_DOORS, ids=lambda bad: bad.name)
async def test_rest_names_the_field_and_the_reason(
    bad: Bad, stack: Stack, backend: str, client: httpx.AsyncClient, upstream: ScriptedUpstream
) -> None:
    response = await client.post(stack.url(backend) + bad.path, json=bad.request)
    error = response.json()["error"]
    unknown_model = bad.name == "unknown model"
    assert (response.status_code, error["code"]) == ((404, 404) if unknown_model else (400, 400))
    assert error["status"] == ("NOT_FOUND" if unknown_model else "INVALID_ARGUMENT")
    assert error["type"] == "invalid_request_error"
    assert error["param"] == bad.field
    assert error["message"].startswith(f"{bad.field}: ")
    assert bad.says in error["message"]
    assert upstream.seen == []


@pytest.mark.parametrize("bad", BOTH_DOORS, ids=lambda bad: bad.name)
async def test_grpc_says_the_same(
    bad: Bad, stack: Stack, backend: str, client: httpx.AsyncClient, upstream: ScriptedUpstream
) -> None:
    response = await client.post(stack.url(backend) + bad.path, json=bad.request)
    told = response.json()["error"]
    error = await grpc_error(stack.grpc_address, bad.path, wire_of(bad))
    assert (error.code().name, error.details()) == (told["status"], told["message"])
    fields = [violation.field for violation in violations(error)]
    assert fields[0] == bad.field
    listed = next(detail for detail in told["details"] if "fieldViolations" in detail)
    assert fields == [violation.get("field", "") for violation in listed["fieldViolations"]]
    assert upstream.seen == []


async def test_many_violations_stay_within_what_metadata_can_carry(
    stack: Stack, backend: str, client: httpx.AsyncClient
) -> None:
    request = chat(messages=[{"role": "x" * 60, "content": "Hi"}] * 500)
    response = await client.post(stack.url(backend) + CHAT, json=request)
    error = response.json()["error"]
    assert response.status_code == 400
    assert error["param"] == "messages[0].role"
    assert "more" in error["message"]
    assert len(response.content) < 12_000


def wire_of(bad: Bad) -> bytes:
    """The request in wire form, as a stub would send it."""
    request: Message = (
        embeddings_pb2.GenerateEmbeddingsRequest() if bad.path == EMBEDDINGS else chat_pb2.ChatCompletionsRequest()
    )
    return json_format.ParseDict(bad.request, request).SerializeToString()


def violations(error: grpc.aio.AioRpcError) -> list[Any]:
    for detail in status_of(error).details:
        request = error_details_pb2.BadRequest()
        if detail.Unpack(request):
            return list(request.field_violations)
    raise AssertionError("the error names no field")
