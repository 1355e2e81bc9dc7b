"""Streams of requests that end before their time, by the client's leaving, a deadline or an early answer."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from support.promptness import happens_within_100_ms
from support.raw_http import PATIENCE, RawClient
from support.uploads import Collecting, Stuck, Taking, chunks, head

JSON = "application/json"


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
