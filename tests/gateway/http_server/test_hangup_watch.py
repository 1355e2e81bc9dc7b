"""Clients that leave, or stay, while nobody reads what they have sent."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from modelwire_gateway.exchange import CLIENT_LEFT, Receive, Scope, Send
from modelwire_gateway.http_server.hangup_watch import HangUpWatch
from support.asgi_apps import Serve
from support.promptness import happens_within_100_ms
from support.raw_http import PATIENCE, RawClient, connected
from support.uploads import Taking, chunks

Leave = Callable[[RawClient], None]

LEAVES = [RawClient.hang_up, RawClient.reset, RawClient.end_output]
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
MESSAGE = b',{"name":"%b"}' % (b"x" * 43)


def messages(size: int) -> bytes:
    """Messages that take about `size` bytes of JSON, after another one."""
    return MESSAGE * (size // len(MESSAGE))


class Holding:
    """A handler that takes the first request, the others when it is told to `go_on`, and counts them."""

    def __init__(self) -> None:
        self.waits = asyncio.Event()
        self.go_on = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.taken = 0

    async def upload(self, requests: AsyncIterator[bytes], _: Any) -> bytes:
        try:
            async for _request in requests:
                self.taken += 1
                self.waits.set()
                await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return b""


async def send_while_held(client: RawClient, handler: Holding, data: bytes) -> None:
    """Sends `data` to a handler that has taken a request and holds on to it."""
    await client.send(chunks(b"[{}"))
    async with asyncio.timeout(PATIENCE):
        await handler.waits.wait()
    await client.send(data)


class TestUploads:
    @pytest.mark.parametrize("leave", LEAVES)
    @pytest.mark.parametrize(
        "unread",
        [
            pytest.param(chunks(messages(100_000)), id="what is read ahead"),
            pytest.param(chunks(messages(100_000) + b"]", b""), id="the whole"),
            pytest.param(chunks(messages(200_000)), id="more than is read ahead"),
        ],
    )
    async def test_leaving_with_requests_untaken_cancels_the_call(
        self, unread: bytes, leave: Leave, taking: Taking
    ) -> None:
        handler = Holding()
        async with taking(Upload=handler.upload) as front, front.upload("/upload") as client:
            await send_while_held(client, handler, unread)
            leave(client)
            await happens_within_100_ms(handler.cancelled)
        assert handler.taken == 1

    async def test_a_client_that_stays_is_heard_to_the_end(self, taking: Taking) -> None:
        slow, other = Holding(), Holding()
        async with (
            taking(Upload=slow.upload) as front,
            front.upload("/upload") as client,
            taking(Upload=other.upload) as others_front,
        ):
            await send_while_held(client, slow, chunks(messages(200_000)))
            async with others_front.upload("/upload") as leaver:
                await send_while_held(leaver, other, chunks(messages(200_000)))
                leaver.hang_up()
                await happens_within_100_ms(other.cancelled)
            slow.go_on.set()
            await client.send(chunks(messages(150_000) + b"]", b""))
            assert (await client.answer()).status == 200
        assert slow.taken == 1 + 200_000 // len(MESSAGE) + 150_000 // len(MESSAGE)

    async def test_leaving_is_noticed_on_a_connection_that_was_read_on(self, taking: Taking) -> None:
        heard, stuck = Holding(), Holding()
        heard.go_on.set()
        handlers = iter([heard, heard, stuck])

        async def upload(requests: AsyncIterator[bytes], context: Any) -> bytes:
            return await next(handlers).upload(requests, context)

        async with taking(Upload=upload) as front, front.client() as client:
            head = b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            for _ in range(2):
                await client.send(head + chunks(b"[{}" + messages(150_000) + b"]", b""))
                assert (await client.answer()).status == 200
            await client.send(head)
            await send_while_held(client, stuck, chunks(messages(200_000)))
            client.hang_up()
            await happens_within_100_ms(stuck.cancelled)
        assert heard.taken == 2 * (1 + 150_000 // len(MESSAGE))


class Unreading:
    """An app that receives nothing, and waits to be told that its client has left."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.left = asyncio.Event()

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        self.entered.set()
        await asyncio.shield(scope["extensions"][CLIENT_LEFT]["future"])
        self.left.set()


