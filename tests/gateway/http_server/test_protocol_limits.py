"""Clients that do not read, and more clients than there is room for."""

import asyncio

from modelwire_gateway.exchange import Receive, Scope, Send
from support.asgi_apps import Patient, Serve, echo
from support.raw_http import PATIENCE, connected

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Torrent:
    """Answers without an end, and tells when somebody stopped it."""

    def __init__(self) -> None:
        self.stopped = asyncio.Event()
        self.written = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while (await self._gone(receive)) is False:
                await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
                self.written += 65_536
        finally:
            self.stopped.set()

    async def _gone(self, receive: Receive) -> bool:
        leaving = asyncio.create_task(self._left(receive))
        done, _ = await asyncio.wait([leaving], timeout=0)
        leaving.cancel()
        return bool(done)

    async def _left(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass


async def test_an_answer_that_nobody_reads_breaks_off_and_little_of_it_is_held(serve: Serve) -> None:
    app = Torrent()
    server = await serve(app, stall_seconds=0.1)
    async with connected(server.address) as client, asyncio.timeout(PATIENCE):
        await client.send(GET)
        await app.stopped.wait()
    assert app.written < 32 * 2**20  # what the kernel holds of it
    async with connected(server.address) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await client.answer_head()).startswith("HTTP/1.1 200")


async def test_connections_beyond_the_limit_are_turned_away_while_the_others_go_on(serve: Serve) -> None:
    patient = Patient()
    server = await serve(patient, max_connections=1)
    async with connected(server.address) as first:
        await first.send(GET)
        await patient.entered.wait()
        async with connected(server.address) as second:
            answer = await second.answer()
            assert answer.refuses(503)
            assert answer.headers["retry-after"] == "1"
            assert await second.rest() == b""
        patient.go_on.set()
        assert (await first.answer()).status == 200


async def test_a_connection_that_ends_makes_room(serve: Serve) -> None:
    server = await serve(echo, max_connections=1)
    for _ in range(3):
        async with connected(server.address) as client:
            await client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert (await client.answer()).status == 200
            assert await client.rest() == b""
