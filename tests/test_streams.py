"""Streams end to end: nothing is held back, nothing ends quietly, nobody's leaving goes unnoticed."""

import asyncio
from typing import Any

import grpc
import httpx
import orjson
import pytest
from google.api import httpbody_pb2
from modelwire.v1beta import chat_pb2
from support.promptness import happens_within_100_ms
from support.scripted_upstream import (
    COMPLETION,
    DONE,
    ScriptedUpstream,
    answer_events,
    answer_json,
    answer_never,
    chunk,
)
from support.stack import Stack

CHAT = "/v1/chat/completions"
REQUEST: dict[str, Any] = {"model": "scripted", "messages": [{"role": "user", "content": "Hi"}], "stream": True}


def events_of(body: bytes) -> list[Any]:
    """The JSON of each event; `[DONE]` as it is."""
    payloads = [event.removeprefix(b"data: ") for event in body.split(b"\n\n") if event]
    return [payload.decode() if payload == b"[DONE]" else orjson.loads(payload) for payload in payloads]


async def test_an_event_reaches_the_client_before_the_next_exists(
    stack: Stack, backend: str, upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    received: asyncio.Queue[int] = asyncio.Queue()

    async def until_the_last_one_was_received(index: int) -> None:
        if index > 0:
            assert await received.get() == index - 1

    upstream.answer = answer_events(
        *(chunk(str(i)) for i in range(5)), chunk(finish="stop"), DONE, before_each=until_the_last_one_was_received
    )
    said = b""
    async with client.stream("POST", stack.url(backend) + CHAT, json=REQUEST) as response:
        assert response.headers["content-type"] == "text/event-stream"
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["x-accel-buffering"] == "no"
        async for piece in response.aiter_bytes():
            said += piece
            received.put_nowait(sum(1 for event in events_of(said) if event != "[DONE]") - 1)
            if events_of(said)[-1] == "[DONE]":
                break
    texts = [event["choices"][0]["delta"].get("content") for event in events_of(said)[:-1]]
    assert texts == ["0", "1", "2", "3", "4", None]


async def test_usage_is_asked_of_the_upstream_and_kept_from_who_did_not_ask(
    stack: Stack, backend: str, upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    upstream.answer = answer_events(
        chunk("a"), chunk(finish="stop"), chunk(choices=[], usage={"total_tokens": 5}), DONE
    )
    response = await client.post(stack.url(backend) + CHAT, json=REQUEST)
    events = events_of(response.content)
    assert upstream.seen[0]["stream_options"] == {"include_usage": True}
    assert events[-1] == "[DONE]"
    assert all("usage" not in event and event["choices"] for event in events[:-1])


async def test_usage_comes_null_on_each_chunk_and_then_once_without_choices(
    stack: Stack, backend: str, upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    upstream.answer = answer_events(chunk("a"), chunk(finish="stop", usage=usage), DONE)
    asked = {**REQUEST, "stream_options": {"include_usage": True}}
    response = await client.post(stack.url(backend) + CHAT, json=asked)
    *chunks, last, done = events_of(response.content)
    assert [event["usage"] for event in chunks] == [None, None]
    assert (last["choices"], last["usage"], done) == ([], usage, "[DONE]")


async def test_chunks_share_id_and_time_and_begin_with_the_role(
    stack: Stack, backend: str, upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    bare = {"choices": [{"delta": {"content": "a"}}]}
    upstream.answer = answer_events(bare, bare, chunk(finish="stop"), DONE)
    response = await client.post(stack.url(backend) + CHAT, json=REQUEST)
    chunks = events_of(response.content)[:-1]
    assert len({(event["id"], event["created"], event["object"], event["model"]) for event in chunks}) == 1
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert all("role" not in event["choices"][0]["delta"] for event in chunks[1:])


async def test_an_error_before_the_first_chunk_has_its_true_status(
    stack: Stack, backend: str, upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    refusal = {"error": {"message": "slow down", "type": "rate_limit_error", "code": "rate_limit"}}
    upstream.answer = answer_json(refusal, status=429, headers={"retry-after": "7"})
    response = await client.post(stack.url(backend) + CHAT, json=REQUEST)
    error = response.json()["error"]
    assert (response.status_code, error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert "slow down" in error["message"]
    assert response.headers["retry-after"] == "7"


async def test_an_error_event_before_the_first_chunk_has_its_true_status(
    stack: Stack, backend: str, upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    upstream.answer = answer_events({"error": {"message": "overloaded", "code": 503}})
    response = await client.post(stack.url(backend) + CHAT, json=REQUEST)
    assert response.status_code == 503
    assert "overloaded" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "ending",
    [
        pytest.param(b"", id="breaks off"),
        pytest.param(b'data: {"error": {"message": "out of memory", "code": 500}}\n\n', id="error event"),
        pytest.param(b'event: error\ndata: {"message": "over"}\n\n', id="event named error"),
        pytest.param(b"data: {broken\n\n", id="garbage"),
    ],
)
async def test_a_late_failure_is_one_error_event_and_no_done(
    ending: bytes, stack: Stack, backend: str, upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    upstream.answer = answer_events(chunk("a"), ending)
    response = await client.post(stack.url(backend) + CHAT, json=REQUEST)
    first, *rest = events_of(response.content)
    assert response.status_code == 200
    assert first["choices"][0]["delta"]["content"] == "a"
    assert len(rest) == 1
    assert rest[0]["error"]["message"]
    assert rest[0]["error"]["code"] >= 500


async def test_a_late_failure_is_a_status_for_grpc(stack: Stack, upstream: ScriptedUpstream) -> None:
    upstream.answer = answer_events(chunk("a"))
    async with grpc.aio.insecure_channel(stack.grpc_address) as channel:
        call = chat_call(channel)
        assert b"data: " in httpbody_pb2.HttpBody.FromString(await call.read()).data
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call.read()
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("stream", [True, False])
async def test_leaving_before_the_first_byte_closes_the_upstream(
    stream: bool, stack: Stack, backend: str, upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    upstream.answer = answer_never()
    call = asyncio.create_task(client.post(stack.url(backend) + CHAT, json={**REQUEST, "stream": stream}))
    await reached(upstream)
    call.cancel()
    await happens_within_100_ms(upstream.left)


async def test_leaving_in_mid_stream_closes_the_upstream(
    stack: Stack, backend: str, upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    upstream.answer = answer_events(chunk("a"), chunk("never"), before_each=forever_from(1))
    async with client.stream("POST", stack.url(backend) + CHAT, json=REQUEST) as response:
        await anext(response.aiter_bytes())
    await happens_within_100_ms(upstream.left)
    assert (await client.get(stack.url(backend) + "/v1/models")).status_code == 200


async def test_a_grpc_caller_that_cancels_closes_the_upstream(stack: Stack, upstream: ScriptedUpstream) -> None:
    upstream.answer = answer_events(chunk("a"), chunk("never"), before_each=forever_from(1))
    async with grpc.aio.insecure_channel(stack.grpc_address) as channel:
        call = chat_call(channel)
        await call.read()
        call.cancel()
        await happens_within_100_ms(upstream.left)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_deadline_ends_the_call_and_closes_the_upstream(
    stream: bool, stack: Stack, backend: str, upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    upstream.answer = answer_never()
    response = await client.post(
        stack.url(backend) + CHAT, json={**REQUEST, "stream": stream}, headers={"grpc-timeout": "300m"}
    )
    assert (response.status_code, response.json()["error"]["status"]) == (504, "DEADLINE_EXCEEDED")
    async with asyncio.timeout(1):
        await upstream.left.wait()


async def test_a_deadline_in_mid_stream_is_an_error_event(
    stack: Stack, backend: str, upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    upstream.answer = answer_events(chunk("a"), chunk("never"), before_each=forever_from(1))
    response = await client.post(stack.url(backend) + CHAT, json=REQUEST, headers={"grpc-timeout": "500m"})
    assert events_of(response.content)[-1]["error"]["status"] == "DEADLINE_EXCEEDED"


async def test_json_where_a_stream_was_asked_becomes_one(
    stack: Stack, backend: str, upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    upstream.answer = answer_json(COMPLETION, status=201)
    response = await client.post(stack.url(backend) + CHAT, json=REQUEST)
    *chunks, done = events_of(response.content)
    assert "".join(event["choices"][0]["delta"].get("content") or "" for event in chunks) == "Hello."
    assert (chunks[-1]["choices"][0]["finish_reason"], done) == ("stop", "[DONE]")


async def reached(upstream: ScriptedUpstream) -> None:
    """Waits until the upstream has the request."""
    async with asyncio.timeout(5):
        await upstream.called.wait()


def forever_from(index: int) -> Any:
    async def before_each(position: int) -> None:
        if position >= index:
            await asyncio.Event().wait()

    return before_each


def chat_call(channel: grpc.aio.Channel) -> Any:
    request = chat_pb2.ChatCompletionsRequest(model="scripted", stream=True)
    request.messages.add().update({"role": "user", "content": "Hi"})
    method = channel.unary_stream("/modelwire.v1beta.ChatService/ChatCompletions")
    return method(request.SerializeToString())