class TestConnections:
    @pytest.mark.parametrize("leave", LEAVES)
    @pytest.mark.parametrize("address", ["127.0.0.1:0", "unix:{}"])
    async def test_leaving_is_noticed_by_an_app_that_receives_nothing(
        self, address: str, leave: Leave, serve: Serve, tmp_path: Path
    ) -> None:
        app = Unreading()
        server = await serve(app, address.format(tmp_path / "s"))
        async with connected(server.address) as client:
            await client.send(CHUNKED + chunks(b"x" * 100_000))
            await app.entered.wait()
            leave(client)
            await happens_within_100_ms(app.left)

    async def test_what_it_sent_does_not_reset_the_connection_of_a_client_that_still_reads(self, serve: Serve) -> None:
        server = await serve(Unreading())
        async with connected(server.address) as client:
            await client.send(CHUNKED + chunks(b"x" * 200_000))
            client.end_output()
            assert await client.rest() == b""  # a reset would raise

    async def test_leaving_leaves_nothing_open(self, serve: Serve) -> None:
        app = Unreading()

        async def leave_in_many_ways(connections: int) -> None:
            server = await serve(app)
            for number in range(connections):
                app.entered.clear()
                app.left.clear()
                async with asyncio.timeout(PATIENCE), connected(server.address) as client:
                    await client.send(CHUNKED + chunks(b"x" * 100_000))
                    await app.entered.wait()
                    LEAVES[number % len(LEAVES)](client)
                    await app.left.wait()
            await server.drain(PATIENCE)

        await leave_in_many_ways(1)  # an event loop opens some files at first use
        open_files = len(os.listdir("/proc/self/fd"))
        await leave_in_many_ways(200)
        assert len(os.listdir("/proc/self/fd")) <= open_files  # what other tests used may be closed meanwhile


class TestWatch:
    @pytest.fixture
    def pair(self) -> Iterator[tuple[socket.socket, socket.socket]]:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            yield ours, theirs

    @pytest.mark.parametrize("leave", [socket.socket.close, lambda peer: peer.shutdown(socket.SHUT_WR)])
    async def test_only_leaving_is_told_and_only_once(
        self, leave: Callable[[socket.socket], None], pair: tuple[socket.socket, socket.socket]
    ) -> None:
        ours, theirs = pair
        told: asyncio.Queue[str] = asyncio.Queue()
        with closing(HangUpWatch(asyncio.get_running_loop())) as hang_ups:
            hang_ups.watch(ours.fileno(), partial(told.put_nowait, "left"))
            theirs.send(b"x")
            await turns_of(hang_ups)
            assert told.empty()
            leave(theirs)
            await turns_of(hang_ups)
            assert told.qsize() == 1

    async def test_who_has_left_before_is_told_too(self, pair: tuple[socket.socket, socket.socket]) -> None:
        ours, theirs = pair
        left = asyncio.Event()
        theirs.close()
        with closing(HangUpWatch(asyncio.get_running_loop())) as hang_ups:
            hang_ups.watch(ours.fileno(), left.set)
            assert not left.is_set()
            await happens_within_100_ms(left)

    async def test_who_is_ignored_is_not_told(self, pair: tuple[socket.socket, socket.socket]) -> None:
        ours, theirs = pair
        left = asyncio.Event()
        with closing(HangUpWatch(asyncio.get_running_loop())) as hang_ups:
            hang_ups.watch(ours.fileno(), left.set)
            theirs.close()
            hang_ups.ignore(ours.fileno())
            hang_ups.ignore(ours.fileno())
            await turns_of(hang_ups)
        assert not left.is_set()

    async def test_closing_it_again_does_nothing(self) -> None:
        hang_ups = HangUpWatch(asyncio.get_running_loop())
        hang_ups.close()
        hang_ups.close()


async def turns_of(hang_ups: HangUpWatch) -> None:
    """Lets `hang_ups` tell all there is to tell, another leaving among it; twice, for what it might tell again."""
    for _ in range(2):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            left = asyncio.Event()
            theirs.close()
            hang_ups.watch(ours.fileno(), left.set)
            async with asyncio.timeout(PATIENCE):
                await left.wait()
