"""What a stopping server owes to those it is talking to."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from modelwire.v1beta import chat_pb2, chat_pb2_grpc
from support.programs import COMMAND, clean_environment
from support.raw_http import connected
from support.scripted_upstream import DONE, ScriptedUpstream, answer_events, chunk
from support.stack import Stack
from support.streams import gated

REQUEST = {"model": "scripted", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
SIGNALS = [signal.SIGTERM, signal.SIGINT]
MORE_THAN_FITS = 64
"""MiB: more than sockets and pipes between an upstream and a client who does not read hold."""


class Served:
    """A running server that does not block the test's loop; `grpc_address` is "" where it has no such door."""

    def __init__(self, process: asyncio.subprocess.Process, grpc_address: str, http_address: str) -> None:
        self.process = process
        self.grpc_address = grpc_address
        self.url = f"http://{http_address}"

    async def refuses_connections(self) -> None:
        """Waits until REST takes no more connections."""
        while True:
            try:
                async with httpx.AsyncClient() as client:
                    await client.get(f"{self.url}/v1/models")
            except httpx.TransportError:
                break


def served(
    upstream: ScriptedUpstream, *options: str, stderr: int = asyncio.subprocess.DEVNULL
) -> AbstractAsyncContextManager[Served]:
    """`modelwire serve` in front of the scripted upstream."""
    return started("serve", "--grpc-address", "127.0.0.1:0", *options, stderr=stderr, OPENAI_BASE_URL=upstream.url)


@asynccontextmanager
async def started(*arguments: str, stderr: int = asyncio.subprocess.DEVNULL, **variables: str) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(
        *(COMMAND, *arguments, "--http-address", "127.0.0.1:0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        env=clean_environment(variables),
    )
    assert process.stdout is not None
    addresses = {}
    while not (line := (await process.stdout.readline()).decode()).startswith("try"):
        name, address = line.split()[0], line.split()[-1]
        addresses[name] = address
    try:
        yield Served(process, addresses.get("grpc", ""), addresses["http"])
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("number", SIGNALS)
async def test_running_streams_finish_on_both_doors(number: signal.Signals, upstream: ScriptedUpstream) -> None:
    gate = gated(upstream)
    async with (
        served(upstream) as server,
        httpx.AsyncClient(timeout=30) as client,
        grpc.aio.insecure_channel(server.grpc_address) as channel,
        client.stream("POST", f"{server.url}/v1/chat/completions", json=REQUEST) as response,
    ):
        call = chat_pb2_grpc.ChatServiceStub(channel).ChatCompletions(_grpc_request())
        pieces = response.aiter_bytes()
        rest = [await anext(pieces)]
        grpc_rest = [(await call.read()).data]
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=""))
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING

        server.process.send_signal(number)
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()
        gate.set()

        rest += [piece async for piece in pieces]
        while (body := await call.read()) is not grpc.aio.EOF:
            grpc_rest.append(body.data)
        assert b"".join(rest).endswith(DONE)
        assert b"".join(grpc_rest).endswith(DONE)
        async with asyncio.timeout(10):
            assert await server.process.wait() == 0


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_gateway_alone_lets_its_streams_finish(
    number: signal.Signals, stack: Stack, upstream: ScriptedUpstream
) -> None:
    gate = gated(upstream)
    async with (
        started("gateway", "--target", stack.grpc_address) as gateway,
        httpx.AsyncClient(timeout=30) as client,
        client.stream("POST", f"{gateway.url}/v1/chat/completions", json=REQUEST) as response,
    ):
        pieces = response.aiter_bytes()
        rest = [await anext(pieces)]
        gateway.process.send_signal(number)
        async with asyncio.timeout(10):
            await gateway.refuses_connections()
            gate.set()
            rest += await _all(pieces)
            assert b"".join(rest).endswith(DONE)
            assert await gateway.process.wait() == 0


async def test_a_stream_that_never_ends_is_cut_after_the_bounded_time(upstream: ScriptedUpstream) -> None:
    gated(upstream)
    async with (
        served(upstream, "--drain-seconds", "0.3") as server,
        httpx.AsyncClient(timeout=30) as client,
        client.stream("POST", f"{server.url}/v1/chat/completions", json=REQUEST) as response,
    ):
        pieces = response.aiter_bytes()
        await anext(pieces)
        server.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            *_, last = b"".join(await _all(pieces)).strip().split(b"\n\n")
            error = json.loads(last.removeprefix(b"data: "))["error"]
            assert (error["code"], error["message"]) == (503, "the server is shutting down")
            assert await server.process.wait() == 0
            await upstream.left.wait()


async def test_a_stream_that_nobody_reads_is_cut_quietly(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answer = answer_events(*[chunk("x" * 2**20)] * MORE_THAN_FITS)
    body = json.dumps(REQUEST).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with (tmp_path / "log").open("wb") as log:
        async with (
            served(upstream, "--drain-seconds", "1.5", stderr=log.fileno()) as server,
            connected(server.url.removeprefix("http://")) as client,
        ):
            await client.send(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            await client.answer_head()
            server.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                assert await server.process.wait() == 0
    logged = (tmp_path / "log").read_text()
    assert "call id=" in logged
    assert "Traceback" not in logged


async def test_no_new_call_is_taken_while_draining(upstream: ScriptedUpstream) -> None:
    gate = gated(upstream)
    async with (
        served(upstream) as server,
        grpc.aio.insecure_channel(server.grpc_address) as channel,
    ):
        call = chat_pb2_grpc.ChatServiceStub(channel).ChatCompletions(_grpc_request())
        body = await call.read()
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=""))
        await watch.read()
        server.process.send_signal(signal.SIGTERM)
        await watch.read()
        watch.cancel()
        async with asyncio.timeout(10):
            await server.refuses_connections()
        gate.set()
        bodies = [body.data]
        while (body := await call.read()) is not grpc.aio.EOF:
            bodies.append(body.data)
        assert bodies[-1].endswith(DONE)


async def _all(pieces: AsyncIterator[bytes]) -> list[bytes]:
    return [piece async for piece in pieces]


def _grpc_request() -> chat_pb2.ChatCompletionsRequest:
    request = chat_pb2.ChatCompletionsRequest(model="scripted", stream=True)
    request.messages.add().update({"role": "user", "content": "Hi"})
    return request
