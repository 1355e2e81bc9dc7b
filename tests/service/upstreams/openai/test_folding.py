"""JSON where a stream was asked for, and the reverse."""

import httpx
import pytest
from modelwire_service.upstreams.base import Json
from support.openai_upstream import COMPLETION, REQUEST, always, delta, events, streamed, streaming


async def test_a_completion_becomes_chunks() -> None:
    calls = [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    choices = [COMPLETION["choices"][0], {"index": 1, "message": message, "finish_reason": "tool_calls"}]
    chunks = await streamed(always(lambda: httpx.Response(200, json={**COMPLETION, "choices": choices})))
    assert {(chunk["id"], chunk["object"], chunk["model"]) for chunk in chunks} == {
        ("c1", "chat.completion.chunk", "m")
    }
    assert [chunk["choices"] for chunk in chunks] == [
        [{"index": 0, "delta": {"role": "assistant", "content": "hello"}, "finish_reason": None}],
        [
            {
                "index": 1,
                "delta": {"role": "assistant", "content": None, "tool_calls": [{"index": 0, **calls[0]}]},
                "finish_reason": None,
            }
        ],
        [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        [{"index": 1, "delta": {}, "finish_reason": "tool_calls"}],
        [],
    ]
    assert [chunk.get("usage") for chunk in chunks] == [None] * 4 + [COMPLETION["usage"]]


@pytest.mark.parametrize(
    ("choice", "finish"),
    [
        ({"message": {"content": "x"}}, "stop"),
        ({"message": {"tool_calls": [{"id": "c", "function": {"name": "f"}}]}, "finish_reason": None}, "tool_calls"),
        ({"message": None, "finish_reason": "length"}, "length"),
    ],
)
async def test_a_completion_with_gaps_becomes_whole_chunks(choice: Json, finish: str) -> None:
    opening, ending = await streamed(always(lambda: httpx.Response(200, json={"choices": [choice]})))
    assert opening["choices"][0]["delta"]["role"] == "assistant"
    assert (ending["choices"][0]["index"], ending["choices"][0]["finish_reason"]) == (0, finish)


@pytest.mark.parametrize(
    ("said", "finish", "reason"),
    [
        ({"content": "a"}, None, "stop"),
        ({"content": "a"}, "", "stop"),
        ({"tool_calls": [{"id": "c", "function": {"name": "f"}}]}, None, "tool_calls"),
    ],
)
async def test_a_stream_that_says_done_without_a_reason_becomes_a_completion_with_one(
    said: Json, finish: str | None, reason: str
) -> None:
    body = events({"choices": [{"delta": said, "finish_reason": finish}]})
    completion = await streaming(body).chat(REQUEST)
    assert completion["choices"][0]["finish_reason"] == reason


async def test_a_stream_becomes_a_completion() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    first = {"id": "c1", "object": "chat.completion.chunk", "created": 5, "model": "m", "usage": None}
    logprobs = [{"token": "a", "logprob": -1.0, "bytes": [97]}]
    body = events(
        {**first, "choices": [{"index": 1, "delta": {"role": "assistant", "content": ""}}]},
        {**first, "choices": [{"index": 0, "delta": {"role": "assistant", "reasoning_content": "th"}}]},
        delta("hel", reasoning_content="ink", role=""),
        {"choices": [{"index": 0, "delta": {"content": "lo"}, "logprobs": {"content": logprobs, "refusal": None}}]},
        delta(tool_calls=[{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{"}}]),
        delta(tool_calls=[{"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": ""}}]),
        delta(tool_calls=[{"index": 1, "function": {"arguments": "[]"}}, {"index": 0, "function": {"arguments": "}"}}]),
        delta(finish="tool_calls"),
        delta(finish="stop", index=1),
        {**first, "choices": [], "usage": usage},
    )
    completion = await streaming(body).chat(REQUEST)
    assert completion == {
        "id": "c1",
        "object": "chat.completion",
        "created": 5,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "hello",
                    "reasoning_content": "think",
                    "tool_calls": [
                        {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                        {"id": "b", "type": "function", "function": {"name": "g", "arguments": "[]"}},
                    ],
                },
                "logprobs": {"content": logprobs, "refusal": []},
                "finish_reason": "tool_calls",
            },
            {"index": 1, "message": {"role": "assistant", "content": ""}, "finish_reason": "stop"},
        ],
        "usage": usage,
    }


async def test_tool_calls_without_an_index_are_told_apart_by_their_names() -> None:
    body = events(
        delta(tool_calls=[{"id": "", "function": {"name": "f", "arguments": "{}"}}]),
        delta(tool_calls=[{"function": {"name": "g", "arguments": "["}}]),
        delta(tool_calls=[{"function": {"arguments": "]"}}], finish="stop"),
    )
    completion = await streaming(body).chat(REQUEST)
    calls = completion["choices"][0]["message"]["tool_calls"]
    assert [call["function"] for call in calls] == [
        {"name": "f", "arguments": "{}"},
        {"name": "g", "arguments": "[]"},
    ]
