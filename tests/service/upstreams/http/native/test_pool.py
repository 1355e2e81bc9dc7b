"""Who gets a connection where none is idle: those who wait, in their order, whatever comes first."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from modelwire_service.errors import UpstreamUnavailable
from modelwire_service.upstreams.http.base import Request, Timeouts
from modelwire_service.upstreams.http.native.client import NativeClient
from modelwire_service.upstreams.http.native.pool import DIALS_AT_ONCE
from support.certificates import Authority
from support.loopback import Loopback, Peer, listening

PATIENT = Timeouts(connect=5, first_byte=5, idle=5)


@dataclass(slots=True)
class Handshakes:
    """A server over TLS that shakes hands with its first client, and with all others once `gate` is set.

    It answers each request once `answer` is set. `connected` tells of each client that connects, with or without a
    handshake, and `asked` of each request; `server.requests` has them.
    """

    server: Loopback
    front: Loopback
    client: NativeClient
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    answer: asyncio.Event = field(default_factory=asyncio.Event)
    connected: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    asked: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    def begin(self, body: bytes) -> asyncio.Task[bytes]:
        return asyncio.create_task(self.call(body))

    async def call(self, body: bytes) -> bytes:
        answer = await self.client.send(Request("POST", self.front.url.replace("http:", "https:"), {}, body))
        return b"".join([piece async for piece in answer.pieces()])


async def times(number: int, happened: asyncio.Semaphore) -> None:
    """Returns when that has happened so many times more."""
    for _ in range(number):
        await happened.acquire()


@asynccontextmanager
async def handshakes(directory: Path, timeouts: Timeouts = PATIENT) -> AsyncIterator[Handshakes]:
    authority = Authority()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue().written(directory, "upstream"))

    async def echo(peer: Peer) -> None:
        while True:
            request = await peer.request()
            seen.asked.release()
            await seen.answer.wait()
            await peer.answer(request.partition(b"\r\n\r\n")[2])

    async def front(peer: Peer) -> None:
        seen.connected.release()
        if peer.number > 0:
            await seen.gate.wait()
        reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
        with closing(writer):
            async with asyncio.TaskGroup() as ways:
                ways.create_task(pass_on(peer.reader, writer))
                ways.create_task(pass_on(reader, peer.writer))

    client = NativeClient(timeouts, tls=authority.trusting())
    async with listening(echo, tls=context) as server, listening(front) as fronting, asyncio.timeout(20):
        seen = Handshakes(server, fronting, client)
        yield seen
        await client.aclose()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def test_who_waits_for_a_dial_takes_what_another_gives_back_in_their_order(tmp_path: Path) -> None:
    async with handshakes(tmp_path) as upstream:
        calls = [upstream.begin(b"first")]
        await times(1, upstream.asked)
        calls += [upstream.begin(b"second"), upstream.begin(b"third")]
        await times(3, upstream.connected)
        upstream.answer.set()
        assert await asyncio.gather(*calls) == [b"first", b"second", b"third"]
        assert [request.partition(b"\r\n\r\n")[2] for request in upstream.server.requests] == await asyncio.gather(
            *calls
        )
        assert upstream.server.connections == 1


async def test_what_nobody_waits_for_any_more_when_it_is_dialled_is_kept(tmp_path: Path) -> None:
    async with handshakes(tmp_path) as upstream:
        calls = [upstream.begin(b"first")]
        await times(1, upstream.asked)
        calls += [upstream.begin(b"second")]
        await times(2, upstream.connected)
        upstream.answer.set()
        await asyncio.gather(*calls)
        upstream.answer.clear()
        upstream.gate.set()
        calls = [upstream.begin(b"third"), upstream.begin(b"fourth")]
        await times(3, upstream.asked)
        upstream.answer.set()
        assert await asyncio.gather(*calls) == [b"third", b"fourth"]
        assert upstream.front.connections == 2


async def test_who_leaves_in_the_moment_of_being_served_leaves_the_connection_to_others(tmp_path: Path) -> None:
    async with handshakes(tmp_path) as upstream:

        async def first() -> None:
            await upstream.call(b"first")
            leaving.cancel()

        task = asyncio.create_task(first())
        await times(1, upstream.asked)
        leaving, staying = upstream.begin(b"second"), upstream.begin(b"third")
        await times(3, upstream.connected)
        upstream.answer.set()
        await task
        assert await staying == b"third"
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert await upstream.call(b"fourth") == b"fourth"
        assert upstream.server.connections == 1
        assert len(upstream.server.requests) == 3


async def test_who_leaves_takes_no_dial_from_those_who_wait(tmp_path: Path) -> None:
    async with handshakes(tmp_path) as upstream:
        calls = [upstream.begin(b"first")]
        await times(1, upstream.asked)
        leaving = [upstream.begin(b"left") for _ in range(10)]
        calls += [upstream.begin(b"second")]
        await times(12, upstream.connected)
        for task in leaving:
            task.cancel()
        await asyncio.wait(leaving)
        upstream.gate.set()
        await times(1, upstream.asked)
        upstream.answer.set()
        assert await asyncio.gather(*calls) == [b"first", b"second"]
        assert upstream.server.connections == 2
        assert upstream.front.connections == 12


async def test_only_so_many_are_dialled_at_once_and_nobody_is_forgotten(tmp_path: Path) -> None:
    async with handshakes(tmp_path) as upstream:
        calls = [upstream.begin(b"first")]
        await times(1, upstream.asked)
        calls += [upstream.begin(b"%d" % number) for number in range(2 * DIALS_AT_ONCE)]
        await times(1 + DIALS_AT_ONCE, upstream.connected)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await times(1, upstream.connected)
        upstream.gate.set()
        await times(2 * DIALS_AT_ONCE, upstream.asked)
        upstream.answer.set()
        told = await asyncio.gather(*calls)
        assert told == [b"first", *(b"%d" % number for number in range(2 * DIALS_AT_ONCE))]
        assert upstream.server.connections == len(calls)


async def test_who_never_got_a_dial_is_told_in_time_too(tmp_path: Path) -> None:
    async with handshakes(tmp_path, Timeouts(connect=0.5, first_byte=5, idle=5)) as upstream:
        call = upstream.begin(b"first")
        await times(1, upstream.asked)
        began = asyncio.get_running_loop().time()
        calls = [upstream.begin(b"late") for _ in range(2 * DIALS_AT_ONCE)]
        errors = await asyncio.gather(*calls, return_exceptions=True)
        assert asyncio.get_running_loop().time() - began < 5
        assert {str(error) for error in errors} == {"the upstream was not reached: no connection within 0.5 s"}
        upstream.answer.set()
        assert await call == b"first"
        assert await upstream.call(b"second") == b"second"


async def test_a_dial_that_fails_is_told_to_one_and_others_are_dialled_for(tmp_path: Path) -> None:
    """The server hangs up on those who connect until it is told to shake hands."""
    refused = 0

    async def hangs_up(peer: Peer) -> None:
        nonlocal refused
        if peer.number < 100:
            refused += 1
            return
        await peer.request()
        await peer.answer(b"ok")

    client = NativeClient(PATIENT)
    async with listening(hangs_up) as server, asyncio.timeout(20):
        url = server.url.replace("http:", "https:")
        calls = [client.send(Request("POST", url)) for _ in range(100)]
        errors = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(error) for error in errors] == [UpstreamUnavailable] * 100
        assert refused == 100
        assert (await client.send(Request("POST", server.url))).status == 200
    await client.aclose()


async def test_closing_the_client_tells_those_who_wait_for_a_dial(tmp_path: Path) -> None:
    async with handshakes(tmp_path) as upstream:
        call = upstream.begin(b"first")
        await times(1, upstream.asked)
        calls = [upstream.begin(b"late") for _ in range(2 * DIALS_AT_ONCE)]
        await times(1 + DIALS_AT_ONCE, upstream.connected)
        await upstream.client.aclose()
        errors = await asyncio.gather(call, *calls, return_exceptions=True)
        assert {type(error) for error in errors} == {UpstreamUnavailable}
        assert [error.sent for error in errors if isinstance(error, UpstreamUnavailable)].count(True) == 1
