"""How an OpenAI-compatible server reports failure, and what callers are told."""

from typing import Any

import httpx
import pytest
from modelwire_service.errors import UpstreamRefused
from support.openai_upstream import BASE_URL, KEY, REQUEST, SSE, always, ask, delta, events, streamed, streaming

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
        ({"error": {"message": "busy", "code": "insufficient_quota"}}, 500),
        ({"error": "busy"}, 500),
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
    stream = streaming(body).stream_chat(REQUEST)
    assert await anext(stream) == [delta("one"), delta("two")]
    with pytest.raises(UpstreamRefused, match="out of memory"):
        await anext(stream)


@pytest.mark.parametrize(
    ("data", "message", "status"),
    [
        (b'{"message": "over"}', "over", 500),
        (b'{"type": "error", "error": {"message": "over", "code": 529}}', "over", 529),
        (b'[{"error": {"message": "over", "code": "429"}}]', "over", 429),
        (b'{"choices": []}', "upstream answered 500", 500),
        (b"words", "upstream answered 500", 500),
        (b"", "upstream answered 500", 500),
    ],
)
@pytest.mark.parametrize("end", [b"\n\n", b"", b"\n\ndata: [DONE]\n\n"])
async def test_an_event_named_error_is_a_failure(data: bytes, message: str, status: int, end: bytes) -> None:
    body = events(delta("one"), done=False) + b"event: error\ndata: " + data + end
    upstream = streaming(body)
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
    assert await streamed(streaming(body)) == [delta("a", "stop")]


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
        await ask(upstream, stream=stream)
    assert caught.value.message == "key [key] refused at [upstream]"
    assert caught.value.param == "[key]"
    assert KEY not in str(caught.value.to_status())
