"""What an OpenAI-compatible server sends, and what becomes of it; what it is sent."""

import base64
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from modelwire_service.errors import InvalidRequest, ServiceError, UpstreamProtocolError, UpstreamRefused
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.http.base import Timeouts
from modelwire_service.upstreams.http.httpx_client import HttpxClient
from modelwire_service.upstreams.openai import OpenAIUpstream

BASE_URL = "https://llm.example.net:8443/v1"
KEY = "sk-planted-0123456789"
REQUEST: Json = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
SSE = {"content-type": "text/event-stream"}

Handler = Callable[[httpx.Request], httpx.Response]


def upstream_of(handler: Handler, **options: Any) -> OpenAIUpstream:
    client = HttpxClient(Timeouts(connect=5, first_byte=5, idle=5), httpx.MockTransport(handler))
    return OpenAIUpstream("mock", **{"base_url": BASE_URL, "api_key": KEY, "client": client, **options})


def always(response: Callable[[], httpx.Response]) -> OpenAIUpstream:
    return upstream_of(lambda _: response())


async def streamed(upstream: OpenAIUpstream, request: Json = REQUEST) -> list[Json]:
    return [chunk async for batch in upstream.stream_chat(request) for chunk in batch]


def events(*data: Any, done: bool = True) -> bytes:
    texts = [item if isinstance(item, bytes) else orjson.dumps(item) for item in data]
    return b"".join(b"data: %s\n\n" % text for text in [*texts, *([b"[DONE]"] if done else [])])


def delta(content: str | None = None, finish: str | None = None, index: int = 0, **fields: Any) -> Json:
    told = {} if content is None else {"content": content}
    return {"id": "c1", "choices": [{"index": index, "delta": {**told, **fields}, "finish_reason": finish}]}


COMPLETION: Json = {
    "id": "c1",
    "object": "chat.completion",
    "created": 5,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}


# What is sent


async def test_a_chat_is_posted_as_it_is_with_our_headers_alone() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=COMPLETION)

    upstream = upstream_of(handler, headers={"OpenAI-Project": "p"})
    await upstream.chat({**REQUEST, "top_k": 4, "stream": False, "stream_options": None})
    (request,) = seen
    assert (request.method, str(request.url)) == ("POST", BASE_URL + "/chat/completions")
    assert orjson.loads(request.content) == {**REQUEST, "top_k": 4}
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["user-agent"].startswith("modelwire/")
    assert set(request.headers) == {
        "host",
        "content-length",
        "accept-encoding",
        "accept",
        "content-type",
        "user-agent",
        "authorization",
        "openai-project",
    }


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (None, {"include_usage": True}),
        ({"include_usage": False}, {"include_usage": True}),
        ({"include_obfuscation": False}, {"include_obfuscation": False, "include_usage": True}),
    ],
)
async def test_a_stream_always_asks_for_usage(given: Json | None, sent: Json) -> None:
    seen: list[Json] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(orjson.loads(request.content))
        return httpx.Response(200, headers=SSE, content=events(delta("x", "stop")))

    await streamed(upstream_of(handler), {**REQUEST, "stream_options": given})
    assert seen == [{**REQUEST, "stream": True, "stream_options": sent}]


async def test_without_a_key_no_authorization_is_sent() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert "authorization" not in request.headers
        return httpx.Response(200, json=COMPLETION)

    assert await upstream_of(handler, api_key=None).chat(REQUEST) == COMPLETION


@pytest.mark.parametrize("value", [1 << 70, "\ud800"])
async def test_what_json_cannot_hold_is_the_callers_mistake(value: object) -> None:
    with pytest.raises(InvalidRequest):
        await always(lambda: httpx.Response(200)).chat({**REQUEST, "seed": value})


@pytest.mark.parametrize("url", ["", "llm.example.net", "ftp://x/v1", "http://user:pw@x/v1", "http://x/v1?a=b"])
def test_a_base_url_that_is_no_plain_http_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        upstream_of(lambda _: httpx.Response(200), base_url=url)


def test_the_repr_names_it_and_holds_no_key() -> None:
    assert repr(always(lambda: httpx.Response(200))) == "OpenAIUpstream('mock')"


