"""What an OpenAI-compatible server answers, and what becomes of it."""

from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
from modelwire_service.errors import UpstreamProtocolError
from modelwire_service.upstreams.base import Json
from support.openai_upstream import COMPLETION, REQUEST, always, ask, delta, events, streaming


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
        await ask(upstream, stream=stream)
    assert "welcome" not in caught.value.message


@pytest.mark.parametrize("choices", [5, "text", {}, ["x"], [[]]])
@pytest.mark.parametrize("stream", [False, True])
async def test_choices_of_another_shape_are_a_protocol_error(choices: object, stream: bool) -> None:
    upstream = always(lambda: httpx.Response(200, json={"choices": choices}))
    with pytest.raises(UpstreamProtocolError, match=r"malformed: choices(\[0\])? is not (a list|an object)"):
        await ask(upstream, stream=stream)


MISSHAPEN = ["text", 5, True, [], {"tool_calls": 5}, {"tool_calls": {}}, {"tool_calls": ["x"]}, {"tool_calls": [None]}]
BAD_INDEXES = [0.5, True, False, "x", "", "-1", "1.0", [], {}, -1, 1 << 31, 1 << 63, 1e300]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("said", MISSHAPEN)
async def test_messages_of_another_shape_are_a_protocol_error(said: object, stream: bool) -> None:
    upstream = always(lambda: httpx.Response(200, json={"choices": [{"message": said}]}))
    with pytest.raises(
        UpstreamProtocolError,
        match=r"malformed: choices\[0\]\.message(\.tool_calls(\[0\])?)? is not (a list|an object)",
    ):
        await ask(upstream, stream=stream)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("index", BAD_INDEXES, ids=repr)
async def test_an_index_that_is_no_number_is_a_protocol_error(index: object, stream: bool) -> None:
    upstream = always(lambda: httpx.Response(200, json={"choices": [{"index": index, "message": {}}]}))
    with pytest.raises(UpstreamProtocolError, match="malformed: an index is not a whole number"):
        await ask(upstream, stream=stream)


@pytest.mark.parametrize(
    "choice", [*[{"index": 0, "delta": said} for said in MISSHAPEN], *[{"index": index} for index in BAD_INDEXES]]
)
async def test_a_misshapen_choice_after_a_good_one_is_a_failure(choice: Json) -> None:
    body = events(delta("a"), {"choices": [{**choice, "finish_reason": "stop"}]})
    upstream = streaming(body)
    with pytest.raises(UpstreamProtocolError):
        await upstream.chat(REQUEST)
    stream = upstream.stream_chat(REQUEST)
    assert await anext(stream) == [delta("a")]
    with pytest.raises(UpstreamProtocolError):
        await anext(stream)


@pytest.mark.parametrize(("index", "read"), [(1, 1), ("2", 2), (1.0, 1), (None, 0), ((1 << 31) - 1, (1 << 31) - 1)])
async def test_an_index_may_be_a_text_a_float_or_left_out(index: object, read: int) -> None:
    body = events({"choices": [{"index": index, "delta": {"content": "a"}, "finish_reason": "stop"}]})
    completion = await streaming(body).chat(REQUEST)
    assert [choice["index"] for choice in completion["choices"]] == [read]


async def test_an_answer_over_the_limit_is_refused() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(65):
            yield bytes(1 << 20)

    with pytest.raises(UpstreamProtocolError, match="over 67108864 bytes"):
        await always(lambda: httpx.Response(200, content=pieces())).chat(REQUEST)
