"""gzip and zstd at the door of the real program."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from support.codings import Decoder, decoded
from support.fronted import ONE, PROTO, TWO, answers
from support.gateway_programs import gateway_of
from support.programs import running
from support.raw_http import connected
from support.scripted_upstream import COMPLETION, DONE, ScriptedUpstream, answer_events, answer_json, chunk

FREE = ("--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0")
CHAT = "/v1/chat/completions"
REQUEST: dict[str, Any] = {"model": "scripted", "messages": [{"role": "user", "content": "Hi"}]}
LONG_REPLY = {**COMPLETION, "choices": [{"index": 0, "message": {"role": "assistant", "content": "word " * 600}}]}
BOTH = {"accept-encoding": "gzip, deflate, br, zstd"}


async def post(url: str, request: dict[str, Any], accept_encoding: str) -> tuple[httpx.Response, bytes]:
    """The answer, and its body as it came over the wire."""
    headers = {"accept-encoding": accept_encoding}
    async with (
        httpx.AsyncClient(timeout=30) as client,
        client.stream("POST", url, json=request, headers=headers) as answer,
    ):
        return answer, b"".join([piece async for piece in answer.aiter_raw()])


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_a_reply_of_some_length(upstream: ScriptedUpstream, coding: str) -> None:
    upstream.answer = answer_json(LONG_REPLY)
    with running("serve", *FREE, environment={"OPENAI_BASE_URL": upstream.url}) as server:
        plain, plain_body = await post(server.url + CHAT, REQUEST, "identity")
        coded, coded_body = await post(server.url + CHAT, REQUEST, coding)
    assert "content-encoding" not in plain.headers
    assert coded.headers["content-encoding"] == coding
    assert len(coded_body) < len(plain_body) / 4
    assert orjson.loads(decoded(coding, coded_body)) == orjson.loads(plain_body)


async def test_embeddings_are_long_and_come_whole(upstream: ScriptedUpstream) -> None:
    data = [{"object": "embedding", "index": i, "embedding": [n / 7 for n in range(1536)]} for i in range(20)]
    usage = {"prompt_tokens": 3, "total_tokens": 3}
    upstream.answer = answer_json({"object": "list", "model": "scripted", "data": data, "usage": usage})
    request = {"model": "scripted", "input": ["a"] * len(data), "encoding_format": "float"}
    with running("serve", *FREE, environment={"OPENAI_BASE_URL": upstream.url}) as server:
        answer, body = await post(f"{server.url}/v1/embeddings", request, "gzip, zstd")
    assert answer.headers["content-encoding"] == "zstd"
    assert orjson.loads(decoded("zstd", body))["data"] == data


async def test_a_short_reply_and_an_error_stay_as_they_are(upstream: ScriptedUpstream) -> None:
    with running("serve", *FREE, environment={"OPENAI_BASE_URL": upstream.url}) as server:
        reply, _ = await post(server.url + CHAT, REQUEST, "gzip, zstd")
        error, _ = await post(server.url + CHAT, {**REQUEST, "temperature": 9}, "gzip, zstd")
    assert (reply.status_code, error.status_code) == (200, 400)
    for answer in (reply, error):
        assert "content-encoding" not in answer.headers
        assert answer.headers["vary"] == "Accept-Encoding"


async def test_events_are_never_compressed(upstream: ScriptedUpstream) -> None:
    upstream.answer = answer_events(*(chunk("word " * 100) for _ in range(9)), chunk(finish="stop"), DONE)
    with running("serve", *FREE, environment={"OPENAI_BASE_URL": upstream.url}) as server:
        answer, body = await post(server.url + CHAT, {**REQUEST, "stream": True}, "gzip, zstd, identity;q=0")
    assert answer.headers["content-type"] == "text/event-stream"
    assert "content-encoding" not in answer.headers
    assert body.endswith(DONE)


async def test_nothing_is_compressed_where_the_operator_says_so(upstream: ScriptedUpstream) -> None:
    upstream.answer = answer_json(LONG_REPLY)
    with running("serve", *FREE, "--no-compression", environment={"OPENAI_BASE_URL": upstream.url}) as server:
        answer, body = await post(server.url + CHAT, REQUEST, "gzip, zstd")
    assert "content-encoding" not in answer.headers
    assert orjson.loads(body)["choices"]


@pytest.mark.parametrize(
    ("path", "accept", "pieces"),
    [
        ("/stream", "application/x-ndjson", [b'{"name":"1"}\n', b'{"name":"2"}\n', b""]),
        ("/stream", "application/json", [b'[{"name":"1"}', b',{"name":"2"}', b"]"]),
    ],
)
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_a_message_can_be_read_before_the_next_exists(
    path: str, accept: str, pieces: list[bytes], coding: str, tmp_path: Path
) -> None:
    first_was_read = asyncio.Event()

    async def stream(_: bytes, __: Any) -> AsyncIterator[bytes]:
        yield ONE
        await first_was_read.wait()
        yield TWO

    async with gateway_of(PROTO, tmp_path, Stream=stream) as gateway, connected(gateway.http_address) as client:
        head = f"GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: {accept}\r\naccept-encoding: {coding}\r\n\r\n"
        await client.send(head.encode())
        assert (await client.answer(to_head=True)).headers["content-encoding"] == coding
        decoder = Decoder(coding)
        read = decoder.feed(await client.chunk())
        assert read == pieces[0]
        first_was_read.set()
        while chunk_of_two := await client.chunk():
            read += decoder.feed(chunk_of_two)
    assert read == b"".join(pieces)
    assert decoder.ended


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_a_stream_that_breaks_off_cannot_be_taken_for_whole(coding: str, tmp_path: Path) -> None:
    async def fail(_: bytes, __: Any) -> AsyncIterator[bytes]:
        yield ONE
        raise RuntimeError

    async with gateway_of(PROTO, tmp_path, Stream=fail) as gateway, connected(gateway.http_address) as client:
        await client.send(f"GET /stream HTTP/1.1\r\nhost: localhost\r\naccept-encoding: {coding}\r\n\r\n".encode())
        assert (await client.answer(to_head=True)).headers["content-encoding"] == coding
        decoder = Decoder(coding)
        assert decoder.feed(await client.chunk()) == b'[{"name":"1"}'
        with pytest.raises(asyncio.IncompleteReadError):
            await client.chunk()
    assert not decoder.ended


async def test_clients_that_decode_by_themselves_see_no_difference(tmp_path: Path) -> None:
    async with gateway_of(PROTO, tmp_path, Stream=answers(*[ONE] * 500)) as gateway, httpx.AsyncClient() as client:
        plain = await client.get(f"{gateway.url}/stream", headers={"accept-encoding": "identity"})
        coded = await client.get(f"{gateway.url}/stream", headers={"accept-encoding": "gzip"})
    assert coded.headers["content-encoding"] == "gzip"
    assert coded.json() == plain.json() == [{"name": "1"}] * 500