# Plain answers


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "text/plain", ""])
async def test_any_2xx_with_an_object_is_success(status: int, content_type: str) -> None:
    content, headers = orjson.dumps({**COMPLETION, "error": None}), {"content-type": content_type}
    answer = await always(lambda: httpx.Response(status, content=content, headers=headers)).chat(REQUEST)
    assert answer == {**COMPLETION, "error": None}


WITHOUT_CHOICES: list[Json] = [{}, {"id": "c1"}, {"choices": []}, {"choices": None, "usage": {"total_tokens": 1}}]
UNREADABLE = [
    (b"", "application/json"),
    (b"", "text/event-stream"),
    (b"<html><body>welcome</body></html>", "text/html"),
    (b"[]", "application/json"),
    (b"null", "application/json"),
    (b'"text"', "application/json"),
    (b'{"choices": [', "application/json"),
    (b'{"a": "\xff"}', "application/json"),
    (b"[" * 5000 + b"]" * 5000, "application/json"),
    (b'{"a":' * 200 + b"1" + b"}" * 200, "application/json"),
    (events(b"{broken"), "text/event-stream"),
    (events(b"42"), "text/event-stream"),
    (events({"choices": 5}), "text/event-stream"),
    (events({"choices": ["x"]}), "text/event-stream"),
    (events({"choices": [{"index": []}]}), "text/event-stream"),
    *[(orjson.dumps(answer), "application/json") for answer in WITHOUT_CHOICES],
    *[(events(answer), "text/event-stream") for answer in WITHOUT_CHOICES],
    (events({}, done=False), "text/event-stream"),
    (events(delta("a"), b"[DONE]garbage", done=False), "text/event-stream"),
    (events(delta("a"), b"[DONE", done=False), "text/event-stream"),
    (events(b'{"a":' * 200 + b"1" + b"}" * 200), "text/event-stream"),
    (events(), "text/event-stream"),
    (b": comments only\n\n", "text/event-stream"),
    (events(delta("cut"), done=False), "text/event-stream"),
    (events(delta("a", "stop"), delta("b", index=1), done=False), "text/event-stream"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("body", "content_type"), UNREADABLE)
async def test_an_unreadable_success_is_a_protocol_error(body: bytes, content_type: str, stream: bool) -> None:
    upstream = always(lambda: httpx.Response(200, content=body, headers={"content-type": content_type}))
    with pytest.raises(UpstreamProtocolError) as caught:
        await (streamed(upstream) if stream else upstream.chat(REQUEST))
    assert "welcome" not in caught.value.message


@pytest.mark.parametrize("choices", [5, "text", {}, ["x"], [[]]])
@pytest.mark.parametrize("stream", [False, True])
async def test_choices_of_another_shape_are_a_protocol_error(choices: object, stream: bool) -> None:
    upstream = always(lambda: httpx.Response(200, json={"choices": choices}))
    with pytest.raises(UpstreamProtocolError, match="choices that are no list of objects"):
        await (streamed(upstream) if stream else upstream.chat(REQUEST))


MISSHAPEN = ["text", 5, True, [], {"tool_calls": 5}, {"tool_calls": {}}, {"tool_calls": ["x"]}, {"tool_calls": [None]}]
BAD_INDEXES = [True, False, "x", "", "-1", "1.0", [], {}, -1, 1 << 31, 1 << 63, 1e300]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("said", MISSHAPEN)
async def test_messages_of_another_shape_are_a_protocol_error(said: object, stream: bool) -> None:
    upstream = always(lambda: httpx.Response(200, json={"choices": [{"message": said}]}))
    with pytest.raises(UpstreamProtocolError, match=r"message is no object|tool calls"):
        await (streamed(upstream) if stream else upstream.chat(REQUEST))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("index", BAD_INDEXES, ids=repr)
async def test_an_index_that_is_no_number_is_a_protocol_error(index: object, stream: bool) -> None:
    upstream = always(lambda: httpx.Response(200, json={"choices": [{"index": index, "message": {}}]}))
    with pytest.raises(UpstreamProtocolError, match="index is no number"):
        await (streamed(upstream) if stream else upstream.chat(REQUEST))


@pytest.mark.parametrize(
    "choice", [*[{"index": 0, "delta": said} for said in MISSHAPEN], *[{"index": index} for index in BAD_INDEXES]]
)
async def test_a_misshapen_choice_after_a_good_one_is_a_failure(choice: Json) -> None:
    body = events(delta("a"), {"choices": [{**choice, "finish_reason": "stop"}]})
    upstream = always(lambda: httpx.Response(200, headers=SSE, content=body))
    with pytest.raises(UpstreamProtocolError):
        await upstream.chat(REQUEST)
    stream = upstream.stream_chat(REQUEST)
    assert await anext(stream) == [delta("a")]
    with pytest.raises(UpstreamProtocolError):
        await anext(stream)


@pytest.mark.parametrize(("index", "read"), [(1, 1), ("2", 2), (1.0, 1), (None, 0), ((1 << 31) - 1, (1 << 31) - 1)])
async def test_an_index_may_be_a_text_a_float_or_left_out(index: object, read: int) -> None:
    body = events({"choices": [{"index": index, "delta": {"content": "a"}, "finish_reason": "stop"}]})
    completion = await always(lambda: httpx.Response(200, headers=SSE, content=body)).chat(REQUEST)
    assert [choice["index"] for choice in completion["choices"]] == [read]


async def test_an_answer_over_the_limit_is_refused() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(65):
            yield bytes(1 << 20)

    with pytest.raises(UpstreamProtocolError, match="over 67108864 bytes"):
        await always(lambda: httpx.Response(200, content=pieces())).chat(REQUEST)


# Failures

ERROR = {"message": "no such model", "type": "invalid_request_error", "param": "model", "code": None}
SHAPES: list[tuple[Any, str, str | None]] = [
    ({"error": ERROR}, "no such model", "model"),
    ([{"error": ERROR}], "no such model", "model"),
    ({"error": "no such model"}, "no such model", None),
    ({"message": "no such model", "statusCode": "404", "path": "/v1", "requestId": "r"}, "no such model", None),
    ({"object": "error", "message": "no such model", "code": 404, "param": None}, "no such model", None),
    ({"detail": "no such model"}, "no such model", None),
    ({"error": {"message": {"odd": 1}, "param": 5}}, "upstream answered 404", None),
    ({"error": {}}, "upstream answered 404", None),
    ([], "upstream answered 404", None),
    (None, "upstream answered 404", None),
]


@pytest.mark.parametrize(("body", "message", "param"), SHAPES)
async def test_the_shapes_of_errors(body: Any, message: str, param: str | None) -> None:
    with pytest.raises(UpstreamRefused) as caught:
        await always(lambda: httpx.Response(404, json=body)).chat(REQUEST)
    assert (caught.value.message, caught.value.param, caught.value.http_status) == (message, param, 404)


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500, 502, 529])
@pytest.mark.parametrize("body", [b"<html>Bad <b>gateway</b></html>", b"", b"plain words", b"\xff\xfe", b"x" * 70_000])
async def test_error_bodies_that_are_not_json_are_not_passed_on(status: int, body: bytes) -> None:
    with pytest.raises(UpstreamRefused) as caught:
        await streamed(always(lambda: httpx.Response(status, content=body)))
    assert (caught.value.message, caught.value.http_status) == (f"upstream answered {status}", status)


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ({"error": {"message": "busy", "code": 429}}, 429),
        ([{"error": {"message": "busy", "code": 503, "status": "UNAVAILABLE"}}], 503),
        ({"error": {"message": "busy", "code": "insufficient_quota"}}, 502),
        ({"error": "busy"}, 502),
        ({"object": "error", "message": "busy", "type": "BadRequestError", "code": 400}, 400),
        ({"message": "busy", "statusCode": "500"}, 500),
    ],
)
@pytest.mark.parametrize("way", ["json", "json to a stream", "event", "event to a plain call"])
async def test_an_error_within_a_success_is_a_failure(payload: Any, status: int, way: str) -> None:
    response = {"content": events(payload), "headers": SSE} if way.startswith("event") else {"json": payload}
    upstream = always(lambda: httpx.Response(200, **response))
    with pytest.raises(UpstreamRefused) as caught:
        await (upstream.chat(REQUEST) if way in ("json", "event to a plain call") else streamed(upstream))
    assert (caught.value.message, caught.value.http_status) == ("busy", status)


