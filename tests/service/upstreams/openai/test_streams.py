"""What an OpenAI-compatible server streams, and what becomes of it."""

from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
from modelwire_service.errors import ServiceError, UpstreamProtocolError, UpstreamRefused
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.openai.stream import ChunkReader
from modelwire_service.upstreams.redaction import Redactor
from modelwire_service.upstreams.text_runs import chunks_in
from support.openai_upstream import BASE_URL, REQUEST, SSE, always, ask, delta, events, streamed, streaming


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
    chunks = await streamed(streaming(body))
    assert [chunk["choices"][0]["delta"]["content"] for chunk in chunks] == contents


async def test_chunks_without_choices_pass() -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}
    body = events({"choices": None, "id": "c1"}, delta("a", "stop"), usage)
    chunks = await streamed(streaming(body))
    assert chunks == [{"choices": None, "id": "c1"}, delta("a", "stop"), usage]


async def test_events_of_one_piece_are_one_batch() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield events(delta("a"), delta("b"), done=False)
        yield b"data: "
        yield orjson.dumps(delta("c", "stop")) + b"\n\n"
        yield b"data: [DONE]\n\n"

    upstream = always(lambda: httpx.Response(200, headers=SSE, content=pieces()))
    batches = [list(chunks_in(batch)) async for batch in upstream.stream_chat(REQUEST)]
    assert batches == [[delta("a"), delta("b")], [delta("c", "stop")]]


RECORDED = (
    b"\xef\xbb\xbf: OPENROUTER PROCESSING\r\n\r\n"
    b"data: "
    + orjson.dumps(delta("h\u00e9\U0001f600"))
    + b"\r\n\r\ndata: : keepalive\r\rdata:\n\n"
    + b'data: {"id": "c1", "choices":\ndata:  [{"index": 0, "delta": {"content": "two lines"}}]}\n\n'
    + b"id: 7\nretry: 10\ndata:"
    + orjson.dumps(delta("", "stop"))
)
"""Comments, CR, LF and CRLF, a byte order mark, keep-alives as data, data of two lines; neither [DONE] nor an end."""
TEXTS = ["h\u00e9\U0001f600", "two lines", ""]


def read_in(*pieces: bytes) -> tuple[list[str], ServiceError | None]:
    reader = ChunkReader(Redactor([], BASE_URL))
    chunks = [chunk for piece in pieces for chunk in chunks_in(reader.feed(piece))]
    chunks += chunks_in(reader.close())
    return [chunk["choices"][0]["delta"]["content"] for chunk in chunks], reader.failure


def test_a_recorded_stream_split_at_any_byte_reads_the_same() -> None:
    for at in range(len(RECORDED) + 1):
        assert read_in(RECORDED[:at], RECORDED[at:]) == (TEXTS, None), at


def test_a_recorded_stream_byte_by_byte_reads_the_same() -> None:
    assert read_in(*(bytes([byte]) for byte in RECORDED)) == (TEXTS, None)


def test_a_recorded_stream_cut_short_anywhere_is_a_failure() -> None:
    for end in range(len(RECORDED)):
        texts, failure = read_in(RECORDED[:end])
        assert texts == TEXTS[: len(texts)], end
        assert isinstance(failure, UpstreamProtocolError), end


@pytest.mark.parametrize("reason", ["error", "abort", "insufficient_system_resource"])
@pytest.mark.parametrize(
    ("more", "message", "status"),
    [
        ({}, "the upstream's answer broke off", 500),
        ({"error": {"code": 503, "message": "overloaded"}}, "overloaded", 503),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_choice_that_ends_in_an_error_is_a_failure(
    reason: str, more: Json, message: str, status: int, stream: bool
) -> None:
    choice = {"index": 0, "finish_reason": reason, **more}
    body = events(delta("a"), {"choices": [{**choice, "delta": {}}]})
    answers = [
        httpx.Response(200, headers=SSE, content=body),
        httpx.Response(200, json={"choices": [{**choice, "message": {"content": "a"}}]}),
    ]
    for answer in answers:
        upstream = always(lambda answer=answer: answer)  # type: ignore[misc]
        with pytest.raises(UpstreamRefused) as caught:
            await ask(upstream, stream=stream)
        assert (caught.value.message, caught.value.http_status) == (message, status)
