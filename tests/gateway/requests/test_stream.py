"""Streams of requests over a real connection, through either backend: as they arrive, as far as they are wanted."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.app import Transcoder
from modelwire_gateway.backends.local import LocalBackend
from modelwire_gateway.requests.body import READ_AHEAD_BYTES
from support.asgi_calls import AsgiCall
from support.promptness import happens_within_100_ms
from support.raw_http import PATIENCE, RawClient
from support.scripted_service import ScriptedService
from support.uploads import NDJSON, PROTO, Collecting, Front, chunks, head, taking_streams

CompileServices = Callable[[str], tuple[ServiceDescriptor, ...]]
Taking = Callable[..., AbstractAsyncContextManager[Front]]
JSON = "application/json"
SSE = "Accept: text/event-stream"
A, B = b"\x0a\x01a", b"\x0a\x01b"
"""Messages M of these names."""


@pytest.fixture(scope="module")
def services(compile_services: CompileServices) -> tuple[ServiceDescriptor, ...]:
    return compile_services(PROTO)


@pytest.fixture
def taking(services: tuple[ServiceDescriptor, ...], backend: str) -> Taking:
    return partial(taking_streams, backend, services)


async def echo(requests: AsyncIterator[bytes], _: Any) -> AsyncIterator[bytes]:
    async for request in requests:
        yield request


async def echo_by_reading(_: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
    while (request := await context.read()) is not grpc.aio.EOF:
        yield request


class Stuck:
    """A handler that waits for ever, and tells when it begins to and that it has been ended.

    It waits when it has taken `count` requests; without a count, for requests as long as there may be some.
    """

    def __init__(self, count: int | None = None) -> None:
        self.waits = asyncio.Event()
        self.ended = asyncio.Event()
        self._count = count

    async def upload(self, requests: AsyncIterator[bytes], _: Any) -> bytes:
        try:
            if self._count is None:
                await self._take_all(requests)
            for _index in range(self._count or 0):
                await anext(requests)
            self.waits.set()
            await asyncio.Event().wait()
        finally:
            self.ended.set()
        raise AssertionError

    async def chat(self, requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        yield await self.upload(requests, context)

    async def _take_all(self, requests: AsyncIterator[bytes]) -> None:
        async for _ in requests:
            self.waits.set()


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


class TestRefusals:
    @pytest.mark.parametrize(
        ("content_type", "parts", "status", "complaint"),
        [
            (JSON, [b"[{},{}", b',{"name":1}', b"]"], 400, "[2].name: "),
            (JSON, [b"[{}", b"{}]"], 400, "[1]: invalid JSON at byte 3 of the body: ',' or ']'"),
            (JSON, [b"[{}", b" "], 400, "[1]: invalid JSON at byte 4 of the body: ',' or ']' is expected, not the end"),
            (NDJSON, [b"{}\n", b"{\n"], 400, "[1]: invalid JSON at line 1 column"),
            (JSON, [b"[{}", b',{"name":"', b"x" * 2000], 413, "message [1] is larger than 1000 bytes"),
        ],
    )
    async def test_a_request_that_cannot_be_read_is_the_callers_fault(
        self,
        content_type: str,
        parts: list[bytes],
        status: int,
        complaint: str,
        taking: Taking,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        for path in ("/upload", "/chat"):
            stuck = Stuck()
            async with taking(Upload=stuck.upload, Chat=stuck.chat, limit=1000) as front:
                async with front.upload(path, content_type) as client:
                    await client.send(chunks(parts[0]))
                    async with asyncio.timeout(PATIENCE):
                        await stuck.waits.wait()
                    await client.send(chunks(*parts[1:], b""))
                    answer = await client.answer()
                await happens_within_100_ms(stuck.ended)
            assert (answer.status, answer.json["error"]["message"][: len(complaint)]) == (status, complaint)
        assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []

    async def test_it_is_refused_while_the_rest_is_still_to_come(self, taking: Taking) -> None:
        async with taking(Upload=Collecting().upload) as front, front.upload("/upload") as client:
            await client.send(chunks(b'[{},{"name":1}'))
            assert (await client.answer()).refuses(400)
            await client.send(chunks(b",{}" * 1000))
            assert await client.rest() == b""

    @pytest.mark.parametrize(
        ("accept", "answer"),
        [
            (SSE, b'data: {"name":"a"}\n\ndata: {"error":{"code":400,'),
            (f"Accept: {NDJSON}", b'{"name":"a"}\n{"error":{"code":400,'),
        ],
    )
    async def test_a_late_one_is_told_in_the_framings_way(self, accept: str, answer: bytes, taking: Taking) -> None:
        async with taking(Chat=echo) as front, front.upload("/chat", JSON, accept) as client:
            await client.send(chunks(b'[{"name":"a"}'))
            assert (await client.answer(to_head=True)).status == 200
            said = await client.chunk()
            await client.send(chunks(b',{"name":1}]', b""))
            while piece := await client.chunk():
                said += piece
        assert said.startswith(answer)
        assert b'"message":"[1].name: ' in said

    async def test_a_late_one_breaks_an_array_off(self, taking: Taking) -> None:
        async with taking(Chat=echo) as front, front.upload("/chat") as client:
            await client.send(chunks(b'[{"name":"a"}'))
            assert (await client.answer(to_head=True)).status == 200
            assert await client.chunk() == b'[{"name":"a"}'
            await client.send(chunks(b",}]", b""))
            with pytest.raises(asyncio.IncompleteReadError):
                await client.chunk()

    async def test_a_handler_that_reads_in_a_task_of_its_own_is_interrupted(self, taking: Taking) -> None:
        cancelled = asyncio.Event()

        async def read_beside(requests: AsyncIterator[bytes], _: Any) -> bytes:
            reading = asyncio.ensure_future(Collecting().upload(requests, None))
            try:
                await asyncio.Event().wait()
            finally:
                reading.cancel()
                cancelled.set()
            raise AssertionError

        async with taking(Upload=read_beside) as front, front.upload("/upload") as client:
            await client.send(chunks(b"[{},x]", b""))
            answer = await client.answer()
            await happens_within_100_ms(cancelled)
        assert (answer.status, answer.json["error"]["message"][:5]) == (400, "[1]: ")

    async def test_a_handler_that_makes_something_of_it_is_not_heard(self, taking: Taking) -> None:
        async def stubborn(requests: AsyncIterator[bytes], context: Any) -> bytes:
            try:
                await Collecting().upload(requests, context)
            except asyncio.CancelledError:
                context.set_code(grpc.StatusCode.ABORTED)
            return b""

        async with taking(Upload=stubborn) as front, front.upload("/upload") as client:
            await client.send(chunks(b"[{},x]", b""))
            assert (await client.answer()).status == 400


class TestLeaving:
    @pytest.mark.parametrize("leave", [RawClient.hang_up, RawClient.reset])
    @pytest.mark.parametrize("count", [1, None], ids=["while the service is busy", "while the service reads"])
    @pytest.mark.parametrize("sent_ahead", [b"", b',{"name":"b"},{"na'], ids=["", "with more sent ahead"])
    async def test_a_client_that_leaves_in_mid_upload_cancels_the_call(
        self,
        sent_ahead: bytes,
        count: int | None,
        leave: Callable[[RawClient], None],
        taking: Taking,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        stuck = Stuck(count)
        async with taking(Upload=stuck.upload) as front, front.upload("/upload") as client:
            await client.send(chunks(b'[{"name":"a"}' + sent_ahead))
            async with asyncio.timeout(PATIENCE):
                await stuck.waits.wait()
            leave(client)
            await happens_within_100_ms(stuck.ended)
        assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []

    async def test_a_client_that_leaves_after_its_upload_cancels_the_call(self, taking: Taking) -> None:
        stuck = Stuck(1)
        async with taking(Upload=stuck.upload) as front, front.upload("/upload") as client:
            await client.send(chunks(b'[{"name":"a"}]', b""))
            async with asyncio.timeout(PATIENCE):
                await stuck.waits.wait()
            client.hang_up()
            await happens_within_100_ms(stuck.ended)

    async def test_a_deadline_covers_the_upload(self, taking: Taking) -> None:
        async with (
            taking(Upload=Collecting().upload) as front,
            front.upload("/upload", JSON, "Grpc-Timeout: 100m") as client,
        ):
            await client.send(chunks(b"[{}"))
            answer = await client.answer()
        assert (answer.status, answer.json["error"]["status"]) == (504, "DEADLINE_EXCEEDED")


class TestEarlyEnds:
    async def test_an_error_before_the_end_of_the_upload_is_answered_at_once(self, taking: Taking) -> None:
        async def refuse(requests: AsyncIterator[bytes], context: Any) -> bytes:
            await anext(requests)
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "not you")
            raise AssertionError

        async with taking(Upload=refuse) as front, front.upload("/upload") as client:
            await client.send(chunks(b"[{},{}"))
            answer = await client.answer()
            assert answer.refuses(403)
            await client.send(chunks(b",{}" * 100_000))
            assert await client.rest() == b""

    async def test_an_answer_before_the_end_of_the_upload_is_sent_at_once(self, taking: Taking) -> None:
        async def first(requests: AsyncIterator[bytes], _: Any) -> bytes:
            return await anext(requests)

        async with taking(Upload=first) as front, front.upload("/upload") as client:
            await client.send(chunks(b'[{"name":"a"}'))
            answer = await client.answer()
            assert (answer.status, answer.json, answer.headers["connection"]) == (200, {"name": "a"}, "close")
            assert await client.rest() == b""

    async def test_a_stream_of_answers_may_end_first_and_the_connection_lives_on(self, taking: Taking) -> None:
        async def first(requests: AsyncIterator[bytes], _: Any) -> AsyncIterator[bytes]:
            yield await anext(requests)

        async with taking(Chat=first) as front, front.upload("/chat") as client:
            await client.send(chunks(b'[{"name":"a"}'))
            answer = await client.answer()
            assert (answer.status, answer.json) == (200, [{"name": "a"}])
            await client.send(chunks(b',{"name":"b"}', b"]", b"") + head("/chat") + chunks(b'[{"name":"c"}]', b""))
            assert (await client.answer()).json == [{"name": "c"}]

    async def test_nothing_is_left_running(self, taking: Taking) -> None:
        async def at_once(_: AsyncIterator[bytes], __: Any) -> bytes:
            return b""

        async with taking(Upload=at_once) as front:
            before = asyncio.all_tasks()
            async with front.upload("/upload") as client:
                await client.send(chunks(b"["))
                assert (await client.answer()).status == 200
                client.hang_up()
            servers = {task for task in asyncio.all_tasks() if "AioServer" in repr(task)}
            if left := asyncio.all_tasks() - before - servers:
                _, running = await asyncio.wait(left, timeout=5)
                assert not running


async def test_no_more_is_read_than_the_service_can_take(services: tuple[ServiceDescriptor, ...]) -> None:
    stuck = Stuck(1)
    piece = b'{"name":"a"} ' * 1000
    pieces = 0

    async def receive() -> dict[str, Any]:
        nonlocal pieces
        pieces += 1
        return {"type": "http.request", "body": piece, "more_body": True}

    app = Transcoder(services, LocalBackend([ScriptedService(services, Upload=stuck.upload)]))
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
