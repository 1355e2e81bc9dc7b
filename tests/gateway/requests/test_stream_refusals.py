"""Streams of requests that cannot be read: what the caller is told, and what becomes of the service's handler."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from support.promptness import happens_within_100_ms
from support.raw_http import PATIENCE
from support.uploads import NDJSON, Collecting, Stuck, Taking, chunks, echo

JSON = "application/json"
SSE = "Accept: text/event-stream"


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
