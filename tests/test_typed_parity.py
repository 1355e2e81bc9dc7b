"""The same conversation through modelwire.v1, v1beta and REST: the upstream gets the same, and it comes back the same.

Requests of v1beta's stubs have one-property schemas where they are compared, because a Struct keeps no order of keys;
what keeps it is tried by itself.
"""

import base64
from collections.abc import AsyncIterator
from typing import Any

import grpc
import numpy as np
import orjson
import pytest
from google.protobuf import json_format
from modelwire.v1 import chat_pb2, embedding_service_pb2
from modelwire.v1.chat_service_pb2 import CreateChatCompletionRequest
from modelwire_client import folded, status_of
from modelwire_service.typed.answers import completion_wire
from modelwire_service.upstreams.openai.folding import unfolded
from support.scripted_upstream import COMPLETION, DONE, ScriptedUpstream, answer_events, answer_json
from support.stack import Stack
from support.typed_doors import PATH, TypedDoors, as_json, doors_of

Json = dict[str, Any]

HI = {"role": "ROLE_USER", "text": "Hi"}
SAID_HI = {"role": "user", "content": "Hi"}
PNG = base64.b64encode(b"\x89PNG...").decode()
CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
CITY_TEXT = orjson.dumps(CITY).decode()
TOOL = {"function": {"name": "f", "description": "d", "parameters_json": CITY_TEXT, "strict": False}}
SAID_TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": CITY, "strict": False}}
SIGNED = {"extra_content": {"google": {"thought_signature": "U0lH"}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"city": "Oslo"}'}}

REQUESTS: dict[str, tuple[Json, Json]] = {
    "text": ({"messages": [HI]}, {"messages": [SAID_HI]}),
    "roles": (
        {
            "messages": [
                {"role": "ROLE_SYSTEM", "text": "s", "name": "n"},
                {"role": "ROLE_DEVELOPER", "text": ""},
                {"role": "ROLE_ASSISTANT", "refusal": "no"},
                HI,
            ]
        },
        {
            "messages": [
                {"role": "system", "content": "s", "name": "n"},
                {"role": "developer", "content": ""},
                {"role": "assistant", "content": None, "refusal": "no"},
                SAID_HI,
            ]
        },
    ),
    "parts": (
        {
            "messages": [
                {
                    "role": "ROLE_USER",
                    "parts": {
                        "items": [
                            {"text": "look", "extra_fields_json": {"cache_control": '{"type": "ephemeral"}'}},
                            {"image": {"url": "https://example.com/a.png", "detail": "DETAIL_LOW"}},
                            {"image": {"inline_data": {"mime_type": "image/png", "data": PNG}}},
                            {"audio": {"data": PNG, "format": "wav"}},
                            {"file": {"file_id": "file-1"}},
                            {"file": {"inline_data": {"mime_type": "text/plain", "data": PNG}, "filename": "a.txt"}},
                        ]
                    },
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "look", "cache_control": {"type": "ephemeral"}},
                        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
                        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                        {"type": "input_audio", "input_audio": {"data": PNG, "format": "wav"}},
                        {"type": "file", "file": {"file_id": "file-1"}},
                        {"type": "file", "file": {"file_data": f"data:text/plain;base64,{PNG}", "filename": "a.txt"}},
                    ],
                }
            ]
        },
    ),
    "calls and results": (
        {
            "messages": [
                HI,
                {
                    "role": "ROLE_ASSISTANT",
                    "reasoning_content": "why",
                    "thought_signature": "U0lH",
                    "tool_calls": [
                        {"id": "call_1", "function": CALL["function"], "thought_signature": "U0lH"},
                        {"id": "call_2", "function": {"name": "f", "arguments": "not JSON"}},
                    ],
                },
                {"role": "ROLE_TOOL", "tool_call_id": "call_1", "text": "warm"},
                {"role": "ROLE_TOOL", "tool_call_id": "call_2", "parts": {"items": [{"text": "cold"}]}},
            ],
            "tools": [TOOL],
        },
        {
            "messages": [
                SAID_HI,
                {
                    "role": "assistant",
                    "content": None,
                    "reasoning_content": "why",
                    **SIGNED,
                    "tool_calls": [
                        {**CALL, **SIGNED},
                        {"id": "call_2", "type": "function", "function": {"name": "f", "arguments": "not JSON"}},
                    ],
                },
                {"role": "tool", "tool_call_id": "call_1", "content": "warm"},
                {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "cold"}]},
            ],
            "tools": [SAID_TOOL],
        },
    ),
    "what a model said, sent back": (
        {
            "messages": [
                HI,
                {
                    "role": "ROLE_ASSISTANT",
                    "text": "Here.",
                    "images": [{"inline_data": {"mime_type": "image/png", "data": PNG}}],
                    "audio": {"id": "audio_1", "data": PNG, "transcript": "Here."},
                    "url_citations": [{"end_index": 4, "url": "https://example.com", "title": "t"}],
                    "extra_fields_json": {"extra_content": '{"google": {"thought": false}}'},
                    "thought_signature": "U0lH",
                },
                HI,
            ]
        },
        {
            "messages": [
                SAID_HI,
                {
                    "role": "assistant",
                    "content": "Here.",
                    "images": [{"index": 0, "type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}],
                    "audio": {"id": "audio_1"},
                    "annotations": [
                        {
                            "type": "url_citation",
                            "url_citation": {
                                "start_index": 0,
                                "end_index": 4,
                                "url": "https://example.com",
                                "title": "t",
                            },
                        }
                    ],
                    "extra_content": {"google": {"thought": False, "thought_signature": "U0lH"}},
                },
                SAID_HI,
            ]
        },
    ),
    "any tool": (
        {"messages": [HI], "tools": [TOOL], "tool_choice": {"mode": "MODE_REQUIRED"}, "parallel_tool_calls": False},
        {"messages": [SAID_HI], "tools": [SAID_TOOL], "tool_choice": "required", "parallel_tool_calls": False},
    ),
    "one tool": (
        {"messages": [HI], "tools": [TOOL], "tool_choice": {"function": "f"}},
        {
            "messages": [SAID_HI],
            "tools": [SAID_TOOL],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
        },
    ),
    "some tools": (
        {
            "messages": [HI],
            "tools": [TOOL],
            "tool_choice": {"allowed_tools": {"mode": "MODE_AUTO", "functions": ["f"]}},
        },
        {
            "messages": [SAID_HI],
            "tools": [SAID_TOOL],
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
            },
        },
    ),
    "a tool with switches": (
        {
            "messages": [HI],
            "tools": [
                {
                    "function": {"name": "f", "extra_fields_json": {"x": "1"}},
                    "extra_fields_json": {"cache_control": '{"type": "ephemeral"}'},
                }
            ],
        },
        {
            "messages": [SAID_HI],
            "tools": [{"type": "function", "function": {"name": "f", "x": 1}, "cache_control": {"type": "ephemeral"}}],
        },
    ),
    "text format": (
        {"messages": [HI], "response_format": {"text": {}}},
        {"messages": [SAID_HI], "response_format": {"type": "text"}},
    ),
    "any object": (
        {"messages": [HI], "response_format": {"json_object": {}, "extra_fields_json": {"x": "true"}}},
        {"messages": [SAID_HI], "response_format": {"type": "json_object", "x": True}},
    ),
    "a schema": (
        {
            "messages": [HI],
            "response_format": {
                "json_schema": {"name": "s", "description": "d", "schema_json": CITY_TEXT, "strict": True}
            },
        },
        {
            "messages": [SAID_HI],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "s", "description": "d", "schema": CITY, "strict": True},
            },
        },
    ),
    "numbers, zero included": (
        {
            "messages": [HI],
            "max_completion_tokens": 7,
            "n": 2,
            "stop": ["a", "b"],
            "temperature": 0,
            "top_p": 0.7,
            "presence_penalty": 0,
            "frequency_penalty": -0.5,
            "logit_bias": {"5": 1.5, "1": -100},
            "seed": "9007199254740993",
            "logprobs": True,
            "top_logprobs": 0,
        },
        {
            "messages": [SAID_HI],
            "max_completion_tokens": 7,
            "n": 2,
            "stop": ["a", "b"],
            "temperature": 0,
            "top_p": 0.7,
            "presence_penalty": 0,
            "frequency_penalty": -0.5,
            "logit_bias": {"5": 1.5, "1": -100},
            "seed": 9007199254740993,
            "logprobs": True,
            "top_logprobs": 0,
        },
    ),
    "words": (
        {
            "messages": [HI],
            "reasoning_effort": "REASONING_EFFORT_XHIGH",
            "verbosity": "VERBOSITY_LOW",
            "modalities": ["MODALITY_TEXT", "MODALITY_AUDIO"],
            "audio": {"format": "FORMAT_WAV", "voice_name": "alloy"},
            "metadata": {"k": "v"},
            "store": False,
            "service_tier": "flex",
            "user": "u",
            "safety_identifier": "s",
            "prompt_cache_key": "p",
        },
        {
            "messages": [SAID_HI],
            "reasoning_effort": "xhigh",
            "verbosity": "low",
            "modalities": ["text", "audio"],
            "audio": {"format": "wav", "voice": "alloy"},
            "metadata": {"k": "v"},
            "store": False,
            "service_tier": "flex",
            "user": "u",
            "safety_identifier": "s",
            "prompt_cache_key": "p",
        },
    ),
    "an own voice, a prediction, a search, switches of vendors": (
        {
            "messages": [HI],
            "modalities": ["MODALITY_AUDIO"],
            "audio": {"format": "FORMAT_PCM16", "voice_id": "v1"},
            "prediction": {"parts": {"items": ["a", "b"]}},
            "web_search_options": {
                "search_context_size": "CONTEXT_SIZE_LOW",
                "user_location": {"city": "Oslo", "country": "NO"},
            },
            "extra_body_json": {"google": '{"thinking_config": {"include_thoughts": true}}'},
            "extra_fields_json": {"top_k": "5", "guided_json": CITY_TEXT, "max_tokens": "9"},
        },
        {
            "messages": [SAID_HI],
            "modalities": ["audio"],
            "audio": {"format": "pcm16", "voice": {"id": "v1"}},
            "prediction": {
                "type": "content",
                "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
            },
            "web_search_options": {
                "search_context_size": "low",
                "user_location": {"type": "approximate", "approximate": {"city": "Oslo", "country": "NO"}},
            },
            "extra_body": {"google": {"thinking_config": {"include_thoughts": True}}},
            "top_k": 5,
            "guided_json": CITY,
            "max_tokens": 9,
        },
    ),
}


