"""What anybody can send to the door for gRPC, with frames that no client would make."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import grpc
import pytest
from fuzz.http2_frames import PREFACE, fields_of, frame, hpack, message
from modelwire_service.access.caller import Caller
from modelwire_service.dispatch.admission import Admission
from modelwire_service.dispatch.deadlines import Deadlines
from modelwire_service.entrance import Entrance
from modelwire_service.errors import Unauthenticated
from modelwire_service.limits.memory import MemoryLimiter
from support.raw_http import connected
from support.scripted_upstream import ScriptedUpstream
from support.stack import Stack, openai_settings, running_stack

LIST_MODELS = "/modelwire.v1beta.ModelService/ListModels"
SETTINGS = frame(4, 0, 0, b"")


@pytest.fixture
async def stack(upstream: ScriptedUpstream) -> AsyncIterator[Stack]:
    async with running_stack(openai_settings(upstream.url)) as running_one:
        yield running_one


async def sent(stack: Stack, frames: bytes) -> None:
    """Sends frames and waits until the server has had its turn with them, or has hung up."""
    async with connected(stack.grpc_address) as client:
        await client.send(PREFACE + SETTINGS + frames + frame(6, 0, 0, b"modelwir"))
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            async with asyncio.timeout(5):
                await client.reader.readuntil(b"modelwir")


def call(path: bytes, *more: tuple[bytes, bytes], body: bytes = b"") -> bytes:
    fields = [(name, path if name == b":path" else value) for name, value in fields_of("")]
    return frame(1, 4, 1, hpack([*fields, *more])) + frame(0, 1, 1, message(body))


ODD = {
    "a path that is no text": call(b"/a\x90"),
    "a path that is no text below a service": call(b"/modelwire.v1beta.ModelService/\xff"),
    "a path with a line end": call(b"/a\r\nb"),
    "a path with a NUL": call(b"/a\0"),
    "no path": call(b""),
    "metadata that is no text": call(LIST_MODELS.encode(), (b"x", b"\xff\xfe")),
    "a name that is no text": call(LIST_MODELS.encode(), (b"x\xff", b"x")),
    "a credential that is no text": call(LIST_MODELS.encode(), (b"authorization", b"Bearer \xff")),
    "a message that is none": call(b"/grpc.health.v1.Health/Check", body=b"\xff\xff"),
}


@pytest.mark.parametrize("name", ODD)
async def test_no_frames_end_the_door_for_others(name: str, stack: Stack) -> None:
    async with grpc.aio.insecure_channel(stack.grpc_address) as channel:
        method = channel.unary_unary(LIST_MODELS)
        before = await method(b"", timeout=10)
        for _ in range(3):
            await sent(stack, ODD[name])
        assert await method(b"", timeout=10) == before
    async with grpc.aio.insecure_channel(stack.grpc_address) as another:
        assert await another.unary_unary(LIST_MODELS)(b"", timeout=10) == before


async def test_methods_that_are_not_served_are_unimplemented_at_once(stack: Stack) -> None:
    async with grpc.aio.insecure_channel(stack.grpc_address) as channel:

        async def code_of(path: str) -> grpc.StatusCode:
            call = channel.unary_unary(path)(b"", timeout=10)
            return await call.code()

        paths = [f"/modelwire.v1beta.ModelService/Unknown{at}" for at in range(200)] + [
            "/a/b",
            "/grpc.health.v2.Health/X",
        ]
        assert set(await asyncio.gather(*map(code_of, paths))) == {grpc.StatusCode.UNIMPLEMENTED}


async def never() -> AsyncIterator[bytes]:
    """Requests of a client that keeps its message to itself."""
    await asyncio.Event().wait()
    yield b""


async def nothing() -> AsyncIterator[bytes]:
    return
    yield b""


class NobodyKnown:
    """Knows nobody."""

    asks = True

    def caller(self, _: Any) -> Caller:
        raise Unauthenticated("no API key")


@pytest.mark.parametrize("path", [LIST_MODELS, "/modelwire.v1beta.ChatService/ChatCompletions"])
async def test_who_is_not_known_is_told_before_a_message_is_read(path: str, upstream: ScriptedUpstream) -> None:
    closed = Entrance(NobodyKnown(), MemoryLimiter(), Admission(5, 0, "the server"), Deadlines(600, 3_600))
    async with (
        running_stack(openai_settings(upstream.url), entrance=closed) as stack,
        grpc.aio.insecure_channel(stack.grpc_address) as channel,
        asyncio.timeout(10),
    ):
        assert await channel.stream_stream(path)(never()).code() is grpc.StatusCode.UNAUTHENTICATED


async def test_a_call_that_ends_without_a_message_is_refused(stack: Stack) -> None:
    async with grpc.aio.insecure_channel(stack.grpc_address) as channel, asyncio.timeout(10):
        refused = channel.stream_stream(LIST_MODELS)(nothing())
        assert await refused.code() is grpc.StatusCode.INVALID_ARGUMENT
