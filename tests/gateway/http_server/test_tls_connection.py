"""The front door over TLS: what holds of a plain connection holds there too."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from modelwire_gateway.exchange import CLIENT_LEFT, Receive, Scope, Send
from support.asgi_apps import Patient, Serve, echo
from support.certificates import Authority
from support.promptness import happens_within_100_ms
from support.raw_http import PATIENCE, RawClient, connected

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
PIECE = b"x" * 65_536
Leave = Callable[[RawClient], None]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def trusting(authority: Authority) -> ssl.SSLContext:
    return authority.trusting()


@pytest.fixture
def context(authority: Authority, tmp_path: Path) -> ssl.SSLContext:
    return shown(authority, tmp_path)


def shown(authority: Authority, directory: Path) -> ssl.SSLContext:
    """The context of a server with a certificate of its own."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*authority.issue().written(directory))
    return made


async def get(address: str, trusting: ssl.SSLContext) -> int:
    async with connected(address, trusting) as client:
        await client.send(GET)
        return (await client.answer()).status


class Handmade:
    """A client whose records a test holds in its hands."""

    def __init__(self, client: RawClient, trusting: ssl.SSLContext, reader: asyncio.StreamReader) -> None:
        self._client = client
        self._reader = reader
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = trusting.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")

    async def shake_hands(self) -> None:
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._client.send(self._outgoing.read())
                await self.receive()
            else:
                return await self._client.send(self._outgoing.read())

    async def receive(self) -> None:
        async with asyncio.timeout(PATIENCE):
            self._incoming.write(await self._reader.read(65_536))

    def records(self, data: bytes) -> bytes:
        self.tls.write(data)
        return self._outgoing.read()

    async def answer(self) -> bytes:
        while True:
            try:
                return self.tls.read(65_536)
            except ssl.SSLWantReadError:
                await self.receive()

    async def rest(self) -> bytes:
        """All that comes until the server says farewell."""
        pieces = []
        while piece := await self.answer():
            pieces.append(piece)
        return b"".join(pieces)


@asynccontextmanager
async def handmade(address: str, trusting: ssl.SSLContext) -> AsyncIterator[tuple[RawClient, Handmade]]:
    async with connected(address) as client:
        yield client, Handmade(client, trusting, client.reader)