def choice(message: Json, finish: str = "stop", index: int = 0, **members: Any) -> Json:
    return {
        "index": index,
        "message": {"role": "assistant", "content": None} | message,
        "finish_reason": finish,
    } | members


TOKEN = {"token": "é", "logprob": -0.25, "bytes": [195, 169]}
ANSWERS: dict[str, Json] = {
    "text": {},
    "nothing": {"choices": [choice({})]},
    "calls": {"choices": [choice({"tool_calls": [{**CALL, **SIGNED}, {**CALL, "id": "call_2"}]}, "tool_calls")]},
    "several choices": {"choices": [choice({"content": "a"}), choice({"content": "b"}, "length", 1)]},
    "thoughts, a refusal": {
        "choices": [choice({"refusal": "no", "reasoning_content": "why", **SIGNED}, "content_filter")]
    },
    "log probabilities": {
        "choices": [
            choice({"content": "é"}, logprobs={"content": [{**TOKEN, "top_logprobs": [TOKEN]}], "refusal": None})
        ]
    },
    "usage with details": {
        "usage": {
            "prompt_tokens": 3,
            "completion_tokens": 9,
            "total_tokens": 12,
            "prompt_tokens_details": {"cached_tokens": 2, "audio_tokens": 0, "x": 1},
            "completion_tokens_details": {"reasoning_tokens": 7},
            "cost": 0.25,
        }
    },
    "what nobody declared": {
        "citations": ["https://example.com"],
        "system_fingerprint": "fp",
        "service_tier": "flex",
        "choices": [choice({"content": "a", "x": {"b": 1, "a": 2}})],
    },
}