async def test_chunks_before_an_error_event_are_still_delivered() -> None:
    body = events(delta("one"), delta("two"), {"error": {"message": "out of memory", "code": 500}}, delta("no"))
    stream = always(lambda: httpx.Response(200, headers=SSE, content=body)).stream_chat(REQUEST)
    assert await anext(stream) == [delta("one"), delta("two")]
    with pytest.raises(UpstreamRefused, match="out of memory"):
        await anext(stream)


@pytest.mark.parametrize(
    ("data", "message", "status"),
    [
        (b'{"message": "over"}', "over", 502),
        (b'{"type": "error", "error": {"message": "over", "code": 529}}', "over", 529),
        (b'[{"error": {"message": "over", "code": "429"}}]', "over", 429),
        (b'{"choices": []}', "upstream answered 502", 502),
        (b"words", "upstream answered 502", 502),
        (b"", "upstream answered 502", 502),
    ],
)
@pytest.mark.parametrize("end", [b"\n\n", b"", b"\n\ndata: [DONE]\n\n"])
async def test_an_event_named_error_is_a_failure(data: bytes, message: str, status: int, end: bytes) -> None:
    body = events(delta("one"), done=False) + b"event: error\ndata: " + data + end
    upstream = always(lambda: httpx.Response(200, headers=SSE, content=body))
    stream = upstream.stream_chat(REQUEST)
    assert await anext(stream) == [delta("one")]
    with pytest.raises(UpstreamRefused) as late:
        await anext(stream)
    with pytest.raises(UpstreamRefused) as folded:
        await upstream.chat(REQUEST)
    for caught in (late, folded):
        assert (caught.value.message, caught.value.http_status) == (message, status)