class TestHandshakes:
    async def test_calls_are_served_and_the_app_knows_that_they_came_over_tls(
        self, serve: Serve, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        schemes = []

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            schemes.append(scope["scheme"])
            await echo(scope, receive, send)

        server = await serve(app, tls=lambda: context)
        async with httpx.AsyncClient(verify=trusting) as http:
            for body in (b"hello", b"h" * 1_000_000):
                answer = await http.post(f"https://{server.address}/path", content=body)
                assert answer.json()["body"] == body.decode()
        assert schemes == ["https", "https"]

    async def test_a_client_that_does_not_trust_it_gets_nothing_and_the_next_is_served(
        self, serve: Serve, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        server = await serve(echo, tls=lambda: context)
        for stranger in (Authority("another").trusting(), ssl.create_default_context()):
            with pytest.raises(ssl.SSLCertVerificationError):
                await get(server.address, stranger)
        assert await get(server.address, trusting) == 200

    @pytest.mark.parametrize("begun", [b"", b"\x16\x03\x01\x02\x00\x01\x00"], ids=["nothing", "the start of a hello"])
    async def test_a_client_that_does_not_finish_it_is_cut_off(
        self, begun: bytes, serve: Serve, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        server = await serve(echo, tls=lambda: context, arrival_seconds=0.2)
        async with connected(server.address) as client:
            await client.send(begun)
            assert await client.rest() == b""
        assert await get(server.address, trusting) == 200

    async def test_a_client_that_sends_nothing_after_it_is_cut_off(
        self, serve: Serve, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        server = await serve(echo, tls=lambda: context, arrival_seconds=0.2)
        async with connected(server.address, trusting) as client:
            assert await client.rest() == b""

    async def test_plain_http_is_told_to_use_tls(
        self, serve: Serve, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        server = await serve(echo, tls=lambda: context)
        async with connected(server.address) as client:
            await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000)
            answer = await client.answer()
            assert answer.refuses(400)
            assert answer.json["error"]["message"] == "this port is for TLS: use https"
            assert await client.rest() == b""
        assert await get(server.address, trusting) == 200

    @pytest.mark.parametrize("sent", [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x00" * 100, b"SSH-2.0-x\r\n"])
    async def test_what_is_no_tls_ends(
        self, sent: bytes, serve: Serve, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        server = await serve(echo, tls=lambda: context)
        async with connected(server.address) as client:
            await client.send(sent)
            assert len(await client.rest()) <= 7  # an alert (RFC 8446, section 6)
        assert await get(server.address, trusting) == 200

    async def test_tls_to_a_plain_port_ends(self, serve: Serve, trusting: ssl.SSLContext) -> None:
        server = await serve(echo)
        with pytest.raises(ssl.SSLError):
            await get(server.address, trusting)
        async with connected(server.address) as client:
            await client.send(GET)
            assert (await client.answer()).status == 200

    async def test_a_connection_keeps_the_context_it_began_with(
        self, serve: Serve, authority: Authority, trusting: ssl.SSLContext, tmp_path: Path
    ) -> None:
        contexts = [shown(authority, tmp_path) for _ in range(2)]
        given = iter(contexts)
        server = await serve(echo, tls=lambda: next(given))
        async with connected(server.address, trusting) as first, connected(server.address, trusting) as second:
            for client in (first, second, first):
                await client.send(GET)
                assert (await client.answer()).status == 200
            assert first.tls.getpeercert(binary_form=True) != second.tls.getpeercert(binary_form=True)

    async def test_a_connection_too_many_ends_before_it(
        self, serve: Serve, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        server = await serve(echo, tls=lambda: context, max_connections=1)
        async with connected(server.address, trusting) as client:
            async with connected(server.address) as other:
                assert await other.rest() == b""
            await client.send(GET)
            assert (await client.answer()).status == 200


class TestRecords:
    async def test_they_may_come_byte_by_byte(
        self, serve: Serve, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        server = await serve(echo, tls=lambda: context)
        async with handmade(server.address, trusting) as (client, hand):
            await hand.shake_hands()
            for byte in hand.records(GET):
                await client.send(bytes([byte]))
            assert (await hand.answer()).startswith(b"HTTP/1.1 200 OK\r\n")

    async def test_many_may_come_at_once(self, serve: Serve, context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
        server = await serve(echo, tls=lambda: context)
        async with handmade(server.address, trusting) as (client, hand):
            await hand.shake_hands()
            await client.send(b"".join(hand.records(bytes([byte])) for byte in GET))
            assert (await hand.answer()).startswith(b"HTTP/1.1 200 OK\r\n")

    async def test_one_that_was_tampered_with_ends_the_connection_and_the_call(
        self, serve: Serve, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        app = Patient(streams=True)
        server = await serve(app, tls=lambda: context)
        async with handmade(server.address, trusting) as (client, hand):
            await hand.shake_hands()
            await client.send(hand.records(GET))
            await app.entered.wait()
            record = bytearray(hand.records(GET))
            record[-1] ^= 1
            await client.send(bytes(record))
            await happens_within_100_ms(app.left)
        assert await get_echo(serve, context, trusting) == 200

    async def test_a_farewell_is_said_at_the_end(
        self, serve: Serve, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        server = await serve(echo, tls=lambda: context)
        async with handmade(server.address, trusting) as (client, hand):
            await hand.shake_hands()
            await client.send(hand.records(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
            assert (await hand.rest()).startswith(b"HTTP/1.1 200 OK\r\n")  # only a farewell ends it without an error


async def get_echo(serve: Serve, context: ssl.SSLContext, trusting: ssl.SSLContext) -> int:
    return await get((await serve(echo, tls=lambda: context)).address, trusting)


class Unreading:
    """An app that receives nothing, and waits to be told that its client has left."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.left = asyncio.Event()

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        self.entered.set()
        await asyncio.shield(scope["extensions"][CLIENT_LEFT]["future"])
        self.left.set()


class TestLeaving:
    @pytest.mark.parametrize("leave", [RawClient.hang_up, RawClient.end_connection, RawClient.reset])
    @pytest.mark.parametrize("streams", [False, True])
    async def test_it_is_noticed_before_and_within_a_stream(
        self, streams: bool, leave: Leave, serve: Serve, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        app = Patient(streams=streams)
        server = await serve(app, tls=lambda: context)
        async with connected(server.address, trusting) as client:
            await client.send(GET)
            await app.entered.wait()
            leave(client)
            await happens_within_100_ms(app.left)

    @pytest.mark.parametrize("leave", [RawClient.end_connection, RawClient.reset])
    async def test_it_is_noticed_while_nothing_is_read(
        self, leave: Leave, serve: Serve, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        app = Unreading()
        server = await serve(app, tls=lambda: context)
        async with connected(server.address, trusting) as client:
            await client.send(CHUNKED + b"%x\r\n%b\r\n" % (100_000, b"x" * 100_000))
            await app.entered.wait()
            leave(client)
            await happens_within_100_ms(app.left)


class Flooding:
    """An app that answers `pieces` times `PIECE`, and counts those it could send."""

    def __init__(self, pieces: int) -> None:
        self.pieces = pieces
        self.sent = 0
        self.progress = asyncio.Event()

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(self.pieces):
            await send({"type": "http.response.body", "body": PIECE, "more_body": True})
            self.sent += 1
            self.progress.set()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def stands_still(self) -> None:
        """Returns once nothing could be sent for a while."""
        while True:
            self.progress.clear()
            try:
                async with asyncio.timeout(0.2):
                    await self.progress.wait()
            except TimeoutError:
                return


class TestAnswers:
    async def test_one_that_is_not_read_holds_the_app_back_and_comes_whole_in_the_end(
        self, serve: Serve, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        app = Flooding(400)
        server = await serve(app, tls=lambda: context)
        async with handmade(server.address, trusting) as (client, hand):
            await hand.shake_hands()
            await client.send(hand.records(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n"))
            await app.stands_still()
            assert 0 < app.sent < app.pieces
            _, _, body = (await hand.rest()).partition(b"\r\n\r\n")
        assert len(body) == app.pieces * len(PIECE)

    async def test_a_refusal_reaches_a_client_that_goes_on_sending(
        self, serve: Serve, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        server = await serve(echo, tls=lambda: context)
        async with connected(server.address, trusting) as client:
            await client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 500_000)
            assert (await client.answer()).refuses(431)
            await client.send(b"x" * 500_000)
            assert await client.rest() == b""  # a reset would raise


class TestDraining:
    async def test_it_ends_idle_connections_and_handshakes_at_once(
        self, serve: Serve, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        server = await serve(echo, tls=lambda: context)
        async with (
            connected(server.address, trusting) as used,
            connected(server.address, trusting) as silent,
            connected(server.address) as unshaken,
        ):
            await used.send(GET)
            await used.answer()
            async with asyncio.timeout(1):
                await server.drain(PATIENCE)
            assert await used.rest() == await silent.rest() == await unshaken.rest() == b""

    async def test_it_does_not_wait_for_farewells(
        self, serve: Serve, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        server = await serve(echo, tls=lambda: context)
        async with handmade(server.address, trusting) as (client, hand):
            await hand.shake_hands()
            await client.send(hand.records(GET))
            await hand.answer()
            async with asyncio.timeout(1):
                await server.drain(PATIENCE)

    async def test_it_lets_a_stream_finish(
        self, serve: Serve, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        app = Patient(streams=True)
        server = await serve(app, tls=lambda: context)
        async with connected(server.address, trusting) as client:
            await client.send(GET)
            await app.entered.wait()
            draining = asyncio.create_task(server.drain(PATIENCE))
            await asyncio.sleep(0)
            app.go_on.set()
            assert (await client.answer()).body == b"firstlast"
            assert await client.rest() == b""
            async with asyncio.timeout(1):
                await draining
        assert not app.left.is_set()