@pytest.fixture
async def doors(stack: Stack) -> AsyncIterator[TypedDoors]:
    async with doors_of(stack) as doors:
        yield doors


def request_of(fields: Json) -> CreateChatCompletionRequest:
    return json_format.ParseDict({"model": "scripted", "messages": [HI], **fields}, CreateChatCompletionRequest())


@pytest.mark.parametrize(("typed", "untyped"), REQUESTS.values(), ids=REQUESTS)
async def test_the_upstream_gets_the_same(
    typed: Json, untyped: Json, doors: TypedDoors, upstream: ScriptedUpstream
) -> None:
    await doors.typed(request_of(typed))
    await doors.untyped({"model": "scripted", **untyped})
    assert upstream.seen == [{"model": "scripted", **untyped}] * 6


@pytest.mark.parametrize(("typed", "untyped"), REQUESTS.values(), ids=REQUESTS)
async def test_the_upstream_of_a_stream_gets_the_same(
    typed: Json, untyped: Json, doors: TypedDoors, upstream: ScriptedUpstream
) -> None:
    upstream.answer = answer_events(*unfolded(COMPLETION), DONE)
    await doors.streamed(request_of(typed))
    wanted = {"model": "scripted", **untyped, "stream": True, "stream_options": {"include_usage": True}}
    assert upstream.seen == [wanted] * 3


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_an_answer_comes_back_the_same(answer: Json, doors: TypedDoors, upstream: ScriptedUpstream) -> None:
    upstream.answer = answer_json({**COMPLETION, **answer})
    [told, *others] = await doors.untyped({"model": "scripted", "messages": [SAID_HI]})
    assert others == [told] * 2
    wanted = chat_pb2.ChatCompletion.FromString(completion_wire(told))
    assert await doors.typed(request_of({})) == [wanted] * 3


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_a_stream_folds_into_the_answer(answer: Json, doors: TypedDoors, upstream: ScriptedUpstream) -> None:
    upstream.answer = answer_json({**COMPLETION, **answer})
    whole = await doors.chat.CreateChatCompletion(request_of({}))
    upstream.answer = answer_events(*unfolded({**COMPLETION, **answer}), DONE)
    streams = await doors.streamed(request_of({}))
    assert [folded(chunks) for chunks in streams] == [whole] * 3
    assert all(chunks[-1].HasField("usage") and not chunks[-1].choices for chunks in streams)