async def test_an_event_named_error_after_the_end_is_none() -> None:
    body = events(delta("a", "stop")) + b"event: error\ndata: {}\n\n"
    assert await streamed(always(lambda: httpx.Response(200, headers=SSE, content=body))) == [delta("a", "stop")]


async def test_the_wait_an_upstream_asks_for_is_kept() -> None:
    with pytest.raises(UpstreamRefused) as caught:
        await always(lambda: httpx.Response(429, headers={"retry-after": "2.5"}, json={})).chat(REQUEST)
    assert caught.value.retry_after == 2.5


@pytest.mark.parametrize("status", [200, 401, 500])
@pytest.mark.parametrize("stream", [False, True])
async def test_no_error_tells_the_key_the_address_or_a_traceback(status: int, stream: bool) -> None:
    message = f"key {KEY} refused at {BASE_URL}/chat/completions\nTraceback (most recent call last):\n  File x"
    upstream = always(lambda: httpx.Response(status, json={"error": {"message": message, "param": KEY}}))
    with pytest.raises(UpstreamRefused) as caught:
        await (streamed(upstream) if stream else upstream.chat(REQUEST))
    assert caught.value.message == "key [key] refused at [upstream]"
    assert caught.value.param == "[key]"
    assert KEY not in str(caught.value.to_status())


# Streams


@pytest.mark.parametrize(
    ("body", "contents"),
    [
        (events(delta("a"), delta("b", "stop")), ["a", "b"]),
        (events(delta("a"), delta("b", "stop"), done=False), ["a", "b"]),
        (events(delta("a"), delta("b", "stop"), done=False)[:-2], ["a", "b"]),
        (events(delta("a"), delta("b")), ["a", "b"]),
        (events(delta("a"), b": keepalive", b"", delta("b", "stop")), ["a", "b"]),
        (b": hello\n\n" + events(delta("a", "stop")).replace(b"\n", b"\r\n"), ["a"]),
        (events(delta("a", "stop")) + b"data: trailing nonsense\n\n", ["a"]),
        (events(delta("a", "stop")) + b"\nnonsense", ["a"]),
        (events(delta("a", "stop", 0), delta("b", "length", 1), done=False), ["a", "b"]),
    ],
)
async def test_streams_and_their_chunks(body: bytes, contents: list[str]) -> None:
    chunks = await streamed(always(lambda: httpx.Response(200, headers=SSE, content=body)))
    assert [chunk["choices"][0]["delta"]["content"] for chunk in chunks] == contents


async def test_chunks_without_choices_pass() -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}
    body = events({"choices": None, "id": "c1"}, delta("a", "stop"), usage)
    chunks = await streamed(always(lambda: httpx.Response(200, headers=SSE, content=body)))
    assert chunks == [{"choices": None, "id": "c1"}, delta("a", "stop"), usage]


