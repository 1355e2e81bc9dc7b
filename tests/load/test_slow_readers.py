"""Clients that stop reading long streams: the upstream is not read either, and nobody else notices."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
from google.api import httpbody_pb2
from load.clients import Asked, chat_request, clients_of
from load.impatient import impatient_door
from load.plays import Play
from load.raw_requests import request
from load.running import TURN, Served, UpstreamProgram, serving, upstream_running
from modelwire.v1beta import chat_pb2
from support.raw_http import connected

READERS = 6
"""At each door."""
LONG = Play(events=4_000, size=65_536)
LONG_BYTES = LONG.events * LONG.size
MOST_READ = 24 * 2**20
"""Of each stream: what sockets hold between the upstream and the client, of which the kernel decides, and we little."""
MOST_HELD = 5 * 2**20
PATIENCE = 60.0


async def test_what_nobody_reads_is_not_read_from_the_upstream_and_others_are_served(tmp_path: Path) -> None:
    async with (
        upstream_running() as upstream,
        serving(tmp_path, upstream.settings("steady")) as served,
        clients_of(served.url, served.grpc_address) as clients,
        asyncio.timeout(PATIENCE),
    ):
        usual = [await client.call(Asked(Play(), "chat")) for client in clients]
        before = served.resident_bytes
        async with AsyncExitStack() as stack:
            for _ in range(READERS):
                await stack.enter_async_context(rest_reader(served.http_address))
                await stack.enter_async_context(grpc_reader(served.grpc_address))
            await upstream.has_open(2 * READERS)
            written = await stopped(served, upstream, 2 * READERS)
            held = served.resident_bytes - before
            during = [await client.call(Asked(Play(), kind)) for client in clients for kind in ("chat", "stream")]
        await upstream.has_open(0)
    assert {ended.status for ended in [*usual, *during]} == {"OK"}
    assert written < 2 * READERS * MOST_READ < 2 * READERS * LONG_BYTES
    assert held < 2 * READERS * MOST_HELD, f"{held / 2**20:.1f} MiB"


async def test_an_answer_that_nobody_reads_is_given_up_and_so_is_its_stream() -> None:
    async with (
        upstream_running() as upstream,
        impatient_door(upstream, 0.5) as server,
        rest_reader(server.address),
        asyncio.timeout(PATIENCE),
    ):
        await upstream.has_open(1)
        await upstream.has_open(0)
        assert (await upstream.figures()).left == 1
        async with connected(server.address) as other:
            await other.send(request(Asked(Play(), "chat")))
            assert (await other.answer()).status == 200


@asynccontextmanager
async def rest_reader(address: str) -> AsyncIterator[None]:
    """A client that asks for the long stream and reads none of it."""
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        sock.setblocking(False)
        await loop.sock_connect(sock, (host, int(port)))
        await loop.sock_sendall(sock, request(Asked(LONG)))
        yield


@asynccontextmanager
async def grpc_reader(address: str) -> AsyncIterator[None]:
    """The same over a gRPC connection of its own, but that it reads the first piece."""
    options = (("grpc.use_local_subchannel_pool", 1),)
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        method = channel.unary_stream(
            "/modelwire.v1beta.ChatService/ChatCompletions",
            chat_pb2.ChatCompletionsRequest.SerializeToString,
            httpbody_pb2.HttpBody.FromString,
        )
        call = method(chat_request(Asked(LONG)))
        await call.read()
        yield
        call.cancel()


async def stopped(served: Served, upstream: UpstreamProgram, streams: int) -> int:
    """Waits until no more is read of the streams; how many bytes of events the upstream has written.

    That is when the server sleeps while there is more to read of each: had it just no time, it would not sleep. Nothing
    else may have been written between two such looks.
    """
    last, written = -1, 0
    while written != last:
        last = written
        while not (served.sleeps and upstream.unread == streams):  # noqa: ASYNC110 - it is in other processes
            await asyncio.sleep(TURN)
        written = (await upstream.figures()).written
    return written