async def test_the_order_of_schemas_and_the_digits_of_integers_arrive(
    doors: TypedDoors, upstream: ScriptedUpstream
) -> None:
    text = '{"type":"object","properties":{"z":{"maximum":9007199254740993},"a":{},"m":{"enum":[3,1,2]}}}'
    await doors.typed(
        request_of(
            {
                "tools": [{"function": {"name": "f", "parameters_json": text}}],
                "response_format": {"json_schema": {"name": "s", "schema_json": text}},
                "extra_fields_json": {"guided_json": text},
            }
        )
    )
    assert [body.count(text.encode()) for body in upstream.bodies] == [3] * 3


BAD: dict[str, tuple[Json, list[str]]] = {
    "bounds": ({"temperature": 3, "top_p": 0}, ["temperature", "top_p"]),
    "no role": ({"messages": [{"text": "Hi"}]}, ["messages[0].role"]),
    "an unknown role": ({"messages": [{"role": 42, "text": "Hi"}]}, ["messages[0].role"]),
    "an empty part": ({"messages": [{"role": "ROLE_USER", "parts": {"items": [{}]}}]}, ["messages[0].parts.items[0]"]),
    "a part of another role": (
        {"messages": [{"role": "ROLE_SYSTEM", "parts": {"items": [{"text": "a"}, {"image": {"url": "u"}}]}}]},
        ["messages[0].parts.items[1]"],
    ),
    "text that is no JSON": (
        {"tools": [TOOL, {"function": {"name": "g", "parameters_json": "{"}}]},
        ["tools[1].function.parameters_json"],
    ),
    "JSON that is no object": (
        {"response_format": {"json_schema": {"name": "s", "schema_json": "[]"}}},
        ["response_format.json_schema.schema_json"],
    ),
    "a tool that is none of them": ({"tools": [TOOL], "tool_choice": {"function": "g"}}, ["tool_choice.function"]),
    "an allowed tool that is none of them": (
        {"tools": [TOOL], "tool_choice": {"allowed_tools": {"mode": "MODE_AUTO", "functions": ["f", "g"]}}},
        ["tool_choice.allowed_tools.functions[1]"],
    ),
    "a switch with a field of its own": ({"extra_fields_json": {"seed": "1"}}, ["extra_fields_json.seed"]),
    "a switch that streams": ({"extra_fields_json": {"stream": "true"}}, ["extra_fields_json.stream"]),
    "a model nobody has": ({"model": "no-such"}, ["model"]),
    "an answer to no call": (
        {"messages": [HI, {"role": "ROLE_TOOL", "tool_call_id": "x", "text": "a"}]},
        ["messages[1].tool_call_id"],
    ),
}