async def test_events_of_one_piece_are_one_batch() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield events(delta("a"), delta("b"), done=False)
        yield b"data: "
        yield orjson.dumps(delta("c", "stop")) + b"\n\n"
        yield b"data: [DONE]\n\n"

    upstream = always(lambda: httpx.Response(200, headers=SSE, content=pieces()))
    batches = [batch async for batch in upstream.stream_chat(REQUEST)]
    assert batches == [[delta("a"), delta("b")], [delta("c", "stop")]]


# JSON where a stream was asked for, and the reverse


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
        ({"message": {"tool_calls": [{"id": "c"}]}, "finish_reason": None}, "tool_calls"),
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
        ({"tool_calls": [{"id": "c"}]}, None, "tool_calls"),
    ],
)
async def test_a_stream_that_says_done_without_a_reason_becomes_a_completion_with_one(
    said: Json, finish: str | None, reason: str
) -> None:
    body = events({"choices": [{"delta": said, "finish_reason": finish}]})
    completion = await always(lambda: httpx.Response(200, headers=SSE, content=body)).chat(REQUEST)
    assert completion["choices"][0]["finish_reason"] == reason


async def test_a_stream_becomes_a_completion() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    first = {"id": "c1", "object": "chat.completion.chunk", "created": 5, "model": "m", "usage": None}
    logprobs = [{"token": "a", "logprob": -1.0}]
    body = events(
        {**first, "choices": [{"index": 1, "delta": {"role": "assistant", "content": ""}}]},
        {**first, "choices": [{"index": 0, "delta": {"role": "assistant", "reasoning_content": "th"}}]},
        delta("hel", reasoning_content="ink", role=""),
        {"choices": [{"index": 0, "delta": {"content": "lo"}, "logprobs": {"content": logprobs, "refusal": None}}]},
        delta(tool_calls=[{"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": ""}}]),
        delta(tool_calls=[{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{"}}]),
        delta(tool_calls=[{"index": 1, "function": {"arguments": "[]"}}, {"index": 0, "function": {"arguments": "}"}}]),
        delta(finish="tool_calls"),
        delta(finish="stop", index=1),
        {**first, "choices": [], "usage": usage},
    )
    completion = await always(lambda: httpx.Response(200, headers=SSE, content=body)).chat(REQUEST)
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
    completion = await always(lambda: httpx.Response(200, headers=SSE, content=body)).chat(REQUEST)
    calls = completion["choices"][0]["message"]["tool_calls"]
    assert [call["function"] for call in calls] == [
        {"name": "f", "arguments": "{}"},
        {"name": "g", "arguments": "[]"},
    ]


# Embeddings

EMBED: Json = {"model": "e", "input": ["a", "b", "c"]}
VECTORS = [[1.5, -2.0], [0.25, 3.0], [0.0, 1.0]]


def packed(vector: list[float]) -> str:
    return base64.b64encode(np.array(vector, dtype="<f4").tobytes()).decode()


def embeddings(*indexes: int | None, encoded: bool = False, **members: Any) -> Json:
    data = []
    for position, index in enumerate(indexes):
        vector = VECTORS[position if index is None else index]
        item = {"object": "embedding", "embedding": packed(vector) if encoded else vector}
        data.append(item if index is None else {**item, "index": index})
    return {"object": "list", "data": data, **members}


@pytest.mark.parametrize("indexes", [(0, 1, 2), (2, 0, 1), (None, 1, 2), (None, None, None), (1, None, 2)])
@pytest.mark.parametrize(("encoded", "dtype"), [(True, np.float32), (False, np.float64)])
async def test_vectors_come_in_the_order_of_the_inputs(
    indexes: tuple[int | None, ...], encoded: bool, dtype: type[np.floating[Any]]
) -> None:
    if indexes == (1, None, 2):
        answer = embeddings(1, 0, 2, encoded=encoded)
        del answer["data"][1]["index"]
    else:
        answer = embeddings(*indexes, encoded=encoded)
    found = await always(lambda: httpx.Response(200, json=answer)).embed(EMBED)
    assert [vector.tolist() for vector in found.vectors] == VECTORS
    assert {vector.dtype.type for vector in found.vectors} == {dtype}
    assert (found.model, found.prompt_tokens, found.total_tokens) == ("e", 0, 0)


async def test_the_model_and_the_tokens_are_the_upstreams() -> None:
    answer = embeddings(0, 1, 2, model="e-2", usage={"prompt_tokens": 7})
    found = await always(lambda: httpx.Response(200, json=answer)).embed(EMBED)
    assert (found.model, found.prompt_tokens, found.total_tokens) == ("e-2", 7, 7)


@pytest.mark.parametrize(
    ("told", "read"),
    [(1 << 31, (1 << 31) - 1), ((1 << 31) - 1, (1 << 31) - 1), (-5, 0), (1e308, 0), (1 << 63, 0), ("8", 8), (True, 0)],
)
async def test_tokens_of_embeddings_stay_within_what_the_contract_holds(told: object, read: int) -> None:
    answer = embeddings(0, 1, 2, usage={"prompt_tokens": told, "total_tokens": told})
    found = await always(lambda: httpx.Response(200, json=answer)).embed(EMBED)
    assert (found.prompt_tokens, found.total_tokens) == (read, read)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"data": None},
        {"data": []},
        embeddings(0, 1),
        embeddings(0, 1, 1),
        {"data": [{"embedding": [1.0], "index": index} for index in (0, 1, 3)]},
        {"data": [{"embedding": [1.0], "index": index} for index in (-1, 0, 1)]},
        {"data": ["a", "b", "c"]},
        *[
            {"data": [{"embedding": bad}] * 3}
            for bad in (None, [], "", "!!!", "AAA=", [[1.0]], ["x"], [None], {"a": 1}, packed([float("nan")]), 5)
        ],
    ],
)
async def test_embeddings_that_do_not_match_the_inputs_are_a_protocol_error(answer: Json) -> None:
    with pytest.raises(UpstreamProtocolError):
        await always(lambda: httpx.Response(200, json=answer)).embed(EMBED)


