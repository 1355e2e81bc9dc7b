"""Deadlines and cancellation reach the handler, in this process and over a channel."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from modelwire_gateway.errors import RpcFailure
from support.promptness import happens_within_100_ms
from support.serving import Harness, Waiting, name_of, received


async def test_a_deadline_ends_the_call_and_cancels_the_handler(harness: Harness) -> None:
    waiting = Waiting()
    async with harness.serving(Unary=waiting.unary) as serving:
        error = await serving.failure("Unary", timeout=0.05)
        async with asyncio.timeout(5):
            await waiting.cancelled.wait()
    assert (name_of(error), error.status.message) == ("DEADLINE_EXCEEDED", "the call did not end before its deadline")


async def test_a_deadline_ends_a_stream_and_cancels_the_handler(harness: Harness) -> None:
    waiting = Waiting()
    async with harness.serving(Stream=waiting.stream) as serving:
        call = serving.call("Stream", timeout=0.3)
        assert await anext(call) == b"x"
        with pytest.raises(RpcFailure, match="before its deadline"):
            await anext(call)
        async with asyncio.timeout(5):
            await waiting.cancelled.wait()
        await call.aclose()


async def test_a_handler_cannot_outwit_its_deadline(harness: Harness) -> None:
    async def stubborn(_: bytes, context: Any) -> bytes:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            context.set_code(grpc.StatusCode.ABORTED)
        return b"too late"

    async with harness.serving(Unary=stubborn) as serving:
        assert name_of(await serving.failure("Unary", timeout=0.05)) == "DEADLINE_EXCEEDED"


@pytest.mark.parametrize("method", ["Unary", "Stream"])
async def test_cancelling_who_waits_cancels_the_handler(method: str, harness: Harness) -> None:
    waiting = Waiting()
    async with harness.serving(Unary=waiting.unary, Stream=waiting.stream) as serving:
        task = asyncio.create_task(received(serving.call(method)))
        await waiting.entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await happens_within_100_ms(waiting.cancelled)


async def test_closing_a_call_half_way_ends_the_handler(harness: Harness) -> None:
    ended = asyncio.Event()

    async def endless(_: bytes, __: Any) -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x"
                await asyncio.sleep(0)
        finally:
            ended.set()

    async with harness.serving(Stream=endless) as serving:
        call = serving.call("Stream")
        assert await anext(call) == b"x"
        await call.aclose()
        await happens_within_100_ms(ended)


async def test_handlers_can_ask_to_be_told_of_the_end(harness: Harness) -> None:
    ends: asyncio.Queue[tuple[bool, bool]] = asyncio.Queue()

    async def asking(_: bytes, context: Any) -> AsyncIterator[bytes]:
        context.add_done_callback(lambda _: ends.put_nowait((context.done(), context.cancelled())))
        yield b"x"
        if dict(context.invocation_metadata()).get("how") == "waits":
            await asyncio.Event().wait()

    async with harness.serving(Stream=asking) as serving, asyncio.timeout(5):
        await received(serving.call("Stream"))
        assert await ends.get() == (True, False)
        call = serving.call("Stream", how="waits")
        await anext(call)
        await call.aclose()
        told = await ends.get()
    assert harness.name == "remote" or told == (True, True)  # grpc.aio tells before it knows how the call ended