@pytest.mark.parametrize(("fields", "paths"), BAD.values(), ids=BAD)
async def test_errors_name_the_fields_of_the_caller(
    fields: Json, paths: list[str], doors: TypedDoors, upstream: ScriptedUpstream
) -> None:
    request = request_of(fields)
    with pytest.raises(grpc.RpcError) as raised:
        await doors.chat.CreateChatCompletion(request)
    with pytest.raises(grpc.RpcError) as in_stream:
        await doors.chat.StreamChatCompletion(request).read()
    status = status_of(raised.value)
    assert status == status_of(in_stream.value)
    details = [json_format.MessageToDict(detail) for detail in status.details]
    [told] = [detail["fieldViolations"] for detail in details if "fieldViolations" in detail]
    assert [violation["field"] for violation in told] == paths
    for client in doors.http.values():
        error = (await client.post(PATH, json=as_json(request))).json()["error"]
        assert (error["param"], error["message"], error["details"]) == (paths[0], status.message, details)
    assert upstream.seen == []


async def test_a_field_that_an_upstream_refuses_is_named_as_the_caller_has_it(
    doors: TypedDoors, upstream: ScriptedUpstream
) -> None:
    refusal = {"error": {"message": "Too wide.", "param": "messages[0].content[0].image_url.url"}}
    upstream.answer = answer_json(refusal, status=400)
    part = {"role": "ROLE_USER", "parts": {"items": [{"image": {"url": "https://example.com/a.png"}}]}}
    for client in doors.http.values():
        error = (await client.post(PATH, json=as_json(request_of({"messages": [part]})))).json()["error"]
        assert (error["code"], error["param"]) == (400, "messages[0].parts.items[0].image")


async def test_a_stream_that_breaks_off_ends_with_its_status(doors: TypedDoors, upstream: ScriptedUpstream) -> None:
    upstream.answer = answer_events(unfolded(COMPLETION)[0], {"error": {"message": "Overloaded.", "code": 503}})
    call = doors.chat.StreamChatCompletion(request_of({}))
    assert (await call.read()).choices[0].delta.text == "Hello."
    with pytest.raises(grpc.RpcError) as raised:
        await call.read()
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_embeddings_are_those_of_every_door(doors: TypedDoors, upstream: ScriptedUpstream) -> None:
    vectors = np.random.default_rng(7).standard_normal((2, 40)).astype(np.float32)
    data = [{"index": at, "embedding": vector.tolist()} for at, vector in enumerate(vectors)]
    upstream.answer = answer_json({"data": data, "model": "scripted", "usage": {"prompt_tokens": 3, "total_tokens": 4}})
    fields = {"model": "scripted", "inputs": ["a", "b"], "dimensions": 40, "user": "u", "extra_fields_json": {"x": "1"}}
    request = json_format.ParseDict(fields, embedding_service_pb2.CreateEmbeddingsRequest())
    answers = [await doors.embeddings.CreateEmbeddings(request)]
    for client in doors.http.values():
        response = await client.post("/v1/modelwire/embeddings", json=as_json(request))
        answers.append(json_format.Parse(response.content, embedding_service_pb2.CreateEmbeddingsResponse()))
        untyped = {"model": "scripted", "input": ["a", "b"], "dimensions": 40, "user": "u", "x": 1}
        told = (await client.post("/v1/embeddings", json=untyped)).json()
        assert [np.float32(item["embedding"]).tolist() for item in told["data"]] == vectors.tolist()
    assert [np.asarray(item.values, np.float32).tolist() for item in answers[0].embeddings] == vectors.tolist()
    assert [item.index for item in answers[0].embeddings] == [0, 1]
    assert (answers[0].usage.prompt_tokens, answers[0].usage.total_tokens) == (3, 4)
    assert answers[1:] == [answers[0]] * 2
    assert upstream.seen == [upstream.seen[0]] * 5


@pytest.mark.parametrize("inputs", [[], ["a", ""]])
async def test_texts_that_cannot_be_embedded_are_named(inputs: list[str], doors: TypedDoors) -> None:
    request = embedding_service_pb2.CreateEmbeddingsRequest(model="scripted", inputs=inputs)
    with pytest.raises(grpc.RpcError) as raised:
        await doors.embeddings.CreateEmbeddings(request)
    assert str(raised.value.details()).startswith("inputs[1]: " if inputs else "inputs: ")