@pytest.mark.parametrize(
    "told", [{"message": "unknown field encoding_format"}, {"message": "no", "param": "encoding_format"}]
)
@pytest.mark.parametrize("status", [400, 422])
async def test_floats_are_asked_for_once_base64_was_refused_and_then_always(told: Json, status: int) -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(orjson.loads(request.content)["encoding_format"])
        return (
            httpx.Response(status, json={"error": told})
            if asked[-1] == "base64"
            else httpx.Response(200, json=embeddings(0, 1, 2))
        )

    upstream = upstream_of(handler)
    for _ in range(2):
        assert len((await upstream.embed(EMBED)).vectors) == 3
    assert asked == ["base64", "float", "float"]


async def test_another_refusal_of_embeddings_is_not_repeated() -> None:
    calls: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(400, json={"error": {"message": "too long"}})

    with pytest.raises(UpstreamRefused, match="too long"):
        await upstream_of(handler).embed(EMBED)
    assert len(calls) == 1


# Models


async def test_models_are_listed_whatever_they_leave_out() -> None:
    listed = [
        {"id": "a", "object": "model", "created": 17, "owned_by": "x"},
        {"id": "b", "created": "18"},
        {"id": "c", "created": 19.0, "owned_by": None},
        {"id": "d", "created": "yesterday"},
        {"id": "e", "created": -1},
        {"id": "g", "created": 9223372036854775807},
        {"id": "h", "created": 9223372036854775808},
        {"id": "i", "created": "9999999999999999999"},
        {"id": "j", "created": 1e300},
        {"id": "k", "created": True},
        {"id": 5},
        "f",
    ]
    models = await always(lambda: httpx.Response(200, json={"data": listed})).list_models()
    assert [(model.id, model.created, model.owned_by) for model in models] == [
        ("a", 17, "x"),
        ("b", 18, ""),
        ("c", 19, ""),
        ("d", 0, ""),
        ("e", 0, ""),
        ("g", 9223372036854775807, ""),
        ("h", 0, ""),
        ("i", 0, ""),
        ("j", 0, ""),
        ("k", 0, ""),
    ]


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (httpx.Response(200, json={"data": None}), UpstreamProtocolError),
        (httpx.Response(200, json=[]), UpstreamProtocolError),
        (httpx.Response(401, json={"error": {"message": "bad key"}}), UpstreamRefused),
    ],
)
async def test_a_list_of_models_that_is_none_is_an_error(response: httpx.Response, kind: type[ServiceError]) -> None:
    with pytest.raises(kind):
        await always(lambda: response).list_models()
