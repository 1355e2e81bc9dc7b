"""Streams of requests over a real connection, through either backend: as they arrive, as far as they are wanted."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.app import Transcoder
from modelwire_gateway.backends.local import LocalBackend
from modelwire_gateway.requests.body import READ_AHEAD_BYTES
from support.asgi_calls import AsgiCall
from support.raw_http import PATIENCE
from support.scripted_service import ScriptedService
from support.uploads import NDJSON, Collecting, Stuck, Taking, chunks, echo, head

JSON = "application/json"
SSE = "Accept: text/event-stream"
A, B = b"\x0a\x01a", b"\x0a\x01b"
"""Messages M of these names."""


async def echo_by_reading(_: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
    while (request := await context.read()) is not grpc.aio.EOF:
        yield request


class TestArrival:
    @pytest.mark.parametrize("handler", [echo, echo_by_reading])
    @pytest.mark.parametrize(
        ("content_type", "parts"),
        [
            (JSON, [b'[{"name":"a"}', b',{"name":"b"}', b',{"name":"c"}', b"]"]),
            (JSON, [b'{"name":"a"}', b'{"name":"b"}', b' {"name":"c"}', b"\n"]),
            (NDJSON, [b'{"name":"a"}\n', b'{"name":"b"}\n', b'{"name":"c"}\n', b"\n"]),
        ],
    )
    async def test_each_message_is_answered_before_the_next_is_sent(
        self, content_type: str, parts: list[bytes], handler: Any, taking: Taking
    ) -> None:
        async with (
            taking(Chat=handler) as front,
            front.upload("/chat", content_type, f"Accept: {NDJSON}") as client,
        ):
            await client.send(chunks(parts[0]))
            head_of_answer = await client.answer(to_head=True)
            said = [await client.chunk()]
            for part in parts[1:-1]:
                await client.send(chunks(part))
                said.append(await client.chunk())
            await client.send(chunks(parts[-1], b""))
            assert await client.chunk() == b""
        assert (head_of_answer.status, head_of_answer.headers["content-type"]) == (200, NDJSON)
        assert said == [b'{"name":"a"}\n', b'{"name":"b"}\n', b'{"name":"c"}\n']

    async def test_all_of_it_reaches_a_service_that_answers_once(self, taking: Taking) -> None:
        collecting = Collecting()
        async with taking(Upload=collecting.upload) as front, front.upload("/upload/x") as client:
            await client.send(chunks(*(bytes([byte]) for byte in b'[{"name":"a"},{"name":"b"}]'), b""))
            assert (await client.answer()).status == 200
            await client.send(head("/upload") + chunks(b"[]", b""))
            assert (await client.answer()).json == {}
        assert collecting.requests == [b"\x0a\x01a\x0a\x01x", B]

    async def test_raw_bytes_are_passed_on_as_they_come(self, taking: Taking) -> None:
        pieces: asyncio.Queue[bytes] = asyncio.Queue()

        async def note(requests: AsyncIterator[bytes], _: Any) -> bytes:
            async for request in requests:
                pieces.put_nowait(request)
            return b""

        async with (
            taking(Files=note) as front,
            front.upload("/files", "text/plain") as client,
            asyncio.timeout(PATIENCE),
        ):
            await client.send(chunks(b"a"))
            assert await pieces.get() == b"\x0a\x0atext/plain\x12\x01a"
            await client.send(chunks(b"b"))
            assert await pieces.get() == b"\x12\x01b"
            await client.send(chunks(b""))
            assert (await client.answer()).status == 200
        assert pieces.empty()

    async def test_a_rule_without_a_body_is_one_message(self, taking: Taking) -> None:
        collecting = Collecting()
        async with taking(Upload=collecting.upload) as front, front.client() as client:
            await client.send(b"GET /bare/x HTTP/1.1\r\nHost: test\r\n\r\n")
            assert (await client.answer()).status == 200
        assert collecting.requests == [b"\x0a\x01x"]

    async def test_a_long_stream_is_not_limited_as_a_message_is(self, taking: Taking) -> None:
        collecting = Collecting()
        async with taking(Upload=collecting.upload, limit=2**10) as front, front.upload("/upload") as client:
            await client.send(chunks(b"[" + b",".join([b'{"name":"a"}'] * 5000) + b"]", b""))
            assert (await client.answer()).status == 200
        assert collecting.requests == [A] * 5000

    async def test_a_client_that_asks_is_told_to_continue(self, taking: Taking) -> None:
        async with taking(Chat=echo) as front, front.upload("/chat", JSON, "Expect: 100-continue", SSE) as client:
            assert (await client.answer()).status == 100
            await client.send(chunks(b'[{"name":"a"}'))
            assert (await client.answer(to_head=True)).status == 200
            assert await client.chunk() == b'data: {"name":"a"}\n\n'
            await client.send(chunks(b"]", b""))
            assert await client.chunk() == b""

    async def test_a_client_that_asks_is_refused_before_it_sends(self, taking: Taking) -> None:
        async with taking() as front, front.upload("/chat", "text/plain", "Expect: 100-continue") as client:
            assert (await client.answer()).status == 415


async def test_no_more_is_read_than_the_service_can_take(upload_services: tuple[ServiceDescriptor, ...]) -> None:
    stuck = Stuck(1)
    piece = b'{"name":"a"} ' * 1000
    pieces = 0

    async def receive() -> dict[str, Any]:
        nonlocal pieces
        pieces += 1
        return {"type": "http.request", "body": piece, "more_body": True}

    app = Transcoder(upload_services, LocalBackend([ScriptedService(upload_services, Upload=stuck.upload)]))
    call = AsgiCall("POST", "/upload")
    running = asyncio.create_task(app(call.scope, receive, call.send))
    await stuck.waits.wait()
    for _ in range(1000):
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert pieces <= 2 * (READ_AHEAD_BYTES // len(piece) + 1)  # taken at once, and read ahead of the next


async def test_an_array_of_one_megabyte_elements_passes(taking: Taking) -> None:
    collecting = Collecting()
    element = json.dumps({"name": "x" * 2**20}).encode()
    async with taking(Upload=collecting.upload, limit=2**21) as front, front.upload("/upload") as client:
        await client.send(chunks(b"[" + element, b"," + element, b"]", b""))
        assert (await client.answer()).status == 200
    assert [len(request) for request in collecting.requests] == [2**20 + 4] * 2
